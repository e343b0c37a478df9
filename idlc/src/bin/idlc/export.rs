//! `idlc export`: a trait as an `.idl` file.

use idlc::compile::Compilation;
use idlc::export::{Wanted, export};

use crate::arguments::{AT, Command, Given, Switch};
use crate::report::{Format, tell};
use crate::{Failure, Outcome, print};

/// `idlc export`
pub(crate) const COMMAND: Command = Command {
    name: "export",
    about: "Write a trait down as .idl",
    usage: "FILE.rs [--trait NAME] [--module NAME] [--at VERSION]",
    details: "\
Exports every trait with `#[alpc_interface]` in a Rust file, and every type that derives `Alpc`, to
standard output. Types of other files have to be declared in the .idl file as well; those that are
missing are told.
",
    options: &[
        Switch { name: "--trait", value: Some("NAME"), about: "this one only, and what it needs" },
        Switch { name: "--module", value: Some("NAME"), about: "the module's name" },
        AT,
    ],
    run,
};

fn run(given: &Given) -> Outcome {
    let path = given.file()?;
    let text = |option| given.value(option).map(|value| value.to_string_lossy().into_owned());
    let wanted =
        Wanted { interface: text("--trait"), module: text("--module"), at: given.version()? };
    let shown = path.display();
    let source = std::fs::read_to_string(path)
        .map_err(|error| Failure::Trouble(format!("cannot read `{shown}`: {error}")))?;
    let text = export(&source, &wanted).map_err(|found| {
        let problems: Vec<_> = found
            .sorted()
            .into_iter()
            .map(|found| {
                let advice = found.advice().into_iter().map(|advice| format!("\n  help: {advice}"));
                format!(
                    "{shown}: error[{}]: {}{}",
                    found.code,
                    found.message,
                    advice.collect::<String>()
                )
            })
            .collect();
        Failure::Trouble(problems.join("\nidlc: "))
    })?;
    print(&text)?;
    let mut run = Compilation::new();
    drop(run.module_from_text("(exported)", &text));
    Ok(tell(&run, Format::Human)?)
}
