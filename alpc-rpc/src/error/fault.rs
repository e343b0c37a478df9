//! How a server says that it could not run a call, or could not answer it.

use std::error::Error;
use std::fmt;

use super::printable;
use crate::bound::BoundExceeded;
use crate::decode::{DecodeError, DecodeErrorKind};
use crate::encode::{EncodeError, EncodeErrorKind};

/// The one table of faults: the code on the wire, the name, and the text.
///
/// Those with `what` carry a text of their own on the wire; the others need none.
macro_rules! faults {
    (
        plain { $($(#[$plain_doc:meta])* $plain_code:literal $plain:ident $plain_text:literal)* }
        told { $($(#[$told_doc:meta])* $told_code:literal $told:ident $told_text:literal)* }
    ) => {
        /// Why a server did not run a call, or has no answer to it.
        ///
        /// It ends the call and nothing else: the connection stays.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Fault {
            $($(#[$plain_doc])* $plain,)*
            $($(#[$told_doc])* $told {
                /// What was wrong, for people.
                what: String,
            },)*
            /// The server is newer than we are, and has a fault that we do not know.
            Unrecognized {
                /// The code on the wire.
                code: u16,
                /// What the server says about it.
                what: String,
            },
        }

        impl Fault {
            /// The number by which it is sent.
            pub fn code(&self) -> u16 {
                match self {
                    $(Fault::$plain => $plain_code,)*
                    $(Fault::$told { .. } => $told_code,)*
                    Fault::Unrecognized { code, .. } => *code,
                }
            }

            /// The text that is sent with the code; most faults need none.
            pub fn text(&self) -> &str {
                match self {
                    $(Fault::$plain => "",)*
                    $(Fault::$told { what } => what,)*
                    Fault::Unrecognized { what, .. } => what,
                }
            }

            /// The fault that a server sent.
            pub fn from_wire(code: u16, text: &str) -> Fault {
                match code {
                    $($plain_code => Fault::$plain,)*
                    $($told_code => Fault::$told { what: printable(text) },)*
                    _ => Fault::Unrecognized { code, what: printable(text) },
                }
            }

            /// What it is, without the details.
            fn summary(&self) -> &'static str {
                match self {
                    $(Fault::$plain => $plain_text,)*
                    $(Fault::$told { .. } => $told_text,)*
                    Fault::Unrecognized { .. } => "the server failed the call",
                }
            }

            /// Every fault of the table.
            #[cfg(test)]
            pub(crate) fn all() -> Vec<Fault> {
                vec![
                    $(Fault::$plain,)*
                    $(Fault::$told { what: "the reason".to_owned() },)*
                ]
            }
        }
    };
}

faults! {
    plain {
        /// The server has no method of this number.
        1 UnknownMethod "the server does not know this method"
        /// The caller may not call this method.
        4 AccessDenied "the server denies this call"
        /// The server has too much to do already.
        5 Busy "the server is too busy for this call"
        /// The handler panicked.
        6 HandlerPanicked "the handler of this call panicked"
        /// The deadline had passed before the handler could be started.
        8 Expired "the deadline passed before the call was started"
        /// The server was told to stop before the handler could be started.
        10 Stopping "the server stops and takes no more calls"
        /// The caller has given up, and the handler was not started.
        11 Cancelled "the call was cancelled before it was started"
        /// The server let go of the call: its handler ended without an answer, or left it to somebody
        /// who did.
        65533 Unanswered "the server let go of this call without an answer"
        /// Whoever made the items of a stream has let go of it.
        20 Unfinished "whoever made the items of the stream let go of it before its end"
    }
    told {
        /// The arguments are not what the method takes.
        2 BadArguments "the arguments cannot be read"
        /// An argument lies outside what the interface allows.
        3 BoundExceeded "an argument is out of bounds"
        /// The answer does not fit into a reply.
        7 ReplyTooLong "the reply is too long"
        /// The handler ran, but what it answered is not what the interface allows.
        9 BadReply "the handler's answer breaks the interface"
    }
}

impl Fault {
    /// Whether the handler may have run when a server sends this.
    pub fn may_have_run(&self) -> bool {
        match self {
            Fault::UnknownMethod
            | Fault::AccessDenied
            | Fault::Busy
            | Fault::Expired
            | Fault::Stopping
            | Fault::Cancelled
            | Fault::BadArguments { .. }
            | Fault::BoundExceeded { .. } => false,
            Fault::HandlerPanicked
            | Fault::Unanswered
            | Fault::Unfinished
            | Fault::ReplyTooLong { .. }
            | Fault::BadReply { .. }
            | Fault::Unrecognized { .. } => true,
        }
    }

    /// The same fault, met when the handler had run already: what is wrong then is its answer.
    #[must_use]
    pub fn after_handler(self) -> Fault {
        match self {
            Fault::BadArguments { what } | Fault::BoundExceeded { what } => {
                Fault::BadReply { what }
            }
            other => other,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.summary())?;
        if let Fault::Unrecognized { code, .. } = self {
            write!(f, " with code {code}")?;
        }
        if !self.text().is_empty() {
            write!(f, ": {}", self.text())?;
        }
        Ok(())
    }
}

impl Error for Fault {}

impl From<BoundExceeded> for Fault {
    fn from(error: BoundExceeded) -> Self {
        Fault::BoundExceeded { what: error.to_string() }
    }
}

/// Arguments could not be read.
impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Self {
        let what = error.to_string();
        match error.kind() {
            DecodeErrorKind::BoundExceeded => Fault::BoundExceeded { what },
            DecodeErrorKind::Malformed => Fault::BadArguments { what },
        }
    }
}

/// Results could not be written.
impl From<EncodeError> for Fault {
    fn from(error: EncodeError) -> Self {
        let what = error.to_string();
        match error.kind() {
            EncodeErrorKind::TooLong { .. } => Fault::ReplyTooLong { what },
            _ => Fault::BadReply { what },
        }
    }
}
