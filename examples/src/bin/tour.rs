//! The tour: starts a server process, then calls it from this one, by every way that bulk data can
//! take and through both ways of writing an interface.
//!
//! ```text
//! cargo run --release -p alpc-examples --bin tour
//! cargo run --release -p alpc-examples --bin tour -- --json
//! ```

#![forbid(unsafe_code)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};

use alpc_examples::tour::interface::{by_trait, idl};
use alpc_examples::tour::report::{Format, Report};
use alpc_examples::tour::{Failure, Ports, measure, raw, rows, server};
use alpc_rpc::prelude::*;

const HELP: &str = "\
Shows what alpc-rpc does: uploads, downloads, in-place changes, views and blobs from 0 bytes to
256 MiB, between two processes, each checked by content, timed, and explained.

usage: tour [--json] [--quick]

  --json    print one JSON object per row instead of a table; the last line is the summary
  --quick   leave out what is larger than 16 MiB, and the ratios
  --help    this text

The exit status is 0 if every byte was as it should be, 1 if one was not, 2 if the tour could not
be made.";

fn main() -> ExitCode {
    let mut format = Format::Table;
    let mut quick = false;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => format = Format::Json,
            "--quick" => quick = true,
            "--help" | "-h" => {
                println!("{HELP}");
                return ExitCode::SUCCESS;
            }
            // The parts of the other processes that the tour starts.
            "--server" => return ended(serve(arguments.next())),
            "--raw-echo" => return ended(raw::echo()),
            other => {
                eprintln!("tour: no such argument: {other}\n\n{HELP}");
                return ExitCode::from(2);
            }
        }
    }
    match tour(format, quick) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(error) => {
            eprintln!("tour: {error}");
            ExitCode::from(2)
        }
    }
}

fn ended(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tour's other process: {error}");
            ExitCode::from(2)
        }
    }
}

/// Plays the server of the tour that the process of this number makes.
fn serve(process: Option<String>) -> Result<(), Failure> {
    let process =
        process.ok_or("`--server` needs the number of the process that makes the tour")?;
    server::run(&Ports::of(process.parse()?))
}

/// Makes the tour, and says how many rows were wrong.
fn tour(format: Format, quick: bool) -> Result<usize, Failure> {
    let process = std::process::id();
    let server = ServerProcess::start(process)?;
    let ports = Ports::of(process);
    let mut report = Report::new(format);
    let all = &rows::SIZES[..];
    let sizes = if quick { &all[..all.len() - 2] } else { all };
    let attributes = server::attributes();
    let by_idl = idl::TourClient::connect_with(&ports.idl, &attributes)?;
    rows::run(&by_idl, &mut report, sizes)?;
    let by_trait = by_trait::TourClient::connect_with(&ports.by_trait, &attributes)?;
    rows::run(&by_trait, &mut report, sizes)?;
    if !quick {
        let summary = measure::run(&by_idl, &mut report)?;
        report.summary(&summary);
    }
    drop(server);
    Ok(report.wrong())
}

/// The server's process, which ends with this one.
struct ServerProcess(Child);

impl ServerProcess {
    fn start(process: u32) -> Result<ServerProcess, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--server", &process.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or("the server has no standard output")?;
        let server = ServerProcess(child);
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        if line.trim() != "ready" {
            return Err("the server's process did not start".into());
        }
        Ok(server)
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // The end of its standard input tells it to stop.
        drop(self.0.stdin.take());
        let _reaped = self.0.wait();
    }
}
