//! Datagrams with file descriptors over a private pair of sockets.
//!
//! The pair is the root of trust of a channel: identity, death, handles and the bell are its work.
//! Nothing here ever blocks. That is asked for call by call (`MSG_DONTWAIT`) and not set on the
//! socket, because the peer may hold a copy of our end and `O_NONBLOCK` belongs to all copies.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};

use crate::error::{Error, ErrorKind, Misbehaviour, Result};

/// The most file descriptors that one message may carry.
///
/// The kernel would take 253, but whatever was sent and not yet received fills the sender's quota
/// of descriptors in flight, and the receiver's table when it arrives.
pub(crate) const MAX_DESCRIPTORS: usize = 16;

/// What became of a message that was to be sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The kernel has all of it.
    Done,
    /// The peer has not read enough to make room. Nothing was sent.
    WouldBlock,
}

/// What was there to receive.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// Nothing yet.
    Empty,
    /// The peer closed its end and everything that it sent has been received.
    ///
    /// An empty datagram looks the same. The protocol has none, so a peer that sends one says
    /// goodbye.
    Closed,
    /// This many bytes: one whole datagram, or of a stream as many as fitted.
    Datagram(usize),
    /// As `Datagram`, but descriptors came along for which this process has no room. All of them are
    /// closed.
    Lost(usize),
}

/// Makes a private pair that keeps the bounds of messages.
pub(crate) fn pair() -> Result<(OwnedFd, OwnedFd)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)
        .map_err(|errno| Error::os("make a private pair of sockets", errno.into()))
}

/// Checks that a descriptor from a peer is an end of such a pair, and not a file, a pipe or a
/// socket that another machine is behind.
pub(crate) fn check_private(fd: BorrowedFd<'_>) -> Result<()> {
    let kind = rustix::net::sockopt::socket_type(fd);
    let family = rustix::net::sockopt::socket_domain(fd);
    if kind == Ok(SocketType::SEQPACKET) && family == Ok(AddressFamily::UNIX) {
        return Ok(());
    }
    Err(Error::misbehaved("take the private socket", Misbehaviour::ForeignSocket))
}

/// Sends one datagram, whole or not at all, with the descriptors that belong to it.
///
/// On a stream it is used only for messages so short that an empty socket takes them whole.
pub(crate) fn send(
    fd: BorrowedFd<'_>,
    bytes: &[IoSlice<'_>],
    fds: &[BorrowedFd<'_>],
) -> Result<Sent> {
    const DOING: &str = "send to the peer";
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(too_many(DOING, fds.len()));
    }
    let len = bytes.iter().map(|part| part.len()).sum::<usize>();
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    match rustix::io::retry_on_intr(|| rustix::net::sendmsg(fd, bytes, &mut control, flags)) {
        Ok(sent) if sent == len => Ok(Sent::Done),
        // Only a stream does that, and only when its peer has left it full.
        Ok(_) => Err(Error::new(ErrorKind::Exhausted { what: "room in the socket" }, DOING)),
        Err(Errno::AGAIN) => Ok(Sent::WouldBlock),
        Err(Errno::MSGSIZE) => {
            // The kernel does not say how much would have fitted; its send buffer does, nearly.
            let max = rustix::net::sockopt::socket_send_buffer_size(fd).unwrap_or(0) as u64;
            Err(Error::new(ErrorKind::TooLarge { len: len as u64, max }, DOING))
        }
        Err(errno) => Err(send_error(DOING, errno)),
    }
}

/// Bytes that a datagram may have so that the socket takes several of them.
pub(crate) fn comfortable_len(fd: BorrowedFd<'_>) -> usize {
    rustix::net::sockopt::socket_send_buffer_size(fd).unwrap_or(0) / 4
}

/// Receives one datagram, or what a stream has, with its descriptors appended to `fds`.
///
/// When this fails, no descriptor of that datagram stays open.
pub(crate) fn recv(
    fd: BorrowedFd<'_>,
    buffer: &mut [u8],
    fds: &mut Vec<OwnedFd>,
) -> Result<Received> {
    const DOING: &str = "receive from the peer";
    let max = buffer.len() as u64;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let mut parts = [IoSliceMut::new(buffer)];
    let received = past_reset(|| rustix::net::recvmsg(fd, &mut parts, &mut control, flags));
    let received = match received {
        Ok(received) => received,
        Err(Errno::AGAIN) => return Ok(Received::Empty),
        Err(Errno::CONNRESET) => return Ok(Received::Closed),
        Err(errno) => return Err(Error::os(DOING, errno.into())),
    };
    let before = fds.len();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            fds.extend(rights);
        }
    }
    let arrived = fds.len() - before;
    // Fewer may have arrived than were sent. Either the message had more than the buffer takes, which
    // is the peer's fault, or our table of open files is full, which is not.
    let is_cut = received.flags.contains(ReturnFlags::CTRUNC);
    let offence = if received.flags.contains(ReturnFlags::TRUNC) {
        Some(Error::misbehaved(DOING, Misbehaviour::DatagramTooLong { max }))
    } else if received.bytes == 0 && arrived > 0 {
        Some(too_many_from_peer(DOING, 0))
    } else if arrived > MAX_DESCRIPTORS || (is_cut && arrived == MAX_DESCRIPTORS) {
        Some(too_many_from_peer(DOING, MAX_DESCRIPTORS))
    } else {
        None
    };
    if let Some(offence) = offence {
        fds.truncate(before);
        return Err(offence);
    }
    match received.bytes {
        0 => Ok(Received::Closed),
        len if is_cut => {
            fds.truncate(before);
            Ok(Received::Lost(len))
        }
        len => Ok(Received::Datagram(len)),
    }
}

