//! The copy queue: records in a ring that one side writes and the other reads.
//!
//! A record begins on a granule of 64 bytes, so its header never wraps; what follows may. Records
//! are copied in before the tail moves and copied out before the head moves.

pub(crate) mod indices;
mod staged;

mod ring {
    use std::io::IoSlice;
    use std::ops::Deref;
    use std::sync::Arc;

    use super::indices::{Consumer, Header, ImpossibleIndex, Producer};
    use crate::error::Misbehaviour;
    use crate::message::{HEADER_LEN, Record, RecordHeader};
    use crate::sys::memory::{OwnMemory, PAGE, PeerMemory};

    const GRANULE: u32 = 64;
    /// Bytes of new records that are asked for at once.
    const AHEAD: u32 = 2048;

    /// Bytes of shared memory that an outbox with a ring of `capacity` bytes takes.
    pub(crate) fn outbox_len(capacity: u32) -> usize {
        PAGE + capacity as usize
    }

    /// The header of the outbox that this process writes.
    #[derive(Clone)]
    pub(crate) struct OwnHeader(Arc<OwnMemory>);

    impl OwnHeader {
        pub(crate) fn new(memory: Arc<OwnMemory>) -> OwnHeader {
            OwnHeader(memory)
        }
    }

    impl Deref for OwnHeader {
        type Target = Header;
        fn deref(&self) -> &Header {
            self.0.words(0)
        }
    }

    /// The header of the outbox that the peer writes.
    #[derive(Clone)]
    pub(crate) struct PeerHeader(Arc<PeerMemory>);

    impl PeerHeader {
        pub(crate) fn new(memory: Arc<PeerMemory>) -> PeerHeader {
            PeerHeader(memory)
        }
    }

    impl Deref for PeerHeader {
        type Target = Header;
        fn deref(&self) -> &Header {
            self.0.words(0)
        }
    }

    /// The end of a ring that this process writes.
    pub(crate) struct Outbox {
        memory: Arc<OwnMemory>,
        producer: Producer<OwnHeader, PeerHeader>,
        capacity: u32,
    }

    impl Outbox {
        pub(crate) fn new(own: Arc<OwnMemory>, peer: Arc<PeerMemory>, capacity: u32) -> Outbox {
            let producer =
                Producer::new(OwnHeader::new(own.clone()), PeerHeader::new(peer), capacity);
            Outbox { memory: own, producer, capacity }
        }

        /// Puts a record into the ring, where the next [`publish`](Outbox::publish) shows it to the peer.
        /// `false`: there is no room for it yet.
        #[inline]
        pub(crate) fn stage(
            &mut self,
            header: &RecordHeader,
            parts: &[IoSlice<'_>],
        ) -> Result<bool, Misbehaviour> {
            let need = granules(header.len);
            if self.producer.free(need)? < need {
                return Ok(false);
            }
            let mut at = self.producer.position();
            // A record begins on a granule, and so its header does not wrap.
            let stored = self.memory.write_words(PAGE + at as usize, header.encode());
            debug_assert!(stored.is_some(), "the ring lies inside its memory");
            at = wrap(at, HEADER_LEN, self.capacity);
            for part in parts {
                at = self.put(at, part);
            }
            self.producer.stage(need);
            Ok(true)
        }

        /// As [`stage`](Outbox::stage), for records that were put together before.
        #[inline]
        pub(crate) fn stage_all(&mut self, records: &[u8]) -> Result<bool, Misbehaviour> {
            // A ring is shorter than 4 GiB.
            let need = u32::try_from(records.len()).unwrap_or(u32::MAX);
            if self.producer.free(need)? < need {
                return Ok(false);
            }
            self.put(self.producer.position(), records);
            self.producer.stage(need);
            Ok(true)
        }

        /// Shows the peer every record that is staged. `false`: none was.
        pub(crate) fn publish(&mut self) -> bool {
            self.producer.publish()
        }

        pub(crate) fn capacity(&self) -> u32 {
            self.capacity
        }

        /// Whether so many bytes are free.
        #[inline]
        pub(crate) fn has_bytes(&mut self, need: u32) -> Result<bool, Misbehaviour> {
            Ok(self.producer.free(need)? >= need)
        }

        /// Whether [`stage`](Outbox::stage) would find room for a record whose header says `len`. Only
        /// `stage` takes room, so it stays.
        pub(crate) fn has_room(&mut self, len: u32) -> Result<bool, Misbehaviour> {
            let need = granules(len);
            Ok(self.producer.free(need)? >= need)
        }

        /// Bytes published and staged so far, modulo 2³².
        pub(crate) fn tail(&self) -> u32 {
            self.producer.tail()
        }

        /// Bytes that the peer has taken so far, modulo 2³².
        pub(crate) fn taken(&mut self) -> Result<u32, Misbehaviour> {
            Ok(self.producer.taken()?)
        }

        /// Copies `bytes` to `at`, around the end of the ring if need be; gives the next place.
        #[inline]
        fn put(&self, at: u32, bytes: &[u8]) -> u32 {
            let until_end = (self.capacity - at) as usize;
            let (first, second) = bytes.split_at(bytes.len().min(until_end));
            let stored = self.memory.write(PAGE + at as usize, first);
            let wrapped = second.is_empty() || self.memory.write(PAGE, second).is_some();
            debug_assert!(stored.is_some() && wrapped, "the ring lies inside its memory");
            wrap(at, bytes.len(), self.capacity)
        }
    }

