//! The three processes, started and looked after.

use std::time::{Duration, Instant};

use super::camera::{Size, expected};
use super::interface::Total;
use crate::actor::{Actor, Failure, Heard};

/// What has come of a film.
#[derive(Debug)]
pub struct Outcome {
    /// What the last process says.
    pub total: Total,
    /// What it should say of the brightness.
    pub expected: u64,
    /// Bytes of all frames, each of which went from process to process twice.
    pub bytes: u64,
    /// From the start of the filter to its end.
    pub took: Duration,
}

/// Sends a film of so many frames through processes of its own.
///
/// # Errors
///
/// When one of them does not do its part.
pub fn run(size: Size, frames: u64, heard: Heard) -> Result<Outcome, Failure> {
    let camera = format!("acme.pipeline.camera-{}", std::process::id());
    let meter = format!("acme.pipeline.meter-{}", std::process::id());
    let names = ["--camera", &camera, "--meter", &meter];
    let (width, height) = (size.width.to_string(), size.height.to_string());
    let picture = ["--width", &width, "--height", &height, "--until-input-ends"];
    let of_camera = [&["camera"][..], &names, &picture].concat();
    let first = Actor::start_heard("camera", heard, &of_camera)?;
    first.wait_for("serving")?;
    let of_meter = [&["meter"][..], &names, &["--until-input-ends"]].concat();
    let last = Actor::start_heard("meter", heard, &of_meter)?;
    last.wait_for("serving")?;

    let begun = Instant::now();
    let count = frames.to_string();
    let middle = [&["filter"][..], &names, &["--frames", &count]].concat();
    let middle = Actor::start_heard("filter", heard, &middle)?;
    let said = middle.hear("brightness ")?;
    let took = begun.elapsed();
    middle.end()?;
    last.end()?;
    first.end()?;

    let mut numbers = said.split_whitespace().filter_map(|word| word.parse().ok());
    let mut number = || numbers.next().ok_or("the filter said something else");
    let total = Total { frames: number()?, brightness: number()? };
    let bytes = u64::from(size.width) * u64::from(size.height) * frames;
    Ok(Outcome { total, expected: expected(size, frames), bytes, took })
}
