//! What is done to pixels. None of it knows of calls.

use super::interface::{FrameInfo, PixelFormat, Rect};

/// How many bytes a frame takes, if we know its format.
pub fn needed(info: &FrameInfo) -> Option<u64> {
    let (stride, height) = (u64::from(info.stride), u64::from(info.height));
    let least = u64::from(info.width) * u64::from(bytes_per_sample(info.format)?);
    match info.format {
        // The plane of colour has half as many lines.
        PixelFormat::Nv12 | PixelFormat::P010 => {
            (stride >= least).then_some(stride * (height + height.div_ceil(2)))
        }
        _ => (stride >= least).then_some(stride * height),
    }
}

/// The bytes from one sample of a line to the next.
fn bytes_per_sample(format: PixelFormat) -> Option<u32> {
    match format {
        PixelFormat::Nv12 => Some(1),
        PixelFormat::P010 => Some(2),
        PixelFormat::Bgra8 => Some(4),
        _ => None,
    }
}

/// The part of `region` that lies inside of a frame, if any does.
pub fn clip(region: Rect, info: &FrameInfo) -> Option<Rect> {
    let (x, y) = (region.x, region.y);
    let w = region.w.min(info.width.checked_sub(x)?);
    let h = region.h.min(info.height.checked_sub(y)?);
    (w > 0 && h > 0).then_some(Rect { x, y, w, h })
}

/// The lines of `region`, which lies inside of the frame, as they stand in its pixels.
pub fn lines<'p>(
    pixels: &'p [u8],
    info: &FrameInfo,
    region: Rect,
) -> impl Iterator<Item = &'p [u8]> {
    let (from, len) = (region.x as usize * 4, region.w as usize * 4);
    let lines = pixels.chunks(info.stride.max(1) as usize);
    let lines = lines.skip(region.y as usize).take(region.h as usize);
    lines.map(move |line| line.get(from..from + len).unwrap_or(&[]))
}

/// Keeps the upper half of each sample of 16 bits; returns how many bytes are left.
pub fn narrow(pixels: &mut [u8]) -> usize {
    let len = pixels.len() / 2;
    for at in 0..len {
        pixels[at] = pixels[2 * at + 1];
    }
    len
}

/// Sends blue, green and red through `curve`, and leaves alpha alone.
pub fn bend(pixels: &mut [u8], curve: &[f32]) {
    let Some(last) = curve.len().checked_sub(1) else { return };
    let bent = |value: u8| {
        let place = usize::from(value) * last / 255;
        // A cast of a float stays within the bounds of its type, also of what is not a number.
        (curve[place] * 255.0).round() as u8
    };
    let table: [u8; 256] = std::array::from_fn(|value| bent(value as u8));
    for pixel in pixels.as_chunks_mut::<4>().0 {
        for colour in pixel.iter_mut().take(3) {
            *colour = table[usize::from(*colour)];
        }
    }
}

/// A picture that differs from every other in every line.
pub fn picture(width: u32, height: u32, seed: u32) -> Vec<u8> {
    let mut pixels = vec![0; width as usize * height as usize * 4];
    let mut value = seed;
    for pixel in pixels.as_chunks_mut::<4>().0 {
        *pixel = value.to_le_bytes();
        value = value.wrapping_add(977);
    }
    pixels
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn info(format: PixelFormat, width: u32, height: u32, stride: u32) -> FrameInfo {
        FrameInfo::new(format, width, height, stride, Duration::ZERO)
    }

    #[test]
    fn a_frame_takes_what_its_lines_take() {
        assert_eq!(needed(&info(PixelFormat::Bgra8, 2, 3, 8)), Some(24));
        assert_eq!(needed(&info(PixelFormat::Nv12, 4, 3, 4)), Some(20));
        assert_eq!(needed(&info(PixelFormat::P010, 4, 2, 8)), Some(24));
        assert_eq!(needed(&info(PixelFormat::Bgra8, 2, 3, 7)), None, "lines would overlap");
        assert_eq!(needed(&info(PixelFormat::Unrecognized(9), 2, 3, 8)), None);
    }

    #[test]
    fn a_region_ends_with_the_frame() {
        let frame = info(PixelFormat::Bgra8, 10, 5, 40);
        let whole = Rect { x: 0, y: 0, w: u32::MAX, h: u32::MAX };
        assert_eq!(clip(whole, &frame), Some(Rect { x: 0, y: 0, w: 10, h: 5 }));
        assert_eq!(clip(Rect { x: 10, y: 0, w: 1, h: 1 }, &frame), None);
        assert_eq!(clip(Rect { x: 0, y: 6, w: 1, h: 1 }, &frame), None);
    }

    #[test]
    fn samples_keep_their_upper_half() {
        let mut pixels = [0x01, 0xaa, 0x02, 0xbb];
        assert_eq!(narrow(&mut pixels), 2);
        assert_eq!(pixels[..2], [0xaa, 0xbb]);
    }

    #[test]
    fn a_curve_bends_colours_and_leaves_alpha() {
        let mut pixels = [0, 128, 255, 7];
        bend(&mut pixels, &[1.0, 0.0]);
        assert_eq!(pixels, [255, 255, 0, 7]);
        bend(&mut pixels, &[]);
        assert_eq!(pixels, [255, 255, 0, 7]);
        bend(&mut pixels, &[f32::NAN, f32::INFINITY]);
        assert_eq!(pixels, [255, 255, 0, 7]);
    }
}
