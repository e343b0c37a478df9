//! Command lines: what a command takes, and what it was given.
//!
//! Read by hand: a parser of command lines would be built by everybody who has idlc in their build
//! script, and they never see this.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use idlc::compile::Compilation;
use idlc::ir::Version;

use crate::{Failure, Outcome};

/// Something that `idlc` does.
pub(crate) struct Command {
    /// The word it is called by.
    pub(crate) name: &'static str,
    /// What it does, in a line.
    pub(crate) about: &'static str,
    /// What may stand behind its name.
    pub(crate) usage: &'static str,
    /// What else there is to know about it; whole lines.
    pub(crate) details: &'static str,
    /// What it can be told.
    pub(crate) options: &'static [Switch],
    /// Does it.
    pub(crate) run: fn(&Given) -> Outcome,
}

/// An option of a command.
pub(crate) struct Switch {
    /// `--format`, or `-o`.
    pub(crate) name: &'static str,
    /// What stands behind it, if anything does.
    pub(crate) value: Option<&'static str>,
    /// What it does.
    pub(crate) about: &'static str,
}

impl Command {
    /// What `--help` answers.
    pub(crate) fn help(&self) -> String {
        let Command { name, about, usage, details, .. } = self;
        let mut text = format!("{about}\n\nUsage: idlc {name} {usage}\n");
        if !details.is_empty() {
            text += &format!("\n{details}");
        }
        if !self.options.is_empty() {
            text += "\nOptions:\n";
        }
        for option in self.options {
            let written = match option.value {
                Some(value) => format!("{} {value}", option.name),
                None => option.name.to_owned(),
            };
            text += &format!("  {written:<20} {}\n", option.about);
        }
        text
    }
}

/// Where imported files are.
pub(crate) const INCLUDE: Switch = Switch {
    name: "-I",
    value: Some("FOLDER"),
    about: "look for imported files here, too; may be said several times",
};

/// Which version is meant.
pub(crate) const AT: Switch = Switch {
    name: "--at",
    value: Some("VERSION"),
    about: "as it was at that version: without what came later, with what has gone since",
};

/// What a command was given.
pub(crate) struct Given {
    options: Vec<(&'static str, OsString)>,
    /// What is not an option, in order.
    pub(crate) words: Vec<OsString>,
}

impl Given {
    /// Reads what stands behind the command's name. `None` if it asks for help.
    pub(crate) fn read(command: &Command, args: Vec<OsString>) -> Result<Option<Given>, String> {
        let mut given = Given { options: Vec::new(), words: Vec::new() };
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            // `-` alone is a word: standard input.
            let option = arg.to_str().filter(|arg| arg.len() > 1 && arg.starts_with('-'));
            let Some(option) = option else {
                given.words.push(arg);
                continue;
            };
            if option == "--" {
                given.words.extend(args);
                break;
            }
            if matches!(option, "-h" | "--help") {
                return Ok(None);
            }
            let (name, inline) = match option.split_once('=') {
                Some((name, value)) => (name, Some(OsString::from(value))),
                None => (option, None),
            };
            let Some(switch) = command.options.iter().find(|switch| switch.name == name) else {
                return Err(format!("`idlc {}` has no option `{name}`", command.name));
            };
            let value = match (switch.value, inline) {
                (None, None) => OsString::new(),
                (None, Some(_)) => return Err(format!("`{name}` takes no value")),
                (Some(_), Some(value)) => value,
                (Some(value), None) => {
                    args.next().ok_or_else(|| format!("`{name}` needs a value: {value}"))?
                }
            };
            given.options.push((switch.name, value));
        }
        Ok(Some(given))
    }

    /// Was it told this?
    pub(crate) fn has(&self, option: &str) -> bool {
        self.options.iter().any(|(name, _)| *name == option)
    }

    /// What stands behind this option where it is given last.
    pub(crate) fn value(&self, option: &str) -> Option<&OsStr> {
        let found = self.options.iter().rev().find(|(name, _)| *name == option);
        found.map(|(_, value)| value.as_os_str())
    }

    /// What stands behind this option, each time it is given.
    pub(crate) fn values(&self, option: &str) -> impl Iterator<Item = &OsStr> {
        let given = self.options.iter().filter(move |(name, _)| *name == option);
        given.map(|(_, value)| value.as_os_str())
    }

    /// A compilation that looks for imported files where it was told to, and at the version.
    pub(crate) fn compilation(&self) -> Result<Compilation, Failure> {
        let mut run = Compilation::new();
        self.values(INCLUDE.name).for_each(|folder| run.include(folder));
        if let Some(version) = self.version()? {
            run.at(version);
        }
        Ok(run)
    }

    /// The version to go back to.
    pub(crate) fn version(&self) -> Result<Option<Version>, Failure> {
        let Some(text) = self.value(AT.name) else { return Ok(None) };
        let version = text.to_str().and_then(Version::from_text);
        version.map(Some).ok_or_else(|| {
            let text = text.display();
            Failure::Usage(format!("`{text}` is not a version: write `--at 1.2`"))
        })
    }

    /// The files it was given: one at least.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>, Failure> {
        if self.words.is_empty() {
            return Err(Failure::Usage("which file?".into()));
        }
        Ok(self.words.iter().map(PathBuf::from).collect())
    }

    /// The one file it was given.
    pub(crate) fn file(&self) -> Result<&Path, Failure> {
        match self.words.as_slice() {
            [one] => Ok(Path::new(one)),
            [] => Err(Failure::Usage("which file?".into())),
            _ => Err(Failure::Usage("one file at a time".into())),
        }
    }
}
