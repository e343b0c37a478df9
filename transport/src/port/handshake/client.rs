//! The client's side: it waits, for as long as its caller is willing to.

use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use super::crowd::{self, Attempt};
use super::frame::{
    Accept, Connect, HEADER_LEN, Header, Kind, Ready, RefusalCode, Refuse, Started,
};
use super::{
    Established, MAX_CONNECTION_DATA, Role, VERSIONS, outbox_fds, own_outbox, peer_outbox,
};
use crate::chain::Seed;
use crate::error::{Error, ErrorKind, Misbehaviour, Result, Versions};
use crate::message::Deadline;
use crate::name::{Directory, PortName};
use crate::peer::PeerIdentity;
use crate::port::attributes::{DirectAvailability, DirectPolicy, PortAttributes};
use crate::sys::identity::nonce;
use crate::sys::poll::{Woken, wait_for_peer};
use crate::sys::rendezvous;
use crate::sys::socket::{self, Received, Sent};

/// What a `connect` that never gives up asks the system for at one time.
const LONG: Duration = Duration::from_secs(3600);

/// An ACCEPT brings the private socket and the server's outbox.
const MAX_ANSWER_FDS: usize = 2;

/// Connects to the port `name` with a few words of the caller's own.
pub(crate) fn connect(
    name: &PortName,
    attributes: &PortAttributes,
    data: &[u8],
    deadline: Deadline,
) -> Result<Established> {
    connect_as(VERSIONS, name, attributes, data, deadline)
        .map_err(|error| error.while_doing(format!("connect to `{name}`")))
}

/// Connects as an end that speaks `versions`, which are others than ours in tests only.
pub(super) fn connect_as(
    versions: Versions,
    name: &PortName,
    attributes: &PortAttributes,
    data: &[u8],
    deadline: Deadline,
) -> Result<Established> {
    attributes.check()?;
    check_data(data)?;
    let directory = match &attributes.directory {
        Some(directory) => directory.clone(),
        None => Directory::locate()?,
    };
    let attempt = || attempt(versions, name, &directory, attributes, data, deadline);
    Ok(*crowd::get_through(deadline, attempt)?)
}

fn attempt(
    versions: Versions,
    name: &PortName,
    directory: &Directory,
    attributes: &PortAttributes,
    data: &[u8],
    deadline: Deadline,
) -> Result<Attempt> {
    let patience = deadline.remaining().unwrap_or(LONG);
    let (stream, server) = match rendezvous::connect(name, directory, patience) {
        Ok(connected) => connected,
        // Its queue of new clients is full.
        Err(error) if matches!(error.kind(), ErrorKind::Busy { .. }) => {
            return Ok(Attempt::Crowded(error));
        }
        Err(error) => return Err(error),
    };
    let wire = Wire { socket: rendezvous::stream_fd(&stream), server: &server, deadline };

    // A server that refused at once has closed its end already. Its reason is still to be read.
    match wire.send(&Connect::frame(versions, &attributes.limits, data), &[]) {
        Ok(()) => {}
        Err(error) if error.kind() == &ErrorKind::PeerClosed => {}
        Err(error) => return Err(error),
    }
    let (accept, fds) = match read_answer(&wire, versions)? {
        Answer::Accepted(accept, fds) => (accept, fds),
        Answer::Crowded(error) => return Ok(Attempt::Crowded(error)),
    };
    let agreed = attributes.limits.meet(&accept.limits) == accept.limits;
    if !agreed || versions.common(exactly(accept.version)).is_none() {
        return Err(misbehaved(Misbehaviour::BadLimits));
    }
    let mut fds = fds.into_iter();
    let private = fds.next().ok_or_else(|| misbehaved(Misbehaviour::MissingDescriptor))?;
    let peer_outbox = peer_outbox(&accept.limits, fds.collect())?;
    socket::check_private(private.as_fd())?;
    let own_outbox = own_outbox(&accept.limits)?;

    let wire = Wire { socket: private.as_fd(), server: &server, deadline };
    let (direct, seed) = get_ready(&wire, accept.limits.direct, &outbox_fds(own_outbox.as_ref()))?;
    Ok(Attempt::Established(Box::new(Established {
        socket: private,
        peer: server,
        limits: accept.limits,
        own_outbox,
        peer_outbox,
        direct,
        data: accept.data,
        role: Role::Client,
        seed,
        place: None,
    })))
}

/// Refuses data that no frame takes.
pub(super) fn check_data(data: &[u8]) -> Result<()> {
    if data.len() <= MAX_CONNECTION_DATA {
        return Ok(());
    }
    let (len, max) = (data.len() as u64, MAX_CONNECTION_DATA as u64);
    Err(Error::new(ErrorKind::TooLarge { len, max }, "send data along with the handshake"))
}

/// What the server says, unless it sends the client away for good.
enum Answer {
    Accepted(Accept, Vec<OwnedFd>),
    Crowded(Error),
}

