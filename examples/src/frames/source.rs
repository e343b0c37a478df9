//! The frame service as its clients call it.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alpc_rpc::prelude::*;

use super::interface::{FrameError, FrameInfo, FrameRing, FrameSource, KEPT, PixelFormat, Rect};
use super::pixels;
use super::ring::Rings;

/// Keeps the newest frames, each as a frozen section: it is made once, and whoever looks at it looks
/// at the same memory.
#[derive(Default)]
pub struct Frames {
    frames: Mutex<Kept>,
    curve: Mutex<Vec<f32>>,
    rings: Arc<Rings>,
}

#[derive(Default)]
struct Kept {
    newest_last: VecDeque<Frame>,
    last_id: u64,
}

#[derive(Clone)]
struct Frame {
    info: FrameInfo,
    pixels: Blob,
}

impl Kept {
    /// Keeps a frame, and gives it its id.
    fn keep(&mut self, info: &FrameInfo, pixels: Blob) -> u64 {
        self.last_id += 1;
        let mut info = info.clone();
        info.id = self.last_id;
        if self.newest_last.len() as u64 == KEPT {
            self.newest_last.pop_front();
        }
        self.newest_last.push_back(Frame { info, pixels });
        self.last_id
    }
}

impl FrameSource for Frames {
    fn submit(&self, _: &Call<'_>, mut info: FrameInfo, pixels: &[u8]) -> Result<u64, FrameError> {
        let needed = pixels::needed(&info).ok_or(FrameError::Unsupported(info.format))?;
        if (pixels.len() as u64) < needed {
            return Err(FrameError::BufferTooSmall { needed });
        }
        // Out of memory for a frame is out of memory for the frame that it would have been.
        let blob = Blob::new(pixels).map_err(|_| FrameError::NoSuchFrame)?;
        info.id = lock(&self.frames).keep(&info, blob);
        self.rings.put(&info, pixels);
        Ok(info.id)
    }

    fn capture(
        &self,
        _: &Call<'_>,
        region: Option<Rect>,
        pixels: &mut OutBuf<'_>,
    ) -> Result<FrameInfo, FrameError> {
        let newest = lock(&self.frames).newest_last.back().cloned();
        let Frame { mut info, pixels: bytes } = newest.ok_or(FrameError::NoSuchFrame)?;
        let Some(region) = region else {
            has_room(pixels, bytes.len() as u64)?;
            pixels.put(bytes.bytes());
            return Ok(info);
        };
        // Planes of colour have lines of their own, which a region would have to be cut from, too.
        if info.format != PixelFormat::Bgra8 {
            return Err(FrameError::Unsupported(info.format));
        }
        let part = pixels::clip(region, &info).ok_or(FrameError::Outside(region))?;
        has_room(pixels, u64::from(part.w) * u64::from(part.h) * 4)?;
        for line in pixels::lines(bytes.bytes(), &info, part) {
            pixels.put(line);
        }
        (info.width, info.height, info.stride) = (part.w, part.h, part.w * 4);
        Ok(info)
    }

    fn map_frame(&self, _: &Call<'_>, id: u64) -> Result<(FrameInfo, Blob), FrameError> {
        let kept = lock(&self.frames);
        let frame = kept.newest_last.iter().find(|frame| frame.info.id == id);
        let Frame { info, pixels } = frame.ok_or(FrameError::NoSuchFrame)?.clone();
        Ok((info, pixels))
    }

    fn convert(
        &self,
        _: &Call<'_>,
        from: PixelFormat,
        to: PixelFormat,
        pixels: &mut InOutBuf<'_>,
    ) -> Result<(), FrameError> {
        match (from, to) {
            (PixelFormat::P010, PixelFormat::Nv12) => {
                let left = pixels::narrow(pixels.as_mut_slice());
                pixels.truncate(left);
                Ok(())
            }
            (PixelFormat::Bgra8, PixelFormat::Bgra8) => {
                let curve = lock(&self.curve).clone();
                pixels::bend(pixels.as_mut_slice(), &curve);
                Ok(())
            }
            _ => Err(FrameError::Unsupported(to)),
        }
    }

    fn set_lut(&self, _: &Call<'_>, lut: &[f32]) {
        *lock(&self.curve) = lut.to_vec();
    }

    fn attach_ring(
        &self,
        cx: &Call<'_>,
        memory: OwnedFd,
        slot_bytes: u32,
        slots: u32,
    ) -> Result<Arc<dyn FrameRing>, FrameError> {
        let viewer = cx.peer().to_string();
        let ring = self.rings.attach(&viewer, memory, slot_bytes, slots)?;
        Ok(Arc::new(ring))
    }
}

fn has_room(pixels: &OutBuf<'_>, needed: u64) -> Result<(), FrameError> {
    match pixels.capacity() as u64 >= needed {
        true => Ok(()),
        false => Err(FrameError::BufferTooSmall { needed }),
    }
}

/// A handler that panicked is its caller's trouble; what it guarded is whole.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
