//! Private memory for bulk data, kept and used again.
//!
//! Touching fresh memory costs more than copying into it (64 MiB on 4 KiB pages: 55 ms against 16),
//! so a port keeps the buffers that its calls have finished with, and large ones lie in huge pages
//! where the system gives them.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use memmap2::{Advice, MmapMut};

use crate::element;
use crate::error::{Error, ErrorKind, Result};
use crate::section::Blob;
use crate::section::region::Region;

/// From here on a buffer is a mapping of its own, in huge pages.
const MAPPED: usize = 1 << 20;
const PAGE: usize = 4096;
/// What elements of any kind need.
const ALIGNMENT: usize = 16;
/// Buffers that a pool keeps.
const KEPT: usize = 8;

enum Memory {
    /// Words of 16 bytes, so that elements of any kind lie aligned.
    Heap(Vec<u128>),
    Mapped(MmapMut),
}

impl Memory {
    fn allocate(len: usize) -> Result<Memory> {
        if len < MAPPED {
            let words = len.div_ceil(size_of::<u128>());
            let mut memory = Vec::new();
            memory
                .try_reserve_exact(words)
                .map_err(|_| Error::new(ErrorKind::Exhausted { what: "memory" }, DOING))?;
            memory.resize(words, 0);
            return Ok(Memory::Heap(memory));
        }
        let map = MmapMut::map_anon(len.next_multiple_of(2 << 20))
            .map_err(|error| Error::os(DOING, error))?;
        // A kernel without huge pages refuses; the buffer is then only slower.
        let _slower = map.advise(Advice::HugePage);
        Ok(Memory::Mapped(map))
    }

    fn capacity(&self) -> usize {
        match self {
            Memory::Heap(words) => size_of_val(words.as_slice()),
            Memory::Mapped(map) => map.len(),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Memory::Heap(words) => element::as_bytes(words),
            Memory::Mapped(map) => map,
        }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Memory::Heap(words) => element::as_bytes_mut(words),
            Memory::Mapped(map) => map,
        }
    }
}

const DOING: &str = "get a buffer for bulk data";

/// Private bytes that return to their pool when dropped.
///
/// What they hold at first is what the last user left there: a buffer is filled before any of it
/// is shown to anybody.
pub struct Buffer {
    memory: Option<Memory>,
    /// Where it begins in its memory.
    start: usize,
    len: usize,
    pool: Option<BufferPool>,
}

impl Buffer {
    /// Keeps the first `len` bytes alone.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }
}

impl Deref for Buffer {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        let range = self.start..self.start + self.len;
        self.memory.as_ref().and_then(|memory| memory.bytes().get(range)).unwrap_or(&[])
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        let range = self.start..self.start + self.len;
        let bytes = self.memory.as_mut().and_then(|memory| memory.bytes_mut().get_mut(range));
        bytes.unwrap_or(&mut [])
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let (Some(memory), Some(pool)) = (self.memory.take(), self.pool.take()) {
            pool.put_back(memory);
        }
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Buffer({} bytes)", self.len)
    }
}

/// Bytes that are owned, wherever they lie.
#[derive(Debug)]
#[non_exhaustive]
pub enum Bytes {
    /// In ordinary memory.
    Vec(Vec<u8>),
    /// In a buffer of a port's.
    Buffer(Buffer),
    /// In a frozen section.
    Blob(Blob),
    /// In a region that was filled in place.
    Region(Arc<Region>),
}

impl Bytes {
    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Bytes::Vec(bytes) => bytes,
            Bytes::Buffer(buffer) => buffer,
            Bytes::Blob(blob) => blob.bytes(),
            Bytes::Region(region) => region.as_slice(),
        }
    }
}

/// Buffers waiting for their next use.
#[derive(Clone)]
pub struct BufferPool {
    shared: Arc<Mutex<Kept>>,
}

struct Kept {
    free: Vec<Memory>,
    bytes: usize,
    max_bytes: usize,
}

impl BufferPool {
    /// A pool that keeps up to `max_bytes` of memory that nobody uses.
    pub fn new(max_bytes: usize) -> BufferPool {
        let kept = Kept { free: Vec::new(), bytes: 0, max_bytes };
        BufferPool { shared: Arc::new(Mutex::new(kept)) }
    }

    /// A buffer of `len` bytes with unspecified contents, aligned for elements of any kind.
    pub fn take(&self, len: usize) -> Result<Buffer> {
        self.take_at(len, 0)
    }

