//! What peers send to the ends of streams, for the fuzz targets: both ends can be reached from outside of
//! this crate by a connection only, which is too slow to look for bytes that they do not survive.

use super::batch::{Arrived, Batch, HEAD};
use super::items::Source;
use super::production::Production;
use super::{BYTES, Format, Want, taking};
use crate::error::CallError;
use crate::object::open;
use crate::scope::Luggage;
use crate::wire::{Bytes, Same};

/// Handles that a message of the tried connection carries.
const MOST_HANDLES: usize = 3;

/// An answer to a question for items. Of `data`: how many items were asked for and what came along (2
/// bytes), for how many bytes (2 bytes), how long the bulk result is (2 bytes; none, for 0), the body.
///
/// # Panics
///
/// When an end of a stream does not keep what it promises.
pub fn answer(data: &[u8]) {
    let Some((&[items, flags, len0, len1, long0, long1], body)) = data.split_first_chunk() else {
        return;
    };
    let Some((values, _envelope)) = open(body, flags & 1 != 0) else { return };
    let want = Want {
        number: 1,
        items: u32::from(items).max(1),
        bytes: u32::from(u16::from_le_bytes([len0, len1])),
        apart: (flags & 32 != 0).then_some(std::num::NonZeroU64::MIN),
    };
    let long = usize::from(u16::from_le_bytes([long0, long1]));
    let arrived = || {
        let mut luggage = Luggage::default();
        luggage.handles.resize_with(usize::from(flags >> 1 & 3), || None);
        luggage.objects.resize_with(usize::from(flags >> 3 & 3), || None);
        let long = (long > 0).then(|| vec![7; long]);
        Arrived::open(want, values.to_vec(), long, luggage)
    };
    take(arrived, want, Format::of::<Same>().raises::<String>(), |text: &String| text.len());
    take(arrived, want, Format::of::<Bytes>(), |bytes: &Vec<u8>| bytes.len());
    take(arrived, want, Format::of::<Same>().raises::<u32>(), |_: &Option<u64>| 0);
}

/// Takes all items of an answer, as whoever holds the stream does: no more than were asked for, and
/// nothing that takes more than came.
fn take<T, E>(
    arrived: impl Fn() -> Result<Arrived, &'static str>,
    want: Want,
    format: Format<T, E>,
    len: impl Fn(&T) -> usize,
) {
    let Ok(mut arrived) = arrived() else { return };
    let came = arrived.len();
    let (mut items, mut taken) = (0, 0);
    while !arrived.is_read() {
        match taking::read(&mut arrived, &format, "fuzz") {
            Ok(Some(item)) => {
                items += 1;
                taken += len(&item);
            }
            // The stream has ended, whichever way.
            Ok(None) | Err(CallError::App(_)) | Err(_) => break,
        }
    }
    assert!(items <= want.items, "{items} of {}", want.items);
    assert!(taken <= came, "{taken} bytes of {came}");
}

/// Questions for the items of one stream. Of `data`: how many questions (a byte), the length of each, and
/// the questions; what is left says how long the items are, and how the stream ends.
///
/// # Panics
///
/// When an answer holds more than was asked for, or than goes into one message, or cannot be read by
/// whoever asked.
pub fn questions(data: &[u8]) {
    let Some((&count, mut rest)) = data.split_first() else { return };
    let mut questions = Vec::new();
    for _ in 0..count % 8 {
        let Some((&len, behind)) = rest.split_first() else { return };
        let Some((question, behind)) = behind.split_at_checked(usize::from(len)) else { return };
        questions.push(question);
        rest = behind;
    }
    let production = endless(rest.to_vec());
    for question in questions {
        // What cannot be read is refused, and so is a question for nothing.
        let Ok(want) = Want::read(question) else { continue };
        if want.items == 0 {
            continue;
        }
        let mut batch = Batch::new(want, MOST_HANDLES);
        production.gather(&mut batch);
        let most = BYTES as usize + 2 * HEAD + "over".len();
        assert!(batch.body.len() <= most, "{} bytes", batch.body.len());
        let Batch { body, long, mut apart, .. } = batch;
        let arrived = Arrived::open(want, body, long, Luggage::default());
        let mut arrived = arrived.expect("an answer is no more than what was asked for");
        let format = format();
        while !arrived.is_read() {
            // What is to be fetched was left for that.
            if let Some(len) = arrived.awaits() {
                let fetched = apart.take().expect("one item of an answer is apart");
                assert_eq!(fetched.len() as u64, len);
                arrived.bring(fetched);
            }
            match taking::read(&mut arrived, &format, "fuzz") {
                Ok(Some(_)) => {}
                Ok(None) | Err(CallError::App(_)) => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

fn format() -> Format<Vec<u8>, String> {
    Format::of::<Bytes>().raises()
}

/// A stream of which as much can be had as anybody asks for: items of these lengths, again and again, or
/// up to an error where one is 255.
fn endless(lens: Vec<u8>) -> Production<Vec<u8>, String> {
    let items = lens.into_iter().cycle().map(|len| match len {
        255 => Err("over".to_owned()),
        // Some are too long for anything but a bulk result.
        len => Ok(vec![len; usize::from(len) * usize::from(len)]),
    });
    Production::new(format(), Source::Iterator(Box::new(items)))
}
