//! What can go wrong, sorted by whose fault it is.
//!
//! A caller decides by blame: its own mistake is corrected, a missing server is started, a busy one
//! is asked again, a peer that breaks the protocol is dropped, an exhausted system is relieved.
//! Whatever a peer does wrong has a name of its own in [`Misbehaviour`]: it is what tests assert on
//! and what a log must tell.

use std::borrow::Cow;
use std::sync::Arc;
use std::{error, fmt, io};

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// Says what was being done and why it failed.
///
/// It is one pointer wide, because results travel on the path of every message and errors do not.
#[derive(Clone)]
pub struct Error {
    inner: Box<Inner>,
}

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    doing: Cow<'static, str>,
    source: Option<Arc<dyn error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `kind`, met while doing something: `"connect to `acme.kv`"`.
    pub fn new(kind: ErrorKind, doing: impl Into<Cow<'static, str>>) -> Error {
        Error { inner: Box::new(Inner { kind, doing: doing.into(), source: None }) }
    }

    /// What the operating system said, sorted by what the caller can do about it.
    pub fn os(doing: impl Into<Cow<'static, str>>, error: io::Error) -> Error {
        let kind = match error.raw_os_error() {
            Some(libc::EACCES | libc::EPERM) => ErrorKind::PermissionDenied,
            Some(libc::EMFILE) => ErrorKind::Exhausted { what: "open files of this process" },
            Some(libc::ENFILE) => ErrorKind::Exhausted { what: "open files of this system" },
            Some(libc::ENOMEM | libc::ENOBUFS) => ErrorKind::Exhausted { what: "memory" },
            Some(libc::ENOSPC) => ErrorKind::Exhausted { what: "space on the file system" },
            Some(code) => ErrorKind::Os(code),
            None if error.kind() == io::ErrorKind::TimedOut => ErrorKind::TimedOut,
            None => ErrorKind::Os(libc::EIO),
        };
        Error::new(kind, doing).with_source(error)
    }

    /// The peer broke the protocol.
    pub fn misbehaved(doing: impl Into<Cow<'static, str>>, offence: Misbehaviour) -> Error {
        Error::new(ErrorKind::PeerMisbehaved(offence), doing)
    }

    /// Keeps the error that caused this one, for [`source`](error::Error::source).
    #[must_use]
    pub fn with_source(mut self, source: impl error::Error + Send + Sync + 'static) -> Error {
        self.inner.source = Some(Arc::new(source));
        self
    }

    /// Tells the same failure as part of a larger task, which knows better what was being done.
    #[must_use]
    pub fn while_doing(mut self, doing: impl Into<Cow<'static, str>>) -> Error {
        self.inner.doing = doing.into();
        self
    }

    /// Why it failed.
    pub fn kind(&self) -> &ErrorKind {
        &self.inner.kind
    }

    /// What was being done, as words that follow "cannot".
    pub fn doing(&self) -> &str {
        &self.inner.doing
    }

    /// The peer's offence, when the peer is to blame.
    pub fn misbehaviour(&self) -> Option<Misbehaviour> {
        match self.inner.kind {
            ErrorKind::PeerMisbehaved(offence) => Some(offence),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: {}", self.inner.doing, self.inner.kind)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("doing", &self.inner.doing)
            .field("source", &self.inner.source)
            .finish()
    }
}

impl error::Error for Error {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        let source = self.inner.source.as_deref()?;
        Some(source)
    }
}

