//! Flags: a number whose bits have names.

use proc_macro2::TokenStream;
use quote::quote;

use super::record::{deserialize_impl, serialize_impl};
use super::{derives, descriptor, docs, marks, quiet, sensitive, ty, value};
use crate::ir::{ExprKind, Flags, Integer, Member};
use crate::resolve::NO_FLAG;

/// What all flags derive; `Debug` is by names, and ours.
const DERIVED: [&str; 9] =
    ["Debug", "Clone", "Copy", "Default", "PartialEq", "Eq", "PartialOrd", "Ord", "Hash"];

/// The type itself. Its bits are private: `bits` and `from_bits` say what is meant.
pub(super) fn definition(item: &Flags) -> TokenStream {
    let docs = docs::attributes(&item.docs, || format!("The flags `{}`.", item.name));
    let marks = marks::marks(&item.availability, &item.look);
    let quiet = quiet();
    let more = derives::more(&item.look, &DERIVED);
    let name = item.name.ident();
    let base = ty::word(item.base.value.name());
    quote! {
        #docs
        #marks
        #quiet
        #[derive(
            ::core::clone::Clone,
            ::core::marker::Copy,
            ::core::default::Default,
            ::core::cmp::PartialEq,
            ::core::cmp::Eq,
            ::core::cmp::PartialOrd,
            ::core::cmp::Ord,
            ::core::hash::Hash
            #more
        )]
        pub struct #name(#base);
    }
}

/// The flags, what can be done with them, serde's traits and the description.
pub(super) fn impls(item: &Flags) -> TokenStream {
    let constants = constants(item);
    let methods = methods(item);
    let operators = operators(item);
    let conversions = conversions(item);
    let debug = debug(item);
    let serde = serde(item);
    let describe = describe(item);
    let name = item.name.ident();
    quote! {
        impl #name {
            #constants
            #methods
        }

        #operators
        #conversions
        #debug
        #serde
        #describe
    }
}

fn constants(item: &Flags) -> TokenStream {
    let none = (!item.members.iter().any(|member| member.name.text == NO_FLAG)).then(|| {
        quote! {
            /// No flag at all.
            pub const NONE: Self = Self(0);
        }
    });
    let members = numbered(item).map(|(member, number)| {
        let docs = docs::attributes(&member.docs, || format!("The flag `{}`.", member.name));
        let marks = marks::marks(&member.availability, &member.look);
        let name = member.name.ident();
        let number = value::int(number, item.base.value);
        quote!(#docs #marks pub const #name: Self = Self(#number);)
    });
    quote!(#none #(#members)*)
}

/// The members whose bits are known, which after `check` is all of them.
fn numbered(item: &Flags) -> impl Iterator<Item = (&Member, Integer)> {
    item.members.iter().filter_map(|member| match member.value.as_ref().map(|value| &value.kind) {
        Some(ExprKind::Int(number)) => Some((member, *number)),
        _ => None,
    })
}

fn methods(item: &Flags) -> TokenStream {
    let base = ty::word(item.base.value.name());
    let known = numbered(item).fold(0, |all, (_, number)| all | number.magnitude());
    let known = value::int(Integer::from(known), item.base.value);
    quote! {
        /// The flags of these bits, also of bits that have no name.
        #[must_use]
        pub const fn from_bits(bits: #base) -> Self {
            Self(bits)
        }

        /// The bits.
        #[must_use]
        pub const fn bits(self) -> #base {
            self.0
        }

        /// Whether no flag is set.
        #[must_use]
        pub const fn is_empty(self) -> bool {
            self.0 == 0
        }

        /// Whether all flags of `other` are set.
        #[must_use]
        pub const fn contains(self, other: Self) -> bool {
            self.0 & other.0 == other.0
        }

        /// Whether any flag of `other` is set.
        #[must_use]
        pub const fn intersects(self, other: Self) -> bool {
            self.0 & other.0 != 0
        }

        /// The flags that are set in either, as `|`, also in constants.
        #[must_use]
        pub const fn union(self, other: Self) -> Self {
            Self(self.0 | other.0)
        }

        /// Sets the flags of `other`.
        pub fn insert(&mut self, other: Self) {
            self.0 |= other.0;
        }

        /// Clears the flags of `other`.
        pub fn remove(&mut self, other: Self) {
            self.0 &= !other.0;
        }

        /// The bits that have no name in this version. They are kept, and sent on.
        #[must_use]
        pub const fn unknown(self) -> #base {
            self.0 & !#known
        }
    }
}

