//! What Rust is told of a thing besides what it is: that it should no longer be used, that its
//! documentation is nobody's concern.

use proc_macro2::TokenStream;
use quote::quote;

use crate::ir::{Availability, Look};

/// `#[deprecated]` and `#[doc(hidden)]`, where they were said.
pub(super) fn marks(availability: &Availability, look: &Look) -> TokenStream {
    let deprecated = deprecated(availability);
    let hidden = look.hidden.map(|_| quote!(#[doc(hidden)]));
    quote!(#deprecated #hidden)
}

/// `#[deprecated]`, where it was said.
pub(super) fn deprecated(availability: &Availability) -> TokenStream {
    let Some(deprecation) = &availability.deprecated else { return TokenStream::new() };
    let since =
        deprecation.since.map(|since| since.value.to_string()).map(|since| quote!(since = #since,));
    let note = deprecation.note.as_ref().map(|note| quote!(note = #note,));
    match (&since, &note) {
        (None, None) => quote!(#[deprecated]),
        _ => quote!(#[deprecated(#since #note)]),
    }
}
