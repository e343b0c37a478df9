//! Interfaces as a whole.

use std::collections::HashMap;

use super::Checker;
use crate::diagnostic::{Diagnostic, codes};
use crate::ir::{At, Interface, Name, identity};

/// The method of a server's trait that generated code adds where there are events.
const EMITTER: &str = "emitter";

impl<'m> Checker<'m> {
    pub(super) fn interface(&mut self, item: &'m Interface) {
        self.distinct("a method's name", item.methods.iter().map(|method| &method.name));
        self.distinct("an event's name", item.events.iter().map(|event| &event.name));
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
        item.events.iter().for_each(|event| self.event(event));
        self.event_names(item);
        self.bases(item);
    }

    /// Methods and events are known by numbers made from their names, so two names must not make one
    /// number.
    fn ordinals(&mut self, item: &Interface) {
        let id = identity::interface_id(item);
        let mut taken: HashMap<u64, (&Name, &str)> = HashMap::new();
        for (name, written, what) in wire_names(item) {
            let wire_name = written.map_or(name.text.as_str(), |written| written.value.as_str());
            if wire_name.is_empty() {
                let span = written.map_or(name.span, |written| written.span);
                let message = "a name on the wire has letters";
                self.push(Diagnostic::error(codes::BAD_ATTRIBUTE_ARGUMENT, message, span));
            }
            let ordinal = identity::ordinal(id, wire_name);
            let other = taken.insert(ordinal, (name, what));
            // Two methods of one name are told as that.
            let other = other.filter(|&(other, its)| its != what || other != name);
            if other.is_none() && ordinal != 0 {
                continue;
            }
            let message = match other {
                Some((_, its)) if its == what => {
                    format!("`{name}` has the number of another {what}")
                }
                Some((_, its)) => {
                    format!("{what} `{name}` has the number of {} {its}", article(its))
                }
                None => format!("`{name}` has the number 0, which is no {what}'s"),
            };
            let mut error = Diagnostic::error(codes::ORDINAL_CLASH, message, name.span);
            if let Some((other, _)) = other {
                error = error.also(other.span, format!("`{other}`"));
            }
            let note =
                format!("the number is made from the interface's uuid and the {what}'s wire name");
            self.push(error.note(note).help("give one of them another `wire_name`"));
        }
    }

    /// What generated code makes of the names of events.
    fn event_names(&mut self, item: &Interface) {
        let mut taken: HashMap<String, &Name> = HashMap::new();
        for event in &item.events {
            let variant = event.variant().ident().to_string();
            if let Some(first) = taken.insert(variant.clone(), &event.name)
                && *first != event.name
            {
                let message = format!("two events would be called `{variant}` in Rust");
                let error = Diagnostic::error(codes::DUPLICATE, message, event.name.span);
                self.push(error.also(first.span, "the first is here"));
            }
        }
        let Some(event) = item.events.first() else { return };
        for method in item.methods.iter().filter(|method| method.name.text == EMITTER) {
            let message = format!("`{EMITTER}` is where a server has its events from");
            let error = Diagnostic::error(codes::RESERVED_NAME, message, method.name.span);
            let error = error.also(event.name.span, "there are events, of which this is the first");
            self.push(error.help("choose another name, and keep this one as its `wire_name`"));
        }
    }

    fn reserved_methods(&mut self, item: &Interface) {
        for reserved in &item.reserved {
            let taken = wire_names(item).filter(|(name, written, _)| {
                written.map_or(name.text.as_str(), |written| &written.value) == reserved.text
            });
            for (name, written, what) in taken {
                let message = format!("{what} `{reserved}` is reserved");
                let span = written.map_or(name.span, |written| written.span);
                let error = Diagnostic::error(codes::DUPLICATE, message, span);
                self.push(error.also(reserved.span, "reserved here, since old peers call it"));
            }
        }
    }
}

/// The methods and events of an interface: name, name on the wire, what it is.
pub(super) fn wire_names(
    item: &Interface,
) -> impl Iterator<Item = (&Name, Option<&At<String>>, &'static str)> {
    let methods = item.methods.iter();
    let methods = methods.map(|method| (&method.name, method.wire_name.as_ref(), "method"));
    let events = item.events.iter();
    methods.chain(events.map(|event| (&event.name, event.wire_name.as_ref(), "event")))
}

pub(super) fn article(what: &str) -> &'static str {
    if what == "event" { "an" } else { "a" }
}
