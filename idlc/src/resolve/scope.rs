//! What a module declares, and looking it up.

use std::collections::{HashMap, HashSet};

use proc_macro2::{Ident, Span as TokenSpan, TokenStream};
use quote::ToTokens;

use super::imports::inside;
use super::removed::gone;
use super::{DEEPEST, Resolver};
use crate::diagnostic::{Diagnostic, codes};
use crate::ir::{
    Availability, Bounds, Const, Docs, Flags, Item, Look, Member, Module, Name, Named, Object,
    Owner, Passing, Path, RustCode, Type, TypeKind, UnionUse, Version,
};
use crate::source::Span;

/// Names of types that are part of the language.
pub(crate) const BUILT_IN: [&str; 24] = [
    "bool", "u8", "u16", "u32", "u64", "u128", "i8", "i16", "i32", "i64", "i128", "f32", "f64",
    "string", "bytes", "list", "map", "path", "uuid", "duration", "time", "result", "handle",
    "stream",
];

/// The largest type that aliases may unfold to, in nodes.
///
/// `type B = (A, A); type C = (B, B); ..` doubles with each line: without a limit, forty lines
/// fill the memory.
const LARGEST: usize = 4096;

/// What a name stands for.
enum Declared {
    Const,
    Alias(Span),
    Struct(Named),
    Enum { named: Named, members: Vec<Name> },
    Flags { named: Named, members: Vec<Name> },
    Union(Named, UnionUse),
    Interface(Object),
}

impl Declared {
    fn describe(&self) -> &'static str {
        match self {
            Declared::Const => "a constant",
            Declared::Alias(_) => "a type alias",
            Declared::Struct(_) => "a struct",
            Declared::Enum { .. } => "an enum",
            Declared::Flags { .. } => "a `flags` type",
            Declared::Union(_, UnionUse::Error) => "an error",
            Declared::Union(_, UnionUse::Data) => "a union",
            Declared::Interface(_) => "an interface",
        }
    }
}

/// How far we got with something that may refer to other things, and perhaps to itself.
pub(super) enum Progress<T> {
    /// As written.
    Untouched(T),
    /// Being worked on: whoever meets this has gone round in a circle.
    Underway,
    /// Done; `None` if it could not be done, which has been reported.
    Done(Option<T>),
}

/// The declarations of a module by name.
pub(super) struct Scope {
    module: Vec<String>,
    declared: HashMap<String, Declared>,
    aliases: HashMap<String, Progress<Type>>,
    /// What is no more, with the version that it went with and where it stood: under `Name`, or
    /// `Of.NAME`.
    pub(super) removed: HashMap<String, (Version, Span)>,
    /// Aliases whose values nobody prints.
    sensitive: HashSet<String>,
    /// Short names, and what they stand for in full: something of an imported module, or the module.
    pub(super) uses: HashMap<String, String>,
    /// The imported modules.
    pub(super) modules: HashSet<String>,
    /// Names that `use` should have given.
    pub(super) missed: HashSet<String>,
    /// Under `NAME`, or `Interface.NAME`.
    pub(super) consts: HashMap<String, Progress<Const>>,
}

impl Scope {
    /// Where a name is declared twice, which the checker reports, the first counts.
    pub(super) fn new(module: &Module) -> Scope {
        let mut scope = Scope {
            module: module.name.segments.iter().map(|name| name.text.clone()).collect(),
            declared: HashMap::new(),
            aliases: HashMap::new(),
            consts: HashMap::new(),
            removed: HashMap::new(),
            sensitive: HashSet::new(),
            uses: HashMap::new(),
            modules: HashSet::new(),
            missed: HashSet::new(),
        };
        for item in &module.items {
            scope.declare(item, item.name().text.clone(), &|rust| rust);
        }
        scope
    }

    /// Declares something of the module `of`, which is the Rust module `prefix`.
    pub(super) fn declare_foreign(&mut self, item: &Item, of: &str, prefix: &TokenStream) {
        let name = format!("{of}.{}", item.name());
        self.declare(item, name, &|rust| inside(prefix, &rust));
    }

