//! What makes a union an error: a text for people.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::{binding, pattern};
use crate::ir::text::{self, Piece};
use crate::ir::{Field, Growth, Type, TypeKind, Union, Variant};

/// `Display` from the first line of each variant's documentation, and `Error`.
pub(super) fn impls(item: &Union) -> TokenStream {
    let name = item.name.ident();
    let arms = item.variants.iter().map(|variant| {
        let text = variant.docs.iter().map(|line| line.trim()).find(|line| !line.is_empty());
        let text = text.map_or_else(|| escaped(&text::words(&variant.name.text)), str::to_owned);
        let pieces = text::pieces(&text).unwrap_or_else(|_| vec![Piece::Text(&text)]);
        display_arm(item, variant, &pieces)
    });
    let unrecognized = match item.growth {
        Growth::Open => quote! {
            #name::Unrecognized { tag: __tag, .. } => {
                __f.write_str("an error that this version does not know, with number ")?;
                ::core::fmt::Display::fmt(__tag, __f)
            }
        },
        Growth::Closed => TokenStream::new(),
    };
    quote! {
        #[automatically_derived]
        impl ::core::fmt::Display for #name {
            fn fmt(&self, __f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                match self { #(#arms)* #unrecognized }
            }
        }

        #[automatically_derived]
        impl ::core::error::Error for #name {}
    }
}

fn escaped(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

fn display_arm(item: &Union, variant: &Variant, pieces: &[Piece<'_>]) -> TokenStream {
    let fields = variant.payload.fields();
    let position = |name: &str| fields.iter().position(|field| field.name.text == name);
    let is_shown = |index: usize| {
        pieces.iter().any(|piece| match piece {
            Piece::Field(name) => position(name) == Some(index),
            Piece::Text(_) => false,
        })
    };
    let pattern = pattern(item, variant, is_shown);
    let mut writes = Vec::new();
    let mut pending = String::new();
    for piece in pieces {
        let shown = match piece {
            Piece::Text(_) => None,
            Piece::Field(name) => {
                position(name).and_then(|at| fields.get(at).map(|field| (at, field)))
            }
        };
        match (shown, piece) {
            (Some((at, field)), _) => {
                writes.extend(write_text(&mut pending));
                writes.push(show(&binding(at), field));
            }
            // `check` lets no name of a field through that is not there.
            (None, Piece::Text(text) | Piece::Field(text)) => pending.push_str(text),
        }
    }
    writes.extend(write_text(&mut pending));
    quote!(#pattern => { #(#writes)* ::core::result::Result::Ok(()) })
}

/// Writes what has gathered in `pending`, if anything has.
fn write_text(pending: &mut String) -> Option<TokenStream> {
    let text = std::mem::take(pending);
    (!text.is_empty()).then(|| quote!(__f.write_str(#text)?;))
}

/// Writes one value. What is made for people is shown as they would write it, the rest as a
/// programmer would.
fn show(binding: &Ident, field: &Field) -> TokenStream {
    fn write(binding: &Ident, ty: &Type) -> TokenStream {
        match &ty.kind {
            TypeKind::Bool | TypeKind::Int(..) | TypeKind::Float(..) | TypeKind::String(_) => {
                quote!(::core::fmt::Display::fmt(#binding, __f)?;)
            }
            TypeKind::Uuid => quote!(::core::fmt::Display::fmt(#binding, __f)?;),
            TypeKind::Path(_) => quote!(::core::fmt::Display::fmt(&#binding.display(), __f)?;),
            TypeKind::Optional(item) => {
                let some = format_ident!("__some");
                let inner = write(&some, item);
                quote! {
                    match #binding {
                        ::core::option::Option::Some(#some) => { #inner }
                        ::core::option::Option::None => __f.write_str("none")?,
                    }
                }
            }
            _ => quote!(::core::fmt::Debug::fmt(#binding, __f)?;),
        }
    }
    write(binding, &field.ty)
}
