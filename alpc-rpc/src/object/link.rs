//! One connection, seen from one of its ends: what this end has given away, and how to call the
//! other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use alpc_transport::{CommunicationPort, CompletionPort, Deadline, Error, ErrorKind, Request};

use super::envelope::Numbered;
use super::exports::Exports;
use super::turn::Turns;
use super::{Envelope, Exported, Reference, Release, Target, let_go, open};
use crate::agreement::Agreement;
use crate::client::MAX_OBJECTS;
use crate::encode;
use crate::framework;
use crate::scope::Luggage;
use crate::status;

/// Releases that are told in one message.
const BATCH: usize = 512;

/// One end of a connection.
pub(crate) struct Link {
    exports: Mutex<Exports>,
    /// How this end calls the other: for a client from the beginning, for a server once the client
    /// has made a channel for that.
    port: OnceLock<CommunicationPort>,
    /// What is to be released, and found no room yet.
    pending: Mutex<Vec<Release>>,
    /// What late replies referred to.
    refused: Mutex<Vec<Numbered>>,
    /// Whether there is something in either.
    has_pending: AtomicBool,
    /// Of a client: what its server calls it by, once there is a reason.
    callbacks: Option<Callbacks>,
    /// Whether the other end means the same.
    agreement: Agreement,
    turns: Turns,
    /// Which tokio runtimes watch for this end's calls.
    #[cfg(feature = "tokio")]
    runtimes: Arc<crate::client::Runtimes>,
}

pub(crate) type Callbacks = Mutex<Option<CompletionPort>>;

impl Link {
    /// A client's end, which calls its server by `port`.
    pub(crate) fn of_client(port: CommunicationPort, agreement: Agreement) -> Arc<Link> {
        let link = Arc::new(Link::new(MAX_OBJECTS, Some(Callbacks::default()), agreement));
        link.set_port(port);
        link
    }

    /// A server's end, which gives away at most `most` objects at a time.
    pub(crate) fn of_server(most: usize, agreement: Agreement) -> Link {
        Link::new(most, None, agreement)
    }

    fn new(most: usize, callbacks: Option<Callbacks>, agreement: Agreement) -> Link {
        Link {
            exports: Mutex::new(Exports::new(most)),
            port: OnceLock::new(),
            pending: Mutex::default(),
            refused: Mutex::default(),
            has_pending: AtomicBool::new(false),
            callbacks,
            agreement,
            turns: Turns::default(),
            #[cfg(feature = "tokio")]
            runtimes: Arc::default(),
        }
    }

    /// Which tokio runtimes watch for this end's calls.
    #[cfg(feature = "tokio")]
    pub(crate) fn runtimes(&self) -> &Arc<crate::client::Runtimes> {
        &self.runtimes
    }

    /// Whether the other end means the same, and if not, in what.
    pub(crate) fn agreement(&self) -> &Agreement {
        &self.agreement
    }

    /// Turns to ask the other end for items of its streams.
    pub(crate) fn turns(&self) -> &Turns {
        &self.turns
    }

    /// Of a client: what its server calls it by.
    pub(crate) fn callbacks(&self) -> Option<&Callbacks> {
        self.callbacks.as_ref()
    }

    /// Says how this end calls the other. The first one stays.
    pub(crate) fn set_port(self: &Arc<Link>, port: CommunicationPort) {
        let link = Arc::downgrade(self);
        port.on_late_reply(move |tag, body| {
            if let Some(link) = link.upgrade() {
                link.refuse(tag, body);
            }
        });
        let _first = self.port.set(port);
    }

    /// Lets go of what a reply brought that nobody waits for. That may send messages and run foreign
    /// code, so it is left to whoever calls next.
    fn refuse(&self, tag: u64, body: &[u8]) {
        // What was too long for a message was refused with its bulk data.
        let is_here = tag & u64::from(status::LONG_BODY) == 0;
        let has_envelope = tag & u64::from(status::ENVELOPE) != 0;
        let Some((_, envelope)) = open(body, has_envelope && is_here) else { return };
        lock(&self.refused).extend(envelope.references());
        self.has_pending.store(true, Ordering::SeqCst);
    }

    /// Finds the object that a message is for, or refers to.
    pub(crate) fn find(&self, object: u64, wants_reply: bool) -> Option<Exported> {
        let (found, gone) = lock(&self.exports).find(object, wants_reply);
        let_go(gone);
        found
    }

    /// Says in a message's terms what it refers to. The objects of this end get numbers for that.
    pub(crate) fn number(&self, references: &[Reference]) -> Result<Vec<Numbered>, Error> {
        let mut numbered = Vec::with_capacity(references.len());
        for reference in references {
            match self.number_one(reference) {
                Ok(number) => numbered.push(number),
                Err(error) => {
                    self.take_back(&numbered);
                    return Err(error);
                }
            }
        }
        Ok(numbered)
    }

    /// Whether a message that refers to these has the other side hold one more object.
    pub(crate) fn would_give_away(&self, references: &[Reference]) -> bool {
        references.iter().any(|reference| self.owned_by_peer(reference).is_none())
    }

