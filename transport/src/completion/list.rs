//! Completions for one thread that has a loop of its own.
//!
//! ALPC's completion list is memory that the kernel fills and the process looks at, with an event
//! for those who would rather wait. Here the one who looks also fills: a descriptor says when it is
//! worth it, and any loop can wait for that: poll(2), epoll(7), or an async runtime's.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::Weak;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Duration;

use super::{Completion, PARKED_PATIENCE, Worker};
use crate::error::{Error, Result};
use crate::message::Deadline;
use crate::sys::poll;

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
    /// What the gate calls it, once it has asked for a slot.
    task: Option<u64>,
    holds_slot: bool,
    /// When the port looks again at what is parked.
    alarm: Option<Deadline>,
}

impl CompletionList {
    pub(super) fn new(worker: Worker) -> CompletionList {
        // Others are to make the descriptor readable at any time.
        worker.shared.pending.watch();
        worker.shared.lists.fetch_add(1, Ordering::SeqCst);
        CompletionList { worker, task: None, holds_slot: false, alarm: None }
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

    /// Takes part in the limit of [`CompletionPort::set_concurrency`](super::CompletionPort::set_concurrency) from
    /// here to [`leave`](CompletionList::leave): to be asked by a task before it takes completions,
    /// and waited for.
    pub fn poll_enter(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let gate = &self.worker.shared.resources.gate;
        if !self.holds_slot {
            let task = *self.task.get_or_insert_with(|| gate.number_task());
            self.holds_slot = gate.enter_or_wait(task, cx.waker());
        }
        if self.holds_slot { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Ends what [`poll_enter`](CompletionList::poll_enter) began. From here on the descriptor tells also of what
    /// [`patience`](CompletionList::patience) is about.
    pub fn leave(&mut self) {
        if let Some(patience) = self.patience()
            && self.alarm.is_none_or(Deadline::is_past)
        {
            let next = Deadline::after(patience);
            // It wakes, and that is all.
            self.worker.shared.resources.alarms.set(next, Weak::new());
            self.alarm = Some(next);
        }
        if std::mem::take(&mut self.holds_slot) {
            self.worker.shared.resources.gate.leave();
        }
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
        if shared.pending.watchers() > 1 && !shared.is_idle() {
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
        self.leave();
        if let Some(task) = self.task {
            self.worker.shared.resources.gate.forget(task);
        }
        self.worker.shared.pending.stop_watching();
        self.worker.shared.lists.fetch_sub(1, Ordering::SeqCst);
        self.worker.shared.resources.listener.rouse();
    }
}

/// Says when completions may have come, to whoever waits for that in the place of a list's owner.
#[derive(Debug)]
pub struct CompletionBell(OwnedFd);

impl CompletionBell {
    pub(super) fn new(fd: BorrowedFd<'_>) -> Result<CompletionBell> {
        let own = fd.try_clone_to_owned();
        own.map(CompletionBell).map_err(|error| Error::os("watch a completion port", error))
    }

    /// Waits until there may be completions, or the service has ended.
    ///
    /// # Errors
    ///
    /// When the system cannot wait.
    pub fn wait(&self) -> Result<()> {
        poll::wait_until_readable(self.0.as_fd())
    }
}

impl AsFd for CompletionBell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for CompletionBell {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl std::fmt::Debug for CompletionList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CompletionList").finish_non_exhaustive()
    }
}
