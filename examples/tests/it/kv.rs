//! The key-value store, by its two programs.

use std::time::Instant;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::program::{Outcome, PATIENCE, Running, Scratch};

const SERVER: &str = env!("CARGO_BIN_EXE_kv_server");
const CLIENT: &str = env!("CARGO_BIN_EXE_kv_client");

fn serve(scratch: &Scratch, arguments: &[&str]) -> Running {
    let server = scratch.start(SERVER, arguments);
    server.wait_for("serving `acme.kv`, Ctrl-C ends");
    server
}

fn client(scratch: &Scratch, arguments: &[&str]) -> Outcome {
    scratch.run(CLIENT, arguments)
}

/// Runs a command with `--json`, and gives its exit code and what it printed.
#[track_caller]
fn json_of(scratch: &Scratch, arguments: &[&str]) -> (Option<i32>, Value) {
    let outcome = client(scratch, &[arguments, &["--json"]].concat());
    (outcome.code, serde_json::from_str(outcome.text()).unwrap())
}

#[test]
fn what_is_put_can_be_got_read_and_deleted() {
    let scratch = Scratch::new();
    let _server = serve(&scratch, &[]);
    assert_eq!(client(&scratch, &["put", "answer", "42"]).text(), "stored as version 1");
    assert_eq!(client(&scratch, &["get", "answer"]).stdout, b"42");
    let part = json!({ "key": "answer", "value": "2", "offset": 1, "total": 2, "version": 1 });
    assert_eq!(json_of(&scratch, &["read", "answer", "--offset", "1"]), (Some(0), part));
    let deleted = json!({ "key": "answer", "deleted": true });
    assert_eq!(json_of(&scratch, &["delete", "answer"]), (Some(0), deleted));
    let (code, gone) = json_of(&scratch, &["get", "answer"]);
    assert_eq!((code, &gone["error"]), (Some(1), &json!("not_found")));
}

#[test]
fn large_values_of_any_bytes_come_back_as_they_were() {
    let scratch = Scratch::new();
    let _server = serve(&scratch, &[]);
    let (file, value) =
        (scratch.file("large"), (0..5_000_000u32).map(|i| (i.wrapping_mul(i) >> 7) as u8));
    let value: Vec<u8> = value.collect();
    std::fs::write(&file, &value).unwrap();
    assert_eq!(client(&scratch, &["put", "large", "--file", &file]).code, Some(0));
    assert!(client(&scratch, &["get", "large"]).stdout == value);
    let part = client(&scratch, &["read", "large", "--offset", "4999990", "--len", "100"]);
    assert_eq!(part.stdout, value[4_999_990..]);
    assert_eq!(part.stderr, "10 bytes from 4999990 on, of 5000000 in version 1\n");
}

#[test]
fn a_value_survives_the_servers_sudden_death() {
    let scratch = Scratch::new();
    let data = scratch.file("data");
    let server = serve(&scratch, &["--data", &data]);
    assert_eq!(client(&scratch, &["put", "a", "1"]).code, Some(0));
    assert_eq!(client(&scratch, &["put", "b", "2"]).code, Some(0));
    assert_eq!(client(&scratch, &["delete", "a"]).code, Some(0));
    server.kill();

    let server = scratch.start(SERVER, &["--data", &data]);
    server.wait_for("loaded 1 keys");
    server.wait_for("serving");
    let kept = json!({ "key": "b", "value": "2", "version": 2 });
    assert_eq!(json_of(&scratch, &["get", "b"]), (Some(0), kept));
    let next = json!({ "key": "a", "version": 3 });
    assert_eq!(json_of(&scratch, &["put", "a", "again"]), (Some(0), next));
}

#[test]
fn a_conflict_is_an_exit_code_and_tells_the_version() {
    let scratch = Scratch::new();
    let _server = serve(&scratch, &[]);
    assert_eq!(client(&scratch, &["put", "a", "1"]).code, Some(0));
    let conflict = json!({
        "error": "conflict",
        "current": 1,
        "message": "the entry is now at version 1",
    });
    for arguments in [["put", "a", "2", "--if-version=9"], ["put", "a", "2", "--create"]] {
        assert_eq!(json_of(&scratch, &arguments), (Some(1), conflict.clone()));
    }
    assert_eq!(json_of(&scratch, &["delete", "a", "--if-version", "9"]), (Some(1), conflict));
    let said = client(&scratch, &["put", "a", "2", "--if-version", "9"]).stderr;
    assert_eq!(said, "kv_client: the entry is now at version 1\n");
    assert_eq!(client(&scratch, &["put", "a", "2", "--if-version", "1"]).code, Some(0));
}

