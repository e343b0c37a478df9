//! What a message looks like on its way: a fixed header, attributes that describe bulk data, a body.
//!
//! A record is copied out of the peer's memory as a whole and then parsed from the private copy, so
//! that what was checked is what is used. All integers are little-endian.

use std::os::fd::OwnedFd;
use std::time::Duration;

use crate::error::Misbehaviour;

/// The number of a message within its direction of a channel. Never used twice: a reply can only
/// meet the call that caused it (QNX's documentation shows what happens otherwise).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(pub(crate) u64);

impl MessageId {
    /// The number itself, for logs.
    pub fn value(self) -> u64 {
        self.0
    }
}

/// What a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[repr(u8)]
pub enum MessageKind {
    /// Wants a reply.
    Request = 1,
    /// Answers a request and carries its number.
    Reply = 2,
    /// Wants no reply.
    Datagram = 3,
    /// The caller of a request has given up waiting and revokes every access that it granted.
    Cancel = 4,
    /// A frozen section will not be sent again: the receiver may forget it.
    Retire = 6,
    /// A region is not looked at any more: its producer may use it again.
    Return = 7,
}

impl MessageKind {
    fn from_wire(value: u8) -> Option<MessageKind> {
        Some(match value {
            1 => MessageKind::Request,
            2 => MessageKind::Reply,
            3 => MessageKind::Datagram,
            4 => MessageKind::Cancel,
            6 => MessageKind::Retire,
            7 => MessageKind::Return,
            _ => return None,
        })
    }
}

/// Size of [`RecordHeader`] on its way.
pub(crate) const HEADER_LEN: usize = HEADER_WORDS * 8;
/// Words of it.
pub(crate) const HEADER_WORDS: usize = 6;
/// Size of one [`Attribute`] on its way.
pub(crate) const ATTRIBUTE_LEN: usize = 32;
/// Bulk arguments and results that one message may describe.
pub(crate) const MAX_BULK: usize = 32;
/// Attributes that one message may carry: also what it descends from.
pub(crate) const MAX_ATTRIBUTES: usize = MAX_BULK + 1;

/// The fixed part of every record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordHeader {
    /// Bytes after this header: attributes, body, inline bulk data.
    pub(crate) len: u32,
    pub(crate) kind: MessageKind,
    pub(crate) attributes: u8,
    /// Of a reply: 0, or the code of what went wrong. The layer above gives it meaning.
    pub(crate) status: u16,
    /// A request's number; of a reply, cancel or release, the number of the request it is about; of
    /// a retirement, the frozen section's.
    pub(crate) id: MessageId,
    /// The method, of requests and datagrams.
    pub(crate) method: u64,
    /// When the caller stops waiting, in nanoseconds of the monotonic clock; 0 is never.
    pub(crate) deadline: u64,
    /// Bytes of the body, which stands after the attributes.
    pub(crate) body: u32,
    /// Of a request that a handler makes: how many calls it descends from.
    pub(crate) ancestors: u8,
    /// Handles that came on the private socket before, and the number of the bundle that they are.
    pub(crate) handles: u8,
    pub(crate) bundle: u64,
}

impl RecordHeader {
    /// The header of a message that is nothing but its header.
    pub(crate) fn bare(kind: MessageKind, id: MessageId) -> RecordHeader {
        RecordHeader {
            len: 0,
            kind,
            attributes: 0,
            status: 0,
            id,
            method: 0,
            deadline: 0,
            body: 0,
            ancestors: 0,
            handles: 0,
            bundle: 0,
        }
    }

    /// Where the body lies in what follows the header.
    #[inline]
    pub(crate) fn body_range(&self) -> std::ops::Range<usize> {
        let start = usize::from(self.attributes) * ATTRIBUTE_LEN;
        start..start + self.body as usize
    }

