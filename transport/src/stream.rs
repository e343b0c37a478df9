//! Bulk data through a window of a section that stays in cache.
//!
//! A large buffer of the caller's is not copied into a section as a whole and out again: that is
//! two passes through cold memory, one after the other. It goes in chunks through a small window,
//! with the producer on one CPU and the consumer on another, for about the price of one `memcpy`.
//!
//! Each direction has a section with [`STREAMS`] windows. A stream is announced by a message, owns
//! its slot until the last byte was taken, and ends early in one of two ways: the producer gives it
//! up (`aborted`), or the consumer claims the rest unseen (`consumed` jumps to the end).

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::copy::Cache;
use crate::error::Misbehaviour;
use crate::queue::indices::{Header, STREAMS, StreamWords};
use crate::sys::memory::{OwnMemory, PeerMemory};

/// The longest that all streamed data of one message may be together. Progress is counted in
/// 32 bits, and half of their range tells "not yet" from "too far".
pub(crate) const MAX_STREAM: u64 = 1 << 31;

/// From this length on a stream is taken past the cache: it would push itself out before anybody
/// looks at its beginning.
const BYPASS: u64 = 16 << 20;

/// A slot of ours, while no stream uses it.
#[derive(Debug)]
pub(crate) struct FreeSlot {
    index: u8,
    /// Bytes produced in this slot by all streams so far. Never read back from shared memory.
    produced: u32,
    sequence: u32,
}

/// All slots, at the beginning of a channel.
pub(crate) fn all_slots() -> Vec<FreeSlot> {
    (0..).take(STREAMS).map(|index| FreeSlot { index, produced: 0, sequence: 0 }).collect()
}

/// How a step of a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// This many bytes went through.
    Moved(usize),
    /// The other side has to move first.
    Stuck,
    /// The other side has ended the stream early.
    Ended,
}

/// Where the producer of streams puts them.
pub(crate) struct Producing<'a> {
    pub(crate) own: &'a Header,
    pub(crate) peer: &'a Header,
    pub(crate) memory: &'a OwnMemory,
    pub(crate) window: u32,
}

/// A stream on its way out.
#[derive(Debug)]
pub(crate) struct Outflow {
    slot: FreeSlot,
    end: u32,
}

impl Outflow {
    /// Takes a slot for `total` bytes, at most [`MAX_STREAM`].
    pub(crate) fn begin(mut slot: FreeSlot, total: u64) -> Outflow {
        slot.sequence = slot.sequence.wrapping_add(1);
        let total = u32::try_from(total.min(MAX_STREAM)).unwrap_or(0);
        let end = slot.produced.wrapping_add(total);
        Outflow { slot, end }
    }

    pub(crate) fn slot(&self) -> u8 {
        self.slot.index
    }

    pub(crate) fn sequence(&self) -> u32 {
        self.slot.sequence
    }

    /// Copies the next chunk of `from` into the window, as far as there is room.
    pub(crate) fn push(&mut self, to: &Producing<'_>, from: &[u8]) -> Result<Step, Misbehaviour> {
        let words = stream(to.own, self.slot.index)?;
        let theirs = stream(to.peer, self.slot.index)?;
        let consumed = theirs.consumed.load(Acquire);
        if consumed == self.end && self.slot.produced != self.end {
            self.jump_to_end(words);
            return Ok(Step::Ended);
        }
        let in_flight = self.slot.produced.wrapping_sub(consumed);
        if in_flight > to.window {
            return Err(Misbehaviour::StreamIndex { distance: in_flight });
        }
        let at = self.slot.produced % to.window;
        let left = self.end.wrapping_sub(self.slot.produced);
        let room = (to.window - in_flight).min(to.window - at).min(chunk(to.window)).min(left);
        let len = from.len().min(room as usize);
        let Some(chunk) = from.get(..len).filter(|chunk| !chunk.is_empty()) else {
            return Ok(Step::Stuck);
        };
        let offset = window_offset(self.slot.index, to.window) + at as usize;
        to.memory.write(offset, chunk).ok_or(Misbehaviour::StreamSlot { slot: self.slot.index })?;
        self.slot.produced = advance(self.slot.produced, len);
        words.produced.store(self.slot.produced, Release);
        Ok(Step::Moved(len))
    }

    /// Whether [`push`](Outflow::push) would do anything but be stuck.
    pub(crate) fn can_push(&self, to: &Producing<'_>) -> bool {
        stream(to.peer, self.slot.index).is_ok_and(|theirs| {
            let consumed = theirs.consumed.load(Acquire);
            consumed == self.end || self.slot.produced.wrapping_sub(consumed) != to.window
        })
    }

    /// Gives the stream up: the consumer will throw away what it has.
    pub(crate) fn abort(&mut self, own: &Header) {
        if let Ok(words) = stream(own, self.slot.index)
            && self.slot.produced != self.end
        {
            words.aborted.store(self.slot.sequence, Relaxed);
            // `Release` puts the word above before the jump: whoever sees the end sees the abort.
            self.jump_to_end(words);
        }
    }

