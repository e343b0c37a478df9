//! The blocking client's side: connections, deadlines, and what happened to a call.

mod call;
mod callbacks;
mod leaving;
mod reconnect;
mod reply;
#[cfg(feature = "async")]
mod tasks;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use alpc_transport::{
    CallFailure, Cancellation, CommunicationPort, Deadline, ErrorKind, PeerIdentity,
    PortAttributes, PortName, Reason, Region, Request, Response, Travelled, Way,
};

pub use call::ClientCall;
pub(crate) use call::{
    failed, push_index, push_number, push_small, send_with_body, take_long_body,
};
pub(crate) use callbacks::{AtWork, Crew, MAX_OBJECTS, ensure as ensure_callbacks};
pub(crate) use reconnect::Line;
use reconnect::Origin;
pub use reconnect::{Reconnect, Subscriptions};
pub use reply::ClientReply;
#[cfg(feature = "tokio")]
pub(crate) use tasks::Runtimes;
#[cfg(all(test, feature = "async"))]
pub(crate) use tasks::tests::block_on;
#[cfg(feature = "async")]
pub use tasks::{AsyncClient, Filled};

use crate::agreement::{self, Agreement};
use crate::descriptor::InterfaceDesc;
use crate::error::ConnectError;
use crate::event::{Events, HasEvents};
use crate::hello::Hello;
use crate::object::{Link, ROOT, Target};

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a call waits, unless it is said otherwise.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(30);

/// What every generated client can do besides the calls of its interface.
///
/// It is a trait, so that the names of an interface's methods are its own.
pub trait Client: Sized + Clone {
    /// The interface that this client calls.
    const INTERFACE: &'static InterfaceDesc;

    #[doc(hidden)]
    fn from_core(core: ClientCore) -> Self;

    #[doc(hidden)]
    fn core(&self) -> &ClientCore;

    /// Connects to the port `name`, waiting up to 10 seconds for its server's decision.
    ///
    /// # Errors
    ///
    /// When nobody serves the name, the server refuses, or it serves another interface.
    fn connect(name: &str) -> Result<Self, ConnectError> {
        Self::connect_with(name, &PortAttributes::new())
    }

    /// Connects to the endpoint that the interface names as its own.
    ///
    /// # Errors
    ///
    /// As [`connect`](Client::connect); and when the interface names none.
    fn connect_default() -> Result<Self, ConnectError> {
        match Self::INTERFACE.endpoint {
            Some(name) => Self::connect(name),
            None => Err(without_endpoint(Self::INTERFACE)),
        }
    }

    /// Connects with attributes of one's own.
    ///
    /// # Errors
    ///
    /// As [`connect`](Client::connect).
    fn connect_with(name: &str, attributes: &PortAttributes) -> Result<Self, ConnectError> {
        ClientCore::connect(name, attributes, Self::INTERFACE).map(Self::from_core)
    }

    /// The same connection, whose calls wait for `timeout`, whatever the interface says.
    #[must_use]
    fn with_timeout(&self, timeout: Duration) -> Self {
        Self::from_core(self.core().with_patience(Patience::For(timeout)))
    }

    /// The same connection, whose calls wait for as long as it takes.
    #[must_use]
    fn without_deadline(&self) -> Self {
        Self::from_core(self.core().with_patience(Patience::Forever))
    }

    /// The same connection, whose calls end when `token` fires: with
    /// [`TransportError::Cancelled`](crate::TransportError::Cancelled), and with the server told that nobody waits any more. Whether
    /// that stops a handler that has begun is its interface's to say (`[cancellable]`).
    ///
    /// One-way calls, which wait for room at most, do not look at it.
    ///
    /// ```ignore
    /// let canceller = Canceller::new();
    /// let scans = disk.with_cancel(&canceller.token());
    /// std::thread::spawn(move || { wait_for_ctrl_c(); canceller.cancel() });
    /// let found = scans.scan("/")?;
    /// ```
    #[must_use]
    fn with_cancel(&self, token: &Cancellation) -> Self {
        Self::from_core(self.core().with_cancel(token))
    }

    /// The same connection, which is made anew when it has ended, as with a restart of the server, and
    /// something is called by this client or its clones. That waits for the new one, as long as the
    /// call's own deadline allows.
    ///
    /// A call that the old server may have begun is sent again only if its interface says that this does
    /// no harm (`[idempotent]`), three times at most; any other ends with
    /// [`Disconnected`](crate::TransportError::Disconnected), and `may_have_run`. Objects of the old
    /// server, and callbacks that it was given, are gone with it: see [`Reconnect::prepare`]. What
    /// becomes of subscriptions is the policy's to say.
    ///
    /// [`peer`](Client::peer), [`port`](Client::port) and [`region`](Client::region) are those of the
    /// first connection; [`current`](Client::current) has those of the one that there is now. The client
    /// of an object has no name to come back to, and stays as it is.
    ///
    /// ```ignore
    /// let kv = KeyValueClient::connect("acme.kv")?.reconnect(Reconnect::new());
    /// ```
    #[must_use]
    fn reconnect(&self, policy: Reconnect<Self>) -> Self
    where
        Self: 'static,
    {
        Self::from_core(self.core().reconnecting(policy))
    }

