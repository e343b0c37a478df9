//! What an interface inherits from, and what it has from there.

use std::collections::{HashMap, HashSet};

use super::Checker;
use super::interfaces::{article, wire_names};
use crate::diagnostic::{Diagnostic, codes};
use crate::ir::{Interface, Item, Name, Type, TypeKind, identity};
use crate::source::Span;

/// How many interfaces one may inherit from, near and far.
const MOST: usize = 64;

/// A method or an event of an interface that another inherits from.
struct Inherited<'m> {
    from: &'m Interface,
    name: &'m Name,
    wire_name: &'m str,
    what: &'static str,
}

impl<'m> Checker<'m> {
    pub(super) fn bases(&mut self, item: &'m Interface) {
        let mut known: HashMap<String, Span> = HashMap::new();
        for base in &item.bases {
            match &base.kind {
                TypeKind::Object(object) => {
                    let name = object.rust.to_string();
                    if let Some(first) = known.insert(name, base.span) {
                        let path = || object.rust.to_string().replace(' ', "");
                        let name = self.base(base).map_or_else(path, |base| base.name.text.clone());
                        let message = format!("`{}` inherits twice from `{name}`", item.name);
                        let error = Diagnostic::error(codes::DUPLICATE, message, base.span);
                        self.push(error.also(first, "the first is here"));
                    }
                }
                TypeKind::Unresolved(_) => {}
                _ => self.no_interface(base),
            }
        }
        if let Some(ancestors) = self.ancestors(item) {
            self.inherited(item, &ancestors);
        }
    }

