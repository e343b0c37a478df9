//! What has happened on one end of a channel, for those who watch over it.

use std::sync::atomic::{AtomicU64, Ordering};

/// What one end of a connection has done since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// Bells that the peer was rung: one for each time that it slept and something came, however much
    /// that was. Without shared memory there are none.
    pub bells: u64,
}

/// The counters, while they count.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) bells: AtomicU64,
}

impl Tally {
    pub(super) fn read(&self) -> Traffic {
        Traffic { bells: self.bells.load(Ordering::Relaxed) }
    }
}