    /// The connection that there is now, by a client that does not come back. Of one that never does,
    /// the same.
    #[must_use]
    fn current(&self) -> Self {
        Self::from_core(self.core().current())
    }

    /// Makes a call and tells how its bulk arguments travelled.
    ///
    /// ```ignore
    /// let (sum, info) = client.observed(|client| client.upload(&frame));
    /// println!("{:?}", info.bulk);
    /// ```
    fn observed<R>(&self, call: impl FnOnce(&Self) -> R) -> (R, CallInfo) {
        let observer = Arc::new(Mutex::new(CallInfo::default()));
        let result = call(&Self::from_core(self.core().observed_by(observer.clone())));
        let info = std::mem::take(&mut *observer.lock().unwrap_or_else(PoisonError::into_inner));
        (result, info)
    }

    /// Makes calls that have no answer for one bell: the server is told of those that are made through the
    /// client which `calls` is given when `calls` returns, all at once. A server that is awake may begin
    /// with them before. Other calls through that client are made as always, and the server hears then of
    /// everything before.
    ///
    /// ```ignore
    /// client.batched(|client| lines.iter().try_for_each(|line| client.log(line)))?;
    /// ```
    ///
    /// What comes of sending them is known when they are made; that the server has gone since is found out
    /// by the next call, as it is after a call without an answer. A client that [comes
    /// back](Client::reconnect) does not do so in between.
    fn batched<R>(&self, calls: impl FnOnce(&Self) -> R) -> R {
        // One connection for all of them: what is told of at the end is what was sent by it.
        let core = self.core().current().ringing_later();
        let _told = TellsLater(core.port());
        calls(&Self::from_core(core.clone()))
    }

    /// Subscribes to the events of the object that this client calls, until what is returned is
    /// dropped. Waits for the server to say that it knows.
    ///
    /// If that fails, its error is the one and only thing that comes.
    ///
    /// ```ignore
    /// for event in kv.events() {
    ///     if let KeyValueEvent::Evicted { key } = event? {
    ///         println!("{key} is gone");
    ///     }
    /// }
    /// ```
    fn events(&self) -> Events<Self::Event>
    where
        Self: HasEvents,
    {
        Events::subscribe(self.core(), Self::INTERFACE)
    }

    /// Memory of `len` bytes to fill in place: `Blob::from(region)` is sent through this connection
    /// without a copy, and the memory is used again when the server has let go of it.
    ///
    /// # Errors
    ///
    /// When the regions in use leave no room for it.
    fn region(&self, len: usize) -> Result<Region, alpc_transport::Error> {
        self.core().port().region(len)
    }

    /// Who the server is, as the kernel says.
    fn peer(&self) -> &PeerIdentity {
        self.core().port().peer()
    }

    /// The port underneath.
    fn port(&self) -> &CommunicationPort {
        self.core().port()
    }
}

fn without_endpoint(interface: &InterfaceDesc) -> ConnectError {
    let reason = "the interface names no endpoint; say which port to connect to".to_owned();
    ConnectError::NotFound { name: interface.name.to_owned(), reason }
}

/// Tells the server of what it was not rung for, also after a panic.
struct TellsLater<'p>(&'p CommunicationPort);

impl Drop for TellsLater<'_> {
    fn drop(&mut self) {
        // A server that is gone is met by the next call.
        let _gone = self.0.flush(Deadline::after(CALL_TIMEOUT));
    }
}

/// How one call's bulk arguments travelled.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct CallInfo {
    /// First those that went out, then those that came back, each in the order of the interface.
    pub bulk: Vec<Travelled>,
}

/// An object on the other side of a connection, and how its calls are made. What generated clients
/// hold. The last clone that goes releases the object, or closes the connection.
#[derive(Clone)]
pub struct ClientCore {
    target: Arc<Target>,
    patience: Patience,
    observer: Option<Arc<Mutex<CallInfo>>>,
    /// The server is not rung for calls without an answer: see [`Client::batched`].
    rings_later: bool,
    /// Ends calls before their deadline.
    cancel: Option<Cancellation>,
    /// What the connection was made to, if it was made to call this.
    origin: Option<Arc<Origin>>,
    /// What makes the next connection, if this client comes back.
    line: Option<Arc<Line>>,
}

#[derive(Clone, Copy)]
enum Patience {
    /// What the method's interface says, or 30 seconds.
    AsSpecified,
    For(Duration),
    Forever,
}

