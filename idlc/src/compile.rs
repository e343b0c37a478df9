//! From files to Rust: what the build script API and the command share.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::Path;

use crate::check;
use crate::codegen::{self, Runtime};
use crate::diagnostic::{
    Colour, Diagnostic, Diagnostics, codes, one_line, render, to_github, to_json, to_sarif,
};
use crate::fix;
use crate::front::idl;
use crate::ir::Module;
use crate::json::Value;
use crate::lint::{self, Lint};
use crate::resolve::resolve;
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
}

impl Compilation {
    /// Nothing read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads and checks a file. `None` if anything is wrong with it, which can be asked for then.
    pub fn module(&mut self, path: &Path) -> Option<Module> {
        let shown = path.display().to_string();
        match fs::read(path) {
            Ok(bytes) => self.module_from_bytes(&shown, bytes),
            Err(error) => {
                self.unreadable(format!("cannot read `{shown}`: {}", describe(&error)));
                None
            }
        }
    }

    /// [`module`](Self::module) with the text of the file at hand; `path` is what messages call it.
    pub fn module_from_text(&mut self, path: &str, text: &str) -> Option<Module> {
        self.module_from_bytes(path, text.as_bytes().to_owned())
    }

    /// [`module`](Self::module), of which Rust is to be made: `None` also if it needs what this
    /// version makes no Rust of, which is among the errors then.
    pub fn module_for_rust(&mut self, path: &Path) -> Option<Module> {
        self.module(path).filter(|module| self.can_be_rust(module))
    }

    /// Whether Rust can be made of a module; what stands in the way is among the errors then.
    pub fn can_be_rust(&mut self, module: &Module) -> bool {
        let refused = codegen::refuse(module);
        let fine = !refused.has_errors();
        self.diagnostics.append(refused);
        fine
    }

    /// Adds what somebody else found out about the modules that were read.
    pub fn tell(&mut self, found: impl IntoIterator<Item = Diagnostic>) {
        found.into_iter().for_each(|found| self.diagnostics.push(found));
    }

    fn module_from_bytes(&mut self, path: &str, bytes: Vec<u8>) -> Option<Module> {
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
        self.check(file)
    }

    fn check(&mut self, file: FileId) -> Option<Module> {
        let mut found = Diagnostics::new();
        let mut parsed = idl::parse(&self.sources, file, &mut found);
        let mut meaning = Diagnostics::new();
        resolve(&mut parsed.module, &mut meaning);
        meaning.append(check::check(&parsed.module));
        // A name whose declaration could not be read is not unknown: its mistake has been told.
        let is_news = |found: &Diagnostic| {
            let missing = [codes::UNKNOWN_TYPE, codes::UNKNOWN_CONSTANT].contains(&found.code);
            !missing || !self.names_lost(found.primary.span, &parsed.lost)
        };
        found.append_where(meaning, is_news);
        let complete = !found.has_errors();
        self.diagnostics.append(found);
        complete.then_some(parsed.module)
    }

    /// Whether the text at `span` is a name, or a path with a name, that is in `lost`.
    fn names_lost(&self, span: Span, lost: &[String]) -> bool {
        let Some((file, range)) = span.range() else { return false };
        let text = self.sources.get(file).map_or("", |file| file.slice(range));
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
        for item in codegen::generate_each(module, &Runtime::default()) {
            rust.push_str(&prettyplease::unparse(&syn::parse2(item)?));
        }
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

/// The cause without the number that the operating system gives it.
fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".into(),
        io::ErrorKind::PermissionDenied => "not allowed".into(),
        io::ErrorKind::IsADirectory => "it is a folder".into(),
        _ => error.to_string(),
    }
}
