//! Every interleaving of the concurrency gate, by loom.
//!
//! What each model catches was tried by breaking the line.
//!
//! Who gets in. Without the call of `wake` in `leave`, `who_waits_for_something_lets_another_in`
//! deadlocks; without that in `set_limit`, or without the look at the state before parking,
//! `a_higher_limit_lets_more_in` does; without that in `close`, `the_end_lets_everybody_in` does. If `enter`
//! takes no heed of the limit, `a_slot_that_is_given_back_is_taken` meets two at once, and so do the two
//! models of a task beside a thread if `enter_or_wait` does not. If that leaves no waker, or if the wakers
//! are not woken, `a_task_that_waits_for_a_slot_is_woken` deadlocks; if it leaves a second one,
//! `a_task_that_is_polled_again_waits_once` does; and if `forget` leaves the waker there, or does not
//! pass the turn on, `the_slot_of_a_task_that_is_dropped_is_anothers` does. Without the `wake` in
//! `step_aside` or the `note` in `step_back`, `who_makes_a_call_lets_another_in_..` fails, and if `resume`
//! does not count, `who_waits_for_something_lets_another_in`.
//!
//! Who is waited for when the service ends stands in `rundown`.
//!
//! The locks order all the rest. `is_over` and `is_crowded` are hints, which may come late.

use loom::sync::atomic::AtomicUsize;
use loom::sync::{Arc, Condvar, Mutex};

use super::*;

mod rundown;

/// Comes in as a worker does.
fn enter(gate: &Gate) {
    while !gate.enter() {
        gate.park();
    }
}

/// Something that one thread waits for until another has done it.
#[derive(Default)]
struct Signal {
    is_given: Mutex<bool>,
    given: Condvar,
}

impl Signal {
    fn give(&self) {
        *self.is_given.lock().unwrap() = true;
        self.given.notify_all();
    }

    fn wait(&self) {
        let mut is_given = self.is_given.lock().unwrap();
        while !*is_given {
            is_given = self.given.wait(is_given).unwrap();
        }
    }
}

#[test]
fn loom_a_slot_that_is_given_back_is_taken() {
    loom::model(|| {
        let gate = Arc::new(Gate::new(1));
        let running = Arc::new(Running::default());
        let work = |gate: &Gate, running: &Running| {
            enter(gate);
            running.begin();
            running.end(gate);
        };
        let other = {
            let (gate, running) = (gate.clone(), running.clone());
            thread::spawn(move || work(&gate, &running))
        };
        work(&gate, &running);
        other.join().unwrap();
    });
}

#[test]
fn loom_who_waits_for_something_lets_another_in() {
    loom::model(|| {
        let gate = Arc::new(Gate::new(1));
        let signal = Arc::new(Signal::default());
        let other = {
            let (gate, signal) = (gate.clone(), signal.clone());
            thread::spawn(move || {
                enter(&gate);
                signal.give();
                gate.leave();
            })
        };
        enter(&gate);
        gate.leave();
        signal.wait();
        gate.resume();
        other.join().unwrap();
        assert!(!gate.enter(), "who has come back counts again");
        gate.leave();
    });
}

#[test]
fn loom_a_higher_limit_lets_more_in() {
    loom::model(|| {
        let gate = Arc::new(Gate::new(1));
        let signal = Arc::new(Signal::default());
        enter(&gate);
        let other = {
            let (gate, signal) = (gate.clone(), signal.clone());
            thread::spawn(move || {
                enter(&gate);
                signal.give();
                gate.leave();
            })
        };
        gate.set_limit(2);
        signal.wait();
        gate.leave();
        other.join().unwrap();
    });
}

#[test]
fn loom_the_end_lets_everybody_in() {
    loom::model(|| {
        let gate = Arc::new(Gate::new(1));
        enter(&gate);
        let other = {
            let gate = gate.clone();
            thread::spawn(move || enter(&gate))
        };
        gate.close();
        other.join().unwrap();
    });
}

/// A waker that a thread waits for, as an executor does.
impl std::task::Wake for Signal {
    fn wake(self: std::sync::Arc<Self>) {
        self.give();
    }
}

#[test]
fn loom_who_makes_a_call_lets_another_in_and_is_seen_to_be_one_too_many() {
    loom::model(|| {
        let gate = Arc::new(Gate::new(1));
        let (is_in, go_on) = (Arc::new(Signal::default()), Arc::new(Signal::default()));
        enter(&gate);
        let other = {
            let (gate, is_in, go_on) = (gate.clone(), is_in.clone(), go_on.clone());
            thread::spawn(move || {
                enter(&gate);
                is_in.give();
                go_on.wait();
                gate.leave();
            })
        };
        gate.step_aside();
        is_in.wait();
        gate.step_back();
        assert!(gate.is_over(), "the other gives its slot back before its next completion");
        go_on.give();
        gate.leave();
        other.join().unwrap();
        assert!(!gate.is_over());
    });
}

#[test]
fn loom_a_task_that_waits_for_a_slot_is_woken() {
    loom::model(|| {
        let gate = Arc::new(Gate::new(1));
        enter(&gate);
        let task = {
            let gate = gate.clone();
            thread::spawn(move || {
                let task = gate.number_task();
                loop {
                    let woken = std::sync::Arc::new(Signal::default());
                    if gate.enter_or_wait(task, &Waker::from(woken.clone())) {
                        break;
                    }
                    woken.wait();
                }
                gate.leave();
            })
        };
        gate.leave();
        task.join().unwrap();
    });
}

/// Those who run, of whom there is one at a time.
#[derive(Default)]
struct Running(AtomicUsize);

impl Running {
    fn begin(&self) {
        assert_eq!(self.0.fetch_add(1, Ordering::SeqCst), 0, "one more than may");
    }

    /// Gives the slot back.
    fn end(&self, gate: &Gate) {
        self.0.fetch_sub(1, Ordering::SeqCst);
        gate.leave();
    }
}

/// A thread that waits for a slot beside a task, and what the task does once it was told to wait. `true`:
/// it has got a slot then.
fn beside_a_thread(then: impl Fn(&Gate, u64) -> bool + Sync + Send + Copy + 'static) {
    loom::model(move || {
        let gate = Arc::new(Gate::new(1));
        let running = Arc::new(Running::default());
        enter(&gate);
        running.begin();
        let other = {
            let (gate, running) = (gate.clone(), running.clone());
            thread::spawn(move || {
                enter(&gate);
                running.begin();
                running.end(&gate);
            })
        };
        let task = {
            let (gate, running) = (gate.clone(), running.clone());
            thread::spawn(move || {
                let task = gate.number_task();
                if gate.enter_or_wait(task, Waker::noop()) || then(&gate, task) {
                    running.begin();
                    running.end(&gate);
                }
            })
        };
        running.end(&gate);
        task.join().unwrap();
        other.join().unwrap();
    });
}

#[test]
fn loom_the_slot_of_a_task_that_is_dropped_is_anothers() {
    beside_a_thread(|gate, task| {
        gate.forget(task);
        false
    });
}

#[test]
fn loom_a_task_that_is_polled_again_waits_once() {
    beside_a_thread(|gate, task| {
        loop {
            let woken = std::sync::Arc::new(Signal::default());
            if gate.enter_or_wait(task, &Waker::from(woken.clone())) {
                return true;
            }
            woken.wait();
        }
    });
}
