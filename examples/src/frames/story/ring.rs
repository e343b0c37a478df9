//! The part of the story in which frames come by themselves.

use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use alpc_rpc::prelude::*;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

use super::{HEIGHT, WIDTH, expect, info};
use crate::actor::{Actor, Failure, narrate};
use crate::frames::interface::{FrameError, FrameSourceClient};
use crate::frames::pixels::picture;
use crate::frames::viewer::{Held, Viewer};

const SLOT: u32 = WIDTH * HEIGHT * 4;
const SLOTS: u32 = 2;
/// Frames that are looked at and given back, before as many are held as there are slots.
const LOOKED_AT: usize = 5;

pub(super) fn tell(port: &str, camera: &FrameSourceClient, service: &Actor) -> Result<(), Failure> {
    refused(camera)?;
    let viewers = FrameSourceClient::connect(port)?;
    let mut viewer = Viewer::attach(&viewers, SLOT, SLOTS)?;
    let held = watch(&mut viewer, camera)?;
    narrate("frames came into slots of the viewer's own memory, each told of by an event");

    for number in 100..105 {
        submit(camera, number)?;
    }
    for (frame, pixels) in &held {
        expect(viewer.pixels(frame)? == *pixels, "that slots which are held stay as they are")?;
    }
    narrate("slots that the viewer holds stayed as they were, and the camera went on");

    drop(viewer);
    service.wait_for("ring 1 is run down")?;
    narrate("the viewer let go of its ring, and the service of its memory");

    let killed = Actor::start("viewer", &["watch", "--name", port])?;
    service.wait_for("ring 2 is attached")?;
    killed.kill()?;
    service.wait_for("ring 2 is run down")?;
    submit(camera, 105)?;
    narrate("another viewer was killed, and the camera did not notice");
    Ok(())
}

/// What frames must not be put into.
fn refused(frames: &FrameSourceClient) -> Result<(), Failure> {
    let memory = memfd_create("loose", MemfdFlags::CLOEXEC)?;
    ftruncate(&memory, 1 << 20)?;
    let loose = frames.attach_ring(&memory, 4096, SLOTS).split()?;
    expect(matches!(loose, Err(FrameError::BadRing { .. })), "memory that could get shorter")?;
    let file = File::open(std::env::current_exe()?)?;
    expect(frames.attach_ring(&file, 4096, SLOTS).split().is_err(), "a file instead of memory")?;
    narrate("memory that could get shorter, and a file in its place, are refused");
    Ok(())
}

/// The camera goes on until the viewer has what it wants. Returns the frames that it holds then.
fn watch(viewer: &mut Viewer, camera: &FrameSourceClient) -> Result<Vec<(Held, Vec<u8>)>, Failure> {
    let has_ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let held = look_and_hold(viewer);
            has_ended.store(true, Ordering::Release);
            held
        });
        let mut numbers = 0..;
        let filmed = loop {
            match numbers.next() {
                Some(number) if !has_ended.load(Ordering::Acquire) => {
                    if let Err(failure) = submit(camera, number) {
                        break Err(failure);
                    }
                }
                _ => break Ok(()),
            }
        };
        let held = watching.join().unwrap_or_else(|_| Err("the viewer panicked".into()));
        filmed.and(held)
    })
}

fn look_and_hold(viewer: &mut Viewer) -> Result<Vec<(Held, Vec<u8>)>, Failure> {
    let (mut last, mut held) = (0, Vec::new());
    for count in 0..LOOKED_AT + SLOTS as usize {
        let frame = viewer.wait()?;
        let pixels = viewer.pixels(&frame)?;
        // The camera tells by the time which picture it was.
        let number = u32::try_from(frame.info.captured_at.as_millis() / 40)?;
        expect(pixels == picture(WIDTH, HEIGHT, number), "the frame in its slot")?;
        expect(frame.info.id > last, "frames in order")?;
        last = frame.info.id;
        if count < LOOKED_AT {
            viewer.release(frame)?;
        } else {
            held.push((frame, pixels));
        }
    }
    Ok(held)
}

fn submit(camera: &FrameSourceClient, number: u32) -> Result<u64, Failure> {
    Ok(camera.submit(&info(number), &picture(WIDTH, HEIGHT, number)).split()??)
}
