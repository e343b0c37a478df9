//! The three ways in which a server hears of what has come in.

pub(crate) mod common;

use std::os::fd::{AsFd, BorrowedFd};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use alpc_transport::{
    CommunicationPort, Completion, CompletionList, CompletionPort, ConnectionPort, Deadline,
    ErrorKind, IncomingCall, PortAttributes, Reply, Request,
};
use common::{Gate, PATIENCE, Place, Server, at, call, connect, echo, name, soon};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

fn port(place: &Place) -> CompletionPort {
    let attributes = at(place.path(), PortAttributes::new());
    CompletionPort::new(ConnectionPort::create(&name(), &attributes).unwrap()).unwrap()
}

/// Waits as any loop would, until the descriptor is readable.
fn wait(fd: BorrowedFd<'_>) {
    let timeout = Timespec { tv_sec: PATIENCE.as_secs() as i64, tv_nsec: 0 };
    let mut fds = [PollFd::from_borrowed_fd(fd, PollFlags::IN)];
    assert_eq!(poll(&mut fds, Some(&timeout)).unwrap(), 1, "nothing happens");
}

/// The next completion of a list, by its descriptor.
fn next(list: &mut CompletionList) -> Completion {
    loop {
        if let Some(completion) = list.try_next().unwrap() {
            return completion;
        }
        wait(list.as_fd());
    }
}

fn send(client: &CommunicationPort, body: &[u8]) {
    let request =
        Request { method: 1, tag: 0, body, parts: &mut [], deadline: soon(), handles: &[] };
    client.send(request).unwrap();
}

fn answer(call: IncomingCall) {
    let body = call.body().to_vec();
    call.reply(Reply { body, ..Reply::default() }).unwrap();
}

/// A thread that has a hand on the port at that moment must not keep its name: the process may end before
/// that thread goes on.
#[test]
fn a_port_that_was_shut_down_is_not_found_whoever_still_holds_it() {
    let place = Place::new();
    let port = port(&place);
    port.shut_down();
    let attributes = at(place.path(), PortAttributes::new());
    let error = CommunicationPort::connect(&name(), &attributes, b"", soon()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotFound { .. }), "{error}");
    drop(port);
}

#[test]
fn a_list_is_a_descriptor_for_any_loop() {
    let place = Place::new();
    let port = port(&place);
    let mut list = port.list();
    assert!(list.try_next().unwrap().is_none());
    let path = place.path().to_owned();
    let client = std::thread::spawn(move || {
        let client = connect(&path, PortAttributes::new());
        (0..100_u32).for_each(|i| {
            assert_eq!(call(&client, &i.to_le_bytes(), &mut []).unwrap().body(), i.to_le_bytes());
        });
    });
    let mut calls = 0;
    loop {
        match next(&mut list) {
            Completion::Connecting(request) => request.accept(b"").unwrap(),
            Completion::Connected(_) => assert_eq!(calls, 0),
            Completion::Call(call) => {
                calls += 1;
                answer(call);
            }
            Completion::Closed(_) => break,
            other => panic!("{}", name_of(&other)),
        }
    }
    client.join().unwrap();
    assert_eq!(calls, 100);
    assert!(!list.has_ended());
    port.shut_down();
    wait(list.as_fd());
    assert!(list.try_next().unwrap().is_none());
    assert!(list.has_ended());
}

fn name_of(completion: &Completion) -> &'static str {
    match completion {
        Completion::Connecting(_) => "connecting",
        Completion::Connected(_) => "connected",
        Completion::Call(_) => "call",
        Completion::Closed(_) => "closed",
        _ => "something else",
    }
}