#[test]
fn keys_are_listed_with_what_is_known_of_them() {
    let scratch = Scratch::new();
    let _server = serve(&scratch, &[]);
    for key in ["b/2", "a", "b/1"] {
        assert_eq!(client(&scratch, &["put", key, "four"]).code, Some(0));
    }
    assert_eq!(client(&scratch, &["put", "b/1", "longer", "--replace"]).code, Some(0));
    assert_eq!(client(&scratch, &["put", "c", "1", "--replace"]).code, Some(1));
    let (code, listed) = json_of(&scratch, &["list", "b/"]);
    let entries = listed["entries"].as_array().unwrap();
    assert_eq!((code, entries.len()), (Some(0), 2));
    assert_eq!((&entries[0]["key"], &entries[0]["version"]), (&json!("b/1"), &json!(4)));
    assert_eq!((&entries[0]["bytes"], &entries[1]["key"]), (&json!(6), &json!("b/2")));
    assert!(entries[0]["age"].is_u64());
    assert_eq!(client(&scratch, &["list"]).text().lines().count(), 3);
}

#[test]
fn the_stores_limits_hold() {
    let scratch = Scratch::new();
    let _server = serve(&scratch, &["--max-value", "10"]);
    assert_eq!(client(&scratch, &["put", "a", "0123456789"]).code, Some(0));
    let (code, refused) = json_of(&scratch, &["put", "a", "0123456789X"]);
    assert_eq!(
        (code, &refused["error"], &refused["limit"]),
        (Some(1), &json!("too_large"), &json!(10))
    );
    let long = client(&scratch, &["get", &"k".repeat(257)]);
    assert_eq!(long.code, Some(2));
    assert!(long.stderr.contains("257 bytes long; the interface allows 1 to 256"));
}

