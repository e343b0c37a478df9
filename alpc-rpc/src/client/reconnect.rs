//! Clients that come back after a restart of their server.
//!
//! A connection ends with its server, and everything that was given away by it does. A client that was
//! told to come back makes a new connection when something is called by it again: one thread connects,
//! the others wait for it, each as long as its own call may take. What a call meant is not guessed: it
//! is sent again only where the server cannot have begun it, or where its interface says that this does
//! no harm.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use alpc_transport::{Cancellation, Deadline, PortAttributes};

use super::{Client, ClientCore};
use crate::descriptor::InterfaceDesc;
use crate::error::{ConnectError, TransportError};
use crate::object::Target;

mod calls;

/// Pauses between two attempts to connect, unless one says otherwise.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How a client comes back: see [`Client::reconnect`].
pub struct Reconnect<C> {
    first_pause: Duration,
    longest_pause: Duration,
    subscriptions: Subscriptions,
    prepare: Option<Prepare<C>>,
}

type Prepare<C> = Box<dyn Fn(&C) -> Result<(), TransportError> + Send + Sync>;

/// What becomes of a subscription to events when its connection has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subscriptions {
    /// It goes on with the next connection, whether threads or tasks wait for it. What happened between
    /// the two is missed, and [`Events::interruptions`](crate::Events::interruptions) counts how often.
    Renewed,
    /// It ends, with an error that says so.
    Lost,
}

impl<C: Client> Reconnect<C> {
    /// Pauses of 5 milliseconds, then twice as long each time, up to a second; subscriptions are
    /// renewed; nothing else is done with a new connection.
    pub fn new() -> Self {
        Reconnect {
            first_pause: FIRST_PAUSE,
            longest_pause: LONGEST_PAUSE,
            subscriptions: Subscriptions::Renewed,
            prepare: None,
        }
    }

    /// The pauses between attempts to connect: each up to twice as long as the one before.
    #[must_use]
    pub fn pauses(mut self, first: Duration, longest: Duration) -> Self {
        (self.first_pause, self.longest_pause) = (first, longest);
        self
    }

    /// What becomes of subscriptions.
    #[must_use]
    pub fn subscriptions(mut self, subscriptions: Subscriptions) -> Self {
        self.subscriptions = subscriptions;
        self
    }

    /// Has `prepare` run with a client of each new connection, before anything else is called by it: to
    /// give the server again what went with the old one, such as callbacks. If it fails, the
    /// connection is closed, and made anew after a pause.
    ///
    /// It must call by the client that it is given: the one that comes back waits for it.
    #[must_use]
    pub fn prepare(
        mut self,
        prepare: impl Fn(&C) -> Result<(), TransportError> + Send + Sync + 'static,
    ) -> Self {
        self.prepare = Some(Box::new(prepare));
        self
    }
}

impl<C: Client> Default for Reconnect<C> {
    fn default() -> Self {
        Reconnect::new()
    }
}

impl<C> fmt::Debug for Reconnect<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnect")
            .field("first_pause", &self.first_pause)
            .field("longest_pause", &self.longest_pause)
            .field("subscriptions", &self.subscriptions)
            .finish_non_exhaustive()
    }
}

/// What a connection was made to.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) name: String,
    pub(super) attributes: PortAttributes,
    pub(super) interface: &'static InterfaceDesc,
}

/// One connection after the other, to the same place.
pub(crate) struct Line {
    origin: Arc<Origin>,
    first_pause: Duration,
    longest_pause: Duration,
    subscriptions: Subscriptions,
    prepare: Box<dyn Fn(ClientCore) -> Result<(), TransportError> + Send + Sync>,
    state: Mutex<State>,
    /// Told of each change of the state, and when somebody who waits for one is to look again.
    changed: Condvar,
}

struct State {
    /// The server, by the connection that there is now.
    target: Arc<Target>,
    is_connecting: bool,
}

/// For how long a caller waits for the next connection.
#[derive(Clone)]
pub(super) struct Until {
    pub(super) deadline: Deadline,
    pub(super) cancel: Option<Cancellation>,
}

impl Until {
    fn is_cancelled(&self) -> bool {
        self.cancel.as_ref().is_some_and(Cancellation::is_cancelled)
    }
}

