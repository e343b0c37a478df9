use std::collections::BTreeMap;
use std::fmt;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde::Deserialize;
use serde::ser::{SerializeSeq, Serializer};

use super::*;
use crate::decode::ValueReader;

/// One of everything that serde's derive can make of a `[final]` type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Closed {
    unsigned: (u8, u16, u32, u64, u128),
    signed: (i8, i16, i32, i64, i128),
    wrapped: Wrapped,
    pair: Pair,
    unit: Unit,
    optional: Option<Option<bool>>,
    array: [u16; 3],
    list: Vec<Choice>,
    map: BTreeMap<String, Choice>,
    floats: (f32, f64),
    character: char,
    nothing: (),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Wrapped(i64);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Pair(u64, String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Choice {
    Nothing,
    One(u32),
    Two(i16, bool),
    Named { text: String, count: u64 },
}

fn choice() -> impl Strategy<Value = Choice> {
    prop_oneof![
        Just(Choice::Nothing),
        any::<u32>().prop_map(Choice::One),
        any::<(i16, bool)>().prop_map(|(a, b)| Choice::Two(a, b)),
        (".{0,20}", any::<u64>()).prop_map(|(text, count)| Choice::Named { text, count }),
    ]
}

prop_compose! {
    fn closed()(
        unsigned: (u8, u16, u32, u64, u128),
        signed: (i8, i16, i32, i64, i128),
        // Small numbers, and so short ones, are rare among random ones.
        shift in 0..128_u32,
        (text, array, optional) in (".{0,200}", any::<[u16; 3]>(), any::<Option<Option<bool>>>()),
        list in prop::collection::vec(choice(), 0..5),
        map in prop::collection::btree_map(".{0,9}", choice(), 0..5),
        bits: u64,
        character: char,
    ) -> Closed {
        let (a, b, c, d, e) = unsigned;
        let unsigned = (a, b >> (shift / 8), c >> (shift / 4), d >> (shift / 2), e >> shift);
        let (a, b, c, d, e) = signed;
        let signed = (a, b >> (shift / 8), c >> (shift / 4), d >> (shift / 2), e >> shift);
        Closed {
            unsigned,
            signed,
            wrapped: Wrapped(signed.3),
            pair: Pair(unsigned.3, text),
            unit: Unit,
            optional,
            array,
            list,
            map,
            floats: (f32::from(array[0]) / 3.0, if f64::from_bits(bits).is_nan() { 0.0 } else { f64::from_bits(bits) }),
            character,
            nothing: (),
        }
    }
}

proptest! {
    #[test]
    fn closed_types_are_what_serde_and_postcard_make_of_them(value in closed()) {
        let mut ours = Vec::new();
        to_vec_in(&value, &mut ours).unwrap();
        prop_assert_eq!(&ours, &postcard::to_allocvec(&value).unwrap());
        prop_assert_eq!(size(&value).unwrap(), ours.len());

        let mut reader = ValueReader::new(&ours);
        prop_assert_eq!(reader.value::<Closed>("value").unwrap(), value);
        prop_assert!(reader.is_empty());
    }

    #[test]
    fn any_bytes_are_read_as_postcard_reads_them(
        mut bytes in prop::collection::vec(any::<u8>(), 0..100),
        value in closed(),
        at: prop::sample::Index,
    ) {
        // Ours may refuse more (depth, counts), but what both read must be the same.
        let both_agree = |bytes: &[u8]| {
            let ours = ValueReader::new(bytes).value::<Closed>("value");
            let postcards = postcard::from_bytes::<Closed>(bytes);
            assert_eq!(ours.is_ok(), postcards.is_ok(), "{ours:?} {postcards:?}");
            if let (Ok(ours), Ok(postcards)) = (ours, postcards) {
                assert_eq!(format!("{ours:?}"), format!("{postcards:?}"));
            }
        };
        both_agree(&bytes);
        let mut damaged = postcard::to_allocvec(&value).unwrap();
        let at = at.index(damaged.len());
        damaged[at] = bytes.pop().unwrap_or(0xff);
        both_agree(&damaged);
    }
}

#[test]
fn values_follow_each_other_and_what_was_there_stays() {
    let mut message = b"head".to_vec();
    to_vec_in("key", &mut message).unwrap();
    to_vec_in(&300_u16, &mut message).unwrap();
    assert_eq!(message, b"head\x03key\xac\x02");

    let mut reader = ValueReader::new(&message[4..]);
    assert_eq!(reader.value::<&str>("key").unwrap(), "key");
    assert_eq!(reader.rest(), b"\xac\x02");
    assert_eq!(reader.value::<u16>("count").unwrap(), 300);
    assert!(reader.is_empty());
}

#[test]
fn nothing_is_read_after_an_error() {
    let mut reader = ValueReader::new(b"\x02\x01");
    assert!(reader.value::<bool>("flag").is_err());
    assert!(reader.is_empty());
}

#[test]
fn a_limit_below_what_the_vector_has_room_for_is_kept() {
    let mut bytes = Vec::with_capacity(100);
    assert!(to_vec_within(&[7_u8; 9], &mut bytes, 8).is_err());
    assert!(bytes.is_empty());
    to_vec_within(&[7_u8; 8], &mut bytes, 8).unwrap();
    assert_eq!(bytes, [7; 8]);
}

#[track_caller]
fn check_refused<T: Serialize>(value: &T, text: Expect) {
    let mut bytes = b"head".to_vec();
    let error = to_vec_in(value, &mut bytes).unwrap_err();
    assert_eq!(bytes, b"head");
    text.assert_eq(&error.to_string());
}

#[test]
fn what_cannot_be_encoded_says_why() {
    struct Endless;
    impl Serialize for Endless {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_seq(None)?.end()
        }
    }
    check_refused(&Endless, expect!["a list or map does not say how many elements it has"]);

    struct Mute;
    impl fmt::Display for Mute {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            Err(fmt::Error)
        }
    }
    impl Serialize for Mute {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }
    check_refused(&Mute, expect!["a value that is sent as text has none"]);

    struct Secret;
    impl Serialize for Secret {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("secrets stay here"))
        }
    }
    check_refused(&vec![Secret], expect!["secrets stay here"]);
}
