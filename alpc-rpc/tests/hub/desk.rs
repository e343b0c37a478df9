//! A hub as a server has it, and watchers as its clients do.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::time::Duration;

use alpc_rpc::__rt::v1::OwnedFd;
use alpc_rpc::transport::Directory;
use alpc_rpc::{Call, Client, Connection, PortAttributes, Server, ServerBuilder};

use super::{
    Hub, HubClient, HubEmitter, HubServer, Member, MemberEmitter, MemberRef, Watcher,
    WatcherClient, WatcherRef,
};

/// Far beyond what anything here takes, and the end of a test that hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Serves a hub.
pub struct Desk {
    members: Mutex<BTreeMap<String, Weak<Seat>>>,
    pub events: HubEmitter,
    told: Sender<String>,
    pub found_late: AtomicU32,
    /// How many callers have stopped waiting for what is late.
    given_up: Mutex<u32>,
    gave_up: Condvar,
    given: Mutex<Option<MemberRef>>,
}

/// A member of the hub. Tells when it is dropped.
pub struct Seat {
    name: String,
    watcher: WatcherClient,
    events: MemberEmitter,
    told: Sender<String>,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let _test_over = self.told.send(format!("{} left", self.name));
        assert_ne!(self.name, "bomb", "as it is meant to");
    }
}

impl Desk {
    fn seat(&self, name: &str) -> Option<Arc<Seat>> {
        self.members.lock().unwrap().get(name)?.upgrade()
    }
}

impl Desk {
    /// What a member gave us to call.
    pub fn watcher(&self, name: &str) -> WatcherClient {
        self.seat(name).unwrap().watcher.clone()
    }

    /// Says that a caller has stopped waiting for what is late.
    pub fn give_up(&self) {
        *self.given_up.lock().unwrap() += 1;
        self.gave_up.notify_all();
    }

    /// Where the events of a member are sent from.
    pub fn emitter_of(&self, name: &str) -> MemberEmitter {
        self.seat(name).unwrap().events.clone()
    }
}

impl Hub for Arc<Desk> {
    fn join(&self, _: &Call<'_>, name: &str, watcher: WatcherClient) -> Arc<dyn Member> {
        let (events, told) = (MemberEmitter::default(), self.told.clone());
        let seat = Arc::new(Seat { name: name.to_owned(), watcher, events, told });
        self.members.lock().unwrap().insert(name.to_owned(), Arc::downgrade(&seat));
        self.events.joined(name, seat.clone() as Arc<dyn Member>).unwrap();
        seat
    }

    /// A name after `late` is found when the caller has stopped waiting, and said so.
    fn find(&self, cx: &Call<'_>, name: &str) -> Option<Arc<dyn Member>> {
        let Some(name) = name.strip_prefix("late ") else { return Some(self.seat(name)?) };
        let given_up = self.given_up.lock().unwrap();
        let before = *given_up;
        // Past its deadline the caller may have given up before we looked.
        let waits = |given_up: &mut u32| *given_up == before && !cx.deadline().is_past();
        drop(self.gave_up.wait_while(given_up, waits).unwrap());
        self.found_late.fetch_add(1, Ordering::SeqCst);
        Some(self.seat(name)?)
    }

    fn watcher_of(&self, _: &Call<'_>, name: &str) -> WatcherRef {
        WatcherRef::Remote(self.seat(name).unwrap().watcher.clone())
    }

    fn members(&self, _: &Call<'_>, all: Vec<MemberRef>) -> u32 {
        u32::try_from(all.iter().filter(|it| matches!(it, MemberRef::Local(_))).count()).unwrap()
    }

    fn read(&self, _: &Call<'_>, file: OwnedFd) -> Vec<u8> {
        let mut text = Vec::new();
        File::from(file).read_to_end(&mut text).unwrap();
        text
    }

    fn lend(&self, _: &Call<'_>, path: &str) -> OwnedFd {
        File::open(path).unwrap().into()
    }

    fn objects(&self, cx: &Call<'_>) -> u64 {
        cx.connection().objects() as u64
    }

    fn give(&self, _: &Call<'_>, member: MemberRef) {
        *self.given.lock().unwrap() = Some(member);
    }

    fn take(&self, _: &Call<'_>) -> MemberRef {
        self.given.lock().unwrap().take().unwrap()
    }

    fn emitter(&self) -> &HubEmitter {
        &self.events
    }
}

impl Member for Seat {
    fn name(&self, _: &Call<'_>) -> String {
        self.name.clone()
    }

    fn same_as(&self, _: &Call<'_>, other: MemberRef) -> bool {
        let MemberRef::Local(other) = other else { return false };
        std::ptr::addr_eq(Arc::as_ptr(&other), self)
    }

    fn ask(&self, _: &Call<'_>, question: &str) -> String {
        self.watcher.ask(question).unwrap_or_else(|error| format!("error: {error}"))
    }

    fn note(&self, _: &Call<'_>, text: &str) {
        self.watcher.tell(text).unwrap();
        self.events.noted(text, 7).unwrap();
    }

    fn emitter(&self) -> &MemberEmitter {
        &self.events
    }
}

/// A server of a hub, in a place of its own, and what it tells.
pub struct Place {
    pub server: Option<Server>,
    pub desk: Arc<Desk>,
    pub told: Receiver<String>,
    /// Hears of each connection that is gone, when all that belonged to it is.
    gone: Receiver<()>,
    pub folder: PathBuf,
}

