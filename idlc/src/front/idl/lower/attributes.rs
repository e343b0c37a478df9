//! Documentation and attributes: what stands before a declaration.

use core::ops::RangeInclusive;
use core::time::Duration;

use pest::iterators::Pair;

use super::literal::{self, Number};
use super::{Lowerer, Rule, doc_line, parts, written};
use crate::diagnostic::{Diagnostic, closest, codes};
use crate::ir::{At, Docs, Name, Version};

/// What an attribute can stand before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Module,
    Const,
    Alias,
    Struct,
    Enum,
    Flags,
    Union,
    Error,
    Interface,
    Field,
    Member,
    Variant,
    Method,
    Event,
    Param,
    Result,
    Reserved,
    Import,
}

impl Target {
    fn describe(self) -> &'static str {
        match self {
            Target::Module => "modules",
            Target::Const => "constants",
            Target::Alias => "type aliases",
            Target::Struct => "structs",
            Target::Enum => "enums",
            Target::Flags => "flags",
            Target::Union => "unions",
            Target::Error => "errors",
            Target::Interface => "interfaces",
            Target::Field => "fields",
            Target::Member => "members of enums and flags",
            Target::Variant => "variants",
            Target::Method => "methods",
            Target::Event => "events",
            Target::Param => "parameters",
            Target::Result => "results",
            Target::Reserved => "reserved members",
            Target::Import => "`import` and `use`",
        }
    }
}

