//! What both ends of a channel do alike: publish, take, announce, ring, and notice the end.
//!
//! The private socket is the root of trust: identity, death, descriptors, the bell. Shared memory
//! only carries bytes. Whatever a peer does wrong closes the channel, once, with a reason.

mod ending;
mod handles;
mod mirror;
mod sections;
mod streams;

use std::collections::VecDeque;
use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use crate::error::{Error, Misbehaviour, Result};
use crate::message::{Attribute, MessageId, MessageKind, Record, RecordHeader};
use crate::peer::PeerIdentity;
use crate::port::attributes::{DirectAvailability, Limits};
use crate::port::connection::Place;
use crate::port::handshake::{Established, Role};
use crate::queue::{Inbox, Outbox, OwnHeader, PeerHeader, Popped};
use crate::section::region::Regions;
use crate::section::{GivenBlobs, TakenBlobs};
use crate::sys::memory::OwnMemory;
use crate::sys::socket;
use handles::{ArrivedBundles, SentBundles};
use mirror::Mirror;
use sections::LentSections;
use streams::Streams;

/// A message on its way out.
pub(crate) struct Outgoing<'a> {
    pub(crate) header: RecordHeader,
    pub(crate) attributes: &'a [Attribute],
    pub(crate) body: &'a [u8],
    /// Inline bulk data, in the order of its attributes.
    pub(crate) inline: &'a [&'a [u8]],
    pub(crate) handles: &'a [BorrowedFd<'a>],
}

impl Outgoing<'_> {
    /// A message that is nothing but its header.
    pub(crate) fn bare(header: RecordHeader) -> Outgoing<'static> {
        Outgoing { header, attributes: &[], body: &[], inline: &[], handles: &[] }
    }
}

/// What became of a message that was to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Posted {
    /// It is in the ring, and the peer knows.
    Published,
    /// The ring has no room for it now.
    Full,
}

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
    pub(crate) own: OwnHeader,
    pub(crate) theirs: PeerHeader,
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
    given: GivenBlobs,
    bundles: SentBundles,
    /// Messages that found the ring full. Only an end that must not wait puts them here.
    backlog: VecDeque<Kept>,
}

/// A message that waits for room.
struct Kept {
    header: RecordHeader,
    bytes: Vec<u8>,
    handles: Vec<OwnedFd>,
}

struct Inbound {
    inbox: Inbox,
    taken: TakenBlobs,
    lent: LentSections,
    bundles: ArrivedBundles,
}

