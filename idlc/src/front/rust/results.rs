//! Results of methods, and the error they may raise.

use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Ident, Token};

use super::params::Marks;
use super::ty::{self, is_named, last_segment};
use super::{references, span_of};
use crate::diagnostic::{Diagnostic, Diagnostics, codes};
use crate::ir::{At, Bounds, IntKind, Name, Output, Type, TypeKind};
use crate::source::Span;

/// `#[returns(info, #[raw] samples)]`: what Rust's return types cannot say.
pub(super) struct Returns {
    entries: Vec<Entry>,
    span: Span,
}

struct Entry {
    attributes: Vec<Attribute>,
    /// `_` for the one result that needs no name.
    name: Ident,
    /// Of one that is removed, and so no part of the method's type.
    ty: Option<syn::Type>,
}

impl Parse for Entry {
    fn parse(input: ParseStream<'_>) -> syn::Result<Entry> {
        let attributes = input.call(Attribute::parse_outer)?;
        let name = input.call(Ident::parse_any)?;
        let ty = match input.parse::<Option<Token![:]>>()? {
            Some(_) => Some(input.parse()?),
            None => None,
        };
        Ok(Entry { attributes, name, ty })
    }
}

impl Returns {
    /// Reads the attribute.
    pub(super) fn read(attribute: &Attribute, found: &mut Diagnostics) -> Option<Returns> {
        let parse = Punctuated::<Entry, Token![,]>::parse_terminated;
        match attribute.parse_args_with(parse) {
            Ok(entries) => {
                Some(Returns { entries: entries.into_iter().collect(), span: span_of(attribute) })
            }
            Err(error) => {
                super::report_syntax(found, &error);
                None
            }
        }
    }
}

/// The error of a method that raises one, as it is written.
pub(super) fn raised(output: &syn::ReturnType) -> Option<&syn::Type> {
    let syn::ReturnType::Type(_, ty) = output else { return None };
    ty::arguments(last_segment(ty)?).get(1).copied()
}

/// What a method returns: its results and the error that it raises.
pub(super) fn results(
    output: &syn::ReturnType,
    returns: Option<Returns>,
    found: &mut Diagnostics,
) -> (Vec<Output>, Option<Type>) {
    let returns = returns.map(|returns| Marked::read(returns, found));
    let syn::ReturnType::Type(_, ty) = output else {
        return (zip(Vec::new(), returns, found), None);
    };
    let raising = last_segment(ty)
        .filter(|last| last.ident == "Result")
        .filter(|_| !returns.as_ref().is_some_and(Marked::is_one_result));
    let (value, raised, raised_ty) = match raising {
        None => (&**ty, None, None),
        Some(last) => match ty::arguments(last).as_slice() {
            [value, raised] => (*value, ty::owned(raised, found), Some(*raised)),
            _ => {
                let message = "the other side must be told both types of a `Result`";
                let error = Diagnostic::error(codes::BAD_RAISES, message, span_of(ty));
                found.push(error.help("write `Result<T, E>`, where `E` derives `Alpc`"));
                return (Vec::new(), None);
            }
        },
    };
    let parts: Vec<&syn::Type> = match value {
        syn::Type::Tuple(tuple) if tuple.elems.is_empty() => Vec::new(),
        // Without names it is one result that is a tuple.
        syn::Type::Tuple(tuple) if returns.as_ref().is_some_and(Marked::has_names) => {
            tuple.elems.iter().collect()
        }
        syn::Type::Tuple(tuple) if tuple.elems.iter().any(|item| is_named(item, "Blob")) => {
            let message = "several results have names, which the other side is told";
            let error = Diagnostic::error(codes::UNEXPECTED, message, span_of(tuple));
            found.push(error.help("name them: `#[returns(first, second)]` above the method"));
            return (Vec::new(), raised);
        }
        one => vec![one],
    };
    for part in &parts {
        super::streams::check_result(part, raised_ty, found);
    }
    (zip(parts, returns, found), raised)
}

/// [`Returns`] whose attributes have been read.
struct Marked {
    entries: Vec<(Entry, Marks)>,
    span: Span,
}

