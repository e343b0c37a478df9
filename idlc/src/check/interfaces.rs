//! Interfaces as a whole.

use std::collections::HashMap;

use super::Checker;
use crate::diagnostic::{Diagnostic, codes};
use crate::ir::{Interface, Method, identity};

impl Checker<'_> {
    pub(super) fn interface(&mut self, item: &Interface) {
        self.distinct("a method's name", item.methods.iter().map(|method| &method.name));
        self.distinct("a constant's name", item.consts.iter().map(|constant| &constant.name));
        item.consts.iter().for_each(|constant| self.constant(constant));
        if let Some(uuid) = item.uuid
            && uuid.value == 0
        {
            let message = "the uuid of all zeros names nothing";
            self.push(Diagnostic::error(codes::BAD_UUID, message, uuid.span));
        }
        if let Some(endpoint) = &item.endpoint
            && endpoint.value.is_empty()
        {
            let message = "an endpoint has a name";
            self.push(Diagnostic::error(codes::BAD_ATTRIBUTE_ARGUMENT, message, endpoint.span));
        }
        self.ordinals(item);
        self.reserved_methods(item);
        item.methods.iter().for_each(|method| self.method(method));
    }

    /// Methods are known by numbers made from their names, so two names must not make one number.
    fn ordinals(&mut self, item: &Interface) {
        let id = identity::interface_id(item);
        let mut taken: HashMap<u64, &Method> = HashMap::new();
        for method in &item.methods {
            if method.wire_name().is_empty() {
                let span = method.wire_name.as_ref().map_or(method.name.span, |name| name.span);
                let message = "a name on the wire has letters";
                self.push(Diagnostic::error(codes::BAD_ATTRIBUTE_ARGUMENT, message, span));
            }
            let ordinal = identity::ordinal(id, method.wire_name());
            let other = taken.insert(ordinal, method);
            // Two methods of one name are told as that.
            let other = other.filter(|other| other.name != method.name);
            if other.is_none() && ordinal != 0 {
                continue;
            }
            let message = match other {
                Some(_) => format!("`{}` has the number of another method", method.name),
                None => format!("`{}` has the number 0, which is no method's", method.name),
            };
            let mut error = Diagnostic::error(codes::ORDINAL_CLASH, message, method.name.span);
            if let Some(other) = other {
                error = error.also(other.name.span, format!("`{}`", other.name));
            }
            let note = "the number is made from the interface's uuid and the method's wire name";
            self.push(error.note(note).help("give one of them another `wire_name`"));
        }
    }

    fn reserved_methods(&mut self, item: &Interface) {
        for reserved in &item.reserved {
            for method in item.methods.iter().filter(|method| method.wire_name() == reserved.text) {
                let message = format!("method `{reserved}` is reserved");
                let span = method.wire_name.as_ref().map_or(method.name.span, |name| name.span);
                let error = Diagnostic::error(codes::DUPLICATE, message, span);
                self.push(error.also(reserved.span, "reserved here, since old peers call it"));
            }
        }
    }
}
