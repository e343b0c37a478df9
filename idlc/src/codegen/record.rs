//! Structs: their definition, and what puts them on the wire.

use proc_macro2::TokenStream;
use quote::quote;

use super::bounds::{self, Place};
use super::derives::Derives;
use super::{Runtime, descriptor, docs, marks, quiet, sensitive, ty, value, wire};
use crate::ir::{Field, Growth, Struct, Type, TypeKind};

/// The struct itself, with what makes it usable: an open one cannot be written as a literal in
/// another crate, since it may grow.
pub(super) fn definition(item: &Struct, derives: &Derives, runtime: &Runtime) -> TokenStream {
    let rt = runtime.path();
    let docs = docs::attributes(&item.docs, || format!("The record `{}`.", item.name));
    let marks = marks::marks(&item.availability, &item.look);
    let quiet = quiet();
    let derive = derives.attribute(&item.name, &item.look, &implemented(item));
    let name = item.name.ident();
    let fields = live(&item.fields).map(|field| {
        let docs = docs::attributes(&field.docs, || format!("The field `{}`.", field.name));
        let marks = marks::marks(&field.availability, &field.look);
        let name = field.name.ident();
        let ty = ty::owned(&field.ty, &rt);
        quote!(#docs #marks pub #name: #ty)
    });
    let (non_exhaustive, constructors) = match item.growth {
        Growth::Open => (quote!(#[non_exhaustive]), constructors(item, &rt)),
        Growth::Closed => (TokenStream::new(), TokenStream::new()),
    };
    quote! {
        #docs
        #marks
        #quiet
        #derive
        #non_exhaustive
        pub struct #name { #(#fields),* }

        #constructors
    }
}

/// Traits that are neither derived nor shut in with the others.
fn implemented(item: &Struct) -> Vec<&'static str> {
    let has_default =
        item.growth == Growth::Open && live(&item.fields).all(|field| field.may_be_missing());
    let debug = sensitive::of_record(item).then_some("Debug");
    has_default.then_some("Default").into_iter().chain(debug).collect()
}

/// `new` with the fields that must be there, and `with_..` for each of the others.
fn constructors(item: &Struct, rt: &TokenStream) -> TokenStream {
    let quiet = quiet();
    let name = item.name.ident();
    let (others, required): (Vec<&Field>, Vec<&Field>) =
        live(&item.fields).partition(|field| field.may_be_missing());
    let params = required.iter().map(|field| {
        let (name, ty) = (field.name.ident(), ty::owned(&field.ty, rt));
        quote!(#name: #ty)
    });
    let values = live(&item.fields).map(|field| {
        let name = field.name.ident();
        match when_missing(field, rt) {
            Some(default) => quote!(#name: #default),
            None => quote!(#name),
        }
    });
    let setters = others.iter().map(|field| setter(field, rt));
    let new_docs = format!(" A `{name}` of what every version has, and defaults.");
    let default = required.is_empty().then(|| {
        quote! {
            #quiet
            #[automatically_derived]
            impl ::core::default::Default for #name {
                fn default() -> Self {
                    Self::new()
                }
            }
        }
    });
    quote! {
        #quiet
        impl #name {
            #[doc = #new_docs]
            pub fn new(#(#params),*) -> Self {
                Self { #(#values),* }
            }

            #(#setters)*
        }

        #default
    }
}

fn setter(field: &Field, rt: &TokenStream) -> TokenStream {
    let docs = format!(" Sets `{}`.", field.name);
    let marks = marks::marks(&field.availability, &field.look);
    let name = field.name.ident();
    let method = field.name.ident_with("with_", "");
    // Whoever sets an optional field has something to put there.
    let (ty, value) = match &field.ty.kind {
        TypeKind::Optional(item) => {
            (ty::owned(item, rt), quote!(::core::option::Option::Some(#name)))
        }
        _ => (ty::owned(&field.ty, rt), quote!(#name)),
    };
    quote! {
        #[doc = #docs]
        #marks
        #[must_use]
        pub fn #method(mut self, #name: #ty) -> Self {
            self.#name = #value;
            self
        }
    }
}

/// What stands in for a field that a peer did not send.
fn when_missing(field: &Field, rt: &TokenStream) -> Option<TokenStream> {
    match (&field.default, &field.ty.kind) {
        (Some(default), _) => Some(value::owned(default, &field.ty, rt)),
        (None, TypeKind::Optional(_)) => Some(quote!(::core::option::Option::None)),
        (None, _) => None,
    }
}

/// serde's traits, the description, and the bounds.
pub(super) fn impls(item: &Struct) -> TokenStream {
    let checks = bounds_of_fields(item);
    let bounded = (!checks.is_empty()).then(|| {
        let name = item.name.ident();
        quote! {
            #[automatically_derived]
            impl __rt::bound::Bounded for #name {
                fn check_bounds(&self) -> ::core::result::Result<(), __rt::bound::BoundExceeded> {
                    #checks
                    ::core::result::Result::Ok(())
                }
            }
        }
    });
    let is_bounded = bounded.is_some();
    let serialize = serialize(item, is_bounded);
    let deserialize = deserialize(item, is_bounded);
    let describe = describe(item);
    let debug = sensitive::record(item);
    quote!(#bounded #serialize #deserialize #describe #debug)
}

fn bounds_of_fields(item: &Struct) -> TokenStream {
    let checks = live(&item.fields).map(|field| {
        let name = field.name.ident();
        let what = format!("{}.{}", item.name, field.name);
        let check = bounds::check(&Place::Value(quote!(self.#name)), &field.ty, &what);
        sensitive::checks(field.sensitive.or(item.sensitive), check)
    });
    checks.collect()
}

fn serialize(item: &Struct, is_bounded: bool) -> TokenStream {
    let name = item.name.ident();
    let check = is_bounded.then(check_before);
    let with_names = with_names(item);
    let body = match item.growth {
        // What serde's derive would write.
        Growth::Closed => quote!(#check #with_names),
        Growth::Open => {
            let fields = item.fields.iter().map(|field| {
                let name = field.name.ident();
                match tombstone(field) {
                    Some(value) => wire::encoded(&quote!(&#value), &field.ty),
                    None => wire::encoded(&quote!(&self.#name), &field.ty),
                }
            });
            let fields = in_a_row(fields.collect());
            quote! {
                if __rt::serde::Serializer::is_human_readable(&__serializer) {
                    #with_names
                } else {
                    #check
                    __rt::record::serialize(__serializer, &#fields)
                }
            }
        }
    };
    serialize_impl(&quote!(#name), &body)
}

/// `impl Serialize for #name`. Inline for the sake of small types, as that of `Deserialize` is: to move
/// a value out of a call cost as much as to read it.
pub(super) fn serialize_impl(name: &TokenStream, body: &TokenStream) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl __rt::serde::Serialize for #name {
            #[inline]
            fn serialize<__S: __rt::serde::Serializer>(
                &self,
                __serializer: __S,
            ) -> ::core::result::Result<__S::Ok, __S::Error> {
                #body
            }
        }
    }
}

/// `impl Deserialize for #name`.
pub(super) fn deserialize_impl(name: &TokenStream, body: &TokenStream) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl<'de> __rt::serde::Deserialize<'de> for #name {
            #[inline]
            fn deserialize<__D: __rt::serde::Deserializer<'de>>(
                __deserializer: __D,
            ) -> ::core::result::Result<Self, __D::Error> {
                #body
            }
        }
    }
}

/// The bounds, before encoding.
pub(super) fn check_before() -> TokenStream {
    quote! {
        __rt::bound::Bounded::check_bounds(self).map_err(<__S::Error as __rt::serde::ser::Error>::custom)?;
    }
}

/// The bounds, after decoding `__value`.
pub(super) fn check_after() -> TokenStream {
    quote! {
        __rt::bound::Bounded::check_bounds(&__value)
            .map_err(<__D::Error as __rt::serde::de::Error>::custom)?;
    }
}

fn with_names(item: &Struct) -> TokenStream {
    let text = &item.name.text;
    let count = ty::plain(live(&item.fields).count());
    let fields = live(&item.fields).map(|field| {
        let (name, text) = (field.name.ident(), &field.name.text);
        let value = wire::encoded(&quote!(&self.#name), &field.ty);
        quote! {
            __rt::serde::ser::SerializeStruct::serialize_field(&mut __fields, #text, #value)?;
        }
    });
    let mutable = (!item.fields.is_empty()).then(|| quote!(mut));
    quote! {
        let #mutable __fields =
            __rt::serde::Serializer::serialize_struct(__serializer, #text, #count)?;
        #(#fields)*
        __rt::serde::ser::SerializeStruct::end(__fields)
    }
}

/// Values one after the other: a tuple of tuples, since serde knows those of up to 16 members and a
/// tuple has no framing of its own on the wire.
pub(super) fn in_a_row(values: Vec<TokenStream>) -> TokenStream {
    const LARGEST_TUPLE: usize = 16;
    if values.len() <= LARGEST_TUPLE {
        return quote!((#(#values,)*));
    }
    let parts = values.chunks(LARGEST_TUPLE).map(|part| in_a_row(part.to_vec()));
    in_a_row(parts.collect())
}

fn deserialize(item: &Struct, is_bounded: bool) -> TokenStream {
    let name = item.name.ident();
    let read = match item.growth {
        Growth::Open => read_open(item),
        Growth::Closed => read_closed(item),
    };
    let body = match is_bounded {
        true => {
            let check = check_after();
            quote! {
                let __value: Self = #read?;
                #check
                ::core::result::Result::Ok(__value)
            }
        }
        false => read,
    };
    deserialize_impl(&quote!(#name), &body)
}

fn read_open(item: &Struct) -> TokenStream {
    let text = &item.name.text;
    let names = live(&item.fields).map(|field| field.name.ident());
    let values = read_fields(&item.fields);
    let record = if values.is_empty() { quote!(_) } else { quote!(__record) };
    quote! {
        __rt::record::deserialize(__deserializer, #text, |#record| {
            ::core::result::Result::Ok(Self { #(#names: #values),* })
        })
    }
}

/// The fields that people see. The others are tombstones, which keep their place on the wire.
pub(super) fn live(fields: &[Field]) -> impl Iterator<Item = &Field> {
    fields.iter().filter(|field| !field.is_removed())
}

/// What is sent in the place of a field that is no more.
pub(super) fn tombstone(field: &Field) -> Option<TokenStream> {
    let rt = quote!(__rt);
    let value = when_missing(field, &rt).filter(|_| field.is_removed())?;
    Some(ty::typed(&value, &field.ty, &rt))
}

/// The values of the fields that people see, out of `__record`. What is sent in the place of the
/// others is read before the next one. Behind the last one it need not be: surplus is skipped.
pub(super) fn read_fields(fields: &[Field]) -> Vec<TokenStream> {
    let mut values = Vec::new();
    let mut passed_over = TokenStream::new();
    for field in fields {
        let value = read_field(field);
        if field.is_removed() {
            let ty = ty::owned(&field.ty, &quote!(__rt));
            passed_over.extend(quote!(let _: #ty = #value;));
            continue;
        }
        let before = std::mem::take(&mut passed_over);
        values.push(if before.is_empty() { value } else { quote!({ #before #value }) });
    }
    values
}

/// The next field of `__record`.
fn read_field(field: &Field) -> TokenStream {
    let text = &field.name.text;
    let ty = wire::decoded_type(&field.ty);
    match when_missing(field, &quote!(__rt)) {
        Some(default) => {
            let value = wire::decoded(&quote!(__field), &field.ty);
            quote! {
                match __record.next::<#ty>(#text)? {
                    ::core::option::Option::Some(__field) => #value,
                    ::core::option::Option::None => #default,
                }
            }
        }
        None if has_zero(&field.ty) => {
            wire::decoded(&quote!(__record.or_zero::<#ty>(#text)?), &field.ty)
        }
        None => wire::decoded(&quote!(__record.required::<#ty>(#text)?), &field.ty),
    }
}

/// Whether absent data can be read as the zero of a type. What a handle or an object is cannot be made
/// of nothing; a named type knows by itself.
fn has_zero(ty: &Type) -> bool {
    match &ty.kind {
        TypeKind::Handle(..) | TypeKind::Object(_) | TypeKind::Stream(_) => false,
        TypeKind::Array(..) | TypeKind::Tuple(_) | TypeKind::Result(..) => {
            ty.parts().into_iter().all(has_zero)
        }
        _ => true,
    }
}

fn read_closed(item: &Struct) -> TokenStream {
    let name = item.name.ident();
    let text = &item.name.text;
    let texts = item.fields.iter().map(|field| &field.name.text);
    let names = item.fields.iter().map(|field| field.name.ident());
    let elements = item.fields.iter().enumerate().map(|(at, field)| next_element(at, field));
    let visitor = sequence_visitor(
        &quote!(__Fields),
        &quote!(#name),
        &format!("struct {text}"),
        !item.fields.is_empty(),
        &quote!(#name { #(#names: #elements),* }),
    );
    quote!({
        #visitor
        __rt::serde::Deserializer::deserialize_struct(
            __deserializer,
            #text,
            &[#(#texts),*],
            __Fields,
        )
    })
}

/// The next element of `__sequence`, in a [`sequence_visitor`].
pub(super) fn next_element(index: usize, field: &Field) -> TokenStream {
    let index = ty::plain(index);
    let ty = wire::decoded_type(&field.ty);
    let element = quote! {
        __rt::serde::de::SeqAccess::next_element::<#ty>(&mut __sequence)?.ok_or_else(|| {
            <__A::Error as __rt::serde::de::Error>::invalid_length(#index, &self)
        })?
    };
    wire::decoded(&element, &field.ty)
}

/// A visitor that makes `value` of the elements of a sequence.
pub(super) fn sequence_visitor(
    visitor: &TokenStream,
    makes: &TokenStream,
    expecting: &str,
    has_elements: bool,
    value: &TokenStream,
) -> TokenStream {
    let sequence = if has_elements { quote!(mut __sequence) } else { quote!(_) };
    quote! {
        struct #visitor;

        impl<'de> __rt::serde::de::Visitor<'de> for #visitor {
            type Value = #makes;

            fn expecting(&self, __f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                __f.write_str(#expecting)
            }

            fn visit_seq<__A: __rt::serde::de::SeqAccess<'de>>(
                self,
                #sequence: __A,
            ) -> ::core::result::Result<Self::Value, __A::Error> {
                ::core::result::Result::Ok(#value)
            }
        }
    }
}

fn describe(item: &Struct) -> TokenStream {
    let (name, closed) = (&item.qualified, item.growth.is_closed());
    let fields = descriptor::fields(&item.fields);
    let description = quote! {
        __rt::TypeDesc::Struct { name: #name, closed: #closed, fields: #fields }
    };
    descriptor::describe_impl(&item.name, &description)
}
