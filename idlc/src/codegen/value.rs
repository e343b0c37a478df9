//! Values of constant expressions, as Rust.

use proc_macro2::{Ident, Literal, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};

use super::ty;
use crate::ir::{Expr, ExprKind, FloatKind, IntKind, Integer, Type, TypeKind};

/// A value that owns what it holds: `String::from("..")`.
pub(super) fn owned(value: &Expr, ty: &Type, rt: &TokenStream) -> TokenStream {
    match (&value.kind, &ty.kind) {
        (ExprKind::None, TypeKind::Optional(_)) => quote!(::core::option::Option::None),
        // A member of an enum or flags; in a trait, as well a constant that may be optional itself.
        (ExprKind::Rust(code), TypeKind::Optional(_)) if is_path(&code.0) => {
            let code = &code.0;
            quote!(::core::option::Option::from(#code))
        }
        (ExprKind::Rust(code), _) => code.0.clone(),
        (_, TypeKind::Optional(item)) => {
            let item = owned(value, item, rt);
            quote!(::core::option::Option::Some(#item))
        }
        (ExprKind::Str(text), TypeKind::String(_)) => quote!(#rt::String::from(#text)),
        (ExprKind::Bytes(bytes), TypeKind::Bytes(_)) => {
            let bytes = Literal::byte_string(bytes);
            quote!(#rt::Vec::from(#bytes))
        }
        (ExprKind::Str(text), TypeKind::Path(_)) => quote!(#rt::PathBuf::from(#text)),
        (ExprKind::Duration(since), TypeKind::Time(_)) => {
            let since = duration(*since);
            quote!(#rt::SystemTime::UNIX_EPOCH + #since)
        }
        (ExprKind::List(items), TypeKind::List(..)) if items.is_empty() => quote!(#rt::Vec::new()),
        (ExprKind::List(_), TypeKind::Map(..)) => quote!(#rt::BTreeMap::new()),
        (ExprKind::List(items), TypeKind::List(item, _)) => {
            let items = items.iter().map(|value| owned(value, item, rt));
            quote!(#rt::Vec::from([#(#items),*]))
        }
        (ExprKind::List(items), TypeKind::Array(item, _)) => {
            let items = items.iter().map(|value| owned(value, item, rt));
            quote!([#(#items),*])
        }
        _ => borrowed(value, ty, rt),
    }
}

/// Whether all that it says are names: `Mode::A`, or `Flags::A | Flags::B`.
fn is_path(code: &TokenStream) -> bool {
    code.clone().into_iter().all(|token| match token {
        TokenTree::Ident(name) => name != "None",
        TokenTree::Punct(mark) => [':', '|'].contains(&mark.as_char()),
        _ => false,
    })
}

/// A value that may borrow from the program: `".."`.
pub(super) fn borrowed(value: &Expr, ty: &Type, rt: &TokenStream) -> TokenStream {
    match &value.kind {
        ExprKind::Bool(value) => value.to_token_stream(),
        ExprKind::Int(number) => match &ty.kind {
            TypeKind::Int(kind, _) => int(*number, *kind),
            _ => digits(*number),
        },
        ExprKind::Float(number) => match &ty.kind {
            TypeKind::Float(kind, _) => float(number.0, *kind),
            _ => float(number.0, FloatKind::F64),
        },
        ExprKind::Str(text) => text.to_token_stream(),
        ExprKind::Bytes(bytes) => Literal::byte_string(bytes).into_token_stream(),
        ExprKind::Duration(value) => duration(*value),
        ExprKind::Uuid(value) => {
            let number = hexadecimal(&format!("{value:032x}"), "u128");
            quote!(#rt::Uuid::from_u128(#number))
        }
        ExprKind::List(items) => {
            let items = items.iter().map(|value| borrowed(value, ty, rt));
            quote!([#(#items),*])
        }
        ExprKind::Member { of, member } => {
            let (of, member) = (&of.rust.0, member.ident());
            quote!(#of::#member)
        }
        // `resolve` has put Rust in its place, as it does with members of enums.
        ExprKind::Flags { of, members } => {
            let (of, members) = (&of.rust.0, members.iter().map(|name| name.ident()));
            quote!(#(#of::#members)|*)
        }
        ExprKind::None => quote!(::core::option::Option::None),
        ExprKind::Rust(code) => code.0.clone(),
        // `check` lets none through; the Rust compiler would say what is missing.
        ExprKind::Path(path) => {
            let segments = path.segments.iter().map(|name| name.ident());
            quote!(#(#segments)::*)
        }
        ExprKind::Unary(..) | ExprKind::Binary(..) => {
            quote!(::core::compile_error!("an expression was not computed"))
        }
    }
}

/// `Duration::new(30, 0)`
pub(super) fn duration(value: core::time::Duration) -> TokenStream {
    let (seconds, nanos) = (value.as_secs(), value.subsec_nanos());
    quote!(::core::time::Duration::new(#seconds, #nanos))
}

/// A literal in groups of four digits, so that people can compare it with a uuid.
pub(super) fn hexadecimal(digits: &str, suffix: &str) -> TokenStream {
    let groups: Vec<&str> =
        (0..digits.len()).step_by(4).filter_map(|at| digits.get(at..at + 4)).collect();
    let text = format!("0x{}_{suffix}", groups.join("_"));
    syn::LitInt::new(&text, Span::call_site()).into_token_stream()
}

/// A number with its type behind it: `-5i32`.
pub(super) fn int(number: Integer, kind: IntKind) -> TokenStream {
    let literal =
        syn::LitInt::new(&format!("{}{}", number.magnitude(), kind.name()), Span::call_site());
    if number.is_negative() { quote!(-#literal) } else { literal.into_token_stream() }
}

/// A number without a type.
pub(super) fn digits(number: Integer) -> TokenStream {
    let literal = syn::LitInt::new(&number.magnitude().to_string(), Span::call_site());
    if number.is_negative() { quote!(-#literal) } else { literal.into_token_stream() }
}

fn float(number: f64, kind: FloatKind) -> TokenStream {
    let name = Ident::new(kind.name(), Span::call_site());
    if number.is_nan() {
        return quote!(#name::NAN);
    }
    if number.is_infinite() {
        return if number < 0.0 { quote!(#name::NEG_INFINITY) } else { quote!(#name::INFINITY) };
    }
    let literal = match kind {
        FloatKind::F32 => Literal::f32_suffixed(number.abs() as f32),
        FloatKind::F64 => Literal::f64_suffixed(number.abs()),
    };
    if number.is_sign_negative() { quote!(-#literal) } else { literal.into_token_stream() }
}

/// The length of an array.
pub(super) fn length(value: &Expr) -> TokenStream {
    match &value.kind {
        ExprKind::Int(number) => digits(*number),
        ExprKind::Rust(code) => {
            let code = &code.0;
            quote!({ #code })
        }
        _ => ty::plain(0),
    }
}
