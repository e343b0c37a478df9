//! Values to bytes: postcard's format, with open records written in one pass.
//!
//! An open record begins with the length of its fields, which is known only after they are written.
//! Sizing them first costs a second walk over the value, and a buffer of its own costs an
//! allocation per record. So the serializer here is a thin layer over postcard's: at the start of a
//! record it leaves a byte for the length, and at its end it fills that byte in, moving the fields on
//! when the length needs more than one. It also writes varints itself, in postcard's form, because
//! that is where the time went.
//!
//! The format itself stays postcard's. A record in any other postcard serializer is sized first and
//! written second, and gives the same bytes (see [`record`](crate::record)).

mod encoder;
mod output;

use std::fmt;

use serde::Serialize;

use crate::bound::{self, BoundExceeded};
pub(crate) use encoder::Encoder;
pub(crate) use output::{Buffer, Count};

/// How deep values may be nested inside each other, on the way out and on the way in.
///
/// Only what a value can have more or fewer of is counted: records, structs, unions, lists, maps
/// and optional values, but not tuples and arrays. A list of nodes that each hold such a list takes
/// two levels per node.
pub const MAX_DEPTH: u32 = 128;

/// Appends the encoding of `value` to `into`.
///
/// When this fails, `into` is as it was before.
///
/// ```
/// # use alpc_rpc::__rt::v1::encode;
/// let mut message = Vec::new();
/// encode::to_vec_in(&("key", 300_u32), &mut message)?;
/// assert_eq!(message, b"\x03key\xac\x02");
/// # Ok::<(), encode::EncodeError>(())
/// ```
pub fn to_vec_in<T: Serialize + ?Sized>(value: &T, into: &mut Vec<u8>) -> Result<(), EncodeError> {
    to_vec_within(value, into, usize::MAX)
}

/// Appends the encoding of `value` to `into`, which may become `limit` bytes long in total.
///
/// The vector does not grow past the limit, so a value that is far too large is given up early and
/// takes no more memory than one that fits. When this fails, `into` is as it was before.
pub fn to_vec_within<T: Serialize + ?Sized>(
    value: &T,
    into: &mut Vec<u8>,
    limit: usize,
) -> Result<(), EncodeError> {
    let before = into.len();
    let mut encoder = Encoder::new(Buffer::new(into, limit));
    let written = value.serialize(&mut encoder);
    match finish(encoder, written) {
        Ok(()) => Ok(()),
        Err(error) => Err(give_up(error, into, before, limit)),
    }
}

// The ends of `to_vec_within` depend on no type: they are made once, not for each type of an interface.

fn finish(
    encoder: Encoder<Buffer<'_>>,
    written: Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    written.and_then(|()| encoder.finish())
}

#[cold]
fn give_up(error: EncodeError, into: &mut Vec<u8>, before: usize, limit: usize) -> EncodeError {
    into.truncate(before);
    error.within(limit)
}

/// The number of bytes that the encoding of `value` takes.
pub fn size<T: Serialize + ?Sized>(value: &T) -> Result<usize, EncodeError> {
    let mut encoder = Encoder::new(Count::default());
    value.serialize(&mut encoder)?;
    encoder.finish()
}

/// A value could not be encoded.
///
/// It is one pointer wide, because results travel on the path of every value and errors do not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeError {
    kind: Box<EncodeErrorKind>,
}

/// Why a value could not be encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeErrorKind {
    /// The encoding is longer than the message may be, in bytes.
    TooLong {
        /// The most that was allowed.
        limit: usize,
    },
    /// Values are nested in more than [`MAX_DEPTH`] others.
    TooDeep,
    /// A value lies outside what the interface allows; the text is that of [`BoundExceeded`].
    BoundExceeded(String),
    /// The value cannot be encoded at all; the text says why.
    Unsupported(String),
}

impl EncodeError {
    #[cold]
    pub(crate) fn new(kind: EncodeErrorKind) -> EncodeError {
        EncodeError { kind: Box::new(kind) }
    }

    /// Why it failed.
    pub fn kind(&self) -> &EncodeErrorKind {
        &self.kind
    }

    /// Takes the error apart.
    pub fn into_kind(self) -> EncodeErrorKind {
        *self.kind
    }

    /// Fills in the limit, which postcard's "buffer is full" does not carry.
    fn within(mut self, limit: usize) -> EncodeError {
        if let EncodeErrorKind::TooLong { limit: unknown } = &mut *self.kind {
            *unknown = limit;
        }
        self
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.kind {
            EncodeErrorKind::TooLong { limit } => {
                write!(f, "the encoded data is longer than the {limit} bytes allowed here")
            }
            EncodeErrorKind::TooDeep => {
                write!(f, "values are nested more than {MAX_DEPTH} levels deep")
            }
            EncodeErrorKind::BoundExceeded(text) if f.alternate() => {
                write!(f, "{}{text}", bound::MARK)
            }
            EncodeErrorKind::BoundExceeded(text) | EncodeErrorKind::Unsupported(text) => {
                f.write_str(text)
            }
        }
    }
}

impl std::error::Error for EncodeError {}

impl serde::ser::Error for EncodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        let text = format!("{message:#}");
        EncodeError::new(match text.strip_prefix(bound::MARK) {
            Some(text) => EncodeErrorKind::BoundExceeded(text.to_owned()),
            None => EncodeErrorKind::Unsupported(text),
        })
    }
}

impl From<BoundExceeded> for EncodeError {
    fn from(error: BoundExceeded) -> Self {
        EncodeError::new(EncodeErrorKind::BoundExceeded(error.to_string()))
    }
}

impl From<postcard::Error> for EncodeError {
    #[cold]
    fn from(error: postcard::Error) -> Self {
        EncodeError::new(match error {
            postcard::Error::SerializeBufferFull => EncodeErrorKind::TooLong { limit: usize::MAX },
            postcard::Error::SerializeSeqLengthUnknown => EncodeErrorKind::Unsupported(
                "a list or map does not say how many elements it has".to_owned(),
            ),
            postcard::Error::CollectStrError => {
                EncodeErrorKind::Unsupported("a value that is sent as text has none".to_owned())
            }
            other => EncodeErrorKind::Unsupported(other.to_string()),
        })
    }
}

#[cfg(test)]
mod tests;
