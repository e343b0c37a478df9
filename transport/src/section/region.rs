//! Regions: parts of a section that are lent to the peer, to be filled in place and looked at there.
//!
//! Data that is made inside a region costs nothing to send. The peer gets a view of it and returns it
//! when it is done; the producer then uses the memory again. Who holds what is known to the producer
//! alone, and every lending has a generation, so that a region that is returned twice, or by a peer
//! that never had it, is found out.

use std::sync::{Arc, Mutex};

use super::allocator::{Allocator, Range};
use crate::channel::lock;
use crate::error::{Error, ErrorKind, Misbehaviour, Result};
use crate::sys::memory::OwnMemory;

/// The smallest section that is made for regions.
const SECTION: usize = 4 << 20;

/// The regions of one end of a channel.
pub(crate) struct Regions {
    state: Mutex<State>,
    /// Bytes of all sections together.
    max: usize,
    /// Makes the memory of a section.
    make: fn(usize) -> Result<OwnMemory>,
}

#[derive(Default)]
struct State {
    sections: Vec<Section>,
    places: Vec<Place>,
    /// Numbers of places that nobody holds.
    free: Vec<usize>,
    bytes: usize,
}

struct Section {
    memory: Arc<OwnMemory>,
    allocator: Allocator,
    announced: bool,
}

/// A number that stands for a region, again and again.
struct Place {
    generation: u32,
    lent: Option<Lent>,
}

struct Lent {
    section: usize,
    range: Range,
    /// Whether this process still holds it.
    held: bool,
    /// How often the peer has been given it and has not returned it.
    sent: u32,
}

/// How a region is described to the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RegionName {
    pub(crate) section: u32,
    pub(crate) number: u32,
    pub(crate) generation: u32,
    pub(crate) offset: u64,
}

/// Memory of a section that this process fills in place.
///
/// It is zero, or holds what the last one left there that was sent to the *same* peer. Dropping it
/// gives it back, unless it was sent: then when the peer has returned it, too.
pub struct Region {
    pool: Arc<Regions>,
    memory: Arc<OwnMemory>,
    name: RegionName,
    len: usize,
}

impl Regions {
    /// Regions in sections of at most `max` bytes together, whose memory `make` makes.
    pub(crate) fn new(max: usize, make: fn(usize) -> Result<OwnMemory>) -> Arc<Regions> {
        Arc::new(Regions { state: Mutex::default(), max, make })
    }

    /// Takes a region of `len` bytes.
    pub(crate) fn take(self: &Arc<Regions>, len: usize) -> Result<Region> {
        let exhausted = || {
            let kind = ErrorKind::Exhausted { what: "room for sections on this channel" };
            Error::new(kind, "take a region")
        };
        let mut state = lock(&self.state);
        let (section, range) = match state.find(len) {
            Some(found) => found,
            None => {
                let section_len = Allocator::section_len(len).ok_or_else(exhausted)?.max(SECTION);
                if state.bytes.saturating_add(section_len) > self.max {
                    return Err(exhausted());
                }
                let memory = Arc::new((self.make)(section_len)?);
                let allocator = Allocator::new(section_len);
                state.sections.push(Section { memory, allocator, announced: false });
                state.bytes += section_len;
                state.find(len).ok_or_else(exhausted)?
            }
        };
        let lent = Lent { section, range, held: true, sent: 0 };
        let (number, generation) = state.occupy(lent);
        let memory = state.sections.get(section).map(|section| section.memory.clone());
        let memory = memory.ok_or_else(exhausted)?;
        drop(state);
        let name = RegionName {
            section: u32::try_from(section).unwrap_or(u32::MAX),
            number: u32::try_from(number).unwrap_or(u32::MAX),
            generation,
            offset: range.offset() as u64,
        };
        Ok(Region { pool: self.clone(), memory, name, len })
    }

    /// The section of a region, if the peer has not been told of it yet.
    pub(crate) fn announce(&self, section: u32) -> Option<Arc<OwnMemory>> {
        let mut state = lock(&self.state);
        let section = state.sections.get_mut(section as usize)?;
        let first = !std::mem::replace(&mut section.announced, true);
        first.then(|| section.memory.clone())
    }

    /// Notes that the peer gets the region.
    pub(crate) fn lend(&self, name: RegionName) {
        let mut state = lock(&self.state);
        if let Some(lent) = state.lent(name.number, name.generation) {
            lent.sent = lent.sent.saturating_add(1);
        }
    }

    /// Takes a region back that the peer returns.
    pub(crate) fn returned(
        &self,
        number: u32,
        generation: u32,
    ) -> std::result::Result<(), Misbehaviour> {
        let mut state = lock(&self.state);
        let lent = state.lent(number, generation);
        let lent = lent.filter(|lent| lent.sent > 0).ok_or(Misbehaviour::ForeignRegion)?;
        lent.sent -= 1;
        state.free_if_unused(number);
        Ok(())
    }