/// Why something failed: first what the caller can mend, then the peer's part, then the system's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// What the caller asked for can never be done; the text says what is wrong with it.
    Invalid {
        /// What is wrong, as a clause.
        reason: String,
    },
    /// More bytes than the limit that both ends agreed on.
    TooLarge {
        /// The bytes of the offered thing.
        len: u64,
        /// The most that is allowed.
        max: u64,
    },
    /// The call is made by a handler that descends from so many calls already that no more are let go
    /// on: calls call each other without end, or need a port with a higher limit.
    TooDeep {
        /// Calls that one may descend from, itself included.
        max: usize,
    },
    /// This object was made before a `fork`, and only the parent may use it.
    Forked,
    /// Nobody serves that name.
    NotFound {
        /// Where it was looked for and what to do, as a clause.
        reason: String,
    },
    /// A live server holds that name.
    AlreadyExists,
    /// The operating system does not let this user do that.
    PermissionDenied,
    /// The place that a name lives in, or the process behind it, is not whom it must belong to.
    ///
    /// Another user may be posing as the server. Nothing was sent.
    Untrusted {
        /// What was found, as a clause.
        reason: String,
    },
    /// The server's policy does not admit this client.
    Refused {
        /// The server's own words.
        reason: String,
    },
    /// The server has no room for another client now; later it may.
    Busy {
        /// The server's own words.
        reason: String,
    },
    /// The two ends have no version of the protocol in common.
    Incompatible {
        /// The versions that this end speaks.
        ours: Versions,
        /// The versions that the peer speaks.
        theirs: Versions,
    },
    /// The peer closed the connection or died.
    PeerClosed,
    /// The peer broke the protocol; the connection cannot be used any more.
    PeerMisbehaved(Misbehaviour),
    /// The deadline passed.
    TimedOut,
    /// The caller gave it up.
    Cancelled,
    /// A bounded resource is used up.
    Exhausted {
        /// Which one.
        what: &'static str,
    },
    /// This system cannot do it.
    Unsupported {
        /// What is missing, as a clause.
        what: &'static str,
    },
    /// The operating system failed in a way that nobody foresaw: its error number.
    Os(i32),
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ErrorKind::Invalid { reason }
            | ErrorKind::NotFound { reason }
            | ErrorKind::Untrusted { reason } => f.write_str(reason),
            ErrorKind::TooLarge { len, max } => write!(f, "{len} bytes, where {max} are allowed"),
            ErrorKind::TooDeep { max } => write!(
                f,
                "it would be the {}th of calls that wait for each other, where {max} are allowed",
                max + 1
            ),
            ErrorKind::Forked => f.write_str("it belongs to the process that forked this one"),
            ErrorKind::AlreadyExists => f.write_str("a live server holds that name"),
            ErrorKind::PermissionDenied => f.write_str("permission denied"),
            ErrorKind::Refused { reason } => write!(f, "the server refused: {reason}"),
            ErrorKind::Busy { reason } => write!(f, "the server is busy: {reason}"),
            ErrorKind::Incompatible { ours, theirs } => {
                write!(f, "this end speaks protocol {ours} and the peer {theirs}")
            }
            ErrorKind::PeerClosed => f.write_str("the peer closed the connection"),
            ErrorKind::PeerMisbehaved(offence) => write!(f, "the peer {offence}"),
            ErrorKind::TimedOut => f.write_str("the deadline passed"),
            ErrorKind::Cancelled => f.write_str("the caller gave it up"),
            ErrorKind::Exhausted { what } => write!(f, "no more {what}"),
            ErrorKind::Unsupported { what } => f.write_str(what),
            ErrorKind::Os(code) => write!(f, "{}", io::Error::from_raw_os_error(*code)),
        }
    }
}

/// A range of protocol versions, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Versions {
    /// The oldest that is still spoken.
    pub oldest: u16,
    /// The newest that is known.
    pub newest: u16,
}

impl Versions {
    /// The newest version that both ranges hold.
    pub fn common(self, other: Versions) -> Option<u16> {
        let newest = self.newest.min(other.newest);
        (newest >= self.oldest.max(other.oldest)).then_some(newest)
    }
}

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.oldest == self.newest {
            write!(f, "{}", self.newest)
        } else {
            write!(f, "{} to {}", self.oldest, self.newest)
        }
    }
}

