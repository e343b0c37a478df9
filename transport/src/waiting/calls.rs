//! The calls that are outstanding, by number, and what has become of each.
//!
//! A reply meets its call here, or finds that nobody waits for it any more: of the two that race, the
//! reply and the caller who gives up, the first one to come here decides. It is modelled in loom.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};

use super::handover::{Came, Nested};
use super::{GrantName, Waiter};
use crate::message::MessageId;

/// The calls of one channel that wait for their replies. `R` is what a reply is, and `J` a request that
/// a thread may be handed meanwhile.
pub(super) struct Calls<R, J> {
    by_id: ById<Call<R, J>>,
    /// Those of batches. They are many, and little is to be known of each.
    batched: ById<Batched>,
    /// Those that are not answered. What is answered is not outstanding, though its caller may not have
    /// run yet: otherwise a leader that waits for the credit would have to be told of the caller's next
    /// step.
    outstanding: usize,
}

type ById<C> = HashMap<MessageId, C, BuildHasherDefault<IdHasher>>;

struct Batched {
    slot: BatchSlot,
    is_abandoned: bool,
}

struct Call<R, J> {
    waiter: Waiter,
    stage: Stage<R>,
    nested: Nested<J>,
    /// The slot belongs to the call until the server has answered it: before, a copier that comes
    /// late could be taken for one of the next call's.
    grant: Option<GrantName>,
}

enum Stage<R> {
    Waiting,
    Answered(R),
    /// The caller gave up; a reply is thrown away when it comes.
    Abandoned,
}

/// Whom a reply has met.
pub(super) enum Met<'c, R> {
    /// Its caller, who is to be woken.
    Caller(&'c Waiter),
    /// A call that its caller has given up, and which is over.
    Nobody(R),
    /// No call: the server has made it up, or has answered before.
    NoCall,
}

/// Names a call of a batch: which batch, and which of its calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchSlot {
    pub(crate) batch: usize,
    pub(crate) slot: usize,
}

impl<R, J> Calls<R, J> {
    pub(super) fn new() -> Calls<R, J> {
        Calls { by_id: HashMap::default(), batched: HashMap::default(), outstanding: 0 }
    }

    /// Whether fewer calls than `limit` are outstanding.
    pub(super) fn has_credit(&self, limit: usize) -> bool {
        self.has_credits(1, limit)
    }

    /// Whether `count` calls more would not be more than `limit`.
    pub(super) fn has_credits(&self, count: usize, limit: usize) -> bool {
        self.outstanding + count <= limit
    }

    pub(super) fn register(&mut self, id: MessageId, waiter: Waiter) {
        if let Waiter::Batch(slot) = waiter {
            return self.register_batched(id, slot);
        }
        self.outstanding += 1;
        let nested = Nested::of(&waiter);
        self.by_id.insert(id, Call { waiter, stage: Stage::Waiting, nested, grant: None });
    }

    pub(super) fn register_batched(&mut self, id: MessageId, slot: BatchSlot) {
        self.outstanding += 1;
        self.batched.insert(id, Batched { slot, is_abandoned: false });
    }

    /// Forgets a call that the server has not heard of. What its thread was handed all the same, by
    /// whoever guessed at its name, is for others.
    pub(super) fn forget(&mut self, id: MessageId) -> Option<J> {
        if self.batched.remove(&id).is_some() {
            self.outstanding -= 1;
            return None;
        }
        let mut call = self.by_id.remove(&id)?;
        self.outstanding -= 1;
        call.nested.close()
    }

    /// The caller gives up. What has come by now is given back; otherwise nobody gets it. A request
    /// that its thread was handed is for others.
    pub(super) fn abandon(&mut self, id: MessageId) -> (Option<R>, Option<J>) {
        if let Some(call) = self.batched.get_mut(&id) {
            call.is_abandoned = true;
            return (None, None);
        }
        let Some(call) = self.by_id.get_mut(&id) else { return (None, None) };
        if matches!(call.stage, Stage::Waiting) {
            call.stage = Stage::Abandoned;
            return (None, call.nested.close());
        }
        match self.take(id) {
            Some(Came::Reply(reply, unseen)) => (Some(reply), unseen),
            _ => (None, None),
        }
    }