    /// The header on its way: words, little-endian, whose bytes are the fields in order.
    #[inline]
    pub(crate) fn encode(&self) -> [u64; HEADER_WORDS] {
        let [kind, attributes] = [self.kind as u8, self.attributes].map(u64::from);
        let first =
            u64::from(self.len) | kind << 32 | attributes << 40 | u64::from(self.status) << 48;
        let [handles, ancestors] = [self.handles, self.ancestors].map(u64::from);
        let fifth = u64::from(self.body) | handles << 32 | ancestors << 40;
        [first, self.id.0, self.method, self.deadline, fifth, self.bundle].map(u64::to_le)
    }

    /// Checks everything that can be checked without the rest of the record.
    #[inline]
    pub(crate) fn decode(
        words: [u64; HEADER_WORDS],
        max_message_len: usize,
    ) -> Result<RecordHeader, Misbehaviour> {
        let [first, id, method, deadline, fifth, bundle] = words.map(u64::from_le);
        let [l0, l1, l2, l3, kind, attributes, s0, s1] = first.to_le_bytes();
        let [b0, b1, b2, b3, handles, ancestors, _, _] = fifth.to_le_bytes();
        let (len, status) = (u32::from_le_bytes([l0, l1, l2, l3]), u16::from_le_bytes([s0, s1]));
        let (id, body) = (MessageId(id), u32::from_le_bytes([b0, b1, b2, b3]));
        let kind = MessageKind::from_wire(kind).ok_or(Misbehaviour::MessageKind { kind })?;
        if len as usize + HEADER_LEN > max_message_len {
            return Err(Misbehaviour::MessageTooLong { len: u64::from(len) });
        }
        let most = if ancestors > 0 { MAX_ATTRIBUTES } else { MAX_BULK };
        let described = usize::from(attributes) * ATTRIBUTE_LEN + body as usize;
        if described > len as usize || usize::from(attributes) > most {
            return Err(Misbehaviour::MessageLayout);
        }
        let is_written =
            matches!(kind, MessageKind::Request | MessageKind::Reply | MessageKind::Datagram);
        if handles > 0 && !is_written {
            return Err(Misbehaviour::HandlePlace);
        }
        if ancestors > 0 && kind != MessageKind::Request {
            return Err(Misbehaviour::ChainPlace);
        }
        Ok(RecordHeader {
            len,
            kind,
            attributes,
            status,
            id,
            method,
            deadline,
            body,
            ancestors,
            handles,
            bundle,
        })
    }
}

/// How the bytes of one bulk argument travel, as one message describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attribute {
    /// In the record, after the body, in the order of the attributes.
    Inline { len: u64 },
    /// Through the window of a slot, in chunks that follow this message.
    Stream { slot: u8, sequence: u32, len: u64 },
    /// In a frozen section that was announced on the socket.
    Frozen { section: u64, len: u64 },
    /// In a region that the sender filled in place, and lends until it is returned.
    View { section: u32, number: u32, generation: u32, offset: u64, len: u64 },
    /// In the sender's memory.
    Direct { address: u64, len: u64 },
    /// Not sent: the sender has room for this many bytes of the answer.
    Room { len: u64 },
    /// As `Room`, and the receiver may write there by itself under a grant: its slot and number.
    DirectRoom { slot: u8, number: u32, address: u64, len: u64 },
    /// Written to the room that the request granted, before this reply was sent.
    Written { len: u64 },
    /// No bulk data at all: the name of the call that this one's chain began with.
    Chain { channel: u64, call: u64, proof: u64, branch: u32 },
}

impl Attribute {
    pub(crate) fn encode(self) -> [u8; ATTRIBUTE_LEN] {
        let mut extra = 0;
        let (kind, slot, sequence, place, len) = match self {
            Attribute::Inline { len } => (1, 0, 0, 0, len),
            Attribute::Stream { slot, sequence, len } => (2, slot, sequence, 0, len),
            Attribute::Frozen { section, len } => (3, 0, 0, section, len),
            Attribute::Direct { address, len } => (4, 0, 0, address, len),
            Attribute::Room { len } => (5, 0, 0, 0, len),
            Attribute::DirectRoom { slot, number, address, len } => (6, slot, number, address, len),
            Attribute::Written { len } => (7, 0, 0, 0, len),
            Attribute::View { section, number, generation, offset, len } => {
                extra = offset;
                (8, 0, generation, u64::from(section) << 32 | u64::from(number), len)
            }
            Attribute::Chain { channel, call, proof, branch } => {
                extra = proof;
                (9, 0, branch, channel, call)
            }
        };
        let mut bytes = [0; ATTRIBUTE_LEN];
        let mut writer = FixedWriter(&mut bytes);
        writer.put(&[kind, slot, 0, 0]);
        writer.put(&u32::to_le_bytes(sequence));
        writer.put(&u64::to_le_bytes(place));
        writer.put(&u64::to_le_bytes(len));
        writer.put(&u64::to_le_bytes(extra));
        bytes
    }

