//! The line between those who make items and the stream that takes them.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::Waker;
#[cfg(feature = "async")]
use std::task::{Context, Poll};

use alpc_transport::Deadline;

use super::CALL_TIMEOUT;
use super::items::{End, Next};
use super::production::{Asked, Production};
use crate::error::Fault;

/// The end of a line that items are put in at. Clones feed the same stream.
///
/// When the last of them is dropped and none of them has [finished](Sink::finish) the stream, whoever
/// takes the items is told that it ended early.
pub struct Sink<T, E = Infallible>
where
    T: Send + 'static,
    E: Send + 'static,
{
    end: Arc<FedEnd<T, E>>,
}

/// Why an item was not taken. It gives the item back.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError<T> {
    /// There was no room for it by the deadline.
    Full(T),
    /// Nobody takes items any more: whoever did has dropped the stream, or is gone; or the stream has
    /// ended, because it was finished, or because of an item that could not be sent.
    Cancelled(T),
}

impl<T> SendError<T> {
    /// The item.
    pub fn into_item(self) -> T {
        match self {
            SendError::Full(item) | SendError::Cancelled(item) => item,
        }
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SendError::Full(_) => "whoever takes the items of the stream has not made room in time",
            SendError::Cancelled(_) => "nobody takes items of the stream any more",
        })
    }
}

impl<T: fmt::Debug> std::error::Error for SendError<T> {}

/// Ends the stream when the last sink is gone.
struct FedEnd<T: Send + 'static, E: Send + 'static>(Arc<Line<T, E>>);

impl<T: Send + 'static, E: Send + 'static> Drop for FedEnd<T, E> {
    fn drop(&mut self) {
        self.0.end(End::Fault(Fault::Unfinished));
    }
}

impl<T: Send + 'static, E: Send + 'static> Sink<T, E> {
    pub(super) fn new(line: Arc<Line<T, E>>) -> Self {
        Sink { end: Arc::new(FedEnd(line)) }
    }

    /// Puts an item in line. Waits up to 30 seconds for room.
    ///
    /// # Errors
    ///
    /// When there is no room by then, or nobody takes items any more.
    pub fn send(&self, item: T) -> Result<(), SendError<T>> {
        self.send_until(item, Deadline::after(CALL_TIMEOUT))
    }

    /// Puts an item in line. Waits for room until the deadline; [`Deadline::NEVER`] for as long as it
    /// takes.
    ///
    /// # Errors
    ///
    /// As [`send`](Sink::send).
    pub fn send_until(&self, item: T, deadline: Deadline) -> Result<(), SendError<T>> {
        self.end.0.put(item, deadline)
    }

    /// Puts an item in line, if there is room.
    ///
    /// # Errors
    ///
    /// When there is none, or nobody takes items any more.
    pub fn try_send(&self, item: T) -> Result<(), SendError<T>> {
        self.end.0.put(item, Deadline::after(std::time::Duration::ZERO))
    }

    /// Ends the stream, behind the items that are in line. Other clones can send nothing more.
    pub fn finish(self) {
        self.end.0.end(End::Finished);
    }

    /// Ends the stream with the interface's own error, behind the items that are in line.
    pub fn fail(self, error: E) {
        self.end.0.end(End::Error(error));
    }

    #[cfg(feature = "async")]
    pub(super) fn poll_put(
        &self,
        item: &mut Option<T>,
        context: &Context<'_>,
    ) -> Poll<Result<(), SendError<T>>> {
        self.end.0.poll_put(item, context)
    }

    /// Whether nobody takes items any more.
    pub fn is_cancelled(&self) -> bool {
        self.end.0.lock().is_cancelled
    }
}

impl<T: Send + 'static, E: Send + 'static> Clone for Sink<T, E> {
    fn clone(&self) -> Self {
        Sink { end: self.end.clone() }
    }
}

impl<T: Send + 'static, E: Send + 'static> fmt::Debug for Sink<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.end.0.lock();
        f.debug_struct("Sink")
            .field("waiting", &state.items.len())
            .field("is_cancelled", &state.is_cancelled)
            .finish()
    }
}

/// Items on their way from sinks to a stream.
pub(super) struct Line<T, E> {
    state: Mutex<State<T, E>>,
    room: Condvar,
    capacity: usize,
    /// What answers for the stream, once it is one.
    taker: OnceLock<Weak<Production<T, E>>>,
}