/// Belongs to a connection: the runtime drops it last.
struct Guest(Sender<()>);

impl Drop for Guest {
    fn drop(&mut self) {
        let _test_over = self.0.send(());
    }
}

impl Place {
    /// With one worker, which takes what a client sends in the order in which it was sent: a release
    /// has been seen to when a later call is answered.
    pub fn new() -> Place {
        Place::with(|server| server.workers(1))
    }

    /// With attributes that are changed by `offer`.
    pub fn offering(offer: impl FnOnce(PortAttributes) -> PortAttributes) -> Place {
        Place::set_up(|server, folder| server.workers(1).attributes(offer(attributes(folder))))
    }

    pub fn with(set_up: impl FnOnce(ServerBuilder) -> ServerBuilder) -> Place {
        Place::set_up(|server, _| set_up(server))
    }

    fn set_up(set_up: impl FnOnce(ServerBuilder, &Path) -> ServerBuilder) -> Place {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("alpc-hub-{}-{count}", std::process::id()));
        let (desk, told) = desk();
        let (leave, gone) = channel();
        let greet = move |guest: Connection<'_>| {
            assert!(guest.set_context(Guest(leave.clone())).is_ok(), "it has just come");
        };
        let server = serve(&folder, &desk, |server| set_up(server, &folder).on_connect(greet));
        Place { server: Some(server), desk, told, gone, folder }
    }

    pub fn connect(&self) -> HubClient {
        connect(&self.folder)
    }

    #[track_caller]
    pub fn expect(&self, told: &str) {
        assert_eq!(self.told.recv_timeout(PATIENCE).unwrap(), told);
    }

    /// Waits until the server is done with a connection that has ended.
    #[track_caller]
    pub fn expect_gone(&self) {
        self.gone.recv_timeout(PATIENCE).unwrap();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.server.take());
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}

pub fn desk() -> (Arc<Desk>, Receiver<String>) {
    let (told, hear) = channel();
    let (members, events) = (Mutex::default(), HubEmitter::default());
    let desk = Desk {
        members,
        events,
        told,
        found_late: AtomicU32::new(0),
        given_up: Mutex::default(),
        gave_up: Condvar::new(),
        given: Mutex::default(),
    };
    (Arc::new(desk), hear)
}

pub fn serve(
    folder: &Path,
    desk: &Arc<Desk>,
    set_up: impl FnOnce(ServerBuilder) -> ServerBuilder,
) -> Server {
    let server = Server::bind("hub").unwrap().attributes(attributes(folder));
    set_up(server).serve(HubServer::new(desk.clone())).unwrap()
}

pub fn attributes(folder: &Path) -> PortAttributes {
    PortAttributes::new().directory(Directory::at(folder).unwrap())
}

pub fn connect(folder: &Path) -> HubClient {
    HubClient::connect_with("hub", &attributes(folder)).unwrap()
}

/// A member without a hub, as a client may have one of its own.
#[derive(Default)]
pub struct Own {
    pub events: MemberEmitter,
    /// Hears when it is dropped, if somebody wants to.
    pub told: Option<Sender<String>>,
}

impl Drop for Own {
    fn drop(&mut self) {
        let _nobody = self.told.as_ref().map(|told| told.send("own dropped".to_owned()));
    }
}

impl Member for Own {
    fn name(&self, _: &Call<'_>) -> String {
        "own".to_owned()
    }

    fn same_as(&self, _: &Call<'_>, other: MemberRef) -> bool {
        matches!(other, MemberRef::Local(_))
    }

    fn ask(&self, _: &Call<'_>, question: &str) -> String {
        question.repeat(100_000)
    }

    fn note(&self, _: &Call<'_>, text: &str) {
        self.events.noted(text, 0).unwrap();
    }

    fn emitter(&self) -> &MemberEmitter {
        &self.events
    }
}

/// A watcher that answers with its name, and tells what it hears and when it is dropped.
pub struct Ear {
    pub name: &'static str,
    pub told: Sender<String>,
    /// Called while a question is answered.
    pub hub: Option<HubClient>,
}

impl Ear {
    pub fn new(name: &'static str) -> (Ear, Receiver<String>) {
        let (told, hear) = channel();
        (Ear { name, told, hub: None }, hear)
    }
}

impl Watcher for Ear {
    fn ask(&self, _: &Call<'_>, question: &str) -> String {
        let Some(hub) = &self.hub else { return format!("{}: {question}", self.name) };
        match question.strip_prefix('!') {
            // Asks the hub to ask us, with one mark less.
            Some(rest) => hub.find(self.name).unwrap().unwrap().ask(rest).unwrap(),
            None => format!("{}: {question}, {}", self.name, hub.objects().unwrap()),
        }
    }

    fn tell(&self, _: &Call<'_>, text: &str) {
        let _test_over = self.told.send(text.to_owned());
    }

    fn pass(&self, _: &Call<'_>, member: super::MemberClient) -> String {
        member.name().unwrap_or_else(|error| format!("error: {error}"))
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        let _test_over = self.told.send("dropped".to_owned());
    }
}

/// The name of the client's interface, so that `Client` is used by all who include this.
pub fn interface_of<C: Client>(_: &C) -> &'static str {
    C::INTERFACE.name
}
