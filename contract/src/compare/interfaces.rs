//! Interfaces side by side: which methods are the same, and which only one side has.

use std::collections::HashMap;

use super::flow::{Edge, Flows, Way};
use super::types::last_name;
use super::{Diff, Harm, Lone, Rule, Walk};
use crate::{Interface, Method, MethodKind};

impl<'c> Walk<'c> {
    /// The interface that the connection is for: its calls go to the server, its events come back.
    pub(super) fn root(&mut self, old: &'c Interface, new: &'c Interface) {
        if old.name != new.name {
            let node = self.node(super::Node { flows: Flows::TO_SERVER, ..super::Node::default() });
            let message = format!("was called `{}`", old.name);
            // The module's own name is in no program.
            let diff = match last_name(&old.name) == last_name(&new.name) {
                true => Diff::new(Rule::SourceRenamed, &new.name, message),
                false => Diff::new(Rule::InterfaceRenamed, &new.name, message).source(Harm::Break),
            };
            self.add(node, diff);
        }
        for (node, kind) in self.methods(None, old, new) {
            if let Some(node) = self.nodes.get_mut(node) {
                node.flows = match kind {
                    MethodKind::Event => Flows::TO_CLIENT,
                    _ => Flows::TO_SERVER,
                };
            }
        }
    }

    /// An interface whose objects are handed over: whoever receives one calls it.
    pub(super) fn objects(&mut self, node: usize, old: &'c Interface, new: &'c Interface) {
        if old.id != new.id || old.version.major != new.version.major {
            let message = "is another interface: its uuid or its major version differs";
            self.add(
                node,
                Diff::new(Rule::NewInterface, &new.name, message).both_ways(Harm::Blocked),
            );
            return;
        }
        for (method, kind) in self.methods(Some(node), old, new) {
            let way = match kind {
                // An event comes from the object to whoever holds it, as an answer does.
                MethodKind::Event => Way::Along,
                _ => Way::Calls,
            };
            self.connect(node, Edge { to: method, way });
        }
    }

    /// Compares the methods, and returns the nodes of those that both have.
    fn methods(
        &mut self,
        of: Option<usize>,
        old: &'c Interface,
        new: &'c Interface,
    ) -> Vec<(usize, MethodKind)> {
        let alive = |interface: &'c Interface| -> HashMap<u64, &'c Method> {
            let alive = interface.methods.iter().filter(|m| m.availability.removed.is_none());
            alive.map(|method| (method.ordinal, method)).collect()
        };
        let (in_old, in_new) = (alive(old), alive(new));
        let mut both = Vec::new();
        let mut removed = Vec::new();
        for method in old.methods.iter().filter(|m| in_old.contains_key(&m.ordinal)) {
            match in_new.get(&method.ordinal) {
                Some(now) => both.push((self.method(&new.name, method, now), now.kind)),
                None => removed.push(method),
            }
        }
        let mut added: Vec<&Method> = new
            .methods
            .iter()
            .filter(|m| in_new.contains_key(&m.ordinal) && !in_old.contains_key(&m.ordinal))
            .collect();
        for method in removed {
            let heir = added.iter().position(|new| new.name == method.name).or_else(|| {
                added.iter().position(|new| self.step() && same_signature(method, new))
            });
            let heir = heir.map(|at| added.remove(at));
            let mut ordinals = vec![method.ordinal];
            ordinals.extend(heir.map(|heir| heir.ordinal));
            let diff = match heir {
                Some(heir) => succeeded(method, heir, &new.name),
                None => gone(method, new),
            };
            self.lone.push(Lone { ordinals, of, kind: method.kind, diff });
        }
        for method in added {
            let diff = arrived(method, &new.name);
            self.lone.push(Lone { ordinals: vec![method.ordinal], of, kind: method.kind, diff });
        }
        both
    }
}

/// Whether one could be the other under another name.
fn same_signature(old: &Method, new: &Method) -> bool {
    old.kind == new.kind
        && old.params == new.params
        && old.results == new.results
        && old.raises == new.raises
}

/// A method that is there under another number.
fn succeeded(old: &Method, new: &Method, interface: &str) -> Diff {
    let path = format!("{interface}.{}", new.shown_name());
    let diff = match old.name == new.name {
        true => {
            let message = "is declared in another interface, and so has another number";
            let help = "old clients are served by one of another name that has the old number: \
                        leave it where it was, with `[wire_name(\"NAME\")]`";
            let diff = Diff::new(Rule::MethodMoved, &path, message);
            diff.help(help.replace("NAME", &old.name))
        }
        false => {
            let message = format!("was called `{}`, and so has another number", old.shown_name());
            let diff = Diff::new(Rule::MethodRenamed, &path, message);
            diff.help(format!("keep the number: `[wire_name(\"{}\")]`", old.name))
        }
    };
    diff.both_ways(Harm::Break).source(Harm::Break)
}

fn gone(method: &Method, new: &Interface) -> Diff {
    let path = format!("{}.{}", new.name, method.shown_name());
    let is_reserved = new.reserved.iter().any(|name| name == &method.name)
        || new.methods.iter().any(|new| new.ordinal == method.ordinal);
    let diff = Diff::new(Rule::MethodRemoved, &path, "is gone").source(Harm::Break);
    let (harm, diff) = match is_reserved {
        true => (Harm::Warn, diff),
        false => {
            let reserve =
                format!("see that its number does not come back: `reserved fn {};`", method.name);
            (Harm::Break, diff.help(reserve))
        }
    };
    match method.kind {
        // Whoever waits for it waits in vain; whoever gets one drops it.
        MethodKind::Event => diff.forward(unknown_event(method)).backward(harm),
        _ => diff.forward(harm),
    }
}

fn arrived(method: &Method, interface: &str) -> Diff {
    let path = format!("{interface}.{}", method.shown_name());
    let diff = Diff::new(Rule::AddMethod, &path, "was added");
    if method.kind == MethodKind::Event {
        return diff.backward(unknown_event(method));
    }
    let diff = diff.backward(if method.must_understand { Harm::Break } else { Harm::Warn });
    match method.availability.added {
        Some(_) => diff,
        None => diff
            .source(Harm::Break)
            .help("say since when it is there, `[added(..)]`: then servers need not implement it"),
    }
}

/// What an event does to a receiver that does not know it.
fn unknown_event(method: &Method) -> Harm {
    if method.must_understand { Harm::Break } else { Harm::Warn }
}
