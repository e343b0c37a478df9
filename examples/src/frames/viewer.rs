//! A viewer: frames come to it by themselves, into its own memory.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use alpc_rpc::Events;
use alpc_rpc::prelude::*;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};

use super::interface::{FrameInfo, FrameRingClient, FrameRingEvent, FrameSourceClient};
use super::pixels;
use crate::actor::Failure;

/// A ring of slots that the service puts frames into.
#[derive(Debug)]
pub struct Viewer {
    memory: File,
    slot_bytes: u32,
    ring: FrameRingClient,
    events: Events<FrameRingEvent>,
}

/// A frame in its slot. It stays there until it is given back by [`Viewer::release`].
#[derive(Debug)]
pub struct Held {
    /// What the service says of it.
    pub info: FrameInfo,
    slot: u32,
}

impl Viewer {
    /// Makes a ring, shares it with the service, and gives it all slots.
    ///
    /// # Errors
    ///
    /// When the system has no memory for it, or the service does not want it.
    pub fn attach(
        frames: &FrameSourceClient,
        slot_bytes: u32,
        slots: u32,
    ) -> Result<Viewer, Failure> {
        let memory = memory(u64::from(slot_bytes) * u64::from(slots))?;
        let ring = frames.attach_ring(&memory, slot_bytes, slots).split()??;
        // We listen before the service has a slot, so we hear of every frame.
        let events = ring.events();
        let viewer = Viewer { memory, slot_bytes, ring, events };
        (0..slots).try_for_each(|slot| viewer.ring.release(slot))?;
        Ok(viewer)
    }

    /// Waits for the next frame. Its slot is ours from then on.
    ///
    /// # Errors
    ///
    /// When the service is gone, or says what makes no sense.
    pub fn wait(&mut self) -> Result<Held, Failure> {
        let event = self.events.next().ok_or("the ring is gone")??;
        // The slots of frames that we have not heard of would be lost to both ends.
        if self.events.missed() > 0 {
            return Err("frames were missed: the ring has to be attached again".into());
        }
        let FrameRingEvent::Ready { slot, info } = event;
        Ok(Held { info, slot })
    }

    /// The pixels of a frame that came.
    ///
    /// # Errors
    ///
    /// When the service told of a frame that its slot cannot hold.
    pub fn pixels(&self, frame: &Held) -> Result<Vec<u8>, Failure> {
        let len = pixels::needed(&frame.info).filter(|len| *len <= u64::from(self.slot_bytes));
        let mut pixels = vec![0; usize::try_from(len.ok_or("a frame that fits into no slot")?)?];
        let from = u64::from(frame.slot) * u64::from(self.slot_bytes);
        self.memory.read_exact_at(&mut pixels, from)?;
        Ok(pixels)
    }

    /// Gives the slot of a frame back to the service.
    ///
    /// # Errors
    ///
    /// When the service is gone.
    pub fn release(&self, frame: Held) -> Result<(), Failure> {
        Ok(self.ring.release(frame.slot)?)
    }
}

/// Memory without a name that nobody can make shorter or longer.
fn memory(len: u64) -> io::Result<File> {
    let memory = memfd_create("frames", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    ftruncate(&memory, len)?;
    fcntl_add_seals(&memory, SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
    Ok(memory.into())
}
