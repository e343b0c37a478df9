//! Bulk arguments on both ends: which way each goes, and how its bytes are put there and taken.
//!
//! A message describes each bulk argument by one attribute, in order. All arguments of a message
//! that are streamed share one slot and follow each other through its window.

use crate::channel::Channel;
use crate::choose::{Circumstances, Reason, Way, choose};
use crate::error::{Error, ErrorKind, Misbehaviour, Result};
use crate::message::{ATTRIBUTE_LEN, Attribute, HEADER_LEN, MAX_BULK, Record};
use crate::port::attributes::DirectAvailability;
use crate::section::Blob;
use crate::section::region::{Region, RegionName};
use crate::stream::{Inflow, MAX_STREAM};

/// How one bulk argument travelled, and why that way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Travelled {
    /// The way.
    pub way: Way,
    /// The reason of the choice.
    pub reason: Reason,
    /// How many bytes.
    pub len: u64,
}

/// Bytes that are to be sent.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    /// In private memory.
    Private(&'a [u8]),
    /// In a frozen section.
    Frozen(&'a Blob),
    /// In a region that was filled in place.
    Region(&'a Region),
}

/// The way of each of a message's bulk arguments, and the attributes that say so.
#[derive(Default)]
pub(crate) struct Plan<'a> {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) travelled: Vec<Travelled>,
    /// What stands in the message itself.
    pub(crate) inline: Vec<&'a [u8]>,
    /// What goes through the stream, in order. The slot in its attributes is still to be filled in.
    pub(crate) streamed: Vec<&'a [u8]>,
    room: usize,
}

/// The length of a message that is nothing but its body.
pub(crate) fn check_plain(channel: &Channel, body: usize) -> Result<u32> {
    let (len, max) = (HEADER_LEN + body, channel.max_message_len);
    if len > max {
        let kind = ErrorKind::TooLarge { len: len as u64, max: max as u64 };
        return Err(Error::new(kind, "send a message"));
    }
    // Messages are shorter than 64 KiB.
    Ok(u32::try_from(body).unwrap_or(u32::MAX))
}

impl<'a> Plan<'a> {
    /// A plan for a message with `body` bytes of body and `count` attributes.
    pub(crate) fn new(channel: &Channel, body: usize, count: usize) -> Result<Plan<'a>> {
        let doing = "send a message";
        if count > MAX_BULK {
            let reason = format!("{count} bulk arguments, where {MAX_BULK} are allowed");
            return Err(Error::new(ErrorKind::Invalid { reason }, doing));
        }
        let fixed = HEADER_LEN + count * ATTRIBUTE_LEN;
        let len = fixed.saturating_add(body);
        let max = channel.max_message_len;
        let Some(room) = max.checked_sub(len) else {
            let kind = ErrorKind::TooLarge { len: len as u64, max: max as u64 };
            return Err(Error::new(kind, doing));
        };
        Ok(Plan { room, ..Plan::default() })
    }

    /// Plans one argument. Whoever grants direct access passes what it found at connect; a server,
    /// whose memory nobody reaches into, passes a reason. What lies in a section already goes that
    /// way, whatever is wished.
    pub(crate) fn add(
        &mut self,
        channel: &Channel,
        source: Source<'a>,
        wish: Option<Way>,
        direct: DirectAvailability,
    ) -> Result<()> {
        let bytes = match source {
            Source::Private(bytes) => bytes,
            Source::Frozen(blob) => {
                let len = check_len(channel, blob.len() as u64)?;
                if let Some(section) = channel.give(blob)? {
                    self.attributes.push(Attribute::Frozen { section, len });
                    let way = Way::Section;
                    self.travelled.push(Travelled { way, reason: Reason::Frozen, len });
                    return Ok(());
                }
                // The peer has as many sections as it takes: the bytes are copied once more.
                blob.bytes()
            }
            Source::Region(region) => {
                let len = check_len(channel, region.len() as u64)?;
                if let Some(name) = channel.lend(region)? {
                    let RegionName { section, number, generation, offset } = name;
                    let view = Attribute::View { section, number, generation, offset, len };
                    self.attributes.push(view);
                    let way = Way::Section;
                    self.travelled.push(Travelled { way, reason: Reason::BuiltInPlace, len });
                    return Ok(());
                }
                // It belongs to another channel: this peer cannot look at it.
                region.as_slice()
            }
        };
        let len = check_len(channel, bytes.len() as u64)?;
        let (way, reason) = choose(len, wish, circumstances(channel, self.room, direct));
        self.attributes.push(match way {
            Way::Copy => {
                self.room -= bytes.len();
                self.inline.push(bytes);
                Attribute::Inline { len }
            }
            Way::Section => {
                self.streamed.push(bytes);
                Attribute::Stream { slot: 0, sequence: 0, len }
            }
            Way::Direct => Attribute::Direct { address: bytes.as_ptr().addr() as u64, len },
        });
        self.travelled.push(Travelled { way, reason, len });
        Ok(())
    }

    /// Takes back the regions that were lent to a message which was never published.
    pub(crate) fn take_back(&self, channel: &Channel) {
        for attribute in &self.attributes {
            if let Attribute::View { number, generation, .. } = *attribute {
                // It was lent a moment ago, so it can only be ours to take back.
                let _lent = channel.regions.returned(number, generation);
            }
        }
    }

    /// Bytes that go through the stream.
    pub(crate) fn stream_len(&self) -> Result<u64> {
        let total = self.streamed.iter().map(|bytes| bytes.len() as u64).sum::<u64>();
        if total > MAX_STREAM {
            let kind = ErrorKind::TooLarge { len: total, max: MAX_STREAM };
            return Err(Error::new(kind, "send the bulk arguments of one message"));
        }
        Ok(total)
    }

    /// Fills in which slot the streamed arguments go through.
    pub(crate) fn set_slot(&mut self, index: u8, number: u32) {
        for attribute in &mut self.attributes {
            if let Attribute::Stream { slot, sequence, .. } = attribute {
                *slot = index;
                *sequence = number;
            }
        }
    }

    /// Bytes after the header of a message with `body` bytes of body.
    pub(crate) fn message_len(&self, body: usize) -> u32 {
        let inline = self.inline.iter().map(|bytes| bytes.len()).sum::<usize>();
        let len = self.attributes.len() * ATTRIBUTE_LEN + body + inline;
        // `room` never went below zero, so this is below the message limit.
        u32::try_from(len).unwrap_or(u32::MAX)
    }
}