    pub(crate) fn decode(bytes: &[u8; ATTRIBUTE_LEN]) -> Result<Attribute, Misbehaviour> {
        let mut reader = FixedReader(bytes);
        let [kind, slot, _, _] = reader.take();
        let sequence = u32::from_le_bytes(reader.take());
        let place = u64::from_le_bytes(reader.take());
        let len = u64::from_le_bytes(reader.take());
        Ok(match kind {
            1 => Attribute::Inline { len },
            2 => Attribute::Stream { slot, sequence, len },
            3 => Attribute::Frozen { section: place, len },
            4 => Attribute::Direct { address: place, len },
            5 => Attribute::Room { len },
            6 => Attribute::DirectRoom { slot, number: sequence, address: place, len },
            7 => Attribute::Written { len },
            8 => Attribute::View {
                section: u32::try_from(place >> 32).unwrap_or(0),
                number: u32::try_from(place & 0xffff_ffff).unwrap_or(0),
                generation: sequence,
                offset: u64::from_le_bytes(reader.take()),
                len,
            },
            9 => Attribute::Chain {
                channel: place,
                call: len,
                proof: u64::from_le_bytes(reader.take()),
                branch: sequence,
            },
            _ => return Err(Misbehaviour::AttributeKind { kind }),
        })
    }
}

/// A record's private copy, taken apart.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) header: RecordHeader,
    /// Attributes, body and inline data, `header.len` bytes.
    bytes: Vec<u8>,
    /// The handles that came with it. `None`: this process had no descriptors left to take them.
    pub(crate) handles: Option<Vec<OwnedFd>>,
}

impl Record {
    /// `bytes` is what followed the header, `header.len` bytes of it.
    #[inline]
    pub(crate) fn new(header: RecordHeader, bytes: Vec<u8>) -> Record {
        debug_assert_eq!(header.len as usize, bytes.len());
        Record { header, bytes, handles: Some(Vec::new()) }
    }

    pub(crate) fn attributes(&self) -> Result<Vec<Attribute>, Misbehaviour> {
        let end = usize::from(self.header.attributes) * ATTRIBUTE_LEN;
        let described = self.bytes.get(..end).ok_or(Misbehaviour::MessageLayout)?;
        let (chunks, _) = described.as_chunks::<ATTRIBUTE_LEN>();
        chunks.iter().map(Attribute::decode).collect()
    }

    /// Whether more belongs to it than its bytes: bulk data, or handles.
    #[inline]
    pub(crate) fn is_bulky(&self) -> bool {
        self.header.attributes > 0 || self.header.handles > 0
    }

    /// Whether it is a request or a datagram, and nothing but its body.
    #[inline]
    pub(crate) fn is_plain_call(&self) -> bool {
        let RecordHeader { kind, attributes, ancestors, handles, .. } = self.header;
        let is_call = matches!(kind, MessageKind::Request | MessageKind::Datagram);
        is_call && attributes == 0 && ancestors == 0 && handles == 0
    }

    /// Where the body lies in [`Record::bytes`].
    pub(crate) fn body_range(&self) -> std::ops::Range<usize> {
        self.header.body_range()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes, of a message without handles.
    #[inline]
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The bytes, and the handles if they could be had.
    #[inline]
    pub(crate) fn into_contents(self) -> (Vec<u8>, Vec<OwnedFd>) {
        (self.bytes, self.handles.unwrap_or_default())
    }
}

/// Now, on the clock that every process of the machine shares, in nanoseconds.
pub(crate) fn monotonic_now() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or(0).saturating_mul(1_000_000_000)
        + u64::try_from(now.tv_nsec).unwrap_or(0)
}

