//! A channel without shared memory: what would be shared, each end keeps twice.
//!
//! An end has its outbox and its stream windows in memory of its own, and a [`Replica`] of the
//! peer's. Rings, streams and credits work on them as they do on shared memory. What the peer's
//! replica lacks is sent on the private socket: bytes that were published, and the indices that say
//! so. Nothing is queued for that. What has to be sent is in our memory until the peer has taken
//! it, so a mirror only remembers how far it got, and goes on when the socket has room again.
//!
//! Datagrams keep their order, so bytes arrive before the index that covers them. A datagram wakes
//! its receiver: there are no bells, and looking without reading the socket would see nothing.

mod frames;

use std::os::fd::BorrowedFd;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::{Arc, Mutex};

use super::sections::{FRAME_LEN, frame};
use super::{Channel, Inbound, Pace, lock};
use crate::error::{Error, ErrorKind, Misbehaviour, Result};
use crate::port::attributes::Limits;
use crate::port::handshake::Role;
use crate::queue::indices::{Header, STREAMS};
use crate::queue::outbox_len;
use crate::stream::{MAX_STREAM, windows_len};
use crate::sys::memory::{OwnMemory, PAGE, PeerMemory, Replica};
use crate::sys::socket::{self, Received, Sent};
use frames::{Frame, MAX_HEADER};

/// Bytes of a ring or a window that one datagram carries at most.
const MAX_PIECE: usize = 32 << 10;

/// Both ends' memory, as this end has it, and how far each has been told of the other's.
pub(super) struct Mirror {
    capacity: u32,
    window: u32,
    /// Bytes that a datagram of ours carries.
    piece: u32,
    own: Arc<OwnMemory>,
    own_windows: Arc<OwnMemory>,
    peer: Replica,
    peer_windows: Replica,
    sending: Mutex<Sending>,
    /// The socket had no room for all that the peer lacks.
    unsent: AtomicBool,
    /// How much the peer knows to have been taken of its ring.
    head_told: AtomicU32,
    /// The peer has to be told at once.
    tells_head: AtomicBool,
    landing: Mutex<Landing>,
}

/// How far the peer's replica is.
#[derive(Default)]
struct Sending {
    /// Bytes of the ring that were sent, and the index that was.
    ring: u32,
    tail: u32,
    streams: [SentStream; STREAMS],
    /// What the round that is under way sends: the peer gets all of it before what came later, so
    /// that a slot that never runs dry keeps nothing else waiting.
    goal: Option<Goal>,
    datagram: Vec<u8>,
}

#[derive(Default, Clone, Copy)]
struct SentStream {
    /// What the peer need not be sent any more.
    done: u32,
    /// The words that it was told.
    produced: u32,
    consumed: u32,
    aborted: u32,
}

#[derive(Clone, Copy)]
struct Goal {
    tail: u32,
    produced: [u32; STREAMS],
}

/// How far our replica of the peer is.
#[derive(Default)]
struct Landing {
    /// Bytes of the ring that arrived, and those that were published.
    ring: u32,
    tail: u32,
    produced: [u32; STREAMS],
    datagram: Vec<u8>,
}

impl Mirror {
    pub(super) fn new(limits: &Limits, socket: BorrowedFd<'_>) -> Result<Mirror> {
        // `Limits::fault` keeps them to 1 MiB and 64 MiB.
        let capacity = u32::try_from(limits.outbox_len).unwrap_or(0);
        let window = u32::try_from(limits.chunk_window).unwrap_or(0);
        let piece = socket::comfortable_len(socket).saturating_sub(MAX_HEADER);
        Ok(Mirror {
            capacity,
            window,
            piece: u32::try_from(piece.clamp(1, MAX_PIECE)).unwrap_or(1),
            own: Arc::new(OwnMemory::private(outbox_len(capacity))?),
            own_windows: Arc::new(OwnMemory::private(windows_len(window))?),
            peer: Replica::create(outbox_len(capacity))?,
            peer_windows: Replica::create(windows_len(window))?,
            sending: Mutex::default(),
            unsent: AtomicBool::new(false),
            head_told: AtomicU32::new(0),
            tells_head: AtomicBool::new(false),
            landing: Mutex::default(),
        })
    }

    pub(super) fn own_outbox(&self) -> Arc<OwnMemory> {
        self.own.clone()
    }

    pub(super) fn own_windows(&self) -> Arc<OwnMemory> {
        self.own_windows.clone()
    }

    pub(super) fn peer_outbox(&self) -> Arc<PeerMemory> {
        self.peer.memory()
    }

