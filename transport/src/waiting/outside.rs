//! How an event loop of the application's watches a channel for tasks, in place of a thread of ours.
//!
//! It waits for one descriptor, in which there are the socket, the peer's death and the first deadline
//! of a task, and looks when something happened there. Nobody leads meanwhile. So whoever leaves the lead
//! behind while tasks wait *arms* the channel: says that this end sleeps, and looks once more. From there
//! on everything that happens rings, and the event loop hears it.
//!
//! If nobody watches any more, because the event loop has ended, all tasks look, and wait again as they
//! do where nobody watches.

use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use super::{Lead, Leader, State, Waiting};
use crate::channel::{Channel, lock};
use crate::error::{Error, ErrorKind, Result};
use crate::message::Deadline;
use crate::sys::poll::Awaited;
use crate::sys::poller::Poller;

/// The numbers of what is watched.
const SOCKET: u64 = 0;
const PROCESS: u64 = 1;

/// What those have in common who watch from outside.
#[derive(Default)]
pub(super) struct Outside {
    /// How many there are.
    watches: usize,
    /// Made for the first of them.
    poller: Option<Arc<Poller>>,
    /// Nothing happens without a bell.
    is_armed: bool,
    /// When the poller's alarm goes off.
    alarm: Option<Deadline>,
    /// Whether room for sending is waited for, too.
    wants_room: bool,
}

impl Outside {
    fn poller(&mut self, channel: &Channel) -> Result<Arc<Poller>> {
        if let Some(poller) = &self.poller {
            return Ok(poller.clone());
        }
        let poller = Arc::new(Poller::new()?);
        poller.add(channel.socket(), SOCKET)?;
        poller.add(channel.peer.process.fd(), PROCESS)?;
        Ok(self.poller.insert(poller).clone())
    }

    /// Sees that the alarm goes off by then. `false`: nobody watches.
    pub(super) fn watch_until(&mut self, deadline: Deadline) -> Result<bool> {
        if self.watches == 0 {
            return Ok(false);
        }
        if self.alarm.is_none_or(|alarm| deadline < alarm) {
            self.set_alarm(Some(deadline))?;
        }
        Ok(true)
    }

    fn set_alarm(&mut self, at: Option<Deadline>) -> Result<()> {
        self.alarm = at;
        match &self.poller {
            Some(poller) => poller.set_alarm(at),
            None => Ok(()),
        }
    }

    /// Has one of those who watch look, for whatever reason.
    pub(super) fn prompt(&mut self) {
        if self.watches > 0 {
            // It fails for no value of the time.
            let _set = self.set_alarm(Some(Deadline::after(Duration::ZERO)));
        }
    }

    /// Somebody leads from now on, and may be taken for awake.
    pub(super) fn disarm(&mut self) {
        self.is_armed = false;
    }
}

impl State {
    /// Whether somebody has to see that what tasks wait for is heard outside.
    pub(super) fn must_arm(&self) -> bool {
        let Outside { watches, is_armed, .. } = self.outside;
        watches > 0 && !self.tasks.is_empty() && (!is_armed || self.has_news)
    }
}

impl Waiting {
    /// Sees that everything that happens from now on is heard outside. Who leads does so at the end.
    pub(super) fn arm(&self, channel: &Channel) {
        let Some(lead) = self.lead(channel) else { return };
        let armed = lead.arm();
        lead.leave_armed();
        if armed.is_err() || channel.closed().is_some() {
            self.wake_tasks(|_| true);
        }
    }

    /// Has one of those who watch look.
    pub(crate) fn prompt(&self) {
        lock(&self.state).outside.prompt();
    }

    /// Looks for what has happened, in the place of a thread that sleeps.
    fn look(&self, channel: &Channel, poller: &Poller) -> Result<()> {
        let happened = poller.all().inspect_err(|error| channel.close(error.clone()));
        let happened = happened.unwrap_or_default();
        let looked = match self.lead(channel) {
            Some(lead) => {
                let heard = lead.hear(&happened).and_then(|()| lead.arm());
                lead.leave_armed();
                heard
            }
            None => {
                // Whoever leads may have looked before this happened.
                self.rouse_leader();
                Ok(())
            }
        };
        let has_ended = looked.is_err() || channel.closed().is_some();
        self.wake_tasks(|task| has_ended || task.deadline.is_past());
        let mut state = lock(&self.state);
        // One that was set for a task that does not wait any more may go off: that costs less than to
        // set it with every reply.
        if happened.contains(&Poller::ALARM) {
            let next = state.alarm();
            state.outside.set_alarm(next)?;
        }
        looked
    }