fn operators(item: &Flags) -> TokenStream {
    let name = item.name.ident();
    let binary = [
        ("BitOr", "bitor", quote!(|)),
        ("BitAnd", "bitand", quote!(&)),
        ("BitXor", "bitxor", quote!(^)),
    ];
    let binary = binary.into_iter().map(|(operator, method, sign)| {
        let assigning = quote::format_ident!("{operator}Assign");
        let assign = quote::format_ident!("{method}_assign");
        let (operator, method) = (ty::word(operator), ty::word(method));
        quote! {
            #[automatically_derived]
            impl ::core::ops::#operator for #name {
                type Output = Self;

                fn #method(self, other: Self) -> Self {
                    Self(self.0 #sign other.0)
                }
            }

            #[automatically_derived]
            impl ::core::ops::#assigning for #name {
                fn #assign(&mut self, other: Self) {
                    *self = *self #sign other;
                }
            }
        }
    });
    quote! {
        #(#binary)*

        /// All bits but those, with and without names: `flags & !mask` clears the mask and keeps
        /// what later versions have set.
        #[automatically_derived]
        impl ::core::ops::Not for #name {
            type Output = Self;

            fn not(self) -> Self {
                Self(!self.0)
            }
        }
    }
}

fn conversions(item: &Flags) -> TokenStream {
    let name = item.name.ident();
    let base = ty::word(item.base.value.name());
    quote! {
        #[automatically_derived]
        impl ::core::convert::From<#base> for #name {
            fn from(bits: #base) -> Self {
                Self(bits)
            }
        }

        #[automatically_derived]
        impl ::core::convert::From<#name> for #base {
            fn from(flags: #name) -> Self {
                flags.0
            }
        }
    }
}

/// By names, where bits have any.
fn debug(item: &Flags) -> TokenStream {
    if item.sensitive.is_some() {
        return sensitive::flags(item);
    }
    let (name, text) = (item.name.ident(), format!("{}({{}})", item.name));
    let names = names(item);
    quote! {
        #[automatically_derived]
        impl ::core::fmt::Debug for #name {
            fn fmt(&self, __f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::write!(__f, #text, #names)
            }
        }
    }
}

/// A value that displays the names of `self`.
fn names(item: &Flags) -> TokenStream {
    let bits = widened(item);
    let names = numbered(item).map(|(member, number)| {
        let (text, number) = (&member.name.text, value::digits(number));
        quote!((#text, #number))
    });
    quote!(__rt::flags::Names { bits: #bits, names: &[#(#names),*] })
}

/// The bits of `self` with the width that they have on the wire, so that the base can be changed.
fn widened(item: &Flags) -> TokenStream {
    match item.base.value.name() {
        "u64" => quote!(self.0),
        _ => quote!(u64::from(self.0)),
    }
}

fn serde(item: &Flags) -> TokenStream {
    let name = item.name.ident();
    let name = quote!(#name);
    let (bits, names) = (widened(item), names(item));
    let serialize = serialize_impl(
        &name,
        &quote! {
            if __rt::serde::Serializer::is_human_readable(&__serializer) {
                __rt::serde::Serializer::collect_str(__serializer, &#names)
            } else {
                __rt::serde::Serializer::serialize_u64(__serializer, #bits)
            }
        },
    );
    let base = ty::word(item.base.value.name());
    let narrow = (item.base.value.name() != "u64").then(|| {
        let problem = format!("bits of `{}` do not fit `{}`", item.name, item.base.value.name());
        quote! {
            let __bits = <#base as ::core::convert::TryFrom<u64>>::try_from(__bits)
                .map_err(|_| <__D::Error as __rt::serde::de::Error>::custom(#problem))?;
        }
    });
    let deserialize = deserialize_impl(
        &name,
        &quote! {
            let __bits = <u64 as __rt::serde::Deserialize>::deserialize(__deserializer)?;
            #narrow
            ::core::result::Result::Ok(#name(__bits))
        },
    );
    quote!(#serialize #deserialize)
}

fn describe(item: &Flags) -> TokenStream {
    let name = &item.qualified;
    let members = item.members.iter().map(|member| {
        let (name, value) = (&member.name.text, descriptor::number(&member.value));
        quote!(__rt::MemberDesc { name: #name, value: #value })
    });
    let description = quote! {
        __rt::TypeDesc::Flags { name: #name, members: &[#(#members),*] }
    };
    descriptor::describe_impl(&item.name, &description)
}
