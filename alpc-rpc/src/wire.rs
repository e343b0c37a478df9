//! The form in which values meet serde, where it is not serde's own.
//!
//! serde's idea of some types is not the interface language's: it takes `Vec<u8>` for a list of
//! numbers and visits each one, gives a `Duration` two fields, and knows no arrays of more than 32
//! elements. A wrapper around the value would mend that for a field that is such a value, but not for
//! a list of them. So the mending is done by *types*: an adaptor like [`List`]`<`[`Bytes`]`>` says how
//! a `Vec<Vec<u8>>` is written and read, and costs nothing when the program runs. Generated code
//! names the adaptor of each type that needs one ([`encoded`], [`Decoded`]).

mod collections;
mod standard;

use std::marker::PhantomData;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use collections::{Array, List, Map, Optional, Outcome};
pub use standard::{Bytes, Duration, Path, Time, Uuid};

/// Knows how a `T` is written.
pub trait EncodeAs<T: ?Sized> {
    /// Writes `value`.
    fn encode<S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error>;
}

/// Knows how a `T` is read.
pub trait DecodeAs<'de, T> {
    /// Reads a value.
    fn decode<D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error>;
}

/// A value that is written in the manner of `A`.
pub struct Encoded<'v, A, T: ?Sized> {
    value: &'v T,
    adaptor: PhantomData<A>,
}

/// `value`, to be written in the manner of `A`.
///
/// ```
/// # use alpc_rpc::__rt::v1::{encode, wire};
/// let mut message = Vec::new();
/// let second = core::time::Duration::from_secs(1);
/// encode::to_vec_in(&wire::encoded::<wire::Duration, _>(&second), &mut message)?;
/// assert_eq!(message, b"\x80\x94\xeb\xdc\x03");
/// # Ok::<(), encode::EncodeError>(())
/// ```
#[inline]
pub fn encoded<A, T: ?Sized>(value: &T) -> Encoded<'_, A, T> {
    Encoded { value, adaptor: PhantomData }
}

impl<T: ?Sized, A: EncodeAs<T>> Serialize for Encoded<'_, A, T> {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        A::encode(self.value, serializer)
    }
}

/// A value that was read in the manner of `A`.
pub struct Decoded<A, T> {
    /// The value.
    pub value: T,
    adaptor: PhantomData<A>,
}

impl<'de, T, A: DecodeAs<'de, T>> Deserialize<'de> for Decoded<A, T> {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        A::decode(deserializer).map(|value| Decoded { value, adaptor: PhantomData })
    }
}

/// The manner of the type itself, for what stands inside of others beside something that is not so.
pub struct Same;

impl<T: Serialize + ?Sized> EncodeAs<T> for Same {
    #[inline]
    fn encode<S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        value.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> DecodeAs<'de, T> for Same {
    #[inline]
    fn decode<D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
        T::deserialize(deserializer)
    }
}

/// The manner of `A`, for a reference: what a client hands over as `Option<&T>`.
pub struct Ref<A>(PhantomData<A>);

impl<T: ?Sized, A: EncodeAs<T>> EncodeAs<&T> for Ref<A> {
    #[inline]
    fn encode<S: Serializer>(value: &&T, serializer: S) -> Result<S::Ok, S::Error> {
        A::encode(value, serializer)
    }
}

#[cfg(test)]
mod tests;
