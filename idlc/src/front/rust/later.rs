//! Methods whose handlers answer later: `async fn`, and those that are given a `Responder`.

use quote::quote;

use super::ty::{self, is_named, last_segment};
use super::{report, span_of};
use crate::diagnostic::{Diagnostic, Diagnostics, codes};
use crate::ir::{At, Handler};

/// How the handler of a method answers, by the look of the method.
pub(super) fn handler(item: &syn::TraitItemFn) -> Handler {
    let mut inputs = item.sig.inputs.iter();
    let responder = inputs.find_map(|input| match input {
        syn::FnArg::Typed(input) if is_responder(&input.ty) => Some(span_of(&input.ty)),
        _ => None,
    });
    match (responder, &item.sig.asyncness) {
        (Some(span), _) => Handler::Deferred(At::new((), span)),
        (None, Some(word)) => Handler::Async(At::new((), span_of(word))),
        (None, None) => Handler::Returns,
    }
}

/// Is it `Responder<T, E>`?
pub(super) fn is_responder(ty: &syn::Type) -> bool {
    is_named(ty, "Responder")
}

/// Is it a buffer that belongs to its handler?
fn is_owned_buffer(ty: &syn::Type) -> bool {
    is_named(ty, "OutBuf") || is_named(ty, "InOutBuf")
}

/// What the method answers with, as if it returned that.
pub(super) fn answer(
    item: &syn::TraitItemFn,
    handler: Handler,
    found: &mut Diagnostics,
) -> syn::ReturnType {
    let typed = || {
        item.sig.inputs.iter().filter_map(|input| match input {
            syn::FnArg::Typed(input) => Some(input),
            syn::FnArg::Receiver(_) => None,
        })
    };
    let Handler::Deferred(_) = handler else {
        for input in typed().filter(|input| is_owned_buffer(&input.ty)) {
            let message = "a handler that answers by what it returns borrows the caller's buffers";
            let error = Diagnostic::error(codes::BAD_OUT, message, span_of(&input.ty));
            found.push(error.help("write `&mut OutBuf<'_>` or `&mut InOutBuf<'_>`"));
        }
        return item.sig.output.clone();
    };
    if let Some(word) = &item.sig.asyncness {
        let message = "a `Responder` answers later, whatever the handler does: leave out `async`";
        report(found, codes::UNEXPECTED, word, message);
    }
    if let syn::ReturnType::Type(_, ty) = &item.sig.output {
        let message = "a handler with a `Responder` returns nothing: the responder answers";
        report(found, codes::UNEXPECTED, ty, message);
    }
    for input in typed() {
        if let syn::Type::Reference(reference) = &*input.ty
            && is_owned_buffer(&reference.elem)
        {
            let message = "a handler that answers later owns the caller's buffers";
            let error = Diagnostic::error(codes::BAD_OUT, message, span_of(reference));
            let help = "write `OutBuf<'static>` or `InOutBuf<'static>`, and hand it back behind the results";
            found.push(error.help(help));
        }
    }
    let buffers = typed().filter(|input| is_owned_buffer(&input.ty)).count();
    let Some(responder) = typed().last().filter(|input| is_responder(&input.ty)) else {
        let message = "the `Responder` comes last";
        report(found, codes::UNEXPECTED, &item.sig.ident, message);
        return syn::ReturnType::Default;
    };
    returned(&responder.ty, buffers, found)
}

/// The type that `Responder<T, E>` stands for, without the buffers that come back with the results.
fn returned(responder: &syn::Type, buffers: usize, found: &mut Diagnostics) -> syn::ReturnType {
    let arguments = last_segment(responder).map(ty::arguments).unwrap_or_default();
    let (all, raised) = match arguments.as_slice() {
        [results] => (*results, None),
        [results, raised] => (*results, Some(*raised)),
        _ => {
            let message = "write `Responder<T>` or `Responder<T, E>`";
            report(found, codes::UNEXPECTED, responder, message);
            return syn::ReturnType::Default;
        }
    };
    let mut parts: Vec<syn::Type> = match all {
        syn::Type::Tuple(tuple) if buffers > 0 => tuple.elems.iter().cloned().collect(),
        one => vec![one.clone()],
    };
    let handed_back = parts.iter().rev().take_while(|part| is_owned_buffer(part)).count();
    if handed_back != buffers {
        let message = format!("buffers taken: {buffers}; handed back: {handed_back}");
        let error = Diagnostic::error(codes::BAD_OUT, message, span_of(all));
        found.push(error.help("the caller's buffers stand behind the results, in order"));
        return syn::ReturnType::Default;
    }
    parts.truncate(parts.len() - buffers);
    let results = match (parts.as_slice(), buffers) {
        ([one], _) => quote!(#one),
        (several, _) => quote!((#(#several),*)),
    };
    match raised.filter(|raised| !is_named(raised, "Infallible")) {
        Some(raised) => syn::parse_quote!(-> ::core::result::Result<#results, #raised>),
        None if is_named(all, "Result") => {
            let message = "write `Responder<T, E>`: the error has a place of its own";
            report(found, codes::BAD_RAISES, all, message);
            syn::ReturnType::Default
        }
        None => syn::parse_quote!(-> #results),
    }
}

/// Writes an `async fn` as whoever implements it need not: its future goes from thread to thread, and
/// an object whose type nobody knows has none that could be named.
pub(super) fn rewrite(item: &mut syn::TraitItemFn, handler: Handler) {
    let Handler::Async(_) = handler else { return };
    item.sig.asyncness = None;
    let output = match &item.sig.output {
        syn::ReturnType::Default => quote!(()),
        syn::ReturnType::Type(_, ty) => quote!(#ty),
    };
    item.sig.output = syn::parse_quote! {
        -> impl ::core::future::Future<Output = #output> + ::core::marker::Send
    };
    item.sig
        .generics
        .make_where_clause()
        .predicates
        .push(syn::parse_quote!(Self: ::core::marker::Sized));
    if let Some(body) = &mut item.default {
        *body = syn::parse_quote!({ async move #body });
    }
}
