//! What a graph of calls looks like, from its seed alone.
//!
//! A call's value depends on everything below it: on who ran it, how deep, and on the values of the calls
//! that it made. So no reply can be taken for another's, and whoever has made the first call can work
//! out what must come.

use super::api::Step;

/// Processes that call each other.
pub(super) const NODES: u8 = 4;

/// By which way a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// To the server of that process.
    To(u8),
    /// The same, and it may call back.
    Visit(u8),
    /// To the object of whoever called, in that process.
    Back(u8),
}

impl Way {
    /// The process in which the call is run.
    pub(super) fn node(self) -> u8 {
        match self {
            Way::To(node) | Way::Visit(node) | Way::Back(node) => node,
        }
    }
}

/// One call that a handler makes.
#[derive(Debug)]
pub(super) struct Child {
    /// By which way.
    pub(super) way: Way,
    /// What is called with.
    pub(super) step: Step,
}

/// Makes one number of two, from which neither can be guessed easily.
pub(super) fn mix(a: u64, b: u64) -> u64 {
    let mut mixed = a.rotate_left(23) ^ b.wrapping_add(0x9e37_79b9_7f4a_7c15);
    for factor in [0xbf58_476d_1ce4_e5b9, 0x94d0_49bb_1331_11eb] {
        mixed = (mixed ^ mixed >> 29).wrapping_mul(factor);
    }
    mixed ^ mixed >> 32
}

/// The calls that `step` makes at the process `node`, which may call `back`: one, unless it is deep
/// enough, and each fourth time two.
pub(super) fn children(step: &Step, node: u8, back: Option<u8>) -> Vec<Child> {
    let dice = mix(step.seed, u64::from(node));
    let count = match step.depth < step.most {
        false => 0,
        true => 1 + u64::from(dice.is_multiple_of(4)),
    };
    let child = |number| {
        let seed = mix(dice, number);
        let step = Step::new(seed, step.depth + 1, step.most);
        Child { way: way(mix(seed, 77), node, back), step }
    };
    (0..count).map(child).collect()
}

/// By which way a call of the process `node` goes.
pub(super) fn way(dice: u64, node: u8, back: Option<u8>) -> Way {
    let [kind, place, ..] = dice.to_le_bytes();
    let other = (node + 1 + place % (NODES - 1)) % NODES;
    match (back, kind % 4) {
        (Some(caller), 0 | 1) => Way::Back(caller),
        (_, 2) => Way::To(other),
        _ => Way::Visit(other),
    }
}

/// What a step is worth by itself.
pub(super) fn worth(step: &Step, node: u8) -> u64 {
    mix(step.seed, u64::from(node) << 8 | u64::from(step.depth))
}

/// What comes of a step at the process `node`, and how many calls it takes, itself included.
pub(super) fn expected(step: &Step, way: Way, caller: u8) -> (u64, u64) {
    let node = way.node();
    let back = match way {
        Way::Visit(_) => Some(caller),
        Way::To(_) | Way::Back(_) => None,
    };
    let (mut value, mut calls) = (worth(step, node), 1);
    for child in children(step, node, back) {
        let (more, below) = expected(&child.step, child.way, node);
        value = mix(value, more);
        calls += below;
    }
    (value, calls)
}
