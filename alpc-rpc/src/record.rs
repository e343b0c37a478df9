//! Open records and unions: what may grow without breaking those who do not know the growth.
//!
//! An open record is `varint(length of the fields) ‖ fields`, an open union `varint(tag) ‖
//! varint(length of the fields) ‖ fields`. A reader takes the fields it knows while bytes remain and
//! skips what is left, so fields can be appended.
//!
//! serde has no word for this, so the functions here say it in serde's terms. For every serializer
//! the record is a tuple struct of its length and its fields. The encoder of this crate knows the
//! *name* of that tuple struct ([`RECORD`], [`UNION`]), does not ask for the length but fills it in
//! afterwards; any other postcard serializer asks, has the fields sized, and gives the same bytes.
//! Reading goes the same way: the decoder of this crate, met under that name, hands over the fields
//! with the depth at which they stand; for any other postcard deserializer the record is a byte
//! string.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{self, Serialize, SerializeTupleStruct, Serializer};

use crate::decode::{DecodeError, Decoder};
use crate::encode;
use crate::wire;

pub use crate::decode::DecodeError as RecordError;

/// The name under which a record is recognised; no Rust type can have it.
pub(crate) const RECORD: &str = "(alpc open record)";

/// The name under which a union is recognised.
pub(crate) const UNION: &str = "(alpc open union)";

/// Writes an open record, whose `fields` serialise as a tuple.
#[inline]
pub fn serialize<S, F>(serializer: S, fields: &F) -> Result<S::Ok, S::Error>
where
    S: Serializer,
    F: Serialize + ?Sized,
{
    let mut record = serializer.serialize_tuple_struct(RECORD, 2)?;
    record.serialize_field(&LengthOf(fields))?;
    record.serialize_field(fields)?;
    record.end()
}

/// Writes a variant of an open union, whose `fields` serialise as a tuple.
pub fn serialize_union<S, F>(serializer: S, tag: u32, fields: &F) -> Result<S::Ok, S::Error>
where
    S: Serializer,
    F: Serialize + ?Sized,
{
    let mut union = serializer.serialize_tuple_struct(UNION, 3)?;
    union.serialize_field(&tag)?;
    union.serialize_field(&LengthOf(fields))?;
    union.serialize_field(fields)?;
    union.end()
}

/// Writes a variant of an open union that a reader did not know, just as it came.
pub fn serialize_unrecognized<S: Serializer>(
    serializer: S,
    tag: u32,
    payload: &[u8],
) -> Result<S::Ok, S::Error> {
    let mut union = serializer.serialize_tuple_struct("Unrecognized", 2)?;
    union.serialize_field(&tag)?;
    union.serialize_field(&wire::encoded::<wire::Bytes, _>(payload))?;
    union.end()
}

/// Reads an open record; `name` is that of the type, for the text of errors.
#[inline]
pub fn deserialize<'de, D, T>(
    deserializer: D,
    name: &'static str,
    read: impl FnOnce(&mut RecordReader<'de>) -> Result<T, RecordError>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
{
    deserializer
        .deserialize_newtype_struct(RECORD, RecordVisitor { name, read, value: PhantomData })
}

/// Reads a variant of an open union; `read` is given its tag.
pub fn deserialize_union<'de, D, T>(
    deserializer: D,
    name: &'static str,
    read: impl FnOnce(u32, &mut RecordReader<'de>) -> Result<T, RecordError>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
{
    deserializer.deserialize_newtype_struct(UNION, UnionVisitor { name, read, value: PhantomData })
}

/// What a field is read from that was not sent. Every number, length and tag of it is zero, so what is
/// read is what has no name of its own in this format: the zero of a type.
static ZEROS: [u8; 4096] = [0; 4096];

/// The fields of one record or union variant, read one after the other.
pub struct RecordReader<'de> {
    decoder: Decoder<'de>,
    name: &'static str,
}

impl<'de> RecordReader<'de> {
    #[inline]
    fn new(name: &'static str, fields: &'de [u8], depth: u32) -> Self {
        RecordReader { decoder: Decoder::new(fields, depth), name }
    }

    /// Reads the next field, or nothing when the writer did not know it yet.
    #[inline]
    pub fn next<T: Deserialize<'de>>(
        &mut self,
        field: &'static str,
    ) -> Result<Option<T>, RecordError> {
        if self.decoder.rest().is_empty() {
            return Ok(None);
        }
        match T::deserialize(&mut self.decoder) {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(failed(self.name, field, false, error)),
        }
    }

    /// Reads the next field, which every writer knows.
    #[inline]
    pub fn required<T: Deserialize<'de>>(&mut self, field: &'static str) -> Result<T, RecordError> {
        let missing = self.decoder.rest().is_empty();
        match T::deserialize(&mut self.decoder) {
            Ok(value) => Ok(value),
            Err(error) => Err(failed(self.name, field, missing, error)),
        }
    }

    /// Reads the next field, or the zero of its type when the writer did not know it yet: `false`, 0,
    /// nothing in it, the first member.
    #[inline]
    pub fn or_zero<T: Deserialize<'de>>(&mut self, field: &'static str) -> Result<T, RecordError> {
        if self.decoder.rest().is_empty() {
            return self.zero(field);
        }
        match T::deserialize(&mut self.decoder) {
            Ok(value) => Ok(value),
            Err(error) => Err(failed(self.name, field, false, error)),
        }
    }

    #[cold]
    fn zero<T: Deserialize<'de>>(&self, field: &'static str) -> Result<T, RecordError> {
        let mut zeros = Decoder::new(&ZEROS, self.decoder.depth());
        T::deserialize(&mut zeros).map_err(|error| failed(self.name, field, true, error))
    }

    /// What has not been read: the payload of a variant that is not known here.
    pub fn rest(&self) -> &'de [u8] {
        self.decoder.rest()
    }
}

