//! From what pest matched to what it says: the [`ir`].
//!
//! Nothing is looked up here; names are bound later, for both front ends. What this version does not
//! have yet is refused here, by name, since the IR has no words for it.

mod attributes;
mod common;
mod imports;
mod interfaces;
mod literal;
mod records;
mod references;
mod types;
mod values;

use std::collections::HashSet;

use pest::iterators::{Pair, Pairs};

use super::grammar::{self, Rule};
use super::tokens::{Kind, Tokens};
use super::working::Working;
use crate::diagnostic::{Diagnostic, Diagnostics, codes};
use crate::ir::{self, Item, Module, Name, UnionUse};
use crate::source::{FileId, Span};
use attributes::Target;

/// What has been read of a file so far. It is read in parts where it has mistakes.
pub(super) struct Reading {
    module: Module,
    /// Where `module` stands.
    named_at: Option<Span>,
    /// Whether the file says `module` at all, readable or not.
    names_itself: bool,
    /// Whether anything has been declared yet.
    begun: bool,
    /// What the file declares, readable or not.
    declared: HashSet<String>,
    /// Declared, but not in `module`.
    lost: Vec<String>,
}

impl Reading {
    /// Nothing yet, of the file `text`.
    pub(super) fn new(text: &str) -> Self {
        let tokens = Tokens::of(text, &mut |_| {});
        let words = |index: usize| tokens.kind(index) == Some(Kind::Word);
        let declared = (1..tokens.len()).filter(|&index| {
            let keyword = tokens.word(index - 1);
            words(index)
                && matches!(
                    keyword,
                    "type" | "struct" | "enum" | "flags" | "union" | "error" | "interface"
                )
        });
        let declared = declared.map(|index| tokens.word(index).to_owned()).collect();
        let name = ir::Path { segments: Vec::new() };
        let module = Module { name, ..Module::default() };
        let names_itself =
            (1..tokens.len()).any(|index| words(index) && tokens.word(index - 1) == "module");
        Self { module, named_at: None, names_itself, begun: false, declared, lost: Vec::new() }
    }

    /// Takes in a part of the file that has parsed.
    pub(super) fn take(
        &mut self,
        file: FileId,
        working: &Working,
        pairs: Pairs<'_, Rule>,
        found: &mut Diagnostics,
    ) {
        let mut lowerer = Lowerer { file, working, found, reading: self };
        for pair in pairs.flat_map(Pair::into_inner) {
            match pair.as_rule() {
                Rule::inner_doc => lowerer.inner_doc(pair),
                Rule::item => lowerer.item(pair),
                _ => {}
            }
        }
    }

    /// The whole file, and the names it declares that are not there.
    pub(super) fn finish(mut self, file: FileId, found: &mut Diagnostics) -> (Module, Vec<String>) {
        if !self.names_itself {
            let top = Span::text(file, 0..0);
            let told =
                Diagnostic::error(codes::MISSING_MODULE, "the file does not name its module", top)
                    .label("expected `module name;`")
                    .note("the module's name is part of the identity of what it declares");
            found.push(told);
        }
        self.qualify();
        (self.module, self.lost)
    }

    /// Names of types in full. Last, because a misplaced `module` counts as well.
    fn qualify(&mut self) {
        let module = self.module.name.to_string();
        let full = |name: &Name| match module.as_str() {
            "" => name.text.clone(),
            module => format!("{module}.{name}"),
        };
        for item in &mut self.module.items {
            match item {
                Item::Struct(item) => item.qualified = full(&item.name),
                Item::Enum(item) => item.qualified = full(&item.name),
                Item::Flags(item) => item.qualified = full(&item.name),
                Item::Union(item) => item.qualified = full(&item.name),
                Item::Interface(item) => item.qualified = full(&item.name),
                Item::Const(_) | Item::Alias(_) => {}
            }
        }
    }

    /// Notes names that are declared but could not be read.
    pub(super) fn lose(&mut self, names: Vec<String>) {
        self.lost.extend(names);
    }
}

/// Reads one part.
struct Lowerer<'a> {
    file: FileId,
    working: &'a Working,
    found: &'a mut Diagnostics,
    reading: &'a mut Reading,
}

/// The pairs in `pair` that carry something: no marks, no keywords.
fn parts(pair: Pair<'_, Rule>) -> impl Iterator<Item = Pair<'_, Rule>> {
    pair.into_inner().filter(|inner| !is_mark(inner.as_rule()))
}

/// The text of a pair, without the comments that pest counts in.
fn written<'i>(pair: &Pair<'i, Rule>) -> &'i str {
    let len = grammar::end_of(pair).saturating_sub(pair.as_span().start());
    pair.as_str().get(..len).unwrap_or_default().trim()
}

fn is_mark(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::semi
            | Rule::comma
            | Rule::colon
            | Rule::equals
            | Rule::arrow
            | Rule::l_brace
            | Rule::r_brace
            | Rule::l_paren
            | Rule::r_paren
            | Rule::l_brack
            | Rule::r_brack
            | Rule::l_angle
            | Rule::r_angle
            | Rule::k_module
            | Rule::k_import
            | Rule::k_use
            | Rule::k_as
            | Rule::k_const
            | Rule::k_type
            | Rule::k_struct
            | Rule::k_enum
            | Rule::k_flags
            | Rule::k_union
            | Rule::k_error
            | Rule::k_interface
            | Rule::k_fn
            | Rule::k_event
            | Rule::k_raises
            | Rule::k_reserved
            | Rule::k_uuid
    )
}

