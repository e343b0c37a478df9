//! Copies between private and shared memory, which the compiler cannot look into.
//!
//! A plain `memcpy` would let the compiler assume that the bytes do not change while it looks: it may
//! read twice, or not at all. Assembly is opaque to it, so what arrives is one snapshot that is then
//! private. (Bytes of a snapshot may come from different moments; nobody relies on more.)
//!
//! Not `rep movsb`: on some processors it falls to a quarter of its speed when the destination lies
//! 1 to 31 bytes behind the source within their pages, which is what a heap buffer at `16` and a
//! mapping at `0` do.

/// What becomes of the destination in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cache {
    /// It is written as usual: somebody will look at it soon.
    Keep,
    /// It is written past the cache, because it is too large to stay there until it is looked at.
    /// That saves reading it first, half of the traffic.
    Bypass,
}

/// Copies `len` bytes.
///
/// # Safety
///
/// `from` is readable and `to` writable for `len` bytes, and the two do not overlap.
#[cfg(target_arch = "x86_64")]
pub(crate) unsafe fn copy(to: *mut u8, from: *const u8, len: usize, cache: Cache) {
    use blocks::{BLOCK, LINE, block, lines, lines_bypassing, short};
    if len < BLOCK {
        // SAFETY: the caller vouches for both ranges.
        return unsafe { short(to, from, len) };
    }
    // The first block as it lies, and from there on whole blocks of the destination.
    // SAFETY: `len` is a block or more.
    unsafe { block(to, from) };
    let mut at = BLOCK - to.addr() % BLOCK;
    let count = (len - at) / LINE;
    let (aligned, source) = (to.wrapping_add(at), from.wrapping_add(at));
    match cache {
        _ if count == 0 => {}
        // SAFETY: `at + count * LINE <= len`, and `aligned` begins on a block.
        Cache::Keep => unsafe { lines(aligned, source, count) },
        // SAFETY: as above.
        Cache::Bypass => unsafe { lines_bypassing(aligned, source, count) },
    }
    at += count * LINE;
    while at + BLOCK < len {
        // SAFETY: a block from `at` on ends before `len`.
        unsafe { block(to.wrapping_add(at), from.wrapping_add(at)) };
        at += BLOCK;
    }
    let last = len - BLOCK;
    // SAFETY: the last block inside `len`. It may copy some bytes again.
    unsafe { block(to.wrapping_add(last), from.wrapping_add(last)) };
}

/// Loads eight bytes.
///
/// A message's header is taken in words, since what is put together from bytes and then read as a whole
/// makes the processor wait until all of it is in its cache.
///
/// # Safety
///
/// `from` is readable for eight bytes.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) unsafe fn load(from: *const u8) -> u64 {
    let word: u64;
    // SAFETY: the caller vouches for the eight bytes; `mov` asks for no alignment.
    unsafe {
        std::arch::asm!(
            "mov {word}, [{from}]",
            word = lateout(reg) word, from = in(reg) from,
            options(nostack, preserves_flags, readonly),
        );
    }
    word
}

/// Stores eight bytes, for the same reason.
///
/// # Safety
///
/// `to` is writable for eight bytes.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) unsafe fn store(to: *mut u8, word: u64) {
    // SAFETY: the caller vouches for the eight bytes; `mov` asks for no alignment.
    unsafe {
        std::arch::asm!(
            "mov [{to}], {word}",
            to = in(reg) to, word = in(reg) word,
            options(nostack, preserves_flags),
        );
    }
}

/// Loads eight bytes.
///
/// # Safety
///
/// `from` is readable for eight bytes.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) unsafe fn load(from: *const u8) -> u64 {
    let mut word = [0; 8];
    // SAFETY: the caller vouches for the eight bytes, and `word` has as many.
    unsafe { copy(word.as_mut_ptr(), from, word.len(), Cache::Keep) };
    u64::from_ne_bytes(word)
}

/// Stores eight bytes.
///
/// # Safety
///
/// `to` is writable for eight bytes.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) unsafe fn store(to: *mut u8, word: u64) {
    let word = word.to_ne_bytes();
    // SAFETY: the caller vouches for the eight bytes, and `word` has as many.
    unsafe { copy(to, word.as_ptr(), word.len(), Cache::Keep) };
}

