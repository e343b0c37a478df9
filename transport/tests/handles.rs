//! Handles that go from process to process, and what becomes of those that do not arrive.

mod common;

use std::fs::File;
use std::io::{IoSlice, Read, Seek, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use alpc_transport::{
    Accelerator, CallFailure, CommunicationPort, Completion, CompletionPort, ConnectionPort,
    Deadline, ErrorKind, IncomingCall, Part, PortAttributes, Reply, Request, Response,
    STATUS_UNANSWERED, Worker,
};
use rustix::thread::{CapabilitySet, CapabilitySets};

use common::{Gate, Other, Place, Server, at, connect, hear, holdings, name, say, soon};

/// Every test that says nothing else runs with shared memory and without.
const FORMS: [Accelerator; 2] = [Accelerator::On, Accelerator::Off];

/// The body of the other processes; nothing in the test process.
#[test]
fn child() {
    let Some((role, place)) = common::role() else { return };
    match &*role {
        "serve" => serve(&place),
        "serve as anybody" => {
            without_privileges();
            serve(&place);
        }
        "send as anybody" => send_as_anybody(&place),
        "hold" => {
            let client = connect(&place, attributes(Accelerator::On));
            let memory = memory(b"held");
            say("connected");
            let _killed = call(&client, b"hold", &[memory.as_fd(); 16]);
        }
        other => panic!("no role {other}"),
    }
}

fn attributes(accelerator: Accelerator) -> PortAttributes {
    PortAttributes::new().accelerator(accelerator)
}

/// A server in a process of its own.
fn serve(place: &Path) {
    let attributes = at(place, PortAttributes::new());
    let port = CompletionPort::new(ConnectionPort::create(&name(), &attributes).unwrap()).unwrap();
    let kept = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut worker = port.worker();
                while let Some(completion) = worker.next().unwrap() {
                    match completion {
                        Completion::Connecting(request) => request.accept(b"").unwrap(),
                        Completion::Call(call) => act(&mut worker, call, &kept),
                        _ => {}
                    }
                }
            });
        }
        say("serving");
        let mut crowd = None;
        while let Some(line) = hear() {
            match &*line {
                "starve" => starve(),
                "crowd" => crowd = Some(crowded()),
                _ => crowd = None,
            }
        }
        drop(crowd);
        port.shut_down();
    });
}

/// Leaves this process room for a few descriptors only.
fn starve() {
    let open = std::fs::read_dir("/proc/self/fd").unwrap().count() as u64;
    let mut limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    // The numbers of descriptors are limited, not how many there are; there are no gaps here.
    limit.current = Some(open + 3);
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
    say("starved");
}

/// Descriptors that a process without privileges may have under way, and its user.
const UNDER_WAY: u64 = 200;

/// The limit of descriptors that are under way does not hold for the mighty.
fn without_privileges() {
    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    rustix::thread::set_capabilities(None, sets).unwrap();
}

/// Sends more descriptors than may be under way to nobody, until what is returned is dropped.
fn crowded() -> (OwnedFd, OwnedFd) {
    use rustix::net::{
        AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags,
        SocketType, sendmsg, socketpair,
    };
    let flags = SocketFlags::CLOEXEC;
    let (ours, theirs) =
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).unwrap();
    let zero = File::open("/dev/zero").unwrap();
    let mut limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    // Of an earlier crowd.
    limit.current = limit.maximum;
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
    let many = [zero.as_fd(); 200];
    for _ in 0..=UNDER_WAY / many.len() as u64 {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(200))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        assert!(control.push(SendAncillaryMessage::ScmRights(&many)));
        sendmsg(&ours, &[IoSlice::new(b"x")], &mut control, SendFlags::empty()).unwrap();
    }
    limit.current = Some(UNDER_WAY);
    rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
    say("crowded");
    (ours, theirs)
}

