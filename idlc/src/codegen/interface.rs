//! What stands between a trait and the wire: the client's type, the server's type, the description.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::{
    Runtime, async_client, bases, client, descriptor, docs, event, later, marks, quiet, reference,
    server,
};
use crate::ir::{Interface, Name};

/// `FooClient`
pub(super) fn client_name(interface: &Name) -> Ident {
    interface.ident_with("", "Client")
}

/// `FooServer`
pub(super) fn server_name(interface: &Name) -> Ident {
    interface.ident_with("", "Server")
}

/// The types that users name.
pub(super) fn types(item: &Interface, runtime: &Runtime) -> TokenStream {
    let rt = runtime.path();
    let quiet = quiet();
    let visibility = &item.visibility.0;
    let (client, server) = (client_name(&item.name), server_name(&item.name));
    let name = item.name.ident();
    let marks = marks::marks(&item.availability, &item.look);
    let client_docs = docs::attributes_after(
        &format!("Calls a [`{name}`] that another process serves."),
        &item.docs,
    );
    let reference = reference::definition(item, runtime);
    let events = event::types(item, runtime);
    let hidden = later::definition(item, runtime);
    let bases = bases::fields(item);
    let async_client = async_client::types(item, runtime);
    let server_docs = format!(" Serves an implementation of [`{name}`].");
    quote! {
        #client_docs
        #marks
        #quiet
        #[derive(::core::clone::Clone)]
        #visibility struct #client {
            core: #rt::ClientCore,
            #bases
        }

        #[doc = #server_docs]
        #marks
        #quiet
        #visibility struct #server<__T> {
            implementation: __T,
        }

        #async_client
        #reference
        #events
        #hidden
    }
}

/// What the types can do.
pub(super) fn impls(item: &Interface) -> TokenStream {
    let description = descriptor::interface(item);
    let client = client::impls(item);
    let server = server::impls(item);
    let reference = reference::impls(item);
    let events = event::impls(item);
    let async_client = async_client::impls(item);
    quote!(#description #client #server #reference #events #async_client)
}
