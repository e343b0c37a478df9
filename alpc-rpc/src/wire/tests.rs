use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Debug;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::{self, SystemTime, UNIX_EPOCH};

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::decode::ValueReader;
use crate::encode::{EncodeError, to_vec_in};

fn encode<A: EncodeAs<T>, T: ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::new();
    to_vec_in(&encoded::<A, T>(value), &mut bytes).map(|()| bytes)
}

fn decode<'de, A: DecodeAs<'de, T>, T>(bytes: &'de [u8]) -> Result<T, String> {
    let decoded = ValueReader::new(bytes).value::<Decoded<A, T>>("value");
    decoded.map(|decoded| decoded.value).map_err(|error| error.to_string())
}

/// Values come back, and any other postcard serializer gives the same bytes.
fn check_trip<A, T>(value: &T)
where
    A: EncodeAs<T> + for<'de> DecodeAs<'de, T>,
    T: PartialEq + Debug,
{
    let bytes = encode::<A, T>(value).unwrap();
    assert_eq!(&decode::<A, T>(&bytes).unwrap(), value);
    assert_eq!(postcard::to_allocvec(&encoded::<A, T>(value)).unwrap(), bytes);
    let others: Decoded<A, T> = postcard::from_bytes(&bytes).unwrap();
    assert_eq!(&others.value, value);
}

/// What is serde's own in one manner is the same bytes in the other.
fn check_same<A: EncodeAs<T>, T: Serialize>(value: &T) {
    assert_eq!(encode::<A, T>(value).unwrap(), encode::<Same, T>(value).unwrap());
}

fn paths() -> impl Strategy<Value = PathBuf> {
    prop::collection::vec(any::<u8>(), 0..20)
        .prop_map(|bytes| PathBuf::from(OsString::from_vec(bytes)))
}

fn times() -> impl Strategy<Value = SystemTime> {
    any::<i64>().prop_map(|nanos| {
        let distance = time::Duration::from_nanos(nanos.unsigned_abs());
        if nanos < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance }
    })
}

fn durations() -> impl Strategy<Value = time::Duration> {
    any::<u64>().prop_map(time::Duration::from_nanos)
}

proptest! {
    #[test]
    fn values_come_back(
        path in paths(),
        uuid: u128,
        duration in durations(),
        time in times(),
        bytes: Vec<u8>,
    ) {
        check_trip::<Path, PathBuf>(&path);
        check_trip::<Uuid, uuid::Uuid>(&uuid::Uuid::from_u128(uuid));
        check_trip::<Duration, time::Duration>(&duration);
        check_trip::<Time, SystemTime>(&time);
        check_trip::<Bytes, Vec<u8>>(&bytes);
        check_same::<Bytes, Vec<u8>>(&bytes);
    }

    #[test]
    fn values_come_back_from_any_depth(
        map in prop::collection::btree_map(
            ".{0,4}",
            prop::collection::vec(prop::option::of(durations()), 0..4),
            0..4,
        ),
        arrays in prop::collection::vec(prop::array::uniform3(paths()), 0..3),
        outcome in prop::result::maybe_ok((any::<u8>(), durations()), paths()),
        blobs in prop::collection::vec(any::<Vec<u8>>(), 0..4),
    ) {
        check_trip::<Map<Same, List<Optional<Duration>>>, _>(&map);
        check_trip::<List<Array<Path>>, _>(&arrays);
        check_trip::<Outcome<(Same, Duration), Path>, _>(&outcome);
        check_trip::<List<Bytes>, _>(&blobs);
        check_same::<List<Bytes>, _>(&blobs);
        check_same::<List<List<Same>>, _>(&blobs);
        check_same::<Optional<List<Bytes>>, _>(&Some(blobs));
    }

    #[test]
    fn long_arrays_are_what_a_tuple_would_be(seed: u64) {
        let long: [u64; 100] = std::array::from_fn(|at| seed.wrapping_mul(at as u64));
        check_trip::<Array<Same>, _>(&long);
        let (head, tail) = long.split_at(50);
        let halves = [head, tail].map(|half| half.iter().flat_map(|n| postcard::to_allocvec(n).unwrap()));
        let bytes: Vec<u8> = halves.into_iter().flatten().collect();
        assert_eq!(encode::<Array<Same>, _>(&long).unwrap(), bytes);
    }

    #[test]
    fn any_bytes_end_in_a_value_or_an_error(bytes: Vec<u8>) {
        let _ = decode::<Map<Duration, List<Optional<Path>>>, BTreeMap<_, _>>(&bytes);
        let _ = decode::<List<Array<Time>>, Vec<[SystemTime; 3]>>(&bytes);
        let _ = decode::<Outcome<Uuid, Bytes>, Result<_, _>>(&bytes);
    }
}

