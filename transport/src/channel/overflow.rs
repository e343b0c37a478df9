//! Datagrams that wait for room at an end that does not: the newest of them, in this process's memory.

use std::os::fd::AsFd;
use std::sync::atomic::Ordering;

use super::sending::{Kept, flatten};
use super::{Channel, Outbound, Outgoing, lock};
use crate::error::Result;
use crate::message::Attribute;

impl Channel {
    /// Keeps a datagram until there is room for it, and drops the oldest if more than `max` wait.
    /// `false`: it has bulk data besides its message, and cannot be kept.
    pub(crate) fn keep_datagram(&self, message: &Outgoing<'_>, max: usize) -> Result<bool> {
        let is_whole = |attribute: &Attribute| matches!(attribute, Attribute::Inline { .. });
        if !message.attributes.iter().all(is_whole) || !message.handles.is_empty() {
            return Ok(false);
        }
        self.check_open()?;
        let (header, bytes) = (message.header, flatten(message));
        let mut outbound = lock(&self.outbound);
        outbound.waiting.push_back(Kept { header, bytes, handles: Vec::new() });
        while outbound.waiting.len() > max.max(1) {
            outbound.waiting.pop_front();
            self.tally.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(true)
    }

    /// Sends what waits, as far as there is room. `true`: nothing waits any more.
    pub(crate) fn send_kept_datagrams(&self) -> bool {
        let mut outbound = lock(&self.outbound);
        if self.closed().is_some() {
            outbound.waiting.clear();
        }
        // An error is one of the channel, which is met by whoever uses it next.
        let is_sent = self.send_waiting(&mut outbound).unwrap_or(true);
        self.show(outbound);
        is_sent
    }

    /// Moves datagrams into the ring. `true`: none is left.
    pub(super) fn send_waiting(&self, outbound: &mut Outbound) -> Result<bool> {
        while let Some(kept) = outbound.waiting.pop_front() {
            let handles: Vec<_> = kept.handles.iter().map(AsFd::as_fd).collect();
            let bytes = [std::io::IoSlice::new(&kept.bytes)];
            if !self.publish(outbound, &kept.header, &bytes, &handles)? {
                outbound.waiting.push_front(kept);
                return Ok(false);
            }
        }
        Ok(true)
    }
}
