//! The text of a contract, and what is hashed of it.
//!
//! It says everything that both sides must agree on. Anybody who has an interface in another form (a
//! tool, another language) can write and hash the same. [`Detail::Identity`] is what the fingerprint is
//! made of, and nothing else:
//!
//! ```text
//! alpc-fingerprint/1
//! method 2a6f0c1e8a1b4a57 "read" twoway (in "key": string, in "offset": u64, out "buf": [u8]) -> ("total": u64) raises "acme.kv.KvError"
//! method 51d0b7c3a94e02f8 "touch" oneway (in "key": string) -> ()
//! enum "acme.kv.Color" open unsigned {"Red" = 0, "Green" = 1}
//! struct "acme.kv.Pair" open {"key": string, "value": [u8]?}
//! union "acme.kv.KvError" open {"NotFound" = 1 {}, "TooLarge" = 2 {"limit": u64}}
//! ```
//!
//! - The first line is `alpc-fingerprint/1`. Every line ends with a line feed.
//! - Then the methods, by ordinal, which is written in 16 hexadecimal digits: `oneway`, `twoway` or
//!   `event`; parameters in order, each with `in`, `out` or `inout`, then `view` and `raw` where they
//!   are said (`in view "image": [u8]`); results in order, with the same flags but no direction;
//!   `raises` where there is an error of the interface's own.
//! - Then each named type once, sorted by its line, byte by byte: `open` or `closed` (`[final]`);
//!   fields in order; members by value and then by name, variants by tag and then by name.
//!   `flags "Name" {..}` is written as an enum is, `opaque "Name"` where nothing but the name is known,
//!   `interface "Name" 6f1d..9d11 1 {..}` with uuid, major version and methods where objects are
//!   handed over.
//! - A type is `unit`, `bool`, `u8` to `u128`, `i8` to `i128`, `f32`, `f64`, `string`, `path`, `uuid`,
//!   `duration`, `time`, `[T]` for a list (`bytes` is `[u8]`), `[T; 4]` for an array, `{K: V}` for a
//!   map, `T?` for an optional value, `(A, B)` for a tuple, `result<T, E>`, `stream<T>`,
//!   `handle<file>`, and for a named type its name.
//! - Names stand between double quotes; in them, `"` and `\` have a `\` in front, and a line feed is
//!   written `\n`.
//!
//! [`Detail::Everything`] is the same with what may differ between two sides that understand each
//! other, and that a comparison wants to know:
//!
//! - The first line is `alpc-contract/1`, the second
//!   `interface "acme.kv.KeyValue" 6f1d0c1e8a1b4a579a5e2f4c2a3b9d11 1.1`.
//! - Bounds stand behind a type: `u32<1..=100>`, `[u8]<..=64>`; the rights of a handle behind its kind:
//!   `handle<file, read|write>`.
//! - `"name"?: T` is a value that a reader can do without, and `"name": T = "5"` one with that default,
//!   as the source has it, between quotes.
//! - Behind `twoway`: `must_understand`, `idempotent`, `cancellable`, `as "name"` for the name in the
//!   source, `from "acme.Base"` for what is inherited; before a handle parameter's name `move`.
//! - Behind a method's marks, a field, a parameter, a member and a variant: `added 1.1`,
//!   `deprecated 1.2`, `removed 1.3`.
//! - Behind the sign of an enum, and the name of flags, their base type; behind a type that can have
//!   one, `reserved {4, 6..=8, "Gone"}`; behind the version of an interface, the same with names.
//!
//! Why names count: parameters of one type that swapped their places have the same layout, and
//! calls would succeed with the wrong data. A rename gives another fingerprint, and the comparison
//! that follows finds it harmless.
//!
//! Why lines are sorted and a type is a line: two types may have the same name (in Rust they do, in
//! different modules). As a set of lines, the text depends on no order.

use std::fmt::{self, Write};

