//! What a call can end with besides its results.
//!
//! An interface's own error is an answer: the handler ran and said no. Everything else is the
//! call's: the server is gone, too slow, too old, or one side broke the rules. A caller treats the
//! two so differently that they are apart in the type ([`CallError`]), and of the second kind it
//! must know one thing before it tries again: whether the handler may have run. Every error here
//! says so, in its value and in its text.

mod connect;
mod fault;
mod transport;

use std::convert::Infallible;
use std::error::Error;
use std::fmt;

use crate::bound::BoundExceeded;
use crate::decode::DecodeError;
use crate::encode::EncodeError;

pub use connect::ConnectError;
pub use fault::Fault;
pub use transport::TransportError;

/// Why a call gave no results: the interface's own error, or one of the call itself.
///
/// Methods without an error of their own have `CallError<Infallible>`, which is always
/// [`Transport`](CallError::Transport).
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "that there are these two and no others is what callers match on"
)]
pub enum CallError<E = Infallible> {
    /// The handler ran and answered with the interface's own error.
    App(E),
    /// The call itself failed.
    Transport(TransportError),
}

impl<E> CallError<E> {
    /// Takes the interface's own error out, and leaves the call's for `?`.
    ///
    /// Results have the same method: see [`SplitResult`].
    pub fn split(self) -> Result<E, TransportError> {
        match self {
            CallError::App(error) => Ok(error),
            CallError::Transport(error) => Err(error),
        }
    }

    /// Changes the interface's own error.
    pub fn map_app<F>(self, change: impl FnOnce(E) -> F) -> CallError<F> {
        match self {
            CallError::App(error) => CallError::App(change(error)),
            CallError::Transport(error) => CallError::Transport(error),
        }
    }

    /// The interface's own error, if that is what it is.
    pub fn app(&self) -> Option<&E> {
        match self {
            CallError::App(error) => Some(error),
            CallError::Transport(_) => None,
        }
    }

    /// The call's error, if that is what it is.
    pub fn transport(&self) -> Option<&TransportError> {
        match self {
            CallError::App(_) => None,
            CallError::Transport(error) => Some(error),
        }
    }

    /// Whether the handler ran, or may have: only when it did not is it safe to call again a method
    /// that changes something.
    pub fn may_have_run(&self) -> bool {
        match self {
            CallError::App(_) => true,
            CallError::Transport(error) => error.may_have_run(),
        }
    }
}

impl CallError<Infallible> {
    /// The call's error, where the interface has none of its own.
    pub fn into_transport(self) -> TransportError {
        match self {
            CallError::App(never) => match never {},
            CallError::Transport(error) => error,
        }
    }
}

/// Sorts the result of a call into what the interface says and what happened to the call.
pub trait SplitResult {
    /// The results of the method.
    type Value;
    /// The interface's own error.
    type App;

    /// Leaves the call's error for `?`, and the interface's own for a `match`.
    ///
    /// ```
    /// # use alpc_rpc::{CallError, SplitResult, TransportError};
    /// # #[derive(Debug)] enum KvError { NotFound }
    /// # fn get() -> Result<u32, CallError<KvError>> { Err(CallError::App(KvError::NotFound)) }
    /// # fn example() -> Result<(), TransportError> {
    /// match get().split()? {
    ///     Ok(value) => println!("{value}"),
    ///     Err(KvError::NotFound) => println!("nothing is stored there"),
    /// }
    /// # Ok(()) }
    /// # example().unwrap();
    /// ```
    fn split(self) -> Result<Result<Self::Value, Self::App>, TransportError>;
}

impl<T, E> SplitResult for Result<T, CallError<E>> {
    type Value = T;
    type App = E;

    fn split(self) -> Result<Result<T, E>, TransportError> {
        match self {
            Ok(value) => Ok(Ok(value)),
            Err(error) => error.split().map(Err),
        }
    }
}

impl<E: fmt::Display> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::App(error) => error.fmt(f),
            CallError::Transport(error) => error.fmt(f),
        }
    }
}

impl<E: Error> Error for CallError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // The text is that of the error inside, so the next cause is the one behind that.
        match self {
            CallError::App(error) => error.source(),
            CallError::Transport(error) => error.source(),
        }
    }
}

impl<E> From<TransportError> for CallError<E> {
    fn from(error: TransportError) -> Self {
        CallError::Transport(error)
    }
}

impl<E> From<BoundExceeded> for CallError<E> {
    fn from(error: BoundExceeded) -> Self {
        CallError::Transport(error.into())
    }
}

impl<E> From<EncodeError> for CallError<E> {
    fn from(error: EncodeError) -> Self {
        CallError::Transport(error.into())
    }
}

impl<E> From<DecodeError> for CallError<E> {
    fn from(error: DecodeError) -> Self {
        CallError::Transport(error.into())
    }
}

/// The end of every text that says whether the handler may have run.
fn run(may_have_run: bool) -> &'static str {
    if may_have_run { "the call may have run" } else { "the handler did not run" }
}

/// A text that came from a peer, fit to be printed: of a decent length, and without characters that
/// would steer a terminal or forge a line in a log.
fn printable(text: &str) -> String {
    const MOST: usize = 1000;
    let mut printable: String =
        text.chars().take(MOST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(MOST).is_some() {
        printable.push_str(" ..");
    }
    printable
}

#[cfg(test)]
mod tests;
