//! Calls over real channels, client and server in one process.

pub(crate) mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use alpc_transport::{
    Accelerator, Blob, Bytes, Deadline, ErrorKind, Part, PortAttributes, Reason, Received, Reply,
    Request, STATUS_UNANSWERED, Way,
};
use common::{ACCELERATOR, Gate, PATIENCE, Server, call, call_until, connect, echo, pattern, soon};

fn result(results: &[Received]) -> &[u8] {
    match results {
        [Received::Private(bytes)] => bytes,
        [Received::Frozen(blob)] => blob.bytes(),
        other => panic!("{} results", other.len()),
    }
}

#[test]
fn small_calls_come_back() {
    let server = Server::start(PortAttributes::new(), 2, echo);
    let client = server.client();
    assert_eq!(client.accept_data(), b"welcome");
    for i in 0..10_000_u32 {
        let body = i.to_le_bytes();
        assert_eq!(call(&client, &body, &mut []).unwrap().body(), body);
    }
    server.stop();
}

#[test]
fn bulk_of_every_size_goes_there_and_back_by_all_ways() {
    let server = Server::start(PortAttributes::new().view_limit(4 << 20), 2, echo);
    let client = server.client();
    let mut ways = Vec::new();
    for len in [0, 1, 1000, 60_000, 65_536, 300_000, 3_000_000, 5_000_000] {
        let data = pattern(len, len);
        let mut room = vec![0; len];
        let mut parts = [Part::In(&data), Part::In(&data), Part::Out(&mut room)];
        let response = call(&client, b"x", &mut parts).unwrap();
        assert_eq!(response.written, [len]);
        assert!(result(&response.results) == data, "{len}");
        ways.extend(response.travelled.iter().map(|travelled| travelled.way));
        assert!(room == data, "{len}");
    }
    for way in [Way::Copy, Way::Section, Way::Direct] {
        assert!(ways.contains(&way), "{way:?} in {ways:?}");
    }
    server.stop();
}

#[test]
fn many_threads_call_through_one_port_and_get_their_own_replies() {
    // Fewer credits than threads, and fewer slots for streams, so that they wait for each other.
    let attributes = PortAttributes::new().outstanding_requests(6);
    let server = Server::start(attributes, 3, echo);
    let client = Arc::new(server.client());
    std::thread::scope(|scope| {
        for thread in 0..16_usize {
            let client = client.clone();
            scope.spawn(move || {
                for i in 0..200_usize {
                    let len = if i % 20 == thread { 400_000 } else { (i * 97) % 3000 };
                    let data = pattern(len, thread * 1000 + i);
                    let body = (i as u32).to_le_bytes();
                    let response = call(&client, &body, &mut [Part::In(&data)]).unwrap();
                    assert_eq!(response.body(), body);
                    assert!(result(&response.results) == data);
                }
            });
        }
    });
    server.stop();
}

#[test]
fn streams_of_many_threads_share_the_slots() {
    let window = 64 << 10;
    let server = Server::start(PortAttributes::new().chunk_window(window), 2, echo);
    let client = Arc::new(server.client());
    std::thread::scope(|scope| {
        for thread in 0..12_usize {
            let client = client.clone();
            scope.spawn(move || {
                for i in 0..8_usize {
                    let data = pattern(300_000 + 1000 * i, thread);
                    let mut room = vec![0; data.len()];
                    let mut parts = [Part::In(&data), Part::Out(&mut room)];
                    call(&client, b"", &mut parts).unwrap();
                    assert!(room == data);
                }
            });
        }
    });
    server.stop();
}

#[test]
fn datagrams_of_every_size_arrive_and_free_their_slots() {
    let sum = Arc::new(AtomicUsize::new(0));
    let seen = sum.clone();
    let attributes = PortAttributes::new().view_limit(4 << 20);
    let server = Server::start(attributes, 2, move |worker, call| {
        let len = (0..call.parts()).map(|i| call.part(i).unwrap().len()).sum::<usize>();
        seen.fetch_add(len, Ordering::SeqCst);
        echo(worker, call);
    });
    let client = Arc::new(server.client());
    // The longest is over the view limit: a call would lend the memory, and a datagram cannot.
    let lens = [10, 50_000, 300_000, 3_000_000, 5_000_000];
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                for len in lens {
                    let data = pattern(len, 0);
                    let mut parts = [Part::In(&data)];
                    let (parts, deadline) = (&mut parts[..], soon());
                    let request =
                        Request { method: 1, tag: 0, body: b"", parts, deadline, handles: &[] };
                    let travelled = client.send(request).unwrap();
                    assert_ne!(travelled[0].way, Way::Direct);
                }
            });
        }
    });
    while sum.load(Ordering::SeqCst) < 6 * lens.iter().sum::<usize>() {
        call(&client, b"", &mut []).unwrap();
    }
    server.stop();
}

#[test]
fn a_call_that_the_server_drops_is_answered_all_the_same() {
    let server = Server::start(PortAttributes::new().outstanding_requests(2), 1, |_, call| {
        drop(call);
    });
    let client = server.client();
    for _ in 0..10 {
        let response = call(&client, b"", &mut []).unwrap();
        assert_eq!(response.status, STATUS_UNANSWERED);
    }
    server.stop();
}

