//! The server's communication port: calls that come in, and the replies that go out.
//!
//! A server never waits for a client. Bulk data that a client is slow to send, or slow to take, is
//! parked with its port and goes on when the client rings; only its own memory is tied up by that,
//! and how much that may be is bounded: replies by the requests that were admitted, arguments by
//! the limit of the longest.

mod arriving;
mod call;
mod counts;
mod leaving;
mod outstanding;
mod pending;

use std::any::Any;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use crate::alarm::Alarms;
use crate::buffer::{BufferPool, Bytes};
use crate::bulk::{announced_stream, checked_attributes};
use crate::cancellation::{Cancellation, Heard};
use crate::chain::Leave;
use crate::channel::{Channel, Next, Traffic, lock};
use crate::choose::Way;
use crate::completion::Completion;
use crate::completion::gate::Gate;
use crate::completion::listener::Listener;
use crate::completion::lookers::Lookers;
use crate::completion::spares::Spares;
use crate::direct::{Copiers, Grant, Remote};
use crate::error::{Error, ErrorKind, Misbehaviour, Result};
use crate::message::{Attribute, Deadline, MessageId, MessageKind, Record, RecordHeader};
use crate::peer::PeerIdentity;
use crate::port::attributes::{DirectAvailability, Limits};
use crate::queue::{SHORT, Staged};
use crate::section::region::Region;
use arriving::Arriving;
pub use call::{InPart, IncomingCall, RoomMemory, Unwanted};
use counts::Counters;
pub use counts::Counts;
use leaving::Leaving;
use outstanding::Outstanding;
pub use pending::{PendingReply, Unfinished};

/// The status of a reply to a request whose caller gave up while it was still sending: the request
/// was never handed out.
pub const STATUS_GIVEN_UP: u16 = u16::MAX;

/// The status of a reply to a call that the server dropped without an answer, as a handler's panic
/// may do. The call may have run.
pub const STATUS_UNANSWERED: u16 = u16::MAX - 2;

/// The status of a reply to a request whose bulk data lies where the server cannot reach it any
/// more. The client sends it again another way; nobody else sees this.
pub(crate) const STATUS_NOT_DIRECT: u16 = u16::MAX - 3;

/// The status of a reply to a request whose handles the server had no descriptors left for. It was
/// never handed out; nobody but the client's end sees this.
pub(crate) const STATUS_NO_DESCRIPTORS: u16 = u16::MAX - 4;

/// The server's end of one client's channel.
pub struct ServerPort {
    pub(crate) channel: Arc<Channel>,
    connect_data: Vec<u8>,
    context: OnceLock<Box<dyn Any + Send + Sync>>,
    shared: Arc<Resources>,
    parked: Mutex<Parked>,
    outstanding: Outstanding,
    /// Bytes of bulk arguments that streams bring, or have brought to calls that are unanswered.
    assembled: AtomicU64,
    /// Workers that look at the ring for the next messages.
    pub(crate) lookers: Lookers,
    pub(crate) token: OnceLock<u64>,
    /// Takes calls back that a worker gave to another thread, which had no time for them.
    pub(crate) take_back: OnceLock<Box<dyn Fn(IncomingCall) + Send + Sync>>,
}

