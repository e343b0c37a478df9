//! One call on its way: what goes out, and waiting for the answer.

use super::incoming::Incoming;
use super::{CallFailure, ClientEnd, Part, Request, Response};
use std::os::fd::BorrowedFd;
use std::time::Duration;

use crate::bulk::{Plan, Source, Travelled, check_len, discard_streams, expected_way};
use crate::channel::{Outgoing, Posted};
use crate::choose::Way;
use crate::error::{Error, ErrorKind, Result};
use crate::message::{Attribute, Deadline, MessageId, MessageKind, Record, RecordHeader};
use crate::port::attributes::DirectAvailability;
use crate::port::serving::{STATUS_NO_DESCRIPTORS, STATUS_NOT_DIRECT};
use crate::stream::{Outflow, Step};
use crate::sys::{poll, socket};
use crate::waiting::{GrantName, Interest};

/// More than a chunk of direct access takes when nothing holds it up.
const CHUNK_TIME: Duration = Duration::from_millis(1);

/// One call on its way.
pub(super) struct Call<'e> {
    pub(super) end: &'e ClientEnd,
    id: MessageId,
    method: u64,
    tag: u16,
    pub(super) deadline: Deadline,
    handles: &'e [BorrowedFd<'e>],
    /// The server was granted writing into memory that is only lent to this call.
    pub(super) lent: Option<GrantName>,
}

/// How the server took a call.
pub(super) enum Answered {
    Response(Response),
    /// It cannot reach the bulk data, and has not begun.
    NotDirect,
}

