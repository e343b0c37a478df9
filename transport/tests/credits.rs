//! Who may fill the queue with what, and what comes of it.

pub(crate) mod common;

use std::time::Duration;

use alpc_transport::{
    Accelerator, CallFailure, CommunicationPort, Completion, Deadline, ErrorKind, IncomingCall,
    Overflow, PortAttributes, Reply, Request, Worker,
};
use common::still::{Still, next};
use common::{Server, call, pattern, soon};

const MODES: [Accelerator; 2] = [Accelerator::On, Accelerator::Off];
const BODY: usize = 1000;

fn small_ring(accelerator: Accelerator) -> PortAttributes {
    PortAttributes::new().accelerator(accelerator).outbox_len(16 << 10).outstanding_requests(4096)
}

fn numbered(number: usize) -> Vec<u8> {
    let mut body = vec![0; BODY];
    body[..8].copy_from_slice(&number.to_le_bytes());
    body
}

fn number_of(call: &IncomingCall) -> usize {
    usize::from_le_bytes(call.body()[..8].try_into().unwrap())
}

fn request(body: &[u8], deadline: Deadline) -> Request<'_, 'static> {
    Request { method: 1, tag: 0, body, parts: &mut [], deadline, handles: &[] }
}

fn send(client: &CommunicationPort, number: usize) -> Result<(), CallFailure> {
    client.send(request(&numbered(number), soon())).map(drop)
}

/// Sends datagrams until there is no room for one more.
fn fill(client: &CommunicationPort) -> usize {
    client.set_overflow(Overflow::Refuse);
    let sent = (0..).find(|&number| send(client, number).is_err()).unwrap();
    assert!(client.traffic().kept == 0 && sent > 2);
    sent
}

fn past() -> Deadline {
    Deadline::after(Duration::from_millis(1))
}

#[test]
fn a_flood_of_datagrams_leaves_requests_their_room() {
    for accelerator in MODES {
        let mut still = Still::new(small_ring(accelerator));
        let sent = fill(&still.client);
        let client = still.client.clone();
        let mut batch = client.batch();
        let body = numbered(sent);
        // Messages do not divide a half evenly, and some room is the protocol's own.
        let requests = sent - 2;
        for _ in 0..requests {
            batch.submit(request(&body, soon())).unwrap();
        }
        batch.flush(soon()).unwrap();
        let calls = still.calls();
        assert_eq!(calls.iter().filter(|call| call.wants_reply()).count(), requests);
        assert_eq!(calls.len(), sent + requests);
        assert!(send(&client, 0).is_ok(), "there is room again");
        still.port.shut_down();
    }
}

#[test]
fn a_flood_of_requests_leaves_datagrams_their_room_and_what_cancels_its_own() {
    for accelerator in MODES {
        let requests = fill(&Still::new(small_ring(accelerator)).client);
        let mut still = Still::new(small_ring(accelerator));
        let client = still.client.clone();
        let mut batch = client.batch();
        let body = numbered(0);
        for _ in 0..requests {
            batch.submit(request(&body, soon())).unwrap();
        }
        let failure = batch.submit(request(&body, past())).unwrap_err();
        assert_eq!(*failure.error.kind(), ErrorKind::TimedOut);
        assert!(!failure.may_have_run);
        client.set_overflow(Overflow::Refuse);
        for number in 0..requests - 2 {
            send(&client, number).unwrap();
        }
        // To cancel them takes room of its own.
        drop(batch);
        let calls = still.calls();
        assert_eq!(calls.len(), 2 * requests - 2);
        let unwanted = |call: &&IncomingCall| call.wants_reply() && call.is_cancelled();
        assert_eq!(calls.iter().filter(unwanted).count(), requests);
        still.port.shut_down();
    }
}

