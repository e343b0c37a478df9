//! Identity from the kernel: credentials and process handles of a connected socket.

use std::ffi::c_int;
use std::io;
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags};

use crate::error::{Error, ErrorKind, Result};
use crate::peer::{PeerIdentity, ProcessProof, Provenance};

/// A process that stays the same process, whatever becomes of its number.
pub(crate) struct ProcessHandle {
    pidfd: OwnedFd,
    proof: ProcessProof,
}

impl ProcessHandle {
    pub(crate) fn proof(&self) -> ProcessProof {
        self.proof
    }

    /// Readable once the process has ended with all its threads.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    pub(crate) fn is_alive(&self) -> bool {
        let mut fds = [PollFd::new(&self.pidfd, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        // Failing to ask is no proof of death; whoever needs certainty waits on `fd`.
        rustix::io::retry_on_intr(|| rustix::event::poll(&mut fds, Some(&now))) != Ok(1)
    }
}

/// The user that this process acts as.
pub(crate) fn effective_uid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// 32 bytes that nobody can guess.
pub(crate) fn nonce() -> Result<[u8; 32]> {
    let mut nonce = [0; 32];
    let flags = rustix::rand::GetRandomFlags::empty();
    // So few bytes come whole or not at all.
    rustix::io::retry_on_intr(|| rustix::rand::getrandom(&mut nonce, flags))
        .map_err(|errno| Error::os("make a nonce", errno.into()))?;
    Ok(nonce)
}

/// Who is at the other end of a connected socket.
///
/// Fails when the peer is dead already, or when this process has no room for another descriptor:
/// without a handle nobody would hear of the peer's death.
pub(crate) fn peer_of(socket: BorrowedFd<'_>) -> Result<PeerIdentity> {
    let mut credentials = libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
    // Not rustix's: its `Pid` cannot hold the 0 that the kernel gives for a foreign pid namespace.
    socket_option(socket, libc::SO_PEERCRED, &mut credentials)
        .map_err(|error| Error::os("learn who the peer is", error))?;
    let pid = u32::try_from(credentials.pid).ok().filter(|&pid| pid != 0);
    let process = Arc::new(process_of(socket, pid)?);
    let provenance = Provenance::Connection;
    Ok(PeerIdentity { pid, uid: credentials.uid, gid: credentials.gid, provenance, process })
}

fn process_of(socket: BorrowedFd<'_>, pid: Option<u32>) -> Result<ProcessHandle> {
    const DOING: &str = "take hold of the peer's process";
    let mut pidfd: RawFd = -1;
    match socket_option(socket, libc::SO_PEERPIDFD, &mut pidfd) {
        Ok(()) => {
            // SAFETY: the kernel has just opened this descriptor for this process, and nobody else
            // knows its number.
            let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
            return Ok(ProcessHandle { pidfd, proof: ProcessProof::Exact });
        }
        Err(error) => match error.raw_os_error() {
            Some(libc::ENOPROTOOPT) => {} // Before Linux 6.5.
            Some(libc::ESRCH) => return Err(Error::new(ErrorKind::PeerClosed, DOING)),
            _ => return Err(Error::os(DOING, error)),
        },
    }
    let pid = pid.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
    let Some(pid) = pid else {
        let what = "peers in another pid namespace need Linux 6.5";
        return Err(Error::new(ErrorKind::Unsupported { what }, DOING));
    };
    match rustix::process::pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pidfd) => Ok(ProcessHandle { pidfd, proof: ProcessProof::ByNumber }),
        Err(Errno::SRCH) => Err(Error::new(ErrorKind::PeerClosed, DOING)),
        Err(errno) => Err(Error::os(DOING, errno.into())),
    }
}

/// Plain data that `getsockopt` fills in: any bytes make a value.
///
/// # Safety
///
/// Every pattern of bits is a value of the type, and the type has no padding.
unsafe trait OptionValue {}
// SAFETY: an integer.
unsafe impl OptionValue for c_int {}
// SAFETY: three integers of 32 bits in a row.
unsafe impl OptionValue for libc::ucred {}

fn socket_option<T: OptionValue>(
    socket: BorrowedFd<'_>,
    option: c_int,
    value: &mut T,
) -> io::Result<()> {
    let size = size_of::<T>();
    let mut len = libc::socklen_t::try_from(size).map_err(|_| io::Error::from(Errno::INVAL))?;
    let into = std::ptr::from_mut(value).cast();
    // SAFETY: `into` points at `len` bytes that are ours alone for the length of the call, and
    // whatever bytes the kernel leaves there make a `T`, as `T: OptionValue`.
    let result = unsafe {
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, option, into, &raw mut len)
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    if usize::try_from(len) != Ok(size) {
        return Err(io::Error::from(Errno::PROTO));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn the_peer_of_our_own_pair_is_this_process() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let peer = peer_of(ours.as_fd()).unwrap();
        assert_eq!(peer.pid(), Some(std::process::id()));
        assert_eq!(peer.uid(), effective_uid());
        assert!(peer.is_alive());
        assert_eq!(peer.provenance(), Provenance::Connection);
    }
}
