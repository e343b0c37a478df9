//! Shared memory with one writer.
//!
//! Each side of a channel owns memory that it alone can write; the peer holds a view of it that the
//! kernel keeps read-only (`F_SEAL_FUTURE_WRITE`, see memfd_create(2) and fcntl(2)). So there is no
//! lock and no compare-and-swap in shared memory, and a peer can spoil only what it sent itself.
//!
//! Rust has no words for memory that another process changes. Therefore no reference to these bytes
//! is ever made: they are copied in and out by [`copy`](crate::copy), which the compiler cannot look into, and
//! the few control words are atomics.

use std::mem::{align_of, size_of};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{MemfdFlags, SealFlags};

use crate::copy::{Cache, copy, expect, load, store};
use crate::error::{Error, Misbehaviour, Result};

/// Memory that is shared with a peer and that only atomics of a fixed layout are read from.
///
/// # Safety
///
/// The type consists of atomic integers alone (any bytes make a value, and shared references to
/// it permit changes by others), and it has no padding that anybody reads.
pub(crate) unsafe trait SharedWords: Sync {}

/// The size of a page, the granule of everything that is mapped.
pub(crate) const PAGE: usize = 4096;

/// `tmpfs`, the file system that backs every memfd (`TMPFS_MAGIC` of statfs(2)).
///
/// Memory of another kind can fault in its reader: hugetlb when the pool is empty, FUSE at will.
const TMPFS_MAGIC: i64 = 0x0102_1994;

/// Memory that this process writes and its peer may only read.
pub(crate) struct OwnMemory {
    map: MmapRaw,
    /// `None`: it is this process's alone, and the peer gets copies.
    fd: Option<OwnedFd>,
}

impl OwnMemory {
    /// Creates `len` bytes of zeroes, mapped writable here and sealed against any later writer.
    ///
    /// No page is touched: memory is used as it is written. `len` is rounded up to whole pages.
    pub(crate) fn create(len: usize) -> Result<OwnMemory> {
        let len = len.max(1).next_multiple_of(PAGE);
        let fd = create_memfd(len)?;
        let map = MmapOptions::new()
            .len(len)
            .map_raw(&fd)
            .map_err(|error| Error::os("map shared memory", error))?;
        // The seal refuses every *new* writable mapping; the one above stays.
        seal(&fd, SealFlags::FUTURE_WRITE | SealFlags::SEAL)?;
        // A forked child must not write into a channel that is not its own. Where the kernel
        // cannot promise that, the channel must not exist.
        map.advise(memmap2::Advice::DontFork)
            .map_err(|error| Error::os("keep shared memory out of forked children", error))?;
        Ok(OwnMemory { map, fd: Some(fd) })
    }

    /// Makes `len` bytes of zeroes that no other process can see.
    pub(crate) fn private(len: usize) -> Result<OwnMemory> {
        map_private(len).map(|map| OwnMemory { map, fd: None })
    }

    /// What a peer maps this memory by, if it may.
    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.fd.as_ref().map(OwnedFd::as_fd)
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    /// The control words at `offset`, which is a constant of the layout.
    pub(crate) fn words<T: SharedWords>(&self, offset: usize) -> &T {
        words_at(&self.map, offset)
    }

    /// A range of this memory as a slice.
    ///
    /// # Safety
    ///
    /// Nobody in this process writes to `offset..offset + len` for as long as the slice lives. (No
    /// other process can, by the seals.)
    pub(crate) unsafe fn slice(&self, offset: usize, len: usize) -> Option<&[u8]> {
        check_range(&self.map, offset, len)?;
        let start = self.map.as_ptr().wrapping_add(offset);
        // SAFETY: the range is inside the mapping, which lives as long as `self`; the caller vouches
        // that nobody in this process writes there, and the seals that no other process does.
        Some(unsafe { std::slice::from_raw_parts(start, len) })
    }

