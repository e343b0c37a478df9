//! Peers that break the rules of streams: their own stream ends, and nobody else notices.

mod mill;

use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::task::{Context, Poll, Waker};

use alpc_rpc::prelude::*;
use alpc_rpc::transport::{
    CommunicationPort, Completion, CompletionPort, ConnectionPort, Deadline, PortName, Reply,
    Request,
};
use alpc_rpc::{CallError, Server};

use mill::{MillClient, NAME, PATIENCE, Stones, attributes};

const ENVELOPE: u16 = 2;
const BAD_ARGUMENTS: u16 = 2;
const UNKNOWN_METHOD: u16 = 1;
const UNANSWERED: u16 = 65533;
const FRAMEWORK: u64 = 1 << 63;
const RELEASE: u64 = FRAMEWORK | 2;
const NEXT: u64 = FRAMEWORK | 8;
const FETCH: u64 = FRAMEWORK | 9;

fn folder() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("alpc-mill-bad-{}-{count}", std::process::id()))
}

/// A mill, and a client whose questions are made by hand.
fn stage() -> (Server, Stones, MillClient, PathBuf) {
    stage_of(2)
}

fn stage_of(workers: usize) -> (Server, Stones, MillClient, PathBuf) {
    let (folder, stones) = (folder(), Stones::default());
    let server = mill::serve(&folder, &stones, |server| server.workers(workers));
    let mill = MillClient::connect_with(NAME, &attributes(&folder)).unwrap().with_timeout(PATIENCE);
    (server, stones, mill, folder)
}

fn question(values: &[u8], object: u64) -> Vec<u8> {
    let mut body = values.to_vec();
    body.extend_from_slice(&object.to_le_bytes());
    body.extend_from_slice(&[0, 0]);
    body
}

fn ask(port: &CommunicationPort, method: u64, values: &[u8], object: u64) -> (u16, Vec<u8>) {
    let request = Request {
        method,
        tag: ENVELOPE,
        body: &question(values, object),
        parts: &mut [],
        handles: &[],
        deadline: Deadline::after(PATIENCE),
    };
    let response = port.call(request).unwrap();
    (response.status, response.body().to_vec())
}

#[track_caller]
fn refused((status, text): (u16, Vec<u8>), says: &str) {
    let text = String::from_utf8_lossy(&text);
    assert_eq!((status, text.contains(says)), (BAD_ARGUMENTS, true), "{text}");
}

#[test]
fn questions_are_taken_in_turn_only() {
    for (first, second) in
        [([2_u8, 9, 99], None), ([1, 9, 99], Some([1, 9, 99])), ([1, 0, 9], None)]
    {
        let (_server, stones, mill, folder) = stage();
        let told = stones.poured();
        let _grains = mill.grind(0, u64::MAX).unwrap();
        let port = mill.port();
        let mut answer = ask(port, NEXT, &first, 1);
        if let Some(second) = second {
            assert_eq!(answer.0, 0);
            answer = ask(port, NEXT, &second, 1);
        }
        refused(answer, "out of turn");
        assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "dropped");
        refused(ask(port, NEXT, &[2, 9, 99], 1), "the stream is over");
        assert_eq!(mill.grind(0, 3).unwrap().count(), 3);
        let _gone = std::fs::remove_dir_all(&folder);
    }
}

#[test]
fn whoever_asks_while_a_question_waits_has_no_stream_any_more() {
    for second in [1, 2] {
        // One worker takes questions in the order in which they are asked.
        let (_server, stones, mill, folder) = stage_of(1);
        let sinks = stones.sinks();
        let _line = mill.line(1).unwrap();
        let sink = sinks.recv_timeout(PATIENCE).unwrap();
        let body = question(&[1, 9, 99], 1);
        let request = Request {
            method: NEXT,
            tag: ENVELOPE,
            body: &body,
            parts: &mut [],
            handles: &[],
            deadline: Deadline::after(PATIENCE),
        };
        let mut first = pin!(mill.port().call_async(request));
        let mut context = Context::from_waker(Waker::noop());
        assert!(first.as_mut().poll(&mut context).is_pending());
        refused(ask(mill.port(), NEXT, &[second, 9, 99], 1), "out of turn");
        assert!(sink.is_cancelled());
        let Poll::Ready(Ok(answer)) = first.as_mut().poll(&mut context) else {
            panic!("it is answered before whoever came second");
        };
        assert_eq!(answer.status, UNANSWERED);
        let _gone = std::fs::remove_dir_all(&folder);
    }
}

