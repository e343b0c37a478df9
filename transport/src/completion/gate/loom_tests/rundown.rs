//! Every interleaving of the end of a service with what it has to wait for.
//!
//! What each model catches was tried by breaking the line.
//!
//! Who is waited for. If `is_busy` leaves out those who run or are away, or if `step_aside` or `step_back`
//! takes its two steps under two locks, `a_rundown_waits_for_who_makes_a_call` fails; if
//! `begin_elsewhere` does not count, `.._what_is_run_elsewhere`, and `.._what_was_given_back_to_the_workers`
//! if who gives it back says that it is over first; if `begin_unfinished` does not count, or only when the
//! handler's slot was given back, `.._an_answer_that_is_owed`, and `.._a_future_..` too if `has_unfinished`
//! denies it to the worker. Without their `note_idle`, `leave`, `end_elsewhere` and `end_unfinished` each
//! leave the model of the same name waiting, and with `notify_one` in its place
//! `whoever_waits_for_the_end_hears_of_it` does. `a_worker_that_stays_for_what_is_unfinished_..` deadlocks
//! if `end_unfinished` does not say that it was the last, if the worker looks before it says that it
//! sleeps, or if the sleepers are counted before the end.
//!
//! The two fences. Without that in `begin_attending`, without that in `drain`, with one weaker than `SeqCst`
//! in either place, or with one that stands before what it is to order,
//! `a_rundown_waits_for_what_is_about_to_be_taken` fails; and so it does if `wait_until_idle` looks at what
//! is ready before it looks at who attends, or at one of them alone.

use loom::sync::atomic::AtomicUsize;
use loom::sync::{Arc, Condvar, Mutex};

use super::super::super::pending::Pending;
use super::super::*;
use super::enter;

/// Work that whoever ends the service has to wait for.
#[derive(Default)]
struct Work {
    done: AtomicUsize,
    has_ended: AtomicBool,
}

impl Work {
    /// What a rundown sees of it is ordered by the gate, or by nothing.
    fn is_done(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// As `CompletionPort::shut_down`: what is dealt with from now on is dealt with in vain.
    fn end(&self) {
        self.has_ended.store(true, Ordering::SeqCst);
    }

    fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::SeqCst)
    }

    /// As `CompletionPort::run_down`.
    fn run_down(&self, gate: &Gate, nothing_is_ready: impl Fn() -> bool) {
        assert!(gate.wait_until_idle(Deadline::NEVER, nothing_is_ready));
        assert_eq!(self.done.load(Ordering::Relaxed), 1, "it has not waited");
    }
}

#[test]
fn loom_a_rundown_waits_for_who_makes_a_call() {
    loom::model(|| {
        let (gate, work) = (Arc::new(Gate::new(1)), Arc::new(Work::default()));
        enter(&gate);
        let handler = {
            let (gate, work) = (gate.clone(), work.clone());
            thread::spawn(move || {
                gate.step_aside();
                gate.step_back();
                work.is_done();
                gate.leave();
            })
        };
        work.run_down(&gate, || true);
        handler.join().unwrap();
    });
}

