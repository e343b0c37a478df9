//! The process in the middle: takes the camera's noise out of a film, while it is on its way.

use std::thread;

use alpc_rpc::prelude::*;
use alpc_rpc::{Items, Sink, Stream};

use super::interface::{CameraClient, FilmError, Frame, MeterClient, Total};
use crate::actor::Failure;

/// Frames that have been cleaned, and wait for the meter.
const AHEAD: usize = 4;

/// Has a film of the camera's measured, once it is clean.
///
/// Nothing piles up here: a frame is asked for when there is room for it, and there is when the meter
/// has asked.
///
/// # Errors
///
/// When the camera or the meter is gone, or refuses.
pub fn pass_on(camera: &str, meter: &str, frames: Option<u64>) -> Result<Total, Failure> {
    let camera = CameraClient::connect(camera)?;
    let meter = MeterClient::connect(meter)?.without_deadline();
    let dark = camera.dark()?.to_vec();
    let film = camera.film(frames)?.ahead(2);
    let (sink, cleaned) = Items::channel(AHEAD);
    let cleaning = thread::spawn(move || clean(film, &dark, sink));
    let total = meter.measure(cleaned);
    // Its error is the first one, if there is one: the meter only hears that the film broke off.
    cleaning.join().map_err(|_| "cleaning a film panicked")??;
    Ok(total?)
}

/// Cleans frame by frame, to the end of the film, or until nobody wants more.
fn clean(film: Stream<Frame>, dark: &[u8], sink: Sink<Frame, FilmError>) -> Result<(), Failure> {
    for frame in film {
        // Dropped without an end, the sink says that the film broke off.
        let mut frame = frame?;
        for (point, dark) in frame.points.iter_mut().zip(dark) {
            *point = point.saturating_sub(*dark);
        }
        if sink.send_until(frame, alpc_rpc::Deadline::NEVER).is_err() {
            return Ok(());
        }
    }
    sink.finish();
    Ok(())
}
