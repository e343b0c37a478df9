//! Parameters of methods.

use proc_macro2::{Ident, TokenStream};
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use super::attribute;
use super::docs::docs;
use super::inside;
use super::references::{self, HandleWords};
use super::ty::{self, End, is_named, last_segment};
use super::{report, report_syntax, span_of};
use crate::diagnostic::{Diagnostic, Diagnostics, codes};
use crate::ir::{
    At, Availability, Bounds, Direction, Expr, Name, Param, Passing, Type, TypeKind, Version, Via,
};
use crate::source::Span;

/// What the attributes of a parameter, or of a result, say.
#[derive(Default)]
pub(super) struct Marks {
    out: Option<At<()>>,
    pub(super) view: Option<At<()>>,
    pub(super) raw: Option<At<()>>,
    copy: Option<At<()>>,
    moved: Option<At<()>>,
    data: Option<At<()>>,
    /// The `Result` that a method returns is what it returns, and nothing is raised.
    pub(super) result: Option<At<()>>,
    pub(super) via: Option<At<Via>>,
    handle: Option<HandleWords>,
    bounds: Vec<(End, Expr)>,
    /// Of what is inside: which part, and what is said of it.
    inside: Vec<(Ident, TokenStream)>,
    pub(super) sensitive: Option<At<()>>,
    default: Option<Expr>,
    pub(super) availability: Availability,
}

impl Marks {
    /// Takes what is ours out of `attributes`, so that the Rust compiler does not see it.
    pub(super) fn take(attributes: &mut Vec<syn::Attribute>, found: &mut Diagnostics) -> Marks {
        let mut marks = Marks::default();
        attributes.retain(|attribute| !marks.read(attribute, found));
        marks
    }

    /// Reads one attribute; says whether it is ours.
    fn read(&mut self, attribute: &syn::Attribute, found: &mut Diagnostics) -> bool {
        let Some(name) = attribute.path().get_ident().map(|name| name.to_string()) else {
            return false;
        };
        let here = Some(At::new((), span_of(attribute.path())));
        match name.as_str() {
            "out" => self.out = here,
            "view" => self.view = here,
            "raw" => self.raw = here,
            "copy" => self.copy = here,
            "sensitive" => self.sensitive = here,
            "moved" => self.moved = here,
            "data" => self.data = here,
            "result" => self.result = here,
            "via" => self.via = via(attribute, found),
            "handle" => self.handle = handle(attribute, found),
            "max" => self.bounds.extend(value(attribute, found).map(|value| (End::Max, value))),
            "min" => self.bounds.extend(value(attribute, found).map(|value| (End::Min, value))),
            "default" => self.default = value(attribute, found),
            part if inside::PARTS.contains(&part) => match attribute.meta.require_list() {
                Ok(list) => {
                    let part = Ident::new(part, attribute.path().span());
                    self.inside.push((part, list.tokens.clone()));
                }
                Err(error) => report_syntax(found, &error),
            },
            "added" => self.availability.added = version(attribute, found),
            "removed" => self.availability.removed = version(attribute, found),
            "cfg" | "cfg_attr" => {
                let message = "what is on the wire cannot depend on how a program is built";
                report(found, codes::MISPLACED_ATTRIBUTE, attribute, message);
            }
            "alpc" => {
                let message = "attributes of parameters stand alone";
                let error =
                    Diagnostic::error(codes::MISPLACED_ATTRIBUTE, message, span_of(attribute));
                found.push(error.help("write each as in `#[max(16)]`, `#[added(\"1.1\")]`"));
            }
            // Rust refuses documentation of parameters, so it is taken off once it is read.
            "doc" => return true,
            _ => {
                let elsewhere = (attribute::OF_METHODS, "methods");
                return attribute::slip(attribute, attribute::OF_PARAMETERS, elsewhere, found);
            }
        }
        true
    }

    /// Sets the bounds, and what else was said of the type.
    pub(super) fn apply(&mut self, ty: &mut Type, found: &mut Diagnostics) {
        if self.data.is_some() {
            references::as_data(ty);
        }
        if let Some(handle) = &self.handle {
            handle.apply(ty, found);
        }
        for (end, value) in self.bounds.drain(..) {
            ty::set_bound(ty, end, value, found);
        }
        for (part, said) in self.inside.drain(..) {
            inside::bound(ty, &part, said, found);
        }
    }

