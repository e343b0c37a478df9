//! The client: a method for each method, which encodes, waits and decodes.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::bases;
use super::bounds::{self, Place, Unit};
use super::interface::client_name;
use super::ty::{self, Way};
use super::{docs, marks, sensitive, stream, value, wire};
use crate::ir::{
    At, Bounds, Direction, Expr, Interface, Method, Output, Param, Type, TypeKind, Via,
};

/// How a client's methods wait for their answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Waits {
    /// The thread that calls does.
    Blocking,
    /// The task that calls does.
    InTask,
}

pub(super) fn impls(item: &Interface) -> TokenStream {
    let client = client_name(&item.name);
    let consts = item.consts.iter().map(|constant| {
        let docs =
            docs::attributes(&constant.docs, || format!("The constant `{}`.", constant.name));
        let (name, ty) = (constant.name.ident(), constant_type(&constant.ty));
        let value = value::borrowed(&constant.value, &constant.ty, &quote!(__rt));
        let marks = marks::marks(&constant.availability, &constant.look);
        quote!(#docs #marks pub const #name: #ty = #value;)
    });
    let bases = bases::field_values(item);
    let methods = item
        .methods
        .iter()
        .enumerate()
        .map(|(at, method)| self::method(at, method, item, Waits::Blocking));
    quote! {
        #[automatically_derived]
        impl __rt::Client for #client {
            const INTERFACE: &'static __rt::InterfaceDesc = &__INTERFACE;

            fn from_core(core: __rt::ClientCore) -> Self {
                Self { #bases core }
            }

            fn core(&self) -> &__rt::ClientCore {
                &self.core
            }
        }

        impl #client {
            #(#consts)*
            #(#methods)*
        }
    }
}

