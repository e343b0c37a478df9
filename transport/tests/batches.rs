//! Batches: what goes out together, and what comes back in any order.

pub(crate) mod common;

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alpc_transport::{
    Accelerator, Batch, Blob, CallFailure, Completion, CompletionPort, ConnectionPort, Deadline,
    ErrorKind, IncomingCall, Part, PortAttributes, Received, Reply, Request, Response, Ticket,
    Worker,
};
use common::still::{Still, next};
use common::{
    Gate, Other, PATIENCE, Place, Server, at, call, connect, echo, hear, name, pattern, say, soon,
};

const MODES: [Accelerator; 2] = [Accelerator::On, Accelerator::Off];

fn mode(accelerator: Accelerator) -> PortAttributes {
    PortAttributes::new().accelerator(accelerator)
}

fn request<'a, 'p>(
    body: &'a [u8],
    parts: &'a mut [Part<'p>],
    deadline: Deadline,
) -> Request<'a, 'p> {
    Request { method: 1, tag: 0, body, parts, deadline, handles: &[] }
}

/// A request whose body is a number.
macro_rules! number {
    ($number:expr) => {
        request(&u64::to_le_bytes($number), &mut [], soon())
    };
}

fn submit(batch: &mut Batch<'_>, numbers: Range<u64>) {
    for number in numbers {
        batch.submit(number!(number)).unwrap();
    }
}

fn read(response: &Response) -> u64 {
    u64::from_le_bytes(response.body().try_into().unwrap())
}

fn answer(call: IncomingCall) {
    let body = call.body().to_vec();
    call.reply(Reply { body, ..Reply::default() }).unwrap();
}

#[test]
fn what_is_batched_is_seen_together_and_rung_for_once() {
    let mut still = Still::new(PortAttributes::new());
    let client = still.client.clone();
    let bells = client.traffic().bells;
    for round in 1..=3 {
        let mut batch = client.batch();
        for i in 0..40 {
            batch.send(number!(i)).unwrap();
        }
        assert!(still.list.try_next().unwrap().is_none(), "it is held back");
        assert_eq!(client.traffic().bells, bells + round - 1);
        batch.flush(soon()).unwrap();
        assert_eq!(client.traffic().bells, bells + round);
        let seen: Vec<_> = still.calls().iter().map(|call| call.body().to_vec()).collect();
        assert_eq!(seen, (0..40).map(|i| u64::to_le_bytes(i).to_vec()).collect::<Vec<_>>());
    }
    still.port.shut_down();
}

#[test]
fn a_client_that_sleeps_is_rung_once_for_many_replies() {
    let mut still = Still::new(PortAttributes::new());
    let client = still.client.clone();
    let mut batch = client.batch();
    submit(&mut batch, 0..40);
    batch.flush(soon()).unwrap();
    let bells = still.server.traffic().bells;
    still.calls().into_iter().for_each(answer);
    assert_eq!(still.server.traffic().bells, bells + 1);
    for i in 0..40 {
        let (ticket, response) = batch.next_reply().unwrap();
        assert_eq!((ticket.index(), read(&response.unwrap())), (i, i));
    }
    assert!(batch.next_reply().is_none());
    still.port.shut_down();
}

