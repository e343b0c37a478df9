//! Files as they were at some commit, by way of the command `git`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Failure;

/// The `.idl` and `.json` files of a commit, in a folder of their own that goes with this value.
///
/// All of a repository's, not only those that were asked for: they may import others. Neither the
/// repository's index nor its files are touched.
pub(crate) struct Checkout {
    root: PathBuf,
    folder: PathBuf,
    /// Where the repository is.
    top: PathBuf,
}

impl Checkout {
    /// The files at `reference`, of the repository that `path` is in.
    pub(crate) fn of(reference: &str, path: &Path) -> Result<Checkout, Failure> {
        let inside = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new("")) };
        let inside = if inside.as_os_str().is_empty() { Path::new(".") } else { inside };
        if reference.starts_with('-') {
            return Err(Failure::Usage(format!("`{reference}` is no git ref")));
        }
        let commit = format!("{reference}^{{commit}}");
        let commit = git(inside, None, &["rev-parse", "--verify", "--quiet", &commit]);
        let commit = commit.map_err(|_| {
            Failure::Trouble(format!("`{reference}` is no file, no folder and no git ref here"))
        })?;
        let root = std::env::temp_dir().join(format!("idlc-git-{}", std::process::id()));
        let checkout = Checkout {
            folder: root.join(git(inside, None, &["rev-parse", "--show-prefix"])?),
            root,
            top: PathBuf::from(git(inside, None, &["rev-parse", "--show-toplevel"])?),
        };
        std::fs::create_dir(&checkout.root)
            .map_err(|error| Failure::Trouble(format!("cannot make a folder for git: {error}")))?;
        let index = checkout.root.join(".index");
        git(inside, Some(&index), &["read-tree", &commit])?;
        let list = ["ls-files", "-z", "--", "*.idl", "*.json"];
        let files = git(&checkout.top, Some(&index), &list)?;
        let prefix = format!("--prefix={}/", checkout.root.display());
        let files: Vec<&str> = files.split('\0').filter(|file| !file.is_empty()).collect();
        // A command line has a limit; a call has none.
        for some in files.chunks(500) {
            let mut args = vec!["checkout-index", "-f", prefix.as_str(), "--"];
            args.extend(some);
            git(&checkout.top, Some(&index), &args)?;
        }
        Ok(checkout)
    }

    /// What is in it of the folder that was asked for.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A folder as it was then, if it is one of the repository; itself if it is not.
    pub(crate) fn folder_like(&self, folder: &Path) -> PathBuf {
        // It may be gone today, so it need not be there to have a name.
        let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let real = whole.canonicalize().unwrap_or(whole);
        match real.strip_prefix(&self.top) {
            Ok(inside) => self.root.join(inside),
            Err(_) => folder.to_owned(),
        }
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        // Nothing depends on it; the system empties its temporary folder.
        drop(std::fs::remove_dir_all(&self.root));
    }
}

fn git(folder: &Path, index: Option<&Path>, args: &[&str]) -> Result<String, Failure> {
    let mut command = Command::new("git");
    command.current_dir(folder).args(args).stdin(Stdio::null());
    if let Some(index) = index {
        command.env("GIT_INDEX_FILE", index);
    }
    let done =
        command.output().map_err(|error| Failure::Trouble(format!("cannot run git: {error}")))?;
    if !done.status.success() {
        let why = String::from_utf8_lossy(&done.stderr);
        return Err(Failure::Trouble(format!("git: {}", why.trim())));
    }
    Ok(String::from_utf8_lossy(&done.stdout).trim_end_matches('\n').to_owned())
}
