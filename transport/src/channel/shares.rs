//! Who may use how much of the ring: requests, datagrams, and what keeps the channel going.
//!
//! They are accounted apart, so that none of them starves another: a class that has half of the ring in
//! use waits until the peer has taken some of it, whoever else has room, and a sixteenth is left for what
//! the protocol sends by itself (cancellations, returned regions). Replies are another matter: an end
//! that answers keeps what finds no room, as many as it admitted requests.
//!
//! Who waits for want of room must have close to half of the ring in use, because that is when the peer
//! looks whether anybody waits (`Consumer::give_back`). So a class is not refused for the length of
//! its next message.

use std::collections::VecDeque;

use crate::error::Misbehaviour;
use crate::message::MessageKind;
use crate::queue::Outbox;
use crate::queue::indices::RESERVED_PART;

/// The classes of one ring.
#[derive(Default)]
pub(super) struct Shares {
    requests: Share,
    datagrams: Share,
}

/// What one class has in the ring.
#[derive(Default)]
struct Share {
    bytes: u32,
    /// Where the ring ended after each message that was not seen to be taken, and its bytes.
    untaken: VecDeque<(u32, u32)>,
}

impl Share {
    /// Forgets what the peer has taken, now that it has taken all before `head`.
    fn settle(&mut self, head: u32) {
        while let Some(&(end, len)) = self.untaken.front() {
            // Half of all indices lie behind.
            if head.wrapping_sub(end) > u32::MAX / 2 {
                break;
            }
            self.untaken.pop_front();
            self.bytes -= len;
        }
    }
}

impl Shares {
    fn of(&mut self, kind: MessageKind) -> Option<&mut Share> {
        match kind {
            MessageKind::Request => Some(&mut self.requests),
            MessageKind::Datagram => Some(&mut self.datagrams),
            _ => None,
        }
    }

    /// Whether a message of this kind, which takes `need` bytes, may go into the ring.
    #[inline]
    pub(super) fn admit(
        &mut self,
        kind: MessageKind,
        need: u32,
        outbox: &mut Outbox,
    ) -> Result<bool, Misbehaviour> {
        let Some(share) = self.of(kind) else { return Ok(true) };
        let capacity = outbox.capacity();
        if share.bytes >= capacity / 2 {
            share.settle(outbox.taken()?);
        }
        if share.bytes >= capacity / 2 {
            return Ok(false);
        }
        outbox.has_bytes(need + capacity / RESERVED_PART)
    }

    /// Notes that such a message was staged.
    #[inline]
    pub(super) fn note(&mut self, kind: MessageKind, len: u32, tail: u32) {
        if let Some(share) = self.of(kind) {
            share.bytes += len;
            share.untaken.push_back((tail, len));
        }
    }
}