#[test]
fn a_dropped_batch_sends_its_datagrams_cancels_its_calls_and_makes_no_more() {
    for accelerator in MODES {
        let mut still = Still::new(mode(accelerator));
        let client = still.client.clone();
        let late = Arc::new(Mutex::new(Vec::new()));
        let told = late.clone();
        client.on_late_reply(move |_, body| told.lock().unwrap().push(body.to_vec()));
        let mut batch = client.batch();
        batch.send(number!(1)).unwrap();
        batch.submit(number!(2)).unwrap();
        batch.submit(number!(3)).unwrap();
        batch.flush(soon()).unwrap();
        batch.submit(number!(10)).unwrap();
        batch.send(number!(5)).unwrap();
        // This one is not sent any more.
        batch.submit(number!(11)).unwrap();
        drop(batch);
        let mut calls = Vec::new();
        while calls.len() < 5 {
            match next(&mut still.list) {
                Completion::Call(call) => calls.push(call),
                _ => panic!("only calls come"),
            }
        }
        let [datagrams, requests] = [false, true].map(|wanted| {
            let of_kind = calls.iter().filter(|call| call.wants_reply() == wanted);
            of_kind.map(|call| call.body().first().copied()).collect::<Vec<_>>()
        });
        assert_eq!(
            (datagrams, requests),
            (vec![Some(1), Some(5)], vec![Some(2), Some(3), Some(10)])
        );
        calls.into_iter().for_each(answer);
        // The next call meets their replies, which nobody gets. It is a batch's, as nobody serves.
        let mut batch = client.batch();
        batch.submit(number!(4)).unwrap();
        batch.flush(soon()).unwrap();
        match next(&mut still.list) {
            Completion::Call(call) => answer(call),
            _ => panic!("only calls come"),
        }
        assert_eq!(read(&batch.next_reply().unwrap().1.unwrap()), 4);
        drop(batch);
        let late = std::mem::take(&mut *late.lock().unwrap());
        assert_eq!(late, [2, 3, 10].map(|i| u64::to_le_bytes(i).to_vec()));
        still.port.shut_down();
    }
}

#[test]
fn calls_and_datagrams_of_a_batch_keep_their_order() {
    for accelerator in MODES {
        let mut still = Still::new(mode(accelerator));
        let client = still.client.clone();
        let long = [7; 2000];
        let mut batch = client.batch();
        // Some go together, and some are too long for that.
        for i in 0..30 {
            match i % 5 {
                0 | 1 => drop(batch.submit(number!(i)).unwrap()),
                2 | 3 => drop(batch.send(number!(i)).unwrap()),
                _ => drop(batch.send(request(&long, &mut [], soon())).unwrap()),
            }
        }
        batch.flush(soon()).unwrap();
        for i in 0..30 {
            let Completion::Call(call) = next(&mut still.list) else { panic!("only calls come") };
            assert_eq!(call.wants_reply(), i % 5 < 2, "{i}");
            match i % 5 {
                4 => assert_eq!(call.body(), long),
                _ => assert_eq!(call.body(), u64::to_le_bytes(i)),
            }
        }
        drop(batch);
        still.port.shut_down();
    }
}

#[test]
fn a_datagram_that_finds_no_room_after_it_was_put_in_fails_the_flush() {
    let still = Still::new(PortAttributes::new().outbox_len(16 << 10));
    let client = still.client.clone();
    let body = [1; 500];
    let mut batch = client.batch();
    let refused = loop {
        // Nobody takes them, and so there is no room for all of these in the end.
        let short = Deadline::after(Duration::from_millis(20));
        if let Err(failure) = batch.send(request(&body, &mut [], short)) {
            break failure;
        }
    };
    assert_eq!(*refused.error.kind(), ErrorKind::TimedOut);
    assert!(!refused.may_have_run);
    let short = Deadline::after(Duration::from_millis(20));
    batch.send(request(&body, &mut [], short)).unwrap();
    assert_eq!(*batch.flush(soon()).unwrap_err().kind(), ErrorKind::TimedOut);
    batch.flush(soon()).unwrap();
    drop(batch);
    still.port.shut_down();
}

