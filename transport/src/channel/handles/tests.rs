use std::os::fd::AsFd;

use super::super::{Outgoing, Posted, lock};
use super::*;
use crate::chain::Seed;
use crate::channel::Bell;
use crate::message::{MessageId, MessageKind};
use crate::port::attributes::DirectAvailability;
use crate::port::handshake::Established;
use crate::sys::identity::peer_of;
use crate::sys::memory::{OwnMemory, PeerMemory};

const RING: usize = 16 << 10;

/// How the two ends of a test's channel share what they share.
#[derive(Clone, Copy)]
enum Form {
    Shared,
    Mirrored,
}

fn ends(form: Form, max_handles: usize) -> [Channel; 2] {
    let limits = Limits { outbox_len: RING, max_handles, ..Limits::default() };
    let outbox = || match form {
        Form::Shared => Some(OwnMemory::create(crate::queue::outbox_len(RING as u32)).unwrap()),
        Form::Mirrored => None,
    };
    let seen = |own: &Option<OwnMemory>| {
        let own = own.as_ref()?;
        let fd = own.fd().unwrap().try_clone_to_owned().unwrap();
        Some(PeerMemory::open(fd, own.len()).unwrap())
    };
    let (a, b) = (outbox(), outbox());
    let (a_seen, b_seen) = (seen(&a), seen(&b));
    let (ours, theirs) = socket::pair().unwrap();
    let end = |socket: OwnedFd, own_outbox, peer_outbox, role| {
        let established = Established {
            peer: peer_of(socket.as_fd()).unwrap(),
            socket,
            limits: limits.clone(),
            own_outbox,
            peer_outbox,
            direct: DirectAvailability::Forbidden,
            data: Vec::new(),
            role,
            seed: Seed::new(&[0; 32]),
            place: None,
        };
        Channel::new(established).unwrap()
    };
    [end(ours, a, b_seen, Role::Client), end(theirs, b, a_seen, Role::Server)]
}

/// A pipe: its one end is a handle to be sent, and the other tells when nobody has that any more.
fn watched() -> (OwnedFd, OwnedFd) {
    rustix::pipe::pipe().unwrap()
}

fn is_closed(watch: &OwnedFd) -> bool {
    let mut fds = [rustix::event::PollFd::new(watch, rustix::event::PollFlags::empty())];
    let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    rustix::event::poll(&mut fds, Some(&now)) == Ok(1)
}

fn header(id: u64) -> RecordHeader {
    RecordHeader::bare(MessageKind::Datagram, MessageId(id))
}

