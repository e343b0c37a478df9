//! Replies, and their bulk data on the way out.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::{End, Reply, Room, ServerPort, reply_header};
use crate::buffer::Bytes;
use crate::bulk::{Plan, Source, check_plain, expected_way};
use crate::channel::{Bell, Channel, Outgoing, Pace};
use crate::choose::Way;
use crate::direct::Grant;
use crate::error::{Error, ErrorKind, Result};
use crate::message::{Attribute, Deadline, MessageId, MessageKind, RecordHeader};
use crate::port::attributes::DirectAvailability;
use crate::stream::{Outflow, Step};

/// A reply whose bulk data is still leaving.
pub(super) struct Leaving {
    header: RecordHeader,
    attributes: Vec<Attribute>,
    body: Vec<u8>,
    inline: Vec<Bytes>,
    handles: Vec<OwnedFd>,
    streamed: Vec<Bytes>,
    /// Kept until the message is published: a section that nobody holds is taken back from the
    /// peer, and the peer must meet its number before it hears of that.
    frozen: Vec<Bytes>,
    total: u64,
    /// None: no slot was free yet, and the message is not published.
    outflow: Option<Outflow>,
    part: usize,
    sent: usize,
}

/// One bulk item of a reply, and where it stands.
enum Item {
    /// In the caller's memory already.
    Written(u64),
    Unwritten(Bytes),
}

/// Who is answered, and what it lent for that.
pub(super) struct Caller<'c> {
    pub(super) id: MessageId,
    pub(super) deadline: Deadline,
    pub(super) rooms: &'c [Room],
    pub(super) grant: Option<&'c Arc<Grant>>,
}

impl ServerPort {
    /// Answers a request. Only a reply without bulk data can be held back.
    pub(super) fn post_reply(
        &self,
        caller: &Caller<'_>,
        mut reply: Reply,
        bell: Bell,
    ) -> Result<()> {
        self.channel.check_handles(reply.handles.len())?;
        if !reply.outs.is_empty() || !reply.results.is_empty() {
            let leaving = self.prepare(caller, reply)?;
            return self.send(leaving);
        }
        let len = check_plain(&self.channel, reply.body.len())?;
        let mut header = reply_header(MessageKind::Reply, caller.id, reply.status);
        header.len = len;
        header.body = len;
        header.method = reply.tag;
        let message = Outgoing { body: &reply.body, ..Outgoing::bare(header) };
        self.channel.post_or_keep(&message, &mut reply.handles, bell)?;
        if self.channel.has_parked() {
            self.shared.parked.store(true, std::sync::atomic::Ordering::Relaxed);
        }
        Ok(())
    }

    /// Writes to the caller's memory what goes there, and decides about the rest.
    fn prepare(&self, caller: &Caller<'_>, reply: Reply) -> Result<Leaving> {
        let Reply { status, tag, body, outs, results, wishes, handles } = reply;
        let mut plan = Plan::new(&self.channel, body.len(), outs.len() + results.len())?;
        let mut items = Vec::with_capacity(outs.len() + results.len());
        let mut rooms = caller.rooms.iter();
        let mut wished = wishes.iter().copied();
        for bytes in outs {
            let room = rooms.next().copied().unwrap_or(Room { len: 0, address: None });
            items.push(self.fill_room(bytes, room, wished.next().flatten(), caller)?);
        }
        items.extend(results.into_iter().map(Item::Unwritten));
        let wishes = wishes.into_iter().chain(std::iter::repeat(None));
        for (item, wish) in items.iter().zip(wishes) {
            let source = match item {
                Item::Written(len) => {
                    plan.attributes.push(Attribute::Written { len: *len });
                    continue;
                }
                Item::Unwritten(Bytes::Blob(blob)) => Source::Frozen(blob),
                Item::Unwritten(Bytes::Region(region)) => Source::Region(region),
                Item::Unwritten(bytes) => Source::Private(bytes.as_slice()),
            };
            let added = plan.add(&self.channel, source, wish, DirectAvailability::Forbidden);
            added.inspect_err(|_| plan.take_back(&self.channel))?;
        }
        let total = plan.stream_len().inspect_err(|_| plan.take_back(&self.channel))?;
        let mut header = reply_header(MessageKind::Reply, caller.id, status);
        header.method = tag;
        header.len = plan.message_len(body.len());
        header.body = u32::try_from(body.len()).unwrap_or(u32::MAX);
        header.attributes = u8::try_from(plan.attributes.len()).unwrap_or(u8::MAX);
        let attributes = std::mem::take(&mut plan.attributes);
        drop(plan);
        let mut leaving = Leaving {
            header,
            attributes,
            body,
            inline: Vec::new(),
            handles,
            streamed: Vec::new(),
            frozen: Vec::new(),
            total,
            outflow: None,
            part: 0,
            sent: 0,
        };
        leaving.sort(items);
        Ok(leaving)
    }

