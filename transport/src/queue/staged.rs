//! Messages that are put together in private memory, as they will stand in the ring.
//!
//! What a message costs, where many follow each other, is not its bytes: it is the lock that each takes,
//! and that the processor waits, at each lock, until the lines of the ring before it are its own. A
//! stretch of messages that is copied as a whole pays for both once, and the lines come to it side by
//! side.

use super::granules;
use crate::message::{HEADER_LEN, RecordHeader};

/// Bytes of the longest body that is worth being copied once more. No limit of a message is so short that
/// it would not fit.
pub(crate) const SHORT: usize = 512;
/// Messages that go out together: a peer that is awake begins with the first ones while the next are put
/// together. Otherwise the two would take turns, and each would wait while the other works.
const TOGETHER: usize = 16;

/// Messages without bulk data or handles, each of whole granules.
#[derive(Debug, Default)]
pub(crate) struct Staged {
    bytes: Vec<u8>,
    count: usize,
}

impl Staged {
    /// Puts a message behind the others. `header` says how long `body` is.
    #[inline]
    pub(crate) fn push(&mut self, header: &RecordHeader, body: &[u8]) {
        debug_assert_eq!(header.len as usize, body.len());
        let end = self.bytes.len() + granules(header.len) as usize;
        self.bytes.reserve(end - self.bytes.len());
        self.bytes.extend_from_slice(header.encode().map(u64::to_ne_bytes).as_flattened());
        self.bytes.extend_from_slice(body);
        self.bytes.resize(end, 0);
        self.count += 1;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether they are to go out.
    #[inline]
    pub(crate) fn is_enough(&self) -> bool {
        self.count >= TOGETHER
    }

    /// How many messages there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// All of them, as they go into the ring.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
    }

    /// The messages, one by one.
    pub(crate) fn messages(&self) -> impl Iterator<Item = (RecordHeader, &[u8])> {
        let mut rest = &self.bytes[..];
        std::iter::from_fn(move || {
            let (words, behind) = rest.split_first_chunk::<HEADER_LEN>()?;
            let (words, _) = words.as_chunks::<8>();
            let words =
                std::array::from_fn(|i| words.get(i).map_or(0, |it| u64::from_ne_bytes(*it)));
            // It is our own: nothing about it is wrong.
            let header = RecordHeader::decode(words, usize::MAX).ok()?;
            let body = behind.get(..header.len as usize)?;
            rest = rest.get(granules(header.len) as usize..).unwrap_or(&[]);
            Some((header, body))
        })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::message::{MessageId, MessageKind};

    #[test]
    fn messages_come_back_as_they_were_put_in() {
        let mut staged = Staged::default();
        for len in 0..300_u32 {
            let bare = RecordHeader::bare(MessageKind::Request, MessageId(u64::from(len)));
            let header = RecordHeader { len, body: len, method: 7, ..bare };
            staged.push(&header, &vec![len as u8; len as usize]);
        }
        assert_eq!(staged.count(), 300);
        let mut expected = 0_u32;
        for (header, body) in staged.messages() {
            assert_eq!((header.id.0, header.method), (u64::from(expected), 7));
            assert_eq!(body, vec![expected as u8; expected as usize]);
            expected += 1;
        }
        assert_eq!(expected, 300);
        staged.clear();
        assert!(staged.is_empty() && staged.messages().next().is_none());
    }
}
