//! What a file takes from others. Which files those are is found out later.

use pest::iterators::Pair;

use super::attributes::Target;
use super::literal::Quoted;
use super::{Lowerer, Rule, parts};
use crate::diagnostic::{Diagnostic, codes};
use crate::ir::{At, Import, Path, Use};

impl Lowerer<'_> {
    /// `import "types.idl" as t;`
    pub(super) fn import(&mut self, decor: Pair<'_, Rule>, declaration: Pair<'_, Rule>) {
        self.decor(decor, Target::Import);
        let mut inner = parts(declaration);
        let Some(written) = inner.next() else { return };
        let span = self.span(&written);
        let Some(bytes) = self.quoted(&written, Quoted::Text) else { return };
        let Ok(path) = String::from_utf8(bytes) else { return };
        let alias = inner.next().map(|alias| self.name(&alias));
        let import = Import { path: At::new(path, span), alias, module: None };
        self.reading.module.imports.push(import);
    }

    /// `use acme.types.Point as P;` or `use acme.types.{Point, Size as S};`
    pub(super) fn use_declaration(&mut self, decor: Pair<'_, Rule>, declaration: Pair<'_, Rule>) {
        self.decor(decor, Target::Import);
        let mut inner = parts(declaration);
        let Some(path) = inner.next().map(|path| self.path(path)) else { return };
        let (mut names, mut alias) = (Vec::new(), None);
        for part in inner {
            match part.as_rule() {
                Rule::use_name => names.push(part),
                _ => alias = Some(self.name(&part)),
            }
        }
        if names.is_empty() {
            let Some(name) = alias.or_else(|| path.segments.last().cloned()) else { return };
            self.reading.module.uses.push(Use { path, name });
            return;
        }
        if let Some(alias) = alias {
            let message = "several names cannot all be called alike";
            let told = Diagnostic::error(codes::UNEXPECTED, message, alias.span)
                .help("`as` stands behind each name: `use acme.types.{A as B};`");
            self.found.push(told);
        }
        for pair in names {
            let mut inner = parts(pair);
            let Some(name) = inner.next().map(|name| self.name(&name)) else { continue };
            let called = inner.next().map_or_else(|| name.clone(), |alias| self.name(&alias));
            let mut segments = path.segments.clone();
            segments.push(name);
            self.reading.module.uses.push(Use { path: Path { segments }, name: called });
        }
    }
}
