//! Advice about files that are right.
//!
//! What is found here has a meaning, and may be meant; so it is no error, `idlc check` says nothing
//! about it, and each piece of advice can be declined: for a declaration by `[lint.allow(name)]`
//! before it, for all files by a flag. The pages of `idlc explain` tell the reasons.

mod allowed;
mod naming;

use std::collections::HashSet;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::ir::{
    Const, Enum, Field, Flags, Growth, Interface, Item, Method, Module, Name, Param, Struct, Type,
    TypeKind, Union,
};
use crate::source::{FileId, SourceFile};
use allowed::Allowed;

/// A kind of advice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lint {
    /// What it is called in attributes, flags and messages.
    pub name: &'static str,
    /// What it is about, in a line.
    pub about: &'static str,
    /// Whether it is given without being asked for.
    pub always: bool,
}

const COULD_BE_FINAL: Lint = Lint {
    name: "could_be_final",
    about: "a record of plain numbers in a list costs a byte more for each element",
    always: true,
};
const MISSING_UUID: Lint = Lint {
    name: "missing_uuid",
    about: "an interface that others know is identified by its name alone",
    always: true,
};
const NAMING: Lint =
    Lint { name: "naming", about: "a name is not written as names of its kind are", always: true };
const MISSING_DOCS: Lint = Lint {
    name: "missing_docs",
    about: "a declaration or method without documentation",
    always: false,
};
const FIELD_WITHOUT_DEFAULT: Lint = Lint {
    name: "field_without_default",
    about: "a field that can never be left out",
    always: false,
};

/// All kinds of advice.
pub const LINTS: [Lint; 5] =
    [COULD_BE_FINAL, MISSING_UUID, NAMING, MISSING_DOCS, FIELD_WITHOUT_DEFAULT];

/// Gives advice of the wanted kinds about a module that is right.
///
/// `source` is where it was read, for the attributes that decline advice.
pub fn lint(module: &Module, file: FileId, source: &SourceFile, wanted: &[Lint]) -> Diagnostics {
    let mut linter = Linter { wanted, all: Vec::new(), listed: listed(module) };
    module.items.iter().for_each(|item| linter.item(item));
    let mut found = Diagnostics::new();
    let allowed = Allowed::read(file, source.text(), &mut found);
    for advice in linter.all {
        if !allowed.declines(&advice) {
            found.push(advice);
        }
    }
    found
}

/// The types that some list, array or map holds many of.
fn listed(module: &Module) -> HashSet<String> {
    let mut listed = HashSet::new();
    for item in &module.items {
        types_of(item).into_iter().for_each(|ty| note_listed(ty, &mut listed));
    }
    listed
}

fn note_listed(ty: &Type, listed: &mut HashSet<String>) {
    let is_many = matches!(ty.kind, TypeKind::List(..) | TypeKind::Array(..) | TypeKind::Map(..));
    for part in ty.parts() {
        if let (true, TypeKind::Named(named)) = (is_many, &part.kind) {
            listed.insert(named.rust.to_string());
        }
        note_listed(part, listed);
    }
}

/// The types of all that an item has.
pub(crate) fn types_of(item: &Item) -> Vec<&Type> {
    match item {
        Item::Const(item) => vec![&item.ty],
        Item::Alias(item) => vec![&item.ty],
        Item::Struct(item) => item.fields.iter().map(|field| &field.ty).collect(),
        Item::Enum(_) | Item::Flags(_) => Vec::new(),
        Item::Union(item) => {
            let fields = item.variants.iter().flat_map(|variant| variant.payload.fields());
            fields.map(|field| &field.ty).collect()
        }
        Item::Interface(item) => {
            let params = item.methods.iter().flat_map(|method| &method.params);
            let params = params.chain(item.events.iter().flat_map(|event| &event.params));
            let results = item.methods.iter().flat_map(|method| &method.results);
            let raised = item.methods.iter().filter_map(|method| method.raises.as_ref());
            let types = params.map(|param| &param.ty).chain(results.map(|result| &result.ty));
            types.chain(raised).chain(&item.bases).collect()
        }
    }
}

struct Linter<'l> {
    wanted: &'l [Lint],
    all: Vec<Diagnostic>,
    /// See [`listed`], by the names of Rust.
    listed: HashSet<String>,
}

