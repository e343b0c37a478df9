//! The completion port: any number of channels, a fixed number of threads.
//!
//! As ALPC does, it tells of what has come in three ways: a [`Worker`] is a thread that waits for
//! completions, with a limit to how many run at one time; a [`CompletionList`] is looked at by whoever
//! has a loop of its own, and is a descriptor that such a loop can wait for; and
//! [`Callbacks`] run a function for each.
//!
//! Idle workers sleep in one epoll set, where an edge wakes one of them. A worker that has answered
//! a call looks for that client's next one for a while, which saves both sides a sleep; while it
//! runs a handler, the client's bell reaches the other workers. Nothing that a client can write
//! decides who is woken.

mod callback;
pub(crate) mod gate;
mod list;
pub(crate) mod listener;
pub(crate) mod lookers;
mod pending;
mod replies;
pub(crate) mod spares;
mod worker;

use std::any::Any;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::buffer::BufferPool;
use crate::channel::{Channel, lock};
use crate::error::{Error, ErrorKind, Result};
use crate::message::Deadline;
use crate::port::connection::{ConnectionEvent, ConnectionPort, ConnectionRequest};
use crate::port::serving::{Counts, IncomingCall, Resources, ServerPort, Took};
use crate::sys::readiness::{Readiness, Ready};
pub use callback::Callbacks;
pub use list::{CompletionBell, CompletionList};
use pending::Pending;
pub use replies::Replies;
pub use worker::Worker;

/// Messages that a worker takes from one client before it looks at the others.
const TURN: usize = 32;
/// Bytes of bulk data after which a turn is over, too: whoever waits for the calls that a worker has
/// taken must not wait for all that follow.
const TURN_BYTES: u64 = 1 << 20;
/// Calls of one client in a row before its worker looks whether others wait.
const STREAK: u32 = 64;
/// Private memory that a server keeps for bulk arguments to come: one of 256 MiB, with what huge
/// pages and its place in the page add, and some smaller ones.
const KEPT_BUFFERS: usize = 320 << 20;
/// How often parked bulk data is looked at, for deadlines that passed without a sign of the client.
const PARKED_PATIENCE: Duration = Duration::from_millis(100);

/// How long a service that ends waits for clients to take what it has answered.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Bytes of a ring that the shortest message takes.
const MIN_RECORD: usize = 64;

/// Something that a worker has to deal with.
#[non_exhaustive]
pub enum Completion {
    /// Somebody wants to connect. Whoever gets this accepts or refuses.
    Connecting(ConnectionRequest),
    /// A connection that was accepted is open.
    Connected(Arc<ServerPort>),
    /// A call or a datagram has come.
    Call(IncomingCall),
    /// A client is gone, by its own will or not.
    Closed(Arc<ServerPort>),
    /// What somebody gave to [`CompletionPort::post`].
    Posted(Packet),
}

/// Something of the application's own that goes through a completion port.
pub type Packet = Box<dyn Any + Send>;

/// Takes calls from all clients of a connection port, for any number of workers.
#[derive(Clone)]
pub struct CompletionPort {
    shared: Arc<Shared>,
}

struct Shared {
    /// `None`: there is one channel, which somebody else has made, and nothing after it.
    connection: Option<ConnectionPort>,
    readiness: Readiness,
    resources: Arc<Resources>,
    ports: Mutex<Ports>,
    /// What was taken, and ports that may have more messages, after a worker took its turn.
    pending: Pending<Completion, Arc<ServerPort>>,
    /// Completion lists, whose owners listen for themselves.
    lists: AtomicUsize,
    looking: AtomicUsize,
    max_looking: usize,
    stopped: AtomicBool,
    /// The one channel has ended: workers end when they find nothing more to do.
    ended: AtomicBool,
}

#[derive(Default)]
struct Ports {
    by_token: Vec<Option<Arc<ServerPort>>>,
    free: Vec<usize>,
    /// Distinguishes ports that had the same place, in events that were under way.
    generation: u32,
}

mod token {
    pub(super) const CONNECTION: u64 = u64::MAX;
    pub(super) const ALARM: u64 = u64::MAX - 2;
}

impl CompletionPort {
    /// Serves the clients of `connection`.
    ///
    /// # Errors
    ///
    /// When the system has no descriptors left.
    pub fn new(connection: ConnectionPort) -> Result<CompletionPort> {
        let readiness = Readiness::new()?;
        readiness.add_level(connection.as_fd(), token::CONNECTION)?;
        CompletionPort::with(readiness, Some(connection))
    }

    /// Serves one channel for as long as it lasts.
    pub(crate) fn of_channel(channel: Arc<Channel>) -> Result<CompletionPort> {
        let port = CompletionPort::with(Readiness::new()?, None)?;
        port.shared.open(channel, Vec::new());
        Ok(port)
    }

