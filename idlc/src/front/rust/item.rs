//! Structs and enums: `#[derive(Alpc)]`.

mod cases;
mod flags;
mod removed;

use proc_macro2::TokenStream;
use syn::ext::IdentExt;

use super::attribute::{self, Argument, alpc};
use super::availability::{availability, look, version};
use super::docs::docs;
use super::inside;
use super::interface::{dotted, refuse_repeated};
use super::ty::{self, End};
use super::{references, report, span_of};
use crate::codegen::Runtime;
use crate::diagnostic::{Diagnostic, Diagnostics, codes};
use crate::ir::{
    At, Availability, Expr, Field, Growth, Item, Look, Name, Reserved, Struct, UnionUse, Version,
};
use crate::source::Span;
use removed::{Part, bury};

/// A struct or enum, taken in.
pub struct LoweredType {
    /// What it says.
    pub item: Item,
    /// Where the runtime is.
    pub runtime: Runtime,
}

/// Takes in what stands under `#[derive(Alpc)]`. `None` if nothing can be made of it, which has been
/// reported then.
pub fn lower_type(item: &syn::Item, found: &mut Diagnostics) -> Option<LoweredType> {
    let (attributes, ident, generics) = match item {
        syn::Item::Struct(item) => (&item.attrs, &item.ident, &item.generics),
        syn::Item::Enum(item) => (&item.attrs, &item.ident, &item.generics),
        other => {
            report(found, codes::UNEXPECTED, other, "only structs and enums derive `Alpc`");
            return None;
        }
    };
    if !generics.params.is_empty() {
        let message = "a type on the wire is not generic and borrows nothing";
        report(found, codes::UNEXPECTED, generics, message);
        return None;
    }
    let options = Options::read(attributes, found);
    let head = Head {
        name: Name::new(ident.unraw().to_string(), Span::Tokens(ident.span())),
        docs: docs(attributes),
        availability: Availability { added: options.added, ..availability(attributes) },
        look: look(attributes),
        sensitive: options.sensitive,
        growth: options.growth,
        qualified: options.qualified.unwrap_or_else(|| ident.unraw().to_string()),
        removed: options.removed,
        reserved: options.reserved,
    };
    let item = match item {
        syn::Item::Struct(item) => {
            refuse_on_struct(options.used_as, found);
            match options.flags {
                Some(listed) => flags::flags(head, &item.fields, listed, found).map(Item::Flags),
                None => record(head, &item.fields, found).map(Item::Struct),
            }
        }
        syn::Item::Enum(item) => {
            if options.flags.is_some() {
                let message = "flags are a struct: `struct PutFlags(u32);`";
                report(found, codes::MISPLACED_ATTRIBUTE, &item.ident, message);
            }
            cases::enumeration(head, options.used_as, item, found)
        }
        _ => None,
    };
    item.map(|item| LoweredType { item, runtime: options.runtime })
}

/// What every type has.
struct Head {
    name: Name,
    qualified: String,
    docs: Vec<String>,
    availability: Availability,
    look: Look,
    sensitive: Option<At<()>>,
    growth: Growth,
    /// Each `removed(..)`: what it was the kind of type knows.
    removed: Vec<Argument>,
    reserved: Vec<At<Reserved>>,
}

/// The arguments of `#[alpc(..)]` on a type.
struct Options {
    growth: Growth,
    /// Said to be a union or an error.
    used_as: Option<At<UnionUse>>,
    /// The flags that it is said to have.
    flags: Option<TokenStream>,
    qualified: Option<String>,
    added: Option<At<Version>>,
    sensitive: Option<At<()>>,
    removed: Vec<Argument>,
    reserved: Vec<At<Reserved>>,
    runtime: Runtime,
}

impl Options {
    const KEYS: [&str; 10] = [
        "final",
        "error",
        "union",
        "flags",
        "name",
        "added",
        "removed",
        "reserved",
        "sensitive",
        "crate",
    ];

    fn read(attributes: &[syn::Attribute], found: &mut Diagnostics) -> Options {
        let mut options = Options {
            growth: Growth::Open,
            used_as: None,
            flags: None,
            qualified: None,
            added: None,
            sensitive: None,
            removed: Vec::new(),
            reserved: Vec::new(),
            runtime: Runtime::default(),
        };
        let arguments = alpc(attributes, found);
        refuse_repeated(&arguments, found);
        for argument in arguments {
            if argument.is("removed") {
                options.removed.push(argument);
                continue;
            }
            let argument = &argument;
            if argument.is("final") {
                attribute::no_value(argument, found);
                options.growth = Growth::Closed;
            } else if argument.is("error") || argument.is("union") {
                attribute::no_value(argument, found);
                let is_error = argument.is("error");
                let used_as = if is_error { UnionUse::Error } else { UnionUse::Data };
                options.used_as = Some(At::new(used_as, Span::Tokens(argument.key.span())));
            } else if argument.is("flags") {
                options.flags = argument.group.clone();
                if argument.group.is_none() {
                    let message = "write the flags: `flags(READ = 0x1, WRITE = 0x2)`";
                    report(found, codes::BAD_ATTRIBUTE_ARGUMENT, &argument.key, message);
                }
            } else if argument.is("name") {
                let text = attribute::text(argument, found);
                options.qualified = text.and_then(|name| dotted(name, found));
            } else if argument.is("sensitive") {
                attribute::no_value(argument, found);
                options.sensitive = Some(At::new((), Span::Tokens(argument.key.span())));
            } else if argument.is("added") {
                options.added = version(argument, found);
            } else if argument.is("reserved") {
                options.reserved = removed::reserved(argument, found);
            } else if argument.is("crate") {
                if let Some(path) = attribute::path(argument, found) {
                    options.runtime = Runtime::at(&path);
                }
            } else {
                attribute::unknown(argument, &Options::KEYS, found);
            }
        }
        options
    }
}