#[test]
fn a_batch_has_no_more_calls_outstanding_than_were_agreed_on() {
    for accelerator in MODES {
        let attributes = mode(accelerator).outstanding_requests(4);
        let server = Server::start(attributes, 2, echo);
        let client = server.client();
        let mut batch = client.batch();
        submit(&mut batch, 0..4);
        let failure = batch.submit(number!(4)).unwrap_err();
        assert!(matches!(failure.error.kind(), ErrorKind::Exhausted { .. }), "{failure:?}");
        assert!(!failure.may_have_run);
        // Nobody has told the server of the four: who needs a credit does.
        assert_eq!(call(&client, b"other", &mut []).unwrap().body(), b"other");
        assert_eq!(batch.outstanding(), 4);
        batch.next_reply().unwrap().1.unwrap();
        assert_eq!(batch.submit(number!(5)).unwrap().index(), 4);
        assert_eq!(std::iter::from_fn(|| batch.next_reply()).count(), 4);
        drop(batch);
        server.stop();
    }
}

#[test]
fn credits_that_others_hold_are_waited_for_until_the_deadline() {
    let gate = Arc::new(Gate::default());
    let handler = {
        let gate = gate.clone();
        move |worker: &mut Worker, call: IncomingCall| {
            gate.pass();
            echo(worker, call);
        }
    };
    let server = Server::start(PortAttributes::new().outstanding_requests(2), 2, handler);
    let client = server.client();
    let mut holds = client.batch();
    submit(&mut holds, 0..2);
    holds.flush(soon()).unwrap();
    let mut wants = client.batch();
    let short = Deadline::after(Duration::from_millis(20));
    let refused = wants.submit(request(b"", &mut [], short)).unwrap();
    let (ticket, failure) = wants.next_reply().unwrap();
    let failure = failure.unwrap_err();
    assert_eq!((ticket, failure.error.kind()), (refused, &ErrorKind::TimedOut));
    assert!(!failure.may_have_run);
    gate.open();
    wants.submit(number!(7)).unwrap();
    assert_eq!(read(&wants.next_reply().unwrap().1.unwrap()), 7);
    assert_eq!(std::iter::from_fn(|| holds.next_reply()).count(), 2);
    drop((holds, wants));
    server.stop();
}

#[test]
fn a_call_whose_deadline_passes_fails_alone() {
    for accelerator in MODES {
        let gate = Arc::new(Gate::default());
        let handler = {
            let gate = gate.clone();
            move |worker: &mut Worker, call: IncomingCall| {
                if call.body() == b"hold" {
                    gate.pass();
                }
                echo(worker, call);
            }
        };
        let server = Server::start(mode(accelerator), 2, handler);
        let client = server.client();
        let (told, late) = channel();
        client.on_late_reply(move |_, body| told.send(body.to_vec()).unwrap());
        let mut batch = client.batch();
        let short = Deadline::after(Duration::from_millis(20));
        let held = batch.submit(request(b"hold", &mut [], short)).unwrap();
        let others = [batch.submit(number!(1)).unwrap(), batch.submit(number!(2)).unwrap()];
        let (mut timed_out, mut answered) = (None, Vec::new());
        while let Some((ticket, response)) = batch.next_reply() {
            match response {
                Ok(_) => answered.push(ticket),
                Err(failure) => timed_out = Some((ticket, failure)),
            }
        }
        let (ticket, CallFailure { error, may_have_run, .. }) = timed_out.unwrap();
        assert_eq!((ticket, error.kind(), may_have_run), (held, &ErrorKind::TimedOut, true));
        answered.sort();
        assert_eq!(answered, others);
        // Its place is another call's by now, and its reply is nobody's.
        gate.open();
        for i in 0.. {
            batch.submit(number!(i)).unwrap();
            assert_eq!(read(&batch.next_reply().unwrap().1.unwrap()), i);
            if let Ok(body) = late.try_recv() {
                assert_eq!(body, b"hold");
                break;
            }
        }
        drop(batch);
        server.stop();
    }
}

