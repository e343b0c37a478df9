//! A client that never reads its replies costs itself, and nobody else.
//!
//! It asks for as much as it may have outstanding, each reply as long as replies may be, and then does
//! nothing for good. What the server keeps for it is bounded by what the two ends agreed on; another
//! client's calls are timed before and meanwhile.
//!
//! Server and client each stay on a processor of their own, if there are two. Otherwise the system has both
//! on one now and then, for as long as it likes, and a call takes four times as long there: that is
//! what would be measured.

use std::path::Path;
use std::time::{Duration, Instant};

use alpc_rpc::transport::{
    Bytes, CommunicationPort, Completion, CompletionPort, ConnectionPort, Deadline, Directory,
    PortAttributes, PortName, Reply, Request, Worker,
};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::{Length, Row};
use crate::peer::{Peer, Starter, say};
use crate::stage::Stage;

/// The port of the server.
const PORT: &str = "tests.stuck";
/// Bytes of a long reply, and how many of them a client may have outstanding.
const LEN: usize = 1 << 20;
const OUTSTANDING: usize = 32;
/// What a connection's rings and windows may add to that, and an allocator that gives nothing back.
const BESIDE: usize = 8 << 20;
/// Methods: one answers with what came, the other with a long reply.
const ECHO: u64 = 1;
const LONG: u64 = 2;

fn name() -> PortName {
    PORT.parse().expect("it is a name")
}

fn attributes() -> PortAttributes {
    PortAttributes::new().outstanding_requests(OUTSTANDING).max_argument_len(LEN)
}

fn request(method: u64) -> Request<'static, 'static> {
    let deadline = Deadline::NEVER;
    Request { method, tag: 0, body: &[7; 64], parts: &mut [], deadline, handles: &[] }
}

/// Has this thread, and those that it starts, stay on one of the processors that the process may use, by
/// its place among them.
fn stay_on(place: usize) {
    let Ok(allowed) = sched_getaffinity(None) else { return };
    let mut cpus = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu));
    if let Some(cpu) = cpus.nth(place) {
        let mut one = CpuSet::new();
        one.set(cpu);
        // Where that is forbidden, the figures are what they are.
        let _forbidden = sched_setaffinity(None, &one);
    }
}

pub(super) fn serve(starter: &Starter) -> Result<(), String> {
    stay_on(1);
    let failed = |error: alpc_rpc::transport::Error| error.to_string();
    let connection = ConnectionPort::create(&name(), &attributes()).map_err(failed)?;
    let port = CompletionPort::new(connection).map_err(failed)?;
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| work(port.worker()));
        }
        say("ready");
        starter.hear();
        port.shut_down();
    });
    Ok(())
}

fn work(mut worker: Worker) {
    while let Ok(Some(completion)) = worker.next() {
        match completion {
            Completion::Connecting(request) => drop(request.accept(b"")),
            Completion::Call(call) => {
                let results = match call.method() {
                    LONG => vec![Bytes::Vec(vec![1; LEN])],
                    _ => Vec::new(),
                };
                let reply = Reply { body: call.body().to_vec(), results, ..Reply::default() };
                let _gone = worker.reply(call, reply);
            }
            _ => {}
        }
    }
}

/// Plays the client that asks and does not listen.
pub(super) fn read_nothing(starter: &Starter) -> Result<(), String> {
    let port = CommunicationPort::connect(&name(), &attributes(), b"", soon());
    let port = port.map_err(|error| error.to_string())?;
    let mut batch = port.batch();
    for _ in 0..OUTSTANDING {
        batch.submit(request(LONG)).map_err(|failure| failure.error.to_string())?;
    }
    batch.flush(soon()).map_err(|error| error.to_string())?;
    say("asked");
    starter.hear();
    Ok(())
}

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

pub(super) fn rows(program: &Path, length: Length) -> Vec<Row> {
    // On a thread of its own: what is checked after this may run anywhere.
    std::thread::scope(|scope| {
        let checked = scope.spawn(|| measure(program, length));
        checked.join().expect("the processes do their parts")
    })
}

fn measure(program: &Path, length: Length) -> Vec<Row> {
    let stage = Stage::new("a client that reads nothing", program);
    let mut server = stage.ready(&["asynchrony", "stuck", "server"]);
    let attributes =
        attributes().directory(Directory::at(stage.folder()).expect("an absolute path"));
    let client = CommunicationPort::connect(&name(), &attributes, b"", soon());
    let client = client.expect("the server is ready");
    let calls = match length {
        Length::Short => 20_000,
        Length::Long => 200_000,
    };
    stay_on(0);
    timed(&client, calls / 10);
    let mut before = timed(&client, calls);
    let held_before = memory(&server);
    let mut other = stage.peer(&["asynchrony", "stuck", "client"]);
    other.expect("asked");
    // As above.
    timed(&client, calls / 10);
    let mut meanwhile = timed(&client, calls);
    let held = memory(&server).saturating_sub(held_before);
    let (before, meanwhile) = (p99(&mut before), p99(&mut meanwhile));
    eprintln!("    p99 {before:.2} us without it, {meanwhile:.2} us with it");
    other.tell("end");
    server.tell("end");
    let quota = (OUTSTANDING * LEN + BESIDE) as f64 / f64::from(1 << 20);
    vec![
        Row::at_most(quota, "MiB kept for a client that reads nothing", held as f64 / 1024.0),
        Row::at_most(2.0, "another client's p99 with it, to that without", meanwhile / before),
    ]
}

/// Microseconds of each of so many calls.
fn timed(client: &CommunicationPort, calls: usize) -> Vec<f64> {
    let call = |_| {
        let since = Instant::now();
        client.call(request(ECHO)).expect("the server lives");
        since.elapsed().as_secs_f64() * 1e6
    };
    (0..calls).map(call).collect()
}

fn p99(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() * 99 / 100).copied().unwrap_or(f64::NAN)
}

/// KiB of memory that a process has in use.
fn memory(peer: &Peer) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", peer.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(u64::MAX)
}