    fn jump_to_end(&mut self, words: &StreamWords) {
        self.slot.produced = self.end;
        words.produced.store(self.end, Release);
    }

    /// The slot again, as it was: no message announced this stream, and nothing of it was sent.
    pub(crate) fn never_announced(mut self) -> FreeSlot {
        self.slot.sequence = self.slot.sequence.wrapping_sub(1);
        self.slot
    }

    /// The slot again, once the consumer has taken everything.
    pub(crate) fn finish(self, peer: &Header) -> Result<FreeSlot, Outflow> {
        let taken = stream(peer, self.slot.index).map(|words| words.consumed.load(Acquire));
        if taken == Ok(self.end) && self.slot.produced == self.end {
            Ok(self.slot)
        } else {
            Err(self)
        }
    }
}

/// Where the consumer of streams finds them.
pub(crate) struct Consuming<'a> {
    pub(crate) own: &'a Header,
    pub(crate) peer: &'a Header,
    pub(crate) memory: &'a PeerMemory,
    pub(crate) window: u32,
}

/// What the consumer knows of one slot of the peer's.
#[derive(Debug, Default)]
pub(crate) struct PeerSlot {
    /// Where the next stream begins: bytes of all streams so far, also those under way.
    start: u32,
    sequence: u32,
}

impl PeerSlot {
    /// Begins the stream that a message announced. `own` is our header, which says how far we are.
    pub(crate) fn begin(
        &mut self,
        own: &Header,
        index: u8,
        sequence: u32,
        total: u64,
    ) -> Result<Inflow, Misbehaviour> {
        let consumed = stream(own, index)?.consumed.load(Relaxed);
        let next = self.sequence.wrapping_add(1);
        let too_early = consumed != self.start;
        if too_early || sequence != next || total > MAX_STREAM || total == 0 {
            return Err(Misbehaviour::StreamSlot { slot: index });
        }
        let end = self.start.wrapping_add(u32::try_from(total).unwrap_or(0));
        let cache = if total >= BYPASS { Cache::Bypass } else { Cache::Keep };
        let inflow = Inflow { index, sequence, consumed: self.start, end, cache };
        self.sequence = sequence;
        self.start = end;
        Ok(inflow)
    }
}

/// A stream on its way in.
#[derive(Debug)]
pub(crate) struct Inflow {
    index: u8,
    sequence: u32,
    consumed: u32,
    end: u32,
    cache: Cache,
}

impl Inflow {
    pub(crate) fn is_complete(&self) -> bool {
        self.consumed == self.end
    }

    /// Whether [`pull`](Inflow::pull) would do anything but be stuck.
    pub(crate) fn can_pull(&self, peer: &Header) -> bool {
        // An abort shows as a jump to the end.
        stream(peer, self.index).is_ok_and(|theirs| theirs.produced.load(Acquire) != self.consumed)
    }

    /// Copies what is there of the stream out of the window, up to the length of `into`.
    pub(crate) fn pull(
        &mut self,
        from: &Consuming<'_>,
        into: &mut [u8],
    ) -> Result<Step, Misbehaviour> {
        let words = stream(from.own, self.index)?;
        let theirs = stream(from.peer, self.index)?;
        let produced = theirs.produced.load(Acquire);
        // Loaded after `produced`: a jump to the end shows the abort that caused it.
        if theirs.aborted.load(Relaxed) == self.sequence {
            self.discard(from.own);
            return Ok(Step::Ended);
        }
        let available = produced.wrapping_sub(self.consumed);
        let left = self.end.wrapping_sub(self.consumed);
        if available > from.window || available > left {
            return Err(Misbehaviour::StreamIndex { distance: available });
        }
        let at = self.consumed % from.window;
        let ready = available.min(from.window - at).min(chunk(from.window));
        let len = into.len().min(ready as usize);
        let Some(into) = into.get_mut(..len).filter(|into| !into.is_empty()) else {
            return Ok(Step::Stuck);
        };
        let offset = window_offset(self.index, from.window) + at as usize;
        let read = from.memory.read_as(offset, into, self.cache);
        read.ok_or(Misbehaviour::StreamSlot { slot: self.index })?;
        self.consumed = advance(self.consumed, len);
        words.consumed.store(self.consumed, Release);
        Ok(Step::Moved(len))
    }

    /// Claims the rest unseen, so that the producer need not send it.
    pub(crate) fn discard(&mut self, own: &Header) {
        self.consumed = self.end;
        if let Ok(words) = stream(own, self.index) {
            words.consumed.store(self.end, Release);
        }
    }
}

/// Bytes of a section that holds a window for each slot.
pub(crate) fn windows_len(window: u32) -> usize {
    STREAMS * window as usize
}

fn window_offset(slot: u8, window: u32) -> usize {
    usize::from(slot) * window as usize
}