/// What the ports of one server share.
pub(crate) struct Resources {
    pub(crate) buffers: BufferPool,
    pub(crate) copiers: Copiers,
    /// Some port has parked something since this was last looked at.
    pub(crate) parked: AtomicBool,
    /// How many workers deal with completions at one time.
    pub(crate) gate: Gate,
    /// Who stands in for those who wait.
    pub(crate) spares: Spares,
    /// Deadlines of calls that somebody wants to hear of.
    pub(crate) alarms: Arc<Alarms>,
    /// Listens for them, and for what clients say, while every worker works.
    pub(crate) listener: Arc<Listener>,
    pub(crate) counters: Counters,
    /// Has workers look whether they may end.
    pub(crate) rouse: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

#[derive(Default)]
struct Parked {
    arriving: Vec<Arriving>,
    leaving: Vec<Leaving>,
}

/// Bytes that a handle counts for when a worker decides to look at other clients: until a message is
/// seen to, its handles stay in this process's table of open files.
const HANDLE_WEIGHT: u64 = 64 << 10;

/// Room that the caller has for bulk data of the answer.
#[derive(Debug, Clone, Copy)]
struct Room {
    len: u64,
    /// Where it is, if it may be written to.
    address: Option<u64>,
}

/// What a call is answered with.
#[derive(Debug, Default)]
pub struct Reply {
    /// 0, or the code of what went wrong. The layer above gives it meaning, except for the highest
    /// few numbers, which are this crate's (see [`STATUS_GIVEN_UP`]).
    pub status: u16,
    /// Something about the form of the body, for the layer above.
    pub tag: u64,
    /// The small results, encoded.
    pub body: Vec<u8>,
    /// For each room that the caller has, in order, what goes there. None at all for an error.
    pub outs: Vec<Bytes>,
    /// The bulk results, in order.
    pub results: Vec<Bytes>,
    /// The ways that are wished for, of `outs` and then of `results`; none for those beyond its end.
    /// Direct is a way for `outs` alone.
    pub wishes: Vec<Option<Way>>,
    /// Handles for the client, at most [`Limits::max_handles`]. They are closed here once they are
    /// sent.
    pub handles: Vec<OwnedFd>,
}

/// How the bulk data of a message ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// All of it went through.
    Whole,
    /// The client wants, or sends, no more of it.
    Early,
}

/// A call of this port's with a thread that is no worker.
pub(crate) struct Elsewhere(Arc<ServerPort>);

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.0.shared.gate.end_elsewhere();
    }
}

/// What was taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Took {
    pub(crate) messages: usize,
    /// Bytes of bulk data that were copied for them. A handle counts for some.
    pub(crate) bytes: u64,
}

impl Took {
    pub(crate) fn add(&mut self, more: Took) {
        self.messages += more.messages;
        self.bytes += more.bytes;
    }

    pub(crate) fn is_nothing(self) -> bool {
        self.messages == 0
    }
}

impl Resources {
    pub(crate) fn new(buffers: BufferPool) -> Result<Resources> {
        Ok(Resources {
            buffers,
            copiers: Copiers::new(),
            parked: AtomicBool::new(false),
            gate: Gate::new(usize::MAX),
            spares: Spares::default(),
            alarms: Arc::new(Alarms::new()?),
            listener: Arc::default(),
            counters: Counters::default(),
            rouse: OnceLock::new(),
        })
    }
}

impl ServerPort {
    pub(crate) fn new(channel: Arc<Channel>, data: Vec<u8>, shared: Arc<Resources>) -> ServerPort {
        ServerPort {
            channel,
            connect_data: data,
            context: OnceLock::new(),
            shared,
            parked: Mutex::default(),
            outstanding: Outstanding::default(),
            assembled: AtomicU64::new(0),
            lookers: Lookers::none(),
            token: OnceLock::new(),
            take_back: OnceLock::new(),
        }
    }

    /// Who the client is, as the kernel says.
    pub fn peer(&self) -> &PeerIdentity {
        &self.channel.peer
    }

    /// What the client sent along when it connected.
    pub fn connect_data(&self) -> &[u8] {
        &self.connect_data
    }

    /// What the two ends agreed on.
    pub fn limits(&self) -> &Limits {
        &self.channel.limits
    }

    /// What has happened on this end of the connection so far.
    pub fn traffic(&self) -> Traffic {
        self.channel.traffic()
    }

    /// Memory of `len` bytes to fill in place, which this port's client can then look at: sending it
    /// copies nothing.
    ///
    /// # Errors
    ///
    /// When the regions in use leave no room for it within the port's `max_section_total`.
    pub fn region(&self, len: usize) -> Result<Region> {
        self.channel.regions.take(len)
    }

