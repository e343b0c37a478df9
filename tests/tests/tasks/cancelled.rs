//! Calls whose futures are dropped: cancelled at the server, and with nothing left behind.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use alpc_rpc::transport::Accelerator;
use alpc_rpc::{AsyncClient, Canceller, PortAttributes, Server, TransportError};
use alpc_tests::club::{ClubAsyncClient, ClubServer, Ear, House};
use alpc_tests::executor::{Task, block_on, join_all};
use alpc_tests::stage::Stage;

/// Far beyond what anything here takes, and the end of a test that hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A club that this process serves.
pub(crate) struct Party {
    pub(crate) stage: Stage,
    pub(crate) house: Arc<House>,
    _server: Server,
}

impl Party {
    pub(crate) fn new(test: &str) -> Party {
        Party::with(test, |attributes| attributes)
    }

    pub(crate) fn with(test: &str, change: impl FnOnce(PortAttributes) -> PortAttributes) -> Party {
        let stage = crate::stage(test);
        let house = Arc::new(House::default());
        let port = Server::bind("club").unwrap().attributes(change(stage.attributes())).workers(4);
        let server = port.serve(ClubServer::new(house.clone())).unwrap();
        Party { stage, house, _server: server }
    }

    pub(crate) fn attributes(&self) -> PortAttributes {
        self.stage.attributes()
    }

    pub(crate) async fn connect(&self) -> ClubAsyncClient {
        ClubAsyncClient::connect_with("club", &self.attributes()).await.unwrap()
    }
}

/// Polls a future once, without being told when to poll it again.
fn poll_once<T>(future: impl Future<Output = T>) -> Poll<T> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Waits until nobody holds the one that tells.
#[track_caller]
fn let_go(hear: &Receiver<String>) {
    assert_eq!(hear.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected));
}

fn a_dropped_call_is_cancelled(party: &Party) {
    block_on(async {
        let club = party.connect().await;
        {
            let mut held = pin!(club.hold("anna"));
            let mut context = Context::from_waker(Waker::noop());
            assert!(held.as_mut().poll(&mut context).is_pending());
            party.house.until_held("anna");
            assert!(held.as_mut().poll(&mut context).is_pending());
        }
        party.house.until_ended("anna cancelled");
        club.release("ben").await.unwrap();
        assert!(club.hold("ben").await.unwrap());
        assert_eq!(club.ends().await.unwrap(), ["anna cancelled", "ben released"]);
    });
}

#[test]
fn dropping_a_call_cancels_it_at_the_server() {
    a_dropped_call_is_cancelled(&Party::new("dropped call"));
}

#[test]
fn dropping_a_call_cancels_it_without_shared_memory() {
    let off = |attributes: PortAttributes| attributes.accelerator(Accelerator::Off);
    a_dropped_call_is_cancelled(&Party::with("dropped call, mirrored", off));
}

#[test]
fn a_token_that_fires_cancels_the_calls_that_look_at_it() {
    let party = Party::new("token of tasks");
    block_on(async {
        let club = party.connect().await;
        let canceller = Canceller::new();
        let looks = club.with_cancel(&canceller.token());
        let house = party.house.clone();
        let firing = std::thread::spawn(move || {
            house.until_held("anna");
            canceller.cancel();
        });
        let cancelled = looks.hold("anna").await.unwrap_err().into_transport();
        assert!(matches!(cancelled, TransportError::Cancelled { may_have_run: true }));
        firing.join().unwrap();
        party.house.until_ended("anna cancelled");
        let cancelled = looks.hold("ben").await.unwrap_err().into_transport();
        assert!(matches!(cancelled, TransportError::Cancelled { may_have_run: false }));
        assert_eq!(club.ends().await.unwrap(), ["anna cancelled"]);
    });
}

#[test]
fn a_call_that_is_never_polled_is_never_made() {
    let party = Party::new("unpolled call");
    block_on(async {
        let club = party.connect().await;
        drop(club.hold("anna"));
        club.release("ben").await.unwrap();
        assert!(club.hold("ben").await.unwrap());
        assert_eq!(club.ends().await.unwrap(), ["ben released"]);
    });
}

/// An object that was given to a call which nobody has heard of is its caller's alone again.
#[test]
fn what_a_call_would_have_given_away_comes_back_if_it_was_never_sent() {
    let party = Party::with("taken back", |attributes| attributes.outstanding_requests(2));
    block_on(async {
        let club = party.connect().await;
        let (told, hear) = channel();
        // So that there are callbacks.
        drop(club.join("first", Ear { name: "first", told }).await.unwrap());
        let_go(&hear);
        // Both credits are gone.
        let held: Vec<Task<'_, bool>> = ["anna", "ben"]
            .into_iter()
            .map(|name| -> Task<'_, bool> {
                let club = club.clone();
                Box::pin(async move { club.hold(name).await.unwrap() })
            })
            .collect();
        let mut held = pin!(join_all(held));
        let mut context = Context::from_waker(Waker::noop());
        assert!(held.as_mut().poll(&mut context).is_pending());
        party.house.until_held("anna");
        party.house.until_held("ben");

        let (told, hear) = channel();
        assert!(poll_once(club.join("carl", Ear { name: "carl", told })).is_pending());
        let_go(&hear);

        let other = party.connect().await;
        other.release("anna").await.unwrap();
        other.release("ben").await.unwrap();
        assert_eq!(held.await, [true, true]);
        assert!(club.find("carl").await.unwrap().is_none());
    });
}

#[test]
fn calls_that_are_dropped_at_any_moment_leave_the_connection_in_order() {
    let party = Party::new("dropped at any moment");
    block_on(async {
        let club = party.connect().await;
        let (told, _hear) = channel();
        let anna = club.join("anna", Ear { name: "anna", told }).await.unwrap();
        for _ in 0..200 {
            let (told, _hear) = channel();
            let _dropped = poll_once(club.join("ben", Ear { name: "ben", told }));
            let _dropped = poll_once(club.find("anna"));
            let _dropped = poll_once(anna.events());
            assert_eq!(anna.ask("how?").await.unwrap(), "anna: how?");
        }
        // What the late answers brought is released by the calls that follow.
        while club.objects().await.unwrap() > 1 {}
        assert_eq!(anna.ask("still?").await.unwrap(), "anna: still?");
    });
}
