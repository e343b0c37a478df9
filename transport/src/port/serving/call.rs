//! A call as the server sees it: what came in, and the one answer that goes out.

use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::leaving::Caller;
use super::pending::PendingReply;
use super::{Reply, Room, STATUS_UNANSWERED, ServerPort, reply_header};
use crate::buffer::{Buffer, Bytes};
use crate::bulk::{Travelled, reason_of};
use crate::cancellation::Cancellation;
use crate::chain::{Chain, Handling, Origin, Running, hand_over};
use crate::channel::Bell;
use crate::choose::{Reason, Way};
use crate::direct::{Grant, GrantWords};
use crate::error::{Error, ErrorKind, Misbehaviour, Result};
use crate::message::{Attribute, Deadline, MessageId, MessageKind, Record, RecordHeader};
use crate::port::attributes::DirectAvailability;
use crate::queue::Staged;
use crate::section::Blob;
use crate::section::region::RegionName;
use crate::section::view::PeerView;

/// A call that a client makes, or a datagram, with all its bytes.
///
/// A call that is dropped without an answer is answered all the same, with [`STATUS_UNANSWERED`]: its
/// caller waits.
pub struct IncomingCall {
    port: Arc<ServerPort>,
    header: RecordHeader,
    bytes: Vec<u8>,
    /// What few calls have. Apart, so that the others are handed on in little time.
    bulk: Option<Box<Bulk>>,
    /// It is answered, or nobody waits for an answer.
    is_over: AtomicBool,
}

/// What comes with a call besides its message.
#[derive(Default)]
struct Bulk {
    parts: Vec<Part>,
    rooms: Vec<Room>,
    grant: Option<Arc<Grant>>,
    /// What it descends from, if it says so.
    origin: Option<Origin>,
    /// Whether it may be given to a thread that waits. It is, once.
    stays: bool,
    /// Bytes that this call holds of what its client may have assembled at one time.
    claimed: u64,
    handles: Vec<OwnedFd>,
}

pub(super) enum Part {
    Inline(Range<usize>),
    /// To come by the stream, once there is memory for it.
    Awaited(u64),
    Buffer(Buffer, Way),
    Frozen(Blob),
    View(PeerView),
    /// In the caller's memory still.
    Direct {
        address: u64,
        len: u64,
    },
}

/// Memory for one of the rooms that a caller has for bulk data.
#[derive(Debug)]
pub struct RoomMemory {
    port: Arc<ServerPort>,
    address: Option<u64>,
}

impl RoomMemory {
    /// A buffer of the port's. Its contents are unspecified.
    ///
    /// # Errors
    ///
    /// When there is no memory.
    pub fn take(&self, len: usize) -> Result<Buffer> {
        let buffers = &self.port.shared.buffers;
        match self.address {
            Some(address) => buffers.take_for_writing(len, address),
            None => buffers.take(len),
        }
    }
}

/// Why a call that has come in is not worth to be begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unwanted {
    /// Its deadline has passed.
    Expired,
    /// Its caller gave it up, or is gone.
    Cancelled,
}

/// A bulk argument that was taken out of its call.
#[derive(Debug)]
#[non_exhaustive]
pub enum InPart {
    /// It stands in the message itself: see [`IncomingCall::message`].
    Message(Range<usize>),
    /// It has memory of its own.
    Bytes(Bytes),
    /// It lies in a region that the caller filled in place, and can still change.
    View(PeerView),
}

impl IncomingCall {
    #[inline]
    pub(super) fn new(port: Arc<ServerPort>, record: Record) -> IncomingCall {
        if record.header.kind == MessageKind::Request {
            port.outstanding.begin(record.header.id);
        }
        IncomingCall::begun(port, record)
    }

    /// A call that is nothing but its body, and counts as outstanding by now.
    #[inline]
    pub(super) fn plain(port: Arc<ServerPort>, record: Record) -> IncomingCall {
        let header = record.header;
        let is_over = AtomicBool::new(header.kind != MessageKind::Request);
        IncomingCall { port, header, bytes: record.into_bytes(), bulk: None, is_over }
    }

