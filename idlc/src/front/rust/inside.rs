//! Bounds of what is inside of other types: `#[items(max(8))]`, `#[alpc(keys(max = 16))]`.
//!
//! Rust's attributes stand before a whole type, so those for a part of it say which: the `items` of a
//! list or array, the `keys` and `values` of a map, the `ok` and `err` of a result, a `member` of a tuple
//! by its number, as in `#[member(0, max(8))]`. They nest as the type does: `#[items(max(4),
//! items(max(8)))]` is for `Vec<Vec<u32>>`.

use proc_macro2::{Ident, TokenStream};
use syn::Token;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;

use super::ty::{self, End};
use super::{report, report_syntax};
use crate::diagnostic::{Diagnostic, Diagnostics, closest, codes};
use crate::ir::{Type, TypeKind};
use crate::source::Span;

/// The words for parts of types.
pub(super) const PARTS: [&str; 6] = ["items", "keys", "values", "ok", "err", MEMBER];

/// The word for one of a tuple, which is said of each.
pub(super) const MEMBER: &str = "member";

/// `0, max(8)`
struct OfMember {
    index: syn::LitInt,
    said: TokenStream,
}

impl Parse for OfMember {
    fn parse(input: ParseStream<'_>) -> syn::Result<OfMember> {
        let index = input.parse()?;
        input.parse::<Option<Token![,]>>()?;
        Ok(OfMember { index, said: input.parse()? })
    }
}

/// `max(8)`, `max = 8` or `items(..)`.
struct Said {
    word: Ident,
    what: TokenStream,
}

impl Parse for Said {
    fn parse(input: ParseStream<'_>) -> syn::Result<Said> {
        let word = input.call(Ident::parse_any)?;
        if input.parse::<Option<Token![=]>>()?.is_some() {
            let value: syn::Expr = input.parse()?;
            return Ok(Said { word, what: quote::ToTokens::to_token_stream(&value) });
        }
        let inner;
        syn::parenthesized!(inner in input);
        Ok(Said { word, what: inner.parse()? })
    }
}

/// Sets the bounds that `said` gives to the `part` of `ty`.
pub(super) fn bound(ty: &mut Type, part: &Ident, said: TokenStream, found: &mut Diagnostics) {
    let span = Span::Tokens(part.span());
    let (inside, said) = if part == MEMBER {
        match syn::parse2::<OfMember>(said) {
            Ok(OfMember { index, said }) => (member_of(ty, &index), said),
            Err(error) => return report_syntax(found, &error),
        }
    } else {
        (part_of(ty, &part.to_string()), said)
    };
    let Some(inside) = inside else {
        let message = match part == MEMBER {
            true => "this type has no member of that number".to_owned(),
            false => format!("this type has no {part}"),
        };
        let error = Diagnostic::error(codes::MISPLACED_ATTRIBUTE, message, span);
        let note = "lists, arrays and streams have `items`, maps `keys` and `values`, results `ok` and `err`, tuples \
             `member`s from 0 on";
        found.push(error.note(note));
        return;
    };
    let parse = Punctuated::<Said, Token![,]>::parse_terminated;
    let all = match parse.parse2(said) {
        Ok(all) => all,
        Err(error) => return report_syntax(found, &error),
    };
    for Said { word, what } in all {
        let name = word.to_string();
        let end = match name.as_str() {
            "max" => End::Max,
            "min" => End::Min,
            _ if PARTS.contains(&name.as_str()) => {
                bound(inside, &word, what, found);
                continue;
            }
            _ => {
                unknown(&word, found);
                continue;
            }
        };
        match syn::parse2::<syn::Expr>(what) {
            Ok(value) => ty::set_bound(inside, end, super::expr::expr(&value), found),
            Err(error) => report_syntax(found, &error),
        }
    }
}

/// The type inside of `ty` that the word means, through what is optional.
fn part_of<'t>(ty: &'t mut Type, part: &str) -> Option<&'t mut Type> {
    match (&mut ty.kind, part) {
        (TypeKind::Optional(item), _) => part_of(item, part),
        (TypeKind::List(item, _) | TypeKind::Array(item, _) | TypeKind::Stream(item), "items") => {
            Some(item)
        }
        (TypeKind::Map(key, _, _), "keys") => Some(key),
        (TypeKind::Map(_, value, _), "values") => Some(value),
        (TypeKind::Result(value, _), "ok") => Some(value),
        (TypeKind::Result(_, error), "err") => Some(error),
        _ => None,
    }
}

/// The member of a tuple that has this number, through what is optional.
fn member_of<'t>(ty: &'t mut Type, index: &syn::LitInt) -> Option<&'t mut Type> {
    match &mut ty.kind {
        TypeKind::Optional(item) => member_of(item, index),
        TypeKind::Tuple(items) => items.get_mut(index.base10_parse::<usize>().ok()?),
        _ => None,
    }
}

fn unknown(word: &Ident, found: &mut Diagnostics) {
    let known = ["max", "min"].into_iter().chain(PARTS);
    let message = match closest(&word.to_string(), known) {
        Some(close) => format!("there is no `{word}` here; did you mean `{close}`?"),
        None => format!("there is no `{word}` here: `max`, `min` and the parts of a type are"),
    };
    report(found, codes::UNKNOWN_ATTRIBUTE, word, message);
}
