//! What a handle is, and what its holder may do with it, as the kernel tells.
//!
//! A descriptor that came from a peer can be anything. Whoever expects a section and gets a pipe
//! would wait for its peer for ever; so a handle is looked at before anybody uses it, and nothing
//! that the peer says about it counts.
//!
//! | kind | on Linux |
//! |---|---|
//! | `file` | a regular file, directory or device that was opened by its name |
//! | `section` | a memfd, or shared memory whose name is gone |
//! | `event` | an eventfd |
//! | `process` | a pidfd of a process |
//! | `thread` | a pidfd of a thread (Linux 6.9 and later) |
//! | `socket` | a socket of any family |
//! | `pipe` | either end of a pipe, named or not |
//! | `token` | nothing: Linux has no object for a user's rights. It is always refused |
//! | `any` | all of these, and what is none of them |
//!
//! | right | which handles have it |
//! |---|---|
//! | `read`, `write` | those that were opened for it; a section that is sealed against writing lacks `write`; processes and threads lack both |
//! | `execute` | files and sections that this process may execute, or directories that it may search |
//! | `map` | sections and regular files that were opened for reading |
//! | `signal` | events; processes and threads that this process may send signals to |
//! | `query`, `dup` | all: nobody can be kept from them on Linux |
//!
//! A check says what the holder may rely on, not what it is kept from: the kernel hands descriptors
//! over as they are, and a sender that wants less to be done with one opens it for less.
//!
//! A section that its sender can still shrink (it lacks `F_SEAL_SHRINK`) kills whoever has mapped it
//! and touches what is gone. Reading and writing it as a file does not.
//!
//! Checking waits for nobody: a file on a file system that its user serves is not asked about itself.
//! `execute` is the exception, and so is closing such a file, wherever that happens.

use std::fmt;
use std::ops::BitOr;
use std::os::fd::BorrowedFd;

use crate::error::{Error, Result};
use crate::sys::handle as kernel;

/// What a handle stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HandleKind {
    /// Whatever it is; as an answer, something that is none of the others.
    Any,
    /// A file, directory or device.
    File,
    /// Memory that several processes can map.
    Section,
    /// Something to wait for and to signal.
    Event,
    /// A process.
    Process,
    /// A thread.
    Thread,
    /// A socket.
    Socket,
    /// An end of a pipe.
    Pipe,
    /// A user's rights. No handle of this system is one.
    Token,
}

impl HandleKind {
    /// All kinds.
    pub const ALL: [HandleKind; 9] = [
        HandleKind::Any,
        HandleKind::File,
        HandleKind::Section,
        HandleKind::Event,
        HandleKind::Process,
        HandleKind::Thread,
        HandleKind::Socket,
        HandleKind::Pipe,
        HandleKind::Token,
    ];

