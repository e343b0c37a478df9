//! The form in which a value meets serde.
//!
//! It is the value itself, but for `bytes`: serde takes a `Vec<u8>` for a list of numbers and visits
//! each one. Where `bytes` is the whole type of a field, argument or result, a wrapper of the
//! runtime moves it in one piece. The bytes on the wire are the same.

use proc_macro2::TokenStream;
use quote::quote;

use super::ty;
use crate::ir::{Type, TypeKind};

enum Form {
    Plain,
    Bytes,
    OptionalBytes,
}

fn form(ty: &Type) -> Form {
    match &ty.kind {
        TypeKind::Bytes(_) => Form::Bytes,
        TypeKind::Optional(item) if matches!(item.kind, TypeKind::Bytes(_)) => Form::OptionalBytes,
        _ => Form::Plain,
    }
}

/// A reference to what is serialised in place of `*reference`.
pub(super) fn encoded(reference: &TokenStream, ty: &Type) -> TokenStream {
    match form(ty) {
        Form::Plain => reference.clone(),
        Form::Bytes => quote!(&__rt::record::Bytes(#reference)),
        Form::OptionalBytes => quote!(&(#reference).as_deref().map(__rt::record::Bytes)),
    }
}

/// The type that is deserialised in place of `ty`.
pub(super) fn decoded_type(ty: &Type) -> TokenStream {
    match form(ty) {
        Form::Plain => ty::owned(ty, &quote!(__rt)),
        Form::Bytes => quote!(__rt::record::BytesBuf),
        Form::OptionalBytes => quote!(::core::option::Option<__rt::record::BytesBuf>),
    }
}

/// The value, from what was deserialised.
pub(super) fn decoded(value: &TokenStream, ty: &Type) -> TokenStream {
    match form(ty) {
        Form::Plain => value.clone(),
        Form::Bytes => quote!(#value.0),
        Form::OptionalBytes => quote!(#value.map(|__bytes| __bytes.0)),
    }
}
