//! How many workers run completions at one time.
//!
//! Windows' completion ports let no more threads run than a limit says, however many there are to
//! wait: a thread more than there are CPUs only makes the others slower. A worker holds a *slot* from
//! when it takes a completion until it finds no more, and a handler that is going to wait gives its
//! slot away for that time. Windows sees threads block in the kernel; we see only
//! what is said.
//!
//! Who finds no slot parks, and the last that parked is the first that is woken: its stack and its
//! data are the warmest, and the others can sleep on.

use std::sync::PoisonError;

use crate::message::Deadline;
use crate::sync::{AtomicBool, Condvar, Mutex, MutexGuard, Ordering, Thread, thread};

/// Counts who runs.
pub(crate) struct Gate {
    state: Mutex<State>,
    /// More run than may: whoever comes for its next completion looks at the state first. Only a
    /// hint, which saves that look otherwise.
    over: AtomicBool,
    /// Some are parked: who looks for one client's next call has others to think of.
    crowded: AtomicBool,
    /// Notified when nobody runs any more.
    idle: Condvar,
}

struct State {
    limit: usize,
    running: usize,
    /// Those who will go on with what they have begun, and others who run what came here.
    away: usize,
    /// Work that goes on while nobody runs.
    unfinished: usize,
    /// Those who wait for a slot, the last one last.
    parked: Vec<Thread>,
    /// Nobody has to wait any more: the service has ended.
    closed: bool,
}

impl State {
    fn has_slot(&self) -> bool {
        self.closed || self.running < self.limit
    }

    fn is_busy(&self) -> bool {
        self.running > 0 || self.away > 0 || self.unfinished > 0
    }
}

impl Gate {
    pub(crate) fn new(limit: usize) -> Gate {
        let state =
            State { limit, running: 0, away: 0, unfinished: 0, parked: Vec::new(), closed: false };
        Gate {
            state: Mutex::new(state),
            over: AtomicBool::new(false),
            crowded: AtomicBool::new(false),
            idle: Condvar::new(),
        }
    }

    /// Takes a slot, if one is free.
    pub(crate) fn enter(&self) -> bool {
        let mut state = self.lock();
        let has_slot = state.has_slot();
        if has_slot {
            state.running += 1;
        }
        has_slot
    }

    /// Waits until a slot may be free.
    pub(crate) fn park(&self) {
        let mut state = self.lock();
        if state.has_slot() {
            return;
        }
        let me = thread::current();
        state.parked.push(me.clone());
        self.note(&state);
        drop(state);
        thread::park();
        // Whoever had a slot for this thread took it off. For any other reason it is still there.
        let mut state = self.lock();
        state.parked.retain(|parked| parked.id() != me.id());
        self.note(&state);
    }

    /// Gives a slot back.
    pub(crate) fn leave(&self) {
        let mut state = self.lock();
        state.running = state.running.saturating_sub(1);
        self.note_idle(&state);
        self.wake(&mut state);
    }

    /// Gives a slot back for as long as a call lasts that a handler makes. The handler still counts as
    /// something to wait for.
    pub(crate) fn step_aside(&self) {
        let mut state = self.lock();
        state.away += 1;
        state.running = state.running.saturating_sub(1);
        self.wake(&mut state);
    }

    /// Goes on after that, whether a slot is free or not.
    pub(crate) fn step_back(&self) {
        let mut state = self.lock();
        state.away = state.away.saturating_sub(1);
        state.running += 1;
        self.note(&state);
    }

    /// Something of this gate's is run by somebody who does not count here.
    pub(crate) fn begin_elsewhere(&self) {
        self.lock().away += 1;
    }

    /// That is over.
    pub(crate) fn end_elsewhere(&self) {
        let mut state = self.lock();
        state.away = state.away.saturating_sub(1);
        self.note_idle(&state);
    }

    fn note_idle(&self, state: &State) {
        if !state.is_busy() {
            self.idle.notify_all();
        }
    }

    /// Says that something goes on while nobody runs.
    pub(crate) fn begin_unfinished(&self) {
        self.lock().unfinished += 1;
    }

    /// Says that it has ended. `true`: nothing of that kind is left.
    pub(crate) fn end_unfinished(&self) -> bool {
        let mut state = self.lock();
        state.unfinished = state.unfinished.saturating_sub(1);
        self.note_idle(&state);
        state.unfinished == 0
    }

    /// Whether something goes on while nobody runs.
    pub(crate) fn has_unfinished(&self) -> bool {
        self.lock().unfinished > 0
    }

    /// Runs `work` without counting its thread among those that run.
    pub(crate) fn blocking<T>(&self, work: impl FnOnce() -> T) -> T {
        self.leave();
        let _resumed = Resume { gate: self };
        work()
    }

    /// Takes a slot whether one is free or not: what was begun goes on.
    fn resume(&self) {
        let mut state = self.lock();
        state.running += 1;
        self.note(&state);
    }

    /// Whether a worker that holds a slot has to give it back before its next completion.
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Whether workers wait for a slot.
    pub(crate) fn is_crowded(&self) -> bool {
        self.crowded.load(Ordering::Relaxed)
    }

    pub(crate) fn limit(&self) -> usize {
        self.lock().limit
    }

    pub(crate) fn set_limit(&self, limit: usize) {
        let mut state = self.lock();
        state.limit = limit.max(1);
        self.wake(&mut state);
    }

    /// Lets everybody in, from now on: what they find is the end.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        self.wake(&mut state);
    }

    /// Waits until nobody runs and nothing is left to do. `false`: the deadline has passed first.
    pub(crate) fn wait_until_idle(
        &self,
        deadline: Deadline,
        nothing_is_left: impl Fn() -> bool,
    ) -> bool {
        let mut state = self.lock();
        while state.is_busy() || !nothing_is_left() {
            let Some(remaining) = deadline.remaining() else {
                state = self.idle.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            if remaining.is_zero() {
                return false;
            }
            let waited = self.idle.wait_timeout(state, remaining);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Wakes as many as there are slots, the last that parked first.
    fn wake(&self, state: &mut State) {
        let slots = match state.closed {
            true => usize::MAX,
            false => state.limit.saturating_sub(state.running),
        };
        let awake = state.parked.len().saturating_sub(slots);
        for parked in state.parked.drain(awake..).rev() {
            parked.unpark();
        }
        self.note(state);
    }

    fn note(&self, state: &State) {
        self.over.store(state.running > state.limit, Ordering::Relaxed);
        self.crowded.store(!state.parked.is_empty(), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the slot again, also when the work panics.
struct Resume<'a> {
    gate: &'a Gate,
}

impl Drop for Resume<'_> {
    fn drop(&mut self) {
        self.gate.resume();
    }
}

#[cfg(all(test, loom))]
mod loom_tests;
