//! What the server knows: the rooms, and who is in them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alpc_rpc::Call;

use super::interface::{
    Chat, ChatEmitter, ChatError, GuestClient, MAX_GUESTS, MAX_ROOMS, Room, Seat, SeatEmitter,
};

/// The chat server.
#[derive(Debug, Default)]
pub struct Rooms {
    house: Arc<House>,
}

/// All rooms, and who wants to know of them.
#[derive(Debug, Default)]
struct House {
    rooms: Mutex<BTreeMap<String, Arc<OpenRoom>>>,
    events: ChatEmitter,
}

/// A room with somebody in it.
#[derive(Debug, Default)]
struct OpenRoom {
    inside: Mutex<Inside>,
    /// All seats of the room have this one: who listens at a seat hears the room.
    events: SeatEmitter,
}

#[derive(Debug, Default)]
struct Inside {
    guests: BTreeMap<String, GuestClient>,
    lines: u64,
}

/// One guest's place. The runtime drops it when the client lets go of it, or is gone.
#[derive(Debug)]
struct Place {
    house: Arc<House>,
    room: Arc<OpenRoom>,
    room_name: String,
    nick: String,
}

impl Chat for Rooms {
    fn enter(
        &self,
        _: &Call<'_>,
        room: &str,
        nick: &str,
        guest: GuestClient,
    ) -> Result<Arc<dyn Seat>, ChatError> {
        for name in [room, nick] {
            check_name(name)?;
        }
        Ok(Arc::new(self.house.enter(room, nick, guest)?))
    }

    fn rooms(&self, _: &Call<'_>) -> Vec<Room> {
        let rooms = lock(&self.house.rooms);
        let room = |(name, room): (&String, &Arc<OpenRoom>)| {
            let guests = u32::try_from(lock(&room.inside).guests.len()).unwrap_or(u32::MAX);
            Room::new(name.clone(), guests)
        };
        rooms.iter().map(room).collect()
    }

    fn emitter(&self) -> &ChatEmitter {
        &self.house.events
    }
}

impl House {
    fn enter(
        self: &Arc<House>,
        name: &str,
        nick: &str,
        guest: GuestClient,
    ) -> Result<Place, ChatError> {
        // Both locks, in the order in which everybody takes them: a room that empties just now must
        // not be closed around whoever enters it.
        let mut rooms = lock(&self.rooms);
        let is_new = !rooms.contains_key(name);
        if is_new && rooms.len() as u64 >= MAX_ROOMS {
            return Err(ChatError::Full { limit: MAX_ROOMS });
        }
        let room = rooms.entry(name.to_owned()).or_default().clone();
        let mut inside = lock(&room.inside);
        if inside.guests.len() as u64 >= MAX_GUESTS {
            return Err(ChatError::Full { limit: MAX_GUESTS });
        }
        if inside.guests.contains_key(nick) {
            return Err(ChatError::NickTaken { nick: nick.to_owned() });
        }
        inside.guests.insert(nick.to_owned(), guest);
        // Who cannot be told misses it, and is told that something was missed. An event never waits, so
        // it may be sent under the locks, which give all guests one order of events.
        if is_new {
            let _untold = self.events.opened(name);
        }
        let _untold = room.events.came(nick);
        drop(inside);
        let (house, room_name) = (self.clone(), name.to_owned());
        Ok(Place { house, room, room_name, nick: nick.to_owned() })
    }

    fn leave(&self, place: &Place) {
        let mut rooms = lock(&self.rooms);
        let mut inside = lock(&place.room.inside);
        let guest = inside.guests.remove(&place.nick);
        let _untold = place.room.events.left(&place.nick);
        if inside.guests.is_empty() {
            rooms.remove(&place.room_name);
            let _untold = self.events.closed(&place.room_name);
        }
        drop((inside, rooms));
        // Under no lock: letting go of a client's object is a message to that client.
        drop(guest);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.house.leave(self);
    }
}

impl Seat for Place {
    fn say(&self, _: &Call<'_>, text: &str) -> u64 {
        // The lock is held until the event is on its way, so that all hear the lines in their order.
        let mut inside = lock(&self.room.inside);
        inside.lines += 1;
        let _untold = self.room.events.said(inside.lines, &self.nick, text);
        inside.lines
    }

    fn ask(&self, cx: &Call<'_>, nick: &str, question: &str) -> Result<Option<String>, ChatError> {
        let guest = lock(&self.room.inside).guests.get(nick).cloned();
        let guest = guest.ok_or_else(|| ChatError::NobodyCalled { nick: nick.to_owned() })?;
        // People take their time. Meanwhile another of the server's threads may work in this one's place.
        let answer = cx.blocking(|| guest.asked(&self.nick, question));
        answer.map_err(|_gone_or_silent| ChatError::NoAnswer { nick: nick.to_owned() })
    }

    fn guests(&self, _: &Call<'_>) -> Vec<String> {
        lock(&self.room.inside).guests.keys().cloned().collect()
    }

    fn emitter(&self) -> &SeatEmitter {
        &self.room.events
    }
}

/// Names stand in lines and commands, so they hold nothing that could be taken for anything else.
fn check_name(name: &str) -> Result<(), ChatError> {
    let fits = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(fits) {
        return Ok(());
    }
    Err(ChatError::NotAName { name: name.to_owned() })
}

/// Nothing is left half changed by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
