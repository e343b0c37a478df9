//! What a call descends from: the call whose handler makes it, and that one's, back to the first.
//!
//! A handler that calls may be called back for it, over the same connection or over others: A calls
//! B, B calls C, C calls A. The thread of A that waits for B is the one that can run this without
//! another having to be found, as Binder and COM do. So a request that a handler makes names the call
//! that its chain began with, and the process where a thread waits for that call, or for a later one
//! of the same chain, finds it by this name.
//!
//! A call that no handler makes carries nothing. What it would be named by is known at both ends of
//! its channel: the channel's number, the call's, and a proof that depends on a secret of the two
//! ends. Who is given the name of one call can make up no other; one that nobody waits for means
//! nothing.
//!
//! What the running handler descends from is kept with its thread ([`Chain::current`]), because a
//! handler calls through clients that know nothing of it. Work that is handed to another thread takes
//! the chain along only if it is told to ([`Chain::run`]).

mod awaited;
mod running;
mod sip;

use crate::error::{Error, ErrorKind, Result};
use crate::message::{Attribute, MessageId};
pub(crate) use awaited::{Awaited, CallName, NestedWait, hand_over};
pub use running::Handling;
pub(crate) use running::{Leave, Running, away, may_run_nested, run_nested};

/// Calls that one descends from, itself included, unless a port says otherwise.
pub(crate) const MAX_DEPTH: usize = 16;

/// What the two ends of a channel make the names of its calls from.
#[derive(Clone, Copy)]
pub(crate) struct Seed {
    /// Names the channel, among all that this process has.
    number: u64,
    secret: [u64; 2],
}

impl Seed {
    /// From bytes that only the two ends know.
    pub(crate) fn new(nonce: &[u8; 32]) -> Seed {
        let (words, _) = nonce.as_chunks::<8>();
        let word = |index: usize| words.get(index).map_or(0, |word| u64::from_le_bytes(*word));
        Seed { number: word(0), secret: [word(1), word(2)] }
    }

    /// That of the channel in the other direction.
    pub(crate) fn reverse(&self) -> Seed {
        let word = |what| sip::hash(self.secret, [what, self.number]);
        Seed { number: word(1), secret: [word(2), word(3)] }
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The name of a call that descends from none.
    pub(crate) fn origin(&self, call: MessageId) -> Origin {
        let proof = sip::hash(self.secret, [0, call.0]);
        Origin { channel: self.number, call: call.0, proof, branch: 0 }
    }

    /// Whether this is the true name of a call of this channel.
    fn is_name(&self, origin: &Origin) -> bool {
        let Origin { channel, call, proof, .. } = *origin;
        channel == self.number && self.origin(MessageId(call)).proof == proof
    }
}

/// Names the call that a chain began with, and the branch of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    channel: u64,
    call: u64,
    proof: u64,
    /// 0, or where work went to another thread, which waits for itself.
    branch: u32,
}

impl Origin {
    pub(crate) fn attribute(&self) -> Attribute {
        let Origin { channel, call, proof, branch } = *self;
        Attribute::Chain { channel, call, proof, branch }
    }

    pub(crate) fn of(channel: u64, call: u64, proof: u64, branch: u32) -> Origin {
        Origin { channel, call, proof, branch }
    }

    pub(crate) fn call(&self) -> MessageId {
        MessageId(self.call)
    }
}

/// What the calls of a handler descend from.
///
/// A handler that calls another server, or its own client, does so in the chain of the call that it
/// serves, without a word. What it hands to another thread is a chain of its own, unless it
/// takes this along:
///
/// ```
/// use alpc_transport::Chain;
///
/// fn two_at_once(first: impl FnOnce() + Send, second: impl FnOnce()) {
///     let chain = Chain::current();
///     std::thread::scope(|scope| {
///         scope.spawn(|| match &chain {
///             Some(chain) => chain.run(first),
///             None => first(),
///         });
///         second();
///     });
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Chain {
    origin: Origin,
    depth: usize,
}

impl Chain {
    /// What the calls of this thread descend from at this moment. `None`: it runs no handler of a
    /// call that somebody waits for.
    pub fn current() -> Option<Chain> {
        running::chain()
    }

    /// How many calls the handler descends from: 1 for a call that no handler made.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Runs `work`, whose calls then descend from the same, on whichever thread this is.
    ///
    /// Calls that come back for them run on this thread while it waits, as they would for the handler.
    /// What is handed on once more from there goes to the workers, or to the thread that the whole
    /// chain began with.
    pub fn run<T>(&self, work: impl FnOnce() -> T) -> T {
        running::in_branch(self, work)
    }
}

/// From where a call is made.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Caller {
    /// A thread or a task that runs no handler.
    Anybody,
    /// The handler of a datagram, for which nobody waits.
    HandlerOfDatagram,
    /// A handler that somebody waits for.
    Handler(Descent),
}

impl Caller {
    /// Who calls on this thread. This is all that a call pays for chains that is in none.
    pub(crate) fn current() -> Caller {
        running::caller()
    }

    pub(crate) fn descent(self) -> Option<Descent> {
        match self {
            Caller::Handler(descent) => Some(descent),
            Caller::Anybody | Caller::HandlerOfDatagram => None,
        }
    }
}

/// What a request tells of its descent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Descent {
    pub(crate) origin: Origin,
    /// Calls that it descends from, without itself.
    pub(crate) ancestors: u8,
}

impl Descent {
    fn of(chain: &Chain) -> Descent {
        let ancestors = u8::try_from(chain.depth).unwrap_or(u8::MAX);
        Descent { origin: chain.origin, ancestors }
    }

    /// What is told to a peer that goes along to a depth of `max`. One that came before there were
    /// chains goes to none, and is told nothing.
    pub(crate) fn within(self, max: usize) -> Result<Option<Descent>> {
        match max {
            0 => Ok(None),
            max if usize::from(self.ancestors) < max => Ok(Some(self)),
            max => Err(Error::new(ErrorKind::TooDeep { max }, "make a call")),
        }
    }
}
