//! The fingerprint of an interface: what two sides compare at connect.
//!
//! It is the first 16 bytes of the SHA-256 of a text, which says everything that both sides must
//! agree on and nothing else. The text is written here, so that anybody who has an interface in
//! another form (the compiler, a tool, another language) can hash the same.
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
//! - Then the methods, by ordinal, which is written in 16 hexadecimal digits: `oneway` or `twoway`;
//!   parameters in order, each with `in`, `out` or `inout`, then `view` and `raw` where they are
//!   said (`in view "image": [u8]`); results in order, with the same flags but no direction;
//!   `raises` where there is an error of the interface's own.
//! - Then each named type once, sorted by its line, byte by byte: `open` or `closed` (`[final]`);
//!   fields in order; members by value and then by name, variants by tag and then by name.
//!   `flags "Name" {..}` as enums, but always open and unsigned. `opaque "Name"` where nothing but
//!   the name is known.
//! - A type is `unit`, `bool`, `u8` to `u128`, `i8` to `i128`, `f32`, `f64`, `string`, `[T]` for a
//!   list (`bytes` is `[u8]`), `[T; 4]` for an array, `{K: V}` for a map, `T?` for an optional
//!   value, `(A, B)` for a tuple, `result<T, E>` for a result, `path`, `uuid`, `duration`, `time`,
//!   and for a named type its name.
//! - Names stand between double quotes; in them, `"` and `\` have a `\` in front.
//!
//! Why names count: parameters of one type that swapped their places have the same layout, and
//! calls would succeed with the wrong data. A rename gives another fingerprint, and the comparison
//! that follows finds it harmless.
//!
//! Why lines are sorted and a type is a line: two types may have the same name (in Rust they do,
//! in different modules), and the address of a description says nothing (one type may have several).
//! As a set of lines, the text depends on neither.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use crate::descriptor::{
    Direction, FieldDesc, InterfaceDesc, MemberDesc, MethodDesc, ParamDesc, Ty, TypeDesc,
    VariantDesc,
};

/// The fingerprint of `interface`.
pub(crate) fn of(interface: &InterfaceDesc) -> [u8; 16] {
    let hash = hmac_sha256::Hash::hash(canonical_text(interface).as_bytes());
    let [half, ..] = hash.as_chunks::<16>().0 else { return [0; 16] };
    *half
}

/// The text that is hashed.
pub(crate) fn canonical_text(interface: &InterfaceDesc) -> String {
    let mut methods: Vec<&MethodDesc> = interface.methods.iter().collect();
    methods.sort_by_key(|method| method.ordinal);

    let mut text = "alpc-fingerprint/1\n".to_owned();
    let mut types = NamedTypes::default();
    for method in methods {
        text.push_str(&method_line(method));
        let values = method.params.iter().chain(method.results).map(|value| value.ty);
        for ty in values.chain(method.raises) {
            types.add(ty);
        }
    }
    for line in types.lines {
        text.push_str(&line);
    }
    text
}

/// The lines of the named types that an interface reaches.
#[derive(Default)]
struct NamedTypes {
    lines: BTreeSet<String>,
    /// The descriptions that were seen. By address, since different types may give equal lines and
    /// yet hold different ones; a type that has several addresses is only seen several times.
    seen: BTreeSet<usize>,
}

impl NamedTypes {
    fn add(&mut self, ty: Ty) {
        let desc = ty();
        if !self.seen.insert(std::ptr::from_ref(desc).addr()) {
            return;
        }
        if let Some(line) = definition_line(desc) {
            self.lines.insert(line);
        }
        match desc {
            TypeDesc::List(element) | TypeDesc::Array(element, _) | TypeDesc::Optional(element) => {
                self.add(*element);
            }
            TypeDesc::Map(first, second) | TypeDesc::Result(first, second) => {
                self.add(*first);
                self.add(*second);
            }
            TypeDesc::Tuple(members) => members.iter().for_each(|member| self.add(*member)),
            TypeDesc::Struct { fields, .. } => self.add_fields(fields),
            TypeDesc::Union { variants, .. } => {
                variants.iter().for_each(|variant| self.add_fields(variant.fields));
            }
            _ => {}
        }
    }

    fn add_fields(&mut self, fields: &[FieldDesc]) {
        for field in fields {
            self.add(field.ty);
        }
    }
}

fn method_line(method: &MethodDesc) -> String {
    let way = if method.oneway { "oneway" } else { "twoway" };
    let mut line = format!("method {:016x} {} {way} (", method.ordinal, Quoted(method.name));
    write_list(&mut line, method.params, |line, param| {
        line.push_str(match param.direction {
            Direction::In => "in ",
            Direction::Out => "out ",
            Direction::InOut => "inout ",
        });
        write_value(line, param);
    });
    line.push_str(") -> (");
    write_list(&mut line, method.results, write_value);
    line.push(')');
    if let Some(error) = method.raises {
        put(&mut line, format_args!(" raises {}", Reference(error)));
    }
    line.push('\n');
    line
}

fn write_value(line: &mut String, value: &ParamDesc) {
    if value.view {
        line.push_str("view ");
    }
    if value.raw {
        line.push_str("raw ");
    }
    put(line, format_args!("{}: {}", Quoted(value.name), Reference(value.ty)));
}

