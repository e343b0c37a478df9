//! `idlc breaking`: what a change does to those who have another version.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use alpc_contract::{Effect, Finding};
use idlc::breaking::{Level, compare, finding_to_diagnostic, finding_to_json, from_json};
use idlc::compile::Compilation;
use idlc::contract::Api;
use idlc::ir::Module;

use crate::arguments::{Command, Given, INCLUDE, Switch};
use crate::report::{Format, tell};
use crate::{Failure, Outcome, Verdict, git, print};

/// `idlc breaking`
pub(crate) const COMMAND: Command = Command {
    name: "breaking",
    about: "Tell what a change breaks, and for whom",
    usage: "PATH.. --against OLD [--level LEVEL] [--json] [-I FOLDER]",
    details: "\
Compares files, or all files of folders, with an older version of them. OLD is one of

  a git ref    the same files as they are there: `main`, `v1.2`, `HEAD~1`
  a folder     files of the same modules, or versions that `idlc freeze` wrote there
  a file       an older .idl file, or one frozen version

Imported files are looked for beside those that import them and in the folders given with `-I`; for
a git ref, in those folders as they are there.

Each finding has a rule, and says what it does to old clients at a new server, to new clients at
an old server, and to programs that are compiled with the new version. The status is 1 if
something breaks those who count at the level. `idlc explain RULE` says what to write instead.
",
    options: &[
        Switch { name: "--against", value: Some("OLD"), about: "the older version" },
        Switch {
            name: "--level",
            value: Some("LEVEL"),
            about: "who counts: wire (default), source or all",
        },
        Switch {
            name: "--json",
            value: None,
            about: "an object for each finding on a line: rule, path, old_client_new_server, \
                    new_client_old_server, source",
        },
        INCLUDE,
    ],
    run,
};

fn run(given: &Given) -> Outcome {
    let against = given.value("--against");
    let against = against.ok_or_else(|| Failure::Usage("against which version?".into()))?;
    let level = match given.value("--level").map(|level| level.to_str()) {
        None => Level::Wire,
        Some(level) => level
            .and_then(Level::from_name)
            .ok_or_else(|| Failure::Usage("there are the levels wire, source and all".into()))?,
    };
    let paths = given.files()?;
    let mut new = given.compilation()?;
    let includes: Vec<PathBuf> = given.values(INCLUDE.name).map(PathBuf::from).collect();
    let mut modules = Vec::new();
    for path in paths {
        let files = idl_files(&path)?.into_iter();
        let read: Vec<_> = files.filter_map(|file| Some((new.module(&file)?, file))).collect();
        modules.push((
            path,
            read.into_iter().map(|(module, file)| (file, module)).collect::<Vec<_>>(),
        ));
    }
    if new.diagnostics().has_errors() {
        return Ok(tell(&new, Format::Human)?);
    }
    let mut told = Told { level, as_json: given.has("--json"), broken: false };
    let mut olds: BTreeMap<PathBuf, Rc<Old>> = BTreeMap::new();
    for (path, modules) in modules {
        let place = if path.is_dir() { &path } else { path.parent().unwrap_or(Path::new("")) };
        let old = match olds.get(place) {
            Some(old) => old.clone(),
            None => Rc::new(Old::open(Path::new(against), place, &includes)?),
        };
        olds.insert(place.to_owned(), old.clone());
        for (file, module) in &modules {
            let api = Api::of(module);
            match old.of(file, &api.module)? {
                Some(before) => told.tell(&mut new, &compare(before, &api), Some(module))?,
                None => {
                    let file = file.display();
                    eprintln!("idlc: `{file}` is new: there is nothing to compare it with");
                }
            }
        }
        // Whoever names a folder means all that is in it, and so what is gone from it, too.
        if path.is_dir() {
            for before in old.others(&modules) {
                told.tell(&mut new, &compare(before, &Api::empty(&before.module)), None)?;
            }
        }
    }
    tell(&new, Format::Human)?;
    Ok(if told.broken { Verdict::Bad } else { Verdict::Good })
}

/// How findings are told, and whether one of them counts.
struct Told {
    level: Level,
    as_json: bool,
    broken: bool,
}

impl Told {
    fn tell(
        &mut self,
        new: &mut Compilation,
        findings: &[Finding],
        module: Option<&Module>,
    ) -> Result<(), Failure> {
        for finding in findings {
            self.broken |= self.level.effect(finding) == Effect::Break;
            if self.as_json {
                print(&(finding_to_json(finding).compact() + "\n"))?;
            } else {
                new.tell(finding_to_diagnostic(finding, self.level, module));
            }
        }
        Ok(())
    }
}

