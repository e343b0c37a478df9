//! Enums, unions and errors: types that are one of several cases.

use syn::ext::IdentExt;

use super::super::attribute::{self, Argument, alpc};
use super::super::availability::{availability, look, version};
use super::super::docs::docs;
use super::super::interface::refuse_repeated;
use super::super::{report, span_of, ty};
use super::removed::{Part, bury};
use super::{Head, expr, fields};
use crate::diagnostic::{Diagnostic, Diagnostics, codes};
use crate::ir::{
    At, Availability, Enum, Expr, Growth, IntKind, Item, Member, Name, Payload, Union, UnionUse,
    Variant,
};
use crate::source::Span;

const UNRECOGNIZED: &str = "Unrecognized";

/// An enum is an enumeration if no variant carries anything and nothing else is said.
pub(super) fn enumeration(
    head: Head,
    used_as: Option<At<UnionUse>>,
    item: &syn::ItemEnum,
    found: &mut Diagnostics,
) -> Option<Item> {
    let (unrecognized, known): (Vec<&syn::Variant>, Vec<&syn::Variant>) =
        item.variants.iter().partition(|variant| variant.ident == UNRECOGNIZED);
    let mut known: Vec<_> = known.into_iter().cloned().map(Part::living).collect();
    for removed in &head.removed {
        bury(removed, &mut known, found);
    }
    let is_plain = known.iter().all(|known| matches!(known.what.fields, syn::Fields::Unit));
    let unrecognized = unrecognized.first().copied();
    if used_as.is_none() && is_plain {
        return numbers(head, &known, unrecognized, found).map(Item::Enum);
    }
    let used_as = used_as.map_or(UnionUse::Data, |used_as| used_as.value);
    alternatives(head, used_as, &known, unrecognized, found).map(Item::Union)
}

fn numbers(
    head: Head,
    known: &[Part<syn::Variant>],
    unrecognized: Option<&syn::Variant>,
    found: &mut Diagnostics,
) -> Option<Enum> {
    let base = match (head.growth, unrecognized) {
        (Growth::Closed, None) => At::new(IntKind::U32, head.name.span),
        (Growth::Open, Some(variant)) => base_of(variant, found)?,
        (Growth::Open, None) => {
            let message = "an open enum needs a place for the values of later versions";
            let error = Diagnostic::error(codes::UNEXPECTED, message, head.name.span);
            let fixes = "add `Unrecognized(u32)`, or say `#[alpc(final)]` if it will never grow";
            found.push(error.help(fixes));
            return None;
        }
        (Growth::Closed, Some(variant)) => {
            refuse_unrecognized(variant, found);
            return None;
        }
    };
    let members = known.iter().map(|Part { what: variant, removed }| {
        let arguments = arguments(variant, found);
        let (value, availability) = number(variant, "value", &arguments, found);
        Member {
            name: variant_name(variant),
            docs: docs(&variant.attrs),
            availability: Availability { removed: *removed, ..availability },
            look: look(&variant.attrs),
            value,
        }
    });
    Some(Enum {
        availability: head.availability,
        look: head.look,
        sensitive: head.sensitive,
        members: members.collect(),
        name: head.name,
        qualified: head.qualified,
        docs: head.docs,
        growth: head.growth,
        base,
        reserved: head.reserved,
    })
}

fn variant_name(variant: &syn::Variant) -> Name {
    Name::new(variant.ident.unraw().to_string(), Span::Tokens(variant.ident.span()))
}

fn refuse_unrecognized(variant: &syn::Variant, found: &mut Diagnostics) {
    let message = "a `final` type has no later versions, so nothing is unrecognized";
    report(found, codes::RESERVED_NAME, &variant.ident, message);
}

/// The integer type in `Unrecognized(u32)`.
fn base_of(variant: &syn::Variant, found: &mut Diagnostics) -> Option<At<IntKind>> {
    let only = match &variant.fields {
        syn::Fields::Unnamed(fields) if fields.unnamed.len() == 1 => fields.unnamed.first(),
        _ => None,
    };
    let kind = only.and_then(|field| {
        let last = ty::last_segment(&field.ty)?;
        IntKind::from_name(&last.ident.to_string())
    });
    if kind.is_none() {
        let message = "`Unrecognized` of an enum holds the number: `Unrecognized(u32)`";
        report(found, codes::UNEXPECTED, variant, message);
    }
    kind.map(|kind| At::new(kind, span_of(&variant.fields)))
}

