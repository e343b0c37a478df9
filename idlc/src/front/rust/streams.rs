//! Streams, which in Rust are two types: `Stream<T>` for whoever takes the items, `Items<T>` for
//! whoever gives them.

use super::span_of;
use super::ty::{arguments, is_named, last_segment, text};
use crate::diagnostic::{Diagnostic, Diagnostics, codes};

/// A handler takes the items of a parameter, which may end with the error that the method raises.
pub(super) fn check_param(ty: &syn::Type, raised: Option<&syn::Type>, found: &mut Diagnostics) {
    let wrong = "a handler takes the items of a stream that its caller gives";
    check(ty, raised, Side { right: "Stream", wrong: "Items", message: wrong }, found);
}

/// A handler gives the items of a result, which may end with that error.
pub(super) fn check_result(ty: &syn::Type, raised: Option<&syn::Type>, found: &mut Diagnostics) {
    let wrong = "a handler gives the items of a stream, and its caller takes them";
    check(ty, raised, Side { right: "Items", wrong: "Stream", message: wrong }, found);
}

/// What a stream is called on one side of a call, and on the other.
struct Side {
    right: &'static str,
    wrong: &'static str,
    /// What is said of the one in the place of the other.
    message: &'static str,
}

fn check(ty: &syn::Type, raised: Option<&syn::Type>, side: Side, found: &mut Diagnostics) {
    let (is_right, is_wrong) = (is_named(ty, side.right), is_named(ty, side.wrong));
    let Some(item) = first_argument(ty).filter(|_| is_right || is_wrong) else { return };
    let ends_with = last_segment(ty).and_then(|last| arguments(last).get(1).copied());
    if is_right && ends_with.map(text_of) == raised.map(text_of) {
        return;
    }
    let right = match raised {
        Some(raised) => format!("{}<{}, {}>", side.right, text(item), text(raised)),
        None => format!("{}<{}>", side.right, text(item)),
    };
    let message = match (is_wrong, raised) {
        (true, _) => side.message,
        (false, Some(_)) => "a stream ends with the error that its method raises, or with none",
        (false, None) => "a stream ends with an error only if its method raises that",
    };
    let error = Diagnostic::error(codes::UNKNOWN_TYPE, message, span_of(ty));
    found.push(error.help(format!("write `{right}`")));
}

fn text_of(ty: &syn::Type) -> String {
    text(ty)
}

fn first_argument(ty: &syn::Type) -> Option<&syn::Type> {
    arguments(last_segment(ty)?).first().copied()
}
