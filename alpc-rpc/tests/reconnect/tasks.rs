//! Async clients that come back after a restart of their server.

use std::pin::pin;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::task::{Context, Poll, Wake, Waker};

use alpc_rpc::{AsyncClient, EventStream};

use super::*;

struct Sleeper(thread::Thread);

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Sleeper(thread::current())));
    let (mut cx, mut future) = (Context::from_waker(&waker), pin!(future));
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

fn client_of(stage: &Stage, policy: Reconnect<PhoneClient>) -> PhoneAsyncClient {
    PhoneAsyncClient::from(stage.connect()).with_timeout(PATIENCE).reconnect(policy)
}

/// Waits for events in a thread of its own, and has the telephone ring until this one comes: behind what
/// was left of those before.
fn ring_until_heard(
    phone: &PhoneAsyncClient,
    mut events: EventStream<PhoneEvent>,
    what: &str,
) -> EventStream<PhoneEvent> {
    let expected = what.to_owned();
    let hears = thread::spawn(move || {
        loop {
            let PhoneEvent::Rang { what } = block_on(events.next()).unwrap().unwrap();
            if what == expected {
                return events;
            }
        }
    });
    while !hears.is_finished() {
        block_on(phone.ring(what)).unwrap();
    }
    hears.join().unwrap()
}

/// Counts how often it is used, and unparks a thread.
struct Count(thread::Thread, AtomicU32);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.unpark();
    }
}

/// Ends the server, and has the stream set out for the next one, by waits that are dropped at once.
fn set_out(events: &mut EventStream<PhoneEvent>, server: Server) {
    let count = Arc::new(Count(thread::current(), AtomicU32::new(0)));
    let waker = Waker::from(count.clone());
    let mut cx = Context::from_waker(&waker);
    assert!(pin!(events.next()).poll(&mut cx).is_pending());
    drop(server);
    // The end is all that can wake it.
    while count.1.load(Ordering::SeqCst) == 0 {
        thread::park();
    }
    assert!(pin!(events.next()).poll(&mut cx).is_pending());
}

/// A policy, and something that disconnects when nobody holds it any more.
fn watched_policy() -> (Reconnect<PhoneClient>, Receiver<()>) {
    let (held, released) = channel::<()>();
    let prepare = move |_: &PhoneClient| {
        let _held = &held;
        Ok(())
    };
    (often().prepare(prepare), released)
}

#[track_caller]
fn assert_released(released: &Receiver<()>) {
    assert_eq!(released.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected));
}

#[test]
fn calls_of_tasks_wait_for_the_next_server_too() {
    let (stage, desk) = (Stage::new(), Arc::<Desk>::default());
    let first = stage.serve(&desk);
    let phone = client_of(&stage, often());
    assert_eq!(block_on(phone.write()).unwrap(), 1);
    drop(first);
    let called = thread::spawn(move || block_on(phone.write()));
    let _second = stage.serve(&desk);
    assert_eq!(called.join().unwrap().unwrap(), 2);

    let phone = client_of(&stage, often());
    desk.cut_off.store(4, Ordering::SeqCst);
    assert_eq!(block_on(phone.read()).unwrap(), 5);
}

#[test]
fn streams_of_events_are_renewed_and_say_how_often() {
    let (stage, desk) = (Stage::new(), Arc::<Desk>::default());
    let mut server = stage.serve(&desk);
    let phone = client_of(&stage, often());
    let mut events = block_on(phone.events());
    block_on(phone.ring("one")).unwrap();
    assert_rang(block_on(events.next()), "one");
    for restarts in 1..=3 {
        assert_eq!(events.interruptions(), restarts - 1);
        drop(server);
        server = stage.serve(&desk);
        events = ring_until_heard(&phone, events, &format!("after {restarts}"));
        assert_eq!(events.interruptions(), restarts);
    }
}

#[test]
fn streams_of_events_are_reported_lost_if_that_is_the_policy() {
    let (stage, desk) = (Stage::new(), Arc::<Desk>::default());
    let first = stage.serve(&desk);
    let phone = client_of(&stage, often().subscriptions(Subscriptions::Lost));
    let mut events = block_on(phone.events());
    drop(first);
    let _second = stage.serve(&desk);
    block_on(phone.write()).unwrap();
    let error = block_on(events.next()).unwrap().unwrap_err();
    assert!(matches!(error, TransportError::Disconnected { .. }), "{error}");
    assert!(block_on(events.next()).is_none());
    assert_eq!(events.interruptions(), 0);
}