struct State<T, E> {
    items: VecDeque<T>,
    /// How the stream ends, behind the items.
    end: Option<End<E>>,
    /// Whether it was said how.
    is_ended: bool,
    is_cancelled: bool,
    /// Who has asked, and found nothing.
    asked: Option<Asked>,
    /// Tasks that wait for room. To be woken, and dropped, under no lock: they are the application's.
    wakers: Vec<Waker>,
}

impl<T, E> Line<T, E> {
    pub(super) fn new(capacity: usize) -> Self {
        let (items, end) = (VecDeque::new(), None);
        let (asked, wakers) = (None, Vec::new());
        let state = State { items, end, is_ended: false, is_cancelled: false, asked, wakers };
        Line { state: Mutex::new(state), room: Condvar::new(), capacity, taker: OnceLock::new() }
    }

    /// Names what answers for the stream. The first one stays.
    pub(super) fn set_taker(&self, taker: Weak<Production<T, E>>) {
        let _first = self.taker.set(taker);
    }

    /// What is first in line.
    pub(super) fn take(&self) -> Option<Next<T, E>> {
        let mut state = self.lock();
        let next = state.items.pop_front();
        let next = next.map(Next::Item).or_else(|| state.end.take().map(Next::End));
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        self.room.notify_one();
        wakers.into_iter().for_each(Waker::wake);
        next
    }

    /// Keeps a question until there is something to answer it with. It comes back if there is.
    pub(super) fn park(&self, asked: Asked) -> Option<Asked> {
        let mut state = self.lock();
        if !state.items.is_empty() || state.end.is_some() || state.is_cancelled {
            return Some(asked);
        }
        state.asked = Some(asked);
        None
    }

    /// Nobody wants any of it any more.
    pub(super) fn cancel(&self) {
        let mut state = self.lock();
        state.is_cancelled = true;
        let gone = (std::mem::take(&mut state.items), state.end.take(), state.asked.take());
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        self.room.notify_all();
        wakers.into_iter().for_each(Waker::wake);
        // Whose `Drop` is the user's, and to be run under no lock.
        drop(gone);
    }

    fn lock(&self) -> MutexGuard<'_, State<T, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Send + 'static, E: Send + 'static> Line<T, E> {
    fn put(&self, item: T, deadline: Deadline) -> Result<(), SendError<T>> {
        let mut state = self.lock();
        loop {
            if state.is_cancelled || state.is_ended {
                return Err(SendError::Cancelled(item));
            }
            if state.items.len() < self.capacity {
                break;
            }
            if deadline.is_past() {
                return Err(SendError::Full(item));
            }
            state = match deadline.remaining() {
                None => self.room.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(patience) => {
                    let waited = self.room.wait_timeout(state, patience);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        state.items.push_back(item);
        let asked = state.asked.take();
        drop(state);
        self.answer(asked);
        Ok(())
    }

    /// Puts an item in line, if there is room; else the task is woken when there may be.
    #[cfg(feature = "async")]
    fn poll_put(
        &self,
        item: &mut Option<T>,
        context: &Context<'_>,
    ) -> Poll<Result<(), SendError<T>>> {
        // Made, and dropped if it is not needed, under no lock.
        let mut waker = Some(context.waker().clone());
        let mut state = self.lock();
        // Once it is taken, nobody asks again.
        let Some(given) = item.take() else { return Poll::Ready(Ok(())) };
        if state.is_cancelled || state.is_ended {
            drop(state);
            return Poll::Ready(Err(SendError::Cancelled(given)));
        }
        if state.items.len() >= self.capacity {
            *item = Some(given);
            let known = state.wakers.iter().any(|known| known.will_wake(context.waker()));
            state.wakers.extend(waker.take_if(|_| !known));
            drop(state);
            return Poll::Pending;
        }
        state.items.push_back(given);
        let asked = state.asked.take();
        drop(state);
        self.answer(asked);
        Poll::Ready(Ok(()))
    }

    /// Says how the stream ends. The first time counts.
    fn end(&self, end: End<E>) {
        let mut state = self.lock();
        if state.is_ended || state.is_cancelled {
            drop(state);
            return;
        }
        state.is_ended = true;
        state.end = Some(end);
        let asked = state.asked.take();
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        self.room.notify_all();
        wakers.into_iter().for_each(Waker::wake);
        self.answer(asked);
    }

    /// Answers who has waited for something.
    fn answer(&self, asked: Option<Asked>) {
        let taker = self.taker.get().and_then(Weak::upgrade);
        if let (Some(asked), Some(taker)) = (asked, taker) {
            taker.answer(asked);
        }
    }
}
