//! The first process: a camera that exists in arithmetic only.

use alpc_rpc::prelude::*;
use alpc_rpc::{Blob, Items};

use super::interface::{Camera, Frame};
use crate::actor::Failure;
use crate::output::say;

/// What a point shows of itself is at least this where the camera is broken.
const BROKEN: u8 = 200;

/// How large its pictures are.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Points in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// A camera.
#[derive(Debug)]
pub struct Synthetic {
    size: Size,
    /// Its memory is frozen, so that everybody can look at it without a copy.
    dark: Blob,
}

impl Synthetic {
    /// A camera whose pictures have this size, and at least one point.
    ///
    /// # Errors
    ///
    /// When the system has no memory left.
    pub fn new(size: Size) -> Result<Synthetic, Failure> {
        let dark: Vec<u8> = points(size).map(|(x, y)| noise(x, y)).collect();
        Ok(Synthetic { size, dark: Blob::new(&dark)? })
    }
}

impl Camera for Synthetic {
    fn dark(&self, _: &Call<'_>) -> Blob {
        self.dark.clone()
    }

    fn film(&self, _: &Call<'_>, frames: Option<u64>) -> Items<Frame> {
        Items::from_iter(Film { size: self.size, next: 0, end: frames.unwrap_or(u64::MAX) })
    }
}

/// A film under way: each frame is made when somebody asks for it.
struct Film {
    size: Size,
    next: u64,
    end: u64,
}

impl Iterator for Film {
    type Item = Frame;

    fn next(&mut self) -> Option<Frame> {
        let number = (self.next < self.end).then_some(self.next)?;
        self.next += 1;
        Some(frame(self.size, number))
    }
}

impl Drop for Film {
    /// It has ended, or whoever looked at it is gone.
    fn drop(&mut self) {
        say(&format!("a film of {} frames", self.next));
    }
}

/// What the camera shows: what is there, and its own noise on top.
fn frame(size: Size, number: u64) -> Frame {
    let seen = |(x, y)| scene(number, x, y).saturating_add(noise(x, y));
    Frame { number, points: points(size).map(seen).collect() }
}

fn points(size: Size) -> impl Iterator<Item = (u32, u32)> {
    (0..size.height).flat_map(move |y| (0..size.width).map(move |x| (x, y)))
}

/// What is there: stripes that wander.
fn scene(number: u64, x: u32, y: u32) -> u8 {
    let at = (u64::from(x) + u64::from(y) * 2 + number * 3) % 50;
    // Less than 50, of which nothing is lost.
    u8::try_from(at).unwrap_or_default()
}

/// What a point shows though nothing is there.
fn noise(x: u32, y: u32) -> u8 {
    match (x.wrapping_mul(31) ^ y.wrapping_mul(17)) % 101 {
        0 => BROKEN,
        other => u8::try_from(other % 8).unwrap_or_default(),
    }
}

/// Whether the camera can be trusted with a point that is so dark.
#[must_use]
pub fn is_sound(dark: u8) -> bool {
    dark < BROKEN
}

/// What a film of so many frames amounts to, without a process in between.
#[must_use]
pub fn expected(size: Size, frames: u64) -> u64 {
    let sound = || points(size).filter(|(x, y)| is_sound(noise(*x, *y)));
    (0..frames).flat_map(|number| sound().map(move |(x, y)| u64::from(scene(number, x, y)))).sum()
}