fn post(from: &Channel, id: u64, handles: &[BorrowedFd<'_>]) -> Posted {
    from.post(&Outgoing { handles, ..Outgoing::bare(header(id)) }, Bell::Now).unwrap()
}

fn take(at: &Channel) -> Option<Record> {
    if at.is_mirrored() {
        at.drain_socket().unwrap();
    }
    at.pop().unwrap()
}

fn offence(at: &Channel) -> Misbehaviour {
    let popped = at.drain_socket().and_then(|()| at.pop());
    popped.unwrap_err().misbehaviour().unwrap()
}

#[test]
fn each_record_gets_the_handles_that_were_sent_with_it() {
    for form in [Form::Shared, Form::Mirrored] {
        let [client, server] = ends(form, 16);
        let (held, watch) = watched();
        for round in 0..50 {
            let counts = [1, 0, 16, 3];
            for (id, count) in (round * 4..).zip(counts) {
                assert_eq!(post(&client, id, &vec![held.as_fd(); count]), Posted::Published);
            }
            for (id, count) in (round * 4..).zip(counts) {
                let record = take(&server).unwrap();
                assert_eq!(record.header.id, MessageId(id));
                assert_eq!(record.handles.unwrap().len(), count);
            }
            // Where there is no shared memory this is how it learns what was taken.
            client.drain_socket().unwrap();
        }
        assert!(!is_closed(&watch));
        drop(held);
        assert!(is_closed(&watch), "no copy is left anywhere");
    }
}

#[test]
fn a_peer_gets_no_more_handles_than_it_has_room_for_until_it_takes_some() {
    for form in [Form::Shared, Form::Mirrored] {
        let [client, server] = ends(form, 2);
        let (held, _watch) = watched();
        let two = [held.as_fd(), held.as_fd()];
        for id in 0..4 {
            assert_eq!(post(&client, id, &two), Posted::Published);
        }
        assert_eq!(post(&client, 4, &two), Posted::Full);
        assert_eq!(post(&client, 5, &[]), Posted::Published, "others go on");
        assert_eq!(take(&server).unwrap().handles.unwrap().len(), 2);
        // A mirror has to be told of that, and is.
        client.drain_socket().unwrap();
        assert_eq!(post(&client, 6, &two), Posted::Published);
        assert_eq!(post(&client, 7, &two), Posted::Full);
        for id in [1, 2, 3, 5, 6] {
            let record = take(&server).unwrap();
            assert_eq!(record.header.id, MessageId(id));
            assert_eq!(record.handles.unwrap().len(), if id == 5 { 0 } else { 2 });
        }
        assert!(take(&server).is_none());
    }
}

#[test]
fn a_server_keeps_the_handles_of_a_reply_that_finds_no_room_and_sends_them_later() {
    for form in [Form::Shared, Form::Mirrored] {
        let [client, server] = ends(form, 1);
        let (held, watch) = watched();
        for id in 0..10 {
            let mut handles = vec![held.try_clone().unwrap()];
            server.post_or_keep(&Outgoing::bare(header(id)), &mut handles, Bell::Now).unwrap();
        }
        assert!(server.has_parked());
        drop(held);
        for id in 0..10 {
            let record = take(&client).unwrap();
            assert_eq!(record.header.id, MessageId(id));
            assert_eq!(record.handles.unwrap().len(), 1);
            // The client's bell, or its word of how far it got.
            server.drain_socket().unwrap();
            server.flush_backlog().unwrap();
        }
        assert!(!server.has_parked());
        drop(server);
        assert!(is_closed(&watch));
    }
}

#[test]
fn handles_that_are_never_taken_are_closed_with_the_channel() {
    for form in [Form::Shared, Form::Mirrored] {
        let [client, server] = ends(form, 2);
        let (held, watch) = watched();
        for id in 0..3 {
            post(&client, id, &[held.as_fd()]);
        }
        for id in 0..6 {
            let mut handles = vec![held.try_clone().unwrap(), held.try_clone().unwrap()];
            server.post_or_keep(&Outgoing::bare(header(id)), &mut handles, Bell::Now).unwrap();
        }
        drop(held);
        server.drain_socket().unwrap();
        assert!(!is_closed(&watch));
        server.drop_handles();
        server.drop_backlog();
        assert!(!server.has_parked());
        drop([client, server]);
        assert!(is_closed(&watch));
    }
}

#[test]
fn a_full_ring_takes_neither_record_nor_handles() {
    for form in [Form::Shared, Form::Mirrored] {
        let [client, server] = ends(form, 16);
        let (held, _watch) = watched();
        let mut count = 0;
        while post(&client, count, &[]) == Posted::Published {
            count += 1;
        }
        for _ in 0..3 {
            assert_eq!(post(&client, count, &[held.as_fd()]), Posted::Full);
        }
        for id in 0..count {
            assert_eq!(take(&server).unwrap().header.id, MessageId(id));
        }
        client.drain_socket().unwrap();
        assert_eq!(post(&client, count, &[held.as_fd()]), Posted::Published);
        assert_eq!(take(&server).unwrap().handles.unwrap().len(), 1);
    }
}

#[test]
fn a_sender_that_sleeps_hears_when_its_handles_are_taken() {
    let [client, server] = ends(Form::Shared, 16);
    let (held, _watch) = watched();
    let mut into = [0; 8];
    post(&client, 1, &[]);
    take(&server).unwrap();
    assert_eq!(socket::recv_bytes(client.socket(), &mut into).unwrap(), socket::Received::Empty);
    post(&client, 2, &[held.as_fd()]);
    take(&server).unwrap();
    let bell = socket::recv_bytes(client.socket(), &mut into).unwrap();
    assert_eq!(bell, socket::Received::Datagram(1));
}

#[test]
fn more_handles_than_agreed_are_refused_and_nothing_is_sent() {
    let [client, server] = ends(Form::Shared, 2);
    let (held, _watch) = watched();
    let message = Outgoing { handles: &[held.as_fd(); 3], ..Outgoing::bare(header(1)) };
    let error = client.post(&message, Bell::Now).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot send a message: 3 handles in a message, where 2 are allowed"
    );
    assert!(take(&server).is_none());
    post(&client, 2, &[held.as_fd()]);
    assert_eq!(take(&server).unwrap().handles.unwrap().len(), 1);
}

