//! What an open record costs over a closed one: ours against serde's derive over plain postcard.
//!
//! Both are measured in turns in one run, since only their ratio means anything on a busy machine.
//! `cargo bench -p alpc-rpc --bench records`

use std::hint::black_box;
use std::time::Instant;

use alpc_rpc::__rt::v1::{decode, encode, record};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Declares a struct twice: as generated code has it when it is open, and as serde derives it.
macro_rules! twice {
    ($($name:ident { $($field:ident: $ty:ty),* $(,)? })*) => {
        mod open {
            use super::*;
            $(
                pub(super) struct $name { $(pub(super) $field: $ty),* }

                impl Serialize for $name {
                    #[inline]
                    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                        record::serialize(serializer, &($(&self.$field,)*))
                    }
                }

                impl<'de> Deserialize<'de> for $name {
                    #[inline]
                    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                        record::deserialize(from, stringify!($name), |fields| {
                            Ok($name { $($field: fields.required(stringify!($field))?),* })
                        })
                    }
                }
            )*
        }
        mod plain {
            use super::*;
            $(
                #[derive(Serialize, Deserialize)]
                pub(super) struct $name { $(pub(super) $field: $ty),* }
            )*
        }
    };
}

twice! {
    Point { x: i32, y: i32 }
    Scalars { id: u64, count: u32, level: i16, gain: f64, on: bool, mode: u8 }
    Entry { id: u64, key: String, at: Point, path: Vec<Point>, note: Option<String>, tags: Vec<String> }
}

macro_rules! point {
    ($module:ident, $i:expr) => {
        $module::Point { x: $i * 1000, y: -$i }
    };
}

macro_rules! scalars {
    ($module:ident) => {
        $module::Scalars { id: 1 << 40, count: 300, level: -5, gain: 0.5, on: true, mode: 3 }
    };
}

macro_rules! entry {
    ($module:ident) => {
        $module::Entry {
            id: 123_456_789,
            key: "session/7/answer".to_owned(),
            at: point!($module, 7),
            path: (0..16).map(|i| point!($module, i)).collect(),
            note: Some("written by the benchmark".to_owned()),
            tags: vec!["red".to_owned(), "green".to_owned()],
        }
    };
}

fn main() {
    compare("6 scalars", &scalars!(open), &scalars!(plain));
    compare("entry with 17 records inside", &entry!(open), &entry!(plain));
}

fn compare<O, P>(name: &str, open: &O, plain: &P)
where
    O: Serialize + DeserializeOwned,
    P: Serialize + DeserializeOwned,
{
    let mut ours = Vec::new();
    encode::to_vec_in(open, &mut ours).expect("the value is small");
    let theirs = postcard::to_allocvec(plain).expect("the value is small");
    println!("{name}: {} bytes, plain {}", ours.len(), theirs.len());

    let mut buffer = Vec::with_capacity(4096);
    let mut plain_buffer = Vec::with_capacity(4096);
    let mut slice = [0; 4096];
    let [encode_open, encode_vec, encode_slice] = fastest([
        &mut || {
            buffer.clear();
            encode::to_vec_in(black_box(open), &mut buffer).expect("it is small");
        },
        &mut || {
            plain_buffer.clear();
            let buffer = std::mem::take(&mut plain_buffer);
            plain_buffer = postcard::to_extend(black_box(plain), buffer).expect("it is small");
        },
        &mut || {
            black_box(postcard::to_slice(black_box(plain), &mut slice).expect("it is small"));
        },
    ]);
    let [decode_open, decode_plain] = fastest([
        &mut || {
            let value: O = decode::ValueReader::new(black_box(&ours)).value("v").expect("ours");
            black_box(value);
        },
        &mut || {
            let value: P = postcard::from_bytes(black_box(&theirs)).expect("theirs");
            black_box(value);
        },
    ]);
    report("encode", encode_open, "postcard to a vector", encode_vec);
    report("encode", encode_open, "postcard to a slice", encode_slice);
    report("decode", decode_open, "postcard", decode_plain);
}

fn report(what: &str, open: f64, than: &str, plain: f64) {
    println!("  {what}: {open:6.1} ns, {than} {plain:6.1} ns, ratio {:.2}", open / plain);
}

/// The time of one run of each, the fastest of many rounds taken in turns.
fn fastest<const N: usize>(mut runs: [&mut dyn FnMut(); N]) -> [f64; N] {
    const ROUNDS: usize = 400;
    const RUNS: u32 = 500;
    let mut best = [f64::INFINITY; N];
    for _ in 0..ROUNDS {
        for (run, best) in runs.iter_mut().zip(&mut best) {
            let start = Instant::now();
            (0..RUNS).for_each(|_| run());
            let each = start.elapsed().as_secs_f64() * 1e9 / f64::from(RUNS);
            *best = best.min(each);
        }
    }
    best
}
