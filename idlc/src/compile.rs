//! From files to Rust: what the build script API and the command share.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use quote::{ToTokens, quote};

use crate::check;
use crate::codegen::{self, Runtime};
use crate::diagnostic::{
    Colour, Diagnostic, Diagnostics, codes, one_line, render, to_github, to_json, to_sarif,
};
use crate::fix;
use crate::front::idl;
use crate::history;
use crate::ir::{At, Imported, Module, Name, RustCode, Version};
use crate::json::Value;
use crate::layout::lay_out;
use crate::lint::{self, Lint};
use crate::resolve::{export, resolve};
use crate::source::{FileId, Sources, Span};

/// One run over some files: what was read, and everything wrong with it.
///
/// ```
/// use idlc::compile::Compilation;
///
/// let mut run = Compilation::new();
/// let module = run.module_from_text("kv.idl", "module acme.kv; const MAX: u32 = 1 << 4;");
/// assert!(run.rust("kv.idl", &module.unwrap()).unwrap().contains("pub const MAX: u32 = 16u32;"));
/// ```
#[derive(Debug, Default)]
pub struct Compilation {
    sources: Sources,
    diagnostics: Diagnostics,
    places: Places,
    /// What was read of each file: each is read once, however many others import it.
    read: HashMap<PathBuf, Read>,
    /// The files that are being read, each because of the one before.
    underway: Vec<PathBuf>,
    /// Files that were imported, in the order in which they were read.
    imported: Vec<PathBuf>,
    /// The version to go back to.
    at: Option<Version>,
}

/// What was read of a file.
#[derive(Clone, Debug)]
struct Read {
    /// As messages call it.
    shown: String,
    /// `None` if nothing could be made of it.
    module: Option<Rc<Module>>,
    /// Whether anything is wrong with it, which has been told then.
    complete: bool,
}

impl Compilation {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks for imported files in this folder, too, where they are not beside who imports them.
    pub fn include(&mut self, folder: impl Into<PathBuf>) {
        self.places.folders.push(folder.into());
    }

    /// Reads files as they were at an earlier version. What they import has versions of its own, and
    /// stays as it is.
    pub fn at(&mut self, version: Version) {
        self.at = Some(version);
    }

    /// Says where the Rust of a module is: `acme.types` at `crate::api::types`. Unless it is said, a
    /// file's module is taken to be beside that of who imports it, and to be called like the file:
    /// `super::types`.
    pub fn rust_module(&mut self, name: &str, path: &syn::Path) {
        self.places.modules.insert(name.to_owned(), RustCode(path.to_token_stream()));
    }

    /// Reads and checks a file, and those that it imports. `None` if anything is wrong with it, which
    /// can be asked for then.
    pub fn module(&mut self, path: &Path) -> Option<Module> {
        let shown = path.display().to_string();
        let key = key_of(path);
        if !self.read.contains_key(&key) {
            match fs::read(path) {
                Ok(bytes) => self.read_bytes(key.clone(), &shown, bytes),
                Err(error) => {
                    self.unreadable(format!("cannot read `{shown}`: {}", describe(&error)));
                    return None;
                }
            }
        }
        self.complete(&key)
    }

    /// [`module`](Self::module) with the text of the file at hand; `path` is what messages call it.
    pub fn module_from_text(&mut self, path: &str, text: &str) -> Option<Module> {
        let key = PathBuf::from(path);
        self.read_bytes(key.clone(), path, text.as_bytes().to_owned());
        self.complete(&key)
    }

    fn complete(&self, key: &Path) -> Option<Module> {
        let read = self.read.get(key).filter(|read| read.complete)?;
        read.module.as_deref().cloned()
    }

    /// The files that were imported so far, with the modules of those that nothing is wrong with.
    /// Not those of which was said where their Rust is.
    pub fn imported(&self) -> Vec<(PathBuf, Option<Rc<Module>>)> {
        let read = self.imported.iter().filter_map(|key| self.read.get(key));
        let read = read.filter(|read| match &read.module {
            Some(module) => !self.places.modules.contains_key(&module.name.to_string()),
            None => true,
        });
        let files = read.map(|read| {
            (PathBuf::from(&read.shown), read.module.clone().filter(|_| read.complete))
        });
        files.collect()
    }

