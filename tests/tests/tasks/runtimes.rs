//! Calls whose tokio runtime ends, or stands still, beside others that go on.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use alpc_tests::executor::block_on;
use tokio::runtime::{Builder, Runtime};

use crate::cancelled::Party;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_io().build().unwrap()
}

#[test]
fn a_connection_outlives_the_runtime_that_it_was_made_in() {
    let party = Party::new("runtimes end");
    let first = runtime();
    let club = first.block_on(party.connect());
    assert!(first.block_on(club.find("nobody")).unwrap().is_none());
    drop(first);
    assert!(block_on(club.find("nobody")).unwrap().is_none());
    assert!(runtime().block_on(club.find("nobody")).unwrap().is_none());
    assert!(block_on(club.find("nobody")).unwrap().is_none());
}

#[test]
fn a_runtime_that_stands_still_holds_up_nobody_else() {
    let party = Party::new("a runtime stands still");
    let still = runtime();
    let club = still.block_on(party.connect());
    assert!(still.block_on(club.find("nobody")).unwrap().is_none());
    // From here on it is not run, and would watch.
    assert!(runtime().block_on(club.find("nobody")).unwrap().is_none());
    assert!(block_on(club.find("nobody")).unwrap().is_none());
    let blocking = alpc_tests::club::ClubClient::from(club.clone());
    assert!(blocking.find("nobody").unwrap().is_none());
    assert!(still.block_on(club.find("nobody")).unwrap().is_none());
}

#[test]
fn a_call_that_waits_goes_on_when_its_runtime_ends() {
    let party = Party::new("a runtime ends under a call");
    let ends = runtime();
    let club = ends.block_on(party.connect());
    let mut held = pin!(club.hold("anna"));
    {
        let _inside = ends.enter();
        let mut context = Context::from_waker(Waker::noop());
        assert!(held.as_mut().poll(&mut context).is_pending());
        party.house.until_held("anna");
        assert!(held.as_mut().poll(&mut context).is_pending());
    }
    drop(ends);
    let other = block_on(party.connect());
    block_on(other.release("anna")).unwrap();
    assert!(block_on(held).unwrap());
}
