//! Completions for one thread that has a loop of its own.
//!
//! ALPC's completion list is memory that the kernel fills and the process looks at, with an event
//! for those who would rather wait. Here the one who looks also fills: a descriptor says when it is
//! worth it, and any loop can wait for that: poll(2), epoll(7), or an async runtime's.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Completion, PARKED_PATIENCE, Worker};
use crate::error::Result;

/// The completions of a port, to be taken without waiting.
///
/// Its descriptor is readable when there may be some. It is then to be emptied, until
/// [`try_next`](CompletionList::try_next) has none: what was there before the next wait does not make
/// the descriptor readable again.
///
/// Whoever has a list takes part beside the port's workers, and does not count in
/// [`CompletionPort::set_concurrency`](super::CompletionPort::set_concurrency); nor does
/// [`CompletionPort::run_down`](super::CompletionPort::run_down) know what it is at.
pub struct CompletionList {
    worker: Worker,
}

impl CompletionList {
    pub(super) fn new(worker: Worker) -> CompletionList {
        // Others are to make the descriptor readable at any time.
        worker.shared.waiting.fetch_add(1, Ordering::SeqCst);
        worker.shared.lists.fetch_add(1, Ordering::SeqCst);
        CompletionList { worker }
    }

    /// The next completion, if there is one. Never waits.
    ///
    /// # Errors
    ///
    /// When the system cannot tell.
    pub fn try_next(&mut self) -> Result<Option<Completion>> {
        loop {
            if self.worker.shared.is_stopped() {
                return Ok(None);
            }
            if let Some(completion) = self.worker.pop_ready() {
                self.leave_to_others();
                return Ok(Some(completion));
            }
            if !self.look_around()? && self.worker.shared.is_idle() {
                return Ok(None);
            }
        }
    }

    /// Takes what is there, at most `max` completions, and puts them behind those in `completions`.
    /// Returns how many. Never waits.
    ///
    /// # Errors
    ///
    /// As [`try_next`](CompletionList::try_next).
    pub fn try_many(&mut self, completions: &mut Vec<Completion>, max: usize) -> Result<usize> {
        let mut count = 0;
        while count < max {
            let Some(completion) = self.try_next()? else { break };
            completions.push(completion);
            count += 1;
        }
        Ok(count)
    }

    /// Whether the service has ended, and no more completions will come.
    pub fn has_ended(&self) -> bool {
        let shared = &self.worker.shared;
        shared.is_stopped() || shared.ended.load(Ordering::SeqCst) && shared.is_idle()
    }

    /// When to look again even if the descriptor says nothing; `None`: never. Some of what clients
    /// send in pieces is given up when it does not go on, which nothing else would notice.
    pub fn patience(&self) -> Option<Duration> {
        let parked = self.worker.shared.resources.parked.load(Ordering::SeqCst);
        parked.then_some(PARKED_PATIENCE)
    }

    /// If workers sleep, has one of them see to the rest while this thread deals with what it has.
    fn leave_to_others(&self) {
        let shared = &self.worker.shared;
        if shared.waiting.load(Ordering::SeqCst) > 1 && !shared.is_idle() {
            shared.wake_one();
        }
    }

    /// Takes note of what has happened. `false`: nothing has.
    fn look_around(&mut self) -> Result<bool> {
        let shared = &self.worker.shared;
        let found = shared.readiness.wait(Some(Duration::ZERO))?;
        let something = found.woken || !found.ready.is_empty();
        if !something && shared.resources.parked.load(Ordering::SeqCst) {
            shared.attend_parked();
            return Ok(!shared.is_idle());
        }
        shared.attend_all(found.ready);
        Ok(something)
    }
}

impl AsFd for CompletionList {
    /// Is readable when there may be completions. Nothing but waiting is to be done with it.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.worker.shared.readiness.as_fd()
    }
}

impl Drop for CompletionList {
    fn drop(&mut self) {
        self.worker.shared.waiting.fetch_sub(1, Ordering::SeqCst);
        self.worker.shared.lists.fetch_sub(1, Ordering::SeqCst);
        self.worker.shared.resources.listener.rouse();
    }
}

impl std::fmt::Debug for CompletionList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CompletionList").finish_non_exhaustive()
    }
}
