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
    member.wait_for("welcome to the session");
    member
}

#[test]
fn the_story_happens_as_told() {
    let scratch = Scratch::new();
    let story = scratch.run(SESSION, &[]);
    assert_eq!(story.code, Some(0), "{}\n{}", story.text(), story.stderr);
    for told in [
        "(shell) is registered as 1",
        "the manager refused: the kernel says that process",
        "shares object 1 with me: the plans",
        "(audio) is gone, its registration is run down",
        "is launched",
        "does not want to end: still writing",
        "session 1: the session ends",
        "everything happened as told",
    ] {
        assert!(story.text().contains(told), "not told: {told}\n{}", story.text());
    }
}

#[test]
fn stories_do_not_meet() {
    let scratch = Scratch::new();
    let stories: Vec<Running> = (0..2).map(|_| scratch.start(SESSION, &[])).collect();
    for story in stories {
        story.wait_for("everything happened as told");
    }
}

#[test]
fn a_manager_notices_the_end_of_each_member() {
    let scratch = Scratch::new();
    let mut manager = manager(&scratch);
    let members: Vec<Running> = (0..8).map(|n| member(&scratch, &format!("m{n}"))).collect();
    assert_eq!(scratch.run(SESSION, &["list"]).text().lines().count(), 8);
    for member in members {
        let pid = member.pid();
        member.kill();
        manager.wait_for(&format!("process {pid} (m"));
    }
    assert_eq!(scratch.run(SESSION, &["list"]).text(), "");
    assert_eq!(manager.signal(Signal::TERM).code(), Some(0));
}

#[test]
fn a_member_that_does_not_answer_does_not_stand_in_the_way() {
    let scratch = Scratch::new();
    let manager = manager(&scratch);
    let mut silent = member(&scratch, "silent");
    let mut objector = member(&scratch, "objector");
    objector.tell("veto not now");
    objector.tell("say vetoed");
    manager.wait_for(": vetoed");
    let refused = scratch.run(SESSION, &["end"]);
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains("does not want to end: not now"), "{}", refused.stderr);
    objector.tell("agree");
    objector.tell("say agreed");
    manager.wait_for(": agreed");
    // Its answer is waited for as long as its interface says, five seconds.
    silent.stop();
    assert_eq!(scratch.run(SESSION, &["end"]).code, Some(0));
    objector.wait_for("the session ends: Logoff");
    silent.signal(Signal::KILL);
}

#[test]
fn a_watcher_is_told_of_what_comes_and_goes() {
    let scratch = Scratch::new();
    let mut manager = manager(&scratch);
    let watcher = scratch.start(SESSION, &["watch"]);
    watcher.wait_for("watching");
    let member = member(&scratch, "shell");
    let pid = member.pid();
    watcher.wait_for(&format!("session 1: process {pid} is there"));
    member.kill();
    watcher.wait_for(&format!("session 1: process {pid} is gone"));
    assert_eq!(manager.signal(Signal::TERM).code(), Some(0));
    assert_eq!(watcher.end().code(), Some(0));
}

#[test]
fn exit_codes_tell_a_refusal_from_wrong_usage_and_a_missing_manager() {
    let scratch = Scratch::new();
    for alone in [&["list"][..], &["end"], &["watch"], &["member", "--image", "x"]] {
        let outcome = scratch.run(SESSION, alone);
        assert_eq!(outcome.code, Some(3), "{}", outcome.stderr);
    }
    let _manager = manager(&scratch);
    let liar = scratch.run(SESSION, &["member", "--image", "x", "--claim-pid", "1"]);
    assert_eq!(liar.code, Some(1), "{}", liar.stderr);
    assert_eq!(scratch.run(SESSION, &["member"]).code, Some(2));
    assert_eq!(scratch.run(SESSION, &["--help"]).code, Some(0));
}
