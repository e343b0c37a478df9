//! Names: twice the same, ours, or nobody's.

use std::collections::HashMap;

use super::Checker;
use crate::diagnostic::{Diagnostic, codes};
use crate::ir::{Item, Module, Name};
use crate::source::Span;

/// The types of the language, and those of Rust that generated code writes without a path.
const TYPES: [&str; 29] = [
    "bool", "u8", "u16", "u32", "u64", "u128", "i8", "i16", "i32", "i64", "i128", "f32", "f64",
    "string", "bytes", "list", "map", "path", "uuid", "duration", "time", "result", "handle",
    "stream", "str", "usize", "isize", "char", "Self",
];

/// What to do about a name that is fine on the wire and not in Rust.
const OTHER_NAME: &str = "choose another name, or another one in Rust: `[rust.name(\"..\")]`";

impl Checker<'_> {
    /// The names that a module puts into Rust, side by side.
    pub(super) fn names(&mut self, module: &Module) {
        let mut taken = Taken::new("this name");
        for item in &module.items {
            let name = item.name();
            self.own_name(name);
            if TYPES.contains(&name.text.as_str()) {
                let message = format!("`{name}` is a type of the language");
                self.push(Diagnostic::error(codes::RESERVED_NAME, message, name.span));
            }
            taken.insert_name(self, name);
            if let Item::Interface(item) = item {
                let of_events =
                    if item.events.is_empty() { &[][..] } else { &["Emitter", "Event"] };
                for &behind in ["Client", "AsyncClient", "Server", "Ref"].iter().chain(of_events) {
                    let made = format!("{}{behind}", name.rust_text());
                    taken.insert(self, made, name.span, Some(behind));
                }
            }
        }
    }

    /// A name that is anybody's to use.
    pub(super) fn own_name(&mut self, name: &Name) {
        if name.rust_text() == "_" {
            let message = "`_` is not a name";
            self.push(Diagnostic::error(codes::RESERVED_NAME, message, name.span));
        } else if name.rust_text().starts_with("__") {
            let message = format!("`{name}`: two underscores begin names of generated code");
            self.push(Diagnostic::error(codes::RESERVED_NAME, message, name.span));
        }
    }

    /// Names of things that are variables in generated code.
    pub(super) fn variables<'n>(&mut self, what: &str, names: impl Iterator<Item = &'n Name>) {
        for name in names {
            if !self.constants.contains(name.rust_text()) {
                continue;
            }
            let message = format!("{what} `{name}` is called like a constant");
            let error = Diagnostic::error(codes::RESERVED_NAME, message, name.span);
            self.found.push(error.help(OTHER_NAME));
        }
    }

    /// Names of one kind that stand in one place: fields of a struct, members of an enum.
    pub(super) fn distinct<'n>(
        &mut self,
        what: &'static str,
        names: impl Iterator<Item = &'n Name>,
    ) {
        let mut taken = Taken::new(what);
        for name in names {
            self.own_name(name);
            taken.insert_name(self, name);
        }
    }
}

/// The Rust names in use so far. Two names of an interface may be one in Rust: `self` becomes
/// `self_`, and `KvClient` is made for `Kv`.
struct Taken {
    what: &'static str,
    by: HashMap<String, (Span, Option<&'static str>)>,
    /// As written, which is how the other side knows them: in Rust they may be called otherwise.
    written: HashMap<String, Span>,
}

impl Taken {
    fn new(what: &'static str) -> Taken {
        Taken { what, by: HashMap::new(), written: HashMap::new() }
    }

    /// Takes a name as it is written and as it is in Rust.
    fn insert_name(&mut self, checker: &mut Checker<'_>, name: &Name) {
        match self.written.get(&name.text) {
            Some(&first) => checker.push(self.twice(&name.text, name.span, first)),
            None => {
                self.written.insert(name.text.clone(), name.span);
                self.insert(checker, name.ident().to_string(), name.span, None);
            }
        }
    }

    fn twice(&self, name: &str, span: Span, first: Span) -> Diagnostic {
        let message = format!("{} is used twice: `{name}`", self.what);
        Diagnostic::error(codes::DUPLICATE, message, span).also(first, "the first is here")
    }

    /// Takes a name; reports if it is gone. `made` says what a generated name ends in.
    fn insert(
        &mut self,
        checker: &mut Checker<'_>,
        name: String,
        span: Span,
        made: Option<&'static str>,
    ) {
        let Some(&(first, first_made)) = self.by.get(&name) else {
            self.by.insert(name, (span, made));
            return;
        };
        let error = match (made, first_made) {
            (None, None) => self.twice(&name, span, first),
            _ => {
                let message = format!("`{name}` is also the name of generated code");
                let (theirs, ours) = if made.is_some() { (first, span) } else { (span, first) };
                let error = Diagnostic::error(codes::DUPLICATE, message, theirs);
                error.also(ours, "it is made for this interface").help(OTHER_NAME)
            }
        };
        checker.push(error);
    }
}