#[test]
fn references_are_written_like_what_they_refer_to() {
    let paths = [PathBuf::from("a"), PathBuf::from("b")];
    let owned = encode::<Optional<List<Path>>, _>(&Some(paths.to_vec())).unwrap();
    let borrowed = encode::<Optional<Ref<List<Path>>>, Option<&[PathBuf]>>(&Some(&paths)).unwrap();
    assert_eq!(owned, borrowed);
}

#[test]
fn the_bytes_are_those_of_the_language() {
    let bytes = encode::<(Path, Uuid, Duration, Time, Outcome<Same, Same>), _>(&(
        PathBuf::from("/a"),
        uuid::Uuid::from_u128(0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f),
        time::Duration::from_nanos(300),
        UNIX_EPOCH - time::Duration::from_nanos(1),
        Err::<u8, u8>(7),
    ));
    let expected = b"\x02/a\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\xac\x02\x01\x01\x07";
    assert_eq!(bytes.unwrap(), expected);
}

#[test]
fn formats_for_people_show_text() {
    let value = (PathBuf::from("/a"), uuid::Uuid::from_u128(1), time::Duration::from_micros(2));
    let text = serde_json::to_string(&encoded::<(Path, Uuid, Duration), _>(&value)).unwrap();
    assert_eq!(text, r#"["/a","00000000-0000-0000-0000-000000000001",2000]"#);
    let back: Decoded<(Path, Uuid, Duration), _> = serde_json::from_str(&text).unwrap();
    assert_eq!(back.value, value);
}

#[test]
fn times_reach_as_far_as_the_numbers() {
    for nanos in [i64::MIN, i64::MAX] {
        let bytes = encode::<Same, i64>(&nanos).unwrap();
        let time = decode::<Time, SystemTime>(&bytes).unwrap();
        check_trip::<Time, SystemTime>(&time);
    }
}

#[track_caller]
fn check_refused<T: Debug>(result: Result<T, impl ToString>, text: Expect) {
    text.assert_eq(&result.unwrap_err().to_string());
}

#[test]
fn what_does_not_fit_is_an_error_where_it_is_sent() {
    check_refused(
        encode::<Duration, _>(&time::Duration::MAX),
        expect![
            "a duration of 18446744073709551615.999999999s is longer than the 584 years that can be sent"
        ],
    );
    let far = time::Duration::from_secs(1 << 40);
    for time in [UNIX_EPOCH + far, UNIX_EPOCH - far] {
        check_refused(
            encode::<List<Time>, _>(&vec![time]),
            expect!["a time is further from 1970 than the 292 years that can be sent"],
        );
    }
}

#[test]
fn what_is_missing_is_an_error_where_it_arrives() {
    check_refused(
        decode::<Uuid, uuid::Uuid>(&[1; 15]),
        expect!["`value`: the data ends too early"],
    );
    check_refused(
        decode::<Array<Same>, [u8; 40]>(&[1; 39]),
        expect!["`value`: the data ends too early"],
    );
    check_refused(
        decode::<List<Path>, Vec<PathBuf>>(b"\x02\x01a\x05bc"),
        expect!["`value`: the data claims 5 bytes where only 2 bytes are left"],
    );
}
