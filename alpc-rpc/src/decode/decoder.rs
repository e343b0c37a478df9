//! The deserializer. It reads what there is most of itself, numbers above all, because that is where the
//! time went; postcard reads the rest.

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};

use super::DecodeError;
use crate::encode::MAX_DEPTH;
use crate::record::{RECORD, UNION};

type Result<T> = std::result::Result<T, DecodeError>;

/// How many elements that take no bytes a list may have.
///
/// Such a list is of no use, but its count could say 2^64 in ten bytes and be walked until the
/// end of days; with this limit the work stays in proportion to the bytes that were sent.
const MAX_EMPTY_ELEMENTS: usize = 256;

/// Reads one value after the other from a slice.
pub(crate) struct Decoder<'de> {
    rest: &'de [u8],
    depth: u32,
}

impl<'de> Decoder<'de> {
    /// Reads from `bytes`, which stand inside `depth` other values.
    #[inline]
    pub(crate) fn new(bytes: &'de [u8], depth: u32) -> Self {
        Decoder { rest: bytes, depth }
    }

    /// Inside how many other values the bytes stand.
    pub(crate) fn depth(&self) -> u32 {
        self.depth
    }

    #[inline]
    pub(crate) fn rest(&self) -> &'de [u8] {
        self.rest
    }

    /// Lets postcard read a number or whatever else holds no other value.
    #[inline]
    fn leaf<T: Deserialize<'de>>(&mut self) -> Result<T> {
        let (value, rest) = postcard::take_from_bytes(self.rest)?;
        self.rest = rest;
        Ok(value)
    }

    /// Reads a number of `BITS` bits. Most are small, and take no call.
    #[inline]
    fn varint<const BITS: u32>(&mut self) -> Result<u64> {
        if let Some((&byte @ 0..=0x7f, rest)) = self.rest.split_first() {
            self.rest = rest;
            return Ok(u64::from(byte));
        }
        let (value, used) = long_varint::<BITS>(self.rest);
        match self.rest.get(used..) {
            Some(rest) if used > 0 => {
                self.rest = rest;
                Ok(value)
            }
            _ => Err(no_varint::<BITS>(self.rest)),
        }
    }

    /// Reads a signed number, whose sign is the lowest bit.
    #[inline]
    fn zigzag<const BITS: u32>(&mut self) -> Result<i64> {
        let value = self.varint::<BITS>()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// Reads the number of bytes or elements that follow.
    #[inline]
    fn length(&mut self) -> Result<usize> {
        // What does not fit is longer than anything that is there, which will be told.
        Ok(usize::try_from(self.varint::<64>()?).unwrap_or(usize::MAX))
    }

    /// Reads the tag or index of a variant.
    #[inline]
    fn index(&mut self) -> Result<u32> {
        let index = u32::try_from(self.varint::<32>()?);
        index.map_err(|_| postcard::Error::DeserializeBadVarint.into())
    }

    /// Reads a number that always takes `N` bytes.
    #[inline]
    fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        let Some((bytes, rest)) = self.rest.split_first_chunk() else {
            return Err(postcard::Error::DeserializeUnexpectedEnd.into());
        };
        self.rest = rest;
        Ok(*bytes)
    }

    #[inline]
    fn byte(&mut self) -> Result<u8> {
        let Some((&byte, rest)) = self.rest.split_first() else {
            return Err(postcard::Error::DeserializeUnexpectedEnd.into());
        };
        self.rest = rest;
        Ok(byte)
    }

    /// Reads a length, and then as many bytes.
    #[inline]
    pub(crate) fn sized(&mut self) -> Result<&'de [u8]> {
        let length = self.length()?;
        let Some((bytes, rest)) = self.rest.split_at_checked(length) else {
            return Err(too_long(length, "bytes", self.rest.len()));
        };
        self.rest = rest;
        Ok(bytes)
    }

    #[inline]
    fn text(&mut self) -> Result<&'de str> {
        let bytes = self.sized()?;
        std::str::from_utf8(bytes).map_err(|error| {
            DecodeError::malformed(format!(
                "a string is not UTF-8 from byte {} on",
                error.valid_up_to()
            ))
        })
    }

    /// Reads the number of elements of a list or the entries of a map, which is believed only as
    /// far as there are bytes for them.
    #[inline]
    fn count(&mut self) -> Result<usize> {
        let count = self.length()?;
        if count > self.rest.len().saturating_add(MAX_EMPTY_ELEMENTS) {
            return Err(too_long(count, "elements", self.rest.len()));
        }
        Ok(count)
    }

    #[inline]
    fn enter(&self) -> Result<u32> {
        if self.depth >= MAX_DEPTH {
            return Err(DecodeError::malformed(format!(
                "values are nested more than {MAX_DEPTH} levels deep"
            )));
        }
        Ok(self.depth + 1)
    }

    #[inline]
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.depth = self.enter()?;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    #[inline]
    fn members<V: Visitor<'de>>(&mut self, count: usize, visitor: V) -> Result<V::Value> {
        visitor.visit_seq(Elements { decoder: self, left: count, empty: 0 })
    }
}

