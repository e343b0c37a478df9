//! Every interleaving of the concurrency gate, by loom.
//!
//! What each model catches was tried by breaking the line: without the call of `wake` in `leave`,
//! `who_waits_for_something_lets_another_in` deadlocks; without that in `set_limit`, or without the look
//! at the state before parking, `a_higher_limit_lets_more_in` does; without that in `close`,
//! `the_end_lets_everybody_in` does; and if `enter` takes no heed of the limit,
//! `a_slot_that_is_given_back_is_taken` meets two at once.

use loom::sync::atomic::AtomicUsize;
use loom::sync::{Arc, Condvar, Mutex};

use super::*;

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
        let running = Arc::new(AtomicUsize::new(0));
        let work = |gate: &Gate, running: &AtomicUsize| {
            enter(gate);
            assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0, "one more than may");
            running.fetch_sub(1, Ordering::SeqCst);
            gate.leave();
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
        gate.leave();
        other.join().unwrap();
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
