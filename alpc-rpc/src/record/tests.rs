use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde::ser::{SerializeTuple, Serializer};

use super::*;
use crate::bound::{self, BoundExceeded};
use crate::decode::{DecodeErrorKind, ValueReader};
use crate::encode::{EncodeErrorKind, MAX_DEPTH, size, to_vec_in, to_vec_within};

/// A record that holds itself in every way a type can, as generated code would have it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Node {
    id: u64,
    name: String,
    data: Vec<u8>,
    next: Option<Box<Node>>,
    children: Vec<Node>,
    shapes: BTreeMap<String, Shape>,
    note: Option<String>,
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Fields<'a>(&'a Node);
        impl Serialize for Fields<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut fields = serializer.serialize_tuple(7)?;
                fields.serialize_element(&self.0.id)?;
                fields.serialize_element(&self.0.name)?;
                fields.serialize_element(&wire::encoded::<wire::Bytes, _>(&self.0.data))?;
                fields.serialize_element(&self.0.next)?;
                fields.serialize_element(&self.0.children)?;
                fields.serialize_element(&self.0.shapes)?;
                fields.serialize_element(&self.0.note)?;
                fields.end()
            }
        }
        serialize(serializer, &Fields(self))
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(deserializer, "Node", |fields| {
            Ok(Node {
                id: fields.required("id")?,
                name: fields.required("name")?,
                data: fields.required::<wire::Decoded<wire::Bytes, _>>("data")?.value,
                next: fields.next("next")?.unwrap_or_default(),
                children: fields.next("children")?.unwrap_or_default(),
                shapes: fields.next("shapes")?.unwrap_or_default(),
                note: fields.next("note")?.unwrap_or_default(),
            })
        })
    }
}

/// An open union.
#[derive(Clone, Debug, PartialEq)]
enum Shape {
    Dot,
    Group(Vec<Shape>, u16),
    Tagged(Box<Node>),
    Unrecognized { tag: u32, payload: Vec<u8> },
}

impl Serialize for Shape {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Shape::Dot => serialize_union(serializer, 1, &()),
            Shape::Group(members, style) => serialize_union(serializer, 2, &(members, style)),
            Shape::Tagged(node) => serialize_union(serializer, 300, &(node,)),
            Shape::Unrecognized { tag, payload } => {
                serialize_unrecognized(serializer, *tag, payload)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_union(deserializer, "Shape", |tag, fields| {
            Ok(match tag {
                1 => Shape::Dot,
                2 => Shape::Group(
                    fields.required("members")?,
                    fields.next("style")?.unwrap_or_default(),
                ),
                300 => Shape::Tagged(fields.required("node")?),
                tag => Shape::Unrecognized { tag, payload: fields.rest().to_vec() },
            })
        })
    }
}

fn node() -> impl Strategy<Value = Node> {
    let leaf = (any::<u64>(), ".{0,200}", prop::collection::vec(any::<u8>(), 0..300))
        .prop_map(|(id, name, data)| Node { id, name, data, ..Node::default() });
    leaf.prop_recursive(5, 24, 4, |inner| {
        let shape = prop_oneof![
            Just(Shape::Dot),
            (prop::collection::vec(Just(Shape::Dot), 0..3), any::<u16>())
                .prop_map(|(members, style)| Shape::Group(members, style)),
            inner.clone().prop_map(|node| Shape::Tagged(Box::new(node))),
            (400_u32.., prop::collection::vec(any::<u8>(), 0..200))
                .prop_map(|(tag, payload)| Shape::Unrecognized { tag, payload }),
        ];
        (
            any::<u64>(),
            prop::option::of(inner.clone()),
            prop::collection::vec(inner, 0..3),
            prop::collection::btree_map("[a-z]{0,9}", shape, 0..3),
            prop::option::of(".{0,20}"),
        )
            .prop_map(|(id, next, children, shapes, note)| Node {
                id,
                next: next.map(Box::new),
                children,
                shapes,
                note,
                ..Node::default()
            })
    })
}

fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    to_vec_in(value, &mut bytes).unwrap();
    bytes
}

fn decode<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, RecordError> {
    ValueReader::new(bytes).value("value")
}

#[track_caller]
fn check_refused<'de, T: Deserialize<'de> + fmt::Debug>(bytes: &'de [u8], text: Expect) {
    let error = decode::<T>(bytes).unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::Malformed);
    text.assert_eq(&error.to_string());
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(node in node()) {
        let bytes = encode(&node);
        prop_assert_eq!(size(&node).unwrap(), bytes.len());
        let mut reader = ValueReader::new(&bytes);
        prop_assert_eq!(reader.value::<Node>("node").unwrap(), node);
        prop_assert!(reader.is_empty());
    }

    #[test]
    fn every_postcard_serializer_gives_the_same_bytes(node in node()) {
        let ours = encode(&node);
        prop_assert_eq!(&ours, &postcard::to_allocvec(&node).unwrap());
        prop_assert_eq!(ours.len(), postcard::experimental::serialized_size(&node).unwrap());
        prop_assert_eq!(postcard::from_bytes::<Node>(&ours).unwrap(), node);
    }

    #[test]
    fn a_limit_lets_pass_what_fits_and_leaves_nothing_of_what_does_not(node in node()) {
        let whole = encode(&node);
        let mut bytes = b"head".to_vec();
        to_vec_within(&node, &mut bytes, 4 + whole.len()).unwrap();
        prop_assert_eq!(&bytes[4..], &whole);
        for limit in [0, 3, 4, 5, 3 + whole.len()] {
            let mut bytes = b"head".to_vec();
            let error = to_vec_within(&node, &mut bytes, limit).unwrap_err();
            prop_assert_eq!(error.kind(), &EncodeErrorKind::TooLong { limit });
            prop_assert_eq!(bytes, b"head");
        }
    }

    #[test]
    fn encoding_into_room_that_is_there_allocates_none(node in node()) {
        // The encoder holds nothing but the vector it was given, so if that keeps its place and
        // its room, nothing was allocated.
        let mut bytes = Vec::with_capacity(size(&node).unwrap());
        let (room, place) = (bytes.capacity(), bytes.as_ptr());
        to_vec_in(&node, &mut bytes).unwrap();
        prop_assert_eq!((bytes.capacity(), bytes.as_ptr()), (room, place));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode::<Node>(&bytes);
        let _ = decode::<Shape>(&bytes);
        let _ = postcard::from_bytes::<Node>(&bytes);
    }

    #[test]
    fn damaged_records_never_panic(
        node in node(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        end: prop::sample::Index,
    ) {
        let mut bytes = encode(&node);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let _ = decode::<Node>(&bytes);
        let _ = decode::<Node>(&bytes[..end.index(bytes.len())]);
    }
}

#[test]
fn a_record_is_its_length_and_its_fields() {
    let node = Node { id: 300, name: "ab".into(), data: vec![9], ..Node::default() };
    assert_eq!(encode(&node), b"\x0b\xac\x02\x02ab\x01\x09\0\0\0\0");
}

#[test]
fn a_union_is_its_tag_its_length_and_its_fields() {
    assert_eq!(encode(&Shape::Dot), b"\x01\0");
    assert_eq!(encode(&Shape::Group(vec![Shape::Dot], 5)), b"\x02\x04\x01\x01\0\x05");
}

#[test]
fn fields_of_an_older_writer_are_filled_in() {
    assert_eq!(decode::<Node>(b"\x03\x07\0\0").unwrap(), Node { id: 7, ..Node::default() });
}

