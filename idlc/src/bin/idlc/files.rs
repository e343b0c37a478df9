//! Files that are written whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::Failure;

/// Replaces a file in one step: whoever looks at it meanwhile sees the old text or the new one, and
/// if the disk is full the old one stays.
pub(crate) fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    // A link stays a link: what it points at is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    replace_file(&target, text)
        .map_err(|error| Failure::Trouble(format!("cannot write `{}`: {error}", path.display())))
}

fn replace_file(target: &Path, text: &str) -> io::Result<()> {
    let beside = beside(target);
    let written = fs::write(&beside, text).and_then(|()| {
        if let Ok(old) = fs::metadata(target) {
            fs::set_permissions(&beside, old.permissions())?;
        }
        fs::rename(&beside, target)
    });
    if written.is_err() {
        // The first error is the one to tell.
        drop(fs::remove_file(&beside));
    }
    written
}

/// A name in the same folder, since a file can only be renamed within its file system.
fn beside(target: &Path) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.idlc-{}", std::process::id()))
}
