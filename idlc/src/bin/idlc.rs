//! The command `idlc`: checks `.idl` files, and writes Rust for them.

#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use idlc::compile::Compilation;
use idlc::diagnostic::Colour;

const HELP: &str = "\
The interface compiler of alpc-rpc.

Usage:
  idlc check FILE.. [--json]   tell what is wrong with the files
  idlc gen FILE [-o OUT]       write Rust for a file, to standard output unless told otherwise
  idlc --help | --version

Options:
  --json     one JSON object per mistake, on standard output
  -o OUT     write to this file

Status: 0 if all is well, 1 if a file has errors, 2 if the command is not understood.
";

/// What the arguments ask for.
enum Command {
    Help,
    Version,
    Check { files: Vec<PathBuf>, form: Form },
    Generate { file: PathBuf, out: Option<PathBuf> },
}

/// How mistakes are told.
enum Form {
    Drawn,
    Json,
}

fn main() -> ExitCode {
    let done = match command(std::env::args_os().skip(1)) {
        Ok(Command::Help) => print(HELP).map(|()| ExitCode::SUCCESS),
        Ok(Command::Version) => {
            print(concat!("idlc ", env!("CARGO_PKG_VERSION"), "\n")).map(|()| ExitCode::SUCCESS)
        }
        Ok(Command::Check { files, form }) => check(&files, &form),
        Ok(Command::Generate { file, out }) => generate(&file, out.as_deref()),
        Err(problem) => {
            eprintln!("idlc: {problem}\nTry `idlc --help`.");
            Ok(ExitCode::from(2))
        }
    };
    done.unwrap_or_else(|error| {
        // Whoever closed the pipe has read enough.
        if error.kind() != io::ErrorKind::BrokenPipe {
            eprintln!("idlc: cannot write: {error}");
        }
        ExitCode::FAILURE
    })
}

fn command(args: impl Iterator<Item = OsString>) -> Result<Command, String> {
    let mut words: Vec<OsString> = Vec::new();
    let (mut json, mut out, mut options_end) = (false, None, false);
    let mut args = args.peekable();
    while let Some(arg) = args.next() {
        match arg.to_str() {
            _ if options_end => words.push(arg),
            Some("--") => options_end = true,
            Some("-h" | "--help") => return Ok(Command::Help),
            Some("-V" | "--version") => return Ok(Command::Version),
            Some("--json") => json = true,
            Some("-o") => out = Some(args.next().ok_or("`-o` needs a file")?),
            Some(option) if option.starts_with('-') => {
                return Err(format!("there is no option `{option}`"));
            }
            _ => words.push(arg),
        }
    }
    let mut words = words.into_iter();
    let name = words.next().ok_or("what shall be done?")?;
    let mut files: Vec<PathBuf> = words.map(PathBuf::from).collect();
    match (name.to_str(), files.len()) {
        (Some("check" | "gen"), 0) => Err("which file?".into()),
        (Some("check"), _) if out.is_some() => Err("`check` writes no file".into()),
        (Some("check"), _) => {
            Ok(Command::Check { files, form: if json { Form::Json } else { Form::Drawn } })
        }
        (Some("gen"), 1) if !json => {
            Ok(Command::Generate { file: files.remove(0), out: out.map(PathBuf::from) })
        }
        (Some("gen"), 1) => Err("`gen` has no `--json`".into()),
        (Some("gen"), _) => Err("`gen` takes one file".into()),
        _ => Err(format!("there is no command `{}`", name.display())),
    }
}

fn check(files: &[PathBuf], form: &Form) -> io::Result<ExitCode> {
    let mut run = Compilation::new();
    for file in files {
        run.module(file);
    }
    match form {
        Form::Drawn => tell(&run)?,
        Form::Json => {
            for line in run.json() {
                print(&format!("{line}\n"))?;
            }
        }
    }
    Ok(status(&run))
}

fn generate(file: &Path, out: Option<&Path>) -> io::Result<ExitCode> {
    let mut run = Compilation::new();
    let module = run.module(file);
    tell(&run)?;
    let Some(module) = module else { return Ok(status(&run)) };
    let rust = run.rust(&file.display().to_string(), &module).map_err(io::Error::other)?;
    match out {
        Some(out) => std::fs::write(out, rust)?,
        None => print(&rust)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Draws what is wrong, in colour if somebody is looking who has not asked for none.
fn tell(run: &Compilation) -> io::Result<()> {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colour = match io::stderr().is_terminal() && !refused {
        true => Colour::Always,
        false => Colour::Never,
    };
    write!(io::stderr().lock(), "{}", run.drawn(colour))
}

fn status(run: &Compilation) -> ExitCode {
    match run.diagnostics().has_errors() {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}

fn print(text: &str) -> io::Result<()> {
    io::stdout().lock().write_all(text.as_bytes())
}
