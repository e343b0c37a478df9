//! What both ends of a channel do alike: publish, take, announce, ring, and notice the end.
//!
//! The private socket is the root of trust: identity, death, descriptors, the bell. Shared memory
//! only carries bytes. Whatever a peer does wrong closes the channel, once, with a reason.

mod ending;
mod handles;
mod mirror;
mod overflow;
mod sections;
mod sending;
mod shares;
mod streams;
mod traffic;

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use crate::chain::Seed;
use crate::error::{Error, Misbehaviour, Result};
use crate::message::{MessageId, MessageKind, Record};
use crate::peer::PeerIdentity;
use crate::port::attributes::{DirectAvailability, Limits};
use crate::port::connection::Place;
use crate::port::handshake::{Established, Role};
use crate::queue::indices::{Rung, Sleeps};
use crate::queue::{Inbox, Outbox, OwnHeader, PeerHeader};
use crate::section::region::Regions;
use crate::section::{GivenBlobs, TakenBlobs};
use crate::sys::memory::OwnMemory;
use crate::sys::socket;
use handles::{ArrivedBundles, SentBundles};
use mirror::Mirror;
use sections::LentSections;
use sending::Kept;
pub(crate) use sending::{Bell, Outgoing, Posted, Shown};
use shares::Shares;
use streams::Streams;
use traffic::Tally;
pub use traffic::Traffic;

/// How a step of something that the peer takes part in went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pace<T> {
    /// It is over.
    Done(T),
    /// It got further, and may get further at once.
    Moved,
    /// The peer has to move.
    Stuck,
}

/// Whether somebody who takes messages together takes another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Wanted,
    Later,
}

