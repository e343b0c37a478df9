//! Events as a `Stream`.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::{Event, Events, subscription};
use crate::client::ClientCore;
use crate::descriptor::InterfaceDesc;
use crate::error::TransportError;
use crate::event::sink::Sink;

/// The events of one object, as they come: a [`Stream`], for a task of any runtime.
///
/// It is to async clients what [`Events`] is to blocking ones: it ends when they end, has their errors,
/// keeps as many events for its reader, and ends the subscription when it is dropped. It ends with its
/// connection, also where the client comes back after that: the next one is to be subscribed to.
#[derive(Debug)]
pub struct EventStream<E>(Events<E>);

impl<E: Event> EventStream<E> {
    pub(crate) async fn subscribe(core: &ClientCore, interface: &'static InterfaceDesc) -> Self {
        let sink = Arc::new(Sink::default());
        let core = core.current();
        let subscribed = match subscription(&core, interface, &sink) {
            Ok(call) => call.invoke_infallible_async().await,
            Err(error) => Err(error),
        };
        EventStream(Events::of_one_connection(interface, sink, subscribed))
    }

    /// Waits for the next event. Dropping the wait loses nothing.
    ///
    /// # Errors
    ///
    /// [`Disconnected`](TransportError::Disconnected) when the connection is gone, after which there is
    /// nothing more; or what is wrong with an event, after which the next may be read.
    pub async fn next(&mut self) -> Option<Result<E, TransportError>> {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// How many events were missed before the one that came last, because there was no room for them.
    pub fn missed(&self) -> u64 {
        self.0.missed()
    }

    /// How many events came that only newer clients know.
    pub fn unrecognized(&self) -> u64 {
        self.0.unrecognized()
    }

    fn poll(&mut self, cx: &Context<'_>) -> Poll<Option<Result<E, TransportError>>> {
        let events = &mut self.0;
        if events.is_over() {
            return Poll::Ready(None);
        }
        if let Err(error) = events.check() {
            return Poll::Ready(Some(Err(error)));
        }
        while let Poll::Ready(waited) = events.sink.poll(cx) {
            if let Some(next) = events.take_in(waited).transpose() {
                return Poll::Ready(events.item(next));
            }
        }
        Poll::Pending
    }
}

impl<E: Event> Stream for EventStream<E> {
    type Item = Result<E, TransportError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll(cx)
    }
}
