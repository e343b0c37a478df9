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
