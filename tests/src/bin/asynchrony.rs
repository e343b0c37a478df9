//! Measures what does not wait, and holds it against its limits:
//! `cargo run --release -p alpc-tests --bin asynchrony -- [--long] [--json]`.
//!
//! Ends with status 1 if a limit is not kept.

#![forbid(unsafe_code)]

use std::env;
use std::process::ExitCode;

use alpc_tests::asynchrony::{Row, throughput};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // It is its own peer.
    match words.as_slice() {
        ["raw", role] => {
            throughput::play_raw(role);
            return ExitCode::SUCCESS;
        }
        options if options.iter().all(|word| ["--long", "--json"].contains(word)) => {}
        _ => {
            alpc_tests::roles::play(&arguments);
            return ExitCode::SUCCESS;
        }
    }
    let (is_long, is_json) = (words.contains(&"--long"), words.contains(&"--json"));
    let program = env::current_exe().expect("the path of this program");
    let rows = throughput::measure(&program, if is_long { 31 } else { 9 });
    for row in &rows {
        println!("{}", if is_json { row.json() } else { row.to_string() });
    }
    match rows.iter().all(|row: &Row| row.ok) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
