//! `idlc check`: what is wrong with files, and mending what can be mended.

use std::path::Path;

use idlc::fix::mend;

use crate::arguments::{AT, Command, Given, INCLUDE, Switch};
use crate::report::{FORMAT, Format, tell};
use crate::{Failure, Outcome, files};

/// `idlc check`
pub(crate) const COMMAND: Command = Command {
    name: "check",
    about: "Tell what is wrong with files",
    usage: "FILE.. [--format FORMAT] [--fix] [-I FOLDER] [--at VERSION]",
    details: "\
All mistakes of all files are told in one run. Each has a code, which `idlc explain` explains.
For people they are drawn on standard error; the other formats go to standard output:

  short   file:line:column: error[CODE]: message
  json    one object for each mistake on a line: code, severity, message, file, line, column,
          notes, help and more
  sarif   one SARIF 2.1.0 document, as code hosts and editors read it
  github  workflow commands, by which GitHub marks lines
",
    options: &[
        FORMAT,
        Switch {
            name: "--fix",
            value: None,
            about: "make the changes about which there is no doubt",
        },
        INCLUDE,
        AT,
    ],
    run,
};

fn run(given: &Given) -> Outcome {
    let format = Format::of(given)?;
    let paths = given.files()?;
    if given.has("--fix") {
        if given.has(AT.name) {
            let why = "`--fix` mends a file as it is now: leave out `--at`";
            return Err(Failure::Usage(why.into()));
        }
        for path in &paths {
            fix(path)?;
        }
    }
    let mut run = given.compilation()?;
    for path in &paths {
        run.module(path);
    }
    Ok(tell(&run, format)?)
}

/// Mends a file. One that cannot be read is left to the check, which tells why.
fn fix(path: &Path) -> Result<(), Failure> {
    let Ok(text) = std::fs::read_to_string(path) else { return Ok(()) };
    let mended = mend(&path.display().to_string(), &text);
    if mended.text == text {
        return Ok(());
    }
    files::replace(path, &mended.text)?;
    let changes = match mended.changes {
        1 => "1 change".to_owned(),
        count => format!("{count} changes"),
    };
    eprintln!("idlc: {changes} made in {}", path.display());
    Ok(())
}