impl Linter<'_> {
    fn tell(
        &mut self,
        lint: Lint,
        message: String,
        name: &Name,
        more: impl FnOnce(Diagnostic) -> Diagnostic,
    ) {
        if self.wanted.contains(&lint) {
            self.all.push(more(Diagnostic::warning(lint.name, message, name.span)));
        }
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Const(item) => self.constant(item),
            Item::Alias(item) => self.named(&item.name, naming::TYPE),
            Item::Struct(item) => self.record(item),
            Item::Enum(item) => self.enumeration(item),
            Item::Flags(item) => self.flags(item),
            Item::Union(item) => self.union(item),
            Item::Interface(item) => self.interface(item),
        }
    }

    fn named(&mut self, name: &Name, style: naming::Style) {
        if let Some(better) = style.better(&name.text) {
            let message = format!("{} are written `{better}`", style.what);
            self.tell(NAMING, message, name, |advice| {
                advice
                    .label("written otherwise")
                    .note("renaming what others already call needs `[wire_name(..)]` on methods")
            });
        }
    }

    fn documented(&mut self, name: &Name, docs: &[String], what: &str) {
        if docs.is_empty() {
            let message = format!("{what} `{name}` has no documentation");
            self.tell(MISSING_DOCS, message, name, |advice| {
                advice.help("write `///` before it, and what its callers need to know")
            });
        }
    }

    fn constant(&mut self, item: &Const) {
        self.named(&item.name, naming::CONSTANT);
        self.documented(&item.name, &item.docs, "the constant");
    }

    fn record(&mut self, item: &Struct) {
        self.named(&item.name, naming::TYPE);
        self.documented(&item.name, &item.docs, "the struct");
        self.fields(&item.fields, item.growth);
        let is_plain = |field: &Field| {
            plain(&field.ty) && field.default.is_none() && field.availability == Default::default()
        };
        let fits = !item.growth.is_closed() && !item.fields.is_empty();
        let is_listed = self.listed.contains(&item.name.ident().to_string());
        if fits && is_listed && item.fields.iter().all(is_plain) {
            let message = format!("`{}` could be `[final]`", item.name);
            self.tell(COULD_BE_FINAL, message, &item.name, |advice| {
                advice
                    .label("plain numbers, and held many times")
                    .note("open records cost a byte each, and can grow; final ones never can")
                    .help("write `[final]` if it will surely never grow")
            });
        }
    }

    fn fields(&mut self, fields: &[Field], growth: Growth) {
        for field in fields {
            self.named(&field.name, naming::VALUE);
            if growth.is_closed() || field.may_be_missing() {
                continue;
            }
            let message = format!("every peer for all time has to send `{}`", field.name);
            self.tell(FIELD_WITHOUT_DEFAULT, message, &field.name, |advice| {
                advice.label("neither optional nor with a default")
            });
        }
    }

    fn enumeration(&mut self, item: &Enum) {
        self.named(&item.name, naming::TYPE);
        self.documented(&item.name, &item.docs, "the enum");
        item.members.iter().for_each(|member| self.named(&member.name, naming::MEMBER));
    }

    fn flags(&mut self, item: &Flags) {
        self.named(&item.name, naming::TYPE);
        self.documented(&item.name, &item.docs, "the flags type");
        item.members.iter().for_each(|member| self.named(&member.name, naming::CONSTANT));
    }

    fn union(&mut self, item: &Union) {
        self.named(&item.name, naming::TYPE);
        self.documented(&item.name, &item.docs, "the type");
        for variant in &item.variants {
            self.named(&variant.name, naming::MEMBER);
            let named = matches!(variant.payload, crate::ir::Payload::Named(_));
            if named {
                self.fields(variant.payload.fields(), item.growth);
            }
        }
    }

    fn interface(&mut self, item: &Interface) {
        self.named(&item.name, naming::TYPE);
        self.documented(&item.name, &item.docs, "the interface");
        item.consts.iter().for_each(|item| self.constant(item));
        item.methods.iter().for_each(|method| self.method(method));
        for event in &item.events {
            self.named(&event.name, naming::METHOD);
            self.documented(&event.name, &event.docs, "the event");
            self.params(&event.params);
        }
        if item.uuid.is_none() && (item.endpoint.is_some() || item.stable.is_some()) {
            let message = format!("`{}` has no uuid", item.name);
            let label = match item.endpoint {
                Some(_) => "others find it under its endpoint",
                None => "it is stable",
            };
            self.tell(MISSING_UUID, message, &item.name, |advice| {
                advice
                    .label(label)
                    .note("without one it is known by its full name, and can never be renamed")
                    .help("make one, as with `uuidgen`, and write `[uuid(..)]`")
            });
        }
    }

    fn method(&mut self, method: &Method) {
        self.named(&method.name, naming::METHOD);
        self.documented(&method.name, &method.docs, "the method");
        self.params(&method.params);
        for name in method.results.iter().filter_map(|result| result.name.as_ref()) {
            self.named(name, naming::VALUE);
        }
    }

    fn params(&mut self, params: &[Param]) {
        params.iter().for_each(|param| self.named(&param.name, naming::VALUE));
    }
}

/// Is it a number, or some in a row?
fn plain(ty: &Type) -> bool {
    match &ty.kind {
        TypeKind::Bool | TypeKind::Int(..) | TypeKind::Float(..) => true,
        TypeKind::Array(item, _) => plain(item),
        TypeKind::Tuple(items) => items.iter().all(plain),
        _ => false,
    }
}