use crate::{
    Absence, Availability, Basic, Body, Contract, Definition, Direction, Field, Growth, Interface,
    Kind, Member, Method, MethodKind, Param, Reserved, Type, Types, Variant, Version,
};

/// How much of a contract is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// What both sides must have alike.
    Identity,
    /// What a comparison wants to know besides.
    Everything,
}

impl Detail {
    /// The first line.
    pub(crate) fn head(self) -> &'static str {
        match self {
            Detail::Identity => "alpc-fingerprint/1",
            Detail::Everything => "alpc-contract/1",
        }
    }
}

impl Contract {
    /// The canonical text, as this module's documentation describes it.
    pub fn to_text(&self, detail: Detail) -> String {
        let mut out = Out { text: format!("{}\n", detail.head()), detail };
        if detail == Detail::Everything {
            out.text.push_str("interface ");
            out.interface_head(&self.interface);
            out.text.push('\n');
        }
        for method in by_ordinal(&self.interface) {
            out.method(method);
            out.text.push('\n');
        }
        out.types(&self.types);
        out.text
    }

    /// A number that is equal on two sides when all their methods mean the same: the first 16 bytes of
    /// the SHA-256 of the [`Identity`](Detail::Identity) text.
    ///
    /// It covers methods, names, types, directions, tags and flags, and none of what may differ without
    /// harm: the order of methods, the interface's own name and version, defaults, bounds.
    pub fn fingerprint(&self) -> [u8; 16] {
        let hash = hmac_sha256::Hash::hash(self.to_text(Detail::Identity).as_bytes());
        let [half, ..] = hash.as_chunks::<16>().0 else { return [0; 16] };
        *half
    }

    /// The SHA-256 of the whole text, bounds and defaults included: what a frozen version is
    /// recognised by.
    pub fn contract_hash(&self) -> [u8; 32] {
        hmac_sha256::Hash::hash(self.to_text(Detail::Everything).as_bytes())
    }
}

impl Types {
    /// The lines of these types alone, as they stand in a contract's text.
    pub fn to_text(&self) -> String {
        let mut out = Out { text: String::new(), detail: Detail::Everything };
        out.types(self);
        out.text
    }
}

/// The line by which definitions of one name are sorted.
pub(crate) fn definition_line(definition: &Definition) -> String {
    let mut out = Out { text: String::new(), detail: Detail::Everything };
    out.definition(definition);
    out.text
}

fn by_ordinal(interface: &Interface) -> Vec<&Method> {
    let mut methods: Vec<&Method> = interface.methods.iter().collect();
    methods.sort_by_key(|method| (method.ordinal, &method.name));
    methods
}

/// A text that is being written.
struct Out {
    text: String,
    detail: Detail,
}

impl Out {
    fn put(&mut self, text: fmt::Arguments<'_>) {
        // Writing to a string fails only where a `Display` does, and those here do not.
        let _ = self.text.write_fmt(text);
    }

    fn everything(&self) -> bool {
        self.detail == Detail::Everything
    }

    fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Out, &T)) {
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.text.push_str(", ");
            }
            write(self, item);
        }
    }

    fn types(&mut self, types: &Types) {
        let mut lines: Vec<String> = types
            .iter()
            .map(|definition| {
                let mut line = Out { text: String::new(), detail: self.detail };
                line.definition(definition);
                line.text.push('\n');
                line.text
            })
            .collect();
        lines.sort_unstable();
        lines.dedup();
        self.text.extend(lines);
    }

    fn definition(&mut self, definition: &Definition) {
        let name = Quoted(&definition.name);
        match &definition.body {
            Body::Struct { growth, fields } => {
                self.put(format_args!("struct {name} {} ", openness(*growth)));
                self.fields(fields);
            }
            Body::Enum { growth, signed, base, members, reserved } => {
                let sign = if *signed { "signed" } else { "unsigned" };
                self.put(format_args!("enum {name} {} {sign} ", openness(*growth)));
                self.members(*base, members, reserved);
            }
            Body::Flags { base, members, reserved } => {
                self.put(format_args!("flags {name} "));
                self.members(*base, members, reserved);
            }
            Body::Union { growth, variants, reserved } => {
                self.put(format_args!("union {name} {} {{", openness(*growth)));
                let mut variants: Vec<&Variant> = variants.iter().collect();
                variants.sort_by_key(|variant| (variant.tag, &variant.name));
                self.list(&variants, |out, variant| {
                    out.put(format_args!("{} = {} ", Quoted(&variant.name), variant.tag));
                    out.fields(&variant.fields);
                    out.availability(variant.availability);
                });
                self.text.push('}');
                self.reserved(reserved);
            }
            Body::Interface(interface) => {
                self.text.push_str("interface ");
                self.interface_head(interface);
                self.text.push_str(" {");
                self.list(&by_ordinal(interface), |out, method| out.method(method));
                self.text.push('}');
            }
            Body::Opaque => self.put(format_args!("opaque {name}")),
        }
    }

    fn interface_head(&mut self, interface: &Interface) {
        let Interface { name, id, version, reserved, .. } = interface;
        self.put(format_args!("{} {id:032x} {}", Quoted(name), version.major));
        if self.everything() {
            self.put(format_args!(".{}", version.minor));
            let reserved: Vec<Reserved> = reserved.iter().cloned().map(Reserved::Name).collect();
            self.reserved(&reserved);
        }
    }

    fn method(&mut self, method: &Method) {
        let kind = match method.kind {
            MethodKind::TwoWay => "twoway",
            MethodKind::OneWay => "oneway",
            MethodKind::Event => "event",
        };
        self.put(format_args!("method {:016x} {} {kind} ", method.ordinal, Quoted(&method.name)));
        if self.everything() {
            self.marks(method);
        }
        self.text.push('(');
        self.list(&method.params, |out, param| {
            out.text.push_str(match param.direction {
                Direction::In => "in ",
                Direction::Out => "out ",
                Direction::InOut => "inout ",
            });
            out.param(param);
        });
        self.text.push_str(") -> (");
        self.list(&method.results, Out::param);
        self.text.push(')');
        if let Some(error) = &method.raises {
            self.text.push_str(" raises ");
            self.ty(error);
        }
    }

    fn marks(&mut self, method: &Method) {
        let Method { must_understand, idempotent, cancellable, source_name, declared_in, .. } =
            method;
        for (said, mark) in [
            (must_understand, "must_understand "),
            (idempotent, "idempotent "),
            (cancellable, "cancellable "),
        ] {
            self.text.push_str(if *said { mark } else { "" });
        }
        if let Some(name) = source_name {
            self.put(format_args!("as {} ", Quoted(name)));
        }
        if let Some(base) = declared_in {
            self.put(format_args!("from {} ", Quoted(base)));
        }
        let Availability { added, deprecated, removed } = method.availability;
        for (word, version) in since(added, deprecated, removed) {
            self.put(format_args!("{word} {version} "));
        }
    }

    fn param(&mut self, param: &Param) {
        self.text.push_str(if param.view { "view " } else { "" });
        self.text.push_str(if param.raw { "raw " } else { "" });
        if self.everything() && param.moved {
            self.text.push_str("move ");
        }
        self.value(&param.name, &param.ty, &param.absence, param.availability);
    }

    fn fields(&mut self, fields: &[Field]) {
        self.text.push('{');
        self.list(fields, |out, field| {
            out.value(&field.name, &field.ty, &field.absence, field.availability);
        });
        self.text.push('}');
    }

    fn value(&mut self, name: &str, ty: &Type, absence: &Absence, availability: Availability) {
        let foreseen = self.everything() && *absence == Absence::Foreseen;
        self.put(format_args!("{}{}: ", Quoted(name), if foreseen { "?" } else { "" }));
        self.ty(ty);
        if let Absence::Default(default) = absence
            && self.everything()
        {
            self.put(format_args!(" = {}", Quoted(default)));
        }
        self.availability(availability);
    }

    fn members(&mut self, base: Option<Basic>, members: &[Member], reserved: &[Reserved]) {
        if let Some(base) = base
            && self.everything()
        {
            self.put(format_args!("{} ", base.name()));
        }
        let mut members: Vec<&Member> = members.iter().collect();
        members.sort_by_key(|member| (member.value, &member.name));
        self.text.push('{');
        self.list(&members, |out, member| {
            out.put(format_args!("{} = {}", Quoted(&member.name), member.value));
            out.availability(member.availability);
        });
        self.text.push('}');
        self.reserved(reserved);
    }

    fn reserved(&mut self, reserved: &[Reserved]) {
        if reserved.is_empty() || !self.everything() {
            return;
        }
        let mut reserved = reserved.to_vec();
        reserved.sort();
        self.text.push_str(" reserved {");
        self.list(&reserved, |out, item| match item {
            Reserved::Numbers(one, other) if one == other => out.put(format_args!("{one}")),
            Reserved::Numbers(first, last) => out.put(format_args!("{first}..={last}")),
            Reserved::Name(name) => out.put(format_args!("{}", Quoted(name))),
        });
        self.text.push('}');
    }

    fn availability(&mut self, Availability { added, deprecated, removed }: Availability) {
        if self.everything() {
            for (word, version) in since(added, deprecated, removed) {
                self.put(format_args!(" {word} {version}"));
            }
        }
    }

    fn ty(&mut self, ty: &Type) {
        self.put(format_args!("{}", Shown(ty, self.detail)));
    }
}

