//! What becomes of objects, callbacks and events when a process is killed.
//!
//! The other process is this program again, which runs the test `role` alone.

mod hub;
mod peer;

use std::path::Path;
use std::time::Duration;

use alpc_rpc::{Client, TransportError};

use hub::WatcherRef;
use hub::desk::{self, Ear, PATIENCE, Place};
use peer::{FOLDER, Peer, ROLE, say, wait};

/// What another process does. In the test's own process it is nothing.
#[test]
fn role() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let folder = std::env::var(FOLDER).unwrap();
    let folder = Path::new(&folder);
    match role.as_str() {
        "server" => {
            let (it, _told) = desk::desk();
            let _server = desk::serve(folder, &it, |server| server);
            say("ready");
            wait();
        }
        "member" => {
            let hub = desk::connect(folder);
            let member = hub.join("anna", Ear::new("anna").0).unwrap();
            let _events = member.events();
            say("ready");
            wait();
            drop(member);
            wait();
        }
        // Takes a question and never answers.
        "stuck" => {
            let hub = desk::connect(folder);
            let _member = hub.join("anna", Stuck).unwrap();
            say("ready");
            wait();
        }
        _ => panic!("nobody plays {role}"),
    }
}

struct Stuck;

impl hub::Watcher for Stuck {
    fn ask(&self, _: &alpc_rpc::Call<'_>, _: &str) -> String {
        say("asked");
        loop {
            std::thread::park();
        }
    }

    fn tell(&self, _: &alpc_rpc::Call<'_>, _: &str) {}

    fn pass(&self, _: &alpc_rpc::Call<'_>, _: hub::MemberClient) -> String {
        String::new()
    }
}

#[test]
fn a_client_that_is_killed_has_its_objects_run_down() {
    let place = Place::new();
    let mut peer = Peer::start("member", &place.folder);
    let emitter = place.desk.emitter_of("anna");
    assert_eq!(emitter.subscribers(), 1);
    peer.kill();
    place.expect("anna left");
    place.expect_gone();
    assert_eq!(emitter.subscribers(), 0);
}

#[test]
fn a_client_that_drops_an_object_has_it_dropped_at_the_server() {
    let place = Place::new();
    let mut peer = Peer::start("member", &place.folder);
    peer.tell("drop it");
    place.expect("anna left");
}

#[test]
fn calls_of_a_callback_fail_at_once_when_its_owner_is_killed() {
    let place = Place::new();
    let mut peer = Peer::start("member", &place.folder);
    let hub = place.connect();
    // The server's own client for it, and one of somebody who got it from the server.
    let WatcherRef::Remote(through_the_hub) = hub.watcher_of("anna").unwrap() else { panic!() };
    let member = hub.find("anna").unwrap().unwrap();
    assert_eq!(member.ask("there?").unwrap(), "anna: there?");
    assert_eq!(through_the_hub.ask("there?").unwrap(), "anna: there?");
    peer.kill();
    let answer = member.ask("there?").unwrap();
    assert!(answer.starts_with("error: "), "{answer}");
    place.expect_gone();
    let error = through_the_hub.ask("there?").unwrap_err().into_transport();
    assert!(matches!(error, TransportError::Disconnected { .. }), "{error}");
    drop((member, through_the_hub));
    place.expect("anna left");
}

#[test]
fn a_call_that_waits_in_a_callback_ends_when_its_owner_is_killed() {
    let place = Place::new();
    let mut peer = Peer::start("stuck", &place.folder);
    let member = place.connect().find("anna").unwrap().unwrap();
    let waiting = std::thread::spawn(move || member.ask("there?").unwrap());
    peer.expect("asked");
    peer.kill();
    let answer = waiting.join().unwrap();
    assert!(answer.starts_with("error: the server went away"), "{answer}");
}

#[test]
fn a_wait_for_events_ends_when_the_server_is_killed() {
    let folder = std::env::temp_dir().join(format!("alpc-hub-dead-{}", std::process::id()));
    let mut peer = Peer::start("server", &folder);
    let hub = desk::connect(&folder);
    let (ear, hear) = Ear::new("anna");
    let member = hub.join("anna", ear).unwrap();
    let mut events = hub.events();
    // A call that is answered shows that the subscription stands.
    assert_eq!(hub.objects().unwrap(), 2);
    let waiting = std::thread::spawn(move || {
        let end = events.next();
        assert!(matches!(end, Some(Err(TransportError::Disconnected { .. }))), "{end:?}");
        assert!(events.next().is_none());
    });
    peer.kill();
    waiting.join().unwrap();
    // What the server held of ours is let go of, and what we hold of its fails.
    assert_eq!(hear.recv_timeout(PATIENCE).unwrap(), "dropped");
    let error = member.with_timeout(Duration::from_secs(5)).name().unwrap_err().into_transport();
    assert!(matches!(error, TransportError::Disconnected { .. }), "{error}");
    let _gone = std::fs::remove_dir_all(&folder);
}