/// One end of a private pair of communication ports.
pub(crate) struct Channel {
    socket: OwnedFd,
    pub(crate) peer: PeerIdentity,
    pub(crate) limits: Limits,
    /// Bytes of the longest message, header included.
    pub(crate) max_message_len: usize,
    direct: DirectAvailability,
    /// Set when direct access, which was to be had at connect, is no more.
    direct_lost: OnceLock<()>,
    role: Role,
    /// What calls are named by, in the chains that they begin.
    pub(crate) seed: Seed,
    pub(crate) own: OwnHeader,
    pub(crate) theirs: PeerHeader,
    sleeps: Sleeps,
    rung: Rung,
    tally: Tally,
    outbound: Mutex<Outbound>,
    inbound: Mutex<Inbound>,
    streams: Streams,
    /// What stands in for shared memory, where there is none.
    mirror: Option<Mirror>,
    /// Regions that this end fills and lends.
    pub(crate) regions: Arc<Regions>,
    closed: OnceLock<Error>,
    /// The other channel of this connection, which ends with this one.
    twin: OnceLock<Weak<Channel>>,
    last_id: AtomicU64,
    /// A server's place among its port's connections.
    _place: Option<Place>,
    /// Of a server: requests that were taken, and whose replies are not in the ring yet.
    admitted: AtomicUsize,
    /// Transfers that nobody works on until the peer rings. While there are any, this end never
    /// says that it is awake: the peer would not ring for them.
    parked: AtomicUsize,
    /// Of a client: handles found the socket full since it was last read.
    wants_room: AtomicBool,
    /// Told when somebody has to look at this channel and no bell will say so.
    pub(crate) on_news: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

struct Outbound {
    outbox: Outbox,
    shares: Shares,
    given: GivenBlobs,
    bundles: SentBundles,
    /// Datagrams that wait for room, at an end whose port drops the oldest of them. (See `overflow`.)
    waiting: VecDeque<Kept>,
    /// Messages whose bell is held back.
    held: u32,
    /// Messages that found the ring full. Only an end that must not wait puts them here.
    backlog: VecDeque<Kept>,
}

struct Inbound {
    /// The peer may wait for more than room in the ring to be given back.
    owes_bell: bool,
    inbox: Inbox,
    taken: TakenBlobs,
    lent: LentSections,
    bundles: ArrivedBundles,
}

impl Channel {
    pub(crate) fn new(established: Established) -> Result<Channel> {
        let Established {
            socket,
            peer,
            limits,
            own_outbox,
            peer_outbox,
            direct,
            role,
            seed,
            place,
            ..
        } = established;
        let capacity = u32::try_from(limits.outbox_len).unwrap_or(0);
        let streams = Streams::new(limits.chunk_window);
        let (own, theirs, regions, mirror) = match (own_outbox, peer_outbox) {
            (Some(own), Some(theirs)) => {
                let regions = Regions::new(limits.max_section_total, OwnMemory::create);
                (Arc::new(own), Arc::new(theirs), regions, None)
            }
            _ => {
                let mirror = Mirror::new(&limits, socket.as_fd())?;
                streams.use_mirror(&mirror);
                let regions = Regions::new(limits.max_section_total, OwnMemory::private);
                (mirror.own_outbox(), mirror.peer_outbox(), regions, Some(mirror))
            }
        };
        // Two of the longest messages fit a ring, so that one can always be on its way.
        let max_message_len = limits.max_message_len.min(limits.outbox_len / 2);
        let outbox = Outbox::new(own.clone(), theirs.clone(), capacity);
        let inbox = Inbox::new(own.clone(), theirs.clone(), capacity, max_message_len);
        let (own, sleeps) = (OwnHeader::new(own), Sleeps::new());
        // Until somebody looks, the peer has to ring.
        own.set_asleep(&sleeps);
        Ok(Channel {
            socket,
            peer,
            limits,
            max_message_len,
            direct,
            direct_lost: OnceLock::new(),
            role,
            seed,
            own,
            theirs: PeerHeader::new(theirs),
            sleeps,
            rung: Rung::new(),
            tally: Tally::default(),
            outbound: Mutex::new(Outbound {
                outbox,
                shares: Shares::default(),
                given: GivenBlobs::default(),
                bundles: SentBundles::default(),
                waiting: VecDeque::new(),
                held: 0,
                backlog: VecDeque::new(),
            }),
            inbound: Mutex::new(Inbound {
                owes_bell: false,
                inbox,
                taken: TakenBlobs::default(),
                lent: LentSections::default(),
                bundles: ArrivedBundles::default(),
            }),
            streams,
            mirror,
            regions,
            closed: OnceLock::new(),
            twin: OnceLock::new(),
            last_id: AtomicU64::new(0),
            _place: place,
            admitted: AtomicUsize::new(0),
            parked: AtomicUsize::new(0),
            wants_room: AtomicBool::new(false),
            on_news: OnceLock::new(),
        })
    }