    /// A range of this memory as a slice, for filling in place.
    ///
    /// # Safety
    ///
    /// The caller holds the only claim to `offset..offset + len` inside this process for as long as
    /// the slice lives. (No other process can write here, by the seals.)
    #[allow(clippy::mut_from_ref, reason = "exclusivity is by range, which the caller vouches for")]
    pub(crate) unsafe fn slice_mut(&self, offset: usize, len: usize) -> Option<&mut [u8]> {
        check_range(&self.map, offset, len)?;
        let start = self.map.as_mut_ptr().wrapping_add(offset);
        // SAFETY: the range is inside the mapping, which lives as long as `self`; the caller vouches
        // that nobody else in this process touches it, and the seals that no other process writes.
        Some(unsafe { std::slice::from_raw_parts_mut(start, len) })
    }

    /// Copies `bytes` to `offset`. Out of range is a bug of ours, reported as `None`.
    #[must_use]
    pub(crate) fn write(&self, offset: usize, bytes: &[u8]) -> Option<()> {
        check_range(&self.map, offset, bytes.len())?;
        let to = self.map.as_mut_ptr().wrapping_add(offset);
        // SAFETY: `offset + bytes.len()` is inside the mapping, checked above, which stays mapped
        // and writable as long as `self`; `bytes` is private memory and cannot overlap it.
        unsafe { copy(to, bytes.as_ptr(), bytes.len(), Cache::Keep) };
        Some(())
    }

    /// Puts words to `offset`. Out of range is a bug of ours, reported as `None`.
    #[must_use]
    #[inline]
    pub(crate) fn write_words<const N: usize>(&self, offset: usize, words: [u64; N]) -> Option<()> {
        check_range(&self.map, offset, N * size_of::<u64>())?;
        let start = self.map.as_mut_ptr().wrapping_add(offset);
        for (i, word) in words.into_iter().enumerate() {
            // SAFETY: `N` words from `offset` on are inside the mapping, checked above, which stays mapped
            // and writable as long as `self`.
            unsafe { store(start.wrapping_add(i * size_of::<u64>()), word) };
        }
        Some(())
    }

    /// Copies bytes out, which other threads may change meanwhile. Out of range is a bug of ours.
    #[must_use]
    pub(crate) fn read(&self, offset: usize, into: &mut [u8]) -> Option<()> {
        read_at(&self.map, offset, into, Cache::Keep)
    }
}

/// Memory that the peer writes and this process may only read.
pub(crate) struct PeerMemory {
    map: MmapRaw,
}

impl PeerMemory {
    /// Maps a peer's memory, once the kernel has said that it cannot shrink, grow, gain a writer or
    /// raise SIGBUS.
    pub(crate) fn open(fd: OwnedFd, len: usize) -> Result<PeerMemory> {
        let need = SealFlags::SHRINK | SealFlags::GROW | SealFlags::FUTURE_WRITE | SealFlags::SEAL;
        check_sealed(&fd, need)?;
        map_read_only(&fd, len).map(|map| PeerMemory { map })
    }