#[test]
fn replies_are_taken_in_whatever_order_they_come() {
    for accelerator in MODES {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let handler = move |worker: &mut Worker, call: IncomingCall| {
            let mut kept = kept.lock().unwrap();
            kept.push(call);
            if kept.len() == 10 {
                kept.drain(..).rev().for_each(|call| echo(worker, call));
            }
        };
        // One worker: the calls are met in order.
        let server = Server::start(mode(accelerator), 1, handler);
        let client = server.client();
        let mut batch = client.batch();
        let tickets: Vec<_> = (0..10).map(|i| batch.submit(number!(i * i)).unwrap()).collect();
        let mut answered: Vec<(Ticket, u64)> = Vec::new();
        while let Some((ticket, response)) = batch.next_reply() {
            answered.push((ticket, read(&response.unwrap())));
        }
        assert!(answered.iter().all(|(ticket, square)| ticket.index().pow(2) == *square));
        let order: Vec<_> = answered.iter().map(|(ticket, _)| *ticket).collect();
        assert_eq!(order, tickets.into_iter().rev().collect::<Vec<_>>());
        drop(batch);
        server.stop();
    }
}

#[test]
fn bulk_data_goes_with_a_batch_and_rooms_do_not() {
    for accelerator in MODES {
        let server = Server::start(mode(accelerator), 2, echo);
        let client = server.client();
        let mut batch = client.batch();
        let lens = [0, 100, 60_000, 400_000, 5_000_000];
        let blob = Blob::new(&pattern(100_000, 1)).unwrap();
        for (i, len) in lens.into_iter().enumerate() {
            let data = pattern(len, len);
            let mut parts = [Part::In(&data), Part::Blob(&blob)];
            let ticket = batch.submit(request(&[], &mut parts, soon())).unwrap();
            assert_eq!(ticket.index(), i as u64);
        }
        let failure = batch.submit(request(b"", &mut [Part::Out(&mut [0; 8])], soon()));
        assert!(matches!(failure.unwrap_err().error.kind(), ErrorKind::Invalid { .. }));
        let mut seen = 0;
        while let Some((ticket, response)) = batch.next_reply() {
            let len = lens[ticket.index() as usize];
            let results = response.unwrap().take_results();
            let bytes = results.iter().map(|result| match result {
                Received::Private(bytes) => &bytes[..],
                Received::Frozen(blob) => blob.bytes(),
                other => panic!("{other:?}"),
            });
            assert!(bytes.eq([&pattern(len, len)[..], &pattern(100_000, 1)]), "{len}");
            seen += 1;
        }
        assert_eq!(seen, lens.len());
        drop(batch);
        server.stop();
    }
}

#[test]
fn batches_and_calls_of_many_threads_share_a_port_and_get_their_own() {
    for accelerator in MODES {
        let attributes = mode(accelerator).outstanding_requests(16).outbox_len(16 << 10);
        let server = Server::start(attributes, 3, echo);
        let client = server.client();
        std::thread::scope(|scope| {
            for thread in 0..4_u64 {
                let client = &client;
                scope.spawn(move || {
                    let (mut batch, mut waits) = (client.batch(), HashMap::new());
                    for i in 0..2000 {
                        let what = thread << 32 | i;
                        if i % 7 == 0 {
                            batch.send(number!(what)).unwrap();
                        }
                        if i % 11 == 0 {
                            let body = what.to_le_bytes();
                            assert_eq!(call(client, &body, &mut []).unwrap().body(), body);
                        }
                        waits.insert(batch.submit(number!(what)).unwrap(), what);
                        if batch.outstanding() == 4 {
                            let (ticket, response) = batch.next_reply().unwrap();
                            assert_eq!(waits.remove(&ticket), Some(read(&response.unwrap())));
                        }
                    }
                    while let Some((ticket, response)) = batch.next_reply() {
                        assert_eq!(waits.remove(&ticket), Some(read(&response.unwrap())));
                    }
                    assert!(waits.is_empty());
                });
            }
        });
        server.stop();
    }
}

