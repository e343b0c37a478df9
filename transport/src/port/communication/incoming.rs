//! The bulk data of a reply, on its way to where it belongs.

use super::call::Call;
use super::{Carried, Part, Received};
use std::sync::Arc;

use crate::bulk::{Travelled, announced_stream, checked_attributes, reason_of};
use crate::channel::Channel;
use crate::choose::{Reason, Way};
use crate::error::{Error, ErrorKind, Misbehaviour, Result};
use crate::message::{Attribute, Record};
use crate::port::attributes::DirectAvailability;
use crate::section::region::RegionName;
use crate::stream::{Inflow, Step};
use crate::waiting::{Interest, Wait};

/// The bulk data of a reply while it is taken in.
pub(super) struct Incoming<'r, 'e, W: Wait> {
    call: &'r Call<'e, W>,
    inline: &'r [u8],
    inflow: Option<Inflow>,
}

impl<W: Wait> Incoming<'_, '_, W> {
    /// Takes what came back to where it belongs.
    pub(super) async fn receive(
        call: &Call<'_, W>,
        record: &Record,
        parts: &mut [Part<'_>],
        carried: &mut Carried,
        travelled: &mut Vec<Travelled>,
    ) -> Result<()> {
        let channel = &call.end.channel;
        if record.header.attributes == 0 {
            return Ok(());
        }
        let attributes = checked_attributes(channel, record)?;
        let inline = record.bytes().get(record.body_range().end..).unwrap_or(&[]);
        let inflow = announced_stream(channel, &attributes)?;
        let mut incoming = Incoming { call, inline, inflow };
        let mut attributes = attributes.into_iter();
        for part in parts {
            let wish = part.wish();
            if let Some(room) = part.room() {
                // A reply that carries an error brings nothing back.
                let Some(attribute) = attributes.next() else { break };
                let (written, way) = incoming.fill(attribute, room).await?;
                carried.written.push(written);
                let reason = match wish == Some(way) {
                    true => Reason::Wished,
                    false => reason_of(channel, way, written as u64, channel.direct()),
                };
                travelled.push(Travelled { way, reason, len: written as u64 });
            }
        }
        for attribute in attributes {
            let (received, way) = incoming.collect(attribute).await?;
            travelled.push(way);
            carried.results.push(received);
        }
        Ok(())
    }

    fn channel(&self) -> &Arc<Channel> {
        &self.call.end.channel
    }

    /// Fills the caller's room as an attribute of the reply says.
    async fn fill(&mut self, attribute: Attribute, room: &mut [u8]) -> Result<(usize, Way)> {
        let misplaced = || self.channel().poison(Misbehaviour::AttributePlace);
        let (len, way) = match attribute {
            Attribute::Inline { len } => (len, Way::Copy),
            Attribute::Stream { len, .. } => (len, Way::Section),
            Attribute::Written { len } if self.call.lent.is_some() => (len, Way::Direct),
            _ => return Err(misplaced()),
        };
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let Some(room) = room.get_mut(..len) else { return Err(misplaced()) };
        match way {
            Way::Copy => self.take_inline(room)?,
            Way::Section => self.pull(room).await?,
            Way::Direct => {}
        }
        Ok((len, way))
    }

    async fn collect(&mut self, attribute: Attribute) -> Result<(Received, Travelled)> {
        let private = DirectAvailability::Forbidden;
        let (len, way) = match attribute {
            Attribute::Inline { len } => (len, Way::Copy),
            Attribute::Stream { len, .. } => (len, Way::Section),
            Attribute::Frozen { section, len } => {
                let blob = self.channel().frozen(section, len)?;
                let travelled = Travelled { way: Way::Section, reason: Reason::Frozen, len };
                return Ok((Received::Frozen(blob), travelled));
            }
            Attribute::View { section, number, generation, offset, len } => {
                let name = RegionName { section, number, generation, offset };
                let view = self.channel().view(name, len)?;
                let reason = Reason::BuiltInPlace;
                let travelled = Travelled { way: Way::Section, reason, len };
                return Ok((Received::View(view), travelled));
            }
            _ => return Err(self.channel().poison(Misbehaviour::AttributePlace)),
        };
        let mut bytes = crate::buffer::fresh(usize::try_from(len).unwrap_or(0));
        if way == Way::Copy {
            self.take_inline(&mut bytes)?
        } else {
            self.pull(&mut bytes).await?
        }
        let reason = match reason_of(self.channel(), way, len, private) {
            // The caller's memory was not known when the server answered.
            Reason::DirectUnavailable(_) => Reason::FitsSection,
            reason => reason,
        };
        Ok((Received::Private(bytes), Travelled { way, reason, len }))
    }

    fn take_inline(&mut self, into: &mut [u8]) -> Result<()> {
        let Some((taken, rest)) = self.inline.split_at_checked(into.len()) else {
            return Err(self.channel().poison(Misbehaviour::MessageLayout));
        };
        into.copy_from_slice(taken);
        self.inline = rest;
        Ok(())
    }

    async fn pull(&mut self, into: &mut [u8]) -> Result<()> {
        let channel = &self.call.end.channel;
        let Some(inflow) = &mut self.inflow else {
            return if into.is_empty() {
                Ok(())
            } else {
                Err(channel.poison(Misbehaviour::AttributePlace))
            };
        };
        let mut taken = 0;
        while let Some(rest) = into.get_mut(taken..).filter(|rest| !rest.is_empty()) {
            let mut step = channel.pull_stream(inflow, rest)?;
            if step == Step::Stuck {
                let pull = || {
                    let step = channel.pull_stream(inflow, rest)?;
                    Ok((step != Step::Stuck).then_some(step))
                };
                step = self.call.until(Interest::Progress, pull).await?;
            }
            match step {
                Step::Moved(moved) => taken += moved,
                Step::Ended | Step::Stuck => {
                    return Err(Error::new(ErrorKind::PeerClosed, "receive a bulk result"));
                }
            }
        }
        Ok(())
    }
}

impl<W: Wait> Drop for Incoming<'_, '_, W> {
    fn drop(&mut self) {
        // Whatever was not taken, because something failed, must not hold up the server.
        if let Some(inflow) = self.inflow.take() {
            self.channel().discard_inflow(inflow);
        }
    }
}
