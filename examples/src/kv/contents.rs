//! What the store holds, in memory.
//!
//! A change is made in two steps: [`Contents::plan`] says what it would do, as data, and
//! [`Contents::apply`] does it. In between it can be saved, and if that fails nothing has happened.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::SystemTime;

use super::interface::{Entry, KvError, MAX_VALUE, Stats};

/// What an entry takes beside its key and its value, reckoned generously, so that a client cannot
/// fill the memory with empty entries.
const OVERHEAD: u64 = 128;

/// How much the store holds.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The longest value, in bytes.
    pub max_value: u64,
    /// The memory that all entries may take together. The least recently used make room.
    pub capacity: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { max_value: MAX_VALUE, capacity: 1 << 30 }
    }
}

/// An entry as it is kept. Copying it copies no bytes of the value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its key.
    pub key: Arc<str>,
    /// Higher than that of every change before.
    pub version: u64,
    /// Its value.
    pub value: Arc<[u8]>,
    /// When it was stored, where that is known.
    pub modified: Option<SystemTime>,
}

impl Record {
    fn cost(&self) -> u64 {
        OVERHEAD + self.key.len() as u64 + self.value.len() as u64
    }
}

/// When a change is to be made.
#[derive(Debug, Clone, Copy)]
pub enum Condition {
    /// Whatever is there.
    Always,
    /// If the key does not exist.
    Absent,
    /// If the key exists.
    Present,
    /// If the key exists, at this version.
    At(u64),
}

impl Condition {
    /// What the optional argument of an interface means.
    pub fn at(version: Option<u64>) -> Condition {
        version.map_or(Condition::Always, Condition::At)
    }
}

/// What is to become of a key.
#[derive(Debug)]
pub enum Edit<'a> {
    /// It gets a value.
    Put(&'a [u8]),
    /// It goes.
    Delete,
}

/// What an edit does to the entries.
#[derive(Debug)]
pub struct Change {
    /// The key that was to go.
    deleted: Option<Arc<str>>,
    /// Those that make room, which nobody asked for.
    evicted: Vec<Arc<str>>,
    stored: Option<Record>,
    /// The entry's new version, or the highest there is when no entry got one.
    pub version: u64,
}

impl Change {
    /// Whether it does anything at all.
    pub fn is_empty(&self) -> bool {
        self.removed().next().is_none() && self.stored.is_none()
    }

    fn removed(&self) -> impl Iterator<Item = &Arc<str>> {
        self.deleted.iter().chain(&self.evicted)
    }
}

/// All entries, and when they were used.
#[derive(Debug, Default)]
pub struct Contents {
    entries: HashMap<Arc<str>, (Record, Use)>,
    /// Keys by when they were last used: the first is the next to go.
    by_use: BTreeMap<Use, Arc<str>>,
    cost: u64,
    last_version: u64,
    last_use: Use,
    evicted: u64,
    touched: u64,
}

/// A moment: uses are counted, since clocks may stand still or go back.
type Use = u64;

impl Contents {
    /// What was saved. Uses are not, so entries count as used in the order of their versions.
    pub fn restore(mut records: Vec<Record>, last_version: u64) -> Contents {
        let mut contents = Contents { last_version, ..Contents::default() };
        records.sort_by_key(|record| record.version);
        records.into_iter().for_each(|record| contents.insert(record));
        contents
    }

    /// The entry of `key`, which counts as a use.
    pub fn get(&mut self, key: &str) -> Result<Record, KvError> {
        let moment = self.next_use();
        let (record, used) = self.entries.get_mut(key).ok_or(KvError::NotFound)?;
        if let Some(key) = self.by_use.remove(used) {
            self.by_use.insert(moment, key);
        }
        *used = moment;
        Ok(record.clone())
    }

    /// Counts as a use of `key`. A key that does not exist is none of anybody's business.
    pub fn touch(&mut self, key: &str) {
        if self.get(key).is_ok() {
            self.touched += 1;
        }
    }

