//! What holds other values, each in the manner of an adaptor of its own.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, SerializeTuple, Serializer};

use super::{DecodeAs, Decoded, EncodeAs, encoded};

/// What is reserved for elements before they are read, in bytes: a count is only a claim.
const MOST_RESERVED: usize = 1 << 20;

/// `list<T>`, with elements in the manner of `A`.
pub struct List<A>(PhantomData<A>);

impl<T, A: EncodeAs<T>> EncodeAs<[T]> for List<A> {
    #[inline]
    fn encode<S: Serializer>(value: &[T], serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(value.len()))?;
        for element in value {
            list.serialize_element(&encoded::<A, T>(element))?;
        }
        list.end()
    }
}

impl<T, A: EncodeAs<T>> EncodeAs<Vec<T>> for List<A> {
    #[inline]
    fn encode<S: Serializer>(value: &Vec<T>, serializer: S) -> Result<S::Ok, S::Error> {
        <List<A> as EncodeAs<[T]>>::encode(value, serializer)
    }
}

impl<'de, T, A: DecodeAs<'de, T>> DecodeAs<'de, Vec<T>> for List<A> {
    #[inline]
    fn decode<D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_seq(ListVisitor::<A, T>(PhantomData))
    }
}

struct ListVisitor<A, T>(PhantomData<(A, T)>);

impl<'de, T, A: DecodeAs<'de, T>> Visitor<'de> for ListVisitor<A, T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    #[inline]
    fn visit_seq<S: SeqAccess<'de>>(self, mut elements: S) -> Result<Vec<T>, S::Error> {
        let claimed = elements.size_hint().unwrap_or(0);
        let mut list = Vec::with_capacity(claimed.min(MOST_RESERVED / size_of::<T>().max(1)));
        while let Some(element) = elements.next_element::<Decoded<A, T>>()? {
            list.push(element.value);
        }
        Ok(list)
    }
}

/// `[T; N]`, with elements in the manner of `A`; of any length.
pub struct Array<A>(PhantomData<A>);

impl<T, A: EncodeAs<T>, const N: usize> EncodeAs<[T; N]> for Array<A> {
    #[inline]
    fn encode<S: Serializer>(value: &[T; N], serializer: S) -> Result<S::Ok, S::Error> {
        let mut array = serializer.serialize_tuple(N)?;
        for element in value {
            array.serialize_element(&encoded::<A, T>(element))?;
        }
        array.end()
    }
}

impl<'de, T, A: DecodeAs<'de, T>, const N: usize> DecodeAs<'de, [T; N]> for Array<A> {
    #[inline]
    fn decode<D: Deserializer<'de>>(deserializer: D) -> Result<[T; N], D::Error> {
        deserializer.deserialize_tuple(N, ArrayVisitor::<A, T, N>(PhantomData))
    }
}

struct ArrayVisitor<A, T, const N: usize>(PhantomData<(A, T)>);

impl<'de, T, A: DecodeAs<'de, T>, const N: usize> Visitor<'de> for ArrayVisitor<A, T, N> {
    type Value = [T; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an array of {N} elements")
    }

    #[inline]
    fn visit_seq<S: SeqAccess<'de>>(self, mut elements: S) -> Result<[T; N], S::Error> {
        // An array that is only partly there does not exist in safe Rust, so they gather in a list.
        let mut list = Vec::with_capacity(N);
        while list.len() < N {
            match elements.next_element::<Decoded<A, T>>()? {
                Some(element) => list.push(element.value),
                None => break,
            }
        }
        list.try_into().map_err(|list: Vec<T>| de::Error::invalid_length(list.len(), &self))
    }
}

/// `map<K, V>`, with keys in the manner of `A` and values in that of `B`.
pub struct Map<A, B>(PhantomData<(A, B)>);

impl<K, V, A: EncodeAs<K>, B: EncodeAs<V>> EncodeAs<BTreeMap<K, V>> for Map<A, B> {
    #[inline]
    fn encode<S: Serializer>(value: &BTreeMap<K, V>, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(value.len()))?;
        for (key, value) in value {
            map.serialize_entry(&encoded::<A, K>(key), &encoded::<B, V>(value))?;
        }
        map.end()
    }
}

impl<'de, K, V, A, B> DecodeAs<'de, BTreeMap<K, V>> for Map<A, B>
where
    K: Ord,
    A: DecodeAs<'de, K>,
    B: DecodeAs<'de, V>,
{
    #[inline]
    fn decode<D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error> {
        deserializer.deserialize_map(MapVisitor::<A, B, K, V>(PhantomData))
    }
}

struct MapVisitor<A, B, K, V>(PhantomData<(A, B, K, V)>);

