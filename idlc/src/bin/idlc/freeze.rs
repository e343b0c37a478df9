//! `idlc freeze`: keeps what a version of a module says, for `idlc breaking` to compare with.

use std::path::{Path, PathBuf};

use idlc::breaking::{from_json, to_json};
use idlc::contract::Api;

use crate::arguments::{Command, Given, INCLUDE, Switch};
use crate::report::{Format, tell};
use crate::{Failure, Outcome, Verdict, files};

/// `idlc freeze`
pub(crate) const COMMAND: Command = Command {
    name: "freeze",
    about: "Keep what a version says, for `idlc breaking` to compare with",
    usage: "FILE.. [-o FOLDER]",
    details: "\
Writes FOLDER/MODULE/VERSION.json for each file. A version that is there already stays as it is; if
it says something else, the status is 1.
",
    options: &[Switch { name: "-o", value: Some("FOLDER"), about: "instead of `api`" }, INCLUDE],
    run,
};

fn run(given: &Given) -> Outcome {
    let folder = given.value("-o").map_or(Path::new("api"), Path::new);
    let mut run = given.compilation()?;
    let modules: Vec<_> = given.files()?.iter().filter_map(|path| run.module(path)).collect();
    if run.diagnostics().has_errors() {
        return Ok(tell(&run, Format::Human)?);
    }
    for module in &modules {
        freeze(folder, &Api::of(module))?;
    }
    Ok(Verdict::Good)
}

fn freeze(folder: &Path, api: &Api) -> Result<(), Failure> {
    let path: PathBuf = folder.join(&api.module).join(format!("{}.json", api.version));
    let shown = path.display();
    if let Ok(text) = std::fs::read_to_string(&path) {
        let frozen = from_json(&text);
        let frozen = frozen.map_err(|error| Failure::Trouble(format!("`{shown}`: {error}")))?;
        return match frozen.hash() == api.hash() {
            true => Ok(()),
            false => Err(Failure::Trouble(format!(
                "`{shown}` says something else, and what is frozen stays: give the module a later version"
            ))),
        };
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| {
            Failure::Trouble(format!("cannot make the folder `{}`: {error}", folder.display()))
        })?;
    }
    files::replace(&path, &to_json(api).pretty())?;
    eprintln!("idlc: `{shown}` is frozen");
    Ok(())
}