    /// A buffer that the kernel fills from `address` of another process. If it is large it begins at
    /// the same place of its page, or up to 15 bytes before.
    ///
    /// The kernel copies page by page with an instruction that some processors run at a quarter of
    /// its speed when the destination lies 1 to 31 bytes behind the source within their pages.
    pub(crate) fn take_for_reading(&self, len: usize, address: u64) -> Result<Buffer> {
        self.take_at(len, place_in_page(address) / ALIGNMENT * ALIGNMENT)
    }

    /// As [`take_for_reading`](BufferPool::take_for_reading), the other way round: it begins at the
    /// same place, or up to 15 bytes behind.
    pub(crate) fn take_for_writing(&self, len: usize, address: u64) -> Result<Buffer> {
        self.take_at(len, place_in_page(address).next_multiple_of(ALIGNMENT) % PAGE)
    }

    fn take_at(&self, len: usize, start: usize) -> Result<Buffer> {
        if len == 0 {
            return Ok(Buffer { memory: None, start: 0, len: 0, pool: None });
        }
        // Small ones lie on the heap, wherever that is.
        let start = if len < MAPPED { 0 } else { start };
        let kept = self.find(len.saturating_add(start));
        let memory = match kept {
            Some(memory) => memory,
            None => Memory::allocate(len.saturating_add(start))?,
        };
        Ok(Buffer { memory: Some(memory), start, len, pool: Some(self.clone()) })
    }

    /// The smallest that fits without wasting more than it holds.
    fn find(&self, len: usize) -> Option<Memory> {
        let mut kept = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |memory: &Memory| {
            let capacity = memory.capacity();
            capacity >= len && (capacity <= 4 * len || capacity <= MAPPED)
        };
        let (index, _) = kept
            .free
            .iter()
            .enumerate()
            .filter(|(_, memory)| fits(memory))
            .min_by_key(|(_, memory)| memory.capacity())?;
        let memory = kept.free.swap_remove(index);
        kept.bytes -= memory.capacity();
        Some(memory)
    }

    fn put_back(&self, memory: Memory) {
        let mut evicted = Vec::new();
        let mut kept = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.capacity() > kept.max_bytes {
            return;
        }
        kept.bytes += memory.capacity();
        kept.free.push(memory);
        // The oldest goes first: what was used last is the most likely to be wanted again.
        while kept.bytes > kept.max_bytes || kept.free.len() > KEPT {
            let old = kept.free.remove(0);
            kept.bytes -= old.capacity();
            evicted.push(old);
        }
        drop(kept);
        // Unmapping is slow: never under the lock.
        drop(evicted);
    }
}

fn place_in_page(address: u64) -> usize {
    usize::try_from(address).unwrap_or(0) % PAGE
}

/// A fresh vector of `len` zeroes for a result that the caller keeps.
///
/// The system hands out zeroed pages as they are touched, so nothing is touched twice.
pub(crate) fn fresh(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    crate::sys::memory::prefer_huge_pages(&mut bytes);
    bytes
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_that_was_dropped_is_used_again() {
        let pool = BufferPool::new(16 << 20);
        let mut first = pool.take(3 << 20).unwrap();
        first[0] = 42;
        let at = first.as_ptr();
        drop(first);
        let second = pool.take(2 << 20).unwrap();
        assert_eq!(second.as_ptr(), at);
        assert_eq!(second.len(), 2 << 20);
    }

    #[test]
    fn a_large_buffer_lies_in_its_page_where_the_other_end_does() {
        let pool = BufferPool::new(16 << 20);
        for (address, reading, writing) in [(0x7000, 0, 0), (0x7010, 16, 16), (0x7fff, 4080, 0)] {
            let buffer = pool.take_for_reading(2 << 20, address).unwrap();
            assert_eq!((buffer.as_ptr().addr() % PAGE, buffer.len()), (reading, 2 << 20));
            let buffer = pool.take_for_writing(2 << 20, address).unwrap();
            assert_eq!((buffer.as_ptr().addr() % PAGE, buffer.len()), (writing, 2 << 20));
        }
    }

    #[test]
    fn a_pool_keeps_no_more_than_it_may() {
        let pool = BufferPool::new(4 << 20);
        let buffers: Vec<_> = (0..4).map(|_| pool.take(2 << 20).unwrap()).collect();
        drop(buffers);
        assert!(pool.shared.lock().unwrap().bytes <= 4 << 20);
        drop(pool.take(8 << 20).unwrap());
        assert!(pool.shared.lock().unwrap().bytes <= 4 << 20);
    }

    #[test]
    fn an_absurd_length_is_an_error() {
        assert!(BufferPool::new(0).take(1 << 50).is_err());
    }
}
