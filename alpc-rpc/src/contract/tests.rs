use std::cell::Cell;
use std::collections::BTreeMap;

use expect_test::expect;
use proptest::prelude::*;

use alpc_contract::Detail;

use super::*;
use crate::descriptor::{Describe, VariantDesc};

fn canonical_text(interface: &InterfaceDesc) -> String {
    of(interface).to_text(Detail::Identity)
}

/// A tree that holds itself.
struct Tree;
impl Describe for Tree {
    fn describe() -> &'static TypeDesc {
        &TypeDesc::Struct {
            name: "acme.kv.Tree",
            closed: false,
            fields: &[
                FieldDesc { name: "leaf", ty: <Option<Color>>::describe, optional_on_wire: false },
                FieldDesc { name: "branches", ty: <Vec<Tree>>::describe, optional_on_wire: true },
            ],
        }
    }
}

struct Color;
impl Describe for Color {
    fn describe() -> &'static TypeDesc {
        &TypeDesc::Enum {
            name: "acme.kv.Color",
            closed: true,
            signed: true,
            members: &[
                MemberDesc { name: "Green", value: 1 },
                MemberDesc { name: "Red", value: -1 },
            ],
        }
    }
}

struct KvError;
impl Describe for KvError {
    fn describe() -> &'static TypeDesc {
        &TypeDesc::Union {
            name: "acme.kv.KvError",
            closed: false,
            variants: &[
                VariantDesc {
                    name: "TooLarge",
                    tag: 2,
                    fields: &[FieldDesc {
                        name: "limit",
                        ty: u64::describe,
                        optional_on_wire: false,
                    }],
                },
                VariantDesc { name: "NotFound", tag: 1, fields: &[] },
            ],
        }
    }
}

struct Foreign;
impl Describe for Foreign {
    fn describe() -> &'static TypeDesc {
        &TypeDesc::Opaque { name: "Foreign \"type\"" }
    }
}

const READ: MethodDesc = MethodDesc {
    name: "read",
    ordinal: 0x2a6f_0c1e_8a1b_4a57,
    oneway: false,
    idempotent: false,
    must_understand: false,
    cancellable: false,
    timeout: None,
    params: &[
        ParamDesc::input("key", str::describe),
        ParamDesc::input("offset", u64::describe),
        ParamDesc::output("buf", <[u8]>::describe),
    ],
    results: &[ParamDesc::output("total", u64::describe)],
    raises: Some(KvError::describe),
};

const TOUCH: MethodDesc = MethodDesc {
    name: "touch",
    ordinal: 7,
    oneway: true,
    params: &[ParamDesc::input("tree", Tree::describe)],
    results: &[],
    raises: None,
    ..READ
};

const PAINT: MethodDesc = MethodDesc {
    name: "paint",
    ordinal: 0x2a6f_0c1e_8a1b_4a58,
    params: &[
        ParamDesc::input("image", <Vec<u8>>::describe).view(),
        ParamDesc::in_out("curve", <[f32]>::describe).raw(),
        ParamDesc::input("named", <BTreeMap<String, (bool, [i16; 4])>>::describe),
        ParamDesc::input("foreign", Foreign::describe),
    ],
    results: &[ParamDesc::output("", <[u8]>::describe).view()],
    raises: None,
    ..READ
};

const KEY_VALUE: InterfaceDesc = InterfaceDesc {
    name: "acme.kv.KeyValue",
    id: 0x6f1d_0c1e_8a1b_4a57_9a5e_2f4c_2a3b_9d11,
    major: 1,
    minor: 1,
    endpoint: Some("acme.kv"),
    bases: &[],
    methods: &[READ, TOUCH, PAINT],
    events: &[],
};

fn interface(methods: &[MethodDesc]) -> InterfaceDesc {
    InterfaceDesc { methods: Vec::leak(methods.to_vec()), ..KEY_VALUE }
}