/// Everything that a peer can do wrong, one name to an offence.
///
/// An offence ends the connection: the peer's next bytes cannot be trusted to mean what they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misbehaviour {
    /// Its first bytes are not those of this protocol.
    BadMagic,
    /// A frame of the handshake announces more bytes than any may have.
    FrameTooLong {
        /// The announced length.
        len: u64,
        /// The longest that is allowed.
        max: u64,
    },
    /// A frame ends before its fixed part, or before the lengths that it states itself.
    FrameCut,
    /// A frame holds bytes after its end.
    FrameSurplus,
    /// A frame of a kind that does not exist, or that has no place at this step.
    UnexpectedFrame {
        /// The kind's number.
        kind: u8,
    },
    /// A field of a frame holds a value that its type does not have.
    BadField,
    /// It agreed to other limits than the two ends negotiated, or to ones out of any range.
    BadLimits,
    /// A datagram is longer than any that the protocol has.
    DatagramTooLong {
        /// The longest that was expected.
        max: u64,
    },
    /// It sent more file descriptors than the message calls for, or than can be received.
    TooManyDescriptors {
        /// The most that the message may carry.
        max: u64,
    },
    /// It left out a file descriptor that the message calls for.
    MissingDescriptor,
    /// The memory that it offers is not sealed as it must be.
    UnsealedMemory,
    /// The memory that it offers is not of the kind that cannot fault.
    ForeignMemory,
    /// The memory that it offers has not the agreed size.
    MemorySize,
    /// The socket that it offers is not a private pair's end.
    ForeignSocket,
    /// It published more than its ring holds, or took more than was published.
    RingIndex {
        /// How far apart its index and ours are.
        distance: u32,
    },
    /// A message of a kind that does not exist.
    MessageKind {
        /// The kind's number.
        kind: u8,
    },
    /// A message longer than the limit that both ends agreed on.
    MessageTooLong {
        /// Bytes after the header.
        len: u64,
    },
    /// The parts of a message are together longer than the message.
    MessageLayout,
    /// A message ends past the last byte that was published.
    RecordPastEnd {
        /// Bytes after the header, as the message says.
        len: u32,
        /// Bytes that were published.
        available: u32,
    },
    /// Bulk data described in a way that does not exist.
    AttributeKind {
        /// The description's number.
        kind: u8,
    },
    /// Bulk data described in a way that has no place in such a message.
    AttributePlace,
    /// A stream of bulk data in a slot that does not exist, or that is still in use.
    StreamSlot {
        /// The slot's number.
        slot: u8,
    },
    /// A stream got further than its window or its length permits.
    StreamIndex {
        /// How far apart its index and ours are.
        distance: u32,
    },
    /// A message refers to a section that was never announced.
    UnknownSection {
        /// The section's number.
        section: u64,
    },
    /// It announced a section twice, or more bytes of sections than both ends agreed on.
    SectionQuota,
    /// It sent more requests at once than both ends agreed on.
    TooManyRequests,
    /// It sent a request that descends from more calls than both ends agreed on.
    TooDeep {
        /// Calls that it descends from.
        ancestors: u8,
    },
    /// It said of a message that is no request, or twice, what it descends from.
    ChainPlace,
    /// A reply to a request that was never sent, or a second reply to one.
    UnknownReply {
        /// The request's number, as the reply says.
        id: u64,
    },
    /// A message that only the other end of a channel may send.
    WrongDirection,
    /// It sent handles with a message that has no place for any.
    HandlePlace,
    /// It sent handles that no message claims.
    StrayHandles,
    /// It returned a region that it did not have.
    ForeignRegion,
    /// It described a view that reaches past the end of its section.
    ViewPastEnd,
}

