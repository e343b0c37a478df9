//! The form in which a value meets serde.
//!
//! It is the value itself, but for types that serde writes otherwise than the language does, at
//! whatever depth they stand: for those, an adaptor of the runtime that is put together as the type
//! is. `list<bytes>` is written by `List<Bytes>`.

use proc_macro2::TokenStream;
use quote::quote;

use super::ty;
use crate::ir::{Expr, ExprKind, Integer, Type, TypeKind};

/// serde itself knows arrays of up to this length.
const LONGEST_OF_SERDE: u64 = 32;

/// The adaptor for a type; none where serde needs no help.
fn adaptor(ty: &Type) -> Option<TokenStream> {
    Some(match &ty.kind {
        TypeKind::Bytes(_) => quote!(__rt::wire::Bytes),
        TypeKind::Handle(kind, rights) => {
            let (kind, rights) = ty::reference::handle_parameters(*kind, *rights);
            quote!(__rt::wire::Handle<#kind, #rights>)
        }
        TypeKind::Path(_) => quote!(__rt::wire::Path),
        TypeKind::Uuid => quote!(__rt::wire::Uuid),
        TypeKind::Duration(_) => quote!(__rt::wire::Duration),
        TypeKind::Time(_) => quote!(__rt::wire::Time),
        TypeKind::List(item, _) => {
            let item = adaptor(item)?;
            quote!(__rt::wire::List<#item>)
        }
        TypeKind::Optional(item) => {
            let item = adaptor(item)?;
            quote!(__rt::wire::Optional<#item>)
        }
        TypeKind::Array(item, length) => {
            let item = adaptor(item);
            if item.is_none() && is_short(length) {
                return None;
            }
            let item = or_same(item);
            quote!(__rt::wire::Array<#item>)
        }
        TypeKind::Map(key, value, _) => {
            let [key, value] = pair(key, value)?;
            quote!(__rt::wire::Map<#key, #value>)
        }
        TypeKind::Result(value, error) => {
            let [value, error] = pair(value, error)?;
            quote!(__rt::wire::Outcome<#value, #error>)
        }
        TypeKind::Tuple(items) => {
            let items: Vec<Option<TokenStream>> = items.iter().map(adaptor).collect();
            if items.iter().all(Option::is_none) {
                return None;
            }
            let items = items.into_iter().map(or_same);
            quote!((#(#items,)*))
        }
        _ => return None,
    })
}

/// The same, where one has to be named.
pub(super) fn adaptor_or_same(ty: &Type) -> TokenStream {
    or_same(adaptor(ty))
}

fn pair(one: &Type, other: &Type) -> Option<[TokenStream; 2]> {
    match (adaptor(one), adaptor(other)) {
        (None, None) => None,
        (one, other) => Some([or_same(one), or_same(other)]),
    }
}

fn or_same(adaptor: Option<TokenStream>) -> TokenStream {
    adaptor.unwrap_or_else(|| quote!(__rt::wire::Same))
}

/// Is it surely short enough for serde? Of a constant of the user's nobody knows.
fn is_short(length: &Expr) -> bool {
    matches!(&length.kind, ExprKind::Int(length) if *length <= Integer::from(LONGEST_OF_SERDE))
}

/// A reference to what is serialised in place of `*reference`, which is of the owned type.
pub(super) fn encoded(reference: &TokenStream, ty: &Type) -> TokenStream {
    in_manner_of(adaptor(ty), reference)
}

/// The same for an argument, which a client borrows where it can.
pub(super) fn argument(reference: &TokenStream, ty: &Type) -> TokenStream {
    let adaptor = match &ty.kind {
        TypeKind::Optional(item) if is_borrowed(item) => {
            adaptor(item).map(|item| quote!(__rt::wire::Optional<__rt::wire::Ref<#item>>))
        }
        _ => adaptor(ty),
    };
    in_manner_of(adaptor, reference)
}

/// Is it `&T` in `Option<&T>`?
fn is_borrowed(item: &Type) -> bool {
    matches!(item.kind, TypeKind::Optional(_)) || !ty::is_passed_by_value(item)
}

fn in_manner_of(adaptor: Option<TokenStream>, reference: &TokenStream) -> TokenStream {
    match adaptor {
        Some(adaptor) => quote!(&__rt::wire::encoded::<#adaptor, _>(#reference)),
        None => reference.clone(),
    }
}

/// The type that is deserialised in place of `ty`.
pub(super) fn decoded_type(ty: &Type) -> TokenStream {
    let owned = ty::owned(ty, &quote!(__rt));
    match adaptor(ty) {
        Some(adaptor) => quote!(__rt::wire::Decoded<#adaptor, #owned>),
        None => owned,
    }
}

/// The value, from what was deserialised.
pub(super) fn decoded(value: &TokenStream, ty: &Type) -> TokenStream {
    match adaptor(ty) {
        Some(_) => quote!(#value.value),
        None => value.clone(),
    }
}
