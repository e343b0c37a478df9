//! What has happened on one end of a channel, for those who watch over it.

use std::sync::atomic::{AtomicU64, Ordering};

/// What one end of a connection has done since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// Bells that the peer was rung: one for each time that it slept and something came, however much
    /// that was. Without shared memory there are none.
    pub bells: u64,
    /// Datagrams of this end that were dropped, because others came for which there was no room either:
    /// see [`Overflow::DropOldest`](crate::Overflow::DropOldest).
    pub dropped: u64,
    /// Bytes of messages of this end that wait in its memory for the peer to make room: replies, at
    /// most as many as requests may be outstanding, and datagrams.
    pub kept: u64,
}

/// The counters, while they count.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) bells: AtomicU64,
    pub(super) dropped: AtomicU64,
}

impl Tally {
    pub(super) fn read(&self, kept: u64) -> Traffic {
        let (bells, dropped) = (&self.bells, &self.dropped);
        let [bells, dropped] = [bells, dropped].map(|count| count.load(Ordering::Relaxed));
        Traffic { bells, dropped, kept }
    }
}