/// An associated constant cannot leave out the lifetime.
fn constant_type(ty: &Type) -> TokenStream {
    match &ty.kind {
        TypeKind::String(_) => quote!(&'static str),
        TypeKind::Bytes(_) => quote!(&'static [u8]),
        _ => ty::constant(ty, &quote!(__rt)),
    }
}

pub(super) fn method(at: usize, item: &Method, interface: &Interface, waits: Waits) -> TokenStream {
    let rt = quote!(__rt);
    let docs =
        docs::attributes(&item.docs, || format!("Calls `{}.{}`.", interface.name, item.name));
    let marks = marks::marks(&item.availability, &item.look);
    let visibility = &interface.visibility.0;
    let name = item.name.ident();
    let lifetime = live_params(item).any(ty::borrows_bytes).then(|| quote!(<'data>));
    let params = live_params(item).map(|param| {
        let name = param.name.ident();
        if param.direction != Direction::In && waits == Waits::InTask {
            let element = ty::element(&param.ty, &rt);
            return quote!(mut #name: __rt::Vec<#element>);
        }
        let ty = ty::client_param(param, item, &rt);
        quote!(#name: #ty)
    });
    let answers = return_type(item, waits);
    let raises = raises(item);
    let checks = live_params(item).map(check);
    let at = ty::plain(at);
    let mutable = (!item.params.is_empty()).then(|| quote!(mut));
    let arguments = item.params.iter().map(|param| argument(param, item, waits));
    let finish = match (item.oneway, waits) {
        (Some(_), Waits::Blocking) => quote!(__call.send()),
        (Some(_), Waits::InTask) => quote!(__call.send_async().await),
        (None, _) => receive(item, waits),
    };
    let is_async = (waits == Waits::InTask).then(|| quote!(async));
    // Inline not for speed, but so that a crate of interfaces compiles none of it: who calls a method
    // does, and with it the encoding of its types.
    quote! {
        #docs
        #marks
        #[inline]
        #visibility #is_async fn #name #lifetime(
            &self,
            #(#params),*
        ) -> ::core::result::Result<#answers, __rt::CallError<#raises>> {
            #(#checks)*
            let #mutable __call = __rt::ClientCall::new(&self.core, &__METHODS[#at]);
            #(#arguments)*
            #finish
        }
    }
}

/// The counts of what the server wrote, or the buffers that it wrote them to, then the results.
fn return_type(item: &Method, waits: Waits) -> TokenStream {
    let rt = quote!(__rt);
    let buffers = buffers(item).map(|param| match waits {
        Waits::Blocking => quote!(usize),
        Waits::InTask => {
            let element = ty::element(&param.ty, &rt);
            quote!(__rt::Filled<#element>)
        }
    });
    let results = item.results.iter().filter(|result| !result.is_removed());
    let results = results.map(|result| match (waits, ty::way_back(result)) {
        (Waits::InTask, Way::Object) => ty::reference::received_async(&result.ty),
        _ => ty::client_result(result, item, &rt),
    });
    ty::unwrapped(buffers.chain(results).collect())
}

/// The parameters that the server writes to.
fn buffers(item: &Method) -> impl Iterator<Item = &Param> {
    item.params.iter().filter(|param| param.direction != Direction::In)
}

fn raises(item: &Method) -> TokenStream {
    match &item.raises {
        Some(raised) => ty::owned(raised, &quote!(__rt)),
        None => quote!(::core::convert::Infallible),
    }
}

/// The bounds of an argument. They are checked here so that the mistake is found where it is made;
/// the server checks again.
fn check(param: &Param) -> TokenStream {
    let (name, what) = (param.name.ident(), &param.name.text);
    match param.direction {
        Direction::Out | Direction::InOut => {
            let (bounds, unit) = buffer_bounds(&param.ty);
            bounds::length(&Place::Reference(quote!(#name)), &bounds, unit, what)
        }
        Direction::In => match &param.ty.kind {
            TypeKind::Bytes(bounds) => {
                let check = bounds::length(&Place::Value(quote!(#name)), bounds, Unit::Bytes, what);
                let check = sensitive::checks(param.sensitive, check);
                quote! {
                    let #name: __rt::BytesArg<'data> = ::core::convert::Into::into(#name);
                    #check
                }
            }
            _ => {
                let place = match ty::is_passed_by_value(&param.ty) {
                    true => Place::Value(quote!(#name)),
                    false => Place::Reference(quote!(#name)),
                };
                let check = bounds::check(&place, &param.ty, what);
                sensitive::checks(param.sensitive, check)
            }
        },
    }
}

/// The bounds of a buffer, and what they count.
pub(super) fn buffer_bounds(ty: &Type) -> (Bounds, Unit) {
    match &ty.kind {
        TypeKind::List(_, bounds) => (bounds.clone(), Unit::Elements),
        TypeKind::Bytes(bounds) => (bounds.clone(), Unit::Bytes),
        // `check` refuses buffers of other types.
        _ => (Bounds::none(), Unit::Bytes),
    }
}

/// The parameters that people see.
fn live_params(item: &Method) -> impl Iterator<Item = &Param> {
    item.params.iter().filter(|param| !param.is_removed())
}

/// What is sent in the place of a parameter that is no more.
fn tombstone(param: &Param, default: &Expr) -> TokenStream {
    match ty::way_in(param) {
        Way::Text => {
            let value = value::borrowed(default, &param.ty, &quote!(__rt));
            quote!(__call.text(#value);)
        }
        Way::Bytes | Way::View => {
            let value = value::borrowed(default, &param.ty, &quote!(__rt));
            quote!(__call.bytes(__rt::BytesArg::from(&#value[..]));)
        }
        Way::OptionalHandle => quote!(__call.optional_handle(::core::option::Option::None);),
        // `check` lets nothing raw be removed, and nothing that is surely a handle.
        Way::Value | Way::Raw | Way::Object | Way::Handle | Way::Stream => {
            let rt = quote!(__rt);
            let value = ty::typed(&value::owned(default, &param.ty, &rt), &param.ty, &rt);
            let encoded = wire::encoded(&quote!(&#value), &param.ty);
            quote!(__call.arg(#encoded)?;)
        }
    }
}

/// Has what comes next go the way that it should take.
pub(super) fn via(carrier: &TokenStream, via: Option<At<Via>>) -> Option<TokenStream> {
    let way = match via?.value {
        Via::Inline => quote!(Copy),
        Via::Section => quote!(Section),
        Via::Direct => quote!(Direct),
    };
    Some(quote!(#carrier.via(__rt::Way::#way);))
}

fn argument(param: &Param, method: &Method, waits: Waits) -> TokenStream {
    if let (true, Some(default)) = (param.is_removed(), &param.default) {
        return tombstone(param, default);
    }
    let name = param.name.ident();
    let via = via(&quote!(__call), param.via);
    // A task owns its buffers.
    let buffer = match waits {
        Waits::Blocking => quote!(#name),
        Waits::InTask => quote!(&mut #name),
    };
    let pass = match param.direction {
        Direction::Out => quote!(__call.out(#buffer);),
        Direction::InOut => quote!(__call.in_out(#buffer);),
        Direction::In => match ty::way_in(param) {
            Way::Text => quote!(__call.text(#name);),
            Way::Bytes | Way::View => quote!(__call.bytes(#name);),
            Way::Raw => quote!(__call.raw(#name);),
            // Lent, so that a handle that is given away is closed when the call is over.
            Way::Handle => quote!(__call.handle(__rt::AsFd::as_fd(&#name));),
            Way::OptionalHandle if param.moved.is_some() => {
                quote!(__call.optional_handle(#name.as_ref().map(__rt::AsFd::as_fd));)
            }
            Way::OptionalHandle => quote!(__call.optional_handle(#name);),
            Way::Stream => {
                let format = stream::format(&param.ty, method, param.sensitive, &param.name.text);
                quote!(__call.stream(::core::convert::Into::into(#name), #format);)
            }
            Way::Object => match &param.ty.kind {
                TypeKind::Object(object) => {
                    let reference = object.named("Ref");
                    quote!(__call.arg::<#reference>(&::core::convert::Into::into(#name))?;)
                }
                _ => quote!(__call.arg(&#name)?;),
            },
            Way::Value => {
                let reference = match ty::is_passed_by_value(&param.ty) {
                    true => quote!(&#name),
                    false => quote!(#name),
                };
                let encoded = wire::argument(&reference, &param.ty);
                quote!(__call.arg(#encoded)?;)
            }
        },
    };
    quote!(#via #pass)
}

/// Waits for the answer and takes it apart.
fn receive(item: &Method, waits: Waits) -> TokenStream {
    let counts: Vec<Ident> =
        (0..buffers(item).count()).map(|at| format_ident!("__written_{at}")).collect();
    let results: Vec<Ident> =
        (0..item.results.len()).map(|at| format_ident!("__result_{at}")).collect();
    let raised = item.raises.as_ref().map(|raised| ty::owned(raised, &quote!(__rt)));
    let invoke = match (raised, waits) {
        (Some(raised), Waits::Blocking) => quote!(invoke::<#raised>()),
        (None, Waits::Blocking) => quote!(invoke_infallible()),
        (Some(raised), Waits::InTask) => quote!(invoke_async::<#raised>().await),
        (None, Waits::InTask) => quote!(invoke_infallible_async().await),
    };
    if counts.is_empty() && results.is_empty() {
        return quote! {
            __call.#invoke?.finish()?;
            ::core::result::Result::Ok(())
        };
    }
    let reads = item.results.iter().zip(&results).map(|(result, name)| read(result, item, name));
    let seen = item.results.iter().zip(&results).filter(|(result, _)| !result.is_removed());
    let seen = seen.map(|(result, name)| match waits {
        Waits::InTask => ty::reference::to_async(name, &result.ty),
        Waits::Blocking => quote!(#name),
    });
    let written = buffers(item).zip(&counts).map(|(param, count)| match waits {
        Waits::InTask => {
            let buffer = param.name.ident();
            quote!(__rt::Filled::new(#buffer, #count))
        }
        Waits::Blocking => quote!(#count),
    });
    let all = ty::unwrapped(written.chain(seen).collect());
    quote! {
        let mut __reply = __call.#invoke?;
        #(let #counts = __reply.written()?;)*
        #(#reads)*
        __reply.finish()?;
        ::core::result::Result::Ok(#all)
    }
}

fn read(result: &Output, method: &Method, name: &Ident) -> TokenStream {
    let value = match ty::way_back(result) {
        Way::Text => quote!(__reply.text()?),
        Way::Bytes => quote!(__reply.bytes()?),
        Way::View => quote!(__reply.view()?),
        Way::Raw => {
            let element = ty::element(&result.ty, &quote!(__rt));
            quote!(__reply.raw::<#element>()?)
        }
        Way::Handle => {
            let handle = ty::reference::handle(&result.ty);
            quote!(__reply.handle::<#handle>()?)
        }
        Way::OptionalHandle => {
            let handle = ty::reference::handle(&result.ty);
            quote!(__reply.optional_handle::<#handle>()?)
        }
        Way::Stream => {
            let format = stream::format(&result.ty, method, result.sensitive, &what(result));
            quote!(__reply.stream(#format)?)
        }
        Way::Object => {
            let ty = ty::reference::received(&result.ty);
            quote!(__reply.value::<#ty>()?)
        }
        Way::Value => {
            let ty = wire::decoded_type(&result.ty);
            wire::decoded(&quote!(__reply.value::<#ty>()?), &result.ty)
        }
    };
    let value = match when_missing(result) {
        Some(default) => quote!(if __reply.is_empty() { #default } else { #value }),
        None => value,
    };
    if result.is_removed() {
        return quote!(let _ = #value;);
    }
    let check = bounds::check(&Place::Value(quote!(#name)), &result.ty, &what(result));
    let check = sensitive::checks(result.sensitive, check);
    if check.is_empty() {
        return quote!(let #name = #value;);
    }
    // Through the reply, which knows that the handler has run.
    quote! {
        let #name = #value;
        __reply.check(|| { #check ::core::result::Result::Ok(()) })?;
    }
}

/// What stands in for a result that an older server did not send.
fn when_missing(result: &Output) -> Option<TokenStream> {
    match (&result.default, &result.ty.kind) {
        (Some(default), _) => Some(value::owned(default, &result.ty, &quote!(__rt))),
        (None, TypeKind::Optional(_)) => Some(quote!(::core::option::Option::None)),
        (None, _) => None,
    }
}

/// What a result is called in errors.
pub(super) fn what(result: &Output) -> String {
    result.name.as_ref().map_or_else(|| "the result".to_owned(), |name| name.text.clone())
}
