//! What a file takes from others.

use std::rc::Rc;

use quote::quote;

use super::{At, Item, Module, Name, Path, RustCode};

/// `import "types.idl" as t;`
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// As written.
    pub path: At<String>,
    /// What its module is called here, beside its full name.
    pub alias: Option<Name>,
    /// What was read; `None` until the file is looked for, and where it cannot be used.
    pub module: Option<Rc<Imported>>,
}

/// A module that another one refers to.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The Rust module that it becomes, as seen by who imports it.
    pub rust: RustCode,
    /// What it says, with its names bound: to paths that hold outside of it.
    pub module: Module,
}

impl Imported {
    /// The path in Rust of something that the module declares, as text.
    pub fn path_of(&self, item: &Item) -> String {
        let (rust, name) = (&self.rust.0, item.name().ident());
        quote!(#rust::#name).to_string()
    }
}

/// `use acme.types.Point as P;`, one for each name.
#[derive(Clone, Debug, PartialEq)]
pub struct Use {
    /// What it stands for: something that an imported module declares, or such a module.
    pub path: Path,
    /// What it is called here.
    pub name: Name,
}