#[test]
fn an_answer_is_no_more_than_what_was_asked_for() {
    let (_server, stones, mill, folder) = stage();
    let _grains = mill.grind(0, u64::MAX).unwrap();
    let (status, _) = ask(mill.port(), NEXT, &[1, 3, 127], 1);
    assert_eq!(status, 0);
    assert_eq!(stones.made(), 3);
    // An item that would take too many bytes waits; there is always one.
    let (status, body) = ask(mill.port(), NEXT, &[2, 100, 50], 1);
    assert_eq!(status, 0);
    assert!(body.len() <= 50 && stones.made() <= 6, "{} bytes, {}", body.len(), stones.made());
    let _gone = std::fs::remove_dir_all(&folder);
}

#[test]
fn only_what_was_left_apart_is_fetched_and_only_once() {
    let (_server, _stones, mill, folder) = stage();
    let _sacks = mill.sacks(&[200_000, 200_000]).unwrap();
    let port = mill.port();
    refused(ask(port, FETCH, &[], 1), "no item to be fetched");
    // Items of a byte or more are to stay.
    let (status, body) = ask(port, NEXT, &[1, 9, 99, 1], 1);
    assert_eq!((status, body.first()), (0, Some(&2)));
    assert_eq!(ask(port, FETCH, &[], 1).0, 0);
    refused(ask(port, FETCH, &[], 1), "no item to be fetched");
    assert_eq!(ask(port, NEXT, &[2, 9, 99, 1], 1).0, 0);
    // What nobody fetched is let go of.
    assert_eq!(ask(port, NEXT, &[3, 9, 99, 1], 1).0, 0);
    refused(ask(port, FETCH, &[], 1), "no item to be fetched");
    let _gone = std::fs::remove_dir_all(&folder);
}

#[test]
fn questions_that_make_no_sense_are_refused() {
    let (_server, _stones, mill, folder) = stage();
    let _grains = mill.grind(0, 10).unwrap();
    let port = mill.port();
    for unknown in [0, 2, u64::MAX] {
        refused(ask(port, NEXT, &[1, 9, 99], unknown), "the stream was let go of");
    }
    refused(ask(port, NEXT, &[], 1), "what is asked");
    refused(ask(port, NEXT, &[1, 255, 255, 255, 255, 255, 1], 1), "what is asked");
    // Calls are not for streams, and questions are not for objects.
    assert_eq!(ask(port, 7, &[], 1).0, UNKNOWN_METHOD);
    assert_eq!(ask(port, NEXT, &[1, 9, 99], 1).0, 0);
    let _gone = std::fs::remove_dir_all(&folder);
}

/// A server that answers each call with a stream, and each question with the next of `answers`. Tells
/// of each release.
fn hostile(answers: Vec<Vec<u8>>) -> (MillClient, Receiver<()>, PathBuf) {
    let folder = folder();
    let set = attributes(&folder);
    let name = PortName::new(NAME).unwrap();
    let port = Arc::new(CompletionPort::new(ConnectionPort::create(&name, &set).unwrap()).unwrap());
    let (release, released) = channel();
    std::thread::spawn(move || {
        let mut worker = port.worker();
        let mut answers = answers.into_iter();
        let mut waiting = Vec::new();
        while let Ok(Some(completion)) = worker.next() {
            match completion {
                Completion::Connecting(request) => {
                    let hello = request.data().to_vec();
                    request.accept(&hello).unwrap();
                }
                Completion::Call(call) if call.method() == RELEASE => release.send(()).unwrap(),
                Completion::Call(call) if call.method() == NEXT => {
                    let Some(body) = answers.next() else {
                        waiting.push(call);
                        continue;
                    };
                    call.reply(Reply { body, ..Reply::default() }).unwrap();
                }
                Completion::Call(call) => {
                    // A stream: the number of what came along, and behind that object 5 of ours.
                    let mut body = vec![0];
                    body.extend_from_slice(&(5_u64 << 1).to_le_bytes());
                    body.extend_from_slice(&[0; 8]);
                    body.extend_from_slice(&[1, 0]);
                    let tag = u64::from(ENVELOPE);
                    call.reply(Reply { tag, body, ..Reply::default() }).unwrap();
                }
                Completion::Closed(_) => return,
                _ => {}
            }
        }
    });
    (MillClient::connect_with(NAME, &set).unwrap().with_timeout(PATIENCE), released, folder)
}

