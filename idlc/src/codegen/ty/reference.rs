//! Handles and objects: what stands for them, seen from either side.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, quote};

use super::{borrowed, word};
use crate::ir::{HandleKind, Object, Owner, Param, Rights, Type, TypeKind};

/// Kind and rights of the handle that is all of `ty`, as arguments of a generic method.
pub(in crate::codegen) fn handle(ty: &Type) -> TokenStream {
    match &ty.kind {
        TypeKind::Handle(kind, rights) => {
            let (kind, rights) = handle_parameters(*kind, *rights);
            quote!(#kind, #rights)
        }
        TypeKind::Optional(item) => handle(item),
        _ => TokenStream::new(),
    }
}

/// A kind of handle and its rights, as types know them.
pub(in crate::codegen) fn handle_parameters(
    kind: HandleKind,
    rights: Rights,
) -> (TokenStream, TokenStream) {
    let name = kind.name();
    let (first, rest) = name.split_at(1);
    let marker = word(&(first.to_ascii_uppercase() + rest));
    let rights = Literal::u8_unsuffixed(rights.bits()).into_token_stream();
    (quote!(__rt::handle::#marker), rights)
}

/// An argument as the client's method declares it; `None` if it is no handle or object.
pub(super) fn client_param(param: &Param, rt: &TokenStream) -> Option<TokenStream> {
    Some(match (&param.ty.kind, param.moved) {
        (TypeKind::Handle(..), None) => quote!(impl #rt::AsFd),
        (TypeKind::Handle(..), Some(_)) => quote!(#rt::OwnedFd),
        (TypeKind::Object(object), _) => {
            let reference = object.named("Ref");
            quote!(impl ::core::convert::Into<#reference>)
        }
        (TypeKind::Optional(item), moved) => match (&item.kind, moved) {
            (TypeKind::Handle(..), None) => quote!(::core::option::Option<#rt::BorrowedFd<'_>>),
            (TypeKind::Handle(..), Some(_)) => quote!(::core::option::Option<#rt::OwnedFd>),
            (TypeKind::Object(object), _) => optional(object.named("Ref")),
            _ => return None,
        },
        _ => return None,
    })
}

/// A parameter of an event, as the method declares it that sends it.
pub(in crate::codegen) fn event_param(param: &Param, rt: &TokenStream) -> TokenStream {
    match &param.ty.kind {
        TypeKind::Handle(..) | TypeKind::Object(_) => {
            client_param(param, rt).unwrap_or_else(|| borrowed(&param.ty, rt))
        }
        TypeKind::Optional(item) => match &item.kind {
            TypeKind::Object(object) => optional(object.named("Ref")),
            _ => optional(borrowed(item, rt)),
        },
        _ => borrowed(&param.ty, rt),
    }
}

/// An object as whoever receives it gets it; `None` if `ty` is none.
pub(in crate::codegen) fn received(ty: &Type) -> Option<TokenStream> {
    by_object(ty, |object| match object.owner {
        Owner::Sender => object.named("Client"),
        Owner::Either => object.named("Ref"),
    })
}

/// As [`received`], by an async client.
pub(in crate::codegen) fn received_async(ty: &Type) -> TokenStream {
    let form = |object: &Object| match object.owner {
        Owner::Sender => object.named("AsyncClient"),
        Owner::Either => object.named("Ref"),
    };
    by_object(ty, form).unwrap_or_default()
}

/// The result `name` of an async client, which was read as a blocking one reads it.
pub(in crate::codegen) fn to_async(name: &Ident, ty: &Type) -> TokenStream {
    match &ty.kind {
        TypeKind::Object(object) if object.owner == Owner::Sender => {
            quote!(::core::convert::Into::into(#name))
        }
        TypeKind::Optional(item) => match &item.kind {
            TypeKind::Object(object) if object.owner == Owner::Sender => {
                quote!(#name.map(::core::convert::Into::into))
            }
            _ => quote!(#name),
        },
        _ => quote!(#name),
    }
}

/// An object as a handler returns it; `None` if `ty` is none.
pub(super) fn returned(ty: &Type, rt: &TokenStream) -> Option<TokenStream> {
    by_object(ty, |object| match object.owner {
        Owner::Sender => {
            let interface = &object.rust.0;
            quote!(#rt::Arc<dyn #interface>)
        }
        Owner::Either => object.named("Ref"),
    })
}

/// What is encoded in place of the object `name` that a handler has returned.
pub(in crate::codegen) fn encoded_result(name: &TokenStream, ty: &Type) -> TokenStream {
    match &ty.kind {
        TypeKind::Object(object) if object.owner == Owner::Sender => {
            let reference = object.named("Ref");
            quote!(&#reference::Local(#name))
        }
        TypeKind::Optional(item) => match &item.kind {
            TypeKind::Object(object) if object.owner == Owner::Sender => {
                let reference = object.named("Ref");
                quote!(&#name.map(#reference::Local))
            }
            _ => quote!(&#name),
        },
        _ => quote!(&#name),
    }
}

fn by_object(ty: &Type, form: impl FnOnce(&Object) -> TokenStream) -> Option<TokenStream> {
    match &ty.kind {
        TypeKind::Object(object) => Some(form(object)),
        TypeKind::Optional(item) => match &item.kind {
            TypeKind::Object(object) => Some(optional(form(object))),
            _ => None,
        },
        _ => None,
    }
}

fn optional(of: TokenStream) -> TokenStream {
    quote!(::core::option::Option<#of>)
}
