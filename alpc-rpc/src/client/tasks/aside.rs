//! Work that blocks, on a thread of its own, and waited for in a task.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use alpc_transport::Error;

/// What the thread and the task have in common.
struct Shared<T>(Mutex<State<T>>);

enum State<T> {
    /// The thread is at work. Who is to be woken when it is done, if somebody asked.
    Underway(Option<Waker>),
    /// What has come of it. Nothing: the thread has panicked, or it was taken.
    Over(Option<T>),
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first end is the one that counts.
    fn end(&self, result: Option<T>) {
        let mut state = self.lock();
        if let State::Underway(waker) = &mut *state {
            let waker = waker.take();
            *state = State::Over(result);
            drop(state);
            waker.into_iter().for_each(Waker::wake);
        }
    }
}

/// The thread's part. Dropped in a panic, it says so.
struct AtWork<T>(Arc<Shared<T>>);

impl<T> Drop for AtWork<T> {
    fn drop(&mut self) {
        self.0.end(None);
    }
}

/// Runs `work`, which blocks for a bounded time, on a thread of its own. If the future is dropped, the
/// thread goes on to its end all the same, and what has come of it is dropped there.
///
/// # Errors
///
/// When the thread cannot be started, or panics.
pub(in crate::client) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    const DOING: &str = "run a thread that waits for a server";
    let shared = Arc::new(Shared(Mutex::new(State::Underway(None))));
    let at_work = AtWork(shared.clone());
    let thread = std::thread::Builder::new().name("alpc-connect".to_owned());
    let started = thread.spawn(move || {
        let result = work();
        at_work.0.end(Some(result));
    });
    started.map_err(|error| Error::os(DOING, error))?;
    let result = Aside { shared }.await;
    result.ok_or_else(|| Error::os(DOING, std::io::Error::other("it has panicked")))
}

/// The task's part.
struct Aside<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Future for Aside<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let waker = cx.waker().clone();
        let before = match &mut *self.shared.lock() {
            State::Underway(known) => known.replace(waker),
            State::Over(result) => return Poll::Ready(result.take()),
        };
        // A waker is foreign code, and goes when the lock is free.
        drop(before);
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::tasks::tests::block_on;

    #[test]
    fn what_a_thread_has_done_is_there_for_the_task() {
        let caller = std::thread::current().id();
        let worker = block_on(aside(|| std::thread::current().id())).unwrap();
        assert_ne!(worker, caller);
    }

    #[test]
    fn a_task_hears_of_a_thread_that_panics() {
        let error = block_on(aside(|| -> () { panic!("a panic that is meant to be here") }));
        assert!(error.is_err());
    }
}
