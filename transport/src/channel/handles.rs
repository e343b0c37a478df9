//! Handles of messages: bundles of descriptors on the private socket, each before its record.
//!
//! Only the kernel can hand a descriptor over, and only on a socket. So a message's handles go there
//! as one bundle, and its record, published after, says which bundle is its own. Both are sent under
//! one lock and only when both find room: bundles arrive in the order of their records, and none is
//! without one.
//!
//! What is sent and not yet taken fills the receiver's table of open files. Therefore a sender keeps
//! few handles there, as it sees by how far the receiver has got in the ring, and a receiver refuses
//! more.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::atomic::Ordering;

use super::sections::{FRAME_LEN, announcement, frame};
use super::{Channel, Inbound, Outbound, lock};
use crate::error::{Error, ErrorKind, Misbehaviour, Result};
use crate::message::{Record, RecordHeader};
use crate::port::attributes::Limits;
use crate::port::handshake::Role;
use crate::queue::granules;
use crate::sys::socket::{self, Sent};

/// Messages with as many handles as one may have whose records the peer has not taken yet.
const BUNDLES: usize = 4;

/// The bundles that the peer has been sent.
#[derive(Default)]
pub(super) struct SentBundles {
    last: u64,
    /// Where the ring ended after each record whose handles are not taken yet, and how many.
    untaken: VecDeque<(u32, usize)>,
    handles: usize,
}

impl SentBundles {
    /// Whether the peer has room for a bundle of `count`, now that it has taken all before `head`.
    fn has_room(&mut self, head: u32, count: usize, limits: &Limits) -> bool {
        while let Some(&(tail, taken)) = self.untaken.front() {
            // Half of all indices lie behind.
            if head.wrapping_sub(tail) > u32::MAX / 2 {
                break;
            }
            self.untaken.pop_front();
            self.handles -= taken;
        }
        self.handles + count <= BUNDLES * limits.max_handles
    }

    /// Notes that the record of a bundle was published, and the ring ends at `tail`.
    pub(super) fn published(&mut self, tail: u32, count: u8) {
        let count = usize::from(count);
        self.untaken.push_back((tail, count));
        self.handles += count;
    }
}

/// The bundles that have arrived, and whose records are still in the ring.
#[derive(Default)]
pub(super) struct ArrivedBundles {
    bundles: VecDeque<Bundle>,
    handles: usize,
}

struct Bundle {
    number: u64,
    count: usize,
    /// `None`: there was no room for them in our table of open files.
    handles: Option<Vec<OwnedFd>>,
}

impl ArrivedBundles {
    fn add(&mut self, bundle: Bundle, limits: &Limits) -> std::result::Result<(), Misbehaviour> {
        let max = limits.max_handles;
        if bundle.count == 0 || bundle.count > max {
            return Err(Misbehaviour::TooManyDescriptors { max: max as u64 });
        }
        if let Some(handles) = &bundle.handles
            && handles.len() != bundle.count
        {
            return Err(Misbehaviour::MissingDescriptor);
        }
        // One more than the peer may have sent: the record of one can be out of the ring, and the
        // bundle not yet off the socket.
        if self.handles + bundle.count > (BUNDLES + 1) * max {
            return Err(Misbehaviour::StrayHandles);
        }
        self.handles += bundle.count;
        self.bundles.push_back(bundle);
        Ok(())
    }

    /// The bundle of a record, which must be the next.
    fn take(
        &mut self,
        header: &RecordHeader,
    ) -> std::result::Result<Option<Vec<OwnedFd>>, Misbehaviour> {
        let bundle = self.bundles.pop_front().ok_or(Misbehaviour::MissingDescriptor)?;
        self.handles -= bundle.count;
        if bundle.number < header.bundle {
            return Err(Misbehaviour::StrayHandles);
        }
        if bundle.number > header.bundle || bundle.count != usize::from(header.handles) {
            return Err(Misbehaviour::MissingDescriptor);
        }
        Ok(bundle.handles)
    }
}

impl Channel {
    /// Refuses more handles than one message may carry.
    pub(crate) fn check_handles(&self, count: usize) -> Result<()> {
        let max = self.limits.max_handles;
        if count <= max {
            return Ok(());
        }
        let reason = format!("{count} handles in a message, where {max} are allowed");
        Err(Error::new(ErrorKind::Invalid { reason }, "send a message"))
    }