// What is called for few values takes bytes and gives bytes, and never sees the decoder: a decoder that
// somebody else can see lies in memory, and to write down its place after each field and to take it up
// again before the next cost more than to read the field.

/// A number of any length and how many bytes it takes: none if they are no number of `BITS` bits. Both
/// in registers, as a `Result` would not be.
#[inline(never)]
fn long_varint<const BITS: u32>(bytes: &[u8]) -> (u64, usize) {
    let longest = longest_varint::<BITS>();
    let (mut value, mut shift) = (0_u64, 0);
    for (at, &byte) in bytes.iter().take(longest).enumerate() {
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            // Of the last byte of the longest number, only some bits have a place.
            let fits = at + 1 < longest || u32::from(byte) >> (BITS - shift) == 0;
            return (value, if fits { at + 1 } else { 0 });
        }
        shift += 7;
    }
    (0, 0)
}

/// What is wrong with bytes that are no number.
#[cold]
fn no_varint<const BITS: u32>(bytes: &[u8]) -> DecodeError {
    match bytes.len() < longest_varint::<BITS>() {
        true => postcard::Error::DeserializeUnexpectedEnd.into(),
        false => postcard::Error::DeserializeBadVarint.into(),
    }
}

/// The most bytes that a number of `BITS` bits takes.
const fn longest_varint<const BITS: u32>() -> usize {
    BITS.div_ceil(7) as usize
}

#[cold]
fn too_long(claimed: usize, unit: &str, left: usize) -> DecodeError {
    let bytes = if left == 1 { "byte is" } else { "bytes are" };
    DecodeError::malformed(format!(
        "the data claims {claimed} {unit} where only {left} {bytes} left"
    ))
}

/// Reads a value that holds no other, and shows it to the visitor.
macro_rules! leaf {
    ($($method:ident $visit:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            visitor.$visit(self.leaf()?)
        }
    )*};
}

/// The same for a number that may be of any length.
macro_rules! varint {
    ($($method:ident $visit:ident $read:ident $number:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            #[allow(clippy::cast_possible_truncation, reason = "no more bits are read than it has")]
            let number = self.$read::<{ $number::BITS }>()? as $number;
            visitor.$visit(number)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for &mut Decoder<'de> {
    type Error = DecodeError;

    leaf! {
        deserialize_i128 visit_i128 deserialize_u128 visit_u128 deserialize_char visit_char
    }

    varint! {
        deserialize_u16 visit_u16 varint u16
        deserialize_u32 visit_u32 varint u32
        deserialize_u64 visit_u64 varint u64
        deserialize_i16 visit_i16 zigzag i16
        deserialize_i32 visit_i32 zigzag i32
        deserialize_i64 visit_i64 zigzag i64
    }

    #[inline]
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.byte()? {
            0 => visitor.visit_bool(false),
            1 => visitor.visit_bool(true),
            _ => Err(postcard::Error::DeserializeBadBool.into()),
        }
    }

    #[inline]
    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_i8(self.byte()?.cast_signed())
    }

    #[inline]
    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_f32(f32::from_le_bytes(self.fixed()?))
    }

    #[inline]
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_f64(f64::from_le_bytes(self.fixed()?))
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }

    #[inline]
    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_u8(self.byte()?)
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_borrowed_str(self.text()?)
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_str(self.text()?)
    }

    #[inline]
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_borrowed_bytes(self.sized()?)
    }

    #[inline]
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_bytes(self.sized()?)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.byte()? {
            0 => visitor.visit_none(),
            1 => self.nested(|decoder| visitor.visit_some(decoder)),
            mark => Err(DecodeError::malformed(format!(
                "an optional value is marked {mark}, neither 0 (absent) nor 1 (present)"
            ))),
        }
    }

    #[inline]
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        // The visitors that `record` sends under its own names take the head of a record as a
        // sequence: the depth, the tag of a union, and the bytes of the fields.
        match name {
            RECORD => {
                let depth = self.enter()?;
                let fields = self.sized()?;
                visitor.visit_seq(Head { depth: Some(depth), tag: None, fields: Some(fields) })
            }
            UNION => {
                let depth = self.enter()?;
                let tag = self.index()?;
                let fields = self.sized()?;
                visitor.visit_seq(Head { depth: Some(depth), tag: Some(tag), fields: Some(fields) })
            }
            _ => self.nested(|decoder| visitor.visit_newtype_struct(decoder)),
        }
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let count = self.count()?;
        self.nested(|decoder| decoder.members(count, visitor))
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        // Tuples and arrays are not counted: see `MAX_DEPTH`. Their length comes from the type.
        visitor.visit_seq(Members { decoder: self, left: len })
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.nested(|decoder| visitor.visit_seq(Members { decoder, left: len }))
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let count = self.count()?;
        self.nested(|decoder| visitor.visit_map(Elements { decoder, left: count, empty: 0 }))
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.nested(|decoder| visitor.visit_seq(Members { decoder, left: fields.len() }))
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_enum(self)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value> {
        Err(not_self_describing())
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value> {
        Err(not_self_describing())
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value> {
        Err(not_self_describing())
    }
}

#[cold]
fn not_self_describing() -> DecodeError {
    DecodeError::malformed(
        "the type wants to learn from the data what it is, which this format does not say",
    )
}

/// The members of a tuple or struct.
struct Members<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    left: usize,
}

