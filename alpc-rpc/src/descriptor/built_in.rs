//! The descriptions of the types that the language brings along.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use super::{Describe, TypeDesc};
use crate::stream::Stream;

macro_rules! describe {
    ($($type:ty => $desc:ident)*) => {$(
        impl Describe for $type {
            fn describe() -> &'static TypeDesc {
                &TypeDesc::$desc
            }
        }
    )*};
}

describe! {
    () => Unit
    bool => Bool
    u8 => U8
    u16 => U16
    u32 => U32
    u64 => U64
    u128 => U128
    i8 => I8
    i16 => I16
    i32 => I32
    i64 => I64
    i128 => I128
    f32 => F32
    f64 => F64
    str => String
    String => String
    Path => Path
    PathBuf => Path
    Uuid => Uuid
    Duration => Duration
    SystemTime => Time
}

impl<T: Describe + ?Sized> Describe for &T {
    fn describe() -> &'static TypeDesc {
        T::describe()
    }
}

impl<T: Describe + ?Sized> Describe for Box<T> {
    fn describe() -> &'static TypeDesc {
        T::describe()
    }
}

impl<T: Describe + ?Sized> Describe for Arc<T> {
    fn describe() -> &'static TypeDesc {
        T::describe()
    }
}

impl<T: Describe> Describe for [T] {
    fn describe() -> &'static TypeDesc {
        const { &TypeDesc::List(T::describe) }
    }
}

impl<T: Describe> Describe for Vec<T> {
    fn describe() -> &'static TypeDesc {
        <[T]>::describe()
    }
}

impl<T: Describe, const N: usize> Describe for [T; N] {
    fn describe() -> &'static TypeDesc {
        const { &TypeDesc::Array(T::describe, N) }
    }
}

impl<K: Describe, V: Describe> Describe for BTreeMap<K, V> {
    fn describe() -> &'static TypeDesc {
        const { &TypeDesc::Map(K::describe, V::describe) }
    }
}

impl<T: Describe> Describe for Option<T> {
    fn describe() -> &'static TypeDesc {
        const { &TypeDesc::Optional(T::describe) }
    }
}

impl<T: Describe, E: Describe> Describe for Result<T, E> {
    fn describe() -> &'static TypeDesc {
        const { &TypeDesc::Result(T::describe, E::describe) }
    }
}

impl<T: Describe, E> Describe for Stream<T, E> {
    fn describe() -> &'static TypeDesc {
        const { &TypeDesc::Stream(T::describe) }
    }
}

macro_rules! describe_tuples {
    ($(($($member:ident)+))*) => {$(
        impl<$($member: Describe),+> Describe for ($($member,)+) {
            fn describe() -> &'static TypeDesc {
                const { &TypeDesc::Tuple(&[$($member::describe),+]) }
            }
        }
    )*};
}

describe_tuples! {
    (A)
    (A B)
    (A B C)
    (A B C D)
    (A B C D E)
    (A B C D E F)
    (A B C D E F G)
    (A B C D E F G H)
    (A B C D E F G H I)
    (A B C D E F G H I J)
    (A B C D E F G H I J K)
    (A B C D E F G H I J K L)
}
