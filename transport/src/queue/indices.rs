//! The index protocol of a pair of outboxes: who has published what, who has taken what, and who
//! sleeps.
//!
//! Each side writes one [`Header`] and reads the other's; no word has two writers. The protocol is
//! generic over where the headers live, so that loom runs this very code (see `loom_tests`).
//!
//! Nothing here trusts the peer: an index that makes no sense is an error, never a wrong address.

use std::ops::Deref;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

use crate::sync::{AtomicU32, fence};

/// Streams of bulk data that can be under way at once in one direction.
pub(crate) const STREAMS: usize = 4;

/// Calls that can lend memory for writing at one time in one channel.
pub(crate) const GRANTS: u8 = 8;

/// The owner of a header looks at the peer's words by itself: no bell is needed. Any other value is
/// the number of a sleep.
const AWAKE: u32 = 0;

/// Numbers the sleeps of one end, in memory of its own.
///
/// A peer rings once for each sleep, however much it publishes meanwhile: the bell stays on the socket
/// until the sleeper has heard it, and whoever hears one begins a new sleep before it looks.
pub(crate) struct Sleeps(AtomicU32);

impl Sleeps {
    pub(crate) fn new() -> Sleeps {
        Sleeps(AtomicU32::new(1))
    }

    /// A number that no sleep has had, until they have all been used: by then no thread is left that
    /// still holds one. Odd numbers alone, so none is [`AWAKE`].
    fn next(&self) -> u32 {
        self.0.fetch_add(2, Relaxed)
    }
}

/// Remembers for which of the peer's sleeps it was rung.
pub(crate) struct Rung(AtomicU32);

impl Rung {
    pub(crate) fn new() -> Rung {
        Rung(AtomicU32::new(AWAKE))
    }

    /// Whether this sleep was not rung for before. The first who asks has to ring.
    fn is_first(&self, sleep: u32) -> bool {
        self.0.swap(sleep, Relaxed) != sleep
    }
}

/// The control words that one side writes and the other reads.
///
/// Lines are 128 bytes apart, because processors fetch pairs of 64-byte lines.
#[repr(C)]
pub(crate) struct Header {
    /// What the peer polls, in one line: a reply and "I look for the next request" arrive together.
    signal: Signal,
    /// Bytes of the peer's outbox taken so far. A line of its own: the peer looks at it only when
    /// its ring seems full, and a stream of messages must not bounce the line above.
    taken: Taken,
    pub(crate) streams: [StreamWords; STREAMS],
    grants: [GrantWords; GRANTS as usize],
}

#[repr(C, align(128))]
struct Signal {
    /// Bytes published so far, modulo 2³². Only the owner stores, with `Release`, after the bytes
    /// are in place; the peer loads with `Acquire` before it reads them.
    tail: AtomicU32,
    /// [`AWAKE`], or the number of a sleep. Stored before a `SeqCst` fence and a last look at the peer's tail; read by
    /// the peer after it has published and fenced. So one of the two always sees the other.
    wait: AtomicU32,
    /// The CPU on which the owner last waited. Advice only.
    cpu: AtomicU32,
}

#[repr(C, align(128))]
struct Taken {
    head: AtomicU32,
}

/// The progress of one stream of bulk data, both roles of one side.
#[repr(C, align(128))]
pub(crate) struct StreamWords {
    /// As producer of this slot: bytes put into the window so far, modulo 2³², over all streams.
    pub(crate) produced: AtomicU32,
    /// As producer: the number of the last stream of this slot that was given up.
    pub(crate) aborted: AtomicU32,
    /// As consumer of the *peer's* slot of the same number: bytes taken out so far.
    pub(crate) consumed: AtomicU32,
}

/// What the two sides tell each other about one piece of lent memory. A client writes the first word
/// of its header, a server the second of its own.
///
/// It is a Dekker pair: the server says that it copies and then looks whether it still may, the
/// client says that it may not and then looks whether it does. One of the two sees the other, so
/// memory is its owner's again without anybody at the server having to hear of it.
#[repr(C, align(128))]
struct GrantWords {
    /// The number of the last grant of this slot that was revoked. Numbers only grow.
    revoked: AtomicU32,
    /// Threads of the server that are copying under the slot's grant.
    copying: AtomicU32,
}

// SAFETY: atomics alone; padding is never read. (Loom's atomics are not plain words; the models that
// use them keep their headers in private memory and come by no mapping.)
unsafe impl crate::sys::memory::SharedWords for Header {}