/// The arguments of `#[alpc(..)]` on a variant.
fn arguments(variant: &syn::Variant, found: &mut Diagnostics) -> Vec<Argument> {
    let arguments = alpc(&variant.attrs, found);
    refuse_repeated(&arguments, found);
    arguments
}

/// The number that a variant is given, by `= number` or `#[alpc(key = number)]`, and when it came.
fn number(
    variant: &syn::Variant,
    key: &str,
    arguments: &[Argument],
    found: &mut Diagnostics,
) -> (Option<Expr>, Availability) {
    let mut availability = availability(&variant.attrs);
    let mut number =
        variant.discriminant.as_ref().map(|(_, value)| super::super::expr::expr(value));
    for argument in arguments {
        if argument.is(key) {
            number = expr(argument, found).or(number);
        } else if argument.is("added") {
            availability.added = version(argument, found);
        } else {
            attribute::unknown(argument, &[key, "added"], found);
        }
    }
    if let Some(Expr { kind: crate::ir::ExprKind::Rust(code), span }) = &number {
        let message = format!("`{code}` is not a number, and the macro cannot compute it");
        found.push(Diagnostic::error(codes::BAD_TAG, message, *span));
        return (None, availability);
    }
    (number, availability)
}

fn alternatives(
    head: Head,
    used_as: UnionUse,
    known: &[Part<syn::Variant>],
    unrecognized: Option<&syn::Variant>,
    found: &mut Diagnostics,
) -> Option<Union> {
    match (head.growth, unrecognized) {
        (Growth::Closed, Some(variant)) => {
            refuse_unrecognized(variant, found);
            return None;
        }
        (Growth::Open, None) => {
            let message = "an open union needs a place for the cases of later versions";
            let error = Diagnostic::error(codes::UNEXPECTED, message, head.name.span);
            let variant = "`Unrecognized { tag: u32, payload: Vec<u8> }`";
            let fixes = format!("add {variant}, or say `#[alpc(final)]` if it will never grow");
            found.push(error.help(fixes));
        }
        (Growth::Open, Some(variant)) => check_unrecognized(variant, found),
        (Growth::Closed, None) => {}
    }
    let variants = known.iter().map(|Part { what: variant, removed }| {
        let (gone, arguments): (Vec<_>, Vec<_>) =
            arguments(variant, found).into_iter().partition(|argument| argument.is("removed"));
        let fields = fields(&variant.fields, &gone, found);
        let (tag, availability) = number(variant, "tag", &arguments, found);
        Variant {
            name: variant_name(variant),
            docs: docs(&variant.attrs),
            availability: Availability { removed: *removed, ..availability },
            look: look(&variant.attrs),
            tag,
            payload: match &variant.fields {
                // A unit variant can be written as one with fields, so those that are gone find room.
                syn::Fields::Unit if fields.is_empty() => Payload::Unit,
                syn::Fields::Unit => Payload::Named(fields),
                syn::Fields::Unnamed(_) => Payload::Positional(fields),
                syn::Fields::Named(_) => Payload::Named(fields),
            },
        }
    });
    Some(Union {
        availability: head.availability,
        look: head.look,
        sensitive: head.sensitive,
        variants: variants.collect(),
        name: head.name,
        qualified: head.qualified,
        docs: head.docs,
        growth: head.growth,
        used_as,
        reserved: head.reserved,
    })
}

fn check_unrecognized(variant: &syn::Variant, found: &mut Diagnostics) {
    let names = variant.fields.iter().filter_map(|field| field.ident.as_ref());
    let names: Vec<String> = names.map(|name| name.to_string()).collect();
    let is_right = matches!(variant.fields, syn::Fields::Named(_))
        && names.len() == 2
        && ["tag", "payload"].iter().all(|wanted| names.iter().any(|name| name == wanted));
    if !is_right {
        let message = "`Unrecognized` of a union is `Unrecognized { tag: u32, payload: Vec<u8> }`";
        report(found, codes::UNEXPECTED, variant, message);
    }
}
