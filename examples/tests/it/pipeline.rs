//! The pipeline: three processes, and what becomes of the others when the one in the middle is killed.

use rustix::process::Signal;

use crate::program::{Running, Scratch};

const PIPELINE: &str = env!("CARGO_BIN_EXE_pipeline");
const SMALL: [&str; 4] = ["--width", "160", "--height", "120"];

/// A camera and a meter.
fn ends(scratch: &Scratch) -> (Running, Running) {
    let camera = scratch.start(PIPELINE, &[&["camera"][..], &SMALL].concat());
    camera.wait_for("serving `acme.pipeline.camera`");
    let meter = scratch.start(PIPELINE, &["meter"]);
    meter.wait_for("serving `acme.pipeline.meter`");
    (camera, meter)
}

#[test]
fn a_film_goes_through_three_processes_and_is_what_it_was() {
    let scratch = Scratch::new();
    let run = scratch.run(PIPELINE, &[&["--frames", "40", "--json"][..], &SMALL].concat());
    assert_eq!(run.code, Some(0), "{}\n{}", run.text(), run.stderr);
    let outcome: serde_json::Value = serde_json::from_str(run.text()).unwrap();
    assert_eq!((&outcome["frames"], &outcome["ok"]), (&40.into(), &true.into()));
    assert_eq!(outcome["brightness"], outcome["expected"]);
    assert_eq!(outcome["bytes"], 40 * 160 * 120);
    let run = scratch.run(PIPELINE, &[&["--frames", "9"][..], &SMALL].concat());
    assert_eq!(run.code, Some(0), "{}\n{}", run.text(), run.stderr);
    for told in ["a film of 9 frames, measured", "camera | a film of 9 frames", "as it should be"] {
        assert!(run.text().contains(told), "not told: {told}\n{}", run.text());
    }
}

#[test]
fn killing_the_one_in_the_middle_ends_the_film_at_both_ends_and_nothing_else() {
    let scratch = Scratch::new();
    let (mut camera, mut meter) = ends(&scratch);
    let filter = scratch.start(PIPELINE, &["filter", "--endless"]);
    meter.wait_for("16 frames so far");
    filter.kill();
    let said = meter.wait_for("a film broke off after");
    assert!(said.contains("the server went away"), "{said}");
    camera.wait_for("a film of ");

    let again = scratch.run(PIPELINE, &["filter", "--frames", "3"]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert!(again.text().starts_with("frames 3 brightness "), "{}", again.text());
    assert_eq!(camera.signal(Signal::TERM).code(), Some(0));
    assert_eq!(meter.signal(Signal::TERM).code(), Some(0));
}

#[test]
fn the_one_in_the_middle_notices_either_end() {
    for killed in ["camera", "meter"] {
        let scratch = Scratch::new();
        let (camera, meter) = ends(&scratch);
        let filter = scratch.start(PIPELINE, &["filter", "--endless"]);
        meter.wait_for("16 frames so far");
        if killed == "camera" {
            camera.kill();
            meter.wait_for("let go of it before its end");
        } else {
            meter.kill();
            camera.wait_for("a film of ");
        }
        filter.wait_for("pipeline: the server went away");
        assert_ne!(filter.end().code(), Some(0));
    }
}

#[test]
fn exit_codes_tell_wrong_usage_from_a_missing_server() {
    let scratch = Scratch::new();
    for alone in ["filter", "meter"] {
        assert_eq!(scratch.run(PIPELINE, &[alone]).code, Some(3));
    }
    assert_eq!(scratch.run(PIPELINE, &["dance"]).code, Some(2));
    assert_eq!(scratch.run(PIPELINE, &["--width", "0"]).code, Some(2));
    assert_eq!(scratch.run(PIPELINE, &["--help"]).code, Some(0));
}
