//! Types of the standard library, and uuids.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::{self, SystemTime, UNIX_EPOCH};

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{self, Serialize, Serializer};

use super::{DecodeAs, EncodeAs};

/// `bytes`: in one piece. On the wire it is the same as a list of `u8`.
pub struct Bytes;

impl EncodeAs<[u8]> for Bytes {
    #[inline]
    fn encode<S: Serializer>(value: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(value)
    }
}

impl EncodeAs<Vec<u8>> for Bytes {
    #[inline]
    fn encode<S: Serializer>(value: &Vec<u8>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(value)
    }
}

impl<'de> DecodeAs<'de, Vec<u8>> for Bytes {
    #[inline]
    fn decode<D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        deserializer.deserialize_byte_buf(BytesVisitor)
    }
}

struct BytesVisitor;

impl<'de> Visitor<'de> for BytesVisitor {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    #[inline]
    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    #[inline]
    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }

    /// For formats that write bytes as a list.
    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<u8>, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = elements.next_element()? {
            bytes.push(byte);
        }
        Ok(bytes)
    }
}

/// `path`: the bytes of its name, which are not always text. Formats for people show it as text.
pub struct Path;

impl EncodeAs<std::path::Path> for Path {
    #[inline]
    fn encode<S: Serializer>(value: &std::path::Path, serializer: S) -> Result<S::Ok, S::Error> {
        match serializer.is_human_readable() {
            true => serializer.collect_str(&value.display()),
            false => serializer.serialize_bytes(value.as_os_str().as_encoded_bytes()),
        }
    }
}

impl EncodeAs<PathBuf> for Path {
    #[inline]
    fn encode<S: Serializer>(value: &PathBuf, serializer: S) -> Result<S::Ok, S::Error> {
        <Path as EncodeAs<std::path::Path>>::encode(value, serializer)
    }
}

impl<'de> DecodeAs<'de, PathBuf> for Path {
    #[inline]
    fn decode<D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
        match deserializer.is_human_readable() {
            true => String::deserialize(deserializer).map(PathBuf::from),
            false => {
                let bytes = Bytes::decode(deserializer)?;
                Ok(PathBuf::from(OsString::from_vec(bytes)))
            }
        }
    }
}

/// `uuid`: its 16 bytes, the first digits first. Formats for people show it as text.
pub struct Uuid;

impl EncodeAs<uuid::Uuid> for Uuid {
    #[inline]
    fn encode<S: Serializer>(value: &uuid::Uuid, serializer: S) -> Result<S::Ok, S::Error> {
        match serializer.is_human_readable() {
            true => serializer.collect_str(value),
            false => value.as_bytes().serialize(serializer),
        }
    }
}

impl<'de> DecodeAs<'de, uuid::Uuid> for Uuid {
    #[inline]
    fn decode<D: Deserializer<'de>>(deserializer: D) -> Result<uuid::Uuid, D::Error> {
        match deserializer.is_human_readable() {
            true => String::deserialize(deserializer)?.parse().map_err(de::Error::custom),
            false => <[u8; 16]>::deserialize(deserializer).map(uuid::Uuid::from_bytes),
        }
    }
}

/// `duration`: nanoseconds, up to 584 years of them.
pub struct Duration;

impl EncodeAs<time::Duration> for Duration {
    #[inline]
    fn encode<S: Serializer>(value: &time::Duration, serializer: S) -> Result<S::Ok, S::Error> {
        match u64::try_from(value.as_nanos()) {
            Ok(nanos) => serializer.serialize_u64(nanos),
            Err(_) => Err(ser::Error::custom(format_args!(
                "a duration of {value:?} is longer than the 584 years that can be sent"
            ))),
        }
    }
}

impl<'de> DecodeAs<'de, time::Duration> for Duration {
    #[inline]
    fn decode<D: Deserializer<'de>>(deserializer: D) -> Result<time::Duration, D::Error> {
        u64::deserialize(deserializer).map(time::Duration::from_nanos)
    }
}

/// `time`: nanoseconds since the start of 1970 (UTC), negative before it; 292 years to either side.
pub struct Time;

impl EncodeAs<SystemTime> for Time {
    #[inline]
    fn encode<S: Serializer>(value: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
        let nanos = match value.duration_since(UNIX_EPOCH) {
            Ok(since) => i128::try_from(since.as_nanos()),
            Err(before) => i128::try_from(before.duration().as_nanos()).map(|nanos| -nanos),
        };
        let nanos = nanos.ok().and_then(|nanos| i64::try_from(nanos).ok());
        match nanos {
            Some(nanos) => serializer.serialize_i64(nanos),
            None => Err(ser::Error::custom(
                "a time is further from 1970 than the 292 years that can be sent",
            )),
        }
    }
}

impl<'de> DecodeAs<'de, SystemTime> for Time {
    #[inline]
    fn decode<D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
        let nanos = i64::deserialize(deserializer)?;
        let distance = time::Duration::from_nanos(nanos.unsigned_abs());
        let time = match nanos < 0 {
            true => UNIX_EPOCH.checked_sub(distance),
            false => UNIX_EPOCH.checked_add(distance),
        };
        time.ok_or_else(|| de::Error::custom("a time is none that this system can represent"))
    }
}