    pub(super) fn peer_windows(&self) -> Arc<PeerMemory> {
        self.peer_windows.memory()
    }

    fn own_header(&self) -> &Header {
        self.own.words(0)
    }

    fn peer_header(&self) -> &Header {
        self.peer.words(0)
    }

    /// Whether the peer may run out of room that it has and does not know of.
    fn owes_room(&self) -> bool {
        // The longest message takes half a ring. A peer that has no room for it believes nearly the
        // other half to be taken, and when we have taken that, this is true.
        let untold = self.own_header().head().wrapping_sub(self.head_told.load(Relaxed));
        untold >= self.capacity / 4
    }

    /// The peer waits for more than room: what was taken is of interest before much was.
    pub(super) fn tell_head(&self) {
        self.tells_head.store(true, SeqCst);
    }

    // ---- sending

    /// Sends what the peer's replica lacks at the beginning of this call.
    fn send_changes(&self, socket: BorrowedFd<'_>) -> Result<Sent> {
        let mut sending = lock(&self.sending);
        let mut sent = self.finish_round(&mut sending, socket);
        if matches!(sent, Ok(Sent::Done)) {
            sending.goal = Some(self.goal());
            sent = self.finish_round(&mut sending, socket);
        }
        let blocked = matches!(sent, Ok(Sent::WouldBlock));
        let was_blocked = self.unsent.swap(blocked, SeqCst);
        // Whoever waits is told once.
        sent.map(|_| if blocked && !was_blocked { Sent::WouldBlock } else { Sent::Done })
    }

    fn goal(&self) -> Goal {
        let own = self.own_header();
        // The tail first: a message may announce a stream, and what its slot did before must be
        // known by then.
        let tail = own.tail();
        Goal { tail, produced: own.streams.each_ref().map(|words| words.produced.load(Acquire)) }
    }

    fn finish_round(&self, sending: &mut Sending, socket: BorrowedFd<'_>) -> Result<Sent> {
        let Some(goal) = sending.goal else { return Ok(Sent::Done) };
        for (slot, &produced) in (0..).zip(&goal.produced) {
            while let Some(next) = self.next_of_stream(sending, slot, produced) {
                if self.send(sending, socket)? == Sent::WouldBlock {
                    return Ok(Sent::WouldBlock);
                }
                if let Some(stream) = sending.streams.get_mut(usize::from(slot)) {
                    *stream = next;
                }
                if next.done == produced {
                    break;
                }
            }
        }
        loop {
            let left = goal.tail.wrapping_sub(sending.ring);
            if left > self.capacity {
                // It made room by saying that it took what it was never sent.
                let offence = Misbehaviour::RingIndex { distance: left };
                return Err(Error::misbehaved("send to the peer", offence));
            }
            let tells_head = self.tells_head.swap(false, SeqCst);
            if left == 0 && !tells_head && !self.owes_room() {
                break;
            }
            let len = left.min(self.piece);
            let tail = if len == left { goal.tail } else { sending.tail };
            let head = self.own_header().head();
            Frame::Ring { head, tail, bytes: &[] }.put_header(&mut sending.datagram);
            let ring = (PAGE, self.capacity);
            put_piece(&self.own, ring, sending.ring, len, &mut sending.datagram);
            if self.send(sending, socket)? == Sent::WouldBlock {
                self.tells_head.fetch_or(tells_head, SeqCst);
                return Ok(Sent::WouldBlock);
            }
            sending.ring = sending.ring.wrapping_add(len);
            sending.tail = tail;
            self.head_told.store(head, Relaxed);
        }
        sending.goal = None;
        Ok(Sent::Done)
    }

    /// Writes the next datagram of a stream on the way to `goal`; gives what is known once it is
    /// sent. `None`: there is nothing to tell.
    fn next_of_stream(&self, sending: &mut Sending, slot: u8, goal: u32) -> Option<SentStream> {
        let index = usize::from(slot);
        let known = *sending.streams.get(index)?;
        let words = self.own_header().streams.get(index)?;
        let taken = self.peer_header().streams.get(index)?.consumed.load(Acquire);
        let mut at = known.done;
        let mut left = goal.wrapping_sub(at);
        // The peer may have claimed bytes unseen, and does not want them any more.
        let unwanted = taken.wrapping_sub(at);
        if unwanted <= left {
            (at, left) = (taken, left - unwanted);
        }
        if left > self.window {
            // A stream that was given up jumps to its end.
            (at, left) = (goal, 0);
        }
        let len = left.min(self.piece);
        let done = at.wrapping_add(len);
        let (consumed, aborted) = (words.consumed.load(Acquire), words.aborted.load(Relaxed));
        let told = (known.produced, known.consumed, known.aborted);
        if told == (done, consumed, aborted) {
            return None;
        }
        let head = Frame::Stream { slot, consumed, aborted, at, bytes: &[] };
        head.put_header(&mut sending.datagram);
        let window = (index * self.window as usize, self.window);
        put_piece(&self.own_windows, window, at, len, &mut sending.datagram);
        Some(SentStream { done, produced: done, consumed, aborted })
    }

