//! Every interleaving of a reply with a caller that gives up, by loom.
//!
//! What each model catches was tried by breaking the line. If `abandon` does not say that the call is
//! given up, or does not look whether the reply is there, `a_reply_and_a_cancellation_meet_once` finds a
//! reply that both or neither have; if `answer` keeps the credit of a call that is given up, the credits are
//! not what they were; if a batch's call stays when its reply has come, `a_batch_has_a_reply_or_has_cancelled` finds it again.

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;

use super::*;

const ID: MessageId = MessageId(3);

/// One call of one credit, and what has become of its reply.
struct Outcome {
    calls: Mutex<Calls<(), ()>>,
    /// The caller has it.
    taken: AtomicUsize,
    /// Nobody waits any more, and it is told as late.
    late: AtomicUsize,
    /// The server was told that nobody waits.
    cancelled: AtomicUsize,
}

impl Outcome {
    fn of(waiter: Waiter) -> Arc<Outcome> {
        let mut calls = Calls::new();
        calls.register(ID, waiter);
        assert!(!calls.has_credit(1));
        let [taken, late, cancelled] = std::array::from_fn(|_| AtomicUsize::new(0));
        Arc::new(Outcome { calls: Mutex::new(calls), taken, late, cancelled })
    }

    /// The reply comes, as `Waiting::hand_out` has it.
    fn answer(&self) {
        let mut calls = self.calls.lock().unwrap();
        if let Some(met) = calls.answer_batched(ID) {
            let count = if met.is_some() { &self.taken } else { &self.late };
            count.fetch_add(1, Ordering::SeqCst);
            return;
        }
        match calls.answer(ID, ()) {
            // It lies with the call until the caller looks.
            Met::Caller(_) => {}
            Met::Nobody(()) => drop(self.late.fetch_add(1, Ordering::SeqCst)),
            Met::NoCall => panic!("the call is there until it is answered"),
        }
    }

    /// The caller's deadline passes, as in `Call::wait_for_reply`.
    fn give_up(&self) {
        match self.calls.lock().unwrap().abandon(ID) {
            (Some(()), _) => drop(self.taken.fetch_add(1, Ordering::SeqCst)),
            (None, _) => drop(self.cancelled.fetch_add(1, Ordering::SeqCst)),
        }
    }

    fn counts(&self) -> [usize; 3] {
        [&self.taken, &self.late, &self.cancelled].map(|count| count.load(Ordering::SeqCst))
    }

    fn is_over(&self) {
        let mut calls = self.calls.lock().unwrap();
        assert!(calls.has_credit(1) && calls.outstanding == 0 && calls.by_id.is_empty());
        assert!(calls.batched.is_empty());
        assert!(matches!(calls.answer(ID, ()), Met::NoCall), "a second reply is found out");
    }
}

#[test]
fn loom_a_reply_and_a_cancellation_meet_once() {
    loom::model(|| {
        let outcome = Outcome::of(Waiter::Thread(std::thread::current()));
        let server = {
            let outcome = outcome.clone();
            thread::spawn(move || outcome.answer())
        };
        outcome.give_up();
        server.join().unwrap();
        // Taken, or cancelled and late: never both, never neither.
        assert!(matches!(outcome.counts(), [1, 0, 0] | [0, 1, 1]), "{:?}", outcome.counts());
        outcome.is_over();
    });
}

#[test]
fn loom_a_batch_has_a_reply_or_has_cancelled() {
    loom::model(|| {
        let outcome = Outcome::of(Waiter::Batch(BatchSlot { batch: 0, slot: 0 }));
        let server = {
            let outcome = outcome.clone();
            thread::spawn(move || outcome.answer())
        };
        outcome.give_up();
        server.join().unwrap();
        // A batch that gives up in the moment in which its reply comes tells the server all the same,
        // and finds the reply among those that it has not taken.
        assert!(matches!(outcome.counts(), [1, 0, 1] | [0, 1, 1]), "{:?}", outcome.counts());
        outcome.is_over();
    });
}

#[test]
fn loom_a_credit_comes_back_once() {
    loom::model(|| {
        let outcome = Outcome::of(Waiter::Thread(std::thread::current()));
        let server = {
            let outcome = outcome.clone();
            thread::spawn(move || outcome.answer())
        };
        // Another call of the same port takes the credit when it is free.
        let next = {
            let outcome = outcome.clone();
            thread::spawn(move || {
                let mut calls = outcome.calls.lock().unwrap();
                let has_credit = calls.has_credit(1);
                if has_credit {
                    calls.register(MessageId(4), Waiter::Thread(std::thread::current()));
                }
                has_credit
            })
        };
        outcome.give_up();
        server.join().unwrap();
        if next.join().unwrap() {
            let mut calls = outcome.calls.lock().unwrap();
            assert!(!calls.has_credit(1));
            calls.forget(MessageId(4));
        }
        outcome.is_over();
    });
}
