//! Which methods two peers can call, once they are connected.

use std::collections::HashMap;

use super::findings::new_identity;
use super::flow::{Flows, Way};
use super::{Diff, Harm, Walk};
use crate::Contract;

/// What is known of a method that the two sides do not have alike.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Only one of the sides has it.
    Missing,
    /// Both have it, and one would misread the other's data.
    Incompatible {
        /// What differs.
        reason: String,
    },
}

/// Which methods of two peers cannot be called. All others can.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdicts(HashMap<u64, Verdict>);

impl Verdicts {
    /// Why the method of this number cannot be called, if so.
    pub fn of(&self, ordinal: u64) -> Option<&Verdict> {
        self.0.get(&ordinal)
    }

    /// Can every method be called?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Which methods a client and a server can call at each other: those of the interface, and those of
/// the interfaces whose objects they hand over.
///
/// The comparison is that of [`compare`](super::compare). Which of the two is the old one is told by
/// their versions. If they are equal, one side was changed without saying so; a method can then be
/// called if it could be called in either case.
pub fn judge(client: &Contract, server: &Contract) -> Verdicts {
    if let Some(diff) = new_identity(client, server) {
        let methods = client.interface.methods.iter().chain(&server.interface.methods);
        let bad = Verdict::Incompatible { reason: diff.message };
        return Verdicts(methods.map(|method| (method.ordinal, bad.clone())).collect());
    }
    let (ours, theirs) = (client.interface.version, server.interface.version);
    let client_is_old = || Walk::contracts(client, server).verdicts(Pairing::OldClient);
    let server_is_old = || Walk::contracts(server, client).verdicts(Pairing::NewClient);
    match ours.cmp(&theirs) {
        std::cmp::Ordering::Less => client_is_old(),
        std::cmp::Ordering::Greater => server_is_old(),
        std::cmp::Ordering::Equal => {
            let (mut one, other) = (client_is_old(), server_is_old());
            one.0.retain(|ordinal, _| other.0.contains_key(ordinal));
            one
        }
    }
}

/// Which side is which.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pairing {
    /// An old client at a new server.
    OldClient,
    /// A new client at an old server.
    NewClient,
}

impl Walk<'_> {
    fn verdicts(&self, pairing: Pairing) -> Verdicts {
        let mut verdicts = HashMap::new();
        let reasons = self.reasons(pairing);
        for (node, at) in self.nodes.iter().zip(0..) {
            let Some(ordinal) = node.ordinal else { continue };
            let mut bad = node.flows.each().filter_map(|flow| reasons.get(&(at, flow)));
            if self.is_exhausted() {
                let reason = "the two versions are too large to be compared".to_owned();
                verdicts.insert(ordinal, Verdict::Incompatible { reason });
            } else if let Some(reason) = bad.next() {
                let reason = format!("`{}` {}", reason.path, reason.message);
                verdicts.insert(ordinal, Verdict::Incompatible { reason });
            }
        }
        for ordinal in self.lone.iter().flat_map(|lone| &lone.ordinals) {
            verdicts.insert(*ordinal, Verdict::Missing);
        }
        Verdicts(verdicts)
    }

    /// Why data of a node, going one way, would be misread: for itself, or for what it holds. Found
    /// by going from what is bad to everything that holds it.
    fn reasons(&self, pairing: Pairing) -> HashMap<(usize, Flows), &Diff> {
        let mut holders: HashMap<(usize, Flows), Vec<(usize, Flows)>> = HashMap::new();
        let mut open = Vec::new();
        for (node, at) in self.nodes.iter().zip(0..) {
            for flow in node.flows.each() {
                let blocked = node.diffs.iter().find(|diff| {
                    let (old_client, new_client) = diff.by_pairing(flow);
                    let harm = if pairing == Pairing::OldClient { old_client } else { new_client };
                    harm == Harm::Blocked
                });
                if let Some(diff) = blocked {
                    open.push(((at, flow), diff));
                }
                for edge in &node.edges {
                    let inner = (edge.to, edge.way.follow(flow));
                    // A bad method of an object is bad for itself; the object can be handed over.
                    let is_method = self.nodes.get(edge.to).is_some_and(|n| n.ordinal.is_some());
                    if !is_method && edge.way != Way::Calls {
                        holders.entry(inner).or_default().push((at, flow));
                    }
                }
            }
        }
        let mut reasons = HashMap::new();
        while let Some((state, reason)) = open.pop() {
            if reasons.contains_key(&state) {
                continue;
            }
            for holder in holders.get(&state).into_iter().flatten() {
                open.push((*holder, reason));
            }
            reasons.insert(state, reason);
        }
        reasons
    }
}
