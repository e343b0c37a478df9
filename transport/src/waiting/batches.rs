//! The replies of batches: each batch has its calls' replies in one place, and takes them at once.

use std::collections::VecDeque;

use super::{Blocking, Interest, Job, State, Wait, Waiter, Waiting, Wakers};
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
    /// A request of the chain of one of the calls, for the thread that waits.
    job: Option<Job>,
}

/// What a thread has got that waits for the replies of a batch.
pub(crate) enum Got {
    /// Replies, and perhaps a request that others have to run now.
    Replies(Option<Job>),
    /// A request to run meanwhile.
    Request(Job),
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

    /// Gives a request to the thread that waits, and says which to wake. It comes back if none does.
    pub(super) fn hand_over(&mut self, batch: usize, job: Job) -> std::result::Result<Waiter, Job> {
        let inbox = self.inboxes.get_mut(batch).and_then(Option::as_mut);
        let Some(inbox) = inbox else { return Err(job) };
        match inbox.waiter.take() {
            Some(waiter) => {
                inbox.job = Some(job);
                Ok(waiter)
            }
            None => Err(job),
        }
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
    /// somebody waits, or else put behind them. Without any, a request that this thread was handed.
    /// `None`: there is nothing, and what comes next wakes who waits in this way, until it
    /// [leaves](Waiting::leave_batch).
    pub(crate) fn take_batch(
        &self,
        batch: usize,
        waits: impl Wait,
        into: &mut VecDeque<(usize, Record)>,
    ) -> Option<Got> {
        let mut state = lock(&self.state);
        let inbox = state.batches.inboxes.get_mut(batch).and_then(Option::as_mut)?;
        if inbox.answered.is_empty() {
            let job = inbox.job.take();
            if job.is_none() {
                inbox.waiter.get_or_insert_with(|| waits.waiter());
            }
            return job.map(Got::Request);
        }
        inbox.waiter = None;
        std::mem::swap(&mut inbox.answered, into);
        into.append(&mut inbox.answered);
        Some(Got::Replies(inbox.job.take()))
    }

    /// Nobody waits for the replies of a batch any more. What its thread was handed is for others.
    pub(crate) fn leave_batch(&self, batch: usize) {
        let mut state = lock(&self.state);
        let inbox = state.batches.inboxes.get_mut(batch).and_then(Option::as_mut);
        let unseen = inbox.and_then(|inbox| {
            inbox.waiter = None;
            inbox.job.take()
        });
        drop(state);
        unseen.into_iter().for_each(Job::pass_on);
    }
}
