//! `idlc dump`: what a file says, as data.

use idlc::print::print as to_idl;

use crate::arguments::{AT, Command, Given, INCLUDE, Switch};
use crate::report::{Format, tell};
use crate::{Failure, Outcome, Verdict, print};

/// `idlc dump`
pub(crate) const COMMAND: Command = Command {
    name: "dump",
    about: "Write down what a file says, as data",
    usage: "FILE [--format json|idl] [-I FOLDER] [--at VERSION]",
    details: "\
json is what programs read that make something else of interfaces: its form has a version and is
written down in docs/ir.schema.json. idl is the same as text, with constants computed and aliases
replaced by what they stand for. Both are the same on every machine.
",
    options: &[
        Switch { name: "--format", value: Some("FORMAT"), about: "json (default) or idl" },
        INCLUDE,
        AT,
    ],
    run,
};

fn run(given: &Given) -> Outcome {
    let format = given.value("--format").map(|value| value.to_string_lossy());
    let write = match format.as_deref() {
        None | Some("json") => |module: &_| idlc::dump::dump(module).pretty(),
        Some("idl") => to_idl,
        Some(other) => {
            return Err(Failure::Usage(format!("there is no format `{other}`: json or idl")));
        }
    };
    let mut run = given.compilation()?;
    let module = run.module(given.file()?);
    tell(&run, Format::Human)?;
    match module {
        Some(module) => print(&write(&module)),
        None => Ok(Verdict::Bad),
    }
}
