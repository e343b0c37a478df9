//! A thousand clients at once, and a pool of two threads: all are served, and alike.

use std::path::Path;
use std::sync::{Arc, Barrier};
use std::time::Instant;

use alpc_rpc::prelude::*;

use super::{Length, Row};
use crate::idle::raise_descriptor_limit;
use crate::peer::{Peer, Starter, say};
use crate::stage::Stage;

/// The port of the server.
const PORT: &str = "tests.crowd";
/// Clients, and the processes that they live in: each has a connection and a thread of its own.
const CLIENTS: usize = 1000;
const PROCESSES: usize = 4;
/// Threads of the server's pool.
const WORKERS: usize = 2;
/// Bytes of a client's stack.
const STACK: usize = 256 << 10;

/// What the clients call.
#[alpc_interface(name = "tests.crowd.Crowd")]
pub(super) trait Crowd {
    /// Adds.
    fn add(&self, a: u64, b: u64) -> u64;
}

struct Adder;

impl Crowd for Adder {
    fn add(&self, a: u64, b: u64) -> u64 {
        a + b
    }
}

pub(super) fn serve(starter: &Starter) -> Result<(), String> {
    raise_descriptor_limit()?;
    let server = Server::bind(PORT).map(|port| port.workers(WORKERS));
    let server = server.and_then(|port| port.serve(CrowdServer::new(Adder)));
    let _server = server.map_err(|error| error.to_string())?;
    say("ready");
    starter.hear();
    Ok(())
}

/// Plays a part of the clients: each makes so many calls, one after the other, while the others do.
/// Says the microseconds that a call took each of them, on average; one that was not answered is left
/// out.
pub(super) fn call(starter: &Starter, calls: &str) -> Result<(), String> {
    raise_descriptor_limit()?;
    let calls: u32 = calls.parse().map_err(|_| format!("`{calls}` is no number"))?;
    let here = CLIENTS / PROCESSES;
    let connect = |_| CrowdClient::connect(PORT).map_err(|error| error.to_string());
    let clients: Vec<_> = (0..here).map(connect).collect::<Result<_, _>>()?;
    let begin = Arc::new(Barrier::new(here + 1));
    let threads = clients.into_iter().map(|client| {
        let begin = begin.clone();
        std::thread::Builder::new().stack_size(STACK).spawn(move || {
            begin.wait();
            let since = Instant::now();
            for number in 0..calls.into() {
                if !client.add(number, 1).is_ok_and(|sum| sum == number + 1) {
                    return None;
                }
            }
            Some((since.elapsed() / calls).as_micros())
        })
    });
    let threads: Vec<_> = threads.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
    say("connected");
    starter.hear();
    begin.wait();
    let means = threads.into_iter().filter_map(|thread| thread.join().ok().flatten());
    say(means.map(|mean| mean.to_string()).collect::<Vec<_>>().join(" "));
    starter.hear();
    Ok(())
}

pub(super) fn rows(program: &Path, length: Length) -> Vec<Row> {
    let calls = match length {
        Length::Short => "50",
        Length::Long => "1000",
    };
    let stage = Stage::new("a thousand clients", program);
    let mut server = stage.ready(&["asynchrony", "crowd", "server"]);
    let start = |_| stage.peer(&["asynchrony", "crowd", "clients", calls]);
    let mut clients: Vec<Peer> = (0..PROCESSES).map(start).collect();
    clients.iter_mut().for_each(|peer| peer.expect("connected"));
    clients.iter_mut().for_each(|peer| peer.tell("begin"));
    let mut means = Vec::new();
    for peer in &mut clients {
        let said = peer.hear();
        means.extend(said.split(' ').filter_map(|word| word.parse::<f64>().ok()));
    }
    let threads = workers_of(server.id());
    clients.iter_mut().for_each(|peer| peer.tell("end"));
    server.tell("end");
    means.sort_by(f64::total_cmp);
    let median = means.get(means.len() / 2).copied().unwrap_or(f64::NAN);
    let slowest = means.last().copied().unwrap_or(f64::NAN);
    eprintln!("    a call took {median} us at the median client, {slowest} us at the slowest");
    vec![
        Row::at_least(CLIENTS as f64, "clients of one pool, all answered", means.len() as f64),
        Row::at_most(WORKERS as f64, "threads of that pool", threads as f64),
        Row::at_most(3.0, "the slowest client's mean to the median client's", slowest / median),
    ]
}

/// Threads of a server that run calls, spare ones with them.
fn workers_of(pid: u32) -> usize {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.starts_with("alpc-worker") || name.starts_with("alpc-spare")).count()
}
