//! The part of a client that is called: callbacks, and events that come in.
//!
//! A client that gives its server no object has none of this. With the first one, it makes a channel
//! in the other direction, and a thread that runs what comes by it. That thread is not the one that
//! waits for a reply: several may wait, and none may, when a callback comes. It gives each callback to
//! the thread that waits for what has caused it, and runs those that nobody's call has caused; there are
//! as many such threads as callbacks run there at once, up to a limit.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use alpc_transport::{
    CallFailure, Completion, CompletionPort, Deadline, Error, IncomingCall, ServerPort, Worker,
};

use super::{CONNECT_TIMEOUT, ClientCall, ClientCore, failed};
use crate::error::TransportError;
use crate::framework;
use crate::object::{Link, ROOT, Target};
use crate::server::{Connection, Runner, Session, finish, place, serve};

/// Objects that either side gives away to the other, at most, unless a server says otherwise.
pub(crate) const MAX_OBJECTS: usize = 4096;

/// Threads that run one connection's callbacks.
const MOST_THREADS: usize = 8;

/// Makes the channel by which the server calls this client, if there is none yet.
pub(crate) fn ensure(core: &ClientCore, deadline: Deadline) -> Result<(), TransportError> {
    let link = core.target.link();
    // A server is called by the channel that its client has made anyway.
    let Some(callbacks) = link.callbacks() else { return Ok(()) };
    let mut callbacks = lock(callbacks);
    if callbacks.is_some() {
        return Ok(());
    }
    let before = |error| failed(CallFailure { error, may_have_run: false });
    let offer = core.port().offer_reverse().map_err(before)?;
    // The other end of this connection is meant, whoever has the object that is called.
    let root = Target::new(link.clone(), core.port().clone(), ROOT);
    let root = ClientCore::of_object(Arc::new(root));
    let mut call = ClientCall::new(&root, &framework::REVERSE);
    // Others wait for this one, and not for ever.
    call.set_deadline(deadline.min(Deadline::after(CONNECT_TIMEOUT)));
    for handle in offer.handles() {
        call.handle(handle);
    }
    let handles = call.invoke_infallible()?.take_handles();
    let port = offer.complete(handles).map_err(before)?;
    let crew = Crew::new(Arc::downgrade(link), port.clone());
    let more = Arc::downgrade(&crew);
    let depth = core.port().limits().max_depth;
    port.stand_in(MOST_THREADS * depth, move |worker| {
        more.upgrade().is_some_and(|crew| crew.start("alpc-spare-callback", worker).is_ok())
    });
    *callbacks = Some(port);
    crew.hire().map_err(before)
}

/// Whether it is known, without waiting for anybody, that there is one.
#[cfg(feature = "async")]
pub(super) fn are_there(core: &ClientCore) -> bool {
    let Some(callbacks) = core.target.link().callbacks() else { return true };
    callbacks.try_lock().is_ok_and(|made| made.is_some())
}

/// The threads that run a connection's callbacks.
pub(crate) struct Crew {
    link: Weak<Link>,
    port: CompletionPort,
    hands: Mutex<Hands>,
}

#[derive(Default)]
struct Hands {
    all: usize,
    at_work: usize,
}

/// A thread of a crew that runs a handler.
pub(crate) struct AtWork(Arc<Crew>);

impl Drop for AtWork {
    fn drop(&mut self) {
        lock(&self.0.hands).at_work -= 1;
    }
}

impl Crew {
    fn new(link: Weak<Link>, port: CompletionPort) -> Arc<Crew> {
        Arc::new(Crew { link, port, hands: Mutex::default() })
    }

    /// Says that a handler begins. If nobody is left to wait for the next, somebody is found.
    pub(crate) fn begin(self: &Arc<Crew>) -> AtWork {
        let is_short = {
            let mut hands = lock(&self.hands);
            hands.at_work += 1;
            hands.at_work >= hands.all && hands.all < MOST_THREADS
        };
        if is_short {
            // Without another thread the next callback waits, which is no reason to fail this one.
            let _one_less = self.hire();
        }
        AtWork(self.clone())
    }

    fn hire(self: &Arc<Crew>) -> Result<(), Error> {
        let number = {
            let mut hands = lock(&self.hands);
            hands.all += 1;
            hands.all
        };
        let started = self.start(&format!("alpc-callback-{number}"), self.port.worker());
        if started.is_err() {
            lock(&self.hands).all -= 1;
        }
        started
    }

    fn start(self: &Arc<Crew>, name: &str, worker: Worker) -> Result<(), Error> {
        let crew = self.clone();
        let thread =
            std::thread::Builder::new().name(name.to_owned()).spawn(move || crew.work(worker));
        match thread {
            Ok(_ends_with_the_connection) => Ok(()),
            Err(error) => Err(Error::os("start a thread for callbacks", error)),
        }
    }

    fn work(self: Arc<Crew>, mut worker: Worker) {
        // An error is the system's, which cannot wait any more; the other threads meet it, too.
        while let Ok(Some(completion)) = worker.next() {
            // Between two callbacks nothing here keeps the connection open.
            let Some(link) = self.link.upgrade() else { break };
            match completion {
                Completion::Connected(port) => {
                    self.session(&port);
                }
                Completion::Call(call) if call.depth() == 1 => {
                    self.serve_one(Runner::Worker(&mut worker), call, &link);
                }
                Completion::Call(call) => {
                    let crew = self.clone();
                    place(Runner::Worker(&mut worker), call, move |runner, call| {
                        crew.serve_one(runner, call, &link)
                    });
                }
                Completion::Closed(_) => link.run_down(),
                _ => {}
            }
        }
        // Whatever ended the channel, the server calls nothing of ours any more.
        if let Some(link) = self.link.upgrade() {
            link.run_down();
        }
    }

    fn serve_one(self: &Arc<Crew>, runner: Runner<'_>, call: IncomingCall, link: &Arc<Link>) {
        let port = call.port().clone();
        if let Some(session) = self.session(&port) {
            let connection = Connection::new(&port, session, link);
            let begun = serve(runner, call, connection, |port| port.context());
            // This thread is the callback's for as long as it takes.
            begun.into_iter().for_each(finish);
        }
    }

    fn session<'p>(self: &Arc<Crew>, port: &'p ServerPort) -> Option<&'p Session> {
        if port.context::<Session>().is_none() {
            port.set_context(Session::of_client(self.clone()));
        }
        port.context()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