#[test]
fn a_reply_that_does_not_fit_leaves_the_call_to_be_answered_again() {
    let server = Server::start(PortAttributes::new().outstanding_requests(1), 1, |worker, call| {
        let too_long = Reply { body: vec![0; 70_000], ..Reply::default() };
        let (error, call) = worker.reply(call, too_long).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::TooLarge { .. }));
        let too_wide = Reply { outs: vec![Bytes::Vec(vec![1; 100])], ..Reply::default() };
        let (_, call) = worker.reply(call.unwrap(), too_wide).unwrap_err();
        worker.reply(call.unwrap(), Reply { status: 7, ..Reply::default() }).unwrap();
    });
    let client = server.client();
    let mut room = [0; 10];
    for _ in 0..5 {
        let response = call(&client, b"", &mut [Part::Out(&mut room)]).unwrap();
        assert_eq!(response.status, 7);
    }
    assert_eq!(room, [0; 10]);
    server.stop();
}

#[test]
fn a_blob_that_only_the_reply_holds_arrives_and_is_forgotten_after() {
    // Each blob is half of all that one side may have at the other.
    let attributes = PortAttributes::new().max_section_total(4 << 20);
    let server = Server::start(attributes, 1, |worker, call| {
        let seed = usize::from(call.body()[0]);
        let blob = Blob::new(&pattern(2 << 20, seed)).unwrap();
        let reply = Reply { results: vec![Bytes::Blob(blob)], ..Reply::default() };
        worker.reply(call, reply).unwrap();
    });
    let client = server.client();
    let mut frozen = 0;
    for seed in 0..40_u8 {
        let response = call(&client, &[seed], &mut []).unwrap();
        assert!(result(&response.results) == pattern(2 << 20, usize::from(seed)));
        frozen += usize::from(response.travelled[0].reason == Reason::Frozen);
    }
    match ACCELERATOR {
        Accelerator::On => assert!(frozen > 20, "{frozen}"),
        Accelerator::Off => assert_eq!(frozen, 0),
    }
    server.stop();
}

#[test]
fn blobs_travel_as_numbers_and_make_room_for_others_when_they_are_gone() {
    let attributes = PortAttributes::new().max_section_total(4 << 20);
    let server = Server::start(attributes, 1, echo);
    let client = server.client();
    for seed in 0..30 {
        let data = pattern(3 << 20, seed);
        let blob = Blob::new(&data).unwrap();
        for _ in 0..3 {
            let response = call(&client, b"", &mut [Part::Blob(&blob)]).unwrap();
            assert_eq!(response.travelled[0].way, Way::Section);
            assert!(result(&response.results) == data);
        }
    }
    // More of them at once than the server takes: what is over goes as bytes.
    let blobs: Vec<_> = (0..100).map(|seed| Blob::new(&pattern(5000, seed)).unwrap()).collect();
    let mut reasons = Vec::new();
    for (seed, blob) in blobs.iter().enumerate() {
        let response = call(&client, b"", &mut [Part::Blob(blob)]).unwrap();
        assert!(result(&response.results) == pattern(5000, seed));
        reasons.push(response.travelled[0].reason);
    }
    let frozen = match ACCELERATOR {
        Accelerator::On => 64,
        Accelerator::Off => 0,
    };
    assert_eq!(reasons.iter().filter(|reason| **reason == Reason::Frozen).count(), frozen);
    server.stop();
}

#[test]
fn one_client_that_never_pauses_does_not_keep_a_lone_worker_from_the_others() {
    let server = Server::start(PortAttributes::new(), 1, echo);
    let (busy, other) = (server.client(), server.client());
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                call(&busy, b"again", &mut []).unwrap();
            }
        });
        for _ in 0..200 {
            call(&other, b"me too", &mut []).unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    server.stop();
}

#[test]
fn what_a_client_has_assembled_is_bounded_and_more_of_it_waits() {
    let (gate, running) = (Arc::new(Gate::default()), Arc::new(AtomicUsize::new(0)));
    let (inner_gate, inner_running) = (gate.clone(), running.clone());
    let attributes = PortAttributes::new().max_argument_len(1 << 20);
    let server = Server::start(attributes, 4, move |worker, call| {
        if call.parts() > 0 {
            inner_running.fetch_add(1, Ordering::SeqCst);
            inner_gate.pass();
        }
        echo(worker, call);
    });
    let client = Arc::new(server.client());
    let data = pattern(700_000, 1);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let response = call(&client, b"", &mut [Part::In(&data)]).unwrap();
                assert!(result(&response.results) == data);
            });
        }
        // One of the three runs; two would hold more than a megabyte. Small calls go on meanwhile.
        while running.load(Ordering::SeqCst) < 1 {
            call(&client, b"", &mut []).unwrap();
        }
        for _ in 0..200 {
            call(&client, b"", &mut []).unwrap();
        }
        assert_eq!(running.load(Ordering::SeqCst), 1);
        gate.open();
    });
    server.stop();
}

