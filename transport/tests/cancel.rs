//! Calls that nobody waits for any more, as a server hears of them.

pub(crate) mod common;

use std::future::Future;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use alpc_transport::{
    CallFailure, Canceller, CommunicationPort, Completion, CompletionPort, ConnectionPort,
    Deadline, ErrorKind, IncomingCall, PortAttributes, Reply, Request, Response, Unwanted, Worker,
};
use common::{Gate, PATIENCE, Place, Server, at, call, connect, echo, name};

fn port(place: &Place) -> CompletionPort {
    let attributes = at(place.path(), PortAttributes::new());
    CompletionPort::new(ConnectionPort::create(&name(), &attributes).unwrap()).unwrap()
}

/// A worker that accepts one client, on a thread of its own, and the client.
fn connected(place: &Place, port: &CompletionPort) -> (CommunicationPort, Worker) {
    let mut worker = port.worker();
    let accepts = std::thread::spawn(move || {
        loop {
            match worker.next().unwrap().unwrap() {
                Completion::Connecting(request) => request.accept(b"").unwrap(),
                Completion::Connected(_) => return worker,
                _ => panic!("nothing else can come"),
            }
        }
    });
    let client = connect(place.path(), PortAttributes::new());
    (client, accepts.join().unwrap())
}

fn request(deadline: Deadline) -> Request<'static, 'static> {
    Request { method: 1, tag: 0, body: b"work", parts: &mut [], deadline, handles: &[] }
}

/// Sends a call, and leaves it there.
fn begin(call: &mut (impl Future<Output = Result<Response, CallFailure>> + Unpin)) {
    let polled = std::pin::Pin::new(call).poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Pending));
}

fn next_call(worker: &mut Worker) -> IncomingCall {
    match worker.next().unwrap().unwrap() {
        Completion::Call(call) => call,
        _ => panic!("no call"),
    }
}

#[test]
fn a_call_that_was_given_up_is_not_worth_to_be_begun() {
    let place = Place::new();
    let port = port(&place);
    let (client, mut worker) = connected(&place, &port);
    let mut given_up = Box::pin(client.call_async(request(Deadline::NEVER)));
    begin(&mut given_up);
    drop(given_up);
    let call = next_call(&mut worker);
    assert!(call.is_cancelled() && call.cancellation().is_cancelled());
    assert_eq!(call.begin(), Err(Unwanted::Cancelled));
    call.reply(Reply::default()).unwrap();
    let counts = port.counts();
    assert_eq!((counts.cancelled, counts.not_begun, counts.late), (1, 1, 1));
    port.shut_down();
}

#[test]
fn a_deadline_is_heard_of_though_its_client_says_nothing() {
    let place = Place::new();
    let port = port(&place);
    let (client, mut worker) = connected(&place, &port);
    // Nobody polls it again, so nobody notices that its deadline passes.
    let mut forgotten =
        Box::pin(client.call_async(request(Deadline::after(Duration::from_secs(1)))));
    begin(&mut forgotten);
    let call = next_call(&mut worker);
    assert_eq!(call.begin(), Ok(()));
    let (tell, told) = channel();
    let _watch = call.cancellation().on_cancel(move || tell.send(()).unwrap());
    // This worker is busy from here on, and there is no other.
    assert_eq!(told.recv_timeout(PATIENCE), Ok(()));
    assert!(call.is_cancelled());
    assert_eq!(port.counts().cancelled, 0, "its client has not said so");
    port.shut_down();
}

#[test]
fn a_thread_gives_up_while_it_waits_for_a_reply() {
    let gate = Arc::new(Gate::default());
    let (opens, (began, begun)) = (gate.clone(), channel());
    let server = Server::start(PortAttributes::new(), 1, move |worker, call| {
        if call.body() == b"work" {
            began.send(()).unwrap();
            gate.pass();
        }
        echo(worker, call);
    });
    let client = server.client();
    let canceller = Canceller::new();
    std::thread::scope(|scope| {
        let client = &client;
        let token = canceller.token();
        let waits = scope.spawn(move || client.call_until(request(Deadline::NEVER), &token));
        begun.recv_timeout(PATIENCE).unwrap();
        canceller.cancel();
        let failed = waits.join().unwrap().unwrap_err();
        assert_eq!(*failed.error.kind(), ErrorKind::Cancelled);
        assert!(failed.may_have_run);
    });
    opens.open();
    assert_eq!(call(&client, b"next", &mut []).unwrap().body(), b"next");
    assert_eq!(client.late_replies(), 1);
    server.stop();
}
