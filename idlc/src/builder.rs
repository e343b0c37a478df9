//! The API for build scripts.

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;

use crate::compile::Compilation;
use crate::diagnostic::{Colour, Severity};
use crate::ir::Module;

/// Compiles `.idl` files in a build script.
///
/// ```no_run
/// // build.rs
/// idlc::Builder::new().file("idl/kv.idl").compile_or_exit();
/// ```
///
/// Each file becomes `$OUT_DIR/<its name>.rs`, to be included where the interface shall live:
///
/// ```ignore
/// mod kv {
///     include!(concat!(env!("OUT_DIR"), "/kv.rs"));
/// }
/// ```
///
/// What is wrong with a file is drawn on standard error, and told to cargo in one line each.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
    out_dir: Option<PathBuf>,
    /// Modules whose Rust is elsewhere, and where.
    modules: Vec<(String, String)>,
}

impl Builder {
    /// Nothing to compile yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Compiles this file, too. A relative path starts at the package's folder, or else at one of
    /// the [`include`](Self::include)d folders.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.files.push(path.into());
        self
    }

    /// Says where the Rust of an imported module is: `acme.types` at `crate::api::types`, or in
    /// another crate at `::acme_types::api`. No Rust is written for it then.
    ///
    /// Unless it is said, the Rust for an imported `types.idl` is written, too, and is taken to be
    /// beside that of who imports it, in a module called `types`:
    ///
    /// ```ignore
    /// mod types {
    ///     include!(concat!(env!("OUT_DIR"), "/types.rs"));
    /// }
    /// mod kv {
    ///     include!(concat!(env!("OUT_DIR"), "/kv.rs"));
    /// }
    /// ```
    #[must_use]
    pub fn rust_module(mut self, name: impl Into<String>, path: impl Into<String>) -> Self {
        self.modules.push((name.into(), path.into()));
        self
    }

    /// Looks for files in this folder, too, also for those that are imported.
    #[must_use]
    pub fn include(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folders.push(folder.into());
        self
    }

    /// Writes to this folder instead of `$OUT_DIR`.
    #[must_use]
    pub fn out_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.out_dir = Some(folder.into());
        self
    }

    /// Compiles all files. Where one has errors, the others are checked all the same, and nothing is
    /// written for it.
    ///
    /// # Errors
    ///
    /// If a file has errors or cannot be read, or Rust cannot be written. The details are on
    /// standard error and with cargo by then.
    pub fn compile(&self) -> Result<(), BuildError> {
        self.compile_to(&mut io::stdout().lock(), &mut io::stderr().lock())
    }

    /// [`compile`](Self::compile), and where it fails, ends the build script with status 1.
    pub fn compile_or_exit(&self) {
        if let Err(error) = self.compile() {
            eprintln!("{error}");
            process::exit(1);
        }
    }

    /// `cargo` hears what cargo wants to know, `people` what people do.
    fn compile_to(&self, cargo: &mut dyn Write, people: &mut dyn Write) -> Result<(), BuildError> {
        let mut run = Compilation::new();
        self.folders.iter().for_each(|folder| run.include(folder));
        for (name, path) in &self.modules {
            match syn::parse_str(path) {
                Ok(path) => run.rust_module(name, &path),
                Err(_) => return Err(BuildError(Cause::NoPath(path.clone()))),
            }
        }
        let mut written: HashSet<PathBuf> = HashSet::new();
        let mut read: HashSet<PathBuf> = HashSet::new();
        let mut sources: Vec<(PathBuf, Module)> = Vec::new();
        let mut faults = Vec::new();
        for file in &self.files {
            let path = self.find(file);
            if !read.insert(path.clone()) {
                continue;
            }
            // Before it is read: a file that is missing now may be there the next time.
            writeln!(cargo, "cargo::rerun-if-changed={}", path.display())?;
            if let Some(module) = run.module(&path) {
                sources.push((path, module));
            }
        }
        for file in run.imported_files() {
            writeln!(cargo, "cargo::rerun-if-changed={file}")?;
        }
        for (path, module) in run.imported() {
            let is_listed = read.iter().any(|listed| is_same(listed, &path));
            if let (Some(module), false) = (module, is_listed) {
                sources.push((path, Module::clone(&module)));
            }
        }
        for (path, module) in &sources {
            let target = self.target(path)?;
            if !written.insert(target.clone()) {
                faults.push(format!("two files would become `{}`", target.display()));
                continue;
            }
            match run.rust(&path.display().to_string(), module) {
                Ok(rust) => write_if_changed(&target, &rust)?,
                Err(error) => {
                    let path = path.display();
                    faults.push(format!("{path}: the Rust made of it is not Rust: {error}"));
                }
            }
        }
        write!(people, "{}", run.drawn(Colour::Never))?;
        let errors = run.lines().filter(|(found, _)| found.severity == Severity::Error);
        let lines: Vec<_> = errors.map(|(_, line)| line).chain(faults).collect();
        for line in &lines {
            writeln!(cargo, "cargo::error={}", line.replace(['\n', '\r'], " "))?;
        }
        match lines.len() {
            0 => Ok(()),
            count => Err(BuildError(Cause::Refused(count))),
        }
    }

    /// Where `file` is: as given, or in one of the folders.
    fn find(&self, file: &Path) -> PathBuf {
        if file.exists() {
            return file.to_owned();
        }
        let places = self.folders.iter().map(|folder| folder.join(file));
        places.into_iter().find(|place| place.exists()).unwrap_or_else(|| file.to_owned())
    }

    fn target(&self, file: &Path) -> Result<PathBuf, BuildError> {
        let folder = match &self.out_dir {
            Some(folder) => folder.clone(),
            None => PathBuf::from(std::env::var_os("OUT_DIR").ok_or(BuildError(Cause::NoOutDir))?),
        };
        let name = file.file_stem().unwrap_or(file.as_os_str());
        Ok(folder.join(name).with_extension("rs"))
    }
}