    /// Gives the port a context of the server's own, as ALPC's port context. The first one stays.
    pub fn set_context<T: Any + Send + Sync>(&self, context: T) {
        let _first = self.context.set(Box::new(context));
    }

    /// The context that the server gave this port.
    pub fn context<T: Any>(&self) -> Option<&T> {
        self.context.get().and_then(|context| context.downcast_ref())
    }

    /// As [`CompletionPort::blocking`](crate::CompletionPort::blocking), of the completion port that
    /// this port belongs to.
    pub fn blocking<T>(&self, work: impl FnOnce() -> T) -> T {
        match Leave::take() {
            Leave::AwayAlready => work(),
            // Calls that are made in there have no place to give away any more.
            _until_it_is_over => self.shared.gate.blocking(work),
        }
    }

    /// A worker waits in a call that its handler makes.
    pub(crate) fn leave(&self) {
        self.shared.gate.step_aside();
        self.shared.spares.step_aside();
    }

    /// A call that came here is run by another thread than a worker, until what is returned is dropped.
    pub(crate) fn elsewhere(self: &Arc<ServerPort>) -> Elsewhere {
        self.shared.gate.begin_elsewhere();
        Elsewhere(self.clone())
    }

    /// It goes on.
    pub(crate) fn come_back(&self) {
        self.shared.spares.step_back();
        self.shared.gate.step_back();
    }

    /// Why the channel has ended, if it has: the client went, or broke the protocol.
    pub fn closed(&self) -> Option<&Error> {
        self.channel.closed()
    }

    /// Ends the channel. The client sees it at once.
    pub fn close(&self) {
        self.channel.close(Error::new(ErrorKind::PeerClosed, "use a channel"));
        self.drop_parked();
        self.outstanding.cancel_all();
    }

    /// Closes the channel if the client's process is dead, whatever its socket says.
    pub(crate) fn check_alive(&self) {
        if !self.channel.peer.is_alive() {
            self.close();
        }
    }

    /// Takes the next message and what can be had of its bulk data. Calls that are whole are given
    /// to `whole`; others are parked.
    pub(crate) fn take_message(
        self: &Arc<ServerPort>,
        whole: &mut impl FnMut(IncomingCall),
    ) -> Result<Took> {
        match self.channel.pop()? {
            Some(record) => self.take_record(record, whole),
            None => Ok(Took::default()),
        }
    }

    /// Takes at most `max` messages out of the ring together, and puts the calls behind those in `into`.
    /// One that is more than its body is the last of them, and comes if what belongs to it is there:
    /// whoever waits for those before it must not wait for its data.
    #[inline]
    pub(crate) fn take_messages(
        self: &Arc<ServerPort>,
        max: usize,
        into: &mut Vec<Completion>,
    ) -> Result<Took> {
        let mut took = Took::default();
        let (mut last, mut offence) = (None, None);
        let mut outstanding = None;
        let popped = self.channel.pop_while(max, |record| {
            if !record.is_plain_call() {
                last = Some(record);
                return Next::Later;
            }
            if record.header.kind == MessageKind::Request {
                if !self.channel.admit(0) {
                    offence = Some(Misbehaviour::TooManyRequests);
                    return Next::Later;
                }
                outstanding
                    .get_or_insert_with(|| self.outstanding.beginning())
                    .begin(record.header.id);
            }
            took.messages += 1;
            into.push(Completion::Call(IncomingCall::plain(self.clone(), record)));
            Next::Wanted
        });
        drop(outstanding);
        popped?;
        if let Some(offence) = offence {
            return Err(self.channel.poison(offence));
        }
        if let Some(record) = last {
            took.add(self.take_record(record, &mut |call| into.push(Completion::Call(call)))?);
        }
        Ok(took)
    }

