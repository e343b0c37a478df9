//! Names of other modules, and short names for them.
//!
//! What an imported module declares is known by its full name, `acme.types.Point`. `use` and
//! `import .. as` give other names to it, or to the whole module.

use proc_macro2::TokenStream;
use quote::quote;

use super::scope::{Scope, with_closest};
use crate::diagnostic::{Diagnostic, Diagnostics, codes};
use crate::ir::{Item, Module, Path, RustCode, Use};
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