    /// What has come for a call: the reply, with which it is over, or else a request.
    pub(super) fn take(&mut self, id: MessageId) -> Option<Came<R, J>> {
        let Entry::Occupied(mut call) = self.by_id.entry(id) else { return None };
        if !matches!(call.get().stage, Stage::Answered(_)) {
            return call.get_mut().nested.take().map(Came::Request);
        }
        let mut call = call.remove();
        match call.stage {
            Stage::Answered(reply) => Some(Came::Reply(reply, call.nested.close())),
            _ => None,
        }
    }

    /// Gives a request to the thread that waits for a call, and says whom to wake. It comes back if the
    /// call is answered or given up, or the thread takes none.
    pub(super) fn hand_over(&mut self, id: MessageId, job: J) -> Result<&Waiter, J> {
        match self.by_id.get_mut(&id) {
            Some(call @ Call { stage: Stage::Waiting, .. }) => {
                call.nested.hand_over(job)?;
                Ok(&call.waiter)
            }
            _ => Err(job),
        }
    }

    /// The batch that has this call, which is not answered or given up.
    pub(super) fn batch_of(&self, id: MessageId) -> Option<BatchSlot> {
        let batched = self.batched.get(&id)?;
        (!batched.is_abandoned).then_some(batched.slot)
    }

    /// The thread of a call takes a request again.
    pub(super) fn reopen(&mut self, id: MessageId) {
        if let Some(call) = self.by_id.get_mut(&id) {
            call.nested = Nested::Open;
        }
    }

    /// A reply has come to a call of a batch, which is over: the batch gets the reply, unless it has given
    /// the call up. `None`: it is no such call.
    #[inline]
    pub(super) fn answer_batched(&mut self, id: MessageId) -> Option<Option<BatchSlot>> {
        if self.batched.is_empty() {
            return None;
        }
        let Batched { slot, is_abandoned } = self.batched.remove(&id)?;
        self.outstanding -= 1;
        Some((!is_abandoned).then_some(slot))
    }

    /// A reply has come to a call of its own.
    pub(super) fn answer(&mut self, id: MessageId, reply: R) -> Met<'_, R> {
        let Entry::Occupied(call) = self.by_id.entry(id) else { return Met::NoCall };
        match call.get().stage {
            Stage::Answered(_) => Met::NoCall,
            Stage::Abandoned => {
                self.outstanding -= 1;
                call.remove();
                Met::Nobody(reply)
            }
            Stage::Waiting => {
                self.outstanding -= 1;
                let call = call.into_mut();
                call.stage = Stage::Answered(reply);
                Met::Caller(&call.waiter)
            }
        }
    }

    /// Whether a call lends memory by this slot.
    pub(super) fn lends_by(&self, slot: u8) -> bool {
        self.by_id.values().any(|call| call.grant.is_some_and(|grant| grant.slot == slot))
    }

    /// Notes that a call lends memory. `false`: there is no such call.
    pub(super) fn lend(&mut self, id: MessageId, grant: GrantName) -> bool {
        let call = self.by_id.get_mut(&id);
        call.map(|call| call.grant = Some(grant)).is_some()
    }
}

/// Spreads numbers that follow each other. They are our own: nobody can make them collide.
#[derive(Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(u64::from(byte)));
    }

    fn write_u64(&mut self, id: u64) {
        // The golden ratio's bits: the lowest choose the place, the highest tell neighbours apart.
        self.0 = (self.0 ^ id).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32);
    }
}

#[cfg(all(test, loom))]
mod loom_tests;
