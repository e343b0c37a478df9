//! How the threads of a client wait on one channel.
//!
//! One thread at a time *leads*: it looks at the ring, hands replies to the threads that they belong
//! to, and sleeps on the socket. The others park until their reply is handed to them, or until the
//! leader leaves with its own and passes the lead on. No thread exists only to wait.
//!
//! Two rules keep this from losing a wake-up. A thread that has followed passes the lead on when it
//! leaves, because the wake-up that told it so may have been the only one. And whoever brings about
//! something that others wait for (a credit, a free slot) tells the parked ones and, by a bell of
//! this process's own, a leader that sleeps.
//!
//! Tasks of an async runtime wait beside them, and never lead: see `tasks`. A thread that waits may be
//! handed a request of its own chain meanwhile: see `handover`.

mod batches;
mod calls;
mod cancellable;
mod handover;
mod outside;
mod tasks;

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::thread::{Thread, ThreadId};

use crate::channel::{Channel, Next, lock};
use crate::error::{Error, ErrorKind, Misbehaviour, Result};
use crate::message::{Deadline, MessageId, MessageKind, Record};
use crate::queue::indices::GRANTS;
use crate::spin::Spin;
use crate::sys::poll::{self, Awaited, Woken};
use crate::sys::poller::ThreadBell;
use batches::Batches;
pub(crate) use batches::{BatchSlot, Got, InBatch};
use calls::{Calls, Met};
pub(crate) use cancellable::Cancellable;
pub(crate) use handover::{Came, Job};
use outside::Outside;
pub use outside::{PortWatch, Watched};
pub(crate) use tasks::{Driver, InTask, TaskId};
use tasks::{Task, Wakers};

/// Replies that are handed out under one lock.
const ROUND: usize = 64;

/// How a call waits: the same steps serve a thread that blocks and a task that is polled.
pub(crate) trait Wait: Copy {
    /// Waits until `ready` gives something.
    ///
    /// # Errors
    ///
    /// When the deadline passes, the peer dies or misbehaves, or `ready` fails.
    fn until<T>(
        self,
        on: (&Waiting, &Channel),
        deadline: Deadline,
        interest: Interest,
        ready: impl FnMut() -> Result<Option<T>>,
    ) -> impl Future<Output = Result<T>>;

    /// Who is woken when the call is answered.
    fn waiter(self) -> Waiter;

    /// Whether the caller's memory stays where it is until the call has ended, whatever happens. That
    /// of a future can go at any time: it is dropped, or forgotten.
    const KEEPS_MEMORY: bool;
}

/// The thread that calls blocks.
#[derive(Clone, Copy)]
pub(crate) struct Blocking;

impl Wait for Blocking {
    async fn until<T>(
        self,
        (waiting, channel): (&Waiting, &Channel),
        deadline: Deadline,
        interest: Interest,
        ready: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        waiting.wait(channel, deadline, interest, ready)
    }

    fn waiter(self) -> Waiter {
        Waiter::Thread(std::thread::current())
    }

    const KEEPS_MEMORY: bool = true;
}

/// Who waits for a call.
pub(crate) enum Waiter {
    Thread(Thread),
    Task(TaskId),
    /// A batch has the replies of all its calls, and one that waits for the next of them.
    Batch(BatchSlot),
}

/// The calls that wait for their replies, and who waits how.
pub(crate) struct Waiting {
    state: Mutex<State>,
    /// Whether looking pays, for replies and for progress. The leader's alone.
    reply_spin: Mutex<Spin>,
    progress_spin: Mutex<Spin>,
    /// Memory for replies that have come together, between two rounds of them.
    room: Mutex<Vec<Record>>,
    /// Wakes a leader that sleeps for what another thread of this process has done.
    bell: ThreadBell,
    /// Replies that came when nobody waited for them any more.
    late: AtomicU64,
    /// Is told of each of them.
    pub(crate) on_late_reply: OnceLock<OnLateReply>,
}

pub(crate) type OnLateReply = Box<dyn Fn(&Record) + Send + Sync>;

struct State {
    leader: Leader,
    /// Threads that are parked, or about to be, while another leads.
    parked: Vec<(Thread, Interest)>,
    /// Tasks that wait.
    tasks: Vec<Task>,
    /// Until when the thread that watches for tasks sleeps. `None`: it does not watch.
    watched_until: Option<Deadline>,
    /// Who watches for tasks from outside.
    outside: Outside,
    /// Somebody who leads, or is about to sleep, must look again: a bell was heard in passing.
    has_news: bool,
    calls: Calls<Record, Job>,
    batches: Batches,
    last_grant: u32,
}

/// What the thread that leads is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leader {
    /// There is none.
    Nobody,
    /// It looks by itself.
    Looks,
    /// It sleeps, or is about to: whoever has something for it rings.
    Sleeps(ThreadId, Interest),
}

