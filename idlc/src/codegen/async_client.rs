//! The async client: the client's methods once more, as futures.
//!
//! Whether the runtime has such clients is a feature of its crate, which the user's crate cannot see.
//! So all of it stands in a macro of the runtime's, which passes it on or drops it.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::client::{self, Waits};
use super::interface::client_name;
use super::reference::ref_name;
use super::{Runtime, bases, docs, marks, quiet};
use crate::ir::{Interface, Name};

/// `FooAsyncClient`
pub(super) fn async_client_name(interface: &Name) -> Ident {
    interface.ident_with("", "AsyncClient")
}

/// The type that users name.
pub(super) fn types(item: &Interface, runtime: &Runtime) -> TokenStream {
    let rt = runtime.path();
    let quiet = quiet();
    let visibility = &item.visibility.0;
    let client = async_client_name(&item.name);
    let name = item.name.ident();
    let marks = marks::marks(&item.availability, &item.look);
    let docs = docs::attributes_after(
        &format!("Calls a [`{name}`] that another process serves, from tasks."),
        &item.docs,
    );
    let bases = bases::async_fields(item);
    quote! {
        #rt::if_async! {
            #docs
            #marks
            #quiet
            #[derive(::core::clone::Clone)]
            #visibility struct #client {
                core: #rt::ClientCore,
                #bases
            }
        }
    }
}

/// What the type can do.
pub(super) fn impls(item: &Interface) -> TokenStream {
    let (client, blocking) = (async_client_name(&item.name), client_name(&item.name));
    let bases = bases::async_field_values(item);
    let methods = item
        .methods
        .iter()
        .enumerate()
        .map(|(at, method)| client::method(at, method, item, Waits::InTask));
    let conversions = conversions(item);
    let to_bases = bases::async_conversions(item);
    quote! {
        __rt::if_async! {
            #[automatically_derived]
            impl __rt::AsyncClient for #client {
                type Blocking = #blocking;

                fn from_core(core: __rt::ClientCore) -> Self {
                    Self { #bases core }
                }

                fn core(&self) -> &__rt::ClientCore {
                    &self.core
                }
            }

            impl #client {
                #(#methods)*
            }

            #conversions
            #to_bases
        }
    }
}

/// A client whose calls block is one whose calls do not, and either may be passed as an object.
fn conversions(item: &Interface) -> TokenStream {
    let (client, blocking) = (async_client_name(&item.name), client_name(&item.name));
    let reference = ref_name(&item.name);
    let from = |what: TokenStream, to: &Ident, value: TokenStream| {
        quote! {
            #[automatically_derived]
            impl ::core::convert::From<#what> for #to {
                fn from(it: #what) -> Self {
                    #value
                }
            }
        }
    };
    let own = quote!(<Self as __rt::AsyncClient>::from_core(it.core));
    let of_blocking = from(quote!(#blocking), &client, own);
    let to_blocking =
        from(quote!(#client), &blocking, quote!(<Self as __rt::Client>::from_core(it.core)));
    let passed =
        from(quote!(#client), &reference, quote!(Self::Remote(::core::convert::Into::into(it))));
    let lent = quote!(Self::Remote(::core::convert::Into::into(::core::clone::Clone::clone(it))));
    let lent = from(quote!(&#client), &reference, lent);
    quote! {
        #of_blocking
        #to_blocking
        #passed
        #lent

        #[automatically_derived]
        impl ::core::fmt::Debug for #client {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_tuple(::core::stringify!(#client)).field(&self.core).finish()
            }
        }
    }
}
