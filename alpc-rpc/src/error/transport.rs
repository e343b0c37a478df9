//! How a call fails at the caller.

use std::error::Error;
use std::fmt;

use super::{ConnectError, Fault, run};
use crate::bound::BoundExceeded;
use crate::decode::{DecodeError, DecodeErrorKind};
use crate::encode::{EncodeError, EncodeErrorKind};

/// Why a call failed, other than by the interface's own error.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TransportError {
    /// The connection to the server is gone.
    Disconnected {
        /// Whether the call had been sent.
        may_have_run: bool,
    },
    /// The connection to the server is gone, and a client that [comes
    /// back](crate::Client::reconnect) could not.
    Unreachable {
        /// What its last attempt met.
        error: Box<ConnectError>,
        /// Whether the call had been sent by the connection before.
        may_have_run: bool,
    },
    /// The deadline passed.
    TimedOut {
        /// Whether the call had been sent, and the server did not say that it never began.
        may_have_run: bool,
    },
    /// The caller gave the call up.
    Cancelled {
        /// Whether the call had been sent, and the server did not say that it never began.
        may_have_run: bool,
    },
    /// The server is older (or newer) than this client and has no such method.
    Unimplemented {
        /// The method.
        method: &'static str,
    },
    /// The server has a method of this name that means something else.
    Incompatible {
        /// The method.
        method: &'static str,
        /// What differs.
        reason: String,
    },
    /// A value lies outside what the interface allows.
    BoundExceeded {
        /// Which value, what it is, and what is allowed.
        what: String,
        /// Whether it was found in the reply.
        may_have_run: bool,
    },
    /// Data is not what the interface says: the peer's could not be read, or ours not be written.
    Malformed {
        /// Which value, and what is wrong with it.
        what: String,
        /// Whether it was found in the reply.
        may_have_run: bool,
    },
    /// The handler panicked. The server goes on, and so does the connection.
    ServerPanicked,
    /// The server let go of the call without an answer. Its handler may have run, or still run: it left
    /// the answer to somebody who dropped the [`Responder`](crate::Responder), or the server ended its
    /// future. No answer will come. The connection goes on.
    Unanswered,
    /// Whoever made the items of a stream has let go of it before its end.
    Unfinished,
    /// The server does not let this caller call this method.
    AccessDenied,
    /// The server has too much to do. It is safe to call again, later.
    Busy,
    /// The arguments or the results do not fit into a message.
    TooLong {
        /// Which of them, and what is allowed.
        what: String,
        /// Whether it was the reply.
        may_have_run: bool,
    },
    /// The call is made by a handler that descends from as many calls as may wait for each other. It
    /// was not sent.
    ///
    /// Calls that call each other without end are a mistake of those who make them; where so many
    /// are meant, each port that has a part in them needs a higher
    /// [`max_depth`](alpc_transport::PortAttributes::max_depth).
    TooDeep {
        /// How many may.
        max: usize,
    },
    /// The server refused in a way that only newer clients know.
    Refused {
        /// What the server says.
        what: String,
        /// Whether the handler may have run.
        may_have_run: bool,
    },
    /// The system, or the peer by breaking the transport's protocol, failed the call.
    System {
        /// What failed.
        error: alpc_transport::Error,
        /// Whether the call had been sent.
        may_have_run: bool,
    },
}

impl TransportError {
    /// What a fault of the server means to the caller of `method`.
    pub fn from_fault(fault: Fault, method: &'static str) -> TransportError {
        let may_have_run = fault.may_have_run();
        match fault {
            Fault::UnknownMethod => TransportError::Unimplemented { method },
            Fault::AccessDenied => TransportError::AccessDenied,
            Fault::Busy => TransportError::Busy,
            Fault::HandlerPanicked => TransportError::ServerPanicked,
            Fault::Unfinished => TransportError::Unfinished,
            Fault::Expired => TransportError::TimedOut { may_have_run },
            Fault::Stopping => TransportError::Disconnected { may_have_run },
            Fault::Cancelled => TransportError::Cancelled { may_have_run },
            Fault::BadArguments { what } | Fault::BadReply { what } => {
                TransportError::Malformed { what, may_have_run }
            }
            Fault::BoundExceeded { what } => TransportError::BoundExceeded { what, may_have_run },
            Fault::ReplyTooLong { what } => TransportError::TooLong { what, may_have_run },
            Fault::Unanswered => TransportError::Unanswered,
            Fault::Unrecognized { .. } => {
                TransportError::Refused { what: fault.to_string(), may_have_run }
            }
        }
    }

    /// Whether the handler may have run.
    ///
    /// Only when it did not is it safe to call again a method that changes something.
    pub fn may_have_run(&self) -> bool {
        match self {
            TransportError::Disconnected { may_have_run }
            | TransportError::Unreachable { may_have_run, .. }
            | TransportError::TimedOut { may_have_run }
            | TransportError::Cancelled { may_have_run }
            | TransportError::BoundExceeded { may_have_run, .. }
            | TransportError::Malformed { may_have_run, .. }
            | TransportError::TooLong { may_have_run, .. }
            | TransportError::Refused { may_have_run, .. }
            | TransportError::System { may_have_run, .. } => *may_have_run,
            TransportError::Unimplemented { .. }
            | TransportError::Incompatible { .. }
            | TransportError::AccessDenied
            | TransportError::Busy
            | TransportError::TooDeep { .. } => false,
            TransportError::ServerPanicked
            | TransportError::Unanswered
            | TransportError::Unfinished => true,
        }
    }

