//! `idlc fmt`: files laid out the one way.

use std::io::{Read, Write};
use std::path::Path;

use idlc::compile::Compilation;
use idlc::fmt::{Unformatted, format};

use crate::arguments::{Command, Given, Switch};
use crate::report::{Format, tell};
use crate::{Failure, Outcome, Verdict, files};

/// `idlc fmt`
pub(crate) const COMMAND: Command = Command {
    name: "fmt",
    about: "Lay files out the one way",
    usage: "FILE.. [--check]",
    details: "\
Files are changed in place; of `-`, standard input goes to standard output. Comments keep their
place, and a file never says anything else than before. A file that does not parse is left alone,
and its mistakes are told.
",
    options: &[Switch {
        name: "--check",
        value: None,
        about: "write nothing; list the files that would change, and fail if there are any",
    }],
    run,
};

fn run(given: &Given) -> Outcome {
    let mut verdict = Verdict::Good;
    for path in given.files()? {
        let done = match path.to_str() {
            Some("-") => input(),
            _ => one(&path, given.has("--check")),
        };
        if done? == Verdict::Bad {
            verdict = Verdict::Bad;
        }
    }
    Ok(verdict)
}

fn input() -> Outcome {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Failure::Trouble(format!("cannot read standard input: {error}")))?;
    let Some(formatted) = laid_out(Path::new("<stdin>"), &text)? else { return Ok(Verdict::Bad) };
    crate::print(&formatted)
}

fn one(path: &Path, only_checks: bool) -> Outcome {
    let mut run = Compilation::new();
    let Ok(text) = std::fs::read_to_string(path) else {
        // The compiler tells why.
        run.module(path);
        return Ok(tell(&run, Format::Human)?);
    };
    let Some(formatted) = laid_out(path, &text)? else { return Ok(Verdict::Bad) };
    if formatted == text {
        return Ok(Verdict::Good);
    }
    if only_checks {
        writeln!(std::io::stdout(), "{}", path.display())?;
        return Ok(Verdict::Bad);
    }
    files::replace(path, &formatted)?;
    Ok(Verdict::Good)
}

/// `None` if it does not parse, which has been told.
fn laid_out(path: &Path, text: &str) -> Result<Option<String>, Failure> {
    let shown = path.display().to_string();
    match format(text) {
        Ok(formatted) => Ok(Some(formatted)),
        Err(Unformatted::DoesNotParse) => {
            let mut run = Compilation::new();
            drop(run.module_from_text(&shown, text));
            tell(&run, Format::Human)?;
            Ok(None)
        }
        Err(Unformatted::WouldChange) => Err(Failure::Trouble(format!(
            "{shown}: laid out it would say something else, so it is left alone; this is a fault of idlc"
        ))),
    }
}
