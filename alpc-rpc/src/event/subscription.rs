//! The receiving side of events.

#[cfg(feature = "async")]
mod stream;

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use alpc_transport::Deadline;
use serde::Deserialize;

use super::Event;
use super::sink::{Arrived, Sink, SinkEnd, Waited};
use crate::client::{ClientCall, ClientCore, ClientReply, Line, Subscriptions};
use crate::decode::ValueReader;
use crate::descriptor::InterfaceDesc;
use crate::error::{Fault, TransportError};
use crate::framework;
use crate::handle::{Handle, Kind};
use crate::object::{Exported, Reference};
use crate::scope::{self, Luggage};
use crate::wire::Decoded;
#[cfg(feature = "async")]
pub use stream::EventStream;

/// How long the subscription of a client that comes back waits for its server.
const PATIENCE: Duration = Duration::from_secs(30);

/// The events of one object, as they come: an iterator that blocks for the next.
///
/// It ends after an error that says that the connection is gone, unless its client [comes
/// back](crate::Client::reconnect), or when the object itself is. Other
/// errors are of one event, and the next may be read. Dropping it ends the subscription.
///
/// Up to 1024 events wait for their reader, and 4 MiB of them. What does not fit is missed, and so
/// is what found the channel full: see [`missed`](Events::missed).
pub struct Events<E> {
    sink: Arc<Sink>,
    source: Source,
    interface: &'static InterfaceDesc,
    /// How it goes on, if the client comes back. Otherwise this must not hold the object: it may be
    /// released while somebody waits for its last event.
    along: Option<Along>,
    missed: u64,
    unrecognized: u64,
    interruptions: u64,
    event: PhantomData<fn() -> E>,
}

/// The connections of a client that comes back.
struct Along {
    line: Arc<Line>,
    /// The client, by the connection that the events come by.
    core: ClientCore,
}

impl Along {
    /// Notes the connection that events were asked for by. If that failed for another reason than its end,
    /// it is there for whoever asks again, and the one to be followed is still the one before.
    fn go_by(&mut self, core: ClientCore, failed: Option<&TransportError>) {
        if matches!(failed, None | Some(TransportError::Disconnected { .. })) {
            self.core = core;
        }
    }
}

/// Where events come from.
enum Source {
    /// What the server holds for the subscription: it is released when this is dropped.
    Subscription(Reference),
    /// There is none: why, until that was told.
    Failed(Option<TransportError>),
}

impl<E: Event> Events<E> {
    pub(crate) fn subscribe(core: &ClientCore, interface: &'static InterfaceDesc) -> Self {
        let mut events = Events::of_nothing(core, interface);
        let before = Deadline::after(PATIENCE);
        let mut subscribed = events.resubscribe(&core.current());
        while let Err(error) = &subscribed
            && events.is_to_follow(error)
        {
            subscribed = events.follow(before);
        }
        if let Err(error) = subscribed {
            events.source = Source::Failed(Some(error));
        }
        events
    }

    /// Asks for events by the connection of `core`.
    fn resubscribe(&mut self, core: &ClientCore) -> Result<(), TransportError> {
        let sink = Arc::default();
        let reply = subscription(core, self.interface, &sink)?.invoke_infallible()?;
        self.take_up(Subscribed::new(sink, reply)?);
        Ok(())
    }

    /// Goes on with these.
    fn take_up(&mut self, subscribed: Subscribed) {
        self.source = Source::Subscription(subscribed.subscription);
        self.sink = subscribed.sink;
    }

    /// Whether it goes on with the next connection.
    fn is_to_follow(&self, error: &TransportError) -> bool {
        let renews = |along: &Along| along.line.subscriptions() == Subscriptions::Renewed;
        matches!(error, TransportError::Disconnected { .. })
            && self.along.as_ref().is_some_and(renews)
    }

    /// Asks for events by the next connection, once there is one.
    fn follow(&mut self, deadline: Deadline) -> Result<(), TransportError> {
        let ended = TransportError::Disconnected { may_have_run: false };
        let along = self.along.as_ref().ok_or(ended)?;
        let next = along.line.follow(&along.core, deadline)?;
        let asked = self.resubscribe(&next);
        if let Some(along) = &mut self.along {
            along.go_by(next, asked.as_ref().err());
        }
        asked
    }

    /// Goes on with the next connection, or says that this was the last.
    fn renew(&mut self, deadline: Deadline) -> Result<(), TransportError> {
        let mut error = TransportError::Disconnected { may_have_run: false };
        // If the connection is there, it is the object that went, as objects do.
        let is_connected = self.is_connected();
        while !is_connected && self.is_to_follow(&error) {
            match self.follow(deadline) {
                Ok(()) => {
                    self.interruptions += 1;
                    return Ok(());
                }
                Err(failed) => error = failed,
            }
        }
        Err(error)
    }

    fn is_connected(&self) -> bool {
        matches!(&self.source, Source::Subscription(subscription) if subscription.is_connected())
    }

    /// Before there is a subscription.
    fn of_nothing(core: &ClientCore, interface: &'static InterfaceDesc) -> Self {
        Events {
            sink: Arc::default(),
            source: Source::Failed(None),
            interface,
            along: core.line().map(|line| Along { line: line.clone(), core: core.current() }),
            missed: 0,
            unrecognized: 0,
            interruptions: 0,
            event: PhantomData,
        }
    }

