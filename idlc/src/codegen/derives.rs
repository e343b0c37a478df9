//! Which traits a generated type can derive: only what its fields surely allow.

use std::collections::{HashMap, HashSet};

use proc_macro2::TokenStream;
use quote::quote;

use crate::ir::{Item, Look, Module, Name, RustCode, Type, TypeKind};

/// What is known of the types of a module, by the name that Rust knows them under.
pub(super) struct Derives {
    /// Holds a float somewhere, so that equality is not total.
    partial: HashSet<String>,
    /// Surely `Copy`.
    copy: HashSet<String>,
    /// Holds an object somewhere, which is equal to nothing.
    incomparable: HashSet<String>,
    /// Holds a handle somewhere: it is owned once, and equal to nothing either.
    unique: HashSet<String>,
}

impl Derives {
    /// Looks through a whole module: types refer to each other.
    pub(super) fn of(module: &Module) -> Derives {
        let mut fields: HashMap<String, Vec<&Type>> = HashMap::new();
        let mut copy = HashSet::new();
        let mut may_be_copy = Vec::new();
        let own = module.items.iter().map(|item| (key(item.name()), item));
        for (name, item) in own.chain(module.foreign()) {
            match item {
                Item::Struct(item) => {
                    fields
                        .insert(name.clone(), item.fields.iter().map(|field| &field.ty).collect());
                    // An open one may get a field that is not `Copy` with its next version.
                    if item.growth.is_closed() {
                        may_be_copy.push(name);
                    }
                }
                Item::Union(item) => {
                    let all = item.variants.iter().flat_map(|variant| variant.payload.fields());
                    fields.insert(name, all.map(|field| &field.ty).collect());
                }
                Item::Enum(_) | Item::Flags(_) => {
                    copy.insert(name);
                }
                Item::Const(_) | Item::Alias(_) | Item::Interface(_) => {}
            }
        }
        let mut partial = HashSet::new();
        let of = |name: &String| fields.get(name).map(Vec::as_slice).unwrap_or_default();
        grow(&mut partial, fields.keys(), |known, name| {
            of(name).iter().any(|ty| holds_float(ty, known))
        });
        grow(&mut copy, may_be_copy.iter(), |known, name| {
            of(name).iter().all(|ty| is_copy(ty, known))
        });
        let mut incomparable = HashSet::new();
        grow(&mut incomparable, fields.keys(), |known, name| {
            of(name).iter().any(|ty| holds(ty, known, &|kind| matches!(kind, TypeKind::Object(_))))
        });
        let mut unique = HashSet::new();
        grow(&mut unique, fields.keys(), |known, name| {
            of(name).iter().any(|ty| holds(ty, known, &|kind| matches!(kind, TypeKind::Handle(..))))
        });
        Derives { partial, copy, incomparable, unique }
    }

    /// The `#[derive]` of a record or union.
    ///
    /// `implemented` are traits that it has by other means.
    pub(super) fn attribute(
        &self,
        name: &Name,
        look: &Look,
        implemented: &[&'static str],
    ) -> TokenStream {
        let mut derived = self.derived(name);
        derived.retain(|(name, _)| !implemented.contains(name));
        let mut there = implemented.to_vec();
        there.extend(derived.iter().map(|(name, _)| *name));
        let more = more(look, &there);
        let paths = derived.into_iter().map(|(_, path)| path);
        quote!(#[derive(#(#paths,)* #more)])
    }

    /// What a type can derive whatever its author asks for: names and paths.
    fn derived(&self, name: &Name) -> Vec<(&'static str, TokenStream)> {
        let key = key(name);
        let is_unique = self.unique.contains(&key);
        let is_comparable = !is_unique && !self.incomparable.contains(&key);
        let is_total = is_comparable && !self.partial.contains(&key);
        let traits = [
            ("Debug", true, quote!(::core::fmt::Debug)),
            ("Clone", !is_unique, quote!(::core::clone::Clone)),
            ("Copy", self.copy.contains(&key), quote!(::core::marker::Copy)),
            ("PartialEq", is_comparable, quote!(::core::cmp::PartialEq)),
            ("Eq", is_total, quote!(::core::cmp::Eq)),
            ("Hash", is_total, quote!(::core::hash::Hash)),
        ];
        let possible = traits.into_iter().filter(|(_, is_possible, _)| *is_possible);
        possible.map(|(name, _, path)| (name, path)).collect()
    }
}

/// What the interface's author wants derived, without what is there anyway.
pub(super) fn more(look: &Look, there: &[&str]) -> TokenStream {
    let is_there = |code: &&RustCode| {
        let text = code.to_string();
        text.rsplit(' ').next().is_some_and(|name| there.contains(&name))
    };
    let more = look.derives.iter().filter(|code| !is_there(code)).map(|code| &code.0);
    quote!(#(#more,)*)
}

fn key(name: &Name) -> String {
    name.ident().to_string()
}

/// Adds names to `known` until no more are found to belong there. What is known of one type may
/// decide another, in any order.
fn grow<'n>(
    known: &mut HashSet<String>,
    names: impl Iterator<Item = &'n String> + Clone,
    belongs: impl Fn(&HashSet<String>, &String) -> bool,
) {
    loop {
        let more: Vec<&String> =
            names.clone().filter(|&name| !known.contains(name) && belongs(known, name)).collect();
        if more.is_empty() {
            return;
        }
        known.extend(more.into_iter().cloned());
    }
}

/// Does a value of `ty` hold one of a type that is `wanted`, or of a named type in `known`?
fn holds(ty: &Type, known: &HashSet<String>, wanted: &dyn Fn(&TypeKind) -> bool) -> bool {
    match &ty.kind {
        TypeKind::Named(named) => known.contains(&named.rust.to_string()),
        kind => wanted(kind) || ty.parts().into_iter().any(|part| holds(part, known, wanted)),
    }
}

fn holds_float(ty: &Type, partial: &HashSet<String>) -> bool {
    match &ty.kind {
        TypeKind::Float(..) => true,
        TypeKind::List(item, _) | TypeKind::Array(item, _) | TypeKind::Optional(item) => {
            holds_float(item, partial)
        }
        TypeKind::Map(one, other, _) | TypeKind::Result(one, other) => {
            holds_float(one, partial) || holds_float(other, partial)
        }
        TypeKind::Tuple(items) => items.iter().any(|item| holds_float(item, partial)),
        TypeKind::Named(named) => partial.contains(&named.rust.to_string()),
        _ => false,
    }
}

fn is_copy(ty: &Type, copy: &HashSet<String>) -> bool {
    match &ty.kind {
        TypeKind::Unit | TypeKind::Bool | TypeKind::Int(..) | TypeKind::Float(..) => true,
        TypeKind::Uuid | TypeKind::Duration(_) | TypeKind::Time(_) => true,
        TypeKind::Result(value, error) => is_copy(value, copy) && is_copy(error, copy),
        TypeKind::Array(item, _) | TypeKind::Optional(item) => is_copy(item, copy),
        TypeKind::Tuple(items) => items.iter().all(|item| is_copy(item, copy)),
        TypeKind::Named(named) => copy.contains(&named.rust.to_string()),
        _ => false,
    }
}
