//! The store as its clients call it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use alpc_rpc::{Call, OutBuf};

use super::contents::{Condition, Contents, Edit, Limits};
use super::data_file::{DataFile, Saved};
use super::interface::{Entry, KeyValue, KeyValueEmitter, KvError, PAGE, PutFlags, Stats};

/// A key-value store in memory, with a file behind it or without.
#[derive(Debug)]
pub struct Store {
    limits: Limits,
    /// Held for as long as a change takes, so changes come one after the other. Reads do not wait
    /// for the disk.
    file: Mutex<Option<DataFile>>,
    contents: Mutex<Contents>,
    events: KeyValueEmitter,
}

impl Store {
    /// A store that forgets everything when it ends.
    pub fn in_memory(limits: Limits) -> Store {
        Store::new(None, Contents::default(), limits)
    }

    /// A store that goes on with what its file held.
    pub fn backed_by(file: DataFile, saved: Saved, limits: Limits) -> Store {
        let contents = Contents::restore(saved.records, saved.last_version);
        Store::new(Some(file), contents, limits)
    }

    fn new(file: Option<DataFile>, contents: Contents, limits: Limits) -> Store {
        let (file, contents) = (Mutex::new(file), Mutex::new(contents));
        Store { limits, file, contents, events: KeyValueEmitter::new() }
    }

    /// Makes a change, first in the file and then in memory: nobody reads what might be lost.
    /// Returns the version, and whether anything was changed.
    fn change(
        &self,
        key: &str,
        edit: &Edit<'_>,
        condition: Condition,
    ) -> Result<(u64, bool), KvError> {
        let mut file = lock(&self.file);
        let change = lock(&self.contents).plan(key, edit, condition, &self.limits)?;
        let (last_version, changes) = (change.version, !change.is_empty());
        if let Some(file) = file.as_mut().filter(|_| changes) {
            let records = lock(&self.contents).after(&change);
            let saved = file.save(&Saved { records, last_version });
            saved.map_err(|error| KvError::NotSaved { reason: error.to_string() })?;
        }
        let evicted = lock(&self.contents).apply(change);
        // Still one change after the other, so events come in the order of the changes. They wait
        // for nobody, and a key that could be stored can be told.
        for key in evicted {
            let _told = self.events.evicted(&key);
        }
        Ok((last_version, changes))
    }
}

impl KeyValue for Store {
    fn get(&self, _: &Call<'_>, key: &str) -> Result<(Vec<u8>, u64), KvError> {
        // The copy of the value is made after the lock is given back.
        let record = lock(&self.contents).get(key)?;
        Ok((record.value.to_vec(), record.version))
    }

    fn read(
        &self,
        _: &Call<'_>,
        key: &str,
        offset: u64,
        buf: &mut OutBuf<'_>,
    ) -> Result<(u64, u64), KvError> {
        let record = lock(&self.contents).get(key)?;
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        buf.put(record.value.get(offset..).unwrap_or(&[]));
        Ok((record.value.len() as u64, record.version))
    }

    fn put(
        &self,
        _: &Call<'_>,
        key: &str,
        value: &[u8],
        flags: PutFlags,
        if_version: Option<u64>,
    ) -> Result<u64, KvError> {
        let condition = condition(flags, if_version)?;
        let (version, _) = self.change(key, &Edit::Put(value), condition)?;
        Ok(version)
    }

    fn delete(&self, _: &Call<'_>, key: &str, if_version: Option<u64>) -> Result<bool, KvError> {
        let (_, deleted) = self.change(key, &Edit::Delete, Condition::at(if_version))?;
        Ok(deleted)
    }

    fn touch(&self, _: &Call<'_>, key: &str) {
        lock(&self.contents).touch(key);
    }

    fn scan(&self, _: &Call<'_>, prefix: &str, after: Option<String>) -> Vec<Entry> {
        let most = usize::try_from(PAGE).unwrap_or(usize::MAX);
        lock(&self.contents).scan(prefix, after.as_deref(), most)
    }

    fn stats(&self, _: &Call<'_>) -> Stats {
        lock(&self.contents).stats()
    }

    fn emitter(&self) -> &KeyValueEmitter {
        &self.events
    }
}

/// When a value is to be stored. A flag of a later version is not passed over: it may ask for what
/// this store does not do.
fn condition(flags: PutFlags, if_version: Option<u64>) -> Result<Condition, KvError> {
    if flags.unknown() != 0 {
        return Err(KvError::Unsupported(flags));
    }
    let (create, replace) = (flags.contains(PutFlags::CREATE), flags.contains(PutFlags::REPLACE));
    match (create, replace, if_version) {
        (_, true, Some(version)) => Ok(Condition::At(version)),
        (true, true, None) => Ok(Condition::Always),
        (false, true, None) => Ok(Condition::Present),
        (true, false, None) => Ok(Condition::Absent),
        // No key is absent and at a version, and none is neither absent nor there.
        (_, false, Some(_)) | (false, false, None) => Err(KvError::Unsupported(flags)),
    }
}

/// A handler that panicked is its caller's trouble. What it guarded is whole: nothing here is left
/// half changed by a panic, as plans are made before anything is touched.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
