//! Calls there and back, and what must come back.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use alpc_rpc::Uuid;
use alpc_rpc::prelude::*;

use super::api::{Everything, Nested, Shape, Style, Switch, Trouble, TypesClient, Verdict};

/// A name that is no text.
fn odd_path() -> PathBuf {
    PathBuf::from(OsString::from_vec(b"/a\xff\n b".to_vec()))
}

fn uuid() -> Uuid {
    Uuid::from_u128(0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f)
}

fn after(nanos: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanos)
}

/// Each as an argument and a result of its own.
pub fn plain_types(client: &TypesClient) {
    let ways = [
        (PathBuf::new(), Uuid::nil(), Duration::ZERO, UNIX_EPOCH, Style::NONE),
        (odd_path(), uuid(), Duration::new(29, 999_999_999), after(1), Style::OUTLINE),
        (
            PathBuf::from("ä"),
            Uuid::max(),
            Duration::from_nanos(1),
            after(i64::MAX as u64),
            Style::FAT,
        ),
    ];
    for (at, id, age, made, style) in ways {
        let back = client.plain(&at, id, age, made, style).unwrap();
        assert_eq!(back, (at, id, age, made, style));
    }
}

/// Each as an optional one.
pub fn optional_types(client: &TypesClient) {
    let none = client.optional(None, None, None, None, None, None, None).unwrap();
    assert_eq!(none, (None, None, None, None, None, None, None));

    let blobs = vec![b"ab".to_vec(), Vec::new()];
    let before = UNIX_EPOCH - Duration::from_nanos(1);
    let back = client.optional(
        Some(Path::new("x")),
        Some(uuid()),
        Some(Duration::from_secs(1 << 33)),
        Some(before),
        Some(Style::FILLED),
        Some(&blobs),
        Some(&Shape::Dot(1, 2)),
    );
    let (at, id, age, made, style, list, shape) = back.unwrap();
    assert_eq!((at, id), (Some(PathBuf::from("x")), Some(uuid())));
    assert_eq!((age, made), (Some(Duration::from_secs(1 << 33)), Some(before)));
    assert_eq!((style, list), (Some(Style::FILLED), Some(blobs)));
    assert_eq!(shape, Some(Shape::Dot(1, 2)));
}

/// Lists of them.
pub fn lists_of_types(client: &TypesClient) {
    let paths = vec![PathBuf::from("a"), odd_path()];
    let ages = vec![Duration::ZERO, Duration::from_millis(999)];
    let blobs: Vec<Vec<u8>> =
        (0..2000_u32).map(|n| n.to_le_bytes()[..n as usize % 5].to_vec()).collect();
    let back = client.lists(&paths, &ages, &blobs).unwrap();
    assert_eq!(back, (paths, ages, blobs));
}

fn shapes() -> Vec<Shape> {
    vec![
        Shape::Empty,
        Shape::Dot(0, u32::MAX),
        Shape::Circle { radius: 100, style: Style::OUTLINE | Style::from_bits(0x8000), name: None },
        Shape::Group(vec![Shape::Empty, Shape::Group(Vec::new())]),
        Shape::Image { from: odd_path(), taken: after(7) },
        // Of a later version: kept, and passed on.
        Shape::Unrecognized { tag: 700, payload: b"later".to_vec() },
    ]
}

/// Unions, also with cases that nobody here knows.
pub fn unions(client: &TypesClient) {
    let all = shapes();
    let by = Duration::from_secs(30);
    let verdicts = [Verdict::Yes, Verdict::No("not so".to_owned()), Verdict::Later { by }];
    for (shape, verdict) in all.iter().zip(verdicts.iter().cycle()) {
        let (one, list, said, switch) = client.shapes(shape, &all, verdict, &Switch::Off).unwrap();
        assert_eq!((&one, &list), (shape, &all));
        assert_eq!((&said, switch), (verdict, Switch::Off));
    }
}

/// Flags, also with bits that nobody here knows.
pub fn flags(client: &TypesClient) {
    for bits in [0, 1, 6, 0x8001, u16::MAX] {
        let style = Style::from_bits(bits);
        let back = client.optional(None, None, None, None, Some(style), None, None).unwrap();
        assert_eq!(back.4.map(Style::bits), Some(bits));
    }
    let style = Style::FILLED | Style::from_bits(0x8000);
    assert_eq!(format!("{style:?}"), "Style(FILLED | 0x8000)");
    assert_eq!(style.unknown(), 0x8000);
    assert_eq!((style & !Style::FILLED).bits(), 0x8000);
    assert!(Style::OUTLINE.contains(Style::FAT) && !style.intersects(Style::FAT));
}

/// Inside of records, and inside of what is inside of records.
pub fn records_of_types(client: &TypesClient) {
    let mut all = Everything::new(odd_path(), uuid(), Duration::from_secs(30), after(5));
    assert_eq!((all.style, all.kept), (Style::FILLED | Style::DASHED, Duration::from_millis(250)));
    all.last = Some(Duration::from_nanos(3));
    let nested = Nested::new(
        vec![b"abcd".to_vec(), Vec::new()],
        BTreeMap::from([(uuid(), vec![odd_path()]), (Uuid::nil(), Vec::new())]),
        BTreeMap::from([(
            Duration::from_secs(9),
            (UNIX_EPOCH - Duration::from_secs(1), b"x".to_vec()),
        )]),
        (PathBuf::from("p"), Uuid::max()),
        std::array::from_fn(|at| at as u8),
        [None, Some(odd_path())],
        vec![Ok(b"abcd".to_vec()), Err(Duration::from_secs(1))],
        BTreeMap::from([(Style::OUTLINE, Switch::On), (Style::NONE, Switch::Off)]),
    );
    let back = client.records(&all, &nested).unwrap();
    assert_eq!(back, (all, nested));
}

/// Results as data.
pub fn outcomes(client: &TypesClient) {
    let ways = [Ok(odd_path()), Err(uuid())];
    let done = [Ok(()), Err(Verdict::No("busy".to_owned()))];
    for (way, done) in ways.iter().zip(&done) {
        let back = client.outcomes(way, done).unwrap();
        assert_eq!((&back.0, &back.1), (way, done));
    }
}

/// Errors that carry them.
pub fn errors_with_types(client: &TypesClient) {
    let gone = Trouble::Gone { path: PathBuf::from("/a"), after: Duration::from_millis(1500) };
    assert_eq!(gone.to_string(), "/a was gone after 1.5s");
    let forbidden = Trouble::Forbidden(Style::FAT);
    assert_eq!(forbidden.to_string(), "Style(FAT) is not allowed");
    for trouble in [gone, forbidden] {
        match client.fail(&trouble) {
            Err(CallError::App(back)) => assert_eq!(back, trouble),
            other => panic!("{other:?}"),
        }
    }
}

/// What does not fit is an error where it is sent, and the client lives on.
pub fn what_does_not_fit(client: &TypesClient) {
    let far = UNIX_EPOCH + Duration::from_secs(1 << 40);
    let failed = client.optional(None, None, None, Some(far), None, None, None).unwrap_err();
    assert!(failed.to_string().contains("292 years"), "{failed}");
    let failed =
        client.optional(None, None, Some(Duration::MAX), None, None, None, None).unwrap_err();
    assert!(failed.to_string().contains("584 years"), "{failed}");
    client.defaults(Duration::ZERO, uuid(), Style::NONE, Path::new(""), UNIX_EPOCH).unwrap();
}
