//! What the store holds, in a file.
//!
//! The file is written anew for each change: to a file beside it, which takes the other's name once
//! all of it is on the disk. So there is one whole file at any moment, the old one or the new one.
//! That is right for a store of some megabytes; a larger one would write a journal.

use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use hmac_sha256::Hash;
use rustix::fs::{FlockOperation, flock};

use super::contents::Record;

const MAGIC: &[u8] = b"acme.kv data 1\n\0";
const HASH_LEN: usize = 32;

/// The file of a store, which no other store can open.
#[derive(Debug)]
pub struct DataFile {
    path: PathBuf,
    folder: PathBuf,
    /// Locked for as long as it is open. It is a file of its own, as the other is replaced.
    _lock: File,
}

/// What a file held.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// All entries.
    pub records: Vec<Record>,
    /// The highest version that was given away.
    pub last_version: u64,
}

/// Why a file cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum DataError {
    /// Another store has it open.
    InUse(PathBuf),
    /// It is not what this store has written.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The system does not let us.
    Io(PathBuf, io::Error),
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DataError::InUse(path) => {
                write!(f, "another server has `{}` open", path.display())
            }
            DataError::Damaged { path, what } => {
                let path = path.display();
                write!(f, "`{path}` is damaged: {what}; put a copy in its place, or move it away")
            }
            DataError::Io(path, error) => write!(f, "cannot use `{}`: {error}", path.display()),
        }
    }
}

impl Error for DataError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            DataError::Io(_, error) => error.source(),
            _ => None,
        }
    }
}

impl DataFile {
    /// Opens the file at `path`, and reads it if it exists.
    ///
    /// # Errors
    ///
    /// When it is in use, damaged, or cannot be read.
    pub fn open(path: &Path) -> Result<(DataFile, Saved), DataError> {
        let failed = |error: io::Error| DataError::Io(path.to_owned(), error);
        let lock_path = beside(path, ".lock");
        let lock = private().write(true).open(&lock_path);
        let lock = lock.map_err(|error| DataError::Io(lock_path, error))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(DataError::InUse(path.to_owned())),
            Err(error) => return Err(failed(error.into())),
        }
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        let saved = match fs::read(path) {
            Ok(bytes) => {
                read(&bytes).map_err(|what| DataError::Damaged { path: path.to_owned(), what })?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Saved::default(),
            Err(error) => return Err(failed(error)),
        };
        Ok((DataFile { path: path.to_owned(), folder, _lock: lock }, saved))
    }

    /// Replaces the file. When this returns, the new one survives a crash, of the system, too.
    ///
    /// # Errors
    ///
    /// When it cannot be written; the old one is still there then.
    pub fn save(&mut self, saved: &Saved) -> io::Result<()> {
        // The name is always the same: a file that a crash left behind is written over.
        let new = beside(&self.path, ".new");
        let file = private().write(true).truncate(true).open(&new)?;
        write(&file, saved)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        // The name is the folder's, and has to reach the disk as well.
        File::open(&self.folder)?.sync_all()
    }
}

/// Files that are nobody else's to read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).mode(0o600);
    options
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

fn write(out: impl Write, saved: &Saved) -> io::Result<()> {
    let mut out = Hashing { out: BufWriter::new(out), hash: Hash::new() };
    out.put(MAGIC)?;
    out.put(&saved.last_version.to_le_bytes())?;
    out.put(&(saved.records.len() as u64).to_le_bytes())?;
    for Record { key, version, value, .. } in &saved.records {
        out.put(&version.to_le_bytes())?;
        for bytes in [key.as_bytes(), value] {
            out.put(&(bytes.len() as u64).to_le_bytes())?;
            out.put(bytes)?;
        }
    }
    let Hashing { mut out, hash } = out;
    out.write_all(&hash.finalize())?;
    out.flush()
}

struct Hashing<W> {
    out: W,
    hash: Hash,
}

impl<W: Write> Hashing<W> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.out.write_all(bytes)
    }
}

fn read(bytes: &[u8]) -> Result<Saved, &'static str> {
    const SHORT: &str = "its end is missing";
    if !bytes.starts_with(MAGIC) {
        return Err("it does not begin as the file of such a store");
    }
    let end = bytes.len().checked_sub(HASH_LEN).ok_or(SHORT)?;
    let (data, hash) = bytes.split_at_checked(end).ok_or(SHORT)?;
    if Hash::hash(data) != hash {
        return Err("its checksum does not match");
    }
    // From here on the bytes are what was written; a failure would be a mistake of the writer's.
    let mut rest = Rest(data.get(MAGIC.len()..).ok_or(SHORT)?);
    let last_version = rest.number().ok_or(SHORT)?;
    let mut records = Vec::new();
    for _ in 0..rest.number().ok_or(SHORT)? {
        let version = rest.number().ok_or(SHORT)?;
        let key = std::str::from_utf8(rest.bytes().ok_or(SHORT)?);
        let key = key.map_err(|_| "a key is not UTF-8")?.into();
        let value = rest.bytes().ok_or(SHORT)?.into();
        // The file does not say when: a clock that was wrong once would be wrong for ever.
        records.push(Record { key, version, value, modified: None });
    }
    Ok(Saved { records, last_version })
}

struct Rest<'b>(&'b [u8]);

impl<'b> Rest<'b> {
    fn take(&mut self, len: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn bytes(&mut self) -> Option<&'b [u8]> {
        let len = usize::try_from(self.number()?).ok()?;
        self.take(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Saved {
        let record = |key: &str, version, value: &[u8]| Record {
            key: key.into(),
            version,
            value: value.into(),
            modified: None,
        };
        Saved { records: vec![record("a", 1, b""), record("ü", 7, &[0, 255])], last_version: 9 }
    }

    fn written(saved: &Saved) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut bytes, saved).unwrap();
        bytes
    }

    #[test]
    fn what_was_saved_is_read_again() {
        assert_eq!(read(&written(&sample())), Ok(sample()));
        assert_eq!(read(&written(&Saved::default())), Ok(Saved::default()));
    }

    #[test]
    fn every_damage_is_noticed() {
        let good = written(&sample());
        for len in 0..good.len() {
            assert!(read(&good[..len]).is_err(), "cut off after {len} bytes");
        }
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert!(read(&bad).is_err(), "byte {at} changed");
        }
    }
}
