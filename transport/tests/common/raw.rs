//! The client's side of the handshake, written by hand: what follows need not keep to the protocol.

use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use alpc_transport::{CommunicationPort, ErrorKind, Misbehaviour, PortAttributes};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};

use super::{PATIENCE, Server, call};

pub(crate) const RING: u32 = 16 << 10;
pub(crate) const WINDOW: usize = 64 << 10;

pub(crate) fn attributes() -> PortAttributes {
    PortAttributes::new()
        .outbox_len(RING as usize)
        .max_message_len(4096)
        .chunk_window(WINDOW)
        .max_section_total(4 * WINDOW)
        .max_argument_len(1 << 20)
        .outstanding_requests(4)
}

pub(crate) fn send(socket: impl AsFd, bytes: &[u8], fds: &[&OwnedFd]) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(32))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let fds: Vec<_> = fds.iter().map(|fd| fd.as_fd()).collect();
    if !fds.is_empty() {
        assert!(control.push(SendAncillaryMessage::ScmRights(&fds)));
    }
    let sent =
        rustix::net::sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL);
    assert_eq!(sent.unwrap(), bytes.len());
}

pub(crate) fn receive(socket: impl AsFd, into: &mut [u8]) -> (usize, Vec<OwnedFd>) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [IoSliceMut::new(into)];
    let flags = RecvFlags::CMSG_CLOEXEC;
    let received = rustix::net::recvmsg(socket, &mut parts, &mut control, flags).unwrap();
    let mut fds = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            fds.extend(rights);
        }
    }
    (received.bytes, fds)
}

/// Waits until the socket has something: a bell, or the end.
pub(crate) fn wait(socket: &OwnedFd) {
    let mut fds = [rustix::event::PollFd::new(socket, rustix::event::PollFlags::IN)];
    let patience = rustix::event::Timespec { tv_sec: PATIENCE.as_secs() as i64, tv_nsec: 0 };
    assert_eq!(rustix::event::poll(&mut fds, Some(&patience)), Ok(1));
}

/// Shakes hands as an honest client does, with an outbox or without shared memory. Gives the
/// private socket, and the server's outbox if there is one.
pub(crate) fn shake_hands(server: &Server, outbox: Option<&OwnedFd>) -> (OwnedFd, Option<OwnedFd>) {
    let path = server.place.path().join("test.calls/sock");
    let mut stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let limits: [u64; 8] =
        [4096, u64::from(RING), 4096, 1 << 20, WINDOW as u64, 4 * WINDOW as u64, 1 << 20, 4];
    let mut body = vec![1, 0, 1, 0, 68, 0, 0, 0];
    body.extend(limits.iter().flat_map(|limit| limit.to_le_bytes()));
    body.extend([0, u8::from(outbox.is_some())]); // No direct access; shared memory or not.
    body.extend([0, 16]); // No handles; sixteen calls that wait for each other.
    let mut connect = b"ALPC\x01\0".to_vec();
    connect.extend((body.len() as u16).to_le_bytes());
    connect.extend(body);
    stream.write_all(&connect).unwrap();

    let mut header = [0; 8];
    let (len, fds) = receive(&stream, &mut header);
    assert_eq!((len, header[4]), (8, 2), "accepted");
    let mut rest = vec![0; usize::from(u16::from_le_bytes([header[6], header[7]]))];
    stream.read_exact(&mut rest).unwrap();
    let mut fds = fds.into_iter();
    let socket = fds.next().unwrap();
    let theirs = fds.next();
    assert_eq!(theirs.is_some(), outbox.is_some());
    let mut ready = b"ALPC\x04\0\x28\0".to_vec();
    ready.resize(48, 0);
    // The accepted end does not block.
    send(&socket, &ready, &Vec::from_iter(outbox));
    wait(&socket);
    let mut started = [0; 16];
    assert_eq!(receive(&socket, &mut started).0, 9);
    (socket, theirs)
}

/// Has a client that was made by `connect` do something, and names the offence that ends its
/// channel. Another client calls before, meanwhile and after.
pub(crate) fn offence<C>(
    server: &Server,
    honest: &CommunicationPort,
    connect: impl FnOnce(&Server) -> C,
    deed: impl FnOnce(&mut C),
) -> Misbehaviour {
    let mut client = connect(server);
    let port = server.connected();
    call(honest, b"before", &mut []).unwrap();
    deed(&mut client);
    let closed = server.closed();
    assert!(std::sync::Arc::ptr_eq(&closed, &port));
    let error = closed.closed().unwrap();
    assert_eq!(call(honest, b"after", &mut []).unwrap().body(), b"after");
    match error.kind() {
        ErrorKind::PeerMisbehaved(offence) => *offence,
        other => panic!("{other}"),
    }
}