    pub(crate) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// A number that no message of this end has had.
    pub(crate) fn next_id(&self) -> MessageId {
        MessageId(self.last_id.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// So many numbers that no message of this end has had.
    pub(crate) fn next_ids(&self, count: u64) -> std::ops::Range<u64> {
        let first = self.last_id.fetch_add(count, Ordering::Relaxed) + 1;
        first..first + count
    }

    /// Whether the server may reach into the client's memory at this moment.
    pub(crate) fn direct(&self) -> DirectAvailability {
        match self.direct_lost.get() {
            Some(()) => DirectAvailability::Stalled,
            None => self.direct,
        }
    }

    /// Direct access is not to be had any more on this channel.
    pub(crate) fn lose_direct(&self) {
        let _again = self.direct_lost.set(());
    }

    /// Counts a request that was taken. `false`: the peer sends more than was agreed on.
    pub(crate) fn admit(&self, ancestors: u8) -> bool {
        self.admitted.fetch_add(1, Ordering::Relaxed) < self.credits(ancestors)
    }

    /// How many requests may be outstanding for one that descends from so many others to go, too.
    ///
    /// Each depth has a credit more than the one before. If requests that are less deep have all
    /// that they may have, and wait for deeper ones, these still get through, the deepest first; and
    /// so all do.
    pub(crate) fn credits(&self, ancestors: u8) -> usize {
        self.limits.outstanding_requests + usize::from(ancestors)
    }

    /// Counts a transfer that waits for the peer from now on.
    pub(crate) fn note_parked(&self) {
        self.parked.fetch_add(1, Ordering::SeqCst);
    }

    /// Somebody works on `count` transfers again.
    pub(crate) fn note_resumed(&self, count: usize) {
        self.parked.fetch_sub(count, Ordering::SeqCst);
    }

    /// Whether transfers wait for the peer to ring.
    pub(crate) fn has_parked(&self) -> bool {
        self.parked.load(Ordering::SeqCst) > 0
    }

    /// Has somebody look at this channel.
    pub(crate) fn tell_news(&self) {
        if let Some(on_news) = self.on_news.get() {
            on_news();
        }
    }

    fn guard<T>(&self, result: std::result::Result<T, Misbehaviour>) -> Result<T> {
        result.map_err(|offence| self.poison(offence))
    }

    // ---- the bell

    pub(crate) fn ring_if_asleep(&self) {
        match &self.mirror {
            None if self.theirs.must_ring(&self.rung) => self.ring(),
            None => {}
            Some(mirror) => self.send_changes(mirror),
        }
    }

    fn ring(&self) {
        // A bell that finds the socket full is one of many: the peer will wake. One that finds the
        // peer gone will be followed by the end of the channel.
        let _gone = socket::ring(self.socket());
        self.tally.bells.fetch_add(1, Ordering::Relaxed);
    }

    /// Says that this end may sleep, and that nothing was looked for yet since it began to.
    pub(crate) fn set_asleep(&self) {
        self.own.set_asleep(&self.sleeps);
    }

    /// What has happened on this end so far.
    pub(crate) fn traffic(&self) -> Traffic {
        let outbound = lock(&self.outbound);
        let kept = outbound.backlog.iter().chain(&outbound.waiting);
        self.tally.read(kept.map(|kept| kept.bytes.len() as u64).sum())
    }

    // ---- receiving

    /// Whether something may be there to be taken.
    pub(crate) fn has_news(&self) -> bool {
        lock(&self.inbound).inbox.has_news()
    }

    /// Takes the next message out of the peer's ring.
    pub(crate) fn pop(&self) -> Result<Option<Record>> {
        let mut inbound = lock(&self.inbound);
        let popped = self.take_next(&mut inbound);
        self.give_back(inbound);
        popped
    }

    /// Takes messages out of the peer's ring, at most `max` of them, and gives each to `take`, which says
    /// whether to go on. It is called under the lock of everything that comes in, and only puts the
    /// message somewhere.
    ///
    /// What is wrong with a message is told when it would be the first.
    #[inline]
    pub(crate) fn pop_while(&self, max: usize, mut take: impl FnMut(Record) -> Next) -> Result<()> {
        let mut inbound = lock(&self.inbound);
        for taken in 0..max {
            match self.take_next(&mut inbound) {
                Ok(Some(record)) => {
                    if take(record) == Next::Later {
                        break;
                    }
                }
                Ok(None) => break,
                Err(error) if taken == 0 => return Err(error),
                Err(_) => break,
            }
        }
        self.give_back(inbound);
        Ok(())
    }

    #[inline]
    fn take_next(&self, inbound: &mut Inbound) -> Result<Option<Record>> {
        loop {
            let popped = inbound.inbox.pop().map_err(|offence| self.poison(offence));
            let Some(mut record) = popped? else { return Ok(None) };
            if record.header.handles > 0 {
                self.claim_handles(inbound, &mut record)?;
            }
            match record.header.kind {
                MessageKind::Retire => self.forget_frozen(inbound, record.header.id.0)?,
                MessageKind::Return => self.take_back(&record.header)?,
                _ => return Ok(Some(record)),
            }
        }
    }

    /// Gives the peer the room of what was taken.
    fn give_back(&self, mut inbound: MutexGuard<'_, Inbound>) {
        let may_sleep = inbound.inbox.give_back() | std::mem::take(&mut inbound.owes_bell);
        drop(inbound);
        if may_sleep || self.owes_room() {
            self.ring_if_asleep();
        }
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic of ours while the lock was held leaves data that the checks above still bound.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