    fn dropped(&self, name: RegionName) {
        let mut state = lock(&self.state);
        if let Some(lent) = state.lent(name.number, name.generation) {
            lent.held = false;
        }
        state.free_if_unused(name.number);
    }
}

impl State {
    fn find(&mut self, len: usize) -> Option<(usize, Range)> {
        let mut sections = self.sections.iter_mut().enumerate();
        sections.find_map(|(index, section)| Some((index, section.allocator.take(len)?)))
    }

    /// Gives a region a number and a generation.
    fn occupy(&mut self, lent: Lent) -> (usize, u32) {
        let number = self.free.pop().unwrap_or_else(|| {
            self.places.push(Place { generation: 0, lent: None });
            self.places.len() - 1
        });
        let Some(place) = self.places.get_mut(number) else { return (number, 0) };
        place.generation = place.generation.wrapping_add(1);
        place.lent = Some(lent);
        (number, place.generation)
    }

    fn lent(&mut self, number: u32, generation: u32) -> Option<&mut Lent> {
        let place = self.places.get_mut(number as usize)?;
        if place.generation == generation { place.lent.as_mut() } else { None }
    }

    fn free_if_unused(&mut self, number: u32) {
        let number = number as usize;
        let Some(place) = self.places.get_mut(number) else { return };
        let Some(lent) = place.lent.take_if(|lent| !lent.held && lent.sent == 0) else { return };
        self.free.push(number);
        if let Some(section) = self.sections.get_mut(lent.section) {
            section.allocator.give_back(lent.range);
        }
    }
}

impl Region {
    /// The bytes, to be filled.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        let offset = usize::try_from(self.name.offset).unwrap_or(usize::MAX);
        // SAFETY: the allocator has given this range to this region alone, `&mut self` makes the
        // slice the only one, and it is not freed before the region is dropped and the peer, which
        // can only read, has returned it.
        unsafe { self.memory.slice_mut(offset, self.len) }.unwrap_or(&mut [])
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        let offset = usize::try_from(self.name.offset).unwrap_or(usize::MAX);
        // SAFETY: as above; while `&self` lives nobody writes, since writing takes `&mut self`.
        unsafe { self.memory.slice(offset, self.len) }.unwrap_or(&[])
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn name(&self) -> RegionName {
        self.name
    }

    /// Whether the region is one of `regions`: only the peer on that channel can look at it.
    pub(crate) fn is_of(&self, regions: &Arc<Regions>) -> bool {
        Arc::ptr_eq(&self.pool, regions)
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        self.pool.dropped(self.name);
    }
}

impl std::fmt::Debug for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Region({} bytes)", self.len)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_used_again_when_both_sides_are_done_with_it() {
        let regions = Regions::new(SECTION, OwnMemory::create);
        let mut region = regions.take(3 << 20).unwrap();
        region.as_mut_slice().fill(7);
        let name = region.name();
        regions.lend(name);
        assert!(regions.take(3 << 20).is_err(), "there is room for one");
        drop(region);
        assert!(regions.take(3 << 20).is_err(), "the peer still looks");
        assert_eq!(regions.returned(name.number, name.generation), Ok(()));
        let again = regions.take(3 << 20).unwrap();
        assert_ne!(again.name().generation, name.generation);
    }

    #[test]
    fn a_region_that_was_not_lent_or_was_returned_before_is_not_taken_back() {
        let regions = Regions::new(SECTION, OwnMemory::create);
        let region = regions.take(100).unwrap();
        let RegionName { number, generation, .. } = region.name();
        let foreign = Err(Misbehaviour::ForeignRegion);
        assert_eq!(regions.returned(number, generation), foreign, "it was never sent");
        regions.lend(region.name());
        assert_eq!(regions.returned(number, generation.wrapping_add(1)), foreign);
        assert_eq!(regions.returned(number + 1, generation), foreign);
        assert_eq!(regions.returned(number, generation), Ok(()));
        assert_eq!(regions.returned(number, generation), foreign, "twice");
    }

    #[test]
    fn sections_are_made_as_they_are_needed_and_announced_once() {
        let regions = Regions::new(64 << 20, OwnMemory::create);
        let small = regions.take(100).unwrap();
        let large = regions.take(16 << 20).unwrap();
        assert_ne!(small.name().section, large.name().section);
        assert!(regions.announce(small.name().section).is_some());
        assert!(regions.announce(small.name().section).is_none());
        assert!(regions.take(65 << 20).is_err());
    }
}