#[test]
fn loom_whoever_waits_for_the_end_hears_of_it() {
    loom::model(|| {
        let (gate, work) = (Arc::new(Gate::new(1)), Arc::new(Work::default()));
        enter(&gate);
        let others = {
            let (its_gate, its_work) = (gate.clone(), work.clone());
            let worker = thread::spawn(move || {
                its_work.is_done();
                its_gate.leave();
            });
            let (its_gate, its_work) = (gate.clone(), work.clone());
            [worker, thread::spawn(move || its_work.run_down(&its_gate, || true))]
        };
        work.run_down(&gate, || true);
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}

#[test]
fn loom_a_rundown_waits_for_what_is_run_elsewhere() {
    loom::model(|| {
        let (gate, work) = (Arc::new(Gate::new(1)), Arc::new(Work::default()));
        enter(&gate);
        // As `Job::new`, by a worker that hands a request over.
        gate.begin_elsewhere();
        let worker = {
            let gate = gate.clone();
            thread::spawn(move || gate.leave())
        };
        // As `Job::run`, by the thread that has it.
        let elsewhere = {
            let (gate, work) = (gate.clone(), work.clone());
            thread::spawn(move || {
                work.is_done();
                gate.end_elsewhere();
            })
        };
        work.run_down(&gate, || true);
        worker.join().unwrap();
        elsewhere.join().unwrap();
    });
}

/// A worker of a port, and what it sleeps on.
struct Port {
    gate: Gate,
    pending: Pending<(), ()>,
    work: Work,
    /// Stands for the descriptor, which a wait takes one from.
    wake_ups: Mutex<usize>,
    changed: Condvar,
}

impl Port {
    /// A port, prepared as if something had happened before the model begins.
    fn after(what: impl FnOnce(&Port)) -> Arc<Port> {
        let (gate, pending, work) = (Gate::new(1), Pending::new(), Work::default());
        let (wake_ups, changed) = (Mutex::default(), Condvar::new());
        let port = Port { gate, pending, work, wake_ups, changed };
        what(&port);
        Arc::new(port)
    }

    fn wake(&self) {
        *self.wake_ups.lock().unwrap() += 1;
        self.changed.notify_one();
    }

    fn wait(&self) {
        let mut wake_ups = self.wake_ups.lock().unwrap();
        while *wake_ups == 0 {
            wake_ups = self.changed.wait(wake_ups).unwrap();
        }
        *wake_ups -= 1;
    }

    /// As `CompletionPort::post`.
    fn post(&self) {
        self.pending.add([()]);
        if self.pending.is_watched() {
            self.wake();
        }
    }

    /// As `Drop` of `Unfinished`.
    fn finish(&self) {
        if self.gate.end_unfinished() {
            // As `Shared::wake_sleepers`.
            (0..self.pending.watchers()).for_each(|_| self.wake());
        }
    }

    /// As `Shared::may_end`, while a rundown waits.
    fn may_end(&self) -> bool {
        !self.gate.has_unfinished()
    }

    /// As `Worker::find`, for as long as it finds something or may not end.
    fn work(&self, deal_with: impl Fn(&Port)) {
        loop {
            enter(&self.gate);
            while self.pending.take().is_some() {
                deal_with(self);
            }
            self.gate.leave();
            if self.may_end() {
                return;
            }
            self.pending.watch();
            if self.pending.is_idle() && !self.may_end() {
                self.wait();
            }
            self.pending.stop_watching();
        }
    }

    /// As `CompletionPort::run_down`, before it ends the service.
    fn run_down(&self) {
        self.work.run_down(&self.gate, || self.pending.nothing_is_ready());
    }
}

/// Runs `work` on a thread of its own.
fn on_a_thread<T: 'static>(
    port: &Arc<Port>,
    work: impl FnOnce(&Port) -> T + Send + 'static,
) -> thread::JoinHandle<T> {
    let port = port.clone();
    thread::spawn(move || work(&port))
}

#[test]
fn loom_a_rundown_waits_for_what_was_given_back_to_the_workers() {
    loom::model(|| {
        let port = Port::after(|port| {
            port.gate.begin_elsewhere();
            port.pending.watch();
        });
        // As `Job::pass_on`, by a thread that has no more time for it.
        let elsewhere = on_a_thread(&port, |port| {
            port.post();
            port.gate.end_elsewhere();
        });
        let worker = on_a_thread(&port, |port| {
            port.wait();
            enter(&port.gate);
            assert!(port.pending.take().is_some());
            port.work.is_done();
            port.gate.leave();
        });
        port.run_down();
        elsewhere.join().unwrap();
        worker.join().unwrap();
    });
}

#[test]
fn loom_a_rundown_waits_for_what_is_about_to_be_taken() {
    loom::model(|| {
        let port = Port::after(|_| {});
        // As `Shared::attend`, and then as who deals with it. `true`: it has taken something, and that
        // was dealt with while the service went on.
        let worker = on_a_thread(&port, |port| {
            port.gate.begin_attending();
            let takes = !port.gate.is_draining();
            if takes {
                port.pending.add([()]);
            }
            port.gate.end_attending();
            enter(&port.gate);
            let in_time = port.pending.take().is_some() && !port.work.has_ended();
            port.gate.leave();
            in_time == takes
        });
        port.gate.drain();
        assert!(port.gate.wait_until_idle(Deadline::NEVER, || port.pending.nothing_is_ready()));
        port.work.end();
        assert!(worker.join().unwrap(), "the service ended before");
    });
}

#[test]
fn loom_a_rundown_waits_for_an_answer_that_is_owed() {
    loom::model(|| {
        let port = Port::after(|port| assert!(port.gate.enter()));
        // As `PendingReply::new`, in a handler; whoever answers has it by then.
        port.gate.begin_unfinished();
        let worker = on_a_thread(&port, |port| port.gate.leave());
        let answers = on_a_thread(&port, |port| {
            port.work.is_done();
            port.finish();
        });
        port.run_down();
        worker.join().unwrap();
        answers.join().unwrap();
    });
}

#[test]
fn loom_a_rundown_waits_for_a_future_and_its_worker_stays_for_it() {
    loom::model(|| {
        let port = Port::after(|port| port.gate.begin_unfinished());
        // As a waker of `alpc-rpc`'s: the future that was woken is a packet of the port's.
        let wakes = on_a_thread(&port, Port::post);
        let worker = on_a_thread(&port, |port| {
            port.work(|port| {
                port.work.is_done();
                port.finish();
            });
        });
        port.run_down();
        wakes.join().unwrap();
        worker.join().unwrap();
    });
}

#[test]
fn loom_a_worker_that_stays_for_what_is_unfinished_hears_of_its_end() {
    loom::model(|| {
        let port = Port::after(|port| {
            port.gate.begin_unfinished();
            port.gate.begin_unfinished();
        });
        let answers = [(); 2].map(|()| on_a_thread(&port, Port::finish));
        port.work(|_| {});
        answers.into_iter().for_each(|answers| answers.join().unwrap());
    });
}
