//! A timer that is waited for as a descriptor is (timerfd(2)).

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use crate::error::{Error, Result};
use crate::message::Deadline;

/// Is readable when its moment has come.
pub(crate) struct Timer(OwnedFd);

impl Timer {
    pub(crate) fn new() -> Result<Timer> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        timerfd_create(TimerfdClockId::Monotonic, flags)
            .map(Timer)
            .map_err(|errno| Error::os("make a timer", errno.into()))
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }

    /// Sets the moment, in place of any before; one that has passed is now.
    pub(crate) fn set(&self, deadline: Deadline) {
        let Some(remaining) = deadline.remaining() else { return };
        let it_value = Timespec {
            tv_sec: i64::try_from(remaining.as_secs()).unwrap_or(i64::MAX),
            // Zero would turn the timer off.
            tv_nsec: i64::from(remaining.subsec_nanos()).max(1),
        };
        let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        let value = Itimerspec { it_interval, it_value };
        // It fails only for arguments that are none.
        let _set = timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &value);
    }

    /// Takes note that it rang.
    pub(crate) fn silence(&self) {
        let mut rang = [0; 8];
        let _not_yet = rustix::io::read(&self.0, &mut rang);
    }
}
