//! What the language has and this version makes no Rust of.
//!
//! An interface that uses it is right, so `check` says nothing; whoever wants Rust is told here, by
//! name, before any is written.

use crate::diagnostic::{Diagnostic, Diagnostics, codes};
use crate::ir::{Interface, Item, Module, Type, TypeKind};
use crate::source::Span;

/// Reports all of it in a module that `check` has nothing against.
pub fn refuse(module: &Module) -> Diagnostics {
    let mut found = Diagnostics::new();
    for item in &module.items {
        match item {
            Item::Interface(item) => interface(item, &mut found),
            Item::Struct(item) => item.fields.iter().for_each(|field| ty(&field.ty, &mut found)),
            Item::Union(item) => {
                let fields = item.variants.iter().flat_map(|variant| variant.payload.fields());
                fields.for_each(|field| ty(&field.ty, &mut found));
            }
            Item::Const(_) | Item::Alias(_) | Item::Enum(_) | Item::Flags(_) => {}
        }
    }
    found
}

fn interface(item: &Interface, found: &mut Diagnostics) {
    for event in &item.events {
        not_yet("events", event.name.span, None, found);
    }
    for method in &item.methods {
        method.params.iter().for_each(|param| ty(&param.ty, found));
        method.results.iter().for_each(|result| ty(&result.ty, found));
    }
}

fn ty(of: &Type, found: &mut Diagnostics) {
    match &of.kind {
        TypeKind::Handle(..) => not_yet("handles", of.span, None, found),
        TypeKind::Object(_) => not_yet("interfaces as types", of.span, None, found),
        TypeKind::Stream(_) => {
            let help = "until then return a list, or an object whose method gives the next items";
            not_yet("streams", of.span, Some(help), found);
        }
        _ => of.parts().into_iter().for_each(|part| ty(part, found)),
    }
}

fn not_yet(what: &str, span: Span, help: Option<&str>, found: &mut Diagnostics) {
    let message = format!("{what} are not in this version yet");
    let error = Diagnostic::error(codes::NOT_YET, message, span);
    let error = error.label("can be described, but no Rust can be made of it");
    found.push(match help {
        Some(help) => error.help(help),
        None => error,
    });
}
