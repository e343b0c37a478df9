//! Arguments of macros and attributes: `key`, `key = value`, separated by commas.

use core::time::Duration;

use proc_macro2::{Ident, TokenStream};
use syn::Token;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;

use super::{report, report_syntax, span_of};
use crate::diagnostic::{Diagnostic, Diagnostics, closest, codes};
use crate::ir::{At, Version};
use crate::source::Span;

/// `key`, `key = value` or `key(..)`. The key may be a word that Rust reserves, as `final` and `crate` are.
pub(super) struct Argument {
    pub(super) key: Ident,
    pub(super) value: Option<syn::Expr>,
    /// What stands in the parentheses.
    pub(super) group: Option<TokenStream>,
}

impl Argument {
    /// Is it the one that is called so?
    pub(super) fn is(&self, key: &str) -> bool {
        self.key == key
    }
}

impl Parse for Argument {
    fn parse(input: ParseStream<'_>) -> syn::Result<Argument> {
        let key = input.call(Ident::parse_any)?;
        if input.peek(syn::token::Paren) {
            let inner;
            syn::parenthesized!(inner in input);
            return Ok(Argument { key, value: None, group: Some(inner.parse()?) });
        }
        let value = match input.parse::<Option<Token![=]>>()? {
            Some(_) => Some(input.parse()?),
            None => None,
        };
        Ok(Argument { key, value, group: None })
    }
}

/// A list of [`Argument`]s.
pub(super) struct Arguments(pub(super) Vec<Argument>);

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Arguments> {
        let all = Punctuated::<Argument, Token![,]>::parse_terminated(input)?;
        Ok(Arguments(all.into_iter().collect()))
    }
}

/// The arguments of every `#[alpc(..)]` in `attributes`.
pub(super) fn alpc(attributes: &[syn::Attribute], found: &mut Diagnostics) -> Vec<Argument> {
    let mut all = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("alpc")) {
        match attribute.parse_args::<Arguments>() {
            Ok(arguments) => all.extend(arguments.0),
            Err(error) => report_syntax(found, &error),
        }
    }
    all
}

/// Reports an argument that is none of `known`.
pub(super) fn unknown(argument: &Argument, known: &[&str], found: &mut Diagnostics) {
    let name = argument.key.unraw().to_string();
    let message = format!("there is no argument `{name}` here");
    let span = Span::Tokens(argument.key.span());
    let error = Diagnostic::error(codes::UNKNOWN_ATTRIBUTE, message, span);
    found.push(match closest(&name, known.iter().copied()) {
        Some(close) => error.help(format!("did you mean `{close}`?")),
        None => error.help(format!("there are: {}", known.join(", "))),
    });
}

/// Our attributes of methods.
pub(super) const OF_METHODS: &[&str] = &[
    "oneway",
    "idempotent",
    "must_understand",
    "cancellable",
    "timeout",
    "wire_name",
    "added",
    "removed",
    "returns",
];

/// Our attributes of parameters.
pub(super) const OF_PARAMETERS: &[&str] = &[
    "out", "view", "raw", "copy", "moved", "data", "handle", "via", "max", "min", "default",
    "added", "removed",
];

/// Reports an attribute that is one of `elsewhere`, or nearly one of `here`; says whether it did. All
/// others are Rust's to judge.
pub(super) fn slip(
    attribute: &syn::Attribute,
    here: &[&str],
    (elsewhere, place): (&[&str], &str),
    found: &mut Diagnostics,
) -> bool {
    const OF_RUST: &[&str] = &[
        "allow",
        "expect",
        "warn",
        "deny",
        "forbid",
        "must_use",
        "doc",
        "inline",
        "cold",
        "cfg",
        "cfg_attr",
        "deprecated",
        "track_caller",
    ];
    let Some(name) = attribute.path().get_ident().map(|name| name.to_string()) else {
        return false;
    };
    if OF_RUST.contains(&name.as_str()) {
        return false;
    }
    if elsewhere.contains(&name.as_str()) {
        let message = format!("`#[{name}]` stands before {place}");
        report(found, codes::MISPLACED_ATTRIBUTE, attribute, message);
        return true;
    }
    let Some(close) = closest(&name, here.iter().copied()) else { return false };
    let message = format!("no attribute is called `{name}`");
    let error = Diagnostic::error(codes::UNKNOWN_ATTRIBUTE, message, span_of(attribute));
    found.push(error.help(format!("did you mean `#[{close}]`?")));
    true
}

