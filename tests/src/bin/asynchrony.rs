//! Measures what does not wait, and holds it against its limits:
//! `cargo run --release -p alpc-tests --bin asynchrony -- [--long] [--json]`.

#![forbid(unsafe_code)]

use std::env;
use std::process::ExitCode;

use alpc_tests::asynchrony::{CHECKS, Length, throughput};

const HELP: &str = "\
Checks what is promised of calls that call each other, of deadlines, of many clients at once, and of
calls and messages a second, and prints a row for each: check, figure, limit, ok.

usage: asynchrony [--long] [--json] [--only WORD]

  --long    as much as is promised: a million calls, and longer samples; takes some minutes
  --json    print one JSON object per row, with these keys
  --only    make the checks alone in whose names WORD stands, such as deadlines or messages
  --help    this text

What is being done is told on standard error. The exit status is 0 if every row is ok, 1 if one is
not.";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // It is its own peer.
    if words.first().is_some_and(|word| !word.starts_with('-')) {
        match words.as_slice() {
            ["raw", role] => throughput::play_raw(role),
            _ => alpc_tests::roles::play(&arguments),
        }
        return ExitCode::SUCCESS;
    }
    let (mut is_json, mut length, mut only) = (false, Length::Short, "");
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match (*word, rest.as_slice().first()) {
            ("--long", _) => length = Length::Long,
            ("--json", _) => is_json = true,
            ("--only", Some(word)) => {
                only = word;
                rest.next();
            }
            (other, _) => {
                eprintln!("asynchrony: cannot do anything with: {other}\n\n{HELP}");
                return ExitCode::from(2);
            }
        }
    }
    let checks: Vec<_> = CHECKS.iter().filter(|(name, _)| name.contains(only)).collect();
    if checks.is_empty() {
        eprintln!("asynchrony: no check has {only} in its name\n\n{HELP}");
        return ExitCode::from(2);
    }
    let program = env::current_exe().expect("the path of this program");
    if !is_json {
        println!("{:70} {:>12} {:>12}", "check", "figure", "limit");
    }
    let mut all_ok = true;
    for ((name, check), number) in checks.iter().zip(1..) {
        eprintln!("[{number}/{}] {name}", checks.len());
        for row in check(&program, length) {
            println!("{}", if is_json { row.json() } else { row.to_string() });
            all_ok &= row.ok;
        }
    }
    if all_ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
