//! Async clients in tokio's runtimes: their event loop is the only one that watches.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::task::Poll;
use std::time::Duration;

use alpc_rpc::transport::Accelerator;
use alpc_rpc::{AsyncClient, PortAttributes, TransportError};
use alpc_tests::club::{ClubAsyncClient, ClubServer, Ear, House};
use alpc_tests::roles::TRIAL;
use alpc_tests::stage::Stage;
use alpc_tests::trial::api::TrialAsyncClient;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

fn stage(test: &str) -> Stage {
    Stage::new(test, env!("CARGO_BIN_EXE_peer"))
}

/// A runtime of each kind. Nothing of tokio's but its event loop is needed.
fn runtimes() -> [Runtime; 2] {
    [Builder::new_current_thread(), Builder::new_multi_thread()]
        .map(|mut builder| builder.worker_threads(2).enable_io().build().unwrap())
}

/// No thread of ours has waited for a task.
fn no_driver() {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")));
    // A thread that has just ended has none.
    let names: Vec<_> = names.filter_map(Result::ok).collect();
    assert!(!names.iter().any(|name| name.starts_with("alpc-driver")), "{names:?}");
}

async fn connect(attributes: &PortAttributes) -> TrialAsyncClient {
    TrialAsyncClient::connect_with(TRIAL, attributes).await.unwrap()
}

fn many_calls(test: &str, change: fn(PortAttributes) -> PortAttributes) {
    let stage = stage(test);
    let _server = stage.ready(&["trial", "workers=4"]);
    let attributes = change(stage.attributes());
    for runtime in runtimes() {
        runtime.block_on(async {
            let client = connect(&attributes).await;
            let mut calls = JoinSet::new();
            for number in 0..32 {
                let client = client.clone();
                calls.spawn(async move {
                    for round in 0..50 {
                        assert_eq!(
                            client.add(number, round).await.unwrap(),
                            i64::from(number + round)
                        );
                    }
                    let len = 100_000 + number as usize;
                    let filled = client.fill(number as u8, vec![0; len]).await.unwrap();
                    assert_eq!(filled.into_written(), vec![number as u8; len]);
                });
            }
            while let Some(done) = calls.join_next().await {
                done.unwrap();
            }
        });
        no_driver();
    }
}

#[test]
fn the_runtime_watches_for_many_calls() {
    many_calls("tokio: many calls", |attributes| attributes);
}

#[test]
fn the_runtime_watches_where_no_memory_is_shared() {
    let off = |attributes: PortAttributes| attributes.accelerator(Accelerator::Off);
    many_calls("tokio: many calls, mirrored", off);
}

#[test]
fn all_tasks_of_a_runtime_hear_of_the_servers_death() {
    for runtime in runtimes() {
        let stage = stage("tokio: death");
        let mut server = stage.ready(&["trial", "workers=8", "outstanding=8"]);
        runtime.block_on(async {
            let client = connect(&stage.attributes()).await.without_deadline();
            let mut calls = JoinSet::new();
            for number in 0..12 {
                let client = client.clone();
                // Some wait for a credit.
                calls.spawn(async move { client.wait(&number.to_string()).await });
            }
            let killer = std::thread::spawn(move || {
                for _ in 0..8 {
                    assert!(server.hear().starts_with("waiting "));
                }
                server.kill();
            });
            while let Some(done) = calls.join_next().await {
                let error = done.unwrap().unwrap_err().into_transport();
                assert!(matches!(error, TransportError::Disconnected { .. }), "{error}");
            }
            killer.join().unwrap();
        });
        no_driver();
    }
}

#[test]
fn deadlines_need_no_timer_of_the_runtimes() {
    for runtime in runtimes() {
        let stage = stage("tokio: deadlines");
        let mut server = stage.ready(&["trial"]);
        runtime.block_on(async {
            let client = connect(&stage.attributes()).await;
            let hasty = client.with_timeout(Duration::from_millis(20));
            for round in 0..3 {
                let name = format!("late {round}");
                let error = hasty.wait(&name).await.unwrap_err().into_transport();
                assert!(matches!(error, TransportError::TimedOut { .. }), "{error}");
                server.tell(format!("release {name}"));
            }
        });
        no_driver();
    }
}

/// A task that would watch for others must not be needed for that.
#[test]
fn a_task_that_is_aborted_or_never_polled_again_holds_up_nobody() {
    for runtime in runtimes() {
        let stage = stage("tokio: aborted");
        let house = Arc::new(House::default());
        let port = alpc_rpc::Server::bind("club").unwrap().attributes(stage.attributes());
        let _server = port.workers(4).serve(ClubServer::new(house.clone())).unwrap();
        runtime.block_on(async {
            let club = ClubAsyncClient::connect_with("club", &stage.attributes()).await.unwrap();
            let first = club.clone();
            let aborted = tokio::spawn(async move { first.hold("anna").await });
            let forgotten = club.clone();
            // Polled once, and kept.
            let mut kept = Box::pin(async move { forgotten.hold("ben").await });
            assert!(is_pending(kept.as_mut()).await);
            while !house.is_held("anna") || !house.is_held("ben") {
                tokio::task::yield_now().await;
            }
            let (told, hear) = channel();
            let member = club.join("carl", Ear { name: "carl", told }).await.unwrap();
            assert_eq!(member.ask("still?").await.unwrap(), "carl: still?");
            aborted.abort();
            assert!(aborted.await.unwrap_err().is_cancelled());
            member.note("there").await.unwrap();
            assert_eq!(hear.recv().unwrap(), "there");
            assert_eq!(member.ask("still?").await.unwrap(), "carl: still?");
            club.release("ben").await.unwrap();
            assert!(kept.await.unwrap());
        });
        no_driver();
    }
}

/// Polls a future once. `true`: it is pending.
async fn is_pending<F: Future>(mut future: Pin<&mut F>) -> bool {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}
