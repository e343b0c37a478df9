//! What the tour prints: a table for people, or a JSON object per row.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};

use alpc_rpc::Reason;

/// One measurement.
#[derive(Debug, Clone)]
pub struct Row {
    /// `idl`, `trait`, or `raw`.
    pub interface: &'static str,
    /// Which way the bytes went.
    pub direction: &'static str,
    /// How many bytes.
    pub bytes: u64,
    /// Copy, section, direct; or `raw-socket`, `memcpy`.
    pub way: &'static str,
    /// Why that way.
    pub reason: String,
    /// Median time of one call.
    pub micros: f64,
    /// Whether every byte was as it should be.
    pub ok: bool,
    /// The caller.
    pub client_pid: u32,
    /// The called.
    pub server_pid: u32,
}

/// The ratios at the end.
#[derive(Debug, Clone, Copy, Default)]
pub struct Summary {
    /// 64-byte call to raw socket round trip, both on one CPU.
    pub together: Option<f64>,
    /// The same on two CPUs.
    pub apart: Option<f64>,
    /// The same wherever the system puts them.
    pub free: Option<f64>,
    /// Speed of a 64 MiB upload to that of memcpy.
    pub upload_vs_memcpy: Option<f64>,
    /// The same 64 MiB blob again, to a 64-byte call.
    pub blob_again: Option<f64>,
}

/// Where rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// A table.
    Table,
    /// A JSON object to a line.
    Json,
}

/// Prints rows as they come, and says meanwhile what is being done.
#[derive(Debug)]
pub struct Report {
    format: Format,
    last_interface: Option<&'static str>,
    shows_progress: bool,
    wrong: usize,
}

impl Report {
    /// A report of that format on standard output; progress goes to a terminal on standard error.
    pub fn new(format: Format) -> Report {
        let shows_progress = std::io::stderr().is_terminal();
        Report { format, last_interface: None, shows_progress, wrong: 0 }
    }

    /// How many rows were not right.
    pub fn wrong(&self) -> usize {
        self.wrong
    }

    /// Says what is being done, in one line that the next overwrites.
    pub fn progress(&self, done: usize, of: usize, what: &str) {
        if self.shows_progress {
            eprint!("\r\x1b[2K[{done}/{of}] {what}");
            let _shown = std::io::stderr().flush();
        }
    }

    /// Takes the progress line away.
    pub fn clear_progress(&self) {
        if self.shows_progress {
            eprint!("\r\x1b[2K");
            let _shown = std::io::stderr().flush();
        }
    }

    /// Prints a row.
    pub fn row(&mut self, row: &Row) {
        self.clear_progress();
        if !row.ok {
            self.wrong += 1;
        }
        match self.format {
            Format::Json => println!("{}", json(row)),
            Format::Table => self.table_row(row),
        }
    }

    fn table_row(&mut self, row: &Row) {
        if self.last_interface != Some(row.interface) {
            self.last_interface = Some(row.interface);
            let title = match row.interface {
                "idl" => "through stubs from examples/idl/tour.idl",
                "trait" => "through a trait with #[alpc_interface]",
                _ => "beside it, in the same run",
            };
            println!("\n{title} (client {}, server {})", row.client_pid, row.server_pid);
            println!(
                "  {:>9}  {:<17} {:<10} {:<28} {:>12} {:>9}",
                "size", "direction", "way", "why", "us per call", "MiB/s"
            );
        }
        let mark = if row.ok { ' ' } else { '!' };
        println!(
            "{mark} {:>9}  {:<17} {:<10} {:<28} {:>12.2} {:>9}",
            size(row.bytes),
            row.direction,
            row.way,
            row.reason,
            row.micros,
            rate(row),
        );
    }

    /// Prints the ratios.
    pub fn summary(&self, summary: &Summary) {
        self.clear_progress();
        let all = [
            ("together", summary.together),
            ("apart", summary.apart),
            ("free", summary.free),
            ("upload_vs_memcpy", summary.upload_vs_memcpy),
            ("blob_again", summary.blob_again),
        ];
        match self.format {
            Format::Json => {
                let fields: Vec<String> = all
                    .iter()
                    .map(|(name, value)| {
                        let value = value.map_or("null".to_owned(), |value| format!("{value:.4}"));
                        format!("\"{name}\": {value}")
                    })
                    .collect();
                println!("{{\"summary\": {{{}}}}}", fields.join(", "));
            }
            Format::Table => {
                println!("\nratios, medians of this run");
                let texts = [
                    "64-byte call / raw socket round trip, both on one CPU",
                    "64-byte call / raw socket round trip, on two CPUs",
                    "64-byte call / raw socket round trip, unpinned",
                    "64 MiB upload: speed / speed of memcpy",
                    "the same 64 MiB Blob again / 64-byte call",
                ];
                for (text, (_, value)) in texts.iter().zip(all) {
                    let value =
                        value.map_or("not to be had here".to_owned(), |v| format!("{v:.3}"));
                    println!("  {text:<56} {value:>8}");
                }
                match self.wrong {
                    0 => println!("\nevery byte was as it should be"),
                    wrong => println!("\n{wrong} rows were WRONG (marked with !)"),
                }
            }
        }
    }
}

fn json(row: &Row) -> String {
    let Row { interface, direction, bytes, way, micros, ok, client_pid, server_pid, .. } = row;
    format!(
        "{{\"interface\": \"{interface}\", \"direction\": \"{direction}\", \"bytes\": {bytes}, \
         \"way\": \"{way}\", \"reason\": \"{}\", \"micros\": {micros:.3}, \"ok\": {ok}, \
         \"client_pid\": {client_pid}, \"server_pid\": {server_pid}}}",
        escaped(&row.reason)
    )
}

/// The inside of a JSON string.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '"' | '\\' => escaped.extend(['\\', c]),
            c if c.is_control() => {
                let _infallible = write!(escaped, "\\u{:04x}", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// A size for people.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..0x10_0000 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

/// Bytes that do not move have no speed, and those of small calls none that means anything.
fn rate(row: &Row) -> String {
    if row.reason == Reason::Frozen.text() || row.reason == Reason::BuiltInPlace.text() {
        return "no copy".to_owned();
    }
    if row.bytes < 4096 || row.micros <= 0.0 {
        return "-".to_owned();
    }
    let mib = row.bytes as f64 / f64::from(1 << 20);
    format!("{:.0}", mib / (row.micros / 1e6))
}