    /// The control words at `offset`. They are only ever loaded: a store would fault.
    pub(crate) fn words<T: SharedWords>(&self, offset: usize) -> &T {
        words_at(&self.map, offset)
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    /// Copies bytes out. The peer may change them meanwhile, so what was copied is what counts.
    #[must_use]
    pub(crate) fn read(&self, offset: usize, into: &mut [u8]) -> Option<()> {
        self.read_as(offset, into, Cache::Keep)
    }

    /// Says that the lines of `offset..offset + len` will be read soon: they come side by side, while the
    /// first is dealt with. Each that another processor has written takes some 100 ns to come.
    #[inline]
    pub(crate) fn expect(&self, offset: usize, len: usize) {
        for line in (0..len).step_by(64) {
            expect(self.map.as_ptr().wrapping_add(offset + line));
        }
    }

    /// Takes words out, each at one moment.
    #[must_use]
    #[inline]
    pub(crate) fn read_words<const N: usize>(&self, offset: usize) -> Option<[u64; N]> {
        check_range(&self.map, offset, N * size_of::<u64>())?;
        let start = self.map.as_ptr().wrapping_add(offset);
        Some(std::array::from_fn(|i| {
            // SAFETY: `N` words from `offset` on are inside the mapping, checked above, which stays mapped
            // and readable as long as it is borrowed.
            unsafe { load(start.wrapping_add(i * size_of::<u64>())) }
        }))
    }

    /// Copies `len` bytes out, behind those in `into`, which has room for them.
    #[must_use]
    #[inline]
    pub(crate) fn append(&self, offset: usize, len: usize, into: &mut Vec<u8>) -> Option<()> {
        check_range(&self.map, offset, len)?;
        let room = into.spare_capacity_mut().get_mut(..len)?;
        let from = self.map.as_ptr().wrapping_add(offset);
        // SAFETY: the range is inside the mapping, checked above, which stays mapped and readable as long
        // as it is borrowed (seals forbid a peer to shrink its own); `room` is private memory of `len`
        // bytes.
        unsafe { copy(room.as_mut_ptr().cast(), from, len, Cache::Keep) };
        let filled = into.len() + len;
        // SAFETY: `len` bytes behind the old length are inside the capacity, and written above.
        unsafe { into.set_len(filled) };
        Some(())
    }

    /// As [`read`](PeerMemory::read), and says what becomes of `into` in the cache.
    #[must_use]
    pub(crate) fn read_as(&self, offset: usize, into: &mut [u8], cache: Cache) -> Option<()> {
        read_at(&self.map, offset, into, cache)
    }
}

/// What this process has been told of memory that a peer cannot share: a copy of its own, which
/// the rest of the crate reads as if it were the peer's.
pub(crate) struct Replica(Arc<PeerMemory>);

impl Replica {
    pub(crate) fn create(len: usize) -> Result<Replica> {
        map_private(len).map(|map| Replica(Arc::new(PeerMemory { map })))
    }

    pub(crate) fn memory(&self) -> Arc<PeerMemory> {
        self.0.clone()
    }

    /// The control words at `offset`. Unlike those of memory that is shared, they may be stored to.
    pub(crate) fn words<T: SharedWords>(&self, offset: usize) -> &T {
        self.0.words(offset)
    }

    /// Copies `bytes` to `offset`. `None`: it is out of range.
    #[must_use]
    pub(crate) fn write(&self, offset: usize, bytes: &[u8]) -> Option<()> {
        check_range(&self.0.map, offset, bytes.len())?;
        let to = self.0.map.as_mut_ptr().wrapping_add(offset);
        // SAFETY: the range is inside the mapping, checked above, which `create` alone has made, and
        // writable; `bytes` is other memory. Readers copy out as they do of a peer's memory.
        unsafe { copy(to, bytes.as_ptr(), bytes.len(), Cache::Keep) };
        Some(())
    }
}

/// Memory that nobody can write any more, whoever made it.
pub(crate) struct FrozenMemory {
    map: MmapRaw,
    len: usize,
    fd: OwnedFd,
}

impl FrozenMemory {
    /// Makes frozen memory of `len` bytes that `fill` writes once.
    pub(crate) fn create(len: usize, fill: impl FnOnce(&mut [u8])) -> Result<FrozenMemory> {
        let mapped = len.max(1).next_multiple_of(PAGE);
        let fd = create_memfd(mapped)?;
        {
            let mut writable = MmapOptions::new();
            let writable = writable.len(mapped);
            // SAFETY: the memfd was made just now and no other process has it, so nobody changes or
            // truncates it while this mapping lives; the mapping ends with this block.
            let mut map = unsafe { writable.map_mut(&fd) }
                .map_err(|error| Error::os("map a frozen section", error))?;
            if let Some(bytes) = map.get_mut(..len) {
                fill(bytes);
            }
        }
        seal(&fd, SealFlags::WRITE | SealFlags::SEAL)?;
        let map = map_read_only(&fd, mapped)?;
        Ok(FrozenMemory { map, len, fd })
    }

