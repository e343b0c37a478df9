//! An interface as a type: what stands for an object in a message.
//!
//! It is made for every interface, since nobody can know whether another module uses it as a type.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::interface::client_name;
use super::{Runtime, bases, later, quiet};
use crate::ir::{Interface, Name};

/// `FooRef`
pub(super) fn ref_name(interface: &Name) -> Ident {
    interface.ident_with("", "Ref")
}

/// The type that users name.
pub(super) fn definition(item: &Interface, runtime: &Runtime) -> TokenStream {
    let rt = runtime.path();
    let quiet = quiet();
    let visibility = &item.visibility.0;
    let (name, reference) = (item.name.ident(), ref_name(&item.name));
    let client = client_name(&item.name);
    let docs = format!(" A [`{name}`] of this process, or one that another process has.");
    quote! {
        #[doc = #docs]
        #quiet
        #[derive(::core::clone::Clone)]
        #visibility enum #reference {
            /// An object of this process.
            Local(#rt::Arc<dyn #name>),
            /// An object of another process.
            Remote(#client),
        }
    }
}

/// How objects go into messages and come out of them, and how calls of one find it.
pub(super) fn impls(item: &Interface) -> TokenStream {
    let (name, reference) = (item.name.ident(), ref_name(&item.name));
    let client = client_name(&item.name);
    let conversions = conversions(&name, &reference, &client);
    let to_bases = bases::conversions(item);
    let as_base = bases::arguments(item, &quote!(self));
    let inherited_emitter = bases::inherited_emitter(item, &quote!(self));
    let upcast = bases::upcast(item);
    let is_async = later::serving(item).of_object;
    let on_the_wire = on_the_wire(&name, &reference, &client);
    let emitter = (!item.events.is_empty()).then(|| {
        quote! {
            fn emitter(&self) -> ::core::option::Option<&__rt::Emitter> {
                ::core::option::Option::Some(<dyn #name as #name>::emitter(self).as_emitter())
            }
        }
    });
    let descriptions = [quote!(#reference), quote!(#client), quote!(dyn #name)].map(|ty| {
        quote! {
            #[automatically_derived]
            impl __rt::Describe for #ty {
                fn describe() -> &'static __rt::TypeDesc {
                    &__OBJECT
                }
            }
        }
    });
    // `dispatch` is inline for the reason that a client's methods are: else a crate of interfaces compiles
    // the way of each call for objects that it may never serve.
    quote! {
        static __OBJECT: __rt::TypeDesc = __rt::TypeDesc::Object { interface: || &__INTERFACE };

        #(#descriptions)*
        #conversions
        #to_bases
        #on_the_wire

        #[automatically_derived]
        impl __rt::Object for dyn #name {
            fn interface() -> &'static __rt::InterfaceDesc {
                &__INTERFACE
            }

            #[inline]
            fn dispatch(
                &self,
                __call: __rt::ServerCall<'_>,
            ) -> ::core::result::Result<(), __rt::Fault> {
                __dispatch(self, #as_base __call)
            }

            #is_async
            #emitter
            #inherited_emitter
            #upcast
        }
    }
}

/// What a client may pass where an object is wanted.
fn conversions(name: &Ident, reference: &Ident, client: &Ident) -> TokenStream {
    let from = |what: TokenStream, value: TokenStream| {
        quote! {
            #[automatically_derived]
            impl ::core::convert::From<#what> for #reference {
                fn from(it: #what) -> Self {
                    #value
                }
            }
        }
    };
    let shared = from(quote!(__rt::Arc<dyn #name>), quote!(Self::Local(it)));
    let client_itself = from(quote!(#client), quote!(Self::Remote(it)));
    let borrowed_client =
        from(quote!(&#client), quote!(Self::Remote(::core::clone::Clone::clone(it))));
    let borrowed = from(quote!(&#reference), quote!(::core::clone::Clone::clone(it)));
    quote! {
        #shared
        #client_itself
        #borrowed_client
        #borrowed

        #[automatically_derived]
        impl<__T: #name> ::core::convert::From<__T> for #reference {
            fn from(it: __T) -> Self {
                Self::Local(__rt::Arc::new(it))
            }
        }

        #[automatically_derived]
        impl ::core::fmt::Debug for #client {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_tuple(::core::stringify!(#client)).field(&self.core).finish()
            }
        }

        #[automatically_derived]
        impl ::core::fmt::Debug for #reference {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                let core = match self {
                    Self::Local(_) => ::core::option::Option::None,
                    Self::Remote(client) => ::core::option::Option::Some(&client.core),
                };
                __rt::object::debug_ref(f, core)
            }
        }
    }
}

fn on_the_wire(name: &Ident, reference: &Ident, client: &Ident) -> TokenStream {
    use super::record::{deserialize_impl, serialize_impl};

    let serialize_ref = serialize_impl(
        &quote!(#reference),
        &quote! {
            match self {
                Self::Local(object) => __rt::object::serialize_local(object, __serializer),
                Self::Remote(client) => __rt::object::serialize_remote(&client.core, __serializer),
            }
        },
    );
    let deserialize_ref = deserialize_impl(
        &quote!(#reference),
        &quote! {
            let received = __rt::object::deserialize::<dyn #name, __D>(__deserializer)?;
            ::core::result::Result::Ok(match received {
                __rt::object::Received::Local(object) => Self::Local(object),
                __rt::object::Received::Remote(core) => {
                    Self::Remote(<#client as __rt::Client>::from_core(core))
                }
            })
        },
    );
    let serialize_client = serialize_impl(
        &quote!(#client),
        &quote!(__rt::object::serialize_remote(&self.core, __serializer)),
    );
    let deserialize_client = deserialize_impl(
        &quote!(#client),
        &quote! {
            let core = __rt::object::deserialize_remote::<dyn #name, __D>(__deserializer)?;
            ::core::result::Result::Ok(<#client as __rt::Client>::from_core(core))
        },
    );
    quote!(#serialize_ref #deserialize_ref #serialize_client #deserialize_client)
}
