//! Telling work that nobody waits for it any more.
//!
//! Nothing is ever stopped by force: a thread that is killed leaves its locks behind. Who works looks
//! now and then, or asks to be told. A [`Cancellation`] is one and the same thing at both ends: a
//! server has one of each call, which its client's cancel fires, and a client can give one to its
//! calls. So a handler that calls others passes its own on, and the whole chain ends at once.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll};

use crate::alarm::{Alarms, Moment};
use crate::channel::lock;
use crate::completion::listener::Listener;
use crate::message::Deadline;

/// Fires a [`Cancellation`]. Clones fire the same one; dropping it fires nothing.
#[derive(Clone, Debug)]
pub struct Canceller {
    token: Cancellation,
}

impl Canceller {
    /// One that has not fired.
    pub fn new() -> Canceller {
        Canceller { token: Cancellation::new(Deadline::NEVER, None) }
    }

    /// What it fires.
    pub fn token(&self) -> Cancellation {
        self.token.clone()
    }

    /// Fires, once and for all. Whoever asked to be told is told by this thread.
    pub fn cancel(&self) {
        self.token.fire();
    }
}

impl Default for Canceller {
    fn default() -> Self {
        Canceller::new()
    }
}

/// Says whether somebody still waits for some work. Clones say the same.
#[derive(Clone)]
pub struct Cancellation {
    /// `None`: it never fires.
    shared: Option<Arc<Shared>>,
}

pub(crate) struct Shared {
    has_fired: AtomicBool,
    /// It counts as fired from then on.
    deadline: Deadline,
    watches: std::sync::Mutex<Watches>,
    /// How it is heard of, if that is not this process's own affair.
    heard: Option<Heard>,
    moment: OnceLock<Moment>,
}

#[derive(Default)]
struct Watches {
    last: u64,
    waiting: Vec<(u64, Tell)>,
}

type Tell = Box<dyn FnOnce() + Send>;

impl Cancellation {
    /// One that never fires.
    pub const fn never() -> Cancellation {
        Cancellation { shared: None }
    }

    pub(crate) fn new(deadline: Deadline, heard: Option<Heard>) -> Cancellation {
        let shared = Shared {
            has_fired: AtomicBool::new(false),
            deadline,
            watches: std::sync::Mutex::default(),
            heard,
            moment: OnceLock::new(),
        };
        Cancellation { shared: Some(Arc::new(shared)) }
    }

    /// Whether it has fired: nobody waits any more.
    pub fn is_cancelled(&self) -> bool {
        self.shared.as_ref().is_some_and(|shared| shared.has_fired())
    }

    /// When it fires by itself.
    pub fn deadline(&self) -> Deadline {
        self.shared.as_ref().map_or(Deadline::NEVER, |shared| shared.deadline)
    }

    /// Has `tell` run when this fires, or at once if it has. It is told once, by whichever thread
    /// fires, and must not wait; dropping what is returned takes it back.
    #[must_use = "dropping it takes the wish to be told back"]
    pub fn on_cancel(&self, tell: impl FnOnce() + Send + 'static) -> CancelWatch {
        let Some(shared) = &self.shared else { return CancelWatch { of: None } };
        if let Some(number) = shared.watch(Box::new(tell)) {
            shared.set_alarm();
            return CancelWatch { of: Some((Arc::downgrade(shared), number)) };
        }
        CancelWatch { of: None }
    }

    /// Blocks until this fires, until `deadline` at most. `true`: it has fired.
    pub fn wait(&self, deadline: Deadline) -> bool {
        let me = std::thread::current();
        let _watch = self.on_cancel(move || me.unpark());
        let until = deadline.min(self.deadline());
        while !self.is_cancelled() && !until.is_past() {
            match until.remaining() {
                Some(remaining) => std::thread::park_timeout(remaining),
                None => std::thread::park(),
            }
        }
        self.is_cancelled()
    }

    /// Waits until this fires, in a task of any runtime.
    pub fn cancelled(&self) -> Cancelled {
        Cancelled { token: self.clone(), watch: None }
    }

    pub(crate) fn fire(&self) {
        if let Some(shared) = &self.shared {
            shared.fire();
        }
    }
}

impl std::fmt::Debug for Cancellation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cancellation").field("is_cancelled", &self.is_cancelled()).finish()
    }
}