    /// Sees to a message that was taken out of the ring.
    #[inline]
    fn take_record(
        self: &Arc<ServerPort>,
        record: Record,
        whole: &mut impl FnMut(IncomingCall),
    ) -> Result<Took> {
        let mut bytes = 0;
        match record.header.kind {
            MessageKind::Request | MessageKind::Datagram => {
                if let Some(call) = self.admit(record)? {
                    bytes = call.assembled() + call.handles().len() as u64 * HANDLE_WEIGHT;
                    whole(call);
                }
            }
            MessageKind::Cancel => self.cancel(record.header.id),
            _ => return Err(self.channel.poison(Misbehaviour::WrongDirection)),
        }
        Ok(Took { messages: 1, bytes })
    }

    /// Goes on with everything that is parked.
    pub(crate) fn resume(
        self: &Arc<ServerPort>,
        whole: &mut impl FnMut(IncomingCall),
    ) -> Result<()> {
        if !self.channel.has_parked() {
            return Ok(());
        }
        self.channel.flush_backlog()?;
        let Parked { arriving, leaving } = std::mem::take(&mut *lock(&self.parked));
        self.channel.note_resumed(arriving.len() + leaving.len());
        for reply in leaving {
            self.send(reply)?;
        }
        for call in arriving {
            if let Some(call) = self.receive(call)? {
                whole(call);
            }
        }
        Ok(())
    }

    /// Keeps something until the client moves. `park` puts it away and says whether it could go on
    /// by now: then nobody will ring for it.
    fn park(&self, park: impl FnOnce(&mut Parked) -> bool) {
        let mut parked = lock(&self.parked);
        self.channel.note_parked();
        let can_go_on = park(&mut parked);
        drop(parked);
        self.shared.parked.store(true, Ordering::Relaxed);
        if can_go_on {
            self.channel.tell_news();
        }
        if self.channel.closed().is_some() {
            // Nobody comes for it any more, and a call holds its port.
            self.drop_parked();
        }
    }

    fn drop_parked(&self) {
        let parked = std::mem::take(&mut *lock(&self.parked));
        self.channel.note_resumed(parked.arriving.len() + parked.leaving.len());
        self.channel.drop_backlog();
    }

    #[inline]
    fn admit(self: &Arc<ServerPort>, record: Record) -> Result<Option<IncomingCall>> {
        let channel = &self.channel;
        let RecordHeader { kind, ancestors, .. } = record.header;
        if ancestors > 0 && usize::from(ancestors) >= channel.limits.max_depth {
            return Err(channel.poison(Misbehaviour::TooDeep { ancestors }));
        }
        if kind == MessageKind::Request && !channel.admit(ancestors) {
            return Err(channel.poison(Misbehaviour::TooManyRequests));
        }
        let mut refusal = record.handles.is_none().then_some(STATUS_NO_DESCRIPTORS);
        if record.header.attributes == 0 && refusal.is_none() {
            return Ok(Some(IncomingCall::new(self.clone(), record)));
        }
        let attributes = checked_attributes(channel, &record)?;
        let inflow = announced_stream(channel, &attributes)?;
        let mut call = IncomingCall::new(self.clone(), record);
        if let Err(error) = call.describe(&attributes) {
            if let Some(inflow) = inflow {
                channel.discard_inflow(inflow);
            }
            return Err(error);
        }
        if self.cannot_reach(&attributes) {
            refusal.get_or_insert(STATUS_NOT_DIRECT);
        }
        if let Some(status) = refusal {
            if let Some(inflow) = inflow {
                channel.discard_inflow(inflow);
            }
            call.refuse(status);
            return Ok(None);
        }
        match inflow {
            None => Ok(Some(call)),
            Some(inflow) => self.receive(Arriving::new(call, inflow)),
        }
    }