fn hex(fingerprint: [u8; 16]) -> String {
    fingerprint.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[track_caller]
fn check_equal(a: &InterfaceDesc, b: &InterfaceDesc) {
    assert_eq!(canonical_text(a), canonical_text(b));
    assert_eq!(a.fingerprint(), b.fingerprint());
}

#[track_caller]
fn check_different(a: &InterfaceDesc, b: &InterfaceDesc) {
    assert_ne!(canonical_text(a), canonical_text(b));
    assert_ne!(a.fingerprint(), b.fingerprint());
}

#[test]
fn the_text_is_the_one_that_other_tools_must_write() {
    expect![[r#"
        alpc-fingerprint/1
        method 0000000000000007 "touch" oneway (in "tree": "acme.kv.Tree") -> ()
        method 2a6f0c1e8a1b4a57 "read" twoway (in "key": string, in "offset": u64, out "buf": [u8]) -> ("total": u64) raises "acme.kv.KvError"
        method 2a6f0c1e8a1b4a58 "paint" twoway (in view "image": [u8], inout raw "curve": [f32], in "named": {string: (bool, [i16; 4])}, in "foreign": "Foreign \"type\"") -> (view "": [u8])
        enum "acme.kv.Color" closed signed {"Red" = -1, "Green" = 1}
        opaque "Foreign \"type\""
        struct "acme.kv.Tree" open {"leaf": "acme.kv.Color"?, "branches": ["acme.kv.Tree"]}
        union "acme.kv.KvError" open {"NotFound" = 1 {}, "TooLarge" = 2 {"limit": u64}}
    "#]].assert_eq(&canonical_text(&KEY_VALUE));
    expect!["b558d32d27cefa95cef928b6484877f7"].assert_eq(&hex(KEY_VALUE.fingerprint()));
}

struct PutFlags;
impl Describe for PutFlags {
    fn describe() -> &'static TypeDesc {
        &TypeDesc::Flags {
            name: "acme.kv.PutFlags",
            members: &[
                MemberDesc { name: "REPLACE", value: 2 },
                MemberDesc { name: "CREATE", value: 1 },
            ],
        }
    }
}

#[test]
fn types_of_the_standard_library_have_names_of_the_language() {
    const PUT: MethodDesc = MethodDesc {
        params: &[
            ParamDesc::input("file", std::path::Path::describe),
            ParamDesc::input("id", uuid::Uuid::describe),
            ParamDesc::input("flags", PutFlags::describe),
            ParamDesc::input("ttl", <Option<std::time::Duration>>::describe),
            ParamDesc::input("at", std::time::SystemTime::describe),
            ParamDesc::input("before", <Vec<Result<Tree, KvError>>>::describe),
        ],
        results: &[],
        raises: None,
        ..READ
    };
    expect![[r#"
        alpc-fingerprint/1
        method 2a6f0c1e8a1b4a57 "read" twoway (in "file": path, in "id": uuid, in "flags": "acme.kv.PutFlags", in "ttl": duration?, in "at": time, in "before": [result<"acme.kv.Tree", "acme.kv.KvError">]) -> ()
        enum "acme.kv.Color" closed signed {"Red" = -1, "Green" = 1}
        flags "acme.kv.PutFlags" {"CREATE" = 1, "REPLACE" = 2}
        struct "acme.kv.Tree" open {"leaf": "acme.kv.Color"?, "branches": ["acme.kv.Tree"]}
        union "acme.kv.KvError" open {"NotFound" = 1 {}, "TooLarge" = 2 {"limit": u64}}
    "#]].assert_eq(&canonical_text(&interface(&[PUT])));
}

#[test]
fn what_may_differ_without_harm_is_not_counted() {
    let other = InterfaceDesc {
        name: "other.Name",
        id: 1,
        major: 7,
        minor: 9,
        bases: &[],
        endpoint: None,
        methods: KEY_VALUE.methods,
        events: &[],
    };
    check_equal(&KEY_VALUE, &other);

    let timeout = Some(std::time::Duration::from_secs(1));
    check_equal(&interface(&[READ]), &interface(&[MethodDesc { timeout, ..READ }]));

    let text = |optional_on_wire| {
        let fields = vec![FieldDesc { name: "a", ty: u8::describe, optional_on_wire }];
        text_with([TypeDesc::Struct { name: "S", closed: false, fields: fields.leak() }])
    };
    assert_eq!(text(true), text(false));
}

#[test]
fn methods_may_come_in_any_order() {
    check_equal(&KEY_VALUE, &interface(&[PAINT, TOUCH, READ]));
    check_equal(&KEY_VALUE, &interface(&[TOUCH, READ, PAINT]));
}

#[test]
fn everything_about_a_method_counts() {
    let read = interface(&[READ]);
    let changed = [
        MethodDesc { name: "peek", ..READ },
        MethodDesc { ordinal: 1, ..READ },
        MethodDesc { oneway: true, ..READ },
        MethodDesc { params: &[], ..READ },
        MethodDesc { results: &[], ..READ },
        MethodDesc { raises: None, ..READ },
        MethodDesc { raises: Some(Color::describe), ..READ },
    ];
    for method in changed {
        check_different(&read, &interface(&[method]));
    }
    check_different(&read, &interface(&[READ, TOUCH]));
    check_different(&read, &interface(&[]));
}

#[test]
fn everything_about_a_parameter_counts() {
    let takes = |params: &[ParamDesc]| {
        let params = Vec::leak(params.to_vec());
        interface(&[MethodDesc { params, ..READ }])
    };
    let key = ParamDesc::input("key", str::describe);
    let changed = [
        ParamDesc::input("name", str::describe),
        ParamDesc::input("key", <[u8]>::describe),
        ParamDesc { view: true, ..key },
        ParamDesc { raw: true, ..key },
        ParamDesc { direction: Direction::Out, ..key },
        ParamDesc { direction: Direction::InOut, ..key },
    ];
    for param in changed {
        check_different(&takes(&[key]), &takes(&[param]));
    }
    // The calls of the one would succeed at the other, with the wrong data.
    let (from, to) =
        (ParamDesc::input("from", u32::describe), ParamDesc::input("to", u32::describe));
    check_different(&takes(&[from, to]), &takes(&[to, from]));
}

// A `Ty` is a function and holds nothing, so types that are made up during a test need functions
// that stand ready: there are six, which describe whatever the test last put in their places.

thread_local! {
    static MADE_UP: Cell<[&'static TypeDesc; 6]> = const { Cell::new([&TypeDesc::Unit; 6]) };
}

fn made_up<const N: usize>() -> &'static TypeDesc {
    MADE_UP.get()[N]
}

/// Everything that a made-up type or method can refer to.
const TYPES: [Ty; 10] = [
    made_up::<0>,
    made_up::<1>,
    made_up::<2>,
    made_up::<3>,
    made_up::<4>,
    made_up::<5>,
    u8::describe,
    str::describe,
    <Vec<bool>>::describe,
    // Kept for changes, so that a change always makes a difference.
    u128::describe,
];
const UNUSED: usize = TYPES.len() - 1;

/// The text of an interface with one method, which takes all of these types.
fn text_with<const N: usize>(types: [TypeDesc; N]) -> String {
    let mut places = [&TypeDesc::Unit; 6];
    for (place, desc) in places.iter_mut().zip(types) {
        *place = Box::leak(Box::new(desc));
    }
    MADE_UP.set(places);
    let params: Vec<ParamDesc> =
        TYPES.iter().take(N).map(|ty| ParamDesc::input("p", *ty)).collect();
    canonical_text(&interface(&[MethodDesc { params: params.leak(), ..READ }]))
}

#[test]
fn two_types_of_one_name_are_both_told() {
    let one = |ty: Ty| TypeDesc::Struct {
        name: "Point",
        closed: false,
        fields: vec![FieldDesc { name: "x", ty, optional_on_wire: false }].leak(),
    };
    let text = text_with([one(u8::describe), one(str::describe)]);
    assert!(text.contains("struct \"Point\" open {\"x\": u8}\n"), "{text}");
    assert!(text.contains("struct \"Point\" open {\"x\": string}\n"), "{text}");

    // The same one level further down, where the lines of the two are equal.
    let text = text_with([
        one(made_up::<2>),
        one(made_up::<3>),
        TypeDesc::Enum { name: "In", closed: true, signed: true, members: &[] },
        TypeDesc::Enum { name: "In", closed: true, signed: false, members: &[] },
    ]);
    assert!(text.contains("enum \"In\" closed signed {}\n"), "{text}");
    assert!(text.contains("enum \"In\" closed unsigned {}\n"), "{text}");
}

#[derive(Clone, Debug)]
enum Shape {
    Struct(Vec<usize>),
    Enum {
        signed: bool,
        values: BTreeSet<i128>,
    },
    Union(BTreeMap<u32, Vec<usize>>),
    /// Of the type that is made up in this place, which is none of these.
    List(usize),
    Optional(usize),
    Map(usize, usize),
}

/// Types that refer to each other at will, as descriptions hold them.
#[derive(Clone, Debug)]
struct Types {
    names: [String; 6],
    closed: bool,
    shapes: [Shape; 6],
    /// Put in front of the names of fields, members and variants.
    prefix: String,
    /// The order in which members and variants are listed.
    backwards: bool,
}

impl Types {
    fn text(&self) -> String {
        text_with([0, 1, 2, 3, 4, 5].map(|i| self.describe(i)))
    }

    fn describe(&self, i: usize) -> TypeDesc {
        let name = leak(self.names[i].clone());
        let closed = self.closed;
        match &self.shapes[i] {
            Shape::Struct(fields) => TypeDesc::Struct { name, closed, fields: self.fields(fields) },
            Shape::Enum { signed, values } => {
                let member = |value: &i128| MemberDesc { name: self.name(value), value: *value };
                let members = self.listed(values.iter().map(member));
                TypeDesc::Enum { name, closed, signed: *signed, members }
            }
            Shape::Union(variants) => {
                let variants = self.listed(variants.iter().map(|(tag, fields)| VariantDesc {
                    name: self.name(tag),
                    tag: *tag,
                    fields: self.fields(fields),
                }));
                TypeDesc::Union { name, closed, variants }
            }
            Shape::List(element) => TypeDesc::List(TYPES[*element]),
            Shape::Optional(value) => TypeDesc::Optional(TYPES[*value]),
            Shape::Map(key, value) => TypeDesc::Map(TYPES[*key], TYPES[*value]),
        }
    }

    fn fields(&self, types: &[usize]) -> &'static [FieldDesc] {
        let fields = types.iter().enumerate().map(|(i, ty)| FieldDesc {
            name: self.name(&i),
            ty: TYPES[*ty],
            optional_on_wire: false,
        });
        Vec::leak(fields.collect())
    }

    fn listed<T>(&self, items: impl DoubleEndedIterator<Item = T>) -> &'static [T] {
        Vec::leak(if self.backwards { items.rev().collect() } else { items.collect() })
    }

    fn name(&self, of: &dyn fmt::Display) -> &'static str {
        leak(format!("{}{of}", self.prefix))
    }

    /// The types that a change can make a difference to: all that hold anything.
    fn fields_mut(&mut self) -> Vec<&mut usize> {
        fn of(shape: &mut Shape) -> Vec<&mut usize> {
            match shape {
                Shape::Struct(fields) => fields.iter_mut().collect(),
                Shape::Union(variants) => variants.values_mut().flatten().collect(),
                Shape::Enum { .. } => Vec::new(),
                Shape::List(one) | Shape::Optional(one) => vec![one],
                Shape::Map(key, value) => vec![key, value],
            }
        }
        self.shapes.iter_mut().flat_map(of).collect()
    }
}

fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

fn types() -> impl Strategy<Value = Types> {
    let fields = || prop::collection::vec(0..UNUSED, 0..4);
    let named = prop_oneof![
        fields().prop_map(Shape::Struct),
        (any::<bool>(), prop::collection::btree_set(any::<i128>(), 0..4))
            .prop_map(|(signed, values)| Shape::Enum { signed, values }),
        prop::collection::btree_map(any::<u32>(), fields(), 0..3).prop_map(Shape::Union),
    ];
    // What has no name can only hold what has one, or it would have no end.
    let unnamed = prop_oneof![
        (0..4_usize).prop_map(Shape::List),
        (0..4_usize).prop_map(Shape::Optional),
        (0..4_usize, 0..4_usize).prop_map(|(key, value)| Shape::Map(key, value)),
    ];
    (prop::array::uniform4(named), unnamed.clone(), unnamed, any::<bool>()).prop_map(
        |([a, b, c, d], e, f, closed)| Types {
            names: [0, 1, 2, 3, 4, 5].map(|i| format!("T{i}")),
            closed,
            shapes: [a, b, c, d, e, f],
            prefix: "a".to_owned(),
            backwards: false,
        },
    )
}

proptest! {
    #[test]
    fn the_order_of_members_and_variants_does_not_count(types in types()) {
        let other = Types { backwards: true, ..types.clone() };
        prop_assert_eq!(types.text(), other.text());
    }

    #[test]
    fn one_text_is_written_for_one_interface(types in types()) {
        // The descriptions of the two stand at different addresses.
        prop_assert_eq!(types.text(), types.clone().text());
    }

    #[test]
    fn a_rename_is_seen(types in types(), which in 0..4_usize) {
        let mut other = types.clone();
        other.names[which].push('x');
        prop_assert_ne!(types.text(), other.text());

        let other = Types { prefix: "b".to_owned(), ..types.clone() };
        let has_names = types.shapes.iter().any(|shape| match shape {
            Shape::Struct(fields) => !fields.is_empty(),
            Shape::Enum { values, .. } => !values.is_empty(),
            Shape::Union(variants) => !variants.is_empty(),
            _ => false,
        });
        prop_assert_eq!(types.text() != other.text(), has_names);
    }

    #[test]
    fn another_type_in_any_place_is_seen(types in types(), which: prop::sample::Index) {
        let mut other = types.clone();
        let mut fields = other.fields_mut();
        let which = which.index(fields.len());
        *fields[which] = UNUSED;
        prop_assert_ne!(types.text(), other.text());
    }

    #[test]
    fn open_or_closed_is_seen(types in types()) {
        let other = Types { closed: !types.closed, ..types.clone() };
        prop_assert_ne!(types.text(), other.text());
    }

    #[test]
    fn another_value_or_tag_is_seen(types in types()) {
        for which in 0..4 {
            let mut other = types.clone();
            match &mut other.shapes[which] {
                Shape::Enum { values, .. } => {
                    let Some(last) = values.pop_last() else { continue };
                    values.insert(last.wrapping_add(1));
                }
                Shape::Union(variants) => {
                    let Some((tag, fields)) = variants.pop_last() else { continue };
                    variants.insert(tag.wrapping_add(1), fields);
                }
                _ => continue,
            }
            prop_assert_ne!(types.text(), other.text());
        }
    }
}
