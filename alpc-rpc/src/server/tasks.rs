//! Handlers that are futures, run by whoever serves.
//!
//! A server's completion port is its executor: a future that was woken is posted to the port, and
//! whoever takes completions next, a worker's thread or a task that serves, polls it. So the limit to
//! how many run at one time holds for futures as for functions, a rundown sees them, and no runtime
//! is needed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};

use alpc_transport::CompletionPort;

use super::serve::Begun;

/// The futures of one server. Nobody else keeps them alive: a waker may outlive the server by far.
#[derive(Default)]
pub(super) struct Tasks {
    /// Where those that were woken are posted.
    port: OnceLock<Weak<CompletionPort>>,
    all: Mutex<All>,
}

#[derive(Default)]
struct All {
    last: u64,
    tasks: HashMap<u64, Arc<Task>>,
    has_ended: bool,
}

/// One future, and whether somebody is at it.
pub(super) struct Task {
    number: u64,
    tasks: Weak<Tasks>,
    /// `None` while it is polled, and when it has ended.
    future: Mutex<Option<Begun>>,
    stage: AtomicU8,
}

/// It waits to be woken.
const WAITS: u8 = 0;
/// It is in the port's queue.
const QUEUED: u8 = 1;
/// It is polled.
const RUNS: u8 = 2;
/// It is polled, and was woken meanwhile.
const RUNS_AGAIN: u8 = 3;
/// It has ended.
const OVER: u8 = 4;

impl Tasks {
    pub(super) fn set_port(&self, port: &Arc<CompletionPort>) {
        let _first = self.port.set(Arc::downgrade(port));
    }

    /// Takes a future over, and polls it for the first time.
    pub(super) fn begin(self: &Arc<Tasks>, future: Begun) {
        let mut all = lock(&self.all);
        if all.has_ended {
            drop(all);
            // Its caller is told that nobody answers.
            drop(future);
            return;
        }
        all.last += 1;
        let task = Arc::new(Task {
            number: all.last,
            tasks: Arc::downgrade(self),
            future: Mutex::new(Some(future)),
            stage: AtomicU8::new(QUEUED),
        });
        all.tasks.insert(task.number, task.clone());
        drop(all);
        task.run();
    }

    /// Drops all futures: whoever waits for them is told that nobody answers.
    pub(super) fn end(&self) {
        let tasks = {
            let mut all = lock(&self.all);
            all.has_ended = true;
            std::mem::take(&mut all.tasks)
        };
        for task in tasks.into_values() {
            task.stage.store(OVER, Ordering::SeqCst);
            let future = lock(&task.future).take();
            drop(future);
        }
    }

    fn has_ended(&self) -> bool {
        lock(&self.all).has_ended
    }
}

impl Task {
    /// Polls the future once, and again if it is woken meanwhile: by whoever comes next, so that
    /// others have their turn.
    pub(super) fn run(self: Arc<Self>) {
        self.stage.store(RUNS, Ordering::SeqCst);
        // Not under the lock: it is the application's code.
        let Some(mut future) = lock(&self.future).take() else { return };
        let waker = Waker::from(self.clone());
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
        let tasks = self.tasks.upgrade().filter(|tasks| !tasks.has_ended());
        let (Poll::Pending, Some(tasks)) = (polled, tasks) else {
            self.stage.store(OVER, Ordering::SeqCst);
            drop(future);
            if let Some(tasks) = self.tasks.upgrade() {
                let _this = lock(&tasks.all).tasks.remove(&self.number);
            }
            return;
        };
        *lock(&self.future) = Some(future);
        if tasks.has_ended() {
            // Between the two looks; nobody else would drop it.
            let future = lock(&self.future).take();
            drop(future);
            return;
        }
        let waits = self.stage.compare_exchange(RUNS, WAITS, Ordering::SeqCst, Ordering::SeqCst);
        if waits == Err(RUNS_AGAIN) {
            self.stage.store(QUEUED, Ordering::SeqCst);
            self.queue();
        }
    }

    fn queue(self: Arc<Self>) {
        let tasks = self.tasks.upgrade();
        let port = tasks.and_then(|tasks| tasks.port.get().and_then(Weak::upgrade));
        if let Some(port) = port {
            port.post(Box::new(self));
        }
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let next = |stage| match stage {
            WAITS => Some(QUEUED),
            RUNS => Some(RUNS_AGAIN),
            _ => None,
        };
        if self.stage.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next) == Ok(WAITS) {
            self.queue();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a future to its end on this thread.
pub(crate) fn finish(mut future: Begun) {
    struct Unpark(std::thread::Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    while future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
        std::thread::park();
    }
}