    /// What the other side has behind this reference, if it is that.
    fn owned_by_peer<'r>(&self, reference: &'r Reference) -> Option<&'r Arc<Target>> {
        match reference {
            Reference::Theirs(target) | Reference::Own(Exported::Forwarder(target)) => {
                std::ptr::eq(Arc::as_ptr(target.link()), self).then_some(target)
            }
            Reference::Own(_) => None,
        }
    }

    fn number_one(&self, reference: &Reference) -> Result<Numbered, Error> {
        if let Some(target) = self.owned_by_peer(reference) {
            return Ok(Numbered::Receivers(target.object()));
        }
        let own = match reference {
            Reference::Theirs(target) => Exported::Forwarder(target.clone()),
            Reference::Own(own) => own.clone(),
        };
        lock(&self.exports).add(own).map(Numbered::Senders)
    }

    /// Forgets the numbers that were given out for a message that was not sent.
    pub(crate) fn take_back(&self, numbered: &[Numbered]) {
        let own = numbered.iter().filter_map(|numbered| match numbered {
            Numbered::Senders(object) => lock(&self.exports).remove(*object),
            Numbered::Receivers(_) => None,
        });
        let_go(own);
    }

    /// Counts a message without an answer that was sent with these references.
    pub(crate) fn count_unanswered(&self, references: &[Reference]) {
        for target in references.iter().filter_map(|reference| self.owned_by_peer(reference)) {
            target.count_unanswered();
        }
    }

    /// What a message that came in refers to. `wants_reply`: its sender keeps what it refers to until
    /// there is an answer.
    pub(crate) fn resolve(
        self: &Arc<Link>,
        envelope: &Envelope<'_>,
        wants_reply: bool,
    ) -> Result<Luggage, &'static str> {
        let references = envelope.references();
        let mut luggage = Luggage::default();
        luggage.objects.reserve_exact(references.len());
        for numbered in references {
            luggage.objects.push(Some(self.resolve_one(numbered, wants_reply)?));
        }
        Ok(luggage)
    }

    fn resolve_one(
        self: &Arc<Link>,
        numbered: Numbered,
        wants_reply: bool,
    ) -> Result<Reference, &'static str> {
        match numbered {
            Numbered::Receivers(object) => self
                .find(object, wants_reply)
                .map(Reference::Own)
                .ok_or("it refers to an object that was released, or never given away"),
            Numbered::Senders(object) => {
                let port = self.port.get().ok_or("it brings an object that cannot be called")?;
                let target = Target::new(self.clone(), port.clone(), object);
                Ok(Reference::Theirs(Arc::new(target)))
            }
        }
    }

    /// Tells the other side that an object of its is not held any more. Never waits.
    pub(crate) fn release(&self, port: &CommunicationPort, release: Release) {
        lock(&self.pending).push(release);
        self.has_pending.store(true, Ordering::SeqCst);
        self.flush(port);
    }

    /// Tells of the releases that found no room before. Never waits.
    pub(crate) fn flush(&self, port: &CommunicationPort) {
        // Looked at with every call, so it is not written to without need.
        while self.has_pending.load(Ordering::Relaxed)
            && self.has_pending.swap(false, Ordering::SeqCst)
        {
            let refused = std::mem::take(&mut *lock(&self.refused));
            for numbered in refused {
                match numbered {
                    Numbered::Senders(object) => {
                        lock(&self.pending).push(Release { object, unanswered: 0 });
                    }
                    Numbered::Receivers(object) => drop(self.find(object, false)),
                }
            }
            let mut batch = {
                let mut pending = lock(&self.pending);
                let rest = pending.len().saturating_sub(BATCH);
                self.has_pending.store(rest > 0, Ordering::SeqCst);
                pending.split_off(rest)
            };
            let told: Vec<_> = batch.iter().map(|it| (it.object, it.unanswered)).collect();
            let mut body = Vec::new();
            if encode::to_vec_in(&told, &mut body).is_err() {
                return;
            }
            let request = Request {
                method: framework::RELEASE,
                tag: 0,
                body: &body,
                parts: &mut [],
                handles: &[],
                deadline: Deadline::after(Duration::ZERO),
            };
            let Err(failure) = port.send(request) else { continue };
            if !failure.may_have_run && *failure.error.kind() == ErrorKind::TimedOut {
                lock(&self.pending).append(&mut batch);
                self.has_pending.store(true, Ordering::SeqCst);
            }
            // Otherwise the connection has ended, and everything is released by that.
            return;
        }
    }

    /// The other side holds these objects no more.
    pub(crate) fn released(&self, releases: impl IntoIterator<Item = Release>) {
        for release in releases {
            let gone = lock(&self.exports).release(release);
            let_go(gone);
        }
    }

    /// Lets go of everything that was given away: the other side is gone.
    pub(crate) fn run_down(&self) {
        let objects = lock(&self.exports).close();
        let_go(objects);
    }

    /// Ends the streams that were given away: this side goes.
    pub(crate) fn end_streams(&self) {
        let streams = lock(&self.exports).take_streams();
        let_go(streams);
    }

    /// Whether the other side is gone.
    pub(crate) fn is_closed(&self) -> bool {
        lock(&self.exports).is_closed()
    }

    /// How many objects the other side holds.
    pub(crate) fn objects(&self) -> usize {
        lock(&self.exports).len()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let callbacks = self.callbacks.as_mut().map(|port| port.get_mut());
        if let Some(Ok(Some(port))) = callbacks {
            port.shut_down();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
