//! Calls from a server to its client, in a process of the test and between processes.

mod common;

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use alpc_transport::{
    Accelerator, Bytes, CallFailure, CommunicationPort, Completion, CompletionPort, ConnectionPort,
    Deadline, ErrorKind, IncomingCall, Misbehaviour, Part, PortAttributes, Received, Reply,
    Request, Response, ServerPort, Worker,
};
use common::{Event, Other, Place, Server, at, connect, hear, name, pattern, say, soon};

/// Every test that says nothing else runs with shared memory and without.
const FORMS: [Accelerator; 2] = [Accelerator::On, Accelerator::Off];

/// The body of the other processes; nothing in the test process.
#[test]
fn child() {
    let Some((role, place)) = common::role() else { return };
    match &*role {
        "serve" => serve(&place),
        "stuck shared" | "stuck mirrored" => {
            let form = if role.ends_with("shared") { FORMS[0] } else { FORMS[1] };
            let client = connect(&place, attributes(form));
            let callee = Callee::start(&client, 1, |_, call| {
                say("inside");
                while hear().is_some() {}
                drop(call);
            });
            say("connected");
            let _killed = call(&client, b"back");
            drop(callee);
        }
        other => panic!("no role {other}"),
    }
}

/// A server in a process of its own, which calls back and never ends by itself.
fn serve(place: &Path) {
    let attributes = at(place, PortAttributes::new());
    let port = CompletionPort::new(ConnectionPort::create(&name(), &attributes).unwrap()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut worker = port.worker();
                while let Some(completion) = worker.next().unwrap() {
                    match completion {
                        Completion::Connecting(request) => request.accept(b"").unwrap(),
                        Completion::Call(call) => answer(&mut worker, call),
                        _ => {}
                    }
                }
            });
        }
        say("serving");
        while hear().is_some() {}
        port.shut_down();
    });
}

fn request<'a>(body: &'a [u8], deadline: Deadline) -> Request<'a, 'a> {
    Request { method: 1, tag: 0, body, parts: &mut [], deadline, handles: &[] }
}

fn call(port: &CommunicationPort, body: &[u8]) -> Result<Response, CallFailure> {
    port.call(request(body, soon()))
}

fn back(port: &ServerPort) -> &CommunicationPort {
    port.context().expect("the client has made a channel back")
}

/// What the servers of these tests do.
fn answer(worker: &mut Worker, mut call_in: IncomingCall) {
    let port = call_in.port().clone();
    let mut reply = Reply::default();
    match call_in.body() {
        b"reverse" => match port.accept_reverse(call_in.take_handles()) {
            Ok(accepted) => {
                port.set_context(accepted.port);
                reply.handles = accepted.handles;
            }
            Err(error) => {
                reply.status = 1;
                reply.body = error.to_string().into_bytes();
            }
        },
        // Whatever it is, the client is asked.
        b"back" => match call(back(&port), b"asked") {
            Ok(response) => reply.body = response.body().to_vec(),
            Err(failure) => {
                reply.status = 2;
                reply.body = failure.error.to_string().into_bytes();
            }
        },
        [depth] => reply.body = vec![1 + deeper(back(&port), *depth)],
        _ => {}
    }
    let _gone = worker.reply(call_in, reply);
}

/// Asks the other end, unless it is deep enough; gives how deep it was from here on.
fn deeper(port: &CommunicationPort, depth: u8) -> u8 {
    let Some(depth) = depth.checked_sub(1) else { return 0 };
    let response = call(port, &[depth]).unwrap();
    assert_eq!(response.status, 0);
    response.body()[0]
}

/// A client's workers that serve its server's calls.
struct Callee {
    port: CompletionPort,
    threads: Vec<JoinHandle<()>>,
    events: Receiver<Event>,
}

