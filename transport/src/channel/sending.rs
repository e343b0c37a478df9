//! Messages on their way into the ring: staged, shown to the peer, or kept until it makes room.

use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::MutexGuard;
use std::sync::atomic::Ordering;

use super::{Channel, Outbound, lock};
use crate::error::Result;
use crate::message::{Attribute, MessageKind, RecordHeader};
use crate::queue::{Staged, granules};

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

/// Messages of a batch that a peer gets to see together while it is awake.
const SHOWN_TOGETHER: u32 = 8;

/// When the peer is told of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bell {
    /// At once, and with it of whatever is held back.
    Now,
    /// With the next message that it is told of at once, at the latest by [`Channel::show_held`]: a
    /// batch costs one bell, and one look whether there has to be one.
    Held,
}

/// When a peer that is awake sees messages for which it is not rung yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    AtOnce,
    /// At the latest by [`Channel::show_held`].
    Later,
}

/// What became of a message that was to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Posted {
    /// It is in the ring, and the peer knows, unless it is held back.
    Published,
    /// The ring has no room for it now.
    Full,
}

/// A message that waits for room.
pub(super) struct Kept {
    pub(super) header: RecordHeader,
    pub(super) bytes: Vec<u8>,
    pub(super) handles: Vec<OwnedFd>,
}

impl Outbound {
    /// Notes that a message was staged whose bell is held back. From time to time a peer that is awake
    /// gets to see what there is: otherwise the two ends of a batch would take turns, and each would wait
    /// while the other works.
    fn hold_bell(&mut self) {
        self.held += 1;
        if self.held.is_multiple_of(SHOWN_TOGETHER) {
            self.outbox.publish();
        }
    }
}

impl Channel {
    /// Publishes a message, unless the ring is full.
    pub(crate) fn post(&self, message: &Outgoing<'_>, bell: Bell) -> Result<Posted> {
        self.check_open()?;
        let mut outbound = lock(&self.outbound);
        // Datagrams keep their order, and so do the others.
        let is_next = match message.header.kind {
            MessageKind::Datagram => {
                outbound.waiting.is_empty() || self.send_waiting(&mut outbound)?
            }
            _ => true,
        };
        let pushed = is_next
            && (outbound.backlog.is_empty() || self.flush(&mut outbound)?)
            && self.push(&mut outbound, message)?;
        if pushed && bell == Bell::Held {
            outbound.hold_bell();
            return Ok(Posted::Published);
        }
        // Also if there is no room: the peer makes some only by taking what it sees.
        self.show(outbound);
        Ok(if pushed { Posted::Published } else { Posted::Full })
    }

    /// Puts messages of one kind into the ring that were put together, requests or datagrams, and rings with
    /// the next message that the peer is told of at once. `Full`: there is no room for all of them, and
    /// none was sent.
    pub(crate) fn post_staged(
        &self,
        kind: MessageKind,
        staged: &Staged,
        shown: Shown,
    ) -> Result<Posted> {
        self.check_open()?;
        let mut outbound = lock(&self.outbound);
        let is_next = kind != MessageKind::Datagram
            || outbound.waiting.is_empty()
            || self.send_waiting(&mut outbound)?;
        let staged = is_next
            && (outbound.backlog.is_empty() || self.flush(&mut outbound)?)
            && self.put_staged(&mut outbound, kind, staged)?;
        if staged {
            outbound.held += 1;
            if shown == Shown::AtOnce {
                outbound.outbox.publish();
            }
            return Ok(Posted::Published);
        }
        self.show(outbound);
        Ok(Posted::Full)
    }

    fn put_staged(
        &self,
        outbound: &mut Outbound,
        kind: MessageKind,
        staged: &Staged,
    ) -> Result<bool> {
        if !outbound.given.is_empty() {
            self.retire(outbound)?;
        }
        let Outbound { shares, outbox, .. } = &mut *outbound;
        let need = u32::try_from(staged.bytes().len()).unwrap_or(u32::MAX);
        if !self.guard(shares.admit(kind, need, outbox))? {
            return Ok(false);
        }
        let is_in = self.guard(outbox.stage_all(staged.bytes()))?;
        if is_in {
            shares.note(kind, need, outbox.tail());
        }
        Ok(is_in)
    }

