//! Descriptions of types and interfaces: constants that peers compare.

use proc_macro2::TokenStream;
use quote::quote;

use super::{event, ty, value};
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
        let optional = field.may_be_missing();
        quote!(__rt::FieldDesc { name: #name, ty: #ty, optional_on_wire: #optional })
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
            methods: &__METHODS,
            events: #events,
        };
    }
}

fn method(item: &Method, interface: u128) -> TokenStream {
    let name = item.wire_name();
    let ordinal = self::ordinal(item, interface);
    let (oneway, idempotent) = (item.oneway.is_some(), item.idempotent.is_some());
    let (must_understand, cancellable) =
        (item.must_understand.is_some(), item.cancellable.is_some());
    let timeout = option(item.timeout.map(|timeout| value::duration(timeout.value)));
    let params = item.params.iter().map(param);
    let results = item.results.iter().map(result);
    let raises = option(item.raises.as_ref().map(of));
    quote! {
        __rt::MethodDesc {
            name: #name,
            ordinal: #ordinal,
            oneway: #oneway,
            idempotent: #idempotent,
            must_understand: #must_understand,
            cancellable: #cancellable,
            timeout: #timeout,
            params: &[#(#params),*],
            results: &[#(#results),*],
            raises: #raises,
        }
    }
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
    let direction = match item.direction {
        Direction::In => quote!(In),
        Direction::Out => quote!(Out),
        Direction::InOut => quote!(InOut),
    };
    let (view, raw) = (item.view.is_some(), item.raw.is_some());
    desc(&item.name.text, &direction, view, raw, &item.ty, item.may_be_missing())
}

fn result(item: &Output) -> TokenStream {
    let name = item.name.as_ref().map_or("", |name| name.text.as_str());
    desc(
        name,
        &quote!(Out),
        item.view.is_some(),
        item.raw.is_some(),
        &item.ty,
        item.may_be_missing(),
    )
}

fn desc(
    name: &str,
    direction: &TokenStream,
    view: bool,
    raw: bool,
    ty: &Type,
    optional: bool,
) -> TokenStream {
    let ty = of(ty);
    quote! {
        __rt::ParamDesc {
            name: #name,
            direction: __rt::Direction::#direction,
            view: #view,
            raw: #raw,
            ty: #ty,
            optional_on_wire: #optional,
        }
    }
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