    /// What `edit` would do to `key`.
    ///
    /// # Errors
    ///
    /// When the condition does not hold, or the value is too large.
    pub fn plan(
        &self,
        key: &str,
        edit: &Edit<'_>,
        condition: Condition,
        limits: &Limits,
    ) -> Result<Change, KvError> {
        let current = self.entries.get(key).map(|(record, _)| record.version);
        match (condition, current) {
            (Condition::Always, _) | (Condition::Absent, None) | (Condition::Present, Some(_)) => {}
            (Condition::At(wanted), Some(current)) if wanted == current => {}
            (Condition::Absent | Condition::At(_), Some(current)) => {
                return Err(KvError::Conflict { current });
            }
            (Condition::Present | Condition::At(_), None) => return Err(KvError::NotFound),
        }
        match edit {
            Edit::Put(value) => self.plan_put(key, value, limits),
            Edit::Delete => {
                let deleted = self.entries.get_key_value(key).map(|(key, _)| key.clone());
                let (evicted, version) = (Vec::new(), self.last_version);
                Ok(Change { deleted, evicted, stored: None, version })
            }
        }
    }

    fn plan_put(&self, key: &str, value: &[u8], limits: &Limits) -> Result<Change, KvError> {
        let spare = limits.capacity.saturating_sub(OVERHEAD + key.len() as u64);
        let limit = limits.max_value.min(spare);
        if value.len() as u64 > limit {
            return Err(KvError::TooLarge { limit });
        }
        let version = self.last_version + 1;
        let modified = Some(SystemTime::now());
        let stored = Record { key: key.into(), version, value: value.into(), modified };
        let replaced = self.entries.get(key).map_or(0, |(record, _)| record.cost());
        let mut cost = self.cost - replaced + stored.cost();
        let mut evicted = Vec::new();
        let mut oldest = self.by_use.values().filter(|other| ***other != *key);
        while cost > limits.capacity {
            let Some(key) = oldest.next() else { break };
            cost -= self.entries.get(key).map_or(0, |(record, _)| record.cost());
            evicted.push(key.clone());
        }
        Ok(Change { deleted: None, evicted, stored: Some(stored), version })
    }

    /// What there would be after `change`.
    pub fn after(&self, change: &Change) -> Vec<Record> {
        let gone = |key: &str| {
            let replaced = change.stored.iter().map(|record| &record.key);
            change.removed().chain(replaced).any(|other| **other == *key)
        };
        let kept = self.entries.values().map(|(record, _)| record);
        let kept = kept.filter(|record| !gone(&record.key));
        kept.chain(&change.stored).cloned().collect()
    }

    /// Makes `change`, which was planned of these contents. Returns the keys that made room.
    pub fn apply(&mut self, change: Change) -> Vec<Arc<str>> {
        change.removed().for_each(|key| self.remove(key));
        self.last_version = change.version;
        self.evicted += change.evicted.len() as u64;
        if let Some(record) = change.stored {
            self.remove(&record.key);
            self.insert(record);
        }
        change.evicted
    }

    /// The first `most` entries by key that begin with `prefix` and come after `after`. Looking
    /// through them is no use of them.
    pub fn scan(&self, prefix: &str, after: Option<&str>, most: usize) -> Vec<Entry> {
        let is_wanted =
            |key: &str| key.starts_with(prefix) && after.is_none_or(|after| key > after);
        let wanted = self.entries.values().map(|(record, _)| record);
        let mut wanted: Vec<&Record> = wanted.filter(|record| is_wanted(&record.key)).collect();
        wanted.sort_unstable_by_key(|record| &record.key);
        wanted.truncate(most);
        let entry = |record: &Record| {
            let bytes = record.value.len() as u64;
            let mut entry = Entry::new(record.key.to_string(), record.version, bytes);
            entry.modified = record.modified;
            entry
        };
        wanted.into_iter().map(entry).collect()
    }

    /// Counts of this moment.
    pub fn stats(&self) -> Stats {
        let keys = self.entries.len() as u64;
        Stats {
            keys,
            bytes: self.cost - keys * OVERHEAD,
            version: self.last_version,
            evicted: self.evicted,
            touched: self.touched,
        }
    }

