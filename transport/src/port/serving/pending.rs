//! The right to answer a call, and the duty to, apart from what came with it.
//!
//! A handler that answers later gives this to whoever will. The call's arguments can go meanwhile;
//! its place among its client's outstanding requests, and what the client lent for the answer, stay.

use std::sync::Arc;

use super::leaving::Caller;
use super::{Reply, Room, STATUS_UNANSWERED, ServerPort};
use crate::cancellation::Cancellation;
use crate::channel::Bell;
use crate::direct::Grant;
use crate::error::{Error, Result};
use crate::message::{Deadline, MessageId};

/// A call that is answered later, by any thread. Dropped without an answer, its caller is told so.
pub struct PendingReply {
    pub(super) port: Arc<ServerPort>,
    pub(super) id: MessageId,
    pub(super) deadline: Deadline,
    pub(super) rooms: Vec<Room>,
    pub(super) grant: Option<Arc<Grant>>,
    is_over: bool,
    _rundown_waits: Unfinished,
}

impl PendingReply {
    pub(super) fn new(
        port: Arc<ServerPort>,
        id: MessageId,
        deadline: Deadline,
        (rooms, grant): (Vec<Room>, Option<Arc<Grant>>),
    ) -> PendingReply {
        let unfinished = port.unfinished();
        PendingReply {
            port,
            id,
            deadline,
            rooms,
            grant,
            is_over: false,
            _rundown_waits: unfinished,
        }
    }

    /// The port that the call came through.
    pub fn port(&self) -> &Arc<ServerPort> {
        &self.port
    }

    /// The call's number.
    pub fn id(&self) -> MessageId {
        self.id
    }

    /// When the caller stops waiting.
    pub fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// As [`IncomingCall::is_cancelled`](super::IncomingCall::is_cancelled).
    pub fn is_cancelled(&self) -> bool {
        self.deadline.is_past() || self.port.outstanding.is_cancelled(self.id)
    }

    /// As [`IncomingCall::cancellation`](super::IncomingCall::cancellation).
    pub fn cancellation(&self) -> Cancellation {
        self.port.cancellation(self.id, self.deadline)
    }

    /// Answers the call. Never waits for the client.
    ///
    /// # Errors
    ///
    /// As [`IncomingCall::reply`](super::IncomingCall::reply).
    pub fn reply(mut self, reply: Reply) -> std::result::Result<(), (Error, Option<PendingReply>)> {
        match self.answer(reply) {
            Ok(()) => Ok(()),
            Err(error) if self.port.channel.closed().is_none() => Err((error, Some(self))),
            Err(error) => Err((error, None)),
        }
    }

    fn answer(&mut self, reply: Reply) -> Result<()> {
        if self.is_over {
            return Ok(());
        }
        let grant = self.grant.as_ref();
        let caller = Caller { id: self.id, deadline: self.deadline, rooms: &self.rooms, grant };
        let posted = self.port.post_reply(&caller, reply, Bell::Now);
        if posted.is_ok() || self.port.channel.closed().is_some() {
            self.is_over = true;
            self.port.answered(self.id);
        }
        posted
    }
}

impl Drop for PendingReply {
    fn drop(&mut self) {
        if !self.is_over {
            self.port.shared.counters.unanswered();
            let unanswered = Reply { status: STATUS_UNANSWERED, ..Reply::default() };
            let _ended = self.answer(unanswered);
        }
    }
}

impl std::fmt::Debug for PendingReply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PendingReply").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Work that goes on when no worker is at it: a rundown waits until it is dropped.
pub struct Unfinished {
    port: Arc<ServerPort>,
}

impl Unfinished {
    pub(super) fn new(port: &Arc<ServerPort>) -> Unfinished {
        port.shared.gate.begin_unfinished();
        Unfinished { port: port.clone() }
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if self.port.shared.gate.end_unfinished() {
            // Workers that stay for this alone may go.
            if let Some(rouse) = self.port.shared.rouse.get() {
                rouse();
            }
        }
    }
}

impl std::fmt::Debug for Unfinished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unfinished").finish_non_exhaustive()
    }
}
