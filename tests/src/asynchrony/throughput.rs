//! Calls and messages a second, beside the best that a pair of sockets does.
//!
//! Both run in one go and in turns, two processes each, free to run on any CPU. Each pair of figures is
//! taken within a fraction of a second, so what else the machine does is done to both; the median of the
//! ratios is what is told.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use alpc_rpc::transport::{
    Batch, CommunicationPort, Completion, CompletionPort, ConnectionPort, Deadline, PortAttributes,
    PortName, Reply, Request, Worker,
};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair,
};

use super::Row;
use crate::peer::{Starter, say};
use crate::stage::Stage;

/// Calls that are outstanding at one time, and messages that are rung for together.
const WINDOW: usize = 32;
/// Bytes of each.
const LEN: usize = 64;
/// What the ratios are held against.
const LIMIT: f64 = 8.0;

/// The port of the server.
const PORT: &str = "tests.throughput";
/// Methods of the server: one sends back what came, the other tells how many datagrams did.
const ECHO: u64 = 1;
const COUNT: u64 = 2;

/// Measures, in `rounds` rounds, with `program` as the other processes.
///
/// # Panics
///
/// When a process does not do its part.
pub fn measure(program: &Path, rounds: usize) -> Vec<Row> {
    let stage = Stage::new("throughput", program);
    let _server = stage.ready(&["throughput server"]);
    let deadline = Deadline::after(std::time::Duration::from_secs(10));
    let client = CommunicationPort::connect(&port_name(), &stage.attributes(), b"", deadline);
    let client = client.expect("the server is ready");
    let (mut calls, mut messages) = (Vec::new(), Vec::new());
    if let Ok(what) = std::env::var("TP") {
        for _ in 0..rounds {
            let rate = if what == "calls" {
                our_calls(&client, 500_000)
            } else {
                our_messages(&client, 1_000_000)
            };
            eprintln!("TP {:.1} ns", 1e9 / rate);
        }
        return vec![];
    }
    // The first round warms up.
    for round in 0..=rounds.max(1) {
        let ours = our_calls(&client, 200_000);
        let raw = Raw::start(program, "echo").calls(30_000);
        let ours_one_way = our_messages(&client, 400_000);
        let raw_one_way = Raw::start(program, "sink").messages(60_000);
        if round > 0 {
            eprintln!(
                "    per call {:.0} ns, raw {:.0}; per message {:.0} ns, raw {:.0}",
                1e9 / ours,
                1e9 / raw,
                1e9 / ours_one_way,
                1e9 / raw_one_way
            );
            calls.push(ours / raw);
            messages.push(ours_one_way / raw_one_way);
        }
    }
    let check = |what| format!("{what}, to a raw pair of sockets");
    vec![
        Row::at_least(LIMIT, check("calls a second, 32 outstanding, 64 bytes"), median(&mut calls)),
        Row::at_least(LIMIT, check("messages a second one way, batched"), median(&mut messages)),
    ]
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn rate(count: u64, since: Instant) -> f64 {
    count as f64 / since.elapsed().as_secs_f64()
}

fn port_name() -> PortName {
    PORT.parse().expect("it is a name")
}

fn request(method: u64, body: &[u8]) -> Request<'_, 'static> {
    Request { method, tag: 0, body, parts: &mut [], deadline: Deadline::NEVER, handles: &[] }
}

fn our_calls(client: &CommunicationPort, count: u64) -> f64 {
    let take = |batch: &mut Batch<'_>| {
        let (_, response) = batch.next_reply().expect("calls are outstanding");
        assert_eq!(response.expect("the server lives").body().len(), LEN);
    };
    let (mut batch, body) = (client.batch(), [7; LEN]);
    let since = Instant::now();
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
    let (before, body) = (seen(), [7; LEN]);
    let since = Instant::now();
    let mut batch = client.batch();
    for sent in 1..=count {
        batch.send(request(ECHO, &body)).expect("the server lives");
        if sent % WINDOW as u64 == 0 {
            batch.flush(Deadline::NEVER).expect("the server lives");
        }
    }
    drop(batch);
    // All of them were dealt with, not only sent.
    while seen() < before + count {}
    rate(count, since)
}

/// Plays the server.
///
/// # Errors
///
/// When it cannot serve.
pub fn serve(starter: &Starter) -> Result<(), alpc_rpc::transport::Error> {
    let connection = ConnectionPort::create(&port_name(), &PortAttributes::new())?;
    let port = CompletionPort::new(connection)?;
    let count = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| work(port.worker(), &count));
        }
        say("ready");
        starter.hear();
        port.shut_down();
    });
    Ok(())
}

fn work(mut worker: Worker, count: &AtomicU64) {
    let mut completions = Vec::new();
    while worker.next_many(&mut completions, WINDOW).is_ok_and(|taken| taken > 0) {
        let mut datagrams = 0;
        let mut replies = worker.replies();
        for completion in completions.drain(..) {
            match completion {
                Completion::Connecting(request) => request.accept(b"").expect("there is room"),
                Completion::Call(call) if !call.wants_reply() => datagrams += 1,
                Completion::Call(call) => {
                    let body = match call.method() {
                        ECHO => call.body().to_vec(),
                        _ => count.load(Ordering::SeqCst).to_le_bytes().to_vec(),
                    };
                    // A client that is gone does not hear it.
                    let _gone = replies.reply(call, Reply { body, ..Reply::default() });
                }
                _ => {}
            }
        }
        count.fetch_add(datagrams, Ordering::SeqCst);
    }
}

/// A pair of sockets, and a process at its other end.
struct Raw {
    socket: OwnedFd,
    child: Child,
}

impl Raw {
    fn start(program: &Path, role: &str) -> Raw {
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
                .expect("there are descriptors");
        let child = Command::new(PathBuf::from(program))
            .args(["raw", role])
            .stdin(Stdio::from(theirs))
            .spawn()
            .expect("the program can be run");
        let raw = Raw { socket: ours, child };
        // It runs from here on.
        raw.calls(1);
        raw
    }

    fn send(&self, bytes: &[u8]) {
        send(&self.socket, bytes, SendFlags::empty()).expect("the other process lives");
    }

    fn receive(&self) {
        let mut bytes = [0; LEN];
        recv(&self.socket, &mut bytes[..], RecvFlags::empty()).expect("the other process lives");
    }

    fn calls(&self, count: u64) -> f64 {
        let since = Instant::now();
        let ahead = count.min(WINDOW as u64);
        (0..ahead).for_each(|_| self.send(&[7; LEN]));
        for _ in ahead..count {
            self.receive();
            self.send(&[7; LEN]);
        }
        (0..ahead).for_each(|_| self.receive());
        rate(count, since)
    }

    /// The last one is short, and answered.
    fn messages(&self, count: u64) -> f64 {
        let since = Instant::now();
        (1..count).for_each(|_| self.send(&[7; LEN]));
        self.send(&[7]);
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

/// Plays the other end of a pair of sockets, the one that is this process's input: `echo` sends
/// everything back, `sink` the first message and those that are short.
pub fn play_raw(role: &str) {
    let (socket, mut bytes, mut is_first) = (io::stdin(), [0; LEN], true);
    while let Ok((len @ 1.., _)) = recv(&socket, &mut bytes[..], RecvFlags::empty()) {
        let answers = role == "echo" || len < LEN || is_first;
        is_first = false;
        if answers && send(&socket, &bytes[..len], SendFlags::NOSIGNAL).is_err() {
            return;
        }
    }
}
