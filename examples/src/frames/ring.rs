//! Rings of buffers that viewers share with the service, so that frames come to them by themselves.
//!
//! The memory is the viewer's, and the service only writes there: nothing that it does depends on
//! what lies in it. Which slot may be written to is kept on this side alone.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex};

use alpc_rpc::Call;
use rustix::fs::{SealFlags, fcntl_get_seals};

use super::interface::{FrameError, FrameInfo, FrameRing, FrameRingEmitter, MAX_RING};
use super::source::lock;
use crate::output::say;

/// The rings of all viewers.
#[derive(Default)]
pub(super) struct Rings {
    all: Mutex<Numbered>,
}

#[derive(Default)]
struct Numbered {
    by_number: BTreeMap<u64, Arc<Slots>>,
    last: u64,
}

/// The slots of a ring, and who is told when one is filled.
struct Slots {
    memory: File,
    slot_bytes: u64,
    slots: u32,
    /// Those that the viewer has given us, the longest ago first.
    ours: Mutex<VecDeque<u32>>,
    events: FrameRingEmitter,
}

/// A [`FrameRing`], as an object of its viewer's connection. The runtime drops it when the viewer lets
/// go of it, or is gone, and with it goes the memory.
pub(super) struct Ring {
    number: u64,
    slots: Arc<Slots>,
    rings: Arc<Rings>,
}

impl Rings {
    /// Takes a viewer's memory in.
    pub(super) fn attach(
        self: &Arc<Self>,
        viewer: &str,
        memory: OwnedFd,
        slot_bytes: u32,
        slots: u32,
    ) -> Result<Ring, FrameError> {
        let needed = u64::from(slot_bytes) * u64::from(slots);
        let memory = fit(memory, needed).map_err(|why| FrameError::BadRing { why })?;
        let slots = Arc::new(Slots {
            memory,
            slot_bytes: slot_bytes.into(),
            slots,
            ours: Mutex::default(),
            events: FrameRingEmitter::new(),
        });
        let number = {
            let mut all = lock(&self.all);
            all.last += 1;
            let number = all.last;
            all.by_number.insert(number, slots.clone());
            number
        };
        say(&format!("ring {number} is attached, by {viewer}"));
        Ok(Ring { number, slots, rings: self.clone() })
    }

    /// Puts a frame into every ring that has a slot for it.
    pub(super) fn put(&self, info: &FrameInfo, pixels: &[u8]) {
        // Frames are large: nobody who comes or goes waits until one is written.
        let all: Vec<_> = lock(&self.all).by_number.values().cloned().collect();
        for slots in all {
            // A viewer that has sealed its memory since gets no more frames, and nobody else minds.
            let _refused = slots.put(info, pixels);
        }
    }
}

/// Memory that stays as long as it is: written to beyond its end, it would grow, on our account.
fn fit(memory: OwnedFd, needed: u64) -> Result<File, String> {
    let seals = fcntl_get_seals(&memory).map_err(|error| error.to_string())?;
    let memory = File::from(memory);
    let len = memory.metadata().map_err(|error| error.to_string())?.len();
    if !seals.contains(SealFlags::GROW | SealFlags::SHRINK) {
        Err("it is not sealed against growing and shrinking".to_owned())
    } else if needed > MAX_RING {
        Err(format!("a ring has at most {MAX_RING} bytes"))
    } else if len < needed {
        Err(format!("it has {len} bytes, and its slots take {needed}"))
    } else {
        Ok(memory)
    }
}

impl Slots {
    fn put(&self, info: &FrameInfo, pixels: &[u8]) -> io::Result<()> {
        if pixels.len() as u64 > self.slot_bytes {
            return Ok(());
        }
        let Some(slot) = lock(&self.ours).pop_front() else { return Ok(()) };
        self.memory.write_all_at(pixels, u64::from(slot) * self.slot_bytes)?;
        // The frame came by this interface, so it can go by it.
        let _sent = self.events.ready(slot, info);
        Ok(())
    }
}

impl FrameRing for Ring {
    fn release(&self, _: &Call<'_>, slot: u32) {
        let mut ours = lock(&self.slots.ours);
        // A slot that is ours already, or that there is not, is none that could be given to us.
        if slot < self.slots.slots && !ours.contains(&slot) {
            ours.push_back(slot);
        }
    }

    fn emitter(&self) -> &FrameRingEmitter {
        &self.slots.events
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        lock(&self.rings.all).by_number.remove(&self.number);
        say(&format!("ring {} is run down", self.number));
    }
}
