//! Answers that are given later, by whichever thread has them.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use alpc_transport::{Cancellation, Deadline, IncomingCall, PeerIdentity, PendingReply};

use super::Reply;
use super::serve::{Delivered, deliver, refusal};
use crate::descriptor::MethodDesc;
use crate::error::Fault;
use crate::object::Link;

/// The answer that a handler of a `[rust.deferred]` method owes its caller.
///
/// The handler returns when it likes; the answer is given by any thread, and answers of different calls in
/// any order. Until then the call counts among those that its client may have outstanding, and a server
/// that [runs down](super::Server::run_down) waits for it. A responder that is dropped tells the caller that
/// nobody will answer: [`TransportError::Unanswered`](crate::TransportError::Unanswered).
///
/// `T` is what a method returns: a tuple where it has several results, with the caller's buffers
/// behind them, in order.
///
/// ```no_run
/// use std::sync::mpsc::{Sender, channel};
///
/// use alpc_rpc::prelude::*;
/// use alpc_rpc::Responder;
///
/// #[alpc_interface(name = "acme.press.Press", version = "1.0")]
/// trait Press {
///     fn print(&self, cx: &Call<'_>, pages: u32, answer: Responder<u32>);
/// }
///
/// struct Queue(Sender<(u32, Responder<u32>)>);
///
/// impl Press for Queue {
///     fn print(&self, _: &Call<'_>, pages: u32, answer: Responder<u32>) {
///         // Whoever takes it out answers. If nobody is there any more, the caller hears of that.
///         let _dropped = self.0.send((pages, answer));
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (queue, jobs) = channel();
/// let _server = Server::bind("acme.press")?.serve(PressServer::new(Queue(queue)))?;
/// for (pages, answer) in jobs {
///     // A caller that is gone need not be told.
///     let _gone = answer.ok(pages);
/// }
/// # Ok(())
/// # }
/// ```
pub struct Responder<T, E = Infallible> {
    /// `None`: nobody waits for an answer.
    owed: Option<Owed>,
    write: Write<T, E>,
}

/// How an answer is written: generated code knows.
type Write<T, E> = fn(Reply<'_>, Result<T, E>) -> Result<(), Fault>;

struct Owed {
    pending: Option<PendingReply>,
    link: Arc<Link>,
    method: &'static MethodDesc,
}

/// Why an answer did not reach the one who had asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnswerError {
    /// The client is gone.
    Gone,
    /// The answer was sent, but its caller had stopped waiting: the deadline had passed, or it had given
    /// the call up.
    Late,
    /// The answer breaks the interface or is too long; its caller was told that.
    Refused(Fault),
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AnswerError::Gone => f.write_str("the client that asked is gone"),
            AnswerError::Late => f.write_str("the caller had stopped waiting for this answer"),
            AnswerError::Refused(fault) => write!(f, "the answer cannot be sent: {fault}"),
        }
    }
}

impl std::error::Error for AnswerError {}

impl<T, E> Responder<T, E> {
    /// Answers with the method's results.
    ///
    /// # Errors
    ///
    /// When that does not reach the caller, or too late.
    pub fn ok(self, results: T) -> Result<(), AnswerError> {
        self.send(Ok(results))
    }

    /// Answers with the method's error.
    ///
    /// # Errors
    ///
    /// As [`ok`](Responder::ok).
    pub fn err(self, error: E) -> Result<(), AnswerError> {
        self.send(Err(error))
    }

    /// Answers with either.
    ///
    /// # Errors
    ///
    /// As [`ok`](Responder::ok).
    pub fn send(mut self, answer: Result<T, E>) -> Result<(), AnswerError> {
        let Some(owed) = &mut self.owed else { return Err(AnswerError::Gone) };
        let Some(pending) = &owed.pending else { return Err(AnswerError::Gone) };
        let is_late = pending.is_cancelled();
        let limit = pending.port().limits().max_argument_len;
        let mut sent = None;
        let written = (self.write)(Reply::new(limit, &owed.link, &mut sent), answer);
        let (refused, answer) = match written {
            Ok(()) => (None, Ok(sent.unwrap_or_default())),
            Err(fault) => {
                let fault = fault.after_handler();
                (Some(fault.clone()), Err(fault))
            }
        };
        let Some(pending) = owed.pending.take() else { return Err(AnswerError::Gone) };
        match (deliver(&owed.link, answer, pending, PendingReply::reply), refused) {
            (Delivered::Gone, _) => Err(AnswerError::Gone),
            (Delivered::Refused(fault), _) | (Delivered::Sent, Some(fault)) => {
                Err(AnswerError::Refused(fault))
            }
            (Delivered::Sent, None) if is_late => Err(AnswerError::Late),
            (Delivered::Sent, None) => Ok(()),
        }
    }

    /// Tells the caller that there is no answer, and why: [`Fault::Busy`], say.
    pub fn refuse(mut self, fault: &Fault) {
        if let Some(pending) = self.owed.as_mut().and_then(|owed| owed.pending.take()) {
            // If that cannot be sent, the client is gone.
            let _gone = pending.reply(refusal(fault).answer);
        }
    }

    /// Whether nobody waits for the answer any more.
    pub fn is_cancelled(&self) -> bool {
        self.pending().is_none_or(PendingReply::is_cancelled)
    }

    /// What fires when nobody waits for the answer any more, for a method that is `[cancellable]`; see
    /// [`Call::cancellation`](super::Call::cancellation).
    pub fn cancellation(&self) -> Cancellation {
        let Some(Owed { pending: Some(pending), method, .. }) = &self.owed else {
            return Cancellation::never();
        };
        if method.cancellable { pending.cancellation() } else { Cancellation::never() }
    }

    /// When the caller stops waiting.
    pub fn deadline(&self) -> Deadline {
        self.pending().map_or(Deadline::NEVER, PendingReply::deadline)
    }

    /// Who asked, as the kernel says. `None`: nobody waits for an answer.
    pub fn peer(&self) -> Option<&PeerIdentity> {
        self.pending().map(|pending| pending.port().peer())
    }

    fn pending(&self) -> Option<&PendingReply> {
        self.owed.as_ref()?.pending.as_ref()
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        if let Some(pending) = self.pending.take()
            && std::thread::panicking()
        {
            let _gone = pending.reply(refusal(&Fault::HandlerPanicked).answer);
        }
    }
}

impl<T, E> fmt::Debug for Responder<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let method = self.owed.as_ref().map(|owed| owed.method.name);
        f.debug_struct("Responder").field("method", &method).finish_non_exhaustive()
    }
}

/// What a call's responder is made of.
pub struct Deferral<'m> {
    call: &'m IncomingCall,
    link: &'m Arc<Link>,
    method: &'static MethodDesc,
}

impl<'m> Deferral<'m> {
    pub(super) fn new(
        call: &'m IncomingCall,
        link: &'m Arc<Link>,
        method: &'static MethodDesc,
    ) -> Self {
        Deferral { call, link, method }
    }

    /// The responder, to which the duty to answer goes over. `write` puts what it is given into a reply.
    pub fn responder<T, E>(self, write: Write<T, E>) -> Responder<T, E> {
        let Deferral { call, link, method } = self;
        let owed =
            call.defer().map(|pending| Owed { pending: Some(pending), link: link.clone(), method });
        Responder { owed, write }
    }
}

impl fmt::Debug for Deferral<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deferral").field("method", &self.method.name).finish_non_exhaustive()
    }
}

/// Answers a call of a method that the server's own code does not have.
pub fn unimplemented_later<T, E>(answer: Responder<T, E>) {
    answer.refuse(&Fault::UnknownMethod);
}