impl Header {
    #[cfg(test)]
    pub(crate) fn new() -> Header {
        let stream = || StreamWords {
            produced: AtomicU32::new(0),
            aborted: AtomicU32::new(0),
            consumed: AtomicU32::new(0),
        };
        Header {
            signal: Signal {
                tail: AtomicU32::new(0),
                wait: AtomicU32::new(AWAKE),
                cpu: AtomicU32::new(0),
            },
            taken: Taken { head: AtomicU32::new(0) },
            streams: std::array::from_fn(|_| stream()),
            grants: std::array::from_fn(|_| GrantWords {
                revoked: AtomicU32::new(0),
                copying: AtomicU32::new(0),
            }),
        }
    }

    /// Says, as a client, that nothing may be written under a grant any more.
    pub(crate) fn revoke(&self, slot: u8, number: u32) {
        if let Some(words) = self.grants.get(usize::from(slot)) {
            words.revoked.store(number, Relaxed);
        }
        // Pairs with the fence in `begin_copy`. Without it the look at `is_copying` that follows
        // could be satisfied before the store is visible.
        fence(SeqCst);
    }

    /// Whether the server that owns this header is writing under a grant of that slot.
    pub(crate) fn is_copying(&self, slot: u8) -> bool {
        let words = self.grants.get(usize::from(slot));
        // `Acquire`: what was written before the server left is there when it is seen to have left.
        words.is_some_and(|words| words.copying.load(Acquire) != 0)
    }

    /// Says, as a server, that `copying` of its threads write under a grant, if they still may.
    pub(crate) fn begin_copy(&self, client: &Header, slot: u8, number: u32, copying: u32) -> bool {
        let slot = usize::from(slot);
        let (Some(own), Some(theirs)) = (self.grants.get(slot), client.grants.get(slot)) else {
            return false;
        };
        own.copying.store(copying, Relaxed);
        // Pairs with the fence in `revoke`.
        fence(SeqCst);
        let revoked = theirs.revoked.load(Relaxed);
        // A later grant that was revoked means that this one is over, too.
        let may = number.wrapping_sub(revoked).wrapping_sub(1) < u32::MAX / 2;
        if !may {
            own.copying.store(copying - 1, Release);
        }
        may
    }

    /// Says, as a server, that only `copying` of its threads still write.
    pub(crate) fn end_copy(&self, slot: u8, copying: u32) {
        if let Some(words) = self.grants.get(usize::from(slot)) {
            words.copying.store(copying, Release);
        }
    }

    /// Says that the owner looks by itself from now on.
    pub(crate) fn set_awake(&self) {
        self.signal.wait.store(AWAKE, Relaxed);
    }

    /// Whether the owner has said that it looks by itself.
    pub(crate) fn is_awake(&self) -> bool {
        self.signal.wait.load(Relaxed) == AWAKE
    }

    /// Says that the owner may sleep: from the return of this function on, a peer that publishes
    /// rings, the first time. What it published before must be looked for after this call, and so must
    /// it after a bell was heard: the peer does not ring again for the same sleep.
    pub(crate) fn set_asleep(&self, sleeps: &Sleeps) {
        self.signal.wait.store(sleeps.next(), Relaxed);
        // Pairs with the fence in `must_ring`. Without it the look that follows could be satisfied
        // before the store is visible: the peer sees nobody asleep, we see nothing published.
        fence(SeqCst);
    }

    /// Bytes that the owner has published: for whoever sends them on, and for a copy of the header.
    pub(crate) fn tail(&self) -> u32 {
        self.signal.tail.load(Acquire)
    }

    /// Bytes that the owner has taken.
    pub(crate) fn head(&self) -> u32 {
        self.taken.head.load(Acquire)
    }

    /// Moves both indices of a copy of the header, after the bytes below `tail` are in place.
    pub(crate) fn set_indices(&self, head: u32, tail: u32) {
        self.taken.head.store(head, Release);
        self.signal.tail.store(tail, Release);
    }

    pub(crate) fn set_cpu(&self, cpu: u32) {
        self.signal.cpu.store(cpu, Relaxed);
    }

    pub(crate) fn cpu(&self) -> u32 {
        self.signal.cpu.load(Relaxed)
    }

