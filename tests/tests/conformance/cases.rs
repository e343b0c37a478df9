// The cases. Each is written once, and compiled in the modules that include this file: `wait!` waits for
// a call as that module's clients do.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::mpsc::channel;
use std::time::Duration;

use alpc_rpc::{Blob, Canceller, ConnectError, SplitResult, TransportError};
use alpc_tests::club::{ClubClient as Beside, Ear, ListenerRef};
use alpc_tests::everything::twin::api::{
    Answer, Colour, Entry, Level, Nothing, Rect, Tree, Vertex, Wide,
};
use alpc_tests::everything::twin::trips::noise;
use alpc_tests::roles::ECHO;

use crate::scene::{Record, Scene};

type Failed = CallError<Infallible>;

/// Runs the cases, one after the other.
macro_rules! cases {
    ($($case:ident)*) => {
        pub(crate) async fn all(scene: &Scene) -> Vec<Record> {
            let mut records = Vec::new();
            $(
                let mut record = Record::of(stringify!($case));
                $case(scene, &mut record).await;
                records.push(record);
            )*
            records
        }
    };
}

cases! {
    scalars_and_texts
    collections
    named_types
    bulk
    views
    buffers
    errors
    bounds
    panics
    deadlines
    cancelled
    datagrams
    many_at_once
    handles
    objects
    events
    nobody_there
    death
}

async fn everything(scene: &Scene) -> Everything {
    wait!(connect(scene, ECHO)).unwrap()
}

async fn trial(scene: &Scene) -> Trial {
    wait!(connect(scene, TRIAL)).unwrap()
}

async fn club(scene: &Scene) -> Club {
    wait!(connect(scene, ECHO)).unwrap()
}

fn entry(key: &str) -> Entry {
    let (value, tags) = (vec![0, 1, 255], vec!["a".to_owned(), String::new()]);
    let key = key.to_owned();
    Entry { key, value, tags, colour: Colour::Blue, weight: -100, modified: Some(i64::MIN) }
}

fn rect() -> Rect {
    Rect { x: i32::MIN, y: -1, size: (0, u32::MAX) }
}

fn vertex(number: u32) -> Vertex {
    let (x, name) = (number as f32, format!("vertex number {number}"));
    Vertex { x, y: -0.5, z: f32::MIN_POSITIVE, name, at: rect() }
}

async fn scalars_and_texts(scene: &Scene, record: &mut Record) {
    let _server = scene.server(&["everything", "twin"]);
    let client = everything(scene).await;
    record.call("nothing", wait!(client.nothing()));
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
        f32::MIN,
        f64::MIN,
    );
    record.scalars(wait!(least).unwrap());
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
    record.scalars(wait!(most).unwrap());
    for text in ["", "a\0b", "naïve – ☃ 🦀", &"long ".repeat(50_000)] {
        let (back, name) = wait!(client.texts(text, "x")).unwrap();
        record.note(name);
        record.bytes(back.as_bytes());
    }
    record.call("defaults", wait!(client.defaults(9, false, -1.0, Colour::Blue, Some("e"))));
}

