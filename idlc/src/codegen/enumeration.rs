//! Enums: numbers with names.

use proc_macro2::TokenStream;
use quote::quote;

use super::record::{deserialize_impl, serialize_impl};
use super::{derives, descriptor, docs, marks, quiet, sensitive, ty, value};
use crate::ir::{Enum, ExprKind, Growth, IntKind, Integer, Member};

/// What every enum derives.
const DERIVED: [&str; 8] =
    ["Debug", "Clone", "Copy", "PartialEq", "Eq", "PartialOrd", "Ord", "Hash"];

/// The enum itself. An open one has a place for numbers of later versions.
pub(super) fn definition(item: &Enum) -> TokenStream {
    let docs = docs::attributes(&item.docs, || format!("The enumeration `{}`.", item.name));
    let marks = marks::marks(&item.availability, &item.look);
    let quiet = quiet();
    let name = item.name.ident();
    let debug = item.sensitive.is_none().then(|| quote!(::core::fmt::Debug,));
    let more = derives::more(&item.look, &DERIVED);
    let members = item.members.iter().map(|member| {
        let docs = docs::attributes(&member.docs, || format!("The value `{}`.", member.name));
        let marks = marks::marks(&member.availability, &member.look);
        let name = member.name.ident();
        quote!(#docs #marks #name,)
    });
    let base = ty::word(item.base.value.name());
    let (non_exhaustive, unrecognized) = match item.growth {
        Growth::Open => (
            quote!(#[non_exhaustive]),
            quote! {
                /// A value of a later version.
                Unrecognized(#base),
            },
        ),
        Growth::Closed => (TokenStream::new(), TokenStream::new()),
    };
    quote! {
        #docs
        #marks
        #quiet
        #[derive(
            #debug
            ::core::clone::Clone,
            ::core::marker::Copy,
            ::core::cmp::PartialEq,
            ::core::cmp::Eq,
            ::core::cmp::PartialOrd,
            ::core::cmp::Ord,
            ::core::hash::Hash
            #more
        )]
        #non_exhaustive
        pub enum #name { #(#members)* #unrecognized }
    }
}

/// `From` in both directions, for an enum that we define.
pub(super) fn conversions(item: &Enum) -> TokenStream {
    let quiet = quiet();
    let name = item.name.ident();
    let base = ty::word(item.base.value.name());
    let to_number = to_number(item);
    let from_number = match item.growth {
        Growth::Closed => TokenStream::new(),
        Growth::Open => {
            let arms = numbered(item).map(|(member, number)| {
                let member = member.name.ident();
                let number = value::int(number, item.base.value);
                quote!(#number => Self::#member)
            });
            quote! {
                #quiet
                #[automatically_derived]
                impl ::core::convert::From<#base> for #name {
                    fn from(__number: #base) -> Self {
                        match __number {
                            #(#arms,)*
                            _ => Self::Unrecognized(__number),
                        }
                    }
                }
            }
        }
    };
    quote! {
        #quiet
        #[automatically_derived]
        impl ::core::convert::From<#name> for #base {
            fn from(__value: #name) -> Self {
                match __value { #to_number }
            }
        }

        #from_number
    }
}

/// The members whose numbers are known, which after `resolve` is all of them.
fn numbered(item: &Enum) -> impl Iterator<Item = (&Member, Integer)> {
    item.members.iter().filter_map(|member| match member.value.as_ref().map(|value| &value.kind) {
        Some(ExprKind::Int(number)) => Some((member, *number)),
        _ => None,
    })
}

/// The arms of a `match` from a value to its number.
fn to_number(item: &Enum) -> TokenStream {
    let name = item.name.ident();
    let arms = numbered(item).map(|(member, number)| {
        let member = member.name.ident();
        let number = value::int(number, item.base.value);
        quote!(#name::#member => #number)
    });
    let unrecognized = match item.growth {
        Growth::Open => quote!(#name::Unrecognized(__number) => __number,),
        Growth::Closed => TokenStream::new(),
    };
    quote!(#(#arms,)* #unrecognized)
}

/// serde's traits and the description.
pub(super) fn impls(item: &Enum) -> TokenStream {
    let (serialize, deserialize) = match item.growth {
        Growth::Open => (serialize_open(item), deserialize_open(item)),
        Growth::Closed => (with_names(item), deserialize_closed(item)),
    };
    let name = item.name.ident();
    let name = quote!(#name);
    let serialize = serialize_impl(&name, &serialize);
    let deserialize = deserialize_impl(&name, &deserialize);
    let describe = describe(item);
    let debug = sensitive::enumeration(item);
    quote!(#serialize #deserialize #describe #debug)
}

/// The numbers on the wire have one width, so that the base type of an open enum can be changed.
fn wide(base: IntKind) -> IntKind {
    if base.is_signed() { IntKind::I64 } else { IntKind::U64 }
}

fn serialize_open(item: &Enum) -> TokenStream {
    let with_names = with_names(item);
    let to_number = to_number(item);
    let base = item.base.value;
    let (base_name, wide) = (ty::word(base.name()), wide(base));
    let write = quote::format_ident!("serialize_{}", wide.name());
    let number = match base == wide {
        true => quote!(__number),
        false => {
            let wide = ty::word(wide.name());
            quote!(#wide::from(__number))
        }
    };
    quote! {
        if __rt::serde::Serializer::is_human_readable(&__serializer) {
            #with_names
        } else {
            let __number: #base_name = match *self { #to_number };
            __rt::serde::Serializer::#write(__serializer, #number)
        }
    }
}

/// What serde's derive would write: the index, or the name in formats for people.
fn with_names(item: &Enum) -> TokenStream {
    let (name, text) = (item.name.ident(), &item.name.text);
    let arms = item.members.iter().enumerate().map(|(index, member)| {
        let (index, member, text) = (ty::index(index), member.name.ident(), &member.name.text);
        let enum_text = &item.name.text;
        quote! {
            #name::#member => __rt::serde::Serializer::serialize_unit_variant(
                __serializer, #enum_text, #index, #text,
            )
        }
    });
    let unrecognized = match item.growth {
        Growth::Open => {
            let index = ty::index(item.members.len());
            quote! {
                #name::Unrecognized(__number) => {
                    __rt::serde::Serializer::serialize_newtype_variant(
                        __serializer, #text, #index, "Unrecognized", &__number,
                    )
                }
            }
        }
        Growth::Closed => TokenStream::new(),
    };
    quote!(match *self { #(#arms,)* #unrecognized })
}

fn deserialize_open(item: &Enum) -> TokenStream {
    let name = item.name.ident();
    let base = item.base.value;
    let wide = wide(base);
    let (base_name, wide_name) = (ty::word(base.name()), ty::word(wide.name()));
    let narrow = (base != wide).then(|| {
        let problem = format!("a value of `{}` does not fit `{}`", item.name, base.name());
        quote! {
            let __number = <#base_name as ::core::convert::TryFrom<#wide_name>>::try_from(__number).map_err(|_| {
                <__D::Error as __rt::serde::de::Error>::custom(#problem)
            })?;
        }
    });
    let arms = numbered(item).map(|(member, number)| {
        let member = member.name.ident();
        let number = value::int(number, base);
        quote!(#number => #name::#member)
    });
    quote! {
        let __number = <#wide_name as __rt::serde::Deserialize>::deserialize(__deserializer)?;
        #narrow
        ::core::result::Result::Ok(match __number {
            #(#arms,)*
            _ => #name::Unrecognized(__number),
        })
    }
}

fn deserialize_closed(item: &Enum) -> TokenStream {
    let name = item.name.ident();
    let arms = item.members.iter().enumerate().map(|(at, member)| {
        let (index, member) = (ty::index(at), member.name.ident());
        quote!(#index => ::core::result::Result::Ok(#name::#member))
    });
    let problem = format!("no value of `{}` has this index", item.name);
    quote! {
        match <u32 as __rt::serde::Deserialize>::deserialize(__deserializer)? {
            #(#arms,)*
            _ => ::core::result::Result::Err(
                <__D::Error as __rt::serde::de::Error>::custom(#problem),
            ),
        }
    }
}

fn describe(item: &Enum) -> TokenStream {
    let (name, closed) = (&item.qualified, item.growth.is_closed());
    let signed = item.base.value.is_signed();
    let members = item.members.iter().map(|member| {
        let (name, value) = (&member.name.text, descriptor::number(&member.value));
        quote!(__rt::MemberDesc { name: #name, value: #value })
    });
    let description = quote! {
        __rt::TypeDesc::Enum {
            name: #name,
            closed: #closed,
            signed: #signed,
            members: &[#(#members),*],
        }
    };
    descriptor::describe_impl(&item.name, &description)
}