    /// Whether there is something of this name.
    pub(super) fn declares(&self, name: &str) -> bool {
        self.declared.contains_key(name)
    }

    /// The names of what imported modules declare.
    pub(super) fn foreign_names(&self) -> impl Iterator<Item = &str> {
        self.declared.keys().map(String::as_str).filter(|name| name.contains('.'))
    }

    /// Declares `item` under `name`; `place` makes its path in Rust of its bare name.
    fn declare(&mut self, item: &Item, name: String, place: &dyn Fn(RustCode) -> RustCode) {
        let written = item.name();
        let named = |name: &Name, passing| {
            let Named { rust, passing } = named(name, passing);
            Named { rust: place(rust), passing }
        };
        if let Some(gone) = gone(written, item.availability()) {
            self.removed.insert(name.clone(), gone);
        }
        let declared = match item {
            Item::Const(item) => {
                self.declare_const(name.clone(), item);
                Declared::Const
            }
            Item::Alias(item) => {
                if item.sensitive.is_some() {
                    self.sensitive.insert(name.clone());
                }
                let alias = Progress::Untouched(item.ty.clone());
                self.aliases.entry(name.clone()).or_insert(alias);
                Declared::Alias(written.span)
            }
            Item::Struct(_) => Declared::Struct(named(written, Passing::Reference)),
            Item::Enum(item) => {
                for member in &item.members {
                    if let Some(gone) = gone(&member.name, &member.availability) {
                        self.removed.insert(format!("{name}.{}", member.name), gone);
                    }
                }
                Declared::Enum {
                    named: named(written, Passing::Value),
                    members: item.members.iter().map(|member| member.name.clone()).collect(),
                }
            }
            Item::Flags(item) => {
                for member in &item.members {
                    if let Some(gone) = gone(&member.name, &member.availability) {
                        self.removed.insert(format!("{name}.{}", member.name), gone);
                    }
                    self.declare_flag(&name, item, member);
                }
                Declared::Flags {
                    named: named(written, Passing::Value),
                    members: item.members.iter().map(|member| member.name.clone()).collect(),
                }
            }
            Item::Union(item) => Declared::Union(named(written, Passing::Reference), item.used_as),
            Item::Interface(item) => {
                for constant in &item.consts {
                    if let Some(gone) = gone(&constant.name, &constant.availability) {
                        self.removed.insert(format!("{name}.{}", constant.name), gone);
                    }
                    self.declare_const(format!("{name}.{}", constant.name), constant);
                }
                let Named { rust, .. } = named(written, Passing::Reference);
                Declared::Interface(Object { rust, owner: Owner::Sender })
            }
        };
        self.declared.entry(name).or_insert(declared);
    }

    fn declare_const(&mut self, name: String, item: &Const) {
        self.consts.entry(name).or_insert_with(|| Progress::Untouched(item.clone()));
    }

    /// A flag is a constant to the flags beside it.
    fn declare_flag(&mut self, name: &str, of: &Flags, member: &Member) {
        let Some(value) = &member.value else { return };
        let constant = Const {
            name: member.name.clone(),
            docs: Docs::new(),
            availability: Availability::default(),
            look: Look::default(),
            ty: Type::new(TypeKind::Int(of.base.value, Bounds::none()), of.base.span),
            value: value.clone(),
        };
        self.declare_const(format!("{name}.{}", member.name), &constant);
    }

    /// The `flags` type that `ty` is, perhaps optionally.
    pub(super) fn flags_of(&self, ty: &Type) -> Option<&Named> {
        match &ty.kind {
            TypeKind::Optional(item) => self.flags_of(item),
            TypeKind::Named(wanted) => self.declared.values().find_map(|declared| match declared {
                Declared::Flags { named, .. } if named == wanted => Some(named),
                _ => None,
            }),
            _ => None,
        }
    }

