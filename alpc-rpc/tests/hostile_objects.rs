//! Peers that break the rules of objects: what they say is refused, and nobody else notices.

mod hub;

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use alpc_rpc::Client;
use alpc_rpc::transport::{CommunicationPort, Deadline, Request};

use hub::desk::{Ear, Own, PATIENCE, Place};
use hub::{HubClient, Member, MemberClient};

const ENVELOPE: u16 = 2;
const BAD_ARGUMENTS: u16 = 2;
const UNKNOWN_METHOD: u16 = 1;

const RELEASE: u64 = 1 << 63 | 2;
const REVERSE: u64 = 1 << 63 | 3;
const SUBSCRIBE: u64 = 1 << 63 | 4;

/// Makes a call by hand: values, references, the object that it is for.
fn call(
    port: &CommunicationPort,
    method: u64,
    values: &[u8],
    references: &[u64],
    object: u64,
) -> (u16, String) {
    let mut body = values.to_vec();
    for reference in references {
        body.extend_from_slice(&reference.to_le_bytes());
    }
    body.extend_from_slice(&object.to_le_bytes());
    body.extend_from_slice(&u16::try_from(references.len()).unwrap().to_le_bytes());
    raw(port, method, &body)
}

fn raw(port: &CommunicationPort, method: u64, body: &[u8]) -> (u16, String) {
    let request = Request {
        method,
        tag: ENVELOPE,
        body,
        parts: &mut [],
        handles: &[],
        deadline: Deadline::after(PATIENCE),
    };
    let response = port.call(request).unwrap();
    (response.status, String::from_utf8_lossy(response.body()).into_owned())
}

#[track_caller]
fn refused((status, text): (u16, String), says: &str) {
    assert_eq!((status, text.contains(says)), (BAD_ARGUMENTS, true), "{text}");
}

const fn receivers(object: u64) -> u64 {
    object << 1 | 1
}

const fn senders(object: u64) -> u64 {
    object << 1
}

const NAME: u64 = 21;
const SAME_AS: u64 = 22;
const JOIN: u64 = 31;
const MEMBERS: u64 = 34;

/// A place with a member whose number is 1, and a subscription whose number is 2.
struct Stage {
    place: Place,
    hub: HubClient,
    member: MemberClient,
    _events: alpc_rpc::Events<hub::MemberEvent>,
    /// What the member's watcher hears, and that it was dropped.
    hear: Receiver<String>,
}

fn stage() -> Stage {
    let place = Place::new();
    let hub = place.connect();
    let (ear, hear) = Ear::new("anna");
    let member = hub.join("anna", ear).unwrap();
    let events = member.events();
    Stage { place, hub, member, _events: events, hear }
}

#[test]
fn numbers_of_objects_that_are_not_there_are_refused() {
    let Stage { place, hub, member, _events, .. } = stage();
    let port = hub.port();
    assert_eq!(call(port, NAME, &[], &[], 1), (0, "\0\x04anna".to_owned()));
    for unknown in [3, 1000, u64::MAX] {
        refused(call(port, NAME, &[], &[], unknown), "the object was released");
    }
    for unknown in [0, 3, u64::MAX >> 1] {
        let answer = call(port, SAME_AS, &[0], &[receivers(unknown)], 1);
        refused(answer, "an object that was released, or never given away");
    }
    // Another client's numbers are its own.
    let other = place.connect();
    refused(call(other.port(), NAME, &[], &[], 1), "the object was released");
    drop(member);
    drop(_events);
    place.expect("anna left");
    refused(call(port, NAME, &[], &[], 1), "the object was released");
    assert_eq!(hub.objects().unwrap(), 0);
}

#[test]
fn an_object_of_another_interface_is_refused() {
    let Stage { hub, .. } = &stage();
    // A member where a watcher is wanted, the receiver's own where somebody else's is, a
    // subscription where a member is.
    let values = b"\x00\x03bob\x00";
    refused(call(hub.port(), JOIN, values, &[receivers(1)], 0), "not a `test.hub.Watcher`");
    refused(call(hub.port(), SAME_AS, &[0], &[receivers(2)], 1), "no object of an interface");
    // Methods of other interfaces are nobody's.
    assert_eq!(call(hub.port(), JOIN, values, &[senders(9)], 1).0, UNKNOWN_METHOD);
    assert_eq!(call(hub.port(), NAME, &[], &[], 2).0, UNKNOWN_METHOD);
    assert_eq!(call(hub.port(), NAME, &[], &[], 0).0, UNKNOWN_METHOD);
}

#[test]
fn references_that_make_no_sense_are_refused() {
    let Stage { hub, .. } = &stage();
    let port = hub.port();
    refused(call(port, SAME_AS, &[1], &[receivers(1)], 1), "did not come along");
    refused(call(port, SAME_AS, &[0], &[], 1), "did not come along");
    // The same twice.
    let twice = call(port, MEMBERS, &[2, 0, 0], &[receivers(1)], 0);
    refused(twice, "was read already");
    assert_eq!(call(port, MEMBERS, &[2, 0, 1], &[receivers(1), receivers(1)], 0).0, 0);
    // Envelopes that are cut, or claim more than there is.
    for body in [&b""[..], b"\0", b"\0\0\0\0\0\0\0\0\0", b"\0\0\0\0\0\0\0\0\xff\xff"] {
        refused(raw(port, NAME, body), "the envelope is broken");
    }
}

