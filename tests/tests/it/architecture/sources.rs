//! The files of the repository, and what the Rust among them says outside of comments and strings.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use proc_macro2::{TokenStream, TokenTree};

/// A file.
#[derive(Debug)]
pub(super) struct Source {
    /// From the root of the repository on.
    pub(super) path: String,
    pub(super) text: String,
}

impl Source {
    fn tokens(&self) -> TokenStream {
        TokenStream::from_str(&self.text).unwrap_or_else(|error| panic!("{}: {error}", self.path))
    }

    /// Every word of its code.
    pub(super) fn idents(&self) -> BTreeSet<String> {
        let mut idents = BTreeSet::new();
        walk(self.tokens(), &mut |tokens| {
            if let [TokenTree::Ident(ident)] = tokens {
                idents.insert(ident.to_string());
            }
        });
        idents
    }

    /// What its `#[cfg(..)]`, `#[cfg_attr(..)]` and `cfg!(..)` ask.
    pub(super) fn conditions(&self) -> Vec<String> {
        let mut conditions = Vec::new();
        walk(self.tokens(), &mut |tokens| {
            let (ident, group) = match tokens {
                [TokenTree::Ident(ident), TokenTree::Group(group)] => (ident, group),
                [TokenTree::Ident(ident), TokenTree::Punct(bang), TokenTree::Group(group)]
                    if bang.as_char() == '!' =>
                {
                    (ident, group)
                }
                _ => return,
            };
            if ident == "cfg" || ident == "cfg_attr" {
                conditions.push(group.stream().to_string());
            }
        });
        conditions
    }
}

/// Shows `look` every run of one, two and three tokens, in groups as well.
fn walk(tokens: TokenStream, look: &mut impl FnMut(&[TokenTree])) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for width in 1..=3 {
        tokens.windows(width).for_each(&mut *look);
    }
    for token in tokens {
        if let TokenTree::Group(group) = token {
            walk(group.stream(), look);
        }
    }
}

/// The root of the repository.
pub(super) fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().expect("the package is in the workspace's folder").to_owned()
}

/// Every Rust file that people write. Goldens and twins are what tests compare with.
pub(super) fn all() -> Vec<Source> {
    let mut sources = every_text();
    sources.retain(|source| {
        source.path.ends_with(".rs")
            && !source.path.starts_with("idlc/tests/golden/")
            && !source.path.starts_with("idlc/tests/imports/")
            && !source.path.starts_with("idlc/tests/twins/")
    });
    assert!(sources.len() > 100, "{sources:#?}");
    sources
}

/// What was made of this package's `.idl` files.
pub(super) fn generated() -> Vec<Source> {
    let mut sources = Vec::new();
    collect(Path::new(env!("OUT_DIR")), Path::new(env!("OUT_DIR")), &mut sources);
    sources.retain(|source| source.path.ends_with(".rs"));
    sources
}

/// Every text file.
pub(super) fn every_text() -> Vec<Source> {
    let mut sources = Vec::new();
    collect(&root(), &root(), &mut sources);
    sources
}

fn collect(root: &Path, folder: &Path, sources: &mut Vec<Source>) {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for path in entries.map(|entry| entry.expect("an entry of a folder").path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // In a worktree of its own `.git` is a file, which says where the repository is.
        if name == "target" || name == ".git" {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, sources);
        } else if let Ok(text) = fs::read_to_string(&path) {
            let path = path.strip_prefix(root).expect("it was found there");
            sources.push(Source { path: path.to_string_lossy().into_owned(), text });
        }
    }
}
