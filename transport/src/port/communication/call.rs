//! One call on its way: what goes out, and waiting for the answer.

use super::incoming::Incoming;
use super::overflow::Overflowed;
use super::{CallFailure, Carried, ClientEnd, Part, Request, Response};
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::bulk::{Plan, Source, Travelled, check_len, check_plain, expected_way};
use crate::chain::{CallName, Descent, NestedWait, may_run_nested, run_nested};
use crate::channel::{Bell, Outgoing, Posted};
use crate::choose::Way;
use crate::error::{Error, ErrorKind, Result};
use crate::message::{
    ATTRIBUTE_LEN, Attribute, Deadline, MessageId, MessageKind, Record, RecordHeader,
};
use crate::port::attributes::DirectAvailability;
use crate::port::serving::{STATUS_NO_DESCRIPTORS, STATUS_NOT_DIRECT};
use crate::stream::{FreeSlot, Outflow, Step};
use crate::sys::socket;
use crate::waiting::{Came, GrantName, Interest, Job, Wait, Waiter};

/// One call on its way. Dropped before its answer, because something failed or nobody waits any more,
/// it is cancelled.
pub(super) struct Call<'e, W: Wait> {
    pub(super) end: &'e ClientEnd,
    waits: W,
    pub(super) id: MessageId,
    method: u64,
    tag: u16,
    deadline: Deadline,
    /// When the server gets to see the messages that begin it.
    bell: Bell,
    /// Set as soon as the server may hear of the call.
    told: Option<&'e AtomicBool>,
    /// What a request tells of the calls that it descends from.
    descent: Option<Descent>,
    /// The server was granted writing into memory that is only lent to this call.
    pub(super) lent: Option<GrantName>,
    pub(super) stage: Stage,
}

/// How far a call has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nobody has heard of it.
    New,
    /// It counts as outstanding; the server has not heard of it.
    Registered,
    /// The server has it, or will have.
    Published,
    /// It is answered, or nothing answers it.
    Over,
}

/// How the server took a call.
pub(super) enum Answered {
    Response(Response),
    /// It cannot reach the bulk data, and has not begun.
    NotDirect,
}

