//! The end of a channel: what still goes out before it, and what it brings about.

use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::{Channel, lock};
use crate::error::{Error, Misbehaviour, Result};
use crate::message::Deadline;
use crate::sys::poll::{self, Awaited, Woken};

/// How often a peer is looked at that is to take the last messages. It may take this end for awake,
/// and ring for none of them.
const LOOK: Duration = Duration::from_millis(10);

impl Channel {
    /// Why the channel is closed, if it is.
    pub(crate) fn closed(&self) -> Option<&Error> {
        self.closed.get()
    }

    pub(crate) fn check_open(&self) -> Result<()> {
        self.closed().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// Closes the channel, and the other one of its connection. The first reason stays.
    pub(crate) fn close(&self, why: Error) {
        if self.closed.set(why.clone()).is_err() {
            return;
        }
        // The peer sees the end of the channel at once; nothing is lost if it is gone already. So does
        // whoever of this process waits for it.
        let _gone = rustix::net::shutdown(&self.socket, rustix::net::Shutdown::Both);
        // Whoever ties sees that this is closed, or this sees what was tied.
        fence(Ordering::SeqCst);
        if let Some(twin) = self.twin.get().and_then(Weak::upgrade) {
            twin.close(why);
        }
    }

    /// Has this channel and `other`, the second of its connection, end together. `false`: there is one
    /// already.
    pub(crate) fn tie(self: &Arc<Channel>, other: &Arc<Channel>) -> bool {
        let is_first = self.twin.set(Arc::downgrade(other)).is_ok()
            && other.twin.set(Arc::downgrade(self)).is_ok();
        if is_first {
            fence(Ordering::SeqCst);
            if let Some(why) = self.closed() {
                other.close(why.clone());
            }
        }
        is_first
    }

    /// Closes the channel because of what the peer did.
    pub(crate) fn poison(&self, offence: Misbehaviour) -> Error {
        self.close(Error::misbehaved("use a channel", offence));
        self.closed().cloned().unwrap_or_else(|| Error::misbehaved("use a channel", offence))
    }

    /// Lets the peer take what was sent to it and has found no room yet, until a moment at most.
    pub(crate) fn finish(&self, until: Deadline) {
        while self.closed().is_none() && self.is_unfinished() && !until.is_past() {
            let process = self.peer.process.fd();
            let socket = (self.socket(), Awaited::ArrivalOrRoom);
            let socket = if self.has_unsent() { socket } else { (socket.0, Awaited::Arrival) };
            let wait = until.remaining().map_or(LOOK, |remaining| remaining.min(LOOK));
            // There is no bell to wait for: the process is named twice.
            let woken = poll::wait_for_peer_or(process, socket, process, Some(wait));
            if !matches!(woken, Ok(Woken::Socket | Woken::TimedOut)) {
                return;
            }
            if self.drain_socket().and_then(|()| self.flush_backlog()).is_err() {
                return;
            }
        }
    }

    fn is_unfinished(&self) -> bool {
        self.has_unsent() || !lock(&self.outbound).backlog.is_empty()
    }
}
