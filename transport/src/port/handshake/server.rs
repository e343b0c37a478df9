//! The server's side, as steps of which none waits.
//!
//! A client is an [`Introduction`] until its CONNECT is complete, then a [`Greeting`] that somebody
//! has to decide on, then an [`Answer`] until its READY is there.

use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd};

use interprocess::local_socket::Stream;

use super::client::check_data;
use super::frame::{Accept, Connect, Connected, HEADER_LEN, Header, Kind, Ready, Refuse, Started};
use super::prober::Job;
use super::{Established, RefusalCode, Role, VERSIONS, outbox_fds, own_outbox, peer_outbox};
use crate::chain::Seed;
use crate::error::{Error, ErrorKind, Misbehaviour, Result};
use crate::peer::PeerIdentity;
use crate::port::attributes::{DirectAvailability, DirectPolicy, Limits};
use crate::port::connection::Place;
use crate::sys::rendezvous::stream_fd;
use crate::sys::socket::{self, Received, Sent};

const DOING: &str = "take a client";

/// Tells a client why not. Whether it listens is its own affair.
pub(crate) fn refuse(stream: &Stream, code: RefusalCode, reason: &str) {
    let frame = Refuse::frame(code, VERSIONS, reason);
    let _ = socket::send(stream_fd(stream), &[IoSlice::new(&frame)], &[]);
}

/// A client that has connected and not yet said what it wants.
pub(crate) struct Introduction {
    stream: Stream,
    peer: PeerIdentity,
    /// What has come of its CONNECT.
    frame: Vec<u8>,
}

impl Introduction {
    pub(crate) fn new(stream: Stream, peer: PeerIdentity) -> Introduction {
        Introduction { stream, peer, frame: Vec::new() }
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        stream_fd(&self.stream)
    }

    pub(crate) fn refuse(&self, code: RefusalCode, reason: &str) {
        refuse(&self.stream, code, reason);
    }

    /// Reads what is there. `true` when the frame is complete.
    pub(crate) fn advance(&mut self) -> Result<bool> {
        loop {
            let missing = self.missing()?;
            if missing == 0 {
                return Ok(true);
            }
            let have = self.frame.len();
            self.frame.resize(have + missing, 0);
            let into = self.frame.get_mut(have..).unwrap_or_default();
            let received = socket::recv_bytes(stream_fd(&self.stream), into);
            let len = if let Ok(Received::Datagram(len)) = received { len } else { 0 };
            self.frame.truncate(have + len);
            match received? {
                Received::Datagram(_) | Received::Lost(_) => {}
                Received::Empty => return Ok(false),
                Received::Closed => return Err(Error::new(ErrorKind::PeerClosed, DOING)),
            }
        }
    }

    /// How many bytes to read next: the rest of the header, then the rest of the body.
    fn missing(&self) -> Result<usize> {
        let Some((header, body)) = self.frame.split_first_chunk() else {
            return Ok(HEADER_LEN - self.frame.len());
        };
        let header = Header::parse(header).map_err(misbehaved)?;
        header.expect(Kind::Connect).map_err(misbehaved)?;
        Ok(header.body_len.saturating_sub(body.len()))
    }

    /// Understands a complete frame. `ours` are the limits of the port. When it comes to nothing,
    /// the client has been told why.
    pub(crate) fn understand(self, ours: &Limits) -> Option<Greeting> {
        let body = self.frame.get(HEADER_LEN..).unwrap_or_default();
        match Connect::parse(body, VERSIONS) {
            Ok(Connected::Compatible(version, Connect { limits, data })) => {
                let limits = ours.meet(&limits);
                let Introduction { stream, peer, .. } = self;
                Some(Greeting { stream, peer, version, limits, data })
            }
            Ok(Connected::Incompatible) => {
                self.refuse(RefusalCode::Incompatible, "no version of the protocol in common");
                None
            }
            Err(offence) => {
                self.refuse_offender(&misbehaved(offence));
                None
            }
        }
    }

    /// Tells a client by which error its introduction ended.
    pub(crate) fn refuse_offender(&self, error: &Error) {
        let reason = match error.misbehaviour() {
            Some(offence) => format!("this client {offence}"),
            None => error.to_string(),
        };
        self.refuse(RefusalCode::Misbehaved, &reason);
    }
}