#[test]
fn fields_of_a_newer_writer_are_skipped() {
    let node = Node { id: 7, ..Node::default() };
    let mut bytes = encode(&node);
    bytes[0] += 3;
    bytes.extend_from_slice(b"new");
    bytes.push(42);
    let mut reader = ValueReader::new(&bytes);
    assert_eq!(reader.value::<Node>("node").unwrap(), node);
    assert_eq!(reader.value::<u8>("behind").unwrap(), 42);
}

#[test]
fn an_unknown_variant_is_kept_and_passed_on() {
    let bytes = b"\xff\x07\x03abc";
    let shape: Shape = decode(bytes).unwrap();
    assert_eq!(shape, Shape::Unrecognized { tag: 1023, payload: b"abc".to_vec() });
    assert_eq!(encode(&shape), bytes);
    assert_eq!(postcard::to_allocvec(&shape).unwrap(), bytes);
}

#[test]
fn an_error_names_the_field_and_the_type() {
    check_refused::<Node>(b"", expect!["`value`: the data ends too early"]);
    check_refused::<Node>(b"\x01\x07", expect!["`value`: `name` of `Node`: the field is missing"]);
    check_refused::<Node>(
        b"\x04\x07\x02\xc3\x28",
        expect!["`value`: `name` of `Node`: a string is not UTF-8 from byte 0 on"],
    );
    check_refused::<Node>(
        b"\x04\x07\0\0\x02",
        expect![
            "`value`: `next` of `Node`: an optional value is marked 2, neither 0 (absent) nor 1 (present)"
        ],
    );
    check_refused::<Node>(
        b"\x08\x07\0\0\x01\x03\x08\0\x05",
        expect![
            "`value`: `next` of `Node`: `data` of `Node`: the data claims 5 bytes where only 0 bytes are left"
        ],
    );
    check_refused::<Shape>(
        b"\x02\x00",
        expect!["`value`: `members` of `Shape`: the field is missing"],
    );
}

#[test]
fn a_length_beyond_the_input_is_refused() {
    check_refused::<Node>(
        b"\x05\x07\0",
        expect!["`value`: the data claims 5 bytes where only 2 bytes are left"],
    );
    check_refused::<Node>(
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        expect!["`value`: the data claims 18446744073709551615 bytes where only 0 bytes are left"],
    );
    check_refused::<&str>(
        b"\x02a",
        expect!["`value`: the data claims 2 bytes where only 1 byte is left"],
    );
}

#[test]
fn an_element_count_beyond_the_input_is_refused_before_anything_is_read() {
    let claim = b"\xff\xff\xff\xff\x0f\x01";
    check_refused::<Vec<Node>>(
        claim,
        expect!["`value`: the data claims 4294967295 elements where only 1 byte is left"],
    );
    check_refused::<BTreeMap<u8, ()>>(
        claim,
        expect!["`value`: the data claims 4294967295 elements where only 1 byte is left"],
    );
    check_refused::<Vec<()>>(
        claim,
        expect!["`value`: the data claims 4294967295 elements where only 1 byte is left"],
    );
}

#[test]
fn elements_that_take_no_bytes_are_few() {
    assert_eq!(decode::<Vec<()>>(b"\x80\x02").unwrap().len(), 256);
    let mut bytes = vec![0x81, 0x02];
    bytes.resize(1000, 0);
    check_refused::<Vec<()>>(
        &bytes,
        expect!["`value`: a list has more than 256 elements that take no bytes"],
    );
}

#[test]
fn a_field_that_takes_no_bytes_may_come_last() {
    #[derive(Debug, PartialEq)]
    struct Marked {
        value: u8,
        mark: (),
    }
    impl<'de> Deserialize<'de> for Marked {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserialize(deserializer, "Marked", |fields| {
                Ok(Marked { value: fields.required("value")?, mark: fields.required("mark")? })
            })
        }
    }
    assert_eq!(decode::<Marked>(b"\x01\x05").unwrap(), Marked { value: 5, mark: () });
}