    /// Maps what a peer says is frozen, once the kernel has said so too.
    pub(crate) fn open(fd: OwnedFd, len: usize) -> Result<FrozenMemory> {
        check_sealed(
            &fd,
            SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL,
        )?;
        let mapped = len.max(1).next_multiple_of(PAGE);
        let map = map_read_only(&fd, mapped)?;
        Ok(FrozenMemory { map, len, fd })
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// The bytes. This is the one place where shared memory becomes a slice.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: `len <= map.len()`; the mapping lives as long as `self`; `F_SEAL_WRITE`, which the
        // kernel grants only when no writable mapping exists, and `F_SEAL_SHRINK` were set or checked
        // before `self` was made, so the bytes can change or vanish for nobody.
        unsafe { std::slice::from_raw_parts(self.map.as_ptr(), self.len) }
    }
}

/// Asks for huge pages behind memory that is about to be touched for the first time.
///
/// Only whole huge pages inside the range are asked for, and a kernel that has none refuses: the
/// memory then works as it always does.
pub(crate) fn prefer_huge_pages(memory: &mut [u8]) {
    const HUGE: usize = 2 << 20;
    let range = memory.as_mut_ptr_range();
    let start = range.start.addr().next_multiple_of(HUGE);
    let end = range.end.addr() / HUGE * HUGE;
    if start >= end {
        return;
    }
    let at = range.start.with_addr(start).cast();
    // SAFETY: the pages lie inside `memory`, which is borrowed for writing; the advice changes how
    // they are backed, never what they hold.
    let _refused =
        unsafe { rustix::mm::madvise(at, end - start, rustix::mm::Advice::LinuxHugepage) };
}

fn create_memfd(len: usize) -> Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let fd = rustix::fs::memfd_create("alpc", flags)
        .map_err(|errno| Error::os("create shared memory", errno.into()))?;
    rustix::fs::ftruncate(&fd, len as u64)
        .map_err(|errno| Error::os("size shared memory", errno.into()))?;
    seal(&fd, SealFlags::SHRINK | SealFlags::GROW)?;
    Ok(fd)
}

fn seal(fd: &OwnedFd, seals: SealFlags) -> Result<()> {
    rustix::fs::fcntl_add_seals(fd, seals)
        .map_err(|errno| Error::os("seal shared memory", errno.into()))
}

fn check_sealed(fd: &OwnedFd, need: SealFlags) -> Result<()> {
    let seals = rustix::fs::fcntl_get_seals(fd)
        .map_err(|_| Error::misbehaved("take the peer's memory", Misbehaviour::UnsealedMemory))?;
    if !seals.contains(need) {
        return Err(Error::misbehaved("take the peer's memory", Misbehaviour::UnsealedMemory));
    }
    let file_system = rustix::fs::fstatfs(fd)
        .map_err(|errno| Error::os("look at the peer's memory", errno.into()))?;
    if file_system.f_type != TMPFS_MAGIC {
        return Err(Error::misbehaved("take the peer's memory", Misbehaviour::ForeignMemory));
    }
    Ok(())
}

fn map_read_only(fd: &OwnedFd, len: usize) -> Result<MmapRaw> {
    let stat =
        rustix::fs::fstat(fd).map_err(|errno| Error::os("look at shared memory", errno.into()))?;
    if u64::try_from(stat.st_size) != Ok(len as u64) || len == 0 {
        return Err(Error::misbehaved("take the peer's memory", Misbehaviour::MemorySize));
    }
    MmapOptions::new()
        .len(len)
        .map_raw_read_only(fd)
        .map_err(|error| Error::os("map shared memory", error))
}