/// Says that the line at `at` is about to be read, wherever it is now. An address that is not mapped is let
/// be.
#[inline]
pub(crate) fn expect(at: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch changes nothing that a program can see, and never faults.
    unsafe {
        std::arch::asm!(
            "prefetcht0 [{at}]",
            at = in(reg) at,
            options(nostack, preserves_flags, readonly),
        );
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _advice_that_is_not_given = at;
}

#[cfg(target_arch = "x86_64")]
mod blocks {
    use std::arch::asm;

    pub(super) const BLOCK: usize = 16;
    pub(super) const LINE: usize = 64;

    /// Copies 16 bytes.
    ///
    /// # Safety
    ///
    /// Both ranges are the caller's to read and to write.
    pub(super) unsafe fn block(to: *mut u8, from: *const u8) {
        // SAFETY: the caller vouches for 16 bytes at both; `movups` asks for no alignment.
        unsafe {
            asm!(
                "movups {x}, [{from}]",
                "movups [{to}], {x}",
                x = out(xmm_reg) _, from = in(reg) from, to = in(reg) to,
                options(nostack, preserves_flags),
            );
        }
    }

    /// Copies fewer than 16 bytes.
    ///
    /// # Safety
    ///
    /// Both ranges are the caller's to read and to write for `len` bytes.
    pub(super) unsafe fn short(to: *mut u8, from: *const u8, len: usize) {
        if len >= 8 {
            // SAFETY: the first and the last 8 bytes, which may overlap, are inside `len`.
            unsafe {
                asm!(
                    "mov {a}, [{from}]",
                    "mov {b}, [{from} + {last}]",
                    "mov [{to}], {a}",
                    "mov [{to} + {last}], {b}",
                    a = out(reg) _, b = out(reg) _,
                    from = in(reg) from, to = in(reg) to, last = in(reg) len - 8,
                    options(nostack, preserves_flags),
                );
            }
            return;
        }
        // SAFETY: the caller vouches for both ranges; the direction flag is clear by the ABI.
        unsafe {
            asm!(
                "rep movsb",
                inout("rcx") len => _, inout("rsi") from => _, inout("rdi") to => _,
                options(nostack, preserves_flags),
            );
        }
    }

    /// Copies `count` times 64 bytes, at least once.
    ///
    /// # Safety
    ///
    /// Both ranges are the caller's to read and to write; `to` begins on a multiple of 16.
    pub(super) unsafe fn lines(to: *mut u8, from: *const u8, count: usize) {
        // SAFETY: the loop goes over `count * 64` bytes of both; `movaps` finds `to` aligned.
        unsafe {
            asm!(
                "2:",
                "movups {a}, [{from}]",
                "movups {b}, [{from} + 16]",
                "movups {c}, [{from} + 32]",
                "movups {d}, [{from} + 48]",
                "movaps [{to}], {a}",
                "movaps [{to} + 16], {b}",
                "movaps [{to} + 32], {c}",
                "movaps [{to} + 48], {d}",
                "add {from}, 64",
                "add {to}, 64",
                "dec {count}",
                "jnz 2b",
                a = out(xmm_reg) _, b = out(xmm_reg) _, c = out(xmm_reg) _, d = out(xmm_reg) _,
                from = inout(reg) from => _, to = inout(reg) to => _,
                count = inout(reg) count => _,
                options(nostack),
            );
        }
    }

    /// As [`lines`], past the cache.
    ///
    /// # Safety
    ///
    /// As [`lines`].
    pub(super) unsafe fn lines_bypassing(to: *mut u8, from: *const u8, count: usize) {
        // SAFETY: as in `lines`; `movntps` asks for the same alignment. The fence puts these stores,
        // which keep no order of their own, before whatever tells another thread of them.
        unsafe {
            asm!(
                "2:",
                "movups {a}, [{from}]",
                "movups {b}, [{from} + 16]",
                "movups {c}, [{from} + 32]",
                "movups {d}, [{from} + 48]",
                "movntps [{to}], {a}",
                "movntps [{to} + 16], {b}",
                "movntps [{to} + 32], {c}",
                "movntps [{to} + 48], {d}",
                "add {from}, 64",
                "add {to}, 64",
                "dec {count}",
                "jnz 2b",
                "sfence",
                a = out(xmm_reg) _, b = out(xmm_reg) _, c = out(xmm_reg) _, d = out(xmm_reg) _,
                from = inout(reg) from => _, to = inout(reg) to => _,
                count = inout(reg) count => _,
                options(nostack),
            );
        }
    }
}

/// Copies `len` bytes.
///
/// Volatile accesses are what is left where no assembly has been written: slower, as right.
///
/// # Safety
///
/// `from` is readable and `to` writable for `len` bytes, and the two do not overlap.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) unsafe fn copy(to: *mut u8, from: *const u8, len: usize, _: Cache) {
    const WORD: usize = size_of::<u64>();
    let aligned = (to as usize | from as usize).is_multiple_of(WORD);
    let words = if aligned { len / WORD } else { 0 };
    for i in 0..words {
        let from = from.cast::<u64>().wrapping_add(i);
        // SAFETY: aligned, and inside the range that the caller vouches for.
        let word = unsafe { from.read_volatile() };
        let to = to.cast::<u64>().wrapping_add(i);
        // SAFETY: aligned, and inside the range that the caller vouches for.
        unsafe { to.write_volatile(word) };
    }
    for i in words * WORD..len {
        let from = from.wrapping_add(i);
        // SAFETY: inside the range that the caller vouches for.
        let byte = unsafe { from.read_volatile() };
        let to = to.wrapping_add(i);
        // SAFETY: inside the range that the caller vouches for.
        unsafe { to.write_volatile(byte) };
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn copy_moves_every_length_at_every_alignment_and_nothing_beyond() {
        let from: Vec<u8> = (0..700_u32).map(|i| (i * 7 % 251) as u8).collect();
        for cache in [Cache::Keep, Cache::Bypass] {
            for (before, ahead) in (0..16).flat_map(|to| [(to, 0), (to, 5), (to, 16)]) {
                for len in (0..200).chain([255, 256, 257, 500, 640]) {
                    let mut to = vec![0xAA_u8; 700];
                    let start = to.as_mut_ptr().wrapping_add(before);
                    // SAFETY: both vectors are 700 bytes long and separate.
                    unsafe { copy(start, from.as_ptr().wrapping_add(ahead), len, cache) };
                    let end = before + len;
                    assert_eq!(to[before..end], from[ahead..ahead + len], "{len} at {before}");
                    assert!(to[..before].iter().chain(&to[end..]).all(|&b| b == 0xAA), "{len}");
                }
            }
        }
    }
}
