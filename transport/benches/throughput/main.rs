//! Calls and messages a second, beside the best that a pair of sockets does.
//!
//! Both run in one go and in turns, two processes each, free to run on any CPU. Ratios are what counts.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use alpc_transport::{
    CommunicationPort, Completion, CompletionPort, ConnectionPort, Deadline, Directory,
    PortAttributes, Reply, Request, Worker,
};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair,
};

const WINDOW: usize = 32;
const LEN: usize = 64;
const ROLE: &str = "ALPC_BENCH_ROLE";
const PLACE: &str = "ALPC_BENCH_PLACE";

/// Methods of the server.
const ECHO: u64 = 1;
const COUNT: u64 = 2;

fn main() {
    match std::env::var(ROLE).as_deref() {
        Ok("echo") => echo(),
        Ok("sink") => sink(),
        Ok("serve") => serve(Path::new(&std::env::var_os(PLACE).expect("a place"))),
        _ => measure(),
    }
}

fn measure() {
    let rounds = std::env::var("ROUNDS").map_or(7, |rounds| rounds.parse().expect("a number"));
    let server = Server::start();
    let client = server.client();
    match std::env::var("ONLY").as_deref() {
        Ok("calls") => return println!("{:.0}", our_calls(&client, 3_000_000)),
        Ok("messages") => return println!("{:.0}", our_messages(&client, 6_000_000)),
        _ => {}
    }
    let mut calls = Vec::new();
    let mut messages = Vec::new();
    for _ in 0..rounds {
        let ours = our_calls(&client, 400_000);
        let raw = Raw::start("echo").calls(50_000);
        println!("calls    {:9.0} {:9.0}  {:5.2}  {:4.0} ns", ours, raw, ours / raw, 1e9 / ours);
        calls.push(ours / raw);
        let ours = our_messages(&client, 800_000);
        let raw = Raw::start("sink").messages(100_000);
        println!("one way  {:9.0} {:9.0}  {:5.2}  {:4.0} ns", ours, raw, ours / raw, 1e9 / ours);
        messages.push(ours / raw);
    }
    println!("calls {:.2}, one way {:.2}", median(&mut calls), median(&mut messages));
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn rate(count: u64, since: Instant) -> f64 {
    count as f64 / since.elapsed().as_secs_f64()
}

fn request(method: u64, body: &[u8]) -> Request<'_, 'static> {
    Request { method, tag: 0, body, parts: &mut [], deadline: Deadline::NEVER, handles: &[] }
}

fn our_calls(client: &CommunicationPort, count: u64) -> f64 {
    let mut batch = client.batch();
    let body = [7; LEN];
    let since = Instant::now();
    let take = |batch: &mut alpc_transport::Batch<'_>| {
        let (_, response) = batch.next_reply().expect("calls are outstanding");
        assert_eq!(response.expect("the server lives").body().len(), LEN);
    };
    for _ in 0..count {
        if batch.outstanding() == WINDOW {
            take(&mut batch);
        }
        batch.submit(request(ECHO, &body)).expect("the server lives");
    }
    while batch.outstanding() > 0 {
        take(&mut batch);
    }
    rate(count, since)
}

fn our_messages(client: &CommunicationPort, count: u64) -> f64 {
    let seen = || {
        let response = client.call(request(COUNT, b"")).expect("the server lives");
        u64::from_le_bytes(response.body().try_into().expect("a number"))
    };
    let before = seen();
    let body = [7; LEN];
    let since = Instant::now();
    let mut batch = client.batch();
    for i in 1..=count {
        batch.send(request(ECHO, &body)).expect("the server lives");
        if i % WINDOW as u64 == 0 {
            batch.flush(Deadline::NEVER).expect("the server lives");
        }
    }
    drop(batch);
    while seen() < before + count {}
    rate(count, since)
}

fn serve(place: &Path) {
    let port = ConnectionPort::create(&"throughput".parse().expect("a name"), &attributes(place));
    let port = CompletionPort::new(port.expect("the place is the bench's own")).expect("fds");
    let workers = std::env::var("WORKERS").map_or(2, |count| count.parse().expect("a number"));
    let count = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| work(port.worker(), &count));
        }
    });
}

