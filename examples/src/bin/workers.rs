//! A workshop with a limit to how many of its workers work at one time, which goes up and down while its
//! customers order, wait for as long as they like, and change their minds.
//!
//! ```text
//! cargo run -p alpc-examples --bin workers
//! ```

#![forbid(unsafe_code)]

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use alpc_examples::arguments::{Arguments, UsageError};
use alpc_examples::workers::story::{self, Form};
use alpc_examples::workers::{PORT, order};

const HELP: &str = "\
A workshop with a limit to how many of its workers work at one time, which goes up and down while its
customers order, wait for as long as they like, and change their minds.

Usage: workers [OPTIONS]

  --seconds N   how long it is open [10]
  --json        an object a line, ten a second, in place of a picture
  --help        this text

In a terminal it is drawn; elsewhere there is a line for each limit. Two processes order, eight orders at
a time each. `dropped` are orders that were begun and left when their customer did not wait any more,
`never begun` those whose customer had gone before a worker came to them.

Exit codes: 0 done, 1 the workshop could not be opened, 2 wrong usage.";

fn main() -> ExitCode {
    let mut arguments = Arguments::of_process();
    if arguments.flag("--help") || arguments.flag("-h") {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("workers: {failure}");
            if failure.is::<UsageError>() { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

fn run(mut arguments: Arguments) -> Result<(), Box<dyn Error + Send + Sync>> {
    if arguments.flag("--crowd") {
        // What the workshop starts itself.
        arguments.finish()?;
        return order(PORT);
    }
    let form = if arguments.flag("--json") { Form::Json } else { Form::ForPeople };
    let seconds: u32 = arguments.parsed("--seconds")?.unwrap_or(10);
    arguments.finish()?;
    if !(1..=3600).contains(&seconds) {
        return Err(UsageError("--seconds is 1 to 3600".to_owned()).into());
    }
    story::open(Duration::from_secs(seconds.into()), form)
}
