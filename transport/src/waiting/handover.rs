//! What a thread is handed while it waits for a reply: requests that descend from its call.
//!
//! Whoever receives such a request and the thread that waits meet under the lock of the waiting
//! calls. A request is taken in only where its thread will look once more before it leaves: the reply
//! is not there, and it does not run another one. Whatever the thread finds no more time for, because
//! the reply has come first or its deadline has passed, it gives to the workers when it leaves. So each
//! is run once. It is modelled in loom.

use super::{Leader, Waiter, Waiting};
use crate::channel::lock;
use crate::message::{MessageId, Record};
use crate::port::serving::{Elsewhere, IncomingCall};

/// What the thread of a call does for requests of the same chain. `J` is what such a request is.
#[derive(Debug)]
pub(super) enum Nested<J> {
    /// It takes one.
    Open,
    /// It has got one, and has not seen it yet.
    Handed(J),
    /// It runs one, or takes none.
    Closed,
}

/// What has come for a call.
#[derive(Debug)]
pub(crate) enum Came<R, J> {
    /// The reply. The call is over; a request that its thread was handed is for others to run.
    Reply(R, Option<J>),
    /// A request to run meanwhile. Its thread takes no other until it says so.
    Request(J),
}

impl<J> Nested<J> {
    /// Of a call that is waited for in this way: only a thread can run something meanwhile.
    pub(super) fn of(waiter: &Waiter) -> Nested<J> {
        match waiter {
            Waiter::Thread(_) => Nested::Open,
            Waiter::Task(_) | Waiter::Batch(_) => Nested::Closed,
        }
    }

    /// Puts a request down, or gives it back.
    pub(super) fn hand_over(&mut self, job: J) -> Result<(), J> {
        match self {
            Nested::Open => {
                *self = Nested::Handed(job);
                Ok(())
            }
            Nested::Handed(_) | Nested::Closed => Err(job),
        }
    }

    /// What was put down. Nothing more is taken in then.
    pub(super) fn take(&mut self) -> Option<J> {
        match self {
            Nested::Handed(_) => self.close(),
            Nested::Open | Nested::Closed => None,
        }
    }

    /// Takes nothing in any more; gives what was put down last.
    pub(super) fn close(&mut self) -> Option<J> {
        match std::mem::replace(self, Nested::Closed) {
            Nested::Handed(job) => Some(job),
            Nested::Open | Nested::Closed => None,
        }
    }
}

impl Waiting {
    /// What has come for a call: its reply, with which it is over, or a request to run meanwhile.
    pub(crate) fn take(&self, id: MessageId) -> Option<Came<Record, Job>> {
        lock(&self.state).calls.take(id)
    }

    /// Has the thread that waits for this call run a request meanwhile. The request comes back if it
    /// waits no more, or runs one already.
    pub(crate) fn hand_over(&self, id: MessageId, job: Job) -> Result<(), Job> {
        let mut state = lock(&self.state);
        let leader = state.leader;
        let handed_to = match state.calls.batch_of(id) {
            Some(at) => &state.batches.hand_over(at.batch, job)?,
            None => state.calls.hand_over(id, job)?,
        };
        if let Waiter::Thread(thread) = handed_to {
            thread.unpark();
            if let Leader::Sleeps(leader, _) = leader
                && leader == thread.id()
            {
                self.bell.ring();
            }
        }
        Ok(())
    }

    /// The thread that waits for this call may be handed requests again.
    pub(crate) fn reopen(&self, id: MessageId) {
        lock(&self.state).calls.reopen(id);
    }
}

/// A request, and how it is run. Dropped before that, it is answered as one that nobody ran.
pub(crate) struct Job(Box<Inner>);

struct Inner {
    call: IncomingCall,
    run: Box<dyn FnOnce(IncomingCall) + Send>,
    /// Whoever ends the service that it came to waits for it.
    elsewhere: Elsewhere,
}

impl Job {
    pub(crate) fn new(call: IncomingCall, run: impl FnOnce(IncomingCall) + Send + 'static) -> Job {
        let elsewhere = call.port().elsewhere();
        Job(Box::new(Inner { call, run: Box::new(run), elsewhere }))
    }

    /// Runs it, on this thread.
    pub(crate) fn run(self) {
        let Inner { call, run, elsewhere: _until_it_is_over } = *self.0;
        run(call);
    }

    /// Gives it to the workers of the port that it came through.
    pub(crate) fn pass_on(self) {
        let Inner { call, elsewhere: _until_they_have_it, .. } = *self.0;
        call.give_to_workers();
    }

    pub(crate) fn into_call(self) -> IncomingCall {
        self.0.call
    }
}

#[cfg(all(test, loom))]
mod loom_tests;