async fn collections(scene: &Scene, record: &mut Record) {
    let _server = scene.server(&["everything", "twin"]);
    let client = everything(scene).await;
    let names = ["one".to_owned(), String::new()];
    record.call("lists", wait!(client.lists(&[1, 2, u32::MAX], &names, &[true, false])));
    let all = vec![vec![Some("x".to_owned()), None], vec![]];
    let inner = BTreeMap::from([("k".to_owned(), (7, true))]);
    let deep = BTreeMap::from([(0, vec![]), (255, vec![inner])]);
    record.call("nested", wait!(client.nested(Some(&all), &deep)));
    let rows = BTreeMap::from([("a".to_owned(), vec![1, 9])]);
    let by = BTreeMap::from([(Colour::Red, -1), (Colour::Unrecognized(99), i64::MAX)]);
    record.call("maps", wait!(client.maps(&rows, &by)));
    let named = ("name".to_owned(), 5);
    let grid = [[0.5, 1.0, 1.5], [2.0, 2.5, 3.0], [-1.0, -2.0, -3.0]];
    let tuples = client.tuples((-7, 0.1), &named, &grid, b"0123456789abcdef");
    record.call("tuples", wait!(tuples));
    let (rect, entry) = (rect(), entry("optional"));
    let some = client.optionals(
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
    record.call("some", wait!(some));
    let none = client.optionals(None, None, None, None, None, None, None, None, None);
    record.call("none", wait!(none));
}

async fn named_types(scene: &Scene, record: &mut Record) {
    let _server = scene.server(&["everything", "twin"]);
    let client = everything(scene).await;
    let all = [Colour::Red, Colour::Unrecognized(0)];
    let enums = client.enums(Colour::Blue, Level::Low, Wide::Large, Answer::Yes, &all);
    record.call("enums", wait!(enums));
    let (entry, vertex_3) = (entry("key"), vertex(3));
    record.call("records", wait!(client.records(&entry, &rect(), &vertex_3, &Nothing {})));
    let mut root = Tree { label: "leaf".to_owned(), children: vec![] };
    for level in 0..50 {
        root = Tree { label: level.to_string(), children: vec![root] };
    }
    record.call("tree", wait!(client.tree(&root)));
    // A body that is bulk data itself.
    let vertices: Vec<Vertex> = (0..30_000).map(vertex).collect();
    assert!(wait!(client.vertices(&vertices)).unwrap() == vertices);
    record.note("vertices");
}

/// By message, by section, and from 16 MiB on directly where that can be had.
const LENS: [usize; 6] = [0, 1, 1025, 100_000, 3_000_000, 20_000_000];

async fn bulk(scene: &Scene, record: &mut Record) {
    let _server = scene.server(&["everything", "twin"]);
    let client = everything(scene).await;
    for len in LENS {
        let data = noise(len, len as u64);
        let (back, tail) = wait!(client.blobs(&data, b"tail")).unwrap();
        record.bytes(&back);
        record.bytes(&tail);
    }
    let samples: Vec<i16> = (0..30_000).collect();
    let (bytes, back, table) = wait!(client.raws(b"raw", &samples, &[0.5, f64::MIN])).unwrap();
    assert_eq!(back, samples);
    record.note((bytes, table));
}

async fn views(scene: &Scene, record: &mut Record) {
    let _server = scene.server(&["everything", "twin"]);
    let client = everything(scene).await;
    for len in LENS {
        let data = noise(len, 3);
        record.call("slice", wait!(client.look(&data)));
        let blob = Blob::new(&data).unwrap();
        // Twice: the second time the server knows it already.
        for _ in 0..2 {
            record.call("blob", wait!(client.look(&blob)));
        }
        let mut region = client.region(len).unwrap();
        region.as_mut_slice().copy_from_slice(&data);
        let region = Blob::from(region);
        record.call("region", wait!(client.look(&region)));
        let view = wait!(client.peek(&data)).unwrap();
        record.bytes(&view.to_vec());
    }
    let (name, view) = wait!(client.show(300_000)).unwrap();
    record.note(name);
    record.bytes(&view.to_vec());
}

async fn buffers(scene: &Scene, record: &mut Record) {
    let _server = scene.server(&["everything", "twin"]);
    let client = everything(scene).await;
    for len in LENS {
        for upto in [len, len / 3] {
            let read = wait!(read(&client, (7, upto as u64), vec![0xAA; len]));
            let (buffer, written, capacity) = read.unwrap();
            record.bytes(&buffer);
            record.note((written, capacity));
        }
        let (buffer, written) = wait!(invert(&client, noise(len, 2))).unwrap();
        record.bytes(&buffer);
        record.note(written);
    }
    record.call("ramp", wait!(ramp(&client, 0.5)));
    record.call("scale", wait!(scale(&client, (0..100).collect(), (-3, 50))));
    record.call("too much", wait!(read(&client, (0, 11), vec![1; 10])).map(|_| ()));
    record.call("late", wait!(scale(&client, vec![1, 2, 3], (0, 3))).map(|_| ()));
}

async fn errors(scene: &Scene, record: &mut Record) {
    let _server = scene.server(&["everything", "twin"]);
    let client = everything(scene).await;
    let held = Failure::Held { owner: "me".to_owned(), entry: entry("held"), since: None };
    let later = Failure::Unrecognized { tag: 1000, payload: noise(100, 5) };
    let not_found = Failure::NotFound { key: "k".to_owned() };
    let mismatch = Failure::Mismatch(Colour::Unrecognized(3), 9);
    for failure in [not_found, Failure::TooMuch(7), Failure::NotToday, held, later, mismatch] {
        record.call("fail", wait!(client.fail(&failure)));
    }
    let long = Failure::Unrecognized { tag: 1000, payload: noise(200_000, 6) };
    assert!(wait!(client.fail(&long)).split().unwrap() == Err(long));
    for closed in [Closed::Busy, Closed::Late { by: 0 }, Closed::Late { by: u64::MAX }] {
        record.call("close", wait!(client.close(&closed)));
    }
}

async fn bounds(scene: &Scene, record: &mut Record) {
    let _server = scene.server(&["trial", "max-argument=100000"]);
    let client = trial(scene).await;
    for text in ["", "sixteen letters!", "seventeen letters"] {
        record.call("measure", wait!(client.measure(text)));
    }
    // The server breaks its own.
    record.call("stretch", wait!(client.stretch(16)));
    record.call("stretch", wait!(client.stretch(17)));
    record.call("upload", wait!(client.upload(&noise(200_000, 1))));
    record.call("total", wait!(client.total(&vec![1; 200_000])));
    record.call("begun", wait!(client.begun()));
}

async fn panics(scene: &Scene, record: &mut Record) {
    let _server = scene.server(&["trial"]);
    let client = trial(scene).await;
    record.call("panic", wait!(client.panic("as it is meant to")));
    record.call("add", wait!(client.add(2, 3)));
    record.call("ask", wait!(client.ask("anything")));
}

async fn deadlines(scene: &Scene, record: &mut Record) {
    let mut server = scene.server(&["trial", "workers=4"]);
    let client = trial(scene).await;
    let hasty = with_timeout(&client, Duration::from_millis(30));
    record.call("the caller's", wait!(hasty.wait("one")));
    server.expect("waiting one");
    record.call("the interface's", wait!(client.wait_shortly("two")));
    server.expect("waiting two");
    for name in ["one", "two"] {
        record.note(server.ask(format!("release {name}")));
    }
    // Those that nobody waits for do not disturb others.
    record.call("add", wait!(client.add(2, 3)));
    record.call("begun", wait!(client.begun()));
}

async fn cancelled(scene: &Scene, record: &mut Record) {
    let _server = scene.server(&["club"]);
    let (client, beside): (_, Beside) = (club(scene).await, scene.aside(ECHO));
    let canceller = Canceller::new();
    let looks = client.with_cancel(&canceller.token());
    let watching = beside.clone();
    let cancelling = std::thread::spawn(move || {
        watching.held("anna").unwrap();
        canceller.cancel();
    });
    record.call("while it runs", wait!(looks.hold("anna")));
    cancelling.join().unwrap();
    beside.ended("anna cancelled").unwrap();
    record.call("before it is made", wait!(looks.hold("ben")));
    wait!(client.release("carl")).unwrap();
    record.call("another", wait!(client.hold("carl")));
    record.call("ends", wait!(client.ends()));
}

async fn datagrams(scene: &Scene, record: &mut Record) {
    let _server = scene.server(&["everything", "twin"]);
    let client = everything(scene).await;
    let lens = [0_usize, 10, 1025, 70_000, 3_000_000];
    for len in lens {
        record.call("touch", wait!(client.touch(&len.to_string(), &noise(len, 4))));
    }
    // They come before a later call, but other workers may still be at them.
    let mut touched = wait!(client.touched()).unwrap();
    while touched.len() < lens.len() {
        touched = wait!(client.touched()).unwrap();
    }
    touched.sort_unstable();
    record.note(touched);
}

async fn many_at_once(scene: &Scene, record: &mut Record) {
    // As many as may be outstanding wait for each other.
    let _server = scene.server(&["trial", "workers=8", "outstanding=8"]);
    let client = trial(scene).await;
    record.note(wait!(meet(&client, 8)));
    record.note(wait!(meet(&client, 3)));
}

async fn handles(scene: &Scene, record: &mut Record) {
    let _server = scene.server(&["club"]);
    let client = club(scene).await;
    let pipe = wait!(client.pipe("through a pipe")).unwrap();
    record.call("read", wait!(client.read(&pipe)));
    let file = std::fs::File::open("/dev/null").unwrap();
    record.call("another kind", wait!(client.read(&file)));
}

async fn objects(scene: &Scene, record: &mut Record) {
    let _server = scene.server(&["club"]);
    let client = club(scene).await;
    let (told, hear) = channel();
    let anna = wait!(client.join("anna", Ear { name: "anna", told })).unwrap();
    record.call("base", wait!(anna.name()));
    record.call("callback", wait!(anna.ask("how?")));
    record.call("one-way callback", wait!(anna.note("good")));
    record.note(hear.recv().unwrap());
    record.note(wait!(client.find("ben")).unwrap().is_some());
    let again = wait!(client.find("anna")).unwrap().unwrap();
    record.call("same", wait!(client.are_same(&anna, Some(again.clone().into()))));
    let own = wait!(client.listener_of("anna")).unwrap();
    record.note(matches!(own, ListenerRef::Local(_)));
    drop((anna, again, own));
    let mut objects = wait!(client.objects()).unwrap();
    while objects > 0 {
        objects = wait!(client.objects()).unwrap();
    }
    // The listener is let go of with the member.
    record.note(hear.recv());
}

async fn events(scene: &Scene, record: &mut Record) {
    let _server = scene.server(&["club"]);
    let client = club(scene).await;
    let (told, _hear) = channel();
    let anna = wait!(client.join("anna", Ear { name: "anna", told })).unwrap();
    let mut events = wait!(anna.events());
    for number in 0..20 {
        wait!(anna.note(&number.to_string())).unwrap();
        record.note(wait!(next(&mut events)));
    }
    record.note((events.missed(), events.unrecognized()));
    drop(anna);
    record.note(wait!(next(&mut events)));
}

async fn nobody_there(scene: &Scene, record: &mut Record) {
    record.refused(wait!(connect::<Trial>(scene, "tests.nobody")), &scene.stage);
    let _server = scene.server(&["trial"]);
    record.refused(wait!(connect::<Everything>(scene, TRIAL)), &scene.stage);
    record.refused(wait!(connect::<Trial>(scene, "no name")), &scene.stage);
}

async fn death(scene: &Scene, record: &mut Record) {
    let mut server = scene.server(&["trial"]);
    let client = trial(scene).await;
    let killing = std::thread::spawn(move || {
        server.expect("waiting for the end");
        server.kill();
    });
    record.call("while it runs", wait!(client.wait("for the end")));
    killing.join().unwrap();
    record.call("after", wait!(client.add(1, 1)));
}
