//! Calls there and back, and what must come back.

use std::collections::BTreeMap;

use alpc_rpc::prelude::*;
use alpc_rpc::transport::Accelerator;

use super::api::{
    Answer, Closed, Colour, Entry, EverythingClient, Failure, Level, Nothing, Rect, Tree, Vertex,
    Wide,
};

fn entry(key: &str) -> Entry {
    Entry {
        key: key.to_owned(),
        value: vec![0, 1, 255],
        tags: vec!["a".to_owned(), String::new()],
        colour: Colour::Blue,
        weight: -100,
        modified: Some(i64::MIN),
    }
}

fn rect() -> Rect {
    Rect { x: i32::MIN, y: -1, size: (0, u32::MAX) }
}

fn vertex(number: u32) -> Vertex {
    let name = format!("vertex number {number}");
    let at = Rect { x: number as i32, ..rect() };
    Vertex { x: number as f32, y: -0.5, z: f32::MIN_POSITIVE, name, at }
}

/// Bytes without a pattern that a shifted copy would have, too.
pub fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().copied().map(u64::from).sum()
}

/// Every scalar, at its ends.
pub fn scalars(client: &EverythingClient) {
    client.nothing().unwrap();
    client.unit().unwrap();
    let least = client.scalars(
        false,
        0,
        0,
        0,
        0,
        0,
        i8::MIN,
        i16::MIN,
        i32::MIN,
        i64::MIN,
        i128::MIN,
        f32::NEG_INFINITY,
        f64::MIN_POSITIVE,
    );
    let (a, b, c, d, e, f, g, h, i, j, k, l, m) = least.unwrap();
    assert_eq!((a, b, c, d, e, f), (false, 0, 0, 0, 0, 0));
    assert_eq!((g, h, i, j, k), (i8::MIN, i16::MIN, i32::MIN, i64::MIN, i128::MIN));
    assert_eq!((l, m), (f32::NEG_INFINITY, f64::MIN_POSITIVE));
    let most = client.scalars(
        true,
        u8::MAX,
        u16::MAX,
        u32::MAX,
        u64::MAX,
        u128::MAX,
        i8::MAX,
        i16::MAX,
        i32::MAX,
        i64::MAX,
        i128::MAX,
        f32::NAN,
        -0.0,
    );
    let (a, b, c, d, e, f, g, h, i, j, k, l, m) = most.unwrap();
    assert_eq!((a, b, c, d, e, f), (true, u8::MAX, u16::MAX, u32::MAX, u64::MAX, u128::MAX));
    assert_eq!((g, h, i, j, k), (i8::MAX, i16::MAX, i32::MAX, i64::MAX, i128::MAX));
    assert_eq!((l.to_bits(), m.to_bits()), (f32::NAN.to_bits(), (-0.0_f64).to_bits()));
    assert_eq!(client.bounded(100, -5, 1.5, 1).unwrap(), 4);
    assert_eq!(client.bounded(0, 5, 0.0, u64::MAX).unwrap(), 0);
}

/// Text and bytes, in the message and beside it.
pub fn texts_and_bytes(client: &EverythingClient) {
    for text in ["", "a\0b", "naïve – ☃ 🦀", &"long ".repeat(50_000)] {
        let (back, name) = client.texts(text, "x").unwrap();
        assert_eq!((back.as_str(), name.as_str()), (text, "x"));
    }
    assert_eq!(client.texts("", &"n".repeat(64)).unwrap().1.len(), 64);
    for len in [0, 1, 127, 128, 1024, 1025, 60_000, 65_535, 70_000, 2_000_000, 20_000_000] {
        let data = noise(len, len as u64);
        let (back, tail) = client.blobs(&data, b"tail").unwrap();
        assert!(back == data, "{len}");
        assert_eq!(tail, b"tail");
    }
}