    fn with(readiness: Readiness, connection: Option<ConnectionPort>) -> Result<CompletionPort> {
        let resources = Resources::new(BufferPool::new(KEPT_BUFFERS))?;
        readiness.add(resources.alarms.fd(), token::ALARM)?;
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let shared = Shared {
            connection,
            readiness,
            resources: Arc::new(resources),
            ports: Mutex::default(),
            pending: Pending::new(),
            lists: AtomicUsize::new(0),
            looking: AtomicUsize::new(0),
            max_looking: (cpus / 2).max(1),
            stopped: AtomicBool::new(false),
            ended: AtomicBool::new(false),
        };
        let shared = Arc::new(shared);
        shared.resources.listener.serve(&shared);
        let weak = Arc::downgrade(&shared);
        let _first = shared.resources.rouse.set(Box::new(move || {
            if let Some(shared) = weak.upgrade() {
                shared.wake_sleepers();
            }
        }));
        Ok(CompletionPort { shared })
    }

    /// A worker, to be used by one thread.
    pub fn worker(&self) -> Worker {
        Worker::new(self.shared.clone())
    }

    /// The completions as a list, for one thread that has a loop of its own.
    pub fn list(&self) -> CompletionList {
        CompletionList::new(self.worker())
    }

    /// What says when there may be completions, apart from a list: to be waited for by another thread, or
    /// watched by a loop.
    ///
    /// # Errors
    ///
    /// When the system has no descriptors left.
    pub fn bell(&self) -> Result<CompletionBell> {
        CompletionBell::new(self.shared.readiness.as_fd())
    }

    /// Has `tell` run for each completion, on a thread that this starts.
    ///
    /// While it runs, nothing else is told. Each time that it takes longer than a millisecond is
    /// counted; [`Callbacks::warn`] has somebody hear of it, and of shorter or longer ones.
    ///
    /// # Errors
    ///
    /// When the system has no more threads.
    pub fn call_back(&self, tell: impl FnMut(Completion) + Send + 'static) -> Result<Callbacks> {
        Callbacks::start(self.worker(), tell)
    }

    /// How many workers deal with completions at one time, however many there are. Unless it was set,
    /// all of them.
    pub fn concurrency(&self) -> usize {
        self.shared.resources.gate.limit()
    }

    /// Changes how many workers deal with completions at one time: at least one. When fewer may than
    /// do, those that are at work finish what they have, and then wait.
    ///
    /// A handler that is going to wait for something should say so:
    /// [`blocking`](CompletionPort::blocking).
    pub fn set_concurrency(&self, limit: usize) {
        self.shared.resources.gate.set_limit(limit);
    }

    /// Runs `work`, which is going to wait for something, without counting this thread among those
    /// that deal with completions: another worker may take the next one meanwhile, if there is one
    /// that waits for its turn. Afterwards this thread goes on at once, though more then run than
    /// should.
    ///
    /// To be called by a worker's thread, while it deals with a completion of this port.
    pub fn blocking<T>(&self, work: impl FnOnce() -> T) -> T {
        self.shared.resources.gate.blocking(work)
    }

    /// Has `start` begin one more thread with the worker that it is given, and say whether it could,
    /// where as many workers wait in calls that their handlers make as there are spare ones: so others
    /// are served meanwhile. At most `most` times in all; a thread stays with the port. The first
    /// `start` that is named is the one.
    ///
    /// Handlers are what runs under [`IncomingCall::handling`].
    pub fn stand_in(&self, most: usize, start: impl Fn(Worker) -> bool + Send + Sync + 'static) {
        let shared = Arc::downgrade(&self.shared);
        self.shared.resources.spares.hire_by(most, move || {
            let shared = shared.upgrade().filter(|shared| !shared.is_stopped());
            shared.is_some_and(|shared| start(Worker::new(shared)))
        });
    }

    /// Gives `packet` to one of those who take completions.
    pub fn post(&self, packet: Packet) {
        self.shared.push(Completion::Posted(packet));
        self.shared.wake_one();
    }

    /// What became of calls that nobody waited for, since the port was made.
    pub fn counts(&self) -> Counts {
        self.shared.resources.counters.read()
    }

    /// How many clients are connected.
    pub fn connections(&self) -> usize {
        let ports = lock(&self.shared.ports);
        ports.by_token.len() - ports.free.len()
    }

