//! The workers that look at one client's ring for its next messages.
//!
//! Another worker that hears a bell of that client, rung before the client knew, leaves the ring to them:
//! if it took a turn, the one who looks would find its work taken away and go back to the bell, and the
//! client would ring for the next message, and so on for as long as messages come.
//!
//! Nothing is lost by that. Who hears a bell asks afterwards whether anybody looks; who looks no more
//! says so, and then has one more look. Both go by the lock of what comes in, to read the bell and to
//! look, so whoever is second there sees what the first one did. It is modelled in loom.

use crate::sync::{AtomicUsize, Ordering};

/// How many there are.
pub(crate) struct Lookers(AtomicUsize);

impl Lookers {
    pub(crate) fn none() -> Lookers {
        Lookers(AtomicUsize::new(0))
    }

    /// A worker looks from now on.
    pub(crate) fn begin(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// It looks no more: what was left to it, it has to look for after this.
    pub(crate) fn end(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    /// Whether some worker finds what a bell was rung for. To be asked after the bell was heard.
    pub(crate) fn are_any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

#[cfg(all(test, loom))]
mod loom_tests;
