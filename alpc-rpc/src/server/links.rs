//! The connections of a server, whose streams end when it does.
//!
//! A stream may keep its connection: a question waits in it for items, and can be answered only while
//! there is a port to answer by. When a client goes that is undone; when the server goes, nobody would.
//! Everything else that a connection has given away goes with it by itself, once the channels are closed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::object::Link;

/// Those that are there, and some that are gone.
#[derive(Default)]
pub(super) struct Links(Mutex<Vec<Weak<Link>>>);

impl Links {
    /// Adds a connection.
    pub(super) fn add(&self, link: &Arc<Link>) {
        let mut links = self.lock();
        if links.len() == links.capacity() {
            links.retain(|link| link.strong_count() > 0);
        }
        links.push(Arc::downgrade(link));
    }

    /// Ends the streams that were given away.
    pub(super) fn end_streams(&self) {
        let links = std::mem::take(&mut *self.lock());
        links.iter().filter_map(Weak::upgrade).for_each(|link| link.end_streams());
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Link>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
