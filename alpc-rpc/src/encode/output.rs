//! Where encoded bytes go: into a buffer, or nowhere but into a count.

use postcard::ser_flavors::Flavor;

type Result<T> = std::result::Result<T, postcard::Error>;

/// A postcard flavor that can fill in a length which was not known when its place came.
pub(crate) trait Output: Flavor {
    /// Writes a number as postcard does: seven bits a byte, the lowest first, the top bit on all
    /// but the last.
    fn varint(&mut self, value: u64) -> Result<()>;

    /// Leaves room for a length, and says where.
    fn open(&mut self) -> Result<Opened>;

    /// Fills in the length of everything written since.
    fn close(&mut self, opened: Opened) -> Result<()>;
}

/// The place of a length that is not yet known.
#[derive(Clone, Copy)]
#[must_use]
pub(crate) struct Opened {
    /// The position behind the one byte left for the length.
    body: usize,
}

/// Appends to a vector until a limit.
pub(crate) struct Buffer<'v> {
    bytes: &'v mut Vec<u8>,
    /// The most that `bytes` may hold, with what it held before.
    limit: usize,
}

impl<'v> Buffer<'v> {
    pub(crate) fn new(bytes: &'v mut Vec<u8>, limit: usize) -> Self {
        Buffer { bytes, limit }
    }

    /// Makes room for more.
    ///
    /// The limit is looked at here and at the end, and not for each byte: in between no more is
    /// written than the vector had room for when it came.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, more: usize) -> Result<()> {
        // The vector holds at most `isize::MAX` bytes and so does any slice: this cannot wrap.
        if self.bytes.len() + more > self.limit {
            return Err(postcard::Error::SerializeBufferFull);
        }
        self.bytes.reserve(more);
        Ok(())
    }

    #[inline]
    fn make_room(&mut self, more: usize) -> Result<()> {
        if more > self.bytes.capacity() - self.bytes.len() {
            return self.grow(more);
        }
        Ok(())
    }
}

impl Flavor for Buffer<'_> {
    type Output = ();

    #[inline]
    fn try_extend(&mut self, data: &[u8]) -> Result<()> {
        self.make_room(data.len())?;
        self.bytes.extend_from_slice(data);
        Ok(())
    }

    #[inline]
    fn try_push(&mut self, data: u8) -> Result<()> {
        self.make_room(1)?;
        self.bytes.push(data);
        Ok(())
    }

    fn finalize(self) -> Result<()> {
        if self.bytes.len() > self.limit {
            return Err(postcard::Error::SerializeBufferFull);
        }
        Ok(())
    }
}

impl Output for Buffer<'_> {
    #[inline]
    fn varint(&mut self, value: u64) -> Result<()> {
        // Most numbers are small.
        match u8::try_from(value) {
            Ok(byte @ 0..=0x7f) => self.try_push(byte),
            _ => self.long_varint(value),
        }
    }

    #[inline]
    fn open(&mut self) -> Result<Opened> {
        self.try_push(0)?;
        Ok(Opened { body: self.bytes.len() })
    }

    #[inline]
    fn close(&mut self, opened: Opened) -> Result<()> {
        let length = self.bytes.len() - opened.body;
        match u8::try_from(length) {
            Ok(length @ 0..=0x7f) => {
                if let Some(place) = self.bytes.get_mut(opened.body - 1) {
                    *place = length;
                }
                Ok(())
            }
            _ => self.close_long(opened, length),
        }
    }
}

impl Buffer<'_> {
    #[inline(never)]
    fn long_varint(&mut self, value: u64) -> Result<()> {
        if value < 1 << 14 {
            let ([low, ..], [high, ..]) = (value.to_le_bytes(), (value >> 7).to_le_bytes());
            return self.try_extend(&[low | 0x80, high]);
        }
        if value > LARGEST_IN_A_WORD || self.bytes.capacity() - self.bytes.len() < WORD {
            return self.any_varint(value);
        }
        // To append a whole word and drop some of it costs a store, to append some of it a call.
        let (word, used) = varint_word(value);
        let end = self.bytes.len() + used;
        self.bytes.extend_from_slice(&word.to_le_bytes());
        self.bytes.truncate(end);
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn any_varint(&mut self, value: u64) -> Result<()> {
        let (varint, used) = varint(value);
        self.try_extend(varint.get(..used).unwrap_or_default())
    }

    /// Moves the body on, since its length takes more than the byte that was left for it.
    #[inline(never)]
    fn close_long(&mut self, opened: Opened, length: usize) -> Result<()> {
        // Two bytes for nearly all: one is put in between, without a call for each step.
        if length < 1 << 14 {
            let ([low, ..], [high, ..]) = (length.to_le_bytes(), (length >> 7).to_le_bytes());
            self.make_room(1)?;
            self.bytes.insert(opened.body, high);
            if let Some(place) = self.bytes.get_mut(opened.body - 1) {
                *place = low | 0x80;
            }
            return Ok(());
        }
        let (varint, used) = varint(widen(length));
        let varint = varint.get(..used).unwrap_or_default();
        let more = used - 1;
        self.make_room(more)?;
        let end = self.bytes.len();
        self.bytes.resize(end + more, 0);
        self.bytes.copy_within(opened.body..end, opened.body + more);
        if let Some(place) = self.bytes.get_mut(opened.body - 1..opened.body + more) {
            place.copy_from_slice(varint);
        }
        Ok(())
    }
}