    /// A call that counts as outstanding by now.
    fn begun(port: Arc<ServerPort>, record: Record) -> IncomingCall {
        let header = record.header;
        let (bytes, handles) = record.into_contents();
        let bulk = (!handles.is_empty()).then(|| Box::new(Bulk { handles, ..Bulk::default() }));
        let is_over = AtomicBool::new(header.kind != MessageKind::Request);
        IncomingCall { port, header, bytes, bulk, is_over }
    }

    fn bulk_parts(&self) -> &[Part] {
        self.bulk.as_ref().map_or(&[], |bulk| &bulk.parts)
    }

    fn all_rooms(&self) -> &[Room] {
        self.bulk.as_ref().map_or(&[], |bulk| &bulk.rooms)
    }

    fn origin(&self) -> Option<Origin> {
        self.bulk.as_ref()?.origin
    }

    fn grant(&self) -> Option<&Arc<Grant>> {
        self.bulk.as_ref()?.grant.as_ref()
    }

    /// One of the bulk arguments, while they arrive.
    pub(super) fn part_mut(&mut self, index: usize) -> Option<&mut Part> {
        self.bulk.as_mut()?.parts.get_mut(index)
    }

    fn body_range(&self) -> Range<usize> {
        self.header.body_range()
    }

    /// Turns the attributes of a request into parts and rooms.
    pub(super) fn describe(&mut self, attributes: &[Attribute]) -> Result<()> {
        let port = self.port.clone();
        let channel = &port.channel;
        let is_request = self.header.kind == MessageKind::Request;
        let mut inline = self.body_range().end;
        let bulk = self.bulk.get_or_insert_default();
        for attribute in attributes {
            match *attribute {
                Attribute::Inline { len } => {
                    let end = inline + usize::try_from(len).unwrap_or(usize::MAX - inline);
                    bulk.parts.push(Part::Inline(inline..end));
                    inline = end;
                }
                Attribute::Stream { len, .. } => bulk.parts.push(Part::Awaited(len)),
                Attribute::Frozen { section, len } => {
                    bulk.parts.push(Part::Frozen(channel.frozen(section, len)?));
                }
                Attribute::View { section, number, generation, offset, len } => {
                    let name = RegionName { section, number, generation, offset };
                    bulk.parts.push(Part::View(channel.view(name, len)?));
                }
                Attribute::Direct { address, len } if is_request => {
                    bulk.grant.get_or_insert_default();
                    bulk.parts.push(Part::Direct { address, len });
                }
                Attribute::Room { len } if is_request => {
                    bulk.rooms.push(Room { len, address: None });
                }
                Attribute::DirectRoom { slot, number, address, len } if is_request => {
                    let grant = bulk.grant.get_or_insert_default();
                    let words = GrantWords::new(channel, slot, number);
                    if !words.is_some_and(|words| grant.is_named(words)) {
                        return Err(channel.poison(Misbehaviour::AttributePlace));
                    }
                    bulk.rooms.push(Room { len, address: Some(address) });
                }
                Attribute::Chain { channel: number, call, proof, branch } => {
                    let origin = Origin::of(number, call, proof, branch);
                    if self.header.ancestors == 0 || bulk.origin.replace(origin).is_some() {
                        return Err(channel.poison(Misbehaviour::ChainPlace));
                    }
                }
                _ => return Err(channel.poison(Misbehaviour::AttributePlace)),
            }
        }
        if let Some(grant) = &bulk.grant {
            port.outstanding.lend(self.header.id, grant);
        }
        Ok(())
    }

    /// Bytes of parts that have no memory yet.
    pub(super) fn awaited(&self) -> u64 {
        let awaited = self.bulk_parts().iter().map(|part| match part {
            Part::Awaited(len) => *len,
            _ => 0,
        });
        awaited.sum()
    }

    /// Gets memory for what is awaited, if the client may have more. `false`: not now.
    pub(super) fn claim(&mut self) -> Result<bool> {
        let awaited = self.awaited();
        if awaited == 0 {
            return Ok(true);
        }
        if !self.port.claim(awaited) {
            return Ok(false);
        }
        let Some(bulk) = &mut self.bulk else { return Ok(true) };
        bulk.claimed = awaited;
        for part in &mut bulk.parts {
            if let Part::Awaited(len) = *part {
                let len = usize::try_from(len).unwrap_or(usize::MAX);
                *part = Part::Buffer(self.port.shared.buffers.take(len)?, Way::Section);
            }
        }
        Ok(true)
    }

