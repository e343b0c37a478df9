//! The frame service and its story.

use rustix::process::Signal;

use crate::program::Scratch;

const FRAMES: &str = env!("CARGO_BIN_EXE_frames");

#[test]
fn the_story_of_the_frames_happens_as_told() {
    let scratch = Scratch::new();
    let story = scratch.run(FRAMES, &[]);
    assert_eq!(story.code, Some(0), "{}\n{}", story.text(), story.stderr);
    for told in [
        "has submitted 5 frames of 2073600 bytes",
        "came into our own buffer",
        "and nothing was copied",
        "it is still there for whoever looks",
        "samples of 16 bits became samples of 8, in place",
        "and a file in its place, are refused",
        "each told of by an event",
        "stayed as they were, and the camera went on",
        "was killed, and the camera did not notice",
        "everything happened as told",
    ] {
        assert!(story.text().contains(told), "not told: {told}\n{}", story.text());
    }
}

#[test]
fn several_stories_can_be_told_at_a_time() {
    let scratch = Scratch::new();
    let stories = [(); 3].map(|()| scratch.start(FRAMES, &[]));
    stories.iter().for_each(|story| drop(story.wait_for("everything happened as told")));
}

#[test]
fn the_service_ends_as_asked_and_wrong_usage_is_told() {
    let scratch = Scratch::new();
    let mut service = scratch.start(FRAMES, &["serve"]);
    service.wait_for("serving `acme.frames`, Ctrl-C ends");
    assert_eq!(service.signal(Signal::TERM).code(), Some(0));
    assert_eq!(scratch.run(FRAMES, &["server"]).code, Some(2));
    assert_eq!(scratch.run(FRAMES, &["--help"]).code, Some(0));
}

#[test]
fn frames_come_to_whoever_watches_until_it_is_killed() {
    let scratch = Scratch::new();
    let service = scratch.start(FRAMES, &["serve"]);
    service.wait_for("serving");
    let watchers = ["ring 1", "ring 2"].map(|ring| {
        let watcher = scratch.start(FRAMES, &["watch"]);
        service.wait_for(&format!("{ring} is attached, by process {}", watcher.pid()));
        watcher.wait_for("watching");
        watcher
    });
    let camera = scratch.start(FRAMES, &["camera", "--frames", "100000"]);
    let [killed, other] = watchers;
    for watcher in [&killed, &other] {
        // More than there are slots, so slots are used again.
        (0..6).for_each(|_| drop(watcher.wait_for(": 640 by 360, 921600 bytes")));
    }
    killed.kill();
    service.wait_for("ring 1 is run down");
    let submitted = number_of(&camera.wait_for("submitted frame"));
    // It may have missed some: who watches does not hold up the camera.
    while number_of(&other.wait_for("frame")) <= submitted {}
}

/// The number of the frame that a line tells of.
fn number_of(line: &str) -> u64 {
    let (_, number) = line.split_once("frame ").unwrap();
    number.split(':').next().unwrap().parse().unwrap()
}

#[test]
fn a_watcher_says_that_its_service_has_ended() {
    let scratch = Scratch::new();
    let mut service = scratch.start(FRAMES, &["serve"]);
    service.wait_for("serving");
    let watcher = scratch.start(FRAMES, &["watch", "--slots", "64"]);
    watcher.wait_for("watching");
    assert_eq!(service.signal(Signal::TERM).code(), Some(0));
    assert_eq!(watcher.end().code(), Some(1));
    assert_eq!(scratch.run(FRAMES, &["watch", "--slots", "65"]).code, Some(2));
}
