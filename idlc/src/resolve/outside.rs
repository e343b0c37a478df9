//! A module as those see it who import it.
//!
//! Macros import nothing, so without the grammar this is not there.

use proc_macro2::TokenStream;

use super::imports::inside;
use crate::ir::{Field, Item, Module, Payload, RustCode, Type, TypeKind};

/// Has all types in a module named by paths that hold outside of it, where it is `prefix`.
pub(crate) fn export(module: &mut Module, prefix: &TokenStream) {
    for alias in &mut module.aliases {
        seen_from_outside(&mut alias.ty, prefix);
    }
    for item in &mut module.items {
        match item {
            Item::Struct(item) => export_fields(&mut item.fields, prefix),
            Item::Union(item) => {
                for variant in &mut item.variants {
                    if let Payload::Positional(fields) | Payload::Named(fields) =
                        &mut variant.payload
                    {
                        export_fields(fields, prefix);
                    }
                }
            }
            Item::Interface(item) => {
                let methods = item.methods.iter_mut();
                for method in methods {
                    let params = method.params.iter_mut().map(|param| &mut param.ty);
                    let results = method.results.iter_mut().map(|result| &mut result.ty);
                    let types = params.chain(results).chain(&mut method.raises);
                    types.for_each(|ty| seen_from_outside(ty, prefix));
                }
                let told = item.events.iter_mut().flat_map(|event| &mut event.params);
                told.for_each(|param| seen_from_outside(&mut param.ty, prefix));
                item.bases.iter_mut().for_each(|base| seen_from_outside(base, prefix));
            }
            Item::Const(_) | Item::Alias(_) | Item::Enum(_) | Item::Flags(_) => {}
        }
    }
}

fn export_fields(fields: &mut [Field], prefix: &TokenStream) {
    fields.iter_mut().for_each(|field| seen_from_outside(&mut field.ty, prefix));
}

/// Has the types of a module named by paths that hold outside of it.
fn seen_from_outside(ty: &mut Type, prefix: &TokenStream) {
    // What the module itself has from elsewhere has a path already.
    let is_bare = |code: &RustCode| code.0.clone().into_iter().count() == 1;
    match &mut ty.kind {
        TypeKind::Named(named) if is_bare(&named.rust) => named.rust = inside(prefix, &named.rust),
        TypeKind::Object(object) if is_bare(&object.rust) => {
            object.rust = inside(prefix, &object.rust);
        }
        TypeKind::List(item, _)
        | TypeKind::Array(item, _)
        | TypeKind::Optional(item)
        | TypeKind::Stream(item) => seen_from_outside(item, prefix),
        TypeKind::Map(first, second, _) | TypeKind::Result(first, second) => {
            seen_from_outside(first, prefix);
            seen_from_outside(second, prefix);
        }
        TypeKind::Tuple(items) => {
            items.iter_mut().for_each(|item| seen_from_outside(item, prefix));
        }
        _ => {}
    }
}
