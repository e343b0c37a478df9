//! Every limit and policy of a port, in one place.
//!
//! Nothing that a peer can make grow is without a bound, and each bound stands here with its unit
//! and its reason. The two ends of a connection agree on the smaller of their [`Limits`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::chain::MAX_DEPTH;
use crate::error::{Error, ErrorKind, Result};
use crate::name::Directory;
use crate::peer::PeerIdentity;
use crate::queue::indices::STREAMS;
use crate::sys::socket::MAX_DESCRIPTORS;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// What a port allows, and how it behaves.
///
/// ```
/// use alpc_transport::{Admission, PortAttributes};
///
/// let attributes = PortAttributes::new()
///     .outstanding_requests(16)
///     .admission(Admission::rule(|peer, _data| match peer.uid() {
///         0 | 1000 => Ok(()),
///         _ => Err("only the owner and root may connect".to_owned()),
///     }));
/// ```
#[derive(Clone, Debug)]
pub struct PortAttributes {
    pub(crate) limits: Limits,
    pub(crate) default_deadline: Duration,
    pub(crate) handshake_deadline: Duration,
    pub(crate) max_connections: usize,
    pub(crate) max_connections_per_user: Option<usize>,
    pub(crate) admission: Admission,
    pub(crate) directory: Option<Directory>,
}

impl Default for PortAttributes {
    fn default() -> PortAttributes {
        PortAttributes {
            limits: Limits::default(),
            default_deadline: Duration::from_secs(30),
            handshake_deadline: Duration::from_secs(10),
            max_connections: 4096,
            max_connections_per_user: None,
            admission: Admission::SameUser,
            directory: None,
        }
    }
}

impl PortAttributes {
    /// The defaults, which the setters tell one by one.
    pub fn new() -> PortAttributes {
        PortAttributes::default()
    }

    /// Bytes of the longest message, header included: 1,024 to 65,535, which is the default and
    /// the ceiling of ALPC.
    #[must_use]
    pub fn max_message_len(mut self, bytes: usize) -> PortAttributes {
        self.limits.max_message_len = bytes;
        self.limits.copy_limit = self.limits.copy_limit.min(bytes);
        self
    }

    /// Bytes of the ring in shared memory that each side writes its messages to: a power of two
    /// from 16 KiB to 1 MiB; 256 KiB unless said otherwise.
    #[must_use]
    pub fn outbox_len(mut self, bytes: usize) -> PortAttributes {
        self.limits.outbox_len = bytes;
        self
    }

    /// Bytes of the longest bulk argument that is copied through the ring; a longer one takes a
    /// section. At most the longest message; 60 KiB unless said otherwise.
    #[must_use]
    pub fn copy_limit(mut self, bytes: usize) -> PortAttributes {
        self.limits.copy_limit = bytes;
        self
    }

    /// Bytes of the longest bulk argument that goes through a section; a longer one goes by direct
    /// access where that is available. 32 MiB unless said otherwise.
    #[must_use]
    pub fn view_limit(mut self, bytes: usize) -> PortAttributes {
        self.limits.view_limit = bytes;
        self
    }

    /// Bytes of the window through which a section carries a caller's buffer, piece by piece, so
    /// that it stays in the processor's cache: a power of two from 64 KiB to 64 MiB; 512 KiB unless
    /// said otherwise.
    #[must_use]
    pub fn chunk_window(mut self, bytes: usize) -> PortAttributes {
        self.limits.chunk_window = bytes;
        self
    }

    /// Bytes of all sections that one side of a connection may have; 256 MiB unless said
    /// otherwise.
    #[must_use]
    pub fn max_section_total(mut self, bytes: usize) -> PortAttributes {
        self.limits.max_section_total = bytes;
        self
    }

    /// Bytes of the longest argument, whichever way it takes; 1 GiB unless said otherwise.
    #[must_use]
    pub fn max_argument_len(mut self, bytes: usize) -> PortAttributes {
        self.limits.max_argument_len = bytes;
        self
    }

    /// Requests of one connection that may await their replies: 1 to 4,096; 64 unless said
    /// otherwise.
    #[must_use]
    pub fn outstanding_requests(mut self, count: usize) -> PortAttributes {
        self.limits.outstanding_requests = count;
        self
    }

    /// Calls that may wait for each other: the first, the one that its handler makes, that one's, and
    /// so on, over all processes that have a part in it. 1 to 64; 16 unless said otherwise. A server
    /// starts more threads than it was told to where handlers wait for calls of theirs, the more the
    /// higher this is.
    #[must_use]
    pub fn max_depth(mut self, calls: usize) -> PortAttributes {
        self.limits.max_depth = calls;
        self
    }