/// Receives bytes where no descriptor has any business. The kernel drops those that come.
pub(crate) fn recv_bytes(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<Received> {
    const DOING: &str = "receive from the peer";
    let mut control = RecvAncillaryBuffer::default();
    let mut parts = [IoSliceMut::new(buffer)];
    let flags = RecvFlags::DONTWAIT;
    match past_reset(|| rustix::net::recvmsg(fd, &mut parts, &mut control, flags)) {
        Ok(received) if received.flags.contains(ReturnFlags::CTRUNC) => {
            Err(too_many_from_peer(DOING, 0))
        }
        Ok(received) if received.bytes == 0 => Ok(Received::Closed),
        Ok(received) => Ok(Received::Datagram(received.bytes)),
        Err(Errno::AGAIN) => Ok(Received::Empty),
        Err(Errno::CONNRESET) => Ok(Received::Closed),
        Err(errno) => Err(Error::os(DOING, errno.into())),
    }
}

/// Receives what a peer sent that closed its end with something of ours unread. The kernel tells of
/// that by an error, once, and before it gives out what came earlier.
fn past_reset<T>(mut receive: impl FnMut() -> rustix::io::Result<T>) -> rustix::io::Result<T> {
    match rustix::io::retry_on_intr(&mut receive) {
        Err(Errno::CONNRESET) => rustix::io::retry_on_intr(receive),
        received => received,
    }
}

/// Wakes a peer that sleeps on its end.
///
/// A socket that takes no more bytes is full of bells that the peer has not heard, so the peer is
/// as good as woken.
pub(crate) fn ring(fd: BorrowedFd<'_>) -> Result<()> {
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    match rustix::io::retry_on_intr(|| rustix::net::send(fd, &[0], flags)) {
        Ok(_) | Err(Errno::AGAIN) => Ok(()),
        Err(errno) => Err(send_error("wake the peer", errno)),
    }
}

fn send_error(doing: &'static str, errno: Errno) -> Error {
    let kind = match errno {
        Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN => ErrorKind::PeerClosed,
        Errno::TOOMANYREFS => ErrorKind::Exhausted { what: "file descriptors in flight" },
        _ => return Error::os(doing, errno.into()),
    };
    Error::new(kind, doing)
}

fn too_many(doing: &'static str, count: usize) -> Error {
    let reason = format!("{count} file descriptors in a message that takes {MAX_DESCRIPTORS}");
    Error::new(ErrorKind::Invalid { reason }, doing)
}

fn too_many_from_peer(doing: &'static str, max: usize) -> Error {
    Error::misbehaved(doing, Misbehaviour::TooManyDescriptors { max: max as u64 })
}

/// What a message's loss of its descriptors means where it is of no use without them.
pub(crate) fn no_descriptors(doing: &'static str) -> Error {
    Error::new(ErrorKind::Exhausted { what: "open files of this process" }, doing)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    fn receive(fd: &OwnedFd, fds: &mut Vec<OwnedFd>) -> Result<(Received, Vec<u8>)> {
        let mut buffer = [0; 64];
        let received = recv(fd.as_fd(), &mut buffer, fds)?;
        let len = if let Received::Datagram(len) = received { len } else { 0 };
        Ok((received, buffer[..len].to_vec()))
    }

    #[test]
    fn datagrams_keep_their_bounds_and_carry_descriptors() {
        let (ours, theirs) = pair().unwrap();
        let zero = std::fs::File::open("/dev/zero").unwrap();
        let parts = [IoSlice::new(b"he"), IoSlice::new(b"llo")];
        assert_eq!(send(ours.as_fd(), &parts, &[zero.as_fd(), zero.as_fd()]).unwrap(), Sent::Done);
        assert_eq!(send(ours.as_fd(), &[IoSlice::new(b"you")], &[]).unwrap(), Sent::Done);
        let mut fds = Vec::new();
        assert_eq!(receive(&theirs, &mut fds).unwrap().1, b"hello");
        assert_eq!(fds.len(), 2);
        let flags = rustix::io::fcntl_getfd(&fds[0]).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
        assert_eq!(receive(&theirs, &mut fds).unwrap().1, b"you");
        assert_eq!(receive(&theirs, &mut fds).unwrap().0, Received::Empty);
        drop(ours);
        // A child that another test starts at this moment has a copy of our end for a moment.
        crate::sys::poll::wait_for_peer(theirs.as_fd(), None, None).unwrap();
        assert_eq!(receive(&theirs, &mut fds).unwrap().0, Received::Closed);
        assert_eq!(fds.len(), 2);
    }

    // A server rang its client, which sent something, never heard the bell, and closed.
    #[test]
    fn what_came_before_a_peer_closed_with_a_bell_unheard_is_not_lost() {
        let (ours, theirs) = pair().unwrap();
        ring(theirs.as_fd()).unwrap();
        assert_eq!(send(ours.as_fd(), &[IoSlice::new(b"last")], &[]).unwrap(), Sent::Done);
        drop(ours);
        crate::sys::poll::wait_for_peer(theirs.as_fd(), None, None).unwrap();
        let mut fds = Vec::new();
        assert_eq!(receive(&theirs, &mut fds).unwrap().1, b"last");
        while receive(&theirs, &mut fds).unwrap().0 != Received::Closed {}
    }

    #[test]
    fn a_datagram_with_too_many_descriptors_leaves_none_behind() {
        let (ours, theirs) = pair().unwrap();
        let zero = std::fs::File::open("/dev/zero").unwrap();
        let many = vec![zero.as_fd(); MAX_DESCRIPTORS + 8];
        let refused = send(ours.as_fd(), &[IoSlice::new(b"x")], &many).unwrap_err();
        assert!(matches!(refused.kind(), ErrorKind::Invalid { .. }));

        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(32))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(control.push(SendAncillaryMessage::ScmRights(&many)));
        rustix::net::sendmsg(&ours, &[IoSlice::new(b"x")], &mut control, SendFlags::empty())
            .unwrap();
        let mut fds = Vec::new();
        let error = receive(&theirs, &mut fds).unwrap_err();
        assert_eq!(error.misbehaviour(), Some(Misbehaviour::TooManyDescriptors { max: 16 }));
        assert!(fds.is_empty());
    }

    #[test]
    fn descriptors_where_none_belong_are_an_offence() {
        let (ours, theirs) = pair().unwrap();
        send(ours.as_fd(), &[IoSlice::new(b"x")], &[ours.as_fd()]).unwrap();
        let error = recv_bytes(theirs.as_fd(), &mut [0; 8]).unwrap_err();
        assert_eq!(error.misbehaviour(), Some(Misbehaviour::TooManyDescriptors { max: 0 }));
    }

    #[test]
    fn a_datagram_longer_than_the_buffer_is_an_offence() {
        let (ours, theirs) = pair().unwrap();
        send(ours.as_fd(), &[IoSlice::new(&[7; 65])], &[]).unwrap();
        let error = receive(&theirs, &mut Vec::new()).unwrap_err();
        assert_eq!(error.misbehaviour(), Some(Misbehaviour::DatagramTooLong { max: 64 }));
    }

    #[test]
    fn a_bell_never_blocks_and_tells_of_a_closed_peer() {
        let (ours, theirs) = pair().unwrap();
        for _ in 0..10_000 {
            ring(ours.as_fd()).unwrap();
        }
        drop(theirs);
        // A child that another test starts at this moment has a copy of their end for a moment.
        crate::sys::poll::wait_for_peer(ours.as_fd(), None, None).unwrap();
        assert_eq!(ring(ours.as_fd()).unwrap_err().kind(), &ErrorKind::PeerClosed);
    }

    #[test]
    fn only_the_end_of_a_private_pair_passes_for_one() {
        let (ours, _theirs) = pair().unwrap();
        check_private(ours.as_fd()).unwrap();
        let zero = std::fs::File::open("/dev/zero").unwrap();
        assert!(check_private(zero.as_fd()).is_err());
        let (stream, _) = std::os::unix::net::UnixStream::pair().unwrap();
        assert!(check_private(stream.as_fd()).is_err());
    }
}