impl Line {
    pub(super) fn new<C: Client + 'static>(
        origin: Arc<Origin>,
        target: Arc<Target>,
        policy: Reconnect<C>,
    ) -> Arc<Line> {
        let prepare = policy.prepare;
        Arc::new(Line {
            origin,
            first_pause: policy.first_pause,
            longest_pause: policy.longest_pause,
            subscriptions: policy.subscriptions,
            prepare: Box::new(move |core| match &prepare {
                Some(prepare) => prepare(&C::from_core(core)),
                None => Ok(()),
            }),
            state: Mutex::new(State { target, is_connecting: false }),
            changed: Condvar::new(),
        })
    }

    /// What becomes of subscriptions.
    pub(crate) fn subscriptions(&self) -> Subscriptions {
        self.subscriptions
    }

    /// The server, by the connection that there is now.
    pub(super) fn target(&self) -> Arc<Target> {
        self.lock().target.clone()
    }

    /// Waits until there is another connection than the one to `gone`: makes it, unless somebody does.
    ///
    /// # Errors
    ///
    /// When there is none in time, or cannot be any; with what the last attempt met.
    pub(super) fn come_back(
        self: &Arc<Line>,
        gone: &Arc<Target>,
        until: &Until,
    ) -> Result<(), TransportError> {
        let line = Arc::downgrade(self);
        let rouse = move || line.upgrade().into_iter().for_each(|line| line.rouse());
        let _watch = until.cancel.as_ref().map(|token| token.on_cancel(rouse));
        let mut state = self.lock();
        loop {
            if !Arc::ptr_eq(&state.target, gone) {
                return Ok(());
            }
            if !state.is_connecting {
                state.is_connecting = true;
                drop(state);
                let connecting = Connecting(self);
                return connecting.connect(until);
            }
            state = self.pause(state, Deadline::NEVER, until)?;
        }
    }

    /// Waits until something has changed, or the pause is over.
    fn pause<'l>(
        &'l self,
        state: MutexGuard<'l, State>,
        over: Deadline,
        until: &Until,
    ) -> Result<MutexGuard<'l, State>, TransportError> {
        if until.is_cancelled() {
            return Err(TransportError::Cancelled { may_have_run: false });
        }
        if until.deadline.is_past() {
            return Err(not_back(ConnectError::TimedOut));
        }
        Ok(match over.min(until.deadline).remaining() {
            Some(remaining) => {
                let waited = self.changed.wait_timeout(state, remaining);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
        })
    }

    /// Has everybody who waits look again.
    fn rouse(&self) {
        // Under the lock: nobody is between a look and a wait.
        let _state = self.lock();
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// The thread that makes the next connection, and no other does meanwhile.
struct Connecting<'l>(&'l Line);

impl Drop for Connecting<'_> {
    /// However it ends, also by a panic in what the application does with a new connection.
    fn drop(&mut self) {
        self.0.lock().is_connecting = false;
        self.0.changed.notify_all();
    }
}

impl Connecting<'_> {
    fn connect(&self, until: &Until) -> Result<(), TransportError> {
        let line = self.0;
        let mut pause = line.first_pause;
        loop {
            let error = match self.attempt(until.deadline) {
                Ok(target) => {
                    // What the old one was the last to hold goes under no lock.
                    let old = std::mem::replace(&mut line.lock().target, target);
                    drop(old);
                    return Ok(());
                }
                Err(error) => error,
            };
            if is_final(&error) || until.deadline.is_past() {
                return Err(not_back(error));
            }
            let over = Deadline::after(pause);
            while !over.is_past() {
                let paused = line.pause(line.lock(), over, until);
                drop(paused.map_err(|why| match why {
                    TransportError::Cancelled { .. } => why,
                    // That time ran out says less than why it did.
                    _ => not_back(error.clone()),
                })?);
            }
            pause = (pause * 2).min(line.longest_pause);
        }
    }

    fn attempt(&self, deadline: Deadline) -> Result<Arc<Target>, ConnectError> {
        let Origin { name, attributes, interface } = &*self.0.origin;
        let core = ClientCore::connect_until(name, attributes, interface, deadline)?;
        let target = core.target().clone();
        let prepared = (self.0.prepare)(core);
        prepared.map_err(|error| ConnectError::Unprepared { what: error.to_string() })?;
        Ok(target)
    }
}

/// Whether another attempt would meet the same.
fn is_final(error: &ConnectError) -> bool {
    match error {
        ConnectError::Untrusted { .. }
        | ConnectError::Refused { .. }
        | ConnectError::Incompatible { .. }
        | ConnectError::Malformed { .. }
        | ConnectError::PermissionDenied => true,
        ConnectError::NotFound { .. }
        | ConnectError::Busy { .. }
        | ConnectError::TimedOut
        | ConnectError::Unprepared { .. }
        | ConnectError::Transport(_) => false,
    }
}

fn not_back(error: ConnectError) -> TransportError {
    TransportError::Unreachable { error: Box::new(error), may_have_run: false }
}