    /// Bytes that were copied for this call.
    pub(super) fn assembled(&self) -> u64 {
        self.bulk.as_ref().map_or(0, |bulk| bulk.claimed)
    }

    /// The port that the call came through.
    pub fn port(&self) -> &Arc<ServerPort> {
        &self.port
    }

    /// The call's number.
    pub fn id(&self) -> MessageId {
        self.header.id
    }

    /// Which method, by the number that both ends give it.
    pub fn method(&self) -> u64 {
        self.header.method
    }

    /// Whether the caller waits for a reply.
    pub fn wants_reply(&self) -> bool {
        self.header.kind == MessageKind::Request
    }

    /// When the caller stops waiting.
    pub fn deadline(&self) -> Deadline {
        Deadline::from_wire(self.header.deadline)
    }

    /// Whether nobody waits for this call any more: its caller gave it up or is gone, or the deadline
    /// has passed.
    pub fn is_cancelled(&self) -> bool {
        self.deadline().is_past() || self.port.outstanding.is_cancelled(self.header.id)
    }

    /// What fires when nobody waits for this call any more. Nobody ever waits for a datagram, so that
    /// of one never fires; nor does that of a call which is answered.
    pub fn cancellation(&self) -> Cancellation {
        match self.is_over() {
            false => self.port.cancellation(self.header.id, self.deadline()),
            true => Cancellation::never(),
        }
    }

    /// To be asked before work on the call begins: whether anybody wants it. What nobody wants is
    /// counted, see [`Counts`](super::Counts).
    ///
    /// # Errors
    ///
    /// Why nobody wants it.
    pub fn begin(&self) -> std::result::Result<(), Unwanted> {
        let counters = &self.port.shared.counters;
        if self.deadline().is_past() {
            counters.expired();
            return Err(Unwanted::Expired);
        }
        if !self.is_over() && self.port.outstanding.is_cancelled(self.header.id) {
            counters.given_up();
            return Err(Unwanted::Cancelled);
        }
        Ok(())
    }

    /// How many calls wait for this one, itself included: 1, unless a handler makes it. A peer that
    /// breaks the rules can say anything up to what both ends agreed on.
    pub fn depth(&self) -> usize {
        usize::from(self.header.ancestors) + 1
    }

    /// Says that this thread runs the call's handler, until what is returned is dropped: calls of
    /// the thread descend from this one, and while it waits for them, other workers may take its
    /// place.
    pub fn handling(&self) -> Handling {
        Handling::begin(self.running())
    }

    /// What the calls of the call's handler descend from: see [`Chain::run`]. `None` for a datagram,
    /// for which nobody waits.
    pub fn chain(&self) -> Option<Chain> {
        self.running().chain()
    }

    fn running(&self) -> Running {
        let (port, id) = (self.port.clone(), self.header.id);
        match self.header.kind {
            MessageKind::Request => {
                Running::Call { port, id, origin: self.origin(), depth: self.depth() }
            }
            _ => Running::Datagram { port },
        }
    }

    /// Has the thread of this process run the call that waits for what it descends from. The call
    /// comes back if there is none, or none any more; then it is for the worker that has it.
    ///
    /// A thread that cannot come to it, because it stops waiting first, gives it back to the workers
    /// of its port: one of them gets it once more.
    ///
    /// # Errors
    ///
    /// The call.
    pub fn hand_over(
        mut self,
        run: impl FnOnce(IncomingCall) + Send + 'static,
    ) -> std::result::Result<(), IncomingCall> {
        match &mut self.bulk {
            Some(bulk) if !bulk.stays => bulk.stays = true,
            _ => return Err(self),
        }
        match self.origin() {
            Some(origin) => hand_over(&origin, self, run),
            None => Err(self),
        }
    }

    /// Gives it to the workers of its port, and to no other thread any more.
    pub(crate) fn give_to_workers(self) {
        let port = self.port.clone();
        // Without workers the service has ended, and so will the call.
        if let Some(take_back) = port.take_back.get() {
            take_back(self);
        }
    }

    /// The small arguments, encoded.
    pub fn body(&self) -> &[u8] {
        self.bytes.get(self.body_range()).unwrap_or(&[])
    }

