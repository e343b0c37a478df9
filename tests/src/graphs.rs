//! Random graphs of calls over four processes, each of which serves the others and calls them.
//!
//! What calls that call on can get wrong shows only where many of them cross: that all threads of two
//! processes wait for each other, that a reply is lost or comes to another call, that what is handed
//! from one thread to another is run twice or not at all. So every graph's value is worked out before,
//! and no call has a deadline that a machine could be too slow for.

mod node;
mod plan;

use crate::stage::Stage;

pub use node::serve;

/// The interfaces by which they call.
#[allow(missing_docs, reason = "the file documents what a reader of the tests needs")]
pub mod api {
    alpc_rpc::include_interface!("graphs");
}

/// What came of a run.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Calls that were made and answered as they must be.
    pub calls: u64,
    /// Those that a thread ran which waited for what they descended from.
    pub on_waiting: u64,
    /// What each process was told where a graph would have been seventeen calls deep.
    pub too_deep: Vec<String>,
}

/// Makes at least so many calls, and gives what came of them.
///
/// # Errors
///
/// The first value that was not the expected one, or the first call that failed.
pub fn run(stage: &Stage, calls: u64, seed: u64) -> Result<Outcome, String> {
    let start = |node: u8| stage.ready(&["graphs", &node.to_string()]);
    let mut peers: Vec<_> = (0..plan::NODES).map(start).collect();
    let each = calls.div_ceil(u64::from(plan::NODES));
    peers.iter_mut().for_each(|peer| peer.tell("meet"));
    peers.iter_mut().for_each(|peer| peer.expect("met"));
    peers.iter_mut().for_each(|peer| peer.tell(format!("run {each} {seed}")));
    let mut outcome = Outcome::default();
    for peer in &mut peers {
        let said = peer.hear();
        let numbers = said.strip_prefix("made ").and_then(|numbers| numbers.split_once(' '));
        let (made, waited) = numbers.ok_or_else(|| said.clone())?;
        outcome.calls += made.parse::<u64>().map_err(|error| error.to_string())?;
        outcome.on_waiting += waited.parse::<u64>().map_err(|error| error.to_string())?;
    }
    outcome.too_deep = peers.iter_mut().map(|peer| peer.ask("deeper")).collect();
    peers.iter_mut().for_each(|peer| peer.tell("end"));
    Ok(outcome)
}