/// Says which field it was. Apart, so that nothing is made ready for it where all goes well: to carry
/// the name along cost more than to read a field.
#[cold]
#[inline(never)]
fn failed(
    record: &'static str,
    field: &'static str,
    missing: bool,
    error: RecordError,
) -> RecordError {
    // A type that takes no bytes was read from none. Any other one is missing.
    let error = if missing { DecodeError::malformed("the field is missing") } else { error };
    error.in_field(field, record)
}

impl fmt::Debug for RecordReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordReader")
            .field("name", &self.name)
            .field("rest", &self.rest().len())
            .finish()
    }
}

/// Serialises as the number of bytes that something else takes.
///
/// The encoder of this crate never asks.
struct LengthOf<'a, F: ?Sized>(&'a F);

impl<F: Serialize + ?Sized> Serialize for LengthOf<'_, F> {
    #[cold]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Counted with our own encoder, which sizes a record inside a record only once; postcard's
        // would double the work at every level.
        let length = encode::size(self.0).map_err(ser::Error::custom)?;
        let length = u64::try_from(length).map_err(ser::Error::custom)?;
        serializer.serialize_u64(length)
    }
}

struct RecordVisitor<R, T> {
    name: &'static str,
    read: R,
    value: PhantomData<T>,
}

impl<'de, R, T> Visitor<'de> for RecordVisitor<R, T>
where
    R: FnOnce(&mut RecordReader<'de>) -> Result<T, RecordError>,
{
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the record `{}`", self.name)
    }

    /// What the decoder of this crate calls.
    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, mut head: A) -> Result<T, A::Error> {
        let depth = next_of_head(&mut head)?;
        let fields = next_of_head(&mut head)?;
        (self.read)(&mut RecordReader::new(self.name, fields, depth)).map_err(pass_on)
    }

    /// What any other deserializer calls.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<T, D::Error> {
        let fields = <&[u8]>::deserialize(inner)?;
        (self.read)(&mut RecordReader::new(self.name, fields, 1)).map_err(pass_on)
    }
}

struct UnionVisitor<R, T> {
    name: &'static str,
    read: R,
    value: PhantomData<T>,
}

impl<'de, R, T> Visitor<'de> for UnionVisitor<R, T>
where
    R: FnOnce(u32, &mut RecordReader<'de>) -> Result<T, RecordError>,
{
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the union `{}`", self.name)
    }

    /// What the decoder of this crate calls.
    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, mut head: A) -> Result<T, A::Error> {
        let depth = next_of_head(&mut head)?;
        let tag = next_of_head(&mut head)?;
        let fields = next_of_head(&mut head)?;
        (self.read)(tag, &mut RecordReader::new(self.name, fields, depth)).map_err(pass_on)
    }

    /// What any other deserializer calls.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<T, D::Error> {
        let (tag, fields) = <(u32, &[u8])>::deserialize(inner)?;
        (self.read)(tag, &mut RecordReader::new(self.name, fields, 1)).map_err(pass_on)
    }
}

#[inline]
fn next_of_head<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(head: &mut A) -> Result<T, A::Error> {
    match head.next_element()? {
        Some(value) => Ok(value),
        None => Err(de::Error::custom("a record ends before its fields")),
    }
}

/// Takes an error through serde.
#[cold]
fn pass_on<E: de::Error>(error: RecordError) -> E {
    E::custom(error)
}

#[cfg(test)]
mod tests;
