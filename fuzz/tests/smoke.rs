//! The targets over seeds and random changes of them, on any compiler.
//!
//! `ALPC_FUZZ_ROUNDS` says how many changes of each seed are tried, and `ALPC_FUZZ_SEED` which. What
//! fails is written to a file of the target folder, for `cargo run --bin`.

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

/// Numbers that look random, and are the same in every run: a test that fails, fails again.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        // xorshift64* (Vigna, 2016).
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() >> 11) as usize % end.max(1)
    }
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Changes a few places: bytes, pieces of other seeds, holes, repetitions.
fn change(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], numbers: &mut Numbers) {
    for _ in 0..=numbers.below(4) {
        let at = numbers.below(bytes.len() + 1);
        let end = (at + numbers.below(24)).min(bytes.len());
        match numbers.below(6) {
            0 => bytes.insert(at, numbers.next() as u8),
            1 if at < bytes.len() => bytes[at] ^= 1 << numbers.below(8),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            4 => bytes.truncate(at),
            _ => {
                let other = &seeds[numbers.below(seeds.len())];
                let from = numbers.below(other.len() + 1);
                let piece = &other[from..(from + numbers.below(40)).min(other.len())];
                bytes.splice(at..end, piece.iter().copied());
            }
        }
    }
}

fn run(target: fn(&[u8]), name: &str, seeds: &[Vec<u8>], rounds: u64) {
    assert!(!seeds.is_empty());
    let rounds = number("ALPC_FUZZ_ROUNDS", rounds);
    let mut numbers = Numbers(number("ALPC_FUZZ_SEED", 0x9e37_79b9_7f4a_7c15) | 1);
    for seed in seeds {
        for round in 0..=rounds {
            let mut bytes = seed.clone();
            if round > 0 {
                change(&mut bytes, seeds, &mut numbers);
            }
            if catch_unwind(|| target(&bytes)).is_err() {
                let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-failed"));
                std::fs::write(&file, &bytes).unwrap();
                panic!("`{name}` does not survive {}", file.display());
            }
        }
    }
}

/// The files of these endings below a folder of the repository, in the order of their names.
fn files(folder: &str, ending: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder);
    let entries =
        std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == ending));
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

#[test]
fn idl_files() {
    let mut seeds = files("idlc/tests/accepted", "idl");
    seeds.extend(files("idlc/tests/golden", "idl"));
    seeds.extend(files("idlc/tests/refused", "idl"));
    run(alpc_fuzz::idl, "idl", &seeds, 12);
}

#[test]
fn rust_items() {
    run(alpc_fuzz::rust_items, "rust_items", &rust_seeds(), 100);
}

/// Each item of the twins, which say in Rust what an `.idl` file says.
fn rust_seeds() -> Vec<Vec<u8>> {
    let files = files("idlc/tests/twins", "rs");
    let texts = files.into_iter().map(|bytes| String::from_utf8(bytes).unwrap());
    let items = texts.flat_map(|text| {
        let items: Vec<_> =
            text.split("\n}\n").map(|item| format!("{item}\n}}").into_bytes()).collect();
        items
    });
    items.collect()
}

#[test]
fn values_of_generated_types() {
    // A record of two known fields and one of a later version, a tree, numbers, text.
    let seeds: Vec<Vec<u8>> = (0..12_u8)
        .flat_map(|which| {
            let bodies: [&[u8]; 4] = [
                &[8, 1, b'k', 1, 9, 0, 1, 0, 0],
                &[6, 1, b'k', 2, 2, 1, b'l', 0, 2, 1, b'r', 0],
                &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
                &[0xFF; 24],
            ];
            bodies.map(|body| [&[which], body].concat())
        })
        .collect();
    run(alpc_fuzz::values, "values", &seeds, 2_000);
}

#[test]
fn answers_and_questions_of_streams() {
    // Of answers: what was asked for (items, bytes) and what came along; how long the bulk result is;
    // and the body: whether it is the last, and entries, each of which says what it is, how many handles
    // and objects are its own, and its bytes.
    let came = [[200, 0b1_1110, 0, 120], [1, 0, 16, 0]];
    let bodies: [&[u8]; 7] = [
        &[0, 0, 0, 1, 0, 0, 3, 2, b'h', b'i', 1, 1, 0, 1, 0],
        &[0, 0, 1, 1, 0, 0, 2, 1, 9, 3, 0, 0, 0],
        &[0, 0, 1, 4, 1, 1, 4, 3, b'o', b'l', b'd'],
        &[0, 0, 1, 5, 0, 0, 6, 7, 0, b'g', b'o', b'n', b'e'],
        &[9, 0, 0, 2, 0, 1],
        &[9, 0, 1, 2, 1, 0, 1, 0, 0, 1, 0, 3, 0, 0, 0],
        &[0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 0],
    ];
    let answers =
        bodies.into_iter().flat_map(|body| came.map(|came| [&[0], &came[..], body].concat()));
    // Questions: their number, items and bytes; then the lengths of items, and an error for 255.
    let everything = [1, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F];
    let questions = [
        vec![1, 1, 6, 1, 0x80, 2, 0x80, 0xF0, 1, 5, 9, 255],
        [&[1, 2, 11], &everything[..], &[11], &everything, &[127]].concat(),
        [&[1, 1, 11], &everything[..], &[1, 2, 250, 0, 128, 127]].concat(),
    ];
    let seeds: Vec<_> = answers.chain(questions).collect();
    run(alpc_fuzz::streams, "streams", &seeds, 2_000);
}

#[test]
fn handshakes() {
    // CONNECT with its limits, as a client of this version sends it.
    let limits: [u64; 8] = [4096, 16 << 10, 4096, 1 << 20, 64 << 10, 256 << 10, 1 << 20, 4];
    let mut body = vec![1, 0, 1, 0, 66, 0, 0, 0];
    body.extend(limits.iter().flat_map(|limit| limit.to_le_bytes()));
    body.extend([1, 1]);
    body.extend(b"hello");
    let mut connect = b"ALPC\x01\0".to_vec();
    connect.extend((body.len() as u16).to_le_bytes());
    connect.extend(body);
    let seeds = [connect, b"GET / HTTP/1.1\r\n\r\n".to_vec(), b"ALPC\x04\0\x28\0".to_vec()];
    run(alpc_fuzz::handshake, "handshake", &seeds, 400);
}
