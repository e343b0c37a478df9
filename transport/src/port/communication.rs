//! The client's communication port: calls, datagrams, and the lending of memory.

mod batch;
mod call;
mod cancel;
mod incoming;
mod overflow;
mod plain;
mod response;

use std::future::Future;
use std::os::fd::BorrowedFd;
use std::pin::pin;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use crate::bulk::Travelled;
use crate::cancellation::Cancellation;
use crate::chain::{Awaited, Caller, Descent, away};
use crate::channel::{Bell, Channel, Traffic};
use crate::choose::Way;
use crate::error::{Error, ErrorKind, Result};
use crate::message::{Deadline, MessageId, Record};
use crate::name::PortName;
use crate::peer::PeerIdentity;
use crate::port::attributes::{DirectAvailability, Limits, PortAttributes};
use crate::port::handshake;
use crate::section::Blob;
use crate::section::region::Region;
use crate::section::view::PeerView;
use crate::sys::poll;
use crate::waiting::{Blocking, Cancellable, Driver, InTask, PortWatch, TaskId, Wait, Waiting};
pub use batch::{Batch, Ticket};
use call::{Answered, Call};
pub use overflow::Overflow;
use overflow::Overflowing;
pub use response::{Carried, Response};

/// One bulk argument of a call.
#[derive(Debug)]
#[non_exhaustive]
pub enum Part<'a> {
    /// Bytes for the server.
    In(&'a [u8]),
    /// Frozen bytes for the server, which are not copied.
    Blob(&'a Blob),
    /// Bytes in a region of this port's, which are not copied either.
    Region(&'a Region),
    /// Room that the server may fill. What it holds now is not sent.
    Out(&'a mut [u8]),
    /// Bytes for the server, which may overwrite them.
    InOut(&'a mut [u8]),
    /// As `In`, by this way if it can be had, whatever the length. Otherwise the way is that of `In`.
    InVia(Way, &'a [u8]),
    /// As `Out`, by this way if it can be had.
    OutVia(Way, &'a mut [u8]),
    /// As `InOut`, by this way in both directions if it can be had.
    InOutVia(Way, &'a mut [u8]),
}

impl Part<'_> {
    /// The same argument, for a call that may have to be made again.
    pub fn reborrow(&mut self) -> Part<'_> {
        match self {
            Part::In(bytes) => Part::In(bytes),
            Part::Blob(blob) => Part::Blob(blob),
            Part::Region(region) => Part::Region(region),
            Part::Out(room) => Part::Out(room),
            Part::InOut(room) => Part::InOut(room),
            Part::InVia(way, bytes) => Part::InVia(*way, bytes),
            Part::OutVia(way, room) => Part::OutVia(*way, room),
            Part::InOutVia(way, room) => Part::InOutVia(*way, room),
        }
    }

    /// The room that it has for an answer.
    fn room(&mut self) -> Option<&mut [u8]> {
        match self {
            Part::Out(room) | Part::InOut(room) => Some(room),
            Part::OutVia(_, room) | Part::InOutVia(_, room) => Some(room),
            Part::In(_) | Part::InVia(..) | Part::Blob(_) | Part::Region(_) => None,
        }
    }

    /// The way that is wished for.
    fn wish(&self) -> Option<Way> {
        match self {
            Part::InVia(way, _) | Part::OutVia(way, _) | Part::InOutVia(way, _) => Some(*way),
            Part::In(_) | Part::Out(_) | Part::InOut(_) | Part::Blob(_) | Part::Region(_) => None,
        }
    }

    /// Whether the server may write something there.
    fn has_room(&self) -> bool {
        matches!(self, Part::Out(_) | Part::InOut(_) | Part::OutVia(..) | Part::InOutVia(..))
    }

    /// Whether it goes both ways.
    fn goes_both_ways(&self) -> bool {
        matches!(self, Part::InOut(_) | Part::InOutVia(..))
    }
}

/// A call that is to be made.
#[derive(Debug)]
pub struct Request<'a, 'p> {
    /// Which method, by the number that both ends give it.
    pub method: u64,
    /// Something about the form of the body, for the layer above.
    pub tag: u16,
    /// The small arguments, encoded.
    pub body: &'a [u8],
    /// The bulk arguments, in order.
    pub parts: &'a mut [Part<'p>],
    /// When to stop waiting.
    pub deadline: Deadline,
    /// Handles for the server, at most [`Limits::max_handles`]. The server gets copies.
    pub handles: &'a [BorrowedFd<'a>],
}

impl Request<'_, '_> {
    /// Whether it is nothing but its body.
    fn is_plain(&self) -> bool {
        self.parts.is_empty() && self.handles.is_empty()
    }
}

/// One bulk result.
#[derive(Debug)]
#[non_exhaustive]
pub enum Received {
    /// In memory of this process alone.
    Private(Vec<u8>),
    /// In a section that nobody can change.
    Frozen(Blob),
    /// In a region that the server filled in place, and can still change.
    View(PeerView),
}

/// Why a call gave no response, and whether the server may have acted on it all the same.
#[derive(Debug, Clone)]
pub struct CallFailure {
    /// What happened.
    pub error: Error,
    /// `false`: the server has never seen the request, so it can be made again without harm.
    pub may_have_run: bool,
}

impl CallFailure {
    fn before(error: Error) -> CallFailure {
        CallFailure { error, may_have_run: false }
    }

    fn after(error: Error) -> CallFailure {
        CallFailure { error, may_have_run: true }
    }
}

/// The client's end of a channel. Clones share it; any number of threads may call at once.
#[derive(Clone)]
pub struct CommunicationPort {
    end: Arc<ClientEnd>,
}

struct ClientEnd {
    channel: Arc<Channel>,
    waiting: Arc<Waiting>,
    /// Watches for calls that are made in tasks.
    driver: Driver,
    /// Requests that descend from a call of this port find who waits for it.
    awaited: Awaited,
    accept_data: Vec<u8>,
    overflowing: Overflowing,
}

impl CommunicationPort {
    /// Connects to the connection port `name`, sending `data` (at most 4 KiB) along.
    ///
    /// Blocks until the server has decided, or the deadline passes. Where many connect at once, that may
    /// take several attempts.
    ///
    /// # Errors
    ///
    /// When nobody serves that name, the server refuses (with its reason), the two ends have no
    /// protocol version in common, or the place of the name is not to be trusted.
    pub fn connect(
        name: &PortName,
        attributes: &PortAttributes,
        data: &[u8],
        deadline: Deadline,
    ) -> Result<CommunicationPort> {
        let mut established = handshake::connect(name, attributes, data, deadline)?;
        let accept_data = std::mem::take(&mut established.data);
        CommunicationPort::of_channel(Arc::new(Channel::new(established)?), accept_data)
    }

    /// The port of a channel that is open.
    pub(super) fn of_channel(
        channel: Arc<Channel>,
        accept_data: Vec<u8>,
    ) -> Result<CommunicationPort> {
        let waiting = Arc::new(Waiting::new()?);
        let (driver, awaited) =
            (Driver::new(waiting.clone(), channel.clone()), Awaited::new(channel.seed, &waiting));
        let end = Arc::new_cyclic(|me| {
            let overflowing = Overflowing::new(me.clone());
            ClientEnd { channel, waiting, driver, awaited, accept_data, overflowing }
        });
        let weak: Weak<ClientEnd> = Arc::downgrade(&end);
        // Whoever reads a bell in passing has the thread look that the bell was meant for.
        let _first = end.channel.on_news.set(Box::new(move || {
            if let Some(end) = weak.upgrade() {
                end.waiting.rouse_leader();
            }
        }));
        Ok(CommunicationPort { end })
    }

    pub(super) fn channel(&self) -> &Arc<Channel> {
        &self.end.channel
    }

    /// Has `tell` hear of each reply that comes after its caller has stopped waiting: of its tag and
    /// its body, and not of bulk data, which is refused. The first one stays.
    ///
    /// It is told by a thread that waits for something else, at the latest with the next call, and
    /// must neither wait nor call.
    pub fn on_late_reply(&self, tell: impl Fn(u64, &[u8]) + Send + Sync + 'static) {
        let tell = move |late: &Record| {
            let body = late.bytes().get(late.body_range()).unwrap_or(&[]);
            tell(late.header.method, body);
        };
        let _first = self.end.waiting.on_late_reply.set(Box::new(tell));
    }

    /// What the server sent along when it accepted.
    pub fn accept_data(&self) -> &[u8] {
        &self.end.accept_data
    }

    /// Who the server is, as the kernel says.
    pub fn peer(&self) -> &PeerIdentity {
        &self.end.channel.peer
    }

    /// What the two ends agreed on.
    pub fn limits(&self) -> &Limits {
        &self.end.channel.limits
    }

    /// Whether the server's end of the connection is there at this moment: a question to the system. A
    /// call finds out by itself, but only after it was sent, and then nobody knows whether it has run.
    pub fn is_open(&self) -> bool {
        let channel = &self.end.channel;
        channel.closed().is_none() && !poll::has_ended(channel.socket(), channel.peer.process.fd())
    }

    /// Whether the server may reach into this process's memory, and if not, why.
    pub fn direct(&self) -> DirectAvailability {
        self.end.channel.direct()
    }

    /// What has happened on this end of the connection so far.
    pub fn traffic(&self) -> Traffic {
        self.end.channel.traffic()
    }

    /// Sends a datagram as [`send`](CommunicationPort::send) does, and has the server not rung for it: that
    /// is for [`flush`](CommunicationPort::flush), or for the next message that anybody sends through this
    /// port. A server that is awake may take it before.
    ///
    /// # Errors
    ///
    /// As [`send`](CommunicationPort::send).
    pub fn send_later(
        &self,
        request: Request<'_, '_>,
    ) -> std::result::Result<Vec<Travelled>, CallFailure> {
        self.end.send_later(&request)
    }

    /// Rings for what was sent without, and waits until it is queued. That takes no time where the two ends
    /// share memory.
    ///
    /// # Errors
    ///
    /// When it is not queued before the deadline, or the server is gone.
    pub fn flush(&self, deadline: Deadline) -> Result<()> {
        self.end.flush(deadline)
    }

    /// Calls and datagrams that go out together: see [`Batch`].
    pub fn batch(&self) -> Batch<'_> {
        Batch::new(&self.end)
    }

    /// Memory of `len` bytes to fill in place, which this port's server can then look at: sending it
    /// copies nothing.
    ///
    /// # Errors
    ///
    /// When the regions in use leave no room for it within the port's `max_section_total`.
    pub fn region(&self, len: usize) -> Result<Region> {
        self.end.channel.regions.take(len)
    }

    /// Makes a call and waits for its reply.
    ///
    /// # Errors
    ///
    /// When the call cannot be sent, the deadline passes, or the server goes away.
    pub fn call(&self, request: Request<'_, '_>) -> std::result::Result<Response, CallFailure> {
        match Caller::current() {
            Caller::Anybody => now(self.end.call(request, (None, None), |_| Blocking)),
            handler => {
                let descent = handler.descent();
                away(|| now(self.end.call(request, (descent, None), |_| Blocking)))
            }
        }
    }

    /// Makes a call and waits for its reply, or until `token` fires, whichever is first. The call is then
    /// cancelled: the server is told, its reply, if one comes, is thrown away, and what was lent comes
    /// back as it does after a deadline.
    ///
    /// # Errors
    ///
    /// As [`call`](CommunicationPort::call), and [`ErrorKind::Cancelled`].
    pub fn call_until(
        &self,
        request: Request<'_, '_>,
        token: &Cancellation,
    ) -> std::result::Result<Response, CallFailure> {
        if token.is_cancelled() {
            let error = Error::new(ErrorKind::Cancelled, "make a call");
            return Err(CallFailure::before(error));
        }
        let waits = Cancellable { token, waiting: &self.end.waiting };
        let descent = Caller::current().descent();
        away(|| now(self.end.call(request, (descent, None), |_| waits)))
    }

    /// How many replies came after their callers had stopped waiting, and were thrown away.
    pub fn late_replies(&self) -> u64 {
        self.end.waiting.late()
    }

    /// Makes a call, and waits for its reply without a thread: in a task, of whichever runtime.
    ///
    /// The request is sent when the future is polled first. Dropping the future cancels the call: its
    /// reply, if one comes, is thrown away. The caller's memory is never lent to the server, since
    /// nobody can know how long a future lives; data that would have gone directly goes by a section.
    ///
    /// The first such call of a port that waits starts a thread that sleeps on the port's socket for all of
    /// them, unless somebody [watches](CommunicationPort::watch) it.
    ///
    /// # Errors
    ///
    /// As [`call`](CommunicationPort::call), and when that thread cannot be started.
    pub async fn call_async(
        &self,
        request: Request<'_, '_>,
    ) -> std::result::Result<Response, CallFailure> {
        self.call_async_telling(request, &AtomicBool::new(false)).await
    }

    /// Makes a call as [`call_async`](CommunicationPort::call_async) does, and sets `told` as soon as
    /// the server may hear of it. Who drops the future knows by that whether the server may act on what
    /// the request says.
    ///
    /// # Errors
    ///
    /// As [`call_async`](CommunicationPort::call_async).
    pub async fn call_async_telling(
        &self,
        request: Request<'_, '_>,
        told: &AtomicBool,
    ) -> std::result::Result<Response, CallFailure> {
        let descent = Caller::current().descent();
        self.end.call(request, (descent, Some(told)), |id| self.end.in_task(id)).await
    }

    /// Begins to watch the port for the calls that wait in tasks, in place of the thread that it would
    /// start for that. Several may watch at once, each from an event loop of its own.
    ///
    /// # Errors
    ///
    /// When the system has no descriptors left, or the port is closed.
    pub fn watch(&self) -> Result<PortWatch> {
        self.end.driver.watch()
    }

    /// Has a thread of the port's own watch for calls that wait in tasks, whoever else does: for who
    /// cannot know whether an event loop that watches goes on.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub fn watch_by_thread(&self) -> Result<()> {
        self.end.driver.start()
    }

    /// Sends a datagram: bytes to the server, and no reply. Returns when it is queued.
    ///
    /// # Errors
    ///
    /// When the datagram cannot be sent, or the queue stays full until the deadline.
    pub fn send(
        &self,
        request: Request<'_, '_>,
    ) -> std::result::Result<Vec<Travelled>, CallFailure> {
        now(self.end.send(request, None, |_| Blocking))
    }

    /// Sends a datagram as [`send`](CommunicationPort::send) does, and waits for room as
    /// [`call_async`](CommunicationPort::call_async) waits.
    ///
    /// # Errors
    ///
    /// As those two.
    pub async fn send_async(
        &self,
        request: Request<'_, '_>,
    ) -> std::result::Result<Vec<Travelled>, CallFailure> {
        self.send_async_telling(request, &AtomicBool::new(false)).await
    }

    /// Sends a datagram as [`send_async`](CommunicationPort::send_async) does, and sets `told` as
    /// [`call_async_telling`](CommunicationPort::call_async_telling) does.
    ///
    /// # Errors
    ///
    /// As [`send_async`](CommunicationPort::send_async).
    pub async fn send_async_telling(
        &self,
        request: Request<'_, '_>,
        told: &AtomicBool,
    ) -> std::result::Result<Vec<Travelled>, CallFailure> {
        self.end.send(request, Some(told), |id| self.end.in_task(id)).await
    }
}

impl ClientEnd {
    async fn call<W: Wait>(
        &self,
        mut request: Request<'_, '_>,
        (descent, told): (Option<Descent>, Option<&AtomicBool>),
        waits: impl Fn(MessageId) -> W,
    ) -> std::result::Result<Response, CallFailure> {
        let descent = self.within(descent).map_err(CallFailure::before)?;
        for attempt in [Attempt::First, Attempt::Second] {
            let call = Call::new(self, &request, &waits, Bell::Now);
            let call = call.descends_from(descent).telling(told);
            match (call.run(&mut request).await?, attempt) {
                (Answered::Response(response), _) => return Ok(response),
                // The server has lost the right to reach into our memory, or the threads to do so,
                // and has not begun with the call. The same call goes by sections from now on.
                (Answered::NotDirect, Attempt::First) => self.channel.lose_direct(),
                (Answered::NotDirect, Attempt::Second) => break,
            }
        }
        let what = "the server refuses every way that bulk data can go";
        Err(CallFailure::before(Error::new(ErrorKind::Unsupported { what }, "make a call")))
    }

    /// What a request tells this server of its descent, if it may go so deep.
    fn within(&self, descent: Option<Descent>) -> Result<Option<Descent>> {
        let told = descent.map(|descent| descent.within(self.channel.limits.max_depth));
        Ok(told.transpose()?.flatten())
    }

    async fn send<W: Wait>(
        &self,
        request: Request<'_, '_>,
        told: Option<&AtomicBool>,
        waits: impl FnOnce(MessageId) -> W,
    ) -> std::result::Result<Vec<Travelled>, CallFailure> {
        let call = Call::new(self, &request, waits, Bell::Now).telling(told);
        call.send_datagram(&request).await
    }

    /// Is ready when the kernel has everything that was sent: what is only in this process's memory
    /// ends with it.
    fn sent(&self) -> impl FnMut() -> Result<Option<()>> + '_ {
        || {
            self.channel.send_unsent();
            Ok((!self.channel.has_unsent()).then_some(()))
        }
    }

    fn in_task(&self, id: MessageId) -> InTask<'_> {
        InTask { id: TaskId(id), driver: &self.driver }
    }
}

/// Which try of a call this is.
#[derive(Clone, Copy)]
enum Attempt {
    First,
    Second,
}

/// Runs the steps of a call that waits as its thread waits: nothing is ever pending.
fn now<T>(steps: impl Future<Output = T>) -> T {
    let mut steps = pin!(steps);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(done) = steps.as_mut().poll(&mut context) {
            return done;
        }
    }
}

impl std::fmt::Debug for CommunicationPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CommunicationPort").field("peer", self.peer()).finish_non_exhaustive()
    }
}

impl Drop for ClientEnd {
    fn drop(&mut self) {
        self.awaited.end(&self.waiting);
        self.channel.close(Error::new(ErrorKind::PeerClosed, "use a closed port"));
    }
}
