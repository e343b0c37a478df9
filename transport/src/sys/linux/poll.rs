//! Waiting for descriptors (poll(2)).

use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

use crate::error::{Error, Result};

/// What ended a wait for a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// Its socket has something, if only its end.
    Socket,
    /// The process is dead, whatever its socket says: a forked child may hold a copy of it.
    Died,
    /// A bell of this process's own rang.
    Bell,
    /// Nothing happened for as long as was to be waited.
    TimedOut,
}

/// What of a socket is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Awaited {
    /// That the peer sends something.
    Arrival,
    /// That, or that the peer makes room for more.
    ArrivalOrRoom,
}

/// Waits until `fd` is readable.
pub(crate) fn wait_until_readable(fd: BorrowedFd<'_>) -> Result<()> {
    let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
    wait(&mut fds, None).map(|_| ())
}

/// Waits until `fd` is readable, for `timeout` at most. `true`: it is.
pub(crate) fn is_readable(fd: BorrowedFd<'_>, timeout: Duration) -> Result<bool> {
    let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
    Ok(wait(&mut fds, Some(timeout))?.is_none())
}

/// As [`wait_for_peer`], and until `bell` is readable.
pub(crate) fn wait_for_peer_or(
    bell: BorrowedFd<'_>,
    (socket, awaited): (BorrowedFd<'_>, Awaited),
    process: BorrowedFd<'_>,
    timeout: Option<Duration>,
) -> Result<Woken> {
    let flags = match awaited {
        Awaited::Arrival => PollFlags::IN,
        Awaited::ArrivalOrRoom => PollFlags::IN | PollFlags::OUT,
    };
    let mut fds = [
        PollFd::from_borrowed_fd(socket, flags),
        PollFd::from_borrowed_fd(bell, PollFlags::IN),
        PollFd::from_borrowed_fd(process, PollFlags::IN),
    ];
    if let Some(woken) = wait(&mut fds, timeout)? {
        return Ok(woken);
    }
    let [socket, bell, _] = fds.map(|fd| !fd.revents().is_empty());
    // What the peer sent before it died is still to be had.
    Ok(if socket {
        Woken::Socket
    } else if bell {
        Woken::Bell
    } else {
        Woken::Died
    })
}

/// Sleeps until the peer rings, ends, dies, or `timeout` has passed (`None`: for ever).
pub(crate) fn wait_for_peer(
    socket: BorrowedFd<'_>,
    process: Option<BorrowedFd<'_>>,
    timeout: Option<Duration>,
) -> Result<Woken> {
    let mut fds = [
        PollFd::from_borrowed_fd(socket, PollFlags::IN),
        PollFd::from_borrowed_fd(process.unwrap_or(socket), PollFlags::IN),
    ];
    let count = if process.is_some() { 2 } else { 1 };
    let (waited, _) = fds.split_at_mut(count);
    if let Some(woken) = wait(waited, timeout)? {
        return Ok(woken);
    }
    match fds {
        // What the peer sent before it died is still to be had.
        [socket, _] if !socket.revents().is_empty() => Ok(Woken::Socket),
        _ => Ok(Woken::Died),
    }
}

/// Sleeps until one of them is readable: `None`, and what happened is in `fds`.
fn wait(fds: &mut [PollFd<'_>], timeout: Option<Duration>) -> Result<Option<Woken>> {
    match rustix::event::poll(fds, timeout.map(timespec).as_ref()) {
        Ok(0) => Ok(Some(Woken::TimedOut)),
        Ok(_) => Ok(None),
        // Whoever waits looks again and comes back.
        Err(Errno::INTR) => Ok(Some(Woken::Socket)),
        Err(errno) => Err(Error::os("wait for the peer", errno.into())),
    }
}

/// Whether a peer has closed its socket or is dead, whatever it has sent before.
pub(crate) fn has_ended(socket: BorrowedFd<'_>, process: BorrowedFd<'_>) -> bool {
    // An end is told without being asked for.
    let mut fds = [
        PollFd::from_borrowed_fd(socket, PollFlags::empty()),
        PollFd::from_borrowed_fd(process, PollFlags::IN),
    ];
    matches!(wait(&mut fds, Some(Duration::ZERO)), Ok(None))
}

/// Sleeps until a process is dead, at most `timeout`.
pub(crate) fn wait_for_death(process: BorrowedFd<'_>, timeout: Duration) -> Result<()> {
    let mut fds = [PollFd::from_borrowed_fd(process, PollFlags::IN)];
    match rustix::event::poll(&mut fds, Some(&timespec(timeout))) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(errno) => Err(Error::os("wait for the peer", errno.into())),
    }
}

/// Whether the socket takes more within `timeout`.
pub(crate) fn wait_writable(socket: BorrowedFd<'_>, timeout: Duration) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(socket, PollFlags::OUT)];
    matches!(rustix::event::poll(&mut fds, Some(&timespec(timeout))), Ok(1))
        && fds.iter().all(|fd| fd.revents().contains(PollFlags::OUT))
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}
