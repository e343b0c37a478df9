//! Whether two versions of an interface understand each other.
//!
//! The same question is asked twice: before a release, of the old file and the new one
//! ([`compare`]), and at connect, of the client's contract and the server's ([`judge`]). Both walk the
//! two versions side by side and gather what differs. What a difference means depends on who writes
//! the data and who reads it: a type that is only answered with may grow where one that is only asked
//! with may not. So each difference notes what it does to data from the old side to the new one and
//! back, and which ways the data flows is found out afterwards, from the methods down.

mod align;
mod findings;
mod flow;
mod interfaces;
mod methods;
mod rule;
mod types;
mod verdicts;

pub use findings::{Effect, Finding, compare, compare_modules};
pub use rule::Rule;
pub use verdicts::{Verdict, Verdicts, judge};

use std::collections::HashMap;

use crate::{Contract, MethodKind, Types};
use flow::{Edge, Flows};

/// What a difference does to a call or to data that crosses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Harm {
    /// Nothing.
    None,
    /// It works, and may surprise.
    Warn,
    /// Some calls fail, or may fail one day.
    Break,
    /// Data would be misread: no call may be made.
    Blocked,
}

/// One difference.
#[derive(Clone, Debug)]
struct Diff {
    rule: Rule,
    /// The dotted name of what differs.
    path: String,
    /// When the old side calls or writes, and the new one serves or reads.
    forward: Harm,
    /// The other way round.
    backward: Harm,
    /// To programs that are compiled against the new version.
    source: Harm,
    message: String,
    help: Option<String>,
}

impl Diff {
    /// A difference without harm, to be filled in.
    fn new(rule: Rule, path: &str, message: impl Into<String>) -> Diff {
        Diff {
            rule,
            path: path.to_owned(),
            forward: Harm::None,
            backward: Harm::None,
            source: Harm::None,
            message: message.into(),
            help: None,
        }
    }

    fn forward(self, forward: Harm) -> Diff {
        Diff { forward, ..self }
    }

    fn backward(self, backward: Harm) -> Diff {
        Diff { backward, ..self }
    }

    fn both_ways(self, harm: Harm) -> Diff {
        Diff { forward: harm, backward: harm, ..self }
    }

    fn source(self, source: Harm) -> Diff {
        Diff { source, ..self }
    }

    /// Nobody must call, and programs have to be changed.
    fn blocked(self) -> Diff {
        self.both_ways(Harm::Blocked).source(Harm::Break)
    }

    fn help(self, help: impl Into<String>) -> Diff {
        Diff { help: Some(help.into()), ..self }
    }
}

/// Two things that are compared with each other: a method or a named type, old and new.
#[derive(Debug, Default)]
struct Node {
    diffs: Vec<Diff>,
    /// What data of this node holds.
    edges: Vec<Edge>,
    /// The number, if this is a method.
    ordinal: Option<u64>,
    /// Which ways its calls or its data go.
    flows: Flows,
}

/// A method that only one of the sides has, or each under a number of its own.
#[derive(Debug)]
struct Lone {
    ordinals: Vec<u64>,
    /// The node of the interface that it belongs to. None for the connection's own.
    of: Option<usize>,
    kind: MethodKind,
    diff: Diff,
}

/// Most steps of one comparison. A peer's contract can be made so that comparing it with ours takes
/// the product of the two; no honest one comes near to this.
const MOST_STEPS: usize = 200_000;

/// Two versions while they are walked side by side.
struct Walk<'c> {
    old: &'c Types,
    new: &'c Types,
    nodes: Vec<Node>,
    lone: Vec<Lone>,
    /// The pairs of named types that have a node.
    pairs: HashMap<(&'c str, &'c str), usize>,
    /// Those that have not been looked into.
    pending: Vec<(usize, &'c crate::Definition, &'c crate::Definition)>,
    steps: usize,
}

impl<'c> Walk<'c> {
    fn new(old: &'c Types, new: &'c Types) -> Walk<'c> {
        Walk {
            old,
            new,
            nodes: Vec::new(),
            lone: Vec::new(),
            pairs: HashMap::new(),
            pending: Vec::new(),
            steps: 0,
        }
    }

    /// Two versions of one interface, with everything that they reach.
    fn contracts(old: &'c Contract, new: &'c Contract) -> Walk<'c> {
        let mut walk = Walk::new(&old.types, &new.types);
        walk.root(&old.interface, &new.interface);
        walk.finish();
        walk
    }

    /// Looks into every pair of types that came up.
    fn finish(&mut self) {
        while let Some((node, old, new)) = self.pending.pop() {
            self.definitions(node, old, new);
        }
        flow::spread(&mut self.nodes);
    }

    fn node(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn add(&mut self, node: usize, diff: Diff) {
        if let Some(node) = self.nodes.get_mut(node) {
            node.diffs.push(diff);
        }
    }

    /// Which ways the calls of a lone method would go.
    fn flows_of(&self, lone: &Lone) -> Flows {
        let calls = match lone.of {
            None => Flows::TO_SERVER,
            Some(node) => self.nodes.get(node).map_or(Flows::NONE, |node| node.flows.turned()),
        };
        match lone.kind {
            MethodKind::Event => calls.turned(),
            _ => calls,
        }
    }

    fn connect(&mut self, from: usize, edge: Edge) {
        if let Some(node) = self.nodes.get_mut(from) {
            node.edges.push(edge);
        }
    }

    /// One more step. False if there have been too many.
    fn step(&mut self) -> bool {
        self.steps += 1;
        self.steps <= MOST_STEPS
    }

    fn is_exhausted(&self) -> bool {
        self.steps > MOST_STEPS
    }
}

#[cfg(test)]
mod tests;