impl Shared {
    fn has_fired(&self) -> bool {
        self.has_fired.load(Ordering::SeqCst) || self.deadline.is_past()
    }

    /// Keeps `tell` for later, and says under which number; runs it at once if this has fired.
    fn watch(&self, tell: Tell) -> Option<u64> {
        let mut watches = lock(&self.watches);
        // Under the lock that `fire` takes after it has said so: one of the two runs `tell`.
        if self.has_fired() {
            drop(watches);
            tell();
            return None;
        }
        watches.last += 1;
        let number = watches.last;
        watches.waiting.push((number, tell));
        Some(number)
    }

    /// Has somebody fire this when its deadline has passed.
    fn set_alarm(self: &Arc<Self>) {
        if let Some(Heard { alarms, .. }) = &self.heard
            && self.deadline != Deadline::NEVER
        {
            self.moment.get_or_init(|| alarms.set(self.deadline, Arc::downgrade(self)));
        }
    }

    pub(crate) fn fire(&self) {
        self.has_fired.store(true, Ordering::SeqCst);
        let waiting = std::mem::take(&mut lock(&self.watches).waiting);
        for (_, tell) in waiting {
            // The thread has others to tell, and more to do after that; the panic was printed.
            let _printed = catch_unwind(AssertUnwindSafe(tell));
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let (Some(heard), Some(moment)) = (&self.heard, self.moment.get()) {
            heard.alarms.forget(*moment);
        }
    }
}

/// Who listens for the end of a call that a client makes, for as long as this is there.
pub(crate) struct Heard {
    alarms: Arc<Alarms>,
    listener: Arc<Listener>,
}

impl Heard {
    pub(crate) fn new(alarms: Arc<Alarms>, listener: Arc<Listener>) -> Heard {
        listener.begin();
        Heard { alarms, listener }
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        self.listener.end();
    }
}

/// Somebody's wish to be told of a cancellation. Dropping it takes the wish back.
pub struct CancelWatch {
    of: Option<(Weak<Shared>, u64)>,
}

impl Drop for CancelWatch {
    fn drop(&mut self) {
        let Some((shared, number)) = self.of.take() else { return };
        let Some(shared) = shared.upgrade() else { return };
        let mut watches = lock(&shared.watches);
        let at = watches.waiting.iter().position(|(known, _)| *known == number);
        let taken_back = at.map(|at| watches.waiting.swap_remove(at));
        // What it holds is somebody's own, and goes when the lock is free.
        drop(watches);
        drop(taken_back);
    }
}

impl std::fmt::Debug for CancelWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CancelWatch").finish_non_exhaustive()
    }
}

/// Waits for a [`Cancellation`].
#[derive(Debug)]
pub struct Cancelled {
    token: Cancellation,
    watch: Option<CancelWatch>,
}

impl Future for Cancelled {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.token.is_cancelled() {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        // The one before goes after the new one is there, so that no moment is without.
        let watch = self.token.on_cancel(move || waker.wake());
        self.watch = Some(watch);
        if self.token.is_cancelled() { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn whoever_asked_is_told_once_and_later_askers_at_once() {
        let (canceller, (tell, told)) = (Canceller::new(), channel());
        let token = canceller.token();
        let (first, second) = (tell.clone(), tell.clone());
        let _watch = token.on_cancel(move || first.send(1).unwrap());
        drop(token.on_cancel(move || second.send(2).unwrap()));
        assert!(!token.is_cancelled());
        canceller.cancel();
        canceller.cancel();
        assert!(token.is_cancelled() && token.wait(Deadline::NEVER));
        let _none = token.on_cancel(move || tell.send(3).unwrap());
        assert_eq!(told.iter().collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn a_panic_keeps_nobody_else_from_being_told() {
        let (canceller, (tell, told)) = (Canceller::new(), channel());
        let _first = canceller.token().on_cancel(|| panic!("on purpose"));
        let _second = canceller.token().on_cancel(move || tell.send(()).unwrap());
        canceller.cancel();
        assert_eq!(told.recv(), Ok(()));
    }

    #[test]
    fn a_wait_ends_when_another_thread_cancels() {
        let canceller = Canceller::new();
        let token = canceller.token();
        let waits = std::thread::spawn(move || token.wait(Deadline::NEVER));
        canceller.cancel();
        assert!(waits.join().unwrap());
        assert!(!Cancellation::never().wait(Deadline::after(std::time::Duration::ZERO)));
    }
}
