//! The replies of batches: each batch has its calls' replies in one place, and takes them at once.

use std::collections::VecDeque;

use super::{Blocking, Interest, State, Wait, Waiter, Waiting, Wakers};
use crate::channel::{Channel, lock};
use crate::error::Result;
use crate::message::{Deadline, Record};

pub(crate) use super::calls::BatchSlot;

/// The batches of a channel, by number.
#[derive(Default)]
pub(super) struct Batches {
    inboxes: Vec<Option<Inbox>>,
}

#[derive(Default)]
struct Inbox {
    /// Which of the batch's calls, and its reply.
    answered: VecDeque<(usize, Record)>,
    /// Who waits for the next reply. It is woken once.
    waiter: Option<Waiter>,
}

/// The call belongs to a batch, whose thread blocks.
#[derive(Clone, Copy)]
pub(crate) struct InBatch(pub(crate) BatchSlot);

impl Wait for InBatch {
    async fn until<T>(
        self,
        on: (&Waiting, &Channel),
        deadline: Deadline,
        interest: Interest,
        ready: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        Blocking.until(on, deadline, interest, ready).await
    }

    fn waiter(self) -> Waiter {
        Waiter::Batch(self.0)
    }

    /// The call goes on after the function that began it has returned.
    const KEEPS_MEMORY: bool = false;
}

impl Batches {
    /// Puts a reply with its batch. Who waits there is to be woken.
    pub(super) fn add(&mut self, at: BatchSlot, reply: Record) -> Option<Waiter> {
        // A batch that goes gives up its calls first.
        let inbox = self.inboxes.get_mut(at.batch)?.as_mut()?;
        inbox.answered.push_back((at.slot, reply));
        inbox.waiter.take()
    }
}

impl State {
    /// Who waits is to look again.
    pub(super) fn wake(&self, waiter: &Waiter) -> Wakers {
        match *waiter {
            Waiter::Thread(ref thread) => thread.unpark(),
            Waiter::Task(id) => return self.wakers(|task| task.id == id),
            Waiter::Batch(_) => {}
        }
        Wakers::default()
    }
}

impl Waiting {
    /// Makes room for the replies of a new batch, and gives its number.
    pub(crate) fn open_batch(&self) -> usize {
        let inboxes = &mut lock(&self.state).batches.inboxes;
        let free = inboxes.iter().position(Option::is_none);
        let batch = free.unwrap_or_else(|| {
            inboxes.push(None);
            inboxes.len() - 1
        });
        if let Some(inbox) = inboxes.get_mut(batch) {
            *inbox = Some(Inbox::default());
        }
        batch
    }

    /// Forgets a batch, none of whose calls waits any more. Gives the replies that it has not taken.
    pub(crate) fn close_batch(&self, batch: usize) -> VecDeque<(usize, Record)> {
        let mut state = lock(&self.state);
        let closed = state.batches.inboxes.get_mut(batch).and_then(Option::take);
        drop(state);
        closed.unwrap_or_default().answered
    }

    /// Takes the replies of a batch that have come, in exchange for the queue `into`, which is empty when
    /// somebody waits, or else put behind them. `false`: there are none, and the next one wakes who waits in this way.
    pub(crate) fn take_batch(
        &self,
        batch: usize,
        waits: impl Wait,
        into: &mut VecDeque<(usize, Record)>,
    ) -> bool {
        let mut state = lock(&self.state);
        let inbox = state.batches.inboxes.get_mut(batch).and_then(Option::as_mut);
        let Some(inbox) = inbox else { return false };
        if inbox.answered.is_empty() {
            inbox.waiter.get_or_insert_with(|| waits.waiter());
            return false;
        }
        inbox.waiter = None;
        std::mem::swap(&mut inbox.answered, into);
        into.append(&mut inbox.answered);
        true
    }
}
