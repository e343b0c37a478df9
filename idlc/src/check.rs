//! Everything that is wrong with an interface, whichever way it was written.
//!
//! Works on what [`resolve`](crate::resolve::resolve) leaves and reports all it finds. What could
//! not be resolved has been reported there and is passed over here, so that one mistake is one
//! message.

mod availability;
mod bases;
mod flags;
mod interfaces;
mod items;
mod methods;
mod names;
mod records;
mod references;
mod sizes;
mod stable;
mod types;
mod values;

use std::collections::{HashMap, HashSet};

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{Item, Module, Type, TypeKind};

/// Reports what is wrong with a module whose names are bound.
pub fn check(module: &Module) -> Diagnostics {
    let mut checker = Checker {
        items: by_rust_name(module),
        constants: constants(module),
        found: Diagnostics::new(),
    };
    checker.names(module);
    for item in &module.items {
        match item {
            Item::Const(item) => checker.constant(item),
            Item::Alias(_) => {}
            Item::Struct(item) => checker.record(item),
            Item::Enum(item) => checker.enumeration(item),
            Item::Flags(item) => checker.flags(item),
            Item::Union(item) => checker.union(item),
            Item::Interface(item) => checker.interface(item),
        }
    }
    checker.availabilities(module);
    checker.stable(module);
    checker.infinite_sizes(module);
    checker.found
}

/// One walk over a module.
struct Checker<'m> {
    /// Types by the path that names them in Rust. What is not here is somebody else's Rust type.
    items: HashMap<String, &'m Item>,
    /// Names of the module's constants, which no variable can have: Rust would take it for a pattern
    /// that matches the constant's value.
    constants: HashSet<&'m str>,
    found: Diagnostics,
}

impl<'m> Checker<'m> {
    fn push(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    /// The definition of a named type, if it is in this module.
    fn definition(&self, ty: &Type) -> Option<&'m Item> {
        match &ty.kind {
            TypeKind::Named(named) => self.items.get(&named.rust.to_string()).copied(),
            _ => None,
        }
    }
}

fn constants(module: &Module) -> HashSet<&str> {
    let constants = module.items.iter().filter_map(|item| match item {
        Item::Const(item) => Some(item.name.rust_text()),
        _ => None,
    });
    constants.collect()
}

fn by_rust_name(module: &Module) -> HashMap<String, &Item> {
    let mut items = HashMap::new();
    for item in &module.items {
        items.entry(item.name().ident().to_string()).or_insert(item);
    }
    for (path, item) in module.foreign() {
        items.entry(path).or_insert(item);
    }
    items
}

#[cfg(test)]
mod tests;