impl Marked {
    fn read(returns: Returns, found: &mut Diagnostics) -> Marked {
        let entries = returns.entries.into_iter().map(|entry| marked(entry, found));
        Marked { entries: entries.collect(), span: returns.span }
    }

    /// Is it `#[returns(#[result] _)]`?
    fn is_one_result(&self) -> bool {
        matches!(self.entries.as_slice(), [(_, marks)] if marks.result.is_some())
    }

    /// Is it anything but `#[returns(_)]`, which speaks of the one result that has no name?
    fn has_names(&self) -> bool {
        !matches!(self.entries.as_slice(), [(entry, _)] if entry.name == "_")
    }
}

/// Each type with its name and marks.
fn zip(types: Vec<&syn::Type>, returns: Option<Marked>, found: &mut Diagnostics) -> Vec<Output> {
    let Some(returns) = returns else {
        let results = types.into_iter().map(|ty| result(ty, None, Marks::default(), found));
        return results.collect::<Vec<_>>().into_iter().flatten().collect();
    };
    let living = |entry: &&(Entry, Marks)| entry.0.ty.is_none();
    let (named, there) = (returns.entries.iter().filter(living).count(), types.len());
    if named != there {
        let message = format!("results named: {named}; results returned: {there}");
        found.push(Diagnostic::error(codes::BAD_ATTRIBUTE_ARGUMENT, message, returns.span));
        return Vec::new();
    }
    let mut types = types.into_iter();
    let results = returns.entries.into_iter().map(|(entry, marks)| {
        let name = Name::new(entry.name.unraw().to_string(), Span::Tokens(entry.name.span()));
        let ty = entry.ty.as_ref().or_else(|| types.next())?;
        result(ty, Some(name).filter(|name| name.text != "_"), marks, found)
    });
    results.collect::<Vec<_>>().into_iter().flatten().collect()
}

/// An entry and what its attributes say. What is removed has its type here, everything else in the
/// method's own type.
fn marked(mut entry: Entry, found: &mut Diagnostics) -> (Entry, Marks) {
    let marks = Marks::take(&mut entry.attributes, found);
    for attribute in &entry.attributes {
        let message = "a result has no such attribute";
        super::report(found, codes::UNKNOWN_ATTRIBUTE, attribute, message);
    }
    let message = match (&entry.ty, marks.availability.is_removed()) {
        (None, true) => "what is removed has its type here: `#[removed(1.4)] name: String`",
        (Some(_), false) => "the type of a result stands behind the `->` of the method",
        _ => return (entry, marks),
    };
    super::report(found, codes::BAD_ATTRIBUTE_ARGUMENT, &entry.name, message);
    (Entry { ty: None, ..entry }, marks)
}

fn result(
    ty: &syn::Type,
    name: Option<Name>,
    mut marks: Marks,
    found: &mut Diagnostics,
) -> Option<Output> {
    let here = span_of(ty);
    if let (Some(mark), false) = (marks.result, is_named(ty, "Result") && name.is_none()) {
        let message = "`#[result]` is for the one result of a method that returns a `Result`";
        found.push(Diagnostic::error(codes::MISPLACED_ATTRIBUTE, message, mark.span));
    }
    let (mut lowered, view) = match is_named(ty, "Blob") {
        true => (Type::new(TypeKind::Bytes(Bounds::none()), here), Some(At::new((), here))),
        false => (references::given(ty, found)?, None),
    };
    if marks.raw.is_some() && matches!(lowered.kind, TypeKind::Bytes(_)) {
        // `Vec<u8>` is `bytes`; asked for as a memory image it is a list, as in `[raw] list<u8>`.
        let byte = Type::new(TypeKind::Int(IntKind::U8, Bounds::none()), here);
        lowered.kind = TypeKind::List(Box::new(byte), Bounds::none());
    }
    marks.apply(&mut lowered, found);
    let default = marks.default_of(&lowered, found);
    Some(Output {
        name,
        docs: Vec::new(),
        availability: marks.availability,
        sensitive: marks.sensitive,
        view: marks.view.or(view),
        raw: marks.raw,
        via: marks.via,
        ty: lowered,
        default,
    })
}