impl ClientCore {
    fn connect(
        name: &str,
        attributes: &PortAttributes,
        interface: &'static InterfaceDesc,
    ) -> Result<ClientCore, ConnectError> {
        let core = ClientCore::connect_until(name, attributes, interface, Deadline::NEVER)?;
        let origin = Origin { name: name.to_owned(), attributes: attributes.clone(), interface };
        Ok(ClientCore { origin: Some(Arc::new(origin)), ..core })
    }

    /// As `connect`, until the deadline if that is sooner than it takes at most.
    fn connect_until(
        name: &str,
        attributes: &PortAttributes,
        interface: &'static InterfaceDesc,
        deadline: Deadline,
    ) -> Result<ClientCore, ConnectError> {
        let port_name = PortName::new(name)?;
        let hello = Hello::of(interface);
        let deadline = deadline.min(Deadline::after(CONNECT_TIMEOUT));
        let port = CommunicationPort::connect(&port_name, attributes, &hello.encode(), deadline);
        let port = port.map_err(|error| match error.kind() {
            ErrorKind::NotFound { reason } => {
                ConnectError::NotFound { name: name.to_owned(), reason: reason.clone() }
            }
            ErrorKind::Busy { reason } => ConnectError::Busy { reason: reason.clone() },
            ErrorKind::Untrusted { reason } => ConnectError::Untrusted { reason: reason.clone() },
            ErrorKind::Refused { reason } => hello.refused(reason.clone()),
            ErrorKind::PermissionDenied => ConnectError::PermissionDenied,
            ErrorKind::TimedOut => ConnectError::TimedOut,
            _ => ConnectError::Transport(error),
        })?;
        let agreement = match Hello::decode(port.accept_data()) {
            Some(theirs) if hello.is_equal(&theirs) => Agreement::Whole,
            Some(theirs) => agreement::reach(&port, interface, &theirs, deadline)?,
            None => {
                let what = "its answer is no greeting of this version".to_owned();
                return Err(ConnectError::Malformed { what });
            }
        };
        let link = Link::of_client(port.clone(), agreement);
        Ok(ClientCore::of_object(Arc::new(Target::new(link, port, ROOT))))
    }

    /// Calls an object that a message brought.
    pub(crate) fn of_object(target: Arc<Target>) -> ClientCore {
        let patience = Patience::AsSpecified;
        ClientCore {
            target,
            patience,
            observer: None,
            rings_later: false,
            cancel: None,
            origin: None,
            line: None,
        }
    }

    pub(crate) fn target(&self) -> &Arc<Target> {
        &self.target
    }

    fn port(&self) -> &CommunicationPort {
        self.target.port()
    }

    /// Makes a call, until the client's own token fires if it has one.
    fn make(&self, request: Request<'_, '_>) -> Result<Response, CallFailure> {
        match &self.cancel {
            Some(token) => self.port().call_until(request, token),
            None => self.port().call(request),
        }
    }

    fn reconnecting<C: Client + 'static>(&self, policy: Reconnect<C>) -> ClientCore {
        let line = self.origin.clone().map(|origin| Line::new(origin, self.target.clone(), policy));
        ClientCore { line, ..self.current() }
    }

    /// What makes the next connection, if this client comes back.
    pub(crate) fn line(&self) -> Option<&Arc<Line>> {
        self.line.as_ref()
    }

    /// This client by the connection that there is now, which does not come back.
    pub(crate) fn current(&self) -> ClientCore {
        match &self.line {
            Some(line) => line.core(self),
            None => self.clone(),
        }
    }

    fn with_patience(&self, patience: Patience) -> ClientCore {
        ClientCore { patience, ..self.clone() }
    }

    fn with_cancel(&self, token: &Cancellation) -> ClientCore {
        ClientCore { cancel: Some(token.clone()), ..self.clone() }
    }

    fn ringing_later(&self) -> ClientCore {
        ClientCore { rings_later: true, ..self.clone() }
    }

    fn observed_by(&self, observer: Arc<Mutex<CallInfo>>) -> ClientCore {
        ClientCore { observer: Some(observer), ..self.clone() }
    }

    fn deadline(&self, specified: Option<Duration>) -> Deadline {
        self.timeout(specified).map_or(Deadline::NEVER, Deadline::after)
    }

    /// How long a call waits. `None`: for as long as it takes.
    pub(crate) fn timeout(&self, specified: Option<Duration>) -> Option<Duration> {
        match self.patience {
            Patience::AsSpecified => Some(specified.unwrap_or(CALL_TIMEOUT)),
            Patience::For(timeout) => Some(timeout),
            Patience::Forever => None,
        }
    }

    fn observe(&self, small: &[u64], travelled: Vec<Travelled>) {
        let Some(observer) = &self.observer else { return };
        let mut info = observer.lock().unwrap_or_else(PoisonError::into_inner);
        let copied = |&len| Travelled { way: Way::Copy, reason: Reason::FitsMessage, len };
        info.bulk.extend(small.iter().map(copied));
        info.bulk.extend(travelled);
    }
}

impl fmt::Debug for ClientCore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCore").field("target", &self.target).finish_non_exhaustive()
    }
}
