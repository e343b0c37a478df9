//! Every interleaving of a request that is handed over, its thread, and the reply, by loom.
//!
//! What each model catches was tried by breaking the line. The order that all rests on is that of the
//! lock: who hands over, and who leaves, each do all of it under one. If `Calls::take` or
//! `Calls::abandon` does not give back what was handed over last, the request is run by nobody; and if who
//! hands over wakes the thread before it has put the request down, `loom_a_thread_that_sleeps_is_woken`
//! deadlocks. That `Calls::hand_over` looks at the stage is not needed for that, and saves a wake-up.

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread::{self, Thread};

use super::super::calls::{Calls, Met};
use super::*;

const ID: MessageId = MessageId(7);

/// A call that a thread waits for as a follower does: parked, with the lock free.
struct Waits {
    calls: Mutex<Calls<(), ()>>,
    runs: AtomicUsize,
}

impl Waits {
    fn new() -> Arc<Waits> {
        let mut calls = Calls::new();
        calls.register(ID, Waiter::Thread(std::thread::current()));
        Arc::new(Waits { calls: Mutex::new(calls), runs: AtomicUsize::new(0) })
    }

    fn run(&self) {
        self.runs.fetch_add(1, Ordering::SeqCst);
    }

    /// Hands a request over to a thread, or runs it as a worker.
    fn hand_over(&self, thread: &Thread) {
        let handed = self.calls.lock().unwrap().hand_over(ID, ()).is_ok();
        if handed {
            thread.unpark();
        } else {
            self.run();
        }
    }

    fn answer(&self, thread: &Thread) {
        assert!(matches!(self.calls.lock().unwrap().answer(ID, ()), Met::Caller(_)));
        thread.unpark();
    }

    fn next(&self) -> Came<(), ()> {
        loop {
            if let Some(came) = self.calls.lock().unwrap().take(ID) {
                return came;
            }
            thread::park();
        }
    }
}

#[test]
fn loom_a_request_is_run_once_by_whoever_has_it() {
    loom::model(|| {
        let (waits, me) = (Waits::new(), thread::current());
        let worker = {
            let (waits, me) = (waits.clone(), me.clone());
            thread::spawn(move || waits.hand_over(&me))
        };
        let server = {
            let waits = waits.clone();
            thread::spawn(move || waits.answer(&me))
        };
        loop {
            match waits.next() {
                Came::Request(()) => {
                    waits.run();
                    waits.calls.lock().unwrap().reopen(ID);
                }
                // What it has not seen the workers run.
                Came::Reply((), unseen) => {
                    unseen.into_iter().for_each(|()| waits.run());
                    break;
                }
            }
        }
        worker.join().unwrap();
        server.join().unwrap();
        assert_eq!(waits.runs.load(Ordering::SeqCst), 1);
    });
}

/// Its deadline passes: it leaves without a reply.
#[test]
fn loom_a_request_that_comes_as_its_thread_leaves_is_run_once() {
    loom::model(|| {
        let (waits, me) = (Waits::new(), thread::current());
        let worker = {
            let waits = waits.clone();
            thread::spawn(move || waits.hand_over(&me))
        };
        let (reply, unseen) = waits.calls.lock().unwrap().abandon(ID);
        assert!(reply.is_none());
        unseen.into_iter().for_each(|()| waits.run());
        worker.join().unwrap();
        assert_eq!(waits.runs.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn loom_a_thread_that_sleeps_is_woken() {
    loom::model(|| {
        let (waits, me) = (Waits::new(), thread::current());
        let worker = {
            let waits = waits.clone();
            thread::spawn(move || waits.hand_over(&me))
        };
        assert!(matches!(waits.next(), Came::Request(())));
        worker.join().unwrap();
    });
}
