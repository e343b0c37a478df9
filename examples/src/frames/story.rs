//! The scenario, played by three processes: the service, this one as its camera and a viewer, and a
//! viewer that is killed.

mod ring;

use std::time::Duration;

use alpc_rpc::prelude::*;

use super::interface::{
    FrameError, FrameInfo, FrameSourceClient, KEPT, MAX_FRAME, PixelFormat, Rect,
};
use super::pixels::picture;
use crate::actor::{Actor, Failure, narrate};

const WIDTH: u32 = 960;
const HEIGHT: u32 = 540;

/// Plays the scenario, and tells it line by line.
///
/// # Errors
///
/// When something does not happen as told.
pub fn tell() -> Result<(), Failure> {
    // Not the port of a real service, and not that of another story.
    let port = format!("acme.frames.story.{}", std::process::id());
    narrate("the service starts in a process of its own");
    let service = Actor::start("service", &["serve", "--name", &port, "--until-input-ends"])?;
    service.wait_for("serving")?;
    let frames = FrameSourceClient::connect(&port)?;
    nothing_yet(&frames)?;
    let ids = submit(&frames)?;
    capture(&frames)?;
    look(&frames, &ids)?;
    convert(&frames)?;
    ring::tell(&port, &frames, &service)?;
    expect(service.end()?.success(), "that the service ends in order")?;
    narrate("everything happened as told");
    Ok(())
}

fn info(number: u32) -> FrameInfo {
    let captured_at = Duration::from_millis(40 * u64::from(number));
    FrameInfo::new(PixelFormat::Bgra8, WIDTH, HEIGHT, WIDTH * 4, captured_at)
}

fn nothing_yet(frames: &FrameSourceClient) -> Result<(), Failure> {
    let early = frames.capture(None, &mut [0; 16]).split()?;
    expect(early == Err(FrameError::NoSuchFrame), "a frame before the first")?;
    narrate("there is no frame yet, and the service says so");
    Ok(())
}

/// The camera's part: one frame more than the service keeps.
fn submit(frames: &FrameSourceClient) -> Result<Vec<u64>, Failure> {
    let mut ids = Vec::new();
    for number in 0..=KEPT as u32 {
        let pixels = picture(WIDTH, HEIGHT, number);
        ids.push(frames.submit(&info(number), &pixels).split()??);
    }
    let short = frames.submit(&info(9), &[0; 100]).split()?;
    let needed = u64::from(WIDTH * HEIGHT * 4);
    expect(short == Err(FrameError::BufferTooSmall { needed }), "a frame with too few pixels")?;
    narrate(&format!("the camera has submitted {} frames of {needed} bytes", ids.len()));
    Ok(ids)
}

/// The newest frame, in our own memory.
fn capture(frames: &FrameSourceClient) -> Result<(), Failure> {
    let newest = picture(WIDTH, HEIGHT, KEPT as u32);
    let mut pixels = vec![0; newest.len()];
    let (captured, travelled) = frames.observed(|frames| frames.capture(None, &mut pixels));
    let (written, info) = captured.split()??;
    expect(written == newest.len() && pixels == newest, "the newest frame")?;
    expect(info.captured_at == Duration::from_millis(40 * KEPT), "when it was captured")?;
    narrate(&format!("the newest frame came into our own buffer: {:?}", travelled.bulk));

    let region = Rect { x: 940, y: 530, w: 100, h: 100 };
    let (written, part) = frames.capture(Some(&region), &mut pixels).split()??;
    expect((part.width, part.height, written) == (20, 10, 800), "the size of the corner")?;
    let corner = newest.chunks(WIDTH as usize * 4).skip(530).flat_map(|line| &line[940 * 4..]);
    expect(pixels[..written].iter().eq(corner), "the corner of the newest frame")?;
    narrate("a region of it came without the rest, and ends where the frame does");

    let refused = frames.capture(None, &mut pixels[..1000]).split()?;
    let needed = newest.len() as u64;
    expect(
        refused.is_err_and(|error| error == FrameError::BufferTooSmall { needed }),
        "a refusal",
    )?;
    narrate("a buffer that is too small is told how large it must be");
    Ok(())
}

/// Frames that are looked at where they are.
fn look(frames: &FrameSourceClient, ids: &[u64]) -> Result<(), Failure> {
    let gone = ids.first().copied().unwrap_or_default();
    expect(
        frames.map_frame(gone).split()?.is_err_and(|error| error == FrameError::NoSuchFrame),
        "that the oldest frame has made room",
    )?;
    let newest = ids.last().copied().unwrap_or_default();
    let (info, view) = frames.map_frame(newest).split()??;
    let seen = view.frozen().ok_or("the service lends its frames frozen")?;
    expect(info.id == newest && seen == picture(WIDTH, HEIGHT, KEPT as u32), "the newest frame")?;
    narrate("the newest frame was looked at in the service's own memory, and nothing was copied");

    // The camera goes on, and the frame makes room; who looks at it does not notice.
    for number in 10..10 + KEPT as u32 {
        frames.submit(&self::info(number), &picture(WIDTH, HEIGHT, number)).split()??;
    }
    let forgotten = frames.map_frame(newest).split()?.is_err();
    expect(forgotten && seen == picture(WIDTH, HEIGHT, KEPT as u32), "a frame that stays")?;
    narrate("the service has forgotten it since, and it is still there for whoever looks");
    Ok(())
}

/// Pixels that travel both ways.
fn convert(frames: &FrameSourceClient) -> Result<(), Failure> {
    let (wide, narrow) = (PixelFormat::P010, PixelFormat::Nv12);
    let mut pixels: Vec<u8> = (0..3_000_000_u32).map(|at| (at / 2 % 251) as u8).collect();
    let left = frames.convert(wide, narrow, &mut pixels).split()??;
    let expected = (0..1_500_000_u32).map(|at| (at % 251) as u8);
    expect(left == 1_500_000 && pixels[..left].iter().copied().eq(expected), "half as many")?;
    narrate("samples of 16 bits became samples of 8, in place");

    let negative: Vec<f32> = (0..256_u16).map(|at| 1.0 - f32::from(at) / 255.0).collect();
    frames.set_lut(&negative)?;
    let mut pixels = picture(64, 64, 5);
    let before = pixels.clone();
    frames.convert(PixelFormat::Bgra8, PixelFormat::Bgra8, &mut pixels).split()??;
    let is_negative =
        pixels.iter().zip(&before).enumerate().all(|(at, (now, then))| match at % 4 {
            3 => now == then,
            _ => *now == 255 - then,
        });
    expect(is_negative, "the negative")?;
    narrate("a curve of floats, sent as it lies in memory, made a picture its negative");

    let backwards = frames.convert(narrow, wide, &mut pixels).split()?;
    expect(backwards == Err(FrameError::Unsupported(wide)), "a refusal")?;
    let too_long = vec![0; MAX_FRAME as usize + 1];
    let refused = frames.submit(&info(0), &too_long).split();
    expect(refused.is_err(), "that more than a frame may have is never sent")?;
    narrate("what the service does not do, or nobody may send, is refused");
    Ok(())
}

fn expect(holds: bool, what: &str) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(format!("not as told: {what}").into()) }
}