/// An item that is a number below 128.
fn item(number: u8) -> [u8; 5] {
    [1, 0, 0, 1, number]
}

/// The length of an item.
const PETABYTES: [u8; 9] = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1];
const FINISHED: [u8; 4] = [3, 0, 0, 0];

#[test]
fn answers_that_break_the_rules_end_the_stream() {
    let [one, two, three] = [item(1), item(2), item(3)];
    let long = [&[0, 1, 0, 0, 0xa0, 0xea, 0x01][..], &[0; 30_000]].concat();
    let cases: Vec<(&str, Vec<&[u8]>, usize)> = vec![
        ("more items came than were asked for", vec![&[0], &one, &two, &three], 2),
        ("more bytes came than were asked for", vec![&long, &long], 0),
        ("does not begin as one", vec![&[]], 0),
        ("does not begin as one", vec![&[3], &one], 0),
        ("an answer with items has none", vec![&[0]], 0),
        ("ends without an end", vec![&[1], &one], 1),
        ("ends where it does not", vec![&[0], &one, &FINISHED], 1),
        ("cut off", vec![&[0], &one, &[1, 0, 0, 9, 1]], 1),
        ("cut off", vec![&[0], &one, &[1]], 1),
        ("refers to what did not come along", vec![&[0], &[1, 1, 0, 1, 1]], 0),
        ("refers to what did not come along", vec![&[0], &[1, 0, 0xff, 0xff, 0xff, 0x7f, 1, 1]], 0),
        ("a long item did not come along", vec![&[0], &one, &[2, 0, 0]], 1),
        ("longer than an argument may be", vec![&[2], &one, &[6, 0, 0], &PETABYTES], 1),
        ("not as long as it was said to be", vec![&[2], &one, &[6, 0, 0, 0x80, 0x80, 0x40]], 1),
        ("a long item did not come along", vec![&[0], &one, &[6, 0, 0, 0x80, 0x80, 0x40]], 1),
        ("an unknown kind", vec![&[1], &one, &[9, 0, 0, 0]], 1),
        ("an error of the interface's", vec![&[1], &[4, 0, 0, 1, 0]], 0),
        ("a fault has no code", vec![&[1], &[5, 0, 0, 1, 0]], 0),
        ("the item", vec![&[0], &[1, 0, 0, 1, 0xff]], 0),
    ];
    for (says, answer, items) in cases {
        let (mill, released, folder) = hostile(vec![answer.concat()]);
        let mut numbers = mill.line(1).unwrap().ahead(2);
        for number in 0..items {
            assert_eq!(numbers.next().unwrap().unwrap(), number as u64 + 1, "{says}");
        }
        let error = numbers.next().unwrap().unwrap_err();
        assert!(
            matches!(&error, CallError::Transport(TransportError::Malformed { what, .. })
            if what.contains(says)),
            "{error}, not {says}"
        );
        assert!(numbers.next().is_none());
        // Whoever has broken the rules is let go of, though the stream is kept.
        released.recv_timeout(PATIENCE).unwrap();
        let _gone = std::fs::remove_dir_all(&folder);
    }
}

#[test]
fn what_stands_behind_the_end_is_not_looked_at() {
    let end = [&[1][..], &item(1), &FINISHED, &item(2), &FINISHED].concat();
    let (mill, released, folder) = hostile(vec![end]);
    let mut numbers = mill.line(1).unwrap();
    assert_eq!(numbers.next().unwrap().unwrap(), 1);
    assert!(numbers.next().is_none());
    assert!(numbers.next().is_none());
    released.recv_timeout(PATIENCE).unwrap();
    let _gone = std::fs::remove_dir_all(&folder);
}