    /// The default that was given, as a value of type `ty`.
    pub(super) fn default_of(&mut self, ty: &Type, found: &mut Diagnostics) -> Option<Expr> {
        let mut default = self.default.take()?;
        super::expr::read_text(&mut default, ty, found);
        Some(default)
    }
}

/// What stands in `#[handle(file, read)]`.
fn handle(attribute: &syn::Attribute, found: &mut Diagnostics) -> Option<HandleWords> {
    match attribute.parse_args() {
        Ok(words) => Some(words),
        Err(error) => {
            report_syntax(found, &error);
            None
        }
    }
}

/// The way in `#[via(section)]`.
fn via(attribute: &syn::Attribute, found: &mut Diagnostics) -> Option<At<Via>> {
    match attribute.parse_args::<Ident>() {
        Ok(word) => crate::front::via(&word.to_string(), Span::Tokens(word.span()), found),
        Err(error) => {
            report_syntax(found, &error);
            None
        }
    }
}

/// The expression in `#[max(expression)]`.
fn value(attribute: &syn::Attribute, found: &mut Diagnostics) -> Option<Expr> {
    match attribute.parse_args::<syn::Expr>() {
        Ok(expr) => Some(super::expr::expr(&expr)),
        Err(error) => {
            report_syntax(found, &error);
            None
        }
    }
}

/// The version in `#[added(1.1)]`.
pub(super) fn version(attribute: &syn::Attribute, found: &mut Diagnostics) -> Option<At<Version>> {
    match attribute.parse_args::<syn::Lit>() {
        Ok(literal) => attribute::version_literal(&literal, found),
        Err(error) => {
            report_syntax(found, &error);
            None
        }
    }
}

/// Is it `&Call<'_>`?
pub(super) fn is_call_context(ty: &syn::Type) -> bool {
    matches!(ty, syn::Type::Reference(reference) if is_named(&reference.elem, "Call"))
}

/// A parameter of the wire, without its marks left in `param`.
pub(super) fn param(param: &mut syn::PatType, found: &mut Diagnostics) -> Option<Param> {
    let docs = docs(&param.attrs);
    let mut marks = Marks::take(&mut param.attrs, found);
    let name = match &*param.pat {
        syn::Pat::Ident(name) => {
            let span = Span::Tokens(name.ident.span());
            Some(Name::new(name.ident.unraw().to_string(), span))
        }
        other => {
            let message = "a parameter has a name, which the other side is told";
            report(found, codes::UNEXPECTED, other, message);
            None
        }
    };
    let (direction, mut ty, view) = shape(&param.ty, &marks, found)?;
    if direction != Direction::In && matches!(ty.kind, TypeKind::List(..)) {
        marks.raw = marks.raw.or(Some(At::new((), ty.span)));
    }
    marks.apply(&mut ty, found);
    if marks.copy.is_some() {
        pass_by_value(&mut ty);
    }
    if let Some(mark) = marks.result {
        let message = "`#[result]` stands in `#[returns]`: a parameter that is a `Result` is data";
        found.push(Diagnostic::error(codes::MISPLACED_ATTRIBUTE, message, mark.span));
    }
    let default = marks.default_of(&ty, found);
    Some(Param {
        name: name?,
        docs,
        direction,
        view: marks.view.or(view),
        raw: marks.raw,
        via: marks.via,
        sensitive: marks.sensitive,
        availability: marks.availability,
        moved: marks.moved,
        ty,
        default,
    })
}

/// The user says that the type is `Copy`.
fn pass_by_value(ty: &mut Type) {
    match &mut ty.kind {
        TypeKind::Named(named) => named.passing = Passing::Value,
        TypeKind::Optional(item) => pass_by_value(item),
        _ => {}
    }
}

