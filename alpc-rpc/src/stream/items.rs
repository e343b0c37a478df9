//! What gives the items of a stream.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use super::Format;
use super::production::{Production, StreamEnd};
use super::sink::{Line, Sink};
use crate::error::Fault;
use crate::object::{Exported, Reference};

/// The items of a stream, in the hands of whoever makes them: what a handler returns for a
/// `stream<T>`, and what a caller passes for one.
///
/// It is made of an iterator, which is asked for items when the other side asks, and not before:
///
/// ```
/// # use alpc_rpc::Items;
/// fn numbers(from: u64) -> Items<u64> {
///     Items::from_iter(from..)
/// }
/// ```
///
/// or is one end of a line, whose other end, a [`Sink`], any thread may feed: see
/// [`channel`](Items::channel).
///
/// The iterator runs on a thread that serves calls, at most until it has given as much as was asked
/// for, or for a millisecond; what waits for something else for longer had better feed a [`Sink`].
/// Items that nobody will take are dropped with whatever makes them: the iterator, when the other
/// side drops its end or dies.
pub struct Items<T, E = Infallible> {
    source: Option<Source<T, E>>,
}

/// What makes the items.
pub(super) enum Source<T, E> {
    Iterator(Box<dyn Iterator<Item = Result<T, E>> + Send>),
    Line(Arc<Line<T, E>>),
}

/// What comes next of a source.
pub(super) enum Next<T, E> {
    Item(T),
    End(End<E>),
}

/// How a stream ends.
pub(super) enum End<E> {
    Finished,
    Error(E),
    Fault(Fault),
}

impl<T: Send + 'static, E: Send + 'static> Items<T, E> {
    /// The items of an iterator. The stream ends with it.
    #[expect(clippy::should_implement_trait, reason = "it collects nothing, and needs more of it")]
    pub fn from_iter<I>(items: I) -> Self
    where
        I: IntoIterator<Item = T>,
        I::IntoIter: Send + 'static,
    {
        Items::try_from_iter(items.into_iter().map(Ok))
    }

    /// The items of an iterator that may fail. The stream ends with its first error.
    pub fn try_from_iter<I>(items: I) -> Self
    where
        I: IntoIterator<Item = Result<T, E>>,
        I::IntoIter: Send + 'static,
    {
        Items { source: Some(Source::Iterator(Box::new(items.into_iter()))) }
    }

    /// A line of at most `capacity` items (at least one), and the end where they are put in.
    ///
    /// ```
    /// # use alpc_rpc::Items;
    /// fn ticks() -> Items<u64> {
    ///     let (sink, items) = Items::channel(16);
    ///     std::thread::spawn(move || {
    ///         for tick in 0..3 {
    ///             // Nobody takes them any more.
    ///             let Ok(()) = sink.send(tick) else { return };
    ///         }
    ///         sink.finish();
    ///     });
    ///     items
    /// }
    /// ```
    pub fn channel(capacity: usize) -> (Sink<T, E>, Self) {
        let line = Arc::new(Line::new(capacity.max(1)));
        (Sink::new(line.clone()), Items { source: Some(Source::Line(line)) })
    }

    /// The stream as a message refers to it.
    pub(crate) fn into_reference(mut self, format: Format<T, E>) -> Reference {
        // There is one until it is taken here.
        let source =
            self.source.take().unwrap_or_else(|| Source::Iterator(Box::new(None.into_iter())));
        let production = Arc::new(Production::new(format, source));
        if let Some(line) = production.line() {
            line.set_taker(Arc::downgrade(&production));
        }
        Reference::Own(Exported::Stream(Arc::new(StreamEnd::new(production))))
    }
}

impl<T, E> Drop for Items<T, E> {
    /// Whoever feeds what was never handed over is told that nobody wants it.
    fn drop(&mut self) {
        if let Some(Source::Line(line)) = self.source.take() {
            line.cancel();
        }
    }
}

/// Whatever gives items one after the other.
impl<T, E, I> From<I> for Items<T, E>
where
    T: Send + 'static,
    E: Send + 'static,
    I: IntoIterator<Item = T>,
    I::IntoIter: Send + 'static,
{
    fn from(items: I) -> Self {
        Items::from_iter(items)
    }
}

impl<T, E> fmt::Debug for Items<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match &self.source {
            Some(Source::Line(_)) => "a line",
            _ => "an iterator",
        };
        f.debug_struct("Items").field("source", &source).finish()
    }
}