/// Bytes that are copied between two looks at the other side. Several to a window, so that both
/// sides work at once.
fn chunk(window: u32) -> u32 {
    (window / 4).max(1)
}

/// Where an index stands after `len` bytes, which are never more than a window.
fn advance(index: u32, len: usize) -> u32 {
    index.wrapping_add(u32::try_from(len).unwrap_or(0))
}

fn stream(header: &Header, slot: u8) -> Result<&StreamWords, Misbehaviour> {
    header.streams.get(usize::from(slot)).ok_or(Misbehaviour::StreamSlot { slot })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const WINDOW: u32 = 4096;

    struct Pair {
        ours: Header,
        theirs: Header,
        memory: OwnMemory,
        view: PeerMemory,
    }

    fn pair() -> Pair {
        let memory = OwnMemory::create(windows_len(WINDOW)).unwrap();
        let fd = memory.fd().unwrap().try_clone_to_owned().unwrap();
        let view = PeerMemory::open(fd, memory.len()).unwrap();
        Pair { ours: Header::new(), theirs: Header::new(), memory, view }
    }

    impl Pair {
        fn producing(&self) -> Producing<'_> {
            Producing { own: &self.ours, peer: &self.theirs, memory: &self.memory, window: WINDOW }
        }
        fn consuming(&self) -> Consuming<'_> {
            Consuming { own: &self.theirs, peer: &self.ours, memory: &self.view, window: WINDOW }
        }
    }

    #[test]
    fn streams_of_every_length_arrive_and_give_their_slot_back() {
        let pair = pair();
        let mut slot = all_slots().pop().unwrap();
        let mut peer_slot = PeerSlot::default();
        for len in [1_usize, 63, 4096, 4097, 20_000, 100_001] {
            let data: Vec<u8> = (0..len).map(|i| (i * 31 % 255) as u8).collect();
            let mut got = vec![0; len];
            let mut out = Outflow::begin(slot, len as u64);
            let mut inflow =
                peer_slot.begin(&pair.theirs, out.slot(), out.sequence(), len as u64).unwrap();
            let (mut sent, mut taken) = (0, 0);
            while taken < len {
                if let Step::Moved(n) = out.push(&pair.producing(), &data[sent..]).unwrap() {
                    sent += n;
                }
                if let Step::Moved(n) = inflow.pull(&pair.consuming(), &mut got[taken..]).unwrap() {
                    taken += n;
                }
            }
            assert!(inflow.is_complete());
            assert_eq!(got, data);
            slot = out.finish(&pair.theirs).unwrap();
        }
    }

    #[test]
    fn a_stream_that_is_given_up_is_never_taken_for_whole() {
        let pair = pair();
        let mut out = Outflow::begin(all_slots().pop().unwrap(), 10_000);
        let mut peer_slot = PeerSlot::default();
        let mut inflow = peer_slot.begin(&pair.theirs, out.slot(), out.sequence(), 10_000).unwrap();
        let mut got = vec![0; 10_000];
        out.push(&pair.producing(), &[1; 500]).unwrap();
        inflow.pull(&pair.consuming(), &mut got).unwrap();
        out.abort(&pair.ours);
        assert_eq!(inflow.pull(&pair.consuming(), &mut got), Ok(Step::Ended));
        assert!(out.finish(&pair.theirs).is_ok());
    }

    #[test]
    fn a_consumer_that_wants_no_more_frees_the_producer() {
        let pair = pair();
        let mut out = Outflow::begin(all_slots().pop().unwrap(), 1_000_000);
        let mut peer_slot = PeerSlot::default();
        let mut inflow =
            peer_slot.begin(&pair.theirs, out.slot(), out.sequence(), 1_000_000).unwrap();
        out.push(&pair.producing(), &[1; 500]).unwrap();
        inflow.discard(&pair.theirs);
        assert_eq!(out.push(&pair.producing(), &[1; 500]), Ok(Step::Ended));
        assert!(out.finish(&pair.theirs).is_ok());
    }

    #[test]
    fn a_producer_that_runs_ahead_of_its_window_is_found_out() {
        let pair = pair();
        let mut peer_slot = PeerSlot::default();
        let mut inflow = peer_slot.begin(&pair.theirs, 0, 1, 1_000_000).unwrap();
        pair.ours.streams[0].produced.store(WINDOW + 1, Release);
        let mut got = [0; 10];
        assert!(inflow.pull(&pair.consuming(), &mut got).is_err());
    }

    #[test]
    fn a_slot_takes_one_stream_at_a_time_in_order() {
        let own = Header::new();
        let mut slot = PeerSlot::default();
        assert!(slot.begin(&own, 0, 2, 10).is_err(), "a sequence was left out");
        let mut first = slot.begin(&own, 0, 1, 10).unwrap();
        assert!(slot.begin(&own, 0, 2, 10).is_err(), "the first is still under way");
        first.discard(&own);
        assert!(slot.begin(&own, 0, 2, 10).is_ok());
    }
}