impl Channel {
    pub(crate) fn new(established: Established) -> Result<Channel> {
        let Established {
            socket, peer, limits, own_outbox, peer_outbox, direct, role, place, ..
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
        let own = OwnHeader::new(own);
        // Until somebody looks, the peer has to ring.
        own.set_asleep();
        Ok(Channel {
            socket,
            peer,
            limits,
            max_message_len,
            direct,
            direct_lost: OnceLock::new(),
            role,
            own,
            theirs: PeerHeader::new(theirs),
            outbound: Mutex::new(Outbound {
                outbox,
                given: GivenBlobs::default(),
                bundles: SentBundles::default(),
                backlog: VecDeque::new(),
            }),
            inbound: Mutex::new(Inbound {
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
    pub(crate) fn admit(&self) -> bool {
        self.admitted.fetch_add(1, Ordering::Relaxed) < self.limits.outstanding_requests
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

    // ---- sending

    /// Publishes a message, unless the ring is full.
    pub(crate) fn post(&self, message: &Outgoing<'_>) -> Result<Posted> {
        self.check_open()?;
        let mut outbound = lock(&self.outbound);
        if !outbound.backlog.is_empty() && !self.flush(&mut outbound)? {
            return Ok(Posted::Full);
        }
        let pushed = self.push(&mut outbound, message)?;
        drop(outbound);
        if pushed {
            self.ring_if_asleep();
            Ok(Posted::Published)
        } else {
            Ok(Posted::Full)
        }
    }

    /// Publishes a message with `handles`, or takes both and keeps them until the peer makes room.
    /// Never waits.
    ///
    /// The caller answers for the number of messages that can be kept: replies are bounded by the
    /// requests that were admitted.
    pub(crate) fn post_or_keep(
        &self,
        message: &Outgoing<'_>,
        handles: &mut Vec<OwnedFd>,
    ) -> Result<()> {
        self.check_open()?;
        self.check_handles(handles.len())?;
        let mut outbound = lock(&self.outbound);
        let flushed = self.flush(&mut outbound)?;
        if !flushed || !self.push_owned(&mut outbound, message, handles)? {
            let (header, bytes) = (message.header, flatten(message));
            self.keep(&mut outbound, Kept { header, bytes, handles: std::mem::take(handles) });
            // The peer may have made room, and found nobody to ring for, since we looked.
            self.flush(&mut outbound)?;
        }
        drop(outbound);
        self.ring_if_asleep();
        Ok(())
    }

    fn keep(&self, outbound: &mut Outbound, kept: Kept) {
        if outbound.backlog.is_empty() {
            self.note_parked();
        }
        outbound.backlog.push_back(kept);
    }

    /// Moves messages into the ring that it had no room for.
    pub(crate) fn flush_backlog(&self) -> Result<()> {
        let mut outbound = lock(&self.outbound);
        if outbound.backlog.is_empty() {
            return Ok(());
        }
        self.flush(&mut outbound)?;
        drop(outbound);
        self.ring_if_asleep();
        Ok(())
    }

    /// Throws away what the peer will not take any more.
    pub(crate) fn drop_backlog(&self) {
        let backlog = std::mem::take(&mut lock(&self.outbound).backlog);
        if !backlog.is_empty() {
            self.note_resumed(1);
        }
    }

    /// Moves kept messages into the ring. `true`: none is left.
    fn flush(&self, outbound: &mut Outbound) -> Result<bool> {
        while let Some(kept) = outbound.backlog.pop_front() {
            let handles: Vec<_> = kept.handles.iter().map(AsFd::as_fd).collect();
            let bytes = [IoSlice::new(&kept.bytes)];
            let published = self.publish(outbound, &kept.header, &bytes, &handles);
            // Whoever waits for a message that cannot be sent must not wait for good.
            let published = published.inspect_err(|error| self.close(error.clone()))?;
            if !published {
                outbound.backlog.push_front(kept);
                return Ok(false);
            }
            if outbound.backlog.is_empty() {
                self.note_resumed(1);
            }
        }
        Ok(true)
    }

    /// Puts a record into the ring, and does the books. `false`: there is no room.
    fn publish(
        &self,
        outbound: &mut Outbound,
        header: &RecordHeader,
        parts: &[IoSlice<'_>],
        handles: &[BorrowedFd<'_>],
    ) -> Result<bool> {
        if handles.is_empty() {
            return self.put(outbound, header, parts);
        }
        let mut header = *header;
        if !self.send_handles(outbound, &mut header, handles)? {
            return Ok(false);
        }
        let put = self.put(outbound, &header, parts)?;
        debug_assert!(put, "there was room for it");
        let tail = outbound.outbox.tail();
        outbound.bundles.published(tail, header.handles);
        Ok(put)
    }

    fn put(
        &self,
        outbound: &mut Outbound,
        header: &RecordHeader,
        parts: &[IoSlice<'_>],
    ) -> Result<bool> {
        // A reply gives the client back the right to send another request, which can arrive before
        // the next line runs: so it is counted before.
        let is_reply = header.kind == MessageKind::Reply;
        if is_reply {
            self.admitted.fetch_sub(1, Ordering::Relaxed);
        }
        let pushed = self.guard(outbound.outbox.push(header, parts))?;
        if is_reply && !pushed {
            self.admitted.fetch_add(1, Ordering::Relaxed);
        }
        if pushed && header.kind == MessageKind::Retire {
            let tail = outbound.outbox.tail();
            outbound.given.told(header.id.0, tail);
        }
        Ok(pushed)
    }

    fn push_owned(
        &self,
        outbound: &mut Outbound,
        message: &Outgoing<'_>,
        handles: &[OwnedFd],
    ) -> Result<bool> {
        if handles.is_empty() {
            return self.push(outbound, message);
        }
        let handles: Vec<_> = handles.iter().map(AsFd::as_fd).collect();
        self.push(outbound, &Outgoing { handles: &handles, ..*message })
    }

    fn push(&self, outbound: &mut Outbound, message: &Outgoing<'_>) -> Result<bool> {
        if !outbound.given.is_empty() {
            self.retire(outbound)?;
        }
        let mut attributes = [0; crate::message::ATTRIBUTE_LEN * 4];
        let mut many = Vec::new();
        let attributes = encode_attributes(message.attributes, &mut attributes, &mut many);
        let mut parts = [IoSlice::new(&[]); 6];
        let count = 2 + message.inline.len();
        if let Some(parts) = parts.get_mut(..count) {
            fill(parts, attributes, message);
            self.publish(outbound, &message.header, parts, message.handles)
        } else {
            let mut parts = vec![IoSlice::new(&[]); count];
            fill(&mut parts, attributes, message);
            self.publish(outbound, &message.header, &parts, message.handles)
        }
    }

    pub(crate) fn ring_if_asleep(&self) {
        match &self.mirror {
            None if self.theirs.must_ring() => self.ring(),
            None => {}
            Some(mirror) => self.send_changes(mirror),
        }
    }

    fn ring(&self) {
        // A bell that finds the socket full is one of many: the peer will wake. One that finds the
        // peer gone will be followed by the end of the channel.
        let _gone = socket::ring(self.socket());
    }

    // ---- receiving

    /// Whether something may be there to be taken.
    pub(crate) fn has_news(&self) -> bool {
        lock(&self.inbound).inbox.has_news()
    }

    /// Takes the next message out of the peer's ring.
    pub(crate) fn pop(&self) -> Result<Option<Record>> {
        let mut inbound = lock(&self.inbound);
        loop {
            let Some(Popped { mut record, was_crowded }) = self.guard(inbound.inbox.pop())? else {
                return Ok(None);
            };
            if was_crowded || self.owes_room() {
                self.ring_if_asleep();
            }
            if record.header.handles > 0 {
                self.claim_handles(&mut inbound, &mut record)?;
            }
            match record.header.kind {
                MessageKind::Retire => self.forget_frozen(&mut inbound, record.header.id.0)?,
                MessageKind::Return => self.take_back(&record.header)?,
                _ => return Ok(Some(record)),
            }
        }
    }
}

fn encode_attributes<'a>(
    attributes: &[Attribute],
    few: &'a mut [u8],
    many: &'a mut Vec<u8>,
) -> &'a [u8] {
    let len = attributes.len() * crate::message::ATTRIBUTE_LEN;
    if few.len() < len {
        many.extend(attributes.iter().flat_map(|attribute| attribute.encode()));
        return many;
    }
    let (few, _) = few.split_at_mut(len);
    for (to, attribute) in few.chunks_exact_mut(crate::message::ATTRIBUTE_LEN).zip(attributes) {
        to.copy_from_slice(&attribute.encode());
    }
    few
}

fn fill<'a>(parts: &mut [IoSlice<'a>], attributes: &'a [u8], message: &'a Outgoing<'_>) {
    let all = [attributes, message.body].into_iter().chain(message.inline.iter().copied());
    for (part, bytes) in parts.iter_mut().zip(all) {
        *part = IoSlice::new(bytes);
    }
}

fn flatten(message: &Outgoing<'_>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(message.header.len as usize);
    bytes.extend(message.attributes.iter().flat_map(|attribute| attribute.encode()));
    bytes.extend_from_slice(message.body);
    for inline in message.inline {
        bytes.extend_from_slice(inline);
    }
    bytes
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic of ours while the lock was held leaves data that the checks above still bound.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
