//! What an interface has from those that it inherits from.
//!
//! A macro knows the path of a base and nothing of what it holds. So all of it is reached through
//! what was made for the base itself: its client is kept inside of this one's, and its calls are
//! served by the trait object that every implementation is also a base's.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use super::async_client::async_client_name;
use super::interface::client_name;
use super::reference::ref_name;
use crate::ir::{Interface, Object, TypeKind};

/// An interface that another inherits from.
pub(super) struct Base<'i> {
    object: &'i Object,
    /// What the place of its client is called, and the argument that an implementation is as it.
    name: Ident,
}

/// Those that are written down for `item`.
pub(super) fn of(item: &Interface) -> Vec<Base<'_>> {
    let objects = item.bases.iter().filter_map(|base| match &base.kind {
        TypeKind::Object(object) => Some(object),
        // `check` lets nothing else be a base.
        _ => None,
    });
    let base = |(at, object)| Base { object, name: format_ident!("__base_{at}") };
    objects.enumerate().map(base).collect()
}

impl Base<'_> {
    fn path(&self) -> &TokenStream {
        &self.object.rust.0
    }

    /// The trait object, at the place where the base is named: if it is no interface, that is wrong.
    fn dynamic(&self) -> TokenStream {
        let path = self.path();
        let span = path.clone().into_iter().next().map_or_else(Span::call_site, |it| it.span());
        quote_spanned!(span=> dyn #path)
    }

    fn client(&self) -> TokenStream {
        self.object.named("Client")
    }

    fn async_client(&self) -> TokenStream {
        self.object.named("AsyncClient")
    }
}

