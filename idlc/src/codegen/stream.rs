//! Streams: items of one type, made by one side and taken by the other.

use proc_macro2::TokenStream;
use quote::quote;

use super::bounds::{self, Place};
use super::{sensitive, ty, wire};
use crate::ir::{At, Method, Type, TypeKind};

/// What a client passes.
pub(super) fn passed(item: &Type, raises: Option<&Type>, rt: &TokenStream) -> TokenStream {
    let items = given(item, raises, rt);
    quote!(impl ::core::convert::Into<#items>)
}

/// A stream in the hands of whoever takes its items. It may end with the error that the method raises.
pub(super) fn taken(item: &Type, raises: Option<&Type>, rt: &TokenStream) -> TokenStream {
    let arguments = arguments(item, raises, rt);
    quote!(#rt::Stream<#arguments>)
}

/// The same in the hands of whoever makes them.
pub(super) fn given(item: &Type, raises: Option<&Type>, rt: &TokenStream) -> TokenStream {
    let arguments = arguments(item, raises, rt);
    quote!(#rt::Items<#arguments>)
}

fn arguments(item: &Type, raises: Option<&Type>, rt: &TokenStream) -> TokenStream {
    let item = ty::owned(item, rt);
    match raises {
        Some(raised) => {
            let raised = ty::owned(raised, rt);
            quote!(#item, #raised)
        }
        None => item,
    }
}

/// How the items of a parameter or result of `method` go over the wire.
pub(super) fn format(
    ty: &Type,
    method: &Method,
    marked: Option<At<()>>,
    what: &str,
) -> TokenStream {
    let TypeKind::Stream(item) = &ty.kind else { return TokenStream::new() };
    let (owned, adaptor) = (ty::owned(item, &quote!(__rt)), wire::adaptor_or_same(item));
    let check = bounds::check(&Place::Reference(quote!(__item)), item, &format!("{what}[]"));
    let check = sensitive::checks(marked, check);
    let checked = (!check.is_empty())
        .then(|| quote!(.checked(|__item| { #check ::core::result::Result::Ok(()) })));
    let raises = method.raises.as_ref().map(|raised| {
        let raised = ty::owned(raised, &quote!(__rt));
        quote!(.raises::<#raised>())
    });
    quote!(__rt::Format::<#owned>::of::<#adaptor>()#checked #raises)
}
