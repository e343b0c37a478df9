//! What became of the calls that nobody waited for, counted for those who look after a server.

use std::sync::atomic::{AtomicU64, Ordering};

/// Calls that came to nothing, by how. They only grow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counts {
    /// Calls that their callers gave up while they were unanswered, begun or not.
    pub cancelled: u64,
    /// Of those, the ones that had not been begun, and were not.
    pub not_begun: u64,
    /// Calls that were not begun because their deadline had passed.
    pub expired: u64,
    /// Answers to calls that had been given up: their callers threw them away.
    pub late: u64,
    /// Calls that the server dropped without an answer of its own.
    pub unanswered: u64,
}

#[derive(Default)]
pub(crate) struct Counters {
    cancelled: AtomicU64,
    not_begun: AtomicU64,
    expired: AtomicU64,
    late: AtomicU64,
    unanswered: AtomicU64,
}

impl Counters {
    pub(super) fn cancelled(&self) {
        self.cancelled.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn given_up(&self) {
        self.not_begun.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn expired(&self) {
        self.expired.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn late(&self) {
        self.late.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn unanswered(&self) {
        self.unanswered.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            cancelled: read(&self.cancelled),
            not_begun: read(&self.not_begun),
            expired: read(&self.expired),
            late: read(&self.late),
            unanswered: read(&self.unanswered),
        }
    }
}