    /// Ends the service, and before that has the workers deal with everything that was taken from
    /// clients, for as long as the deadline allows. Nothing new is taken meanwhile. `true`: all of it
    /// was dealt with.
    ///
    /// To be called by a thread that is not a worker of this port. It waits for workers that are
    /// [`blocking`](CompletionPort::blocking) only as far as the service itself: their calls are not answered
    /// any more.
    pub fn run_down(&self, deadline: Deadline) -> bool {
        self.shared.resources.gate.drain();
        self.shared.wake_sleepers();
        let nothing_is_ready = || self.shared.pending.nothing_is_ready();
        let is_drained = self.shared.resources.gate.wait_until_idle(deadline, nothing_is_ready);
        self.shut_down();
        is_drained
    }

    /// Ends the service: every worker's `next` returns `None`, and every client sees the end.
    ///
    /// Waits for at most two seconds for clients that have not made room yet for the replies of calls that
    /// were answered.
    pub fn shut_down(&self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.shared.resources.gate.close();
        self.shared.readiness.wake_all();
        self.shared.resources.listener.rouse();
        // Here, and not when this goes: whoever else has a hand on it may outlive the process's main
        // thread by nothing, and then the end of the process would leave the socket behind.
        if let Some(connection) = &self.shared.connection {
            connection.withdraw();
        }
        let ports = std::mem::take(&mut *lock(&self.shared.ports));
        let ports: Vec<_> = ports.by_token.into_iter().flatten().collect();
        let until = Deadline::after(LAST_WORDS);
        ports.iter().for_each(|port| port.channel.finish(until));
        ports.iter().for_each(|port| self.shared.let_go(port));
    }
}

