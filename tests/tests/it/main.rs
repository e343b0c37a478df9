//! Tests that cross processes, and tests of what the crates promise to be.

mod architecture;
mod bad_input;
mod bounds;
mod calls;
mod graphs;
mod idle;
mod inheritance;
mod marks;
mod types;
mod ways;

use alpc_tests::stage::Stage;

/// A place for the test of this name.
fn stage(test: &str) -> Stage {
    Stage::new(test, env!("CARGO_BIN_EXE_peer"))
}