fn refuse_on_struct(used_as: Option<At<UnionUse>>, found: &mut Diagnostics) {
    let Some(used_as) = used_as else { return };
    let message = match used_as.value {
        UnionUse::Error => "an error is an enum: one variant for each thing that can go wrong",
        UnionUse::Data => "a union is an enum: one variant for each thing that it can be",
    };
    found.push(Diagnostic::error(codes::MISPLACED_ATTRIBUTE, message, used_as.span));
}

fn record(head: Head, fields: &syn::Fields, found: &mut Diagnostics) -> Option<Struct> {
    let fields = match fields {
        syn::Fields::Named(_) | syn::Fields::Unit => self::fields(fields, &head.removed, found),
        syn::Fields::Unnamed(fields) => {
            let message = "a record has named fields; the names tell the versions apart";
            report(found, codes::UNEXPECTED, fields, message);
            return None;
        }
    };
    Some(Struct {
        availability: head.availability,
        look: head.look,
        sensitive: head.sensitive,
        name: head.name,
        qualified: head.qualified,
        docs: head.docs,
        growth: head.growth,
        fields,
    })
}

/// The fields of a record or payload, and where they stood those that are no more.
fn fields(fields: &syn::Fields, removed: &[Argument], found: &mut Diagnostics) -> Vec<Field> {
    let mut parts: Vec<_> = fields.iter().cloned().map(Part::living).collect();
    for argument in removed {
        match fields {
            syn::Fields::Named(_) | syn::Fields::Unit => bury(argument, &mut parts, found),
            syn::Fields::Unnamed(_) => {
                let message = "nothing is removed from what has no names";
                report(found, codes::MISPLACED_ATTRIBUTE, &argument.key, message);
            }
        }
    }
    let all = parts.iter().enumerate().map(|(at, part)| {
        let field = field(at, &part.what, found)?;
        let availability = Availability { removed: part.removed, ..field.availability };
        Some(Field { availability, ..field })
    });
    all.collect::<Vec<_>>().into_iter().flatten().collect()
}

const FIELD_KEYS: [&str; 13] = [
    "default",
    "max",
    "min",
    "added",
    "sensitive",
    "handle",
    "data",
    "items",
    "keys",
    "values",
    "ok",
    "err",
    inside::MEMBER,
];

fn field(at: usize, item: &syn::Field, found: &mut Diagnostics) -> Option<Field> {
    let name = match &item.ident {
        Some(ident) => Name::new(ident.unraw().to_string(), Span::Tokens(ident.span())),
        None => Name::new(at.to_string(), span_of(&item.ty)),
    };
    let mut ty = ty::owned(&item.ty, found)?;
    let mut default = None;
    let mut availability = availability(&item.attrs);
    let mut sensitive = None;
    let arguments = alpc(&item.attrs, found);
    refuse_repeated(&arguments, found);
    for argument in &arguments {
        if argument.is("default") {
            default = expr(argument, found);
        } else if argument.is("max") || argument.is("min") {
            let end = if argument.is("max") { End::Max } else { End::Min };
            if let Some(value) = expr(argument, found) {
                ty::set_bound(&mut ty, end, value, found);
            }
        } else if inside::PARTS.iter().any(|part| argument.is(part)) {
            match argument.group.clone() {
                Some(said) => inside::bound(&mut ty, &argument.key, said, found),
                None => {
                    let message = format!("write `{}(max = N)`", argument.key);
                    report(found, codes::BAD_ATTRIBUTE_ARGUMENT, &argument.key, message);
                }
            }
        } else if argument.is("handle") {
            references::handle_field(argument, &mut ty, found);
        } else if argument.is("data") {
            attribute::no_value(argument, found);
            references::as_data(&mut ty);
        } else if argument.is("sensitive") {
            attribute::no_value(argument, found);
            sensitive = Some(At::new((), Span::Tokens(argument.key.span())));
        } else if argument.is("added") {
            availability.added = version(argument, found);
        } else {
            attribute::unknown(argument, &FIELD_KEYS, found);
        }
    }
    if let Some(default) = &mut default {
        super::expr::read_text(default, &ty, found);
    }
    Some(Field {
        name,
        docs: docs(&item.attrs),
        availability,
        look: look(&item.attrs),
        sensitive,
        ty,
        default,
    })
}

/// The value of `key = expression`.
fn expr(argument: &Argument, found: &mut Diagnostics) -> Option<Expr> {
    if argument.value.is_none() {
        let message = format!("write `{} = value`", argument.key);
        report(found, codes::BAD_ATTRIBUTE_ARGUMENT, &argument.key, message);
    }
    argument.value.as_ref().map(super::expr::expr)
}
