//! The words for the ways of bulk data, which both front ends read.

use crate::diagnostic::{Diagnostic, Diagnostics, closest, codes};
use crate::ir::{At, Via};
use crate::source::Span;

/// The way that is called `word`. Unknown words are reported and left out.
pub(super) fn via(word: &str, span: Span, found: &mut Diagnostics) -> Option<At<Via>> {
    if let Some(via) = Via::from_name(word) {
        return Some(At::new(via, span));
    }
    let message = format!("`{word}` is no way for an argument to take");
    let told = Diagnostic::error(codes::BAD_ATTRIBUTE_ARGUMENT, message, span)
        .label("`inline`, `section` or `direct`");
    found.push(match closest(word, Via::ALL.iter().map(|via| via.name())) {
        Some(close) => told.suggest("there is a way of a similar name", span, close),
        None => told,
    });
    None
}