    /// `path` without the module's own name in front.
    fn local<'p>(&self, path: &'p Path) -> &'p [Name] {
        let segments = path.segments.as_slice();
        let Some((own, rest)) = segments.split_at_checked(self.module.len()) else {
            return segments;
        };
        let is_own = own.iter().map(|name| &name.text).eq(&self.module);
        if is_own && !rest.is_empty() { rest } else { segments }
    }

    /// `path` as text, without the module's own name in front.
    pub(super) fn local_text(&self, path: &Path) -> String {
        let names: Vec<&str> = self.local(path).iter().map(|name| name.text.as_str()).collect();
        names.join(".")
    }

    /// The member that `Enum.MEMBER` names: the type's name and the member's.
    pub(super) fn member(&self, path: &Path) -> Option<MemberLookup> {
        let full = self.full(path);
        let (first, second) = full.rsplit_once('.')?;
        let (named, members, kind) = match self.declared.get(first)? {
            Declared::Enum { named, members } => (named, members, "enum"),
            Declared::Flags { named, members } => (named, members, "`flags` type"),
            _ => return None,
        };
        let is_flags = kind != "enum";
        let of = named.clone();
        Some(match members.iter().find(|member| member.text == second).cloned() {
            Some(member) if is_flags => MemberLookup::Flags { of, members: vec![member] },
            Some(member) => MemberLookup::Found { of, member },
            None if is_flags && second == NO_FLAG => {
                MemberLookup::Flags { of, members: Vec::new() }
            }
            None => MemberLookup::NoSuchMember {
                kind,
                members: members.iter().map(|member| member.text.clone()).collect(),
            },
        })
    }

    /// The key in `consts` that `path` means inside the interface `inside`.
    pub(super) fn const_key(&self, path: &Path, inside: Option<&str>) -> Option<String> {
        let in_interface = inside.map(|interface| format!("{interface}.{}", self.local_text(path)));
        let in_interface = in_interface.filter(|key| self.consts.contains_key(key));
        let key = in_interface.unwrap_or_else(|| self.full(path));
        self.consts.contains_key(&key).then_some(key)
    }

    /// What the last part of `path` is if it is no constant, for error texts.
    pub(super) fn describe(&self, path: &Path) -> Option<&'static str> {
        self.declared.get(&self.full(path)).map(Declared::describe)
    }
}

/// The name of the empty set, which every `flags` type has.
pub(crate) const NO_FLAG: &str = "NONE";

/// What became of looking up `Enum.MEMBER`.
pub(super) enum MemberLookup {
    Found { of: Named, member: Name },
    Flags { of: Named, members: Vec<Name> },
    NoSuchMember { kind: &'static str, members: Vec<String> },
}

fn named(name: &Name, passing: Passing) -> Named {
    // The type is generated beside what refers to it, so its bare name is its path. The span is
    // not that of the declaration: rustc's errors belong to the use.
    let mut ident: Ident = name.ident();
    ident.set_span(TokenSpan::call_site());
    Named { rust: RustCode(ident.to_token_stream()), passing }
}

impl Resolver<'_> {
    /// What a type's name stands for; reports if that is nothing or no type.
    pub(super) fn named_type(&mut self, path: &Path, span: Span) -> Option<TypeKind> {
        let name = self.scope.full(path);
        self.refuse_removed(&name, span);
        if self.scope.sensitive.contains(&name) {
            self.met_sensitive = Some(span);
        }
        match self.scope.declared.get(&name) {
            Some(Declared::Struct(named) | Declared::Union(named, _)) => {
                Some(TypeKind::Named(named.clone()))
            }
            Some(Declared::Enum { named, .. } | Declared::Flags { named, .. }) => {
                Some(TypeKind::Named(named.clone()))
            }
            Some(&Declared::Alias(declared)) => self.alias(&name, declared, span),
            Some(Declared::Interface(object)) => Some(TypeKind::Object(object.clone())),
            Some(other @ Declared::Const) => {
                let message = format!("`{name}` is {}, not a type", other.describe());
                self.found.push(Diagnostic::error(codes::WRONG_KIND, message, span));
                None
            }
            None => {
                self.report_unknown_type(path, span);
                None
            }
        }
    }

