//! Clients that come back after a restart of their server.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use alpc_rpc::prelude::*;
use alpc_rpc::transport::Directory;
use alpc_rpc::{Canceller, ConnectError, Deadline, PortAttributes, Reconnect, Subscriptions};

#[cfg(feature = "async")]
#[path = "reconnect/tasks.rs"]
mod tasks;

const PATIENCE: Duration = Duration::from_secs(60);

/// Who is called back.
#[alpc_interface(name = "test.Listener", version = "1.0")]
pub trait Listener {
    /// Something happens.
    fn hear(&self, cx: &Call<'_>, what: &str);
}

/// A telephone, of which a server has one.
#[alpc_interface(name = "test.Phone", version = "1.0")]
pub trait Phone {
    /// Cuts as many calls off in the middle as the server was told to, then counts those that came.
    #[idempotent]
    fn read(&self, cx: &Call<'_>) -> u32;

    /// As `read`, and not to be repeated.
    fn write(&self, cx: &Call<'_>) -> u32;

    /// As `read`, and overwrites what comes along before it cuts the call off.
    #[idempotent]
    fn swap(&self, cx: &Call<'_>, #[max(16)] buffer: &mut InOutBuf<'_>) -> u32;

    /// Writes something down.
    #[oneway]
    fn note(&self, cx: &Call<'_>, text: &str);

    /// Who hears of it when it rings.
    fn listen(&self, cx: &Call<'_>, listener: ListenerClient);

    /// Has the listener hear something, and all who listen to events.
    fn ring(&self, cx: &Call<'_>, what: &str) -> bool;

    /// It has rung.
    #[event]
    fn rang(what: &str);
}

#[derive(Default)]
struct Desk {
    cut_off: AtomicU32,
    calls: AtomicU32,
    listener: Mutex<Option<ListenerClient>>,
    notes: Mutex<Option<Sender<String>>>,
    events: PhoneEmitter,
    /// How many subscriptions fail before one does not.
    deaf: AtomicU32,
}

impl Desk {
    fn count(&self, cx: &Call<'_>) -> u32 {
        let count = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        if count <= self.cut_off.load(Ordering::SeqCst) {
            cx.connection().close();
        }
        count
    }
}

/// One desk, whichever server it is served by.
struct At(Arc<Desk>);

impl Phone for At {
    fn read(&self, cx: &Call<'_>) -> u32 {
        self.0.count(cx)
    }

    fn write(&self, cx: &Call<'_>) -> u32 {
        self.0.count(cx)
    }

    fn swap(&self, cx: &Call<'_>, buffer: &mut InOutBuf<'_>) -> u32 {
        buffer.as_mut_slice().fill(b'x');
        self.0.count(cx)
    }

    fn note(&self, _: &Call<'_>, text: &str) {
        if let Some(notes) = &*self.0.notes.lock().unwrap() {
            notes.send(text.to_owned()).unwrap();
        }
    }

    fn listen(&self, _: &Call<'_>, listener: ListenerClient) {
        *self.0.listener.lock().unwrap() = Some(listener);
    }

    fn ring(&self, _: &Call<'_>, what: &str) -> bool {
        self.0.events.rang(what).unwrap();
        let listener = self.0.listener.lock().unwrap().clone();
        listener.is_some_and(|listener| listener.hear(what).is_ok())
    }

    fn emitter(&self) -> &PhoneEmitter {
        let less = |left: u32| left.checked_sub(1);
        let hears = self.0.deaf.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_err();
        assert!(hears, "as it is meant to");
        &self.0.events
    }
}

struct Ear(Sender<String>);

impl Listener for Ear {
    /// Something happens.
    fn hear(&self, _: &Call<'_>, what: &str) {
        self.0.send(what.to_owned()).unwrap();
    }
}

/// A place where servers come and go.
struct Stage {
    attributes: PortAttributes,
    folder: PathBuf,
    connections: Arc<AtomicU32>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}

impl Stage {
    fn new() -> Stage {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("alpc-re-{}-{count}", std::process::id()));
        // What a process of the same number has left behind, that was killed.
        let _left = std::fs::remove_dir_all(&folder);
        let attributes = PortAttributes::new().directory(Directory::at(&folder).unwrap());
        Stage { attributes, folder, connections: Arc::default() }
    }

    fn serve(&self, desk: &Arc<Desk>) -> Server {
        let connections = self.connections.clone();
        let server = Server::bind("phone").unwrap().attributes(self.attributes.clone());
        let server = server.on_connect(move |_| {
            connections.fetch_add(1, Ordering::SeqCst);
        });
        server.serve(PhoneServer::new(At(desk.clone()))).unwrap()
    }

    fn connect(&self) -> PhoneClient {
        PhoneClient::connect_with("phone", &self.attributes).unwrap()
    }

    /// A client that comes back, and looks often whether it can.
    fn client(&self) -> PhoneClient {
        self.connect().with_timeout(PATIENCE).reconnect(often())
    }
}

fn often() -> Reconnect<PhoneClient> {
    Reconnect::new().pauses(Duration::from_millis(1), Duration::from_millis(4))
}

#[test]
fn calls_wait_for_the_next_server() {
    let (stage, desk) = (Stage::new(), Arc::<Desk>::default());
    let first = stage.serve(&desk);
    let phone = stage.client();
    assert_eq!(phone.write().unwrap(), 1);
    drop(first);
    let called = thread::spawn(move || phone.write());
    let _second = stage.serve(&desk);
    assert_eq!(called.join().unwrap().unwrap(), 2);
}

#[test]
fn one_way_calls_wait_for_the_next_server_too() {
    let (stage, desk) = (Stage::new(), Arc::<Desk>::default());
    let (send, notes) = channel();
    *desk.notes.lock().unwrap() = Some(send);
    let first = stage.serve(&desk);
    let phone = stage.client();
    phone.note("one").unwrap();
    assert_eq!(notes.recv_timeout(PATIENCE).unwrap(), "one");
    drop(first);
    // Until this fails nothing says that the server is gone, and what is sent is lost with it.
    while phone.current().note("lost").is_ok() {}
    let noted = thread::spawn(move || phone.note("two"));
    let _second = stage.serve(&desk);
    noted.join().unwrap().unwrap();
    while notes.recv_timeout(PATIENCE).unwrap() != "two" {}
}

#[test]
fn only_an_idempotent_call_is_sent_again_once_it_may_have_run() {
    let (stage, desk) = (Stage::new(), Arc::<Desk>::default());
    let _server = stage.serve(&desk);
    let phone = stage.client();
    desk.cut_off.store(2, Ordering::SeqCst);
    assert_eq!(phone.read().unwrap(), 3);
    desk.cut_off.store(4, Ordering::SeqCst);
    let error = phone.write().unwrap_err().into_transport();
    assert!(matches!(error, TransportError::Disconnected { may_have_run: true }), "{error}");
    assert_eq!(desk.calls.load(Ordering::SeqCst), 4);
    assert_eq!(phone.write().unwrap(), 5);
}

#[test]
fn a_call_that_brings_its_servers_down_is_not_repeated_for_ever() {
    let (stage, desk) = (Stage::new(), Arc::<Desk>::default());
    let _server = stage.serve(&desk);
    desk.cut_off.store(u32::MAX, Ordering::SeqCst);
    let error = stage.client().read().unwrap_err().into_transport();
    assert!(matches!(error, TransportError::Disconnected { may_have_run: true }), "{error}");
    assert_eq!(desk.calls.load(Ordering::SeqCst), 4);
}

#[test]
fn what_a_server_may_have_overwritten_is_not_sent_again() {
    let (stage, desk) = (Stage::new(), Arc::<Desk>::default());
    let _server = stage.serve(&desk);
    let phone = stage.client();
    desk.cut_off.store(1, Ordering::SeqCst);
    let error = phone.swap(&mut [b'a'; 16]).unwrap_err().into_transport();
    assert!(matches!(error, TransportError::Disconnected { may_have_run: true }), "{error}");
    let mut buffer = [b'a'; 16];
    phone.swap(&mut buffer).unwrap();
    assert_eq!(buffer, [b'x'; 16]);
}

#[test]
fn a_server_that_does_not_come_back_in_time_is_an_error_that_says_why() {
    let (stage, desk) = (Stage::new(), Arc::<Desk>::default());
    let server = stage.serve(&desk);
    let phone = stage.client();
    phone.write().unwrap();
    drop(server);
    let error = phone.with_timeout(Duration::from_millis(20)).write().unwrap_err();
    let error = error.into_transport();
    assert!(!error.may_have_run());
    let text = error.to_string();
    assert!(
        text.starts_with(
            "the server is gone, and has not come back: cannot connect: nobody serves"
        ),
        "{text}"
    );
}

#[test]
fn another_interface_there_is_found_out_at_once() {
    let (stage, desk) = (Stage::new(), Arc::<Desk>::default());
    let server = stage.serve(&desk);
    let phone = stage.client();
    phone.write().unwrap();
    drop(server);
    let other = Server::bind("phone").unwrap().attributes(stage.attributes.clone());
    let _other = other.serve(ListenerServer::new(Ear(channel().0))).unwrap();
    let error = phone.without_deadline().write().unwrap_err().into_transport();
    let TransportError::Unreachable { error, .. } = error else { panic!("{error}") };
    assert!(matches!(*error, ConnectError::Incompatible { .. }), "{error}");
}

#[test]
fn a_cancel_ends_the_wait() {
    let (stage, desk) = (Stage::new(), Arc::<Desk>::default());
    let server = stage.serve(&desk);
    let canceller = Canceller::new();
    let phone = stage.client().without_deadline().with_cancel(&canceller.token());
    phone.write().unwrap();
    drop(server);
    let called = thread::spawn(move || phone.write());
    canceller.cancel();
    let error = called.join().unwrap().unwrap_err().into_transport();
    assert!(matches!(error, TransportError::Cancelled { may_have_run: false }), "{error}");
}

#[test]
fn many_threads_come_back_by_one_connection() {
    let (stage, desk) = (Stage::new(), Arc::<Desk>::default());
    let first = stage.serve(&desk);
    let phone = stage.client();
    phone.write().unwrap();
    drop(first);
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let phone = phone.clone();
            thread::spawn(move || phone.write())
        })
        .collect();
    let _second = stage.serve(&desk);
    for caller in callers {
        caller.join().unwrap().unwrap();
    }
    assert_eq!(desk.calls.load(Ordering::SeqCst), 9);
    assert_eq!(stage.connections.load(Ordering::SeqCst), 2);
}

#[test]
fn what_was_given_to_the_old_server_is_given_to_the_new_one() {
    let (stage, desk) = (Stage::new(), Arc::<Desk>::default());
    let first = stage.serve(&desk);
    let (send, heard) = channel();
    let failures = AtomicU32::new(0);
    let prepare = move |phone: &PhoneClient| {
        // The first time it fails, as if the server was not ready for it.
        if failures.fetch_add(1, Ordering::SeqCst) == 0 {
            return Err(TransportError::Busy);
        }
        phone.listen(Ear(send.clone())).map_err(CallError::into_transport)
    };
    let phone = stage.connect().with_timeout(PATIENCE).reconnect(often().prepare(prepare));
    assert!(!phone.ring("nobody listens").unwrap());
    drop(first);
    let _second = stage.serve(&desk);
    assert!(phone.ring("hello").unwrap());
    assert_eq!(heard.recv_timeout(PATIENCE).unwrap(), "hello");
    assert_eq!(stage.connections.load(Ordering::SeqCst), 3);
}

#[test]
fn a_prepare_that_panics_keeps_nobody_from_trying_again() {
    let (stage, desk) = (Stage::new(), Arc::<Desk>::default());
    let first = stage.serve(&desk);
    let panics = AtomicU32::new(0);
    let policy = often().prepare(move |_| {
        assert!(panics.fetch_add(1, Ordering::SeqCst) > 0, "as it is meant to");
        Ok(())
    });
    let phone = stage.connect().with_timeout(PATIENCE).reconnect(policy);
    drop(first);
    let _second = stage.serve(&desk);
    let unlucky = phone.clone();
    assert!(thread::spawn(move || unlucky.write()).join().is_err());
    assert_eq!(phone.write().unwrap(), 1);
}

#[track_caller]
fn assert_rang(event: Option<Result<PhoneEvent, TransportError>>, expected: &str) {
    let PhoneEvent::Rang { what } = event.unwrap().unwrap();
    assert_eq!(what, expected);
}

#[test]
fn subscriptions_are_renewed_and_say_how_often() {
    let (stage, desk) = (Stage::new(), Arc::<Desk>::default());
    let first = stage.serve(&desk);
    let phone = stage.client();
    let mut events = phone.events();
    phone.ring("one").unwrap();
    assert_rang(events.next(), "one");
    assert_eq!(events.interruptions(), 0);
    drop(first);
    let _second = stage.serve(&desk);
    let next = thread::spawn(move || (events.next(), events.interruptions()));
    // Until the subscription is there again.
    while !next.is_finished() {
        phone.ring("two").unwrap();
    }
    let (event, interruptions) = next.join().unwrap();
    assert_rang(event, "two");
    assert_eq!(interruptions, 1);
}

#[test]
fn a_subscription_that_fails_is_asked_for_again_by_the_same_connection() {
    let (stage, desk) = (Stage::new(), Arc::<Desk>::default());
    let first = stage.serve(&desk);
    let phone = stage.client();
    let mut events = phone.events();
    desk.deaf.store(3, Ordering::SeqCst);
    drop(first);
    let _second = stage.serve(&desk);
    for _ in 0..3 {
        let error = events.next().unwrap().unwrap_err();
        assert!(matches!(error, TransportError::ServerPanicked), "{error}");
    }
    let next = thread::spawn(move || events.next());
    while !next.is_finished() {
        phone.ring("two").unwrap();
    }
    assert_rang(next.join().unwrap(), "two");
    assert_eq!(stage.connections.load(Ordering::SeqCst), 2);
}

#[test]
fn subscriptions_are_reported_lost_if_that_is_the_policy() {
    let (stage, desk) = (Stage::new(), Arc::<Desk>::default());
    let first = stage.serve(&desk);
    let policy = often().subscriptions(Subscriptions::Lost);
    let phone = stage.connect().with_timeout(PATIENCE).reconnect(policy);
    let mut events = phone.events();
    drop(first);
    let _second = stage.serve(&desk);
    phone.write().unwrap();
    let error = events.next().unwrap().unwrap_err();
    assert!(matches!(error, TransportError::Disconnected { .. }), "{error}");
    assert!(events.next().is_none());
    assert!(events.wait(Deadline::after(Duration::ZERO)).is_err());
}
