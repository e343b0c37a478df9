//! The objects of one end of a connection that the other end may call, by number.
//!
//! Numbers are never used twice, so a late message cannot meet another object than it was meant for.
//! An object that is given away twice has two numbers: each is released by whoever got it, and
//! nobody has to count.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use alpc_transport::{Error, ErrorKind};

use super::Exported;
use crate::report::report;
use crate::server::message_of;

/// Says that nobody on the other side holds an object any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Release {
    pub(crate) object: u64,
    /// How many messages without an answer were sent to the object, or referred to it. They may be
    /// taken up after this one, by other threads, and the object stays until they were.
    pub(crate) unanswered: u64,
}

/// A connection's table of objects.
pub(crate) struct Exports {
    entries: HashMap<u64, Entry>,
    /// The number that was given out last.
    last: u64,
    most: usize,
    closed: bool,
}

struct Entry {
    object: Exported,
    unanswered: u64,
    /// It was released, and goes when so many messages without an answer have come.
    released: Option<u64>,
}

impl Exports {
    /// An empty table, for at most so many objects.
    pub(crate) fn new(most: usize) -> Exports {
        Exports { entries: HashMap::new(), last: super::ROOT, most, closed: false }
    }

    /// Gives an object a number.
    pub(crate) fn add(&mut self, object: Exported) -> Result<u64, Error> {
        let doing = "give an object away";
        if self.closed {
            return Err(Error::new(ErrorKind::PeerClosed, doing));
        }
        if self.entries.len() >= self.most {
            let what = "objects for this connection, which holds as many as it may";
            return Err(Error::new(ErrorKind::Exhausted { what }, doing));
        }
        self.last += 1;
        self.entries.insert(self.last, Entry { object, unanswered: 0, released: None });
        Ok(self.last)
    }

    /// The object of a number that a message names. The second is what goes by that.
    pub(crate) fn find(&mut self, number: u64, wants_reply: bool) -> (Option<Exported>, Gone) {
        let Some(entry) = self.entries.get_mut(&number) else { return (None, None) };
        let object = Some(entry.object.clone());
        if !wants_reply {
            entry.unanswered += 1;
        }
        (object, self.remove_if_done(number))
    }

    /// What goes because the other side has let go of it.
    pub(crate) fn release(&mut self, release: Release) -> Gone {
        self.entries.get_mut(&release.object)?.released = Some(release.unanswered);
        self.remove_if_done(release.object)
    }

    fn remove_if_done(&mut self, number: u64) -> Gone {
        let entry = self.entries.get(&number)?;
        let is_done = entry.released.is_some_and(|after| entry.unanswered >= after);
        if is_done { self.remove(number) } else { None }
    }

    /// Takes back a number that was never sent.
    pub(crate) fn remove(&mut self, number: u64) -> Gone {
        self.entries.remove(&number).map(|entry| entry.object)
    }

    /// Takes the streams out.
    pub(crate) fn take_streams(&mut self) -> Vec<Exported> {
        let is_stream = |entry: &mut Entry| matches!(entry.object, Exported::Stream(_));
        let streams = self.entries.extract_if(|_, entry| is_stream(entry));
        streams.map(|(_, entry)| entry.object).collect()
    }

    /// Empties the table for good.
    pub(crate) fn close(&mut self) -> Vec<Exported> {
        self.closed = true;
        self.entries.drain().map(|(_, entry)| entry.object).collect()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}

/// An object to drop with [`let_go`], once the table is not locked any more.
pub(crate) type Gone = Option<Exported>;

/// Drops objects, whose own `Drop` may call, or panic: the thread is a worker that others need.
pub(crate) fn let_go(objects: impl IntoIterator<Item = Exported>) {
    for object in objects {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(object))) {
            let message = message_of(&*panic);
            report(format_args!("dropping an object panicked ({message})"));
        }
    }
}
