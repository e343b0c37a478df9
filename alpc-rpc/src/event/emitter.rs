//! The sending side of events.

use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use alpc_transport::{CallFailure, Deadline, ErrorKind, Request};
use serde::Serialize;

use crate::client::push_index;
use crate::descriptor::EventDesc;
use crate::encode;
use crate::error::TransportError;
use crate::object::Target;
use crate::outgoing::Outgoing;
use crate::status::{MAX_BODY, MUST_UNDERSTAND};

/// What stands before an event's arguments, and behind them, fits into this.
const FRAME: usize = 1 << 10;

/// Sends an object's events to whoever subscribed. Clones send to the same.
///
/// Generated code wraps it as `FooEmitter`, with a method for each event.
#[derive(Clone, Default)]
pub struct Emitter {
    subscribers: Arc<Subscribers>,
}

type Subscribers = Mutex<Vec<Arc<Subscriber>>>;

/// One client that wants the events.
struct Subscriber {
    sink: Arc<Target>,
    /// Locked while an event is sent, which does not wait: the order is that of the numbers.
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    sent: u64,
    /// Events that found no room since the last one that did.
    missed: u64,
}

/// The arguments of an event, written in the order of the interface.
pub struct EventWriter {
    body: Vec<u8>,
    outgoing: Outgoing,
}

impl EventWriter {
    fn new() -> EventWriter {
        EventWriter { body: Vec::with_capacity(64), outgoing: Outgoing::new() }
    }

    /// The next argument.
    ///
    /// # Errors
    ///
    /// When it breaks a bound of the interface, or is too long.
    pub fn arg<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TransportError> {
        Ok(self.outgoing.encode(value, &mut self.body, MAX_BODY - FRAME)?)
    }

    /// The next argument: a handle, which the subscribers get duplicates of.
    ///
    /// # Errors
    ///
    /// When it cannot be duplicated.
    pub fn handle(&mut self, handle: BorrowedFd<'_>) -> Result<(), TransportError> {
        let duplicate = handle.try_clone_to_owned().map_err(|error| TransportError::System {
            error: alpc_transport::Error::os("duplicate a handle", error),
            may_have_run: false,
        })?;
        push_index(&mut self.body, self.outgoing.handles.len());
        self.outgoing.handles.push(duplicate);
        Ok(())
    }

    fn refers_to_nothing(&self) -> bool {
        self.outgoing.handles.is_empty() && self.outgoing.objects.is_empty()
    }
}

impl fmt::Debug for EventWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventWriter").field("body", &self.body.len()).finish_non_exhaustive()
    }
}

impl Emitter {
    /// How many clients have subscribed.
    pub fn subscribers(&self) -> usize {
        lock(&self.subscribers).len()
    }

    /// Sends `event` to all of them, with the arguments that `write` writes. It is called once for
    /// each of them where handles or objects go along, and once for all where none do.
    ///
    /// Never waits: a subscriber that has no room misses the event.
    ///
    /// # Errors
    ///
    /// When an argument cannot be sent: then nobody gets the event.
    pub fn emit(
        &self,
        event: &'static EventDesc,
        mut write: impl FnMut(&mut EventWriter) -> Result<(), TransportError>,
    ) -> Result<(), TransportError> {
        let subscribers = lock(&self.subscribers).clone();
        let mut same_for_all: Option<EventWriter> = None;
        for subscriber in subscribers {
            if let Some(writer) = &same_for_all {
                subscriber.send(event, writer);
                continue;
            }
            let mut writer = EventWriter::new();
            write(&mut writer)?;
            subscriber.send(event, &writer);
            if writer.refers_to_nothing() {
                same_for_all = Some(writer);
            }
        }
        Ok(())
    }

    /// Sends to this one, too, until what is returned is dropped.
    pub(crate) fn subscribe(&self, sink: Arc<Target>) -> Subscription {
        let subscriber = Arc::new(Subscriber { sink, line: Mutex::default() });
        let subscription = Subscription {
            subscribers: Arc::downgrade(&self.subscribers),
            subscriber: Arc::downgrade(&subscriber),
        };
        lock(&self.subscribers).push(subscriber);
        subscription
    }
}

impl fmt::Debug for Emitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emitter").field("subscribers", &self.subscribers()).finish()
    }
}

/// A client's subscription, which ends when this is dropped, or when its emitter is gone: the
/// subscriber hears of that because its sink is released.
pub(crate) struct Subscription {
    subscribers: Weak<Subscribers>,
    subscriber: Weak<Subscriber>,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let Some(subscribers) = self.subscribers.upgrade() else { return };
        let mut subscribers = lock(&subscribers);
        let is_this =
            |it: &Arc<Subscriber>| std::ptr::eq(Arc::as_ptr(it), self.subscriber.as_ptr());
        let place = subscribers.iter().position(is_this);
        let gone = place.map(|place| subscribers.swap_remove(place));
        // What is released sends a message, and others want the list.
        drop(subscribers);
        drop(gone);
    }
}

impl Subscriber {
    /// Sends an event, or counts it as missed. A subscriber that is gone is told so elsewhere.
    fn send(&self, event: &EventDesc, writer: &EventWriter) {
        let mut line = lock(&self.line);
        match self.try_send(event, writer, &line) {
            Ok(()) => *line = Line { sent: line.sent + 1, missed: 0 },
            Err(_) => line.missed += 1,
        }
    }

    fn try_send(
        &self,
        event: &EventDesc,
        writer: &EventWriter,
        line: &Line,
    ) -> Result<(), CallFailure> {
        let before = |error| CallFailure { error, may_have_run: false };
        let (link, port) = (self.sink.link(), self.sink.port());
        let mut body = Vec::with_capacity(writer.body.len() + 64);
        // Numbers fit into what is reserved for them.
        let _fits = encode::to_vec_in(&(line.sent + 1, line.missed), &mut body);
        body.extend_from_slice(&writer.body);
        let sealed = writer.outgoing.seal(link, self.sink.object(), &mut body).map_err(before)?;
        if body.len() > MAX_BODY {
            link.take_back(&sealed.numbered);
            let (len, max) = (body.len() as u64, MAX_BODY as u64);
            let too_large = alpc_transport::Error::new(ErrorKind::TooLarge { len, max }, "send");
            return Err(before(too_large));
        }
        let handles: Vec<_> = writer.outgoing.handles.iter().map(AsFd::as_fd).collect();
        let must = if event.must_understand { MUST_UNDERSTAND } else { 0 };
        let request = Request {
            method: event.ordinal,
            tag: sealed.tag | must,
            body: &body,
            parts: &mut [],
            handles: &handles,
            deadline: Deadline::after(Duration::ZERO),
        };
        match port.send(request) {
            Err(failure) if !failure.may_have_run => {
                link.take_back(&sealed.numbered);
                Err(failure)
            }
            // It is on its way, or the connection has ended.
            _ => {
                self.sink.count_unanswered();
                link.count_unanswered(&writer.outgoing.objects);
                Ok(())
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
