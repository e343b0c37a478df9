//! Counts a port's clients, so that none takes the room of the others.
//!
//! Handshakes and connections are counted apart and per user: a user that fills its share is told
//! so, and everybody else does not notice.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Handshakes of one port that may be under way.
const MAX_HANDSHAKES: usize = 128;
/// And of one user of it.
const MAX_HANDSHAKES_PER_USER: usize = 16;

/// All places of one port.
#[derive(Debug, Default)]
pub(crate) struct Places {
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: Counts,
    users: BTreeMap<u32, Counts>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    handshakes: usize,
    connections: usize,
}

/// One place, free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    uid: u32,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Handshake,
    Connection,
}

impl Counts {
    fn of(&mut self, what: What) -> &mut usize {
        match what {
            What::Handshake => &mut self.handshakes,
            What::Connection => &mut self.connections,
        }
    }
}

impl Places {
    /// A place for a client that begins its handshake, or the reason why there is none.
    pub(crate) fn for_handshake(self: &Arc<Places>, uid: u32) -> Result<Place, String> {
        self.take(uid, What::Handshake, MAX_HANDSHAKES, MAX_HANDSHAKES_PER_USER)
    }

    /// A place for a connection, where `max` are for all and `per_user` for each user.
    pub(crate) fn for_connection(
        self: &Arc<Places>,
        uid: u32,
        max: usize,
        per_user: usize,
    ) -> Result<Place, String> {
        self.take(uid, What::Connection, max, per_user)
    }

    fn take(
        self: &Arc<Places>,
        uid: u32,
        what: What,
        max: usize,
        per_user: usize,
    ) -> Result<Place, String> {
        let things = match what {
            What::Handshake => "handshakes",
            What::Connection => "connections",
        };
        let mut taken = self.lock();
        let all = *taken.all.of(what);
        if all >= max {
            return Err(format!("{all} {things} are open of {max} that the port takes"));
        }
        let of_user = taken.users.get_mut(&uid).map_or(0, |counts| *counts.of(what));
        if of_user >= per_user {
            return Err(format!("user {uid} has {of_user} {things} of {per_user} it may have"));
        }
        *taken.all.of(what) += 1;
        *taken.users.entry(uid).or_default().of(what) += 1;
        Ok(Place { places: self.clone(), uid, what })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        *taken.all.of(self.what) -= 1;
        if let Some(counts) = taken.users.get_mut(&self.uid) {
            *counts.of(self.what) -= 1;
            if *counts == Counts::default() {
                taken.users.remove(&self.uid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_that_fills_its_share_leaves_room_for_others() {
        let places = Arc::new(Places::default());
        let mut held: Vec<Place> =
            (0..MAX_HANDSHAKES_PER_USER).map(|_| places.for_handshake(7).unwrap()).collect();
        let reason = places.for_handshake(7).unwrap_err();
        assert_eq!(reason, "user 7 has 16 handshakes of 16 it may have");
        held.push(places.for_handshake(8).unwrap());
        held.push(places.for_connection(7, 1, 1).unwrap());
        let reason = places.for_connection(8, 1, 1).unwrap_err();
        assert_eq!(reason, "1 connections are open of 1 that the port takes");
        drop(held);
        assert!(places.lock().users.is_empty());
        assert_eq!(places.lock().all, Counts::default());
    }
}