    fn send(&self, sending: &Sending, socket: BorrowedFd<'_>) -> Result<Sent> {
        socket::send(socket, &[std::io::IoSlice::new(&sending.datagram)], &[])
    }

    // ---- receiving

    /// Takes one datagram in.
    fn land(&self, landing: &mut Landing, len: usize) -> std::result::Result<(), Misbehaviour> {
        let datagram = std::mem::take(&mut landing.datagram);
        let landed = match datagram.get(..len) {
            Some([frame::BELL]) => Ok(()),
            datagram => Frame::parse(datagram.unwrap_or(&[])).and_then(|frame| match frame {
                Frame::Ring { head, tail, bytes } => self.land_ring(landing, head, tail, bytes),
                Frame::Stream { .. } => self.land_stream(landing, frame),
            }),
        };
        landing.datagram = datagram;
        landed
    }

    fn land_ring(
        &self,
        landing: &mut Landing,
        head: u32,
        tail: u32,
        bytes: &[u8],
    ) -> std::result::Result<(), Misbehaviour> {
        // What arrived and is not taken yet must not be written over.
        let untaken = landing.ring.wrapping_sub(self.own_header().head());
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let distance = untaken.saturating_add(len);
        if distance > self.capacity {
            return Err(Misbehaviour::RingIndex { distance });
        }
        let arrived = landing.ring.wrapping_add(len);
        let published = tail.wrapping_sub(landing.tail);
        if published > arrived.wrapping_sub(landing.tail) {
            return Err(Misbehaviour::RingIndex { distance: published });
        }
        self.write(&self.peer, (PAGE, self.capacity), landing.ring, bytes)?;
        landing.ring = arrived;
        landing.tail = tail;
        self.peer_header().set_indices(head, tail);
        Ok(())
    }

    fn land_stream(
        &self,
        landing: &mut Landing,
        frame: Frame<'_>,
    ) -> std::result::Result<(), Misbehaviour> {
        let Frame::Stream { slot, consumed, aborted, at, bytes } = frame else { return Ok(()) };
        let unknown = Misbehaviour::StreamSlot { slot };
        let index = usize::from(slot);
        let produced = landing.produced.get_mut(index).ok_or(unknown)?;
        let own = self.own_header().streams.get(index).ok_or(unknown)?;
        let theirs = self.peer_header().streams.get(index).ok_or(unknown)?;
        // It goes forward, and not further than a whole stream.
        let distance = at.wrapping_sub(*produced);
        if u64::from(distance) > MAX_STREAM {
            return Err(Misbehaviour::StreamIndex { distance });
        }
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let end = at.wrapping_add(len);
        // What we have claimed unseen may still be on its way: then this is far more than a window.
        let ahead = end.wrapping_sub(own.consumed.load(Acquire));
        let is_behind = u64::from(ahead) > MAX_STREAM;
        if len > self.window || (len > 0 && ahead > self.window && !is_behind) {
            return Err(Misbehaviour::StreamIndex { distance: ahead });
        }
        let window = (index * self.window as usize, self.window);
        self.write(&self.peer_windows, window, at, bytes)?;
        *produced = end;
        theirs.consumed.store(consumed, Release);
        theirs.aborted.store(aborted, Relaxed);
        theirs.produced.store(end, Release);
        Ok(())
    }

    /// Writes bytes, of which `at` were before, to a ring or a window at `offset`.
    fn write(
        &self,
        to: &Replica,
        (offset, len): (usize, u32),
        at: u32,
        bytes: &[u8],
    ) -> std::result::Result<(), Misbehaviour> {
        let at = at & (len - 1);
        let (first, second) = bytes.split_at(bytes.len().min((len - at) as usize));
        let written = to.write(offset + at as usize, first).and_then(|()| to.write(offset, second));
        written.ok_or(Misbehaviour::RingIndex { distance: at })
    }
}