/// The moment at which somebody stops waiting, on the clock that both ends of a channel share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(u64);

impl Deadline {
    /// Waits for ever. It must be spelled out: nothing waits for ever by default.
    pub const NEVER: Deadline = Deadline(u64::MAX);

    /// A moment `after` from now.
    pub fn after(after: Duration) -> Deadline {
        let nanos = u64::try_from(after.as_nanos()).unwrap_or(u64::MAX);
        Deadline(monotonic_now().saturating_add(nanos))
    }

    /// What is left; zero when the moment has passed, `None` when it never comes.
    pub fn remaining(self) -> Option<Duration> {
        (self != Deadline::NEVER)
            .then(|| Duration::from_nanos(self.0.saturating_sub(monotonic_now())))
    }

    /// Whether the moment has passed.
    pub fn is_past(self) -> bool {
        self != Deadline::NEVER && monotonic_now() >= self.0
    }

    pub(crate) fn to_wire(self) -> u64 {
        if self == Deadline::NEVER { 0 } else { self.0 }
    }

    pub(crate) fn from_wire(value: u64) -> Deadline {
        if value == 0 { Deadline::NEVER } else { Deadline(value) }
    }
}

struct FixedWriter<'a>(&'a mut [u8]);

impl FixedWriter<'_> {
    fn put(&mut self, bytes: &[u8]) {
        let rest = std::mem::take(&mut self.0);
        // The layouts above are constants that fit their arrays; there is nothing to report.
        if let Some((to, rest)) = rest.split_at_mut_checked(bytes.len()) {
            to.copy_from_slice(bytes);
            self.0 = rest;
        }
    }
}

struct FixedReader<'a>(&'a [u8]);

impl FixedReader<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk::<N>() {
            Some((taken, rest)) => {
                self.0 = rest;
                *taken
            }
            // The layouts above are constants that fit their arrays.
            None => [0; N],
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_header_comes_back_as_it_went() {
        let header = RecordHeader {
            len: 1000,
            kind: MessageKind::Request,
            attributes: 3,
            status: 7,
            id: MessageId(1 << 40),
            method: u64::MAX >> 1,
            deadline: 12,
            body: 904,
            ancestors: 15,
            handles: 16,
            bundle: u64::MAX - 3,
        };
        assert_eq!(RecordHeader::decode(header.encode(), 65_535), Ok(header));
        assert!(RecordHeader::decode(header.encode(), 1047).is_err());
    }

    #[test]
    fn only_requests_descend_from_something() {
        let reply =
            RecordHeader { ancestors: 1, ..RecordHeader::bare(MessageKind::Reply, MessageId(1)) };
        let decoded = RecordHeader::decode(reply.encode(), 65_535);
        assert_eq!(decoded, Err(Misbehaviour::ChainPlace));
    }

    #[test]
    fn only_messages_that_somebody_wrote_carry_handles() {
        let cancel = RecordHeader {
            handles: 1,
            bundle: 1,
            ..RecordHeader::bare(MessageKind::Cancel, MessageId(1))
        };
        let decoded = RecordHeader::decode(cancel.encode(), 65_535);
        assert_eq!(decoded, Err(Misbehaviour::HandlePlace));
    }

    proptest::proptest! {
        #[test]
        fn any_header_is_taken_or_refused(words: [u64; HEADER_WORDS]) {
            if let Ok(header) = RecordHeader::decode(words, 65_535) {
                let record = Record::new(header, vec![0; header.len as usize]);
                assert!(record.bytes().get(record.body_range()).is_some());
            }
        }

        #[test]
        fn any_attribute_is_taken_or_refused(bytes: [u8; ATTRIBUTE_LEN]) {
            if let Ok(attribute) = Attribute::decode(&bytes) {
                assert_eq!(Attribute::decode(&attribute.encode()), Ok(attribute));
            }
        }
    }
}
