//! The serializer over postcard's: records in one pass, a limit on depth, errors that keep their
//! text.

use serde::{Serialize, ser};

use super::output::{Opened, Output, widen};
use super::{EncodeError, EncodeErrorKind, MAX_DEPTH};
use crate::record::{RECORD, UNION};

type Result<T> = std::result::Result<T, EncodeError>;

/// Knows open records and counts depth; what is left is postcard's.
pub(crate) struct Encoder<O: Output> {
    inner: postcard::Serializer<O>,
    depth: u32,
}

impl<O: Output> Encoder<O> {
    pub(crate) fn new(output: O) -> Self {
        Encoder { inner: postcard::Serializer { output }, depth: 0 }
    }

    /// Ends the output, which may find that it has become too long.
    pub(crate) fn finish(self) -> Result<O::Output> {
        Ok(self.inner.output.finalize()?)
    }

    #[inline]
    fn enter(&mut self) -> Result<()> {
        if self.depth >= MAX_DEPTH {
            return Err(EncodeError::new(EncodeErrorKind::TooDeep));
        }
        self.depth += 1;
        Ok(())
    }

    #[inline]
    fn leave(&mut self) -> Result<()> {
        self.depth -= 1;
        Ok(())
    }

    /// Writes the number of elements.
    #[inline]
    fn count(&mut self, len: Option<usize>) -> Result<()> {
        let len = len.ok_or(postcard::Error::SerializeSeqLengthUnknown)?;
        Ok(self.inner.output.varint(widen(len))?)
    }

    #[inline]
    fn nested<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.enter()?;
        value.serialize(&mut *self)?;
        self.leave()
    }
}

/// Passes a value that holds no other on to postcard.
macro_rules! leaf {
    ($($method:ident($value:ty))*) => {$(
        #[inline]
        fn $method(self, value: $value) -> Result<()> {
            Ok(self.inner.$method(value)?)
        }
    )*};
}

/// Writes a number in postcard's form, but without a call where it is small.
macro_rules! varint {
    ($($method:ident($value:ty))*) => {$(
        #[inline]
        fn $method(self, value: $value) -> Result<()> {
            Ok(self.inner.output.varint(u64::from(value))?)
        }
    )*};
}

/// The same for signed numbers, whose sign becomes the lowest bit.
macro_rules! zigzag {
    ($($method:ident($value:ty))*) => {$(
        #[inline]
        fn $method(self, value: $value) -> Result<()> {
            let value = i64::from(value);
            Ok(self.inner.output.varint(((value << 1) ^ (value >> 63)).cast_unsigned())?)
        }
    )*};
}

