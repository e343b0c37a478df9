//! What is announced on the private socket: frozen sections, and the windows of streams.
//!
//! An announcement is on the socket before the message that refers to it is in the ring; so whoever
//! meets a number that it does not know reads the socket and then knows it.

use std::collections::HashMap;
use std::io::IoSlice;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Bell, Channel, Inbound, Kept, Outbound, Outgoing, lock};
use crate::error::{Error, ErrorKind, Misbehaviour, Result};
use crate::message::{MessageId, MessageKind, RecordHeader};
use crate::port::handshake::Role;
use crate::section::region::{Region, RegionName};
use crate::section::view::PeerView;
use crate::section::{Blob, Giving};
use crate::sys::memory::PeerMemory;
use crate::sys::poll;
use crate::sys::socket::{self, Received, Sent};

/// Kinds of datagrams on the private socket. A bell is one byte.
pub(super) mod frame {
    pub(in crate::channel) const BELL: u8 = 0;
    /// A section with the sender's stream windows; its descriptor comes along.
    pub(in crate::channel) const WINDOWS: u8 = 1;
    /// A frozen section: number, length; its descriptor comes along.
    pub(super) const FROZEN: u8 = 2;
    /// A section that regions are lent of: number, length; its descriptor comes along.
    pub(super) const REGIONS: u8 = 3;
    /// Of a mirror: bytes of the ring, and its indices.
    pub(in crate::channel) const RING: u8 = 4;
    /// Of a mirror: bytes of a stream's window, and its progress.
    pub(in crate::channel) const STREAM: u8 = 5;
    /// Handles of a message: the bundle's number, how many; they come along.
    pub(in crate::channel) const HANDLES: u8 = 6;
}
/// Bytes of an announcement.
pub(super) const FRAME_LEN: usize = 17;

/// An announcement: its kind, and two numbers.
pub(super) fn announcement(kind: u8, number: u64, len: u64) -> [u8; FRAME_LEN] {
    let mut bytes = [0; FRAME_LEN];
    let (first, rest) = bytes.split_at_mut(1);
    first.fill(kind);
    let (number_at, len_at) = rest.split_at_mut(8);
    number_at.copy_from_slice(&number.to_le_bytes());
    len_at.copy_from_slice(&len.to_le_bytes());
    bytes
}

/// The two numbers of an announcement.
pub(super) fn announced(frame: &[u8; FRAME_LEN]) -> (u64, u64) {
    let [_, numbers @ ..] = frame;
    let (number, len) = numbers.split_at(8);
    let read = |bytes: &[u8]| bytes.try_into().map(u64::from_le_bytes).unwrap_or(0);
    (read(number), read(len))
}

/// How long an announcement waits for room on the socket. A peer that does not read its socket for
/// so long is as good as gone.
const ANNOUNCE_WAIT: Duration = Duration::from_millis(200);

impl Channel {
    /// The number under which the peer knows `blob`; announces it if it does not yet. `None`: the
    /// peer has no room for another section, or shares no memory, and the bytes have to go another way.
    pub(crate) fn give(&self, blob: &Blob) -> Result<Option<u64>> {
        if self.is_mirrored() {
            return Ok(None);
        }
        let max = self.limits.max_section_total as u64;
        let mut outbound = lock(&self.outbound);
        let mut giving = outbound.given.give(blob, max);
        if giving == Giving::Full {
            self.retire(&mut outbound)?;
            let head = self.guard(outbound.outbox.taken())?;
            outbound.given.heard(head);
            giving = outbound.given.give(blob, max);
        }
        let number = match giving {
            Giving::Known(number) => return Ok(Some(number)),
            Giving::Full => return Ok(None),
            Giving::New(number) => number,
        };
        let announced = self.announce(frame::FROZEN, number, blob.len() as u64, blob.fd());
        match announced {
            Ok(()) => Ok(Some(number)),
            Err(error) => {
                outbound.given.withdraw(blob);
                match error.kind() {
                    ErrorKind::Exhausted { .. } => Ok(None),
                    _ => Err(error),
                }
            }
        }
    }

    /// Tells the peer which frozen sections it may forget.
    pub(super) fn retire(&self, outbound: &mut Outbound) -> Result<()> {
        for number in outbound.given.retire() {
            let header = RecordHeader::bare(MessageKind::Retire, MessageId(number));
            let in_order = outbound.backlog.is_empty();
            if !in_order || !self.publish(outbound, &header, &[], &[])? {
                self.keep(outbound, Kept { header, bytes: Vec::new(), handles: Vec::new() });
            }
        }
        Ok(())
    }