/// Appends `len` bytes, of which `at` were before, of a ring or a window at `offset`.
fn put_piece(
    from: &OwnMemory,
    (offset, size): (usize, u32),
    at: u32,
    len: u32,
    into: &mut Vec<u8>,
) {
    let at = at & (size - 1);
    let start = into.len();
    into.resize(start + len as usize, 0);
    let (_, piece) = into.split_at_mut(start);
    let (first, second) = piece.split_at_mut(len.min(size - at) as usize);
    let read = from.read(offset + at as usize, first).and_then(|()| from.read(offset, second));
    debug_assert!(read.is_some(), "a ring or a window lies inside its memory");
}

impl Channel {
    /// Whether the two ends share no memory.
    pub(crate) fn is_mirrored(&self) -> bool {
        self.mirror.is_some()
    }

    /// Whether something waits for room on the socket.
    pub(crate) fn has_unsent(&self) -> bool {
        self.mirror.as_ref().is_some_and(|mirror| mirror.unsent.load(SeqCst))
    }

    /// Goes on with what waits for room on the socket.
    pub(crate) fn send_unsent(&self) {
        if let Some(mirror) = &self.mirror
            && self.has_unsent()
        {
            self.send_changes(mirror);
        }
    }

    pub(super) fn owes_room(&self) -> bool {
        self.mirror.as_ref().is_some_and(Mirror::owes_room)
    }

    pub(super) fn send_changes(&self, mirror: &Mirror) {
        match mirror.send_changes(self.socket()) {
            // A client that sleeps has to wait for room, too; a server is told of room anyway.
            Ok(Sent::WouldBlock) if self.role == Role::Client => self.tell_news(),
            Ok(_) => {}
            // What the peer sent before it went is still to be had: who reads it finds the end.
            Err(error) if error.kind() == &ErrorKind::PeerClosed => {}
            Err(error) => self.close(error),
        }
    }

    /// Reads everything that is on the socket into the replica.
    pub(super) fn drain_into(&self, mirror: &Mirror, inbound: &mut Inbound) -> Result<()> {
        let mut landing = lock(&mirror.landing);
        landing.datagram.resize(MAX_HEADER + MAX_PIECE, 0);
        let mut fds = Vec::new();
        let mut ended = false;
        loop {
            match socket::recv(self.socket(), &mut landing.datagram, &mut fds) {
                // A peer that left datagrams of ours unread is told of first, and once.
                Ok(Received::Closed) if !ended => ended = true,
                Ok(Received::Closed | Received::Empty) if ended => {
                    self.close(Error::new(ErrorKind::PeerClosed, "use a channel"));
                    return self.check_open();
                }
                Ok(Received::Closed | Received::Empty) => return Ok(()),
                Ok(received @ (Received::Datagram(len) | Received::Lost(len))) => {
                    let is_lost = matches!(received, Received::Lost(_));
                    let datagram = landing.datagram.get(..len).unwrap_or(&[]);
                    let bundle = <&[u8; FRAME_LEN]>::try_from(datagram);
                    let offence = if let Ok(bytes @ [frame::HANDLES, ..]) = bundle {
                        let handles = (!is_lost).then(|| std::mem::take(&mut fds));
                        self.take_bundle(inbound, bytes, handles).err()
                    } else if is_lost || !fds.is_empty() {
                        Some(Misbehaviour::TooManyDescriptors { max: 0 })
                    } else {
                        mirror.land(&mut landing, len).err()
                    };
                    if let Some(offence) = offence {
                        return Err(self.poison(offence));
                    }
                }
                Err(error) => {
                    self.close(error.clone());
                    return Err(error);
                }
            }
        }
    }

    /// Goes on with `step` for as long as the socket brings something for it.
    pub(super) fn go_while<T>(
        &self,
        mut step: impl FnMut() -> Result<Pace<T>>,
    ) -> Result<Option<T>> {
        let mut drained = false;
        let mut ended = Ok(None);
        let mut is_stuck = false;
        loop {
            match step() {
                Ok(Pace::Moved) => is_stuck = false,
                Ok(Pace::Stuck) if is_stuck => break,
                Ok(Pace::Stuck) => {
                    is_stuck = true;
                    drained = true;
                    if let Err(error) = self.drain_socket() {
                        ended = Err(error);
                        break;
                    }
                }
                Ok(Pace::Done(done)) => {
                    ended = Ok(Some(done));
                    break;
                }
                Err(error) => {
                    ended = Err(error);
                    break;
                }
            }
        }
        // The socket will not tell anybody of what was read here.
        if drained && (self.has_parked() || self.has_news()) {
            self.tell_news();
        }
        ended
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