    /// The same error, met in the reply: the handler has run already.
    #[must_use]
    pub fn in_reply(mut self) -> TransportError {
        match &mut self {
            TransportError::BoundExceeded { may_have_run, .. }
            | TransportError::Malformed { may_have_run, .. }
            | TransportError::TooLong { may_have_run, .. } => *may_have_run = true,
            _ => {}
        }
        self
    }
}

impl TransportError {
    /// The same error, of a call that a server may have begun before.
    pub(crate) fn of_call_that(mut self, may_have_run_before: bool) -> TransportError {
        match &mut self {
            TransportError::Unreachable { may_have_run, .. }
            | TransportError::Cancelled { may_have_run }
            | TransportError::System { may_have_run, .. } => *may_have_run |= may_have_run_before,
            _ => {}
        }
        self
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let run = run(self.may_have_run());
        match self {
            TransportError::Disconnected { may_have_run: true } => {
                write!(f, "the server went away before it answered; {run}")
            }
            TransportError::Disconnected { may_have_run: false } => {
                write!(f, "the connection to the server is closed; {run}")
            }
            TransportError::Unreachable { error, .. } => {
                write!(f, "the server is gone, and has not come back: {error}; {run}")
            }
            TransportError::TimedOut { may_have_run: true } => {
                write!(f, "the server did not answer before the deadline; {run}")
            }
            TransportError::TimedOut { may_have_run: false } => {
                write!(f, "the deadline passed before the call was started; {run}")
            }
            TransportError::Cancelled { .. } => write!(f, "the call was cancelled; {run}"),
            TransportError::Unimplemented { method } => {
                write!(f, "the server does not have the method `{method}`; {run}")
            }
            TransportError::Incompatible { method, reason } => {
                write!(f, "the server's method `{method}` is another one: {reason}; {run}")
            }
            TransportError::BoundExceeded { what, .. } => write!(f, "{what}; {run}"),
            TransportError::Malformed { what, may_have_run: false } => {
                write!(f, "the arguments of the call are not what the method takes: {what}; {run}")
            }
            TransportError::Malformed { what, may_have_run: true } => {
                write!(f, "the answer to the call is not what the method gives: {what}; {run}")
            }
            TransportError::ServerPanicked => {
                write!(f, "the server's handler panicked during the call; {run}")
            }
            TransportError::Unanswered => {
                write!(f, "the server let go of the call without an answer; {run}")
            }
            TransportError::Unfinished => {
                write!(f, "whoever made the items of the stream let go of it before its end; {run}")
            }
            TransportError::AccessDenied => write!(f, "the server denies this call; {run}"),
            TransportError::Busy => write!(f, "the server is too busy for this call; {run}"),
            TransportError::TooLong { what, may_have_run: false } => {
                write!(f, "the arguments of the call are too long: {what}; {run}")
            }
            TransportError::TooLong { what, may_have_run: true } => {
                write!(f, "the answer to the call is too long: {what}; {run}")
            }
            TransportError::TooDeep { max } => write!(
                f,
                "the call would be the {}th of calls that wait for each other, where {max} are \
                 allowed; {run}",
                max + 1
            ),
            TransportError::Refused { what, .. } => write!(f, "{what}; {run}"),
            TransportError::System { error, .. } => write!(f, "{error}; {run}"),
        }
    }
}

impl Error for TransportError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // The text is that of the error inside, so the next cause is the one behind that.
            TransportError::System { error, .. } => error.source(),
            _ => None,
        }
    }
}

/// Where it broke cannot be told from the error, so it may have been after the call was sent.
impl From<alpc_transport::Error> for TransportError {
    fn from(error: alpc_transport::Error) -> Self {
        TransportError::System { error, may_have_run: true }
    }
}

/// A bound was exceeded by an argument; for one in a reply, add
/// [`in_reply`](TransportError::in_reply).
impl From<BoundExceeded> for TransportError {
    fn from(error: BoundExceeded) -> Self {
        TransportError::BoundExceeded { what: error.to_string(), may_have_run: false }
    }
}

/// Arguments could not be written.
impl From<EncodeError> for TransportError {
    fn from(error: EncodeError) -> Self {
        let (what, may_have_run) = (error.to_string(), false);
        match error.kind() {
            EncodeErrorKind::TooLong { .. } => TransportError::TooLong { what, may_have_run },
            EncodeErrorKind::BoundExceeded(_) => {
                TransportError::BoundExceeded { what, may_have_run }
            }
            _ => TransportError::Malformed { what, may_have_run },
        }
    }
}

/// Results could not be read.
impl From<DecodeError> for TransportError {
    fn from(error: DecodeError) -> Self {
        let (what, may_have_run) = (error.to_string(), true);
        match error.kind() {
            DecodeErrorKind::BoundExceeded => TransportError::BoundExceeded { what, may_have_run },
            DecodeErrorKind::Malformed => TransportError::Malformed { what, may_have_run },
        }
    }
}
