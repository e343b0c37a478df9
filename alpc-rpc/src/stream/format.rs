//! How the items of a stream are written, checked and read, as functions: the ends of a stream know
//! their items' type, and nothing of how it goes over the wire.

use std::convert::Infallible;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bound::BoundExceeded;
use crate::decode::{DecodeError, ValueReader};
use crate::encode::EncodeError;
use crate::outgoing::Outgoing;
use crate::scope::{self, Luggage};
use crate::wire::{DecodeAs, Decoded, EncodeAs, encoded};

/// How the items of one method's stream go over the wire, and the error that it may end with.
pub struct Format<T, E = Infallible> {
    pub(super) write: Write<T>,
    pub(super) read: Read<T>,
    pub(super) check: fn(&T) -> Result<(), BoundExceeded>,
    pub(super) write_error: Write<E>,
    pub(super) read_error: Read<E>,
}

type Write<T> = fn(&T, &mut Outgoing, &mut Vec<u8>, usize) -> Result<(), EncodeError>;
type Read<T> = fn(&[u8], &mut Luggage) -> Result<T, DecodeError>;

impl<T> Format<T> {
    /// Items that are written in the manner of `A`; the stream of a method without an error.
    pub fn of<A>() -> Format<T>
    where
        A: EncodeAs<T> + for<'de> DecodeAs<'de, T>,
    {
        Format {
            write: |item, outgoing, body, limit| {
                outgoing.encode(&encoded::<A, T>(item), body, limit)
            },
            read: |bytes, luggage| {
                let mut reader = ValueReader::new(bytes);
                let read = || reader.value::<Decoded<A, T>>("the item");
                scope::receiving(luggage, read).map(|item| item.value)
            },
            check: |_| Ok(()),
            write_error: |never, _, _, _| match *never {},
            read_error: |_, _| {
                Err(DecodeError::malformed("an error of the interface's, which has none"))
            },
        }
    }
}

impl<T, E> Format<T, E> {
    /// The same, for items that must keep to bounds.
    #[must_use]
    pub fn checked(self, check: fn(&T) -> Result<(), BoundExceeded>) -> Self {
        Format { check, ..self }
    }

    /// The same, for the stream of a method that raises `F`.
    pub fn raises<F: Serialize + DeserializeOwned>(self) -> Format<T, F> {
        Format {
            write: self.write,
            read: self.read,
            check: self.check,
            write_error: |error, outgoing, body, limit| outgoing.encode(error, body, limit),
            read_error: |bytes, luggage| {
                let mut reader = ValueReader::new(bytes);
                scope::receiving(luggage, || reader.value("the error"))
            },
        }
    }
}

impl<T, E> std::fmt::Debug for Format<T, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Format").finish_non_exhaustive()
    }
}
