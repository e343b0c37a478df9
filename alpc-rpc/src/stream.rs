//! Streams: items that one side makes and the other takes, as it goes on.
//!
//! A stream is an object of whoever makes the items ([`Items`]); whoever takes them ([`Stream`]) holds
//! its number, and asks it for more. An answer brings as many items as were asked for at most, so
//! nobody is sent what there is no room for, and there is nothing to count on the way: what is on its
//! way was asked for. While the items of one answer are taken, the next is under way. Where there is
//! no item yet, the question waits with the producer, and takes no thread there.
//!
//! So a stream is in order, because its questions are; ends with whoever drops it, because objects do;
//! and its items travel as results of calls do, with what they refer to.
//!
//! | file | idea |
//! |---|---|
//! | `format.rs` | how the items of a method are written, checked and read |
//! | `batch.rs` | the items of one answer, written and read |
//! | `items.rs` | what gives items: an iterator, or a line that others fill |
//! | `sink.rs` | that line, and the end of it that is fed |
//! | `production.rs` | the answers to whoever asks |
//! | `taking.rs` | asking for items, and taking them |
//! | `fetching.rs` | items that are so long that they are put where they are to be |
//! | `tasks.rs` | the two ends in tasks |
//! | `fuzz.rs` | what the fuzz targets reach of all this |

mod batch;
mod fetching;
mod format;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod items;
mod production;
mod sink;
mod taking;
#[cfg(feature = "async")]
mod tasks;

pub use format::Format;
pub use items::Items;
pub(crate) use production::{StreamEnd, serve_fetch, serve_next};
pub use sink::{SendError, Sink};
pub use taking::Stream;

use std::num::NonZeroU64;

use crate::client::CALL_TIMEOUT;
use crate::{decode, encode};

/// Items that one answer brings at most, unless the stream is told otherwise.
const ITEMS: u32 = 256;
/// Bytes that they take at most; then the answer stands in one message. An item that is longer comes
/// alone, by a section, or is [fetched](Want::apart).
const BYTES: u32 = 30 << 10;

/// What is asked for at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Want {
    /// How many times was asked before, plus one: a question that is not the next one is none.
    number: u64,
    /// At most so many items.
    items: u32,
    /// That take so many bytes at most. One that is longer may come, and nothing behind it.
    bytes: u32,
    /// An item of this length or more stays with whoever makes it, and the answer says how long it is:
    /// the next call fetches it, into memory that is lent for that. `None`: no item does.
    apart: Option<NonZeroU64>,
}

impl Want {
    fn write(self, body: &mut Vec<u8>) -> Result<(), encode::EncodeError> {
        encode::to_vec_in(&(self.number, self.items, self.bytes), body)?;
        self.apart.map_or(Ok(()), |apart| encode::to_vec_in(&apart, body))
    }

    fn read(values: &[u8]) -> Result<Want, decode::DecodeError> {
        let mut values = decode::ValueReader::new(values);
        let (number, items, bytes) = values.value("what is asked")?;
        // Whoever cannot lend memory does not say from when on it would.
        let apart = match values.rest() {
            [] => None,
            _ => Some(values.value("what is asked")?),
        };
        // "At most", as whoever asks says, which may be all that there ever is: an answer is one message.
        Ok(Want { number, items, bytes: u32::min(bytes, BYTES), apart })
    }

    /// Whether an item of this length is to be fetched.
    fn leaves(&self, len: usize) -> bool {
        self.apart.is_some_and(|apart| len as u64 >= apart.get())
    }
}
