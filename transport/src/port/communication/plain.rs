//! Messages that are nothing but their body, as most are: there is nothing to plan, and mostly nothing to
//! wait for.

use super::call::Call;
use super::{CallFailure, ClientEnd, Request, now};
use crate::bulk::{Travelled, check_plain};
use crate::chain::away;
use crate::channel::{Bell, Outgoing, Posted};
use crate::error::Result;
use crate::message::{Deadline, MessageId, MessageKind, Record, RecordHeader};
use crate::port::serving::{STATUS_NO_DESCRIPTORS, STATUS_NOT_DIRECT};
use crate::waiting::{Blocking, Interest, Wait};

/// Whether a reply is a response as it is: it has no bulk data, and no status that only ports see.
pub(super) fn is_plain(record: &Record) -> bool {
    let special = [STATUS_NOT_DIRECT, STATUS_NO_DESCRIPTORS];
    !record.is_bulky() && !special.contains(&record.header.status)
}

impl ClientEnd {
    /// Sends the request of a call that is nothing but its body, if that takes no waiting. The server is
    /// not rung for it yet. `None`: nobody has heard of it.
    #[inline]
    pub(super) fn call_now<W: Wait>(
        &self,
        request: &Request<'_, '_>,
        waits: W,
    ) -> std::result::Result<Option<Call<'_, W>>, CallFailure> {
        if !request.is_plain() {
            return Ok(None);
        }
        let (channel, waiting) = (&self.channel, &self.waiting);
        let id = channel.next_id();
        if !waiting.register(id, waits, channel.limits.outstanding_requests) {
            return Ok(None);
        }
        match self.post_now(MessageKind::Request, id, request) {
            Ok(true) => Ok(Some(Call::published(self, request, id, waits))),
            not_sent => {
                waiting.forget(id);
                not_sent.map(|_| None)
            }
        }
    }

    /// Sends a datagram that is nothing but its body, if that takes no waiting. The server is not rung
    /// for it yet. `false`: nothing was sent.
    #[inline]
    pub(super) fn send_now(
        &self,
        request: &Request<'_, '_>,
    ) -> std::result::Result<bool, CallFailure> {
        let id = self.channel.next_id();
        Ok(request.is_plain() && self.post_now(MessageKind::Datagram, id, request)?)
    }

    /// Sends a datagram for which the server is not rung yet.
    #[inline]
    pub(super) fn send_later(
        &self,
        request: &Request<'_, '_>,
    ) -> std::result::Result<Vec<Travelled>, CallFailure> {
        if self.send_now(request)? {
            return Ok(Vec::new());
        }
        let call = Call::new(self, request, |_| Blocking, Bell::Held);
        away(|| now(call.send_datagram(request)))
    }

    /// Rings for what was sent without, and waits until it is queued.
    pub(super) fn flush(&self, deadline: Deadline) -> Result<()> {
        self.channel.check_open()?;
        self.channel.show_held();
        self.waiting.wait(&self.channel, deadline, Interest::Progress, self.sent())
    }

    #[inline]
    fn post_now(
        &self,
        kind: MessageKind,
        id: MessageId,
        request: &Request<'_, '_>,
    ) -> std::result::Result<bool, CallFailure> {
        let body = request.body;
        let len = check_plain(&self.channel, body.len()).map_err(CallFailure::before)?;
        let header = RecordHeader {
            len,
            status: request.tag,
            method: request.method,
            deadline: request.deadline.to_wire(),
            body: len,
            ..RecordHeader::bare(kind, id)
        };
        let message = Outgoing { body, ..Outgoing::bare(header) };
        let posted = self.channel.post(&message, Bell::Held).map_err(CallFailure::before)?;
        Ok(posted == Posted::Published)
    }
}
