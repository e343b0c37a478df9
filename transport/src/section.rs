//! Sections whose bytes never change again, and the table of those that a peer has.
//!
//! A [`Blob`] is worth its making for data that is sent more than once: it travels as a number from
//! the second time on, moves no bytes and maps nothing anew, to however many peers.

pub(crate) mod allocator;
pub(crate) mod region;
pub(crate) mod view;

use std::collections::HashMap;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::{Arc, Weak};

use crate::error::{Error, Misbehaviour, Result};
use crate::sys::memory::FrozenMemory;

/// Bytes that nobody can change any more, in a section of their own.
///
/// Cloning shares the section. It is given back when the last clone is dropped; peers that have
/// received it keep their own view until they are told, or drop it.
#[derive(Clone)]
pub struct Blob(Arc<FrozenMemory>);

impl Blob {
    /// Freezes a copy of `bytes`.
    ///
    /// # Errors
    ///
    /// When the system has no memory or no file descriptors left.
    pub fn new(bytes: &[u8]) -> Result<Blob> {
        Blob::build(bytes.len(), |into| into.copy_from_slice(bytes))
    }

    /// Freezes `len` bytes that `fill` writes in place; they are zero before.
    ///
    /// # Errors
    ///
    /// When the system has no memory or no file descriptors left.
    pub fn build(len: usize, fill: impl FnOnce(&mut [u8])) -> Result<Blob> {
        FrozenMemory::create(len, fill).map(|memory| Blob(Arc::new(memory)))
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.bytes().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes().is_empty()
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.0.fd()
    }
}

impl std::fmt::Debug for Blob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Blob({} bytes)", self.len())
    }
}

/// Frozen sections that one end may have at the other, however small. Each takes a descriptor.
pub(crate) const MAX_FROZEN: usize = 64;

/// The blobs that one peer has been given.
#[derive(Default)]
pub(crate) struct GivenBlobs {
    /// By the address of the section's bookkeeping, which the weak pointer keeps from being used
    /// for another.
    by_address: HashMap<usize, Given>,
    /// Nobody here holds them any more, but the peer may not have heard of it.
    retiring: Vec<Retiring>,
    last: u64,
    /// Of both.
    bytes: u64,
}

struct Given {
    number: u64,
    len: u64,
    section: Weak<FrozenMemory>,
}

struct Retiring {
    number: u64,
    len: u64,
    /// Where our ring ended when the peer was told.
    told_at: Option<u32>,
}

/// What sending a blob takes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Giving {
    /// The peer has it under this number.
    Known(u64),
    /// Announce it under this number first.
    New(u64),
    /// The peer has no room for another.
    Full,
}

impl GivenBlobs {
    /// Finds the number of `blob`, or gives it one if that leaves the peer below `max` bytes.
    pub(crate) fn give(&mut self, blob: &Blob, max: u64) -> Giving {
        let address = Arc::as_ptr(&blob.0).addr();
        if let Some(given) = self.by_address.get(&address) {
            return Giving::Known(given.number);
        }
        let len = blob.len() as u64;
        let count = self.by_address.len() + self.retiring.len();
        if count >= MAX_FROZEN || self.bytes.saturating_add(len) > max {
            return Giving::Full;
        }
        self.last += 1;
        self.bytes += len;
        let section = Arc::downgrade(&blob.0);
        self.by_address.insert(address, Given { number: self.last, len, section });
        Giving::New(self.last)
    }

    /// Forgets a blob that could not be announced.
    pub(crate) fn withdraw(&mut self, blob: &Blob) {
        if let Some(given) = self.by_address.remove(&Arc::as_ptr(&blob.0).addr()) {
            self.bytes -= given.len;
        }
    }

    /// The numbers of blobs that nobody here holds any more. The peer must be told.
    pub(crate) fn retire(&mut self) -> Vec<u64> {
        let mut retired = Vec::new();
        let retiring = &mut self.retiring;
        self.by_address.retain(|_, Given { number, len, section }| {
            let alive = section.strong_count() > 0;
            if !alive {
                retired.push(*number);
                retiring.push(Retiring { number: *number, len: *len, told_at: None });
            }
            alive
        });
        retired
    }

    /// The peer was told of a retirement, and our ring then ended at `tail`.
    pub(crate) fn told(&mut self, number: u64, tail: u32) {
        if let Some(found) = self.retiring.iter_mut().find(|retiring| retiring.number == number) {
            found.told_at = Some(tail);
        }
    }

