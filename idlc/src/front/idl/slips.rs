//! Mistakes that are recognised: what people write who think of another language, or of nothing.
//!
//! Each function looks at the place where parsing stopped, and either knows what happened there or
//! passes. A slip comes with the change of the text that mends it, so that parsing can go on.

mod declarations;
mod foreign;
mod marks;
mod order;

use std::ops::Range;

use super::scene::Scene;
use crate::diagnostic::Diagnostic;

/// A mistake that was recognised.
pub(super) struct Slip {
    /// What to tell.
    pub(super) diagnostic: Diagnostic,
    /// What to change in the text being mended, in the order of the text.
    pub(super) changes: Vec<(Range<usize>, String)>,
}

impl Slip {
    /// Tells `diagnostic`, with the advice `how` to put `replacement` in place of `range`; and does.
    /// There is no doubt that this was meant.
    fn fixed(
        scene: &Scene<'_>,
        diagnostic: Diagnostic,
        how: &str,
        range: Range<usize>,
        replacement: impl Into<String>,
    ) -> Self {
        let replacement = replacement.into();
        let diagnostic = diagnostic.fix(how, scene.span(range.clone()), replacement.clone());
        Self { diagnostic, changes: vec![(range, replacement)] }
    }

    /// As [`fixed`](Self::fixed), where it is a guess.
    fn guessed(
        scene: &Scene<'_>,
        diagnostic: Diagnostic,
        how: &str,
        range: Range<usize>,
        replacement: impl Into<String>,
    ) -> Self {
        let replacement = replacement.into();
        let diagnostic = diagnostic.suggest(how, scene.span(range.clone()), replacement.clone());
        Self { diagnostic, changes: vec![(range, replacement)] }
    }

    /// Tells `diagnostic` and puts `replacement` in place of `range` without a word about it.
    fn patched(diagnostic: Diagnostic, range: Range<usize>, replacement: &str) -> Self {
        Self { diagnostic, changes: vec![(range, replacement.into())] }
    }
}

/// The mistake at the stop of `scene`, if it is one of those we know.
pub(super) fn find(scene: &Scene<'_>) -> Option<Slip> {
    // The order matters: the more particular comes first, and the missing separator, which
    // explains almost anything, last.
    const KNOWN: &[fn(&Scene<'_>) -> Option<Slip>] = &[
        marks::misplaced_inner_doc,
        marks::dangling_decoration,
        marks::hash_attribute,
        marks::split_or_fat_arrow,
        marks::double_colon,
        foreign::text_pointer,
        marks::pointer,
        foreign::receiver,
        foreign::words_of_c,
        foreign::returns,
        foreign::attribute_behind,
        order::direction_without_brackets,
        order::attribute_behind_colon,
        order::missing_colon,
        order::c_order,
        order::brackets_behind_type,
        order::single_named_result,
        order::single_in_parentheses,
        declarations::payload_in_enum,
        declarations::body_of_method,
        declarations::other_word_for_raises,
        declarations::constant_without_type,
        declarations::type_in_interface,
        declarations::result_type_for_fn,
        declarations::keyword,
        declarations::method_without_fn,
        declarations::name_that_is_a_literal,
        marks::surplus_separator,
        marks::open_angle,
        marks::wrong_mark,
        marks::missing_separator,
    ];
    KNOWN.iter().find_map(|known| known(scene))
}