impl Lowerer<'_> {
    /// Where the user wrote `pair`.
    fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let range = pair.as_span().start()..grammar::end_of(pair);
        Span::text(self.file, self.working.origin(range))
    }

    fn name(&self, pair: &Pair<'_, Rule>) -> Name {
        Name::new(pair.as_str(), self.span(pair))
    }

    fn path(&self, pair: Pair<'_, Rule>) -> ir::Path {
        ir::Path { segments: pair.into_inner().map(|segment| self.name(&segment)).collect() }
    }

    fn error(&mut self, code: &'static str, message: impl Into<String>, span: Span) {
        self.found.push(Diagnostic::error(code, message, span));
    }

    fn lose(&mut self, name: &Name) {
        self.reading.lost.push(name.text.clone());
    }

    fn inner_doc(&mut self, pair: Pair<'_, Rule>) {
        if self.reading.begun {
            let told = Diagnostic::error(
                codes::DANGLING_DOC,
                "`//!` does not belong here",
                self.span(&pair),
            )
            .label("documents the file, and stands at its top")
            .help("write `///` to document what follows");
            self.found.push(told);
            return;
        }
        self.reading.module.docs.extend(doc_line(pair));
    }

    fn item(&mut self, pair: Pair<'_, Rule>) {
        let mut inner = parts(pair);
        let (Some(decor), Some(declaration)) = (inner.next(), inner.next()) else { return };
        match declaration.as_rule() {
            Rule::module => self.module(decor, declaration),
            Rule::import => self.import(decor, declaration),
            Rule::use_decl => self.use_declaration(decor, declaration),
            Rule::const_decl => {
                if let Some(item) = self.constant(decor, declaration) {
                    self.reading.module.items.push(Item::Const(item));
                }
            }
            Rule::alias => self.alias(decor, declaration),
            Rule::struct_decl => self.structure(decor, declaration),
            Rule::enum_decl => self.enumeration(decor, declaration),
            Rule::flags_decl => self.flags_type(decor, declaration),
            Rule::union_decl => self.union_type(decor, declaration, UnionUse::Data),
            Rule::error_decl => self.union_type(decor, declaration, UnionUse::Error),
            Rule::interface_decl => self.interface(decor, declaration),
            _ => {}
        }
        self.reading.begun = true;
    }

    fn module(&mut self, decor: Pair<'_, Rule>, declaration: Pair<'_, Rule>) {
        let span = self.span(&declaration);
        let mut decor = self.decor(decor, Target::Module);
        let version = self.version(&mut decor, "version");
        let stable = self.flag(&mut decor, "stable");
        if let Some(first) = self.reading.named_at {
            let told = Diagnostic::error(codes::MISPLACED_MODULE, "a file is one module", span)
                .label("a second name")
                .also(first, "the first is here");
            self.found.push(told);
            return;
        }
        if self.reading.begun {
            let told = Diagnostic::error(codes::MISPLACED_MODULE, "`module` comes first", span)
                .label("move it to the top of the file");
            self.found.push(told);
        }
        self.reading.named_at = Some(span);
        self.reading.module.docs.extend(decor.docs);
        self.reading.module.version = version;
        self.reading.module.stable = stable;
        if let Some(path) = parts(declaration).next() {
            self.reading.module.name = self.path(path);
        }
    }

    fn constant(
        &mut self,
        decor: Pair<'_, Rule>,
        declaration: Pair<'_, Rule>,
    ) -> Option<ir::Const> {
        let mut decor = self.decor(decor, Target::Const);
        let mut inner = parts(declaration);
        let mut name = self.name(&inner.next()?);
        let availability = self.availability(&mut decor);
        let look = self.look(&mut decor, &mut name);
        let ty = inner.next().and_then(|ty| self.ty(ty));
        let value = inner.next().and_then(|value| self.expr(value));
        let (Some(ty), Some(value)) = (ty, value) else {
            self.lose(&name);
            return None;
        };
        Some(ir::Const { name, docs: decor.docs, availability, look, ty, value })
    }

    fn alias(&mut self, decor: Pair<'_, Rule>, declaration: Pair<'_, Rule>) {
        let mut decor = self.decor(decor, Target::Alias);
        let availability = self.availability(&mut decor);
        let sensitive = self.flag(&mut decor, "sensitive");
        let mut inner = parts(declaration);
        let Some(name) = inner.next().map(|name| self.name(&name)) else { return };
        match inner.next().and_then(|ty| self.ty(ty)) {
            Some(ty) => {
                let docs = decor.docs;
                let alias = ir::Alias { name, docs, availability, sensitive, ty };
                self.reading.module.items.push(Item::Alias(alias));
            }
            None => self.lose(&name),
        }
    }
}

/// The text of a documentation line, without the marker and one blank.
fn doc_line(pair: Pair<'_, Rule>) -> Option<String> {
    let text = pair.into_inner().next()?;
    let text = text.as_str();
    Some(text.strip_prefix(' ').unwrap_or(text).trim_end().to_owned())
}
