//! Handles, interfaces as types, streams and events: where they can stand.

use super::Checker;
use crate::diagnostic::{Diagnostic, codes};
use crate::ir::{Direction, Event, Expr, ExprKind, Item, Param, Type, TypeKind};

/// Where a type stands whose parts are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A whole parameter or result.
    Whole,
    /// Inside of something else that may grow.
    Inside,
    /// A field of a `[final]` type.
    Final,
}

impl Checker<'_> {
    /// Reports the references in `ty` that cannot stand there.
    pub(super) fn references(&mut self, ty: &Type, place: Place) {
        match &ty.kind {
            TypeKind::Handle(..) if place == Place::Final => self.in_final(ty, "a handle"),
            TypeKind::Object(_) if place == Place::Final => self.in_final(ty, "an interface"),
            TypeKind::Stream(item) => {
                if place != Place::Whole {
                    let message = "a stream is a whole parameter or a whole result";
                    let error = Diagnostic::error(codes::MISPLACED_REFERENCE, message, ty.span);
                    self.push(error.label("it cannot stand inside of something else"));
                }
                self.references(item, Place::Inside);
            }
            _ => {
                let inside = if place == Place::Whole { Place::Inside } else { place };
                ty.parts().into_iter().for_each(|part| self.references(part, inside));
            }
        }
    }

    fn in_final(&mut self, ty: &Type, what: &str) {
        let message = format!("{what} cannot stand in a `[final]` type");
        let error = Diagnostic::error(codes::MISPLACED_REFERENCE, message, ty.span);
        let note = "a `[final]` type is nothing but its bytes, and this is not among them";
        self.push(error.note(note).help("leave out `[final]`"));
    }

    /// There is no value of a handle or an object that could be written down.
    pub(super) fn no_default(&mut self, ty: &Type, default: &Expr) {
        let what = match &ty.kind {
            TypeKind::Handle(..) => "a handle",
            TypeKind::Object(_) => "an interface",
            TypeKind::Stream(_) => "a stream",
            TypeKind::Optional(item) if !matches!(default.kind, ExprKind::None) => {
                return self.no_default(item, default);
            }
            _ => return,
        };
        let message = format!("{what} has no default");
        let error = Diagnostic::error(codes::BAD_DEFAULT, message, default.span);
        self.push(
            error.help("leave it out, and make the type optional if it may be missing: `T?`"),
        );
    }

    /// `[move]`
    pub(super) fn moved(&mut self, item: &Param) {
        let Some(moved) = item.moved else { return };
        let holds_handle = match &item.ty.kind {
            TypeKind::Handle(..) | TypeKind::Unresolved(_) => true,
            TypeKind::Optional(inner) => matches!(inner.kind, TypeKind::Handle(..)),
            _ => false,
        };
        if !holds_handle {
            let message = "`[move]` is for handles";
            let error = Diagnostic::error(codes::BAD_MOVE, message, moved.span);
            self.push(error.label("everything else is copied to the other side"));
        }
    }

    /// Parameters of an event travel like those of a one-way method; nothing comes back.
    pub(super) fn event(&mut self, item: &Event) {
        self.distinct("a parameter's name", item.params.iter().map(|param| &param.name));
        self.variables("parameter", item.params.iter().map(|param| &param.name));
        for param in &item.params {
            self.param(param);
            if param.direction != Direction::In {
                let message = "an event fills no buffer: nobody waits for it to come back";
                self.push(Diagnostic::error(codes::BAD_EVENT, message, param.ty.span));
            }
            if let Some(view) = param.view {
                let message = "an event's bytes are copied, so that they outlive it";
                let error = Diagnostic::error(codes::BAD_EVENT, message, view.span);
                self.push(error.help("leave out `[view]`"));
            }
            if let Some(raw) = param.raw {
                let message = "an event's list is sent element by element";
                let error = Diagnostic::error(codes::BAD_EVENT, message, raw.span);
                self.push(error.help("leave out `[raw]`"));
            }
            if let Some(via) = param.via {
                let message = "an event is a message that stands for itself, and goes one way";
                let error = Diagnostic::error(codes::BAD_EVENT, message, via.span);
                self.push(error.help("leave out `[via]`"));
            }
            if let TypeKind::Stream(_) = param.ty.kind {
                let message = "an event carries no stream: it ends when it has been told";
                self.push(Diagnostic::error(codes::MISPLACED_REFERENCE, message, param.ty.span));
            }
        }
        self.params_append_only(&item.params);
    }

    /// The interface that a type of the module names, for Rust, where the path says nothing.
    pub(super) fn not_an_interface(&mut self, ty: &Type) {
        if let Some(Item::Interface(item)) = self.definition(ty) {
            let message = format!("`{}` is an interface", item.name);
            self.push(Diagnostic::error(codes::WRONG_KIND, message, ty.span));
        }
    }
}