/// What we do with an attribute.
enum Status {
    /// It stands before these.
    On(&'static [Target]),
    /// Another language has it; this is what to write.
    Foreign(&'static str),
}

use Target::{
    Alias, Const, Enum, Error, Event, Field, Flags, Interface, Member, Method, Module, Param,
    Result as Answer, Struct, Union, Variant,
};

/// What comes and goes.
const DATED: &[Target] = &[
    Const, Alias, Struct, Enum, Flags, Union, Error, Interface, Field, Member, Variant, Method,
    Event, Param, Answer,
];

const ATTRIBUTES: &[(&str, Status)] = &[
    ("uuid", Status::On(&[Interface])),
    ("version", Status::On(&[Interface, Module])),
    ("endpoint", Status::On(&[Interface])),
    ("added", Status::On(DATED)),
    ("wire_name", Status::On(&[Method, Event])),
    ("oneway", Status::On(&[Method])),
    ("idempotent", Status::On(&[Method])),
    ("timeout", Status::On(&[Method, Interface])),
    ("in", Status::On(&[Param])),
    ("out", Status::On(&[Param])),
    ("view", Status::On(&[Param, Answer])),
    ("raw", Status::On(&[Param, Answer])),
    ("move", Status::On(&[Param])),
    ("final", Status::On(&[Struct, Enum, Union, Error])),
    ("stable", Status::On(&[Module, Interface])),
    ("deprecated", Status::On(DATED)),
    ("removed", Status::On(DATED)),
    ("must_understand", Status::On(&[Method, Event])),
    ("cancellable", Status::On(&[Method])),
    ("via", Status::On(&[Param, Answer])),
    ("sensitive", Status::On(&[Field, Param, Answer, Struct, Enum, Flags, Union, Error, Alias])),
    (
        "rust.name",
        Status::On(&[
            Const, Struct, Enum, Flags, Union, Error, Interface, Field, Member, Variant, Method,
            Param,
        ]),
    ),
    ("rust.derive", Status::On(&[Struct, Enum, Flags, Union, Error])),
    ("rust.async", Status::On(&[Interface, Method])),
    ("rust.deferred", Status::On(&[Method])),
    (
        "doc.hidden",
        Status::On(&[
            Const, Struct, Enum, Flags, Union, Error, Interface, Field, Member, Variant, Method,
        ]),
    ),
    ("derive", Status::Foreign("Rust traits are derived with `[rust.derive(..)]`")),
    ("call_as", Status::Foreign("a method is called by its name; `wire_name` keeps an old one")),
    ("local", Status::Foreign("every method is a call; what is local is no part of an interface")),
    (
        "context_handle",
        Status::Foreign("what the server keeps for a client is an object: return an interface"),
    ),
    ("switch_is", Status::Foreign("a `union` carries its tag")),
    ("switch_type", Status::Foreign("a `union` carries its tag")),
    ("case", Status::Foreign("the variants of a `union` have names")),
    ("default", Status::Foreign("a default stands behind the type: `name: u32 = 0`")),
    ("nonnull", Status::Foreign("every value is there, unless it is `T?`")),
    ("nullable", Status::Foreign("a value that may be missing is `T?`")),
    ("range", Status::Foreign("bounds are part of the type: `u32<1..=100>`")),
    ("string", Status::Foreign("text is the type `string`")),
    ("unique", Status::Foreign("a value that may be missing is `T?`")),
    ("ptr", Status::Foreign("there are no pointers; a value that may be missing is `T?`")),
    ("ref", Status::Foreign("there are no pointers; every value is sent")),
    ("retval", Status::Foreign("results stand behind `->`")),
    ("size_is", Status::Foreign("`bytes` and `list<T>` carry their length; no parameter does")),
    ("length_is", Status::Foreign("`bytes` and `list<T>` carry their length; no parameter does")),
    ("max_is", Status::Foreign("`bytes<..=N>` and `list<T, ..=N>` say how long they may be")),
    ("iid_is", Status::Foreign("interfaces are types of their own")),
    ("helpstring", Status::Foreign("documentation is written with `///`")),
    ("object", Status::Foreign("every interface is one")),
    ("pointer_default", Status::Foreign("there are no pointers")),
    ("async", Status::Foreign("how a handler in Rust works is `[rust.async]`")),
    ("optional", Status::Foreign("a value that may be missing is `T?`")),
];

/// `a, b and c`
fn listed(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// One attribute.
pub(super) struct Attribute<'i> {
    name: Name,
    value: Given<'i>,
}

enum Given<'i> {
    Nothing,
    Args(Vec<Pair<'i, Rule>>),
    Equals(Pair<'i, Rule>),
    Uuid(Pair<'i, Rule>),
}

/// What stands before a declaration, with unknown and misplaced attributes already refused.
pub(super) struct Decor<'i> {
    pub(super) docs: Docs,
    attributes: Vec<Attribute<'i>>,
}

impl<'i> Decor<'i> {
    fn take(&mut self, name: &str) -> Option<Attribute<'i>> {
        let index = self.attributes.iter().position(|attribute| attribute.name.text == name)?;
        Some(self.attributes.remove(index))
    }
}

impl Lowerer<'_> {
    /// Reads what stands before a `target`.
    pub(super) fn decor<'i>(&mut self, pair: Pair<'i, Rule>, target: Target) -> Decor<'i> {
        let mut decor = Decor { docs: Vec::new(), attributes: Vec::new() };
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::outer_doc => decor.docs.extend(doc_line(part)),
                Rule::attr_list => self.attribute_list(part, target, &mut decor.attributes),
                _ => {}
            }
        }
        decor
    }

    fn attribute_list<'i>(
        &mut self,
        pair: Pair<'i, Rule>,
        target: Target,
        known: &mut Vec<Attribute<'i>>,
    ) {
        for pair in parts(pair) {
            let Some(attribute) = self.attribute(pair) else { continue };
            if !self.belongs(&attribute.name, target) {
                continue;
            }
            let same = known.iter().find(|other| other.name == attribute.name);
            if let Some(first) = same.map(|other| other.name.span) {
                let message = format!("`{}` is given twice", attribute.name);
                let told =
                    Diagnostic::error(codes::REPEATED_ATTRIBUTE, message, attribute.name.span)
                        .also(first, "first given here");
                self.found.push(told);
                continue;
            }
            known.push(attribute);
        }
    }

    fn attribute<'i>(&self, pair: Pair<'i, Rule>) -> Option<Attribute<'i>> {
        let mut inner = pair.into_inner();
        let first = inner.next()?;
        if first.as_rule() == Rule::uuid_attr {
            let mut inner = first.into_inner();
            let name = self.name(&inner.next()?);
            let value = inner.find(|part| !super::is_mark(part.as_rule()))?;
            return Some(Attribute { name, value: Given::Uuid(value) });
        }
        let name = self.name(&first);
        let value = match inner.find(|part| part.as_rule() != Rule::equals) {
            None => Given::Nothing,
            Some(part) if part.as_rule() == Rule::attr_args => Given::Args(parts(part).collect()),
            Some(part) => Given::Equals(part),
        };
        Some(Attribute { name, value })
    }

    /// Whether an attribute of this name may stand before a `target`; says so if not.
    fn belongs(&mut self, name: &Name, target: Target) -> bool {
        if let Some((tool, _)) = name.text.split_once('.')
            && !matches!(tool, "rust" | "doc")
        {
            // Other back ends have their own name space, and theirs is not ours to judge.
            return false;
        }
        let known = ATTRIBUTES.iter().find(|(known, _)| *known == name.text);
        match known.map(|(_, status)| status) {
            Some(Status::On(targets)) if targets.contains(&target) => return true,
            Some(Status::On(targets)) => {
                let message = format!("`[{name}]` means nothing before {}", target.describe());
                let places: Vec<_> = targets.iter().map(|target| target.describe()).collect();
                let told = Diagnostic::error(codes::MISPLACED_ATTRIBUTE, message, name.span)
                    .label(format!("stands before {}", listed(&places)));
                self.found.push(told);
            }
            Some(Status::Foreign(instead)) => {
                let message = format!("`[{name}]` is not in this language");
                let told = Diagnostic::error(codes::FOREIGN, message, name.span).label(*instead);
                self.found.push(told);
            }
            None => {
                let message = format!("no attribute is called `{name}`");
                let mut told = Diagnostic::error(codes::UNKNOWN_ATTRIBUTE, message, name.span)
                    .label("not an attribute");
                let names = ATTRIBUTES.iter().filter(|(_, status)| matches!(status, Status::On(_)));
                if let Some(close) = closest(&name.text, names.map(|(name, _)| *name)) {
                    told =
                        told.suggest("an attribute with a similar name exists", name.span, close);
                }
                self.found.push(told);
            }
        }
        false
    }

    /// Whether the attribute `name` is there. It takes no arguments.
    pub(super) fn flag(&mut self, decor: &mut Decor<'_>, name: &str) -> Option<At<()>> {
        let attribute = decor.take(name)?;
        if !matches!(attribute.value, Given::Nothing) {
            let message = format!("`[{name}]` takes no arguments");
            self.error(codes::BAD_ATTRIBUTE_ARGUMENT, message, attribute.name.span);
        }
        Some(At::new((), attribute.name.span))
    }

    /// The one argument of the attribute `name`, which looks like `example`.
    pub(super) fn argument<'i>(
        &mut self,
        decor: &mut Decor<'i>,
        name: &str,
        example: &str,
    ) -> Option<Pair<'i, Rule>> {
        self.arguments_of(decor, name, example, 1..=1)?.pop()
    }

    /// The arguments of the attribute `name`, which looks like `example`. None of them has a name.
    pub(super) fn arguments_of<'i>(
        &mut self,
        decor: &mut Decor<'i>,
        name: &str,
        example: &str,
        count: RangeInclusive<usize>,
    ) -> Option<Vec<Pair<'i, Rule>>> {
        let attribute = decor.take(name)?;
        let span = attribute.name.span;
        let (span, label) = match attribute.value {
            Given::Nothing => (span, "an argument is missing"),
            Given::Equals(value) | Given::Uuid(value) => {
                (self.span(&value), "arguments stand in parentheses")
            }
            Given::Args(args) if args.len() < *count.start() => (span, "an argument is missing"),
            Given::Args(args) if args.len() > *count.end() => match count.end() {
                1 => (span, "one argument only"),
                _ => (span, "too many arguments"),
            },
            Given::Args(args) => {
                let bare = |arg: Pair<'i, Rule>| {
                    arg.into_inner().next().filter(|arg| arg.as_rule() == Rule::expr)
                };
                match args.into_iter().map(bare).collect::<Option<Vec<_>>>() {
                    Some(args) => return Some(args),
                    None => (span, "the argument has no name"),
                }
            }
        };
        let message = format!("`{name}` is written `[{example}]`");
        let told = Diagnostic::error(codes::BAD_ATTRIBUTE_ARGUMENT, message, span).label(label);
        self.found.push(told);
        None
    }

    /// A version, `M.m`, as the argument of the attribute `name`.
    pub(super) fn version(&mut self, decor: &mut Decor<'_>, name: &str) -> Option<At<Version>> {
        let argument = self.argument(decor, name, &format!("{name}(1.0)"))?;
        self.version_of(&argument)
    }

    /// The uuid of an interface.
    pub(super) fn uuid(&mut self, decor: &mut Decor<'_>) -> Option<At<u128>> {
        let attribute = decor.take("uuid")?;
        let Given::Uuid(value) = attribute.value else {
            let told = Diagnostic::error(codes::BAD_UUID, "a uuid is missing", attribute.name.span)
                .label("write `uuid(xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx)`");
            self.found.push(told);
            return None;
        };
        let span = self.span(&value);
        let bare = value.as_str().trim_matches(['"', '{', '}']);
        let told = Diagnostic::error(codes::BAD_UUID, format!("`{bare}` is not a uuid"), span);
        let told = match literal::uuid(bare) {
            Ok(0) => told.label("the uuid of all zeros identifies nothing"),
            Ok(uuid) if bare.len() == value.as_str().len() => return Some(At::new(uuid, span)),
            Ok(_) => {
                Diagnostic::error(codes::BAD_UUID, "a uuid stands without quotes or braces", span)
                    .fix("write it bare", span, bare)
            }
            Err(problem) => told.label(problem),
        };
        self.found.push(told);
        None
    }

    /// A duration as the argument of the attribute `name`.
    pub(super) fn duration(&mut self, decor: &mut Decor<'_>, name: &str) -> Option<At<Duration>> {
        let argument = self.argument(decor, name, &format!("{name}(250ms)"))?;
        let (text, span) = (written(&argument), self.span(&argument));
        match literal::number(text) {
            Ok(Number::Duration(duration)) if !duration.is_zero() => {
                return Some(At::new(duration, span));
            }
            Ok(Number::Duration(_)) => {
                let message = "no call takes no time";
                self.error(codes::BAD_ATTRIBUTE_ARGUMENT, message, span);
            }
            Err(flaw) if text.starts_with(|c: char| c.is_ascii_digit()) => {
                let told = flaw.tell(text, span);
                self.found.push(told);
            }
            _ => {
                let message = format!("`{text}` is not a duration");
                let told = Diagnostic::error(codes::BAD_ATTRIBUTE_ARGUMENT, message, span)
                    .label("a number with `ns`, `us`, `ms`, `s` or `min`");
                self.found.push(told);
            }
        }
        None
    }

    /// A string as the argument of the attribute `name`.
    pub(super) fn text(&mut self, decor: &mut Decor<'_>, name: &str) -> Option<At<String>> {
        let argument = self.argument(decor, name, &format!("{name}(\"..\")"))?;
        self.text_of(name, argument)
    }

    /// The string that an argument of the attribute `name` is.
    pub(super) fn text_of(&mut self, name: &str, argument: Pair<'_, Rule>) -> Option<At<String>> {
        let span = self.span(&argument);
        match self.expr(argument)?.kind {
            crate::ir::ExprKind::Str(text) => Some(At::new(text, span)),
            _ => {
                let message = format!("`{name}` takes a string");
                let told = Diagnostic::error(codes::BAD_ATTRIBUTE_ARGUMENT, message, span)
                    .label("not a string");
                self.found.push(told);
                None
            }
        }
    }
}
