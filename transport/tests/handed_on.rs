//! Who watches a port from outside goes, or gets stuck: the calls that wait go on.

#[path = "tasks.rs"]
mod tasks;

use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::task::{Context, Waker};

use alpc_transport::{CommunicationPort, PortAttributes};
use tasks::common::{Gate, PATIENCE, Server, echo, event_loop, soon};
use tasks::{block_on, call_in_task};

/// A server whose handlers say that they have begun, and wait for the gate.
fn held() -> (Server, Arc<Gate>, Receiver<()>) {
    let gate = Arc::new(Gate::default());
    let (begun, beginnings) = channel();
    let held = gate.clone();
    let server = Server::start(PortAttributes::new(), 2, move |worker, call| {
        begun.send(()).unwrap();
        held.pass();
        echo(worker, call);
    });
    (server, gate, beginnings)
}

/// Makes a call, has `meanwhile` run while it waits, and then lets it be answered.
fn call_and(meanwhile: impl FnOnce(&CommunicationPort)) {
    let (server, gate, beginnings) = held();
    let client = server.client();
    let stuck = client.watch().unwrap();
    {
        let mut call = pin!(call_in_task(&client, b"x", &mut [], soon()));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        beginnings.recv_timeout(PATIENCE).unwrap();
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // Waits in vain until the other call is let go, too.
                let second = block_on(call_in_task(&client, b"y", &mut [], soon()));
                assert_eq!(second.unwrap().body(), b"y");
            });
            beginnings.recv_timeout(PATIENCE).unwrap();
            meanwhile(&client);
            gate.open();
        });
        assert_eq!(block_on(call).unwrap().body(), b"x");
    }
    drop(stuck);
    server.stop();
}

#[test]
fn another_event_loop_serves_the_tasks_of_one_that_is_stuck() {
    call_and(|client| drop(event_loop(client.watch().unwrap())));
}

#[test]
fn the_ports_own_thread_serves_the_tasks_of_an_event_loop_that_is_stuck() {
    call_and(|client| client.watch_by_thread().unwrap());
}

#[test]
fn the_ports_own_thread_takes_over_when_the_last_one_stops_to_watch() {
    let (server, gate, beginnings) = held();
    let client = server.client();
    let watch = client.watch().unwrap();
    std::thread::scope(|scope| {
        let call = || block_on(call_in_task(&client, b"x", &mut [], soon()));
        let calling = scope.spawn(call);
        beginnings.recv_timeout(PATIENCE).unwrap();
        drop(watch);
        gate.open();
        assert_eq!(calling.join().unwrap().unwrap().body(), b"x");
    });
    // And gives way to the next.
    let watching = event_loop(client.watch().unwrap());
    let after = block_on(call_in_task(&client, b"y", &mut [], soon()));
    assert_eq!(after.unwrap().body(), b"y");
    drop(client);
    watching.join().unwrap();
    server.stop();
}
