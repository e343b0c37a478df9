//! The answers to calls that were taken together, on their way out together.
//!
//! A client that has many calls under way wakes up once for all of their replies, and whoever answers
//! pays for one look whether it sleeps, and not for one with each reply.

use std::sync::Arc;

use super::Worker;
use crate::channel::Bell;
use crate::error::Error;
use crate::message::MessageId;
use crate::port::serving::{IncomingCall, Reply, ServerPort};
use crate::queue::Staged;

/// Answers that have not gone out yet, all of them one client's.
#[derive(Default)]
pub(super) struct Together {
    staged: Staged,
    answered: Vec<MessageId>,
}

/// Answers that go out together.
///
/// A client sees its answers when the next call is another client's, with the next message that anybody
/// sends to it, and at the latest when this is dropped. Whatever takes its time is to be done before, or
/// after.
///
/// ```no_run
/// # use alpc_transport::{Completion, Reply, Worker};
/// # fn work(worker: &mut Worker) -> Result<(), alpc_transport::Error> {
/// let mut completions = Vec::new();
/// while worker.next_many(&mut completions, 32)? > 0 {
///     let mut replies = worker.replies();
///     for completion in completions.drain(..) {
///         if let Completion::Call(call) = completion {
///             // A client that is gone does not hear it.
///             let _gone = replies.reply(call, Reply::default());
///         }
///     }
/// }
/// # Ok(())
/// # }
/// ```
pub struct Replies<'w> {
    worker: &'w mut Worker,
    /// The client whose answers are held back.
    held: Option<Arc<ServerPort>>,
}

impl<'w> Replies<'w> {
    pub(super) fn new(worker: &'w mut Worker) -> Replies<'w> {
        Replies { worker, held: None }
    }

    /// Answers a call.
    ///
    /// # Errors
    ///
    /// As [`IncomingCall::reply`].
    pub fn reply(
        &mut self,
        call: IncomingCall,
        reply: Reply,
    ) -> std::result::Result<(), (Error, Option<IncomingCall>)> {
        if !call.wants_reply() {
            return Ok(());
        }
        if !self.held.as_ref().is_some_and(|held| Arc::ptr_eq(held, call.port())) {
            self.send();
            self.held = Some(call.port().clone());
        }
        let Together { staged, answered } = &mut self.worker.together;
        if !call.port().takes_short(&reply) {
            self.post();
            return call.reply_with(reply, Bell::Held);
        }
        answered.push(call.id());
        call.stage_reply(&reply, staged);
        if staged.is_enough() {
            self.post();
        }
        Ok(())
    }

    /// Sends what was put together.
    fn post(&mut self) {
        let Together { staged, answered } = &mut self.worker.together;
        if let Some(port) = &self.held
            && !staged.is_empty()
        {
            port.post_replies(staged, answered);
        }
        staged.clear();
        answered.clear();
    }

    /// Has the client see what is held back.
    fn send(&mut self) {
        self.post();
        let Some(port) = self.held.take() else { return };
        if !self.worker.looks_at(&port) {
            self.worker.cool_down();
            // Before the answers: the client sees both at once, and rings no bell for its next calls.
            self.worker.heat_up(&port);
        }
        port.channel.show_held();
    }
}

impl Drop for Replies<'_> {
    fn drop(&mut self) {
        self.send();
    }
}

impl std::fmt::Debug for Replies<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replies").field("held", &self.held).finish_non_exhaustive()
    }
}