#[test]
fn who_watches_is_told_of_each_key_that_makes_room() {
    let scratch = Scratch::new();
    // Room for two entries: each takes 128 bytes beside its key and its value.
    let mut server = serve(&scratch, &["--capacity", "300"]);
    let watchers = [&["watch"][..], &["watch", "--json"]].map(|arguments| {
        let watcher = scratch.start(CLIENT, arguments);
        watcher.wait_for("watching");
        watcher
    });
    for key in ["a", "b"] {
        assert_eq!(client(&scratch, &["put", key, "1"]).code, Some(0));
    }
    // A use of the older one, so that the other makes room; and a key that goes because it is told to.
    assert_eq!(client(&scratch, &["get", "a"]).stdout, b"1");
    assert_eq!(client(&scratch, &["put", "c", "1"]).code, Some(0));
    assert_eq!(client(&scratch, &["delete", "a"]).code, Some(0));
    for key in ["d", "e"] {
        assert_eq!(client(&scratch, &["put", key, "1"]).code, Some(0));
    }
    let [text, json] = &watchers;
    assert_eq!([text.next_line(), text.next_line()], ["b", "c"]);
    assert_eq!([json.next_line(), json.next_line()], [r#"{"evicted":"b"}"#, r#"{"evicted":"c"}"#]);
    assert_eq!(json_of(&scratch, &["stats"]).1["evicted"], 2);

    assert_eq!(server.signal(Signal::TERM).code(), Some(0));
    for watcher in watchers {
        assert_eq!(watcher.end().code(), Some(3), "the store is gone");
    }
}

#[test]
fn who_watches_and_is_killed_is_no_trouble_to_the_store() {
    let scratch = Scratch::new();
    let _server = serve(&scratch, &["--capacity", "150"]);
    let watchers = ["first", "second"].map(|_| {
        let watcher = scratch.start(CLIENT, &["watch"]);
        watcher.wait_for("watching");
        watcher
    });
    let [killed, other] = watchers;
    killed.kill();
    for key in ["a", "b", "c"] {
        assert_eq!(client(&scratch, &["put", key, "1"]).code, Some(0));
    }
    assert_eq!([other.next_line(), other.next_line()], ["a", "b"]);
}

#[test]
fn a_touch_arrives_though_its_client_does_not_wait() {
    let scratch = Scratch::new();
    let _server = serve(&scratch, &[]);
    client(&scratch, &["put", "a", "1"]);
    assert_eq!(client(&scratch, &["touch", "a"]).code, Some(0));
    let start = Instant::now();
    while json_of(&scratch, &["stats"]).1["touched"] != 1 {
        assert!(start.elapsed() < PATIENCE, "the touch never arrived");
    }
}

#[test]
fn the_server_tells_who_comes_and_who_leaves() {
    let scratch = Scratch::new();
    let server = serve(&scratch, &[]);
    client(&scratch, &["put", "a", "1"]);
    let came = server.wait_for("connected");
    let left = server.wait_for("left");
    assert_eq!(came.strip_suffix(" connected"), left.strip_suffix(" left"));
}

#[test]
fn ctrl_c_is_an_orderly_end() {
    let scratch = Scratch::new();
    for signal in [Signal::INT, Signal::TERM] {
        let mut server = serve(&scratch, &[]);
        client(&scratch, &["put", "a", "1"]);
        assert_eq!(server.signal(signal).code(), Some(0), "{signal:?}");
        server.wait_for("ended");
        assert!(!scratch.path().join("acme.kv/sock").exists(), "the port is still there");
    }
}

#[test]
fn a_change_that_cannot_be_saved_is_not_made() {
    let scratch = Scratch::new();
    let (folder, away) = (scratch.file("folder"), scratch.file("away"));
    std::fs::create_dir(&folder).unwrap();
    let _server = serve(&scratch, &["--data", &format!("{folder}/data")]);
    client(&scratch, &["put", "a", "1"]);

    std::fs::rename(&folder, &away).unwrap();
    for change in [&["put", "a", "2"][..], &["delete", "a"]] {
        let (code, refused) = json_of(&scratch, change);
        assert_eq!((code, &refused["error"]), (Some(1), &json!("not_saved")));
    }
    assert_eq!(client(&scratch, &["get", "a"]).stdout, b"1");

    std::fs::rename(&away, &folder).unwrap();
    assert_eq!(client(&scratch, &["put", "a", "2"]).text(), "stored as version 2");
}

#[test]
fn a_damaged_file_is_refused_and_left_alone() {
    let scratch = Scratch::new();
    let data = scratch.file("data");
    serve(&scratch, &["--data", &data]);
    client(&scratch, &["put", "a", "1"]);
    std::fs::write(&data, b"acme.kv data 1\n\0 and then something else").unwrap();
    let outcome = scratch.run(SERVER, &["--data", &data]);
    assert_eq!(outcome.code, Some(1));
    let end = "is damaged: its checksum does not match; put a copy in its place, or move it away\n";
    assert!(outcome.stderr.ends_with(end), "{}", outcome.stderr);
    assert!(std::fs::read(&data).unwrap().ends_with(b"something else"));
}

#[test]
fn two_servers_do_not_share_a_file_or_a_name() {
    let scratch = Scratch::new();
    let data = scratch.file("data");
    let _server = serve(&scratch, &["--data", &data]);
    let second = scratch.run(SERVER, &["--data", &data, "--name", "other"]);
    assert_eq!(second.code, Some(1));
    assert!(second.stderr.contains("another server has"), "{}", second.stderr);
    let second = scratch.run(SERVER, &[]);
    assert_eq!(second.code, Some(1));
    assert!(second.stderr.contains("acme.kv"), "{}", second.stderr);
}

#[test]
fn exit_codes_tell_wrong_usage_from_a_missing_store() {
    let scratch = Scratch::new();
    let nobody = client(&scratch, &["get", "a"]);
    assert_eq!(nobody.code, Some(3));
    assert!(nobody.stderr.contains("is its server running?"), "{}", nobody.stderr);
    let (code, nobody) = json_of(&scratch, &["get", "a"]);
    assert_eq!((code, &nobody["error"]), (Some(3), &json!("no_store")));
    for wrong in [
        &["got", "a"][..],
        &["get"],
        &["get", "a", "b"],
        &["get", "a", "--if-version", "1"],
        &["put", "a"],
        &["put", "a", "b", "--create", "--if-version", "1"],
        &["put", "a", "b", "--create", "--replace"],
        &["put", "a", "--file", "/does/not/exist"],
        &["read", "a", "--len", "99999999999"],
    ] {
        assert_eq!(client(&scratch, wrong).code, Some(2), "{wrong:?}");
    }
    assert_eq!(scratch.run(SERVER, &["--capacity", "much"]).code, Some(2));
    for program in [SERVER, CLIENT] {
        assert_eq!(scratch.run(program, &["--help"]).code, Some(0));
    }
}
