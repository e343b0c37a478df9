//! Calls whose bulk data is still arriving.

use std::sync::Arc;

use super::call::Part;
use super::{End, IncomingCall, STATUS_GIVEN_UP, ServerPort};
use crate::channel::{Channel, Pace};
use crate::error::Result;
use crate::stream::{Inflow, Step};

pub(super) struct Arriving {
    call: IncomingCall,
    inflow: Inflow,
    /// The part that is being filled, and how far.
    part: usize,
    filled: usize,
}

impl ServerPort {
    /// Takes what is there of a call's stream, looking for more for a while.
    pub(super) fn receive(
        self: &Arc<ServerPort>,
        mut arriving: Arriving,
    ) -> Result<Option<IncomingCall>> {
        let channel = &self.channel;
        match arriving.claim() {
            Ok(true) => {}
            Ok(false) => return Ok(self.wait_for(arriving)),
            // There is no memory for it: this call fails, and the client lives on.
            Err(_) => {
                channel.discard_inflow(arriving.inflow);
                return Ok(None);
            }
        }
        match channel.look_while(|| arriving.step(channel))? {
            Some(End::Whole) => Ok(Some(arriving.call)),
            Some(End::Early) => {
                // The caller has given the stream up.
                arriving.call.refuse(STATUS_GIVEN_UP);
                Ok(None)
            }
            None => Ok(self.wait_for(arriving)),
        }
    }

    fn wait_for(&self, arriving: Arriving) -> Option<IncomingCall> {
        if arriving.call.deadline().is_past() {
            self.channel.discard_inflow(arriving.inflow);
            arriving.call.refuse(STATUS_GIVEN_UP);
            return None;
        }
        self.park(|parked| {
            let can_go_on = arriving.can_go_on(&self.channel);
            parked.arriving.push(arriving);
            can_go_on
        });
        None
    }
}

impl Arriving {
    pub(super) fn new(call: IncomingCall, inflow: Inflow) -> Arriving {
        Arriving { call, inflow, part: 0, filled: 0 }
    }

    /// Gets memory for the stream, if the client may have more. `false`: not now.
    fn claim(&mut self) -> Result<bool> {
        self.call.claim()
    }

    fn can_go_on(&self, channel: &Channel) -> bool {
        match self.call.awaited() {
            0 => channel.can_pull(&self.inflow),
            unclaimed => self.call.port().could_claim(unclaimed),
        }
    }

    /// Takes the next of what is there.
    fn step(&mut self, channel: &Channel) -> Result<Pace<End>> {
        loop {
            let Some(part) = self.call.part_mut(self.part) else {
                return Ok(Pace::Done(End::Whole));
            };
            let Part::Buffer(buffer, _) = part else {
                self.part += 1;
                continue;
            };
            let rest = buffer.get_mut(self.filled..).unwrap_or(&mut []);
            if rest.is_empty() {
                self.part += 1;
                self.filled = 0;
                continue;
            }
            match channel.pull_stream(&mut self.inflow, rest)? {
                Step::Moved(moved) => {
                    self.filled += moved;
                    return Ok(Pace::Moved);
                }
                Step::Stuck => return Ok(Pace::Stuck),
                Step::Ended => return Ok(Pace::Done(End::Early)),
            }
        }
    }
}