/// Lists, maps, tuples, arrays, and optional ones of each.
pub fn collections(client: &EverythingClient) {
    let names = ["one".to_owned(), String::new(), "12345678".to_owned()];
    let flags = [true, false, true];
    let numbers: Vec<u32> = (0..10_000).map(|n| n * n).collect();
    let back = client.lists(&numbers, &names, &flags).unwrap();
    assert_eq!(back, (numbers, names.to_vec(), flags.to_vec()));

    let all = vec![vec![Some("x".to_owned()), None], vec![], vec![None]];
    let inner = BTreeMap::from([("k".to_owned(), (7, true)), (String::new(), (0, false))]);
    let deep = BTreeMap::from([(0, vec![]), (255, vec![inner, BTreeMap::new()])]);
    let back = client.nested(Some(&all), &deep).unwrap();
    assert_eq!(back, (Some(all), deep.clone()));
    assert_eq!(client.nested(None, &deep).unwrap(), (None, deep));

    let rows = BTreeMap::from([("a".to_owned(), vec![1, 9]), ("b".to_owned(), vec![])]);
    let by = BTreeMap::from([(Colour::Red, -1), (Colour::Unrecognized(99), i64::MAX)]);
    assert_eq!(client.maps(&rows, &by).unwrap(), (rows, by));

    let (point, named) = ((-7, 0.1), ("name".to_owned(), 5));
    let grid = [[0.5, 1.0, 1.5], [2.0, 2.5, 3.0], [-1.0, -2.0, -3.0]];
    let token = *b"0123456789abcdef";
    let back = client.tuples(point, &named, &grid, &token).unwrap();
    assert_eq!(back, (point, named, grid, token));

    let (rect, entry) = (rect(), entry("optional"));
    let back = client.optionals(
        Some(7),
        Some(false),
        Some("12345678"),
        Some(&[1, 2]),
        Some(Colour::Green),
        Some(&rect),
        Some(&entry),
        Some(&[3]),
        Some((4, 5)),
    );
    let text = Some("12345678".to_owned());
    let (a, b, c, d, e, f, g, h, i) = back.unwrap();
    assert_eq!((a, b, c, d), (Some(7), Some(false), text, Some(vec![1, 2])));
    assert_eq!((e, f, g), (Some(Colour::Green), Some(rect), Some(entry)));
    assert_eq!((h, i), (Some(vec![3]), Some((4, 5))));
    let none = client.optionals(None, None, None, None, None, None, None, None, None).unwrap();
    assert_eq!(none, (None, None, None, None, None, None, None, None, None));
}

/// Types of the interface's own, open and final, with numbers of later versions.
pub fn named_types(client: &EverythingClient) {
    let all = [Colour::Red, Colour::Unrecognized(0), Colour::Unrecognized(u16::MAX)];
    let back = client.enums(Colour::Blue, Level::Low, Wide::Large, Answer::Yes, &all).unwrap();
    assert_eq!(back, (Colour::Blue, Level::Low, Wide::Large, Answer::Yes, all.to_vec()));
    let later = (Colour::Unrecognized(17), Level::Unrecognized(-128), Wide::Unrecognized(u64::MAX));
    let back = client.enums(later.0, later.1, later.2, Answer::No, &[]).unwrap();
    assert_eq!(back, (later.0, later.1, later.2, Answer::No, vec![]));

    let (entry, vertex) = (entry("key"), vertex(3));
    let back = client.records(&entry, &rect(), &vertex, &Nothing {}).unwrap();
    assert_eq!(back, (entry, rect(), vertex, Nothing {}));
    let leaf = |label: &str| Tree { label: label.to_owned(), children: vec![] };
    let mut root =
        Tree { label: "root".to_owned(), children: vec![leaf("a"), leaf(""), leaf("c")] };
    for level in 0..50 {
        root = Tree { label: level.to_string(), children: vec![leaf("l"), root] };
    }
    assert_eq!(client.tree(&root).unwrap(), root);
}

/// Arguments and results of 5 MiB that are no bytes but lists of structs.
pub fn long_lists(client: &EverythingClient) {
    let vertices: Vec<Vertex> = (0..130_000).map(vertex).collect();
    let (back, info) = client.observed(|client| client.vertices(&vertices));
    assert!(back.unwrap() == vertices);
    let least = info.bulk.iter().map(|travelled| travelled.len).min();
    assert!(info.bulk.len() == 2 && least > Some(5 << 20), "{:?}", info.bulk);
    let entries: Vec<Entry> = (0..4096).map(|n| entry(&n.to_string())).collect();
    assert!(client.entries(&entries).unwrap() == entries);
}

