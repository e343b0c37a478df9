//! Flags: `#[alpc(flags(READ = 0x1, WRITE = 0x2))] struct Mode(u32);`
//!
//! The flags stand in the attribute because a derive macro sees the type alone and not the constants
//! that an `impl` would give it.

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Ident, Token};

use super::super::attribute::{self, alpc};
use super::super::availability::{availability, look, version};
use super::super::docs::docs;
use super::super::{expr, report, report_syntax, span_of, ty};
use super::Head;
use crate::diagnostic::{Diagnostics, codes};
use crate::ir::{At, BinaryOp, Expr, ExprKind, Flags, IntKind, Member, Name, Path, UnaryOp};
use crate::source::Span;

/// `/// Documentation` and `NAME = value`.
struct Listed {
    attributes: Vec<Attribute>,
    name: Ident,
    value: Option<syn::Expr>,
}

impl Parse for Listed {
    fn parse(input: ParseStream<'_>) -> syn::Result<Listed> {
        let attributes = input.call(Attribute::parse_outer)?;
        let name = input.call(Ident::parse_any)?;
        let value = match input.parse::<Option<Token![=]>>()? {
            Some(_) => Some(input.parse()?),
            None => None,
        };
        Ok(Listed { attributes, name, value })
    }
}

/// The flags that are `listed` for a struct of these fields.
pub(super) fn flags(
    head: Head,
    fields: &syn::Fields,
    listed: TokenStream,
    found: &mut Diagnostics,
) -> Option<Flags> {
    let base = base(fields, found)?;
    let parse = Punctuated::<Listed, Token![,]>::parse_terminated;
    let listed = match parse.parse2(listed) {
        Ok(listed) => listed,
        Err(error) => {
            report_syntax(found, &error);
            return None;
        }
    };
    if head.growth.is_closed() {
        let message = "flags keep the bits of later versions, so they are never `final`";
        report(found, codes::MISPLACED_ATTRIBUTE, fields, message);
    }
    for removed in &head.removed {
        let message =
            "a flag is removed where it is listed: `#[alpc(removed = \"1.4\")] OLD = 0x4`";
        report(found, codes::MISPLACED_ATTRIBUTE, &removed.key, message);
    }
    Some(Flags {
        name: head.name,
        qualified: head.qualified,
        docs: head.docs,
        availability: head.availability,
        look: head.look,
        sensitive: head.sensitive,
        base,
        members: listed.into_iter().map(|listed| member(listed, found)).collect(),
        reserved: head.reserved,
    })
}

/// The integer type in `struct Mode(u32);`
fn base(fields: &syn::Fields, found: &mut Diagnostics) -> Option<At<IntKind>> {
    let only = match fields {
        syn::Fields::Unnamed(fields) if fields.unnamed.len() == 1 => fields.unnamed.first(),
        _ => None,
    };
    let kind = only.and_then(|field| {
        let last = ty::last_segment(&field.ty)?;
        IntKind::from_name(&last.ident.to_string())
    });
    if kind.is_none() {
        let message = "flags are a struct around an unsigned integer: `struct PutFlags(u32);`";
        report(found, codes::UNEXPECTED, fields, message);
    }
    kind.map(|kind| At::new(kind, span_of(fields)))
}

fn member(listed: Listed, found: &mut Diagnostics) -> Member {
    const OURS: [&str; 3] = ["doc", "deprecated", "alpc"];
    for attribute in &listed.attributes {
        if !OURS.iter().any(|known| attribute.path().is_ident(known)) {
            report(found, codes::UNKNOWN_ATTRIBUTE, attribute, "a flag has no such attribute");
        }
    }
    let mut availability = availability(&listed.attributes);
    for argument in &alpc(&listed.attributes, found) {
        if argument.is("added") {
            availability.added = version(argument, found);
        } else if argument.is("removed") {
            availability.removed = version(argument, found);
        } else {
            attribute::unknown(argument, &["added", "removed"], found);
        }
    }
    Member {
        name: Name::new(listed.name.unraw().to_string(), Span::Tokens(listed.name.span())),
        docs: docs(&listed.attributes),
        availability,
        look: look(&listed.attributes),
        value: listed.value.map(|value| bits(&value, found)),
    }
}

/// Bits are literals, other flags of the list, and what operators make of them.
fn bits(value: &syn::Expr, found: &mut Diagnostics) -> Expr {
    let span = span_of(value);
    let kind = match value {
        syn::Expr::Paren(inner) => return bits(&inner.expr, found),
        syn::Expr::Group(inner) => return bits(&inner.expr, found),
        syn::Expr::Path(path) if path.path.get_ident().is_some() => {
            let name = ty::text(&path.path);
            ExprKind::Path(Path { segments: vec![Name::new(name, span)] })
        }
        syn::Expr::Unary(syn::ExprUnary { op: syn::UnOp::Not(_), expr, .. }) => {
            ExprKind::Unary(UnaryOp::Complement, Box::new(bits(expr, found)))
        }
        syn::Expr::Binary(binary) => match expr::operator(&binary.op) {
            Some(op) => combined(op, binary, found),
            None => refused(value, found),
        },
        literal => match expr::expr(literal).kind {
            ExprKind::Rust(_) => refused(value, found),
            kind => kind,
        },
    };
    Expr { kind, span }
}

fn combined(op: BinaryOp, binary: &syn::ExprBinary, found: &mut Diagnostics) -> ExprKind {
    let (left, right) = (bits(&binary.left, found), bits(&binary.right, found));
    ExprKind::Binary(op, Box::new(left), Box::new(right))
}

fn refused(value: &syn::Expr, found: &mut Diagnostics) -> ExprKind {
    let message = format!("`{}` is not a number, and the macro cannot compute it", ty::text(value));
    report(found, codes::BAD_TAG, value, message);
    ExprKind::Int(crate::ir::Integer::ZERO)
}
