//! Interfaces, their methods, parameters and results.

use pest::iterators::Pair;
use quote::quote;

use super::attributes::{Decor, Target};
use super::{Lowerer, Rule, parts};
use crate::diagnostic::{Diagnostic, codes};
use crate::ir::{
    Context, Direction, Expr, Handler, Interface, Item, Method, Name, Output, Param, RustCode,
    Type, TypeKind,
};

impl Lowerer<'_> {
    pub(super) fn interface(&mut self, decor: Pair<'_, Rule>, declaration: Pair<'_, Rule>) {
        let mut decor = self.decor(decor, Target::Interface);
        let mut inner = parts(declaration);
        let Some(mut name) = inner.next().map(|name| self.name(&name)) else { return };
        let look = self.look(&mut decor, &mut name);
        let timeout = self.duration(&mut decor, "timeout");
        let is_async = self.flag(&mut decor, "rust.async");
        let mut interface = Interface {
            name,
            qualified: String::new(),
            uuid: self.uuid(&mut decor),
            version: self.version(&mut decor, "version"),
            endpoint: self.text(&mut decor, "endpoint"),
            availability: self.availability(&mut decor),
            look,
            stable: self.flag(&mut decor, "stable"),
            bases: Vec::new(),
            docs: decor.docs,
            consts: Vec::new(),
            methods: Vec::new(),
            events: Vec::new(),
            reserved: Vec::new(),
            visibility: RustCode(quote!(pub)),
        };
        for part in inner {
            match part.as_rule() {
                Rule::bases => {
                    for base in part.into_inner().filter(|part| part.as_rule() == Rule::path) {
                        let span = self.span(&base);
                        let path = TypeKind::Unresolved(self.path(base));
                        interface.bases.push(Type::new(path, span));
                    }
                }
                _ => self.interface_member(part, &mut interface),
            }
        }
        for method in &mut interface.methods {
            method.timeout = method.timeout.or(timeout);
            if let (Handler::Returns, Some(said)) = (method.handler, is_async) {
                method.handler = Handler::Async(said);
            }
        }
        self.reading.module.items.push(Item::Interface(interface));
    }

    fn interface_member(&mut self, pair: Pair<'_, Rule>, interface: &mut Interface) {
        let mut inner = parts(pair);
        let (Some(decor), Some(member)) = (inner.next(), inner.next()) else { return };
        match member.as_rule() {
            Rule::method => interface.methods.extend(self.method(decor, member)),
            Rule::const_decl => interface.consts.extend(self.constant(decor, member)),
            Rule::reserved_fn => {
                self.decor(decor, Target::Reserved);
                interface.reserved.extend(parts(member).next().map(|name| self.name(&name)));
            }
            Rule::event => interface.events.extend(self.event(decor, member)),
            _ => {}
        }
    }

    fn method(&mut self, decor: Pair<'_, Rule>, pair: Pair<'_, Rule>) -> Option<Method> {
        let mut decor = self.decor(decor, Target::Method);
        let mut inner = parts(pair);
        let mut name = self.name(&inner.next()?);
        let handler = self.handler(&mut decor);
        let mut method = Method {
            look: self.look(&mut decor, &mut name),
            name,
            wire_name: self.text(&mut decor, "wire_name"),
            oneway: self.flag(&mut decor, "oneway"),
            idempotent: self.flag(&mut decor, "idempotent"),
            timeout: self.duration(&mut decor, "timeout"),
            must_understand: self.flag(&mut decor, "must_understand"),
            cancellable: self.flag(&mut decor, "cancellable"),
            availability: self.availability(&mut decor),
            docs: decor.docs,
            params: Vec::new(),
            results: Vec::new(),
            raises: None,
            context: Context::Taken,
            handler,
        };
        for part in inner {
            match part.as_rule() {
                Rule::params => {
                    method.params = parts(part).filter_map(|param| self.param(param)).collect();
                }
                Rule::results => method.results = self.results(part),
                Rule::raises => method.raises = self.raised(part),
                _ => {}
            }
        }
        Some(method)
    }

    /// `rust.async` and `rust.deferred`
    fn handler(&mut self, decor: &mut Decor<'_>) -> Handler {
        let is_async = self.flag(decor, "rust.async");
        match (self.flag(decor, "rust.deferred"), is_async) {
            (Some(deferred), Some(_)) => {
                let message = "a deferred answer is given later, whatever the handler does";
                let told = Diagnostic::error(codes::MISPLACED_ATTRIBUTE, message, deferred.span);
                self.found.push(told.label("leave out this or `rust.async`"));
                Handler::Deferred(deferred)
            }
            (Some(deferred), None) => Handler::Deferred(deferred),
            (None, Some(said)) => Handler::Async(said),
            (None, None) => Handler::Returns,
        }
    }

    pub(super) fn param(&mut self, pair: Pair<'_, Rule>) -> Option<Param> {
        let mut inner = parts(pair);
        let mut decor = self.decor(inner.next()?, Target::Param);
        let mut name = self.name(&inner.next()?);
        self.rust_name(&mut decor, &mut name);
        let (input, output) = (self.flag(&mut decor, "in"), self.flag(&mut decor, "out"));
        let direction = match (input, output) {
            (_, None) => Direction::In,
            (None, Some(_)) => Direction::Out,
            (Some(_), Some(_)) => Direction::InOut,
        };
        let view = self.flag(&mut decor, "view");
        let raw = self.flag(&mut decor, "raw");
        let via = self.via(&mut decor);
        let moved = self.flag(&mut decor, "move");
        let sensitive = self.flag(&mut decor, "sensitive");
        let availability = self.availability(&mut decor);
        let ty = self.ty(inner.next()?);
        let default = inner.next().and_then(|value| self.expr(value));
        Some(Param {
            name,
            docs: decor.docs,
            availability,
            sensitive,
            direction,
            view,
            raw,
            via,
            moved,
            ty: ty?,
            default,
        })
    }

    fn results(&mut self, pair: Pair<'_, Rule>) -> Vec<Output> {
        let Some(results) = parts(pair).next() else { return Vec::new() };
        if results.as_rule() == Rule::named_results {
            return parts(results).filter_map(|result| self.named_result(result)).collect();
        }
        let mut inner = parts(results);
        let (Some(decor), Some(ty)) = (inner.next(), inner.next()) else { return Vec::new() };
        self.result(decor, None, ty, None).into_iter().collect()
    }

    fn named_result(&mut self, pair: Pair<'_, Rule>) -> Option<Output> {
        let mut inner = parts(pair);
        let (decor, name, ty) = (inner.next()?, inner.next()?, inner.next()?);
        let name = self.name(&name);
        let default = inner.next().and_then(|value| self.expr(value));
        self.result(decor, Some(name), ty, default)
    }

    fn result(
        &mut self,
        decor: Pair<'_, Rule>,
        name: Option<Name>,
        ty: Pair<'_, Rule>,
        default: Option<Expr>,
    ) -> Option<Output> {
        let mut decor = self.decor(decor, Target::Result);
        let view = self.flag(&mut decor, "view");
        let raw = self.flag(&mut decor, "raw");
        let via = self.via(&mut decor);
        let sensitive = self.flag(&mut decor, "sensitive");
        let availability = self.availability(&mut decor);
        let ty = self.ty(ty)?;
        // `-> ()` says that there is nothing to say.
        if name.is_none() && matches!(ty.kind, TypeKind::Unit) {
            return None;
        }
        let docs = decor.docs;
        Some(Output { name, docs, availability, sensitive, view, raw, via, ty, default })
    }
}
