//! What a thread runs: which handler, for which chain, and on top of which waits.

use std::cell::RefCell;
use std::sync::Arc;

use super::{Caller, Chain, Descent, MAX_DEPTH, Origin};
use crate::message::{Deadline, MessageId};
use crate::port::serving::ServerPort;
use crate::sys::identity::nonce;

thread_local! {
    static HERE: RefCell<Here> = const { RefCell::new(Here::NOTHING) };
}

/// What this thread is at.
struct Here {
    running: Option<Running>,
    /// Handlers that run on top of waits of this thread.
    nested: usize,
    /// When the first of those waits ends.
    until: Deadline,
    /// Whether this thread counts at no completion port as one that runs.
    is_away: bool,
}

impl Here {
    const NOTHING: Here = Here { running: None, nested: 0, until: Deadline::NEVER, is_away: false };
}

/// The handler that a thread runs.
#[derive(Clone)]
pub(crate) enum Running {
    /// Of a call that came through this port. Its name is made when it is needed, if it was not told.
    Call { port: Arc<ServerPort>, id: MessageId, origin: Option<Origin>, depth: usize },
    /// Of a datagram: nobody waits, and calls descend from nothing.
    Datagram { port: Arc<ServerPort> },
    /// Part of a handler, on another thread than its own.
    Branch { chain: Chain },
}

impl Running {
    pub(crate) fn chain(&self) -> Option<Chain> {
        match self {
            Running::Call { port, id, origin, depth } => {
                let origin = origin.unwrap_or_else(|| port.channel.seed.origin(*id));
                Some(Chain { origin, depth: *depth })
            }
            Running::Datagram { .. } => None,
            Running::Branch { chain } => Some(chain.clone()),
        }
    }

    fn port(&self) -> Option<&Arc<ServerPort>> {
        match self {
            Running::Call { port, .. } | Running::Datagram { port } => Some(port),
            Running::Branch { .. } => None,
        }
    }
}

/// What calls of this thread descend from. A thread that ends, and calls in a destructor of its own,
/// runs no handler.
pub(super) fn chain() -> Option<Chain> {
    HERE.try_with(|here| here.borrow().running.as_ref()?.chain()).ok()?
}

/// Who calls on this thread.
pub(super) fn caller() -> Caller {
    let caller = |here: &RefCell<Here>| match &here.borrow().running {
        None => Caller::Anybody,
        Some(running) => running
            .chain()
            .map_or(Caller::HandlerOfDatagram, |chain| Caller::Handler(Descent::of(&chain))),
    };
    HERE.try_with(caller).unwrap_or(Caller::Anybody)
}

/// Says that this thread runs the handler of a call, until it is dropped: its calls descend from that
/// one. To be dropped on the thread that made it.
#[must_use]
pub struct Handling {
    before: Option<Running>,
    _stays_here: std::marker::PhantomData<*const ()>,
}

impl Handling {
    pub(crate) fn begin(running: Running) -> Handling {
        let before = HERE.try_with(|here| here.borrow_mut().running.replace(running));
        Handling { before: before.unwrap_or_default(), _stays_here: std::marker::PhantomData }
    }
}

impl Drop for Handling {
    fn drop(&mut self) {
        let before = self.before.take();
        // A port may end with what is let go of here, and that is not to happen within.
        let ended = HERE.try_with(|here| std::mem::replace(&mut here.borrow_mut().running, before));
        drop(ended);
    }
}

impl std::fmt::Debug for Handling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handling").finish_non_exhaustive()
    }
}

/// Runs `work` as part of a chain, in a branch of its own.
pub(super) fn in_branch<T>(chain: &Chain, work: impl FnOnce() -> T) -> T {
    // Without random numbers the branch is told from no other, and its calls go to workers.
    let bytes = nonce().unwrap_or_default();
    let [a, b, c, d, ..] = bytes;
    let branch = u32::from_le_bytes([a, b, c, d]) | 1;
    let origin = Origin { branch, ..chain.origin };
    let chain = Chain { origin, depth: chain.depth };
    let _handling = Handling::begin(Running::Branch { chain });
    work()
}

/// Runs `wait`, in which this thread waits for another process. If it is a worker that runs a
/// handler, others may take its place meanwhile.
pub(crate) fn away<T>(wait: impl FnOnce() -> T) -> T {
    match Leave::take() {
        Leave::Taken(absence) => {
            absence.0.leave();
            let _back = Back(&absence.0);
            wait()
        }
        Leave::NoHandler | Leave::AwayAlready => wait(),
    }
}

/// Whether a thread has a worker's place that it can give away.
pub(crate) enum Leave {
    /// It runs no handler, as far as is known.
    NoHandler,
    /// It has given its place away, or runs on top of a wait, and has none.
    AwayAlready,
    /// It counts as away until this is dropped.
    Taken(Absence),
}

/// A handler's thread that is away, and the port whose place it had.
pub(crate) struct Absence(Arc<ServerPort>);

impl Leave {
    pub(crate) fn take() -> Leave {
        let take = |here: &RefCell<Here>| {
            let mut here = here.borrow_mut();
            match here.running.as_ref().and_then(Running::port).cloned() {
                None => Leave::NoHandler,
                Some(_) if here.is_away => Leave::AwayAlready,
                Some(port) => {
                    here.is_away = true;
                    Leave::Taken(Absence(port))
                }
            }
        };
        HERE.try_with(take).unwrap_or(Leave::NoHandler)
    }
}

impl Drop for Absence {
    fn drop(&mut self) {
        let _ending = HERE.try_with(|here| here.borrow_mut().is_away = false);
    }
}

/// Takes the worker's place again, also when what it waited for panics.
struct Back<'p>(&'p ServerPort);

impl Drop for Back<'_> {
    fn drop(&mut self) {
        self.0.come_back();
    }
}

/// Whether this thread, which waits until `deadline` at most, may run one more handler meanwhile: not
/// when one of its waits is over, nor on top of too many.
pub(crate) fn may_run_nested(deadline: Deadline) -> bool {
    HERE.try_with(|here| {
        let here = here.borrow();
        here.nested < MAX_DEPTH && !here.until.min(deadline).is_past()
    })
    .unwrap_or(false)
}

/// Runs a handler on a thread that waits until `deadline` for something else.
pub(crate) fn run_nested<T>(deadline: Deadline, run: impl FnOnce() -> T) -> T {
    let _nested = Nested::begin(deadline);
    run()
}

/// A handler on top of a wait.
pub(crate) struct Nested {
    before: Option<Here>,
}

impl Nested {
    fn begin(deadline: Deadline) -> Nested {
        let before = HERE.try_with(|here| {
            let mut here = here.borrow_mut();
            // Whoever waits is away; what runs on top holds no place that it could give away.
            let (nested, until) = (here.nested + 1, here.until.min(deadline));
            std::mem::replace(&mut *here, Here { running: None, nested, until, is_away: true })
        });
        Nested { before: before.ok() }
    }
}

impl Drop for Nested {
    fn drop(&mut self) {
        if let Some(before) = self.before.take() {
            let _ending = HERE.try_with(|here| here.replace(before));
        }
    }
}