/// The way that bytes of this length take, as far as it depends on both ends' limits alone.
pub(crate) fn expected_way(
    channel: &Channel,
    len: u64,
    wish: Option<Way>,
    direct: DirectAvailability,
) -> (Way, Reason) {
    choose(len, wish, circumstances(channel, channel.max_message_len, direct))
}

/// Why an argument that has arrived took its way, as far as its receiver can tell: from its length,
/// or if another way was to be expected, from what was wished.
pub(crate) fn reason_of(
    channel: &Channel,
    way: Way,
    len: u64,
    direct: DirectAvailability,
) -> Reason {
    match expected_way(channel, len, None, direct) {
        (expected, reason) if expected == way => reason,
        // It may not have fitted the message beside the others.
        _ if way == Way::Section => Reason::FitsSection,
        _ => Reason::Wished,
    }
}

fn circumstances(channel: &Channel, room: usize, direct: DirectAvailability) -> Circumstances {
    Circumstances {
        copy_limit: channel.limits.copy_limit as u64,
        view_limit: channel.limits.view_limit as u64,
        room: room as u64,
        direct,
    }
}

/// Checks that an argument is not longer than both ends agreed on.
pub(crate) fn check_len(channel: &Channel, len: u64) -> Result<u64> {
    let max = channel.limits.max_argument_len as u64;
    if len > max {
        return Err(Error::new(ErrorKind::TooLarge { len, max }, "send a bulk argument"));
    }
    Ok(len)
}

/// The stream that the attributes of a message announce: all must name the same slot.
pub(crate) fn announced_stream(
    channel: &Channel,
    attributes: &[Attribute],
) -> Result<Option<Inflow>> {
    let mut announced = None;
    let mut total = 0_u64;
    for attribute in attributes {
        if let Attribute::Stream { slot, sequence, len } = *attribute {
            if announced.is_some_and(|first| first != (slot, sequence)) {
                return Err(channel.poison(Misbehaviour::AttributePlace));
            }
            announced = Some((slot, sequence));
            total = total.saturating_add(len);
        }
    }
    match announced {
        Some((slot, sequence)) => channel.begin_inflow(slot, sequence, total).map(Some),
        None => Ok(None),
    }
}

/// The attributes of a message, each within the limits that both ends agreed on.
pub(crate) fn checked_attributes(channel: &Channel, record: &Record) -> Result<Vec<Attribute>> {
    let attributes = record.attributes().map_err(|offence| channel.poison(offence))?;
    let max = channel.limits.max_argument_len as u64;
    let mut inline = 0_u64;
    for attribute in &attributes {
        let len = match *attribute {
            Attribute::Inline { len } => {
                inline = inline.saturating_add(len);
                len
            }
            Attribute::Stream { len, .. }
            | Attribute::Frozen { len, .. }
            | Attribute::View { len, .. }
            | Attribute::Direct { len, .. }
            | Attribute::Room { len }
            | Attribute::DirectRoom { len, .. }
            | Attribute::Written { len } => len,
            Attribute::Chain { .. } => 0,
        };
        if len > max {
            return Err(channel.poison(Misbehaviour::MessageTooLong { len }));
        }
    }
    let after_body = record.bytes().len().saturating_sub(record.body_range().end);
    if inline != after_body as u64 {
        return Err(channel.poison(Misbehaviour::MessageLayout));
    }
    Ok(attributes)
}

/// Throws away the bulk data of a message that nobody waits for any more.
pub(crate) fn discard_streams(channel: &Channel, record: &Record) -> Result<()> {
    let attributes = checked_attributes(channel, record)?;
    if let Some(inflow) = announced_stream(channel, &attributes)? {
        channel.discard_inflow(inflow);
    }
    for attribute in attributes {
        if let Attribute::View { number, generation, .. } = attribute {
            channel.return_region(number, generation);
        }
    }
    Ok(())
}
