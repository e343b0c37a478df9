//! The command `idlc`: everything that can be done with `.idl` files.
//!
//! Each command is a file of its own that says what it takes and runs it; here is what they share:
//! finding the command, and turning what went wrong into a status that scripts can rely on.

#![forbid(unsafe_code)]

mod arguments;
mod backend;
mod breaking;
mod check;
mod dump;
mod explain;
mod export;
mod files;
mod format;
mod freeze;
mod generate;
mod git;
mod lint;
mod report;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use arguments::{Command, Given};

/// In the order in which they are listed.
const COMMANDS: &[&Command] = &[
    &check::COMMAND,
    &format::COMMAND,
    &generate::COMMAND,
    &dump::COMMAND,
    &lint::COMMAND,
    &breaking::COMMAND,
    &freeze::COMMAND,
    &export::COMMAND,
    &explain::COMMAND,
];

/// Why a command did not do what it was asked for.
enum Failure {
    /// The command line is not understood: status 2.
    Usage(String),
    /// Something went wrong that no file is to blame for: status 1.
    Trouble(String),
    /// Nobody reads what is written any more, or it cannot be written: status 1.
    Output(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Output(error)
    }
}

/// What a command comes to: whether all is well, or why it could not be done.
type Outcome = Result<Verdict, Failure>;

/// Whether what was looked at is as it should be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Status 0.
    Good,
    /// Status 1; why has been told.
    Bad,
}

fn main() -> ExitCode {
    match run(std::env::args_os().skip(1).collect()) {
        Ok(Verdict::Good) => ExitCode::SUCCESS,
        Ok(Verdict::Bad) => ExitCode::FAILURE,
        Err(Failure::Usage(problem)) => {
            eprintln!("idlc: {problem}\nTry `idlc --help`.");
            ExitCode::from(2)
        }
        Err(Failure::Trouble(problem)) => {
            eprintln!("idlc: {problem}");
            ExitCode::FAILURE
        }
        Err(Failure::Output(error)) => {
            // Whoever closed the pipe has read enough.
            if error.kind() != io::ErrorKind::BrokenPipe {
                eprintln!("idlc: cannot write: {error}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(mut args: Vec<OsString>) -> Outcome {
    if args.is_empty() {
        return Err(Failure::Usage("what shall be done?".into()));
    }
    let first = args.remove(0);
    let command = match first.to_str() {
        Some("-h" | "--help") => return print(&overview()),
        Some("-V" | "--version") => {
            return print(concat!("idlc ", env!("CARGO_PKG_VERSION"), "\n"));
        }
        Some("help") => match args.first() {
            None => return print(&overview()),
            Some(name) => return print(&find(&name.to_string_lossy())?.help()),
        },
        Some(option) if option.starts_with('-') => {
            return Err(Failure::Usage(format!("there is no option `{option}`")));
        }
        _ => find(&first.to_string_lossy())?,
    };
    match Given::read(command, args).map_err(Failure::Usage)? {
        Some(given) => (command.run)(&given),
        None => print(&command.help()),
    }
}

fn find(name: &str) -> Result<&'static Command, Failure> {
    let found = COMMANDS.iter().find(|command| command.name == name);
    found.copied().ok_or_else(|| {
        let names = COMMANDS.iter().map(|command| command.name);
        let meant = idlc::diagnostic::closest(name, names);
        let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
        Failure::Usage(format!("there is no command `{name}`{meant}"))
    })
}

fn overview() -> String {
    let mut text = String::from(
        "The interface compiler of alpc-rpc.\n\nUsage: idlc COMMAND ..\n\nCommands:\n",
    );
    for command in COMMANDS {
        text += &format!("  {:<10} {}\n", command.name, command.about);
    }
    text + "\n`idlc COMMAND --help` tells more.\n\n\
        Status: 0 if all is well, 1 if something is wrong with a file, 2 if the command is not understood.\n"
}

/// Writes to standard output.
fn print(text: &str) -> Outcome {
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(Verdict::Good)
}