/// Counts bytes instead of writing them.
#[derive(Default)]
pub(crate) struct Count {
    bytes: usize,
}

impl Flavor for Count {
    type Output = usize;

    #[inline]
    fn try_extend(&mut self, data: &[u8]) -> Result<()> {
        // One value may hold the same slice many times, so a count can outgrow all memory.
        self.bytes =
            self.bytes.checked_add(data.len()).ok_or(postcard::Error::SerializeBufferFull)?;
        Ok(())
    }

    #[inline]
    fn try_push(&mut self, _: u8) -> Result<()> {
        self.try_extend(&[0])
    }

    fn finalize(self) -> Result<usize> {
        Ok(self.bytes)
    }
}

impl Output for Count {
    fn varint(&mut self, value: u64) -> Result<()> {
        let (varint, used) = varint(value);
        self.try_extend(varint.get(..used).unwrap_or_default())
    }

    fn open(&mut self) -> Result<Opened> {
        self.try_push(0)?;
        Ok(Opened { body: self.bytes })
    }

    fn close(&mut self, opened: Opened) -> Result<()> {
        let length = self.bytes - opened.body;
        // One byte was left for it.
        self.bytes -= 1;
        self.varint(widen(length))
    }
}

/// The bytes of the longest number: seven bits in each.
const MAX_VARINT: usize = 10;

/// The bytes of a number, and how many of them count.
fn varint(mut value: u64) -> ([u8; MAX_VARINT], usize) {
    let mut bytes = [0; MAX_VARINT];
    let mut used = 0;
    for byte in &mut bytes {
        used += 1;
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            *byte = low & 0x7f;
            break;
        }
        *byte = low | 0x80;
    }
    (bytes, used)
}

const WORD: usize = size_of::<u64>();

const LARGEST_IN_A_WORD: u64 = (1 << (7 * WORD)) - 1;

/// The same in a register, for numbers up to [`LARGEST_IN_A_WORD`].
///
/// It is worth the trouble: the processor has to wait when it takes up as one word what was just put
/// down as bytes, and that wait made up half of the time of encoding a record of small numbers.
#[inline]
fn varint_word(value: u64) -> (u64, usize) {
    // Groups of seven bits are moved apart: first by halves, then by quarters, then one by one.
    let halves = (value & 0x0fff_ffff) | ((value & 0x00ff_ffff_f000_0000) << 4);
    let quarters = (halves & 0x0000_3fff_0000_3fff) | ((halves & 0x0fff_c000_0fff_c000) << 2);
    let groups = (quarters & 0x007f_007f_007f_007f) | ((quarters & 0x3f80_3f80_3f80_3f80) << 1);
    // All but the last group that holds something have their top bit set.
    let last = (u64::BITS - 1 - (groups | 1).leading_zeros()) / 8;
    let marks = 0x8080_8080_8080_8080 & !(u64::MAX << (8 * last));
    (groups | marks, last as usize + 1)
}

/// A length as a number; those that need more than 64 bits do not exist.
#[inline]
pub(crate) fn widen(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_number_is_written_as_postcard_writes_it(value: u64, shift in 0..u64::BITS, room in 0..32_usize) {
            let value = value >> shift;
            let mut ours = Vec::with_capacity(room);
            Buffer::new(&mut ours, usize::MAX).varint(value).unwrap();
            let postcards = postcard::to_allocvec(&value).unwrap();
            prop_assert_eq!(&ours, &postcards);

            let mut count = Count::default();
            count.varint(value).unwrap();
            prop_assert_eq!(count.finalize().unwrap(), postcards.len());
        }
    }

    #[test]
    fn filling_in_a_length_allocates_nothing_when_there_is_room() {
        for body in [0, 1, 127, 128, 16_383, 16_384] {
            let mut bytes = Vec::with_capacity(body + 3);
            let (room, place) = (bytes.capacity(), bytes.as_ptr());
            let mut buffer = Buffer::new(&mut bytes, usize::MAX);
            let opened = buffer.open().unwrap();
            for _ in 0..body {
                buffer.try_push(7).unwrap();
            }
            buffer.close(opened).unwrap();
            assert_eq!((bytes.capacity(), bytes.as_ptr()), (room, place));
            assert_eq!(bytes, postcard::to_allocvec(&vec![7_u8; body]).unwrap());
        }
    }
}
