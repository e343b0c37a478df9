//! Which way data flows: from client to server, from server to client, or both.

use super::Node;

/// A set of directions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Flows(u8);

impl Flows {
    pub(super) const NONE: Flows = Flows(0);
    /// Calls of clients, and what they send.
    pub(super) const TO_SERVER: Flows = Flows(1);
    /// Calls of servers (events, callbacks), and what they send, answers among it.
    pub(super) const TO_CLIENT: Flows = Flows(2);
    pub(super) const BOTH: Flows = Flows(3);

    pub(super) fn has(self, other: Flows) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn with(self, other: Flows) -> Flows {
        Flows(self.0 | other.0)
    }

    /// The other way: that of answers, and of calls to an object that was sent.
    pub(super) fn turned(self) -> Flows {
        Flows(self.0 >> 1 | (self.0 & 1) << 1)
    }

    /// The single directions in it.
    pub(super) fn each(self) -> impl Iterator<Item = Flows> {
        [Flows::TO_SERVER, Flows::TO_CLIENT].into_iter().filter(move |one| self.has(*one))
    }
}

/// That one node's data holds another's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) to: usize,
    pub(super) way: Way,
}

/// How the flow of a node follows from the flow of what refers to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It goes along.
    Along,
    /// It goes back.
    Back,
    /// From an interface to its methods: whoever received the object calls.
    Calls,
}

impl Way {
    pub(super) fn follow(self, flows: Flows) -> Flows {
        match self {
            Way::Along => flows,
            Way::Back | Way::Calls => flows.turned(),
        }
    }
}

/// Carries the flows of the nodes that have one on to everything that they reach.
pub(super) fn spread(nodes: &mut [Node]) {
    let mut open: Vec<usize> = (0..nodes.len())
        .filter(|at| nodes.get(*at).is_some_and(|n| n.flows != Flows::NONE))
        .collect();
    while let Some(at) = open.pop() {
        let Some(node) = nodes.get(at) else { continue };
        let flows = node.flows;
        for edge in node.edges.clone() {
            let Some(next) = nodes.get_mut(edge.to) else { continue };
            let reached = next.flows.with(edge.way.follow(flows));
            if reached != next.flows {
                next.flows = reached;
                open.push(edge.to);
            }
        }
    }
}
