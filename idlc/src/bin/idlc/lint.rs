//! `idlc lint`: advice about files that are right.

use idlc::diagnostic::closest;
use idlc::lint::{LINTS, Lint};

use crate::arguments::{Command, Given, INCLUDE, Switch};
use crate::report::{FORMAT, Format, tell};
use crate::{Failure, Outcome, Verdict};

/// `idlc lint`
pub(crate) const COMMAND: Command = Command {
    name: "lint",
    about: "Give advice about files that are right",
    usage: "FILE.. [--all] [--allow NAME].. [--format FORMAT]",
    details: "\
  could_be_final         a record of plain numbers in a list costs a byte more for each element
  missing_uuid           an interface that others know is identified by its name alone
  naming                 a name is not written as names of its kind are
  missing_docs           with --all: a declaration or method without documentation
  field_without_default  with --all: a field that can never be left out

`idlc explain NAME` gives the reasons. In a file, `[lint.allow(NAME)]` before a declaration, or before
`module`, declines. The status is 1 if there is any advice.
",
    options: &[
        Switch { name: "--all", value: None, about: "every kind of advice" },
        Switch { name: "--allow", value: Some("NAME"), about: "none of this kind" },
        FORMAT,
        INCLUDE,
    ],
    run,
};

fn run(given: &Given) -> Outcome {
    let format = Format::of(given)?;
    let wanted = wanted(given)?;
    let mut run = given.compilation()?;
    for path in given.files()? {
        run.lint(&path, &wanted);
    }
    tell(&run, format)?;
    Ok(if run.diagnostics().is_empty() { Verdict::Good } else { Verdict::Bad })
}

fn wanted(given: &Given) -> Result<Vec<Lint>, Failure> {
    let mut wanted = LINTS.to_vec();
    wanted.retain(|lint| lint.always || given.has("--all"));
    for name in given.values("--allow") {
        let name = name.to_string_lossy();
        if !LINTS.iter().any(|lint| lint.name == name) {
            let near = closest(&name, LINTS.iter().map(|lint| lint.name));
            let meant = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return Err(Failure::Usage(format!("no lint is called `{name}`{meant}")));
        }
        wanted.retain(|lint| lint.name != name);
    }
    Ok(wanted)
}
