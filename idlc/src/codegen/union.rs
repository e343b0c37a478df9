//! Errors and other unions: alternatives that carry something.

mod error;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::bounds::{self, Place};
use super::derives::Derives;
use super::record::{
    check_after, check_before, deserialize_impl, in_a_row, live, next_element, read_fields,
    sequence_visitor, serialize_impl, tombstone,
};
use super::{Runtime, descriptor, docs, marks, quiet, sensitive, ty, value, wire};
use crate::ir::{ExprKind, Growth, Integer, Payload, Union, UnionUse, Variant};

/// The enum itself. An open one keeps what it does not know, so that it can be passed on.
pub(super) fn definition(item: &Union, derives: &Derives, runtime: &Runtime) -> TokenStream {
    let rt = runtime.path();
    let what = match item.used_as {
        UnionUse::Error => "error",
        UnionUse::Data => "union",
    };
    let docs = docs::attributes(&item.docs, || format!("The {what} `{}`.", item.name));
    let marks = marks::marks(&item.availability, &item.look);
    let implemented: &[_] = if sensitive::of_union(item) { &["Debug"] } else { &[] };
    let quiet = quiet();
    let derive = derives.attribute(&item.name, &item.look, implemented);
    let name = item.name.ident();
    let variants = item.variants.iter().map(|variant| {
        let docs = docs::attributes(&variant.docs, || format!("The case `{}`.", variant.name));
        let marks = marks::marks(&variant.availability, &variant.look);
        let name = variant.name.ident();
        let payload = payload_definition(&variant.payload, &rt);
        quote!(#docs #marks #name #payload,)
    });
    let (non_exhaustive, unrecognized) = match item.growth {
        Growth::Open => (
            quote!(#[non_exhaustive]),
            quote! {
                /// A case of a later version.
                Unrecognized {
                    /// Its number.
                    tag: u32,
                    /// What it carries, encoded.
                    payload: #rt::Vec<u8>,
                },
            },
        ),
        Growth::Closed => (TokenStream::new(), TokenStream::new()),
    };
    quote! {
        #docs
        #marks
        #quiet
        #derive
        #non_exhaustive
        pub enum #name { #(#variants)* #unrecognized }
    }
}

fn payload_definition(payload: &Payload, rt: &TokenStream) -> TokenStream {
    match payload {
        Payload::Unit => TokenStream::new(),
        Payload::Positional(fields) => {
            let types = fields.iter().map(|field| ty::owned(&field.ty, rt));
            quote!((#(#types),*))
        }
        Payload::Named(fields) => {
            let fields = live(fields).map(|field| {
                let docs = docs::attributes(&field.docs, || format!("The field `{}`.", field.name));
                let marks = marks::marks(&field.availability, &field.look);
                let (name, ty) = (field.name.ident(), ty::owned(&field.ty, rt));
                quote!(#docs #marks #name: #ty)
            });
            quote!({ #(#fields),* })
        }
    }
}

/// serde's traits, the description, the bounds, and what makes an error one.
pub(super) fn impls(item: &Union) -> TokenStream {
    let bounded = bounded(item);
    let is_bounded = bounded.is_some();
    let serialize = serialize(item, is_bounded);
    let deserialize = deserialize(item, is_bounded);
    let describe = describe(item);
    let error = match item.used_as {
        UnionUse::Error => error::impls(item),
        UnionUse::Data => TokenStream::new(),
    };
    let debug = sensitive::union(item);
    quote!(#bounded #serialize #deserialize #describe #error #debug)
}

/// What a field is called where a variant is taken apart. The name of the field would do, but for
/// fields that are called like one of our own variables or like a constant of the user.
pub(super) fn binding(index: usize) -> Ident {
    format_ident!("__{index}")
}

/// A pattern for `variant` that binds the fields at the indices that `wanted` picks.
pub(super) fn pattern(
    item: &Union,
    variant: &Variant,
    wanted: impl Fn(usize) -> bool,
) -> TokenStream {
    let (name, variant_name) = (item.name.ident(), variant.name.ident());
    match &variant.payload {
        Payload::Unit => quote!(#name::#variant_name),
        Payload::Positional(fields) => {
            let bindings = (0..fields.len()).map(|index| match wanted(index) {
                true => {
                    let binding = binding(index);
                    quote!(#binding)
                }
                false => quote!(_),
            });
            quote!(#name::#variant_name(#(#bindings),*))
        }
        Payload::Named(fields) => {
            let picked = fields.iter().enumerate();
            let picked = picked.filter(|(index, field)| wanted(*index) && !field.is_removed());
            let bindings = picked.map(|(index, field)| {
                let (field, binding) = (field.name.ident(), binding(index));
                quote!(#field: #binding)
            });
            quote!(#name::#variant_name { #(#bindings,)* .. })
        }
    }
}

/// A value of `variant` with `values` for its fields.
fn construct(item: &Union, variant: &Variant, values: Vec<TokenStream>) -> TokenStream {
    let (name, variant_name) = (item.name.ident(), variant.name.ident());
    match &variant.payload {
        Payload::Unit => quote!(#name::#variant_name),
        Payload::Positional(_) => quote!(#name::#variant_name(#(#values),*)),
        Payload::Named(fields) => {
            let names = live(fields).map(|field| field.name.ident());
            quote!(#name::#variant_name { #(#names: #values),* })
        }
    }
}

fn bounded(item: &Union) -> Option<TokenStream> {
    let mut arms = Vec::new();
    for variant in &item.variants {
        let checks: Vec<TokenStream> = variant
            .payload
            .fields()
            .iter()
            .enumerate()
            .map(|(index, field)| {
                if field.is_removed() {
                    return TokenStream::new();
                }
                let what = format!("{}.{}.{}", item.name, variant.name, field.name);
                let binding = binding(index);
                let check = bounds::check(&Place::Reference(quote!(#binding)), &field.ty, &what);
                sensitive::checks(field.sensitive.or(item.sensitive), check)
            })
            .collect();
        if checks.iter().all(TokenStream::is_empty) {
            continue;
        }
        let pattern = pattern(item, variant, |index| {
            checks.get(index).is_some_and(|check| !check.is_empty())
        });
        arms.push(quote!(#pattern => { #(#checks)* }));
    }
    if arms.is_empty() {
        return None;
    }
    let name = item.name.ident();
    let is_exhaustive = arms.len() == item.variants.len() && item.growth.is_closed();
    let others = (!is_exhaustive).then(|| quote!(_ => {}));
    Some(quote! {
        #[automatically_derived]
        impl __rt::bound::Bounded for #name {
            fn check_bounds(&self) -> ::core::result::Result<(), __rt::bound::BoundExceeded> {
                match self { #(#arms)* #others }
                ::core::result::Result::Ok(())
            }
        }
    })
}

fn tag(variant: &Variant) -> TokenStream {
    match variant.tag.as_ref().map(|tag| &tag.kind) {
        Some(ExprKind::Int(number)) => value::int(*number, crate::ir::IntKind::U32),
        _ => value::int(Integer::ZERO, crate::ir::IntKind::U32),
    }
}

fn serialize(item: &Union, is_bounded: bool) -> TokenStream {
    let name = item.name.ident();
    let check = is_bounded.then(check_before);
    let with_names = with_names(item);
    let body = match item.growth {
        // What serde's derive would write.
        Growth::Closed => quote!(#check #with_names),
        Growth::Open => {
            let arms = item.variants.iter().map(|variant| {
                let pattern = pattern(item, variant, |_| true);
                let tag = tag(variant);
                let fields = in_a_row(encoded_fields(variant));
                quote!(#pattern => __rt::record::serialize_union(__serializer, #tag, &#fields))
            });
            quote! {
                if __rt::serde::Serializer::is_human_readable(&__serializer) {
                    #with_names
                } else {
                    #check
                    match self {
                        #(#arms,)*
                        #name::Unrecognized { tag: __tag, payload: __payload } => {
                            __rt::record::serialize_unrecognized(__serializer, *__tag, __payload)
                        }
                    }
                }
            }
        }
    };
    serialize_impl(&quote!(#name), &body)
}

/// The bound fields of a variant, for serde.
fn encoded_fields(variant: &Variant) -> Vec<TokenStream> {
    let fields = variant.payload.fields().iter().enumerate();
    let encoded = fields.map(|(index, field)| match tombstone(field) {
        Some(value) => wire::encoded(&quote!(&#value), &field.ty),
        None => {
            let binding = binding(index);
            wire::encoded(&quote!(#binding), &field.ty)
        }
    });
    encoded.collect()
}

/// What serde's derive would write.
fn with_names(item: &Union) -> TokenStream {
    let name = item.name.ident();
    let arms = item.variants.iter().enumerate().map(|(at, variant)| {
        let pattern = pattern(item, variant, |_| true);
        let body = variant_with_names(item, at, variant);
        quote!(#pattern => #body)
    });
    let unrecognized = match item.growth {
        Growth::Open => {
            let (text, index) = (&item.name.text, ty::index(item.variants.len()));
            quote! {
                #name::Unrecognized { tag: __tag, payload: __payload } => {
                    let mut __fields = __rt::serde::Serializer::serialize_struct_variant(
                        __serializer, #text, #index, "Unrecognized", 2,
                    )?;
                    __rt::serde::ser::SerializeStructVariant::serialize_field(
                        &mut __fields, "tag", __tag,
                    )?;
                    __rt::serde::ser::SerializeStructVariant::serialize_field(
                        &mut __fields, "payload", __payload,
                    )?;
                    __rt::serde::ser::SerializeStructVariant::end(__fields)
                }
            }
        }
        Growth::Closed => TokenStream::new(),
    };
    quote!(match self { #(#arms,)* #unrecognized })
}

fn variant_with_names(item: &Union, at: usize, variant: &Variant) -> TokenStream {
    let (text, index, variant_text) = (&item.name.text, ty::index(at), &variant.name.text);
    let values = encoded_fields(variant);
    let values = variant.payload.fields().iter().zip(values);
    let values: Vec<TokenStream> =
        values.filter(|(field, _)| !field.is_removed()).map(|(_, value)| value).collect();
    let count = ty::plain(values.len());
    match &variant.payload {
        Payload::Unit => quote! {
            __rt::serde::Serializer::serialize_unit_variant(
                __serializer, #text, #index, #variant_text,
            )
        },
        Payload::Positional(fields) if fields.len() == 1 => quote! {
            __rt::serde::Serializer::serialize_newtype_variant(
                __serializer, #text, #index, #variant_text, #(#values)*
            )
        },
        Payload::Positional(_) => quote!({
            let mut __fields = __rt::serde::Serializer::serialize_tuple_variant(
                __serializer, #text, #index, #variant_text, #count,
            )?;
            #(__rt::serde::ser::SerializeTupleVariant::serialize_field(&mut __fields, #values)?;)*
            __rt::serde::ser::SerializeTupleVariant::end(__fields)
        }),
        Payload::Named(fields) => {
            let names = live(fields).map(|field| &field.name.text);
            let mutable = (!values.is_empty()).then(|| quote!(mut));
            quote!({
                let #mutable __fields = __rt::serde::Serializer::serialize_struct_variant(
                    __serializer, #text, #index, #variant_text, #count,
                )?;
                #(__rt::serde::ser::SerializeStructVariant::serialize_field(
                    &mut __fields, #names, #values,
                )?;)*
                __rt::serde::ser::SerializeStructVariant::end(__fields)
            })
        }
    }
}

fn deserialize(item: &Union, is_bounded: bool) -> TokenStream {
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

fn read_open(item: &Union) -> TokenStream {
    let (name, text) = (item.name.ident(), &item.name.text);
    let arms = item.variants.iter().map(|variant| {
        let tag = tag(variant);
        let values = read_fields(variant.payload.fields());
        let value = construct(item, variant, values);
        quote!(#tag => #value)
    });
    quote! {
        __rt::record::deserialize_union(__deserializer, #text, |__tag, __record| {
            ::core::result::Result::Ok(match __tag {
                #(#arms,)*
                _ => #name::Unrecognized {
                    tag: __tag,
                    payload: __rt::Vec::from(__record.rest()),
                },
            })
        })
    }
}

fn read_closed(item: &Union) -> TokenStream {
    let (name, text) = (item.name.ident(), &item.name.text);
    let payloads = item.variants.iter().enumerate().filter_map(|(at, variant)| {
        let count = variant.payload.fields().len();
        if matches!(variant.payload, Payload::Unit) {
            return None;
        }
        let elements = variant.payload.fields().iter().enumerate();
        let elements = elements.map(|(at, field)| next_element(at, field));
        let value = construct(item, variant, elements.collect());
        let expecting = format!("the payload of {text}::{}", variant.name);
        let visitor = payload_visitor(at);
        Some(sequence_visitor(&visitor, &quote!(#name), &expecting, count > 0, &value))
    });
    let arms = item.variants.iter().enumerate().map(|(at, variant)| {
        let index = ty::index(at);
        match &variant.payload {
            Payload::Unit => {
                let variant = variant.name.ident();
                quote! {
                    #index => {
                        __rt::serde::de::VariantAccess::unit_variant(__payload)?;
                        ::core::result::Result::Ok(#name::#variant)
                    }
                }
            }
            payload => {
                let (count, visitor) = (ty::plain(payload.fields().len()), payload_visitor(at));
                quote! {
                    #index => {
                        __rt::serde::de::VariantAccess::tuple_variant(__payload, #count, #visitor)
                    }
                }
            }
        }
    });
    let variants = item.variants.iter().map(|variant| &variant.name.text);
    let expecting = format!("enum {text}");
    let problem = format!("no case of `{text}` has this index");
    quote!({
        #(#payloads)*

        struct __Cases;

        impl<'de> __rt::serde::de::Visitor<'de> for __Cases {
            type Value = #name;

            fn expecting(&self, __f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                __f.write_str(#expecting)
            }

            fn visit_enum<__A: __rt::serde::de::EnumAccess<'de>>(
                self,
                __data: __A,
            ) -> ::core::result::Result<Self::Value, __A::Error> {
                let (__index, __payload) =
                    __rt::serde::de::EnumAccess::variant::<u32>(__data)?;
                match __index {
                    #(#arms)*
                    _ => ::core::result::Result::Err(
                        <__A::Error as __rt::serde::de::Error>::custom(#problem),
                    ),
                }
            }
        }

        __rt::serde::Deserializer::deserialize_enum(
            __deserializer,
            #text,
            &[#(#variants),*],
            __Cases,
        )
    })
}

fn payload_visitor(index: usize) -> TokenStream {
    let name = format_ident!("__Payload{index}");
    quote!(#name)
}

fn describe(item: &Union) -> TokenStream {
    let (name, closed) = (&item.qualified, item.growth.is_closed());
    let variants = item.variants.iter().map(|variant| {
        let (name, tag) = (&variant.name.text, tag(variant));
        let fields = descriptor::fields(variant.payload.fields());
        quote!(__rt::VariantDesc { name: #name, tag: #tag, fields: #fields })
    });
    let description = quote! {
        __rt::TypeDesc::Union { name: #name, closed: #closed, variants: &[#(#variants),*] }
    };
    descriptor::describe_impl(&item.name, &description)
}