    /// Whether the owner of this header must be rung after something was published to it.
    ///
    /// Call it after the publishing store.
    pub(crate) fn must_ring(&self, rung: &Rung) -> bool {
        // Pairs with the fence in `set_asleep`.
        fence(SeqCst);
        // A peer that writes nonsense costs itself a system call, or a message that it is not told of.
        let sleep = self.signal.wait.load(Relaxed);
        sleep != AWAKE && rung.is_first(sleep)
    }
}

/// The indices of a peer that cannot be: it took more than was published, or published more than
/// fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ImpossibleIndex {
    pub(crate) distance: u32,
}

/// The part of a ring that requests and datagrams leave free: one in so many.
pub(crate) const RESERVED_PART: u32 = 16;

/// The publishing end: writes `own.tail`, reads `peer.head`.
pub(crate) struct Producer<O, P> {
    own: O,
    peer: P,
    /// Size of the ring in bytes, a power of two.
    capacity: u32,
    /// Where the next record goes. Kept here and never read back from shared memory.
    tail: u32,
    /// The tail that the peer can see: what lies between the two is *staged*, in place but held back.
    published: u32,
    /// What the peer had taken when we last looked. Looked at again only when space runs out.
    head: u32,
}

impl<O: Deref<Target = Header>, P: Deref<Target = Header>> Producer<O, P> {
    pub(crate) fn new(own: O, peer: P, capacity: u32) -> Self {
        debug_assert!(capacity.is_power_of_two());
        Producer { own, peer, capacity, tail: 0, published: 0, head: 0 }
    }

    /// Where the next byte goes, as an offset into the ring.
    #[inline]
    pub(crate) fn position(&self) -> u32 {
        self.tail & (self.capacity - 1)
    }

    /// Bytes published and staged so far, modulo 2³².
    pub(crate) fn tail(&self) -> u32 {
        self.tail
    }

    /// Bytes that the peer has taken so far, modulo 2³².
    pub(crate) fn taken(&mut self) -> Result<u32, ImpossibleIndex> {
        self.look_at_head()?;
        Ok(self.head)
    }

    /// Free bytes, at least `need` if the peer has made room for them.
    #[inline]
    pub(crate) fn free(&mut self, need: u32) -> Result<u32, ImpossibleIndex> {
        let known = self.capacity - self.tail.wrapping_sub(self.head);
        if known >= need {
            return Ok(known);
        }
        self.look_at_head()?;
        Ok(self.capacity - self.tail.wrapping_sub(self.head))
    }

    fn look_at_head(&mut self) -> Result<(), ImpossibleIndex> {
        let head = self.peer.taken.head.load(Acquire);
        let used = self.published.wrapping_sub(head);
        if used > self.published.wrapping_sub(self.head) {
            // It went backwards, or past what was published.
            return Err(ImpossibleIndex { distance: used });
        }
        self.head = head;
        Ok(())
    }

    /// Puts `len` bytes that are in place behind those that the next [`publish`](Producer::publish)
    /// shows to the peer.
    #[inline]
    pub(crate) fn stage(&mut self, len: u32) {
        self.tail = self.tail.wrapping_add(len);
    }

    /// Shows the peer everything that is staged, with one store. `false`: nothing was.
    pub(crate) fn publish(&mut self) -> bool {
        let is_new = self.published != self.tail;
        if is_new {
            self.published = self.tail;
            self.own.signal.tail.store(self.tail, Release);
        }
        is_new
    }
}

/// The taking end: writes `own.head`, reads `peer.tail`.
pub(crate) struct Consumer<O, P> {
    own: O,
    peer: P,
    capacity: u32,
    /// Our head. Kept here and never read back from shared memory.
    head: u32,
    /// The head that the peer can see: what lies between the two was copied out and is still the
    /// peer's to leave alone.
    given_back: u32,
    /// The head when we last looked whether the peer waits for room.
    looked_for_sleeper: u32,
    /// The peer's tail when we last looked. Looked at again only when all of that is taken: each look
    /// fetches a line that the peer may be writing to.
    seen: u32,
}

impl<O: Deref<Target = Header>, P: Deref<Target = Header>> Consumer<O, P> {
    pub(crate) fn new(own: O, peer: P, capacity: u32) -> Self {
        debug_assert!(capacity.is_power_of_two());
        Consumer { own, peer, capacity, head: 0, given_back: 0, looked_for_sleeper: 0, seen: 0 }
    }

    /// Where the next byte to take lies, as an offset into the ring.
    pub(crate) fn position(&self) -> u32 {
        self.head & (self.capacity - 1)
    }

