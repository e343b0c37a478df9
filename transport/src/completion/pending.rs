//! What waits to be taken, and who is to be told when something comes.
//!
//! A completion list and the workers of a port share this. Whoever adds something looks afterwards
//! whether anybody waits, and makes the descriptor readable if so; whoever waits says so first, and then
//! looks whether anything is there. So one of the two sees the other: the lock that both take puts what
//! each did before it in order. It is modelled in loom.

use std::collections::VecDeque;
use std::sync::PoisonError;

use crate::sync::{AtomicUsize, Mutex, MutexGuard, Ordering};

/// Completions, and places where there may be more of them.
pub(super) struct Pending<R, A> {
    ready: Mutex<VecDeque<R>>,
    again: Mutex<VecDeque<A>>,
    /// Those who wait for the descriptor, or may do so at any moment.
    watchers: AtomicUsize,
}

impl<R, A> Pending<R, A> {
    pub(super) fn new() -> Pending<R, A> {
        let (ready, again) = (Mutex::new(VecDeque::new()), Mutex::new(VecDeque::new()));
        Pending { ready, again, watchers: AtomicUsize::new(0) }
    }

    /// Adds completions. Who adds them sees to it that somebody takes them, see
    /// [`is_watched`](Pending::is_watched).
    pub(super) fn add(&self, completions: impl IntoIterator<Item = R>) {
        lock(&self.ready).extend(completions);
    }

    /// Adds a place to look at, as [`add`](Pending::add) does.
    pub(super) fn add_again(&self, place: A) {
        lock(&self.again).push_back(place);
    }

    pub(super) fn take(&self) -> Option<R> {
        lock(&self.ready).pop_front()
    }

    /// Puts what is ready, at most `max` of it, behind what is in `into`.
    pub(super) fn take_more(&self, max: usize, into: &mut Vec<R>) {
        let mut ready = lock(&self.ready);
        let more = ready.len().min(max);
        into.extend(ready.drain(..more));
    }

    pub(super) fn take_again(&self) -> Option<A> {
        lock(&self.again).pop_front()
    }

    pub(super) fn nothing_is_ready(&self) -> bool {
        lock(&self.ready).is_empty()
    }

    /// Whether nothing waits to be taken, without a look at the places.
    pub(super) fn is_idle(&self) -> bool {
        self.nothing_is_ready() && lock(&self.again).is_empty()
    }

    /// Says that somebody waits from now on. What was added before is to be looked for after this.
    pub(super) fn watch(&self) {
        self.watchers.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn stop_watching(&self) {
        self.watchers.fetch_sub(1, Ordering::SeqCst);
    }

    /// How many wait. To be asked after something was added.
    pub(super) fn watchers(&self) -> usize {
        self.watchers.load(Ordering::SeqCst)
    }

    /// Whether somebody has to be told of what was added.
    pub(super) fn is_watched(&self) -> bool {
        self.watchers() > 0
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(all(test, loom))]
mod loom_tests;
