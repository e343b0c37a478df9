//! Names: twice the same, ours, or nobody's.

use std::collections::HashMap;

use super::Checker;
use crate::diagnostic::{Diagnostic, codes};
use crate::ir::{Item, Module, Name};
use crate::source::Span;

/// The types of the language, and those of Rust that generated code writes without a path.
const TYPES: [&str; 24] = [
    "bool", "u8", "u16", "u32", "u64", "u128", "i8", "i16", "i32", "i64", "i128", "f32", "f64",
    "string", "bytes", "list", "map", "handle", "stream", "str", "usize", "isize", "char", "Self",
];

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
            taken.insert(self, name.ident().to_string(), name.span, None);
            if let Item::Interface(item) = item {
                let of_events =
                    if item.events.is_empty() { &[][..] } else { &["Emitter", "Event"] };
                for &behind in ["Client", "Server", "Ref"].iter().chain(of_events) {
                    let made = format!("{name}{behind}");
                    taken.insert(self, made, name.span, Some(behind));
                }
            }
        }
    }

    /// A name that is anybody's to use.
    pub(super) fn own_name(&mut self, name: &Name) {
        if name.text == "_" {
            let message = "`_` is not a name";
            self.push(Diagnostic::error(codes::RESERVED_NAME, message, name.span));
        } else if name.text.starts_with("__") {
            let message = format!("`{name}`: two underscores begin names of generated code");
            self.push(Diagnostic::error(codes::RESERVED_NAME, message, name.span));
        }
    }

    /// Names of things that are variables in generated code.
    pub(super) fn variables<'n>(&mut self, what: &str, names: impl Iterator<Item = &'n Name>) {
        for name in names {
            if !self.constants.contains(name.text.as_str()) {
                continue;
            }
            let message = format!("{what} `{name}` is called like a constant");
            self.found.push(Diagnostic::error(codes::RESERVED_NAME, message, name.span));
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
            taken.insert(self, name.ident().to_string(), name.span, None);
        }
    }
}

/// The Rust names in use so far. Two names of an interface may be one in Rust: `self` becomes
/// `self_`, and `KvClient` is made for `Kv`.
struct Taken {
    what: &'static str,
    by: HashMap<String, (Span, Option<&'static str>)>,
}

impl Taken {
    fn new(what: &'static str) -> Taken {
        Taken { what, by: HashMap::new() }
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
        let what = self.what;
        let error = match (made, first_made) {
            (None, None) => {
                let message = format!("{what} is used twice: `{name}`");
                Diagnostic::error(codes::DUPLICATE, message, span).also(first, "the first is here")
            }
            _ => {
                let message = format!("`{name}` is also the name of generated code");
                let (theirs, ours) = if made.is_some() { (first, span) } else { (span, first) };
                let error = Diagnostic::error(codes::DUPLICATE, message, theirs);
                error.also(ours, "it is made for this interface").help("choose another name")
            }
        };
        checker.push(error);
    }
}
