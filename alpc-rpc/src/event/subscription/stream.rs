//! Events as a `Stream`.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use alpc_transport::Deadline;
use futures_core::Stream;

use super::{Along, Event, Events, PATIENCE, Source, Subscribed, subscription};
use crate::client::ClientCore;
use crate::descriptor::InterfaceDesc;
use crate::error::TransportError;
use crate::event::sink::Waited;

/// The events of one object, as they come: a [`Stream`], for a task of any runtime.
///
/// It is to async clients what [`Events`] is to blocking ones: it ends when they end, has their errors,
/// goes on with the next connection where they do, keeps as many events for its reader, and ends the
/// subscription when it is dropped.
pub struct EventStream<E> {
    events: Events<E>,
    /// The way to the next connection, while there is none. It goes on when a wait for an event does.
    renewal: Option<Renewal>,
}

/// What comes of the way to the next connection: the client by the last that was had, and the events.
type Renewal = Pin<Box<dyn Future<Output = (Along, Result<Subscribed, TransportError>)> + Send>>;

impl<E: Event> EventStream<E> {
    pub(crate) async fn subscribe(core: &ClientCore, interface: &'static InterfaceDesc) -> Self {
        let mut events = Events::of_nothing(core, interface);
        let before = Deadline::after(PATIENCE);
        let mut subscribed = ask(&core.current(), interface).await;
        if let Err(error) = &subscribed
            && events.is_to_follow(error)
            && let Some(along) = events.along.take()
        {
            let (along, followed) = follow(along, interface, before).await;
            (events.along, subscribed) = (Some(along), followed);
        }
        match subscribed {
            Ok(subscribed) => events.take_up(subscribed),
            Err(error) => events.source = Source::Failed(Some(error)),
        }
        EventStream { events, renewal: None }
    }

    /// Waits for the next event. Dropping the wait loses nothing.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](TransportError::Disconnected) when the connection is gone, or
    /// [`Unreachable`](TransportError::Unreachable) when there can be no other, after which there is
    /// nothing more; or what is wrong with an event, after which the next may be read.
    pub async fn next(&mut self) -> Option<Result<E, TransportError>> {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// How many events were missed before the one that came last, because there was no room for them.
    pub fn missed(&self) -> u64 {
        self.events.missed()
    }

    /// How many events came that only newer clients know.
    pub fn unrecognized(&self) -> u64 {
        self.events.unrecognized()
    }

    /// As [`Events::interruptions`]: how often the subscription went on with another connection.
    pub fn interruptions(&self) -> u64 {
        self.events.interruptions()
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<E, TransportError>>> {
        if self.events.is_over() {
            return Poll::Ready(None);
        }
        if let Err(error) = self.events.check() {
            return Poll::Ready(Some(Err(error)));
        }
        loop {
            if let Err(error) = ready!(self.poll_renewal(cx)) {
                return Poll::Ready(self.events.item(Err(error)));
            }
            let events = &mut self.events;
            let waited = ready!(events.sink.poll(cx));
            if matches!(waited, Waited::Ended) && self.begin_renewal() {
                continue;
            }
            let events = &mut self.events;
            if let Some(next) = events.take_in(waited).transpose() {
                return Poll::Ready(events.item(next));
            }
        }
    }

    /// Sets out for the next connection. `false`: there is to be none.
    fn begin_renewal(&mut self) -> bool {
        let events = &mut self.events;
        let ended = TransportError::Disconnected { may_have_run: false };
        // If the connection is there, it is the object that went, as objects do.
        if events.is_connected() || !events.is_to_follow(&ended) {
            return false;
        }
        let Some(along) = &events.along else { return false };
        let along = Along { line: along.line.clone(), core: along.core.clone() };
        self.renewal = Some(Box::pin(follow(along, events.interface, Deadline::NEVER)));
        true
    }

    /// Goes on with the next connection, if it was set out for.
    fn poll_renewal(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        let Some(renewal) = &mut self.renewal else { return Poll::Ready(Ok(())) };
        let (along, subscribed) = ready!(renewal.as_mut().poll(cx));
        self.renewal = None;
        self.events.along = Some(along);
        Poll::Ready(subscribed.map(|subscribed| {
            self.events.interruptions += 1;
            self.events.take_up(subscribed);
        }))
    }
}

/// Asks for events by the connection of `core`.
async fn ask(
    core: &ClientCore,
    interface: &'static InterfaceDesc,
) -> Result<Subscribed, TransportError> {
    let sink = Arc::default();
    let reply = subscription(core, interface, &sink)?.invoke_infallible_async().await?;
    Subscribed::new(sink, reply)
}

/// Asks for events by the next connection, and by the one after that if it ends meanwhile.
async fn follow(
    mut along: Along,
    interface: &'static InterfaceDesc,
    deadline: Deadline,
) -> (Along, Result<Subscribed, TransportError>) {
    loop {
        let next = match along.line.follow_async(&along.core, deadline).await {
            Ok(next) => next,
            Err(error) => return (along, Err(error)),
        };
        let asked = ask(&next, interface).await;
        along.go_by(next, asked.as_ref().err());
        if !matches!(asked, Err(TransportError::Disconnected { .. })) {
            return (along, asked);
        }
    }
}

impl<E: Event> Stream for EventStream<E> {
    type Item = Result<E, TransportError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll(cx)
    }
}

impl<E> fmt::Debug for EventStream<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventStream").field(&self.events).finish()
    }
}
