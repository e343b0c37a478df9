//! The bodies of methods that were added later: servers that are older than a method still compile.

use proc_macro2::TokenStream;
use quote::quote;

use super::Runtime;
use crate::ir::{Handler, Interface, Method};

/// How a handler that is not there answers.
pub(super) enum Instead {
    /// It unwinds.
    Returns,
    /// Its future does.
    Awaits,
    /// By this responder.
    Answers(Option<TokenStream>),
}

/// The method of a trait that is declared by `signature`, whose arguments are `arguments`. Without
/// unwinding there is no body to give it, and it has to be implemented.
pub(super) fn with_body(
    attributes: &TokenStream,
    signature: &TokenStream,
    arguments: &[TokenStream],
    instead: &Instead,
    rt: &TokenStream,
) -> TokenStream {
    let body = match instead {
        Instead::Returns => quote!(#rt::unimplemented()),
        Instead::Awaits => quote!(async move { #rt::unimplemented() }),
        Instead::Answers(answer) => {
            return quote! {
                #attributes
                #signature {
                    let _ = (#(#arguments,)*);
                    #rt::unimplemented_later(#answer)
                }
            };
        }
    };
    quote! {
        #attributes
        #[cfg(not(panic = "abort"))]
        #signature {
            let _ = (#(#arguments,)*);
            #body
        }

        #attributes
        #[cfg(panic = "abort")]
        #signature;
    }
}

/// Gives the added methods of a user's own trait their bodies, where the user has not.
pub fn complete(item: &mut syn::ItemTrait, interface: &Interface, runtime: &Runtime) {
    let rt = runtime.path();
    let added = |name: &syn::Ident| {
        let of_name = |method: &&Method| method.name.ident() == *name;
        let method = interface.methods.iter().find(of_name);
        method.filter(|method| method.availability.added.is_some())
    };
    let mut complete = Vec::with_capacity(item.items.len());
    for member in item.items.drain(..) {
        match member {
            syn::TraitItem::Fn(function)
                if function.default.is_none() && added(&function.sig.ident).is_some() =>
            {
                let handler = added(&function.sig.ident).map(|method| method.handler);
                let (attributes, signature) = (&function.attrs, &function.sig);
                let arguments = signature.inputs.iter().filter_map(|input| match input {
                    syn::FnArg::Typed(input) => {
                        let name = &input.pat;
                        Some(quote!(#name))
                    }
                    syn::FnArg::Receiver(_) => None,
                });
                let mut arguments: Vec<TokenStream> = arguments.collect();
                let instead = match handler {
                    // The responder comes last.
                    Some(Handler::Deferred(_)) => Instead::Answers(arguments.pop()),
                    Some(Handler::Async(_)) => Instead::Awaits,
                    _ => Instead::Returns,
                };
                let attributes = quote!(#(#attributes)*);
                let signature = quote!(#signature);
                let both = with_body(&attributes, &signature, &arguments, &instead, &rt);
                complete.push(syn::TraitItem::Verbatim(both));
            }
            other => complete.push(other),
        }
    }
    item.items = complete;
}