    pub(super) fn announce(
        &self,
        kind: u8,
        number: u64,
        len: u64,
        fd: BorrowedFd<'_>,
    ) -> Result<()> {
        let bytes = announcement(kind, number, len);
        let doing = "hand a section to the peer";
        loop {
            let sent = socket::send(self.socket(), &[IoSlice::new(&bytes)], &[fd])
                .map_err(|error| error.while_doing(doing))?;
            if sent == Sent::Done {
                return Ok(());
            }
            // The socket is full of bells. A server never waits for a client; a client waits for a
            // while for a server that is slow to hear them.
            let wait = match self.role {
                Role::Server => None,
                Role::Client => Some(ANNOUNCE_WAIT),
            };
            if !wait.is_some_and(|wait| poll::wait_writable(self.socket(), wait)) {
                let kind = ErrorKind::Exhausted { what: "room on the peer's socket" };
                return Err(Error::new(kind, doing));
            }
        }
    }

    /// The frozen section that a message refers to.
    pub(crate) fn frozen(&self, section: u64, len: u64) -> Result<Blob> {
        let mut inbound = lock(&self.inbound);
        if !inbound.taken.contains(section) {
            self.drain(&mut inbound)?;
            self.tell_news();
        }
        let found = inbound.taken.get(section, len);
        drop(inbound);
        self.guard(found)
    }

    /// Notes that the peer gets a region, and tells it of its section. `None`: the region belongs to
    /// another channel, or this one shares no memory.
    pub(crate) fn lend(&self, region: &Region) -> Result<Option<RegionName>> {
        if self.is_mirrored() || !region.is_of(&self.regions) {
            return Ok(None);
        }
        let name = region.name();
        // The lock keeps another thread from sending the region's number before its section.
        let _in_order = lock(&self.outbound);
        if let Some(memory) = self.regions.announce(name.section)
            && let Some(fd) = memory.fd()
        {
            let number = u64::from(name.section);
            self.announce(frame::REGIONS, number, memory.len() as u64, fd)?;
        }
        self.regions.lend(name);
        Ok(Some(name))
    }

    /// The view that a message describes.
    pub(crate) fn view(self: &Arc<Channel>, name: RegionName, len: u64) -> Result<PeerView> {
        let mut inbound = lock(&self.inbound);
        if inbound.lent.get(name.section).is_none() {
            self.drain(&mut inbound)?;
            self.tell_news();
        }
        let section = inbound.lent.get(name.section);
        drop(inbound);
        let unknown = Misbehaviour::UnknownSection { section: u64::from(name.section) };
        let memory = self.guard(section.ok_or(unknown))?;
        let end = name.offset.checked_add(len).filter(|&end| end <= memory.len() as u64);
        self.guard(end.ok_or(Misbehaviour::ViewPastEnd))?;
        let part = |number| usize::try_from(number).unwrap_or(usize::MAX);
        let range = (part(name.offset), part(len));
        let region = (name.number, name.generation);
        Ok(PeerView::new(memory, range, region, Arc::downgrade(self)))
    }

    /// Gives a region of the peer's back to it.
    pub(crate) fn return_region(&self, number: u32, generation: u32) {
        let id = MessageId(u64::from(number));
        let method = u64::from(generation);
        let header = RecordHeader { method, ..RecordHeader::bare(MessageKind::Return, id) };
        // A peer that is gone needs nothing back. Those that are kept are bounded by the regions
        // that the peer has lent.
        let _gone = self.post_or_keep(&Outgoing::bare(header), &mut Vec::new(), Bell::Now);
    }

    /// The peer returns a region.
    pub(super) fn take_back(&self, header: &RecordHeader) -> Result<()> {
        let number = u32::try_from(header.id.0).unwrap_or(u32::MAX);
        let generation = u32::try_from(header.method).unwrap_or(u32::MAX);
        self.guard(self.regions.returned(number, generation))
    }

    /// The peer will not send a frozen section again.
    pub(super) fn forget_frozen(&self, inbound: &mut Inbound, section: u64) -> Result<()> {
        if !inbound.taken.contains(section) {
            // Its announcement may still be on the socket, and must not be read after its end.
            self.drain(inbound)?;
            self.tell_news();
        }
        inbound.taken.retire(section);
        Ok(())
    }

