//! Which threads of this process wait in a chain, so that a request finds the one it belongs to.
//!
//! This is the one table that all ports of a process share, and it cannot be otherwise: the request
//! comes by one connection and the thread waits at another, and what the two have in common is the
//! process. Nothing is decided by it but which thread runs a request that would run anyway. Calls that
//! no handler makes are not entered: of those there is one entry for each connection, and the call is
//! then looked for among those that wait there.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, Weak};

use super::{Origin, Seed};
use crate::channel::lock;
use crate::message::MessageId;
use crate::port::serving::IncomingCall;
use crate::waiting::{Job, Waiting};

/// Calls of one batch that are asked in turn whether they take a request.
const MOST_TRIED: usize = 64;

/// The table of this process.
fn table() -> &'static Mutex<Table> {
    static TABLE: OnceLock<Mutex<Table>> = OnceLock::new();
    TABLE.get_or_init(Mutex::default)
}

#[derive(Default)]
struct Table {
    /// The connections that this process calls by. The numbers are of this process's making, or of
    /// a peer's that has the connection's other end.
    channels: HashMap<u64, (Seed, Weak<Waiting>)>,
    /// The calls that handlers make and wait for, the last of each chain last.
    nested: HashMap<Origin, Vec<Entry>>,
}

struct Entry {
    call: CallName,
    waiting: Arc<Waiting>,
    /// The batch of its connection that the call is in.
    batch: Option<usize>,
}

/// A call, by the number of its channel and its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CallName {
    pub(crate) channel: u64,
    pub(crate) id: MessageId,
}

/// A connection whose calls may be what a chain began with. Until it is dropped, requests find those
/// that wait.
pub(crate) struct Awaited {
    number: u64,
}

impl Awaited {
    pub(crate) fn new(seed: Seed, waiting: &Arc<Waiting>) -> Awaited {
        let number = seed.number();
        // Whoever has the number already keeps it: a peer may have chosen it.
        let entry = || (seed, Arc::downgrade(waiting));
        lock(table()).channels.entry(number).or_insert_with(entry);
        Awaited { number }
    }

    /// Ends it, of the one that `waiting` is.
    pub(crate) fn end(&self, waiting: &Arc<Waiting>) {
        let mut table = lock(table());
        let is_ours =
            |(_, entry): &(Seed, Weak<Waiting>)| std::ptr::eq(entry.as_ptr(), Arc::as_ptr(waiting));
        if table.channels.get(&self.number).is_some_and(is_ours) {
            table.channels.remove(&self.number);
        }
    }
}

/// A call that a handler waits for, until it is dropped.
pub(crate) struct NestedWait {
    origin: Origin,
    call: CallName,
}

impl NestedWait {
    pub(crate) fn begin(
        origin: Origin,
        call: CallName,
        batch: Option<usize>,
        waiting: &Arc<Waiting>,
    ) -> NestedWait {
        let entry = Entry { call, waiting: waiting.clone(), batch };
        lock(table()).nested.entry(origin).or_default().push(entry);
        NestedWait { origin, call }
    }
}

impl Drop for NestedWait {
    fn drop(&mut self) {
        let mut table = lock(table());
        let Some(waits) = table.nested.get_mut(&self.origin) else { return };
        let index = waits.iter().rposition(|entry| entry.call == self.call);
        let gone = index.map(|index| waits.remove(index));
        if waits.is_empty() {
            table.nested.remove(&self.origin);
        }
        drop(table);
        drop(gone);
    }
}

/// Gives a request to the thread that waits for what it descends from, which runs `run` with it. The
/// request comes back if there is none.
pub(crate) fn hand_over(
    origin: &Origin,
    call: IncomingCall,
    run: impl FnOnce(IncomingCall) + Send + 'static,
) -> Result<(), IncomingCall> {
    let name = CallName { channel: call.port().channel.seed.number(), id: call.id() };
    let found = find(origin, name);
    if found.is_empty() {
        return Err(call);
    }
    let mut job = Job::new(call, run);
    for (waiting, id) in found {
        match waiting.hand_over(id, job) {
            Ok(()) => return Ok(()),
            Err(back) => job = back,
        }
    }
    Err(job.into_call())
}

/// Who may wait for what a request descends from: the last call of its chain, or where that is in a batch,
/// the others of that batch, too, since it may be answered and they not. Where both its ends are of this
/// process, somebody also waits for the request itself.
fn find(origin: &Origin, request: CallName) -> Vec<(Arc<Waiting>, MessageId)> {
    let table = lock(table());
    let waits = table.nested.get(origin).map_or(&[][..], Vec::as_slice);
    if let Some(last) = waits.iter().rfind(|entry| entry.call != request) {
        let is_same = |entry: &&Entry| match last.batch {
            None => entry.call == last.call,
            batch => entry.batch == batch && Arc::ptr_eq(&entry.waiting, &last.waiting),
        };
        let same = waits.iter().rev().filter(is_same).take(MOST_TRIED);
        return same.map(|entry| (entry.waiting.clone(), entry.call.id)).collect();
    }
    let root = table.channels.get(&origin.channel).and_then(|(seed, waiting)| {
        let waiting = seed.is_name(origin).then(|| waiting.upgrade())??;
        Some((waiting, origin.call()))
    });
    root.into_iter().collect()
}
