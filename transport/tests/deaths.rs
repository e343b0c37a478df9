//! Ends of processes, deadlines and slow peers, with real processes where processes matter.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use alpc_transport::{
    Accelerator, Blob, Buffer, Bytes, CommunicationPort, Completion, CompletionPort,
    ConnectionPort, Deadline, ErrorKind, Part, PortAttributes, Received, Reply, Way,
};
use common::{
    Event, Gate, Other, Place, Server, at, call, call_until, connect, echo, hear, holdings, name,
    pattern, say, soon,
};

/// The body of the other processes; nothing in the test process.
#[test]
fn child() {
    let Some((role, place)) = common::role() else { return };
    match &*role {
        "serve" => serve(&place),
        "upload" => {
            let client = connect(&place, small_windows());
            let data = pattern(8 << 20, 0);
            say("connected");
            // The server's handler does not run before the whole has arrived, and it never does.
            let _killed = call(&client, b"", &mut [Part::In(&data)]);
        }
        "wait" => {
            let client = connect(&place, PortAttributes::new());
            let blob = Blob::new(&pattern(100_000, 0)).unwrap();
            say("connected");
            let _killed = call(&client, b"hold", &mut [Part::Blob(&blob)]);
        }
        "crowd shared" => crowd(&place, Accelerator::On),
        "crowd mirrored" => crowd(&place, Accelerator::Off),
        other => panic!("no role {other}"),
    }
}

/// Replies that are together longer than rings and sockets.
const CROWD: usize = 32;
const ANSWER: usize = 60_000;

/// Many threads that each wait for a long answer.
fn crowd(place: &std::path::Path, accelerator: Accelerator) {
    let client = connect(place, PortAttributes::new().accelerator(accelerator));
    let answers = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CROWD)
            .map(|_| scope.spawn(|| call(&client, b"hold", &mut []).unwrap().body().len()))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(answers, [ANSWER; CROWD]);
    say("all answered");
}

fn small_windows() -> PortAttributes {
    PortAttributes::new().chunk_window(64 << 10).view_limit(1 << 30)
}

/// A server in a process of its own. It counts calls of `hold`, which it never answers.
fn serve(place: &std::path::Path) {
    let attributes = at(place, PortAttributes::new().view_limit(1 << 20));
    let port = CompletionPort::new(ConnectionPort::create(&name(), &attributes).unwrap()).unwrap();
    let held = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut worker = port.worker();
                while let Some(completion) = worker.next().unwrap() {
                    match completion {
                        Completion::Connecting(request) => request.accept(b"").unwrap(),
                        Completion::Call(call) if call.body() == b"hold" => {
                            held.lock().unwrap().push(call);
                            say("holding");
                        }
                        Completion::Call(call) => echo(&mut worker, call),
                        _ => {}
                    }
                }
            });
        }
        say("serving");
        while hear().is_some() {}
        held.lock().unwrap().clear();
        port.shut_down();
    });
}

/// Kills clients in the middle of something, and looks at what a server keeps of them.
fn kill_clients(role: &str, attributes: PortAttributes, reached: impl Fn(&Server)) {
    let both = Barrier::new(2);
    let server = Server::start(attributes, 2, move |worker, call| {
        match call.body() {
            // Dropped with the gate open or not: the client is dead by then.
            b"hold" => {
                HELD.fetch_add(1, Ordering::SeqCst);
                return;
            }
            b"meet" => {
                both.wait();
            }
            _ => {}
        }
        echo(worker, call);
    });
    let survivor = server.client();
    drop(server.connected());
    call(&survivor, b"", &mut [Part::In(&pattern(200_000, 0))]).unwrap();
    // The worker that let the survivor in may still have to close the socket that it came by: it has
    // when both are at a call.
    std::thread::scope(|scope| {
        let meeting = scope.spawn(|| call(&survivor, b"meet", &mut []));
        call(&survivor, b"meet", &mut []).unwrap();
        meeting.join().unwrap().unwrap();
    });
    let before = holdings(std::process::id());
    for _ in 0..5 {
        let mut client = Other::start(role, server.place.path());
        let port = server.connected();
        client.expect("connected");
        reached(&server);
        client.kill();
        drop(client);
        let closed = server.closed();
        assert!(Arc::ptr_eq(&closed, &port));
        assert_eq!(closed.closed().unwrap().kind(), &ErrorKind::PeerClosed);
        drop((closed, port));
        call(&survivor, b"still here", &mut [Part::In(&pattern(200_000, 0))]).unwrap();
    }
    assert!(server.events.try_recv().is_err(), "each was told of once");
    // What a worker still holds it drops before it takes the next call; two workers take turns.
    let patience = soon();
    while holdings(std::process::id()) != before {
        assert!(!patience.is_past(), "{before:?} became {:?}", holdings(std::process::id()));
        call(&survivor, b"", &mut []).unwrap();
    }
    assert_eq!(server.port.connections(), 1);
    server.stop();
}

static HELD: AtomicUsize = AtomicUsize::new(0);

