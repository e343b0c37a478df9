//! How a connection fails to come about.

use std::error::Error;
use std::fmt;

/// Why there is no connection.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// Nobody serves this name.
    NotFound {
        /// The name.
        name: String,
        /// Where it was looked for and what to do, as a clause.
        reason: String,
    },
    /// The server has no room for another client now; later it may.
    Busy {
        /// What the server says.
        reason: String,
    },
    /// The place of the name, or the process behind it, is not whom it must belong to. Another user
    /// may be posing as the server, so nothing was sent.
    Untrusted {
        /// What was found, as a clause.
        reason: String,
    },
    /// The server does not want this client.
    Refused {
        /// What the server says.
        reason: String,
    },
    /// The server has another interface there, or another major version of it.
    Incompatible {
        /// The interface and version of this client.
        ours: String,
        /// Those of the server.
        theirs: String,
    },
    /// What the server says of its interface cannot be read.
    Malformed {
        /// What is wrong, as a clause.
        what: String,
    },
    /// The system does not let this process reach the port.
    PermissionDenied,
    /// The server did not answer before the deadline.
    TimedOut,
    /// There was a connection, with which a [`Reconnect::prepare`](crate::Reconnect::prepare) failed.
    Unprepared {
        /// What failed there.
        what: String,
    },
    /// The system, or the peer by breaking the transport's protocol, failed it.
    Transport(alpc_transport::Error),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectError::NotFound { name, reason } => {
                write!(f, "cannot connect: nobody serves `{name}`: {reason}")
            }
            ConnectError::Busy { reason } => {
                write!(f, "cannot connect: the server is busy: {reason}")
            }
            ConnectError::Untrusted { reason } => {
                write!(f, "cannot connect: the server is not to be trusted: {reason}")
            }
            ConnectError::Refused { reason } => {
                write!(f, "cannot connect: the server refused: {reason}")
            }
            ConnectError::Incompatible { ours, theirs } => {
                write!(f, "cannot connect: this client speaks {ours}, the server {theirs}")
            }
            ConnectError::Malformed { what } => {
                write!(f, "cannot connect: the server does not say what it means: {what}")
            }
            ConnectError::PermissionDenied => {
                f.write_str("cannot connect: this process may not reach the port")
            }
            ConnectError::TimedOut => {
                f.write_str("cannot connect: the server did not answer before the deadline")
            }
            ConnectError::Unprepared { what } => {
                write!(f, "cannot connect: the new connection could not be prepared: {what}")
            }
            // The transport says by itself what it could not do.
            ConnectError::Transport(error) => error.fmt(f),
        }
    }
}

impl Error for ConnectError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            ConnectError::Transport(error) => error.source(),
            _ => None,
        }
    }
}

impl From<alpc_transport::Error> for ConnectError {
    fn from(error: alpc_transport::Error) -> Self {
        ConnectError::Transport(error)
    }
}
