//! Every direction at every size, timed and checked by content.

use std::time::Instant;

use alpc_rpc::prelude::*;
use alpc_rpc::{CallInfo, Travelled, Way};

use super::Failure;
use super::interface::{by_trait, idl};
use super::measure::{median, repetitions};
use super::report::{Report, Row, size};
use super::server::{hash, invert, sample};

/// From nothing to the most that the interface takes.
pub const SIZES: [usize; 10] =
    [0, 64, 4 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20, 64 << 20, 256 << 20];

/// Rows that one client adds for each size.
const DIRECTIONS: usize = 8;

/// What the tour does with a client, whichever way its interface was written.
pub trait Tourist: Client {
    /// `idl` or `trait`.
    const KIND: &'static str;
    /// 64 bytes there and back.
    fn round_trip(&self, payload: &[u8; 64]) -> Result<Vec<u8>, Failure>;
    /// The server's process.
    fn server(&self) -> Result<u32, Failure>;
    /// Bytes to the server.
    fn send(&self, data: &[u8]) -> Result<u64, Failure>;
    /// Frozen bytes to the server.
    fn send_blob(&self, data: &Blob) -> Result<u64, Failure>;
    /// Bytes for the server to look at where they are.
    fn look_at(&self, data: &Blob) -> Result<u64, Failure>;
    /// What arrives at the server.
    fn arrived(&self, data: &[u8]) -> Result<(u64, u64), Failure>;
    /// What arrives at the server, of frozen bytes.
    fn arrived_blob(&self, data: &Blob) -> Result<(u64, u64), Failure>;
    /// Makes the server hold a sample.
    fn prepare_sample(&self, len: u64, seed: u64) -> Result<(), Failure>;
    /// The sample, into our buffer.
    fn fill(&self, data: &mut [u8]) -> Result<usize, Failure>;
    /// The sample, as a value.
    fn take(&self, len: u64) -> Result<Vec<u8>, Failure>;
    /// The sample, where it is.
    fn look(&self, len: u64) -> Result<View, Failure>;
    /// Our buffer, changed in place.
    fn change(&self, data: &mut [u8]) -> Result<usize, Failure>;
}

macro_rules! tourist {
    ($interface:ident, $kind:literal) => {
        impl Tourist for $interface::TourClient {
            const KIND: &'static str = $kind;
            fn round_trip(&self, payload: &[u8; 64]) -> Result<Vec<u8>, Failure> {
                Ok(self.echo(payload)?)
            }
            fn server(&self) -> Result<u32, Failure> {
                Ok(self.pid()?)
            }
            fn send(&self, data: &[u8]) -> Result<u64, Failure> {
                Ok(self.upload(data)?)
            }
            fn send_blob(&self, data: &Blob) -> Result<u64, Failure> {
                Ok(self.upload(data)?)
            }
            fn look_at(&self, data: &Blob) -> Result<u64, Failure> {
                Ok(self.inspect(data)?)
            }
            fn arrived(&self, data: &[u8]) -> Result<(u64, u64), Failure> {
                let digest = self.digest(data)?;
                Ok((digest.len, digest.hash))
            }
            fn arrived_blob(&self, data: &Blob) -> Result<(u64, u64), Failure> {
                let digest = self.digest(data)?;
                Ok((digest.len, digest.hash))
            }
            fn prepare_sample(&self, len: u64, seed: u64) -> Result<(), Failure> {
                self.prepare(len, seed)?;
                Ok(())
            }
            fn fill(&self, data: &mut [u8]) -> Result<usize, Failure> {
                Ok(self.download(data)?.0)
            }
            fn take(&self, len: u64) -> Result<Vec<u8>, Failure> {
                Ok(self.fetch(len)?)
            }
            fn look(&self, len: u64) -> Result<View, Failure> {
                Ok(self.show(len)?)
            }
            fn change(&self, data: &mut [u8]) -> Result<usize, Failure> {
                Ok(self.invert(data)?)
            }
        }
    };
}

tourist!(idl, "idl");
tourist!(by_trait, "trait");

/// A measurement of one direction at one size.
struct Timed {
    micros: f64,
    travelled: Vec<Travelled>,
    ok: bool,
}

/// Makes every call of the tour, and prints a row for each.
pub fn run<C: Tourist>(client: &C, report: &mut Report, sizes: &[usize]) -> Result<(), Failure> {
    // The sample's making may take longer than a call should.
    let client = &client.without_deadline();
    let of = sizes.len() * DIRECTIONS;
    let mut done = 0;
    let mut show = |report: &mut Report, direction, len, timed: Timed| -> Result<(), Failure> {
        done += 1;
        let Timed { micros, travelled, ok } = timed;
        for (index, travelled) in travelled.iter().enumerate() {
            report.row(&Row {
                interface: C::KIND,
                direction: if index == 0 { direction } else { "in place, back" },
                bytes: travelled.len,
                way: way_name(travelled.way),
                reason: travelled.reason.text().to_owned(),
                micros,
                ok: ok && travelled.len == len as u64,
                client_pid: std::process::id(),
                server_pid: client.server()?,
            });
        }
        report.progress(done, of, &format!("{} {direction} {}", C::KIND, size(len as u64)));
        Ok(())
    };
    for &len in sizes {
        let data = sample(len, len as u64 + 1);
        let want = (len as u64, hash(&data));
        show(report, "upload", len, upload(client, &data, want)?)?;
        let (first, again) = blob(client, &data, want)?;
        show(report, "upload a Blob", len, first)?;
        show(report, "the Blob again", len, again)?;
        show(report, "made in a section", len, made_in_place(client, &data, want)?)?;
        client.prepare_sample(len as u64, len as u64 + 1)?;
        show(report, "download [out]", len, download(client, &data)?)?;
        show(report, "returned", len, fetch(client, &data)?)?;
        show(report, "[view]", len, look(client, &data)?)?;
        show(report, "in place", len, change(client, data)?)?;
    }
    Ok(())
}

