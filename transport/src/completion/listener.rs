//! Who listens while every worker works.
//!
//! A call that is cancelled says so in its client's ring, and its deadline rings a timer. A worker
//! hears of either when it comes back for its next completion. If all of them run handlers that wait
//! to be told, nobody comes. So for as long as there is a call that somebody wants to hear the end
//! of, a thread listens: it runs no handler, and does nothing where a worker sleeps that can hear for
//! itself.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread::Thread;
use std::time::Duration;

use super::Shared;
use crate::channel::lock;
use crate::sys::poll;

/// How long a worker that sleeps has to hear what has happened, before this thread looks whether it
/// did.
const WORKERS_TURN: Duration = Duration::from_millis(1);

/// How long the thread keeps a port alive that nobody else has any more.
const PATIENCE: Duration = Duration::from_secs(1);

/// The calls that somebody wants to hear the end of, and the thread that listens for them.
#[derive(Default)]
pub(crate) struct Listener {
    calls: AtomicUsize,
    thread: Mutex<Option<Thread>>,
    start: OnceLock<Box<dyn Fn() -> Option<Thread> + Send + Sync>>,
}

impl Listener {
    /// One more call. The thread starts with the first of them.
    pub(crate) fn begin(&self) {
        if self.calls.fetch_add(1, Ordering::SeqCst) > 0 {
            return;
        }
        let mut thread = lock(&self.thread);
        match &*thread {
            Some(thread) => thread.unpark(),
            // Without it, what happens is heard of later.
            None => *thread = self.start.get().and_then(|start| start()),
        }
    }

    /// One less.
    pub(crate) fn end(&self) {
        self.calls.fetch_sub(1, Ordering::SeqCst);
    }

    fn has_calls(&self) -> bool {
        self.calls.load(Ordering::SeqCst) > 0
    }

    /// Says how the thread is started: it listens for `shared`, and keeps it alive only while it looks.
    pub(super) fn serve(&self, shared: &Arc<Shared>) {
        let shared = Arc::downgrade(shared);
        let start = move || {
            let shared = shared.clone();
            let thread = std::thread::Builder::new()
                .name("alpc-listener".to_owned())
                .spawn(move || while listen(&shared) {});
            thread.ok().map(|thread| thread.thread().clone())
        };
        let _first = self.start.set(Box::new(start));
    }

    /// Has the thread look again: the service has ended, or somebody listens no more.
    pub(super) fn rouse(&self) {
        if let Some(thread) = &*lock(&self.thread) {
            thread.unpark();
        }
    }
}

/// Listens once. `false`: there is nothing to listen to any more.
fn listen(shared: &Weak<Shared>) -> bool {
    let Some(shared) = shared.upgrade() else { return false };
    if shared.is_stopped() || shared.ended.load(Ordering::SeqCst) {
        return false;
    }
    if !shared.resources.listener.has_calls() || shared.lists.load(Ordering::SeqCst) > 0 {
        drop(shared);
        std::thread::park();
        return true;
    }
    if !matches!(poll::is_readable(shared.readiness.as_fd(), PATIENCE), Ok(true)) {
        return true;
    }
    if shared.pending.is_watched() {
        drop(shared);
        std::thread::park_timeout(WORKERS_TURN);
        return true;
    }
    let Ok(found) = shared.readiness.wait(Some(Duration::ZERO)) else { return false };
    shared.attend_all(found.ready);
    // A worker may have gone to sleep meanwhile, and the wake-up may have been for it.
    if found.woken || !shared.is_idle() {
        shared.wake_one();
    }
    true
}