/// What a thread waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interest {
    /// Its reply, which will be handed to it.
    Reply,
    /// Room, a credit, progress of a stream: it looks for itself whenever anything happens.
    Progress,
    /// What concerns tasks, which are woken by whoever finds it.
    Tasks,
}

/// The right to write to memory that a call lends, as the two ends name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GrantName {
    pub(crate) slot: u8,
    pub(crate) number: u32,
}

impl State {
    /// Has every thread look that waits for something which anybody may bring about.
    fn wake_watchers(&self, bell: &ThreadBell) -> Wakers {
        for (thread, interest) in &self.parked {
            if *interest == Interest::Progress {
                thread.unpark();
            }
        }
        if let Leader::Sleeps(leader, Interest::Progress) = self.leader {
            ring_unless_me(leader, bell);
        }
        self.wakers(|task| task.interest == Interest::Progress)
    }
}

impl State {
    fn hand_out(
        &mut self,
        record: Record,
        woken: &mut Wakers,
        late: &mut Vec<Record>,
    ) -> std::result::Result<(), Misbehaviour> {
        let id = record.header.id;
        if let Some(met) = self.calls.answer_batched(id) {
            match met {
                Some(slot) => {
                    if let Some(waiter) = self.batches.add(slot, record) {
                        woken.extend(self.wake(&waiter));
                    }
                }
                None => late.push(record),
            }
            return Ok(());
        }
        match self.calls.answer(id, record) {
            Met::Caller(&Waiter::Task(id)) => woken.extend(self.wakers(|task| task.id == id)),
            Met::Caller(Waiter::Thread(thread)) => thread.unpark(),
            Met::Caller(Waiter::Batch(_)) => {}
            Met::Nobody(record) => late.push(record),
            Met::NoCall => return Err(Misbehaviour::UnknownReply { id: id.0 }),
        }
        Ok(())
    }
}

fn ring_unless_me(leader: ThreadId, bell: &ThreadBell) {
    if leader != std::thread::current().id() {
        bell.ring();
    }
}

impl Waiting {
    pub(crate) fn new() -> Result<Waiting> {
        let state = State {
            leader: Leader::Nobody,
            parked: Vec::new(),
            tasks: Vec::new(),
            watched_until: None,
            outside: Outside::default(),
            has_news: false,
            calls: Calls::new(),
            batches: Batches::default(),
            last_grant: 0,
        };
        let bell = ThreadBell::new()?;
        let reply_spin = Mutex::new(Spin::for_messages());
        let progress_spin = Mutex::new(Spin::for_chunks());
        let (state, late, on_late_reply) = (Mutex::new(state), AtomicU64::new(0), OnceLock::new());
        let room = Mutex::default();
        Ok(Waiting { state, room, reply_spin, progress_spin, bell, late, on_late_reply })
    }

    /// Registers a call, unless `limit` calls are outstanding.
    pub(crate) fn register(&self, id: MessageId, waits: impl Wait, limit: usize) -> bool {
        let mut state = lock(&self.state);
        let has_credit = state.calls.has_credit(limit);
        if has_credit {
            state.calls.register(id, waits.waiter());
        }
        has_credit
    }

    /// Registers the calls of a batch, unless more than `limit` calls would be outstanding with them.
    pub(crate) fn register_batch(&self, calls: &[(MessageId, BatchSlot)], limit: usize) -> bool {
        let mut state = lock(&self.state);
        let has_credit = state.calls.has_credits(calls.len(), limit);
        if has_credit {
            for (id, slot) in calls {
                state.calls.register_batched(*id, *slot);
            }
        }
        has_credit
    }

    /// A grant for the memory that a call lends. `None`: as many calls lend some as can.
    pub(crate) fn grant(&self, id: MessageId) -> Option<GrantName> {
        let mut state = lock(&self.state);
        let slot = (0..GRANTS).find(|slot| !state.calls.lends_by(*slot))?;
        state.last_grant = state.last_grant.wrapping_add(1);
        let grant = GrantName { slot, number: state.last_grant };
        state.calls.lend(id, grant).then_some(grant)
    }

    /// Forgets a call whose request was never published.
    pub(crate) fn forget(&self, id: MessageId) {
        let mut state = lock(&self.state);
        let unseen = state.calls.forget(id);
        let watchers = state.wake_watchers(&self.bell);
        drop(state);
        watchers.wake();
        unseen.into_iter().for_each(Job::pass_on);
    }

    /// Stops waiting for a call that was published. A reply that comes later is thrown away; one
    /// that is here already is given back.
    pub(crate) fn abandon(&self, id: MessageId) -> Option<Record> {
        let (reply, unseen) = lock(&self.state).calls.abandon(id);
        unseen.into_iter().for_each(Job::pass_on);
        reply
    }

