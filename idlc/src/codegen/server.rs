//! The server: the trait to implement, and what decodes, calls and encodes.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::bounds::{self, Place};
use super::client::{buffer_bounds, via, what};
use super::interface::server_name;
use super::ty::{self, Way};
use super::{
    Runtime, bases, descriptor, docs, event, marks, quiet, sensitive, stream, unimplemented, value,
    wire,
};
use crate::ir::{Context, Direction, Interface, Method, Output, Param, TypeKind, identity};

/// The trait, for an interface that did not begin as one.
pub(super) fn definition(item: &Interface, runtime: &Runtime) -> TokenStream {
    let rt = runtime.path();
    let docs = docs::attributes(&item.docs, || format!("The interface `{}`.", item.name));
    let marks = marks::marks(&item.availability, &item.look);
    let quiet = quiet();
    let visibility = &item.visibility.0;
    let name = item.name.ident();
    let methods = item.methods.iter().map(|method| {
        let docs = docs::attributes(&method.docs, || format!("Handles `{}`.", method.name));
        let marks = marks::marks(&method.availability, &method.look);
        let name = method.name.ident();
        let context = match method.context {
            Context::Taken => {
                let context = context_name(method);
                quote!(#context: &#rt::Call<'_>,)
            }
            Context::Omitted => TokenStream::new(),
        };
        let seen = || method.params.iter().filter(|param| !param.is_removed());
        let params = seen().map(|param| {
            let (name, ty) = (param.name.ident(), ty::server_param(param, &rt));
            quote!(#name: #ty)
        });
        let answers = return_type(method, &rt);
        let attributes = quote!(#docs #marks);
        let signature = quote!(fn #name(&self, #context #(#params),*) #answers);
        if method.availability.added.is_none() {
            return quote!(#attributes #signature;);
        }
        let context = (method.context == Context::Taken).then(|| context_name(method));
        let names = context.into_iter().chain(seen().map(|param| param.name.ident()));
        let arguments: Vec<TokenStream> = names.map(|name| quote!(#name)).collect();
        unimplemented::with_body(&attributes, &signature, &arguments, &rt)
    });
    let supertraits = bases::supertraits(item);
    let emitter = event::emitter_method(item);
    quote! {
        #docs
        #marks
        #quiet
        #visibility trait #name:
            #supertraits ::core::marker::Send + ::core::marker::Sync + 'static
        {
            #(#methods)*
            #emitter
        }
    }
}

fn context_name(method: &Method) -> Ident {
    let is_taken = method.params.iter().any(|param| param.name.rust_text() == "cx");
    if is_taken { format_ident!("__cx") } else { format_ident!("cx") }
}

fn return_type(item: &Method, rt: &TokenStream) -> TokenStream {
    let results = item.results.iter().filter(|result| !result.is_removed());
    let results: Vec<TokenStream> =
        results.map(|result| ty::server_result(result, item, rt)).collect();
    let is_empty = results.is_empty();
    let results = ty::unwrapped(results);
    match &item.raises {
        Some(raised) => {
            let raised = ty::owned(raised, rt);
            quote!(-> ::core::result::Result<#results, #raised>)
        }
        None if is_empty => TokenStream::new(),
        None => quote!(-> #results),
    }
}

pub(super) fn impls(item: &Interface) -> TokenStream {
    let (interface, server) = (item.name.ident(), server_name(&item.name));
    let new_docs = format!(" Serves `implementation` to callers of [`{interface}`].");
    let visibility = &item.visibility.0;
    let id = identity::interface_id(item);
    let arms = item.methods.iter().map(|method| {
        let (ordinal, serve) = (descriptor::ordinal(method, id), serve_name(method));
        quote!(#ordinal => #serve(__implementation, __call))
    });
    let inherited_arms = bases::arms(item);
    let as_base_parameters = bases::parameters(item);
    let implementation = quote!(&self.implementation);
    let as_bases = bases::arguments(item, &implementation);
    let inherited_emitter = bases::inherited_emitter(item, &implementation);
    let functions = item.methods.iter().map(|method| serve(method, item));
    let emitter = (!item.events.is_empty()).then(|| {
        quote! {
            fn emitter(&self) -> ::core::option::Option<&__rt::Emitter> {
                let emitter = <__T as #interface>::emitter(&self.implementation);
                ::core::option::Option::Some(emitter.as_emitter())
            }
        }
    });
    quote! {
        impl<__T: #interface> #server<__T> {
            #[doc = #new_docs]
            #visibility fn new(implementation: __T) -> Self {
                Self { implementation }
            }
        }

        #[automatically_derived]
        impl<__T: #interface> __rt::Dispatch for #server<__T> {
            fn interface(&self) -> &'static __rt::InterfaceDesc {
                &__INTERFACE
            }

            fn dispatch(
                &self,
                __call: __rt::ServerCall<'_>,
            ) -> ::core::result::Result<(), __rt::Fault> {
                __dispatch(&self.implementation, #as_bases __call)
            }

            #emitter
            #inherited_emitter
        }

        /// For an implementation that is served, and for one that is an object.
        fn __dispatch<__T: #interface + ?::core::marker::Sized>(
            __implementation: &__T,
            #as_base_parameters
            __call: __rt::ServerCall<'_>,
        ) -> ::core::result::Result<(), __rt::Fault> {
            match __call.ordinal() {
                #(#arms,)*
                #inherited_arms
            }
        }

        #(#functions)*
    }
}

fn serve_name(method: &Method) -> Ident {
    method.name.ident_with("__serve_", "")
}

/// The way of one call through the server: arguments out of the message, the handler, results into
/// the reply.
fn serve(item: &Method, interface: &Interface) -> TokenStream {
    let name = serve_name(item);
    let trait_name = interface.name.ident();
    let method = item.name.ident();
    let buffers: Vec<&Param> =
        item.params.iter().filter(|param| param.direction != Direction::In).collect();
    let decoded = item.params.iter().map(argument);
    let passed = item.params.iter().filter(|param| !param.is_removed()).map(passed);
    let (context, context_pattern) = match item.context {
        Context::Taken => (quote!(&__context,), quote!(__context)),
        Context::Omitted => (TokenStream::new(), quote!(_)),
    };
    let mut_arguments = (!item.params.is_empty()).then(|| quote!(mut));
    let reply = match (item.oneway, buffers.is_empty() && item.results.is_empty()) {
        (Some(_), _) => quote!(_),
        (None, true) => quote!(__reply),
        (None, false) => quote!(mut __reply),
    };
    let handled = quote! {
        <__T as #trait_name>::#method(__implementation, #context #(#passed),*)
    };
    let answer = answer(item, &handled, &buffers);
    quote! {
        fn #name<__T: #trait_name + ?::core::marker::Sized>(
            __implementation: &__T,
            __call: __rt::ServerCall<'_>,
        ) -> ::core::result::Result<(), __rt::Fault> {
            let (#context_pattern, #mut_arguments __arguments, #reply) = __call.parts();
            #(#decoded)*
            __arguments.finish()?;
            #answer
        }
    }
}

/// Calls the handler and sends what it returns.
fn answer(item: &Method, handled: &TokenStream, buffers: &[&Param]) -> TokenStream {
    if item.oneway.is_some() {
        return quote! {
            #handled;
            ::core::result::Result::Ok(())
        };
    }
    let results: Vec<Ident> =
        (0..item.results.len()).map(|at| format_ident!("__result_{at}")).collect();
    let tombstones = item.results.iter().zip(&results);
    let tombstones = tombstones.filter_map(|(result, name)| tombstone(result, item, name));
    let seen = || item.results.iter().zip(&results).filter(|(result, _)| !result.is_removed());
    let checks = seen().map(|(result, name)| {
        let check = bounds::check(&Place::Value(quote!(#name)), &result.ty, &what(result));
        sensitive::checks(result.sensitive, check)
    });
    let returned = buffers.iter().map(|param| {
        let name = param.name.ident();
        let via = via(&quote!(__reply), param.via);
        match param.direction {
            Direction::InOut => quote!(#via __reply.in_out(#name);),
            _ => quote!(#via __reply.out(#name);),
        }
    });
    let written = item.results.iter().zip(&results).map(|(result, name)| write(result, item, name));
    let send = quote! {
        #(#checks)*
        #(#tombstones)*
        #(#returned)*
        #(#written)*
        __reply.send()
    };
    let pattern = ty::unwrapped(seen().map(|(_, name)| quote!(#name)).collect());
    match (&item.raises, item.results.is_empty()) {
        (Some(_), _) => quote! {
            match #handled {
                ::core::result::Result::Ok(#pattern) => { #send }
                ::core::result::Result::Err(__error) => __reply.error(&__error),
            }
        },
        (None, true) => quote!(#handled; #send),
        (None, false) => quote!(let #pattern = #handled; #send),
    }
}

/// What is sent in the place of a result that is no more.
fn tombstone(result: &Output, method: &Method, name: &Ident) -> Option<TokenStream> {
    let default = result.default.as_ref().filter(|_| result.is_removed())?;
    let (value, ty) = (
        value::owned(default, &result.ty, &quote!(__rt)),
        ty::server_result(result, method, &quote!(__rt)),
    );
    Some(quote!(let #name: #ty = #value;))
}

fn write(result: &Output, method: &Method, name: &Ident) -> TokenStream {
    let via = via(&quote!(__reply), result.via);
    let give = match ty::way_back(result) {
        Way::Text => quote!(__reply.text(#name);),
        Way::Bytes => quote!(__reply.bytes(#name);),
        Way::View => quote!(__reply.blob(#name);),
        Way::Raw => quote!(__reply.raw(#name);),
        Way::Handle => quote!(__reply.handle(#name);),
        Way::OptionalHandle => quote!(__reply.optional_handle(#name);),
        Way::Stream => {
            let format = stream::format_back(&result.ty, method, result.sensitive, &what(result));
            quote!(__reply.stream(#name, #format);)
        }
        Way::Object => {
            let encoded = ty::reference::encoded_result(&quote!(#name), &result.ty);
            quote!(__reply.value(#encoded)?;)
        }
        Way::Value => {
            let encoded = wire::encoded(&quote!(&#name), &result.ty);
            quote!(__reply.value(#encoded)?;)
        }
    };
    quote!(#via #give)
}

/// Takes an argument out of the message and checks its bounds.
fn argument(param: &Param) -> TokenStream {
    let (name, what) = (param.name.ident(), &param.name.text);
    if param.direction != Direction::In {
        let element = ty::element(&param.ty, &quote!(__rt));
        let longest = bounds::longest(&buffer_bounds(&param.ty).0);
        let take = match param.direction {
            Direction::InOut => quote!(in_out),
            _ => quote!(out),
        };
        return quote!(let mut #name = __arguments.#take::<#element>(#what, #longest)?;);
    }
    let (annotation, value) = match ty::way_in(param) {
        Way::Text => (quote!(: &str), quote!(__arguments.text(#what)?)),
        Way::Bytes => (quote!(: &[u8]), quote!(__arguments.bytes(#what)?)),
        Way::View => (TokenStream::new(), quote!(__arguments.view(#what)?)),
        Way::Raw => {
            let element = ty::element(&param.ty, &quote!(__rt));
            (TokenStream::new(), quote!(__arguments.raw::<#element>(#what)?))
        }
        Way::Handle => {
            let handle = ty::reference::handle(&param.ty);
            (quote!(: __rt::OwnedFd), quote!(__arguments.handle::<#handle>(#what)?))
        }
        Way::OptionalHandle => {
            let handle = ty::reference::handle(&param.ty);
            let annotation = quote!(: ::core::option::Option<__rt::OwnedFd>);
            (annotation, quote!(__arguments.optional_handle::<#handle>(#what)?))
        }
        Way::Stream => {
            let ty = ty::owned(&param.ty, &quote!(__rt));
            let format = stream::format_in(&param.ty, param.sensitive, what);
            (quote!(: #ty), quote!(__arguments.stream(#what, #format)?))
        }
        Way::Object => {
            let ty = ty::reference::received(&param.ty);
            (quote!(: #ty), quote!(__arguments.value::<#ty>(#what)?))
        }
        Way::Value => {
            let ty = wire::decoded_type(&param.ty);
            let value = wire::decoded(&quote!(__arguments.value::<#ty>(#what)?), &param.ty);
            let annotation = ty::owned(&param.ty, &quote!(__rt));
            (quote!(: #annotation), value)
        }
    };
    if param.is_removed() {
        return quote! {
            if !__arguments.is_empty() {
                let _ #annotation = #value;
            }
        };
    }
    let value = match when_missing(param) {
        Some(default) => quote! {
            if __arguments.is_empty() { #default } else { #value }
        },
        None => value,
    };
    let place = match ty::way_in(param) {
        Way::Text | Way::Bytes => Place::Reference(quote!(#name)),
        _ => Place::Value(quote!(#name)),
    };
    let check = bounds::check(&place, &param.ty, what);
    let check = sensitive::checks(param.sensitive, check);
    quote!(let #name #annotation = #value; #check)
}

/// What stands in for an argument that an older client did not send.
fn when_missing(param: &Param) -> Option<TokenStream> {
    match (&param.default, ty::way_in(param), &param.ty.kind) {
        (Some(default), Way::Text | Way::Bytes, _) => {
            Some(value::borrowed(default, &param.ty, &quote!(__rt)))
        }
        (Some(default), _, _) => Some(value::owned(default, &param.ty, &quote!(__rt))),
        (None, _, TypeKind::Optional(_)) => Some(quote!(::core::option::Option::None)),
        (None, ..) => None,
    }
}

/// An argument as it is handed to the handler.
fn passed(param: &Param) -> TokenStream {
    let name = param.name.ident();
    match (param.direction, ty::way_in(param)) {
        (Direction::Out | Direction::InOut, _) => quote!(&mut #name),
        (Direction::In, Way::Raw) => quote!(&#name),
        (Direction::In, _) => quote!(#name),
    }
}