impl Callee {
    fn start(
        client: &CommunicationPort,
        workers: usize,
        handler: impl Fn(&mut Worker, IncomingCall) + Clone + Send + Sync + 'static,
    ) -> Callee {
        let port = reverse(client).unwrap();
        let (told, events) = channel();
        let threads = (0..workers).map(|_| {
            let (worker, told, handler) = (port.worker(), told.clone(), handler.clone());
            std::thread::spawn(move || serve_calls(worker, &told, &handler))
        });
        let threads = threads.collect();
        let callee = Callee { port, threads, events };
        let first = callee.events.recv_timeout(Duration::from_secs(20)).unwrap();
        assert!(matches!(first, Event::Connected(_)));
        callee
    }

    /// Waits until the server is gone, and all workers with it.
    fn ended(self) {
        let last = self.events.recv_timeout(Duration::from_secs(20)).unwrap();
        assert!(matches!(last, Event::Closed(_)));
        for thread in self.threads {
            thread.join().unwrap();
        }
        assert!(self.events.try_recv().is_err(), "and nothing after it");
    }
}

fn serve_calls(
    mut worker: Worker,
    told: &Sender<Event>,
    handler: &impl Fn(&mut Worker, IncomingCall),
) {
    while let Some(completion) = worker.next().unwrap() {
        match completion {
            Completion::Connected(port) => told.send(Event::Connected(port)).unwrap(),
            Completion::Closed(port) => drop(told.send(Event::Closed(port))),
            Completion::Call(call) => handler(&mut worker, call),
            _ => panic!("nobody connects here"),
        }
    }
}

/// Makes the channel back.
fn reverse(client: &CommunicationPort) -> Result<CompletionPort, alpc_transport::Error> {
    let offer = client.offer_reverse()?;
    let handles = &*offer.handles();
    let request = Request { handles, ..request(b"reverse", soon()) };
    let mut response = client.call(request).map_err(|failure| failure.error)?;
    assert_eq!(response.status, 0, "{}", String::from_utf8_lossy(response.body()));
    offer.complete(response.take_handles())
}

fn say_hello(worker: &mut Worker, call: IncomingCall) {
    worker.reply(call, Reply { body: b"hello".to_vec(), ..Reply::default() }).unwrap();
}

fn attributes(accelerator: Accelerator) -> PortAttributes {
    PortAttributes::new().accelerator(accelerator)
}

/// A server with a client that can be called, for each form of a channel.
fn each_form(test: impl Fn(&Server, CommunicationPort)) {
    for form in FORMS {
        let server = Server::start(PortAttributes::new(), 4, answer);
        let client = connect(server.place.path(), attributes(form));
        test(&server, client);
        server.stop();
    }
}

#[test]
fn a_server_calls_its_client_while_that_waits_and_while_it_does_not() {
    each_form(|server, client| {
        let callee = Callee::start(&client, 1, say_hello);
        for _ in 0..100 {
            assert_eq!(call(&client, b"back").unwrap().body(), b"hello");
        }
        let port = server.connected();
        for _ in 0..100 {
            assert_eq!(call(back(&port), b"").unwrap().body(), b"hello");
        }
        assert_eq!(back(&port).peer().pid(), Some(std::process::id()));
        assert_eq!(back(&port).direct(), alpc_transport::DirectAvailability::Forbidden);
        drop(client);
        callee.ended();
    });
}