    /// Has every thread look again that waits for a credit, a slot, or room.
    pub(crate) fn wake_watchers(&self) {
        let watchers = lock(&self.state).wake_watchers(&self.bell);
        watchers.wake();
    }

    /// Has the leader look again: somebody has read the bell that was meant for it, perhaps itself in
    /// its last look. The peer rings once for each sleep.
    pub(crate) fn rouse_leader(&self) {
        let mut state = lock(&self.state);
        state.has_news = true;
        match state.leader {
            Leader::Sleeps(leader, _) => ring_unless_me(leader, &self.bell),
            Leader::Looks => {}
            Leader::Nobody => state.outside.prompt(),
        }
    }

    /// Waits until `ready` gives something.
    ///
    /// # Errors
    ///
    /// When the deadline passes, the peer dies or misbehaves, or `ready` fails.
    pub(crate) fn wait<T>(
        &self,
        channel: &Channel,
        deadline: Deadline,
        interest: Interest,
        mut ready: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let mut follower = Follower { waiting: self, channel, has_followed: false };
        loop {
            if let Some(found) = ready()? {
                return Ok(found);
            }
            channel.check_open()?;
            let found = match self.lead(channel) {
                Some(lead) => lead.wait(channel, deadline, interest, &mut ready)?,
                None => {
                    follower.has_followed = true;
                    self.follow(deadline, interest, &mut ready)?
                }
            };
            if let Some(found) = found {
                return Ok(found);
            }
            if deadline.is_past() {
                // What came at the last moment still counts. If another leads, it has routed that.
                if let Some(_lead) = self.lead(channel) {
                    self.route(channel)?;
                }
                return ready()?.ok_or_else(timed_out);
            }
        }
    }

    /// Hands everything that has arrived to whom it belongs. Only who leads does that.
    fn route(&self, channel: &Channel) -> Result<()> {
        let mut records = Vec::new();
        loop {
            channel.pop_while(ROUND, |record| {
                // Whoever waits for those before it must not wait until its data are there.
                let next = if record.is_bulky() { Next::Later } else { Next::Wanted };
                if records.capacity() == 0 {
                    records = std::mem::take(&mut *lock(&self.room));
                }
                records.push(record);
                next
            })?;
            if records.is_empty() {
                if records.capacity() > 0 {
                    *lock(&self.room) = records;
                }
                return Ok(());
            }
            self.hand_out(channel, &mut records)?;
        }
    }

    /// Hands out what was taken together, and wakes everybody whom it concerns at the end.
    fn hand_out(&self, channel: &Channel, records: &mut Vec<Record>) -> Result<()> {
        let (mut woken, mut late, mut offence) = (Wakers::default(), Vec::new(), None);
        let mut state = lock(&self.state);
        for record in records.drain(..) {
            match record.header.kind {
                MessageKind::Reply => {}
                _ => offence = Some(Misbehaviour::WrongDirection),
            }
            if offence.is_none() {
                offence = state.hand_out(record, &mut woken, &mut late).err();
            }
        }
        woken.extend(state.wake_watchers(&self.bell));
        drop(state);
        woken.wake();
        for late in late {
            self.tell_late(&late);
            crate::bulk::discard_streams(channel, &late)?;
        }
        offence.map_or(Ok(()), |offence| Err(channel.poison(offence)))
    }

    /// Counts a reply that nobody waits for, and tells of it.
    pub(crate) fn tell_late(&self, late: &Record) {
        self.late.fetch_add(1, Ordering::Relaxed);
        if let Some(tell) = self.on_late_reply.get() {
            tell(late);
        }
    }

    /// How many replies came when nobody waited for them any more.
    pub(crate) fn late(&self) -> u64 {
        self.late.load(Ordering::Relaxed)
    }

    fn lead<'a>(&'a self, channel: &'a Channel) -> Option<Lead<'a>> {
        let mut state = lock(&self.state);
        if state.leader != Leader::Nobody {
            return None;
        }
        state.leader = Leader::Looks;
        state.outside.disarm();
        Some(Lead { waiting: self, channel })
    }

    /// Parks until the leader has something for this thread, or the lead is free.
    fn follow<T>(
        &self,
        deadline: Deadline,
        interest: Interest,
        ready: &mut impl FnMut() -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let me = std::thread::current();
        lock(&self.state).parked.push((me.clone(), interest));
        // Looked for again after registering: whoever comes now unparks this thread.
        let found = ready();
        if matches!(found, Ok(None)) && lock(&self.state).leader != Leader::Nobody {
            match deadline.remaining() {
                Some(remaining) => std::thread::park_timeout(remaining),
                None => std::thread::park(),
            }
        }
        let mut state = lock(&self.state);
        if let Some(index) = state.parked.iter().position(|(thread, _)| thread.id() == me.id()) {
            state.parked.swap_remove(index);
        }
        found
    }