    /// Handles that one message may carry: 0 to 16, which is the default. What a peer sends fills
    /// this process's table of open files, `outstanding_requests` times over if no call is answered;
    /// a port that takes no handles should say 0.
    #[must_use]
    pub fn max_handles(mut self, count: usize) -> PortAttributes {
        self.limits.max_handles = count;
        self
    }

    /// Whether the peer may be read and written directly; [`DirectPolicy::SameUser`] unless said
    /// otherwise.
    #[must_use]
    pub fn direct(mut self, policy: DirectPolicy) -> PortAttributes {
        self.limits.direct = policy;
        self
    }

    /// Whether shared memory is used at all; [`Accelerator::On`] unless said otherwise.
    #[must_use]
    pub fn accelerator(mut self, accelerator: Accelerator) -> PortAttributes {
        self.limits.accelerator = accelerator;
        self
    }

    /// How long a call may take whose caller named no deadline; 30 s unless said otherwise.
    #[must_use]
    pub fn default_deadline(mut self, patience: Duration) -> PortAttributes {
        self.default_deadline = patience;
        self
    }

    /// How long a client may take for each of its parts of the handshake; 10 s unless said
    /// otherwise. Its memory gets half of that to be read. An honest client needs a fraction of a
    /// millisecond, unless the machine is so busy that it does not run.
    #[must_use]
    pub fn handshake_deadline(mut self, patience: Duration) -> PortAttributes {
        self.handshake_deadline = patience;
        self
    }

    /// Connections that a port serves at one time; 4,096 unless said otherwise.
    #[must_use]
    pub fn max_connections(mut self, count: usize) -> PortAttributes {
        self.max_connections = count;
        self
    }

    /// Connections that one user may have at one time. Unless said otherwise, 4,096 for the
    /// server's own user and 256 for each other.
    #[must_use]
    pub fn max_connections_per_user(mut self, count: usize) -> PortAttributes {
        self.max_connections_per_user = Some(count);
        self
    }

    /// Who may connect; [`Admission::SameUser`] unless said otherwise.
    #[must_use]
    pub fn admission(mut self, admission: Admission) -> PortAttributes {
        self.admission = admission;
        self
    }

    /// Where names live; unless said otherwise, what [`Directory::locate`] finds.
    #[must_use]
    pub fn directory(mut self, directory: Directory) -> PortAttributes {
        self.directory = Some(directory);
        self
    }

    /// The limits that this end offers.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Finds the first limit that is out of its range.
    pub(crate) fn check(&self) -> Result<()> {
        let own = (self.limits.max_depth == 0)
            .then_some("calls that wait for each other must number 1 to 64");
        let Some(fault) = self.limits.fault().or(own) else { return Ok(()) };
        let reason = fault.to_owned();
        Err(Error::new(ErrorKind::Invalid { reason }, "use these port attributes"))
    }

    pub(crate) fn connections_of(&self, uid: u32, own_uid: u32) -> usize {
        let default = if uid == own_uid { 4096 } else { 256 };
        self.max_connections_per_user.unwrap_or(default)
    }
}

/// What the two ends of a connection agreed on: of each limit the smaller, of each permission the
/// stricter. The setters of [`PortAttributes`] say what each means.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Bytes of the longest message, header included.
    pub max_message_len: usize,
    /// Bytes of the ring of each outbox.
    pub outbox_len: usize,
    /// Bytes of the longest bulk argument that is copied through the ring.
    pub copy_limit: usize,
    /// Bytes of the longest bulk argument that goes through a section.
    pub view_limit: usize,
    /// Bytes of the window through which a section carries a longer buffer.
    pub chunk_window: usize,
    /// Bytes of all sections of one side.
    pub max_section_total: usize,
    /// Bytes of the longest argument.
    pub max_argument_len: usize,
    /// Requests that may await their replies.
    pub outstanding_requests: usize,
    /// Calls that may wait for each other. 0: the peer came before there was such a limit, and is not
    /// told what a call descends from.
    pub max_depth: usize,
    /// Handles that one message may carry.
    pub max_handles: usize,
    /// Whether the peer may be read and written directly.
    pub direct: DirectPolicy,
    /// Whether shared memory is used at all.
    pub accelerator: Accelerator,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_message_len: 65_535,
            outbox_len: 256 * KIB,
            copy_limit: 60 * KIB,
            view_limit: 32 * MIB,
            chunk_window: 512 * KIB,
            max_section_total: 256 * MIB,
            max_argument_len: 1024 * MIB,
            outstanding_requests: 64,
            max_depth: MAX_DEPTH,
            max_handles: MAX_DESCRIPTORS,
            direct: DirectPolicy::SameUser,
            accelerator: Accelerator::On,
        }
    }
}

