//! What each way costs, by size, and where one becomes cheaper than the next.
//!
//! ```text
//! cargo bench -p alpc-transport --bench crossover -- [--quick] [--json] [--latency] [--at BYTES]
//!     [--window BYTES]
//! ```
//!
//! Client and server are two processes. A way is forced through the limits that the client offers
//! when it connects. The client writes every byte of an argument before each call, so that nobody is
//! flattered by bytes that lie in a cache; it does the same before each `memcpy` (from one vector to
//! another, both warm) that is measured beside. The server does nothing with the bytes. Rounds of all
//! ways are interleaved, because the machine is never quiet, and the median counts.
//!
//! `together`: everything on one CPU. `apart`: the client on one, the server's worker on another, and
//! the copiers of direct access on both: they exist to use what is idle, and the client's CPU is
//! while it waits. `free`: nothing is pinned. The limits are chosen from `apart` and `free`, in which
//! a large copy is at all worth a thought, and by both directions together.

mod placement;
mod server;
mod small;
mod telling;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use alpc_transport::{
    Blob, CommunicationPort, Deadline, Directory, ErrorKind, Part, PortAttributes, PortName,
    Request, Way,
};
use placement::{Placement, allowed_cpus, pin};
use server::{method, serve};
use small::{echo_raw, latencies};
use telling::{print_json, print_table, size};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
/// The longest argument that fits the longest message with its header and description.
const FITS_MESSAGE: usize = 65_535 - 48 - 32;
const SIZES: [usize; 20] = [
    64,
    KIB,
    4 * KIB,
    8 * KIB,
    16 * KIB,
    32 * KIB,
    48 * KIB,
    FITS_MESSAGE,
    128 * KIB,
    256 * KIB,
    512 * KIB,
    MIB,
    2 * MIB,
    4 * MIB,
    8 * MIB,
    16 * MIB,
    32 * MIB,
    64 * MIB,
    128 * MIB,
    256 * MIB,
];
const QUICK_SIZES: [usize; 7] = [64, 4 * KIB, 32 * KIB, FITS_MESSAGE, MIB, 16 * MIB, 64 * MIB];

fn name() -> PortName {
    "bench.crossover".parse().expect("a name")
}

/// The limits that forbid nothing.
fn widest(place: &Path) -> PortAttributes {
    let directory = Directory::at(place).expect("an absolute path");
    let window = std::env::var("ALPC_BENCH_WINDOW").ok().and_then(|bytes| bytes.parse().ok());
    let attributes = match window {
        Some(window) => PortAttributes::new().chunk_window(window),
        None => PortAttributes::new(),
    };
    attributes
        .directory(directory)
        .copy_limit(65_535)
        .view_limit(1 << 30)
        .max_section_total(1 << 30)
}

/// The ways that are compared.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum How {
    Copy,
    Section,
    Direct,
    FrozenAgain,
    Memcpy,
}

impl How {
    const ALL: [How; 5] = [How::Copy, How::Section, How::Direct, How::FrozenAgain, How::Memcpy];

    fn name(self) -> &'static str {
        match self {
            How::Copy => "copy",
            How::Section => "section",
            How::Direct => "direct",
            How::FrozenAgain => "frozen again",
            How::Memcpy => "memcpy",
        }
    }

    fn can(self, len: usize, direction: Direction) -> bool {
        match self {
            How::Copy => len <= FITS_MESSAGE,
            How::FrozenAgain => direction == Direction::Upload,
            _ => true,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Direction {
    Upload,
    Download,
}

impl Direction {
    const ALL: [Direction; 2] = [Direction::Upload, Direction::Download];

    fn name(self) -> &'static str {
        match self {
            Direction::Upload => "upload",
            Direction::Download => "download",
        }
    }
}

/// A server process, and one connection to it for each way.
struct Bench {
    server: Child,
    place: PathBuf,
    copy: CommunicationPort,
    section: CommunicationPort,
    direct: CommunicationPort,
}

impl Bench {
    fn start(placement: Placement, all: &[usize], window: Option<usize>) -> Bench {
        let (client_cpus, server_cpus) = placement.cpus(all);
        let tag = format!("alpc-crossover-{}-{}", std::process::id(), placement.name());
        let place = std::env::temp_dir().join(tag);
        let list: Vec<_> = server_cpus.iter().map(ToString::to_string).collect();
        let server = Command::new(std::env::current_exe().expect("this program has a path"))
            .env("ALPC_BENCH_PLACE", &place)
            .env("ALPC_BENCH_CPUS", list.join(","))
            .env("ALPC_BENCH_WINDOW", window.map_or(String::new(), |bytes| bytes.to_string()))
            .spawn()
            .expect("this program can be run again");
        pin(None, &client_cpus);
        let connect = |copy, view| {
            let attributes = widest(&place).copy_limit(copy).view_limit(view);
            let attributes = match window {
                Some(window) => attributes.chunk_window(window),
                None => attributes,
            };
            connect(&attributes)
        };
        let (copy, section) = (connect(65_535, 1 << 30), connect(0, 1 << 30));
        let direct = connect(0, 0);
        let bench = Bench { server, place, copy, section, direct };
        if placement == Placement::Apart {
            let data = vec![0; 4 * MIB];
            call(&bench.direct, method::TAKE, &mut [Part::In(&data)]);
            call(&bench.direct, method::FREE_COPIERS, &mut []);
        }
        bench
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _dead = self.server.kill();
        let _dead = self.server.wait();
        let _gone = std::fs::remove_dir_all(&self.place);
    }
}

fn connect(attributes: &PortAttributes) -> CommunicationPort {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let deadline = Deadline::after(Duration::from_secs(10));
        match CommunicationPort::connect(&name(), attributes, b"", deadline) {
            Ok(port) => return port,
            // The server is not up yet.
            Err(error) if Instant::now() < until => match error.kind() {
                ErrorKind::NotFound { .. } => std::thread::yield_now(),
                _ => panic!("{error}"),
            },
            Err(error) => panic!("{error}"),
        }
    }
}

