//! The ratios that the tour ends with. Each compares two things in interleaved rounds of one run,
//! because the machine may be busy with other work and becomes slower and faster by itself.

use std::time::{Duration, Instant};

use alpc_rpc::Blob;

use super::Failure;
use super::placement::{self, Placement};
use super::raw::{LEN, RawEcho};
use super::report::{Report, Row, Summary};
use super::rows::Tourist;
use super::server::sample;

/// Calls of one round, and rounds.
const CALLS: usize = 4_000;
const ROUNDS: usize = 5;
/// The large buffer of the comparisons.
const LARGE: usize = 64 << 20;

/// How often a call with that many bytes is made: often enough for a median, and not for ever.
pub fn repetitions(len: usize) -> usize {
    match len {
        0..=0x1_0000 => 301,
        0x1_0001..=0x10_0000 => 101,
        0x10_0001..=0x100_0000 => 21,
        0x100_0001..=0x400_0000 => 7,
        _ => 3,
    }
}

/// The median in microseconds.
pub fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, |time| time.as_nanos() as f64 / 1e3)
}

/// Compares small calls with the raw socket, uploads with memcpy, and blobs with small calls.
pub fn run<C: Tourist>(client: &C, report: &mut Report) -> Result<Summary, Failure> {
    let raw = RawEcho::start("--raw-echo")?;
    let all = placement::allowed()?;
    let others = [client.server()?, raw.pid()];
    let mut summary = Summary::default();
    for (index, placement) in Placement::ALL.into_iter().enumerate() {
        report.progress(index, 5, &format!("64-byte calls, {}", placement.name()));
        let ratio = match placement.take(&all, &others)? {
            None => None,
            Some(()) => Some(small_calls(client, &raw, placement, report)?),
        };
        match placement {
            Placement::Together => summary.together = ratio,
            Placement::Apart => summary.apart = ratio,
            Placement::Free => summary.free = ratio,
        }
    }
    Placement::Free.take(&all, &others)?;
    report.progress(3, 5, "64 MiB beside memcpy");
    summary.upload_vs_memcpy = Some(upload_beside_memcpy(client, report)?);
    report.progress(4, 5, "the same 64 MiB Blob again and again");
    summary.blob_again = Some(blob_again(client)?);
    report.clear_progress();
    Ok(summary)
}

/// 64 bytes there and back, by a call and by the raw socket.
fn small_calls<C: Tourist>(
    client: &C,
    raw: &RawEcho,
    placement: Placement,
    report: &mut Report,
) -> Result<f64, Failure> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let mut message = [7; LEN];
    let payload = [1; LEN];
    for _ in 0..ROUNDS {
        for _ in 0..CALLS {
            let start = Instant::now();
            let answer = client.round_trip(&payload)?;
            ours.push(start.elapsed());
            if answer != payload {
                return Err("a call came back with other bytes".into());
            }
        }
        for _ in 0..CALLS {
            let start = Instant::now();
            raw.round_trip(&mut message)?;
            theirs.push(start.elapsed());
        }
    }
    let (ours, theirs) = (median(&mut ours), median(&mut theirs));
    let row = |direction, way, reason: &str, micros, server_pid| Row {
        interface: "raw",
        direction,
        bytes: LEN as u64,
        way,
        reason: reason.to_owned(),
        micros,
        ok: true,
        client_pid: std::process::id(),
        server_pid,
    };
    let name = placement.name();
    report.row(&row(name, "copy", "a call, for comparison", ours, client.server()?));
    report.row(&row(name, "raw-socket", "SOCK_SEQPACKET, two processes", theirs, raw.pid()));
    Ok(ours / theirs)
}

/// A 64 MiB upload from a caller's own buffer, and memcpy of that buffer.
fn upload_beside_memcpy<C: Tourist>(client: &C, report: &mut Report) -> Result<f64, Failure> {
    let data = sample(LARGE, 5);
    let mut copy = vec![1; LARGE];
    let (mut uploads, mut copies) = (Vec::new(), Vec::new());
    client.send(&data)?;
    for _ in 0..9 {
        let start = Instant::now();
        client.send(&data)?;
        uploads.push(start.elapsed());
        let start = Instant::now();
        copy.copy_from_slice(std::hint::black_box(&data));
        std::hint::black_box(&mut copy);
        copies.push(start.elapsed());
    }
    let (upload, memcpy) = (median(&mut uploads), median(&mut copies));
    let row = |way, reason: &str, micros| Row {
        interface: "raw",
        direction: "64 MiB",
        bytes: LARGE as u64,
        way,
        reason: reason.to_owned(),
        micros,
        ok: copy == data,
        client_pid: std::process::id(),
        server_pid: std::process::id(),
    };
    report.row(&row("memcpy", "from warm memory to warm memory", memcpy));
    Ok(memcpy / upload)
}

/// A blob that the server has already, and a small call.
fn blob_again<C: Tourist>(client: &C) -> Result<f64, Failure> {
    let blob = Blob::new(&sample(LARGE, 6))?;
    client.send_blob(&blob)?;
    let (mut blobs, mut calls) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for _ in 0..CALLS {
            let start = Instant::now();
            client.send_blob(&blob)?;
            blobs.push(start.elapsed());
        }
        for _ in 0..CALLS {
            let start = Instant::now();
            client.round_trip(&[1; LEN])?;
            calls.push(start.elapsed());
        }
    }
    Ok(median(&mut blobs) / median(&mut calls))
}
