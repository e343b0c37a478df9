//! Deadlines that somebody wants to hear of.
//!
//! A client that gives a call up says so, and that is how its server hears of most deadlines. But a
//! client can be stopped, and one that never comes back to its senses is still no reason to work
//! for it. So deadlines that somebody waits for are kept here, and one timer, which those who wait
//! for clients wait for as well, tells of the next of them.
//!
//! An alarm that is of no use any more is taken back: its moment is the client's to choose, and may
//! be years away.

use std::collections::BTreeMap;
use std::os::fd::BorrowedFd;
use std::sync::{Mutex, Weak};

use crate::cancellation::Shared;
use crate::channel::lock;
use crate::error::Result;
use crate::message::Deadline;
use crate::sys::timer::Timer;

/// When an alarm rings, and its number: two may ring at the same time.
pub(crate) type Moment = (Deadline, u64);

/// The alarms of one completion port.
pub(crate) struct Alarms {
    timer: Timer,
    set: Mutex<Set>,
}

#[derive(Default)]
struct Set {
    last: u64,
    alarms: BTreeMap<Moment, Weak<Shared>>,
}

impl Alarms {
    pub(crate) fn new() -> Result<Alarms> {
        Ok(Alarms { timer: Timer::new()?, set: Mutex::default() })
    }

    /// Is readable once when the next alarm is due.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.timer.fd()
    }

    /// Has `whom` fire at `deadline`.
    pub(crate) fn set(&self, deadline: Deadline, whom: Weak<Shared>) -> Moment {
        let mut set = lock(&self.set);
        set.last += 1;
        let moment = (deadline, set.last);
        let is_next = set.alarms.first_key_value().is_none_or(|(next, _)| moment < *next);
        set.alarms.insert(moment, whom);
        if is_next {
            self.timer.set(deadline);
        }
        moment
    }

    /// Takes an alarm back. The timer may still ring for it, and then finds nothing.
    pub(crate) fn forget(&self, moment: Moment) {
        lock(&self.set).alarms.remove(&moment);
    }

    /// Fires everything that is due. To be called when the descriptor was readable.
    pub(crate) fn ring(&self) {
        self.timer.silence();
        let mut due = Vec::new();
        let mut set = lock(&self.set);
        while let Some(next) = set.alarms.first_entry() {
            if !next.key().0.is_past() {
                self.timer.set(next.key().0);
                break;
            }
            due.push(next.remove());
        }
        drop(set);
        // Whoever is told may do anything, except under the lock.
        due.iter().filter_map(Weak::upgrade).for_each(|whom| whom.fire());
    }
}
