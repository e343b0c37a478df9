//! Streams, which in Rust are two types: `Stream<T>` for whoever takes the items, `Items<T>` for
//! whoever gives them.

use super::span_of;
use super::ty::{arguments, is_named, last_segment, text};
use crate::diagnostic::{Diagnostic, Diagnostics, codes};

/// A handler takes the items of a parameter.
pub(super) fn check_param(ty: &syn::Type, found: &mut Diagnostics) {
    if let (true, Some(item)) = (is_named(ty, "Items"), first_argument(ty)) {
        let message = "a handler takes the items of a stream that its caller gives";
        let error = Diagnostic::error(codes::UNKNOWN_TYPE, message, span_of(ty));
        found.push(error.help(format!("write `Stream<{}>`", text(item))));
    }
}

/// A handler gives the items of a result, which may end with the error that the method raises.
pub(super) fn check_result(ty: &syn::Type, raised: Option<&syn::Type>, found: &mut Diagnostics) {
    let (is_given, is_taken) = (is_named(ty, "Items"), is_named(ty, "Stream"));
    let Some(item) = first_argument(ty).filter(|_| is_given || is_taken) else { return };
    let right = match raised {
        Some(raised) => format!("Items<{}, {}>", text(item), text(raised)),
        None => format!("Items<{}>", text(item)),
    };
    let ends_with = last_segment(ty).and_then(|last| arguments(last).get(1).copied());
    let is_right = is_given && ends_with.map(text_of) == raised.map(text_of);
    if is_right {
        return;
    }
    let message = match (is_taken, raised) {
        (true, _) => "a handler gives the items of a stream, and its caller takes them",
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
