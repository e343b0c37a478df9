//! The streams of a channel: slots, windows, and looking for the next chunk.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, OnceLock};

use super::mirror::Mirror;
use super::sections::frame;
use super::{Channel, Pace, lock};
use crate::error::{Error, Misbehaviour, Result};
use crate::queue::indices::{Header, STREAMS};
use crate::spin::Spin;
use crate::stream::{
    Consuming, FreeSlot, Inflow, Outflow, PeerSlot, Producing, Step, all_slots, windows_len,
};
use crate::sys::cpu;
use crate::sys::memory::{OwnMemory, PeerMemory};

/// What a channel knows of its streams in both directions.
pub(super) struct Streams {
    /// Bytes of one stream's window, a power of two.
    window: u32,
    slots: Mutex<OurSlots>,
    peer_slots: Mutex<[PeerSlot; STREAMS]>,
    windows: OnceLock<Arc<OwnMemory>>,
    peer_windows: OnceLock<Arc<PeerMemory>>,
    /// Whether looking for the next chunk of a stream has paid.
    spin: Mutex<Spin>,
}

struct OurSlots {
    free: Vec<FreeSlot>,
    /// Fully sent, not yet fully taken.
    ending: Vec<Outflow>,
}

impl Streams {
    pub(super) fn new(window: usize) -> Streams {
        Streams {
            // `Limits::fault` keeps it to 64 MiB.
            window: u32::try_from(window).unwrap_or(0),
            slots: Mutex::new(OurSlots { free: all_slots(), ending: Vec::new() }),
            peer_slots: Mutex::default(),
            windows: OnceLock::new(),
            peer_windows: OnceLock::new(),
            spin: Mutex::new(Spin::for_chunks()),
        }
    }

    /// Takes the section with the peer's windows in. There is one, and it stays.
    pub(super) fn take_windows(&self, fd: OwnedFd) -> Result<()> {
        let memory = PeerMemory::open(fd, windows_len(self.window))?;
        let doing = "take what the peer announced";
        let again = |_| Error::misbehaved(doing, Misbehaviour::SectionQuota);
        self.peer_windows.set(Arc::new(memory)).map_err(again)
    }

    /// Uses the windows of a mirror, which are there from the beginning.
    pub(super) fn use_mirror(&self, mirror: &Mirror) {
        let _first = self.windows.set(mirror.own_windows());
        let _first = self.peer_windows.set(mirror.peer_windows());
    }
}

impl OurSlots {
    /// Takes back the slots of streams that the peer has taken whole.
    fn collect(&mut self, peer: &Header) {
        for outflow in std::mem::take(&mut self.ending) {
            match outflow.finish(peer) {
                Ok(slot) => self.free.push(slot),
                Err(outflow) => self.ending.push(outflow),
            }
        }
    }
}

impl Channel {
    /// Goes on with `step` for as long as the peer keeps up. `None`: it does not, and will ring.
    ///
    /// Only a server's end calls this; a client's threads wait together (see `waiting`).
    pub(crate) fn look_while<T>(
        &self,
        mut step: impl FnMut() -> Result<Pace<T>>,
    ) -> Result<Option<T>> {
        if self.is_mirrored() {
            return self.go_while(step);
        }
        // A peer that takes us for awake does not ring, neither for what is parked.
        if !self.has_parked() {
            self.own.set_cpu(cpu::current());
            self.own.set_awake();
            let ended = self.look_awake(&mut step);
            self.set_asleep();
            if self.has_parked() || self.has_news() {
                self.tell_news();
            }
            if !matches!(ended, Ok(None)) {
                return ended;
            }
        }
        // What the peer did before it could see that we sleep.
        loop {
            match step()? {
                Pace::Done(done) => return Ok(Some(done)),
                Pace::Moved => {}
                Pace::Stuck => return Ok(None),
            }
        }
    }

    /// `None`: the peer does not keep up, or something else waits for its bell.
    fn look_awake<T>(&self, step: &mut impl FnMut() -> Result<Pace<T>>) -> Result<Option<T>> {
        // Others may look at the same time; the last that leaves says how it went.
        let mut spin = *lock(&self.streams.spin);
        let mut told = false;
        let ended = loop {
            let found = spin.look(
                || self.theirs.cpu(),
                || {
                    told = self.tell_news_once(told);
                    if self.has_parked() {
                        return Some(Err(None));
                    }
                    match step() {
                        Ok(Pace::Stuck) => None,
                        Ok(Pace::Moved) => Some(Ok(None)),
                        Ok(Pace::Done(done)) => Some(Ok(Some(done))),
                        Err(error) => Some(Err(Some(error))),
                    }
                },
            );
            match found {
                Some(Ok(None)) => {}
                Some(Ok(done)) => break Ok(done),
                Some(Err(Some(error))) => break Err(error),
                Some(Err(None)) | None => break Ok(None),
            }
        };
        *lock(&self.streams.spin) = spin;
        ended
    }

