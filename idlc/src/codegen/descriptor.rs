//! Descriptions of types and interfaces: constants that peers compare.

use proc_macro2::TokenStream;
use quote::quote;

use super::{bases, event, ty, value};
use crate::ir::{
    Direction, Event, ExprKind, Field, Interface, Method, Name, Output, Param, Type, Version,
    identity,
};

/// `describe` of a type, to be called when somebody wants to know: a recursive type cannot hold its
/// own description.
pub(super) fn of(ty: &Type) -> TokenStream {
    let ty = ty::described(ty, &quote!(__rt));
    quote!(<#ty as __rt::Describe>::describe)
}

/// The impl of `Describe` for the type called `name`.
pub(super) fn describe_impl(name: &Name, description: &TokenStream) -> TokenStream {
    let name = name.ident();
    quote! {
        #[automatically_derived]
        impl __rt::Describe for #name {
            fn describe() -> &'static __rt::TypeDesc {
                static __DESCRIPTION: __rt::TypeDesc = #description;
                &__DESCRIPTION
            }
        }
    }
}

/// The fields of a record or payload.
pub(super) fn fields(fields: &[Field]) -> TokenStream {
    let fields = fields.iter().map(|field| {
        let name = &field.name.text;
        let ty = of(&field.ty);
        let optional = mark("optional", field.may_be_missing());
        quote!(__rt::FieldDesc::new(#name, #ty)#optional)
    });
    quote!(&[#(#fields),*])
}

/// The static that describes an interface, and before it the one that describes its methods.
pub(super) fn interface(item: &Interface) -> TokenStream {
    let id = identity::interface_id(item);
    let methods = item.methods.iter().map(|method| self::method(method, id));
    let count = ty::plain(item.methods.len());
    let name = &item.qualified;
    let version = item.version.map_or(Version { major: 1, minor: 0 }, |version| version.value);
    let (major, minor) = (version.major, version.minor);
    let endpoint = option(item.endpoint.as_ref().map(|endpoint| {
        let endpoint = &endpoint.value;
        quote!(#endpoint)
    }));
    let id = value::hexadecimal(&format!("{id:032x}"), "u128");
    let (bases, check) = (bases::descriptions(item), bases::check(item));
    let (event_descriptions, events) = event::descriptions(item);
    quote! {
        #event_descriptions

        static __METHODS: [__rt::MethodDesc; #count] = [#(#methods),*];

        static __INTERFACE: __rt::InterfaceDesc = __rt::InterfaceDesc {
            name: #name,
            id: #id,
            major: #major,
            minor: #minor,
            endpoint: #endpoint,
            bases: #bases,
            methods: &__METHODS,
            events: #events,
        };

        #check
    }
}

fn method(item: &Method, interface: u128) -> TokenStream {
    let name = item.wire_name();
    let ordinal = self::ordinal(item, interface);
    let is = |name: &str, is_so: bool| {
        let name = ty::word(name);
        is_so.then(|| quote!(#name: true,))
    };
    let oneway = is("oneway", item.oneway.is_some());
    let idempotent = is("idempotent", item.idempotent.is_some());
    let must_understand = is("must_understand", item.must_understand.is_some());
    let cancellable = is("cancellable", item.cancellable.is_some());
    let timeout = item.timeout.map(|timeout| {
        let timeout = value::duration(timeout.value);
        quote!(timeout: ::core::option::Option::Some(#timeout),)
    });
    let params = list("params", item.params.iter().map(param));
    let results = list("results", item.results.iter().map(result));
    let raises = item.raises.as_ref().map(|raised| {
        let raised = of(raised);
        quote!(raises: ::core::option::Option::Some(#raised),)
    });
    // What is so with most methods is left out: there are many of them.
    quote! {
        __rt::MethodDesc {
            name: #name,
            ordinal: #ordinal,
            #oneway
            #idempotent
            #must_understand
            #cancellable
            #timeout
            #params
            #results
            #raises
            ..__rt::MethodDesc::PLAIN
        }
    }
}

fn list(name: &str, items: impl ExactSizeIterator<Item = TokenStream>) -> Option<TokenStream> {
    let name = ty::word(name);
    (items.len() > 0).then(|| quote!(#name: &[#(#items),*],))
}

/// The description of an event of the interface with that id.
pub(super) fn event(item: &Event, interface: u128) -> TokenStream {
    let name = item.wire_name();
    let ordinal = ordinal_of(name, interface);
    let must_understand = item.must_understand.is_some();
    let params = item.params.iter().map(param);
    quote! {
        __rt::EventDesc {
            name: #name,
            ordinal: #ordinal,
            must_understand: #must_understand,
            params: &[#(#params),*],
        }
    }
}

/// The number of a method on the wire, as a literal that can also be a pattern.
pub(super) fn ordinal(item: &Method, interface: u128) -> TokenStream {
    ordinal_of(item.wire_name(), interface)
}

/// The number of the method or event that is known as `wire_name`.
pub(super) fn ordinal_of(wire_name: &str, interface: u128) -> TokenStream {
    let ordinal = identity::ordinal(interface, wire_name);
    value::hexadecimal(&format!("{ordinal:016x}"), "u64")
}

fn param(item: &Param) -> TokenStream {
    let flow = match item.direction {
        Direction::In => "input",
        Direction::Out => "output",
        Direction::InOut => "in_out",
    };
    let marks = [
        mark("view", item.view.is_some()),
        mark("raw", item.raw.is_some()),
        mark("optional", item.may_be_missing()),
    ];
    desc(flow, &item.name.text, &item.ty, marks)
}

fn result(item: &Output) -> TokenStream {
    let name = item.name.as_ref().map_or("", |name| name.text.as_str());
    let marks = [
        mark("view", item.view.is_some()),
        mark("raw", item.raw.is_some()),
        mark("optional", item.may_be_missing()),
    ];
    desc("output", name, &item.ty, marks)
}

fn desc(flow: &str, name: &str, ty: &Type, marks: [Option<TokenStream>; 3]) -> TokenStream {
    let (flow, ty) = (ty::word(flow), of(ty));
    quote!(__rt::ParamDesc::#flow(#name, #ty)#(#marks)*)
}

/// What is said of something behind it, if it is so.
fn mark(name: &str, is_so: bool) -> Option<TokenStream> {
    let name = ty::word(name);
    is_so.then(|| quote!(.#name()))
}

/// The number of an enum's member, for its description.
pub(super) fn number(value: &Option<crate::ir::Expr>) -> TokenStream {
    match value.as_ref().map(|value| &value.kind) {
        Some(ExprKind::Int(number)) => value::digits(*number),
        _ => quote!(0),
    }
}

fn option(value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote!(::core::option::Option::Some(#value)),
        None => quote!(::core::option::Option::None),
    }
}