#[test]
fn a_datagram_without_room_waits_until_its_deadline_or_is_refused() {
    for accelerator in MODES {
        let mut still = Still::new(small_ring(accelerator));
        let client = still.client.clone();
        let sent = fill(&client);
        let failure = send(&client, sent).unwrap_err();
        assert!(matches!(failure.error.kind(), ErrorKind::Exhausted { .. }), "{failure:?}");
        assert!(!failure.may_have_run);
        client.set_overflow(Overflow::Wait);
        let failure = client.send(request(&numbered(sent), past())).unwrap_err();
        assert_eq!(*failure.error.kind(), ErrorKind::TimedOut);
        let waits = std::thread::spawn(move || send(&client, sent));
        for number in 0..=sent {
            match next(&mut still.list) {
                Completion::Call(call) => assert_eq!(number_of(&call), number),
                _ => panic!("only datagrams come"),
            }
        }
        waits.join().unwrap().unwrap();
        still.port.shut_down();
    }
}

#[test]
fn the_oldest_datagrams_are_dropped_and_counted_and_the_newest_follow_by_themselves() {
    for accelerator in MODES {
        let mut still = Still::new(small_ring(accelerator));
        let client = still.client.clone();
        let sent = fill(&client);
        client.set_overflow(Overflow::DropOldest { kept: 10 });
        for number in sent..sent + 30 {
            send(&client, number).unwrap();
        }
        assert_eq!(client.traffic().dropped, 20);
        assert_eq!(client.traffic().kept, 10 * BODY as u64);
        // Nobody uses the client from here on.
        for number in (0..sent).chain(sent + 20..sent + 30) {
            match next(&mut still.list) {
                Completion::Call(call) => assert_eq!(number_of(&call), number),
                _ => panic!("only datagrams come"),
            }
        }
        assert_eq!(client.traffic().kept, 0);
        still.port.shut_down();
    }
}

#[test]
fn a_peer_that_does_not_listen_can_be_left() {
    for accelerator in MODES {
        let mut still = Still::new(small_ring(accelerator));
        let client = still.client.clone();
        let sent = fill(&client);
        client.set_overflow(Overflow::Disconnect);
        let failure = send(&client, sent).unwrap_err();
        assert!(matches!(failure.error.kind(), ErrorKind::Exhausted { .. }));
        assert!(send(&client, sent).is_err(), "it has ended");
        loop {
            if let Completion::Closed(port) = next(&mut still.list) {
                assert!(port.closed().is_some());
                break;
            }
        }
        still.port.shut_down();
    }
}

#[test]
fn a_client_that_reads_no_replies_costs_the_server_no_more_than_its_quota() {
    const OUTSTANDING: usize = 16;
    const ANSWER: usize = 60_000;
    for accelerator in MODES {
        let answer = |worker: &mut Worker, call: IncomingCall| {
            let body = if call.body() == b"long" { pattern(ANSWER, 0) } else { Vec::new() };
            worker.reply(call, Reply { body, ..Reply::default() }).unwrap();
        };
        let attributes =
            PortAttributes::new().accelerator(accelerator).outstanding_requests(OUTSTANDING);
        let server = Server::start(attributes, 2, answer);
        let (slow, slows_port) = (server.client(), server.connected());
        let honest = server.client();
        let mut batch = slow.batch();
        while batch.submit(request(b"long", soon())).is_ok() {}
        assert_eq!(batch.outstanding(), OUTSTANDING);
        batch.flush(soon()).unwrap();
        // The server has answered all of them when it has answered calls that came after.
        let mut kept = 0;
        for _ in 0..1000 {
            call(&honest, b"", &mut []).unwrap();
            kept = kept.max(slows_port.traffic().kept);
        }
        assert!(kept <= (OUTSTANDING * ANSWER) as u64, "{kept}");
        let failure = batch.submit(request(b"long", soon())).unwrap_err();
        assert!(matches!(failure.error.kind(), ErrorKind::Exhausted { .. }));
        // It is all there once it is read.
        let mut answered = 0;
        while let Some((_, response)) = batch.next_reply() {
            assert_eq!(response.unwrap().body().len(), ANSWER);
            answered += 1;
        }
        assert_eq!((answered, slows_port.traffic().kept), (OUTSTANDING, 0));
        drop(batch);
        server.stop();
    }
}
