//! What the workshop is at, for everybody to see.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use alpc_rpc::{Call, Deadline};

use super::Workshop;

/// The orders that are worked on, and what became of the others.
#[derive(Default)]
pub(super) struct Board {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last: u64,
    /// By when they were begun.
    at_work: BTreeMap<u64, Order>,
    done: u64,
    dropped: u64,
    most: usize,
}

/// An order that is worked on.
#[derive(Clone)]
pub(super) struct Order {
    pub(super) number: u32,
    pub(super) client: u32,
    begun: Instant,
    effort: Duration,
    deadline: Deadline,
}

impl Order {
    /// How much of the work is done, from 0 to 1.
    pub(super) fn progress(&self) -> f64 {
        (self.begun.elapsed().as_secs_f64() / self.effort.as_secs_f64().max(0.001)).min(1.0)
    }

    /// How long its customer still waits.
    pub(super) fn patience(&self) -> Duration {
        self.deadline.remaining().unwrap_or(Duration::MAX)
    }
}

/// The board as it is at one moment.
pub(super) struct Seen {
    pub(super) at_work: Vec<Order>,
    pub(super) done: u64,
    /// Begun, and left when nobody wanted it any more.
    pub(super) dropped: u64,
    /// The most that were worked on at one time since the last look.
    pub(super) most: usize,
}

impl Board {
    pub(super) fn look(&self) -> Seen {
        let mut state = self.lock();
        let at_work: Vec<Order> = state.at_work.values().cloned().collect();
        let most = std::mem::replace(&mut state.most, at_work.len());
        Seen { at_work, done: state.done, dropped: state.dropped, most }
    }

    fn begin(&self, order: Order) -> u64 {
        let mut state = self.lock();
        state.last += 1;
        let place = state.last;
        state.at_work.insert(place, order);
        state.most = state.most.max(state.at_work.len());
        place
    }

    fn end(&self, place: u64, is_dropped: bool) {
        let mut state = self.lock();
        state.at_work.remove(&place);
        match is_dropped {
            true => state.dropped += 1,
            false => state.done += 1,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The workshop's handler. The work itself is to wait, as a machine's would be, which a cancel ends.
pub(super) struct Bench(pub(super) std::sync::Arc<Board>);

impl Workshop for Bench {
    fn work(&self, cx: &Call<'_>, order: u32, effort: Duration) -> bool {
        let client = cx.peer().pid().unwrap_or(0);
        let (begun, deadline) = (Instant::now(), cx.deadline());
        let place = self.0.begin(Order { number: order, client, begun, effort, deadline });
        let is_dropped = cx.cancellation().wait(Deadline::after(effort));
        self.0.end(place, is_dropped);
        !is_dropped
    }
}
