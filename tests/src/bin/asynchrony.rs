//! Measures what does not wait, and holds it against its limits:
//! `cargo run --release -p alpc-tests --bin asynchrony -- [--long] [--json]`.

#![forbid(unsafe_code)]

use std::env;
use std::process::ExitCode;

use alpc_tests::asynchrony::{CHECKS, Length, throughput};

const HELP: &str = "\
Checks what is promised of calls that call each other, of deadlines, of many clients at once, and of
calls and messages a second, and prints a row for each: check, figure, limit, ok.

usage: asynchrony [--long] [--json]

  --long    as much as is promised: a million calls, and longer samples; takes some minutes
  --json    print one JSON object per row, with these keys
  --help    this text

What is being done is told on standard error. The exit status is 0 if every row is ok, 1 if one is
not.";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let is_option = |word: &&str| word.starts_with('-');
    if words.iter().any(|word| ["--help", "-h"].contains(word)) {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    if let Some(other) = words.iter().find(|word| !["--long", "--json"].contains(word)) {
        if is_option(other) {
            eprintln!("asynchrony: no such argument: {other}\n\n{HELP}");
            return ExitCode::from(2);
        }
        // It is its own peer.
        match words.as_slice() {
            ["raw", role] => throughput::play_raw(role),
            _ => alpc_tests::roles::play(&arguments),
        }
        return ExitCode::SUCCESS;
    }
    let (is_json, length) = (
        words.contains(&"--json"),
        match words.contains(&"--long") {
            true => Length::Long,
            false => Length::Short,
        },
    );
    let program = env::current_exe().expect("the path of this program");
    if !is_json {
        println!("{:70} {:>12} {:>12}", "check", "figure", "limit");
    }
    let mut all_ok = true;
    for ((name, check), number) in CHECKS.iter().zip(1..) {
        eprintln!("[{number}/{}] {name}", CHECKS.len());
        for row in check(&program, length) {
            println!("{}", if is_json { row.json() } else { row.to_string() });
            all_ok &= row.ok;
        }
    }
    if all_ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
