//! Waiting for many descriptors and one moment (epoll(7), timerfd_create(2)).

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{EventfdFlags, Timespec, epoll};
use rustix::io::Errno;
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags};

use crate::error::{Error, Result};
use crate::message::Deadline;
use crate::sys::poll::Awaited;

/// A set of descriptors of which each has a number, and one alarm.
///
/// What is added must be removed before it is closed: a forked child may have a copy of it, and
/// then the kernel goes on telling of it.
pub(crate) struct Poller {
    epoll: OwnedFd,
    timer: OwnedFd,
}

impl Poller {
    /// The number under which the alarm is told.
    pub(crate) const ALARM: u64 = u64::MAX;

    pub(crate) fn new() -> Result<Poller> {
        let make = || {
            let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
            let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
            let timer = rustix::time::timerfd_create(TimerfdClockId::Monotonic, flags)?;
            Ok(Poller { epoll, timer })
        };
        let poller = make().map_err(|errno: Errno| Error::os("make a poller", errno.into()))?;
        poller.add(poller.timer.as_fd(), Poller::ALARM)?;
        Ok(poller)
    }

    /// Readable while [`next`](Poller::next) has something to tell.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }

    /// Tells `number` from now on for as long as `fd` is readable.
    pub(crate) fn add(&self, fd: BorrowedFd<'_>, number: u64) -> Result<()> {
        epoll::add(&self.epoll, fd, epoll::EventData::new_u64(number), epoll::EventFlags::IN)
            .map_err(|errno| Error::os("watch a descriptor", errno.into()))
    }

    /// Tells `number` for what is awaited of a socket, from now on.
    pub(crate) fn change(&self, fd: BorrowedFd<'_>, number: u64, awaited: Awaited) -> Result<()> {
        let flags = match awaited {
            Awaited::Arrival => epoll::EventFlags::IN,
            Awaited::ArrivalOrRoom => epoll::EventFlags::IN | epoll::EventFlags::OUT,
        };
        epoll::modify(&self.epoll, fd, epoll::EventData::new_u64(number), flags)
            .map_err(|errno| Error::os("watch a descriptor", errno.into()))
    }

    pub(crate) fn remove(&self, fd: BorrowedFd<'_>) {
        // It fails only for what is not there.
        let _ = epoll::delete(&self.epoll, fd);
    }

    /// The number of one descriptor that has something, without waiting. They take turns.
    pub(crate) fn next(&self) -> Result<Option<u64>> {
        let mut events = [epoll::Event {
            flags: epoll::EventFlags::empty(),
            data: epoll::EventData::new_u64(0),
        }];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        match epoll::wait(&self.epoll, &mut events, Some(&now)) {
            Ok(0) | Err(Errno::INTR) => Ok(None),
            Ok(_) => Ok(events.first().map(|event| event.data.u64())),
            Err(errno) => Err(Error::os("wait for clients", errno.into())),
        }
    }

    /// The numbers of all descriptors that have something, without waiting. There are a few at most.
    pub(crate) fn all(&self) -> Result<Vec<u64>> {
        let mut events = Vec::with_capacity(8);
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), Some(&now)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(Error::os("watch a channel", errno.into())),
        }
        Ok(events.iter().map(|event: &epoll::Event| event.data.u64()).collect())
    }

    /// Sets the alarm, in place of the one before it, or takes it away.
    pub(crate) fn set_alarm(&self, at: Option<Deadline>) -> Result<()> {
        let remaining = at.and_then(Deadline::remaining);
        let value = match remaining {
            // Zero would mean no alarm.
            Some(remaining) => Timespec {
                tv_sec: i64::try_from(remaining.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(remaining.subsec_nanos().max(1)),
            },
            None => Timespec { tv_sec: 0, tv_nsec: 0 },
        };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
        rustix::time::timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &once)
            .map_err(|errno| Error::os("set an alarm", errno.into()))?;
        Ok(())
    }
}

/// Makes a descriptor readable from another thread of this process.
///
/// It is for one process alone: who shares an eventfd with a peer can be made to block on it.
pub(crate) struct ThreadBell(OwnedFd);

impl ThreadBell {
    pub(crate) fn new() -> Result<ThreadBell> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        rustix::event::eventfd(0, flags)
            .map(ThreadBell)
            .map_err(|errno| Error::os("make a bell", errno.into()))
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    pub(crate) fn ring(&self) {
        // It fails only when the counter is full, and then it is ringing.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    pub(crate) fn silence(&self) {
        // It fails only when nobody rang.
        let _ = rustix::io::read(&self.0, &mut [0_u8; 8]);
    }
}

/// A descriptor that stands for nothing and is given back when another is needed badly.
pub(crate) fn spare_descriptor() -> Option<OwnedFd> {
    rustix::event::eventfd(0, EventfdFlags::CLOEXEC).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sys::poll::{Woken, wait_for_peer};

    #[test]
    fn a_poller_tells_bells_and_the_alarm() {
        let poller = Poller::new().unwrap();
        let bell = ThreadBell::new().unwrap();
        poller.add(bell.fd(), 7).unwrap();
        assert_eq!(poller.next().unwrap(), None);
        bell.ring();
        bell.ring();
        assert_eq!(poller.next().unwrap(), Some(7));
        bell.silence();
        assert_eq!(poller.next().unwrap(), None);
        poller.set_alarm(Some(Deadline::after(Duration::from_millis(5)))).unwrap();
        assert_eq!(wait_for_peer(poller.fd(), None, None).unwrap(), Woken::Socket);
        assert_eq!(poller.next().unwrap(), Some(Poller::ALARM));
        poller.set_alarm(Some(Deadline::NEVER)).unwrap();
        assert_eq!(poller.next().unwrap(), None);
    }
}