    /// Waits for the next event until the deadline.
    ///
    /// # Errors
    ///
    /// [`TimedOut`](TransportError::TimedOut) at the deadline;
    /// [`Disconnected`](TransportError::Disconnected) when no more can come; or what is wrong with
    /// an event, after which the next may be read.
    pub fn wait(&mut self, deadline: Deadline) -> Result<E, TransportError> {
        self.check()?;
        loop {
            let waited = self.sink.wait(deadline);
            if matches!(waited, Waited::Ended) {
                self.renew(deadline)?;
            } else if let Some(event) = self.take_in(waited)? {
                return Ok(event);
            }
        }
    }

    /// What was wrong with the subscription is told once.
    fn check(&mut self) -> Result<(), TransportError> {
        let Source::Failed(error) = &mut self.source else { return Ok(()) };
        Err(error.take().unwrap_or(TransportError::Disconnected { may_have_run: false }))
    }

    /// What a wait has ended with. Nothing: an event that only newer clients know.
    fn take_in(&mut self, waited: Waited) -> Result<Option<E>, TransportError> {
        match waited {
            Waited::Event(arrived) => {
                let event = self.read(arrived)?;
                self.unrecognized += u64::from(event.is_none());
                Ok(event)
            }
            Waited::TimedOut => Err(TransportError::TimedOut { may_have_run: false }),
            Waited::Ended => Err(TransportError::Disconnected { may_have_run: false }),
        }
    }

    /// Whether there can be more.
    fn is_over(&self) -> bool {
        matches!(self.source, Source::Failed(None))
    }

    /// The next item of a sequence that ends.
    fn item(&mut self, next: Result<E, TransportError>) -> Option<Result<E, TransportError>> {
        match &next {
            Err(TransportError::Disconnected { .. } | TransportError::Unreachable { .. }) => {
                // If the connection is there, it is the object that went, as objects do.
                let is_connected = self.is_connected();
                self.source = Source::Failed(None);
                (!is_connected).then_some(next)
            }
            _ => Some(next),
        }
    }

    /// How many events were missed before the one that was returned last, because there was no room
    /// for them.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// How many events came that only newer clients know.
    pub fn unrecognized(&self) -> u64 {
        self.unrecognized
    }

    /// How often the subscription went on with another connection, because the one before had ended.
    /// What happened meanwhile is missed, and nobody knows how much it was. Only clients that
    /// [come back](crate::Client::reconnect) have that.
    pub fn interruptions(&self) -> u64 {
        self.interruptions
    }

    fn read(&mut self, arrived: Arrived) -> Result<Option<E>, TransportError> {
        self.missed = self.missed.saturating_add(arrived.missed);
        let values = ValueReader::new(&arrived.arguments);
        let mut arguments = EventReader { values, luggage: arrived.luggage };
        E::read(arrived.ordinal, &mut arguments).map_err(|fault| match fault {
            Fault::BoundExceeded { what } => {
                TransportError::BoundExceeded { what, may_have_run: true }
            }
            fault => {
                TransportError::Malformed { what: fault.text().to_owned(), may_have_run: true }
            }
        })
    }
}

/// Events that a server was asked for, and said that it will send.
struct Subscribed {
    sink: Arc<Sink>,
    subscription: Reference,
}

impl Subscribed {
    fn new(sink: Arc<Sink>, mut reply: ClientReply) -> Result<Subscribed, TransportError> {
        Ok(Subscribed { sink, subscription: reply.take_object()? })
    }
}

/// The call that has the events of `core`'s object come to `sink`.
fn subscription<'c>(
    core: &'c ClientCore,
    interface: &'static InterfaceDesc,
    sink: &Arc<Sink>,
) -> Result<ClientCall<'c>, TransportError> {
    let end = SinkEnd::new(sink.clone(), interface.events);
    let mut call = ClientCall::new(core, &framework::SUBSCRIBE);
    call.refer(Reference::Own(Exported::Sink(Arc::new(end))));
    call.arg(&interface.id)?;
    Ok(call)
}

impl<E: Event> Iterator for Events<E> {
    type Item = Result<E, TransportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over() {
            return None;
        }
        let next = self.wait(Deadline::NEVER);
        self.item(next)
    }
}

impl<E> fmt::Debug for Events<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("missed", &self.missed).finish_non_exhaustive()
    }
}

/// The arguments of an event, read in the order of the interface.
pub struct EventReader<'m> {
    values: ValueReader<'m>,
    luggage: Luggage,
}

impl<'m> EventReader<'m> {
    /// Whether nothing is left: an older server did not send the arguments that follow.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The next argument.
    ///
    /// # Errors
    ///
    /// When it is not what the interface says; as with all that follow.
    pub fn value<T: Deserialize<'m>>(&mut self, name: &'static str) -> Result<T, Fault> {
        let values = &mut self.values;
        Ok(scope::receiving(&mut self.luggage, || values.value(name))?)
    }

    /// The next argument: a handle of kind `K`, with the rights of which `RIGHTS` are the bits.
    ///
    /// # Errors
    ///
    /// When none came along, or another one.
    pub fn handle<K: Kind, const RIGHTS: u8>(
        &mut self,
        name: &'static str,
    ) -> Result<OwnedFd, Fault> {
        Ok(self.value::<Decoded<Handle<K, RIGHTS>, OwnedFd>>(name)?.value)
    }
}

impl fmt::Debug for EventReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventReader").field("values", &self.values).finish_non_exhaustive()
    }
}
