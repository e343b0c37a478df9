//! News from a thread of the server's own, for executors that watch no descriptors.
//!
//! It starts with the first task that waits, sleeps on the port's descriptor for all of them, and
//! wakes them; it runs nothing of the server's.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::Thread;

use alpc_transport::{CompletionBell, Error};

use super::News;

/// The thread, and who waits for it to say something.
#[derive(Default)]
pub(in crate::server) struct Driver {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last: u64,
    waiting: Vec<(u64, Waker)>,
    /// Those who were woken and have not looked yet.
    told: Vec<u64>,
    thread: Option<Thread>,
    has_ended: bool,
}

impl Driver {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(self: &Arc<Driver>, bell: CompletionBell) -> Result<(), Error> {
        let mut state = self.lock();
        if state.thread.is_some() {
            return Ok(());
        }
        let driver = self.clone();
        let thread = std::thread::Builder::new()
            .name("alpc-driver".to_owned())
            .spawn(move || driver.run(&bell))
            .map_err(|error| Error::os("start a thread that watches for clients", error))?;
        state.thread = Some(thread.thread().clone());
        Ok(())
    }

    fn run(&self, bell: &CompletionBell) {
        loop {
            let state = self.lock();
            if state.has_ended {
                drop(state);
                self.tell();
                return;
            }
            let is_wanted = !state.waiting.is_empty();
            drop(state);
            if !is_wanted {
                std::thread::park();
                continue;
            }
            // An error is the system's, which cannot wait any more: the tasks meet it, too.
            let _met_by_tasks = bell.wait();
            self.tell();
        }
    }

    fn tell(&self) {
        let mut state = self.lock();
        let waiting = std::mem::take(&mut state.waiting);
        state.told.extend(waiting.iter().map(|(number, _)| *number));
        // Wakers are the application's, and are used under no lock.
        drop(state);
        waiting.into_iter().for_each(|(_, waker)| waker.wake());
    }

    /// Ends the thread, once the port has ended: that makes its descriptor readable.
    pub(in crate::server) fn end(&self) {
        let mut state = self.lock();
        state.has_ended = true;
        if let Some(thread) = &state.thread {
            thread.unpark();
        }
    }
}

/// One task's part in it.
pub(super) struct Told {
    driver: Arc<Driver>,
    number: u64,
}

impl Told {
    pub(super) fn new(driver: Arc<Driver>, bell: CompletionBell) -> Result<Told, Error> {
        driver.start(bell)?;
        let mut state = driver.lock();
        state.last += 1;
        let number = state.last;
        drop(state);
        Ok(Told { driver, number })
    }
}

impl News for Told {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let waker = cx.waker().clone();
        let mut state = self.driver.lock();
        let told = state.told.iter().position(|number| *number == self.number);
        if let Some(at) = told {
            state.told.swap_remove(at);
        }
        if told.is_some() || state.has_ended {
            return Poll::Ready(Ok(()));
        }
        let known = state.waiting.iter_mut().find(|(number, _)| *number == self.number);
        let before = match known {
            Some((_, known)) => Some(std::mem::replace(known, waker)),
            None => {
                state.waiting.push((self.number, waker));
                None
            }
        };
        if let Some(thread) = &state.thread {
            thread.unpark();
        }
        drop(state);
        drop(before);
        Poll::Pending
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        let mut state = self.driver.lock();
        state.told.retain(|number| *number != self.number);
        let at = state.waiting.iter().position(|(number, _)| *number == self.number);
        let forgotten = at.map(|at| state.waiting.swap_remove(at));
        drop(state);
        drop(forgotten);
    }
}
