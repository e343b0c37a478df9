//! A worker: one thread's part in a completion port.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::replies::Together;
use super::{Completion, PARKED_PATIENCE, Replies, STREAK, Shared};
use crate::error::{Error, Result};
use crate::port::serving::{IncomingCall, Reply, ServerPort};
use crate::spin::Spin;
use crate::sys::cpu;

/// One thread's part in a completion port.
pub struct Worker {
    pub(super) shared: Arc<Shared>,
    spin: Spin,
    /// The client that was answered last, whose next call may come at once.
    hot: Option<Arc<ServerPort>>,
    /// Whether that client was told that its bell is not needed.
    looks: bool,
    /// The client whose datagrams were taken last: more of them may come at once, too.
    warm: Option<Arc<ServerPort>>,
    /// Calls that were found by looking, one after the other.
    streak: u32,
    /// Whether this worker counts as one that runs.
    holds_slot: bool,
    /// Memory for what is taken one by one.
    taken: Vec<Completion>,
    /// Memory for what is answered together.
    pub(super) together: Together,
}

impl Worker {
    pub(super) fn new(shared: Arc<Shared>) -> Worker {
        let spin = Spin::for_messages();
        Worker {
            shared,
            spin,
            hot: None,
            looks: false,
            warm: None,
            streak: 0,
            holds_slot: false,
            taken: Vec::new(),
            together: Together::default(),
        }
    }

    /// Waits for the next completion. `None`: the service has ended.
    ///
    /// # Errors
    ///
    /// When the system cannot wait.
    #[expect(clippy::should_implement_trait, reason = "it fails, and waits")]
    pub fn next(&mut self) -> Result<Option<Completion>> {
        let mut taken = std::mem::take(&mut self.taken);
        let found = self.find(1, &mut taken);
        let next = taken.pop();
        // Its memory serves again.
        self.taken = taken;
        found.map(|()| next)
    }

    /// Waits for the next completion, and takes with it what else is there: at most `max` of them,
    /// which are put behind those in `completions`. Returns how many; 0: the service has ended.
    ///
    /// What one worker has taken no other can deal with meanwhile, and the client that it looks at is not
    /// looked at before this is called again. To be used where completions take next to no time each;
    /// [`replies`](Worker::replies) sends the answers together.
    ///
    /// # Errors
    ///
    /// As [`next`](Worker::next).
    pub fn next_many(&mut self, completions: &mut Vec<Completion>, max: usize) -> Result<usize> {
        let before = completions.len();
        self.find(max.max(1), completions)?;
        Ok(completions.len() - before)
    }

    /// Waits for completions, and puts at most `max` of them behind those in `into`; none when the
    /// service has ended.
    fn find(&mut self, max: usize, into: &mut Vec<Completion>) -> Result<()> {
        loop {
            if self.shared.is_stopped() {
                self.rest();
                return Ok(());
            }
            if !self.has_slot() {
                self.shared.resources.gate.park();
                continue;
            }
            if self.streak >= STREAK {
                self.streak = 0;
                self.attend_others()?;
            }
            // What was taken is served first: a client's messages keep their order.
            if !self.shared.is_idle() {
                self.cool_down();
                if self.take_ready(max, into) {
                    return Ok(());
                }
            }
            self.warm_up();
            if self.look(max, into) {
                return Ok(());
            }
            self.rest();
            if self.shared.may_end() {
                return Ok(());
            }
            self.sleep()?;
        }
    }

