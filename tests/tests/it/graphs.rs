//! Calls that call on, over four processes.

use alpc_tests::graphs;

use crate::stage;

/// Calls that the test makes: a sample of what `--bin asynchrony -- --long` makes.
const CALLS: u64 = 10_000;

#[test]
fn every_call_of_random_graphs_gets_its_own_reply() {
    let stage = stage("random graphs");
    let outcome = graphs::run(&stage, CALLS, 1).unwrap_or_else(|why| panic!("{why}"));
    assert!(outcome.calls >= CALLS, "{outcome:?}");
    assert!(outcome.on_waiting > 0, "nothing was handed to a thread that waited: {outcome:?}");
    let refusal = "the call would be the 17th of calls that wait for each other, where 16 are \
                   allowed; the handler did not run";
    assert_eq!(outcome.too_deep, [refusal; 4]);
}
