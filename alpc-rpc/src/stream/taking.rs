//! The end of a stream that asks for items, and takes them.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use alpc_transport::{
    CallFailure, CommunicationPort, Deadline, Error, ErrorKind, Received, Request, Response,
    Travelled,
};

use super::batch::{Arrived, Entry};
use super::fetching::{Calling, Fetching};
use super::{BYTES, Format, ITEMS, Want};
use crate::client::{failed, take_long_body};
use crate::error::{CallError, Fault, TransportError};
use crate::framework;
use crate::object::{Target, Turn, open, seal};
use crate::status;

/// The items of a stream, in the hands of whoever takes them: an iterator that blocks for the next
/// item. What a call of a method with `stream<T>` returns, and what its handler is given.
///
/// Each wait has a deadline: what the calls of the client that got the stream have, or 30 seconds for a
/// handler; [`with_timeout`](Stream::with_timeout) and [`without_deadline`](Stream::without_deadline)
/// say otherwise. An item that has not come by then is an error, after which the stream can be waited
/// for again. It ends after every other error: the interface's own ([`CallError::App`]), with which
/// whoever makes the items ended it, or one of the connection's.
///
/// While items are taken, the next ones are under way: up to [256](Stream::ahead) that take at most
/// 30 KiB, or one longer one, which comes by a section. One that is too long for that (see
/// [`view_limit`](crate::PortAttributes::view_limit)) is put straight into memory of whoever waits for it,
/// if that is a thread. Dropping the stream ends it, and whatever makes its items.
///
/// A handler that waits for items holds its worker: in [`Call::blocking`](crate::Call::blocking) it makes
/// room for another. A stream goes between two processes, and not through a third one that has handed on
/// the object whose method gave it: there it ends with an error.
///
/// A question for items that waits for them counts among the
/// [outstanding requests](crate::PortAttributes::outstanding_requests) of its connection. Half of those
/// may be questions of streams; a stream that asks beyond that fails with an error that says so, and
/// may be asked again.
///
/// With the feature `async` it is a `futures_core::Stream`, too, which waits without a deadline.
pub struct Stream<T, E = Infallible> {
    format: Format<T, E>,
    /// `None`: the stream is over.
    source: Option<Source>,
    patience: Option<Duration>,
    method: &'static str,
}

/// Where items come from.
pub(super) struct Source {
    /// Before the target, so that a question is taken back before the stream is let go of.
    question: Option<Question>,
    arrived: Option<Arrived>,
    /// The next answer, which came as soon as it was asked for.
    early: Option<Result<Arrived, TransportError>>,
    want: Want,
    pub(super) target: Arc<Target>,
    pub(super) fetching: Fetching,
}

/// A question that is under way.
struct Question {
    answer: Calling,
    want: Want,
    _turn: Turn,
}

impl<T, E> Stream<T, E> {
    /// Takes the items of the stream `target`, which `method` has brought.
    pub(crate) fn new(
        target: Arc<Target>,
        format: Format<T, E>,
        patience: Option<Duration>,
        method: &'static str,
    ) -> Self {
        let want = Want { number: 0, items: ITEMS, bytes: BYTES, apart: None };
        let (question, arrived, early, fetching) = (None, None, None, Fetching::default());
        let source = Source { question, arrived, early, want, target, fetching };
        Stream { format, source: Some(source), patience, method }
    }