    /// The files that were read because others import them.
    pub fn imported_files(&self) -> impl Iterator<Item = &str> {
        self.imported.iter().filter_map(|key| self.read.get(key)).map(|read| read.shown.as_str())
    }

    /// Adds what somebody else found out about the modules that were read.
    pub fn tell(&mut self, found: impl IntoIterator<Item = Diagnostic>) {
        found.into_iter().for_each(|found| self.diagnostics.push(found));
    }

    fn read_bytes(&mut self, key: PathBuf, path: &str, bytes: Vec<u8>) {
        let read = self.underway_with(key.clone(), |this| this.read_text(path, bytes));
        let (module, complete) =
            read.map_or((None, false), |(module, complete)| (Some(Rc::new(module)), complete));
        self.read.insert(key, Read { shown: path.to_owned(), module, complete });
    }

    fn underway_with<T>(&mut self, key: PathBuf, read: impl FnOnce(&mut Self) -> T) -> T {
        self.underway.push(key);
        let done = read(self);
        self.underway.pop();
        done
    }

    /// The module that stands in `bytes`, and whether nothing is wrong with it.
    fn read_text(&mut self, path: &str, bytes: Vec<u8>) -> Option<(Module, bool)> {
        let (text, invalid_at) = match String::from_utf8(bytes) {
            Ok(text) => (text, None),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                (String::from_utf8_lossy(error.as_bytes()).into_owned(), Some(valid))
            }
        };
        let Some(file) = self.sources.add(path, text) else {
            let limit = Sources::MAX_LEN >> 20;
            self.unreadable(format!("`{path}` is longer than {limit} MiB"));
            return None;
        };
        if let Some(valid) = invalid_at {
            self.diagnostics.push(idl::not_utf8(file, valid));
            return None;
        }
        Some(self.check(file, Path::new(path)))
    }

    fn check(&mut self, file: FileId, path: &Path) -> (Module, bool) {
        let mut found = Diagnostics::new();
        let mut parsed = idl::parse(&self.sources, file, &mut found);
        let at = self.at.filter(|_| self.underway.len() == 1);
        let left_out = at.map(|at| (at, history::go_back(&mut parsed.module, at, &mut found)));
        let has_imports = self.import(&mut parsed.module, path, &mut found);
        let mut meaning = Diagnostics::new();
        resolve(&mut parsed.module, &mut meaning);
        meaning.append(check::check(&parsed.module));
        // A name whose declaration could not be read is not unknown: its mistake has been told.
        let is_news = |found: &Diagnostic| {
            let missing = [codes::UNKNOWN_TYPE, codes::UNKNOWN_CONSTANT].contains(&found.code);
            !missing || has_imports && !self.names_lost(found.primary.span, &parsed.lost)
        };
        if let Some((at, left_out)) = &left_out {
            meaning.each(|found| {
                let name = self.text_at(found.primary.span);
                history::explain(found, name, *at, left_out);
            });
        }
        found.append_where(meaning, is_news);
        let complete = has_imports && !found.has_errors();
        self.diagnostics.append(found);
        (parsed.module, complete)
    }

    /// Reads what a module imports. Whether there is nothing wrong with that.
    fn import(&mut self, module: &mut Module, path: &Path, found: &mut Diagnostics) -> bool {
        let mut complete = true;
        let mut known: HashMap<String, Span> = HashMap::new();
        for import in &mut module.imports {
            let span = import.path.span;
            let Some(read) = self.import_file(&import.path, path, found) else {
                complete = false;
                continue;
            };
            complete &= read.complete;
            let Some(theirs) = read.module else { continue };
            let name = theirs.name.to_string();
            if let Some(first) = known.insert(name.clone(), span) {
                let message = format!("module `{name}` is imported twice");
                found.push(
                    Diagnostic::error(codes::DUPLICATE, message, span)
                        .also(first, "the first is here"),
                );
                continue;
            }
            if let (Some(_), None) = (module.stable, theirs.stable) {
                let message = format!("a stable module needs `{name}`, which is not");
                let told = Diagnostic::error(codes::UNSTABLE, message, span);
                found.push(told.help(format!("write `[stable]` before `module {name};`")));
            }
            let rust = self.places.rust(&name, Path::new(&read.shown));
            let mut module = Module::clone(&theirs);
            export(&mut module, &rust.0);
            import.module = Some(Rc::new(Imported { rust, module }));
        }
        complete
    }

    /// What was read of the file that `from` imports; reports if there is none.
    fn import_file(
        &mut self,
        path: &At<String>,
        from: &Path,
        found: &mut Diagnostics,
    ) -> Option<Read> {
        let Some(place) = self.places.find(&path.value, from) else {
            let message = format!("there is no file `{}`", path.value);
            let told = Diagnostic::error(codes::UNREADABLE, message, path.span);
            found.push(told.note(self.places.describe(from)));
            return None;
        };
        let key = key_of(&place);
        if let Some(first) = self.underway.iter().position(|underway| *underway == key) {
            found.push(ring(&self.underway[first..], &key, path.span));
            return None;
        }
        if self.underway.len() >= DEEPEST {
            let message = format!("more than {DEEPEST} files import each other in a row");
            found.push(Diagnostic::error(codes::NESTED_TOO_DEEPLY, message, path.span));
            return None;
        }
        if !self.read.contains_key(&key) {
            self.imported.push(key.clone());
            match fs::read(&place) {
                Ok(bytes) => self.read_bytes(key.clone(), &place.display().to_string(), bytes),
                Err(error) => {
                    let message =
                        format!("cannot read `{}`: {}", place.display(), describe(&error));
                    found.push(Diagnostic::error(codes::UNREADABLE, message, path.span));
                    return None;
                }
            }
        }
        self.read.get(&key).cloned()
    }

    fn text_at(&self, span: Span) -> &str {
        let Some((file, range)) = span.range() else { return "" };
        self.sources.get(file).map_or("", |file| file.slice(range))
    }

    /// Whether the text at `span` is a name, or a path with a name, that is in `lost`.
    fn names_lost(&self, span: Span, lost: &[String]) -> bool {
        let text = self.text_at(span);
        text.split('.').any(|name| lost.iter().any(|lost| lost == name.trim()))
    }

    fn unreadable(&mut self, message: String) {
        self.diagnostics.push(Diagnostic::error(codes::UNREADABLE, message, Span::call_site()));
    }

    /// The Rust for a module, laid out for reading. `path` is told in its first line; of an absolute
    /// one only the file's name, so that the same file gives the same Rust on every machine.
    ///
    /// An error here is a fault of ours: what was generated is not Rust.
    pub fn rust(&self, path: &str, module: &Module) -> Result<String, syn::Error> {
        let version = env!("CARGO_PKG_VERSION");
        let name = Path::new(path).file_name().filter(|_| Path::new(path).is_absolute());
        let path = name.map_or(path.into(), |name| name.to_string_lossy());
        let path = path.replace(['\n', '\r'], " ");
        let mut rust = format!("// Generated by idlc {version} from {path}; do not edit.\n\n");
        rust.push_str(&lay_out(codegen::generate_each(module, &Runtime::default()))?);
        Ok(rust)
    }

    /// Reads a file and gives advice of the wanted kinds about it, unless it has errors: one thing
    /// after the other.
    pub fn lint(&mut self, path: &Path, wanted: &[Lint]) {
        let Some(module) = self.module(path) else { return };
        let read_last = self.sources.ids().filter(|file| {
            self.sources.get(*file).is_some_and(|file| Path::new(file.path()) == path)
        });
        if let Some(file) = read_last.last()
            && let Some(source) = self.sources.get(file)
        {
            self.diagnostics.append(lint::lint(&module, file, source, wanted));
        }
    }

    /// Everything that is wrong with what was read.
    pub fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }

    /// Everything that is wrong, drawn for people.
    pub fn drawn(&self, colour: Colour) -> String {
        render(&self.diagnostics, &self.sources, colour)
    }

    /// Everything that is wrong, one line each: `path:line:column: error[E0101]: message`.
    pub fn lines(&self) -> impl Iterator<Item = (Diagnostic, String)> {
        self.diagnostics.sorted().into_iter().map(|found| {
            let line = one_line(&found, &self.sources);
            (found, line)
        })
    }

    /// Everything that is wrong, one JSON object each.
    pub fn json(&self) -> impl Iterator<Item = Value> {
        self.diagnostics.sorted().into_iter().map(|found| to_json(&found, &self.sources))
    }

    /// Everything that is wrong, as a SARIF document.
    pub fn sarif(&self) -> Value {
        to_sarif(&self.diagnostics.sorted(), &self.sources)
    }

    /// Everything that is wrong, one workflow command of GitHub each.
    pub fn github(&self) -> impl Iterator<Item = String> {
        self.diagnostics.sorted().into_iter().map(|found| to_github(&found, &self.sources))
    }

    /// The changes of the file at `path` that would mend something and about which there is no
    /// doubt: in the order of the text, none touching another.
    pub fn safe_changes(&self, path: &str) -> Vec<(Range<usize>, String)> {
        fix::choose(&self.diagnostics.sorted(), |span| {
            let (file, range) = span.range()?;
            self.sources.get(file).filter(|file| file.path() == path).map(|_| range)
        })
    }
}

