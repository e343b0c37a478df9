//! Another process's memory (process_vm_readv(2), process_vm_writev(2)).
//!
//! The right to it is ptrace's: one process of a user has it over the others unless the system says
//! otherwise (Yama, a sandbox, a namespace). So it is probed once per channel and never assumed.

use std::io;

/// Copies from `address` in process `pid`, as far as its memory goes.
///
/// May block for as long as the other process likes: its memory may lie in a file system that it
/// serves itself. Only threads that can be written off call this.
pub(crate) fn read(pid: u32, address: u64, into: &mut [u8]) -> io::Result<usize> {
    let local = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let remote = remote(address, into.len());
    // SAFETY: `local` describes `into`, which is writable and outlives the call; `remote` is never
    // dereferenced here, the kernel checks it against the other process.
    let copied = unsafe { libc::process_vm_readv(pid.cast_signed(), &local, 1, &remote, 1, 0) };
    usize::try_from(copied).map_err(|_| io::Error::last_os_error())
}

/// Copies to `address` in process `pid`, as far as its memory goes. Blocks as [`read`] does.
pub(crate) fn write(pid: u32, address: u64, from: &[u8]) -> io::Result<usize> {
    let local = libc::iovec { iov_base: from.as_ptr().cast_mut().cast(), iov_len: from.len() };
    let remote = remote(address, from.len());
    // SAFETY: `local` describes `from`, which the call only reads and which outlives it; `remote` is
    // never dereferenced here, the kernel checks it against the other process.
    let copied = unsafe { libc::process_vm_writev(pid.cast_signed(), &local, 1, &remote, 1, 0) };
    usize::try_from(copied).map_err(|_| io::Error::last_os_error())
}

fn remote(address: u64, len: usize) -> libc::iovec {
    // The crate builds for 64-bit targets only, so an address fits a `usize`.
    let address = usize::try_from(address).unwrap_or(0);
    libc::iovec { iov_base: std::ptr::without_provenance_mut(address), iov_len: len }
}
