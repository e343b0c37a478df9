//! Names of ports, and the folders that they live in.
//!
//! A name is parsed once and then known to be harmless as a part of a path. On Linux the port
//! `acme.kv` is the folder `acme.kv` in a [`Directory`], with a lock file that tells who owns the
//! name and the socket that clients connect to.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};
use crate::sys::identity::effective_uid;

/// The name of a port, as `acme.kv`.
///
/// 1 to 100 bytes of ASCII letters, digits, `.`, `_` and `-`, with no dot in front and no two dots
/// in a row. Case counts.
///
/// ```
/// use alpc_transport::PortName;
///
/// let name: PortName = "acme.kv".parse()?;
/// assert_eq!(name.as_str(), "acme.kv");
/// assert!("../etc".parse::<PortName>().is_err());
/// # Ok::<(), alpc_transport::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortName(String);

impl PortName {
    const MAX_LEN: usize = 100;

    /// Reads a name, or says what is wrong with it.
    pub fn new(name: &str) -> Result<PortName> {
        match fault(name) {
            None => Ok(PortName(name.to_owned())),
            Some(reason) => {
                let doing = format!("name a port `{}`", name.escape_debug());
                Err(Error::new(ErrorKind::Invalid { reason }, doing))
            }
        }
    }

    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn fault(name: &str) -> Option<String> {
    let foreign = name.chars().find(|&c| !c.is_ascii_alphanumeric() && !"._-".contains(c));
    if name.is_empty() {
        Some("a name has at least one letter".to_owned())
    } else if name.len() > PortName::MAX_LEN {
        Some(format!("it has {} bytes and at most {} may be", name.len(), PortName::MAX_LEN))
    } else if let Some(foreign) = foreign {
        Some(format!("{foreign:?} is none of A-Z, a-z, 0-9, `.`, `_` and `-`"))
    } else if name.starts_with('.') {
        Some("a name does not begin with a dot".to_owned())
    } else if name.contains("..") {
        Some("a name has no two dots in a row".to_owned())
    } else {
        None
    }
}

impl FromStr for PortName {
    type Err = Error;

    fn from_str(name: &str) -> Result<PortName> {
        PortName::new(name)
    }
}

impl TryFrom<&str> for PortName {
    type Error = Error;

    fn try_from(name: &str) -> Result<PortName> {
        PortName::new(name)
    }
}

impl fmt::Display for PortName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The folder in which ports have their names.
///
/// Whoever can write to it could pose as any server, so it is used only when it is a real folder,
/// not a link to one, and when nobody but its owner can write to it. A server creates it when it
/// is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    path: PathBuf,
    owner: Owner,
}

/// Whose folder may be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// This process's user or root: for places where others, too, could make such a folder.
    Us,
    /// Anybody: the folder was named by whoever started this process.
    Named,
}

impl Directory {
    /// The folder for this process: `$ALPC_RUNTIME_DIR`; else, for root, `/run/alpc`; else
    /// `$XDG_RUNTIME_DIR/alpc`; else `alpc-` and the user's number in the folder for temporary
    /// files.
    ///
    /// The environment is read at each call.
    pub fn locate() -> Result<Directory> {
        Directory::locate_in(|variable| std::env::var_os(variable), effective_uid())
    }

    /// A folder by its path, which must be absolute.
    ///
    /// Trusting the path means to trust the folder's owner with the names in it.
    pub fn at(path: impl Into<PathBuf>) -> Result<Directory> {
        let path = path.into();
        if !path.is_absolute() {
            let reason = "the path of a folder for port names must be absolute".to_owned();
            let doing = format!("use `{}`", path.display());
            return Err(Error::new(ErrorKind::Invalid { reason }, doing));
        }
        Ok(Directory { path, owner: Owner::Named })
    }

    fn locate_in(variable: impl Fn(&str) -> Option<OsString>, uid: u32) -> Result<Directory> {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        if let Some(path) = set("ALPC_RUNTIME_DIR") {
            return Directory::at(path);
        }
        let owner = Owner::Us;
        if uid == 0 {
            return Ok(Directory { path: PathBuf::from("/run/alpc"), owner });
        }
        // The XDG specification has relative paths ignored.
        let runtime = set("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
        if let Some(runtime) = runtime {
            return Ok(Directory { path: runtime.join("alpc"), owner });
        }
        let temporary = set("TMPDIR").map(PathBuf::from).filter(|path| path.is_absolute());
        let temporary = temporary.unwrap_or_else(|| PathBuf::from("/tmp"));
        Ok(Directory { path: temporary.join(format!("alpc-{uid}")), owner })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn owner(&self) -> Owner {
        self.owner
    }
}

impl fmt::Display for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_words_with_dots() {
        for good in ["a", "acme.kv", "Acme_2-x", "0", "a.b.c", &"x".repeat(100), "a."] {
            assert_eq!(PortName::new(good).unwrap().as_str(), good);
        }
        for (bad, why) in [
            ("", "at least one letter"),
            (".", "begin with a dot"),
            (".hidden", "begin with a dot"),
            ("a..b", "two dots"),
            ("a/b", "'/' is none of"),
            ("a b", "' ' is none of"),
            ("caf\u{e9}", "is none of"),
            ("a\0", "is none of"),
            (&"x".repeat(101), "101 bytes"),
        ] {
            let error = PortName::new(bad).unwrap_err().to_string();
            assert!(error.contains(why), "{bad:?}: {error}");
        }
    }

    #[test]
    fn the_folder_is_found_by_user_and_environment() {
        let locate = |uid, variables: &[(&str, &str)]| {
            let find = |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
            };
            Directory::locate_in(find, uid).map(|directory| directory.path)
        };
        let is = |path: &str| Ok(PathBuf::from(path));
        let check = |uid, variables: &[(&str, &str)], path: std::result::Result<PathBuf, ()>| {
            assert_eq!(locate(uid, variables).map_err(drop), path, "{uid} {variables:?}");
        };
        let xdg = ("XDG_RUNTIME_DIR", "/run/user/7");
        check(0, &[xdg], is("/run/alpc"));
        check(0, &[xdg, ("ALPC_RUNTIME_DIR", "/x")], is("/x"));
        check(7, &[xdg], is("/run/user/7/alpc"));
        check(7, &[], is("/tmp/alpc-7"));
        check(7, &[("XDG_RUNTIME_DIR", "relative"), ("TMPDIR", "/t")], is("/t/alpc-7"));
        check(7, &[xdg, ("ALPC_RUNTIME_DIR", "relative")], Err(()));
        check(7, &[xdg, ("ALPC_RUNTIME_DIR", "")], is("/run/user/7/alpc"));
    }
}
