//! What a datagram gets for which there is no room.

use std::sync::{Arc, Mutex, Weak};
use std::task::{Wake, Waker};

use super::{ClientEnd, CommunicationPort};
use crate::channel::{Bell, Outgoing, Posted, lock};
use crate::error::{Error, ErrorKind, Result};
use crate::waiting::TaskId;

/// What a datagram gets for which there is no room, because the peer does not take what it was sent.
///
/// Datagrams have half of the queue to the peer, and requests the other half: neither waits for the
/// other. A datagram whose bulk data does not fit its message, or that carries handles, waits in any case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// It waits for room until its deadline.
    #[default]
    Wait,
    /// It is refused at once, with [`ErrorKind::Exhausted`].
    Refuse,
    /// It is kept in this process's memory, and sent when there is room; requests may overtake it. If
    /// more than so many are kept, the oldest is dropped, and counted in
    /// [`Traffic::dropped`](crate::Traffic::dropped).
    DropOldest {
        /// How many are kept, at least one.
        kept: usize,
    },
    /// The connection ends: who does not listen is not worth it.
    Disconnect,
}

/// What became of a datagram without room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overflowed {
    /// It is sent, or as good as that.
    Sent,
    /// It has to wait for room.
    Waits,
}

/// A port's policy, and what comes of it.
pub(super) struct Overflowing {
    policy: Mutex<Overflow>,
    /// Who sends what is kept, while anything is.
    sender: Mutex<Option<TaskId>>,
    end: Weak<ClientEnd>,
}

impl Overflowing {
    pub(super) fn new(end: Weak<ClientEnd>) -> Overflowing {
        Overflowing { policy: Mutex::default(), sender: Mutex::default(), end }
    }
}

impl CommunicationPort {
    /// Says what datagrams get from now on for which there is no room. Unless it is said, they wait.
    pub fn set_overflow(&self, overflow: Overflow) {
        *lock(&self.end.overflowing.policy) = overflow;
    }
}

impl ClientEnd {
    /// There is no room for a datagram.
    #[cold]
    pub(super) fn overflow(&self, message: &Outgoing<'_>, bell: Bell) -> Result<Overflowed> {
        let policy = *lock(&self.overflowing.policy);
        let what = "room for datagrams: the peer does not take those that it was sent";
        let full = || Error::new(ErrorKind::Exhausted { what }, "send a datagram");
        match policy {
            Overflow::Wait => Ok(Overflowed::Waits),
            _ if self.finds_room(message, bell)? => Ok(Overflowed::Sent),
            Overflow::Refuse => Err(full()),
            Overflow::Disconnect => {
                self.channel.close(full());
                Err(full())
            }
            Overflow::DropOldest { kept } => {
                self.driver.start()?;
                if !self.channel.keep_datagram(message, kept)? {
                    return Ok(Overflowed::Waits);
                }
                self.send_kept_later();
                Ok(Overflowed::Sent)
            }
        }
    }

    /// Without shared memory an end hears of room only when it reads the socket, and whoever waits for
    /// nothing never does.
    fn finds_room(&self, message: &Outgoing<'_>, bell: Bell) -> Result<bool> {
        if !self.channel.is_mirrored() {
            return Ok(false);
        }
        let drained = self.channel.drain_socket();
        // What was read with it is for whoever waits.
        self.channel.tell_news();
        drained?;
        Ok(self.channel.post(message, bell)? == Posted::Published)
    }

    /// Has what is kept sent as soon as there is room, by the thread that watches for tasks.
    fn send_kept_later(&self) {
        let mut sender = lock(&self.overflowing.sender);
        if sender.is_some() {
            return;
        }
        let id = TaskId(self.channel.next_id());
        *sender = Some(id);
        drop(sender);
        let waker = Waker::from(Arc::new(KeptSender { end: self.overflowing.end.clone(), id }));
        self.waiting.watch_progress(id, waker, &self.driver);
        // There may be room by now, and nobody to tell of it.
        self.send_kept(id);
    }

    fn send_kept(&self, id: TaskId) {
        let mut sender = lock(&self.overflowing.sender);
        if *sender == Some(id) && self.channel.send_kept_datagrams() {
            *sender = None;
            drop(sender);
            self.waiting.stop_watching(id);
        }
    }
}

/// Is woken whenever there may be room.
struct KeptSender {
    end: Weak<ClientEnd>,
    id: TaskId,
}

impl Wake for KeptSender {
    fn wake(self: Arc<Self>) {
        if let Some(end) = self.end.upgrade() {
            end.send_kept(self.id);
        }
    }
}