    /// The same stream, which waits for `timeout` for each item.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Stream { patience: Some(timeout), ..self }
    }

    /// The same stream, which waits for each item for as long as it takes.
    #[must_use]
    pub fn without_deadline(self) -> Self {
        Stream { patience: None, ..self }
    }

    /// The same stream, which asks for at most `items` (at least one) at a time; 256 unless said
    /// otherwise. While those that have come are taken, as many again may be under way.
    #[must_use]
    pub fn ahead(mut self, items: u32) -> Self {
        if let Some(source) = &mut self.source {
            source.want.items = items.max(1);
        }
        self
    }

    /// How the last item travelled that was so long that memory was lent for it: one of more than
    /// [`view_limit`](crate::PortAttributes::view_limit) bytes, for which a thread waited. Others come with
    /// the answers to questions, in their messages or by a section.
    pub fn travelled(&self) -> Option<Travelled> {
        self.source.as_ref()?.fetching.travelled
    }

    /// Waits for the next item until the deadline. `None`: the stream has ended.
    ///
    /// # Errors
    ///
    /// The interface's own error, if the stream ended with it, or what went wrong. Only after
    /// [`TimedOut`](TransportError::TimedOut), and where too many streams wait already, may more
    /// come; a long item whose copy is under way when the deadline passes is lost, and the stream ends.
    pub fn wait(&mut self, deadline: Deadline) -> Result<Option<T>, CallError<E>> {
        if let Some(source) = &mut self.source {
            source.want.apart = source.fetching.begin_to_lend(&source.target, deadline);
        }
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(next) = self.poll(&mut context) {
                return next;
            }
            match deadline.remaining() {
                None => std::thread::park(),
                Some(left) if left.is_zero() => {
                    return Err(TransportError::TimedOut { may_have_run: true }.into());
                }
                Some(left) => std::thread::park_timeout(left),
            }
        }
    }

    /// Says that whoever looks is a task, whose memory cannot be lent.
    #[cfg(feature = "async")]
    pub(super) fn keep_memory(&mut self) {
        if let Some(source) = &mut self.source {
            source.want.apart = None;
            source.fetching.end_lending();
        }
    }

    /// Looks for the next item, and has the task woken when it may be there.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<T>, CallError<E>>> {
        let Some(source) = &mut self.source else { return Poll::Ready(Ok(None)) };
        let taken = match source.poll(context, self.method) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(Busy(error))) => return Poll::Ready(Err(error.into())),
            Poll::Ready(Ok(Err(error))) => Err(error.into()),
            Poll::Ready(Ok(Ok(arrived))) => read(arrived, &self.format, self.method),
        };
        if !matches!(taken, Ok(Some(_))) {
            self.source = None;
        }
        Poll::Ready(taken)
    }
}

/// Reads what comes next in an answer.
pub(super) fn read<T, E>(
    arrived: &mut Arrived,
    format: &Format<T, E>,
    method: &'static str,
) -> Result<Option<T>, CallError<E>> {
    match arrived.next().map_err(malformed)? {
        Some(Entry::Item(bytes, mut luggage)) => {
            let item = (format.read)(bytes.as_slice(), &mut luggage)?;
            (format.check)(&item).map_err(|error| TransportError::from(error).in_reply())?;
            Ok(Some(item))
        }
        Some(Entry::Finished) => Ok(None),
        Some(Entry::Error(bytes, mut luggage)) => {
            Err(CallError::App((format.read_error)(bytes.as_slice(), &mut luggage)?))
        }
        Some(Entry::Fault(fault)) => Err(TransportError::from_fault(fault, method).into()),
        None => Err(malformed("an answer with items has none").into()),
    }
}

/// No question can be asked at present.
struct Busy(TransportError);