    /// The peer has taken everything up to `head`: what it was told of before takes no more room.
    pub(crate) fn heard(&mut self, head: u32) {
        let bytes = &mut self.bytes;
        self.retiring.retain(|Retiring { len, told_at, .. }| {
            // Half of the range of indices tells "taken" from "not yet".
            let heard = told_at.is_some_and(|tail| head.wrapping_sub(tail) < 1 << 31);
            if heard {
                *bytes -= *len;
            }
            !heard
        });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_address.is_empty()
    }
}

/// The frozen sections that a peer has announced.
#[derive(Default)]
pub(crate) struct TakenBlobs {
    by_number: HashMap<u64, Blob>,
    bytes: u64,
}

impl TakenBlobs {
    /// Takes an announced section in, after the kernel has confirmed that it is frozen.
    pub(crate) fn announce(&mut self, number: u64, len: u64, fd: OwnedFd, max: u64) -> Result<()> {
        let doing = "take a frozen section";
        let full = self.by_number.len() >= MAX_FROZEN || self.bytes.saturating_add(len) > max;
        if full || self.by_number.contains_key(&number) {
            return Err(Error::misbehaved(doing, Misbehaviour::SectionQuota));
        }
        let size =
            usize::try_from(len).map_err(|_| Error::misbehaved(doing, Misbehaviour::MemorySize))?;
        let memory = FrozenMemory::open(fd, size)?;
        self.bytes += len;
        self.by_number.insert(number, Blob(Arc::new(memory)));
        Ok(())
    }

    pub(crate) fn get(&self, number: u64, len: u64) -> std::result::Result<Blob, Misbehaviour> {
        let found = self.by_number.get(&number).filter(|blob| blob.len() as u64 == len);
        found.cloned().ok_or(Misbehaviour::UnknownSection { section: number })
    }

    pub(crate) fn contains(&self, number: u64) -> bool {
        self.by_number.contains_key(&number)
    }

    pub(crate) fn retire(&mut self, number: u64) {
        if let Some(blob) = self.by_number.remove(&number) {
            self.bytes -= blob.len() as u64;
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_blob_is_announced_once_and_takes_room_until_the_peer_has_heard_of_its_end() {
        let mut given = GivenBlobs::default();
        let blob = Blob::new(b"stone").unwrap();
        let large = Blob::new(&[0; 96]).unwrap();
        assert_eq!(given.give(&blob, 100), Giving::New(1));
        assert_eq!(given.give(&blob.clone(), 100), Giving::Known(1));
        assert_eq!(given.give(&large, 100), Giving::Full);
        assert!(given.retire().is_empty());
        drop(blob);
        assert_eq!(given.retire(), [1]);
        assert_eq!(given.give(&large, 100), Giving::Full, "the peer still has it");
        given.told(1, 128);
        given.heard(64);
        assert_eq!(given.give(&large, 100), Giving::Full, "nor has it heard");
        given.heard(128);
        assert_eq!(given.give(&large, 100), Giving::New(2));
        given.withdraw(&large);
        assert!(given.is_empty());
        assert_eq!(given.bytes, 0);
    }

    #[test]
    fn no_peer_is_given_more_sections_than_it_has_descriptors_for() {
        let mut given = GivenBlobs::default();
        let mut taken = TakenBlobs::default();
        let blobs: Vec<_> = (0..=MAX_FROZEN).map(|_| Blob::new(b"x").unwrap()).collect();
        for (blob, number) in blobs.iter().zip(1..=MAX_FROZEN as u64) {
            assert_eq!(given.give(blob, 1000), Giving::New(number));
            taken.announce(number, 1, blob.fd().try_clone_to_owned().unwrap(), 1000).unwrap();
        }
        let last = blobs.last().unwrap();
        assert_eq!(given.give(last, 1000), Giving::Full);
        let fd = last.fd().try_clone_to_owned().unwrap();
        let error = taken.announce(MAX_FROZEN as u64 + 1, 1, fd, 1000).unwrap_err();
        assert_eq!(error.misbehaviour(), Some(Misbehaviour::SectionQuota));
    }

    #[test]
    fn announcements_are_counted_against_a_quota_and_found_by_number_and_length() {
        let mut taken = TakenBlobs::default();
        let blob = Blob::new(b"stone").unwrap();
        let fd = || blob.fd().try_clone_to_owned().unwrap();
        taken.announce(7, 5, fd(), 8).unwrap();
        assert!(taken.announce(7, 5, fd(), 100).is_err());
        assert!(taken.announce(8, 5, fd(), 8).is_err());
        assert_eq!(taken.get(7, 5).unwrap().bytes(), b"stone");
        assert!(taken.get(7, 6).is_err());
        taken.retire(7);
        assert!(!taken.contains(7));
        assert_eq!(taken.bytes, 0);
    }
}
