//! The chat: a server, and guests that come, talk and go.

use rustix::process::Signal;

use crate::program::{Running, Scratch};

const CHAT: &str = env!("CARGO_BIN_EXE_chat");

fn server(scratch: &Scratch) -> Running {
    let server = scratch.start(CHAT, &["server"]);
    server.wait_for("serving `acme.chat`, Ctrl-C ends");
    server
}

fn guest(scratch: &Scratch, nick: &str) -> Running {
    let guest = scratch.start(CHAT, &["join", "hall", nick]);
    guest.wait_for("you are in hall");
    guest
}

#[test]
fn the_story_happens_as_told() {
    let scratch = Scratch::new();
    let story = scratch.run(CHAT, &[]);
    assert_eq!(story.code, Some(0), "{}\n{}", story.text(), story.stderr);
    for told in [
        "1 ada: good morning",
        "bob answers: tea",
        "nobody called zoe is here",
        "36 lines were said, and 432 heard",
        "eve has left",
        "the room `kitchen` is closed",
        "everything happened as told",
    ] {
        assert!(story.text().contains(told), "not told: {told}\n{}", story.text());
    }
}

#[test]
fn a_crowd_hears_every_line_in_one_order() {
    let scratch = Scratch::new();
    let mut server = server(&scratch);
    let crowd = scratch.run(CHAT, &["crowd", "--guests", "20", "--lines", "25", "--json"]);
    assert_eq!(crowd.code, Some(0), "{}", crowd.stderr);
    let outcome: serde_json::Value = serde_json::from_str(crowd.text()).unwrap();
    assert_eq!(outcome["said"], 500);
    let counted = outcome["heard"].as_u64().unwrap() + outcome["missed"].as_u64().unwrap();
    assert!(counted >= 20 * 500, "{outcome}");
    assert_eq!(scratch.run(CHAT, &["rooms"]).text(), "");
    assert_eq!(server.signal(Signal::TERM).code(), Some(0));
}

#[test]
fn who_is_asked_and_does_not_answer_or_is_gone_is_told_apart() {
    let scratch = Scratch::new();
    let _server = server(&scratch);
    let mut ada = guest(&scratch, "ada");
    let bob = guest(&scratch, "bob");
    ada.tell("/ask bob are you there?");
    bob.wait_for("ada asks you");
    // While the server waits for an answer of bob's.
    bob.kill();
    ada.wait_for("bob does not answer");
    ada.wait_for("bob has left");
    ada.tell("/ask bob are you there?");
    ada.wait_for("nobody called bob is here");
}

#[test]
fn guests_notice_that_their_server_is_gone() {
    let scratch = Scratch::new();
    let server = server(&scratch);
    let ada = guest(&scratch, "ada");
    server.kill();
    ada.wait_for("chat: the server is gone");
    assert_eq!(ada.end().code(), Some(1));
}

#[test]
fn exit_codes_tell_a_refusal_from_wrong_usage_and_a_missing_server() {
    let scratch = Scratch::new();
    for alone in [&["rooms"][..], &["watch"], &["crowd"], &["join", "hall", "ada"]] {
        let outcome = scratch.run(CHAT, alone);
        assert_eq!(outcome.code, Some(3), "{}", outcome.stderr);
    }
    let _server = server(&scratch);
    let refused = scratch.run(CHAT, &["join", "hall", "no name"]);
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains("`no name` is no name"), "{}", refused.stderr);
    assert_eq!(scratch.run(CHAT, &["join", "hall"]).code, Some(2));
    assert_eq!(scratch.run(CHAT, &["dance"]).code, Some(2));
    assert_eq!(scratch.run(CHAT, &["--help"]).code, Some(0));
}
