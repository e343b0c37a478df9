//! Interfaces, and what they offer.

use super::{Attributes, Printer, types};
use crate::ir::{Direction, Event, Handler, Interface, Method, Output, Param};

impl Printer {
    pub(super) fn interface(&mut self, item: &Interface) {
        let Interface {
            name,
            qualified: _,
            docs,
            availability,
            look,
            uuid,
            version,
            endpoint,
            stable,
            bases,
            consts,
            methods,
            events,
            reserved,
            visibility: _,
        } = item;
        let mut attributes = Attributes::default();
        if let Some(uuid) = uuid {
            attributes.add(format!("uuid({})", types::uuid(uuid.value)));
        }
        attributes.version("version", *version);
        if let Some(endpoint) = endpoint {
            attributes.add(format!("endpoint({})", types::quoted(&endpoint.value)));
        }
        attributes.flag("stable", *stable);
        attributes.availability(availability);
        attributes.look(name, look);
        self.head(docs, attributes);
        self.put(&format!("interface {name}"));
        if !bases.is_empty() {
            self.all(" : ", bases, "", Self::ty);
        }
        self.put(" {\n");
        consts.iter().for_each(|item| self.constant(item));
        methods.iter().for_each(|method| self.method(method));
        events.iter().for_each(|event| self.event(event));
        for name in reserved {
            self.put(&format!("reserved fn {name};\n"));
        }
        self.put("}\n");
    }

    fn method(&mut self, method: &Method) {
        let Method {
            name,
            wire_name,
            docs,
            availability,
            look,
            oneway,
            idempotent,
            must_understand,
            cancellable,
            timeout,
            params,
            results,
            raises,
            context: _,
            handler,
        } = method;
        let mut attributes = Attributes::default();
        attributes.wire_name(wire_name);
        attributes.flag("oneway", *oneway);
        attributes.flag("idempotent", *idempotent);
        attributes.flag("must_understand", *must_understand);
        attributes.flag("cancellable", *cancellable);
        if let Some(timeout) = timeout {
            attributes.add(format!("timeout({})", types::duration(timeout.value)));
        }
        attributes.availability(availability);
        match handler {
            Handler::Returns => {}
            Handler::Deferred(_) => attributes.add("rust.deferred"),
            Handler::Async(_) => attributes.add("rust.async"),
        }
        attributes.look(name, look);
        self.head(docs, attributes);
        self.put(&format!("fn {name}"));
        self.all("(", params, ")", Self::param);
        match results.as_slice() {
            [] => {}
            [one] if one.name.is_none() => {
                self.put(" -> ");
                self.output(one);
            }
            several => self.all(" -> (", several, ")", Self::output),
        }
        if let Some(raises) = raises {
            self.put(" raises ");
            self.ty(raises);
        }
        self.put(";\n");
    }

    fn event(&mut self, event: &Event) {
        let Event { name, wire_name, docs, availability, must_understand, look, params } = event;
        let mut attributes = Attributes::default();
        attributes.wire_name(wire_name);
        attributes.flag("must_understand", *must_understand);
        attributes.availability(availability);
        attributes.look(name, look);
        self.head(docs, attributes);
        self.put(&format!("event {name}"));
        self.all("(", params, ")", Self::param);
        self.put(";\n");
    }

    fn param(&mut self, param: &Param) {
        let Param {
            name,
            docs,
            availability,
            sensitive,
            direction,
            view,
            raw,
            via,
            moved,
            ty,
            default,
        } = param;
        let mut attributes = Attributes::default();
        match direction {
            Direction::In => {}
            Direction::Out => attributes.add("out"),
            Direction::InOut => attributes.add("in, out"),
        }
        attributes.flag("view", *view);
        attributes.flag("raw", *raw);
        attributes.flag("move", *moved);
        attributes.via(*via);
        attributes.flag("sensitive", *sensitive);
        attributes.availability(availability);
        attributes.rust_name(name);
        self.head(docs, attributes);
        self.put(&format!("{name}: "));
        self.ty(ty);
        self.value(" = ", default.as_ref());
    }

    fn output(&mut self, output: &Output) {
        let Output { name, docs, availability, sensitive, view, raw, via, ty, default } = output;
        let mut attributes = Attributes::default();
        attributes.flag("view", *view);
        attributes.flag("raw", *raw);
        attributes.via(*via);
        attributes.flag("sensitive", *sensitive);
        attributes.availability(availability);
        if let Some(name) = name {
            attributes.rust_name(name);
        }
        self.head(docs, attributes);
        if let Some(name) = name {
            self.put(&format!("{name}: "));
        }
        self.ty(ty);
        self.value(" = ", default.as_ref());
    }
}