impl<'e, W: Wait> Call<'e, W> {
    /// A call with what `request` says of it; what it carries is for [`run`](Call::run).
    pub(super) fn new(
        end: &'e ClientEnd,
        request: &Request<'_, '_>,
        waits: impl FnOnce(MessageId) -> W,
        bell: Bell,
    ) -> Call<'e, W> {
        let Request { method, tag, deadline, .. } = *request;
        let id = end.channel.next_id();
        let (waits, lent, stage) = (waits(id), None, Stage::New);
        let (told, descent) = (None, None);
        Call { end, waits, id, method, tag, deadline, bell, told, descent, lent, stage }
    }

    /// A call whose request was sent, as `id`: what it said besides its deadline is of no more use.
    #[inline]
    pub(super) fn published(
        end: &'e ClientEnd,
        id: MessageId,
        deadline: Deadline,
        waits: W,
    ) -> Call<'e, W> {
        let (method, tag) = (0, 0);
        let (bell, told, descent, lent) = (Bell::Held, None, None, None);
        let stage = Stage::Published;
        Call { end, waits, id, method, tag, deadline, bell, told, descent, lent, stage }
    }

    /// Has `told` set as soon as the server may hear of the call.
    pub(super) fn telling(self, told: Option<&'e AtomicBool>) -> Call<'e, W> {
        Call { told, ..self }
    }

    /// Says that it is made by a handler, and what it tells of that.
    pub(super) fn descends_from(self, descent: Option<Descent>) -> Call<'e, W> {
        Call { descent, ..self }
    }

    pub(super) async fn run(
        mut self,
        request: &mut Request<'_, '_>,
    ) -> std::result::Result<Answered, CallFailure> {
        let _awaited = self.await_nested();
        let travelled = self.submit(request).await?;
        let record = self.wait_for_reply().await?;
        self.finish(record, &mut *request.parts, travelled).await
    }

    /// Sends the request. The reply is to be taken, and given to [`finish`](Call::finish).
    pub(super) async fn submit(
        &mut self,
        request: &Request<'_, '_>,
    ) -> std::result::Result<Vec<Travelled>, CallFailure> {
        self.take_credit().await.map_err(CallFailure::before)?;
        self.publish(MessageKind::Request, request).await
    }

    /// Makes of the reply what the caller gets.
    pub(super) async fn finish(
        mut self,
        record: Record,
        parts: &mut [Part<'_>],
        mut travelled: Vec<Travelled>,
    ) -> std::result::Result<Answered, CallFailure> {
        self.stage = Stage::Over;
        match record.header.status {
            STATUS_NOT_DIRECT => return Ok(Answered::NotDirect),
            STATUS_NO_DESCRIPTORS => {
                let kind = ErrorKind::Exhausted { what: "open files of the server" };
                return Err(CallFailure::before(Error::new(kind, "make a call")));
            }
            _ if !record.is_bulky() => {
                return Ok(Answered::Response(Response::plain(record, travelled)));
            }
            _ => {}
        }
        let mut carried = Carried::default();
        // From here on the server has answered, and touches nothing of ours any more.
        let received = Incoming::receive(&self, &record, parts, &mut carried, &mut travelled).await;
        received.map_err(CallFailure::after)?;
        if record.handles.is_none() {
            return Err(CallFailure::after(socket::no_descriptors("take the handles of a reply")));
        }
        let header = record.header;
        let (bytes, handles) = record.into_contents();
        let carried = Carried { travelled, handles, ..carried };
        Ok(Answered::Response(Response::carrying(&header, bytes, carried)))
    }

    /// Ends a call whose reply has come, and is not wanted.
    pub(super) fn end(mut self) {
        self.set_over();
    }

    /// Nothing answers the call any more: its reply has come.
    #[inline]
    pub(super) fn set_over(&mut self) {
        self.stage = Stage::Over;
    }

    pub(super) async fn send_datagram(
        mut self,
        request: &Request<'_, '_>,
    ) -> std::result::Result<Vec<Travelled>, CallFailure> {
        if request.parts.iter().any(Part::has_room) {
            let reason = "a datagram has no reply that could bring anything back".to_owned();
            let error = Error::new(ErrorKind::Invalid { reason }, "send a datagram");
            return Err(CallFailure::before(error));
        }
        let travelled = self.publish(MessageKind::Datagram, request).await?;
        if self.bell == Bell::Now {
            self.until(Interest::Progress, self.end.sent()).await.map_err(CallFailure::after)?;
        }
        Ok(travelled)
    }

    /// Waits as this call waits, until `ready` gives something or the deadline passes.
    pub(super) async fn until<T>(
        &self,
        interest: Interest,
        ready: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let ClientEnd { channel, waiting, .. } = self.end;
        self.waits.until((waiting, channel), self.deadline, interest, ready).await
    }

    /// Waits until fewer requests are outstanding than both ends agreed on.
    async fn take_credit(&mut self) -> Result<()> {
        let ClientEnd { channel, waiting, .. } = self.end;
        channel.check_open()?;
        let limit = channel.credits(self.ancestors());
        if !waiting.register(self.id, self.waits, limit) {
            // Whoever has the credits may be calls that the server has not seen.
            channel.show_held();
            let register = || Ok(waiting.register(self.id, self.waits, limit).then_some(()));
            self.until(Interest::Progress, register).await?;
        }
        self.stage = Stage::Registered;
        Ok(())
    }

    /// Has requests of the same chain find the thread that waits for this call.
    pub(super) fn await_nested(&self) -> Option<NestedWait> {
        let Descent { origin, .. } = self.descent?;
        let batch = match self.waits.waiter() {
            Waiter::Thread(_) => None,
            Waiter::Batch(at) => Some(at.batch),
            Waiter::Task(_) => return None,
        };
        let call = CallName { channel: self.end.channel.seed.number(), id: self.id };
        Some(NestedWait::begin(origin, call, batch, &self.end.waiting))
    }

    fn ancestors(&self) -> u8 {
        self.descent.map_or(0, |descent| descent.ancestors)
    }

    async fn wait_for_reply(&mut self) -> std::result::Result<Record, CallFailure> {
        let (id, waiting) = (self.id, &self.end.waiting);
        let failed = loop {
            match self.until(Interest::Reply, || Ok(waiting.take(id))).await {
                Ok(Came::Reply(record, unseen)) => {
                    self.stage = Stage::Over;
                    unseen.into_iter().for_each(Job::pass_on);
                    return Ok(record);
                }
                Ok(Came::Request(job)) => self.run_nested(job),
                Err(error) => break error,
            }
        };
        // From here on it is not for `drop` to stop waiting.
        self.stage = Stage::Over;
        // What came at the last moment still counts.
        waiting.abandon(id).ok_or_else(|| {
            self.cancel();
            CallFailure::after(failed)
        })
    }

    /// Runs a request of this call's chain, on the thread that waits for the call.
    fn run_nested(&self, job: Job) {
        if may_run_nested(self.deadline) {
            run_nested(self.deadline, || job.run());
            self.end.waiting.reopen(self.id);
        } else {
            job.pass_on();
        }
    }

    /// Sends the message and all bulk data that goes with it.
    async fn publish(
        &mut self,
        kind: MessageKind,
        request: &Request<'_, '_>,
    ) -> std::result::Result<Vec<Travelled>, CallFailure> {
        let (end, body) = (self.end, request.body);
        if request.is_plain() && self.descent.is_none() {
            return self.publish_plain(kind, body).await.map(|()| Vec::new());
        }
        let parts: &[Part<'_>] = &*request.parts;
        end.channel.check_handles(request.handles.len()).map_err(CallFailure::before)?;
        let both = parts.iter().filter(|part| part.goes_both_ways()).count();
        // What else is described stands in a message as bulk data does.
        let described = body.len() + self.descent.map_or(0, |_| ATTRIBUTE_LEN);
        let plan = Plan::new(&end.channel, described, parts.len() + both);
        let plan = plan.map_err(CallFailure::before)?;
        let mut leaving = Leaving { end, plan, outflow: None, is_posted: false };
        let begun = self.begin(&mut leaving, kind, (body, request.handles), parts);
        begun.await.map_err(CallFailure::before)?;
        self.note_published(kind);
        self.pump(&mut leaving).await.map_err(CallFailure::after)?;
        Ok(std::mem::take(&mut leaving.plan.travelled))
    }

    /// Sends a message that is nothing but its body, as most are: there is nothing to plan.
    async fn publish_plain(
        &mut self,
        kind: MessageKind,
        body: &[u8],
    ) -> std::result::Result<(), CallFailure> {
        let len = check_plain(&self.end.channel, body.len()).map_err(CallFailure::before)?;
        let header = self.header(kind, len, body.len());
        let message = Outgoing { body, ..Outgoing::bare(header) };
        self.post(&message).await.map_err(CallFailure::before)?;
        self.note_published(kind);
        Ok(())
    }

    fn note_published(&mut self, kind: MessageKind) {
        if let Some(told) = self.told {
            told.store(true, Ordering::Relaxed);
        }
        if kind == MessageKind::Request {
            self.stage = Stage::Published;
        }
    }

    /// Sends the message, and gets it a slot if it needs one.
    async fn begin<'p>(
        &mut self,
        leaving: &mut Leaving<'e, 'p>,
        kind: MessageKind,
        (body, handles): (&[u8], &[BorrowedFd<'_>]),
        parts: &'p [Part<'_>],
    ) -> Result<()> {
        self.plan(&mut leaving.plan, kind, parts)?;
        let total = leaving.plan.stream_len()?;
        if total > 0 {
            let outflow = Outflow::begin(self.take_slot().await?, total);
            leaving.plan.set_slot(outflow.slot(), outflow.sequence());
            leaving.outflow = Some(outflow);
            // The server takes no stream that it does not know of.
            self.bell = Bell::Now;
        }
        if let Some(descent) = &self.descent {
            leaving.plan.attributes.push(descent.origin.attribute());
        }
        let plan = &leaving.plan;
        let len = plan.message_len(body.len());
        let attributes = u8::try_from(plan.attributes.len()).unwrap_or(u8::MAX);
        let header = RecordHeader { attributes, ..self.header(kind, len, body.len()) };
        let message =
            Outgoing { header, attributes: &plan.attributes, body, inline: &plan.inline, handles };
        self.post(&message).await?;
        leaving.is_posted = true;
        Ok(())
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
            MessageKind::Request if W::KEEPS_MEMORY => channel.direct(),
            _ => DirectAvailability::Forbidden,
        };
        for part in parts {
            match part {
                Part::In(bytes) => plan.add(channel, Source::Private(bytes), None, direct)?,
                Part::InVia(way, bytes) => {
                    plan.add(channel, Source::Private(bytes), Some(*way), direct)?;
                }
                Part::Blob(blob) => plan.add(channel, Source::Frozen(blob), None, direct)?,
                Part::Region(region) => plan.add(channel, Source::Region(region), None, direct)?,
                Part::Out(bytes) => plan.attributes.push(self.room(bytes, None)?),
                Part::OutVia(way, bytes) => plan.attributes.push(self.room(bytes, Some(*way))?),
                Part::InOut(bytes) => {
                    plan.add(channel, Source::Private(bytes), None, direct)?;
                    plan.attributes.push(self.room(bytes, None)?);
                }
                Part::InOutVia(way, bytes) => {
                    plan.add(channel, Source::Private(bytes), Some(*way), direct)?;
                    plan.attributes.push(self.room(bytes, Some(*way))?);
                }
            }
        }
        Ok(())
    }

    /// Describes room for an answer; lends it for writing if it is so large that this pays, or if that
    /// is wished.
    fn room(&mut self, bytes: &[u8], wish: Option<Way>) -> Result<Attribute> {
        let channel = &self.end.channel;
        let len = check_len(channel, bytes.len() as u64)?;
        // Without shared memory there are no words by which to take it back.
        let may_lend = W::KEEPS_MEMORY && !channel.is_mirrored();
        Ok(match expected_way(channel, len, wish, channel.direct()) {
            (Way::Direct, _) if may_lend => match self.grant() {
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

    pub(super) fn header(&self, kind: MessageKind, len: u32, body: usize) -> RecordHeader {
        RecordHeader {
            len,
            status: self.tag,
            method: self.method,
            deadline: self.deadline.to_wire(),
            // A body is shorter than a message.
            body: u32::try_from(body).unwrap_or(u32::MAX),
            ancestors: match kind {
                MessageKind::Request => self.ancestors(),
                _ => 0,
            },
            ..RecordHeader::bare(kind, self.id)
        }
    }

    async fn post(&self, message: &Outgoing<'_>) -> Result<()> {
        let channel = &self.end.channel;
        if channel.post(message, self.bell)? == Posted::Published {
            return Ok(());
        }
        let is_datagram = message.header.kind == MessageKind::Datagram;
        if is_datagram && self.end.overflow(message, self.bell)? == Overflowed::Sent {
            return Ok(());
        }
        let post = || Ok((channel.post(message, self.bell)? == Posted::Published).then_some(()));
        self.until(Interest::Progress, post).await
    }

    async fn take_slot(&self) -> Result<FreeSlot> {
        let channel = &self.end.channel;
        match channel.take_slot()? {
            Some(slot) => Ok(slot),
            None => self.until(Interest::Progress, || channel.take_slot()).await,
        }
    }

    /// Moves bulk data through the window, as fast as the server takes it.
    async fn pump(&self, leaving: &mut Leaving<'_, '_>) -> Result<()> {
        let channel = &self.end.channel;
        let Leaving { plan, outflow, .. } = leaving;
        let Some(flowing) = outflow else { return Ok(()) };
        'parts: for part in &plan.streamed {
            let mut rest = *part;
            while !rest.is_empty() {
                let mut step = channel.push_stream(flowing, rest)?;
                if step == Step::Stuck {
                    step = self
                        .until(Interest::Progress, || {
                            let step = channel.push_stream(flowing, rest)?;
                            Ok((step != Step::Stuck).then_some(step))
                        })
                        .await?;
                }
                match step {
                    Step::Moved(moved) => rest = rest.get(moved..).unwrap_or(&[]),
                    // The server wants no more of it: it has answered, or will.
                    Step::Ended | Step::Stuck => break 'parts,
                }
            }
        }
        if let Some(outflow) = outflow.take() {
            channel.end_outflow(outflow);
        }
        // The slot may be free by now, and the server does not ring for that.
        self.end.waiting.wake_watchers();
        Ok(())
    }
}

/// A message that is leaving, with its bulk data. What has not left when this is dropped does not.
struct Leaving<'e, 'p> {
    end: &'e ClientEnd,
    plan: Plan<'p>,
    outflow: Option<Outflow>,
    is_posted: bool,
}

impl Drop for Leaving<'_, '_> {
    fn drop(&mut self) {
        let ClientEnd { channel, waiting, .. } = self.end;
        let outflow = self.outflow.take();
        let is_held = outflow.is_some();
        if self.is_posted {
            outflow.into_iter().for_each(|outflow| channel.abort_outflow(outflow));
        } else {
            self.plan.take_back(channel);
            outflow.into_iter().for_each(|outflow| channel.abandon_slot(outflow));
        }
        if is_held {
            waiting.wake_watchers();
        }
    }
}