/// Calls with handles while too many are under way, and when they are not any more.
fn send_as_anybody(place: &Path) {
    without_privileges();
    let clients = FORMS.map(|form| connect(place, attributes(form)));
    let section = memory(b"x");
    let crowd = crowded();
    for client in &clients {
        let refused = call(client, b"echo", &[section.as_fd()]).unwrap_err();
        assert!(!refused.may_have_run);
        let what = "file descriptors in flight";
        assert_eq!(refused.error.kind(), &ErrorKind::Exhausted { what }, "{}", refused.error);
        // Whoever sends none is not concerned.
        call(client, b"kept", &[]).unwrap();
    }
    drop(crowd);
    for client in &clients {
        // The limit is that of a user, whose other processes may be near it at this moment.
        let answered = loop {
            match call(client, b"echo", &[section.as_fd()]) {
                Err(failure) if !failure.may_have_run => {}
                answered => break answered.unwrap(),
            }
        };
        assert_eq!(contents(&answered.handles[0]), b"x");
    }
    say("answered");
}

fn act(worker: &mut Worker, mut call: IncomingCall, kept: &Mutex<Vec<OwnedFd>>) {
    let mut reply = Reply::default();
    match call.body() {
        // Gives back what came.
        b"echo" => reply.handles = call.take_handles(),
        // Reads what came to the end.
        b"read" => {
            for handle in call.take_handles() {
                File::from(handle).read_to_end(&mut reply.body).unwrap();
            }
        }
        // Makes something of its own.
        b"make" => {
            let (reader, writer) = rustix::pipe::pipe().unwrap();
            File::from(writer).write_all(b"out of a pipe").unwrap();
            reply.handles = vec![reader, memory(b"out of a section")];
        }
        // The same, and says when it has answered.
        b"make, and say so" => {
            reply.handles = vec![memory(b"out of a section")];
            worker.reply(call, reply).unwrap();
            say("replied");
            return;
        }
        b"keep" => kept.lock().unwrap().extend(call.take_handles()),
        b"kept" => {
            let mut kept = kept.lock().unwrap();
            let count = kept.len().min(16);
            reply.handles.extend(kept.drain(..count));
        }
        b"too many" => {
            reply.handles = (0..17).map(|_| memory(b"")).collect();
            let (error, call) = worker.reply(call, reply).unwrap_err();
            let reply = Reply { body: error.to_string().into_bytes(), ..Reply::default() };
            worker.reply(call.unwrap(), reply).unwrap();
            return;
        }
        // Many replies of several kinds, and bulk data that takes a stream.
        b"stream" => {
            reply.handles = call.take_handles();
            reply.results = vec![alpc_transport::Bytes::Vec(vec![7; 1 << 20])];
        }
        // Dropped with all that came.
        _ => return,
    }
    let _gone = worker.reply(call, reply);
}