#[test]
fn a_packet_of_the_applications_own_comes_out_of_every_model() {
    let place = Place::new();
    let port = port(&place);
    let packet = |completion| match completion {
        Completion::Posted(packet) => *packet.downcast::<u32>().unwrap(),
        other => panic!("{}", name_of(&other)),
    };

    let mut list = port.list();
    port.post(Box::new(1_u32));
    wait(list.as_fd());
    assert_eq!(packet(list.try_next().unwrap().unwrap()), 1);
    drop(list);

    let mut worker = port.worker();
    let waits = std::thread::spawn(move || {
        let completion = worker.next().unwrap().unwrap();
        (worker, completion)
    });
    port.post(Box::new(2_u32));
    let (worker, completion) = waits.join().unwrap();
    assert_eq!(packet(completion), 2);
    drop(worker);

    let (told, heard) = channel();
    let callbacks = port.call_back(move |completion| told.send(packet(completion)).unwrap());
    port.post(Box::new(3_u32));
    assert_eq!(heard.recv_timeout(PATIENCE), Ok(3));
    port.shut_down();
    callbacks.unwrap().join().unwrap();
}

#[test]
fn a_worker_takes_what_is_there_at_once() {
    let place = Place::new();
    let port = port(&place);
    let mut worker = port.worker();
    (0..10_u32).for_each(|i| port.post(Box::new(i)));
    let mut taken = Vec::new();
    assert_eq!(worker.next_many(&mut taken, 7).unwrap(), 7);
    assert_eq!(worker.next_many(&mut taken, 7).unwrap(), 3);
    let numbers: Vec<u32> = taken
        .into_iter()
        .map(|completion| match completion {
            Completion::Posted(packet) => *packet.downcast::<u32>().unwrap(),
            other => panic!("{}", name_of(&other)),
        })
        .collect();
    assert_eq!(numbers, (0..10).collect::<Vec<_>>());
    port.shut_down();
    assert_eq!(worker.next_many(&mut Vec::new(), 7).unwrap(), 0);
}

#[test]
fn a_slow_callback_is_pointed_out() {
    let place = Place::new();
    let port = port(&place);
    let callbacks = port.call_back(|completion| {
        if let Completion::Posted(_) = completion {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let callbacks = callbacks.unwrap();
    let (told, heard) = channel();
    callbacks.warn(Duration::from_millis(10), move |took| told.send(took).unwrap());
    port.post(Box::new(()));
    assert!(heard.recv_timeout(PATIENCE).unwrap() >= Duration::from_millis(20));
    assert_eq!(callbacks.slow(), 1);
    port.shut_down();
    callbacks.join().unwrap();
}

/// Counts how many handlers run, and remembers the most.
#[derive(Default)]
struct Census {
    running: AtomicUsize,
    most: AtomicUsize,
}

impl Census {
    fn count<T>(&self, work: impl FnOnce() -> T) -> T {
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(running, Ordering::SeqCst);
        let done = work();
        self.running.fetch_sub(1, Ordering::SeqCst);
        done
    }
}

fn call_from_threads(server: &Server, threads: usize, calls: usize) {
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let client = server.client();
            scope.spawn(move || {
                (0..calls).for_each(|_| drop(call(&client, b"x", &mut []).unwrap()));
            });
        }
    });
}

#[test]
fn no_more_handlers_run_than_the_limit_says() {
    let census = Arc::new(Census::default());
    let counted = census.clone();
    let server = Server::start(PortAttributes::new(), 4, move |worker, call| {
        counted.count(std::thread::yield_now);
        echo(worker, call);
    });
    for limit in [1, 2] {
        server.port.set_concurrency(limit);
        assert_eq!(server.port.concurrency(), limit);
        census.most.store(0, Ordering::SeqCst);
        call_from_threads(&server, 4, 500);
        let most = census.most.load(Ordering::SeqCst);
        assert!((1..=limit).contains(&most), "{most} of at most {limit} at once");
    }
    server.stop();
}

