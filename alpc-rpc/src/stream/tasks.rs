//! Streams in tasks, of whichever runtime.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::{SendError, Sink, Stream};
use crate::error::CallError;

/// The items of a stream in a task. Nothing here has a deadline: a task is given up by its runtime's own
/// timers, and no item is lost by that.
impl<T, E> futures_core::Stream for Stream<T, E> {
    type Item = Result<T, CallError<E>>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let stream = self.get_mut();
        stream.keep_memory();
        stream.poll(context).map(Result::transpose)
    }
}

impl<T: Send + 'static, E: Send + 'static> Sink<T, E> {
    /// Puts an item in line, and waits for room in a task: for as long as it takes. Dropped before that,
    /// the item is not sent.
    ///
    /// # Errors
    ///
    /// [`Cancelled`](SendError::Cancelled) when nobody takes items any more.
    pub async fn send_async(&self, item: T) -> Result<(), SendError<T>> {
        let mut item = Some(item);
        poll_fn(|context| self.poll_put(&mut item, context)).await
    }
}
