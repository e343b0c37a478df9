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
//!
//! Whoever ends the service waits here until nothing goes on. So all that may still need somebody counts:
//! those who run, those who are away in a call of their handler's, what is run by others than workers,
//! and what goes on while nobody runs, as a handler's future does or an answer that is owed. What passes
//! from one of these to another counts as the second before it ceases to count as the first.

use std::sync::PoisonError;
use std::task::Waker;

use crate::message::Deadline;
use crate::sync::{
    AtomicBool, AtomicUsize, Condvar, Mutex, MutexGuard, Ordering, Thread, fence, thread,
};

/// Counts who runs.
pub(crate) struct Gate {
    state: Mutex<State>,
    /// More run than may: whoever comes for its next completion looks at the state first. Only a
    /// hint, which saves that look otherwise.
    over: AtomicBool,
    /// Some are parked: who looks for one client's next call has others to think of.
    crowded: AtomicBool,
    /// Those who may be about to add something that is to be dealt with.
    attending: AtomicUsize,
    /// Nothing new is taken; what was taken is dealt with.
    draining: AtomicBool,
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
    parked: Vec<Parked>,
    /// The number of the last task that came.
    last_task: u64,
    /// Nobody has to wait any more: the service has ended.
    closed: bool,
}

/// Somebody who waits for a slot.
enum Parked {
    Thread(Thread),
    /// A task, by the number that this gate gave it.
    Task(u64, Waker),
}

/// Tasks to be woken once the lock is free: a waker is the application's code.
#[must_use]
struct Wakers(Vec<Waker>);

impl Wakers {
    fn wake(self) {
        self.0.into_iter().for_each(Waker::wake);
    }
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
        let state = State {
            limit,
            running: 0,
            away: 0,
            unfinished: 0,
            parked: Vec::new(),
            last_task: 0,
            closed: false,
        };
        Gate {
            state: Mutex::new(state),
            over: AtomicBool::new(false),
            crowded: AtomicBool::new(false),
            attending: AtomicUsize::new(0),
            draining: AtomicBool::new(false),
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
        state.parked.push(Parked::Thread(me.clone()));
        self.note(&state);
        drop(state);
        thread::park();
        // Whoever had a slot for this thread took it off. For any other reason it is still there.
        let mut state = self.lock();
        let is_me = |parked: &Parked| matches!(parked, Parked::Thread(it) if it.id() == me.id());
        state.parked.retain(|parked| !is_me(parked));
        self.note(&state);
    }

    /// A number for a task that will ask for slots.
    pub(crate) fn number_task(&self) -> u64 {
        let mut state = self.lock();
        state.last_task += 1;
        state.last_task
    }

    /// Takes a slot for a task, if one is free; if not, the task is woken when one may be.
    pub(crate) fn enter_or_wait(&self, task: u64, waker: &Waker) -> bool {
        let waker = waker.clone();
        let mut state = self.lock();
        let is_it = |parked: &Parked| matches!(parked, Parked::Task(it, _) if *it == task);
        let at = state.parked.iter().position(is_it);
        let before = at.map(|at| state.parked.remove(at));
        let has_slot = state.has_slot();
        match has_slot {
            true => state.running += 1,
            false => state.parked.push(Parked::Task(task, waker)),
        }
        self.note(&state);
        drop(state);
        drop(before);
        has_slot
    }

    /// A task waits no more. If a slot was meant for it, that is for somebody else.
    pub(crate) fn forget(&self, task: u64) {
        let mut state = self.lock();
        let is_it = |parked: &Parked| matches!(parked, Parked::Task(it, _) if *it == task);
        let at = state.parked.iter().position(is_it);
        let forgotten = at.map(|at| state.parked.remove(at));
        let wakers = self.wake(&mut state);
        drop(state);
        drop(forgotten);
        wakers.wake();
    }

    /// Gives a slot back.
    pub(crate) fn leave(&self) {
        let mut state = self.lock();
        state.running = state.running.saturating_sub(1);
        self.note_idle(&state);
        let wakers = self.wake(&mut state);
        drop(state);
        wakers.wake();
    }

    /// Gives a slot back for as long as a call lasts that a handler makes. The handler still counts as
    /// something to wait for.
    pub(crate) fn step_aside(&self) {
        let mut state = self.lock();
        state.away += 1;
        state.running = state.running.saturating_sub(1);
        let wakers = self.wake(&mut state);
        drop(state);
        wakers.wake();
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
        let wakers = self.wake(&mut state);
        drop(state);
        wakers.wake();
    }

    /// Lets everybody in, from now on: what they find is the end.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let wakers = self.wake(&mut state);
        drop(state);
        wakers.wake();
    }

    /// Somebody looks whether nothing new is taken any more, and may add something if not.
    ///
    /// This and [`drain`](Gate::drain) each say something before they look at what the other says, with a
    /// full fence between: so one of the two sees the other.
    pub(crate) fn begin_attending(&self) {
        self.attending.fetch_add(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// What there was is added. Whoever deals with it leaves this gate afterwards, and that is when who
    /// waits for the end looks again.
    pub(crate) fn end_attending(&self) {
        self.attending.fetch_sub(1, Ordering::Relaxed);
    }

    /// Nothing new is to be taken from now on, except by those who are about to.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Waits until nobody runs, nothing goes on by itself and nothing is left to do. `false`: the deadline
    /// has passed first.
    pub(crate) fn wait_until_idle(
        &self,
        deadline: Deadline,
        nothing_is_ready: impl Fn() -> bool,
    ) -> bool {
        // In this order: who is seen to have ended has added it by then, under the lock of what is ready.
        let nothing_is_left = || self.attending.load(Ordering::Relaxed) == 0 && nothing_is_ready();
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
    fn wake(&self, state: &mut State) -> Wakers {
        let slots = match state.closed {
            true => usize::MAX,
            false => state.limit.saturating_sub(state.running),
        };
        let awake = state.parked.len().saturating_sub(slots);
        let mut wakers = Vec::new();
        for parked in state.parked.drain(awake..).rev() {
            match parked {
                Parked::Thread(thread) => thread.unpark(),
                Parked::Task(_, waker) => wakers.push(waker),
            }
        }
        self.note(state);
        Wakers(wakers)
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

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Loom has no threads that are unparked while they wait for a lock, so it cannot be asked.
    #[test]
    fn a_thread_that_wakes_by_chance_takes_nobodys_turn() {
        let gate = Gate::new(1);
        assert!(gate.enter());
        thread::current().unpark();
        gate.park();
        assert!(!gate.is_crowded(), "it is parked no more, and nobody is to wake it");
    }
}