#[test]
fn a_number_that_does_not_fit_is_refused_and_a_long_one_that_does_is_read() {
    // postcard's own writers are minimal, but its format allows longer forms of the same number.
    assert_eq!(decode::<u32>(b"\x87\x80\x00").unwrap(), 7);
    assert_eq!(decode::<Node>(b"\x83\x00\x07\0\0").unwrap().id, 7);
    check_refused::<u16>(b"\xff\xff\x04", expect!["`value`: a number is too large for its type"]);
    check_refused::<u32>(
        b"\x80\x80\x80\x80\x80\x00",
        expect!["`value`: a number is too large for its type"],
    );
}

/// `depth` records, each in the one before.
fn chain(depth: u32) -> Node {
    let mut node = Node::default();
    for _ in 1..depth {
        node = Node { children: vec![node], ..Node::default() };
    }
    node
}

#[test]
fn both_sides_agree_how_deep_is_too_deep() {
    // Each node but the last is a record with a list: two levels. The last one's list is empty, but
    // is a list.
    let deepest = chain(MAX_DEPTH / 2);
    let bytes = encode(&deepest);
    assert_eq!(decode::<Node>(&bytes).unwrap(), deepest);

    let too_deep = chain(MAX_DEPTH / 2 + 1);
    let error = to_vec_in(&too_deep, &mut Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "values are nested more than 128 levels deep");
    assert!(postcard::to_allocvec(&too_deep).is_err());

    // One level more, by a sender that does not count.
    let outer = [&[1], &bytes[..]].concat();
    let error = decode::<Vec<Node>>(&outer).unwrap_err().to_string();
    assert!(error.ends_with(": values are nested more than 128 levels deep"), "{error}");
    assert!(error.len() < 500, "the path to it is cut off: {error}");
}

#[test]
fn nesting_without_end_is_refused_and_not_followed() {
    /// A type that costs one byte per level and has no record in it.
    #[derive(Debug, serde::Deserialize)]
    #[serde(transparent)]
    struct Onion(#[expect(dead_code, reason = "only its depth matters")] Option<Box<Onion>>);

    #[derive(Debug, serde::Deserialize)]
    enum Tree {
        #[expect(dead_code, reason = "only its depth matters")]
        Branch(Box<Tree>, Box<Tree>),
    }

    let deep = vec![1; 1_000_000];
    let text = expect!["`value`: values are nested more than 128 levels deep"];
    check_refused::<Onion>(&deep, text);
    let text = expect!["`value`: values are nested more than 128 levels deep"];
    check_refused::<Tree>(&vec![0; 1_000_000], text);

    // Depth is counted from the first record on where postcard's own deserializer began.
    let mut chain = encode(&Node::default());
    for _ in 0..1000 {
        let mut fields = b"\0\0\0\x01".to_vec();
        fields.append(&mut chain);
        chain = encode(&fields);
    }
    assert!(postcard::from_bytes::<Node>(&chain).is_err());
}

#[test]
fn a_bound_in_a_record_stays_a_bound_on_both_sides() {
    #[derive(Debug)]
    struct Percent(u8);

    impl Percent {
        fn check(&self) -> Result<(), BoundExceeded> {
            bound::int("percent", self.0, 0, 100)
        }
    }

    impl Serialize for Percent {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            self.check().map_err(ser::Error::custom)?;
            serialize(serializer, &(self.0,))
        }
    }

    impl<'de> Deserialize<'de> for Percent {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let value = deserialize(deserializer, "Percent", |fields| {
                Ok(Percent(fields.required("value")?))
            })?;
            value.check().map_err(de::Error::custom)?;
            Ok(value)
        }
    }

    let text = "`percent` is 101; the interface allows at most 100";
    let error = to_vec_in(&vec![Percent(101)], &mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), &EncodeErrorKind::BoundExceeded(text.to_owned()));

    let error = decode::<Vec<Percent>>(b"\x01\x01\x65").unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::BoundExceeded);
    assert_eq!(error.to_string(), format!("`value`: {text}"));
}
