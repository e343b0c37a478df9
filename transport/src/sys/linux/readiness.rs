//! Waiting for many descriptors at once (epoll(7)), and being woken for other reasons.
//!
//! Edges, not levels: of several threads that wait in one set an edge wakes one, and that one takes
//! everything that is there. The wake-up for other reasons is an eventfd in the set.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec};
use rustix::io::Errno;

use crate::error::{Error, Result};

/// Events that are taken at once.
const BATCH: usize = 16;
/// The wake-up's own token. The others' highest bit is clear, or it is one of the few that are named.
const WAKE: u64 = u64::MAX - 1;

/// A set of descriptors.
pub(crate) struct Readiness {
    epoll: OwnedFd,
    wake: OwnedFd,
}

/// A descriptor on which something happened.
pub(crate) struct Ready {
    pub(crate) token: u64,
}

/// What a wait has found.
pub(crate) struct Found {
    pub(crate) ready: Vec<Ready>,
    /// Somebody wanted a thread to wake for another reason.
    pub(crate) woken: bool,
}

impl Readiness {
    pub(crate) fn new() -> Result<Readiness> {
        let doing = "make a completion port";
        let epoll =
            epoll::create(CreateFlags::CLOEXEC).map_err(|errno| Error::os(doing, errno.into()))?;
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK | EventfdFlags::SEMAPHORE;
        let wake =
            rustix::event::eventfd(0, flags).map_err(|errno| Error::os(doing, errno.into()))?;
        let data = EventData::new_u64(WAKE);
        // A level: a wake-up that nobody has taken must not be lost to a busy thread.
        epoll::add(&epoll, &wake, data, EventFlags::IN)
            .map_err(|errno| Error::os(doing, errno.into()))?;
        Ok(Readiness { epoll, wake })
    }

    /// Watches a descriptor, which reports under `token` whenever something new happens on it.
    pub(crate) fn add(&self, fd: BorrowedFd<'_>, token: u64) -> Result<()> {
        self.watch(fd, token, EventFlags::IN | EventFlags::RDHUP | EventFlags::ET)
    }

    /// As [`add`](Readiness::add), and whenever there is room for sending again.
    pub(crate) fn add_for_room(&self, fd: BorrowedFd<'_>, token: u64) -> Result<()> {
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        self.watch(fd, token, flags)
    }

    /// Watches a descriptor, which reports under `token` for as long as it is readable.
    pub(crate) fn add_level(&self, fd: BorrowedFd<'_>, token: u64) -> Result<()> {
        self.watch(fd, token, EventFlags::IN)
    }

    fn watch(&self, fd: BorrowedFd<'_>, token: u64, flags: EventFlags) -> Result<()> {
        epoll::add(&self.epoll, fd, EventData::new_u64(token), flags)
            .map_err(|errno| Error::os("watch a channel", errno.into()))
    }

    /// Stops watching a descriptor that is about to be closed.
    pub(crate) fn remove(&self, fd: BorrowedFd<'_>) {
        // What is not in the set is as good as removed.
        let _absent = epoll::delete(&self.epoll, fd);
    }

    /// Wakes one of the threads that wait.
    pub(crate) fn wake_one(&self) {
        // A counter that is full has woken more threads than there are.
        let _full = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }

    /// Wakes every thread that waits, now and from now on.
    pub(crate) fn wake_all(&self) {
        let _full = rustix::io::write(&self.wake, &u64::from(u32::MAX).to_ne_bytes());
    }

    /// Is readable when a wait would find something.
    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }

    /// Waits until something happens, at most `timeout` (`None`: for ever).
    pub(crate) fn wait(&self, timeout: Option<Duration>) -> Result<Found> {
        let mut events = Vec::with_capacity(BATCH);
        let timeout = timeout.map(|timeout| Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(timeout.subsec_nanos()),
        });
        let spare = rustix::buffer::spare_capacity(&mut events);
        match epoll::wait(&self.epoll, spare, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(Error::os("wait for clients", errno.into())),
        }
        let mut found = Found { ready: Vec::with_capacity(events.len()), woken: false };
        for event in &events {
            let token = event.data.u64();
            if token == WAKE {
                let mut one = [0; 8];
                // Taken by somebody else: then that thread was woken for it.
                let _taken = rustix::io::read(&self.wake, &mut one);
                found.woken = true;
            } else {
                found.ready.push(Ready { token });
            }
        }
        Ok(found)
    }
}
