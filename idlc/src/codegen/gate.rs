//! What the language has and this version makes no Rust of.
//!
//! An interface that uses it is right, so `check` says nothing; whoever wants Rust is told here, by
//! name, before any is written.

use crate::diagnostic::{Diagnostic, Diagnostics, codes};
use crate::ir::{Interface, Item, Module, Type, TypeKind};

/// Reports all of it in a module that `check` has nothing against.
pub fn refuse(module: &Module) -> Diagnostics {
    let mut found = Diagnostics::new();
    for item in &module.items {
        if let Item::Interface(item) = item {
            interface(item, &mut found);
        }
    }
    found
}

fn interface(item: &Interface, found: &mut Diagnostics) {
    for method in &item.methods {
        method.params.iter().for_each(|param| whole(&param.ty, found));
        method.results.iter().for_each(|result| whole(&result.ty, found));
    }
}

/// The type of a whole parameter or result.
fn whole(ty: &Type, found: &mut Diagnostics) {
    if let TypeKind::Stream(_) = ty.kind {
        let message = "streams are not in this version yet";
        let error = Diagnostic::error(codes::NOT_YET, message, ty.span);
        let error = error.label("can be described, but no Rust can be made of it");
        let help = "until then return a list, or an object whose method gives the next items";
        found.push(error.help(help));
    }
}
