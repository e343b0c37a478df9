//! The connections of a server, to be run down when it ends.
//!
//! What a connection has given away may keep the connection itself: a stream's question waits in it for
//! items, and can be answered only while there is a port to answer by. When a client goes that is undone;
//! when the server goes, nobody would.

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

    /// Lets go of everything that was given away.
    pub(super) fn run_down(&self) {
        let links = std::mem::take(&mut *self.lock());
        links.iter().filter_map(Weak::upgrade).for_each(|link| link.run_down());
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Link>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