#[test]
fn an_object_that_cannot_be_called_is_refused() {
    let place = Place::new();
    let hub = place.connect();
    let answer = call(hub.port(), MEMBERS, &[1, 0], &[senders(1)], 0);
    refused(answer, "an object that cannot be called");
}

#[test]
fn calls_of_the_runtimes_own_are_checked_as_others() {
    let Stage { place, hub, .. } = &stage();
    let port = hub.port();
    refused(call(port, SUBSCRIBE, &[], &[], 1), "did not come along");
    refused(call(port, SUBSCRIBE, &[], &[receivers(1)], 1), "an object of the subscriber's");
    assert_eq!(call(port, SUBSCRIBE, &[], &[senders(7)], 2).0, UNKNOWN_METHOD);
    assert_eq!(call(port, REVERSE, &[], &[], 0).0, BAD_ARGUMENTS);
    assert_eq!(call(port, 1 << 63 | 999, &[], &[], 0).0, UNKNOWN_METHOD);
    // To let go of what one does not hold is nothing; a release that waits for messages that were
    // never sent keeps what it names until the end of the connection.
    assert_eq!(call(port, RELEASE, &[2, 0, 0, 77, 0], &[], 0).0, 0);
    assert_eq!(call(port, RELEASE, &[200], &[], 0).0, BAD_ARGUMENTS);
    assert_eq!(call(port, RELEASE, &[1, 1, 9], &[], 0).0, 0);
    assert_eq!(hub.objects().unwrap(), 2);
    assert!(place.told.try_recv().is_err());
}

#[test]
fn what_concerns_one_connection_is_not_passed_on_to_the_next() {
    let place = Place::new();
    let (one, two) = (place.connect(), place.connect());
    let own: Arc<dyn Member> = Arc::new(Own::default());
    one.give(own.clone()).unwrap();
    let _ours = two.take().unwrap();
    // For the second client it is object 1 of the hub, and for the hub object 1 of the first. A
    // release by the second must not have the hub let go of the first's.
    assert_eq!(call(two.port(), RELEASE, &[1, 1, 0], &[], 1).0, UNKNOWN_METHOD);
    assert_eq!(call(two.port(), REVERSE, &[], &[], 1).0, UNKNOWN_METHOD);
    assert_eq!(call(two.port(), 1 << 63 | 1, &[], &[], 1).0, UNKNOWN_METHOD);
    assert_eq!(call(two.port(), NAME, &[], &[], 1), (0, "\0\x03own".to_owned()));
    assert_eq!(Arc::strong_count(&own), 2);
}

#[test]
fn a_server_can_call_nothing_that_it_was_not_given() {
    let Stage { place, hub, member, .. } = &stage();
    // The way from the server to its client, which a hostile server has, too. Objects 1 and 2 are
    // the watcher and the sink of the subscription.
    let emitter = place.desk.emitter_of("anna");
    let watcher = place.desk.watcher("anna");
    let port = watcher.port();
    assert_eq!(call(port, 11, b"\0\x01?", &[], 1).0, 0);
    for unknown in [0, 3, u64::MAX] {
        assert_ne!(call(port, 11, b"\0\x01?", &[], unknown).0, 0);
    }
    // The events of no interface that is said, and those of one that the object has nothing of.
    assert_eq!(call(port, SUBSCRIBE, &[], &[senders(77)], 1).0, BAD_ARGUMENTS);
    assert_eq!(call(port, SUBSCRIBE, &[5], &[senders(78)], 1).0, UNKNOWN_METHOD);
    assert_eq!(call(port, REVERSE, &[], &[], 0).0, BAD_ARGUMENTS);
    // An event without a number, and one of a number that cannot be.
    refused(call(port, 25, &[], &[], 2), "an event has no number");
    assert_eq!(call(port, 25, b"\x00\x00\x01x\x07", &[], 2).0, 0);
    let mut events = member.events();
    emitter.noted("x", 1).unwrap();
    assert!(events.wait(Deadline::after(PATIENCE)).is_ok());
    assert_eq!(hub.objects().unwrap(), 3);
}

#[test]
fn what_nobody_reads_is_released() {
    let Stage { place, hub, member, hear, .. } = stage();
    // A newer sender's argument: the server does not know it, and holds it no longer than the call.
    let held = || call(place.desk.watcher("anna").port(), 11, b"\0\x01?", &[], 1).0;
    assert_eq!(held(), 0);
    let answer = call(hub.port(), NAME, &[], &[senders(1), senders(1)], 1);
    assert_eq!(answer.0, 0);
    // Our watcher has the number 1 for the server, which has just let go of it.
    assert_eq!(hear.recv_timeout(PATIENCE).unwrap(), "dropped");
    assert_ne!(held(), 0);
    drop(member);
}
