//! "Did you mean": the closest of a few names.

/// The candidate closest to `name`, if any is close enough to be a slip of the hand.
///
/// Close enough is a third of the name's length, at least one: `bytse` finds `bytes`, `x` finds
/// nothing of two other letters.
pub fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Nobody mistypes a name this long by accident, and the distance costs the product of lengths.
    const LONGEST: usize = 64;
    let length = name.chars().count();
    if length > LONGEST {
        return None;
    }
    let allowed = (length / 3).max(1);
    // Whatever differs in length by more than that is further away.
    let near = |candidate: &&str| {
        let length_of_other = candidate.chars().take(LONGEST * 2).count();
        length_of_other.abs_diff(length) <= allowed && *candidate != name
    };
    let with_distance = |candidate: &'a str| (distance(name, candidate), candidate);
    let all = candidates.into_iter().filter(near).map(with_distance);
    let close = all.filter(|&(distance, candidate)| {
        distance <= allowed && distance < candidate.chars().count().max(length)
    });
    close.min().map(|(_, candidate)| candidate)
}

/// How many letters must be inserted, removed, changed or swapped with a neighbour to make `a` of
/// `b`, where a difference in case alone counts half a slip and is rounded down.
fn distance(a: &str, b: &str) -> usize {
    if a.eq_ignore_ascii_case(b) {
        return 0;
    }
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    // Three rows of the table: two back (for swaps), one back, and the one being filled.
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let changed = above[j] + usize::from(x != y);
            let mut best = changed.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn slips_of_the_hand_are_found() {
        let types = ["bool", "bytes", "string", "u32", "u64", "list"];
        assert_eq!(closest("bytse", types), Some("bytes"));
        assert_eq!(closest("String", types), Some("string"));
        assert_eq!(closest("strng", types), Some("string"));
        assert_eq!(closest("i32", types), Some("u32"));
    }

    #[test]
    fn strangers_are_not() {
        assert_eq!(closest("HWND", ["bool", "u8"]), None);
        assert_eq!(closest("x", ["y"]), None);
        assert_eq!(closest(&"a".repeat(100_000), ["a"]), None);
    }
}
