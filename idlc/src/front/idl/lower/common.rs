//! Attributes that can stand before many things: when something came and went, how it looks in Rust,
//! which way it should travel.

use pest::iterators::Pair;

use super::attributes::Decor;
use super::{Lowerer, Rule, written};
use crate::diagnostic::{Diagnostic, codes};
use crate::ir::{At, Availability, Deprecation, ExprKind, Look, Name, RustCode, Version, Via};
use crate::source::Span;

impl Lowerer<'_> {
    /// `added`, `deprecated` and `removed`.
    pub(super) fn availability(&mut self, decor: &mut Decor<'_>) -> Availability {
        Availability {
            added: self.version(decor, "added"),
            deprecated: self.deprecated(decor),
            removed: self.version(decor, "removed"),
        }
    }

    /// `deprecated(1.3)` or `deprecated(1.3, "use launch")`
    fn deprecated(&mut self, decor: &mut Decor<'_>) -> Option<Deprecation> {
        let example = "deprecated(1.3, \"use launch\")";
        let mut arguments = self.arguments_of(decor, "deprecated", example, 1..=2)?.into_iter();
        let since = self.version_of(&arguments.next()?);
        let note = match arguments.next() {
            Some(note) => Some(self.text_of("deprecated", note)?.value),
            None => None,
        };
        Some(Deprecation { since: Some(since?), note })
    }

    /// `doc.hidden` and `rust.derive`; and `rust.name`, which is kept in `name`.
    pub(super) fn look(&mut self, decor: &mut Decor<'_>, name: &mut Name) -> Look {
        self.rust_name(decor, name);
        Look { hidden: self.flag(decor, "doc.hidden"), derives: self.derives(decor) }
    }

    /// `rust.name("kind_")`
    pub(super) fn rust_name(&mut self, decor: &mut Decor<'_>, name: &mut Name) {
        let Some(given) = self.text(decor, "rust.name") else { return };
        let mut letters = given.value.chars();
        let is_identifier = letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
            && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
            && given.value != "_";
        if is_identifier {
            name.rust = Some(given.value);
        } else {
            let message = format!("`{}` is not a name in Rust", given.value);
            self.error(codes::BAD_ATTRIBUTE_ARGUMENT, message, given.span);
        }
    }

    /// `rust.derive(serde.Serialize, Hash)`
    fn derives(&mut self, decor: &mut Decor<'_>) -> Vec<RustCode> {
        let example = "rust.derive(serde.Serialize)";
        let arguments = self.arguments_of(decor, "rust.derive", example, 1..=16);
        let derives = arguments.into_iter().flatten().filter_map(|argument| {
            let span = self.span(&argument);
            let ExprKind::Path(path) = self.expr(argument)?.kind else {
                let message = format!("`rust.derive` is written `[{example}]`");
                self.error(codes::BAD_ATTRIBUTE_ARGUMENT, message, span);
                return None;
            };
            let segments = path.segments.iter().map(Name::ident);
            Some(RustCode(quote::quote!(#(#segments)::*)))
        });
        derives.collect()
    }

    /// `via(section)`
    pub(super) fn via(&mut self, decor: &mut Decor<'_>) -> Option<At<Via>> {
        let argument = self.argument(decor, "via", "via(section)")?;
        let (word, span) = (written(&argument), self.span(&argument));
        crate::front::via(word, span, self.found)
    }

    /// The version that an argument is.
    pub(super) fn version_of(&mut self, argument: &Pair<'_, Rule>) -> Option<At<Version>> {
        let (text, span) = (written(argument), self.span(argument));
        let version = super::literal::version(text);
        if version.is_none() {
            let told = not_a_version(text, span);
            self.found.push(told);
        }
        version.map(|version| At::new(version, span))
    }
}

fn not_a_version(text: &str, span: Span) -> Diagnostic {
    let message = format!("`{text}` is not a version");
    let told = Diagnostic::error(codes::BAD_VERSION, message, span)
        .label("a version is `major.minor`, two numbers up to 65535");
    match super::literal::version(&format!("{text}.0")) {
        Some(_) => told.fix("add the minor version", span.after(), ".0"),
        None => told,
    }
}
