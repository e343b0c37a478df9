//! Documentation out of `#[doc]` attributes.

use crate::ir::Docs;

/// The lines of all `#[doc = ".."]`, without the one blank that `///` leaves in front.
pub(super) fn docs(attributes: &[syn::Attribute]) -> Docs {
    attributes.iter().filter_map(text).flat_map(|text| lines(&text)).collect()
}

fn text(attribute: &syn::Attribute) -> Option<String> {
    let syn::Meta::NameValue(pair) = &attribute.meta else { return None };
    if !pair.path.is_ident("doc") {
        return None;
    }
    match &pair.value {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
        // `#[doc = include_str!(..)]` stays on the trait; we cannot read files.
        _ => None,
    }
}

fn lines(text: &str) -> Vec<String> {
    let line = |line: &str| line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned();
    if text.is_empty() { vec![String::new()] } else { text.lines().map(line).collect() }
}
