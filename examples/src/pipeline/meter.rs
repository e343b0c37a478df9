//! The last process: adds up what comes.

use alpc_rpc::Stream;
use alpc_rpc::prelude::*;

use super::camera::is_sound;
use super::interface::{CameraClient, FilmError, Frame, Meter, Total};
use crate::actor::Failure;
use crate::output::say;

/// A meter that looks at the same dark picture as the filter.
#[derive(Debug)]
pub struct Adder {
    dark: View,
}

impl Adder {
    /// A meter for the films of a camera.
    ///
    /// # Errors
    ///
    /// When the camera is not there.
    pub fn new(camera: &str) -> Result<Adder, Failure> {
        let dark = CameraClient::connect(camera)?.dark()?;
        if dark.is_empty() {
            return Err("the camera has no points".into());
        }
        Ok(Adder { dark })
    }

    fn add(&self, total: &mut Total, frame: &Frame, dark: &[u8]) -> Result<(), FilmError> {
        if frame.points.len() != self.dark.len() {
            let (is, should_be) = (frame.points.len(), self.dark.len());
            return Err(FilmError::NoPicture(format!("{is} points, and not {should_be}")));
        }
        let sound = frame.points.iter().zip(dark).filter(|(_, dark)| is_sound(**dark));
        total.brightness += sound.map(|(point, _)| u64::from(*point)).sum::<u64>();
        total.frames += 1;
        Ok(())
    }
}

impl Meter for Adder {
    fn measure(&self, _: &Call<'_>, film: Stream<Frame, FilmError>) -> Result<Total, FilmError> {
        let dark = self.dark.to_vec();
        let mut total = Total { frames: 0, brightness: 0 };
        for frame in film {
            let frame = frame.map_err(|error| broke_off(&total, &error))?;
            self.add(&mut total, &frame, &dark)?;
            if total.frames.is_power_of_two() {
                say(&format!("{} frames so far", total.frames));
            }
        }
        say(&format!("a film of {} frames, measured", total.frames));
        Ok(total)
    }
}

fn broke_off(total: &Total, error: &CallError<FilmError>) -> FilmError {
    say(&format!("a film broke off after {} frames: {error}", total.frames));
    FilmError::BrokeOff { frames: total.frames, why: error.to_string() }
}