    /// The end of a ring that the peer writes.
    pub(crate) struct Inbox {
        memory: Arc<PeerMemory>,
        consumer: Consumer<OwnHeader, PeerHeader>,
        capacity: u32,
        max_message_len: usize,
    }

    impl Inbox {
        pub(crate) fn new(
            own: Arc<OwnMemory>,
            peer: Arc<PeerMemory>,
            capacity: u32,
            max_message_len: usize,
        ) -> Inbox {
            let consumer =
                Consumer::new(OwnHeader::new(own), PeerHeader::new(peer.clone()), capacity);
            Inbox { memory: peer, consumer, capacity, max_message_len }
        }

        /// Whether a record, or nonsense, is there to be taken.
        pub(crate) fn has_news(&self) -> bool {
            self.consumer.has_news()
        }

        /// Takes the next record out, as a private copy that has been checked. Its place in the ring is
        /// the peer's again after [`give_back`](Inbox::give_back).
        #[inline]
        pub(crate) fn pop(&mut self) -> Result<Option<Record>, Misbehaviour> {
            let known = self.consumer.known();
            let available = self.consumer.available()?;
            if available == 0 {
                return Ok(None);
            }
            if known == 0 && available > GRANULE {
                self.expect_more(available);
            }
            if available < GRANULE || !available.is_multiple_of(GRANULE) {
                return Err(Misbehaviour::RingIndex { distance: available });
            }
            let at = self.consumer.position();
            let header = self.memory.read_words(PAGE + at as usize);
            let header = header.ok_or(Misbehaviour::MessageLayout)?;
            let header = RecordHeader::decode(header, self.max_message_len)?;
            let taken = granules(header.len);
            if taken > available {
                return Err(Misbehaviour::RecordPastEnd { len: header.len, available });
            }
            let bytes = self.rest(wrap(at, HEADER_LEN, self.capacity), header.len as usize)?;
            self.consumer.take(taken);
            Ok(Some(Record::new(header, bytes)))
        }

        /// Has the lines come of what follows the first granule, as far as the ring does not wrap.
        fn expect_more(&self, available: u32) {
            let at = self.consumer.position() + GRANULE;
            let more = available.min(AHEAD).min(self.capacity - self.consumer.position()) - GRANULE;
            self.memory.expect(PAGE + at as usize, more as usize);
        }

        /// Gives the peer the room of what was taken out. `true`: it may be waiting for that.
        pub(crate) fn give_back(&mut self) -> bool {
            self.consumer.give_back()
        }

        /// Copies out what follows a header.
        #[inline]
        fn rest(&self, at: u32, len: usize) -> Result<Vec<u8>, Misbehaviour> {
            let mut bytes = Vec::with_capacity(len);
            let first = len.min((self.capacity - at) as usize);
            let copied = self.memory.append(PAGE + at as usize, first, &mut bytes);
            let copied = copied.and_then(|()| self.memory.append(PAGE, len - first, &mut bytes));
            copied.map(|()| bytes).ok_or(Misbehaviour::MessageLayout)
        }
    }