impl Limits {
    /// What this end and a peer with `theirs` agree on. Two limits without fault give one without.
    pub(crate) fn meet(&self, theirs: &Limits) -> Limits {
        Limits {
            max_message_len: self.max_message_len.min(theirs.max_message_len),
            outbox_len: self.outbox_len.min(theirs.outbox_len),
            copy_limit: self.copy_limit.min(theirs.copy_limit),
            view_limit: self.view_limit.min(theirs.view_limit),
            chunk_window: self.chunk_window.min(theirs.chunk_window),
            max_section_total: self.max_section_total.min(theirs.max_section_total),
            max_argument_len: self.max_argument_len.min(theirs.max_argument_len),
            outstanding_requests: self.outstanding_requests.min(theirs.outstanding_requests),
            max_depth: self.max_depth.min(theirs.max_depth),
            max_handles: self.max_handles.min(theirs.max_handles),
            direct: match (self.direct, theirs.direct) {
                (DirectPolicy::SameUser, DirectPolicy::SameUser) => DirectPolicy::SameUser,
                _ => DirectPolicy::Never,
            },
            accelerator: match (self.accelerator, theirs.accelerator) {
                (Accelerator::On, Accelerator::On) => Accelerator::On,
                _ => Accelerator::Off,
            },
        }
    }

    /// What is wrong with these limits, if anything.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let ring = 16 * KIB..=MIB;
        let window = 64 * KIB..=64 * MIB;
        if !(KIB..=65_535).contains(&self.max_message_len) {
            Some("the longest message must have 1,024 to 65,535 bytes")
        } else if !ring.contains(&self.outbox_len) || !self.outbox_len.is_power_of_two() {
            Some("an outbox must have a power of two of bytes from 16 KiB to 1 MiB")
        } else if self.copy_limit > self.max_message_len {
            Some("the copy limit must not exceed the longest message")
        } else if !window.contains(&self.chunk_window) || !self.chunk_window.is_power_of_two() {
            Some("the chunk window must have a power of two of bytes from 64 KiB to 64 MiB")
        } else if self.max_section_total < STREAMS * self.chunk_window {
            Some("all sections together must hold four chunk windows, one for each stream")
        } else if !(1..=4096).contains(&self.outstanding_requests) {
            Some("outstanding requests must number 1 to 4,096")
        } else if self.max_depth > 64 {
            Some("calls that wait for each other must number 1 to 64")
        } else if self.max_handles > MAX_DESCRIPTORS {
            Some("handles of one message must number 0 to 16")
        } else {
            None
        }
    }
}

/// Whether a server may read and write its client's memory, for arguments that are too large for a
/// section.
///
/// It is the caller who opens its memory, to its own user's processes only and only for the length
/// of a call; but a server that is compromised could read more. Forbid it where the two ends do
/// not trust each other. The same calls then use sections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DirectPolicy {
    /// Between processes of one user, when the probe at connect succeeds.
    SameUser,
    /// Not at all.
    Never,
}

/// Whether messages go through rings in shared memory or all through the private socket.
///
/// Shared memory is an accelerator, and a peer in a sandbox may have to do without: it is used when
/// both ends ask for it. Without it every call gives the same results, at the price of two more
/// copies and of a system call for each message. Blobs and regions then travel as bytes. Direct
/// access has nothing to do with this: [`DirectPolicy`] says whether it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accelerator {
    /// Rings in shared memory.
    On,
    /// The socket for everything.
    Off,
}

/// Whether the server can reach the client's memory, and why not.
///
/// Found out once, when the connection is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DirectAvailability {
    /// The server read what the client wanted it to read.
    Available,
    /// One of the two ends forbids it.
    Forbidden,
    /// The two ends belong to different users.
    OtherUser,
    /// The kernel does not permit it: Yama, a process that is not dumpable, a system call filter.
    NotPermitted,
    /// The client's process cannot be named from here: another pid namespace, or it is gone.
    NoSuchProcess,
    /// Something else was found at the client's address, so its process is not the one that speaks.
    OtherMemory,
    /// The read did not come back: the client's memory is of a kind that can stall its reader.
    Stalled,
    /// This system cannot do it.
    Unsupported,
}