/// Reads ACCEPT, or turns REFUSE into the error that it tells of.
fn read_answer(wire: &Wire<'_>, ours: Versions) -> Result<Answer> {
    let mut fds = Vec::new();
    let mut header = [0; HEADER_LEN];
    wire.receive_all(&mut header, &mut fds)?;
    let header = Header::parse(&header).map_err(misbehaved)?;
    let mut body = vec![0; header.body_len];
    wire.receive_all(&mut body, &mut fds)?;
    if header.is(Kind::Accept) {
        return Ok(Answer::Accepted(Accept::parse(&body).map_err(misbehaved)?, fds));
    }
    header.expect(Kind::Refuse).map_err(misbehaved)?;
    let Refuse { code, versions: theirs, reason } = Refuse::parse(&body).map_err(misbehaved)?;
    let kind = match code {
        RefusalCode::Policy | RefusalCode::Misbehaved => ErrorKind::Refused { reason },
        RefusalCode::Busy => ErrorKind::Busy { reason },
        RefusalCode::Crowded => {
            return Ok(Answer::Crowded(Error::new(ErrorKind::Busy { reason }, "connect")));
        }
        RefusalCode::Incompatible => ErrorKind::Incompatible { ours, theirs },
    };
    Err(Error::new(kind, "connect"))
}

/// Sends READY and waits for STARTED.
fn get_ready(
    wire: &Wire<'_>,
    policy: DirectPolicy,
    outbox: &[BorrowedFd<'_>],
) -> Result<(DirectAvailability, Seed)> {
    // On the heap, where it lies still until the server has looked. Both ends know it, and nobody
    // else, so it also names their calls.
    let mut ready = Box::new(Ready { address: 0, nonce: nonce()? });
    if policy == DirectPolicy::SameUser {
        ready.address = ready.nonce.as_ptr().expose_provenance() as u64;
    }
    wire.send(&ready.frame(), outbox)?;
    let mut started = [0; Started::FRAME_LEN];
    let mut fds = Vec::new();
    let len = wire.receive(&mut started, &mut fds)?;
    // The server read the nonce by the address. The compiler must not think that nobody did.
    std::hint::black_box(&ready.nonce);
    if !fds.is_empty() {
        return Err(misbehaved(Misbehaviour::TooManyDescriptors { max: 0 }));
    }
    let started = Started::parse(started.get(..len).unwrap_or_default()).map_err(misbehaved)?;
    Ok((started.direct, Seed::new(&ready.nonce)))
}

/// A socket to the server, and how long to wait for it.
struct Wire<'a> {
    socket: BorrowedFd<'a>,
    server: &'a PeerIdentity,
    deadline: Deadline,
}

impl Wire<'_> {
    /// Sends one frame. A socket that nothing was sent on has room for it.
    fn send(&self, frame: &[u8], fds: &[BorrowedFd<'_>]) -> Result<()> {
        match socket::send(self.socket, &[IoSlice::new(frame)], fds)? {
            Sent::Done => Ok(()),
            Sent::WouldBlock => {
                let what = "room in the socket";
                Err(Error::new(ErrorKind::Exhausted { what }, "send to the server"))
            }
        }
    }

    /// Fills `buffer` from a stream.
    fn receive_all(&self, buffer: &mut [u8], fds: &mut Vec<OwnedFd>) -> Result<()> {
        let mut rest = buffer;
        while !rest.is_empty() {
            let len = self.receive(rest, fds)?;
            // Every byte of a stream can bring descriptors. They must not fill our table.
            if fds.len() > MAX_ANSWER_FDS {
                let max = MAX_ANSWER_FDS as u64;
                return Err(misbehaved(Misbehaviour::TooManyDescriptors { max }));
            }
            rest = rest.get_mut(len..).unwrap_or_default();
        }
        Ok(())
    }

    /// Waits for a datagram, or for some bytes of a stream.
    fn receive(&self, buffer: &mut [u8], fds: &mut Vec<OwnedFd>) -> Result<usize> {
        const DOING: &str = "hear from the server";
        loop {
            match socket::recv(self.socket, buffer, fds)? {
                Received::Datagram(len) => return Ok(len),
                Received::Lost(_) => return Err(socket::no_descriptors(DOING)),
                Received::Closed => return Err(Error::new(ErrorKind::PeerClosed, DOING)),
                Received::Empty if self.deadline.is_past() => {
                    return Err(Error::new(ErrorKind::TimedOut, DOING));
                }
                Received::Empty => {}
            }
            let process = Some(self.server.process.fd());
            match wait_for_peer(self.socket, process, self.deadline.remaining())? {
                Woken::Died => return Err(Error::new(ErrorKind::PeerClosed, DOING)),
                Woken::Socket | Woken::Bell | Woken::TimedOut => {}
            }
        }
    }
}

fn misbehaved(offence: Misbehaviour) -> Error {
    Error::misbehaved("connect", offence)
}

fn exactly(version: u16) -> Versions {
    Versions { oldest: version, newest: version }
}
