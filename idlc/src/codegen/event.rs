//! Events: what a server sends them with, and what a client gets.
//!
//! An event's parameters are encoded one after the other, as the fields of a record are: it is told
//! to many at once and outlives its message, so nothing of it stays in shared memory.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::bounds::{self, Place};
use super::interface::client_name;
use super::ty::{self, Way};
use super::{Runtime, descriptor, docs, marks, quiet, sensitive, value, wire};
use crate::ir::{
    Event, Field, Growth, Interface, Look, Name, Param, Payload, TypeKind, Union, UnionUse,
    Variant, identity,
};

/// `FooEmitter`
fn emitter_name(interface: &Name) -> Ident {
    interface.ident_with("", "Emitter")
}

/// `FooEvent`
fn event_name(interface: &Name) -> Ident {
    interface.ident_with("", "Event")
}

/// The method by which a server's trait says where its events come from. Nothing without events.
pub fn emitter_method(item: &Interface) -> Option<TokenStream> {
    let emitter = emitter_name(&item.name);
    item.events.iter().any(|event| !event.availability.is_removed()).then(|| {
        quote! {
            /// Where this object's events are sent from.
            fn emitter(&self) -> &#emitter;
        }
    })
}

/// The types that users name. Nothing without events.
pub(super) fn types(item: &Interface, runtime: &Runtime) -> TokenStream {
    if item.events.is_empty() {
        return TokenStream::new();
    }
    let rt = runtime.path();
    let quiet = quiet();
    let visibility = &item.visibility.0;
    let (emitter, event) = (emitter_name(&item.name), event_name(&item.name));
    let emitter_docs = format!(" The events of a [`{}`]; who serves it holds them.", item.name);
    let event_docs = format!(" An event of a [`{}`].", item.name);
    let variants = item.events.iter().map(|event| variant(event, &rt));
    let debug =
        (!sensitive::of_union(&as_union(item))).then(|| quote!(#[derive(::core::fmt::Debug)]));
    // Only `Debug`: whether the types in it are `Clone` or `PartialEq` is not known here, and what
    // can be derived today must not be lost with the next event.
    quote! {
        #[doc = #emitter_docs]
        #quiet
        #[derive(::core::clone::Clone, ::core::default::Default, ::core::fmt::Debug)]
        #visibility struct #emitter {
            emitter: #rt::Emitter,
        }

        #[doc = #event_docs]
        #quiet
        #debug
        #[non_exhaustive]
        #visibility enum #event { #(#variants,)* }
    }
}

/// The events as a type, for whoever knows what becomes of those.
fn as_union(item: &Interface) -> Union {
    let variants = item.events.iter().map(|event| Variant {
        name: event.variant(),
        docs: event.docs.clone(),
        availability: event.availability.clone(),
        look: event.look.clone(),
        tag: None,
        payload: match live(event).next() {
            None => Payload::Unit,
            Some(_) => Payload::Named(live(event).map(as_field).collect()),
        },
    });
    let (name, span) = (event_name(&item.name).to_string(), item.name.span);
    Union {
        name: Name::new(name, span),
        qualified: item.qualified.clone(),
        docs: item.docs.clone(),
        availability: item.availability.clone(),
        look: Look::default(),
        sensitive: None,
        // What a client does not know is dropped, so nothing stands for it.
        growth: Growth::Closed,
        used_as: UnionUse::Data,
        variants: variants.collect(),
        reserved: Vec::new(),
    }
}

fn as_field(param: &Param) -> Field {
    let sensitive = param.sensitive;
    Field { sensitive, ..Field::positional(param.name.clone(), param.ty.clone()) }
}

/// The parameters that people see. The others are tombstones, which keep their place on the wire.
fn live(item: &Event) -> impl Iterator<Item = &Param> {
    item.params.iter().filter(|param| !param.is_removed())
}

fn variant(item: &Event, rt: &TokenStream) -> TokenStream {
    let docs = docs::attributes(&item.docs, || format!("The event `{}`.", item.name));
    let name = item.variant().ident();
    let marks = marks::marks(&item.availability, &item.look);
    let fields = live(item).map(|param| {
        let docs = docs::attributes(&param.docs, || format!("The parameter `{}`.", param.name));
        let (name, ty) = (param.name.ident(), ty::owned(&param.ty, rt));
        quote!(#docs #name: #ty)
    });
    let fields = live(item).next().map(|_| quote!({ #(#fields),* }));
    quote!(#docs #marks #name #fields)
}

/// The static that describes the events, to be referred to by that of the interface.
pub(super) fn descriptions(item: &Interface) -> (TokenStream, TokenStream) {
    if item.events.is_empty() {
        return (TokenStream::new(), quote!(&[]));
    }
    let id = identity::interface_id(item);
    let count = ty::plain(item.events.len());
    let events = item.events.iter().map(|event| descriptor::event(event, id));
    (quote!(static __EVENTS: [__rt::EventDesc; #count] = [#(#events),*];), quote!(&__EVENTS))
}

/// What the types can do.
pub(super) fn impls(item: &Interface) -> TokenStream {
    if item.events.is_empty() {
        return TokenStream::new();
    }
    let visibility = &item.visibility.0;
    let (emitter, event) = (emitter_name(&item.name), event_name(&item.name));
    let client = client_name(&item.name);
    let debug = sensitive::union(&as_union(item));
    let id = identity::interface_id(item);
    let sends = item.events.iter().enumerate().map(|(at, event)| send(at, event, item));
    let arms = item.events.iter().map(|event| {
        let ordinal = descriptor::ordinal_of(event.wire_name(), id);
        let read = read(event);
        quote!(#ordinal => { #read })
    });
    quote! {
        impl #emitter {
            /// Nobody has subscribed yet.
            #visibility fn new() -> Self {
                <Self as ::core::default::Default>::default()
            }

            fn as_emitter(&self) -> &__rt::Emitter {
                &self.emitter
            }

            #(#sends)*
        }

        #debug

        #[automatically_derived]
        impl __rt::Event for #event {
            fn read(
                __ordinal: u64,
                __arguments: &mut __rt::EventReader<'_>,
            ) -> ::core::result::Result<::core::option::Option<Self>, __rt::Fault> {
                ::core::result::Result::Ok(::core::option::Option::Some(match __ordinal {
                    #(#arms)*
                    _ => return ::core::result::Result::Ok(::core::option::Option::None),
                }))
            }
        }

        #[automatically_derived]
        impl __rt::HasEvents for #client {
            type Event = #event;
        }
    }
}

/// The method that sends an event.
fn send(at: usize, item: &Event, interface: &Interface) -> TokenStream {
    let docs = docs::attributes_after(
        &format!("Sends `{}` to all who have subscribed. Never waits for them.", item.name),
        &item.docs,
    );
    let visibility = &interface.visibility.0;
    let name = item.name.ident();
    let marks = marks::marks(&item.availability, &item.look);
    let params = live(item).map(|param| {
        let (name, ty) = (param.name.ident(), ty::reference::event_param(param, &quote!(__rt)));
        quote!(#name: #ty)
    });
    let checks = live(item).map(check);
    // Once: it may be told to many.
    let objects = live(item).filter_map(|param| match (&param.ty.kind, ty::way_in(param)) {
        (TypeKind::Object(object), Way::Object) => {
            let (name, reference) = (param.name.ident(), object.named("Ref"));
            Some(quote!(let #name: #reference = ::core::convert::Into::into(#name);))
        }
        _ => None,
    });
    let written = item.params.iter().map(write);
    let writer = if item.params.is_empty() { quote!(_) } else { quote!(__event) };
    let at = ty::plain(at);
    quote! {
        #docs
        #marks
        #visibility fn #name(
            &self,
            #(#params),*
        ) -> ::core::result::Result<(), __rt::TransportError> {
            #(#checks)*
            #(#objects)*
            self.emitter.emit(&__EVENTS[#at], |#writer| {
                #(#written)*
                ::core::result::Result::Ok(())
            })
        }
    }
}

fn check(param: &Param) -> TokenStream {
    let name = param.name.ident();
    let place = match ty::is_passed_by_value(&param.ty) {
        true => Place::Value(quote!(#name)),
        false => Place::Reference(quote!(#name)),
    };
    sensitive::checks(param.sensitive, bounds::check(&place, &param.ty, &param.name.text))
}

fn write(param: &Param) -> TokenStream {
    if let (true, Some(default)) = (param.is_removed(), &param.default) {
        let rt = quote!(__rt);
        let value = ty::typed(&value::owned(default, &param.ty, &rt), &param.ty, &rt);
        let encoded = wire::encoded(&quote!(&#value), &param.ty);
        return quote!(__event.arg(#encoded)?;);
    }
    let name = param.name.ident();
    match ty::way_in(param) {
        Way::Handle => quote!(__event.handle(__rt::AsFd::as_fd(&#name))?;),
        Way::Object => quote!(__event.arg(&#name)?;),
        _ => {
            let reference = match ty::is_passed_by_value(&param.ty) {
                true => quote!(&#name),
                false => quote!(#name),
            };
            let encoded = wire::argument(&reference, &param.ty);
            quote!(__event.arg(#encoded)?;)
        }
    }
}

/// Takes an event out of a message.
fn read(item: &Event) -> TokenStream {
    let variant = item.variant().ident();
    let reads = item.params.iter().map(|param| {
        let (name, what) = (param.name.ident(), &param.name.text);
        let annotation = ty::owned(&param.ty, &quote!(__rt));
        let value = match &param.ty.kind {
            TypeKind::Handle(kind, rights) => {
                let (kind, rights) = ty::reference::handle_parameters(*kind, *rights);
                quote!(__arguments.handle::<#kind, #rights>(#what)?)
            }
            _ => {
                let ty = wire::decoded_type(&param.ty);
                wire::decoded(&quote!(__arguments.value::<#ty>(#what)?), &param.ty)
            }
        };
        if param.is_removed() {
            return quote! {
                if !__arguments.is_empty() {
                    let _: #annotation = #value;
                }
            };
        }
        let value = match when_missing(param) {
            Some(default) => quote!(if __arguments.is_empty() { #default } else { #value }),
            None => value,
        };
        let check = bounds::check(&Place::Value(quote!(#name)), &param.ty, what);
        let check = sensitive::checks(param.sensitive, check);
        quote!(let #name: #annotation = #value; #check)
    });
    let names = live(item).map(|param| param.name.ident());
    let fields = live(item).next().map(|_| quote!({ #(#names),* }));
    quote!(#(#reads)* Self::#variant #fields)
}

/// What stands in for a parameter that an older server did not send.
fn when_missing(param: &Param) -> Option<TokenStream> {
    match (&param.default, &param.ty.kind) {
        (Some(default), _) => Some(value::owned(default, &param.ty, &quote!(__rt))),
        (None, TypeKind::Optional(_)) => Some(quote!(::core::option::Option::None)),
        (None, _) => None,
    }
}
