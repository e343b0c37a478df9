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
use crate::waiting::{Blocking, Interest};

/// Whether a reply is a response as it is: it has no bulk data, and no status that only ports see.
pub(super) fn is_plain(record: &Record) -> bool {
    let special = [STATUS_NOT_DIRECT, STATUS_NO_DESCRIPTORS];
    !record.is_bulky() && !special.contains(&record.header.status)
}

impl ClientEnd {
    /// Sends a datagram that is nothing but its body, if that takes no waiting. The server is not rung
    /// for it yet. `false`: nothing was sent.
    #[inline]
    pub(super) fn send_now(
        &self,
        request: &Request<'_, '_>,
    ) -> std::result::Result<bool, CallFailure> {
        if !request.is_plain() {
            return Ok(false);
        }
        let header = self.plain_header(MessageKind::Datagram, self.channel.next_id(), request)?;
        let message = Outgoing { body: request.body, ..Outgoing::bare(header) };
        let posted = self.channel.post(&message, Bell::Held).map_err(CallFailure::before)?;
        Ok(posted == Posted::Published)
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

    /// The header of a message that is nothing but its body.
    #[inline]
    pub(super) fn plain_header(
        &self,
        kind: MessageKind,
        id: MessageId,
        request: &Request<'_, '_>,
    ) -> std::result::Result<RecordHeader, CallFailure> {
        let len = check_plain(&self.channel, request.body.len()).map_err(CallFailure::before)?;
        Ok(RecordHeader {
            len,
            status: request.tag,
            method: request.method,
            deadline: request.deadline.to_wire(),
            body: len,
            ..RecordHeader::bare(kind, id)
        })
    }
}
