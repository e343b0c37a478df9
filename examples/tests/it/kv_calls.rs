//! The key-value store, called as a library's client calls it.

use std::thread;
use std::time::SystemTime;

use alpc_examples::kv::interface::{KeyValueClient, KvError, PAGE, PutFlags};
use alpc_rpc::PortAttributes;
use alpc_rpc::prelude::*;
use alpc_rpc::transport::Directory;

use crate::program::{PATIENCE, Running, Scratch};

const ANY: PutFlags = PutFlags::CREATE.union(PutFlags::REPLACE);

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
        let version = kv.put("key", &value, ANY, None).unwrap();
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
    connect(&scratch).put("count", b"0", PutFlags::CREATE, None).unwrap();
    let count = || {
        let kv = connect(&scratch);
        for _ in 0..times {
            loop {
                let (count, version) = kv.get("count").unwrap();
                let count: u32 = String::from_utf8(count).unwrap().parse().unwrap();
                let next = (count + 1).to_string();
                match kv.put("count", next.as_bytes(), ANY, Some(version)).split().unwrap() {
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
            kv.put(&format!("{client}.{n}"), b"x", ANY, None).unwrap();
        }
    };
    thread::scope(|scope| (0..4).for_each(|client| drop(scope.spawn(move || put(client)))));
    server.kill();
    let _server = serve(&scratch, &["--data", &data]);
    // The interface gives it a second, which is short on a busy machine.
    let stats = connect(&scratch).with_timeout(PATIENCE).stats().unwrap();
    assert_eq!((stats.keys, stats.version), (80, 80));
}

#[test]
fn flags_say_which_keys_a_value_is_for() {
    let scratch = Scratch::new();
    let _server = serve(&scratch, &[]);
    let kv = connect(&scratch);
    let put = |flags, if_version| kv.put("key", b"x", flags, if_version).split().unwrap();
    assert_eq!(put(PutFlags::REPLACE, None), Err(KvError::NotFound));
    assert_eq!(put(PutFlags::CREATE, None), Ok(1));
    assert_eq!(put(PutFlags::CREATE, None), Err(KvError::Conflict { current: 1 }));
    assert_eq!(put(PutFlags::REPLACE, Some(1)), Ok(2));
    assert_eq!(put(PutFlags::NONE, None), Err(KvError::Unsupported(PutFlags::NONE)));
    // A client of a later version asks for what this store does not know, and is told so.
    let later = ANY | PutFlags::from_bits(0x100);
    assert_eq!(put(later, None), Err(KvError::Unsupported(later)));
    assert_eq!(
        KvError::Unsupported(later).to_string(),
        "this store does not know what is meant by PutFlags(CREATE | REPLACE | 0x100)"
    );
}

#[test]
fn a_scan_tells_of_every_entry_page_by_page() {
    let scratch = Scratch::new();
    let _server = serve(&scratch, &[]);
    let kv = connect(&scratch);
    let before = SystemTime::now();
    for n in 0..PAGE + 3 {
        kv.put(&format!("user/{n:04}"), b"four", ANY, None).unwrap();
    }
    kv.put("other", b"", ANY, None).unwrap();

    let first = kv.scan("user/", None).unwrap();
    assert_eq!((first.len() as u64, first[0].key.as_str()), (PAGE, "user/0000"));
    assert_eq!((first[9].version, first[9].bytes), (10, 4));
    assert!(first.iter().all(|entry| entry.modified.is_some_and(|modified| modified >= before)));
    let rest = kv.scan("user/", Some(&first[255].key)).unwrap();
    let keys: Vec<&str> = rest.iter().map(|entry| entry.key.as_str()).collect();
    assert_eq!(keys, ["user/0256", "user/0257", "user/0258"]);
    assert_eq!(kv.scan("", Some("user/0258")).unwrap(), []);
}
