//! How a connection becomes a private pair of communication ports.
//!
//! ```text
//! client                                        server
//!   CONNECT  versions, limits, data      ──►      learns who it is, asks its policy
//!            ◄── ACCEPT  version, limits, data     (or REFUSE  code, reason)
//!                + private socket, server's outbox
//!   READY    address and nonce           ══►      checks the outbox, reads the nonce directly
//!            + client's outbox
//!            ◄══ STARTED  direct availability
//! ```
//!
//! `──` is the socket that the client connected to, which then ends; `══` is the private pair.
//! Until ACCEPT the server parses one small frame and takes no descriptor; after it exactly one.
//! The server never waits: what a client leaves undone until its deadline is dropped.

mod client;
mod crowd;
mod frame;
mod prober;
mod server;
#[cfg(test)]
mod tests;

use std::os::fd::{BorrowedFd, OwnedFd};

pub(crate) use client::connect;
pub(crate) use frame::RefusalCode;
pub(crate) use prober::{Asked, Prober, ThreadNumber};
pub(crate) use server::{Answer, Greeting, Introduction, refuse};

use super::attributes::{Accelerator, DirectAvailability, Limits};
use super::connection::Place;
use crate::chain::Seed;
use crate::error::{Error, Misbehaviour, Result, Versions};
use crate::peer::PeerIdentity;
use crate::queue::outbox_len;
use crate::sys::memory::{OwnMemory, PeerMemory};

/// The versions of the protocol that this crate speaks.
pub(crate) const VERSIONS: Versions = Versions { oldest: 1, newest: 1 };

/// The most bytes that either end may send along with the handshake.
pub const MAX_CONNECTION_DATA: usize = 4096;

/// Which end of a connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
}

/// A private pair's end, and all that was agreed on.
pub(crate) struct Established {
    /// The private socket. It is used without blocking only, call by call.
    pub(crate) socket: OwnedFd,
    pub(crate) peer: PeerIdentity,
    pub(crate) limits: Limits,
    /// `None` when the two ends agreed to do without shared memory; so is `peer_outbox`.
    pub(crate) own_outbox: Option<OwnMemory>,
    pub(crate) peer_outbox: Option<PeerMemory>,
    /// Whether the server can reach the client's memory.
    pub(crate) direct: DirectAvailability,
    /// What the peer sent along with its CONNECT or ACCEPT.
    pub(crate) data: Vec<u8>,
    pub(crate) role: Role,
    /// What calls are named by, in the chains that they begin.
    pub(crate) seed: Seed,
    /// A server's place among its port's connections, free again when this is dropped.
    pub(crate) place: Option<Place>,
}

/// The outbox of this end, when shared memory was agreed on.
pub(super) fn own_outbox(limits: &Limits) -> Result<Option<OwnMemory>> {
    match limits.accelerator {
        Accelerator::On => OwnMemory::create(outbox_bytes(limits)).map(Some),
        Accelerator::Off => Ok(None),
    }
}

/// The peer's outbox from the descriptors that came with its frame: one when shared memory was
/// agreed on, and none otherwise.
pub(super) fn peer_outbox(limits: &Limits, fds: Vec<OwnedFd>) -> Result<Option<PeerMemory>> {
    const DOING: &str = "take the peer's outbox";
    let max = match limits.accelerator {
        Accelerator::On => 1,
        Accelerator::Off => 0,
    };
    if fds.len() > max {
        let offence = Misbehaviour::TooManyDescriptors { max: max as u64 };
        return Err(Error::misbehaved(DOING, offence));
    }
    match (limits.accelerator, fds.into_iter().next()) {
        (Accelerator::Off, _) => Ok(None),
        (Accelerator::On, None) => Err(Error::misbehaved(DOING, Misbehaviour::MissingDescriptor)),
        (Accelerator::On, Some(fd)) => PeerMemory::open(fd, outbox_bytes(limits)).map(Some),
    }
}

fn outbox_bytes(limits: &Limits) -> usize {
    // `Limits::fault` keeps it to 1 MiB.
    outbox_len(u32::try_from(limits.outbox_len).unwrap_or(u32::MAX))
}

/// The descriptors that go along with a frame.
pub(super) fn outbox_fds(outbox: Option<&OwnMemory>) -> Vec<BorrowedFd<'_>> {
    outbox.and_then(OwnMemory::fd).into_iter().collect()
}