    /// Lets somebody else take the messages that arrived, once until they are taken.
    fn tell_news_once(&self, told: bool) -> bool {
        let news = self.has_news();
        if news && !told {
            self.tell_news();
        }
        news
    }

    /// A slot for a stream of ours, if one is free.
    pub(crate) fn take_slot(&self) -> Result<Option<FreeSlot>> {
        let mut slots = lock(&self.streams.slots);
        if slots.free.is_empty() {
            slots.collect(&self.theirs);
        }
        if slots.free.is_empty() {
            return Ok(None);
        }
        drop(slots);
        // Before a slot is taken, so that none is lost when this fails.
        self.open_windows()?;
        Ok(lock(&self.streams.slots).free.pop())
    }

    /// Whether a slot is, or may be, free.
    pub(crate) fn has_slot(&self) -> bool {
        let mut slots = lock(&self.streams.slots);
        slots.collect(&self.theirs);
        !slots.free.is_empty()
    }

    /// Gives back the slot of a stream that was sent whole, or given up.
    pub(crate) fn end_outflow(&self, outflow: Outflow) {
        let mut slots = lock(&self.streams.slots);
        match outflow.finish(&self.theirs) {
            Ok(slot) => slots.free.push(slot),
            Err(outflow) => slots.ending.push(outflow),
        }
    }

    /// Gives back the slot of a stream that no message announced.
    pub(crate) fn abandon_slot(&self, outflow: Outflow) {
        lock(&self.streams.slots).free.push(outflow.never_announced());
    }

    /// Gives up a stream: the peer throws away what it has of it.
    pub(crate) fn abort_outflow(&self, mut outflow: Outflow) {
        outflow.abort(&self.own);
        self.ring_if_asleep();
        self.end_outflow(outflow);
    }

    fn open_windows(&self) -> Result<()> {
        let windows = &self.streams.windows;
        if windows.get().is_some() {
            return Ok(());
        }
        // Two threads may both come here; the lock lets one of them announce.
        let _one_at_a_time = lock(&self.outbound);
        if windows.get().is_some() {
            return Ok(());
        }
        let memory = OwnMemory::create(windows_len(self.streams.window))?;
        if let Some(fd) = memory.fd() {
            self.announce(frame::WINDOWS, 0, memory.len() as u64, fd)?;
        }
        let _first = windows.set(Arc::new(memory));
        Ok(())
    }

    fn producing<'a>(&'a self, memory: &'a OwnMemory) -> Producing<'a> {
        Producing { own: &self.own, peer: &self.theirs, memory, window: self.streams.window }
    }

    /// Copies the next chunk of a stream of ours into its window.
    pub(crate) fn push_stream(&self, outflow: &mut Outflow, from: &[u8]) -> Result<Step> {
        let Some(memory) = self.streams.windows.get() else { return Ok(Step::Stuck) };
        let step = self.guard(outflow.push(&self.producing(memory), from))?;
        if step != Step::Stuck {
            self.ring_if_asleep();
        }
        Ok(step)
    }

    /// Whether the next step of a stream of ours gets anywhere.
    pub(crate) fn can_push(&self, outflow: &Outflow) -> bool {
        let memory = self.streams.windows.get();
        memory.is_some_and(|memory| outflow.can_push(&self.producing(memory)))
    }

    /// Begins to receive the stream that a message announced.
    pub(crate) fn begin_inflow(&self, slot: u8, sequence: u32, total: u64) -> Result<Inflow> {
        let mut slots = lock(&self.streams.peer_slots);
        let unknown = Misbehaviour::StreamSlot { slot };
        let found = slots.get_mut(usize::from(slot)).ok_or(unknown);
        let begun = found.and_then(|found| found.begin(&self.own, slot, sequence, total));
        drop(slots);
        self.guard(begun)
    }

    /// Copies what is there of the peer's stream out of its window.
    pub(crate) fn pull_stream(&self, inflow: &mut Inflow, into: &mut [u8]) -> Result<Step> {
        let windows = &self.streams.peer_windows;
        if windows.get().is_none() {
            // Announced before the message that announced the stream.
            self.drain_socket()?;
            self.tell_news();
        }
        let Some(memory) = windows.get() else {
            return Err(self.poison(Misbehaviour::UnknownSection { section: 0 }));
        };
        let from =
            Consuming { own: &self.own, peer: &self.theirs, memory, window: self.streams.window };
        let step = self.guard(inflow.pull(&from, into))?;
        if step != Step::Stuck {
            self.ring_if_asleep();
        }
        Ok(step)
    }

    /// Whether the next step of a stream of the peer's gets anywhere.
    pub(crate) fn can_pull(&self, inflow: &Inflow) -> bool {
        inflow.can_pull(&self.theirs)
    }

    /// Throws away what was not taken of a stream of the peer's.
    pub(crate) fn discard_inflow(&self, mut inflow: Inflow) {
        if !inflow.is_complete() {
            inflow.discard(&self.own);
            self.ring_if_asleep();
        }
    }
}
