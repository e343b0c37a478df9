//! Random deadlines against random service times: who has waited long enough returns, and nobody gets
//! another's reply.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use alpc_rpc::TransportError;
use alpc_rpc::prelude::*;

use super::{Length, Row};
use crate::peer::{Starter, say};
use crate::stage::Stage;

/// The port of the server.
const PORT: &str = "tests.deadlines";
/// Threads that call at one time, all through one connection, and workers that serve them.
const THREADS: u64 = 32;
/// Calls in all.
const CALLS: u64 = 10_000;
/// The longest deadline, and the longest service, in microseconds.
const LONGEST: u64 = 40_000;

/// What takes its time.
#[alpc_interface(name = "tests.deadlines.Service")]
pub(super) trait Service {
    /// Answers with a number that no other call's reply has, after so many microseconds.
    fn serve(&self, number: u64, micros: u64) -> u64;
}

struct Slow;

impl Service for Slow {
    fn serve(&self, number: u64, micros: u64) -> u64 {
        std::thread::sleep(Duration::from_micros(micros));
        own(number)
    }
}

/// What a call of this number is answered with.
fn own(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

pub(super) fn serve(starter: &Starter) -> Result<(), String> {
    let workers = usize::try_from(THREADS).unwrap_or(1);
    let server = Server::bind(PORT).map(|port| port.workers(workers));
    let server = server.and_then(|port| port.serve(ServiceServer::new(Slow)));
    let _server = server.map_err(|error| error.to_string())?;
    say("ready");
    starter.hear();
    Ok(())
}

pub(super) fn rows(program: &Path, length: Length) -> Vec<Row> {
    let stage = Stage::new("deadlines", program);
    let mut server = stage.ready(&["asynchrony", "deadlines"]);
    let client: ServiceClient = stage.connect(PORT);
    let calls = match length {
        Length::Short => CALLS,
        Length::Long => 5 * CALLS,
    };
    let next = AtomicU64::new(0);
    let call =
        || Tally::of(&client, || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|n| *n < calls));
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(call)).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    server.tell("end");
    let sum = |of: fn(&Tally) -> u64| tallies.iter().map(of).sum::<u64>() as f64;
    let latest = tallies.iter().map(|tally| tally.latest).max().unwrap_or_default();
    eprintln!("    {} of {calls} were answered in time", sum(|tally| tally.answered));
    vec![
        Row::at_least(
            calls as f64,
            "calls with random deadlines that were answered or timed out",
            sum(|tally| tally.answered + tally.timed_out),
        ),
        Row::at_most(20.0, "the latest return after a deadline, in ms", latest.as_secs_f64() * 1e3),
        Row::at_most(0.0, "replies to another call", sum(|tally| tally.foreign)),
    ]
}

/// What one thread has met.
#[derive(Default)]
struct Tally {
    answered: u64,
    timed_out: u64,
    foreign: u64,
    latest: Duration,
}

impl Tally {
    fn of(client: &ServiceClient, mut next: impl FnMut() -> Option<u64>) -> Tally {
        let mut tally = Tally::default();
        while let Some(number) = next() {
            let dice = own(number ^ 0x5555);
            let micros = dice % LONGEST;
            let patience = Duration::from_micros((dice >> 32) % LONGEST);
            let client = client.with_timeout(patience);
            let since = Instant::now();
            match client.serve(number, micros) {
                Ok(value) if value == own(number) => tally.answered += 1,
                Ok(_) => tally.foreign += 1,
                Err(CallError::Transport(TransportError::TimedOut { .. })) => tally.timed_out += 1,
                Err(error) => eprintln!("    call {number}: {error}"),
            }
            tally.latest = tally.latest.max(since.elapsed().saturating_sub(patience));
        }
        tally
    }
}
