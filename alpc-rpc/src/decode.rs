//! Bytes to values: postcard's format, read from bytes that a stranger sent.
//!
//! postcard's own deserializer is safe against hostile bytes, but it has one error for whatever a
//! type finds wrong ("Serde Deserialization Error"), it does not limit depth, and it cannot tell a
//! nested record how deep it stands. The decoder here lets postcard read what is rare and reads numbers
//! and everything that holds other values itself, so that
//!
//! - an error says which field of which type is wrong, and how,
//! - depth is counted across records, in the decoder and the record readers and not in a thread,
//! - a list that claims more elements than there are bytes is refused before anything is allocated.

mod decoder;

use std::fmt;

use serde::Deserialize;

use crate::bound::{self, BoundExceeded};
pub(crate) use decoder::Decoder;

/// Reads values that stand one after the other: the arguments of a call, or its results.
///
/// What a value borrows, it borrows from the message.
///
/// ```
/// # use alpc_rpc::__rt::v1::decode::ValueReader;
/// let mut arguments = ValueReader::new(b"\x03key\xac\x02");
/// let key: &str = arguments.value("key")?;
/// let count: u32 = arguments.value("count")?;
/// assert_eq!((key, count), ("key", 300));
/// assert!(arguments.is_empty());
/// # Ok::<(), alpc_rpc::__rt::v1::decode::DecodeError>(())
/// ```
pub struct ValueReader<'m> {
    decoder: Decoder<'m>,
}

impl<'m> ValueReader<'m> {
    /// Starts at the beginning of `bytes`.
    pub fn new(bytes: &'m [u8]) -> Self {
        ValueReader { decoder: Decoder::new(bytes, 0) }
    }

    /// Reads the next value; `name` is for the text of the error only.
    ///
    /// After an error nothing more can be read, since nobody knows where the next value begins.
    #[inline]
    pub fn value<T: Deserialize<'m>>(&mut self, name: &'static str) -> Result<T, DecodeError> {
        match T::deserialize(&mut self.decoder) {
            Ok(value) => Ok(value),
            Err(error) => Err(self.failed(name, error)),
        }
    }

    #[cold]
    #[inline(never)]
    fn failed(&mut self, name: &'static str, error: DecodeError) -> DecodeError {
        self.decoder = Decoder::new(&[], 0);
        error.in_value(name)
    }

    /// Whether everything has been read. A sender that is older than its receiver may end early.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.decoder.rest().is_empty()
    }

    /// What has not been read yet.
    #[inline]
    pub fn rest(&self) -> &'m [u8] {
        self.decoder.rest()
    }
}

impl fmt::Debug for ValueReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValueReader").field("rest", &self.rest().len()).finish()
    }
}

/// Bytes are not the encoding of a value of the type that was asked for.
///
/// It is one pointer wide, because results travel on the path of every value and errors do not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    inner: Box<Inner>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    kind: DecodeErrorKind,
    text: String,
}

/// What is wrong with the bytes, sorted by what the receiver tells the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// They are no encoding of the type.
    Malformed,
    /// They are one, but of a value outside what the interface allows.
    BoundExceeded,
}

/// No more fields are named in an error once its text is this long: it may have been met deep inside
/// a value that was made to be deep.
const LONG_TEXT: usize = 240;

impl DecodeError {
    #[cold]
    pub(crate) fn malformed(text: impl Into<String>) -> DecodeError {
        DecodeError {
            inner: Box::new(Inner { kind: DecodeErrorKind::Malformed, text: text.into() }),
        }
    }

    /// What is wrong, sorted by what the receiver tells the sender.
    pub fn kind(&self) -> DecodeErrorKind {
        self.inner.kind
    }

    /// Says which field it was.
    #[cold]
    pub(crate) fn in_field(mut self, field: &str, record: &str) -> DecodeError {
        if self.inner.text.len() < LONG_TEXT {
            self.inner.text = format!("`{field}` of `{record}`: {}", self.inner.text);
        }
        self
    }

    /// Says which argument or result it was.
    #[cold]
    fn in_value(mut self, name: &str) -> DecodeError {
        self.inner.text = format!("`{name}`: {}", self.inner.text);
        self
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() && self.inner.kind == DecodeErrorKind::BoundExceeded {
            write!(f, "{}", bound::MARK)?;
        }
        f.write_str(&self.inner.text)
    }
}

impl std::error::Error for DecodeError {}

impl serde::de::Error for DecodeError {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        let mut error = DecodeError::malformed(format!("{message:#}"));
        if let Some(text) = error.inner.text.strip_prefix(bound::MARK) {
            error.inner.text = text.to_owned();
            error.inner.kind = DecodeErrorKind::BoundExceeded;
        }
        error
    }
}

impl From<BoundExceeded> for DecodeError {
    #[cold]
    fn from(error: BoundExceeded) -> Self {
        serde::de::Error::custom(error)
    }
}

impl From<postcard::Error> for DecodeError {
    #[cold]
    fn from(error: postcard::Error) -> Self {
        use postcard::Error::{
            DeserializeBadBool, DeserializeBadChar, DeserializeBadVarint, DeserializeUnexpectedEnd,
        };
        let text = match error {
            DeserializeUnexpectedEnd => "the data ends too early".to_owned(),
            DeserializeBadVarint => "a number is too large for its type".to_owned(),
            DeserializeBadBool => "a bool is neither 0 nor 1".to_owned(),
            DeserializeBadChar => "a character is not Unicode".to_owned(),
            other => other.to_string(),
        };
        DecodeError::malformed(text)
    }
}