#[test]
fn a_server_that_was_shut_down_has_no_connections() {
    let server = Server::start(PortAttributes::new(), 1, echo);
    let client = server.client();
    let gone = server.client();
    drop(gone);
    for _ in 0..3 {
        server.events.recv_timeout(PATIENCE).unwrap();
    }
    call(&client, b"", &mut []).unwrap();
    let port = server.port.clone();
    server.stop();
    assert_eq!(port.connections(), 0);
    let failure = call(&client, b"", &mut []).unwrap_err();
    assert_eq!(failure.error.kind(), &ErrorKind::PeerClosed);
}

#[test]
fn a_deadline_ends_the_wait_and_the_late_reply_is_thrown_away() {
    let gate = Arc::new(Gate::default());
    let inner = gate.clone();
    let server =
        Server::start(PortAttributes::new().outstanding_requests(1), 2, move |worker, call| {
            if call.body() != b"slow" {
                return echo(worker, call);
            }
            inner.pass();
            let results = vec![Bytes::Vec(pattern(500_000, 3))];
            worker.reply(call, Reply { results, ..Reply::default() }).unwrap();
        });
    let client = server.client();
    // The request is one message: whenever the deadline passes, the server gets it, and has not
    // been told that it was given up half-way, which it would answer.
    let deadline = Deadline::after(Duration::from_millis(30));
    let failure = call_until(&client, b"slow", &mut [], deadline).unwrap_err();
    assert_eq!(failure.error.kind(), &ErrorKind::TimedOut);
    assert!(failure.may_have_run);
    // The server has not answered, so the only credit is not free.
    let deadline = Deadline::after(Duration::from_millis(30));
    let failure = call_until(&client, b"quick", &mut [], deadline).unwrap_err();
    assert!(!failure.may_have_run);
    gate.open();
    assert_eq!(call(&client, b"quick", &mut []).unwrap().body(), b"quick");
    server.stop();
}

#[test]
fn a_client_that_does_without_shared_memory_is_served_all_the_same() {
    let server = Server::start(PortAttributes::new(), 2, echo);
    let attributes = PortAttributes::new().accelerator(Accelerator::Off);
    let client = connect(server.place.path(), attributes);
    assert_eq!(client.limits().accelerator, Accelerator::Off);
    let data = pattern(3_000_000, 5);
    let mut region = client.region(data.len()).unwrap();
    region.as_mut_slice().copy_from_slice(&data);
    let blob = Blob::new(&data).unwrap();
    for part in [Part::In(&data), Part::Blob(&blob), Part::Region(&region)] {
        let mut room = vec![0; data.len()];
        let response = call(&client, b"", &mut [part, Part::Out(&mut room)]).unwrap();
        assert!(room == data);
        assert!(response.travelled.iter().all(|part| part.reason == Reason::FitsSection));
    }
    server.stop();
}

#[test]
fn large_uploads_and_downloads_at_once_do_not_wait_for_each_other() {
    let server = Server::start(PortAttributes::new(), 2, |worker, call| {
        if call.parts() > 0 {
            let len = (0..call.parts()).map(|i| call.part(i).unwrap().len()).sum::<usize>();
            let reply = Reply { tag: len as u64, ..Reply::default() };
            worker.reply(call, reply).unwrap();
        } else {
            let results = vec![Bytes::Vec(pattern(6_000_000, 2))];
            worker.reply(call, Reply { results, ..Reply::default() }).unwrap();
        }
    });
    let client = server.client();
    let (up, down) = (pattern(6_000_000, 1), pattern(6_000_000, 2));
    std::thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| {
                for _ in 0..4 {
                    let response = call(&client, b"", &mut [Part::In(&up)]).unwrap();
                    assert_eq!(response.tag, up.len() as u64);
                }
            });
            scope.spawn(|| {
                for _ in 0..4 {
                    assert!(result(&call(&client, b"", &mut []).unwrap().results) == down);
                }
            });
            scope.spawn(|| {
                for _ in 0..40 {
                    call(&client, b"", &mut [Part::In(b"small")]).unwrap();
                }
            });
        }
    });
    server.stop();
}

#[test]
fn what_was_sent_arrives_though_its_sender_is_gone() {
    let (gate, bytes) = (Arc::new(Gate::default()), Arc::new(AtomicUsize::new(0)));
    let (inner_gate, inner_bytes) = (gate.clone(), bytes.clone());
    let server = Server::start(PortAttributes::new(), 1, move |_, call| {
        inner_gate.pass();
        inner_bytes.fetch_add(call.part(0).unwrap().len(), Ordering::SeqCst);
    });
    let client = server.client();
    drop(server.connected());
    let data = pattern(10_000, 0);
    for _ in 0..8 {
        let (parts, deadline) = (&mut [Part::In(&data)][..], soon());
        client
            .send(Request { method: 1, tag: 0, body: b"", parts, deadline, handles: &[] })
            .unwrap();
    }
    drop(client);
    gate.open();
    drop(server.closed());
    server.stop();
    assert_eq!(bytes.load(Ordering::SeqCst), 8 * data.len());
}