#[test]
fn calls_back_carry_bulk_data_and_handles() {
    each_form(|server, client| {
        let callee = Callee::start(&client, 2, |worker, mut call| {
            let mut reply = Reply { handles: call.take_handles(), ..Reply::default() };
            let room = call.rooms().next().unwrap();
            let mut buffer = call.buffer(usize::try_from(room).unwrap()).unwrap();
            buffer.copy_from_slice(call.part(0).unwrap());
            reply.outs.push(Bytes::Buffer(buffer));
            reply.results.push(Bytes::Vec(call.part(0).unwrap().to_vec()));
            worker.reply(call, reply).unwrap();
        });
        let port = server.connected();
        let section = rustix::fs::memfd_create("back", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        for len in [100, 100_000, 5 << 20] {
            let (data, mut room) = (pattern(len, 3), vec![0; len]);
            let parts = &mut [Part::In(&data), Part::Out(&mut room)];
            let handles = &[section.as_fd(); 3];
            let (method, tag, body, deadline) = (1, 0, &b""[..], soon());
            let request = Request { method, tag, body, parts, deadline, handles };
            let response = back(&port).call(request).unwrap();
            assert_eq!(response.written, [len]);
            assert!(matches!(&*response.results, [Received::Private(bytes)] if *bytes == data));
            assert_eq!(response.handles.len(), 3);
            assert_eq!(room, data);
        }
        drop(client);
        callee.ended();
    });
}

#[test]
fn calls_nest_as_deep_as_both_ends_have_workers() {
    each_form(|_, client| {
        let caller = client.clone();
        let callee = Callee::start(&client, 4, move |worker, call| {
            let body = vec![1 + deeper(&caller, call.body()[0])];
            worker.reply(call, Reply { body, ..Reply::default() }).unwrap();
        });
        for depth in 0..8 {
            assert_eq!(call(&client, &[depth]).unwrap().body(), [depth + 1]);
        }
        // The handler holds the client: ended by hand.
        callee.port.shut_down();
        let failure = call(&client, b"back").unwrap_err();
        assert_eq!(failure.error.kind(), &ErrorKind::PeerClosed);
    });
}

#[test]
fn many_threads_call_in_both_directions_at_once() {
    each_form(|server, client| {
        let callee = Callee::start(&client, 2, |worker, call| {
            let body = call.body().to_vec();
            worker.reply(call, Reply { body, ..Reply::default() }).unwrap();
        });
        let port = server.connected();
        std::thread::scope(|scope| {
            for thread in 0..4_u8 {
                let (client, port) = (&client, &port);
                scope.spawn(move || {
                    for round in 0..100_u8 {
                        let mut body = vec![thread; 300];
                        body.push(round);
                        assert_eq!(call(back(port), &body).unwrap().body(), body);
                        assert_eq!(call(client, b"back").unwrap().body(), b"asked");
                    }
                });
            }
        });
        drop(client);
        callee.ended();
    });
}

#[test]
fn events_never_wait_for_a_client_that_does_not_take_them() {
    each_form(|server, client| {
        let (told, hears) = channel();
        let (open, gate) = channel::<()>();
        let gate = std::sync::Arc::new(std::sync::Mutex::new(gate));
        let callee = Callee::start(&client, 1, move |_, call| {
            // The first of them waits here until the test is done with sending.
            let _opened = gate.lock().unwrap().recv();
            told.send(call.body().to_vec()).unwrap();
        });
        let port = server.connected();
        let mut sent = 0_u32;
        let failure = loop {
            let mut body = sent.to_le_bytes().to_vec();
            body.resize(2000, 0);
            let now = Deadline::after(Duration::ZERO);
            match back(&port).send(request(&body, now)) {
                Ok(_) => sent += 1,
                Err(failure) => break failure,
            }
        };
        assert_eq!(failure.error.kind(), &ErrorKind::TimedOut);
        drop(open);
        for number in 0..sent {
            let body = hears.recv_timeout(Duration::from_secs(20)).unwrap();
            assert_eq!(body[..4], number.to_le_bytes());
        }
        drop(client);
        callee.ended();
    });
}

#[test]
fn whatever_ends_one_channel_ends_the_other() {
    // The server lets go of its port.
    each_form(|server, client| {
        let callee = Callee::start(&client, 2, say_hello);
        let port = server.connected();
        port.close();
        assert_eq!(call(back(&port), b"").unwrap_err().error.kind(), &ErrorKind::PeerClosed);
        callee.ended();
        assert_eq!(call(&client, b"").unwrap_err().error.kind(), &ErrorKind::PeerClosed);
    });
    // The client ends what serves the calls back.
    each_form(|server, client| {
        let callee = Callee::start(&client, 2, say_hello);
        let port = server.connected();
        callee.port.shut_down();
        let closed = server.closed();
        assert!(std::sync::Arc::ptr_eq(&closed, &port));
        assert_eq!(call(back(&port), b"").unwrap_err().error.kind(), &ErrorKind::PeerClosed);
        assert_eq!(call(&client, b"").unwrap_err().error.kind(), &ErrorKind::PeerClosed);
        callee.threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
    // The client goes, and its server's thread waits in a call back.
    each_form(|server, client| {
        let (told, hears) = channel();
        let callee = Callee::start(&client, 1, move |_, call| told.send(call).unwrap());
        let port = server.connected();
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| call(back(&port), b"").unwrap_err());
            let unanswered = hears.recv_timeout(Duration::from_secs(20)).unwrap();
            drop(client);
            let failure = waits.join().unwrap();
            assert_eq!(failure.error.kind(), &ErrorKind::PeerClosed);
            assert!(failure.may_have_run);
            drop(unanswered);
        });
        drop(server.closed());
        callee.ended();
    });
}