impl<'e> Call<'e> {
    pub(super) fn new(end: &'e ClientEnd, request: &Request<'e, '_>) -> Call<'e> {
        let Request { method, tag, deadline, handles, .. } = *request;
        Call { end, id: end.channel.next_id(), method, tag, deadline, handles, lent: None }
    }

    pub(super) fn run(
        mut self,
        body: &[u8],
        parts: &mut [Part<'_>],
    ) -> std::result::Result<Answered, CallFailure> {
        self.take_credit().map_err(CallFailure::before)?;
        let mut travelled = match self.publish(MessageKind::Request, body, parts) {
            Ok(travelled) => travelled,
            Err(failure) => return Err(self.give_up(failure)),
        };
        let record = match self.wait_for_reply() {
            Ok(record) => record,
            Err(error) => match self.end.waiting.abandon(self.id) {
                Some(record) => record,
                None => return Err(self.cancel(error)),
            },
        };
        match record.header.status {
            STATUS_NOT_DIRECT => return Ok(Answered::NotDirect),
            STATUS_NO_DESCRIPTORS => {
                let kind = ErrorKind::Exhausted { what: "open files of the server" };
                return Err(CallFailure::before(Error::new(kind, "make a call")));
            }
            _ => {}
        }
        let mut response = Response {
            status: record.header.status,
            tag: record.header.method,
            bytes: Vec::new(),
            body: record.body_range(),
            written: Vec::new(),
            results: Vec::new(),
            travelled: Vec::new(),
            handles: Vec::new(),
        };
        // From here on the server has answered, and touches nothing of ours any more.
        let received = Incoming::receive(&self, &record, parts, &mut response, &mut travelled);
        received.map_err(CallFailure::after)?;
        if record.handles.is_none() {
            return Err(CallFailure::after(socket::no_descriptors("take the handles of a reply")));
        }
        response.travelled = travelled;
        (response.bytes, response.handles) = record.into_contents();
        Ok(Answered::Response(response))
    }

    pub(super) fn send_datagram(
        mut self,
        body: &[u8],
        parts: &mut [Part<'_>],
    ) -> std::result::Result<Vec<Travelled>, CallFailure> {
        if parts.iter().any(|part| matches!(part, Part::Out(_) | Part::InOut(_))) {
            let reason = "a datagram has no reply that could bring anything back".to_owned();
            let error = Error::new(ErrorKind::Invalid { reason }, "send a datagram");
            return Err(CallFailure::before(error));
        }
        let travelled = self.publish(MessageKind::Datagram, body, parts)?;
        let ClientEnd { channel, waiting, .. } = self.end;
        if channel.has_unsent() {
            // Queued is what the kernel has: what is only in this process's memory ends with it.
            let sent = waiting.wait(channel, self.deadline, Interest::Progress, || {
                channel.send_unsent();
                Ok((!channel.has_unsent()).then_some(()))
            });
            sent.map_err(CallFailure::after)?;
        }
        Ok(travelled)
    }

    /// Waits until fewer requests are outstanding than both ends agreed on.
    fn take_credit(&self) -> Result<()> {
        let ClientEnd { channel, waiting, .. } = self.end;
        channel.check_open()?;
        let limit = channel.limits.outstanding_requests;
        if waiting.register(self.id, limit) {
            return Ok(());
        }
        waiting.wait(channel, self.deadline, Interest::Progress, || {
            Ok(waiting.register(self.id, limit).then_some(()))
        })
    }

    fn wait_for_reply(&self) -> Result<Record> {
        let ClientEnd { channel, waiting, .. } = self.end;
        waiting.wait(channel, self.deadline, Interest::Reply, || Ok(waiting.take_reply(self.id)))
    }

    /// Ends a call that failed while it was being sent.
    fn give_up(self, failure: CallFailure) -> CallFailure {
        if failure.may_have_run {
            if let Some(record) = self.end.waiting.abandon(self.id) {
                // The server has answered already; only its bulk data is still to be refused.
                self.end.waiting.tell_late(&record);
                let _closed = discard_streams(&self.end.channel, &record);
            }
            return self.cancel(failure.error);
        }
        self.end.waiting.forget(self.id);
        failure
    }

    /// Tells the server that nobody waits any more, and takes back the memory that was lent.
    fn cancel(&self, error: Error) -> CallFailure {
        let header = self.header(MessageKind::Cancel, 0, 0);
        let message = Outgoing::bare(header);
        // A server that does not hear of it only does work that nobody wants.
        let _unheard = self.end.channel.post(&message);
        if let Some(grant) = self.lent {
            self.take_memory_back(grant);
        }
        CallFailure::after(error)
    }

    /// Borrowed memory is never returned to its owner while the server could still write to it. What
    /// has not begun does not begin from here on, whether anybody at the server hears of it or not;
    /// what has begun ends within one chunk, or with the server.
    fn take_memory_back(&self, grant: GrantName) {
        let channel = &self.end.channel;
        channel.own.revoke(grant.slot, grant.number);
        while channel.theirs.is_copying(grant.slot) && channel.peer.is_alive() {
            // A chunk takes a fraction of this. Nobody rings when it ends.
            let process = channel.peer.process.fd();
            if poll::wait_for_death(process, CHUNK_TIME).is_err() {
                std::thread::yield_now();
            }
        }
    }

    /// Sends the message and all bulk data that goes with it.
    fn publish(
        &mut self,
        kind: MessageKind,
        body: &[u8],
        parts: &[Part<'_>],
    ) -> std::result::Result<Vec<Travelled>, CallFailure> {
        let channel = &self.end.channel;
        channel.check_handles(self.handles.len()).map_err(CallFailure::before)?;
        let both = parts.iter().filter(|part| matches!(part, Part::InOut(_))).count();
        let plan = Plan::new(channel, body.len(), parts.len() + both);
        let mut plan = plan.map_err(CallFailure::before)?;
        let planned = self.plan(&mut plan, kind, parts);
        let slot = planned.and_then(|()| plan.stream_len()).and_then(|total| match total {
            0 => Ok(None),
            total => self.take_slot(total).map(Some),
        });
        let mut outflow = slot.map_err(|error| {
            plan.take_back(channel);
            CallFailure::before(error)
        })?;
        if let Some(outflow) = &outflow {
            plan.set_slot(outflow.slot(), outflow.sequence());
        }
        let len = plan.message_len(body.len());
        let attributes = u8::try_from(plan.attributes.len()).unwrap_or(u8::MAX);
        let header = RecordHeader { attributes, ..self.header(kind, len, body.len()) };
        let message = Outgoing {
            header,
            attributes: &plan.attributes,
            body,
            inline: &plan.inline,
            handles: self.handles,
        };
        if let Err(error) = self.post(&message) {
            plan.take_back(channel);
            if let Some(outflow) = outflow.take() {
                channel.abandon_slot(outflow);
                self.end.waiting.wake_watchers();
            }
            return Err(CallFailure::before(error));
        }
        if let Some(outflow) = outflow {
            let pumped = self.pump(outflow, &plan.streamed);
            // The slot may be free by now, and the server does not ring for that.
            self.end.waiting.wake_watchers();
            pumped.map_err(CallFailure::after)?;
        }
        Ok(plan.travelled)
    }

    /// Decides the way of each bulk argument.
    fn plan<'p>(
        &mut self,
        plan: &mut Plan<'p>,
        kind: MessageKind,
        parts: &'p [Part<'_>],
    ) -> Result<()> {
        let channel = &self.end.channel;
        // Memory is lent for as long as a call is outstanding, and a datagram never is.
        let direct = match kind {
            MessageKind::Datagram => DirectAvailability::Forbidden,
            _ => channel.direct(),
        };
        for part in parts {
            match part {
                Part::In(bytes) => plan.add(channel, Source::Private(bytes), direct)?,
                Part::Blob(blob) => plan.add(channel, Source::Frozen(blob), direct)?,
                Part::Region(region) => plan.add(channel, Source::Region(region), direct)?,
                Part::Out(bytes) => plan.attributes.push(self.room(bytes)?),
                Part::InOut(bytes) => {
                    plan.add(channel, Source::Private(bytes), direct)?;
                    plan.attributes.push(self.room(bytes)?);
                }
            }
        }
        Ok(())
    }

    /// Describes room for an answer; lends it for writing if it is so large that this pays.
    fn room(&mut self, bytes: &[u8]) -> Result<Attribute> {
        let channel = &self.end.channel;
        let len = check_len(channel, bytes.len() as u64)?;
        Ok(match expected_way(channel, len, channel.direct()) {
            // Without shared memory there are no words by which to take it back.
            (Way::Direct, _) if !channel.is_mirrored() => match self.grant() {
                Some(GrantName { slot, number }) => {
                    let address = bytes.as_ptr().addr() as u64;
                    Attribute::DirectRoom { slot, number, address, len }
                }
                None => Attribute::Room { len },
            },
            _ => Attribute::Room { len },
        })
    }

    /// The one grant of this call, for all its rooms.
    fn grant(&mut self) -> Option<GrantName> {
        if self.lent.is_none() {
            self.lent = self.end.waiting.grant(self.id);
        }
        self.lent
    }

    fn header(&self, kind: MessageKind, len: u32, body: usize) -> RecordHeader {
        RecordHeader {
            len,
            status: self.tag,
            method: self.method,
            deadline: self.deadline.to_wire(),
            // A body is shorter than a message.
            body: u32::try_from(body).unwrap_or(u32::MAX),
            ..RecordHeader::bare(kind, self.id)
        }
    }

    fn post(&self, message: &Outgoing<'_>) -> Result<()> {
        let ClientEnd { channel, waiting, .. } = self.end;
        if channel.post(message)? == Posted::Published {
            return Ok(());
        }
        waiting.wait(channel, self.deadline, Interest::Progress, || {
            Ok((channel.post(message)? == Posted::Published).then_some(()))
        })
    }

    fn take_slot(&self, total: u64) -> Result<Outflow> {
        let ClientEnd { channel, waiting, .. } = self.end;
        let slot = match channel.take_slot()? {
            Some(slot) => slot,
            None => {
                waiting.wait(channel, self.deadline, Interest::Progress, || channel.take_slot())?
            }
        };
        Ok(Outflow::begin(slot, total))
    }

    /// Moves bulk data through the window, as fast as the server takes it.
    fn pump(&self, mut outflow: Outflow, parts: &[&[u8]]) -> Result<()> {
        let ClientEnd { channel, waiting, .. } = self.end;
        for part in parts {
            let mut rest = *part;
            while !rest.is_empty() {
                let mut step = channel.push_stream(&mut outflow, rest);
                if matches!(step, Ok(Step::Stuck)) {
                    step = waiting.wait(channel, self.deadline, Interest::Progress, || {
                        let step = channel.push_stream(&mut outflow, rest)?;
                        Ok((step != Step::Stuck).then_some(step))
                    });
                }
                match step {
                    Ok(Step::Moved(moved)) => rest = rest.get(moved..).unwrap_or(&[]),
                    Ok(Step::Ended | Step::Stuck) => {
                        // The server wants no more of it: it has answered, or will.
                        channel.end_outflow(outflow);
                        return Ok(());
                    }
                    Err(error) => {
                        channel.abort_outflow(outflow);
                        return Err(error);
                    }
                }
            }
        }
        channel.end_outflow(outflow);
        Ok(())
    }
}
