//! The answers to calls that were taken together, on their way out together.
//!
//! A client that has many calls under way wakes up once for all of their replies, and whoever answers
//! pays for one look whether it sleeps, and not for one with each reply.

use std::sync::Arc;

use super::Worker;
use crate::channel::Bell;
use crate::error::Error;
use crate::port::serving::{IncomingCall, Reply, ServerPort};

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
        call.reply_with(reply, Bell::Held)
    }

    /// Has the client see what is held back.
    fn send(&mut self) {
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
