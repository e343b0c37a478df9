//! What goes wrong between two processes, what each is told of it, and that the other side goes on.

mod death;
mod disagreed;
mod failed;
mod refused;
mod undecodable;

use alpc_rpc::{CallError, TransportError};
use alpc_tests::trial::api::{TrialClient, TrialError};
use expect_test::Expect;

use crate::bounds::kind;

/// The whole text of a failed call, and its kind.
#[track_caller]
fn check<T: std::fmt::Debug, E: std::fmt::Debug>(
    result: Result<T, CallError<E>>,
    expected: &Expect,
) -> TransportError {
    let CallError::Transport(error) = result.expect_err("it goes wrong") else {
        panic!("the interface's own error")
    };
    expected.assert_eq(&format!("{}\n{error}", kind(&error)));
    error
}

/// Everybody else's calls work.
#[track_caller]
fn honest(client: &TrialClient) {
    assert_eq!(client.add(20, 3).unwrap(), 23);
    let error = client.ask("x").unwrap_err();
    assert_eq!(error.app(), Some(&TrialError::Unknown { what: "x".to_owned() }));
}
