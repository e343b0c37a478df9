//! Handles, objects and events, as traits say them.
//!
//! A macro knows a type by its name alone, so the names of what is made for an interface are its
//! signs: `FooClient`, `FooRef` and `Arc<dyn Foo>` are objects of the interface `Foo`. A type of
//! the user's that happens to be called so is marked `#[data]`.

use quote::ToTokens;
use syn::Token;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;

use super::attribute::Argument;
use super::availability::{availability, look};
use super::docs::docs;
use super::ty::{arguments, last_segment};
use super::{interface as member, params, report, report_syntax, span_of};
use crate::diagnostic::{Diagnostic, Diagnostics, codes};
use crate::front::handle;
use crate::ir::{
    At, Event, HandleKind, Name, Named, Object, Owner, Passing, Rights, RustCode, Type, TypeKind,
};
use crate::source::Span;

/// `OwnedFd` without more said: any handle.
pub(super) fn any_handle() -> TypeKind {
    TypeKind::Handle(HandleKind::Any, Rights::NONE)
}

/// The object that a reference means: `FooRef`.
pub(super) fn reference(path: &syn::TypePath) -> Option<Object> {
    Some(Object { rust: interface(path, "Ref")?, owner: Owner::Either })
}

/// The path of the interface that something called so is made for.
fn interface(path: &syn::TypePath, suffix: &str) -> Option<RustCode> {
    let last = path.path.segments.last()?;
    let name = last.ident.to_string();
    let interface = name.strip_suffix(suffix).filter(|interface| !interface.is_empty())?;
    if path.qself.is_some() || !last.arguments.is_empty() {
        return None;
    }
    let mut path = path.path.clone();
    if let Some(last) = path.segments.last_mut() {
        last.ident = syn::Ident::new(interface, last.ident.span());
    }
    Some(RustCode(path.to_token_stream()))
}

/// The interface in `Arc<dyn Foo>`.
fn shared(ty: &syn::Type) -> Option<RustCode> {
    let last = last_segment(ty).filter(|last| last.ident == "Arc")?;
    let [syn::Type::TraitObject(object)] = arguments(last).as_slice() else { return None };
    let mut traits = object.bounds.iter().filter_map(|bound| match bound {
        syn::TypeParamBound::Trait(bound) => Some(bound.path.to_token_stream()),
        _ => None,
    });
    Some(RustCode(traits.next()?))
}

/// An object that is a whole parameter, or whole but for that it may be missing: the handler gets
/// what calls it, `FooClient`.
pub(super) fn taken(ty: &syn::Type, found: &mut Diagnostics) -> Option<Type> {
    if let Some(rust) = shared(ty) {
        let name = rust.to_string().replace(' ', "");
        let message = "a handler gets what calls the object, which is in another process";
        let error = Diagnostic::error(codes::MISPLACED_REFERENCE, message, span_of(ty));
        let help = format!("write `{name}Client`, or `{name}Ref` if it may be one of your own");
        found.push(error.help(help));
        return None;
    }
    whole(ty, found, |ty, _| match ty {
        syn::Type::Path(path) => interface(path, "Client"),
        _ => None,
    })
}

/// An object that is a whole result, or whole but for that it may be missing: the handler gives it,
/// `Arc<dyn Foo>`.
pub(super) fn given(ty: &syn::Type, found: &mut Diagnostics) -> Option<Type> {
    whole(ty, found, |ty, _| shared(ty))
}

fn whole(
    ty: &syn::Type,
    found: &mut Diagnostics,
    interface: impl Fn(&syn::Type, &mut Diagnostics) -> Option<RustCode>,
) -> Option<Type> {
    let here = span_of(ty);
    if let Some(rust) = interface(ty, found) {
        return Some(Type::new(TypeKind::Object(Object { rust, owner: Owner::Sender }), here));
    }
    let optional = last_segment(ty).filter(|last| last.ident == "Option").map(arguments);
    if let Some([item]) = optional.as_deref()
        && let Some(rust) = interface(item, found)
    {
        let object = TypeKind::Object(Object { rust, owner: Owner::Sender });
        let object = Type::new(object, span_of(item));
        return Some(Type::new(TypeKind::Optional(Box::new(object)), here));
    }
    super::ty::owned(ty, found)
}

/// Says that `Arc<dyn Foo>` is for whole results; `None` if `ty` is something else.
pub(super) fn refuse_shared(ty: &syn::Type, found: &mut Diagnostics) -> Option<()> {
    let name = shared(ty)?.to_string().replace(' ', "");
    let message = "inside of other types an object is a reference, which either side can have";
    let error = Diagnostic::error(codes::MISPLACED_REFERENCE, message, span_of(ty));
    found.push(error.help(format!("write `{name}Ref`")));
    Some(())
}

/// Takes an object back: the user says that it is data that is called like one.
pub(super) fn as_data(ty: &mut Type) {
    match &mut ty.kind {
        TypeKind::Object(object) => {
            let behind = match object.owner {
                Owner::Either => "Ref",
                Owner::Sender => "Client",
            };
            let rust = RustCode(object.named(behind));
            ty.kind = TypeKind::Named(Named { rust, passing: Passing::Reference });
        }
        TypeKind::Optional(item)
        | TypeKind::List(item, _)
        | TypeKind::Array(item, _)
        | TypeKind::Stream(item) => as_data(item),
        TypeKind::Map(key, value, _) | TypeKind::Result(key, value) => {
            as_data(key);
            as_data(value);
        }
        TypeKind::Tuple(items) => items.iter_mut().for_each(as_data),
        _ => {}
    }
}