impl DirectAvailability {
    const ALL: [(DirectAvailability, u8); 8] = [
        (DirectAvailability::Available, 0),
        (DirectAvailability::Forbidden, 1),
        (DirectAvailability::OtherUser, 2),
        (DirectAvailability::NotPermitted, 3),
        (DirectAvailability::NoSuchProcess, 4),
        (DirectAvailability::OtherMemory, 5),
        (DirectAvailability::Stalled, 6),
        (DirectAvailability::Unsupported, 7),
    ];

    pub(crate) fn code(self) -> u8 {
        let found = DirectAvailability::ALL.iter().find(|&&(availability, _)| availability == self);
        found.map_or(7, |&(_, code)| code)
    }

    pub(crate) fn from_code(code: u8) -> Option<DirectAvailability> {
        let found = DirectAvailability::ALL.iter().find(|&&(_, known)| known == code);
        found.map(|&(availability, _)| availability)
    }
}

/// A rule of one's own: it admits a peer or gives the reason why not.
type Rule = dyn Fn(&PeerIdentity, &[u8]) -> std::result::Result<(), String> + Send + Sync;

/// Who may connect to a port.
///
/// It also decides which users the port's files are open to: [`SameUser`](Admission::SameUser)
/// keeps others out before they have sent a byte.
#[derive(Clone)]
#[non_exhaustive]
pub enum Admission {
    /// Processes of the server's own user, and root.
    SameUser,
    /// Whoever can reach the port's directory.
    Anyone,
    /// Whom the rule admits. It is given the peer and the data that the peer sent along, and
    /// answers with the reason of a refusal, which the peer gets to read.
    Rule(Arc<Rule>),
}

impl Admission {
    /// Admits whom `rule` admits.
    pub fn rule(
        rule: impl Fn(&PeerIdentity, &[u8]) -> std::result::Result<(), String> + Send + Sync + 'static,
    ) -> Admission {
        Admission::Rule(Arc::new(rule))
    }

    /// Decides on `peer`; `Err` holds the reason of the refusal.
    pub(crate) fn decide(
        &self,
        peer: &PeerIdentity,
        data: &[u8],
        own_uid: u32,
    ) -> std::result::Result<(), String> {
        match self {
            Admission::SameUser if peer.uid() == own_uid || peer.uid() == 0 => Ok(()),
            Admission::SameUser => {
                Err(format!("this port is for user {own_uid} only, not for user {}", peer.uid()))
            }
            Admission::Anyone => Ok(()),
            Admission::Rule(rule) => rule(peer, data),
        }
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Admission::SameUser => "SameUser",
            Admission::Anyone => "Anyone",
            Admission::Rule(_) => "Rule",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stricter_of_two_wins_everywhere() {
        let ours = PortAttributes::new().max_message_len(4096).outstanding_requests(8);
        let theirs = PortAttributes::new()
            .outbox_len(16 * KIB)
            .outstanding_requests(16)
            .direct(DirectPolicy::Never)
            .accelerator(Accelerator::Off);
        let agreed = ours.limits.meet(&theirs.limits);
        assert_eq!(agreed, theirs.limits.meet(&ours.limits));
        assert_eq!(agreed.max_message_len, 4096);
        assert_eq!(agreed.copy_limit, 4096);
        assert_eq!(agreed.outbox_len, 16 * KIB);
        assert_eq!(agreed.outstanding_requests, 8);
        assert_eq!(agreed.direct, DirectPolicy::Never);
        assert_eq!(agreed.accelerator, Accelerator::Off);
        assert_eq!(agreed.fault(), None);
    }

    #[test]
    fn limits_out_of_range_are_the_callers_mistake() {
        PortAttributes::new().check().unwrap();
        for wrong in [
            PortAttributes::new().max_message_len(70_000),
            PortAttributes::new().max_message_len(10),
            PortAttributes::new().outbox_len(100_000),
            PortAttributes::new().outbox_len(8 * KIB),
            PortAttributes::new().copy_limit(65_536),
            PortAttributes::new().chunk_window(1),
            PortAttributes::new().max_section_total(KIB),
            PortAttributes::new().outstanding_requests(0),
            PortAttributes::new().max_depth(0),
            PortAttributes::new().max_depth(65),
        ] {
            let error = wrong.check().unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Invalid { .. }), "{wrong:?}");
        }
    }

    #[test]
    fn availability_survives_the_wire() {
        for (availability, code) in DirectAvailability::ALL {
            assert_eq!(availability.code(), code);
            assert_eq!(DirectAvailability::from_code(code), Some(availability));
        }
        assert_eq!(DirectAvailability::from_code(8), None);
    }
}
