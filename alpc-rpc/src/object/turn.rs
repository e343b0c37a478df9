//! Turns to ask for the items of streams.
//!
//! A question waits where the items are made, and counts among its connection's outstanding requests
//! meanwhile. Streams that have nothing to give for long must leave room for calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many questions are open on a connection, in the direction of one of its ends.
#[derive(Clone, Default)]
pub(crate) struct Turns(Arc<AtomicUsize>);

/// One question, until it is dropped.
pub(crate) struct Turn(Turns);

impl Turns {
    /// A turn, if fewer than half of so many requests are questions.
    pub(crate) fn take(&self, outstanding_requests: usize) -> Option<Turn> {
        let most = (outstanding_requests / 2).max(1);
        let one_more = |open: usize| (open < most).then(|| open + 1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more).ok()?;
        Some(Turn(self.clone()))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_requests_may_be_questions_and_a_turn_comes_back() {
        let turns = Turns::default();
        let taken = [turns.take(5), turns.take(5)];
        assert!(taken.iter().all(Option::is_some));
        assert!(turns.take(5).is_none());
        drop(taken);
        assert!(turns.take(1).is_some());
    }
}