/// Whether two paths lead to one file.
fn is_same(one: &Path, other: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}

/// Keeps the time of a file that would not change, so that cargo does not build it anew.
fn write_if_changed(target: &Path, rust: &str) -> io::Result<()> {
    if fs::read(target).is_ok_and(|old| old == rust.as_bytes()) {
        return Ok(());
    }
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(target, rust)
}

/// Why [`Builder::compile`] failed. What is wrong with the files has been told by then.
#[derive(Debug)]
pub struct BuildError(Cause);

#[derive(Debug)]
enum Cause {
    Refused(usize),
    NoOutDir,
    NoPath(String),
    Io(io::Error),
}

impl From<io::Error> for BuildError {
    fn from(error: io::Error) -> Self {
        Self(Cause::Io(error))
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Cause::Refused(1) => f.write_str("idlc found an error"),
            Cause::Refused(count) => write!(f, "idlc found {count} errors"),
            Cause::NoOutDir => f.write_str("OUT_DIR is not set: is this a build script?"),
            Cause::NoPath(path) => write!(f, "`{path}` is no path of a Rust module"),
            Cause::Io(_) => f.write_str("idlc cannot write its output"),
        }
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Cause::Io(error) => Some(error),
            Cause::Refused(_) | Cause::NoOutDir | Cause::NoPath(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of its own for a test, gone when the test is over.
    struct Folder(PathBuf);

    impl Folder {
        fn new(test: &str) -> Self {
            let name = format!("idlc-builder-{test}-{}", process::id());
            let folder = std::env::temp_dir().join(name);
            fs::create_dir_all(&folder).unwrap();
            Self(folder)
        }

        fn file(&self, name: &str, text: &str) -> PathBuf {
            let path = self.0.join(name);
            fs::write(&path, text).unwrap();
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            // Nothing depends on it; the system empties its temporary folder.
            drop(fs::remove_dir_all(&self.0));
        }
    }

    fn compile(builder: &Builder) -> (Result<(), BuildError>, String, String) {
        let (mut cargo, mut people) = (Vec::new(), Vec::new());
        let result = builder.compile_to(&mut cargo, &mut people);
        (result, String::from_utf8(cargo).unwrap(), String::from_utf8(people).unwrap())
    }

    #[test]
    fn a_file_becomes_rust_and_cargo_watches_it_once() {
        let folder = Folder::new("rust");
        let path = folder.file("kv.idl", "module acme.kv;\n/// Most.\nconst MAX: u32 = 16;\n");
        let builder =
            Builder::new().file("kv.idl").file("kv.idl").include(&folder.0).out_dir(&folder.0);
        let (result, cargo, people) = compile(&builder);
        result.unwrap();
        assert_eq!(people, "");
        assert_eq!(cargo, format!("cargo::rerun-if-changed={}\n", path.display()));
        let rust = fs::read_to_string(folder.0.join("kv.rs")).unwrap();
        assert!(rust.starts_with("// Generated by idlc "), "{rust}");
        assert!(rust.contains("pub const MAX: u32 = 16u32;"), "{rust}");
    }

    #[test]
    fn errors_are_drawn_for_people_and_told_to_cargo() {
        let folder = Folder::new("errors");
        let path =
            folder.file("kv.idl", "module acme.kv;\nconst A: u32 = ;\nconst B: u32 = 5MB;\n");
        let (result, cargo, people) = compile(&Builder::new().file(&path).out_dir(&folder.0));
        assert_eq!(result.unwrap_err().to_string(), "idlc found 2 errors");
        assert_eq!(cargo.matches("cargo::error=").count(), 2, "{cargo}");
        assert!(cargo.contains("kv.idl:2:16: error[E0001]"), "{cargo}");
        assert!(people.contains("^"), "{people}");
        assert!(!folder.0.join("kv.rs").exists());
    }

    #[test]
    fn imported_files_become_rust_too_and_cargo_watches_them() {
        let folder = Folder::new("imports");
        let kv = "module acme.kv; import \"types.idl\"; struct S { p: acme.types.P }";
        let kv = folder.file("kv.idl", kv);
        let types = folder.file("types.idl", "module acme.types; struct P { a: u32 }");
        let builder = Builder::new().file(&kv).out_dir(&folder.0);
        let (result, cargo, people) = compile(&builder);
        result.unwrap();
        assert_eq!(people, "");
        let watched =
            [&kv, &types].map(|path| format!("cargo::rerun-if-changed={}", path.display()));
        assert_eq!(cargo.lines().collect::<Vec<_>>(), watched);
        let rust = |name: &str| fs::read_to_string(folder.0.join(name)).unwrap();
        assert!(rust("kv.rs").contains("pub p: super::types::P,"));
        assert!(rust("types.rs").contains("pub struct P {"));

        fs::remove_file(folder.0.join("types.rs")).unwrap();
        let (result, _, _) = compile(&builder.rust_module("acme.types", "crate::api"));
        result.unwrap();
        assert!(rust("kv.rs").contains("pub p: crate::api::P,"));
        assert!(!folder.0.join("types.rs").exists());
    }

    #[test]
    fn a_missing_file_is_an_error_that_cargo_watches() {
        let (result, cargo, _) = compile(&Builder::new().file("nowhere.idl").out_dir("/nowhere"));
        assert_eq!(result.unwrap_err().to_string(), "idlc found an error");
        assert_eq!(
            cargo,
            "cargo::rerun-if-changed=nowhere.idl\n\
             cargo::error=error[E0019]: cannot read `nowhere.idl`: no such file\n"
        );
    }
}