fn work(mut worker: Worker, count: &AtomicU64) {
    let mut completions = Vec::new();
    while worker.next_many(&mut completions, WINDOW).is_ok_and(|taken| taken > 0) {
        let mut messages = 0;
        let mut replies = worker.replies();
        for completion in completions.drain(..) {
            match completion {
                Completion::Connecting(request) => request.accept(b"").expect("there is room"),
                Completion::Call(call) if !call.wants_reply() => messages += 1,
                Completion::Call(call) => {
                    let body = match call.method() {
                        ECHO => call.body().to_vec(),
                        _ => {
                            count.fetch_add(std::mem::take(&mut messages), Ordering::Relaxed);
                            count.load(Ordering::Relaxed).to_le_bytes().to_vec()
                        }
                    };
                    // A client that is gone does not hear it.
                    let _gone = replies.reply(call, Reply { body, ..Reply::default() });
                }
                _ => {}
            }
        }
        count.fetch_add(messages, Ordering::Relaxed);
    }
}

fn attributes(place: &Path) -> PortAttributes {
    let directory = Directory::at(place).expect("a folder");
    PortAttributes::new().directory(directory)
}

struct Server {
    place: PathBuf,
    child: Child,
}

impl Server {
    fn start() -> Server {
        let place = std::env::temp_dir().join(format!("alpc-throughput-{}", std::process::id()));
        let child = Command::new(std::env::current_exe().expect("this program has a path"))
            .env(ROLE, "serve")
            .env(PLACE, &place)
            .spawn()
            .expect("this program can be run again");
        Server { place, child }
    }

    fn client(&self) -> CommunicationPort {
        let name = "throughput".parse().expect("a name");
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let deadline = Deadline::after(Duration::from_secs(1));
            let client = CommunicationPort::connect(&name, &attributes(&self.place), b"", deadline);
            match client {
                Ok(client) => return client,
                Err(error) if Instant::now() > until => panic!("{error}"),
                Err(_) => std::thread::yield_now(),
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _dead = self.child.kill();
        let _dead = self.child.wait();
        let _gone = std::fs::remove_dir_all(&self.place);
    }
}

/// A pair of sockets, and a process at its other end.
struct Raw {
    socket: OwnedFd,
    child: Child,
}

impl Raw {
    fn start(role: &str) -> Raw {
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
                .expect("there are descriptors");
        let child = Command::new(std::env::current_exe().expect("this program has a path"))
            .env(ROLE, role)
            .stdin(Stdio::from(theirs))
            .spawn()
            .expect("this program can be run again");
        let raw = Raw { socket: ours, child };
        // It runs from here on.
        raw.calls(1);
        raw
    }

    fn send(&self) {
        send(&self.socket, &[7; LEN], SendFlags::empty()).expect("the other process lives");
    }

    fn receive(&self) {
        let mut bytes = [0; LEN];
        recv(&self.socket, &mut bytes[..], RecvFlags::empty()).expect("the other process lives");
    }

    fn calls(&self, count: u64) -> f64 {
        let since = Instant::now();
        let ahead = count.min(WINDOW as u64);
        (0..ahead).for_each(|_| self.send());
        for _ in ahead..count {
            self.receive();
            self.send();
        }
        (0..ahead).for_each(|_| self.receive());
        rate(count, since)
    }

    /// The last one is answered.
    fn messages(&self, count: u64) -> f64 {
        let since = Instant::now();
        (1..count).for_each(|_| self.send());
        send(&self.socket, &[1], SendFlags::empty()).expect("the other process lives");
        self.receive();
        rate(count, since)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _dead = self.child.kill();
        let _dead = self.child.wait();
    }
}

/// Sends everything back.
fn echo() {
    let socket = std::io::stdin();
    let mut bytes = [0; LEN];
    while let Ok((len @ 1.., _)) = recv(&socket, &mut bytes[..], RecvFlags::empty()) {
        if send(&socket, &bytes[..len], SendFlags::NOSIGNAL).is_err() {
            return;
        }
    }
}

/// Answers the first message, and those that are short.
fn sink() {
    let socket = std::io::stdin();
    let mut bytes = [0; LEN];
    let mut is_first = true;
    while let Ok((len @ 1.., _)) = recv(&socket, &mut bytes[..], RecvFlags::empty()) {
        let wants_answer = len < LEN || std::mem::take(&mut is_first);
        if wants_answer && send(&socket, &bytes[..len], SendFlags::NOSIGNAL).is_err() {
            return;
        }
    }
}
