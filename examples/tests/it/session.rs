//! The session manager and its members.

use rustix::process::Signal;

use crate::program::{Running, Scratch};

const SESSION: &str = env!("CARGO_BIN_EXE_session");

fn manager(scratch: &Scratch) -> Running {
    let manager = scratch.start(SESSION, &["manager"]);
    manager.wait_for("serving `acme.session`, Ctrl-C ends");
    manager
}

fn member(scratch: &Scratch, image: &str) -> Running {
    let member = scratch.start(SESSION, &["member", "--image", image]);
    member.wait_for("registered");
    member
}

#[test]
fn the_story_happens_as_told() {
    let scratch = Scratch::new();
    let story = scratch.run(SESSION, &[]);
    assert_eq!(story.code, Some(0), "{}\n{}", story.text(), story.stderr);
    for told in [
        "(shell) is registered as 1",
        "the manager refused: a process can register only itself",
        "(audio) is gone, its registration is run down",
        "(indexer) is gone, its registration is run down",
        "everything happened as told",
    ] {
        assert!(story.text().contains(told), "not told: {told}\n{}", story.text());
    }
}

#[test]
fn a_manager_notices_the_end_of_each_member() {
    let scratch = Scratch::new();
    let mut manager = manager(&scratch);
    let members: Vec<Running> = (0..8).map(|n| member(&scratch, &format!("m{n}"))).collect();
    assert_eq!(scratch.run(SESSION, &["list"]).text().lines().count(), 8);
    for (n, member) in members.into_iter().enumerate() {
        let pid = member.pid();
        member.kill();
        manager.wait_for(&format!("process {pid} (m{n}) is gone"));
    }
    assert_eq!(scratch.run(SESSION, &["list"]).text(), "");
    assert_eq!(manager.signal(Signal::TERM).code(), Some(0));
}

#[test]
fn heartbeats_are_counted() {
    let scratch = Scratch::new();
    let manager = manager(&scratch);
    let mut member = member(&scratch, "shell");
    for beat in 1..=3 {
        member.tell("alive");
        manager.wait_for(&format!("heartbeat {beat} of process {}", member.pid()));
    }
}

#[test]
fn exit_codes_tell_a_refusal_from_wrong_usage_and_a_missing_manager() {
    let scratch = Scratch::new();
    for alone in [&["list"][..], &["member", "--image", "x"]] {
        let outcome = scratch.run(SESSION, alone);
        assert_eq!(outcome.code, Some(3), "{}", outcome.stderr);
    }
    let _manager = manager(&scratch);
    let liar = scratch.run(SESSION, &["member", "--image", "x", "--claim-pid", "1"]);
    assert_eq!(liar.code, Some(1), "{}", liar.stderr);
    assert_eq!(scratch.run(SESSION, &["member"]).code, Some(2));
    assert_eq!(scratch.run(SESSION, &["--help"]).code, Some(0));
}
