//! What is removed from a type, and what must not come back: `#[alpc(removed(1.4, nick: String, after =
//! name))]` and `#[alpc(reserved(4, 7..=9, Old))]`.
//!
//! A derive macro can add to a type and take nothing away, so what is no more in Rust stands in an
//! attribute. Where it stood says `after` or `before`, since its place on the wire stays.

use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Field, Token, Variant};

use super::super::attribute::{self, Argument};
use super::super::{expr, report, report_syntax, span_of};
use crate::diagnostic::{Diagnostic, Diagnostics, codes};
use crate::ir::{At, ExprKind, Integer, Reserved, UnaryOp, Version};

/// Something that a type has, or had.
pub(super) struct Part<T> {
    pub(super) what: T,
    /// The version it went with.
    pub(super) removed: Option<At<Version>>,
}

impl<T> Part<T> {
    /// It is there.
    pub(super) fn living(what: T) -> Part<T> {
        Part { what, removed: None }
    }
}

/// What can be removed.
pub(super) trait Removable: Sized {
    fn parse_one(input: ParseStream<'_>) -> syn::Result<Self>;

    fn name(&self) -> Option<&Ident>;

    /// Whether it may stand anywhere, because something else than its place counts.
    fn is_numbered(&self) -> bool;

    /// How it is written.
    const EXAMPLE: &str;

    /// What is wrong if nobody knows its place, and what to write.
    const UNPLACED: (&str, &str);
}

impl Removable for Field {
    const EXAMPLE: &str = "removed(1.4, nick: String, after = name)";
    const UNPLACED: (&str, &str) = (
        "its place on the wire stays: say where it stood",
        "write `after = ..` or `before = ..`, as in `removed(1.4, nick: String, after = name)`",
    );

    fn parse_one(input: ParseStream<'_>) -> syn::Result<Field> {
        Field::parse_named(input)
    }

    fn name(&self) -> Option<&Ident> {
        self.ident.as_ref()
    }

    fn is_numbered(&self) -> bool {
        false
    }
}

impl Removable for Variant {
    const EXAMPLE: &str = "removed(1.4, Careful = 2)";
    const UNPLACED: (&str, &str) = (
        "its number on the wire stays: say which it is",
        "write `removed(1.4, Careful = 2)`, or where it stood, with `after = ..` or `before = ..`",
    );

    fn parse_one(input: ParseStream<'_>) -> syn::Result<Variant> {
        input.parse()
    }

    fn name(&self) -> Option<&Ident> {
        Some(&self.ident)
    }

