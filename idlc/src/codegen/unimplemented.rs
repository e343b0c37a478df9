//! The bodies of methods that were added later: servers that are older than a method still compile.

use proc_macro2::TokenStream;
use quote::quote;

use super::Runtime;
use crate::ir::{Interface, Method};

/// The method of a trait that is declared by `signature`, whose arguments are `arguments`. Without
/// unwinding there is no body to give it, and it has to be implemented.
pub(super) fn with_body(
    attributes: &TokenStream,
    signature: &TokenStream,
    arguments: &[TokenStream],
    rt: &TokenStream,
) -> TokenStream {
    quote! {
        #attributes
        #[cfg(not(panic = "abort"))]
        #signature {
            let _ = (#(#arguments,)*);
            #rt::unimplemented()
        }

        #attributes
        #[cfg(panic = "abort")]
        #signature;
    }
}

/// Gives the added methods of a user's own trait their bodies, where the user has not.
pub fn complete(item: &mut syn::ItemTrait, interface: &Interface, runtime: &Runtime) {
    let rt = runtime.path();
    let is_added = |name: &syn::Ident| {
        let of_name = |method: &&Method| method.name.ident() == *name;
        let method = interface.methods.iter().find(of_name);
        method.is_some_and(|method| method.availability.added.is_some())
    };
    let mut complete = Vec::with_capacity(item.items.len());
    for member in item.items.drain(..) {
        match member {
            syn::TraitItem::Fn(function)
                if function.default.is_none() && is_added(&function.sig.ident) =>
            {
                let (attributes, signature) = (&function.attrs, &function.sig);
                let arguments = signature.inputs.iter().filter_map(|input| match input {
                    syn::FnArg::Typed(input) => {
                        let name = &input.pat;
                        Some(quote!(#name))
                    }
                    syn::FnArg::Receiver(_) => None,
                });
                let arguments: Vec<TokenStream> = arguments.collect();
                let attributes = quote!(#(#attributes)*);
                let both = with_body(&attributes, &quote!(#signature), &arguments, &rt);
                complete.push(syn::TraitItem::Verbatim(both));
            }
            other => complete.push(other),
        }
    }
    item.items = complete;
}
