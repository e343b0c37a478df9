//! Deadlines, errors and the server's end, as tasks hear of them.

use std::time::Duration;

use alpc_rpc::{AsyncClient, CallError, ConnectError, Filled, TransportError, Way};
use alpc_tests::executor::{Task, block_on, join_all};
use alpc_tests::roles::TRIAL;
use alpc_tests::stage::Stage;
use alpc_tests::trial::api::{TrialAsyncClient, TrialError};

use crate::stage;

async fn connect(stage: &Stage) -> TrialAsyncClient {
    TrialAsyncClient::connect_with(TRIAL, &stage.attributes()).await.unwrap()
}

#[test]
fn a_call_ends_at_its_deadline() {
    let stage = stage("deadlines of tasks");
    let mut server = stage.ready(&["trial", "workers=4"]);
    block_on(async {
        let client = connect(&stage).await;
        let hasty = client.with_timeout(Duration::from_millis(20));
        let late = hasty.wait("one").await.unwrap_err();
        assert!(matches!(
            late,
            CallError::Transport(TransportError::TimedOut { may_have_run: true })
        ));
        // The interface's own.
        let late = client.wait_shortly("two").await.unwrap_err();
        assert!(matches!(late, CallError::Transport(TransportError::TimedOut { .. })));
        server.tell("release two");
        let patient = client.without_deadline();
        server.tell("release three");
        patient.wait("three").await.unwrap();
    });
}

#[test]
fn errors_are_those_of_blocking_clients() {
    let stage = stage("errors of tasks");
    let _server = stage.ready(&["trial"]);
    block_on(async {
        let client = connect(&stage).await;
        let error = client.ask("anything").await.unwrap_err();
        assert!(
            matches!(error, CallError::App(TrialError::Unknown { what }) if what == "anything")
        );
        let error = client.measure("").await.unwrap_err().into_transport();
        assert!(matches!(error, TransportError::BoundExceeded { may_have_run: false, .. }));
        let error = client.panic("as it is meant to").await.unwrap_err().into_transport();
        assert!(error.may_have_run(), "{error}");
        let nobody = TrialAsyncClient::connect_with("tests.nobody", &stage.attributes()).await;
        assert!(matches!(nobody, Err(ConnectError::NotFound { .. })));
    });
}

#[test]
fn buffers_go_in_and_come_back() {
    let stage = stage("buffers of tasks");
    let _server = stage.ready(&["trial"]);
    block_on(async {
        let client = connect(&stage).await;
        // By message, by section, and where it would have gone directly.
        for len in [0, 10, 100_000, 20_000_000] {
            let calls = |client: TrialAsyncClient| async move {
                let filled: Filled<u8> = client.fill(9, vec![1; len]).await.unwrap();
                assert_eq!((filled.written, filled.as_written().len()), (len, len));
                assert!(filled.buffer.iter().all(|byte| *byte == 9));
                let back = client.fill(3, filled.into_written()).await.unwrap();
                assert!(back.buffer.iter().all(|byte| *byte == 3));
                assert_eq!(client.upload(&back.buffer).await.unwrap(), len as u64);
            };
            let ((), info) = client.observed(calls).await;
            assert!(info.bulk.iter().all(|how| how.way != Way::Direct), "{info:?}");
            assert!(info.bulk.len() >= 3, "{info:?}");
        }
    });
}

#[test]
fn many_calls_of_one_thread_wait_at_once() {
    let stage = stage("many tasks");
    let _server = stage.ready(&["trial", "workers=8"]);
    block_on(async {
        let client = connect(&stage).await;
        // They wait for each other, so that all of them have to be there.
        let tasks = (0..8).map(|number| -> Task<'_, u64> {
            let client = &client;
            Box::pin(async move { client.meet(8, number).await.unwrap() })
        });
        assert_eq!(join_all(tasks).await, (0..8).collect::<Vec<_>>());
    });
}

#[test]
fn all_tasks_hear_of_the_servers_death() {
    let stage = stage("death and tasks");
    let mut server = stage.ready(&["trial", "workers=8", "outstanding=8"]);
    block_on(async {
        let client = connect(&stage).await.without_deadline();
        let mut tasks: Vec<Task<'_, TransportError>> = (0..8)
            .map(|number: u32| -> Task<'_, TransportError> {
                let client = &client;
                Box::pin(async move {
                    client.wait(&number.to_string()).await.unwrap_err().into_transport()
                })
            })
            .collect();
        let (told, hear) = std::sync::mpsc::channel();
        let killer = std::thread::spawn(move || {
            for _ in 0..8 {
                assert!(server.hear().starts_with("waiting "));
            }
            hear.recv().unwrap();
            server.kill();
        });
        // One more waits for a credit.
        let queued = &client;
        tasks.push(Box::pin(async move {
            told.send(()).unwrap();
            queued.add(1, 1).await.unwrap_err().into_transport()
        }));
        for error in join_all(tasks).await {
            assert!(matches!(error, TransportError::Disconnected { .. }), "{error}");
        }
        killer.join().unwrap();
        let error = client.add(1, 1).await.unwrap_err().into_transport();
        assert!(matches!(error, TransportError::Disconnected { may_have_run: false }), "{error}");
    });
}