/// Direction and type of a parameter, and whether its type says that it is a view.
fn shape(
    ty: &syn::Type,
    marks: &Marks,
    found: &mut Diagnostics,
) -> Option<(Direction, Type, Option<At<()>>)> {
    let here = span_of(ty);
    let bytes = || Type::new(TypeKind::Bytes(Bounds::none()), here);
    match ty {
        syn::Type::Reference(reference) if reference.mutability.is_some() => {
            buffer(&reference.elem, found).map(|(direction, ty)| (direction, ty, None))
        }
        syn::Type::Reference(reference) => {
            borrowed(reference, marks, found).map(|ty| (Direction::In, ty, None))
        }
        _ if is_named(ty, "OutBuf") || is_named(ty, "InOutBuf") => {
            buffer(ty, found).map(|(direction, ty)| (direction, ty, None))
        }
        _ if is_named(ty, "View") => Some((Direction::In, bytes(), Some(At::new((), here)))),
        _ => {
            if let Some(help) = should_be_borrowed(ty) {
                let message = "a handler borrows this from the message, so that nothing is copied";
                found.push(Diagnostic::error(codes::UNKNOWN_TYPE, message, here).help(help));
                return None;
            }
            let direction = if marks.out.is_some() { Direction::Out } else { Direction::In };
            references::taken(ty, found).map(|ty| (direction, ty, None))
        }
    }
}

fn should_be_borrowed(ty: &syn::Type) -> Option<&'static str> {
    let last = last_segment(ty)?;
    match (last.ident.to_string().as_str(), ty::arguments(last).as_slice()) {
        ("String", []) => Some("write `&str`"),
        ("Vec", [item]) if is_named(item, "u8") => Some("write `&[u8]`"),
        ("Blob", []) => Some("write `&[u8]`, or `View`; a client may pass a `&Blob` to either"),
        _ => None,
    }
}

/// `&mut OutBuf<'_>` and its kin.
fn buffer(buffer: &syn::Type, found: &mut Diagnostics) -> Option<(Direction, Type)> {
    let last = last_segment(buffer);
    let direction = match last.map(|last| last.ident.to_string()).as_deref() {
        Some("OutBuf") => Direction::Out,
        Some("InOutBuf") => Direction::InOut,
        _ => {
            let message = "a parameter that the handler fills is an `OutBuf` or `InOutBuf`";
            let error = Diagnostic::error(codes::BAD_OUT, message, span_of(buffer));
            found.push(
                error.help("return the value; only buffers of the caller are filled in place"),
            );
            return None;
        }
    };
    let here = span_of(buffer);
    let kind = match last.map(ty::arguments).as_deref() {
        Some([item]) if !is_named(item, "u8") => {
            TypeKind::List(Box::new(ty::owned(item, found)?), Bounds::none())
        }
        _ => TypeKind::Bytes(Bounds::none()),
    };
    Some((direction, Type::new(kind, here)))
}

/// `&str`, `&[u8]` and `#[raw] &[T]`.
fn borrowed(
    reference: &syn::TypeReference,
    marks: &Marks,
    found: &mut Diagnostics,
) -> Option<Type> {
    let here = span_of(reference);
    let kind = match &*reference.elem {
        target if is_named(target, "str") => TypeKind::String(Bounds::none()),
        syn::Type::Slice(slice) if marks.raw.is_some() => {
            TypeKind::List(Box::new(ty::owned(&slice.elem, found)?), Bounds::none())
        }
        syn::Type::Slice(slice) if is_named(&slice.elem, "u8") => TypeKind::Bytes(Bounds::none()),
        syn::Type::Slice(slice) => {
            let message = "a list is decoded into a `Vec`; only a memory image can be borrowed";
            let list = format!(
                "write `Vec<{}>`, or mark it `#[raw]` if its elements are plain numbers",
                ty::text(&slice.elem)
            );
            found.push(Diagnostic::error(codes::BAD_RAW, message, here).help(list));
            return None;
        }
        target if is_named(target, "Path") => {
            let message = "a handler owns what was decoded for it";
            let error = Diagnostic::error(codes::UNKNOWN_TYPE, message, here);
            found.push(error.help("write `PathBuf`; clients still pass a `&Path`"));
            return None;
        }
        target => {
            let message = "a handler owns what was decoded for it";
            let error = Diagnostic::error(codes::UNKNOWN_TYPE, message, here);
            let help = format!("write `{}`; clients still pass a reference", ty::text(target));
            found.push(error.help(help));
            return None;
        }
    };
    Some(Type::new(kind, here))
}