    /// Binds the name of an interface that another inherits from.
    pub(super) fn base(&mut self, ty: &mut Type) {
        let TypeKind::Unresolved(path) = &ty.kind else { return };
        let name = path.to_string();
        if BUILT_IN.contains(&name.as_str()) {
            let message = format!("`{name}` is a type of the language, not an interface");
            self.found.push(Diagnostic::error(codes::BAD_BASE, message, ty.span));
        } else {
            self.ty(ty);
        }
    }

    fn report_unknown_type(&mut self, path: &Path, span: Span) {
        let text = path.to_string();
        if self.scope.missed.contains(&text) {
            return;
        }
        let error =
            Diagnostic::error(codes::UNKNOWN_TYPE, format!("no type is named `{text}`"), span);
        let of_module = self.scope.declared.iter();
        let types = of_module.filter(|(_, what)| !matches!(what, Declared::Const));
        let names = types.map(|(name, _)| name.as_str()).chain(BUILT_IN);
        let elsewhere: Vec<&str> = self
            .scope
            .foreign_names()
            .filter(|name| name.rsplit('.').next() == Some(text.as_str()))
            .collect();
        self.found.push(match elsewhere.as_slice() {
            [] => with_closest(error, &text, names, span).once(),
            [one] => error.suggest("an imported module has it", span, *one).once(),
            several => error.help(format!("there are: {}", several.join(", "))).once(),
        });
    }

    /// The type behind an alias, unfolded once and kept.
    pub(super) fn alias(&mut self, name: &str, declared: Span, used: Span) -> Option<TypeKind> {
        let progress = self.scope.aliases.get_mut(name)?;
        match std::mem::replace(progress, Progress::Underway) {
            Progress::Untouched(mut ty) => {
                let bound = self.deeper(used, |this| {
                    this.ty(&mut ty);
                    Some(ty)
                });
                let unfolded = bound.and_then(|ty| self.within_limits(ty, declared));
                let kind = unfolded.as_ref().map(|ty| ty.kind.clone());
                self.scope.aliases.insert(name.to_owned(), Progress::Done(unfolded));
                kind
            }
            Progress::Underway => {
                let message = format!("type `{name}` stands for itself");
                let error = Diagnostic::error(codes::CYCLE, message, used);
                self.found.push(error.also(declared, "declared here").once());
                None
            }
            Progress::Done(unfolded) => {
                let kind = unfolded.as_ref().map(|ty| ty.kind.clone());
                self.scope.aliases.insert(name.to_owned(), Progress::Done(unfolded));
                kind
            }
        }
    }

    fn within_limits(&mut self, ty: Type, declared: Span) -> Option<Type> {
        let (nodes, depth) = size(&ty);
        if nodes <= LARGEST && depth <= DEEPEST {
            return Some(ty);
        }
        let message = format!("this type unfolds to {nodes} types, {depth} deep");
        let limits = format!("the limits are {LARGEST} types and a depth of {DEEPEST}");
        let error = Diagnostic::error(codes::NESTED_TOO_DEEPLY, message, declared);
        self.found.push(error.note(limits).help("use a struct in its place").once());
        None
    }
}

/// The number of types that make up `ty`, and how deep they nest.
fn size(ty: &Type) -> (usize, usize) {
    let sizes = ty.parts().into_iter().map(size);
    let (nodes, depth) = sizes.fold((0, 0), |(n, d), (nodes, depth)| (n + nodes, d.max(depth)));
    (nodes + 1, depth + 1)
}

/// `error` with "did you mean", if one of `names` is close to `text`.
pub(super) fn with_closest<'n>(
    error: Diagnostic,
    text: &str,
    names: impl Iterator<Item = &'n str>,
    span: Span,
) -> Diagnostic {
    match crate::diagnostic::closest(text, names) {
        Some(name) => error.suggest(format!("did you mean `{name}`?"), span, name),
        None => error,
    }
}