impl Source {
    /// An answer that has something left.
    fn poll(
        &mut self,
        context: &mut Context<'_>,
        method: &'static str,
    ) -> Poll<Result<Result<&mut Arrived, TransportError>, Busy>> {
        if self.arrived.as_ref().is_some_and(Arrived::is_read) {
            self.arrived = None;
        }
        if self.arrived.is_none() {
            let next = match self.early.take() {
                Some(next) => next,
                None => match self.poll_question(context, method) {
                    Poll::Ready(Ok(next)) => next,
                    Poll::Ready(Err(busy)) => return Poll::Ready(Err(busy)),
                    Poll::Pending => return Poll::Pending,
                },
            };
            match next {
                Ok(arrived) => self.arrived = Some(arrived),
                Err(error) => return Poll::Ready(Ok(Err(error))),
            }
            self.ask_ahead(method);
        }
        if let Some(len) = self.arrived.as_ref().and_then(Arrived::awaits) {
            match self.poll_fetch(len, context, method) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(error)) => return Poll::Ready(Ok(Err(error))),
                Poll::Ready(Ok(item)) => {
                    if let Some(arrived) = &mut self.arrived {
                        arrived.bring(item);
                    }
                }
            }
        }
        let nothing = || malformed("an answer with items has none");
        Poll::Ready(Ok(self.arrived.as_mut().ok_or_else(nothing)))
    }

    /// The answer to the question that is under way, or else to the next one.
    fn poll_question(
        &mut self,
        context: &mut Context<'_>,
        method: &'static str,
    ) -> Poll<Result<Result<Arrived, TransportError>, Busy>> {
        let mut question = match self.question.take() {
            Some(question) => question,
            None => match self.ask() {
                Ok(question) => question,
                Err(error) => return Poll::Ready(Err(Busy(error))),
            },
        };
        match question.answer.as_mut().poll(context) {
            Poll::Ready(answer) => Poll::Ready(Ok(self.open(answer, question.want, method))),
            Poll::Pending => {
                self.question = Some(question);
                Poll::Pending
            }
        }
    }

    /// Asks for what comes behind the answer that is there.
    fn ask_ahead(&mut self, method: &'static str) {
        // What is to be fetched is let go of with the next question.
        if self.arrived.as_ref().is_none_or(|arrived| arrived.is_last || arrived.has_apart) {
            return;
        }
        // If it cannot be asked now, it can when it is needed.
        let Ok(mut question) = self.ask() else { return };
        // Sent by this. Whatever it brings is taken in at once, so that it is let go of if nobody wants it.
        match question.answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => self.early = Some(self.open(answer, question.want, method)),
            Poll::Pending => self.question = Some(question),
        }
    }

    /// The next question, which is sent when it is looked at.
    fn ask(&mut self) -> Result<Question, TransportError> {
        let (link, port) = (self.target.link(), self.target.port().clone());
        let before = |error| failed(CallFailure { error, may_have_run: false });
        let turn = link.turns().take(port.limits().outstanding_requests).ok_or_else(|| {
            let what = "questions for items that may wait on this connection at one time";
            before(Error::new(ErrorKind::Exhausted { what }, "ask for the items of a stream"))
        })?;
        link.flush(&port);
        self.want.number += 1;
        let mut body = Vec::with_capacity(32);
        self.want.write(&mut body)?;
        let sealed = seal(&mut body, self.target.object(), &[]);
        debug_assert_eq!(sealed, Some(true), "a stream is never the root");
        let answer = Box::pin(ask(port, body));
        Ok(Question { answer, want: self.want, _turn: turn })
    }

    /// Takes an answer in.
    fn open(
        &self,
        answer: Result<Response, CallFailure>,
        want: Want,
        method: &'static str,
    ) -> Result<Arrived, TransportError> {
        let mut response = answer.map_err(broken_off)?;
        let handles = response.take_handles();
        let long_body = take_long_body(&mut response);
        let body = long_body.as_deref().unwrap_or(response.body());
        let has_envelope = response.tag & u64::from(status::ENVELOPE) != 0;
        let (values, envelope) =
            open(body, has_envelope).ok_or_else(|| malformed("the answer's envelope is broken"))?;
        let mut luggage = self.target.link().resolve(&envelope, false).map_err(malformed)?;
        luggage.handles = handles.into_iter().map(Some).collect();
        match response.status {
            0 => {}
            status::GIVEN_UP => return Err(TransportError::Cancelled { may_have_run: true }),
            code => {
                let fault = Fault::from_wire(code, &String::from_utf8_lossy(body));
                return Err(TransportError::from_fault(fault, method));
            }
        }
        let values = values.to_vec();
        let long = response.take_result().map(|long| match long {
            Received::Private(bytes) => bytes,
            Received::Frozen(blob) => blob.bytes().to_vec(),
            Received::View(view) => view.to_vec(),
            // There are no others.
            _ => Vec::new(),
        });
        Arrived::open(want, values, long, luggage).map_err(malformed)
    }
}

/// Asks, and waits for the answer: for as long as it takes, since whoever takes the items has a
/// deadline of their own for each.
async fn ask(port: CommunicationPort, body: Vec<u8>) -> Result<Response, CallFailure> {
    let request = Request {
        method: framework::NEXT,
        tag: status::ENVELOPE,
        body: &body,
        parts: &mut [],
        handles: &[],
        deadline: Deadline::NEVER,
    };
    port.call_async(request).await
}

/// What went wrong with a question, to whoever takes the items: the method that gave the stream has run,
/// whether or not this question was heard.
pub(super) fn broken_off(failure: CallFailure) -> TransportError {
    failed(CallFailure { may_have_run: true, ..failure })
}

pub(super) fn malformed(what: &str) -> TransportError {
    TransportError::Malformed { what: what.to_owned(), may_have_run: true }
}

/// Wakes a thread that waits for an item.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl<T, E> Iterator for Stream<T, E> {
    type Item = Result<T, CallError<E>>;

    fn next(&mut self) -> Option<Self::Item> {
        let deadline = self.patience.map_or(Deadline::NEVER, Deadline::after);
        self.wait(deadline).transpose()
    }
}

impl<T, E> fmt::Debug for Stream<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("method", &self.method)
            .field("is_over", &self.source.is_none())
            .finish_non_exhaustive()
    }
}