    /// Has one of the parked threads take the lead, if it is free. Which one does not matter. If there
    /// is none, sees that who watches from outside hears of what tasks wait for.
    fn pass_on(&self, state: MutexGuard<'_, State>, channel: &Channel) {
        if state.leader != Leader::Nobody {
            return;
        }
        match state.parked.last() {
            Some((next, _)) => next.unpark(),
            None if state.must_arm() => {
                drop(state);
                self.arm(channel);
            }
            None => {}
        }
    }
}

fn timed_out() -> Error {
    Error::new(ErrorKind::TimedOut, "wait for the peer")
}

/// A thread in a wait, which owes the others a lead that was offered to it.
struct Follower<'a> {
    waiting: &'a Waiting,
    channel: &'a Channel,
    has_followed: bool,
}

impl Drop for Follower<'_> {
    fn drop(&mut self) {
        if self.has_followed {
            self.waiting.pass_on(lock(&self.waiting.state), self.channel);
        }
    }
}

/// The right to look at the ring and to sleep on the socket.
struct Lead<'a> {
    waiting: &'a Waiting,
    channel: &'a Channel,
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.waiting.state);
        state.leader = Leader::Nobody;
        self.waiting.pass_on(state, self.channel);
    }
}

impl Lead<'_> {
    /// Looks for a while, then sleeps until something happens.
    fn wait<T>(
        &self,
        channel: &Channel,
        deadline: Deadline,
        interest: Interest,
        ready: &mut impl FnMut() -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        let mut look = || -> Option<Result<T>> {
            let routed = self.waiting.route(channel);
            routed.and_then(|()| ready()).transpose()
        };
        channel.own.set_cpu(crate::sys::cpu::current());
        channel.own.set_awake();
        // While others watch for their own progress, only bells tell them of it. A mirror shows
        // nothing until the socket is read.
        let spin = match interest {
            Interest::Reply => Some(&self.waiting.reply_spin),
            Interest::Progress => Some(&self.waiting.progress_spin),
            Interest::Tasks => None,
        };
        let spin = spin.filter(|_| !channel.is_mirrored() && !self.is_watched());
        let found = match spin {
            None => look(),
            Some(spin) => lock(spin).look(|| channel.theirs.cpu(), &mut look),
        };
        if let Some(found) = found {
            return found.map(Some);
        }
        channel.set_asleep();
        self.go_to_sleep(interest);
        let mut found = look();
        // What looked for it may have heard the bell for this sleep.
        if found.is_none() && !self.take_news() {
            self.sleep(channel, deadline)?;
        }
        lock(&self.waiting.state).leader = Leader::Looks;
        channel.own.set_awake();
        if found.is_none() {
            found = look();
        }
        found.transpose()
    }

    fn take_news(&self) -> bool {
        std::mem::take(&mut lock(&self.waiting.state).has_news)
    }

    fn is_watched(&self) -> bool {
        lock(&self.waiting.state).parked.iter().any(|(_, what)| *what == Interest::Progress)
    }

    /// Says that this thread sleeps from now on, unless it finds something in one last look.
    fn go_to_sleep(&self, interest: Interest) {
        let mut state = lock(&self.waiting.state);
        state.leader = Leader::Sleeps(std::thread::current().id(), interest);
        state.has_news = false;
        // The peer rang no bell while it took this end for awake. Those who looked before that, and
        // parked, look again; from here on there are bells.
        let watchers = state.wake_watchers(&self.waiting.bell);
        drop(state);
        watchers.wake();
    }

    fn sleep(&self, channel: &Channel, deadline: Deadline) -> Result<()> {
        let process = channel.peer.process.fd();
        let bell = &self.waiting.bell;
        let awaited = if channel.wants_room() { Awaited::ArrivalOrRoom } else { Awaited::Arrival };
        let socket = (channel.socket(), awaited);
        let woken = poll::wait_for_peer_or(bell.fd(), socket, process, deadline.remaining());
        match woken? {
            Woken::Bell => {
                bell.silence();
                Ok(())
            }
            Woken::Socket => {
                // Replies that were published before the end of the channel are still handed out.
                let drained = channel.drain_socket();
                self.waiting.route(channel)?;
                self.waiting.wake_watchers();
                drained
            }
            Woken::Died => {
                self.waiting.route(channel)?;
                channel.close(Error::new(ErrorKind::PeerClosed, "wait for the peer"));
                self.waiting.wake_watchers();
                channel.check_open()
            }
            Woken::TimedOut => Ok(()),
        }
    }
}