#[test]
fn offers_that_cannot_be_are_refused() {
    each_form(|server, client| {
        let few = connect(server.place.path(), PortAttributes::new().max_handles(1));
        assert!(matches!(few.offer_reverse().unwrap_err().kind(), ErrorKind::Unsupported { .. }));
        drop(server.connected());

        // An offer that nobody hears of leaves nothing behind, nor does one that was not completed.
        drop(client.offer_reverse().unwrap());
        let pipe = || {
            let (reader, writer) = rustix::pipe::pipe().unwrap();
            vec![reader, writer]
        };
        let offence = |handles: Vec<OwnedFd>| {
            let offer = client.offer_reverse().unwrap();
            offer.complete(handles).unwrap_err().misbehaviour().unwrap()
        };
        assert_eq!(offence(vec![]), Misbehaviour::MissingDescriptor);
        assert_eq!(offence(pipe()), Misbehaviour::ForeignSocket);
        let strange = &[pipe().remove(0), pipe().remove(0)];
        let handles = &[strange[0].as_fd(), strange[1].as_fd()];
        let response = client.call(Request { handles, ..request(b"reverse", soon()) }).unwrap();
        assert_eq!(response.status, 1);

        let callee = Callee::start(&client, 1, say_hello);
        let offer = client.offer_reverse().unwrap();
        let handles = &*offer.handles();
        let response = client.call(Request { handles, ..request(b"reverse", soon()) }).unwrap();
        let again = "cannot make a channel from the server to its client: the connection has one \
                     already";
        assert_eq!(String::from_utf8_lossy(response.body()), again);
        assert_eq!(call(&client, b"back").unwrap().body(), b"hello", "the first one stays");
        drop(client);
        callee.ended();
    });
}

#[test]
fn a_client_killed_in_a_call_back_ends_that_call() {
    for role in ["stuck shared", "stuck mirrored"] {
        let server = Server::start(PortAttributes::new(), 2, answer);
        let mut client = Other::start(role, server.place.path());
        client.expect("connected");
        let port = server.connected();
        client.expect("inside");
        std::thread::scope(|scope| {
            let second = scope.spawn(|| call(back(&port), b"").unwrap_err());
            client.kill();
            let failure = second.join().unwrap();
            assert_eq!(failure.error.kind(), &ErrorKind::PeerClosed);
        });
        let closed = server.closed();
        assert!(std::sync::Arc::ptr_eq(&closed, &port));
        // The worker that waited in the call back is free again.
        let other = connect(server.place.path(), PortAttributes::new());
        let callee = Callee::start(&other, 1, say_hello);
        assert_eq!(call(&other, b"back").unwrap().body(), b"hello");
        drop(other);
        callee.ended();
        server.stop();
    }
}

#[test]
fn a_killed_server_ends_its_clients_workers() {
    for form in FORMS {
        let place = Place::new();
        let mut server = Other::start("serve", place.path());
        server.expect("serving");
        let client = connect(place.path(), attributes(form));
        let (told, hears) = channel();
        let callee = Callee::start(&client, 2, move |_, call| told.send(call).unwrap());
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| call(&client, b"back").unwrap_err());
            let unanswered = hears.recv_timeout(Duration::from_secs(20)).unwrap();
            server.kill();
            let failure = waits.join().unwrap();
            assert_eq!(failure.error.kind(), &ErrorKind::PeerClosed);
            drop(unanswered);
        });
        callee.ended();
    }
}
