//! The named port that clients connect to.
//!
//! It is a small machine without a thread of its own: a set of handshakes under way that goes on
//! whenever somebody asks for the next event, and a descriptor that is readable while there is
//! anything to go on with. No client can make it wait: all it does is take what is there, and drop
//! whoever is too slow.

mod arrivals;
mod places;
#[cfg(test)]
mod tests;

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Weak};

use arrivals::{Arrivals, busy};
pub(crate) use places::Place;

use super::attributes::PortAttributes;
use super::handshake::{Established, Greeting, RefusalCode};
use crate::error::{Error, ErrorKind, Result};
use crate::message::Deadline;
use crate::name::PortName;
use crate::peer::PeerIdentity;
use crate::sys::poll::wait_for_peer;

/// A named port to which clients connect.
///
/// It belongs to this process as long as it lives; dropping it frees the name, and so does the end
/// of the process, however it ends. Connections that were accepted stay.
///
/// Any number of threads may ask for events. The descriptor of [`as_fd`](AsFd::as_fd) is readable
/// while [`try_next`](ConnectionPort::try_next) has something to do.
pub struct ConnectionPort {
    arrivals: Arc<Arrivals>,
}

/// What happens at a port.
#[non_exhaustive]
pub enum ConnectionEvent {
    /// A client that the port's policy admits wants a connection.
    Request(ConnectionRequest),
    /// A client that was accepted is ready, and messages may flow.
    Established(AcceptedConnection),
}

/// A finished handshake.
pub struct AcceptedConnection {
    established: Box<Established>,
}

impl ConnectionPort {
    /// Takes `name` and begins to listen.
    ///
    /// Fails with [`AlreadyExists`](ErrorKind::AlreadyExists) while another port has the name, in
    /// this process or another.
    pub fn create(name: &PortName, attributes: &PortAttributes) -> Result<ConnectionPort> {
        attributes.check()?;
        let arrivals = Arrivals::new(name, attributes)?;
        Ok(ConnectionPort { arrivals: Arc::new(arrivals) })
    }

    /// The port's name.
    pub fn name(&self) -> &PortName {
        self.arrivals.name()
    }

    /// The next event, if one is there. Never waits for a client.
    pub fn try_next(&self) -> Result<Option<ConnectionEvent>> {
        self.arrivals.try_next()
    }

    /// Waits for the next event.
    ///
    /// Fails with [`TimedOut`](ErrorKind::TimedOut) when there is none until `deadline`.
    pub fn next(&self, deadline: Deadline) -> Result<ConnectionEvent> {
        loop {
            if let Some(event) = self.try_next()? {
                return Ok(event);
            }
            if deadline.is_past() {
                return Err(Error::new(ErrorKind::TimedOut, self.arrivals.doing()));
            }
            wait_for_peer(self.as_fd(), None, deadline.remaining())?;
        }
    }
}

#[cfg(test)]
impl ConnectionPort {
    /// How many handshakes are under way.
    pub(crate) fn handshakes(&self) -> usize {
        self.arrivals.handshakes()
    }
}

impl ConnectionPort {
    /// Lets no more clients find the port: its service has ended.
    pub(crate) fn withdraw(&self) {
        self.arrivals.withdraw();
    }
}

impl AsFd for ConnectionPort {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.arrivals.fd()
    }
}

impl AcceptedConnection {
    /// Who the client is.
    pub fn peer(&self) -> &PeerIdentity {
        &self.established.peer
    }

    /// What the client sent along when it connected.
    pub fn data(&self) -> &[u8] {
        &self.established.data
    }

    pub(crate) fn into_established(self) -> Established {
        *self.established
    }
}

/// A client that waits for an answer. Dropped without one, it is refused.
pub struct ConnectionRequest {
    /// `None` once it is answered.
    ///
    /// Boxed, because it is long: every completion would be as long.
    question: Option<Box<(Greeting, Place)>>,
    port: Weak<Arrivals>,
}

impl ConnectionRequest {
    /// Who asks.
    pub fn peer(&self) -> &PeerIdentity {
        &self.greeting().peer
    }

    /// What the client sent along: up to [`MAX_CONNECTION_DATA`](crate::MAX_CONNECTION_DATA) bytes.
    pub fn data(&self) -> &[u8] {
        &self.greeting().data
    }

    /// Lets the client in, with up to 4 KiB of words of the server's own.
    ///
    /// The connection is there when the port tells [`ConnectionEvent::Established`]; a client that
    /// goes away before that is never heard of again. When this fails, the client was told why it
    /// cannot come in, and nothing else is to be done.
    pub fn accept(mut self, data: &[u8]) -> Result<()> {
        let Some(question) = self.question.take() else { return Ok(()) };
        let (greeting, handshake) = *question;
        let accepted = match self.port.upgrade() {
            Some(port) => port.accept(&greeting, handshake, data),
            None => Err(busy("its port was closed".to_owned())),
        };
        accepted.inspect_err(|error| match error.kind() {
            ErrorKind::Busy { reason } => greeting.refuse(RefusalCode::Busy, reason),
            _ => greeting.refuse(RefusalCode::Busy, &format!("it {error}")),
        })
    }

    /// Sends the client away, with the reason that its caller gets to read: up to 1 KiB.
    pub fn refuse(mut self, reason: &str) {
        if let Some((greeting, _)) = self.question.take().map(|question| *question) {
            greeting.refuse(RefusalCode::Policy, reason);
        }
    }

    fn greeting(&self) -> &Greeting {
        let question = self.question.as_ref();
        &question.expect("only `accept`, `refuse` and `drop` take it, and end this").0
    }
}

impl Drop for ConnectionRequest {
    fn drop(&mut self) {
        if let Some((greeting, _)) = self.question.take().map(|question| *question) {
            greeting.refuse(RefusalCode::Busy, "it did not answer the request");
        }
    }
}