    /// Sends the handles of a record that is published next, and notes them in its header. `false`:
    /// there is no room, be it for them or for the record, and nothing was sent.
    #[cold]
    pub(super) fn send_handles(
        &self,
        outbound: &mut Outbound,
        header: &mut RecordHeader,
        handles: &[BorrowedFd<'_>],
    ) -> Result<bool> {
        self.check_handles(handles.len())?;
        // Looked at first: it stays until the record is pushed, and so no bundle is without one.
        let Outbound { shares, outbox, .. } = &mut *outbound;
        let may = shares.admit(header.kind, granules(header.len), outbox);
        if !self.guard(may.and_then(|may| Ok(may && outbox.has_room(header.len)?)))? {
            return Ok(false);
        }
        let head = self.guard(outbound.outbox.taken())?;
        let bundles = &mut outbound.bundles;
        if !bundles.has_room(head, handles.len(), &self.limits) {
            return Ok(false);
        }
        let number = bundles.last + 1;
        if !self.send_bundle(number, handles)? {
            return Ok(false);
        }
        bundles.last = number;
        header.bundle = number;
        // Both ends' limit is 16.
        header.handles = u8::try_from(handles.len()).unwrap_or(u8::MAX);
        Ok(true)
    }

    fn send_bundle(&self, number: u64, handles: &[BorrowedFd<'_>]) -> Result<bool> {
        let bytes = announcement(frame::HANDLES, number, handles.len() as u64);
        // At once, also where the record follows on the same socket: the kernel may refuse them for
        // now, and only who has not published the record yet can still wait, or say so.
        match socket::send(self.socket(), &[IoSlice::new(&bytes)], handles) {
            Ok(Sent::Done) => Ok(true),
            Ok(Sent::WouldBlock) => {
                self.want_room();
                Ok(false)
            }
            // A server keeps its reply until others' descriptors have arrived where they belong.
            Err(error) if self.role == Role::Server && is_for_now(&error) => Ok(false),
            Err(error) => Err(error.while_doing("hand descriptors to the peer")),
        }
    }

    /// Has a client that sleeps wait for room on the socket, too. A server looks from time to time.
    fn want_room(&self) {
        if self.role == Role::Client {
            self.wants_room.store(true, Ordering::SeqCst);
            self.tell_news();
        }
    }

    /// Whether somebody waits for room on the socket.
    pub(crate) fn wants_room(&self) -> bool {
        self.wants_room.load(Ordering::SeqCst) || self.has_unsent()
    }

    /// A bundle has come.
    pub(super) fn take_bundle(
        &self,
        inbound: &mut Inbound,
        bytes: &[u8; FRAME_LEN],
        handles: Option<Vec<OwnedFd>>,
    ) -> std::result::Result<(), Misbehaviour> {
        let (number, count) = super::sections::announced(bytes);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        inbound.bundles.add(Bundle { number, count, handles }, &self.limits)
    }

    /// Closes the handles of messages that nobody will take any more.
    pub(crate) fn drop_handles(&self) {
        let arrived = std::mem::take(&mut lock(&self.inbound).bundles);
        // Not under the lock: closing a file can take a while.
        drop(arrived);
    }

    /// Gives a record the handles that it says it has.
    #[cold]
    pub(super) fn claim_handles(&self, inbound: &mut Inbound, record: &mut Record) -> Result<()> {
        let mut drained = Ok(());
        if inbound.bundles.bundles.is_empty() {
            // They were on the socket before the record was in the ring.
            drained = self.drain(inbound);
            self.tell_news();
        }
        match inbound.bundles.take(&record.header) {
            Ok(handles) => record.handles = handles,
            Err(offence) => return Err(drained.err().unwrap_or_else(|| self.poison(offence))),
        }
        // The peer may be waiting for room for more of them.
        if let Some(mirror) = &self.mirror {
            mirror.tell_head();
        }
        inbound.owes_bell = true;
        Ok(())
    }
}

fn is_for_now(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Exhausted { .. })
}

#[cfg(all(test, not(loom)))]
mod tests;
