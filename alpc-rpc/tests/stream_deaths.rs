//! What becomes of streams when a process at one of their ends is killed.
//!
//! The other process is this program again, which runs the test `role` alone.

mod mill;
mod peer;

use std::path::{Path, PathBuf};

use alpc_rpc::prelude::*;
use alpc_rpc::transport::Accelerator;
use alpc_rpc::{CallError, Deadline, Items, SendError};

use mill::{ACCELERATORS, MillClient, NAME, PATIENCE, Stones, attributes, grain};
use peer::{FOLDER, Peer, ROLE, say, wait};

fn connect(folder: &Path, accelerator: Accelerator) -> MillClient {
    let attributes = attributes(folder).accelerator(accelerator);
    MillClient::connect_with(NAME, &attributes).unwrap().with_timeout(PATIENCE)
}

fn folder(name: &str, accelerator: Accelerator) -> PathBuf {
    let name = format!("alpc-mill-{name}-{accelerator:?}-{}", std::process::id());
    std::env::temp_dir().join(name)
}

/// What another process does. In the test's own process it is nothing.
#[test]
fn role() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let folder = std::env::var(FOLDER).unwrap();
    let folder = Path::new(&folder);
    let accelerator = match role.ends_with("Off") {
        true => Accelerator::Off,
        false => Accelerator::On,
    };
    match role.split(' ').next().unwrap() {
        "server" => {
            let stones = Stones::default();
            // Lines that nobody feeds.
            let sinks = stones.sinks();
            let _server = mill::serve(folder, &stones, |server| server.workers(4));
            say("ready");
            wait();
            drop(sinks);
        }
        "taker" => {
            let mill = connect(folder, accelerator);
            let mut grains = mill.grind(0, u64::MAX).unwrap();
            let mut line = mill.line(1).unwrap();
            assert_eq!(grains.next().unwrap().unwrap(), grain(0));
            assert_eq!(line.next().unwrap().unwrap(), 1);
            say("ready");
            wait();
        }
        "giver" => {
            let mill = connect(folder, accelerator);
            let (sink, items) = Items::channel(1);
            mill.pour(items).unwrap();
            sink.send(1).unwrap();
            say("ready");
            wait();
        }
        _ => panic!("nobody plays {role}"),
    }
}

#[test]
fn a_client_that_is_killed_ends_what_makes_its_items() {
    for accelerator in ACCELERATORS {
        let folder = folder("taker", accelerator);
        let stones = Stones::default();
        let (sinks, told) = (stones.sinks(), stones.poured());
        let _server = mill::serve(&folder, &stones, |server| server.workers(4));
        let feeding = std::thread::spawn(move || {
            let sink = sinks.recv_timeout(PATIENCE).unwrap();
            let mut sent = 0;
            // It waits for room when the other process is killed.
            while sink.send_until(sent + 1, Deadline::NEVER).is_ok() {
                sent += 1;
            }
            assert!(sink.is_cancelled());
            sent
        });
        let mut peer = Peer::start(&format!("taker {accelerator:?}"), &folder);
        peer.kill();
        assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "dropped");
        assert!(feeding.join().unwrap() >= 1);
        let _gone = std::fs::remove_dir_all(&folder);
    }
}

#[test]
fn a_server_that_is_killed_ends_its_streams_with_an_error() {
    for accelerator in ACCELERATORS {
        let folder = folder("server", accelerator);
        let mut peer = Peer::start("server", &folder);
        let mill = connect(&folder, accelerator);
        let mut grains = mill.grind(0, u64::MAX).unwrap();
        let mut line = mill.line(1).unwrap();
        grains.next().unwrap().unwrap();
        // What is given to it, too.
        let (sink, items) = Items::channel(1);
        let summing = std::thread::spawn({
            let mill = mill.clone();
            move || mill.sum(items, u64::MAX)
        });
        sink.send(1).unwrap();
        let waiting = std::thread::spawn(move || (line.next(), line.next().is_none()));
        peer.kill();
        let (error, is_over) = waiting.join().unwrap();
        let error = error.unwrap().unwrap_err().into_transport();
        assert!(matches!(error, TransportError::Disconnected { may_have_run: true }), "{error}");
        assert!(is_over);
        // Those that had come are still there.
        let error = grains.find_map(Result::err).unwrap().into_transport();
        assert!(matches!(error, TransportError::Disconnected { may_have_run: true }), "{error}");
        assert!(matches!(summing.join().unwrap(), Err(CallError::Transport(_))));
        while sink.send(2) != Err(SendError::Cancelled(2)) {}
        let _gone = std::fs::remove_dir_all(&folder);
    }
}

#[test]
fn a_client_that_is_killed_ends_the_streams_that_it_gave() {
    for accelerator in ACCELERATORS {
        let folder = folder("giver", accelerator);
        let stones = Stones::default();
        let poured = stones.poured();
        let _server = mill::serve(&folder, &stones, |server| server.workers(4));
        let mut peer = Peer::start(&format!("giver {accelerator:?}"), &folder);
        assert_eq!(poured.recv_timeout(PATIENCE).unwrap(), "1");
        peer.kill();
        let text = poured.recv_timeout(PATIENCE).unwrap();
        assert!(text.starts_with("the server went away"), "{text}");
        assert_eq!(poured.recv_timeout(PATIENCE).unwrap(), "end");
        let _gone = std::fs::remove_dir_all(&folder);
    }
}