    /// The interface that a base is, if it is known here. Macros know none but their own.
    pub(super) fn base(&self, ty: &Type) -> Option<&'m Interface> {
        let TypeKind::Object(object) = &ty.kind else { return None };
        match self.items.get(&object.rust.to_string()) {
            Some(&Item::Interface(base)) => Some(base),
            _ => None,
        }
    }

    fn no_interface(&mut self, base: &Type) {
        let message = match self.definition(base) {
            Some(item) => format!("`{}` is {}, not an interface", item.name(), kind(item)),
            None => "a base is an interface".to_owned(),
        };
        let error = Diagnostic::error(codes::BAD_BASE, message, base.span);
        self.push(error.help("data is taken up as a parameter, a result or a field"));
    }

    /// All that an interface inherits from, nearest first. Reports if that is too much, or the
    /// interface itself.
    fn ancestors(&mut self, item: &'m Interface) -> Option<Vec<&'m Interface>> {
        let mut seen = HashSet::from([std::ptr::from_ref(item)]);
        // Each with the place of the one that it was found through.
        let mut found = vec![(item, 0)];
        let mut at = 0;
        while let Some(&(last, _)) = found.get(at) {
            for base in last.bases.iter().filter_map(|base| self.base(base)) {
                if std::ptr::eq(base, item) {
                    self.ring(item, &found, at);
                    return None;
                }
                if seen.insert(std::ptr::from_ref(base)) {
                    found.push((base, at));
                }
            }
            // The interface itself is there, too.
            if found.len() > MOST + 1 {
                let message = format!("`{}` inherits from more than {MOST} interfaces", item.name);
                let error = Diagnostic::error(codes::NESTED_TOO_DEEPLY, message, item.name.span);
                self.push(error);
                return None;
            }
            at += 1;
        }
        Some(found.into_iter().skip(1).map(|(base, _)| base).collect())
    }

    /// Reports an interface that inherits from itself, at the first of the ring in the source.
    fn ring(&mut self, item: &'m Interface, found: &[(&'m Interface, usize)], last: usize) {
        let mut way = Vec::new();
        let mut at = last;
        while let Some(&(base, before)) = found.get(at).filter(|_| at != 0) {
            way.push(base);
            at = before;
        }
        way.reverse();
        let place = |item: &Interface| item.name.span.range().map(|(_, range)| range.start);
        if way.iter().any(|other| place(other) < place(item)) {
            return;
        }
        let ring = way.iter().chain([&item]).map(|base| format!("`{}`", base.name));
        let ring = ring.collect::<Vec<_>>().join(", which inherits from ");
        let message = format!("`{}` inherits from itself", item.name);
        let error = Diagnostic::error(codes::CYCLE, message, item.name.span);
        self.push(error.note(format!("`{}` inherits from {ring}", item.name)));
    }

    /// What is inherited has names and numbers of its own.
    fn inherited(&mut self, item: &'m Interface, ancestors: &[&'m Interface]) {
        let all: Vec<_> = ancestors.iter().flat_map(|from| members(from)).collect();
        let mut names: HashMap<&str, &Inherited<'_>> = HashMap::new();
        let mut numbers: HashMap<u64, &Inherited<'_>> = HashMap::new();
        for inherited in &all {
            let ordinal =
                identity::ordinal(identity::interface_id(inherited.from), inherited.wire_name);
            if let Some(other) = names.insert(&inherited.name.text, inherited) {
                if !self.are_of_one_base(item, other.from, inherited.from) {
                    self.two_bases(item, other, inherited);
                }
            } else if let Some(other) = numbers.insert(ordinal, inherited) {
                let at = item.name.span;
                self.one_number((inherited.what, inherited.name), other, at);
            }
        }
        let id = identity::interface_id(item);
        for (name, written, what) in wire_names(item) {
            let by_wire_name = || all.iter().find(|inherited| inherited.wire_name == name.text);
            let other = names.get(name.text.as_str()).copied().or_else(by_wire_name);
            if let Some(other) = other {
                self.declared_again(item, name, what, other);
                continue;
            }
            let wire_name = written.map_or(name.text.as_str(), |written| written.value.as_str());
            if let Some(other) = numbers.get(&identity::ordinal(id, wire_name)) {
                self.one_number((what, name), other, name.span);
            }
        }
    }

    /// Whether a base of the interface has both already, so that whatever is wrong was told there.
    fn are_of_one_base(&self, item: &Interface, one: &Interface, other: &Interface) -> bool {
        item.bases.iter().filter_map(|base| self.base(base)).any(|base| {
            let mut all = vec![base];
            let mut at = 0;
            while let Some(&last) = all.get(at) {
                for base in last.bases.iter().filter_map(|base| self.base(base)) {
                    if !all.iter().any(|known| std::ptr::eq(*known, base)) {
                        all.push(base);
                    }
                }
                at += 1;
            }
            let has = |wanted: &Interface| all.iter().any(|base| std::ptr::eq(*base, wanted));
            has(one) && has(other)
        })
    }

    fn declared_again(&mut self, item: &Interface, name: &Name, what: &str, other: &Inherited<'_>) {
        let Inherited { from, what: its, .. } = other;
        let message =
            format!("`{}` has {} `{name}` from `{}`", item.name, with_article(its), from.name);
        let error = Diagnostic::error(codes::INHERITED, message, name.span);
        let error = error.label("declared again here").also(other.name.span, "inherited from here");
        self.push(match *its == what {
            true => error.help(format!(
                "leave it out: whoever serves `{}` serves `{}`, too",
                item.name, from.name
            )),
            false => error.help("give one of them another name"),
        });
    }

    fn two_bases(&mut self, item: &Interface, one: &Inherited<'_>, other: &Inherited<'_>) {
        let (first, second) = (&one.from.name, &other.from.name);
        let message = format!(
            "`{}` has `{}` twice: from `{first}` and from `{second}`",
            item.name, other.name
        );
        let error = Diagnostic::error(codes::INHERITED, message, item.name.span);
        let error = error.also(one.name.span, format!("{} of `{first}`", with_article(one.what)));
        let error =
            error.also(other.name.span, format!("{} of `{second}`", with_article(other.what)));
        let help = "give one of them another name, and keep the old one as its `wire_name`";
        self.push(error.help(help));
    }

    fn one_number(&mut self, (what, name): (&str, &Name), other: &Inherited<'_>, at: Span) {
        let its = with_article(other.what);
        let message = format!("{what} `{name}` has the number of {its} of `{}`", other.from.name);
        let error = Diagnostic::error(codes::ORDINAL_CLASH, message, at);
        let error = error.also(other.name.span, format!("`{}`", other.name));
        self.push(error.help("give one of them another `wire_name`"));
    }
}

/// What an interface declares. What is no more has a number and no name, so nothing is in its way.
fn members(from: &Interface) -> impl Iterator<Item = Inherited<'_>> {
    let methods = from.methods.iter().filter(|it| !it.availability.is_removed());
    let methods = methods.map(|it| (&it.name, it.wire_name(), "method"));
    let events = from.events.iter().filter(|it| !it.availability.is_removed());
    let all = methods.chain(events.map(|it| (&it.name, it.wire_name(), "event")));
    all.map(move |(name, wire_name, what)| Inherited { from, name, wire_name, what })
}

fn with_article(what: &str) -> String {
    format!("{} {what}", article(what))
}

fn kind(item: &Item) -> &'static str {
    match item {
        Item::Const(_) => "a constant",
        Item::Alias(_) => "a type alias",
        Item::Struct(_) => "a struct",
        Item::Enum(_) => "an enum",
        Item::Flags(_) => "a `flags` type",
        Item::Union(_) => "a union or an error",
        Item::Interface(_) => "an interface",
    }
}