    /// Has the peer see what is held back.
    pub(crate) fn show_held(&self) {
        self.show(lock(&self.outbound));
    }

    /// Publishes everything that is staged, and rings for it once.
    pub(super) fn show(&self, mut outbound: MutexGuard<'_, Outbound>) {
        let is_new = outbound.outbox.publish() | (std::mem::take(&mut outbound.held) > 0);
        drop(outbound);
        if is_new {
            self.ring_if_asleep();
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
        bell: Bell,
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
        } else if bell == Bell::Held {
            outbound.hold_bell();
            return Ok(());
        }
        self.show(outbound);
        Ok(())
    }

    /// As [`post_or_keep`](Channel::post_or_keep), for replies that were put together. The peer is rung
    /// with the next message that it is told of at once.
    pub(crate) fn post_replies(&self, staged: &Staged) -> Result<()> {
        self.check_open()?;
        let mut outbound = lock(&self.outbound);
        let is_next = outbound.given.is_empty() && self.flush(&mut outbound)?;
        if is_next && self.guard(outbound.outbox.stage_all(staged.bytes()))? {
            // Before the peer can see them: it has its credits back with the replies.
            self.admitted.fetch_sub(staged.count(), Ordering::Relaxed);
            outbound.held += 1;
            outbound.outbox.publish();
            return Ok(());
        }
        for (header, body) in staged.messages() {
            let message = Outgoing { body, ..Outgoing::bare(header) };
            if !self.flush(&mut outbound)? || !self.push(&mut outbound, &message)? {
                let kept = Kept { header, bytes: body.to_vec(), handles: Vec::new() };
                self.keep(&mut outbound, kept);
            }
        }
        // The peer may have made room, and found nobody to ring for, since we looked.
        self.flush(&mut outbound)?;
        self.show(outbound);
        Ok(())
    }

    pub(super) fn keep(&self, outbound: &mut Outbound, kept: Kept) {
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
        self.show(outbound);
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
    #[inline]
    pub(super) fn publish(
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

    #[inline]
    fn put(
        &self,
        outbound: &mut Outbound,
        header: &RecordHeader,
        parts: &[IoSlice<'_>],
    ) -> Result<bool> {
        // A reply gives the client back the right to send another request, which can arrive before
        // the next line runs: so it is counted before.
        let (kind, need) = (header.kind, granules(header.len));
        let Outbound { shares, outbox, .. } = &mut *outbound;
        if !self.guard(shares.admit(kind, need, outbox))? {
            return Ok(false);
        }
        let is_reply = kind == MessageKind::Reply;
        if is_reply {
            self.admitted.fetch_sub(1, Ordering::Relaxed);
        }
        let pushed = self.guard(outbound.outbox.stage(header, parts))?;
        if is_reply && !pushed {
            self.admitted.fetch_add(1, Ordering::Relaxed);
        }
        if pushed {
            let tail = outbound.outbox.tail();
            outbound.shares.note(kind, need, tail);
            if kind == MessageKind::Retire {
                outbound.given.told(header.id.0, tail);
            }
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

    #[inline]
    fn push(&self, outbound: &mut Outbound, message: &Outgoing<'_>) -> Result<bool> {
        if !outbound.given.is_empty() {
            self.retire(outbound)?;
        }
        if message.attributes.is_empty() && message.inline.is_empty() {
            let body = [IoSlice::new(message.body)];
            return self.publish(outbound, &message.header, &body, message.handles);
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

pub(super) fn flatten(message: &Outgoing<'_>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(message.header.len as usize);
    bytes.extend(message.attributes.iter().flat_map(|attribute| attribute.encode()));
    bytes.extend_from_slice(message.body);
    for inline in message.inline {
        bytes.extend_from_slice(inline);
    }
    bytes
}
