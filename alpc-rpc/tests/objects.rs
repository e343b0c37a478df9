//! Objects, callbacks and events between the two ends of a connection, and beyond.

mod hub;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;
use std::time::Duration;

use alpc_rpc::transport::Accelerator;
use alpc_rpc::{Client, Deadline, TransportError};

use hub::desk::{Ear, Own, PATIENCE, Place};
use hub::{HubEvent, Member, MemberEmitter, MemberEvent, MemberRef, Watcher, WatcherRef};

#[test]
fn an_object_is_called_by_its_client_and_dropped_with_it() {
    let place = Place::new();
    let hub = place.connect();
    let anna = hub.join("anna", Ear::new("anna").0).unwrap();
    assert_eq!(anna.name().unwrap(), "anna");
    let clone = anna.with_timeout(PATIENCE);
    drop(anna);
    assert_eq!(clone.name().unwrap(), "anna");
    assert_eq!(hub.objects().unwrap(), 1);
    drop(clone);
    place.expect("anna left");
    assert_eq!(hub.objects().unwrap(), 0);
}

#[test]
fn an_object_keeps_its_connection_open() {
    let place = Place::new();
    let anna = place.connect().join("anna", Ear::new("anna").0).unwrap();
    assert_eq!(anna.ask("how?").unwrap(), "anna: how?");
}

#[test]
fn a_server_calls_back_while_its_client_waits_and_when_nobody_does() {
    let place = Place::new();
    let hub = place.connect();
    let (ear, hear) = Ear::new("anna");
    let anna = hub.join("anna", ear).unwrap();
    assert_eq!(anna.ask("how?").unwrap(), "anna: how?");
    anna.note("good").unwrap();
    assert_eq!(hear.recv_timeout(PATIENCE).unwrap(), "good");
    drop(anna);
    place.expect("anna left");
    assert_eq!(hear.recv_timeout(PATIENCE).unwrap(), "dropped");
}

#[test]
fn callbacks_nest() {
    let place = Place::with(|server| server.workers(8));
    let hub = place.connect();
    let (mut ear, _hear) = Ear::new("anna");
    ear.hub = Some(hub.clone());
    let anna = hub.join("anna", ear).unwrap();
    assert_eq!(anna.ask("how?").unwrap(), "anna: how?, 1");
    assert_eq!(anna.ask("!!!how?").unwrap(), "anna: how?, 4");
}

#[test]
fn an_object_that_comes_home_is_itself() {
    let place = Place::new();
    let hub = place.connect();
    let watcher: Arc<dyn Watcher> = Arc::new(Ear::new("anna").0);
    let anna = hub.join("anna", watcher.clone()).unwrap();
    let ben = hub.join("ben", Ear::new("ben").0).unwrap();
    assert!(anna.same_as(&anna).unwrap());
    assert!(!anna.same_as(&ben).unwrap());
    let WatcherRef::Local(back) = hub.watcher_of("anna").unwrap() else {
        panic!("it is our own");
    };
    assert!(Arc::ptr_eq(&back, &watcher));
}

#[test]
fn objects_stand_in_lists() {
    let place = Place::new();
    let hub = place.connect();
    let anna = hub.join("anna", Ear::new("anna").0).unwrap();
    let all: Vec<MemberRef> = std::iter::repeat_n((&anna).into(), 300).collect();
    assert_eq!(hub.members(&all).unwrap(), 300);
    drop(all);
    // More than a message takes: the body travels as a bulk argument.
    let all: Vec<MemberRef> = std::iter::repeat_n((&anna).into(), 10_000).collect();
    assert_eq!(hub.members(&all).unwrap(), 10_000);
    drop((all, anna));
    place.expect("anna left");
}

#[test]
fn an_object_that_is_handed_on_is_called_through_its_holder() {
    // Its owner calls the hub while the hub waits for it.
    let place = Place::with(|server| server.workers(2));
    let (one, two) = (place.connect(), place.connect());
    let (ear, hear) = Ear::new("anna");
    let anna = one.join("anna", ear).unwrap();
    let WatcherRef::Remote(watcher) = two.watcher_of("anna").unwrap() else {
        panic!("another client has it");
    };
    assert_eq!(watcher.ask("who?").unwrap(), "anna: who?");
    watcher.tell("something").unwrap();
    assert_eq!(hear.recv_timeout(PATIENCE).unwrap(), "something");
    // What goes along is handed on, too: an object of the server's, which it knows in both places.
    let ben = two.join("ben", Ear::new("ben").0).unwrap();
    assert_eq!(watcher.pass(&ben).unwrap(), "ben");

    drop(anna);
    assert_eq!(watcher.ask("still?").unwrap(), "anna: still?");
    drop(watcher);
    place.expect("anna left");
    assert_eq!(hear.recv_timeout(PATIENCE).unwrap(), "dropped");
}