    /// Ring bytes that a record takes whose header says `len`.
    #[inline]
    pub(crate) fn granules(len: u32) -> u32 {
        const HEADER: u32 = 48;
        const { assert!(HEADER as usize == HEADER_LEN) };
        HEADER.saturating_add(len).next_multiple_of(GRANULE)
    }

    #[inline]
    fn wrap(at: u32, by: usize, capacity: u32) -> u32 {
        // Records are shorter than rings, and rings than 4 GiB.
        at.wrapping_add(u32::try_from(by).unwrap_or(0)) & (capacity - 1)
    }

    impl From<ImpossibleIndex> for Misbehaviour {
        fn from(impossible: ImpossibleIndex) -> Misbehaviour {
            Misbehaviour::RingIndex { distance: impossible.distance }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use crate::message::{MessageId, MessageKind};

        fn ring(capacity: u32) -> (Outbox, Inbox) {
            let a = Arc::new(OwnMemory::create(outbox_len(capacity)).unwrap());
            let b = Arc::new(OwnMemory::create(outbox_len(capacity)).unwrap());
            let open = |own: &OwnMemory| {
                let fd = own.fd().unwrap().try_clone_to_owned().unwrap();
                Arc::new(PeerMemory::open(fd, own.len()).unwrap())
            };
            let outbox = Outbox::new(a.clone(), open(&b), capacity);
            let inbox = Inbox::new(b, open(&a), capacity, capacity as usize / 2);
            (outbox, inbox)
        }

        fn header(len: usize, id: u64) -> RecordHeader {
            RecordHeader {
                len: len as u32,
                body: len as u32,
                ..RecordHeader::bare(MessageKind::Datagram, MessageId(id))
            }
        }

        #[test]
        fn records_of_every_size_come_out_as_they_went_in_around_the_ring() {
            let (mut outbox, mut inbox) = ring(4096);
            for id in 0..5_000_u64 {
                let len = (id as usize * 37) % 2000;
                let body: Vec<u8> = (0..len).map(|i| (i as u64 ^ id) as u8).collect();
                let (a, b) = body.split_at(len / 3);
                assert!(
                    outbox.stage(&header(len, id), &[IoSlice::new(a), IoSlice::new(b)]).unwrap()
                );
                assert!(inbox.pop().unwrap().is_none(), "it is held back");
                assert!(outbox.publish());
                let record = inbox.pop().unwrap().unwrap();
                assert_eq!(record.header.id, MessageId(id));
                assert_eq!(record.bytes(), body);
                assert!(inbox.pop().unwrap().is_none());
                inbox.give_back();
            }
        }

        #[test]
        fn a_full_ring_takes_no_more_until_something_is_taken() {
            let (mut outbox, mut inbox) = ring(4096);
            let body = [7; 1000];
            let mut pushed = 0;
            while outbox.stage(&header(1000, pushed), &[IoSlice::new(&body)]).unwrap() {
                pushed += 1;
            }
            assert_eq!(pushed, 3);
            outbox.publish();
            inbox.pop().unwrap().unwrap();
            assert!(!outbox.has_room(1000).unwrap(), "what is taken is given back later");
            assert!(inbox.give_back(), "the ring was more than half full");
            assert!(outbox.has_room(1000).unwrap());
            assert!(outbox.stage(&header(1000, pushed), &[IoSlice::new(&body)]).unwrap());
            assert!(!outbox.has_room(1000).unwrap());
        }

        #[test]
        fn a_record_that_says_more_than_was_published_is_refused() {
            let (mut outbox, mut inbox) = ring(4096);
            // The header lies about its length: only one granule is published for it.
            let lie = header(900, 1).encode();
            outbox.memory.write_words(PAGE, lie).unwrap();
            outbox.producer.stage(GRANULE);
            outbox.producer.publish();
            assert!(matches!(inbox.pop(), Err(Misbehaviour::RecordPastEnd { .. })));
        }
    }
}

pub(crate) use ring::*;
pub(crate) use staged::{SHORT, Staged};