/// A client that waits to be accepted or refused.
pub(crate) struct Greeting {
    stream: Stream,
    pub(crate) peer: PeerIdentity,
    version: u16,
    limits: Limits,
    pub(crate) data: Vec<u8>,
}

impl Greeting {
    pub(crate) fn refuse(&self, code: RefusalCode, reason: &str) {
        refuse(&self.stream, code, reason);
    }

    /// Makes the private pair and hands the client its end. The client's first socket ends here.
    pub(crate) fn accept(&self, data: &[u8], place: Place) -> Result<Answer> {
        check_data(data)?;
        let own_outbox = own_outbox(&self.limits)?;
        let (ours, theirs) = socket::pair()?;
        let frame = Accept::frame(self.version, &self.limits, data);
        let mut fds = vec![theirs.as_fd()];
        fds.extend(outbox_fds(own_outbox.as_ref()));
        match socket::send(stream_fd(&self.stream), &[IoSlice::new(&frame)], &fds)? {
            Sent::Done => {}
            Sent::WouldBlock => return Err(Error::new(ErrorKind::PeerClosed, DOING)),
        }
        Ok(Answer {
            established: Established {
                socket: ours,
                peer: self.peer.clone(),
                limits: self.limits.clone(),
                own_outbox,
                peer_outbox: None,
                direct: DirectAvailability::Forbidden,
                data: self.data.clone(),
                role: Role::Server,
                // Until the client has said.
                seed: Seed::new(&[0; 32]),
                place: Some(place),
            },
        })
    }
}

/// A client that was accepted and has to send its own outbox.
pub(crate) struct Answer {
    established: Established,
}

impl Answer {
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.established.socket.as_fd()
    }

    /// Takes READY when it is there.
    pub(crate) fn advance(&mut self) -> Result<Option<Readiness>> {
        let mut datagram = [0; Ready::FRAME_LEN];
        let mut fds = Vec::new();
        let len = match socket::recv(self.fd(), &mut datagram, &mut fds)? {
            Received::Empty => return Ok(None),
            Received::Closed => return Err(Error::new(ErrorKind::PeerClosed, DOING)),
            Received::Lost(_) => return Err(socket::no_descriptors(DOING)),
            Received::Datagram(len) => len,
        };
        let ready = Ready::parse(datagram.get(..len).unwrap_or_default()).map_err(misbehaved)?;
        self.established.peer_outbox = peer_outbox(&self.established.limits, fds)?;
        self.established.seed = Seed::new(&ready.nonce);
        Ok(Some(Readiness(ready)))
    }

    /// What to read in the client's memory, or why not to.
    pub(crate) fn probe(
        &self,
        readiness: &Readiness,
        client: u64,
        own_uid: u32,
    ) -> std::result::Result<Job, DirectAvailability> {
        let Established { limits, peer, .. } = &self.established;
        let Readiness(Ready { address, nonce }) = *readiness;
        match (limits.direct, peer.pid()) {
            (DirectPolicy::Never, _) => Err(DirectAvailability::Forbidden),
            _ if address == 0 => Err(DirectAvailability::Forbidden),
            _ if peer.uid() != own_uid => Err(DirectAvailability::OtherUser),
            (_, None) => Err(DirectAvailability::NoSuchProcess),
            (_, Some(pid)) => Ok(Job { client, pid, address, nonce }),
        }
    }

    /// Lets messages flow.
    pub(crate) fn start(mut self, direct: DirectAvailability) -> Result<Established> {
        // The number that was probed may have passed to another process; then it is not our peer's.
        self.established.direct = match direct {
            DirectAvailability::Available if !self.established.peer.is_alive() => {
                return Err(Error::new(ErrorKind::PeerClosed, DOING));
            }
            direct => direct,
        };
        let frame = Started { direct: self.established.direct }.frame();
        match socket::send(self.fd(), &[IoSlice::new(&frame)], &[])? {
            Sent::Done => Ok(self.established),
            Sent::WouldBlock => Err(Error::new(ErrorKind::PeerClosed, DOING)),
        }
    }
}

/// A client's READY.
pub(crate) struct Readiness(Ready);

fn misbehaved(offence: Misbehaviour) -> Error {
    Error::misbehaved(DOING, offence)
}
