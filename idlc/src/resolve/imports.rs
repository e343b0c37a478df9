//! Names of other modules, and short names for them.
//!
//! What an imported module declares is known by its full name, `acme.types.Point`. `use` and
//! `import .. as` give other names to it, or to the whole module.

use proc_macro2::TokenStream;
use quote::quote;

use super::scope::{Scope, with_closest};
use crate::diagnostic::{Diagnostic, Diagnostics, codes};
use crate::ir::{Field, Item, Module, Path, Payload, RustCode, Type, TypeKind, Use};
use crate::source::Span;

impl Scope {
    /// Declares what the imported modules declare, and the short names.
    pub(super) fn import(&mut self, module: &Module, found: &mut Diagnostics) {
        for import in &module.imports {
            let Some(imported) = &import.module else { continue };
            let name = imported.module.name.to_string();
            let prefix = &imported.rust.0;
            for item in &imported.module.items {
                self.declare_foreign(item, &name, prefix);
            }
            for alias in &imported.module.aliases {
                self.declare_foreign(&Item::Alias(alias.clone()), &name, prefix);
            }
            if let Some(alias) = &import.alias {
                self.give_name(&alias.text, name.clone(), alias.span, found);
            }
            self.modules.insert(name);
        }
        for item in &module.uses {
            self.take_up(item, found);
        }
    }

    fn take_up(&mut self, item: &Use, found: &mut Diagnostics) {
        let target = self.full(&item.path);
        if self.declares(&target) || self.modules.contains(&target) {
            self.give_name(&item.name.text, target, item.name.span, found);
            return;
        }
        let span = item.path.span();
        let message = format!("no imported module has `{}`", item.path);
        let error = Diagnostic::error(codes::UNKNOWN_TYPE, message, span);
        let names = self.foreign_names().chain(self.modules.iter().map(String::as_str));
        let error = with_closest(error, &target, names, span);
        found.push(if self.modules.is_empty() {
            error.help("`import \"file.idl\";` makes a file's module known")
        } else {
            error
        });
        // Who uses the name need not be told again.
        self.missed.insert(item.name.text.clone());
    }

    fn give_name(&mut self, name: &str, target: String, span: Span, found: &mut Diagnostics) {
        if self.declares(name) {
            let message = format!("`{name}` is declared in this module, too");
            let error = Diagnostic::error(codes::DUPLICATE, message, span);
            found.push(error.help("give it another name: `use .. as ..`"));
        } else if let Some(other) = self.uses.insert(name.to_owned(), target.clone())
            && other != target
        {
            let message = format!("`{name}` stands for two things: `{other}` and `{target}`");
            let error = Diagnostic::error(codes::DUPLICATE, message, span);
            found.push(error.help("give one of them another name: `use .. as ..`"));
        }
    }

    /// The name under which what `path` means is known: `Point` of this module, `acme.types.Point`
    /// of another one.
    pub(super) fn full(&self, path: &Path) -> String {
        let text = self.local_text(path);
        let (first, rest) = text.split_once('.').map_or((text.as_str(), ""), |parts| parts);
        if self.declares(first) {
            return text;
        }
        match self.uses.get(first) {
            Some(target) if rest.is_empty() => target.clone(),
            Some(target) => format!("{target}.{rest}"),
            None => text,
        }
    }
}

/// The path of something that the Rust module `prefix` holds.
pub(super) fn inside(prefix: &TokenStream, code: &RustCode) -> RustCode {
    let code = &code.0;
    RustCode(quote!(#prefix::#code))
}

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