    fn insert(&mut self, record: Record) {
        let moment = self.next_use();
        self.cost += record.cost();
        self.by_use.insert(moment, record.key.clone());
        self.entries.insert(record.key.clone(), (record, moment));
    }

    fn remove(&mut self, key: &str) {
        if let Some((record, used)) = self.entries.remove(key) {
            self.cost -= record.cost();
            self.by_use.remove(&used);
        }
    }

    fn next_use(&mut self) -> Use {
        self.last_use += 1;
        self.last_use
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(contents: &mut Contents, key: &str, value: &[u8], limits: &Limits) -> u64 {
        let change = contents.plan(key, &Edit::Put(value), Condition::Always, limits).unwrap();
        let version = change.version;
        contents.apply(change);
        version
    }

    #[test]
    fn versions_never_come_back() {
        let (mut contents, limits) = (Contents::default(), Limits::default());
        assert_eq!(put(&mut contents, "a", b"1", &limits), 1);
        assert_eq!(put(&mut contents, "a", b"2", &limits), 2);
        let gone = contents.plan("a", &Edit::Delete, Condition::At(2), &limits).unwrap();
        contents.apply(gone);
        assert_eq!(put(&mut contents, "a", b"3", &limits), 3);
        assert_eq!(contents.get("a").unwrap().version, 3);
    }

    #[test]
    fn a_condition_that_does_not_hold_says_what_is_there() {
        let (mut contents, limits) = (Contents::default(), Limits::default());
        put(&mut contents, "a", b"1", &limits);
        let refused = |key, condition| {
            contents.plan(key, &Edit::Put(b""), condition, &limits).map(|_| ()).unwrap_err()
        };
        assert_eq!(refused("a", Condition::At(7)), KvError::Conflict { current: 1 });
        assert_eq!(refused("a", Condition::Absent), KvError::Conflict { current: 1 });
        assert_eq!(refused("b", Condition::At(1)), KvError::NotFound);
    }

    #[test]
    fn the_least_recently_used_make_room() {
        let limits = Limits { capacity: 2 * (OVERHEAD + 11), max_value: 100 };
        let mut contents = Contents::default();
        put(&mut contents, "a", &[0; 10], &limits);
        put(&mut contents, "b", &[0; 10], &limits);
        contents.touch("a");
        let change = contents.plan("c", &Edit::Put(&[0; 10]), Condition::Always, &limits);
        assert_eq!(contents.apply(change.unwrap()), ["b".into()], "who made room");
        assert_eq!(contents.get("b"), Err(KvError::NotFound));
        assert!(contents.get("a").is_ok() && contents.get("c").is_ok());
        let Stats { keys, bytes, evicted, touched, .. } = contents.stats();
        assert_eq!((keys, bytes, evicted, touched), (2, 22, 1, 1));
    }

    #[test]
    fn a_value_that_replaces_another_needs_no_room_for_both() {
        let limits = Limits { capacity: OVERHEAD + 11, max_value: 100 };
        let mut contents = Contents::default();
        put(&mut contents, "a", &[0; 10], &limits);
        put(&mut contents, "a", &[1; 10], &limits);
        assert_eq!(contents.stats().evicted, 0);
        let refused = contents.plan("a", &Edit::Put(&[0; 11]), Condition::Always, &limits);
        assert_eq!(refused.map(|_| ()), Err(KvError::TooLarge { limit: 10 }));
    }

    #[test]
    fn what_is_saved_is_what_there_will_be() {
        let limits = Limits { capacity: 2 * (OVERHEAD + 2), max_value: 100 };
        let mut contents = Contents::default();
        for key in ["a", "b"] {
            put(&mut contents, key, b"x", &limits);
        }
        let change = contents.plan("c", &Edit::Put(b"y"), Condition::Always, &limits).unwrap();
        let saved = contents.after(&change);
        contents.apply(change);
        let mut restored = Contents::restore(saved, 3);
        for key in ["a", "b", "c"] {
            assert_eq!(restored.get(key), contents.get(key), "{key}");
        }
        assert_eq!(restored.stats().version, 3);
    }
}