#[test]
fn all_of_it_works_without_shared_memory() {
    let place = Place::offering(|attributes| attributes.accelerator(Accelerator::Off));
    let hub = place.connect();
    let (ear, hear) = Ear::new("anna");
    let anna = hub.join("anna", ear).unwrap();
    let mut events = anna.events();
    assert_eq!(anna.ask("how?").unwrap(), "anna: how?");
    for number in 0..200 {
        anna.note(&number.to_string()).unwrap();
        let MemberEvent::Noted { text, .. } = events.wait(soon()).unwrap();
        assert_eq!(text, number.to_string());
        assert_eq!(hear.recv_timeout(PATIENCE).unwrap(), text);
    }
    assert_eq!(events.missed(), 0);
    drop((anna, events));
    place.expect("anna left");
    assert_eq!(hub.objects().unwrap(), 0);
}

#[test]
fn all_that_an_object_can_do_it_can_do_through_a_third_process() {
    let place = Place::new();
    let (one, two) = (place.connect(), place.connect());
    let (told, hear) = channel();
    let own = Arc::new(Own { events: MemberEmitter::default(), told: Some(told) });
    one.give(own.clone() as Arc<dyn Member>).unwrap();
    let MemberRef::Remote(member) = two.take().unwrap() else { panic!("it is another's") };
    assert_eq!(member.name().unwrap(), "own");
    // Bulk data, both ways.
    assert_eq!(member.ask("0123456789").unwrap(), "0123456789".repeat(100_000));
    assert_eq!(member.ask(&"ab".repeat(5)).unwrap().len(), 1_000_000);
    // What comes home is its owner's own, at each of the three.
    assert!(member.same_as(&member).unwrap());
    two.give(&member).unwrap();
    let MemberRef::Remote(again) = two.take().unwrap() else { panic!("it is another's") };
    assert_eq!(again.name().unwrap(), "own");
    two.give(&member).unwrap();
    let MemberRef::Local(home) = one.take().unwrap() else { panic!("it is our own") };
    assert!(std::ptr::addr_eq(Arc::as_ptr(&home), Arc::as_ptr(&own)));

    let mut events = member.events();
    assert_eq!(own.events.subscribers(), 1);
    for number in 0..100 {
        member.note(&number.to_string()).unwrap();
        let MemberEvent::Noted { text, .. } = events.wait(soon()).unwrap();
        assert_eq!(text, number.to_string());
    }
    drop(events);
    // The release goes the same way as a call, and may be taken up by another thread.
    let deadline = soon();
    while own.events.subscribers() > 0 {
        assert!(!deadline.is_past(), "nobody listens any more");
        member.name().unwrap();
    }
    drop((home, again, member, own));
    assert_eq!(hear.recv_timeout(PATIENCE).unwrap(), "own dropped");
    for hub in [one, two] {
        assert_eq!(hub.objects().unwrap(), 0);
    }
}

#[test]
fn events_come_in_order_to_all_who_subscribed() {
    let place = Place::new();
    let hub = place.connect();
    let anna = hub.join("anna", Ear::new("anna").0).unwrap();
    let mut first = anna.events();
    let mut second = anna.events();
    for number in 0..200 {
        anna.note(&number.to_string()).unwrap();
        for events in [&mut first, &mut second] {
            let MemberEvent::Noted { text, by } = events.wait(soon()).unwrap();
            assert_eq!((text, by), (number.to_string(), 7));
        }
    }
    assert_eq!(first.missed(), 0);
    drop(first);
    anna.note("more").unwrap();
    assert!(second.next().unwrap().is_ok());
    drop(second);
    assert_eq!(hub.objects().unwrap(), 1);
}

#[test]
fn an_event_brings_an_object() {
    let place = Place::new();
    let (hub, other) = (place.connect(), place.connect());
    let mut events = hub.events();
    let anna = other.join("anna", Ear::new("anna").0).unwrap();
    let HubEvent::Joined { name, member } = events.wait(soon()).unwrap();
    assert_eq!(name, "anna");
    let MemberRef::Remote(member) = member else { panic!("it is the server's") };
    assert_eq!(member.name().unwrap(), "anna");
    drop(anna);
    assert_eq!(member.ask("still?").unwrap(), "anna: still?");
    drop(member);
    place.expect("anna left");
}

#[test]
fn a_subscriber_that_does_not_read_misses_events_and_learns_how_many() {
    let place = Place::new();
    let hub = place.connect();
    let anna = hub.join("anna", Ear::new("anna").0).unwrap();
    let mut events = anna.events();
    let seat = place.desk.clone();
    let emitter = seat.emitter_of("anna");
    for _ in 0..5000 {
        emitter.noted("x", 1).unwrap();
    }
    let mut read = 0;
    while events.wait(Deadline::after(Duration::from_millis(500))).is_ok() {
        read += 1;
    }
    // One more tells what was missed before it.
    emitter.noted("last", 2).unwrap();
    assert!(matches!(events.wait(soon()), Ok(MemberEvent::Noted { by: 2, .. })));
    assert_eq!(read + events.missed(), 5000, "{read} were read");
    assert!(read >= 100);
}

