//! Objects, callbacks, events and handles, for clients that wait in either way.

#![allow(missing_docs, reason = "the names say what a reader of the tests needs")]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

use alpc_rpc::prelude::*;

/// What clients implement.
#[alpc_interface(name = "tests.club.Listener", version = "1.0")]
pub trait Listener {
    fn ask(&self, question: &str) -> String;
    #[oneway]
    fn tell(&self, text: &str);
}

#[alpc_interface(name = "tests.club.Named", version = "1.0")]
pub trait Named {
    fn name(&self) -> String;
}

/// An object of the club's.
#[alpc_interface(name = "tests.club.Member", version = "1.0")]
pub trait Member: Named {
    /// Has the member's listener answer.
    fn ask(&self, question: &str) -> String;
    /// Tells the listener, and whoever has subscribed.
    #[oneway]
    fn note(&self, text: &str);
    #[event]
    fn noted(text: &str, count: u64);
}

#[alpc_interface(name = "tests.club.Club", version = "1.0")]
pub trait Club {
    fn join(&self, name: &str, listener: ListenerClient) -> Arc<dyn Member>;
    fn find(&self, name: &str) -> Option<Arc<dyn Member>>;
    fn listener_of(&self, name: &str) -> ListenerRef;
    fn are_same(&self, one: MemberRef, other: Option<MemberRef>) -> bool;
    #[returns(#[handle(pipe, read)] _)]
    fn pipe(&self, text: &str) -> OwnedFd;
    fn read(&self, #[handle(pipe, read)] from: OwnedFd) -> String;
    /// How many objects of the club the caller holds.
    fn objects(&self, cx: &Call<'_>) -> u64;
    /// Waits until `release`, or until nobody wants the answer; says whether it was wanted.
    #[cancellable]
    fn hold(&self, cx: &Call<'_>, name: &str) -> bool;
    fn release(&self, name: &str);
    /// Returns when a call of `hold` has begun.
    fn held(&self, name: &str);
    /// Returns when a call of `hold` has ended in this way.
    fn ended(&self, end: &str);
    /// What became of the calls of `hold`, in order.
    fn ends(&self) -> Vec<String>;
}

/// A club that anybody may join.
#[derive(Debug, Default)]
pub struct House {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    members: BTreeMap<String, Weak<Seat>>,
    held: Vec<String>,
    released: Vec<String>,
    ends: Vec<String>,
}

/// Somebody's place in the club.
#[derive(Debug)]
pub struct Seat {
    name: String,
    listener: ListenerClient,
    events: MemberEmitter,
    house: Weak<House>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Some(house) = self.house.upgrade() {
            house.state().members.remove(&self.name);
            house.changed.notify_all();
        }
    }
}

/// A club, ready to be served.
pub fn server() -> ClubServer<Arc<House>> {
    ClubServer::new(Arc::default())
}

impl House {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn until(&self, mut is_so: impl FnMut(&State) -> bool) {
        let waited = self.changed.wait_while(self.state(), |state| !is_so(state));
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits until a call of `hold` has begun.
    pub fn until_held(&self, name: &str) {
        self.until(|state| state.held.iter().any(|held| held == name));
    }

    /// Whether a call of `hold` has begun.
    pub fn is_held(&self, name: &str) -> bool {
        self.state().held.iter().any(|held| held == name)
    }

    /// Waits until a call of `hold` has ended, as it is said.
    pub fn until_ended(&self, end: &str) {
        self.until(|state| state.ends.iter().any(|it| it == end));
    }

    /// Waits until there is no such member.
    pub fn until_left(&self, name: &str) {
        self.until(|state| !state.members.contains_key(name));
    }

    /// How many listen to a member's events.
    pub fn subscribers(&self, name: &str) -> usize {
        self.seat(name).map_or(0, |seat| seat.events.as_emitter().subscribers())
    }

    fn seat(&self, name: &str) -> Option<Arc<Seat>> {
        self.state().members.get(name)?.upgrade()
    }
}

impl Club for Arc<House> {
    fn join(&self, name: &str, listener: ListenerClient) -> Arc<dyn Member> {
        let (name, house) = (name.to_owned(), Arc::downgrade(self));
        let events = MemberEmitter::new();
        let seat = Arc::new(Seat { name: name.clone(), listener, events, house });
        self.state().members.insert(name, Arc::downgrade(&seat));
        seat
    }

    fn find(&self, name: &str) -> Option<Arc<dyn Member>> {
        self.seat(name).map(|seat| seat as Arc<dyn Member>)
    }

    fn listener_of(&self, name: &str) -> ListenerRef {
        self.seat(name).expect("it has joined").listener.clone().into()
    }

    fn are_same(&self, one: MemberRef, other: Option<MemberRef>) -> bool {
        match (one, other) {
            (MemberRef::Local(one), Some(MemberRef::Local(other))) => {
                std::ptr::addr_eq(Arc::as_ptr(&one), Arc::as_ptr(&other))
            }
            _ => false,
        }
    }

    fn pipe(&self, text: &str) -> OwnedFd {
        let (from, mut to) = std::io::pipe().expect("two descriptors");
        to.write_all(text.as_bytes()).expect("a pipe has room");
        from.into()
    }

    fn read(&self, from: OwnedFd) -> String {
        let mut text = String::new();
        File::from(from).read_to_string(&mut text).expect("a pipe can be read");
        text
    }

    fn objects(&self, cx: &Call<'_>) -> u64 {
        cx.connection().objects() as u64
    }

    fn hold(&self, cx: &Call<'_>, name: &str) -> bool {
        let is_released = |state: &State| state.released.iter().any(|it| it == name);
        self.state().held.push(name.to_owned());
        self.changed.notify_all();
        let house = self.clone();
        let cancelled = cx.cancellation();
        let _told = cancelled.on_cancel(move || {
            drop(house.state());
            house.changed.notify_all();
        });
        self.until(|state| is_released(state) || cancelled.is_cancelled());
        let mut state = self.state();
        let is_wanted = is_released(&state);
        let how = if is_wanted { "released" } else { "cancelled" };
        state.ends.push(format!("{name} {how}"));
        drop(state);
        self.changed.notify_all();
        is_wanted
    }

    fn release(&self, name: &str) {
        self.state().released.push(name.to_owned());
        self.changed.notify_all();
    }

    fn held(&self, name: &str) {
        self.until_held(name);
    }

    fn ended(&self, end: &str) {
        self.until_ended(end);
    }

    fn ends(&self) -> Vec<String> {
        self.state().ends.clone()
    }
}

impl Named for Seat {
    fn name(&self) -> String {
        self.name.clone()
    }
}

impl Member for Seat {
    fn ask(&self, question: &str) -> String {
        self.listener.ask(question).unwrap_or_else(|error| format!("error: {error}"))
    }

    fn note(&self, text: &str) {
        // Who does not listen any more misses it.
        let _gone = self.listener.tell(text);
        let _gone = self.events.noted(text, 7);
    }

    fn emitter(&self) -> &MemberEmitter {
        &self.events
    }
}

/// A listener that answers with its name, and tells what it hears.
#[derive(Debug)]
pub struct Ear {
    pub name: &'static str,
    pub told: std::sync::mpsc::Sender<String>,
}

impl Listener for Ear {
    fn ask(&self, question: &str) -> String {
        format!("{}: {question}", self.name)
    }

    fn tell(&self, text: &str) {
        let _test_over = self.told.send(text.to_owned());
    }
}
