//! The bounds of a trait: the interfaces that it inherits from, and what Rust asks of who serves it.

use quote::ToTokens;

use super::span_of;
use crate::diagnostic::{Diagnostic, Diagnostics, codes};
use crate::ir::{Object, Owner, RustCode, Type, TypeKind};

/// Traits that say something of a type to Rust, and nothing to callers.
const MARKERS: [&str; 5] = ["Send", "Sync", "Unpin", "UnwindSafe", "RefUnwindSafe"];

/// The interfaces that a trait inherits from.
pub(super) fn bases(item: &syn::ItemTrait, found: &mut Diagnostics) -> Vec<Type> {
    item.supertraits.iter().filter_map(|bound| base(bound, found)).collect()
}

fn base(bound: &syn::TypeParamBound, found: &mut Diagnostics) -> Option<Type> {
    let syn::TypeParamBound::Trait(of) = bound else { return None };
    if is_of_rust(&of.path) {
        return None;
    }
    let is_plain = of.lifetimes.is_none()
        && of.maybe.is_none()
        && of.modifiers.require_empty().is_ok()
        && of.path.segments.iter().all(|segment| segment.arguments.is_none());
    if !is_plain {
        let message = "a base is the plain path of another interface";
        let error = Diagnostic::error(codes::BAD_BASE, message, span_of(bound));
        let help = "an interface has no parameters: the other side must know every type";
        found.push(error.help(help));
        return None;
    }
    let rust = RustCode(of.path.to_token_stream());
    Some(Type::new(TypeKind::Object(Object { rust, owner: Owner::Sender }), span_of(&of.path)))
}

/// Is it a marker, or something of the standard library's by its full path?
fn is_of_rust(path: &syn::Path) -> bool {
    match path.get_ident() {
        Some(name) => MARKERS.iter().any(|marker| name == marker),
        None => path.segments.first().is_some_and(|first| {
            ["std", "core", "alloc"].iter().any(|of_rust| first.ident == of_rust)
        }),
    }
}