    fn end_watch(&self) {
        let mut state = lock(&self.state);
        state.outside.watches -= 1;
        if state.outside.watches > 0 {
            return;
        }
        // It is made anew by the next one.
        state.outside = Outside::default();
        let all = state.wakers(|_| true);
        drop(state);
        all.wake();
    }
}

impl Lead<'_> {
    /// Reads what has happened, as a thread does that has slept.
    fn hear(&self, happened: &[u64]) -> Result<()> {
        let Lead { waiting, channel } = self;
        if happened.contains(&SOCKET) {
            // Replies that were published before the end of the channel are still handed out.
            let drained = channel.drain_socket();
            waiting.route(channel)?;
            return drained;
        }
        if happened.contains(&PROCESS) {
            waiting.route(channel)?;
            channel.close(Error::new(ErrorKind::PeerClosed, "wait for the peer"));
        }
        channel.check_open()
    }

    /// Says that this end sleeps, and looks once more.
    fn arm(&self) -> Result<()> {
        let Lead { waiting, channel } = self;
        loop {
            channel.set_asleep();
            let mut state = lock(&waiting.state);
            state.has_news = false;
            state.outside.is_armed = true;
            // The peer rang no bell while it took this end for awake.
            let watchers = state.wake_watchers(&waiting.bell);
            drop(state);
            watchers.wake();
            waiting.route(channel)?;
            let mut state = lock(&waiting.state);
            // The bell for this sleep was heard in passing.
            if state.has_news {
                continue;
            }
            let wants_room = channel.wants_room();
            if wants_room != state.outside.wants_room
                && let Some(poller) = &state.outside.poller
            {
                let awaited = if wants_room { Awaited::ArrivalOrRoom } else { Awaited::Arrival };
                poller.change(channel.socket(), SOCKET, awaited)?;
                state.outside.wants_room = wants_room;
            }
            return Ok(());
        }
    }

    /// Gives up the lead of a channel that is armed. What has happened since is left to who watches:
    /// two who take turns here would not come back while the peer goes on.
    fn leave_armed(self) {
        let lead = ManuallyDrop::new(self);
        let mut state = lock(&lead.waiting.state);
        state.leader = Leader::Nobody;
        if std::mem::take(&mut state.has_news) {
            state.outside.prompt();
        }
        if let Some((next, _)) = state.parked.last() {
            next.unpark();
        }
    }
}

/// The right, and the duty, to look at a port for the calls that wait in tasks: see
/// [`CommunicationPort::watch`](crate::CommunicationPort::watch).
///
/// Its descriptor is readable when [`look`](PortWatch::look) has something to do. It keeps no port open.
/// Dropped, it leaves the port to others who watch, or to the port's own thread.
pub struct PortWatch {
    waiting: Arc<Waiting>,
    channel: Arc<Channel>,
    poller: Arc<Poller>,
}

/// Whether there is something left to watch for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a port that is closed stays readable"]
#[expect(clippy::exhaustive_enums, reason = "there is no third")]
pub enum Watched {
    /// Wait for the descriptor again.
    Open,
    /// The port is closed, and nobody waits.
    Closed,
}

impl PortWatch {
    pub(super) fn new(waiting: Arc<Waiting>, channel: Arc<Channel>) -> Result<PortWatch> {
        channel.check_open()?;
        let poller = {
            let mut state = lock(&waiting.state);
            let poller = state.outside.poller(&channel)?;
            state.outside.watches += 1;
            poller
        };
        waiting.arm(&channel);
        // From a thread that watched before, the tasks that wait are taken over with their deadlines.
        waiting.prompt();
        Ok(PortWatch { waiting, channel, poller })
    }

    /// Hands out the replies that have come, and wakes the tasks that have something to do. Never waits.
    pub fn look(&self) -> Watched {
        // Whatever is wrong has closed the port, or is told to who calls.
        let _told = self.waiting.look(&self.channel, &self.poller);
        if self.channel.closed().is_some() { Watched::Closed } else { Watched::Open }
    }
}

impl AsFd for PortWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.poller.fd()
    }
}

impl AsRawFd for PortWatch {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl Drop for PortWatch {
    fn drop(&mut self) {
        self.waiting.end_watch();
    }
}

impl std::fmt::Debug for PortWatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PortWatch").field("peer", &self.channel.peer).finish_non_exhaustive()
    }
}