#[test]
fn a_full_socket_sends_neither_handles_nor_record() {
    for form in [Form::Shared, Form::Mirrored] {
        let [client, server] = ends(form, 16);
        let filler = [IoSlice::new(&[0; 17])];
        while socket::send(client.socket(), &filler, &[]).unwrap() == Sent::Done {}
        let (held, _watch) = watched();
        assert_eq!(post(&client, 1, &[held.as_fd()]), Posted::Full);
        assert!(client.wants_room(), "who sleeps waits for room");
        let mut into = [0; 64];
        while socket::recv_bytes(server.socket(), &mut into).unwrap() != socket::Received::Empty {}
        client.drain_socket().unwrap();
        assert!(!client.wants_room());
        assert!(take(&server).is_none());
        assert_eq!(post(&client, 1, &[held.as_fd()]), Posted::Published);
        assert_eq!(take(&server).unwrap().handles.unwrap().len(), 1);
    }
}

/// Publishes a record that says what it likes of its handles.
fn claim(from: &Channel, handles: u8, bundle: u64) {
    let header = RecordHeader { handles, bundle, ..header(1) };
    let mut outbound = lock(&from.outbound);
    assert!(outbound.outbox.stage(&header, &[]).unwrap() && outbound.outbox.publish());
    drop(outbound);
    from.ring_if_asleep();
}

fn bundle(from: &Channel, number: u64, count: u64, handles: &[BorrowedFd<'_>]) {
    let bytes = announcement(frame::HANDLES, number, count);
    assert_eq!(socket::send(from.socket(), &[IoSlice::new(&bytes)], handles).unwrap(), Sent::Done);
}

#[test]
fn whoever_does_not_keep_to_this_is_named_and_nothing_stays_open() {
    for form in [Form::Shared, Form::Mirrored] {
        let (held, watch) = watched();
        let one = || vec![held.as_fd()];
        let found = |deed: &dyn Fn(&Channel)| {
            let [client, server] = ends(form, 2);
            deed(&client);
            offence(&server)
        };
        let too_many = Misbehaviour::TooManyDescriptors { max: 2 };
        let missing = Misbehaviour::MissingDescriptor;
        assert_eq!(found(&|c| claim(c, 1, 1)), missing, "they never came");
        assert_eq!(found(&|c| bundle(c, 1, 1, &[])), missing, "the announcement came alone");
        assert_eq!(found(&|c| bundle(c, 1, 2, &one())), missing);
        assert_eq!(found(&|c| bundle(c, 1, 0, &[])), too_many, "none is no bundle");
        assert_eq!(found(&|c| bundle(c, 1, 3, &[held.as_fd(); 3])), too_many);
        assert_eq!(found(&|c| (bundle(c, 1, 1, &one()), claim(c, 2, 1)).1), missing);
        assert_eq!(found(&|c| (bundle(c, 2, 1, &one()), claim(c, 1, 1)).1), missing);
        let stray = Misbehaviour::StrayHandles;
        assert_eq!(found(&|c| (bundle(c, 1, 1, &one()), claim(c, 1, 2)).1), stray);
        let many = |c: &Channel| (1..12).for_each(|number| bundle(c, number, 1, &one()));
        assert_eq!(found(&many), stray, "more than anybody claims");
        drop(held);
        assert!(is_closed(&watch));
    }
}

#[test]
fn a_process_without_descriptors_gets_the_message_and_not_its_handles() {
    let bundle = Bundle { number: 7, count: 2, handles: None };
    let mut arrived = ArrivedBundles::default();
    arrived.add(bundle, &Limits::default()).unwrap();
    let header = RecordHeader { handles: 2, bundle: 7, ..header(1) };
    assert!(arrived.take(&header).unwrap().is_none());
}