#[test]
fn a_stream_of_events_that_fails_is_asked_for_again_by_the_same_connection() {
    let (stage, desk) = (Stage::new(), Arc::<Desk>::default());
    let first = stage.serve(&desk);
    let phone = client_of(&stage, often());
    let mut events = block_on(phone.events());
    desk.deaf.store(3, Ordering::SeqCst);
    drop(first);
    let _second = stage.serve(&desk);
    for _ in 0..3 {
        let error = block_on(events.next()).unwrap().unwrap_err();
        assert!(matches!(error, TransportError::ServerPanicked), "{error}");
    }
    ring_until_heard(&phone, events, "two");
    assert_eq!(stage.connections.load(Ordering::SeqCst), 2);
}

#[test]
fn a_subscription_waits_for_the_next_server() {
    let (stage, desk) = (Stage::new(), Arc::<Desk>::default());
    let first = stage.serve(&desk);
    let phone = client_of(&stage, often());
    drop(first);
    let subscribed = {
        let phone = phone.clone();
        thread::spawn(move || block_on(phone.events()))
    };
    let _second = stage.serve(&desk);
    let mut events = subscribed.join().unwrap();
    block_on(phone.ring("one")).unwrap();
    assert_rang(block_on(events.next()), "one");
    assert_eq!(events.interruptions(), 0, "nothing was missed");
}

#[test]
fn a_wait_that_is_dropped_between_two_servers_loses_nothing() {
    let (stage, desk) = (Stage::new(), Arc::<Desk>::default());
    let first = stage.serve(&desk);
    let phone = client_of(&stage, often());
    let mut events = block_on(phone.events());
    set_out(&mut events, first);
    let _second = stage.serve(&desk);
    let events = ring_until_heard(&phone, events, "two");
    assert_eq!(events.interruptions(), 1);
    assert_eq!(stage.connections.load(Ordering::SeqCst), 2);
}

#[test]
fn a_stream_of_events_says_why_there_is_no_next_server() {
    let (stage, desk) = (Stage::new(), Arc::<Desk>::default());
    let first = stage.serve(&desk);
    let mut events = block_on(client_of(&stage, often()).events());
    set_out(&mut events, first);
    let other = Server::bind("phone").unwrap().attributes(stage.attributes.clone());
    let _other = other.serve(ListenerServer::new(Ear(channel().0))).unwrap();
    let error = block_on(events.next()).unwrap().unwrap_err();
    let TransportError::Unreachable { error, .. } = error else { panic!("{error}") };
    assert!(matches!(*error, ConnectError::Incompatible { .. }), "{error}");
    assert!(block_on(events.next()).is_none());
}

#[test]
fn a_cancel_ends_the_wait_of_a_stream_for_the_next_server() {
    let (stage, desk) = (Stage::new(), Arc::<Desk>::default());
    let first = stage.serve(&desk);
    let canceller = Canceller::new();
    let phone = client_of(&stage, often()).with_cancel(&canceller.token());
    let mut events = block_on(phone.events());
    set_out(&mut events, first);
    canceller.cancel();
    let error = block_on(events.next()).unwrap().unwrap_err();
    assert!(matches!(error, TransportError::Cancelled { .. }), "{error}");
}

#[test]
fn nobody_tries_any_longer_for_a_stream_or_a_call_that_was_dropped() {
    let (stage, desk) = (Stage::new(), Arc::<Desk>::default());
    let first = stage.serve(&desk);
    let (policy, released) = watched_policy();
    let phone = client_of(&stage, policy);
    let mut events = block_on(phone.events());
    set_out(&mut events, first);
    drop((phone, events));
    assert_released(&released);

    let first = stage.serve(&desk);
    let (policy, released) = watched_policy();
    let phone = client_of(&stage, policy).without_deadline();
    drop(first);
    {
        let mut call = pin!(phone.write());
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    drop(phone);
    assert_released(&released);
}