// One test, because descriptors belong to the process and other tests would be counted with it. The
// others here run servers of their own, so this looks at a process that runs nothing else.
#[test]
fn a_client_killed_in_the_middle_leaves_nothing_behind() {
    // Each in a process of its own: a server's helpers end some time after it, with what they hold.
    for case in ["argument", "upload", "wait"] {
        let mut alone = Other::start_test("killed_clients_alone", case);
        alone.expect("done");
        alone.end();
    }
}

#[test]
fn killed_clients_alone() {
    let Ok(case) = std::env::var("ALPC_TEST_ALONE") else { return };
    let seen = AtomicUsize::new(0);
    match case.as_str() {
        // The server takes 64 KiB of an upload at a time; before the last of it, the client dies.
        "argument" => kill_clients("upload", small_windows().max_argument_len(4 << 20), |_| {}),
        "upload" => kill_clients("upload", small_windows(), |_| {}),
        "wait" => kill_clients("wait", PortAttributes::new(), |_| {
            let next = seen.fetch_add(1, Ordering::SeqCst) + 1;
            while HELD.load(Ordering::SeqCst) < next {
                std::thread::yield_now();
            }
        }),
        other => panic!("there is no case {other}"),
    }
    say("done");
}

#[test]
fn a_server_that_ends_lets_its_clients_take_their_answers() {
    for role in ["crowd shared", "crowd mirrored"] {
        let (told, calls) = std::sync::mpsc::channel();
        let server =
            Server::start(PortAttributes::new(), 1, move |_, call| told.send(call).unwrap());
        let mut client = Other::start(role, server.place.path());
        drop(server.connected());
        let calls: Vec<_> = calls.iter().take(CROWD).collect();
        let process = rustix::process::Pid::from_raw(client.pid().try_into().unwrap()).unwrap();
        let signal = |signal| rustix::process::kill_process(process, signal).unwrap();
        signal(rustix::process::Signal::STOP);
        let status = format!("/proc/{}/status", client.pid());
        while !std::fs::read_to_string(&status).unwrap().contains("State:\tT") {
            std::thread::yield_now();
        }
        for call in calls {
            let reply = Reply { body: pattern(ANSWER, 0), ..Reply::default() };
            call.reply(reply).unwrap();
        }
        let ends = std::thread::spawn(|| server.stop());
        signal(rustix::process::Signal::CONT);
        client.expect("all answered");
        ends.join().unwrap();
        client.end();
    }
}

#[test]
fn when_the_server_is_killed_every_waiting_thread_hears_of_it() {
    let place = Place::new();
    let mut server = Other::start("serve", place.path());
    server.expect("serving");
    let client = Arc::new(connect(place.path(), PortAttributes::new().view_limit(1 << 20)));
    let threads: Vec<_> = (0..8)
        .map(|i| {
            let client = client.clone();
            std::thread::spawn(move || {
                let data = pattern(300_000, i);
                // Some lend memory that the server could write to: those wait for its death.
                let mut room = vec![0; if i % 2 == 0 { 2 << 20 } else { 10 }];
                let mut parts = [Part::In(&data), Part::Out(&mut room)];
                // No deadline: only the server's death ends this.
                call_until(&client, b"hold", &mut parts, Deadline::NEVER).unwrap_err()
            })
        })
        .collect();
    for _ in 0..8 {
        server.expect("holding");
    }
    server.kill();
    for thread in threads {
        let failure = thread.join().unwrap();
        assert_eq!(failure.error.kind(), &ErrorKind::PeerClosed);
        assert!(failure.may_have_run);
    }
    let failure = call(&client, b"", &mut []).unwrap_err();
    assert!(!failure.may_have_run, "this one was never sent");
}

#[test]
fn a_server_writes_nothing_into_lent_memory_after_the_call_has_returned() {
    let gate = Arc::new(Gate::default());
    let inner = gate.clone();
    let attributes = PortAttributes::new().view_limit(100_000);
    let (told, answered) = std::sync::mpsc::channel();
    let server = Server::start(attributes, 2, move |worker, call| {
        inner.pass();
        let len = call.rooms().next().unwrap_or(0) as usize;
        let mut buffer: Buffer = call.buffer(len).unwrap();
        buffer.fill(0x55);
        let reply = Reply { outs: vec![Bytes::Buffer(buffer)], ..Reply::default() };
        let refused = worker.reply(call, reply);
        told.send(refused.is_err()).unwrap();
    });
    let client = server.client();
    assert_eq!(client.direct(), alpc_transport::DirectAvailability::Available);
    let mut room = vec![0xAA; 4 << 20];
    let deadline = Deadline::after(Duration::from_millis(20));
    let failure = call_until(&client, b"", &mut [Part::Out(&mut room)], deadline).unwrap_err();
    assert_eq!(failure.error.kind(), &ErrorKind::TimedOut);
    // The memory is the caller's own again, and the handler has not even begun to write.
    gate.open();
    assert!(answered.recv().unwrap(), "the server may not write any more");
    assert!(room.iter().all(|&byte| byte == 0xAA));
    // The channel lives on, and lends again.
    let response = call(&client, b"", &mut [Part::Out(&mut room)]).unwrap();
    assert_eq!(response.travelled[0].way, Way::Direct);
    assert!(room.iter().all(|&byte| byte == 0x55));
    assert!(!answered.recv().unwrap());
    server.stop();
}