    /// Whether arguments lie in the client's memory, and copiers have been lost since the client
    /// was told that this is a way.
    fn cannot_reach(&self, attributes: &[Attribute]) -> bool {
        let is_direct = |attribute: &Attribute| matches!(attribute, Attribute::Direct { .. });
        self.direct() != DirectAvailability::Available && attributes.iter().any(is_direct)
    }

    /// Nobody waits for a call any more. No more copies are begun for it; the client has seen to its
    /// memory by itself.
    fn cancel(&self, id: MessageId) {
        self.outstanding.cancel(id, &self.shared.counters);
    }

    /// Says that work has begun that goes on when no worker is at it, until what is returned is dropped.
    /// [`CompletionPort::run_down`](crate::CompletionPort::run_down) waits for it.
    pub fn unfinished(self: &Arc<ServerPort>) -> Unfinished {
        Unfinished::new(self)
    }

    /// A request is answered.
    fn answered(&self, id: MessageId) {
        if self.outstanding.end(id) {
            self.shared.counters.late();
        }
    }

    /// Whether a reply is nothing but a short body, and can be put together with others for this client.
    #[inline]
    pub(crate) fn takes_short(&self, reply: &Reply) -> bool {
        let is_plain =
            reply.outs.is_empty() && reply.results.is_empty() && reply.handles.is_empty();
        is_plain && reply.body.len() <= SHORT && self.closed().is_none()
    }

    /// Sends the replies to requests, which were put together. Who is gone does not hear them.
    pub(crate) fn post_replies(&self, staged: &Staged, answered: &[MessageId]) {
        // An error is one of the channel, and met by whoever uses it next.
        let _closed = self.channel.post_replies(staged);
        if self.channel.has_parked() {
            self.shared.parked.store(true, Ordering::Relaxed);
        }
        for _ in 0..self.outstanding.end_all(answered) {
            self.shared.counters.late();
        }
    }

    /// What fires when nobody waits for a request any more.
    fn cancellation(&self, id: MessageId, deadline: Deadline) -> Cancellation {
        let Resources { alarms, listener, .. } = &*self.shared;
        let heard = || Heard::new(alarms.clone(), listener.clone());
        self.outstanding.token(id, deadline, heard)
    }

    /// Whether the client's memory can be reached at this moment.
    fn direct(&self) -> DirectAvailability {
        if self.shared.copiers.are_written_off() {
            return DirectAvailability::Stalled;
        }
        self.channel.direct()
    }

    fn remote(&self, address: u64, grant: &Arc<Grant>) -> Option<Remote> {
        let process = self.channel.peer.process.clone();
        let pid = self.channel.peer.pid()?;
        let alive = Arc::new(move || process.is_alive());
        Some(Remote { pid, address, grant: grant.clone(), alive })
    }

    /// Claims room for bulk arguments of `len` bytes in all. `false`: unanswered calls of this
    /// client hold as much as they may. A call that is alone may always.
    fn claim(&self, len: u64) -> bool {
        let max = self.channel.limits.max_argument_len as u64;
        let claim = |held: u64| {
            let sum = held.saturating_add(len);
            (held == 0 || sum <= max).then_some(sum)
        };
        self.assembled.fetch_update(Ordering::SeqCst, Ordering::SeqCst, claim).is_ok()
    }

    /// Whether [`claim`](ServerPort::claim) would succeed.
    fn could_claim(&self, len: u64) -> bool {
        let held = self.assembled.load(Ordering::SeqCst);
        held == 0 || held.saturating_add(len) <= self.channel.limits.max_argument_len as u64
    }

    fn give_back(&self, len: u64) {
        self.assembled.fetch_sub(len, Ordering::SeqCst);
        if self.channel.has_parked() {
            self.channel.tell_news();
        }
    }
}

impl std::fmt::Debug for ServerPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerPort").field("peer", self.peer()).finish_non_exhaustive()
    }
}

fn reply_header(kind: MessageKind, id: MessageId, status: u16) -> RecordHeader {
    RecordHeader { status, ..RecordHeader::bare(kind, id) }
}