/// The line of a named type, and nothing for any other.
fn definition_line(desc: &TypeDesc) -> Option<String> {
    let mut line = String::new();
    match desc {
        TypeDesc::Struct { name, closed, fields } => {
            put(&mut line, format_args!("struct {} {} ", Quoted(name), openness(*closed)));
            write_fields(&mut line, fields);
        }
        TypeDesc::Enum { name, closed, signed, members } => {
            let sign = if *signed { "signed" } else { "unsigned" };
            put(&mut line, format_args!("enum {} {} {sign} {{", Quoted(name), openness(*closed)));
            write_members(&mut line, members);
            line.push('}');
        }
        TypeDesc::Flags { name, members } => {
            put(&mut line, format_args!("flags {} {{", Quoted(name)));
            write_members(&mut line, members);
            line.push('}');
        }
        TypeDesc::Union { name, closed, variants } => {
            put(&mut line, format_args!("union {} {} {{", Quoted(name), openness(*closed)));
            let mut variants: Vec<&VariantDesc> = variants.iter().collect();
            variants.sort_by_key(|variant| (variant.tag, variant.name));
            write_list(&mut line, &variants, |line, variant| {
                put(line, format_args!("{} = {} ", Quoted(variant.name), variant.tag));
                write_fields(line, variant.fields);
            });
            line.push('}');
        }
        TypeDesc::Opaque { name } => put(&mut line, format_args!("opaque {}", Quoted(name))),
        _ => return None,
    }
    line.push('\n');
    Some(line)
}

fn openness(closed: bool) -> &'static str {
    if closed { "closed" } else { "open" }
}

fn write_fields(line: &mut String, fields: &[FieldDesc]) {
    line.push('{');
    write_list(line, fields, |line, field| {
        put(line, format_args!("{}: {}", Quoted(field.name), Reference(field.ty)));
    });
    line.push('}');
}

fn write_members(line: &mut String, members: &[MemberDesc]) {
    let mut members: Vec<&MemberDesc> = members.iter().collect();
    members.sort_by_key(|member| (member.value, member.name));
    write_list(line, &members, |line, member| {
        put(line, format_args!("{} = {}", Quoted(member.name), member.value));
    });
}

fn write_list<T>(line: &mut String, items: &[T], write: impl Fn(&mut String, &T)) {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            line.push_str(", ");
        }
        write(line, item);
    }
}

fn put(line: &mut String, text: fmt::Arguments<'_>) {
    // Writing to a string fails only where a `Display` does, and those here do not.
    let _ = line.write_fmt(text);
}

/// A type where it is used: a named one by its name.
#[derive(Clone, Copy)]
pub(crate) struct Reference(pub(crate) Ty);

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0)() {
            TypeDesc::Unit => f.write_str("unit"),
            TypeDesc::Bool => f.write_str("bool"),
            TypeDesc::U8 => f.write_str("u8"),
            TypeDesc::U16 => f.write_str("u16"),
            TypeDesc::U32 => f.write_str("u32"),
            TypeDesc::U64 => f.write_str("u64"),
            TypeDesc::U128 => f.write_str("u128"),
            TypeDesc::I8 => f.write_str("i8"),
            TypeDesc::I16 => f.write_str("i16"),
            TypeDesc::I32 => f.write_str("i32"),
            TypeDesc::I64 => f.write_str("i64"),
            TypeDesc::I128 => f.write_str("i128"),
            TypeDesc::F32 => f.write_str("f32"),
            TypeDesc::F64 => f.write_str("f64"),
            TypeDesc::String => f.write_str("string"),
            TypeDesc::List(element) => write!(f, "[{}]", Reference(*element)),
            TypeDesc::Array(element, len) => write!(f, "[{}; {len}]", Reference(*element)),
            TypeDesc::Map(key, value) => {
                write!(f, "{{{}: {}}}", Reference(*key), Reference(*value))
            }
            TypeDesc::Optional(value) => write!(f, "{}?", Reference(*value)),
            TypeDesc::Path => f.write_str("path"),
            TypeDesc::Uuid => f.write_str("uuid"),
            TypeDesc::Duration => f.write_str("duration"),
            TypeDesc::Time => f.write_str("time"),
            TypeDesc::Result(value, error) => {
                write!(f, "result<{}, {}>", Reference(*value), Reference(*error))
            }
            TypeDesc::Tuple(members) => {
                f.write_str("(")?;
                for (i, member) in members.iter().enumerate() {
                    f.write_str(if i > 0 { ", " } else { "" })?;
                    Reference(*member).fmt(f)?;
                }
                f.write_str(")")
            }
            TypeDesc::Struct { name, .. }
            | TypeDesc::Enum { name, .. }
            | TypeDesc::Flags { name, .. }
            | TypeDesc::Union { name, .. }
            | TypeDesc::Opaque { name } => Quoted(name).fmt(f),
        }
    }
}

/// A name between quotes, so that none can look like something else.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            if matches!(c, '"' | '\\') {
                f.write_char('\\')?;
            }
            f.write_char(c)?;
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests;