    fn is_numbered(&self) -> bool {
        self.discriminant.is_some()
    }
}

/// Which side of another part it stood on.
enum Place {
    After(Ident),
    Before(Ident),
    Unsaid,
}

struct Tombstone<T> {
    version: syn::Lit,
    what: T,
    place: Place,
}

impl<T: Removable> Parse for Tombstone<T> {
    fn parse(input: ParseStream<'_>) -> syn::Result<Tombstone<T>> {
        let version = input.parse()?;
        input.parse::<Token![,]>()?;
        let what = T::parse_one(input)?;
        let has_more = input.parse::<Option<Token![,]>>()?.is_some() && !input.is_empty();
        let mut place = Place::Unsaid;
        if has_more {
            let side: Ident = input.parse()?;
            input.parse::<Token![=]>()?;
            let other = input.call(Ident::parse_any)?;
            input.parse::<Option<Token![,]>>()?;
            place = match side.to_string().as_str() {
                "after" => Place::After(other),
                "before" => Place::Before(other),
                _ => return Err(syn::Error::new(side.span(), "write `after` or `before`")),
            };
        }
        Ok(Tombstone { version, what, place })
    }
}

/// Puts what `argument` says was removed where it stood among `parts`.
pub(super) fn bury<T: Removable>(
    argument: &Argument,
    parts: &mut Vec<Part<T>>,
    found: &mut Diagnostics,
) {
    let Some(said) = argument.group.clone() else {
        let error = Diagnostic::error(
            codes::BAD_ATTRIBUTE_ARGUMENT,
            "say what was removed, and in which version",
            span_of(&argument.key),
        );
        found.push(error.help(format!("write `{}`", T::EXAMPLE)));
        return;
    };
    let stone = match syn::parse2::<Tombstone<T>>(said) {
        Ok(stone) => stone,
        Err(error) => return report_syntax(found, &error),
    };
    let removed = attribute::version_literal(&stone.version, found);
    let Some(at) = place(&stone, parts, found) else { return };
    if removed.is_some() {
        parts.insert(at, Part { what: stone.what, removed });
    }
}

fn place<T: Removable>(
    stone: &Tombstone<T>,
    parts: &[Part<T>],
    found: &mut Diagnostics,
) -> Option<usize> {
    let (other, behind) = match &stone.place {
        Place::After(other) => (other, 1),
        Place::Before(other) => (other, 0),
        Place::Unsaid if parts.is_empty() || stone.what.is_numbered() => return Some(parts.len()),
        Place::Unsaid => {
            let (message, help) = T::UNPLACED;
            let span = stone.what.name().map_or_else(crate::source::Span::call_site, span_of);
            let error = Diagnostic::error(codes::BAD_ATTRIBUTE_ARGUMENT, message, span);
            found.push(error.help(help));
            return None;
        }
    };
    let at = parts.iter().position(|part| part.what.name().is_some_and(|name| name == other));
    if at.is_none() {
        let message = format!("nothing here is called `{other}`");
        report(found, codes::BAD_ATTRIBUTE_ARGUMENT, other, message);
    }
    at.map(|at| at + behind)
}

/// `4`, `-1`, `7..=9` and `Old`, of `reserved(..)` of a type.
pub(super) fn reserved(argument: &Argument, found: &mut Diagnostics) -> Vec<At<Reserved>> {
    let listed = listed(argument, found);
    listed.iter().filter_map(|one| one_reserved(one, found)).collect()
}

fn listed(argument: &Argument, found: &mut Diagnostics) -> Vec<syn::Expr> {
    let parse = Punctuated::<syn::Expr, Token![,]>::parse_terminated;
    let said = argument.group.clone().unwrap_or_default();
    match parse.parse2(said) {
        Ok(listed) if !listed.is_empty() => listed.into_iter().collect(),
        Ok(_) => {
            let message = "write what must not come back: `reserved(4, 7..=9, Old)`";
            report(found, codes::BAD_ATTRIBUTE_ARGUMENT, &argument.key, message);
            Vec::new()
        }
        Err(error) => {
            report_syntax(found, &error);
            Vec::new()
        }
    }
}

fn one_reserved(said: &syn::Expr, found: &mut Diagnostics) -> Option<At<Reserved>> {
    let span = span_of(said);
    let what = match said {
        syn::Expr::Path(path) => {
            path.path.get_ident().map(|name| Reserved::Name(name.unraw().to_string()))
        }
        syn::Expr::Range(range) => match (&range.start, &range.end, range.limits) {
            (Some(first), Some(last), syn::RangeLimits::Closed(_)) => {
                match (whole(first), whole(last)) {
                    (Some(first), Some(last)) if last < first => {
                        let message = "the range ends before it begins";
                        report(found, codes::BAD_TAG, said, message);
                        return None;
                    }
                    (Some(first), Some(last)) => Some(Reserved::Numbers(first, last)),
                    _ => None,
                }
            }
            _ => None,
        },
        number => whole(number).map(|number| Reserved::Numbers(number, number)),
    };
    if what.is_none() {
        let message = "a number, a range as `7..=9`, or a name is reserved";
        report(found, codes::BAD_ATTRIBUTE_ARGUMENT, said, message);
    }
    what.map(|what| At::new(what, span))
}

fn whole(said: &syn::Expr) -> Option<Integer> {
    match expr::expr(said).kind {
        ExprKind::Int(number) => Some(number),
        ExprKind::Unary(UnaryOp::Negate, inner) => match inner.kind {
            ExprKind::Int(number) => Some(number.negate()),
            _ => None,
        },
        _ => None,
    }
}