    /// Answers that go out together: see [`Replies`].
    pub fn replies(&mut self) -> Replies<'_> {
        Replies::new(self)
    }

    /// Whether this worker may deal with completions at this moment.
    fn has_slot(&mut self) -> bool {
        if self.holds_slot && self.shared.resources.gate.is_over() {
            self.rest();
        }
        self.holds_slot = self.holds_slot || self.shared.resources.gate.enter();
        self.holds_slot
    }

    /// Gives the slot back, and the hot client to its bell.
    fn rest(&mut self) {
        self.cool_down();
        if std::mem::take(&mut self.holds_slot) {
            self.shared.resources.gate.leave();
        }
    }

    /// Answers a call, and looks for the same client's next one in the following `next`.
    ///
    /// # Errors
    ///
    /// As [`IncomingCall::reply`].
    pub fn reply(
        &mut self,
        call: IncomingCall,
        reply: Reply,
    ) -> std::result::Result<(), (Error, Option<IncomingCall>)> {
        let port = call.port().clone();
        self.cool_down();
        let is_small = reply.outs.is_empty() && reply.results.is_empty();
        if is_small {
            // Before the reply: the client sees both at once, and rings no bell for its next call.
            self.heat_up(&port);
            return call.reply(reply);
        }
        // Bulk data takes a while to leave, and nobody would look at the ring meanwhile.
        let replied = call.reply(reply);
        self.heat_up(&port);
        replied
    }

    /// Tells a client that this worker looks for its next call, if that is worth it.
    pub(super) fn heat_up(&mut self, port: &Arc<ServerPort>) {
        // What is parked needs the client's bell, and a mirror shows nothing by itself.
        let can_look = !port.channel.has_parked() && !port.channel.is_mirrored();
        if can_look && self.may_look() {
            port.lookers.begin();
            port.channel.own.set_cpu(cpu::current());
            port.channel.own.set_awake();
            self.looks = true;
            self.hot = Some(port.clone());
        }
    }

    /// Whether looking is worth it, and no more workers look already than may.
    fn may_look(&mut self) -> bool {
        if self.shared.resources.gate.is_crowded() || !self.spin.will_look() {
            return false;
        }
        let looking = self.shared.looking.fetch_add(1, Ordering::Relaxed);
        if looking < self.shared.max_looking {
            return true;
        }
        self.shared.looking.fetch_sub(1, Ordering::Relaxed);
        false
    }

    /// Looks for the hot client's next calls. `true`: there were some.
    fn look(&mut self, max: usize, into: &mut Vec<Completion>) -> bool {
        let Some(port) = self.hot.clone() else { return false };
        let shared = self.shared.clone();
        let channel = &port.channel;
        let before = into.len();
        let may_go_on =
            || !shared.is_stopped() && !channel.has_parked() && !shared.resources.gate.is_crowded();
        let found = self.spin.look(
            || channel.theirs.cpu(),
            || {
                match port.take_messages(max, into) {
                    Ok(took) if took.is_nothing() && may_go_on() => None,
                    // Whatever happened, it is not for this loop to deal with.
                    _ => Some(()),
                }
            },
        );
        let taken = into.len() - before;
        let datagram = matches!(into.last(), Some(Completion::Call(call)) if !call.wants_reply());
        // Who takes many comes back soon. Who takes one may be gone for long, and has the client ring.
        let comes_back = taken > 0 && max > 1 && !channel.has_parked();
        if !comes_back {
            self.cool_down();
        }
        match found {
            _ if taken > 0 => {
                self.streak = self.streak.saturating_add(u32::try_from(taken).unwrap_or(u32::MAX));
                self.warm = datagram.then_some(port);
                return true;
            }
            // A message that was no call, or the end of the channel: the full turn sees to it.
            Some(()) => shared.attend(&port),
            None => self.streak = 0,
        }
        false
    }

    /// Sees to the other clients, if any has rung. The hot one waits for its turn then.
    fn attend_others(&mut self) -> Result<()> {
        let found = self.shared.readiness.wait(Some(Duration::ZERO))?;
        self.shared.attend_all(found.ready);
        if !self.shared.is_idle() {
            self.cool_down();
        }
        Ok(())
    }

    /// Looks for more datagrams of the client that has just sent some.
    fn warm_up(&mut self) {
        if let Some(port) = self.warm.take()
            && self.hot.is_none()
        {
            self.heat_up(&port);
        }
    }

    /// Whether this worker looks for the next calls of that client.
    pub(super) fn looks_at(&self, port: &Arc<ServerPort>) -> bool {
        self.looks && self.hot.as_ref().is_some_and(|hot| Arc::ptr_eq(hot, port))
    }

    /// Has the hot client ring again.
    pub(super) fn cool_down(&mut self) {
        let Some(port) = self.hot.take() else { return };
        if self.looks {
            self.looks = false;
            self.shared.looking.fetch_sub(1, Ordering::Relaxed);
            // Before the client is told: whoever leaves a bell to this worker has it look once more, below.
            port.lookers.end();
            port.channel.set_asleep();
            // What came before the client could see that is somebody else's to take, or ours next.
            if port.channel.has_news() || port.channel.has_parked() {
                self.shared.look_again(port);
            }
        }
    }

    /// Takes what was taken from clients already. `true`: there was something.
    fn take_ready(&mut self, max: usize, into: &mut Vec<Completion>) -> bool {
        let first = if max == 1 { self.pop_ready() } else { self.pop_ready_or_look() };
        let Some(first) = first else { return false };
        self.warm = match &first {
            Completion::Call(call) if !call.wants_reply() => Some(call.port().clone()),
            _ => None,
        };
        into.push(first);
        if max > 1 {
            self.shared.pending.take_more(max - 1, into);
        }
        if !self.shared.is_idle() {
            // This worker is about to be busy: the rest is for another.
            self.shared.wake_one();
        }
        true
    }

    /// What was taken from clients already, or can be from one that is known to have more.
    pub(super) fn pop_ready(&mut self) -> Option<Completion> {
        let shared = &self.shared;
        shared.pending.take().or_else(|| {
            shared.attend(&shared.pending.take_again()?);
            shared.pending.take()
        })
    }

    /// As [`pop_ready`](Worker::pop_ready), for who takes many: where a client has more than a turn brings,
    /// this worker looks at its ring from now on. Turn by turn, the client would ring for each.
    fn pop_ready_or_look(&mut self) -> Option<Completion> {
        let shared = self.shared.clone();
        shared.pending.take().or_else(|| {
            let port = shared.pending.take_again()?;
            self.heat_up(&port);
            shared.attend(&port);
            shared.pending.take()
        })
    }

    fn sleep(&mut self) -> Result<()> {
        let shared = &self.shared;
        shared.pending.watch();
        // Looked at after saying so: whoever adds something now wakes us.
        let idle = shared.is_idle() && !shared.is_stopped() && !shared.may_end();
        let parked = shared.resources.parked.load(Ordering::SeqCst);
        let timeout = if !idle {
            Some(Duration::ZERO)
        } else if parked {
            Some(PARKED_PATIENCE)
        } else {
            None
        };
        let found = shared.readiness.wait(timeout);
        shared.pending.stop_watching();
        let ready = found?.ready;
        if ready.is_empty() && parked && idle {
            shared.attend_parked();
        }
        shared.attend_all(ready);
        Ok(())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.rest();
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("hot", &self.hot).finish_non_exhaustive()
    }
}
