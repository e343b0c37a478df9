//! Which of the old fields or parameters is which of the new ones.
//!
//! Both are told apart by their places on the wire, and by their names for people. Where the two
//! disagree, names tell what happened: the same name in another place has moved, a new name in an old
//! place, with the same type, is a rename.

use std::collections::HashMap;

/// What became of two lists of named things.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Alignment {
    /// In the same place: old and new index are equal. The name may be another one.
    pub(super) kept: Vec<usize>,
    /// In the new list, before something that was there already.
    pub(super) inserted: Vec<usize>,
    /// In the new list, behind everything that was there.
    pub(super) appended: Vec<usize>,
    /// In the old list, and nowhere in the new one.
    pub(super) deleted: Vec<usize>,
    /// In the new list, at another place. Empty if insertions or deletions explain it.
    pub(super) moved: Vec<usize>,
}

/// Aligns two lists; `same_type` tells whether what stands at one place could be the same thing.
pub(super) fn align(old: &[&str], new: &[&str], same_type: impl Fn(usize) -> bool) -> Alignment {
    let in_old: HashMap<&str, usize> = old.iter().zip(0..).map(|(name, at)| (*name, at)).collect();
    let in_new: HashMap<&str, usize> = new.iter().zip(0..).map(|(name, at)| (*name, at)).collect();
    let mut found = Alignment::default();
    for at in 0..old.len().max(new.len()) {
        let before = old.get(at).map(|name| (*name, in_new.contains_key(name)));
        let now = new.get(at).map(|name| (*name, in_old.contains_key(name)));
        match (before, now) {
            (Some((before, _)), Some((now, _))) if before == now => found.kept.push(at),
            (Some((_, false)), Some((_, false))) if same_type(at) => found.kept.push(at),
            _ => {
                match now {
                    Some((_, true)) => found.moved.push(at),
                    Some((_, false)) if at < old.len() => found.inserted.push(at),
                    Some((_, false)) => found.appended.push(at),
                    None => {}
                }
                if let Some((_, false)) = before {
                    found.deleted.push(at);
                }
            }
        }
    }
    if !found.moved.is_empty() {
        // What is new behind something that was pushed back was not appended.
        let last_moved = found.moved.last().copied().unwrap_or(0);
        let (inserted, appended) = found.appended.iter().partition(|at| **at < last_moved);
        found.appended = appended;
        found.inserted.extend::<Vec<usize>>(inserted);
    }
    if !found.inserted.is_empty() || !found.deleted.is_empty() {
        found.moved.clear();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(old: &str, new: &str, want: [&str; 5]) {
        let names = |text: &'static str| text.split_whitespace().collect::<Vec<_>>();
        let (old, new) = (names(old.to_owned().leak()), names(new.to_owned().leak()));
        let found = align(&old, &new, |at| old[at].len() == new[at].len());
        let shown = |list: &[usize], of: &[&str]| {
            list.iter().map(|at| of[*at]).collect::<Vec<_>>().join(" ")
        };
        let got = [
            shown(&found.kept, &new),
            shown(&found.inserted, &new),
            shown(&found.appended, &new),
            shown(&found.deleted, &old),
            shown(&found.moved, &new),
        ];
        assert_eq!(got, want);
    }

    #[test]
    fn names_tell_what_happened() {
        // Names of one length stand for things of one type.
        check("a b", "a b", ["a b", "", "", "", ""]);
        check("a b", "a b c", ["a b", "", "c", "", ""]);
        check("a b", "a c", ["a c", "", "", "", ""]);
        check("a b", "b a", ["", "", "", "", "b a"]);
        check("a b c", "a x b c", ["a", "x", "", "", ""]);
        check("a b c", "a c", ["a", "", "", "b", ""]);
        check("a b c", "a b", ["a b", "", "", "c", ""]);
        check("a b c", "a bb c", ["a c", "bb", "", "b", ""]);
        check("a b", "x y a b", ["", "x y", "", "", ""]);
        check("a b", "x a b z", ["", "x", "z", "", ""]);
        check("", "a", ["", "", "a", "", ""]);
        check("a", "", ["", "", "", "a", ""]);
    }
}
