//! Structs and enums: `#[derive(Alpc)]`.

mod flags;

use proc_macro2::TokenStream;
use syn::ext::IdentExt;

use super::attribute::{self, Argument, alpc};
use super::availability::{added, availability, look};
use super::docs::docs;
use super::inside;
use super::interface::{dotted, refuse_repeated};
use super::ty::{self, End};
use super::{references, report, span_of};
use crate::codegen::Runtime;
use crate::diagnostic::{Diagnostic, Diagnostics, codes};
use crate::ir::{
    At, Availability, Enum, Expr, Field, Growth, IntKind, Item, Look, Member, Name, Payload,
    Struct, Union, UnionUse, Variant, Version,
};
use crate::source::Span;

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
            enumeration(head, options.used_as, item, found)
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
    runtime: Runtime,
}

impl Options {
    const KEYS: [&str; 8] =
        ["final", "error", "union", "flags", "name", "added", "sensitive", "crate"];

    fn read(attributes: &[syn::Attribute], found: &mut Diagnostics) -> Options {
        let mut options = Options {
            growth: Growth::Open,
            used_as: None,
            flags: None,
            qualified: None,
            added: None,
            sensitive: None,
            runtime: Runtime::default(),
        };
        let arguments = alpc(attributes, found);
        refuse_repeated(&arguments, found);
        for argument in &arguments {
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
                options.added = added(argument, found);
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
        syn::Fields::Named(_) => self::fields(fields, found),
        syn::Fields::Unit => Vec::new(),
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

fn fields(fields: &syn::Fields, found: &mut Diagnostics) -> Vec<Field> {
    let all = fields.iter().enumerate().map(|(at, item)| field(at, item, found));
    all.collect::<Vec<_>>().into_iter().flatten().collect()
}

const FIELD_KEYS: [&str; 12] = [
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
            availability.added = added(argument, found);
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

const UNRECOGNIZED: &str = "Unrecognized";

/// An enum is an enumeration if no variant carries anything and nothing else is said.
fn enumeration(
    head: Head,
    used_as: Option<At<UnionUse>>,
    item: &syn::ItemEnum,
    found: &mut Diagnostics,
) -> Option<Item> {
    let (unrecognized, known): (Vec<&syn::Variant>, Vec<&syn::Variant>) =
        item.variants.iter().partition(|variant| variant.ident == UNRECOGNIZED);
    let is_plain = known.iter().all(|variant| matches!(variant.fields, syn::Fields::Unit));
    let unrecognized = unrecognized.first().copied();
    if used_as.is_none() && is_plain {
        return numbers(head, &known, unrecognized, found).map(Item::Enum);
    }
    let used_as = used_as.map_or(UnionUse::Data, |used_as| used_as.value);
    alternatives(head, used_as, &known, unrecognized, found).map(Item::Union)
}

fn numbers(
    head: Head,
    known: &[&syn::Variant],
    unrecognized: Option<&syn::Variant>,
    found: &mut Diagnostics,
) -> Option<Enum> {
    let base = match (head.growth, unrecognized) {
        (Growth::Closed, None) => At::new(IntKind::U32, head.name.span),
        (Growth::Open, Some(variant)) => base_of(variant, found)?,
        (Growth::Open, None) => {
            let message = "an open enum needs a place for the values of later versions";
            let error = Diagnostic::error(codes::UNEXPECTED, message, head.name.span);
            let fixes = "add `Unrecognized(u32)`, or say `#[alpc(final)]` if it will never grow";
            found.push(error.help(fixes));
            return None;
        }
        (Growth::Closed, Some(variant)) => {
            refuse_unrecognized(variant, found);
            return None;
        }
    };
    let members = known.iter().map(|variant| {
        let (value, availability) = number(variant, "value", found);
        Member {
            name: variant_name(variant),
            docs: docs(&variant.attrs),
            availability,
            look: look(&variant.attrs),
            value,
        }
    });
    Some(Enum {
        availability: head.availability,
        look: head.look,
        sensitive: head.sensitive,
        members: members.collect(),
        name: head.name,
        qualified: head.qualified,
        docs: head.docs,
        growth: head.growth,
        base,
        reserved: Vec::new(),
    })
}

fn variant_name(variant: &syn::Variant) -> Name {
    Name::new(variant.ident.unraw().to_string(), Span::Tokens(variant.ident.span()))
}

fn refuse_unrecognized(variant: &syn::Variant, found: &mut Diagnostics) {
    let message = "a `final` type has no later versions, so nothing is unrecognized";
    report(found, codes::RESERVED_NAME, &variant.ident, message);
}

/// The integer type in `Unrecognized(u32)`.
fn base_of(variant: &syn::Variant, found: &mut Diagnostics) -> Option<At<IntKind>> {
    let only = match &variant.fields {
        syn::Fields::Unnamed(fields) if fields.unnamed.len() == 1 => fields.unnamed.first(),
        _ => None,
    };
    let kind = only.and_then(|field| {
        let last = ty::last_segment(&field.ty)?;
        IntKind::from_name(&last.ident.to_string())
    });
    if kind.is_none() {
        let message = "`Unrecognized` of an enum holds the number: `Unrecognized(u32)`";
        report(found, codes::UNEXPECTED, variant, message);
    }
    kind.map(|kind| At::new(kind, span_of(&variant.fields)))
}

/// The number that a variant is given, by `= number` or `#[alpc(key = number)]`, and when it came.
fn number(
    variant: &syn::Variant,
    key: &str,
    found: &mut Diagnostics,
) -> (Option<Expr>, Availability) {
    let mut availability = availability(&variant.attrs);
    let mut number = variant.discriminant.as_ref().map(|(_, value)| super::expr::expr(value));
    let arguments = alpc(&variant.attrs, found);
    refuse_repeated(&arguments, found);
    for argument in &arguments {
        if argument.is(key) {
            number = expr(argument, found).or(number);
        } else if argument.is("added") {
            availability.added = added(argument, found);
        } else {
            attribute::unknown(argument, &[key, "added"], found);
        }
    }
    if let Some(Expr { kind: crate::ir::ExprKind::Rust(code), span }) = &number {
        let message = format!("`{code}` is not a number, and the macro cannot compute it");
        found.push(Diagnostic::error(codes::BAD_TAG, message, *span));
        return (None, availability);
    }
    (number, availability)
}

fn alternatives(
    head: Head,
    used_as: UnionUse,
    known: &[&syn::Variant],
    unrecognized: Option<&syn::Variant>,
    found: &mut Diagnostics,
) -> Option<Union> {
    match (head.growth, unrecognized) {
        (Growth::Closed, Some(variant)) => {
            refuse_unrecognized(variant, found);
            return None;
        }
        (Growth::Open, None) => {
            let message = "an open union needs a place for the cases of later versions";
            let error = Diagnostic::error(codes::UNEXPECTED, message, head.name.span);
            let variant = "`Unrecognized { tag: u32, payload: Vec<u8> }`";
            let fixes = format!("add {variant}, or say `#[alpc(final)]` if it will never grow");
            found.push(error.help(fixes));
        }
        (Growth::Open, Some(variant)) => check_unrecognized(variant, found),
        (Growth::Closed, None) => {}
    }
    let variants = known.iter().map(|variant| {
        let fields = fields(&variant.fields, found);
        let (tag, availability) = number(variant, "tag", found);
        Variant {
            name: variant_name(variant),
            docs: docs(&variant.attrs),
            availability,
            look: look(&variant.attrs),
            tag,
            payload: match &variant.fields {
                syn::Fields::Unit => Payload::Unit,
                syn::Fields::Unnamed(_) => Payload::Positional(fields),
                syn::Fields::Named(_) => Payload::Named(fields),
            },
        }
    });
    Some(Union {
        availability: head.availability,
        look: head.look,
        sensitive: head.sensitive,
        variants: variants.collect(),
        name: head.name,
        qualified: head.qualified,
        docs: head.docs,
        growth: head.growth,
        used_as,
        reserved: Vec::new(),
    })
}

fn check_unrecognized(variant: &syn::Variant, found: &mut Diagnostics) {
    let names = variant.fields.iter().filter_map(|field| field.ident.as_ref());
    let names: Vec<String> = names.map(|name| name.to_string()).collect();
    let is_right = matches!(variant.fields, syn::Fields::Named(_))
        && names.len() == 2
        && ["tag", "payload"].iter().all(|wanted| names.iter().any(|name| name == wanted));
    if !is_right {
        let message = "`Unrecognized` of a union is `Unrecognized { tag: u32, payload: Vec<u8> }`";
        report(found, codes::UNEXPECTED, variant, message);
    }
}