/// The text of `key = "text"`.
pub(super) fn text(argument: &Argument, found: &mut Diagnostics) -> Option<At<String>> {
    match &argument.value {
        Some(syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. })) => {
            Some(At::new(text.value(), Span::Tokens(text.span())))
        }
        _ => {
            let key = &argument.key;
            let message = format!("write `{key} = \"..\"`");
            report(found, codes::BAD_ATTRIBUTE_ARGUMENT, key, message);
            None
        }
    }
}

/// The path of `crate = path`.
pub(super) fn path(argument: &Argument, found: &mut Diagnostics) -> Option<syn::Path> {
    match &argument.value {
        Some(syn::Expr::Path(path)) if path.qself.is_none() => Some(path.path.clone()),
        _ => {
            let message = "write `crate = path::to::alpc_rpc`";
            report(found, codes::BAD_ATTRIBUTE_ARGUMENT, &argument.key, message);
            None
        }
    }
}

/// Reports a value behind a word that takes none.
pub(super) fn no_value(argument: &Argument, found: &mut Diagnostics) {
    if argument.value.is_some() || argument.group.is_some() {
        let message = format!("`{}` takes no value", argument.key);
        report(found, codes::BAD_ATTRIBUTE_ARGUMENT, &argument.key, message);
    }
}

/// `M.m`
pub(super) fn version(text: &At<String>, found: &mut Diagnostics) -> Option<At<Version>> {
    let version = Version::from_text(&text.value);
    if version.is_none() {
        let message = format!("`{}` is not a version", text.value);
        let error = Diagnostic::error(codes::BAD_VERSION, message, text.span);
        found.push(error.help("a version is `major.minor`, as in `1.0`"));
    }
    version.map(|version| At::new(version, text.span))
}

/// `1.4` or `"1.4"`: a number by its text, since 1.10 is not 1.1.
pub(super) fn version_literal(literal: &syn::Lit, found: &mut Diagnostics) -> Option<At<Version>> {
    let text = match literal {
        syn::Lit::Str(text) => text.value(),
        other => super::ty::text(other),
    };
    version(&At::new(text, span_of(literal)), found)
}

/// 32 hexadecimal digits, grouped 8-4-4-4-12.
pub(super) fn uuid(text: &At<String>, found: &mut Diagnostics) -> Option<At<u128>> {
    let groups: Vec<&str> = text.value.split('-').collect();
    let is_grouped = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]);
    let digits = groups.concat();
    let is_hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    match u128::from_str_radix(&digits, 16) {
        Ok(uuid) if is_grouped && is_hexadecimal => Some(At::new(uuid, text.span)),
        _ => {
            let message = format!("`{}` is not a uuid", text.value);
            let error = Diagnostic::error(codes::BAD_UUID, message, text.span);
            found.push(error.help("a uuid has 32 hexadecimal digits, grouped 8-4-4-4-12"));
            None
        }
    }
}

/// A number and a unit: `"250ms"`.
pub(super) fn duration(text: &At<String>, found: &mut Diagnostics) -> Option<At<Duration>> {
    let value = &text.value;
    let end = value.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(value.len());
    let (digits, unit) = value.split_at(end);
    let duration = digits.parse::<u64>().ok().and_then(|number| match unit {
        "ns" => Some(Duration::from_nanos(number)),
        "us" => Some(Duration::from_micros(number)),
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "min" => number.checked_mul(60).map(Duration::from_secs),
        _ => None,
    });
    if duration.is_none() {
        let message = format!("`{value}` is not a duration");
        let error = Diagnostic::error(codes::BAD_LITERAL, message, text.span);
        found.push(error.help("write a number and ns, us, ms, s or min, as in `\"250ms\"`"));
    }
    duration.map(|duration| At::new(duration, text.span))
}
