//! What is removed: who may still speak of it, and what stands in its place on the wire.

use super::Resolver;
use crate::diagnostic::{Diagnostic, codes};
use crate::ir::{At, Availability, Expr, ExprKind, Float, Integer, Name, Type, TypeKind, Version};
use crate::source::Span;

impl Resolver<'_> {
    /// Reports a use of something that is removed. What is removed itself may speak of it: nothing
    /// is made of either.
    pub(super) fn refuse_removed(&mut self, key: &str, used: Span) {
        let Some(&(version, declared)) = self.scope.removed.get(key) else { return };
        if self.gone {
            return;
        }
        let message = format!("`{key}` is no more");
        let error = Diagnostic::error(codes::REMOVED, message, used);
        self.found.push(error.also(declared, format!("removed in {version}")));
    }

    /// Gives a tombstone what is sent in its place, unless it was said.
    pub(super) fn bury(
        &mut self,
        name: &Name,
        ty: &Type,
        availability: &Availability,
        default: &mut Option<Expr>,
    ) {
        if !availability.is_removed() || default.is_some() {
            return;
        }
        match zero(ty) {
            Some(kind) => *default = Some(Expr { kind, span: name.span }),
            None => {
                let message =
                    format!("`{name}` is removed, and nothing could be sent in its place");
                let error = Diagnostic::error(codes::REMOVED, message, name.span);
                let error = error.also(ty.span, "a value of this type stays on the wire");
                self.found.push(error.help("give it a default; or keep it, and say `deprecated`"));
            }
        }
    }
}

/// The version with which something went, and where it stood.
pub(super) fn gone(name: &Name, availability: &Availability) -> Option<(Version, Span)> {
    let At { value, .. } = availability.removed?;
    Some((value, name.span))
}

/// The value of `ty` that says nothing, if there is one.
fn zero(ty: &Type) -> Option<ExprKind> {
    match &ty.kind {
        TypeKind::Bool => Some(ExprKind::Bool(false)),
        TypeKind::Int(..) => Some(ExprKind::Int(Integer::ZERO)),
        TypeKind::Float(..) => Some(ExprKind::Float(Float(0.0))),
        TypeKind::String(_) => Some(ExprKind::Str(String::new())),
        TypeKind::Bytes(_) => Some(ExprKind::Bytes(Vec::new())),
        TypeKind::List(..) | TypeKind::Map(..) => Some(ExprKind::List(Vec::new())),
        TypeKind::Uuid => Some(ExprKind::Uuid(0)),
        TypeKind::Duration(_) => Some(ExprKind::Duration(core::time::Duration::ZERO)),
        TypeKind::Optional(_) => Some(ExprKind::None),
        // It was not found, and that has been told.
        TypeKind::Unresolved(_) => Some(ExprKind::None),
        _ => None,
    }
}