    /// What the caller said about the form of the body; its meaning is up to the layer above.
    pub fn tag(&self) -> u16 {
        self.header.status
    }

    /// How many bulk arguments came in.
    pub fn parts(&self) -> usize {
        self.bulk_parts().len()
    }

    /// How each bulk argument travelled.
    pub fn travelled(&self) -> impl ExactSizeIterator<Item = Travelled> + '_ {
        self.bulk_parts().iter().map(|part| {
            let (way, len) = match part {
                Part::Inline(range) => (Way::Copy, range.len() as u64),
                Part::Buffer(buffer, way) => (*way, buffer.len() as u64),
                Part::Awaited(len) => (Way::Section, *len),
                Part::Frozen(blob) => {
                    let len = blob.len() as u64;
                    return Travelled { way: Way::Section, reason: Reason::Frozen, len };
                }
                Part::View(view) => {
                    let len = view.len() as u64;
                    return Travelled { way: Way::Section, reason: Reason::BuiltInPlace, len };
                }
                Part::Direct { len, .. } => (Way::Direct, *len),
            };
            let channel = &self.port.channel;
            let reason = reason_of(channel, way, len, channel.direct());
            Travelled { way, reason, len }
        })
    }

    /// The bytes of a bulk argument. Those in the caller's memory must have been fetched; those of a
    /// view cannot be had as a slice.
    pub fn part(&self, index: usize) -> Option<&[u8]> {
        match self.bulk_parts().get(index)? {
            Part::Inline(range) => self.bytes.get(range.clone()),
            Part::Buffer(buffer, _) => Some(buffer),
            Part::Frozen(blob) => Some(blob.bytes()),
            Part::View(_) | Part::Direct { .. } | Part::Awaited(_) => None,
        }
    }

    /// Takes the bulk arguments out. Those in the caller's memory must have been fetched.
    pub fn take_parts(&mut self) -> Vec<InPart> {
        let parts = self.bulk.as_mut().map_or(Vec::new(), |bulk| std::mem::take(&mut bulk.parts));
        let taken = parts.into_iter().map(|part| match part {
            Part::Inline(range) => InPart::Message(range),
            Part::Buffer(buffer, _) => InPart::Bytes(Bytes::Buffer(buffer)),
            Part::Frozen(blob) => InPart::Bytes(Bytes::Blob(blob)),
            Part::View(view) => InPart::View(view),
            Part::Direct { .. } | Part::Awaited(_) => InPart::Message(0..0),
        });
        taken.collect()
    }

    /// The handles that came along, in the caller's order. Nothing is known of them yet: see
    /// [`handle::check`](crate::handle::check).
    pub fn handles(&self) -> &[OwnedFd] {
        self.bulk.as_ref().map_or(&[], |bulk| &bulk.handles)
    }

    /// Takes the handles out. What is left is closed with the call.
    pub fn take_handles(&mut self) -> Vec<OwnedFd> {
        self.bulk.as_mut().map_or(Vec::new(), |bulk| std::mem::take(&mut bulk.handles))
    }

    /// The message that small bulk arguments stand in.
    pub fn message(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes each room of the caller's has.
    pub fn rooms(&self) -> impl ExactSizeIterator<Item = u64> + '_ {
        self.all_rooms().iter().map(|room| room.len)
    }

    /// Where memory for filling a room of the caller's comes from, apart from the call.
    pub fn room(&self, index: usize) -> Option<RoomMemory> {
        let address = self.all_rooms().get(index)?.address;
        Some(RoomMemory { port: self.port.clone(), address })
    }

    /// A buffer of the port's, for filling a room. Its contents are unspecified.
    ///
    /// # Errors
    ///
    /// When there is no memory.
    pub fn buffer(&self, len: usize) -> Result<Buffer> {
        let same = |room: &&Room| usize::try_from(room.len) == Ok(len);
        let address = self.all_rooms().iter().find(same).and_then(|room| room.address);
        RoomMemory { port: self.port.clone(), address }.take(len)
    }

    /// Copies the arguments that lie in the caller's memory. Waits for the copier threads.
    ///
    /// # Errors
    ///
    /// When the memory is not there, the caller has died or revoked the access, or a copy hangs.
    pub fn fetch(&mut self) -> Result<()> {
        let Some(grant) = self.grant().cloned() else { return Ok(()) };
        let deadline = self.deadline();
        let Some(bulk) = &mut self.bulk else { return Ok(()) };
        for part in &mut bulk.parts {
            let Part::Direct { address, len } = *part else { continue };
            let len = usize::try_from(len).unwrap_or(usize::MAX);
            let unavailable = || {
                let kind = ErrorKind::Unsupported { what: "direct access was not agreed on" };
                Error::new(kind, "read the caller's memory")
            };
            if self.port.direct() != DirectAvailability::Available {
                return Err(unavailable());
            }
            let remote = self.port.remote(address, &grant).ok_or_else(unavailable)?;
            let buffer = self.port.shared.buffers.take_for_reading(len, address)?;
            let buffer = self.port.shared.copiers.read(remote, buffer, deadline)?;
            *part = Part::Buffer(buffer, Way::Direct);
        }
        Ok(())
    }

    /// Takes the right to answer out, and the duty: the call itself is not answered any more, and can
    /// be dropped before or after. `None`: it is answered, or nobody waits for an answer.
    pub fn defer(&self) -> Option<PendingReply> {
        if self.is_over.swap(true, Ordering::AcqRel) {
            return None;
        }
        let lent = (self.all_rooms().to_vec(), self.grant().cloned());
        Some(PendingReply::new(self.port.clone(), self.header.id, self.deadline(), lent))
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    /// Answers the call. Never waits for the client.
    ///
    /// # Errors
    ///
    /// When the reply is too long, its bulk data does not fit the caller's rooms, or the client is
    /// gone. Only in the first two cases was nothing sent, and another reply may follow: the call
    /// is given back.
    pub fn reply(self, reply: Reply) -> std::result::Result<(), (Error, Option<IncomingCall>)> {
        self.reply_with(reply, Bell::Now)
    }

    pub(crate) fn reply_with(
        mut self,
        reply: Reply,
        bell: Bell,
    ) -> std::result::Result<(), (Error, Option<IncomingCall>)> {
        match self.answer(reply, bell) {
            Ok(()) => Ok(()),
            Err(error) if self.port.channel.closed().is_none() => Err((error, Some(self))),
            Err(error) => Err((error, None)),
        }
    }

    /// Puts a reply, which is nothing but its body, with others that go out together. Whoever sends them
    /// says that the call is answered.
    #[inline]
    pub(crate) fn stage_reply(mut self, reply: &Reply, staged: &mut Staged) {
        *self.is_over.get_mut() = true;
        let len = u32::try_from(reply.body.len()).unwrap_or(u32::MAX);
        let header = reply_header(MessageKind::Reply, self.header.id, reply.status);
        staged.push(&RecordHeader { len, body: len, method: reply.tag, ..header }, &reply.body);
    }

    /// Answers a call that nobody is to run.
    pub(super) fn refuse(mut self, status: u16) {
        // If that fails the channel has ended, or will be met as such by whoever looks next.
        let _ended = self.answer(Reply { status, ..Reply::default() }, Bell::Now);
    }

    fn answer(&mut self, reply: Reply, bell: Bell) -> Result<()> {
        if self.is_over() {
            return Ok(());
        }
        let caller = Caller {
            id: self.header.id,
            deadline: self.deadline(),
            rooms: self.all_rooms(),
            grant: self.grant(),
        };
        let posted = self.port.post_reply(&caller, reply, bell);
        if posted.is_ok() || self.port.channel.closed().is_some() {
            *self.is_over.get_mut() = true;
            self.port.answered(self.header.id);
        }
        posted
    }
}

impl Drop for IncomingCall {
    fn drop(&mut self) {
        if !*self.is_over.get_mut() {
            self.port.shared.counters.unanswered();
            let unanswered = Reply { status: STATUS_UNANSWERED, ..Reply::default() };
            let _ended = self.answer(unanswered, Bell::Now);
        }
        if self.assembled() > 0 {
            self.port.give_back(self.assembled());
        }
    }
}

impl std::fmt::Debug for IncomingCall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IncomingCall")
            .field("id", &self.header.id)
            .field("method", &self.header.method)
            .field("parts", &self.parts())
            .finish_non_exhaustive()
    }
}
