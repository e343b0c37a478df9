//! Calls from a server to its client: a second private pair of the same connection, the other way.
//!
//! What the client of the first pair is, is the server of the second, so calls back run with all the
//! code that calls have, and with credits of their own: a client whose threads all wait for replies
//! is called all the same. There are no frames for making it. The client's offer and the server's
//! answer are handles of one ordinary call, which the layer above makes when it first needs one.
//!
//! The server makes the pair, as it does at connect: it takes no socket of its client's making. The
//! two channels have one life. Whatever ends one of them ends the other.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use super::attributes::{DirectAvailability, DirectPolicy, Limits};
use super::communication::CommunicationPort;
use super::handshake::{Established, Role, outbox_fds, own_outbox, peer_outbox};
use super::serving::ServerPort;
use crate::channel::Channel;
use crate::completion::CompletionPort;
use crate::error::{Error, ErrorKind, Misbehaviour, Result};
use crate::sys::memory::OwnMemory;
use crate::sys::socket;

const DOING: &str = "make a channel from the server to its client";

/// A client's part of a channel that its server may call it through.
///
/// Dropped before it is completed, it leaves nothing behind at the client; a server that has accepted
/// it sees its connection end.
pub struct ReverseOffer {
    first: Arc<Channel>,
    limits: Limits,
    outbox: Option<OwnMemory>,
}

/// What a server gets when it accepts an offer.
#[derive(Debug)]
#[non_exhaustive]
pub struct ReverseAcceptance {
    /// Calls the client. When its last clone is dropped, the whole connection ends.
    pub port: CommunicationPort,
    /// What the client completes its offer with: they belong into the reply.
    pub handles: Vec<OwnedFd>,
}

impl CommunicationPort {
    /// Prepares a channel through which the server can call this client. Nothing is sent: the offer's
    /// handles go to the server with a call, whose reply brings those that complete it.
    ///
    /// # Errors
    ///
    /// When the two ends agreed on fewer handles for a message than this takes, which is two (one
    /// without shared memory), or there is no memory.
    pub fn offer_reverse(&self) -> Result<ReverseOffer> {
        let first = self.channel().clone();
        let limits = reverse_limits(&first.limits);
        let outbox = own_outbox(&limits)?;
        if limits.max_handles < 1 + outbox_fds(outbox.as_ref()).len() {
            let what = "the two ends agreed on fewer handles for a message than that takes";
            return Err(Error::new(ErrorKind::Unsupported { what }, DOING));
        }
        Ok(ReverseOffer { first, limits, outbox })
    }
}

impl ReverseOffer {
    /// What the server accepts the offer with, in this order.
    pub fn handles(&self) -> Vec<BorrowedFd<'_>> {
        outbox_fds(self.outbox.as_ref())
    }

    /// Opens the channel with the handles of the server's reply. Its calls come to the workers of the
    /// port that this gives: first [`Completion::Connected`](crate::Completion::Connected), then calls
    /// until the connection ends, then [`Completion::Closed`](crate::Completion::Closed), and nothing
    /// more.
    ///
    /// # Errors
    ///
    /// When the handles are not those of an acceptance, the connection has such a channel already, or
    /// has ended.
    pub fn complete(self, handles: Vec<OwnedFd>) -> Result<CompletionPort> {
        let mut handles = handles.into_iter();
        let missing = || Error::misbehaved(DOING, Misbehaviour::MissingDescriptor);
        let socket = handles.next().ok_or_else(missing)?;
        socket::check_private(socket.as_fd())?;
        let theirs = peer_outbox(&self.limits, handles.collect())?;
        let ReverseOffer { first, limits, outbox } = self;
        let channel = open(&first, limits, Role::Server, socket, (outbox, theirs))?;
        CompletionPort::of_channel(channel)
    }
}

impl ServerPort {
    /// Accepts a client's offer, given the handles that came with it.
    ///
    /// # Errors
    ///
    /// When the handles are not those of an offer, the connection has such a channel already, or has
    /// ended.
    pub fn accept_reverse(&self, handles: Vec<OwnedFd>) -> Result<ReverseAcceptance> {
        let first = &self.channel;
        let limits = reverse_limits(&first.limits);
        let theirs = peer_outbox(&limits, handles)?;
        let outbox = own_outbox(&limits)?;
        let copies = outbox_fds(outbox.as_ref()).into_iter().map(|fd| fd.try_clone_to_owned());
        let copies = copies.collect::<std::io::Result<Vec<_>>>();
        let (socket, other) = socket::pair()?;
        let mut handles = vec![other];
        handles.extend(copies.map_err(|error| Error::os(DOING, error))?);
        let channel = open(first, limits, Role::Client, socket, (outbox, theirs))?;
        let port = CommunicationPort::of_channel(channel, Vec::new())?;
        Ok(ReverseAcceptance { port, handles })
    }
}

/// What the first pair agreed on. A client never reaches into its server's memory, though: nobody is
/// to read the memory of whom it only asked for a service.
fn reverse_limits(limits: &Limits) -> Limits {
    Limits { direct: DirectPolicy::Never, ..limits.clone() }
}

/// Makes one end of the second pair, and ties it to the first.
fn open(
    first: &Arc<Channel>,
    limits: Limits,
    role: Role,
    socket: OwnedFd,
    (own_outbox, peer_outbox): (Option<OwnMemory>, Option<crate::sys::memory::PeerMemory>),
) -> Result<Arc<Channel>> {
    let established = Established {
        socket,
        peer: first.peer.clone(),
        limits,
        own_outbox,
        peer_outbox,
        direct: DirectAvailability::Forbidden,
        data: Vec::new(),
        role,
        seed: first.seed.reverse(),
        place: None,
    };
    let second = Arc::new(Channel::new(established)?);
    if !first.tie(&second) {
        let reason = "the connection has one already".to_owned();
        return Err(Error::new(ErrorKind::Invalid { reason }, DOING));
    }
    first.check_open()?;
    Ok(second)
}

impl std::fmt::Debug for ReverseOffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReverseOffer").field("peer", &self.first.peer).finish_non_exhaustive()
    }
}
