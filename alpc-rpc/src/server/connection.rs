//! One client's connection, as the server's own code sees it.
//!
//! What a server knows of a client it keeps here, and not in a table of its own by the client's
//! process: numbers of processes are used again, and a table has to be told when a client is gone.
//! A connection's context needs no telling. It is dropped when the client is gone, however it went,
//! and its `Drop` is what Windows RPC calls the rundown routine.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use alpc_transport::{PeerIdentity, ServerPort};

use super::{Dispatch, Interface, message_of};
use crate::client::{AtWork, Crew};
use crate::error::Fault;
use crate::object::Link;
use crate::report::report;
use crate::status;

/// One client's connection.
///
/// ```
/// # use alpc_rpc::Call;
/// struct Registration {
///     name: String,
/// }
///
/// impl Drop for Registration {
///     fn drop(&mut self) {
///         println!("{} is gone", self.name);
///     }
/// }
///
/// fn register(cx: &Call<'_>, name: &str) -> bool {
///     cx.connection().set_context(Registration { name: name.to_owned() }).is_ok()
/// }
///
/// fn whoami(cx: &Call<'_>) -> Option<String> {
///     cx.connection().context::<Registration>().map(|registration| registration.name.clone())
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Connection<'m> {
    port: &'m ServerPort,
    session: &'m Session,
    link: &'m Arc<Link>,
}

impl<'m> Connection<'m> {
    pub(crate) fn new(port: &'m ServerPort, session: &'m Session, link: &'m Arc<Link>) -> Self {
        Connection { port, session, link }
    }

    pub(super) fn port(&self) -> &'m ServerPort {
        self.port
    }

    pub(super) fn session(&self) -> &'m Session {
        self.session
    }

    pub(super) fn link(&self) -> &'m Arc<Link> {
        self.link
    }

    /// Who the client is, as the kernel says.
    pub fn peer(&self) -> &'m PeerIdentity {
        self.port.peer()
    }

    /// Gives the connection a context: what the server keeps for this client.
    ///
    /// The context is dropped once the client is gone, by its own will or not, and no call of its
    /// runs any more. That is soon after a process has died; nothing needs to be polled.
    ///
    /// # Errors
    ///
    /// The context, if there is one already: the first stays.
    pub fn set_context<T: Any + Send + Sync>(&self, context: T) -> Result<(), T> {
        let mut context = Some(context);
        self.session.context.get_or_init(|| Box::new(context.take()));
        context.map_or(Ok(()), Err)
    }

    /// The context, if there is one, and it is a `T`.
    pub fn context<T: Any>(&self) -> Option<&'m T> {
        let context: &Option<T> = self.session.context.get()?.downcast_ref()?;
        context.as_ref()
    }

    /// How many objects the other side holds: those that calls gave it and it has not released, and
    /// subscriptions to events.
    pub fn objects(&self) -> usize {
        self.link.objects()
    }

    /// What comes of a call with this `tag` that the server does not know. A client that says that a
    /// one-way call must be understood would rather lose the connection than go on without it.
    pub(super) fn unknown_method(&self, tag: u16) -> Fault {
        if tag & status::MUST_UNDERSTAND != 0 {
            self.close();
        }
        Fault::UnknownMethod
    }

    /// Ends the connection. The client sees it at once; its calls that run are not answered, and no
    /// more begin.
    pub fn close(&self) {
        self.session.closed.store(true, Ordering::Relaxed);
        self.port.close();
    }
}

impl fmt::Debug for Connection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("peer", self.peer()).finish_non_exhaustive()
    }
}

/// What belongs to a connection, beside its objects.
pub(crate) struct Session {
    /// The interface that the client chose when it connected. A client serves none to its server.
    root: Option<Arc<Interface>>,
    /// The threads that run a client's callbacks.
    crew: Option<Arc<Crew>>,
    context: OnceLock<Box<dyn Any + Send + Sync>>,
    /// Whether the server was told of the connection.
    pub(super) greeted: OnceLock<()>,
    /// Whether the server ended it.
    closed: AtomicBool,
}

impl Session {
    /// Of a server, which serves `root`.
    pub(super) fn new(root: Arc<Interface>) -> Self {
        Session::with(Some(root), None)
    }

    /// Of a client, whose callbacks `crew` runs.
    pub(crate) fn of_client(crew: Arc<Crew>) -> Self {
        Session::with(None, Some(crew))
    }

    fn with(root: Option<Arc<Interface>>, crew: Option<Arc<Crew>>) -> Self {
        Session {
            root,
            crew,
            context: OnceLock::new(),
            greeted: OnceLock::new(),
            closed: AtomicBool::new(false),
        }
    }

    pub(super) fn root(&self) -> Option<&dyn Dispatch> {
        self.root.as_ref().map(|interface| &*interface.dispatch)
    }

    /// The interface that the client chose, with what is known of its versions.
    pub(super) fn interface(&self) -> Option<&Interface> {
        self.root.as_deref()
    }

    /// Says that this thread runs a handler, until what is returned is dropped.
    pub(super) fn begin_handler(&self) -> Option<AtWork> {
        self.crew.as_ref().map(Crew::begin)
    }

    /// Whether the server ended the connection. Calls that had come in by then are not run.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }
}

impl Drop for Session {
    /// Runs the context's own `Drop`, on whichever worker let go of the connection last. A panic in
    /// there must not take the worker with it.
    fn drop(&mut self) {
        let context = self.context.take();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(context))) {
            let message = message_of(&*panic);
            report(format_args!("dropping a connection's context panicked ({message})"));
        }
    }
}
