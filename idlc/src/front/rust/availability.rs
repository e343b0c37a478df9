//! When something came and went, out of Rust's own attributes and ours.

use super::attribute::{self, Argument};
use super::span_of;
use crate::diagnostic::Diagnostics;
use crate::ir::{At, Availability, Deprecation, Look};

/// What Rust's own attributes say. They stay where they are: Rust warns of what is deprecated.
pub(super) fn availability(attributes: &[syn::Attribute]) -> Availability {
    Availability { deprecated: attributes.iter().find_map(deprecated), ..Availability::default() }
}

/// `#[doc(hidden)]`, for what is generated beside it.
pub(super) fn look(attributes: &[syn::Attribute]) -> Look {
    let is_hidden = |attribute: &&syn::Attribute| match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("doc") => list.tokens.to_string() == "hidden",
        _ => false,
    };
    let hidden = attributes.iter().find(is_hidden);
    Look { hidden: hidden.map(|here| At::new((), span_of(here))), derives: Vec::new() }
}

/// The version of `added = "1.1"`.
pub(super) fn version(
    argument: &Argument,
    found: &mut Diagnostics,
) -> Option<At<crate::ir::Version>> {
    let text = attribute::text(argument, found);
    text.and_then(|text| attribute::version(&text, found))
}

/// `#[deprecated]`, `#[deprecated = "note"]` or `#[deprecated(since = "1.3", note = "..")]`.
fn deprecated(attribute: &syn::Attribute) -> Option<Deprecation> {
    if !attribute.path().is_ident("deprecated") {
        return None;
    }
    let mut deprecation = Deprecation { since: None, note: None };
    match &attribute.meta {
        syn::Meta::Path(_) => {}
        syn::Meta::NameValue(pair) => {
            deprecation.note = string(&pair.value).map(|text| text.value())
        }
        syn::Meta::List(list) => {
            // What is wrong here Rust says itself.
            let arguments = list.parse_args::<attribute::Arguments>();
            for argument in arguments.into_iter().flat_map(|arguments| arguments.0) {
                let Some(text) = argument.value.as_ref().and_then(string) else { continue };
                if argument.is("note") {
                    deprecation.note = Some(text.value());
                } else if argument.is("since") {
                    let text = At::new(text.value(), span_of(text));
                    // Rust takes any text here.
                    deprecation.since = attribute::version(&text, &mut Diagnostics::new());
                }
            }
        }
    }
    Some(deprecation)
}

fn string(expr: &syn::Expr) -> Option<&syn::LitStr> {
    match expr {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text),
        _ => None,
    }
}