fn call(
    client: &CommunicationPort,
    body: &[u8],
    handles: &[BorrowedFd<'_>],
) -> Result<Response, CallFailure> {
    let (parts, deadline) = (&mut [] as &mut [Part<'_>], soon());
    client.call(Request { method: 1, tag: 0, body, parts, deadline, handles })
}

fn send(client: &CommunicationPort, body: &[u8], handles: &[BorrowedFd<'_>]) {
    let (parts, deadline) = (&mut [] as &mut [Part<'_>], soon());
    client.send(Request { method: 1, tag: 0, body, parts, deadline, handles }).unwrap();
}

/// A section with these bytes, to be read from the beginning.
fn memory(bytes: &[u8]) -> OwnedFd {
    let flags = rustix::fs::MemfdFlags::CLOEXEC;
    let mut file = File::from(rustix::fs::memfd_create("handles", flags).unwrap());
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file.into()
}

fn contents(handle: &OwnedFd) -> Vec<u8> {
    let mut file = File::from(handle.try_clone().unwrap());
    file.rewind().unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

/// A server in another process, and a client here for each form of a channel.
fn other() -> (Place, Other, [CommunicationPort; 2]) {
    let place = Place::new();
    let mut server = Other::start("serve", place.path());
    server.expect("serving");
    let clients = FORMS.map(|form| connect(place.path(), attributes(form)));
    (place, server, clients)
}

#[test]
fn pipes_and_sections_arrive_in_the_other_process_and_come_from_there() {
    let (_place, server, clients) = other();
    for client in &clients {
        assert_eq!(client.limits().max_handles, 16);
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        File::from(writer).write_all(b"through a pipe, ").unwrap();
        let section = memory(b"through a section");
        let response = call(client, b"read", &[reader.as_fd(), section.as_fd()]).unwrap();
        assert_eq!(response.body(), b"through a pipe, through a section");

        let mut handles = call(client, b"make", &[]).unwrap().take_handles().into_iter();
        let mut pipe = File::from(handles.next().unwrap());
        let mut text = String::new();
        pipe.read_to_string(&mut text).unwrap();
        assert_eq!(text, "out of a pipe");
        let section = handles.next().unwrap();
        assert_eq!(contents(&section), b"out of a section");
        let flags = rustix::io::fcntl_getfd(&section).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
        assert!(handles.next().is_none());
    }
    server.end();
}

#[test]
fn a_datagram_carries_handles_too() {
    let (_place, server, clients) = other();
    for client in &clients {
        // More than the server is sent at one time, by far.
        for i in 0..40_u8 {
            send(client, b"keep", &[memory(&[i]).as_fd(), memory(&[i, i]).as_fd()]);
        }
        let mut kept = 0;
        while kept < 80 {
            let handles = call(client, b"kept", &[]).unwrap().take_handles();
            kept += handles.len();
            if handles.is_empty() {
                std::thread::yield_now();
            }
        }
    }
    server.end();
}

#[test]
fn too_many_handles_are_refused_at_both_ends_and_the_channel_goes_on() {
    let (place, server, clients) = other();
    let section = memory(b"x");
    for client in &clients {
        let failure = call(client, b"echo", &[section.as_fd(); 17]).unwrap_err();
        assert!(!failure.may_have_run);
        let text = "cannot send a message: 17 handles in a message, where 16 are allowed";
        assert_eq!(failure.error.to_string(), text);
        assert_eq!(call(client, b"too many", &[]).unwrap().body(), text.as_bytes());
        assert_eq!(call(client, b"echo", &[section.as_fd(); 16]).unwrap().handles.len(), 16);
    }
    let none = connect(place.path(), PortAttributes::new().max_handles(0));
    let failure = call(&none, b"echo", &[section.as_fd()]).unwrap_err();
    assert!(matches!(failure.error.kind(), ErrorKind::Invalid { .. }));
    assert!(call(&none, b"echo", &[]).unwrap().handles.is_empty());
    server.end();
}

// Descriptors are counted, which belong to the process: this one runs nothing else.
#[test]
fn nothing_stays_open_that_was_sent() {
    let mut alone = Other::start_test("counted_alone", "all");
    alone.expect("done");
    alone.end();
}

#[test]
fn counted_alone() {
    if std::env::var_os("ALPC_TEST_ALONE").is_none() {
        return;
    }
    let (_place, mut server, clients) = other();
    let section = memory(b"shared");
    let settle = |client: &CommunicationPort| drop(call(client, b"echo", &[]).unwrap());
    // Windows of streams are made when they are first needed, and stay.
    clients.iter().for_each(|client| drop(call(client, b"stream", &[]).unwrap()));
    let before = (holdings(std::process::id()), holdings(server.pid()));
    for client in &clients {
        std::thread::scope(|scope| {
            for thread in 0..8_u8 {
                let section = &section;
                scope.spawn(move || many_calls(client, thread, section));
            }
        });
        // A worker drops what it holds before it takes the next call; two workers take turns.
        while (holdings(std::process::id()), holdings(server.pid())) != before {
            settle(client);
        }
    }
    server.tell("starve");
    server.expect("starved");
    for client in &clients {
        let failure = call(client, b"echo", &[section.as_fd(); 8]).unwrap_err();
        let what = "open files of the server";
        assert_eq!(failure.error.kind(), &ErrorKind::Exhausted { what });
        assert!(!failure.may_have_run);
        assert_eq!(call(client, b"echo", &[section.as_fd()]).unwrap().handles.len(), 1);
    }
    server.end();
    say("done");
}

/// Calls with handles of every number, whose contents say whose they are.
fn many_calls(client: &CommunicationPort, thread: u8, shared: &OwnedFd) {
    for round in 0..40_u8 {
        let own = memory(&[thread, round]);
        let mut handles = vec![shared.as_fd(); usize::from(round % 16)];
        handles.push(own.as_fd());
        match round % 5 {
            0 => send(client, b"dropped", &handles),
            1 => {
                let response = call(client, b"dropped", &handles).unwrap();
                assert_eq!((response.status, response.handles.len()), (STATUS_UNANSWERED, 0));
            }
            2 => {
                let response = call(client, b"stream", &handles).unwrap();
                assert_eq!(contents(response.handles.last().unwrap()), [thread, round]);
            }
            3 => {
                // Given up at any moment: sent or not, taken or not.
                let deadline = Deadline::after(std::time::Duration::from_micros(
                    u64::from(thread) * 20 + u64::from(round),
                ));
                let (parts, handles) = (&mut [] as &mut [Part<'_>], &*handles);
                let request =
                    Request { method: 1, tag: 0, body: b"echo", parts, deadline, handles };
                if let Ok(response) = client.call(request) {
                    assert_eq!(contents(response.handles.last().unwrap()), [thread, round]);
                }
            }
            _ => {
                let response = call(client, b"echo", &handles).unwrap();
                assert_eq!(response.handles.len(), handles.len());
                assert_eq!(contents(response.handles.last().unwrap()), [thread, round]);
            }
        }
    }
}

#[test]
fn what_a_killed_client_sent_is_closed_when_its_call_is_over() {
    let gate = Arc::new(Gate::default());
    let (held, waits) = (Arc::new(Mutex::new(None)), gate.clone());
    let holds = held.clone();
    let server = Server::start(PortAttributes::new(), 2, move |worker, call| {
        assert_eq!(call.handles().len(), 16);
        *holds.lock().unwrap() = Some(call.handles()[0].try_clone().unwrap());
        say("held");
        waits.pass();
        let handles = (0..16).map(|_| memory(b"late")).collect();
        assert!(worker.reply(call, Reply { handles, ..Reply::default() }).is_err());
    });
    let mut client = Other::start("hold", server.place.path());
    client.expect("connected");
    drop(server.connected());
    while held.lock().unwrap().is_none() {
        std::thread::yield_now();
    }
    client.kill();
    drop(server.closed());
    // What came outlives who sent it.
    assert_eq!(contents(held.lock().unwrap().as_ref().unwrap()), b"held");
    gate.open();
    server.stop();
}

#[test]
fn handles_published_before_the_sender_died_still_arrive() {
    for form in FORMS {
        let (told, hears) = std::sync::mpsc::channel();
        let server = Server::start(PortAttributes::new(), 1, move |_, mut call| {
            let read: Vec<_> = call.take_handles().iter().map(contents).collect();
            told.send(read).unwrap();
        });
        let client = connect(server.place.path(), attributes(form));
        for i in 0..3 {
            send(&client, b"", &[memory(&[i]).as_fd(), memory(b"!").as_fd()]);
        }
        drop(client);
        for i in 0..3 {
            let read = hears.recv_timeout(std::time::Duration::from_secs(20)).unwrap();
            assert_eq!(read, [vec![i], b"!".to_vec()]);
        }
        server.stop();
    }
}

/// The kernel limits the descriptors that a user's processes have sent and nobody has taken: there can
/// be one crowd at a time.
static CROWD: Mutex<()> = Mutex::new(());

#[test]
fn a_call_while_too_many_handles_are_under_way_fails_and_its_channel_goes_on() {
    let _alone = CROWD.lock().unwrap_or_else(PoisonError::into_inner);
    let server = Server::start(PortAttributes::new(), 2, |worker, call| {
        act(worker, call, &Mutex::default());
    });
    let mut other = Other::start("send as anybody", server.place.path());
    other.expect("crowded");
    other.expect("answered");
}

#[test]
fn a_reply_while_too_many_handles_are_under_way_is_kept_until_there_are_fewer() {
    let _alone = CROWD.lock().unwrap_or_else(PoisonError::into_inner);
    let place = Place::new();
    let mut server = Other::start("serve as anybody", place.path());
    server.expect("serving");
    for form in FORMS {
        let client = connect(place.path(), attributes(form));
        server.tell("crowd");
        server.expect("crowded");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| call(&client, b"make, and say so", &[]));
            server.expect("replied");
            assert!(!waiting.is_finished(), "the handles were under way already");
            server.tell("disperse");
            let response = waiting.join().unwrap().unwrap();
            assert_eq!(contents(&response.handles[0]), b"out of a section");
        });
    }
}