    /// Puts what goes into the caller's memory there, if that is the way.
    fn fill_room(
        &self,
        bytes: Bytes,
        room: Room,
        wish: Option<Way>,
        caller: &Caller<'_>,
    ) -> Result<Item> {
        let len = bytes.as_slice().len() as u64;
        if len > room.len {
            let kind = ErrorKind::TooLarge { len, max: room.len };
            return Err(Error::new(kind, "fill the caller's buffer"));
        }
        let (Some(address), Some(grant)) = (room.address, caller.grant) else {
            return Ok(Item::Unwritten(bytes));
        };
        if expected_way(&self.channel, len, wish, self.direct()).0 != Way::Direct {
            return Ok(Item::Unwritten(bytes));
        }
        let Some(remote) = self.remote(address, grant) else {
            return Ok(Item::Unwritten(bytes));
        };
        match self.shared.copiers.write(remote, bytes, caller.deadline) {
            Ok(()) => Ok(Item::Written(len)),
            Err(error) => {
                if matches!(error.kind(), ErrorKind::Exhausted { .. }) {
                    // A copier that did not come back may still write there. No reply may tell the
                    // caller that its memory is its own again: only our end does.
                    self.channel.close(error.clone());
                }
                Err(error)
            }
        }
    }

    /// Publishes a reply, and sends what the client takes of its bulk data; the rest is parked.
    pub(super) fn send(&self, mut leaving: Leaving) -> Result<()> {
        let channel = &self.channel;
        if leaving.publish(channel)? && channel.look_while(|| leaving.step(channel))?.is_some() {
            if let Some(outflow) = leaving.outflow.take() {
                channel.end_outflow(outflow);
            }
            if channel.has_parked() {
                // Another reply may wait for the slot.
                channel.tell_news();
            }
            return Ok(());
        }
        self.park(|parked| {
            let can_go_on = leaving.can_go_on(channel);
            parked.leaving.push(leaving);
            can_go_on
        });
        Ok(())
    }
}

impl Leaving {
    /// Sorts what the plan described by where it goes.
    fn sort(&mut self, items: Vec<Item>) {
        for (item, attribute) in items.into_iter().zip(&self.attributes) {
            let Item::Unwritten(bytes) = item else { continue };
            match attribute {
                Attribute::Inline { .. } => self.inline.push(bytes),
                Attribute::Stream { .. } => self.streamed.push(bytes),
                _ => self.frozen.push(bytes),
            }
        }
    }

    /// Publishes the message, once there is a slot for its stream.
    fn publish(&mut self, channel: &Channel) -> Result<bool> {
        if self.outflow.is_some() {
            return Ok(true);
        }
        if self.total > 0 {
            let slot = match channel.take_slot() {
                Ok(Some(slot)) => slot,
                Ok(None) => return Ok(false),
                // The client's socket is full of bells that it will hear.
                Err(error) if matches!(error.kind(), ErrorKind::Exhausted { .. }) => {
                    return Ok(false);
                }
                Err(error) => return Err(error),
            };
            let outflow = Outflow::begin(slot, self.total);
            for attribute in &mut self.attributes {
                if let Attribute::Stream { slot, sequence, .. } = attribute {
                    *slot = outflow.slot();
                    *sequence = outflow.sequence();
                }
            }
            self.outflow = Some(outflow);
        }
        let inline: Vec<&[u8]> = self.inline.iter().map(Bytes::as_slice).collect();
        let message = Outgoing {
            header: self.header,
            attributes: &self.attributes,
            body: &self.body,
            inline: &inline,
            handles: &[],
        };
        channel.post_or_keep(&message, &mut self.handles, Bell::Now)?;
        self.frozen.clear();
        self.handles.clear();
        Ok(true)
    }

    fn can_go_on(&self, channel: &Channel) -> bool {
        match &self.outflow {
            Some(outflow) => channel.can_push(outflow),
            None => channel.has_slot(),
        }
    }

    /// Sends the next of what there is room for.
    fn step(&mut self, channel: &Channel) -> Result<Pace<End>> {
        let Some(outflow) = &mut self.outflow else { return Ok(Pace::Done(End::Whole)) };
        while let Some(part) = self.streamed.get(self.part) {
            let rest = part.as_slice().get(self.sent..).unwrap_or(&[]);
            if rest.is_empty() {
                self.part += 1;
                self.sent = 0;
                continue;
            }
            match channel.push_stream(outflow, rest)? {
                Step::Moved(moved) => {
                    self.sent += moved;
                    return Ok(Pace::Moved);
                }
                Step::Stuck => return Ok(Pace::Stuck),
                Step::Ended => return Ok(Pace::Done(End::Early)),
            }
        }
        Ok(Pace::Done(End::Whole))
    }
}
