//! Handlers that answer later: by a future, or by a `Responder`.
//!
//! A trait with an `async fn` has a method whose type nobody can name, so an object of it cannot have
//! that method. What it can have is a call that gives a boxed future; every implementation has that
//! by a hidden trait, which the interface's trait requires.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::{Runtime, bases, descriptor, quiet, server, ty};
use crate::ir::{Direction, Handler, Interface, Method, identity};

pub(super) fn is_async(method: &Method) -> bool {
    matches!(method.handler, Handler::Async(_))
}

pub(super) fn is_deferred(method: &Method) -> bool {
    matches!(method.handler, Handler::Deferred(_))
}

fn has_async(item: &Interface) -> bool {
    item.methods.iter().any(is_async)
}

fn hidden_name(item: &Interface) -> Ident {
    item.name.ident_with("__", "Handled")
}

/// What the trait requires beside what its author wrote.
pub fn supertrait(item: &Interface) -> Option<TokenStream> {
    let hidden = hidden_name(item);
    has_async(item).then(|| quote!(#hidden))
}

/// The hidden trait.
pub(super) fn definition(item: &Interface, runtime: &Runtime) -> TokenStream {
    if !has_async(item) {
        return TokenStream::new();
    }
    let (hidden, visibility, rt, quiet) =
        (hidden_name(item), &item.visibility.0, runtime.path(), quiet());
    quote! {
        #quiet
        #[doc(hidden)]
        #visibility trait #hidden {
            fn __handle<'m>(&'m self, __call: #rt::ServerCall<'m>) -> #rt::Handling<'m>;
        }
    }
}

/// What serves calls of `async` handlers: the interface's own, and those of its bases.
pub(super) struct Serving {
    /// Functions and impls.
    pub(super) items: TokenStream,
    /// Methods of `Dispatch`, of the server's type.
    pub(super) of_server: TokenStream,
    /// Methods of `Object`, of the trait object.
    pub(super) of_object: TokenStream,
}

pub(super) fn serving(item: &Interface) -> Serving {
    let is_heir = !item.bases.is_empty();
    if !has_async(item) && !is_heir {
        let none = TokenStream::new;
        return Serving { items: none(), of_server: none(), of_object: none() };
    }
    let id = identity::interface_id(item);
    let own: Vec<&Method> = item.methods.iter().filter(|method| is_async(method)).collect();
    let ordinals: Vec<TokenStream> =
        own.iter().map(|method| descriptor::ordinal(method, id)).collect();
    let is_own = match ordinals.is_empty() {
        true => None,
        false => Some(quote!(::core::matches!(__ordinal, #(#ordinals)|*))),
    };
    let any = is_own.into_iter().chain(bases::are_async(item));
    let any = any.reduce(|all, next| quote!(#all || #next));
    let arms = own.iter().zip(&ordinals).map(|(method, ordinal)| {
        let serve = server::serve_name(method);
        quote!(#ordinal => __rt::Box::pin(#serve(__implementation, __call)),)
    });
    let (base_arms, parameters) = (bases::handle_arms(item), bases::handle_parameters(item));
    let arguments = |of: TokenStream| bases::arguments(item, &of);
    let (name, hidden) = (item.name.ident(), hidden_name(item));
    let handle = |parameters: TokenStream| {
        quote! {
            (
                #parameters
                __call: __rt::ServerCall<'m>,
            ) -> __rt::Handling<'m> {
                match __call.ordinal() {
                    #(#arms)*
                    #base_arms
                }
            }
        }
    };
    let (function, by_server, by_object) = if has_async(item) {
        let body = handle(quote!(__implementation: &'m __T, #parameters));
        let as_bases = arguments(quote!(self));
        let function = quote! {
            fn __handle<'m, __T: #name> #body

            #[automatically_derived]
            impl<__T: #name> #hidden for __T {
                fn __handle<'m>(&'m self, __call: __rt::ServerCall<'m>) -> __rt::Handling<'m> {
                    __handle(self, #as_bases __call)
                }
            }
        };
        let of_server = quote!(<__T as #hidden>::__handle(&self.implementation, __call));
        (function, of_server, quote!(<dyn #name as #hidden>::__handle(self, __call)))
    } else {
        let body = handle(parameters);
        let (of_server, of_object) =
            (arguments(quote!(&self.implementation)), arguments(quote!(self)));
        let function = quote!(fn __handle<'m> #body);
        (function, quote!(__handle(#of_server __call)), quote!(__handle(#of_object __call)))
    };
    let method = |body: TokenStream| {
        quote! {
            fn handle<'m>(&'m self, __call: __rt::ServerCall<'m>) -> __rt::Handling<'m> {
                #body
            }
        }
    };
    let (of_server, of_object) = (method(by_server), method(by_object));
    Serving {
        items: quote! {
            fn __is_async(__ordinal: u64) -> bool {
                #any
            }

            #function
        },
        of_server: quote! {
            fn is_async(&self, __ordinal: u64) -> bool {
                __is_async(__ordinal)
            }

            #of_server
        },
        of_object: quote! {
            fn is_async(__ordinal: u64) -> bool {
                __is_async(__ordinal)
            }

            #of_object
        },
    }
}

/// `Responder<T, E>`: results, and the caller's buffers behind them.
pub(super) fn responder(item: &Method, rt: &TokenStream) -> TokenStream {
    let results = item.results.iter().filter(|result| !result.is_removed());
    let results = results.map(|result| ty::server_result(result, item, rt));
    let buffers = item.params.iter().filter(|param| param.direction != Direction::In);
    let all = results.chain(buffers.map(|buffer| ty::owned_buffer(buffer, rt))).collect();
    let results = ty::unwrapped(all);
    let raised = match &item.raises {
        Some(raised) => ty::owned(raised, rt),
        None => quote!(::core::convert::Infallible),
    };
    quote!(#rt::Responder<#results, #raised>)
}
