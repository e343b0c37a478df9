//! `idlc gen`: code for an interface.

use std::path::Path;

use idlc::compile::Compilation;

use crate::arguments::{Command, Given, Switch};
use crate::report::{Format, tell};
use crate::{Failure, Outcome, Verdict, files, print};

/// `idlc gen`
pub(crate) const COMMAND: Command = Command {
    name: "gen",
    about: "Write Rust for a file",
    usage: "FILE [-o OUT] [--check]",
    details: "\
The Rust goes to standard output unless told otherwise. A build script does this by itself, with
`idlc::Builder`; this is for Rust that is kept beside its source.
",
    options: &[
        Switch { name: "-o", value: Some("OUT"), about: "write to this file" },
        Switch {
            name: "--check",
            value: None,
            about: "write nothing, and fail if OUT would change",
        },
    ],
    run,
};

fn run(given: &Given) -> Outcome {
    let file = given.file()?;
    let out = given.value("-o").map(Path::new);
    if given.has("--check") && out.is_none() {
        return Err(Failure::Usage("`--check` compares with a file: add `-o OUT`".into()));
    }
    let mut run = Compilation::new();
    let module = run.module_for_rust(file);
    tell(&run, Format::Human)?;
    let Some(module) = module else { return Ok(Verdict::Bad) };
    let rust = run.rust(&file.display().to_string(), &module).map_err(|error| {
        Failure::Trouble(format!("{}: the Rust made of it is not Rust: {error}", file.display()))
    })?;
    match out {
        None => print(&rust),
        Some(out) if given.has("--check") => Ok(is_current(out, &rust)),
        Some(out) => {
            files::replace(out, &rust)?;
            Ok(Verdict::Good)
        }
    }
}

/// Whether `out` holds `text`; says so if not.
fn is_current(out: &Path, text: &str) -> Verdict {
    match std::fs::read(out) {
        Ok(old) if old == text.as_bytes() => Verdict::Good,
        Ok(_) => {
            eprintln!("idlc: `{}` is not what its source says: generate it anew", out.display());
            Verdict::Bad
        }
        Err(error) => {
            eprintln!("idlc: cannot read `{}`: {error}", out.display());
            Verdict::Bad
        }
    }
}
