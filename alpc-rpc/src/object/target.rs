//! What a client calls: an object on the other side of a connection.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use alpc_transport::CommunicationPort;

use super::{Link, Release};

/// The number of what a connection was made for: the interface that its server serves.
pub(crate) const ROOT: u64 = 0;

/// An object on the other side. All clones of one client share it, and when the last of them is gone
/// the other side is told.
pub(crate) struct Target {
    link: Arc<Link>,
    port: CommunicationPort,
    object: u64,
    /// Messages that were sent to it, or referred to it, and have no answer that says that they
    /// were taken up.
    unanswered: AtomicU64,
}

impl Target {
    pub(crate) fn new(link: Arc<Link>, port: CommunicationPort, object: u64) -> Target {
        Target { link, port, object, unanswered: AtomicU64::new(0) }
    }

    /// The connection.
    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// The way to the other side.
    pub(crate) fn port(&self) -> &CommunicationPort {
        &self.port
    }

    pub(crate) fn object(&self) -> u64 {
        self.object
    }

    /// Counts a message without an answer that was sent, and that the object must wait for.
    pub(crate) fn count_unanswered(&self) {
        self.unanswered.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if self.object != ROOT {
            let unanswered = *self.unanswered.get_mut();
            self.link.release(&self.port, Release { object: self.object, unanswered });
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("object", &self.object).field("port", &self.port).finish()
    }
}