    /// The kind's name in interfaces.
    pub const fn name(self) -> &'static str {
        match self {
            HandleKind::Any => "any",
            HandleKind::File => "file",
            HandleKind::Section => "section",
            HandleKind::Event => "event",
            HandleKind::Process => "process",
            HandleKind::Thread => "thread",
            HandleKind::Socket => "socket",
            HandleKind::Pipe => "pipe",
            HandleKind::Token => "token",
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<HandleKind> {
        HandleKind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for HandleKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What may be done with a handle: a set.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Rights(u8);

impl Rights {
    /// Nothing in particular.
    pub const NONE: Rights = Rights(0);
    /// Take bytes out.
    pub const READ: Rights = Rights(1);
    /// Put bytes in.
    pub const WRITE: Rights = Rights(1 << 1);
    /// Run it, or search it.
    pub const EXECUTE: Rights = Rights(1 << 2);
    /// Ask about it.
    pub const QUERY: Rights = Rights(1 << 3);
    /// Make copies of the handle, for others too.
    pub const DUP: Rights = Rights(1 << 4);
    /// Map it into memory.
    pub const MAP: Rights = Rights(1 << 5);
    /// Signal it.
    pub const SIGNAL: Rights = Rights(1 << 6);

    /// Each right and its name in interfaces.
    pub const NAMED: [(Rights, &'static str); 7] = [
        (Rights::READ, "read"),
        (Rights::WRITE, "write"),
        (Rights::EXECUTE, "execute"),
        (Rights::QUERY, "query"),
        (Rights::DUP, "dup"),
        (Rights::MAP, "map"),
        (Rights::SIGNAL, "signal"),
    ];

    /// The rights of both.
    #[must_use]
    pub const fn union(self, other: Rights) -> Rights {
        Rights(self.0 | other.0)
    }

    /// These without those of `other`.
    #[must_use]
    pub const fn without(self, other: Rights) -> Rights {
        Rights(self.0 & !other.0)
    }

    /// Whether all of `other` are among these.
    pub const fn contains(self, other: Rights) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The set as a number that stays the same in all versions.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The set that has this number, if all of its rights are known.
    pub const fn from_bits(bits: u8) -> Option<Rights> {
        if bits >> 7 == 0 { Some(Rights(bits)) } else { None }
    }
}

impl BitOr for Rights {
    type Output = Rights;

    fn bitor(self, other: Rights) -> Rights {
        self.union(other)
    }
}

/// `read | write`, as interfaces write it.
impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = Rights::NAMED.into_iter().filter(|(right, _)| self.contains(*right));
        for (index, (_, name)) in named.enumerate() {
            let separator = if index == 0 { "" } else { " | " };
            write!(f, "{separator}{name}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rights({self})")
    }
}

/// What a handle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Nature {
    /// What it stands for.
    pub kind: HandleKind,
    /// All that its holder may do with it.
    pub rights: Rights,
}

/// Why a handle is not what was expected.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Unsuitable {
    /// It is something else.
    Kind {
        /// What was expected.
        wanted: HandleKind,
        /// What it is.
        found: HandleKind,
    },
    /// It does not allow what is to be done with it.
    Rights {
        /// What it is.
        kind: HandleKind,
        /// What it does not allow.
        missing: Rights,
    },
    /// No handle of this system is of that kind.
    Unsupported {
        /// What was expected.
        wanted: HandleKind,
    },
    /// The kernel does not tell.
    Unknown(Error),
}

impl fmt::Display for Unsuitable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unsuitable::Kind { wanted, found: HandleKind::Any } => {
                write!(f, "the handle is of no known kind, where `{wanted}` is expected")
            }
            Unsuitable::Kind { wanted, found } => {
                write!(f, "the handle is of kind `{found}`, where `{wanted}` is expected")
            }
            Unsuitable::Rights { kind, missing } => {
                write!(f, "the handle, of kind `{kind}`, does not allow `{missing}`")
            }
            Unsuitable::Unsupported { wanted } => {
                write!(f, "this system has no handles of kind `{wanted}`")
            }
            Unsuitable::Unknown(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Unsuitable {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Unsuitable::Unknown(error) => Some(error),
            _ => None,
        }
    }
}

/// Finds out what a handle is and all that it allows.
///
/// For files it may wait for the file system, which may be a peer's: see the module.
///
/// # Errors
///
/// When the kernel does not tell, as where `/proc` is not mounted.
pub fn examine(handle: BorrowedFd<'_>) -> Result<Nature> {
    let object = kernel::look(handle)?;
    let all = Rights(0x7f);
    Ok(Nature { kind: object.kind, rights: object.rights(handle, all)? })
}

/// Checks that a handle is of `kind` and allows all of `rights`.
///
/// # Errors
///
/// When it is not, or does not, or the kernel does not tell. Every handle is of kind
/// [`HandleKind::Any`].
pub fn check(
    handle: BorrowedFd<'_>,
    kind: HandleKind,
    rights: Rights,
) -> std::result::Result<(), Unsuitable> {
    if kind == HandleKind::Token {
        return Err(Unsuitable::Unsupported { wanted: kind });
    }
    let granted = Rights::QUERY | Rights::DUP;
    if kind == HandleKind::Any && granted.contains(rights) {
        return Ok(());
    }
    let object = kernel::look(handle).map_err(Unsuitable::Unknown)?;
    if kind != HandleKind::Any && kind != object.kind {
        return Err(Unsuitable::Kind { wanted: kind, found: object.kind });
    }
    if granted.contains(rights) {
        return Ok(());
    }
    let found = object.rights(handle, rights).map_err(Unsuitable::Unknown)?;
    let missing = rights.without(found);
    if missing.is_empty() { Ok(()) } else { Err(Unsuitable::Rights { kind: object.kind, missing }) }
}

#[cfg(all(test, not(loom)))]
mod tests;