/// How long a chain of files may be that import each other.
const DEEPEST: usize = 64;

/// What a file is known by, whichever way leads to it.
fn key_of(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Files that import each other, the last of them the first one again.
fn ring(files: &[PathBuf], first: &Path, span: Span) -> Diagnostic {
    let names = files.iter().map(PathBuf::as_path).chain([first]);
    let names: Vec<String> = names
        .map(|file| file.file_name().unwrap_or(file.as_os_str()).display().to_string())
        .collect();
    let told = Diagnostic::error(codes::CYCLE, "files import each other in a ring", span);
    let told = told.note(format!("the ring is {}", names.join(" -> ")));
    told.help("put what both need into a file of its own, which imports neither")
}

/// Where imported files are, and the Rust made of them.
#[derive(Debug, Default)]
struct Places {
    folders: Vec<PathBuf>,
    modules: HashMap<String, RustCode>,
}

impl Places {
    /// The file that `from` calls `path`: beside it, or in one of the folders.
    fn find(&self, path: &str, from: &Path) -> Option<PathBuf> {
        let beside = from.parent().unwrap_or(Path::new("")).join(path);
        let places = [beside].into_iter().chain(self.folders.iter().map(|at| at.join(path)));
        places.into_iter().find(|place| place.is_file())
    }

    /// Where files were looked for.
    fn describe(&self, from: &Path) -> String {
        let name = from.file_name().unwrap_or(from.as_os_str()).display().to_string();
        let folders: Vec<String> =
            self.folders.iter().map(|folder| format!("`{}`", folder.display())).collect();
        match folders.as_slice() {
            [] => format!("looked beside `{name}`; no include folders are given"),
            folders => format!("looked beside `{name}` and in {}", folders.join(", ")),
        }
    }

    /// The Rust module that the file `path` with the module `name` becomes.
    fn rust(&self, name: &str, path: &Path) -> RustCode {
        if let Some(path) = self.modules.get(name) {
            return path.clone();
        }
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().replace(['-', '.'], "_");
        let ident = Name::new(stem, Span::call_site()).ident();
        RustCode(quote!(super::#ident))
    }
}

/// The cause without the number that the operating system gives it.
fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".into(),
        io::ErrorKind::PermissionDenied => "not allowed".into(),
        io::ErrorKind::IsADirectory => "it is a folder".into(),
        _ => error.to_string(),
    }
}