#[test]
fn a_wait_for_events_ends_at_its_deadline_and_with_the_server() {
    let mut place = Place::new();
    let hub = place.connect();
    let mut events = hub.events();
    let nothing = events.wait(Deadline::after(Duration::from_millis(5)));
    assert!(matches!(nothing, Err(TransportError::TimedOut { .. })));
    let waiting = std::thread::spawn(move || {
        let end = events.next();
        (matches!(end, Some(Err(TransportError::Disconnected { .. }))), events.next().is_none())
    });
    drop(place.server.take());
    assert_eq!(waiting.join().unwrap(), (true, true));
}

#[test]
fn events_end_when_their_object_is_gone() {
    let place = Place::new();
    let hub = place.connect();
    let anna = hub.join("anna", Ear::new("anna").0).unwrap();
    let mut events = anna.events();
    drop(anna);
    place.expect("anna left");
    assert!(events.next().is_none());
}

#[test]
fn an_event_of_a_newer_server_is_left_out_or_ends_the_connection() {
    let place = Place::new();
    let hub = place.connect();
    let anna = hub.join("anna", Ear::new("anna").0).unwrap();
    let mut events = anna.events();
    let emitter = place.desk.emitter_of("anna");
    emitter.newer().unwrap();
    emitter.noted("x", 1).unwrap();
    assert!(events.wait(soon()).is_ok());
    assert_eq!((events.unrecognized(), events.missed()), (1, 0));
    emitter.newest().unwrap();
    assert!(matches!(events.wait(soon()), Err(TransportError::Disconnected { .. })));
    place.expect("anna left");
}

#[test]
fn a_panic_in_an_objects_drop_harms_nobody() {
    let place = Place::with(|server| server.workers(1));
    let hub = place.connect();
    drop(hub.join("bomb", Ear::new("bomb").0).unwrap());
    place.expect("bomb left");
    assert_eq!(hub.objects().unwrap(), 0);
}

#[test]
fn a_client_may_hold_only_so_many_objects() {
    let place = Place::with(|server| server.workers(1).max_objects(2));
    let hub = place.connect();
    let anna = hub.join("anna", Ear::new("anna").0).unwrap();
    let again = hub.find("anna").unwrap().unwrap();
    let error = hub.find("anna").unwrap_err().into_transport();
    assert!(error.to_string().contains("objects"), "{error}");
    drop(again);
    assert_eq!(hub.objects().unwrap(), 1);
    assert!(hub.find("anna").unwrap().is_some());
    drop(anna);
}

#[test]
fn an_object_that_comes_too_late_for_its_caller_is_released() {
    let place = Place::new();
    let hub = place.connect();
    let anna = hub.join("anna", Ear::new("anna").0).unwrap();
    while place.desk.found_late.load(Ordering::SeqCst) < 3 {
        let late = hub.with_timeout(Duration::from_millis(5)).find("late anna");
        let error = late.unwrap_err().into_transport();
        assert!(matches!(error, TransportError::TimedOut { .. }), "{error}");
        place.desk.give_up();
    }
    drop(anna);
    // A reply that is late is read with the next call, and what it brought is released with the one
    // after that.
    hub.objects().unwrap();
    hub.objects().unwrap();
    place.expect("anna left");
    assert_eq!(hub.objects().unwrap(), 0);
}

#[test]
fn many_threads_share_a_connection_and_leave_nothing() {
    let place = Place::with(|server| server.workers(8));
    let hub = place.connect();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let hub = &hub;
            scope.spawn(move || {
                for round in 0..50 {
                    let name = format!("{thread}-{round}");
                    let member = hub.join(&name, Ear::new("ear").0).unwrap();
                    assert_eq!(member.ask(&name).unwrap(), format!("ear: {name}"));
                    assert_eq!(hub.find(&name).unwrap().unwrap().name().unwrap(), name);
                    member.note("last").unwrap();
                }
            });
        }
    });
    for _ in 0..200 {
        place.told.recv_timeout(PATIENCE).unwrap();
    }
    assert_eq!(hub.objects().unwrap(), 0);
    assert_eq!(hub::desk::interface_of(&hub), "test.hub.Hub");
}

#[test]
fn what_a_client_leaves_is_run_down() {
    let place = Place::new();
    let hub = place.connect();
    let (ear, hear) = Ear::new("anna");
    let anna = hub.join("anna", ear).unwrap();
    let events = anna.events();
    let emitter = place.desk.emitter_of("anna");
    assert_eq!(emitter.subscribers(), 1);
    drop((hub, anna, events));
    place.expect("anna left");
    assert_eq!(hear.recv_timeout(PATIENCE).unwrap(), "dropped");
    place.expect_gone();
    assert_eq!(emitter.subscribers(), 0);
}

fn soon() -> Deadline {
    Deadline::after(PATIENCE)
}
