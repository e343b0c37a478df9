//! Who a peer is, as far as the operating system vouches for it.
//!
//! Nothing that a peer says about itself is here: no path, no name, no number that it sent. Whoever
//! was given a peer's descriptors speaks as that peer; that is a limit of every system that can
//! pass descriptors, and the reason why identity belongs to a connection and not to a thread.

use std::fmt;
use std::sync::Arc;

use crate::sys::identity::ProcessHandle;

/// A peer's process and user, and how the kernel came to know them.
#[derive(Clone)]
pub struct PeerIdentity {
    pub(crate) pid: Option<u32>,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) provenance: Provenance,
    pub(crate) process: Arc<ProcessHandle>,
}

/// When and from what the kernel took an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Provenance {
    /// From the connection: the *effective* user of the process that connected or, for a client
    /// that looks at its server, that began to listen. It stays as it was then.
    Connection,
}

/// How surely a process is told from another that got the same number later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessProof {
    /// The kernel gave the handle together with the connection (Linux 6.5 and later).
    Exact,
    /// The handle was opened by the process's number, which could have been used again before.
    ByNumber,
}

impl PeerIdentity {
    /// The process's number, or `None` when it lives in another pid namespace and has none here.
    pub fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// The process's user.
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// The process's group.
    pub fn gid(&self) -> u32 {
        self.gid
    }

    /// When and from what the kernel took this identity.
    pub fn provenance(&self) -> Provenance {
        self.provenance
    }

    /// How surely the process is the one that connected.
    pub fn proof(&self) -> ProcessProof {
        self.process.proof()
    }

    /// Whether the process still runs.
    ///
    /// The end of a connection does not tell: a child of the process may keep its sockets open.
    pub fn is_alive(&self) -> bool {
        self.process.is_alive()
    }
}

impl fmt::Debug for PeerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerIdentity")
            .field("pid", &self.pid)
            .field("uid", &self.uid)
            .field("gid", &self.gid)
            .field("provenance", &self.provenance)
            .field("proof", &self.proof())
            .finish()
    }
}

/// `process 4711 of user 1000`: for logs and for the reasons of a refusal.
impl fmt::Display for PeerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "process {pid} of user {}", self.uid),
            None => write!(f, "a process of user {} in another pid namespace", self.uid),
        }
    }
}
