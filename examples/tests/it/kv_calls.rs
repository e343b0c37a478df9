//! The key-value store, called as a library's client calls it.

use std::thread;

use alpc_examples::kv::interface::{KeyValueClient, KvError};
use alpc_rpc::PortAttributes;
use alpc_rpc::prelude::*;
use alpc_rpc::transport::Directory;

use crate::program::{PATIENCE, Running, Scratch};

fn serve(scratch: &Scratch, arguments: &[&str]) -> Running {
    let server = scratch.start(env!("CARGO_BIN_EXE_kv_server"), arguments);
    server.wait_for("serving");
    server
}

fn connect(scratch: &Scratch) -> KeyValueClient {
    // A test runs beside others, so it does not change its environment.
    let directory = Directory::at(scratch.path()).unwrap();
    let attributes = PortAttributes::new().directory(directory);
    KeyValueClient::connect_with("acme.kv", &attributes).unwrap()
}

#[test]
fn read_fills_the_callers_own_buffer_and_no_more() {
    let scratch = Scratch::new();
    let _server = serve(&scratch, &[]);
    let kv = connect(&scratch);
    // Each of the ways by which bulk data travels.
    for len in [10, 10_000, 1_000_000, 40_000_000] {
        let value: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
        let version = kv.put("key", &value, None).unwrap();
        let mut buf = vec![0xee; len];
        let part = len / 2;
        assert_eq!(
            kv.read("key", part as u64, &mut buf).unwrap(),
            (len - part, len as u64, version)
        );
        assert!(buf[..len - part] == value[part..], "{len}: what was asked for");
        assert!(buf[len - part..].iter().all(|byte| *byte == 0xee), "{len}: and not a byte more");
        assert_eq!(kv.read("key", u64::MAX, &mut buf).unwrap(), (0, len as u64, version));
    }
}

#[test]
fn clients_that_count_together_lose_no_count() {
    let scratch = Scratch::new();
    let _server = serve(&scratch, &[]);
    let (clients, times) = (4, 50);
    connect(&scratch).create("count", b"0").unwrap();
    let count = || {
        let kv = connect(&scratch);
        for _ in 0..times {
            loop {
                let (count, version) = kv.get("count").unwrap();
                let count: u32 = String::from_utf8(count).unwrap().parse().unwrap();
                let next = (count + 1).to_string();
                match kv.put("count", next.as_bytes(), Some(version)).split().unwrap() {
                    Ok(_) => break,
                    // Somebody else was faster: look again.
                    Err(KvError::Conflict { .. }) => {}
                    Err(other) => panic!("{other}"),
                }
            }
        }
    };
    thread::scope(|scope| (0..clients).for_each(|_| drop(scope.spawn(count))));
    let (count, version) = connect(&scratch).get("count").unwrap();
    assert_eq!(count, (clients * times).to_string().as_bytes());
    assert_eq!(version, clients * times + 1, "each count is one change, and one is the first");
}

#[test]
fn clients_that_write_together_lose_nothing_from_the_file() {
    let scratch = Scratch::new();
    let data = scratch.file("data");
    let server = serve(&scratch, &["--data", &data]);
    let put = |client: u32| {
        let kv = connect(&scratch);
        for n in 0..20 {
            kv.put(&format!("{client}.{n}"), b"x", None).unwrap();
        }
    };
    thread::scope(|scope| (0..4).for_each(|client| drop(scope.spawn(move || put(client)))));
    server.kill();
    let _server = serve(&scratch, &["--data", &data]);
    // The interface gives it a second, which is short on a busy machine.
    let stats = connect(&scratch).with_timeout(PATIENCE).stats().unwrap();
    assert_eq!((stats.keys, stats.version), (80, 80));
}