fn call(port: &CommunicationPort, method: u64, parts: &mut [Part<'_>]) -> Option<Way> {
    let deadline = Deadline::after(Duration::from_secs(60));
    // Bulk data has the message to itself.
    let body = if parts.is_empty() { &[7; 64][..] } else { &[] };
    let request = Request { method, tag: 0, body, parts, deadline, handles: &[] };
    let response = port.call(request).expect("the server lives");
    response.travelled.first().map(|travelled| travelled.way)
}

/// Writes every cache line.
fn write_all(data: &mut [u8], value: u8) {
    data.chunks_mut(64).for_each(|line| line[0] = value);
    black_box(data);
}

/// One timed transfer, in microseconds.
fn measure(bench: &Bench, how: How, direction: Direction, memory: &mut Memory, len: usize) -> f64 {
    memory.turn = memory.turn.wrapping_add(1);
    let turn = memory.turn;
    let (data, other) = (&mut memory.data[..len], &mut memory.other[..len]);
    if how != How::FrozenAgain {
        write_all(data, turn);
    }
    let (port, expected) = match how {
        How::Copy => (&bench.copy, Way::Copy),
        How::Section => (&bench.section, Way::Section),
        How::Direct => (&bench.direct, Way::Direct),
        How::FrozenAgain => (&bench.section, Way::Section),
        How::Memcpy => {
            let start = Instant::now();
            other.copy_from_slice(data);
            black_box(other);
            return micros(start.elapsed());
        }
    };
    let start = Instant::now();
    let way = match (how, direction) {
        (How::FrozenAgain, _) => {
            let blob = memory.blob.as_ref().expect("made with the size");
            call(port, method::TAKE, &mut [Part::Blob(blob)])
        }
        (_, Direction::Upload) => call(port, method::TAKE, &mut [Part::In(data)]),
        (_, Direction::Download) => call(port, method::FILL, &mut [Part::Out(data)]),
    };
    let elapsed = start.elapsed();
    assert_eq!(way, Some(expected), "the way was forced");
    micros(elapsed)
}

struct Memory {
    data: Vec<u8>,
    other: Vec<u8>,
    blob: Option<Blob>,
    turn: u8,
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

fn median(samples: &mut [f64]) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[samples.len() / 2]
}

type Key = (Placement, Direction, usize, How);

/// Measures every way at every size, in interleaved rounds.
fn measure_all(options: &Options, all: &[usize]) -> BTreeMap<Key, f64> {
    let longest = options.sizes().iter().copied().max().unwrap_or(0);
    // Not zeroed by the kernel as they are touched, but touched: both are warm, in 4 KiB pages.
    let (data, other) = (vec![1; longest], vec![2; longest]);
    let mut memory = Memory { data, other, blob: None, turn: 0 };
    let mut medians = BTreeMap::new();
    for placement in Placement::ALL {
        let bench = Bench::start(placement, all, options.window);
        for &len in options.sizes() {
            memory.blob = Some(Blob::new(&memory.data[..len]).expect("there is memory"));
            let (rounds, times) = options.effort(len);
            let mut samples: BTreeMap<(Direction, How), Vec<f64>> = BTreeMap::new();
            for round in 0..=rounds {
                for (direction, how) in cells(len) {
                    for _ in 0..times {
                        let took = measure(&bench, how, direction, &mut memory, len);
                        if round > 0 {
                            samples.entry((direction, how)).or_default().push(took);
                        }
                    }
                }
            }
            for ((direction, how), mut samples) in samples {
                medians.insert((placement, direction, len, how), median(&mut samples));
            }
        }
        pin(None, all);
    }
    medians
}

fn cells(len: usize) -> Vec<(Direction, How)> {
    let all = Direction::ALL.into_iter().flat_map(|d| How::ALL.map(|how| (d, how)));
    all.filter(|(direction, how)| how.can(len, *direction)).collect()
}

// ---- the choice

/// The limits at the crossings.
struct Choice {
    copy_limit: usize,
    view_limit: usize,
}

/// How much dearer `how` is than `than` at a size: over both directions, apart and free.
fn ratio(medians: &BTreeMap<Key, f64>, len: usize, how: How, than: How) -> Option<f64> {
    let mut logs = Vec::new();
    for placement in [Placement::Apart, Placement::Free] {
        for direction in Direction::ALL {
            let cost = |how| medians.get(&(placement, direction, len, how));
            logs.push((cost(how)? / cost(than)?).ln());
        }
    }
    Some((logs.iter().sum::<f64>() / logs.len() as f64).exp())
}

fn choose(medians: &BTreeMap<Key, f64>, sizes: &[usize]) -> Choice {
    let cheaper = |len, how, than| ratio(medians, len, how, than).is_some_and(|ratio| ratio <= 1.0);
    // The last size at which the first way still wins: noise at one size does not move it.
    let copied = sizes.iter().rev().find(|&&len| cheaper(len, How::Copy, How::Section));
    let sectioned = sizes.iter().rev().find(|&&len| cheaper(len, How::Section, How::Direct));
    Choice { copy_limit: copied.copied().unwrap_or(0), view_limit: sectioned.copied().unwrap_or(0) }
}

struct Options {
    quick: bool,
    json: bool,
    latency_only: bool,
    /// The only size to measure.
    at: Option<usize>,
    window: Option<usize>,
}

impl Options {
    fn sizes(&self) -> &[usize] {
        match &self.at {
            Some(at) => std::slice::from_ref(at),
            None if self.quick => &QUICK_SIZES,
            None => &SIZES,
        }
    }

    fn rounds(&self) -> usize {
        if self.quick { 3 } else { 5 }
    }

    /// Rounds, and calls of each way in one round.
    fn effort(&self, len: usize) -> (usize, usize) {
        (self.rounds(), (8 * MIB / len.max(1)).clamp(1, if self.quick { 50 } else { 200 }))
    }
}

fn main() {
    let cpus = || -> Vec<usize> {
        let list = std::env::var("ALPC_BENCH_CPUS").unwrap_or_default();
        list.split(',').filter_map(|cpu| cpu.parse().ok()).collect()
    };
    if let Some(place) = std::env::var_os("ALPC_BENCH_PLACE") {
        return serve(Path::new(&place), &cpus());
    }
    if std::env::var_os("ALPC_BENCH_RAW").is_some() {
        return echo_raw(&cpus());
    }
    let arguments: Vec<String> = std::env::args().collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let number = |flag: &str| -> Option<usize> {
        let at = arguments.iter().position(|argument| argument == flag)?;
        arguments.get(at + 1)?.parse().ok()
    };
    let options = Options {
        quick: has("--quick"),
        json: has("--json"),
        latency_only: has("--latency"),
        at: number("--at"),
        window: number("--window"),
    };
    let all = allowed_cpus();
    let latencies = latencies(&options, &all);
    let medians = if options.latency_only { BTreeMap::new() } else { measure_all(&options, &all) };
    let choice = choose(&medians, options.sizes());
    if options.json {
        return print_json(&medians, &latencies, &choice);
    }
    println!("64 bytes there and back     call     SEQPACKET   ratio");
    for (placement, ours, raw) in &latencies {
        println!("{:<22}{ours:>7.2} us{raw:>11.2} us{:>8.3}", placement.name(), ours / raw);
    }
    if !options.latency_only {
        print_table(&medians, options.sizes());
        println!("\nlast size at which copying beats a section:       {}", size(choice.copy_limit));
        println!("last size at which a section beats direct access: {}", size(choice.view_limit));
    }
}
