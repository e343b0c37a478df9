//! Types of Rust, recognised by the last part of their path: a macro cannot know what a name means.

use quote::ToTokens;

use super::{references, report, span_of};
use crate::diagnostic::{Diagnostic, Diagnostics, codes};
use crate::ir::{Bounds, Expr, FloatKind, IntKind, Named, Passing, RustCode, Type, TypeKind};

/// The type of a value that owns what it holds.
///
/// `None` if there is no such type on the wire; that has been reported then.
pub(super) fn owned(ty: &syn::Type, found: &mut Diagnostics) -> Option<Type> {
    let kind = match ty {
        syn::Type::Paren(inner) => return owned(&inner.elem, found),
        syn::Type::Group(inner) => return owned(&inner.elem, found),
        syn::Type::Tuple(tuple) if tuple.elems.is_empty() => TypeKind::Unit,
        syn::Type::Tuple(tuple) => {
            let items: Vec<_> = tuple.elems.iter().map(|item| owned(item, found)).collect();
            TypeKind::Tuple(items.into_iter().collect::<Option<_>>()?)
        }
        syn::Type::Array(array) => {
            let item = owned(&array.elem, found)?;
            TypeKind::Array(Box::new(item), Box::new(super::expr::expr(&array.len)))
        }
        syn::Type::Path(path) => {
            if references::refuse_shared(ty, found).is_some() {
                return None;
            }
            path_type(path, found)?
        }
        syn::Type::Reference(reference) => {
            let message = "what a handler returns or stores inside other values owns its data";
            let error = Diagnostic::error(codes::UNKNOWN_TYPE, message, span_of(reference));
            found.push(error.help(owned_form(&reference.elem)));
            return None;
        }
        syn::Type::Ptr(_) => {
            let message = "a pointer means nothing in another process";
            let error = Diagnostic::error(codes::UNKNOWN_TYPE, message, span_of(ty));
            found.push(error.help("write `&[u8]` for bytes, and `&T` for a value"));
            return None;
        }
        syn::Type::ImplTrait(_) | syn::Type::TraitObject(_) => {
            let message = "the other side must know the type: name it";
            report(found, codes::UNKNOWN_TYPE, ty, message);
            return None;
        }
        other => {
            report(found, codes::UNKNOWN_TYPE, other, "there is no such type on the wire");
            return None;
        }
    };
    Some(Type::new(kind, span_of(ty)))
}

/// What to write in place of a reference to `ty`.
fn owned_form(ty: &syn::Type) -> String {
    match ty {
        syn::Type::Slice(slice) => format!("write `Vec<{}>`", text(&slice.elem)),
        _ if is_named(ty, "str") => "write `String`".to_owned(),
        _ => format!("write `{}`", text(ty)),
    }
}

/// A type as people write it.
pub(super) fn text(tokens: &impl ToTokens) -> String {
    let text = tokens.to_token_stream().to_string();
    text.replace(" :: ", "::")
        .replace(" <", "<")
        .replace("< ", "<")
        .replace(" >", ">")
        .replace(" ,", ",")
}

fn path_type(path: &syn::TypePath, found: &mut Diagnostics) -> Option<TypeKind> {
    let named = |path: &syn::TypePath| {
        let rust = RustCode(path.to_token_stream());
        TypeKind::Named(Named { rust, passing: Passing::Reference })
    };
    let Some(last) = path.path.segments.last().filter(|_| path.qself.is_none()) else {
        return Some(named(path));
    };
    let name = last.ident.to_string();
    if let Some(kind) = IntKind::from_name(&name) {
        return Some(TypeKind::Int(kind, Bounds::none()));
    }
    let arguments = arguments(last);
    Some(match (name.as_str(), arguments.as_slice()) {
        ("bool", []) => TypeKind::Bool,
        ("OwnedFd", []) => references::any_handle(),
        ("Stream" | "Items", [item] | [item, _]) => TypeKind::Stream(Box::new(owned(item, found)?)),
        ("f32", []) => TypeKind::Float(FloatKind::F32, Bounds::none()),
        ("f64", []) => TypeKind::Float(FloatKind::F64, Bounds::none()),
        ("String", []) => TypeKind::String(Bounds::none()),
        ("Vec", [item]) if is_named(item, "u8") => TypeKind::Bytes(Bounds::none()),
        ("Vec", [item]) => TypeKind::List(Box::new(owned(item, found)?), Bounds::none()),
        ("Option", [item]) => TypeKind::Optional(Box::new(owned(item, found)?)),
        ("PathBuf", []) => TypeKind::Path(Bounds::none()),
        ("Uuid", []) => TypeKind::Uuid,
        ("Duration", []) => TypeKind::Duration(Bounds::none()),
        ("SystemTime", []) => TypeKind::Time(Bounds::none()),
        ("Result", [value, error]) => {
            let (value, error) = (owned(value, found), owned(error, found));
            TypeKind::Result(Box::new(value?), Box::new(error?))
        }
        ("BTreeMap", [key, value]) => {
            let (key, value) = (owned(key, found), owned(value, found));
            TypeKind::Map(Box::new(key?), Box::new(value?), Bounds::none())
        }
        _ => match refused(&name) {
            Some((message, help)) => {
                let error = Diagnostic::error(codes::UNKNOWN_TYPE, message, span_of(path));
                found.push(error.help(help));
                return None;
            }
            None => match references::reference(path) {
                Some(object) => TypeKind::Object(object),
                None => named(path),
            },
        },
    })
}

