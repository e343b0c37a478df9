//! Views: regions of the peer's, looked at where they are.
//!
//! The peer can change the bytes while we look, so a view is never a slice: it copies out, and what
//! was copied is what counts. Dropping it returns the region; nobody has to remember that, because a
//! receiver that forgets can be flooded.

use std::sync::{Arc, Weak};

use crate::channel::Channel;
use crate::sys::memory::PeerMemory;

/// A view of a region that the peer filled in place.
pub struct PeerView {
    memory: Arc<PeerMemory>,
    offset: usize,
    len: usize,
    number: u32,
    generation: u32,
    channel: Weak<Channel>,
}

impl PeerView {
    /// A view whose range lies inside `memory`.
    pub(crate) fn new(
        memory: Arc<PeerMemory>,
        (offset, len): (usize, usize),
        (number, generation): (u32, u32),
        channel: Weak<Channel>,
    ) -> PeerView {
        PeerView { memory, offset, len, number, generation, channel }
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Copies bytes from `offset` on into `into`, as many as both have; says how many.
    pub fn read_at(&self, offset: usize, into: &mut [u8]) -> usize {
        let len = into.len().min(self.len.saturating_sub(offset));
        let Some(into) = into.get_mut(..len) else { return 0 };
        match self.memory.read(self.offset.saturating_add(offset), into) {
            Some(()) => len,
            None => 0,
        }
    }

    /// All bytes, as a copy.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = crate::buffer::fresh(self.len);
        let read = self.read_at(0, &mut bytes);
        bytes.truncate(read);
        bytes
    }
}

impl Drop for PeerView {
    fn drop(&mut self) {
        if let Some(channel) = self.channel.upgrade() {
            channel.return_region(self.number, self.generation);
        }
    }
}

impl std::fmt::Debug for PeerView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PeerView({} bytes)", self.len)
    }
}