    /// Bytes that are known to be published, and that we have not taken.
    #[inline]
    pub(crate) fn known(&self) -> u32 {
        self.seen.wrapping_sub(self.head)
    }

    /// Bytes that the peer has published and we have not taken, as far as is known; if none are, it is
    /// looked for more.
    #[inline]
    pub(crate) fn available(&mut self) -> Result<u32, ImpossibleIndex> {
        if self.seen == self.head {
            self.seen = self.look()?;
        }
        Ok(self.seen.wrapping_sub(self.head))
    }

    /// Whether the peer has published something that we have not taken, or nonsense.
    pub(crate) fn has_news(&self) -> bool {
        self.seen != self.head || self.look() != Ok(self.head)
    }

    fn look(&self) -> Result<u32, ImpossibleIndex> {
        let tail = self.peer.signal.tail.load(Acquire);
        // What the peer does not know to be free it cannot have published over.
        let distance = tail.wrapping_sub(self.given_back);
        if distance > self.capacity || distance < self.head.wrapping_sub(self.given_back) {
            return Err(ImpossibleIndex { distance });
        }
        Ok(tail)
    }

    /// Goes past `len` bytes of the ring, which must have been copied out.
    #[inline]
    pub(crate) fn take(&mut self, len: u32) {
        self.head = self.head.wrapping_add(len);
    }

    /// Gives everything that was taken back to the peer, with one store. `true`: the peer may sleep for
    /// want of room, and be rung if it does.
    ///
    /// A peer that finds no room has half of the ring in use, less what it leaves free, since no record is
    /// longer than the other half. Before all that is taken an eighth of the ring is, and that often is
    /// soon enough to look; a look for each message would cost each a fence.
    pub(crate) fn give_back(&mut self) -> bool {
        if self.given_back == self.head {
            return false;
        }
        self.given_back = self.head;
        self.own.taken.head.store(self.head, Release);
        let since = self.looked_for_sleeper;
        if self.head.wrapping_sub(since) < self.capacity / 8 {
            return false;
        }
        self.looked_for_sleeper = self.head;
        // Pairs with the fence in `set_asleep`: a peer that sleeps for want of room has seen the head
        // above, or we see all that it published before.
        fence(SeqCst);
        // Counted from the last look: it is what a peer that has seen nothing since takes for used.
        let in_use = self.peer.signal.tail.load(Relaxed).wrapping_sub(since);
        in_use >= self.capacity / 2 - self.capacity / RESERVED_PART
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(capacity: u32) -> (Producer<&'static Header, &'static Header>, &'static Header) {
        let own: &Header = Box::leak(Box::new(Header::new()));
        let peer: &Header = Box::leak(Box::new(Header::new()));
        (Producer::new(own, peer, capacity), peer)
    }

    #[cfg(not(loom))]
    #[test]
    fn room_comes_back_as_the_peer_takes() {
        let (mut producer, peer) = pair(1024);
        assert_eq!(producer.free(1024), Ok(1024));
        producer.stage(1024);
        producer.publish();
        assert_eq!(producer.free(1), Ok(0));
        peer.taken.head.store(64, Release);
        assert_eq!(producer.free(1), Ok(64));
    }

    #[cfg(not(loom))]
    #[test]
    fn a_peer_that_takes_more_than_was_published_or_takes_back_is_found_out() {
        let (mut producer, peer) = pair(1024);
        producer.stage(128);
        producer.publish();
        // Staged, and so not to be taken yet.
        producer.stage(64);
        peer.taken.head.store(129, Release);
        assert!(producer.free(1024).is_err());
        peer.taken.head.store(64, Release);
        assert_eq!(producer.free(1024), Ok(896));
        peer.taken.head.store(0, Release);
        assert!(producer.free(1024).is_err());
    }

    #[cfg(not(loom))]
    #[test]
    fn every_tail_is_either_in_range_or_refused() {
        let own = Header::new();
        let peer = Header::new();
        let mut consumer = Consumer::new(&own, &peer, 1024);
        for tail in (0..=2048).chain(u32::MAX - 2048..=u32::MAX) {
            peer.signal.tail.store(tail, Release);
            // Nothing was known of it before.
            consumer.seen = 0;
            match consumer.available() {
                Ok(available) => assert!(available <= 1024 && available == tail),
                Err(ImpossibleIndex { distance }) => assert!(distance > 1024),
            }
        }
    }
}

#[cfg(all(test, loom))]
mod loom_tests;
