//! How what is wrong is told: to people, and to the tools that ask.

use std::io::{self, IsTerminal, Write};

use idlc::compile::Compilation;
use idlc::diagnostic::Colour;

use crate::arguments::{Given, Switch};
use crate::{Failure, Verdict};

/// The option that chooses.
pub(crate) const FORMAT: Switch = Switch {
    name: "--format",
    value: Some("FORMAT"),
    about: "human (default), short, json, sarif or github",
};

/// How diagnostics are told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// Drawn as rustc draws them, on standard error. The others go to standard output.
    Human,
    /// `file:line:column: error[E0101]: message`
    Short,
    /// One object each, on a line.
    Json,
    /// One document.
    Sarif,
    /// Workflow commands.
    Github,
}

impl Format {
    /// What the command was told.
    pub(crate) fn of(given: &Given) -> Result<Format, Failure> {
        let Some(value) = given.value(FORMAT.name) else { return Ok(Format::Human) };
        Ok(match value.to_str() {
            Some("human") => Format::Human,
            Some("short") => Format::Short,
            Some("json") => Format::Json,
            Some("sarif") => Format::Sarif,
            Some("github") => Format::Github,
            _ => {
                let message = format!("there is no format `{}`: {}", value.display(), FORMAT.about);
                return Err(Failure::Usage(message));
            }
        })
    }
}

/// Tells everything that is wrong.
pub(crate) fn tell(run: &Compilation, format: Format) -> io::Result<Verdict> {
    let mut out = io::stdout().lock();
    match format {
        Format::Human => {
            write!(io::stderr().lock(), "{}", run.drawn(colour()))?;
        }
        Format::Short => {
            for (_, line) in run.lines() {
                writeln!(out, "{line}")?;
            }
        }
        Format::Json => {
            for object in run.json() {
                writeln!(out, "{}", object.compact())?;
            }
        }
        Format::Sarif => write!(out, "{}", run.sarif().pretty())?,
        Format::Github => {
            for line in run.github() {
                writeln!(out, "{line}")?;
            }
        }
    }
    Ok(match run.diagnostics().has_errors() {
        true => Verdict::Bad,
        false => Verdict::Good,
    })
}

/// Colours, if somebody is looking who has not asked for none.
fn colour() -> Colour {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match io::stderr().is_terminal() && !refused {
        true => Colour::Always,
        false => Colour::Never,
    }
}