/// Times a call several times, and keeps how the last one's bulk data travelled.
fn timed<C: Tourist, R>(
    client: &C,
    len: usize,
    mut call: impl FnMut(&C) -> Result<R, Failure>,
) -> Result<(f64, CallInfo, R), Failure> {
    let mut times = Vec::new();
    let mut last = call(client)?;
    for _ in 0..repetitions(len) {
        let start = Instant::now();
        last = call(client)?;
        times.push(start.elapsed());
    }
    let (observed, info) = client.observed(call);
    observed?;
    Ok((median(&mut times), info, last))
}

fn upload<C: Tourist>(client: &C, data: &[u8], want: (u64, u64)) -> Result<Timed, Failure> {
    let (micros, info, len) = timed(client, data.len(), |client| client.send(data))?;
    let ok = len == want.0 && client.arrived(data)? == want;
    Ok(Timed { micros, travelled: info.bulk, ok })
}

/// The first time includes handing the section over; from then on nothing moves.
fn blob<C: Tourist>(client: &C, data: &[u8], want: (u64, u64)) -> Result<(Timed, Timed), Failure> {
    let mut times = Vec::new();
    let mut travelled = Vec::new();
    let mut ok = true;
    for _ in 0..3 {
        let blob = Blob::new(data)?;
        let start = Instant::now();
        let (sent, info) = client.observed(|client| client.send_blob(&blob));
        times.push(start.elapsed());
        ok &= sent? == want.0;
        travelled = info.bulk;
    }
    let first = Timed { micros: median(&mut times), travelled, ok };
    let blob = Blob::new(data)?;
    let (micros, info, len) = timed(client, 64, |client| client.send_blob(&blob))?;
    let ok = len == want.0 && client.arrived_blob(&blob)? == want;
    Ok((first, Timed { micros, travelled: info.bulk, ok }))
}

/// Bytes that the caller makes inside a section: only their making is left to be paid for.
fn made_in_place<C: Tourist>(client: &C, data: &[u8], want: (u64, u64)) -> Result<Timed, Failure> {
    let mut region = client.region(data.len())?;
    region.as_mut_slice().copy_from_slice(data);
    let made = Blob::from(region);
    let (micros, info, len) = timed(client, 64, |client| client.look_at(&made))?;
    let ok = len == want.0 && client.arrived_blob(&made)? == want;
    Ok(Timed { micros, travelled: info.bulk, ok })
}

fn download<C: Tourist>(client: &C, data: &[u8]) -> Result<Timed, Failure> {
    let mut room = vec![0xEE; data.len()];
    let (micros, info, written) = timed(client, data.len(), |client| client.fill(&mut room))?;
    Ok(Timed { micros, travelled: info.bulk, ok: written == data.len() && room == data })
}

fn fetch<C: Tourist>(client: &C, data: &[u8]) -> Result<Timed, Failure> {
    let len = data.len() as u64;
    let (micros, info, bytes) = timed(client, data.len(), |client| client.take(len))?;
    Ok(Timed { micros, travelled: shown(info, len), ok: bytes == data })
}

fn look<C: Tourist>(client: &C, data: &[u8]) -> Result<Timed, Failure> {
    let len = data.len() as u64;
    let (micros, info, view) = timed(client, 64, |client| client.look(len))?;
    let ok = view.frozen().map_or_else(|| view.to_vec() == data, |bytes| bytes == data);
    Ok(Timed { micros, travelled: shown(info, len), ok })
}

fn change<C: Tourist>(client: &C, data: Vec<u8>) -> Result<Timed, Failure> {
    let mut changed = data.clone();
    // An odd number of calls in all leaves every bit turned: one to warm up, one to observe.
    let calls = repetitions(data.len()) + 2;
    let (micros, info, len) = timed(client, data.len(), |client| client.change(&mut changed))?;
    let mut want = data;
    if calls % 2 == 1 {
        invert(&mut want);
    }
    Ok(Timed { micros, travelled: info.bulk, ok: len == want.len() && changed == want })
}

/// A result so small that it stands in the message itself is not listed apart.
fn shown(info: CallInfo, len: u64) -> Vec<Travelled> {
    if !info.bulk.is_empty() {
        return info.bulk;
    }
    vec![Travelled { way: Way::Copy, reason: alpc_rpc::Reason::FitsMessage, len }]
}

fn way_name(way: Way) -> &'static str {
    match way {
        Way::Copy => "copy",
        Way::Section => "section",
        Way::Direct => "direct",
        _ => "other",
    }
}