/// The bases as the beginning of the trait's bounds.
pub(super) fn supertraits(item: &Interface) -> TokenStream {
    of(item).iter().map(Base::path).map(|path| quote!(#path +)).collect()
}

/// The clients that a client holds.
pub(super) fn fields(item: &Interface) -> TokenStream {
    fields_of(item, |base| base.client())
}

/// The async clients that an async client holds.
pub(super) fn async_fields(item: &Interface) -> TokenStream {
    fields_of(item, |base| base.async_client())
}

fn fields_of(item: &Interface, client: impl Fn(&Base<'_>) -> TokenStream) -> TokenStream {
    let fields = of(item);
    let fields = fields.iter().map(|base| {
        let (name, client) = (&base.name, client(base));
        quote!(#name: #client,)
    });
    fields.collect()
}

/// The values of [`fields`], made of `core`.
pub(super) fn field_values(item: &Interface) -> TokenStream {
    values_of(item, |base| {
        let client = base.client();
        quote!(<#client as __rt::Client>)
    })
}

/// The values of [`async_fields`], made of `core`.
pub(super) fn async_field_values(item: &Interface) -> TokenStream {
    values_of(item, |base| {
        let client = base.async_client();
        quote!(<#client as __rt::AsyncClient>)
    })
}

fn values_of(item: &Interface, client: impl Fn(&Base<'_>) -> TokenStream) -> TokenStream {
    let values = of(item);
    let values = values.iter().map(|base| {
        let (name, client) = (&base.name, client(base));
        quote!(#name: #client::from_core(::core::clone::Clone::clone(&core)),)
    });
    values.collect()
}

/// The descriptions of the bases.
pub(super) fn descriptions(item: &Interface) -> TokenStream {
    let clients = of(item);
    let clients = clients.iter().map(Base::client);
    quote!(&[#(<#clients as __rt::Client>::INTERFACE),*])
}

/// What the checker cannot see of bases that are elsewhere, seen while the program is compiled.
pub(super) fn check(item: &Interface) -> TokenStream {
    if item.bases.is_empty() {
        return TokenStream::new();
    }
    let methods = item.methods.iter().map(|method| &method.name.text);
    let names = methods.chain(item.events.iter().map(|event| &event.name.text));
    // What it says is said of the trait.
    let span = item.name.ident().span();
    quote_spanned!(span=> const _: () = __rt::inherit::check(&__INTERFACE, &[#(#names),*]);)
}

/// The parameters by which the dispatch function gets the implementation as its bases.
pub(super) fn parameters(item: &Interface) -> TokenStream {
    let bases = of(item);
    let parameters = bases.iter().map(|base| {
        let (name, path) = (&base.name, base.path());
        quote!(#name: &(dyn #path + 'static),)
    });
    parameters.collect()
}

/// The arguments for [`parameters`], all of which are `implementation`.
pub(super) fn arguments(item: &Interface, implementation: &TokenStream) -> TokenStream {
    of(item).iter().map(|_| quote!(#implementation,)).collect()
}

/// The same for calls that handlers of the bases answer with futures: what those borrow lives as long.
pub(super) fn handle_parameters(item: &Interface) -> TokenStream {
    let bases = of(item);
    let parameters = bases.iter().map(|base| {
        let (name, path) = (&base.name, base.path());
        quote!(#name: &'m (dyn #path + 'static),)
    });
    parameters.collect()
}

/// For each base, whether it has `__ordinal`, and an `async` handler for it.
pub(super) fn are_async(item: &Interface) -> Vec<TokenStream> {
    let bases = of(item);
    let each = bases.iter().map(|base| {
        let object = base.dynamic();
        quote!(<#object as __rt::Object>::is_async(__ordinal))
    });
    each.collect()
}

/// The arms for calls that a base's `async` handler answers. Nobody asks for others.
pub(super) fn handle_arms(item: &Interface) -> TokenStream {
    let bases = of(item);
    let arms = bases.iter().map(|base| {
        let (name, object) = (&base.name, base.dynamic());
        quote! {
            __ordinal if <#object as __rt::Object>::is_async(__ordinal) => {
                <#object as __rt::Object>::handle(#name, __call)
            }
        }
    });
    quote!(#(#arms)* _ => __rt::not_async(),)
}

/// The arms for calls that the interface itself does not declare. The last base is called without a
/// look, since it refuses what nobody has.
pub(super) fn arms(item: &Interface) -> TokenStream {
    let bases = of(item);
    let Some((last, others)) = bases.split_last() else {
        return quote!(_ => ::core::result::Result::Err(__rt::Fault::UnknownMethod),);
    };
    let dispatch = |base: &Base<'_>| {
        let (name, object) = (&base.name, base.dynamic());
        quote!(<#object as __rt::Object>::dispatch(#name, __call))
    };
    let others = others.iter().map(|base| {
        let (object, dispatch) = (base.dynamic(), dispatch(base));
        quote! {
            __ordinal if <#object as __rt::Object>::interface().method(__ordinal).is_some() => {
                #dispatch
            }
        }
    });
    let last = dispatch(last);
    quote!(#(#others)* _ => #last,)
}

/// The method that finds where the events of a base are sent from.
pub(super) fn inherited_emitter(item: &Interface, implementation: &TokenStream) -> TokenStream {
    let bases = of(item);
    let found = bases.iter().map(|base| {
        let object = base.dynamic();
        quote!(<#object as __rt::Object>::emitter_of(#implementation, __interface))
    });
    let found = found.reduce(|found, next| quote!(#found.or_else(|| #next)));
    let Some(found) = found else { return TokenStream::new() };
    quote! {
        fn inherited_emitter(
            &self,
            __interface: u128,
        ) -> ::core::option::Option<&__rt::Emitter> {
            #found
        }
    }
}

/// The function by which an object comes back to its own process as one of a base.
pub(super) fn upcast(item: &Interface) -> TokenStream {
    let bases = of(item);
    if bases.is_empty() {
        return TokenStream::new();
    }
    let offers = bases.iter().map(|base| {
        let object = base.dynamic();
        quote! {
            __rt::inherit::offer::<#object>(
                <__rt::Arc<Self> as ::core::clone::Clone>::clone(&__object),
                __slot,
            );
        }
    });
    quote! {
        fn upcast(__object: __rt::Arc<Self>, __slot: &mut dyn __rt::inherit::Any) {
            #(#offers)*
        }
    }
}

/// How a client, or a reference, is one of a base.
pub(super) fn conversions(item: &Interface) -> TokenStream {
    let (client, reference) = (client_name(&item.name), ref_name(&item.name));
    let bases = of(item);
    let deref = bases.first().map(|base| deref(&client, base, &base.client()));
    let conversions = bases.iter().map(|base| {
        let (name, its_client) = (&base.name, base.client());
        let its_reference = base.object.named("Ref");
        let clone = quote!(::core::clone::Clone::clone(&it.#name));
        let clients = clients(&client, base, &its_client);
        let passed = from(quote!(#client), &its_reference, quote!(Self::Remote(it.#name)));
        let lent = from(quote!(&#client), &its_reference, quote!(Self::Remote(#clone)));
        let referred = from(
            quote!(#reference),
            &its_reference,
            quote! {
                match it {
                    #reference::Local(object) => Self::Local(object),
                    #reference::Remote(client) => Self::Remote(client.#name),
                }
            },
        );
        quote!(#clients #passed #lent #referred)
    });
    quote!(#deref #(#conversions)*)
}

/// How an async client is one of a base.
pub(super) fn async_conversions(item: &Interface) -> TokenStream {
    let client = async_client_name(&item.name);
    let bases = of(item);
    let deref = bases.first().map(|base| deref(&client, base, &base.async_client()));
    let conversions = bases.iter().map(|base| {
        let (name, its_reference) = (&base.name, base.object.named("Ref"));
        let clients = clients(&client, base, &base.async_client());
        let passed =
            from(quote!(#client), &its_reference, quote!(::core::convert::From::from(it.#name)));
        let lent =
            from(quote!(&#client), &its_reference, quote!(::core::convert::From::from(&it.#name)));
        quote!(#clients #passed #lent)
    });
    quote!(#deref #(#conversions)*)
}

fn deref(client: &Ident, base: &Base<'_>, target: &TokenStream) -> TokenStream {
    let name = &base.name;
    quote! {
        #[automatically_derived]
        impl ::core::ops::Deref for #client {
            type Target = #target;

            fn deref(&self) -> &Self::Target {
                &self.#name
            }
        }
    }
}

/// How `client` is `its_client`, the one of a base that it holds.
fn clients(client: &Ident, base: &Base<'_>, its_client: &TokenStream) -> TokenStream {
    let name = &base.name;
    let owned = from(quote!(#client), its_client, quote!(it.#name));
    let clone = quote!(::core::clone::Clone::clone(&it.#name));
    let borrowed = from(quote!(&#client), its_client, clone);
    quote! {
        #[automatically_derived]
        impl ::core::convert::AsRef<#its_client> for #client {
            fn as_ref(&self) -> &#its_client {
                &self.#name
            }
        }

        #owned
        #borrowed
    }
}

fn from(what: TokenStream, to: &TokenStream, value: TokenStream) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl ::core::convert::From<#what> for #to {
            fn from(it: #what) -> Self {
                #value
            }
        }
    }
}