/// Types that look as if they could be sent.
fn refused(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "usize" => ("`usize` differs between machines", "write `u64`"),
        "isize" => ("`isize` differs between machines", "write `i64`"),
        "char" => ("`char` is not in this version yet", "write `u32` or `String`"),
        "HashMap" => {
            ("a `HashMap` has no order, so equal maps would be different bytes", "write `BTreeMap`")
        }
        "BorrowedFd" | "RawFd" | "File" => (
            "a handle is owned by whoever has received it",
            "write `OwnedFd`, and `#[handle(kind, rights)]` in front of the name",
        ),
        "Result" => {
            ("the other side must be told both types of a `Result`", "write `Result<T, E>`")
        }
        "str" => ("`str` is only sent behind a `&`", "write `&str` for a parameter, else `String`"),
        "Self" => ("`Self` is the implementation, which is not sent", "name the type"),
        "OutBuf" | "InOutBuf" => {
            ("a buffer of the caller is a parameter", "write `&mut OutBuf<'_>`")
        }
        "View" | "Blob" => (
            "shared bytes are a whole parameter (`View`) or a whole result (`Blob`)",
            "write `Vec<u8>` inside other types",
        ),
        _ => return None,
    })
}

/// The type arguments of a path's segment.
pub(super) fn arguments(segment: &syn::PathSegment) -> Vec<&syn::Type> {
    let syn::PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return Vec::new();
    };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        syn::GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    types.collect()
}

/// The last part of a type's path.
pub(super) fn last_segment(ty: &syn::Type) -> Option<&syn::PathSegment> {
    match ty {
        syn::Type::Path(path) if path.qself.is_none() => path.path.segments.last(),
        syn::Type::Paren(inner) => last_segment(&inner.elem),
        syn::Type::Group(inner) => last_segment(&inner.elem),
        _ => None,
    }
}

/// Is it a path that ends in `name`?
pub(super) fn is_named(ty: &syn::Type, name: &str) -> bool {
    last_segment(ty).is_some_and(|segment| segment.ident == name)
}

/// Which end of a type's bounds is set.
#[derive(Clone, Copy)]
pub(super) enum End {
    Min,
    Max,
}

/// Sets a bound of `ty`, or of what is inside if it is optional; reports if it has none.
pub(super) fn set_bound(ty: &mut Type, end: End, mut value: Expr, found: &mut Diagnostics) {
    let span = value.span;
    match &mut ty.kind {
        TypeKind::Int(_, bounds)
        | TypeKind::Float(_, bounds)
        | TypeKind::String(bounds)
        | TypeKind::Bytes(bounds)
        | TypeKind::Path(bounds)
        | TypeKind::List(_, bounds)
        | TypeKind::Map(_, _, bounds) => {
            bounds.span = span;
            match end {
                End::Min => bounds.min = Some(Box::new(value)),
                End::Max => bounds.max = Some(Box::new(value)),
            }
        }
        TypeKind::Duration(bounds) | TypeKind::Time(bounds) => {
            let end = match end {
                End::Min => &mut bounds.min,
                End::Max => &mut bounds.max,
            };
            bounds.span = span;
            let of = Type::new(TypeKind::Duration(Bounds::none()), span);
            super::expr::read_text(&mut value, &of, found);
            *end = Some(Box::new(value));
        }
        TypeKind::Optional(item) => set_bound(item, end, value, found),
        _ => {
            let message = "this type has no bounds";
            let error = Diagnostic::error(codes::MISPLACED_ATTRIBUTE, message, span);
            found.push(
                error.note("numbers, strings, bytes, paths, durations, times, lists and maps have"),
            );
        }
    }
}
