//! `Debug` that keeps what is sensitive to itself. Logs are read by people who may not know it.

use proc_macro2::TokenStream;
use quote::quote;

use super::union::{binding, pattern};
use crate::ir::{At, Enum, Field, Flags, Growth, Payload, Struct, Union};

/// What stands in the place of a value that is not told.
fn redacted() -> TokenStream {
    quote!(&::core::format_args!("<redacted>"))
}

/// Whether a record has a `Debug` of its own.
pub(super) fn of_record(item: &Struct) -> bool {
    item.sensitive.is_some() || item.fields.iter().any(is_told_to_nobody)
}

/// Whether a union has a `Debug` of its own.
pub(super) fn of_union(item: &Union) -> bool {
    let mut fields = item.variants.iter().flat_map(|variant| variant.payload.fields());
    item.sensitive.is_some() || fields.any(is_told_to_nobody)
}

fn is_told_to_nobody(field: &Field) -> bool {
    field.sensitive.is_some() && !field.is_removed()
}

/// `Debug` of a record, if it has one of its own.
pub(super) fn record(item: &Struct) -> TokenStream {
    if !of_record(item) {
        return TokenStream::new();
    }
    let (name, text) = (item.name.ident(), item.name.rust_text());
    if item.sensitive.is_some() {
        return whole(&quote!(#name), text);
    }
    let fields = super::record::live(&item.fields).map(|field| {
        let (name, text) = (field.name.ident(), field.name.rust_text());
        let value = if field.sensitive.is_some() { redacted() } else { quote!(&self.#name) };
        quote!(.field(#text, #value))
    });
    debug_impl(&quote!(#name), &quote!(__f.debug_struct(#text)#(#fields)*.finish()))
}

/// `Debug` of an enum, if it has one of its own.
pub(super) fn enumeration(item: &Enum) -> TokenStream {
    let name = item.name.ident();
    match item.sensitive {
        Some(_) => whole(&quote!(#name), item.name.rust_text()),
        None => TokenStream::new(),
    }
}

/// `Debug` of a union, if it has one of its own.
pub(super) fn union(item: &Union) -> TokenStream {
    if !of_union(item) {
        return TokenStream::new();
    }
    let (name, text) = (item.name.ident(), item.name.rust_text());
    if item.sensitive.is_some() {
        return whole(&quote!(#name), text);
    }
    let arms = item.variants.iter().map(|variant| {
        let fields = variant.payload.fields();
        let is_told = |index: usize| {
            fields.get(index).is_some_and(|field| field.sensitive.is_none() && !field.is_removed())
        };
        let pattern = pattern(item, variant, is_told);
        let text = variant.name.rust_text();
        let values = fields.iter().enumerate().filter(|(_, field)| !field.is_removed());
        let values = values.map(|(index, field)| {
            let binding = binding(index);
            let value = if is_told(index) { quote!(#binding) } else { redacted() };
            (field.name.rust_text(), value)
        });
        let told = match variant.payload {
            Payload::Unit => quote!(__f.write_str(#text)),
            Payload::Positional(_) => {
                let fields = values.map(|(_, value)| quote!(.field(#value)));
                quote!(__f.debug_tuple(#text)#(#fields)*.finish())
            }
            Payload::Named(_) => {
                let fields = values.map(|(name, value)| quote!(.field(#name, #value)));
                quote!(__f.debug_struct(#text)#(#fields)*.finish())
            }
        };
        quote!(#pattern => #told,)
    });
    // Nobody knows what a later version finds sensitive.
    let unrecognized = match item.growth {
        Growth::Open => {
            let redacted = redacted();
            quote! {
                #name::Unrecognized { tag: __tag, .. } => __f
                    .debug_struct("Unrecognized")
                    .field("tag", __tag)
                    .field("payload", #redacted)
                    .finish(),
            }
        }
        Growth::Closed => TokenStream::new(),
    };
    debug_impl(&quote!(#name), &quote!(match self { #(#arms)* #unrecognized }))
}

/// `Debug` of sensitive flags.
pub(super) fn flags(item: &Flags) -> TokenStream {
    let name = item.name.ident();
    whole(&quote!(#name), &item.name.text)
}

fn whole(name: &TokenStream, text: &str) -> TokenStream {
    let text = format!("{text}(<redacted>)");
    debug_impl(name, &quote!(__f.write_str(#text)))
}

fn debug_impl(name: &TokenStream, body: &TokenStream) -> TokenStream {
    quote! {
        #[automatically_derived]
        impl ::core::fmt::Debug for #name {
            fn fmt(&self, __f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                #body
            }
        }
    }
}

/// `checks` of the bounds of something, which do not tell what they found if it is sensitive.
pub(super) fn checks(sensitive: Option<At<()>>, checks: TokenStream) -> TokenStream {
    if sensitive.is_none() || checks.is_empty() {
        return checks;
    }
    quote! {
        (|| -> ::core::result::Result<(), __rt::bound::BoundExceeded> {
            #checks
            ::core::result::Result::Ok(())
        })()
        .map_err(__rt::bound::BoundExceeded::redacted)?;
    }
}
