//! Methods: which way things go, and in which form.

use super::Checker;
use super::records::Entry;
use super::references::Place;
use crate::diagnostic::{Diagnostic, codes};
use crate::ir::{
    At, Direction, Handler, Item, Method, Output, Param, Type, TypeKind, UnionUse, Via,
};

impl Checker<'_> {
    pub(super) fn method(&mut self, item: &Method) {
        self.distinct("a parameter's name", item.params.iter().map(|param| &param.name));
        self.variables("parameter", item.params.iter().map(|param| &param.name));
        let names = item.results.iter().filter_map(|result| result.name.as_ref());
        self.distinct("a result's name", names);
        item.params.iter().for_each(|param| self.param(param));
        item.results.iter().for_each(|result| self.result(result));
        self.raises(item);
        self.oneway(item);
        if let Some(timeout) = item.timeout
            && timeout.value.is_zero()
        {
            let message = "a deadline of zero has always passed";
            self.push(Diagnostic::error(codes::BAD_ATTRIBUTE_ARGUMENT, message, timeout.span));
        }
        self.params_append_only(&item.params);
        self.results_append_only(&item.results);
    }

    pub(super) fn params_append_only(&mut self, params: &[Param]) {
        let entries: Vec<Entry<'_>> = params
            .iter()
            .map(|param| Entry {
                name: &param.name,
                added: param.availability.added,
                may_be_missing: param.default.is_some()
                    || matches!(param.ty.kind, TypeKind::Optional(_)),
            })
            .collect();
        self.append_only("parameter", &entries);
    }

    fn results_append_only(&mut self, results: &[Output]) {
        // The one result without a name has nothing behind it.
        let entries: Vec<Entry<'_>> = results
            .iter()
            .filter_map(|result| {
                Some(Entry {
                    name: result.name.as_ref()?,
                    added: result.availability.added,
                    may_be_missing: result.default.is_some()
                        || matches!(result.ty.kind, TypeKind::Optional(_)),
                })
            })
            .collect();
        self.append_only("result", &entries);
    }

    pub(super) fn param(&mut self, item: &Param) {
        self.ty(&item.ty);
        self.references(&item.ty, Place::Whole);
        self.moved(item);
        if let TypeKind::Unit = item.ty.kind {
            let message = "a parameter of type `()` says nothing";
            self.push(Diagnostic::error(codes::WRONG_KIND, message, item.ty.span));
        }
        self.view(item.view, &item.ty);
        self.raw(item.raw, &item.ty);
        self.via(item.via, item.raw, &item.ty);
        if item.direction != Direction::In {
            self.buffer(item);
        }
        if let Some(default) = &item.default {
            self.value(default, &item.ty);
            self.no_default(&item.ty, default);
            let form = match (item.direction, item.view, item.raw) {
                (Direction::Out | Direction::InOut, ..) => "a buffer of the caller",
                (_, Some(_), _) => "a `[view]`",
                (_, _, Some(_)) => "a `[raw]` list",
                _ => return,
            };
            let message = format!("{form} has no default");
            self.push(Diagnostic::error(codes::BAD_DEFAULT, message, default.span));
        }
    }

    fn result(&mut self, item: &Output) {
        self.ty(&item.ty);
        self.references(&item.ty, Place::Whole);
        self.view(item.view, &item.ty);
        self.raw(item.raw, &item.ty);
        self.via(item.via, item.raw, &item.ty);
        self.via_of_result(item);
        if let Some(default) = &item.default {
            self.value(default, &item.ty);
            let form = match (item.view, item.raw) {
                (Some(_), _) => Some("a `[view]`"),
                (_, Some(_)) => Some("a `[raw]` list"),
                _ => None,
            };
            if let Some(form) = form {
                let message = format!("{form} has no default");
                self.push(Diagnostic::error(codes::BAD_DEFAULT, message, default.span));
            }
        }
        if let (TypeKind::Unit, Some(name)) = (&item.ty.kind, &item.name) {
            let message = format!("result `{name}` of type `()` says nothing");
            self.push(Diagnostic::error(codes::WRONG_KIND, message, item.ty.span));
        }
    }

    /// `[out]` and `[in, out]`
    fn buffer(&mut self, item: &Param) {
        let (name, ty) = (&item.name, &item.ty);
        if let Some(view) = item.view {
            let message = "a buffer of the caller is not a `[view]`";
            self.push(Diagnostic::error(codes::BAD_VIEW, message, view.span));
        }
        let bounds = match &ty.kind {
            TypeKind::Unresolved(_) => return,
            TypeKind::Bytes(bounds) => bounds,
            TypeKind::List(_, bounds) if item.raw.is_some() => bounds,
            TypeKind::List(..) => {
                let message = format!("`[out] {name}` is a list, but no `[raw]` one");
                let error = Diagnostic::error(codes::BAD_OUT, message, ty.span);
                self.push(error.help("write `[raw]` if its elements are plain numbers"));
                return;
            }
            _ => {
                let message = format!("`[out] {name}` is not a buffer");
                let error = Diagnostic::error(codes::BAD_OUT, message, ty.span);
                let help = format!("return it instead: `-> (.., {name}: ..)`");
                self.push(error.note("`[out]` is for `bytes` and `[raw]` lists").help(help));
                return;
            }
        };
        if let Some(min) = &bounds.min {
            let message = "a caller's buffer may be of any length up to the largest";
            let error = Diagnostic::error(codes::BAD_OUT, message, min.span);
            self.push(error.help("write `..=N`"));
        }
    }

    fn view(&mut self, view: Option<At<()>>, ty: &Type) {
        let Some(view) = view else { return };
        if !matches!(ty.kind, TypeKind::Bytes(_) | TypeKind::Unresolved(_)) {
            let error = Diagnostic::error(codes::BAD_VIEW, "`[view]` is for `bytes`", view.span);
            self.push(error);
        }
    }

    fn raw(&mut self, raw: Option<At<()>>, ty: &Type) {
        let Some(raw) = raw else { return };
        let TypeKind::List(item, _) = &ty.kind else {
            if !matches!(ty.kind, TypeKind::Unresolved(_)) {
                let error = Diagnostic::error(codes::BAD_RAW, "`[raw]` is for lists", raw.span);
                self.push(error);
            }
            return;
        };
        let bounds = match &item.kind {
            TypeKind::Unresolved(_) => return,
            TypeKind::Int(_, bounds) | TypeKind::Float(_, bounds) => bounds,
            _ => {
                let message = "a `[raw]` list holds integers or floats";
                let error = Diagnostic::error(codes::BAD_RAW, message, item.span);
                let note =
                    "it is sent as it stands in memory, so every bit pattern must be a value";
                self.push(error.note(note));
                return;
            }
        };
        if !bounds.is_empty() {
            let message = "the elements of a `[raw]` list have no bounds";
            let error = Diagnostic::error(codes::BAD_RAW, message, bounds.span);
            self.push(error.note("it is sent as it stands in memory, and nobody looks at each"));
        }
    }

    fn via(&mut self, via: Option<At<Via>>, raw: Option<At<()>>, ty: &Type) {
        let Some(via) = via else { return };
        let is_bulk = match ty.kind {
            TypeKind::String(_) | TypeKind::Bytes(_) | TypeKind::Unresolved(_) => true,
            TypeKind::List(..) => raw.is_some(),
            _ => false,
        };
        if !is_bulk {
            let message = "`[via]` is for bulk data";
            let error = Diagnostic::error(codes::MISPLACED_ATTRIBUTE, message, via.span);
            let note = "`string`, `bytes` and `[raw]` lists can take more than one way";
            self.push(error.note(note).help("leave it out: everything else stands in the message"));
        }
    }

    /// Ways that no result can take are no wish but a mistake.
    fn via_of_result(&mut self, item: &Output) {
        let Some(via) = item.via else { return };
        if item.view.is_some() {
            let message = "a `[view]` stays in its section, so it takes no other way";
            let error = Diagnostic::error(codes::MISPLACED_ATTRIBUTE, message, via.span);
            self.push(error.help("leave out `[via]`"));
        } else if via.value == Via::Direct {
            let message = "a result has no memory of the caller's that it could be written to";
            let error = Diagnostic::error(codes::MISPLACED_ATTRIBUTE, message, via.span);
            self.push(error.help("let the caller give a buffer: `[out, via(direct)] name: bytes`"));
        }
    }

    fn raises(&mut self, item: &Method) {
        let Some(raised) = &item.raises else { return };
        self.ty(raised);
        match (self.definition(raised), &raised.kind) {
            (Some(Item::Union(union)), _) if union.used_as == UnionUse::Error => {}
            (None, TypeKind::Named(_) | TypeKind::Unresolved(_)) => {}
            (found, _) => {
                let error = Diagnostic::error(
                    codes::BAD_RAISES,
                    "`raises` names an `error` type",
                    raised.span,
                );
                self.push(match found {
                    Some(item) => error.also(item.name().span, "this is no error type"),
                    None => error,
                });
            }
        }
    }

    fn oneway(&mut self, item: &Method) {
        let Some(oneway) = item.oneway else {
            if let Some(must) = item.must_understand {
                let message = "`[must_understand]` is for one-way methods";
                let error = Diagnostic::error(codes::BAD_ONEWAY, message, must.span);
                self.push(
                    error.label("who waits for an answer is told that nobody knows the call"),
                );
            }
            return;
        };
        if let Some(cancellable) = item.cancellable {
            let message = "nobody waits for a one-way method, so nobody cancels it";
            let error = Diagnostic::error(codes::BAD_ONEWAY, message, cancellable.span);
            self.push(error.also(oneway.span, "this makes it one-way"));
        }
        if let Handler::Deferred(deferred) = item.handler {
            let message = "a one-way method has no answer that could be given later";
            let error = Diagnostic::error(codes::BAD_ONEWAY, message, deferred.span);
            self.push(error.also(oneway.span, "this makes it one-way"));
        }
        let answers = item.results.iter().map(|result| (result.ty.span, "a result"));
        let raised = item.raises.iter().map(|raised| (raised.span, "an error"));
        let buffers = item.params.iter().filter(|param| param.direction != Direction::In);
        let buffers = buffers.map(|param| (param.ty.span, "a buffer to fill"));
        let timeouts = item.timeout.iter().map(|timeout| (timeout.span, "a deadline"));
        for (span, what) in answers.chain(raised).chain(buffers).chain(timeouts) {
            let message = format!("a one-way method has no answer, so it cannot have {what}");
            let error = Diagnostic::error(codes::BAD_ONEWAY, message, span);
            self.push(error.also(oneway.span, "this makes it one-way"));
        }
    }
}
