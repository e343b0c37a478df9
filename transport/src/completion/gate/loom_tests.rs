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
//!
//! The locks order all the rest. `is_over` and `is_crowded` are hints, which may come late.

use loom::sync::atomic::AtomicUsize;
use loom::sync::{Arc, Condvar, Mutex};

use super::super::pending::Pending;
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