fn since(
    added: Option<Version>,
    deprecated: Option<Version>,
    removed: Option<Version>,
) -> impl Iterator<Item = (&'static str, Version)> {
    let all = [("added", added), ("deprecated", deprecated), ("removed", removed)];
    all.into_iter().filter_map(|(word, version)| Some((word, version?)))
}

fn openness(growth: Growth) -> &'static str {
    match growth {
        Growth::Open => "open",
        Growth::Closed => "closed",
    }
}

/// A type, with or without what does not count in the fingerprint.
struct Shown<'a>(&'a Type, Detail);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shown(ty, detail) = *self;
        let inner = |ty| Shown(ty, detail);
        match &ty.kind {
            Kind::Basic(basic) => f.write_str(basic.name())?,
            Kind::List(element) => write!(f, "[{}]", inner(element))?,
            Kind::Array(element, len) => write!(f, "[{}; {len}]", inner(element))?,
            Kind::Map(key, value) => write!(f, "{{{}: {}}}", inner(key), inner(value))?,
            Kind::Optional(value) => write!(f, "{}?", inner(value))?,
            Kind::Tuple(members) => {
                f.write_char('(')?;
                for (i, member) in members.iter().enumerate() {
                    f.write_str(if i > 0 { ", " } else { "" })?;
                    inner(member).fmt(f)?;
                }
                f.write_char(')')?;
            }
            Kind::Result(value, error) => {
                write!(f, "result<{}, {}>", inner(value), inner(error))?;
            }
            Kind::Stream(item) => write!(f, "stream<{}>", inner(item))?,
            Kind::Handle { kind, rights } => {
                write!(f, "handle<{kind}")?;
                if detail == Detail::Everything && !rights.is_empty() {
                    write!(f, ", {}", rights.join("|"))?;
                }
                f.write_char('>')?;
            }
            Kind::Named(name) => Quoted(name).fmt(f)?,
        }
        match detail {
            Detail::Everything => ty.bounds.fmt(f),
            Detail::Identity => Ok(()),
        }
    }
}

/// With everything that is known of it.
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Shown(self, Detail::Everything).fmt(f)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A name between quotes, so that none can look like something else.
#[derive(Clone, Copy, Debug)]
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                '\n' => f.write_str("\\n")?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}
