//! Async clients: what calls are that are waited for in tasks, and what becomes of those that are not.

mod cancelled;
mod deadlines;
mod objects;
mod runtimes;

use alpc_tests::stage::Stage;

/// A place for the test of this name.
fn stage(test: &str) -> Stage {
    Stage::new(test, env!("CARGO_BIN_EXE_peer"))
}