    /// Reads everything that is on the socket: bells, announcements, the end.
    ///
    /// A bell is meant for whoever sleeps on the socket. Who reads it for another reason must tell
    /// that one.
    pub(crate) fn drain_socket(&self) -> Result<()> {
        // Whoever waits for room is told to try again, and says so again if there is none.
        self.wants_room.store(false, Ordering::SeqCst);
        let drained = self.drain(&mut lock(&self.inbound));
        self.send_unsent();
        drained
    }

    pub(super) fn drain(&self, inbound: &mut Inbound) -> Result<()> {
        if let Some(mirror) = &self.mirror {
            return self.drain_into(mirror, inbound);
        }
        let mut bytes = [0; FRAME_LEN];
        let mut fds = Vec::new();
        loop {
            match socket::recv(self.socket(), &mut bytes, &mut fds) {
                Ok(Received::Empty) => return Ok(()),
                Ok(Received::Closed) => {
                    self.close(Error::new(ErrorKind::PeerClosed, "use a channel"));
                    return self.check_open();
                }
                Ok(received @ (Received::Datagram(len) | Received::Lost(len))) => {
                    let frame = bytes.get(..len).unwrap_or(&[]);
                    let fds = match received {
                        Received::Lost(_) => None,
                        _ => Some(std::mem::take(&mut fds)),
                    };
                    let taken = self.take_frame(inbound, frame, fds);
                    if let Err(error) = taken {
                        self.close(error);
                        return self.check_open();
                    }
                }
                Err(error) => {
                    self.close(error.clone());
                    return Err(error);
                }
            }
        }
    }

    /// Takes one datagram. `fds` is `None` if descriptors came for which there was no room.
    fn take_frame(
        &self,
        inbound: &mut Inbound,
        frame: &[u8],
        fds: Option<Vec<OwnedFd>>,
    ) -> Result<()> {
        let doing = "take what the peer announced";
        if let Ok(frame @ [frame::HANDLES, ..]) = <&[u8; FRAME_LEN]>::try_from(frame) {
            let taken = self.take_bundle(inbound, frame, fds);
            return taken.map_err(|offence| Error::misbehaved(doing, offence));
        }
        let Some(fds) = fds else { return Err(socket::no_descriptors(doing)) };
        let max = u64::from(frame != [frame::BELL]);
        if fds.len() as u64 > max {
            return Err(Error::misbehaved(doing, Misbehaviour::TooManyDescriptors { max }));
        }
        if frame == [frame::BELL] {
            // It is heard only once. Whoever hears it looks at the ring after this, or has another look:
            // for what is published from here on the peer rings again. Where another thread has said
            // since that it looks, the bell is an old one, and that thread says when it looks no more.
            if !self.own.is_awake() {
                self.set_asleep();
            }
            return Ok(());
        }
        let unexpected = |kind| Error::misbehaved(doing, Misbehaviour::UnexpectedFrame { kind });
        let Ok(frame @ &[kind, ..]) = <&[u8; FRAME_LEN]>::try_from(frame) else {
            return Err(unexpected(frame.first().copied().unwrap_or(0)));
        };
        let (number, len) = announced(frame);
        let Some(fd) = fds.into_iter().next() else {
            return Err(Error::misbehaved(doing, Misbehaviour::MissingDescriptor));
        };
        match kind {
            frame::FROZEN => {
                inbound.taken.announce(number, len, fd, self.limits.max_section_total as u64)
            }
            frame::WINDOWS => self.streams.take_windows(fd),
            frame::REGIONS => {
                inbound.lent.announce(number, len, fd, self.limits.max_section_total as u64)
            }
            kind => Err(unexpected(kind)),
        }
    }
}

/// The sections of the peer's that it lends regions of.
#[derive(Default)]
pub(super) struct LentSections {
    by_number: HashMap<u32, Arc<PeerMemory>>,
    bytes: u64,
}

impl LentSections {
    fn announce(&mut self, number: u64, len: u64, fd: OwnedFd, max: u64) -> Result<()> {
        let doing = "take a section";
        let quota = || Error::misbehaved(doing, Misbehaviour::SectionQuota);
        let number = u32::try_from(number).map_err(|_| quota())?;
        if self.by_number.contains_key(&number) || self.bytes.saturating_add(len) > max {
            return Err(quota());
        }
        let size = usize::try_from(len).map_err(|_| quota())?;
        let memory = PeerMemory::open(fd, size)?;
        self.bytes += len;
        self.by_number.insert(number, Arc::new(memory));
        Ok(())
    }

    fn get(&self, number: u32) -> Option<Arc<PeerMemory>> {
        self.by_number.get(&number).cloned()
    }
}