/// Memory images, and buffers of the caller's in every direction.
pub fn buffers(client: &EverythingClient) {
    for len in [0, 1, 7, 1000, 100_000] {
        let bytes = noise(len, 1);
        let samples: Vec<i16> = bytes.iter().map(|&byte| i16::from(byte) * -100).collect();
        let table: Vec<f64> = samples.iter().map(|&sample| f64::from(sample) / 3.0).collect();
        let back = client.raws(&bytes, &samples, &table).unwrap();
        assert!(back == (bytes, samples, table), "{len}");
    }
    for len in [0, 1, 1000, 60_000, 100_000, 3_000_000, 20_000_000] {
        let mut buffer = vec![0xAA; len];
        // As much as there is room for, and less.
        for upto in [len, len / 3] {
            buffer.fill(0xAA);
            let (written, capacity) = client.read(7, upto as u64, &mut buffer).unwrap();
            assert_eq!((written, capacity), (upto, len as u64));
            let counts = |(at, &byte): (usize, &u8)| byte == 7_u8.wrapping_add((at % 251) as u8);
            assert!(buffer[..upto].iter().enumerate().all(counts), "{len} {upto}");
            assert!(buffer[upto..].iter().all(|&byte| byte == 0xAA), "{len} {upto}");
        }
        let data = noise(len, 2);
        buffer.copy_from_slice(&data);
        assert_eq!(client.invert(&mut buffer).unwrap(), len);
        assert!(buffer.iter().zip(&data).all(|(new, old)| *new == !*old), "{len}");
    }
    let (mut left, mut right) = ([0.0; 1000], [9; 11]);
    assert_eq!(client.ramp(&mut left, 0.5, &mut right).unwrap(), (1000, 5, 1011));
    assert_eq!((left[1], left[999]), (0.5, 499.5));
    assert_eq!(right, [0, -1, -2, -3, -4, 9, 9, 9, 9, 9, 9]);
    let mut values: Vec<i32> = (0..100).collect();
    assert_eq!(client.scale(&mut values, -3, 50).unwrap(), 50);
    assert_eq!((values[1], values[49], values[50], values[99]), (-3, -147, 50, 99));
}

/// An error of the interface's leaves the caller's buffers as they were.
pub fn buffers_of_failed_calls(client: &EverythingClient) {
    for len in [10, 100_000, 20_000_000] {
        let mut buffer = vec![0xAA; len];
        let failure = client.read(0, len as u64 + 1, &mut buffer).unwrap_err();
        assert_eq!(failure.app(), Some(&Failure::TooMuch(len as u32 + 1)));
        assert!(buffer.iter().all(|&byte| byte == 0xAA), "{len}");
    }
    let mut values = [1, 2, 3];
    let failure = client.scale(&mut values, 0, 3).unwrap_err();
    assert_eq!(failure.app(), Some(&Closed::Late { by: 3 }));
    assert_eq!(values, [1, 2, 3]);
}

/// Bytes that stay where they are.
pub fn views(client: &EverythingClient) {
    for len in [0, 1, 1025, 100_000, 5_000_000, 20_000_000] {
        let data = noise(len, 3);
        assert_eq!(client.look(&data).unwrap(), (len as u64, sum(&data)));
        let blob = Blob::new(&data).unwrap();
        // Twice: the second time the server knows it already.
        for _ in 0..2 {
            assert_eq!(client.look(&blob).unwrap(), (len as u64, sum(&data)));
            assert!(client.blobs(&blob, b"").unwrap().0 == data, "{len}");
            let view = client.peek(&blob).unwrap();
            assert!(view.to_vec() == data, "{len}");
            assert_eq!(view.frozen().map(|bytes| bytes == data), Some(true));
        }
    }
    let (name, view) = client.show(300_000).unwrap();
    assert_eq!((name.as_str(), view.len()), ("300000 bytes", 300_000));
    let mut few = [0; 4];
    assert_eq!((view.read_at(299_999, &mut few), few[0]), (1, (299_999_u32 % 251) as u8));
    // What was frozen by the server can be sent back without a copy. Where no memory is shared it came
    // as bytes, and the client freezes its own.
    let shares = client.port().limits().accelerator == Accelerator::On;
    assert_eq!(view.blob().is_some(), shares);
    let blob = view.blob().unwrap_or_else(|| Blob::new(&view.to_vec()).unwrap());
    assert_eq!(client.look(&blob).unwrap(), (300_000, sum(&view.to_vec())));
}

/// Calls without an answer arrive, with all their bytes and in order.
pub fn oneway(client: &EverythingClient) {
    let lens = [0_usize, 10, 1025, 70_000, 3_000_000];
    for len in lens {
        client.touch(&len.to_string(), &noise(len, 4)).unwrap();
    }
    // They come before a later call of the same client, but other workers may still be at them.
    let touched = loop {
        let mut touched = client.touched().unwrap();
        touched.sort_by_key(|(key, _)| key.len());
        if touched.len() >= lens.len() {
            break touched;
        }
        std::thread::yield_now();
    };
    let sent: Vec<_> = lens.map(|len| (len.to_string(), sum(&noise(len, 4)))).into();
    assert_eq!(touched, sent);
}

/// Calls without an answer that are made for one bell.
pub fn batched(client: &EverythingClient) {
    let before = client.touched().unwrap().len();
    let bells = client.port().traffic().bells;
    client.batched(|client| {
        (0..50).for_each(|i| client.touch(&i.to_string(), &noise(i, 4)).unwrap());
        assert_eq!(client.port().traffic().bells, bells, "the server is told at the end");
    });
    assert!(client.port().traffic().bells <= bells + 1);
    while client.touched().unwrap().len() < before + 50 {
        std::thread::yield_now();
    }
}

