//! Random graphs of calls over four processes: no deadlock, no lost reply, none to another call.

use std::path::Path;

use super::{Length, Row};
use crate::graphs;
use crate::stage::Stage;

/// Calls of one set of processes.
const ROUND: u64 = 100_000;

pub(super) fn rows(program: &Path, length: Length) -> Vec<Row> {
    let (rounds, each) = match length {
        Length::Short => (1, 10_000),
        Length::Long => (10, ROUND),
    };
    let (mut calls, mut refused) = (0, 0);
    for round in 0..rounds {
        let outcome = graphs::run(&Stage::new("random graphs", program), each, round);
        match outcome {
            Ok(outcome) => {
                calls += outcome.calls;
                let is_refused = |why: &&String| why.contains("17th of calls");
                refused += outcome.too_deep.iter().filter(is_refused).count();
                eprintln!("    {calls} calls, {} run by threads that waited", outcome.on_waiting);
            }
            Err(why) => eprintln!("    round {round}: {why}"),
        }
    }
    let all = "calls of random graphs, 1 to 16 deep, each with its own reply";
    let deep = "calls that would be seventeen deep, refused";
    vec![
        Row::at_least((rounds * each) as f64, all, calls as f64),
        Row::at_least(rounds as f64 * 4.0, deep, refused as f64),
    ]
}