#[test]
fn a_deadline_in_the_middle_of_an_answer_never_leaves_a_writer_behind() {
    let attributes = PortAttributes::new().view_limit(100_000);
    let server = Server::start(attributes, 2, |worker, call| {
        let len = call.rooms().next().unwrap_or(0) as usize;
        let mut buffer = call.buffer(len).unwrap();
        buffer.fill(0x55);
        let reply = Reply { outs: vec![Bytes::Buffer(buffer)], ..Reply::default() };
        // One that the caller does not wait for any more fails, and is dropped with its call.
        let _late = worker.reply(call, reply);
    });
    let client = server.client();
    let mut room = vec![0; 24 << 20];
    let (mut late, mut in_time) = (0, 0);
    let mut patience = 100;
    while (late < 20 || in_time < 1) && patience < 200_000_000 {
        room.fill(0xAA);
        let deadline = Deadline::after(Duration::from_micros(patience));
        match call_until(&client, b"", &mut [Part::Out(&mut room)], deadline) {
            Ok(_) => {
                in_time += 1;
                assert!(room.iter().all(|&byte| byte == 0x55));
            }
            Err(_) => {
                late += 1;
                // Whatever was written was written before: nothing changes from here on.
                room.fill(0xAA);
                call(&client, b"", &mut []).unwrap();
                assert!(room.iter().all(|&byte| byte == 0xAA));
            }
        }
        // From far too short to long enough, so that deadlines fall into every step.
        patience += patience / 4;
        if late >= 20 {
            patience = patience.max(1_000_000);
        }
    }
    assert!(late > 0 && in_time > 0);
    server.stop();
}

#[test]
fn a_client_that_does_not_read_its_reply_holds_up_nobody_else() {
    let server = Server::start(small_windows(), 1, |worker, call| {
        let len = u32::from_le_bytes(call.body().try_into().unwrap()) as usize;
        let results = vec![Bytes::Vec(pattern(len, 9))];
        worker.reply(call, Reply { results, ..Reply::default() }).unwrap();
    });
    let fetch = |client: &CommunicationPort, len: u32, deadline| {
        call_until(client, &len.to_le_bytes(), &mut [], deadline)
    };
    let slow: Vec<CommunicationPort> = (0..3).map(|_| server.client()).collect();
    let quick = server.client();
    // Deadlines that pass while the replies are under way: nobody takes what comes after.
    for client in &slow {
        for _ in 0..6 {
            let deadline = Deadline::after(Duration::from_micros(200));
            let _late = fetch(client, 4 << 20, deadline);
        }
    }
    for _ in 0..20 {
        let response = fetch(&quick, 300_000, soon()).unwrap();
        let [Received::Private(bytes)] = &response.results[..] else { panic!("one result") };
        assert!(*bytes == pattern(300_000, 9));
    }
    // And those that were slow find their channels as they should be.
    for client in &slow {
        let response = fetch(client, 300_000, soon()).unwrap();
        let [Received::Private(bytes)] = &response.results[..] else { panic!("one result") };
        assert!(*bytes == pattern(300_000, 9));
    }
    server.stop();
}

#[test]
fn rings_that_are_full_in_both_directions_make_way_again() {
    // 16 KiB of ring take two of the longest messages; hundreds are under way.
    let attributes = PortAttributes::new().outbox_len(16 << 10).outstanding_requests(256);
    let server = Server::start(attributes, 2, echo);
    let client = Arc::new(server.client());
    std::thread::scope(|scope| {
        for thread in 0..24_usize {
            let client = client.clone();
            scope.spawn(move || {
                for i in 0..100 {
                    let body = pattern((thread * 331 + i * 977) % 8000, i);
                    assert_eq!(call(&client, &body, &mut []).unwrap().body(), body);
                }
            });
        }
    });
    server.stop();
}

#[test]
fn many_parked_streams_all_arrive() {
    let server = Server::start(small_windows(), 2, echo);
    let clients: Vec<_> = (0..8).map(|_| Arc::new(server.client())).collect();
    std::thread::scope(|scope| {
        for client in &clients {
            for thread in 0..4 {
                scope.spawn(move || {
                    for i in 0..6 {
                        let data = pattern(500_000 + i, thread);
                        let response = call(client, b"", &mut [Part::In(&data)]).unwrap();
                        let [Received::Private(bytes)] = &response.results[..] else { panic!() };
                        assert!(*bytes == data);
                    }
                });
            }
        }
    });
    server.stop();
}

#[test]
fn a_client_that_leaves_is_told_of_once_and_its_name_can_come_back() {
    let server = Server::start(PortAttributes::new(), 2, echo);
    for _ in 0..50 {
        let client = server.client();
        let port = server.connected();
        call(&client, b"", &mut []).unwrap();
        drop(client);
        assert!(Arc::ptr_eq(&server.closed(), &port));
    }
    assert!(!matches!(server.events.try_recv(), Ok(Event::Closed(_))));
    assert_eq!(server.port.connections(), 0);
    server.stop();
}
