//! Interfaces written as Rust: annotated traits, and the types that they use.
//!
//! `#[alpc_interface]` and `#[derive(Alpc)]` are [`expand_interface`] and [`expand_derive`]. They
//! live here and not in the macro crate because a macro crate can export nothing else, and so its
//! insides cannot be tested as ordinary code.
//!
//! The trait stays as it was written, but for the attributes that mean something here alone. It is
//! the server's trait; what is added is the client, the server and the description.

mod attribute;
mod availability;
mod bases;
mod docs;
mod expr;
mod inside;
mod interface;
mod item;
mod later;
mod params;
mod references;
mod results;
mod streams;
mod ty;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use crate::check::check;
use crate::codegen;
use crate::diagnostic::{Diagnostic, Diagnostics, codes};
use crate::ir::{Item, Module};
use crate::resolve::resolve;
use crate::source::Span;

pub use interface::{LoweredTrait, lower_trait};
pub use item::{LoweredType, lower_type};

/// `#[alpc_interface(arguments)] trait`.
///
/// Whatever is wrong, the trait itself is part of the result: without it every implementation in
/// the user's program would be one more error.
pub fn expand_interface(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let item: syn::ItemTrait = match syn::parse2(item.clone()) {
        Ok(item) => item,
        Err(error) => {
            let error = error.to_compile_error();
            return quote!(#item #error);
        }
    };
    let mut found = Diagnostics::new();
    let lowered = lower_trait(arguments, item, &mut found);
    let kept = lowered.kept.to_token_stream();
    match finish(Item::Interface(lowered.interface), found) {
        Ok(Item::Interface(interface)) => {
            let companions = codegen::interface_companions(&interface, &lowered.runtime);
            quote!(#kept #companions)
        }
        Ok(_) => kept,
        Err(errors) => quote!(#kept #errors),
    }
}

/// `#[derive(Alpc)]` on a struct or enum.
pub fn expand_derive(item: TokenStream) -> TokenStream {
    let item: syn::Item = match syn::parse2(item) {
        Ok(item) => item,
        Err(error) => return error.to_compile_error(),
    };
    let mut found = Diagnostics::new();
    let Some(lowered) = lower_type(&item, &mut found) else {
        return into_tokens(found);
    };
    match finish(lowered.item, found) {
        Ok(Item::Struct(item)) => codegen::struct_impls(&item, &lowered.runtime),
        Ok(Item::Enum(item)) => codegen::enum_impls(&item, &lowered.runtime),
        Ok(Item::Flags(item)) => codegen::flags_impls(&item, &lowered.runtime),
        Ok(Item::Union(item)) => codegen::union_impls(&item, &lowered.runtime),
        Ok(_) => TokenStream::new(),
        Err(errors) => errors,
    }
}

/// The type and value of a constant, if both can be said in `.idl`.
#[cfg(feature = "grammar")]
pub(crate) fn constant(item: &syn::ItemConst) -> Option<(crate::ir::Type, crate::ir::Expr)> {
    let mut found = Diagnostics::new();
    let ty = match &*item.ty {
        syn::Type::Reference(to) if ty::is_named(&to.elem, "str") => {
            let text = crate::ir::TypeKind::String(crate::ir::Bounds::none());
            crate::ir::Type::new(text, span_of(&item.ty))
        }
        other => ty::owned(other, &mut found)?,
    };
    let value = expr::expr(&item.expr);
    let is_ours = !matches!(value.kind, crate::ir::ExprKind::Rust(_));
    (is_ours && !found.has_errors()).then_some((ty, value))
}

/// The steps behind every front end, for a single item.
fn finish(item: Item, mut found: Diagnostics) -> Result<Item, TokenStream> {
    let mut module = Module { items: vec![item], ..Module::default() };
    resolve(&mut module, &mut found);
    found.append(check(&module));
    match module.items.pop() {
        Some(item) if !found.has_errors() => Ok(item),
        _ => Err(into_tokens(found)),
    }
}

fn into_tokens(found: Diagnostics) -> TokenStream {
    found.into_syn_error().map(|error| error.to_compile_error()).unwrap_or_default()
}

/// Adds an error at the place of `tokens`.
fn report(
    found: &mut Diagnostics,
    code: &'static str,
    tokens: &impl ToTokens,
    message: impl Into<String>,
) {
    found.push(Diagnostic::error(code, message, span_of(tokens)));
}

/// Adds what syn found.
fn report_syntax(found: &mut Diagnostics, error: &syn::Error) {
    for one in error.clone() {
        let span = Span::Tokens(one.span());
        found.push(Diagnostic::error(codes::UNEXPECTED, one.to_string(), span));
    }
}

/// From the first token to the last.
fn span_of(tokens: &impl ToTokens) -> Span {
    let mut spans = tokens.to_token_stream().into_iter().map(|token| token.span());
    let Some(first) = spans.next() else { return Span::call_site() };
    let last = spans.last().unwrap_or(first);
    Span::Tokens(first).to(Span::Tokens(last))
}

#[cfg(test)]
mod tests;
