//! `idlc gen`: code for an interface.

use std::fs;
use std::path::{Path, PathBuf};

use idlc::compile::Compilation;
use idlc::ir::Module;

use crate::arguments::{AT, Command, Given, INCLUDE, Switch};
use crate::report::{Format, tell};
use crate::{Failure, Outcome, Verdict, backend, files, print};

/// `idlc gen`
pub(crate) const COMMAND: Command = Command {
    name: "gen",
    about: "Write code for a file",
    usage: "FILE [--lang NAME] [-o OUT] [--check] [-I FOLDER] [--at VERSION]",
    details: "\
Rust goes to standard output unless told otherwise. A build script does this by itself, with
`idlc::Builder`; this is for code that is kept beside its source.

Any other language NAME is made by a program `idlc-gen-NAME`. It is given the description as JSON
on standard input (docs/ir.md) and answers {\"files\": [{\"path\": .., \"text\": ..}]}; the files go
below the folder OUT, or here.
",
    options: &[
        Switch { name: "--lang", value: Some("NAME"), about: "rust (default) or another" },
        Switch {
            name: "-o",
            value: Some("OUT"),
            about: "the file to write; a folder, if not Rust",
        },
        Switch {
            name: "--check",
            value: None,
            about: "write nothing, and fail if a file would change",
        },
        INCLUDE,
        AT,
    ],
    run,
};

fn run(given: &Given) -> Outcome {
    let file = given.file()?;
    let language = given.value("--lang").map_or("rust".into(), |name| name.to_string_lossy());
    let out = given.value("-o").map(Path::new);
    let action = if given.has("--check") { Action::Compare } else { Action::Write };
    if language == "rust" && action == Action::Compare && out.is_none() {
        return Err(Failure::Usage("`--check` compares with a file: add `-o OUT`".into()));
    }
    let mut run = given.compilation()?;
    let module = match &*language {
        "rust" => run.module(file),
        // What other back ends cannot do, they say themselves.
        _ => run.module(file),
    };
    tell(&run, Format::Human)?;
    let Some(module) = module else { return Ok(Verdict::Bad) };
    if language == "rust" {
        let rust = rust(&run, file, &module)?;
        return match out {
            Some(out) => action.on(out, &rust),
            None => print(&rust),
        };
    }
    let made = match backend::run(&language, &module)? {
        Ok(made) => made,
        Err(refused) => return Ok(refused),
    };
    let folder = out.map_or_else(PathBuf::new, Path::to_owned);
    let mut verdict = Verdict::Good;
    for file in made {
        if action.on(&folder.join(&file.path), &file.text)? == Verdict::Bad {
            verdict = Verdict::Bad;
        }
    }
    Ok(verdict)
}

fn rust(run: &Compilation, file: &Path, module: &Module) -> Result<String, Failure> {
    let shown = file.display().to_string();
    run.rust(&shown, module).map_err(|error| {
        Failure::Trouble(format!("{shown}: the Rust made of it is not Rust: {error}"))
    })
}

/// What is done with generated text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Write,
    Compare,
}

impl Action {
    fn on(self, path: &Path, text: &str) -> Outcome {
        let old = fs::read(path);
        if old.as_ref().is_ok_and(|old| old == text.as_bytes()) {
            return Ok(Verdict::Good);
        }
        if self == Action::Compare {
            match old {
                Ok(_) => eprintln!(
                    "idlc: `{}` is not what its source says: generate it anew",
                    path.display()
                ),
                Err(error) => eprintln!("idlc: cannot read `{}`: {error}", path.display()),
            }
            return Ok(Verdict::Bad);
        }
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(|error| {
                Failure::Trouble(format!("cannot make `{}`: {error}", folder.display()))
            })?;
        }
        files::replace(path, text)?;
        Ok(Verdict::Good)
    }
}