#[test]
fn a_batch_larger_than_the_queue_goes_out_as_there_is_room() {
    for accelerator in MODES {
        let (told, heard) = channel();
        let handler = move |_: &mut Worker, call: IncomingCall| {
            told.send(call.body().to_vec()).unwrap();
        };
        let server = Server::start(mode(accelerator).outbox_len(16 << 10), 1, handler);
        let client = server.client();
        let mut batch = client.batch();
        for i in 0..200 {
            batch.send(request(&pattern(1000, i), &mut [], soon())).unwrap();
        }
        batch.flush(soon()).unwrap();
        for i in 0..200 {
            assert_eq!(heard.recv_timeout(PATIENCE).unwrap(), pattern(1000, i));
        }
        drop(batch);
        server.stop();
    }
}

#[test]
fn replies_to_what_was_taken_together_go_out_together() {
    for accelerator in MODES {
        let mut still = Still::new(mode(accelerator));
        let client = still.client.clone();
        let mut batch = client.batch();
        submit(&mut batch, 0..20);
        batch.flush(soon()).unwrap();
        let (mut worker, mut taken) = (still.port.worker(), Vec::new());
        while taken.len() < 20 {
            assert!(worker.next_many(&mut taken, 32).unwrap() > 0);
        }
        let bells = still.server.traffic().bells;
        let mut replies = worker.replies();
        for completion in taken {
            let Completion::Call(call) = completion else { panic!("only calls come") };
            let body = call.body().to_vec();
            replies.reply(call, Reply { body, ..Reply::default() }).unwrap();
        }
        assert_eq!(still.server.traffic().bells, bells, "they are held back");
        drop(replies);
        let rung = u64::from(accelerator == Accelerator::On);
        assert_eq!(still.server.traffic().bells, bells + rung);
        for i in 0..20 {
            let (ticket, response) = batch.next_reply().unwrap();
            assert_eq!((ticket.index(), read(&response.unwrap())), (i, i));
        }
        drop((batch, worker));
        assert!(still.calls().is_empty());
        still.port.shut_down();
    }
}

/// What the other process of the following test does.
#[test]
fn child() {
    let Some((role, place)) = common::role() else { return };
    assert_eq!(role, "serve half");
    serve_half(&place);
}

/// Answers the first ten calls, and holds the others until it is killed.
fn serve_half(place: &Path) {
    let port = ConnectionPort::create(&name(), &at(place, PortAttributes::new())).unwrap();
    let port = CompletionPort::new(port).unwrap();
    let (mut worker, mut held) = (port.worker(), Vec::new());
    say("serving");
    while let Some(completion) = worker.next().unwrap() {
        match completion {
            Completion::Connecting(request) => request.accept(b"").unwrap(),
            Completion::Call(call) if call.body() < &10_u64.to_be_bytes()[..] => answer(call),
            Completion::Call(call) => held.push(call),
            _ => {}
        }
        if held.len() == 10 {
            say("holding");
            hear();
        }
    }
}

#[test]
fn the_death_of_the_server_fails_every_call_that_it_has_not_answered() {
    for accelerator in MODES {
        let place = Place::new();
        let mut other = Other::start("serve half", place.path());
        other.expect("serving");
        let client = connect(place.path(), mode(accelerator));
        let mut batch = client.batch();
        for i in 0..20_u64 {
            batch.submit(request(&i.to_be_bytes(), &mut [], soon())).unwrap();
        }
        batch.flush(soon()).unwrap();
        other.expect("holding");
        other.kill();
        let (mut answered, mut failed) = (Vec::new(), Vec::new());
        while let Some((ticket, response)) = batch.next_reply() {
            match response {
                Ok(_) => answered.push(ticket.index()),
                Err(failure) => {
                    assert_eq!(*failure.error.kind(), ErrorKind::PeerClosed);
                    assert!(failure.may_have_run);
                    failed.push(ticket.index());
                }
            }
        }
        failed.sort_unstable();
        assert_eq!(answered, Vec::from_iter(0..10));
        assert_eq!(failed, Vec::from_iter(10..20));
        assert!(batch.submit(number!(1)).is_err());
        assert_eq!(batch.outstanding(), 0);
    }
}
