//! Types as Rust sees them: owned, as a client hands them over, as a handler gets them.

pub(super) mod reference;

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote};

use super::{stream, value};
use crate::ir::{Direction, HandleKind, Method, Output, Param, Passing, Rights, Type, TypeKind};

/// A value of its own: what is decoded, what methods return, what fields hold.
pub(super) fn owned(ty: &Type, rt: &TokenStream) -> TokenStream {
    written(ty, rt, &|_, _| quote!(#rt::OwnedFd))
}

/// [`owned`], for whoever describes it: a handle is a type that knows its kind.
pub(super) fn described(ty: &Type, rt: &TokenStream) -> TokenStream {
    written(ty, rt, &|kind, rights| {
        let (kind, rights) = reference::handle_parameters(kind, rights);
        quote!(#rt::wire::Handle<#kind, #rights>)
    })
}

fn written(
    ty: &Type,
    rt: &TokenStream,
    handle: &dyn Fn(HandleKind, Rights) -> TokenStream,
) -> TokenStream {
    let owned = |ty: &Type, rt: &TokenStream| written(ty, rt, handle);
    match &ty.kind {
        TypeKind::Unit => quote!(()),
        TypeKind::Bool => quote!(bool),
        TypeKind::Int(kind, _) => word(kind.name()),
        TypeKind::Float(kind, _) => word(kind.name()),
        TypeKind::String(_) => quote!(#rt::String),
        TypeKind::Bytes(_) => quote!(#rt::Vec<u8>),
        TypeKind::List(item, _) => {
            let item = owned(item, rt);
            quote!(#rt::Vec<#item>)
        }
        TypeKind::Array(item, length) => {
            let item = owned(item, rt);
            let length = value::length(length);
            quote!([#item; #length])
        }
        TypeKind::Map(key, value, _) => {
            let (key, value) = (owned(key, rt), owned(value, rt));
            quote!(#rt::BTreeMap<#key, #value>)
        }
        TypeKind::Optional(item) => {
            let item = owned(item, rt);
            quote!(::core::option::Option<#item>)
        }
        TypeKind::Tuple(items) => {
            let items = items.iter().map(|item| owned(item, rt));
            quote!((#(#items,)*))
        }
        TypeKind::Path(_) => quote!(#rt::PathBuf),
        TypeKind::Uuid => quote!(#rt::Uuid),
        TypeKind::Duration(_) => quote!(::core::time::Duration),
        TypeKind::Time(_) => quote!(#rt::SystemTime),
        TypeKind::Result(value, error) => {
            let (value, error) = (owned(value, rt), owned(error, rt));
            quote!(::core::result::Result<#value, #error>)
        }
        TypeKind::Named(named) => named.rust.0.clone(),
        TypeKind::Handle(kind, rights) => handle(*kind, *rights),
        TypeKind::Object(object) => object.named("Ref"),
        TypeKind::Stream(item) => {
            let item = owned(item, rt);
            quote!(#rt::Stream<#item>)
        }
        // `check` lets none through. If it did, the Rust compiler would say that it knows no such
        // type, at the right place.
        TypeKind::Unresolved(path) => {
            let segments = path.segments.iter().map(|name| name.ident());
            quote!(#(#segments)::*)
        }
    }
}

/// The type of a constant.
pub(super) fn constant(ty: &Type, rt: &TokenStream) -> TokenStream {
    match &ty.kind {
        TypeKind::String(_) => quote!(&str),
        TypeKind::Bytes(_) => quote!(&[u8]),
        _ => owned(ty, rt),
    }
}

/// Is it a number or a `bool`?
pub(super) fn is_scalar(ty: &Type) -> bool {
    matches!(ty.kind, TypeKind::Bool | TypeKind::Int(..) | TypeKind::Float(..))
}

/// Does a client hand it over by value?
pub(super) fn is_passed_by_value(ty: &Type) -> bool {
    match &ty.kind {
        TypeKind::Unit | TypeKind::Uuid | TypeKind::Duration(_) | TypeKind::Time(_) => true,
        TypeKind::Named(named) => named.passing == Passing::Value,
        TypeKind::Tuple(items) => items.iter().all(is_scalar),
        TypeKind::Optional(_) => true,
        _ => is_scalar(ty),
    }
}

/// The ways in which a parameter or result goes over the wire, each with its own call in the
/// runtime. What is neither text, bytes nor raw is a value: encoded, never bulk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Value,
    Text,
    Bytes,
    View,
    Raw,
    Handle,
    OptionalHandle,
    Object,
    Stream,
}

/// The way of an `[in]` parameter.
pub(super) fn way_in(param: &Param) -> Way {
    way(&param.ty, param.view.is_some(), param.raw.is_some())
}

/// The way of a result.
pub(super) fn way_back(result: &Output) -> Way {
    way(&result.ty, result.view.is_some(), result.raw.is_some())
}

fn way(ty: &Type, view: bool, raw: bool) -> Way {
    match &ty.kind {
        TypeKind::String(_) => Way::Text,
        TypeKind::Bytes(_) if view => Way::View,
        TypeKind::Bytes(_) => Way::Bytes,
        TypeKind::List(..) if raw => Way::Raw,
        TypeKind::Handle(..) => Way::Handle,
        TypeKind::Object(_) => Way::Object,
        TypeKind::Stream(_) => Way::Stream,
        TypeKind::Optional(item) => match &item.kind {
            TypeKind::Handle(..) => Way::OptionalHandle,
            TypeKind::Object(_) => Way::Object,
            _ => Way::Value,
        },
        _ => Way::Value,
    }
}

/// The element of a buffer or raw list.
pub(super) fn element(ty: &Type, rt: &TokenStream) -> TokenStream {
    match &ty.kind {
        TypeKind::List(item, _) => owned(item, rt),
        _ => quote!(u8),
    }
}

/// A parameter of `method` as the client's method declares it. `'data` is a lifetime of that method.
pub(super) fn client_param(param: &Param, method: &Method, rt: &TokenStream) -> TokenStream {
    let ty = &param.ty;
    if let Some(declared) = reference::client_param(param, rt) {
        return declared;
    }
    match param.direction {
        Direction::Out | Direction::InOut => {
            let element = element(ty, rt);
            quote!(&mut [#element])
        }
        Direction::In => match &ty.kind {
            TypeKind::Stream(item) => stream::passed(item, method.raises.as_ref(), rt),
            // Not `&[u8]`, so that a `&Blob` can be sent, too.
            TypeKind::Bytes(_) => {
                quote!(impl ::core::convert::Into<#rt::BytesArg<'data>>)
            }
            TypeKind::Optional(item) => {
                let item = borrowed(item, rt);
                quote!(::core::option::Option<#item>)
            }
            _ => borrowed(ty, rt),
        },
    }
}

/// Does [`client_param`] use the lifetime `'data`?
pub(super) fn borrows_bytes(param: &Param) -> bool {
    param.direction == Direction::In && matches!(param.ty.kind, TypeKind::Bytes(_))
}

fn borrowed(ty: &Type, rt: &TokenStream) -> TokenStream {
    match &ty.kind {
        TypeKind::String(_) => quote!(&str),
        TypeKind::Bytes(_) => quote!(&[u8]),
        TypeKind::Path(_) => quote!(&#rt::Path),
        TypeKind::List(item, _) => {
            let item = owned(item, rt);
            quote!(&[#item])
        }
        TypeKind::Optional(_) => {
            let owned = owned(ty, rt);
            quote!(&#owned)
        }
        _ => {
            let by_value = is_passed_by_value(ty);
            let owned = owned(ty, rt);
            if by_value { owned } else { quote!(&#owned) }
        }
    }
}

/// A parameter of `method` as its handler declares it.
pub(super) fn server_param(param: &Param, method: &Method, rt: &TokenStream) -> TokenStream {
    if let TypeKind::Stream(item) = &param.ty.kind {
        return stream::taken(item, method.raises.as_ref(), rt);
    }
    match param.direction {
        Direction::Out => {
            let arguments = buffer_arguments(&param.ty, rt);
            quote!(&mut #rt::OutBuf<#arguments>)
        }
        Direction::InOut => {
            let arguments = buffer_arguments(&param.ty, rt);
            quote!(&mut #rt::InOutBuf<#arguments>)
        }
        Direction::In => match way_in(param) {
            Way::Value | Way::Handle | Way::OptionalHandle | Way::Stream => owned(&param.ty, rt),
            Way::Object => reference::received(&param.ty).unwrap_or_default(),
            Way::Text => quote!(&str),
            Way::Bytes => quote!(&[u8]),
            Way::View => quote!(#rt::View),
            Way::Raw => {
                let element = element(&param.ty, rt);
                quote!(&[#element])
            }
        },
    }
}

/// The arguments of `OutBuf`: bytes need not be said.
fn buffer_arguments(ty: &Type, rt: &TokenStream) -> TokenStream {
    match &ty.kind {
        TypeKind::List(..) => {
            let element = element(ty, rt);
            quote!('_, #element)
        }
        _ => quote!('_),
    }
}

/// A buffer of the caller's, as a handler owns it that answers later.
pub(super) fn owned_buffer(param: &Param, rt: &TokenStream) -> TokenStream {
    let arguments = match &param.ty.kind {
        TypeKind::List(..) => {
            let element = element(&param.ty, rt);
            quote!('static, #element)
        }
        _ => quote!('static),
    };
    match param.direction {
        Direction::InOut => quote!(#rt::InOutBuf<#arguments>),
        _ => quote!(#rt::OutBuf<#arguments>),
    }
}

/// A result of `method` as the client gets it.
pub(super) fn client_result(result: &Output, method: &Method, rt: &TokenStream) -> TokenStream {
    if let TypeKind::Stream(item) = &result.ty.kind {
        return stream::taken(item, method.raises.as_ref(), rt);
    }
    match way_back(result) {
        Way::Object => reference::received(&result.ty).unwrap_or_default(),
        Way::View => quote!(#rt::View),
        _ => owned(&result.ty, rt),
    }
}

/// A result of `method` as the handler gives it.
pub(super) fn server_result(result: &Output, method: &Method, rt: &TokenStream) -> TokenStream {
    if let TypeKind::Stream(item) = &result.ty.kind {
        return stream::given(item, method.raises.as_ref(), rt);
    }
    match way_back(result) {
        Way::Object => reference::returned(&result.ty, rt).unwrap_or_default(),
        Way::View => quote!(#rt::Blob),
        _ => owned(&result.ty, rt),
    }
}

/// `()` for nothing, the thing itself for one, a tuple for more.
pub(super) fn unwrapped(mut parts: Vec<TokenStream>) -> TokenStream {
    match parts.len() {
        1 => parts.remove(0),
        _ => quote!((#(#parts),*)),
    }
}

/// `value`, told its type where nothing else does: a bare `None` could be anything.
pub(super) fn typed(value: &TokenStream, ty: &Type, rt: &TokenStream) -> TokenStream {
    let ty = owned(ty, rt);
    quote!(::core::convert::identity::<#ty>(#value))
}

/// A name of Rust's own, such as `u32`.
pub(super) fn word(text: &str) -> TokenStream {
    Ident::new(text, Span::call_site()).into_token_stream()
}

/// A whole number without a type behind it.
pub(super) fn plain(number: usize) -> TokenStream {
    Literal::usize_unsuffixed(number).into_token_stream()
}

/// The position of a variant, as serde wants it.
pub(super) fn index(position: usize) -> TokenStream {
    // The checker refuses more variants than there are tags.
    Literal::u32_suffixed(u32::try_from(position).unwrap_or(u32::MAX)).into_token_stream()
}