/// Maps zeroes that are this process's alone. No page is touched.
fn map_private(len: usize) -> Result<MmapRaw> {
    let doing = |error| Error::os("map private memory", error);
    let len = len.max(1).next_multiple_of(PAGE);
    let map: MmapRaw = MmapOptions::new().len(len).map_anon().map_err(doing)?.into();
    // A channel is not a forked child's, however it is made.
    map.advise(memmap2::Advice::DontFork).map_err(doing)?;
    Ok(map)
}

fn read_at(map: &MmapRaw, offset: usize, into: &mut [u8], cache: Cache) -> Option<()> {
    check_range(map, offset, into.len())?;
    let from = map.as_ptr().wrapping_add(offset);
    // SAFETY: the range is inside the mapping, checked above, which stays mapped and readable as
    // long as it is borrowed (seals forbid a peer to shrink its own); `into` is private memory.
    unsafe { copy(into.as_mut_ptr(), from, into.len(), cache) };
    Some(())
}

#[inline]
fn check_range(map: &MmapRaw, offset: usize, len: usize) -> Option<()> {
    let end = offset.checked_add(len)?;
    (end <= map.len()).then_some(())
}

#[inline]
fn words_at<T: SharedWords>(map: &MmapRaw, offset: usize) -> &T {
    assert!(
        offset.is_multiple_of(align_of::<T>()),
        "control words lie at constant, aligned offsets"
    );
    assert!(check_range(map, offset, size_of::<T>()).is_some(), "a header fits its memory");
    let at = map.as_ptr().wrapping_add(offset).cast::<T>();
    // SAFETY: in range and aligned, asserted above (mappings begin on a page); `T: SharedWords` is
    // made of atomics only, for which any bytes are valid and changes by others are permitted; the
    // mapping lives as long as the returned reference.
    unsafe { &*at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_side_writes_the_other_reads_and_cannot_write() {
        let own = OwnMemory::create(10_000).unwrap();
        own.write(9_000, b"hello").unwrap();
        let fd = own.fd().unwrap().try_clone_to_owned().unwrap();
        assert!(MmapOptions::new().map_raw(&fd).is_err(), "a second writer is refused");
        let peer = PeerMemory::open(fd, own.len()).unwrap();
        let mut bytes = [0; 5];
        peer.read(9_000, &mut bytes).unwrap();
        assert_eq!(&bytes, b"hello");
        assert_eq!(peer.read(own.len() - 4, &mut bytes), None);
        assert_eq!(own.write(usize::MAX, b"x"), None);
    }

    #[test]
    fn unsealed_foreign_or_missized_memory_is_refused() {
        let plain = rustix::fs::memfd_create("t", MemfdFlags::ALLOW_SEALING).unwrap();
        rustix::fs::ftruncate(&plain, 4096).unwrap();
        assert!(PeerMemory::open(plain, 4096).is_err());
        let own = OwnMemory::create(4096).unwrap();
        let fd = own.fd().unwrap().try_clone_to_owned().unwrap();
        assert!(PeerMemory::open(fd, 8192).is_err());
        let zero = std::fs::File::open("/dev/zero").unwrap();
        assert!(PeerMemory::open(zero.into(), 4096).is_err());
        let fd = own.fd().unwrap().try_clone_to_owned().unwrap();
        assert!(FrozenMemory::open(fd, 4096).is_err(), "a writer still has it");
    }

    #[test]
    fn frozen_memory_refuses_every_writer() {
        let frozen = FrozenMemory::create(5, |bytes| bytes.copy_from_slice(b"stone")).unwrap();
        assert_eq!(frozen.bytes(), b"stone");
        let fd = frozen.fd().try_clone_to_owned().unwrap();
        assert!(rustix::io::pwrite(&fd, b"x", 0).is_err());
        let peer = FrozenMemory::open(fd, 5).unwrap();
        assert_eq!(peer.bytes(), b"stone");
    }
}
