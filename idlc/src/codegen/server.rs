//! The server: the trait to implement, and what decodes, calls and encodes.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::bounds::{self, Place};
use super::client::{buffer_bounds, via, what};
use super::interface::server_name;
use super::ty::{self, Way};
use super::unimplemented::Instead;
use super::{
    Runtime, bases, descriptor, docs, event, later, marks, quiet, sensitive, stream, unimplemented,
    value, wire,
};
use crate::ir::{
    Context, Direction, Handler, Interface, Method, Output, Param, TypeKind, identity,
};

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
            let name = param.name.ident();
            let ty = match param.direction {
                Direction::In => ty::server_param(param, method, &rt),
                _ if later::is_deferred(method) => ty::owned_buffer(param, &rt),
                _ => ty::server_param(param, method, &rt),
            };
            quote!(#name: #ty)
        });
        let responder = later::is_deferred(method).then(|| {
            let (name, ty) = (responder_name(method), later::responder(method, &rt));
            quote!(#name: #ty)
        });
        let params = params.chain(responder);
        let answers = return_type(method, &rt);
        let attributes = quote!(#docs #marks);
        let signature = quote!(fn #name(&self, #context #(#params),*) #answers);
        if method.availability.added.is_none() {
            return quote!(#attributes #signature;);
        }
        let context = (method.context == Context::Taken).then(|| context_name(method));
        let names = context.into_iter().chain(seen().map(|param| param.name.ident()));
        let arguments: Vec<TokenStream> = names.map(|name| quote!(#name)).collect();
        let instead = match method.handler {
            Handler::Returns => Instead::Returns,
            Handler::Deferred(_) => {
                let name = responder_name(method);
                Instead::Answers(Some(quote!(#name)))
            }
            Handler::Async(_) => Instead::Awaits,
        };
        unimplemented::with_body(&attributes, &signature, &arguments, &instead, &rt)
    });
    let supertraits = bases::supertraits(item);
    let hidden = later::supertrait(item).map(|hidden| quote!(#hidden +));
    let emitter = event::emitter_method(item);
    quote! {
        #docs
        #marks
        #quiet
        #visibility trait #name:
            #supertraits #hidden ::core::marker::Send + ::core::marker::Sync + 'static
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

/// What the responder is called where nobody has given it a name.
fn responder_name(method: &Method) -> Ident {
    let is_taken = method.params.iter().any(|param| param.name.rust_text() == "answer");
    if is_taken { format_ident!("__answer") } else { format_ident!("answer") }
}

fn return_type(item: &Method, rt: &TokenStream) -> TokenStream {
    if later::is_deferred(item) {
        return TokenStream::new();
    }
    let answers = returned(item, rt);
    if !later::is_async(item) {
        return answers.map(|answers| quote!(-> #answers)).unwrap_or_default();
    }
    let answers = answers.unwrap_or_else(|| quote!(()));
    quote! {
        -> impl ::core::future::Future<Output = #answers> + ::core::marker::Send
        where
            Self: ::core::marker::Sized
    }
}

/// What the handler gives in the end; nothing for `()`.
fn returned(item: &Method, rt: &TokenStream) -> Option<TokenStream> {
    let results = item.results.iter().filter(|result| !result.is_removed());
    let results: Vec<TokenStream> =
        results.map(|result| ty::server_result(result, item, rt)).collect();
    let is_empty = results.is_empty();
    let results = ty::unwrapped(results);
    match &item.raises {
        Some(raised) => {
            let raised = ty::owned(raised, rt);
            Some(quote!(::core::result::Result<#results, #raised>))
        }
        None if is_empty => None,
        None => Some(results),
    }
}

pub(super) fn impls(item: &Interface) -> TokenStream {
    let (interface, server) = (item.name.ident(), server_name(&item.name));
    let new_docs = format!(" Serves `implementation` to callers of [`{interface}`].");
    let visibility = &item.visibility.0;
    let id = identity::interface_id(item);
    let served = item.methods.iter().filter(|method| !later::is_async(method));
    let arms = served.map(|method| {
        let (ordinal, serve) = (descriptor::ordinal(method, id), serve_name(method));
        quote!(#ordinal => #serve(__implementation, __call))
    });
    let inherited_arms = bases::arms(item);
    let as_base_parameters = bases::parameters(item);
    let implementation = quote!(&self.implementation);
    let as_bases = bases::arguments(item, &implementation);
    let inherited_emitter = bases::inherited_emitter(item, &implementation);
    let functions = item.methods.iter().map(|method| serve(method, item));
    let later::Serving { items: later, of_server: handle, .. } = later::serving(item);
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

            #handle
            #emitter
            #inherited_emitter
        }

        #later

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

pub(super) fn serve_name(method: &Method) -> Ident {
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
    let decoded = item.params.iter().map(|param| argument(param, item));
    let passed = item.params.iter().filter(|param| !param.is_removed());
    let passed = passed.map(|param| passed_on(param, item));
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
    let passed = passed.chain(later::is_deferred(item).then(|| quote!(__responder)));
    let mut handled = quote! {
        <__T as #trait_name>::#method(__implementation, #context #(#passed),*)
    };
    if later::is_async(item) {
        handled = quote!(#handled.await);
    }
    if later::is_deferred(item) {
        let (ty, write) = (later::responder(item, &quote!(__rt)), written_later(item, &buffers));
        let mut_reply = (!buffers.is_empty() || !item.results.is_empty()).then(|| quote!(mut));
        return quote! {
            fn #name<__T: #trait_name + ?::core::marker::Sized>(
                __implementation: &__T,
                __call: __rt::ServerCall<'_>,
            ) -> ::core::result::Result<(), __rt::Fault> {
                let (#context_pattern, #mut_arguments __arguments, __later) = __call.parts_later();
                #(#decoded)*
                __arguments.finish()?;
                let __responder: #ty = __later.responder(|#mut_reply __reply, __answer| #write);
                #handled;
                ::core::result::Result::Ok(())
            }
        };
    }
    let answer = answer(item, &handled, &buffers);
    if later::is_async(item) {
        return quote! {
            async fn #name<__T: #trait_name>(
                __implementation: &__T,
                __call: __rt::ServerCall<'_>,
            ) -> ::core::result::Result<(), __rt::Fault> {
                let (#context_pattern, #mut_arguments __arguments, #reply) = __call.parts();
                #(#decoded)*
                __arguments.finish()?;
                #answer
            }
        };
    }
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
    let (send, pattern) = sending(item, buffers, &[]);
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

/// What becomes of an answer that is given to a responder.
fn written_later(item: &Method, buffers: &[&Param]) -> TokenStream {
    let names: Vec<Ident> = buffers.iter().map(|param| param.name.ident()).collect();
    let (send, pattern) = sending(item, buffers, &names);
    let error = match &item.raises {
        Some(_) => quote!(__reply.error(&__error)),
        None => quote!(match __error {}),
    };
    quote! {
        match __answer {
            ::core::result::Result::Ok(#pattern) => { #send }
            ::core::result::Result::Err(__error) => #error,
        }
    }
}

/// How results go into the reply, and the pattern that they are taken apart with: `buffers` are filled,
/// and those that are `handed_back` stand in the pattern, too.
fn sending(item: &Method, buffers: &[&Param], handed_back: &[Ident]) -> (TokenStream, TokenStream) {
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
    let all = seen().map(|(_, name)| name).chain(handed_back);
    let pattern = ty::unwrapped(all.map(|name| quote!(#name)).collect());
    (send, pattern)
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
            let format = stream::format(&result.ty, method, result.sensitive, &what(result));
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
fn argument(param: &Param, method: &Method) -> TokenStream {
    let (name, what) = (param.name.ident(), &param.name.text);
    if param.direction != Direction::In {
        let element = ty::element(&param.ty, &quote!(__rt));
        let longest = bounds::longest(&buffer_bounds(&param.ty).0);
        let is_deferred = later::is_deferred(method);
        let take = match param.direction {
            Direction::InOut => quote!(in_out),
            _ if is_deferred => quote!(out_later),
            _ => quote!(out),
        };
        let mutable = (!is_deferred).then(|| quote!(mut));
        return quote!(let #mutable #name = __arguments.#take::<#element>(#what, #longest)?;);
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
            let ty = ty::server_param(param, method, &quote!(__rt));
            let format = stream::format(&param.ty, method, param.sensitive, what);
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
fn passed_on(param: &Param, method: &Method) -> TokenStream {
    let name = param.name.ident();
    match (param.direction, ty::way_in(param)) {
        (Direction::Out | Direction::InOut, _) if later::is_deferred(method) => quote!(#name),
        (Direction::Out | Direction::InOut, _) => quote!(&mut #name),
        (Direction::In, Way::Raw) => quote!(&#name),
        (Direction::In, _) => quote!(#name),
    }
}