#[test]
fn a_higher_limit_lets_waiting_calls_begin_at_once() {
    let all_in = Arc::new(Barrier::new(3));
    let (arrived, arrivals) = channel();
    let met = all_in.clone();
    let server = Server::start(PortAttributes::new(), 3, move |worker, call| {
        arrived.send(()).unwrap();
        met.wait();
        echo(worker, call);
    });
    server.port.set_concurrency(1);
    let clients: Vec<_> = (0..3).map(|_| server.client()).collect();
    std::thread::scope(|scope| {
        for client in clients {
            scope.spawn(move || drop(call(&client, b"x", &mut []).unwrap()));
        }
        arrivals.recv_timeout(PATIENCE).unwrap();
        // The barrier opens only if the other two run while the first one does.
        server.port.set_concurrency(3);
    });
    server.stop();
}

#[test]
fn who_waits_and_says_so_lets_the_next_call_begin() {
    // Each of the two waits for the other, with one slot between them.
    let both = Arc::new(Barrier::new(2));
    let server = Server::start(PortAttributes::new(), 2, move |worker, call| {
        call.port().blocking(|| both.wait());
        echo(worker, call);
    });
    server.port.set_concurrency(1);
    call_from_threads(&server, 2, 20);
    server.stop();
}

#[test]
fn a_panic_while_blocking_leaves_the_slots_in_order() {
    let census = Arc::new(Census::default());
    let counted = census.clone();
    let server = Server::start(PortAttributes::new(), 4, move |worker, call| {
        let waits = || call.port().blocking(|| std::panic::resume_unwind(Box::new(())));
        let panicked = std::panic::catch_unwind(AssertUnwindSafe(waits));
        assert!(panicked.is_err());
        counted.count(std::thread::yield_now);
        echo(worker, call);
    });
    server.port.set_concurrency(4);
    call_from_threads(&server, 4, 50);
    server.stop();
}

/// A worker that says when each call begins, and waits at the gate with it.
fn held(port: &CompletionPort, gate: &Arc<Gate>) -> (std::thread::JoinHandle<usize>, Receiver<()>) {
    let (begun, beginnings) = channel();
    let (mut worker, gate) = (port.worker(), gate.clone());
    let thread = std::thread::spawn(move || {
        let mut calls = 0;
        while let Some(completion) = worker.next().unwrap() {
            match completion {
                Completion::Connecting(request) => request.accept(b"").unwrap(),
                Completion::Call(call) => {
                    calls += 1;
                    begun.send(()).unwrap();
                    gate.pass();
                    // One-way calls have no answer.
                    drop(call);
                }
                _ => {}
            }
        }
        calls
    });
    (thread, beginnings)
}

#[test]
fn rundown_deals_with_what_was_taken_and_takes_nothing_new() {
    let place = Place::new();
    let port = port(&place);
    let gate = Arc::new(Gate::default());
    let (worker, beginnings) = held(&port, &gate);
    let client = connect(place.path(), PortAttributes::new());
    // More than one turn takes.
    (0..100).for_each(|_| send(&client, b"x"));
    beginnings.recv_timeout(PATIENCE).unwrap();
    let ends = {
        let port = port.clone();
        std::thread::spawn(move || port.run_down(soon()))
    };
    gate.open();
    assert!(ends.join().unwrap(), "the deadline is far");
    let calls = worker.join().unwrap();
    assert!((1..=100).contains(&calls), "{calls}");
    assert_eq!(beginnings.try_iter().count(), calls - 1, "each that was taken was dealt with");
}

#[test]
fn rundown_ends_at_its_deadline_though_a_handler_does_not() {
    let place = Place::new();
    let port = port(&place);
    let gate = Arc::new(Gate::default());
    let (worker, beginnings) = held(&port, &gate);
    let client = connect(place.path(), PortAttributes::new());
    send(&client, b"x");
    beginnings.recv_timeout(PATIENCE).unwrap();
    assert!(!port.run_down(Deadline::after(Duration::from_millis(20))));
    gate.open();
    assert_eq!(worker.join().unwrap(), 1);
}