/// `file, read | write`
pub(super) struct HandleWords {
    kind: At<String>,
    rights: Vec<At<String>>,
}

impl Parse for HandleWords {
    fn parse(input: ParseStream<'_>) -> syn::Result<HandleWords> {
        let kind = word(&input.call(syn::Ident::parse_any)?);
        let mut rights = Vec::new();
        if input.parse::<Option<Token![,]>>()?.is_some() && !input.is_empty() {
            let all = Punctuated::<syn::Ident, Token![|]>::parse_separated_nonempty_with(
                input,
                syn::Ident::parse_any,
            )?;
            rights = all.iter().map(word).collect();
        }
        input.parse::<Option<Token![,]>>()?;
        Ok(HandleWords { kind, rights })
    }
}

fn word(ident: &syn::Ident) -> At<String> {
    At::new(ident.unraw().to_string(), Span::Tokens(ident.span()))
}

impl HandleWords {
    /// Sets kind and rights of the handles in `ty`; reports if there are none.
    pub(super) fn apply(&self, ty: &mut Type, found: &mut Diagnostics) {
        let Some((kind, rights)) = handle::handle(Some(&self.kind), &self.rights, found) else {
            return;
        };
        if !set(ty, kind, rights) {
            let message = "there is no handle in this type";
            let error = Diagnostic::error(codes::MISPLACED_ATTRIBUTE, message, self.kind.span);
            found.push(error.help("a handle is an `OwnedFd`"));
        }
    }
}

/// Reads `handle(file, read)` of a field.
pub(super) fn handle_field(argument: &Argument, ty: &mut Type, found: &mut Diagnostics) {
    let words = match &argument.group {
        Some(words) => syn::parse2::<HandleWords>(words.clone()),
        None => Err(syn::Error::new(argument.key.span(), "write `handle(kind, rights)`")),
    };
    match words {
        Ok(words) => words.apply(ty, found),
        Err(error) => report_syntax(found, &error),
    }
}

/// Sets kind and rights of all handles in `ty`; says whether there were any.
fn set(ty: &mut Type, kind: HandleKind, rights: Rights) -> bool {
    match &mut ty.kind {
        TypeKind::Handle(its_kind, its_rights) => {
            (*its_kind, *its_rights) = (kind, rights);
            true
        }
        TypeKind::Optional(item)
        | TypeKind::List(item, _)
        | TypeKind::Array(item, _)
        | TypeKind::Stream(item) => set(item, kind, rights),
        TypeKind::Map(_, value, _) => set(value, kind, rights),
        _ => false,
    }
}

/// Is it an event, and no method?
pub(super) fn is_event(item: &syn::TraitItemFn) -> bool {
    item.attrs.iter().any(|attribute| attribute.path().is_ident("event"))
}

/// Takes in `#[event] fn evicted(key: &str);`
pub(super) fn event(item: &mut syn::TraitItemFn, found: &mut Diagnostics) -> Event {
    refuse_what_is_no_event(item, found);
    let mut event = Event {
        name: Name::new(item.sig.ident.unraw().to_string(), Span::Tokens(item.sig.ident.span())),
        wire_name: None,
        docs: docs(&item.attrs),
        availability: availability(&item.attrs),
        must_understand: None,
        look: look(&item.attrs),
        params: Vec::new(),
    };
    for attribute in &item.attrs {
        let name = attribute.path().get_ident().map(|name| name.to_string()).unwrap_or_default();
        match name.as_str() {
            "event" | "doc" | "deprecated" => {}
            "wire_name" => event.wire_name = member::wire_name(attribute, found),
            "must_understand" => {
                event.must_understand = Some(At::new((), span_of(attribute.path())));
            }
            "added" => event.availability.added = params::version(attribute, found),
            "removed" => event.availability.removed = params::version(attribute, found),
            _ => report(found, codes::MISPLACED_ATTRIBUTE, attribute, "no attribute of an event"),
        }
    }
    for input in &mut item.sig.inputs {
        if let syn::FnArg::Typed(input) = input {
            event.params.extend(params::param(input, found));
        }
    }
    event
}

fn refuse_what_is_no_event(item: &syn::TraitItemFn, found: &mut Diagnostics) {
    let signature = &item.sig;
    if let Some(receiver) = signature.receiver() {
        let message = "an event is not called on the implementation, so it takes no `self`";
        report(found, codes::BAD_EVENT, receiver, message);
    }
    if let syn::ReturnType::Type(..) = signature.output {
        report(found, codes::BAD_EVENT, &signature.output, "an event has no answer");
    }
    if let Some(body) = &item.default {
        report(found, codes::BAD_EVENT, body, "an event is declared here and has no body");
    }
    if !signature.generics.params.is_empty() {
        let message = "an event is not generic: the other side must know every type";
        report(found, codes::BAD_EVENT, &signature.generics, message);
    }
}