/// The file that was named, or all that are in the folder that was named, sorted.
fn idl_files(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    collect(path, "idl", &mut files)?;
    files.sort();
    Ok(files)
}

/// Every file below a folder that ends in `.extension`. Hidden folders and links are left out.
fn collect(folder: &Path, extension: &str, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let trouble = |error| Failure::Trouble(format!("cannot read `{}`: {error}", folder.display()));
    for entry in std::fs::read_dir(folder).map_err(trouble)? {
        let entry = entry.map_err(trouble)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(trouble)?);
        if kind.is_dir() && !entry.file_name().to_string_lossy().starts_with('.') {
            collect(&path, extension, files)?;
        } else if kind.is_file() && path.extension().is_some_and(|is| is == extension) {
            files.push(path);
        }
    }
    Ok(())
}

/// Older versions.
enum Old {
    /// What was found in a folder.
    Folder(Vec<Found>),
    /// One, which is compared with whatever is asked for.
    One(Box<Api>),
}

/// A file of a folder, and what it says, or why that is not known.
struct Found {
    file: PathBuf,
    api: Result<Api, Failure>,
}

impl Old {
    /// The older versions of what is at `place`, which may import files of the folders `includes`.
    fn open(against: &Path, place: &Path, includes: &[PathBuf]) -> Result<Old, Failure> {
        if against.is_file() {
            return Ok(Old::One(Box::new(read(against, includes)?)));
        }
        if against.is_dir() {
            return Old::folder(against, includes);
        }
        let text = against.to_string_lossy();
        let checkout = git::Checkout::of(text.strip_prefix("git:").unwrap_or(&text), place)?;
        let includes: Vec<PathBuf> =
            includes.iter().map(|folder| checkout.folder_like(folder)).collect();
        Old::folder(checkout.folder(), &includes)
    }

    fn folder(folder: &Path, includes: &[PathBuf]) -> Result<Old, Failure> {
        let mut files = Vec::new();
        // At an older commit there may be none.
        if folder.is_dir() {
            collect(folder, "idl", &mut files)?;
            collect(folder, "json", &mut files)?;
        }
        files.sort();
        let found = files.into_iter().map(|file| Found { api: read(&file, includes), file });
        Ok(Old::Folder(found.collect()))
    }

    /// The older version of a module: the file that is called as the new one if several have it, the
    /// last one if they are frozen versions. None if there is none.
    fn of(&self, path: &Path, module: &str) -> Result<Option<&Api>, Failure> {
        let found = match self {
            Old::One(api) => return Ok(Some(api)),
            Old::Folder(found) => found,
        };
        let known = found.iter().filter_map(|found| Some((found, found.api.as_ref().ok()?)));
        let same = known.filter(|(_, api)| api.module == module);
        let best = same.max_by_key(|(found, api)| (alike(&found.file, path), api.version));
        if let Some((_, api)) = best {
            return Ok(Some(api));
        }
        // It may be the one that cannot be read.
        let unread = found.iter().filter(|found| alike(&found.file, path) > 0);
        match unread.filter_map(|found| found.api.as_ref().err()).next() {
            Some(Failure::Trouble(why)) => Err(Failure::Trouble(why.clone())),
            _ => Ok(None),
        }
    }

    /// Modules that are not among these.
    fn others<'a>(&'a self, modules: &'a [(PathBuf, Module)]) -> impl Iterator<Item = &'a Api> {
        let found: &[Found] = match self {
            Old::Folder(found) => found,
            Old::One(_) => &[],
        };
        let known = found.iter().filter_map(|found| found.api.as_ref().ok());
        let is_there = |api: &Api| modules.iter().any(|(_, m)| m.name.to_string() == api.module);
        known.filter(move |api| !is_there(api))
    }
}

/// How many of the last parts of two paths are the same.
fn alike(one: &Path, other: &Path) -> usize {
    let parts = one.components().rev().zip(other.components().rev());
    parts.take_while(|(one, other)| one == other).count()
}

fn read(path: &Path, includes: &[PathBuf]) -> Result<Api, Failure> {
    let shown = path.display();
    if path.extension().is_some_and(|is| is == "json") {
        let text = std::fs::read_to_string(path);
        let text =
            text.map_err(|error| Failure::Trouble(format!("cannot read `{shown}`: {error}")))?;
        return from_json(&text).map_err(|error| Failure::Trouble(format!("`{shown}`: {error}")));
    }
    let mut run = Compilation::new();
    includes.iter().for_each(|folder| run.include(folder));
    match run.module(path) {
        Some(module) => Ok(Api::of(&module)),
        None => {
            let first = run.lines().next().map(|(_, line)| line).unwrap_or_default();
            Err(Failure::Trouble(format!("the older version cannot be read: {first}")))
        }
    }
}
