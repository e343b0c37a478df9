//! Mending a file by the changes that its diagnostics propose.
//!
//! Only changes about which there is no doubt are made, and the file is read again after each round,
//! because one mistake can hide another.

use std::ops::Range;

use crate::compile::Compilation;
use crate::diagnostic::Diagnostic;

/// How often a file is read again. Most files need one round: what a second one finds was hidden by
/// the first. A file that has something to mend after so many is not mended by our changes.
const MOST_ROUNDS: usize = 50;

/// A file that has been mended as far as it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mended {
    /// Its text now.
    pub text: String,
    /// How many changes were made.
    pub changes: usize,
}

/// Mends `text`, which is what the file at `path` holds. Files that it refers to are read from disk
/// and left as they are.
pub fn mend(path: &str, text: &str) -> Mended {
    let mut mended = Mended { text: text.to_owned(), changes: 0 };
    for _ in 0..MOST_ROUNDS {
        let mut run = Compilation::new();
        // Whether the file is whole now, the caller finds out by checking what is left.
        drop(run.module_from_text(path, &mended.text));
        let changes = run.safe_changes(path);
        if changes.is_empty() {
            return mended;
        }
        mended.changes += changes.len();
        for (range, replacement) in changes.into_iter().rev() {
            mended.text.replace_range(range, &replacement);
        }
    }
    Mended { text: text.to_owned(), changes: 0 }
}

/// The safe changes among `found` as `place` locates them, in the order of the text. Of those that
/// overlap, the first is taken; the others will be found again.
pub(crate) fn choose(
    found: &[Diagnostic],
    place: impl Fn(crate::source::Span) -> Option<Range<usize>>,
) -> Vec<(Range<usize>, String)> {
    let mut changes: Vec<(Range<usize>, String)> = found
        .iter()
        .filter_map(|found| match found.suggestions.as_slice() {
            // Several are alternatives, and a person has to choose.
            [only] if only.is_safe() => Some((place(only.span)?, only.replacement.clone())),
            _ => None,
        })
        .collect();
    changes.sort_by_key(|(range, _)| (range.start, range.end));
    let mut end = None;
    changes.retain(|(range, _)| {
        // Two insertions at one place: nobody knows which comes first.
        let overlaps =
            end.is_some_and(|end| range.start < end || range.start == end && range.is_empty());
        if !overlaps {
            end = Some(range.end);
        }
        !overlaps
    });
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_no_doubt_is_mended_and_the_rest_is_left() {
        let text = "module a;\nstruct S { u32 key, b: Vec<Option<u8>>, c: Strng }\n";
        let mended = mend("a.idl", text);
        assert_eq!(mended.text, "module a;\nstruct S { key: u32, b: list<u8?>, c: Strng }\n");
        assert_eq!(mended.changes, 3);
    }

    #[test]
    fn mistakes_that_others_hid_are_mended_as_well() {
        let fields: String = (0..300).map(|n| format!("u32 key{n},\n")).collect();
        let mended = mend("a.idl", &format!("module a\nstruct S {{ {fields} }}\n"));
        let fields: String = (0..300).map(|n| format!("key{n}: u32,\n")).collect();
        assert_eq!(mended.text, format!("module a;\nstruct S {{ {fields} }}\n"));
    }

    #[test]
    fn a_good_file_stays_as_it_is() {
        let text = "module a;\nconst A: u32 = 1;";
        assert_eq!(mend("a.idl", text), Mended { text: text.to_owned(), changes: 0 });
    }
}