impl<'e, O: Output> ser::Serializer for &'e mut Encoder<O> {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = TupleStruct<'e, O>;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    leaf! {
        serialize_bool(bool) serialize_u8(u8) serialize_i8(i8)
        serialize_u128(u128) serialize_i128(i128)
        serialize_f32(f32) serialize_f64(f64)
        serialize_char(char)
    }

    varint! {
        serialize_u16(u16) serialize_u32(u32) serialize_u64(u64)
    }

    zigzag! {
        serialize_i16(i16) serialize_i32(i32) serialize_i64(i64)
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        false
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<()> {
        self.serialize_bytes(value.as_bytes())
    }

    #[inline]
    fn serialize_bytes(self, value: &[u8]) -> Result<()> {
        let output = &mut self.inner.output;
        output.varint(widen(value.len()))?;
        Ok(output.try_extend(value)?)
    }

    #[inline]
    fn serialize_none(self) -> Result<()> {
        Ok(self.inner.serialize_none()?)
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        self.inner.serialize_u8(1)?;
        self.nested(value)
    }

    #[inline]
    fn serialize_unit(self) -> Result<()> {
        Ok(self.inner.serialize_unit()?)
    }

    #[inline]
    fn serialize_unit_struct(self, name: &'static str) -> Result<()> {
        Ok(self.inner.serialize_unit_struct(name)?)
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<()> {
        Ok(self.inner.serialize_unit_variant(name, index, variant)?)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<()> {
        self.nested(value)
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        value: &T,
    ) -> Result<()> {
        self.inner.serialize_u32(index)?;
        self.nested(value)
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Self> {
        self.count(len)?;
        self.enter()?;
        Ok(self)
    }

    #[inline]
    fn serialize_tuple(self, len: usize) -> Result<Self> {
        self.inner.serialize_tuple(len)?;
        Ok(self)
    }

    #[inline]
    fn serialize_tuple_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleStruct> {
        let outside = self.depth;
        self.enter()?;
        let length_at = match name {
            RECORD => Some(0),
            UNION => Some(1),
            _ => {
                self.inner.serialize_tuple_struct(name, len)?;
                None
            }
        };
        Ok(TupleStruct { encoder: self, outside, length_at, next: 0, opened: None })
    }

    #[inline]
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self> {
        self.inner.serialize_tuple_variant(name, index, variant, len)?;
        self.enter()?;
        Ok(self)
    }

    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<Self> {
        self.count(len)?;
        self.enter()?;
        Ok(self)
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Self> {
        self.inner.serialize_struct(name, len)?;
        self.enter()?;
        Ok(self)
    }

    #[inline]
    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self> {
        self.inner.serialize_struct_variant(name, index, variant, len)?;
        self.enter()?;
        Ok(self)
    }

    #[inline]
    fn collect_str<T: std::fmt::Display + ?Sized>(self, value: &T) -> Result<()> {
        Ok(self.inner.collect_str(value)?)
    }
}

/// A tuple struct being written, which may be an open record in disguise (see
/// [`record`](crate::record)).
pub(crate) struct TupleStruct<'e, O: Output> {
    encoder: &'e mut Encoder<O>,
    /// The depth around it, so that leaving need not read what entering has just written.
    outside: u32,
    /// Which member of a disguised record is its length, to be filled in instead of written.
    length_at: Option<usize>,
    next: usize,
    opened: Option<Opened>,
}

impl<O: Output> ser::SerializeTupleStruct for TupleStruct<'_, O> {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let at = self.next;
        self.next += 1;
        if self.length_at == Some(at) {
            self.opened = Some(self.encoder.inner.output.open()?);
            return Ok(());
        }
        value.serialize(&mut *self.encoder)
    }

    #[inline]
    fn end(self) -> Result<()> {
        if let Some(opened) = self.opened {
            self.encoder.inner.output.close(opened)?;
        }
        self.encoder.depth = self.outside;
        Ok(())
    }
}

impl<O: Output> ser::SerializeSeq for &mut Encoder<O> {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        value.serialize(&mut **self)
    }

    #[inline]
    fn end(self) -> Result<()> {
        self.leave()
    }
}

impl<O: Output> ser::SerializeTuple for &mut Encoder<O> {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        value.serialize(&mut **self)
    }

    #[inline]
    fn end(self) -> Result<()> {
        // Tuples are not counted: see `MAX_DEPTH`.
        Ok(())
    }
}

impl<O: Output> ser::SerializeTupleVariant for &mut Encoder<O> {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        value.serialize(&mut **self)
    }

    #[inline]
    fn end(self) -> Result<()> {
        self.leave()
    }
}

impl<O: Output> ser::SerializeMap for &mut Encoder<O> {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        key.serialize(&mut **self)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        value.serialize(&mut **self)
    }

    #[inline]
    fn end(self) -> Result<()> {
        self.leave()
    }
}

impl<O: Output> ser::SerializeStruct for &mut Encoder<O> {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        _name: &'static str,
        value: &T,
    ) -> Result<()> {
        value.serialize(&mut **self)
    }

    #[inline]
    fn end(self) -> Result<()> {
        self.leave()
    }
}

impl<O: Output> ser::SerializeStructVariant for &mut Encoder<O> {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        _name: &'static str,
        value: &T,
    ) -> Result<()> {
        value.serialize(&mut **self)
    }

    #[inline]
    fn end(self) -> Result<()> {
        self.leave()
    }
}