impl<'de> de::SeqAccess<'de> for Members<'_, 'de> {
    type Error = DecodeError;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(&mut *self.decoder).map(Some)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// The elements of a list or the entries of a map, whose number the sender chose.
struct Elements<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    left: usize,
    empty: usize,
}

impl<'de> Elements<'_, 'de> {
    #[inline]
    fn checked<T>(&mut self, read: impl FnOnce(&mut Decoder<'de>) -> Result<T>) -> Result<T> {
        let before = self.decoder.rest.len();
        let value = read(self.decoder)?;
        if self.decoder.rest.len() == before {
            self.empty += 1;
            if self.empty > MAX_EMPTY_ELEMENTS {
                return Err(DecodeError::malformed(format!(
                    "a list has more than {MAX_EMPTY_ELEMENTS} elements that take no bytes"
                )));
            }
        }
        Ok(value)
    }

    /// What is worth reserving: elements that take no bytes are not.
    #[inline]
    fn likely(&self) -> usize {
        self.left.min(self.decoder.rest.len())
    }
}

impl<'de> de::SeqAccess<'de> for Elements<'_, 'de> {
    type Error = DecodeError;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.checked(|decoder| seed.deserialize(decoder)).map(Some)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.likely())
    }
}

impl<'de> de::MapAccess<'de> for Elements<'_, 'de> {
    type Error = DecodeError;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.checked(|decoder| seed.deserialize(decoder)).map(Some)
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value> {
        seed.deserialize(&mut *self.decoder)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.likely())
    }
}

/// What stands before the fields of a record or union, shown to the visitors of `record`.
struct Head<'de> {
    depth: Option<u32>,
    tag: Option<u32>,
    fields: Option<&'de [u8]>,
}

impl<'de> de::SeqAccess<'de> for Head<'de> {
    type Error = DecodeError;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>> {
        if let Some(depth) = self.depth.take() {
            return seed.deserialize(depth.into_deserializer()).map(Some);
        }
        if let Some(tag) = self.tag.take() {
            return seed.deserialize(tag.into_deserializer()).map(Some);
        }
        if let Some(fields) = self.fields.take() {
            return seed.deserialize(de::value::BorrowedBytesDeserializer::new(fields)).map(Some);
        }
        Ok(None)
    }
}

impl<'de> de::EnumAccess<'de> for &mut Decoder<'de> {
    type Error = DecodeError;
    type Variant = Self;

    #[inline]
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self)> {
        let index = self.index()?;
        let index: de::value::U32Deserializer<DecodeError> = index.into_deserializer();
        Ok((seed.deserialize(index)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for &mut Decoder<'de> {
    type Error = DecodeError;

    #[inline]
    fn unit_variant(self) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value> {
        self.nested(|decoder| seed.deserialize(decoder))
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        self.nested(|decoder| visitor.visit_seq(Members { decoder, left: len }))
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.nested(|decoder| visitor.visit_seq(Members { decoder, left: fields.len() }))
    }
}

#[cfg(test)]
mod tests;