/// Errors of the interface's own, with what they carry, and those of later versions.
pub fn errors(client: &EverythingClient) {
    let held = Failure::Held { owner: "me".to_owned(), entry: entry("held"), since: None };
    let failures = [
        (Failure::NotFound { key: "k".to_owned() }, "nothing is stored under k"),
        (Failure::TooMuch(u32::MAX), "4294967295 is too much"),
        (Failure::NotToday, "not today"),
        (held, "the entry is held by me"),
    ];
    for (failure, text) in failures {
        let error = client.fail(&failure).unwrap_err();
        assert_eq!((error.app(), error.to_string().as_str()), (Some(&failure), text));
        assert!(error.may_have_run());
    }
    let mismatch = Failure::Mismatch(Colour::Unrecognized(3), 9);
    assert_eq!(client.fail(&mismatch).split().unwrap(), Err(mismatch));
    let later = Failure::Unrecognized { tag: 1000, payload: noise(100, 5) };
    assert_eq!(client.fail(&later).split().unwrap(), Err(later));
    let long = Failure::Unrecognized { tag: 1000, payload: noise(200_000, 6) };
    assert!(client.fail(&long).split().unwrap() == Err(long));
    assert_eq!(client.close(&Closed::Busy).split().unwrap(), Err(Closed::Busy));
    assert_eq!(client.close(&Closed::Late { by: 0 }).split().unwrap(), Ok(0));
    let late = Closed::Late { by: u64::MAX };
    let error = client.close(&late).unwrap_err();
    assert_eq!(
        (error.app(), error.to_string().as_str()),
        (Some(&late), "late by 18446744073709551615")
    );
}

/// One call with twenty bulk arguments.
pub fn many_bulk_arguments(client: &EverythingClient) {
    for len in [0, 100, 3_000, 10_000, 100_000] {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t]: [Vec<u8>; 20] =
            std::array::from_fn(|at| noise(len + at, at as u64 + 7));
        let back = client
            .many(&a, &b, &c, &d, &e, &f, &g, &h, &i, &j, &k, &l, &m, &n, &o, &p, &q, &r, &s, &t)
            .unwrap();
        let (a2, b2, c2, d2, e2, f2, g2, h2, i2, j2, all) = back;
        assert!([&a, &b, &c, &d, &e] == [&a2, &b2, &c2, &d2, &e2], "{len}");
        assert!([&f, &g, &h, &i, &j] == [&f2, &g2, &h2, &i2, &j2], "{len}");
        let sent = [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t];
        assert_eq!(all, sent.map(|bytes| sum(&bytes)));
    }
}

/// Nothing in everything.
pub fn empty_everything(client: &EverythingClient) {
    assert_eq!(client.blobs(b"", b"").unwrap(), (vec![], vec![]));
    assert_eq!(client.texts("", "x").unwrap().0, "");
    assert_eq!(client.lists(&[], &[], &[]).unwrap(), (vec![], vec![], vec![]));
    let (rows, by) = (BTreeMap::new(), BTreeMap::new());
    assert_eq!(client.maps(&rows, &by).unwrap(), (rows, by));
    let deep = BTreeMap::new();
    assert_eq!(client.nested(Some(&[]), &deep).unwrap(), (Some(vec![]), deep));
    assert_eq!(client.raws(&[], &[], &[]).unwrap(), (vec![], vec![], vec![]));
    assert_eq!(client.vertices(&[]).unwrap(), []);
    assert_eq!(client.entries(&[]).unwrap(), []);
    assert_eq!(client.read(0, 0, &mut []).unwrap(), (0, 0));
    assert_eq!(client.ramp(&mut [], 1.0, &mut []).unwrap(), (0, 0, 0));
    assert_eq!(client.invert(&mut []).unwrap(), 0);
    assert_eq!(client.scale(&mut [], 1, 0).unwrap(), 0);
    assert_eq!(client.look(b"").unwrap(), (0, 0));
    assert!(client.peek(b"").unwrap().is_empty());
    assert!(client.show(0).unwrap().1.is_empty());
    let optionals =
        client.optionals(None, None, Some(""), Some(&[]), None, None, None, Some(&[]), None);
    let (_, _, c, d, _, _, _, h, _) = optionals.unwrap();
    assert_eq!((c, d, h), (Some(String::new()), Some(vec![]), Some(vec![])));
}

/// Values are sent, also where the interface has defaults.
pub fn defaults(client: &EverythingClient) {
    let back = client.defaults(9, false, -1.0, Colour::Blue, Some("e")).unwrap();
    assert_eq!(back, (9, false, -1.0, Colour::Blue, Some("e".to_owned())));
}