impl<'de, K, V, A, B> Visitor<'de> for MapVisitor<A, B, K, V>
where
    K: Ord,
    A: DecodeAs<'de, K>,
    B: DecodeAs<'de, V>,
{
    type Value = BTreeMap<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    #[inline]
    fn visit_map<M: MapAccess<'de>>(self, mut entries: M) -> Result<BTreeMap<K, V>, M::Error> {
        let mut map = BTreeMap::new();
        while let Some((key, value)) = entries.next_entry::<Decoded<A, K>, Decoded<B, V>>()? {
            map.insert(key.value, value.value);
        }
        Ok(map)
    }
}

/// `T?`, with the value in the manner of `A`.
pub struct Optional<A>(PhantomData<A>);

impl<T, A: EncodeAs<T>> EncodeAs<Option<T>> for Optional<A> {
    #[inline]
    fn encode<S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        value.as_ref().map(encoded::<A, T>).serialize(serializer)
    }
}

impl<'de, T, A: DecodeAs<'de, T>> DecodeAs<'de, Option<T>> for Optional<A> {
    #[inline]
    fn decode<D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
        let value = Option::<Decoded<A, T>>::deserialize(deserializer)?;
        Ok(value.map(|decoded| decoded.value))
    }
}

/// `result<T, E>`, with the value in the manner of `A` and the error in that of `B`.
pub struct Outcome<A, B>(PhantomData<(A, B)>);

impl<T, E, A: EncodeAs<T>, B: EncodeAs<E>> EncodeAs<Result<T, E>> for Outcome<A, B> {
    #[inline]
    fn encode<S: Serializer>(value: &Result<T, E>, serializer: S) -> Result<S::Ok, S::Error> {
        let outcome = value.as_ref().map(encoded::<A, T>).map_err(encoded::<B, E>);
        outcome.serialize(serializer)
    }
}

impl<'de, T, E, A: DecodeAs<'de, T>, B: DecodeAs<'de, E>> DecodeAs<'de, Result<T, E>>
    for Outcome<A, B>
{
    #[inline]
    fn decode<D: Deserializer<'de>>(deserializer: D) -> Result<Result<T, E>, D::Error> {
        let outcome = Result::<Decoded<A, T>, Decoded<B, E>>::deserialize(deserializer)?;
        Ok(outcome.map(|decoded| decoded.value).map_err(|decoded| decoded.value))
    }
}

macro_rules! tuples {
    ($(($($adaptor:ident $member:ident)+))*) => {$(
        impl<$($member, $adaptor: EncodeAs<$member>),+> EncodeAs<($($member,)+)>
            for ($($adaptor,)+)
        {
            #[inline]
            #[allow(non_snake_case, reason = "the members are called like their types")]
            fn encode<S: Serializer>(
                ($($member,)+): &($($member,)+),
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                ($(encoded::<$adaptor, $member>($member),)+).serialize(serializer)
            }
        }

        impl<'de, $($member, $adaptor: DecodeAs<'de, $member>),+> DecodeAs<'de, ($($member,)+)>
            for ($($adaptor,)+)
        {
            #[inline]
            #[allow(non_snake_case, reason = "the members are called like their types")]
            fn decode<D: Deserializer<'de>>(deserializer: D) -> Result<($($member,)+), D::Error> {
                let ($($member,)+) = <($(Decoded<$adaptor, $member>,)+)>::deserialize(deserializer)?;
                Ok(($($member.value,)+))
            }
        }
    )*};
}

tuples! {
    (A1 T1 A2 T2)
    (A1 T1 A2 T2 A3 T3)
    (A1 T1 A2 T2 A3 T3 A4 T4)
    (A1 T1 A2 T2 A3 T3 A4 T4 A5 T5)
    (A1 T1 A2 T2 A3 T3 A4 T4 A5 T5 A6 T6)
    (A1 T1 A2 T2 A3 T3 A4 T4 A5 T5 A6 T6 A7 T7)
    (A1 T1 A2 T2 A3 T3 A4 T4 A5 T5 A6 T6 A7 T7 A8 T8)
    (A1 T1 A2 T2 A3 T3 A4 T4 A5 T5 A6 T6 A7 T7 A8 T8 A9 T9)
    (A1 T1 A2 T2 A3 T3 A4 T4 A5 T5 A6 T6 A7 T7 A8 T8 A9 T9 A10 T10)
    (A1 T1 A2 T2 A3 T3 A4 T4 A5 T5 A6 T6 A7 T7 A8 T8 A9 T9 A10 T10 A11 T11)
    (A1 T1 A2 T2 A3 T3 A4 T4 A5 T5 A6 T6 A7 T7 A8 T8 A9 T9 A10 T10 A11 T11 A12 T12)
}