impl std::fmt::Debug for CompletionPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CompletionPort")
            .field("connections", &self.connections())
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    fn is_draining(&self) -> bool {
        self.resources.gate.is_draining()
    }

    /// Whether a worker that finds nothing more to do has nothing to wait for either.
    fn may_end(&self) -> bool {
        let is_over = self.ended.load(Ordering::SeqCst) || self.is_draining();
        is_over && !self.resources.gate.has_unfinished()
    }

    /// Whether something waits to be taken, without a look at the channels.
    fn is_idle(&self) -> bool {
        self.pending.is_idle()
    }

    fn port(&self, token: u64) -> Option<Arc<ServerPort>> {
        let ports = lock(&self.ports);
        let found = ports.by_token.get(token_index(token))?.clone()?;
        (found.token.get() == Some(&token)).then_some(found)
    }

    /// Opens a connection, and tells of it before anything that comes through it.
    fn open(self: &Arc<Shared>, channel: Arc<Channel>, data: Vec<u8>) {
        let port = Arc::new(ServerPort::new(channel, data, self.resources.clone()));
        let Some(token) = self.enlist(&port) else { return };
        let weak = Arc::downgrade(self);
        let weak_port = Arc::downgrade(&port);
        let _first = port.channel.on_news.set(Box::new(move || {
            if let (Some(shared), Some(port)) = (weak.upgrade(), weak_port.upgrade()) {
                shared.look_again(port);
            }
        }));
        let weak = Arc::downgrade(self);
        let _first = port.take_back.set(Box::new(move |call| {
            if let Some(shared) = weak.upgrade() {
                shared.push(Completion::Call(call));
                shared.wake_one();
            }
        }));
        self.push(Completion::Connected(port.clone()));
        let socket = port.channel.socket();
        let added = if port.channel.is_mirrored() {
            self.readiness.add_for_room(socket, token)
        } else {
            self.readiness.add(socket, token)
        };
        let added = added.and_then(|()| self.readiness.add(port.channel.peer.process.fd(), token));
        match added {
            // The client may have sent something before the socket was watched.
            Ok(()) => self.look_again(port),
            Err(_) => self.end(&port),
        }
    }

    /// Forgets a port whose channel has ended, and tells of it once.
    fn end(&self, port: &Arc<ServerPort>) {
        if !self.remove(port) {
            return;
        }
        self.push(Completion::Closed(port.clone()));
        if self.connection.is_none() {
            self.ended.store(true, Ordering::SeqCst);
            self.readiness.wake_all();
        }
    }

    /// Gives a port its place and its token. `None`: the service has ended.
    fn enlist(&self, port: &Arc<ServerPort>) -> Option<u64> {
        let mut ports = lock(&self.ports);
        if self.is_stopped() {
            return None;
        }
        ports.generation = ports.generation.wrapping_add(1) & 0x7fff_ffff;
        let index = match ports.free.pop() {
            Some(index) => index,
            None => {
                ports.by_token.push(None);
                ports.by_token.len() - 1
            }
        };
        let token = u64::from(ports.generation) << 32 | index as u64;
        let _first = port.token.set(token);
        if let Some(place) = ports.by_token.get_mut(index) {
            *place = Some(port.clone());
        }
        Some(token)
    }

    /// Forgets a port. `true` the first time.
    fn remove(&self, port: &Arc<ServerPort>) -> bool {
        let Some(&token) = port.token.get() else { return false };
        let mut ports = lock(&self.ports);
        let index = token_index(token);
        let Some(place) = ports.by_token.get_mut(index) else { return false };
        if !place.as_ref().is_some_and(|found| Arc::ptr_eq(found, port)) {
            return false;
        }
        *place = None;
        ports.free.push(index);
        drop(ports);
        self.let_go(port);
        true
    }

    fn let_go(&self, port: &ServerPort) {
        self.readiness.remove(port.channel.socket());
        self.readiness.remove(port.channel.peer.process.fd());
        port.close();
        port.channel.drop_handles();
    }

    /// Has a worker look at a port whose bell may have been heard by somebody else.
    fn look_again(&self, port: Arc<ServerPort>) {
        self.pending.add_again(port);
        self.wake_one();
    }

    fn wake_one(&self) {
        if self.pending.is_watched() {
            self.readiness.wake_one();
        }
    }

    /// Has every worker that sleeps look whether it may end. Those that are about to sleep look after
    /// they have said so.
    fn wake_sleepers(&self) {
        for _ in 0..self.pending.watchers() {
            self.readiness.wake_one();
        }
    }

    fn push(&self, completion: Completion) {
        self.pending.add([completion]);
    }

    fn attend_all(self: &Arc<Shared>, ready: Vec<Ready>) {
        for Ready { token } in ready {
            if token == token::CONNECTION {
                self.accept();
            } else if token == token::ALARM {
                self.resources.alarms.ring();
            } else if let Some(port) = self.port(token) {
                port.check_alive();
                self.attend(&port);
            }
        }
    }

    /// Takes a turn at a port: bells, parked bulk data, messages.
    fn attend(&self, port: &Arc<ServerPort>) {
        self.resources.gate.begin_attending();
        if self.take_turn(port).is_err() {
            self.take_last_messages(port);
            self.end(port);
        }
        self.resources.gate.end_attending();
    }

    fn take_turn(&self, port: &Arc<ServerPort>) -> Result<()> {
        port.channel.drain_socket()?;
        port.channel.check_open()?;
        port.resume(&mut |call| self.push(Completion::Call(call)))?;
        if self.is_draining() || port.lookers.are_any() {
            return Ok(());
        }
        let mut all = Took::default();
        while all.messages < TURN && all.bytes <= TURN_BYTES {
            let mut taken = Vec::new();
            let took = port.take_messages(TURN - all.messages, &mut taken);
            self.pending.add(taken);
            let took = took?;
            if took.is_nothing() {
                return Ok(());
            }
            all.add(took);
        }
        self.pending.add_again(port.clone());
        Ok(())
    }

    /// Messages that a client had published before it went are still served; what one says that
    /// broke the protocol is not listened to any more.
    fn take_last_messages(&self, port: &Arc<ServerPort>) {
        let why = port.channel.closed().map(Error::kind);
        if why != Some(&ErrorKind::PeerClosed) || self.is_draining() {
            return;
        }
        // A client can go on publishing on a socket that it has shut down; a ring is what it gets.
        for _ in 0..port.channel.limits.outbox_len / MIN_RECORD {
            let taken = port.take_message(&mut |call| self.push(Completion::Call(call)));
            if !taken.is_ok_and(|took| !took.is_nothing()) {
                return;
            }
        }
    }

    /// Looks at every port with parked bulk data, whose client may have fallen silent.
    fn attend_parked(&self) {
        self.resources.parked.store(false, Ordering::SeqCst);
        let ports: Vec<_> = lock(&self.ports).by_token.iter().flatten().cloned().collect();
        for port in ports.iter().filter(|port| port.channel.has_parked()) {
            self.attend(port);
            if port.channel.has_parked() {
                self.resources.parked.store(true, Ordering::SeqCst);
            }
        }
    }

    fn accept(self: &Arc<Shared>) {
        let Some(connection) = &self.connection else { return };
        if self.is_draining() {
            self.readiness.remove(connection.as_fd());
            return;
        }
        while let Ok(Some(event)) = connection.try_next() {
            match event {
                ConnectionEvent::Request(request) => {
                    self.push(Completion::Connecting(request));
                }
                ConnectionEvent::Established(established) => {
                    let mut established = established.into_established();
                    let data = std::mem::take(&mut established.data);
                    // A client that cannot be served, for want of memory, sees the end.
                    if let Ok(channel) = Channel::new(established) {
                        self.open(Arc::new(channel), data);
                    }
                }
            }
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.resources.listener.rouse();
    }
}

fn token_index(token: u64) -> usize {
    usize::try_from(token & 0xffff_ffff).unwrap_or(usize::MAX)
}