impl fmt::Display for Misbehaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Misbehaviour::BadMagic => f.write_str("does not speak this protocol"),
            Misbehaviour::FrameTooLong { len, max } => {
                write!(f, "announced a frame of {len} bytes, where {max} are allowed")
            }
            Misbehaviour::FrameCut => f.write_str("sent a frame that ends too early"),
            Misbehaviour::FrameSurplus => f.write_str("sent a frame with bytes after its end"),
            Misbehaviour::UnexpectedFrame { kind } => {
                write!(f, "sent a frame of kind {kind}, which has no place here")
            }
            Misbehaviour::BadField => f.write_str("sent a frame with a value that does not exist"),
            Misbehaviour::BadLimits => {
                f.write_str("named limits out of range, or other ones than agreed")
            }
            Misbehaviour::DatagramTooLong { max } => {
                write!(f, "sent a datagram longer than {max} bytes")
            }
            Misbehaviour::TooManyDescriptors { max } => {
                write!(f, "sent more than {max} file descriptors")
            }
            Misbehaviour::MissingDescriptor => f.write_str("left out a file descriptor"),
            Misbehaviour::UnsealedMemory => f.write_str("offered memory that is not sealed"),
            Misbehaviour::ForeignMemory => f.write_str("offered memory of a kind that can fault"),
            Misbehaviour::MemorySize => f.write_str("offered memory of another size than agreed"),
            Misbehaviour::ForeignSocket => f.write_str("offered a socket of another kind"),
            Misbehaviour::RingIndex { distance } => {
                write!(f, "moved an index of its ring by an impossible {distance} bytes")
            }
            Misbehaviour::MessageKind { kind } => write!(f, "sent a message of kind {kind}"),
            Misbehaviour::MessageTooLong { len } => write!(f, "sent a message of {len} bytes"),
            Misbehaviour::MessageLayout => {
                f.write_str("sent a message whose parts are longer than the whole")
            }
            Misbehaviour::RecordPastEnd { len, available } => {
                write!(f, "sent a message of {len} bytes, of which {available} were published")
            }
            Misbehaviour::AttributeKind { kind } => {
                write!(f, "described bulk data by the unknown way {kind}")
            }
            Misbehaviour::AttributePlace => {
                f.write_str("described bulk data in a way that has no place in such a message")
            }
            Misbehaviour::StreamSlot { slot } => {
                write!(f, "began a stream in slot {slot}, which is taken or does not exist")
            }
            Misbehaviour::StreamIndex { distance } => {
                write!(f, "moved a stream by an impossible {distance} bytes")
            }
            Misbehaviour::UnknownSection { section } => {
                write!(f, "referred to section {section}, which it never announced")
            }
            Misbehaviour::SectionQuota => {
                f.write_str("announced a section twice, or more of them than agreed")
            }
            Misbehaviour::TooDeep { ancestors } => {
                write!(f, "sent a request that descends from {ancestors} calls")
            }
            Misbehaviour::ChainPlace => {
                f.write_str("said what a message descends from where that has no place")
            }
            Misbehaviour::TooManyRequests => f.write_str("sent more requests at once than agreed"),
            Misbehaviour::UnknownReply { id } => {
                write!(f, "replied to request {id}, which is not waiting for a reply")
            }
            Misbehaviour::HandlePlace => {
                f.write_str("sent handles with a message that has no place for any")
            }
            Misbehaviour::StrayHandles => f.write_str("sent handles that no message claims"),
            Misbehaviour::ForeignRegion => f.write_str("returned a region that it did not have"),
            Misbehaviour::ViewPastEnd => {
                f.write_str("described a view that reaches past the end of its section")
            }
            Misbehaviour::WrongDirection => {
                f.write_str("sent a message that only the other end may send")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_was_done_and_why_it_failed() {
        let error = Error::misbehaved(
            "take a connection on `calc`",
            Misbehaviour::FrameTooLong { len: 70_000, max: 8_192 },
        );
        assert_eq!(
            error.to_string(),
            "cannot take a connection on `calc`: the peer announced a frame of 70000 bytes, \
             where 8192 are allowed"
        );
        let error = Error::new(
            ErrorKind::Incompatible {
                ours: Versions { oldest: 1, newest: 2 },
                theirs: Versions { oldest: 4, newest: 4 },
            },
            "connect to `calc`",
        );
        assert_eq!(
            error.to_string(),
            "cannot connect to `calc`: this end speaks protocol 1 to 2 and the peer 4"
        );
    }

    #[test]
    fn system_errors_are_sorted_by_what_can_be_done() {
        let kind = |code| Error::os("x", io::Error::from_raw_os_error(code)).kind().clone();
        assert_eq!(kind(libc::EACCES), ErrorKind::PermissionDenied);
        assert_eq!(kind(libc::EMFILE), ErrorKind::Exhausted { what: "open files of this process" });
        assert_eq!(kind(libc::EINVAL), ErrorKind::Os(libc::EINVAL));
    }

    #[test]
    fn versions_meet_at_the_newest_that_both_know() {
        let versions = |oldest, newest| Versions { oldest, newest };
        assert_eq!(versions(1, 3).common(versions(2, 5)), Some(3));
        assert_eq!(versions(2, 2).common(versions(2, 2)), Some(2));
        assert_eq!(versions(1, 3).common(versions(4, 5)), None);
        assert_eq!(versions(4, 5).common(versions(1, 3)), None);
    }
}
