//! The items of one answer.
//!
//! ```text
//! u8 mark             1: the stream ends with this answer; 2: it has an item that is to be fetched
//! entry ..
//! ```
//!
//! An entry is what it is (a byte), how many handles and how many objects of the message are its own,
//! and its bytes with their length; those of a long item are the answer's bulk result instead, and of one
//! that is to be fetched there is the length alone. Each
//! item has numbers of its own for what it refers to, so that items can be written before it is known
//! which answer they go with.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use serde::Serialize;

use super::Want;
use crate::decode::ValueReader;
use crate::encode;
use crate::error::Fault;
use crate::object::Reference;
use crate::outgoing::Outgoing;
use crate::scope::Luggage;
use crate::wire::{self, encoded};

/// An item of this length or more is a bulk result by itself: it would only be copied once more.
const LONG: usize = 16 << 10;
/// What stands before the bytes of an item, at most.
pub(super) const HEAD: usize = 1 + 5 + 5 + 10;
/// Objects that one message may refer to.
const MOST_OBJECTS: usize = u16::MAX as usize;

/// What an entry is.
mod entry {
    pub(super) const ITEM: u8 = 1;
    pub(super) const LONG_ITEM: u8 = 2;
    pub(super) const FINISHED: u8 = 3;
    pub(super) const ERROR: u8 = 4;
    pub(super) const FAULT: u8 = 5;
    pub(super) const APART: u8 = 6;
}

/// What an answer begins with.
mod mark {
    pub(super) const MORE: u8 = 0;
    pub(super) const LAST: u8 = 1;
    pub(super) const FETCH: u8 = 2;
}

/// An item, or an error, that has been written.
pub(super) struct Written {
    pub(super) bytes: Vec<u8>,
    pub(super) outgoing: Outgoing,
}

impl Written {
    pub(super) fn new() -> Written {
        Written { bytes: Vec::new(), outgoing: Outgoing::new() }
    }
}

/// What has no room in an answer.
pub(super) struct NoRoom(pub(super) Written);

/// An answer that is being put together.
pub(super) struct Batch {
    want: Want,
    most_handles: usize,
    items: u32,
    pub(super) body: Vec<u8>,
    pub(super) long: Option<Vec<u8>>,
    /// The item that is to be fetched.
    pub(super) apart: Option<Vec<u8>>,
    pub(super) outgoing: Outgoing,
}

impl Batch {
    /// An answer to a question, on a channel whose messages carry so many handles.
    pub(super) fn new(want: Want, most_handles: usize) -> Batch {
        let outgoing = Outgoing::new();
        let body = vec![mark::MORE];
        Batch { want, most_handles, items: 0, body, long: None, apart: None, outgoing }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items == 0
    }

    /// Whether nothing more goes in. There is always room for one item.
    pub(super) fn is_full(&self) -> bool {
        let has_long = self.long.is_some() || self.apart.is_some();
        let is_long = has_long || self.body.len() >= self.most_bytes();
        !self.is_empty() && (is_long || self.items >= self.want.items)
    }

    fn most_bytes(&self) -> usize {
        usize::try_from(self.want.bytes).unwrap_or(usize::MAX)
    }

    /// Adds an item, if there is room for it. Into an empty answer any goes: what it is too much for
    /// is found out when it is sent.
    pub(super) fn push(&mut self, item: Written) -> Result<(), NoRoom> {
        let refers = &self.outgoing;
        let len = self.body.len() + HEAD + item.bytes.len();
        let is_long = item.bytes.len() >= LONG || (self.is_empty() && len > self.most_bytes());
        let has_room = !self.is_full()
            && (is_long || len <= self.most_bytes())
            && refers.handles.len() + item.outgoing.handles.len() <= self.most_handles
            && refers.objects.len() + item.outgoing.objects.len() <= MOST_OBJECTS;
        if !has_room && !self.is_empty() {
            return Err(NoRoom(item));
        }
        self.items += 1;
        let is_apart = is_long && self.want.leaves(item.bytes.len());
        let kind = match is_long {
            _ if is_apart => entry::APART,
            true => entry::LONG_ITEM,
            false => entry::ITEM,
        };
        self.add(kind, &item.outgoing, (!is_long).then_some(&item.bytes));
        self.outgoing.handles.extend(item.outgoing.handles);
        self.outgoing.objects.extend(item.outgoing.objects);
        if is_apart {
            self.mark(mark::FETCH);
            put(&mut self.body, &(item.bytes.len() as u64));
            self.apart = Some(item.bytes);
        } else if is_long {
            self.long = Some(item.bytes);
        }
        Ok(())
    }

    /// Says that the stream is over.
    pub(super) fn finish(&mut self) {
        self.end(entry::FINISHED, Written::new());
    }

    /// Says that the stream is over with the interface's own error.
    pub(super) fn fail(&mut self, error: Written) {
        self.end(entry::ERROR, error);
    }

    /// Says that something was wrong with the stream.
    pub(super) fn fault(&mut self, fault: &Fault) {
        let mut bytes = fault.code().to_le_bytes().to_vec();
        bytes.extend_from_slice(fault.text().as_bytes());
        self.end(entry::FAULT, Written { bytes, outgoing: Outgoing::new() });
    }

    fn end(&mut self, kind: u8, last: Written) {
        self.mark(mark::LAST);
        self.add(kind, &last.outgoing, Some(&last.bytes));
        self.outgoing.handles.extend(last.outgoing.handles);
        self.outgoing.objects.extend(last.outgoing.objects);
    }

    fn mark(&mut self, what: u8) {
        if let Some(mark) = self.body.first_mut() {
            *mark = what;
        }
    }

    fn add(&mut self, kind: u8, refers: &Outgoing, bytes: Option<&Vec<u8>>) {
        put(&mut self.body, &kind);
        put(&mut self.body, &(refers.handles.len() as u64, refers.objects.len() as u64));
        if let Some(bytes) = bytes {
            put(&mut self.body, &encoded::<wire::Bytes, _>(bytes));
        }
    }
}

/// Numbers and bytes can always be written.
fn put<T: Serialize>(body: &mut Vec<u8>, value: &T) {
    let _always = encode::to_vec_in(value, body);
}

/// An answer that has come, and is read an entry at a time.
pub(super) struct Arrived {
    body: Vec<u8>,
    read: usize,
    long: Option<Vec<u8>>,
    /// Items that may still come.
    credit: u32,
    /// Whether the stream ends with it.
    pub(super) is_last: bool,
    /// Whether it has an item that is to be fetched before anything else is asked.
    pub(super) has_apart: bool,
    handles: VecDeque<Option<OwnedFd>>,
    objects: VecDeque<Option<Reference>>,
}

/// One entry of an answer.
pub(super) enum Entry<'b> {
    Item(Bytes<'b>, Luggage),
    Finished,
    Error(Bytes<'b>, Luggage),
    Fault(Fault),
}

/// The bytes of an entry.
pub(super) enum Bytes<'b> {
    Here(&'b [u8]),
    Apart(Vec<u8>),
}

impl Bytes<'_> {
    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Bytes::Here(bytes) => bytes,
            Bytes::Apart(bytes) => bytes,
        }
    }
}

/// What is wrong with an answer.
type Wrong = &'static str;

impl Arrived {
    /// Takes an answer to `want` in, if it is no more than that asked for.
    pub(super) fn open(
        want: Want,
        body: Vec<u8>,
        long: Option<Vec<u8>>,
        luggage: Luggage,
    ) -> Result<Arrived, Wrong> {
        let (is_last, has_apart) = match body.first() {
            Some(&mark::MORE) => (false, false),
            Some(&mark::LAST) => (true, false),
            Some(&mark::FETCH) if want.apart.is_some() => (false, true),
            _ => return Err("an answer with items does not begin as one"),
        };
        // An end may stand behind the items: an error of the interface's, of whatever length.
        let most = usize::try_from(want.bytes).unwrap_or(usize::MAX).saturating_add(HEAD);
        if !is_last && body.len() > most {
            return Err("more bytes came than were asked for");
        }
        let (handles, objects) = (luggage.handles.into(), luggage.objects.into());
        let (read, credit) = (1, want.items);
        Ok(Arrived { body, read, long, credit, is_last, has_apart, handles, objects })
    }

    /// How many bytes came.
    #[cfg(feature = "fuzz")]
    pub(super) fn len(&self) -> usize {
        self.body.len() + self.long.as_ref().map_or(0, Vec::len)
    }

    /// Whether all of it was read, and more is to be asked for.
    pub(super) fn is_read(&self) -> bool {
        !self.is_last && self.read >= self.body.len()
    }

    /// How long the next item is, if it is to be [brought](Arrived::bring) first.
    pub(super) fn awaits(&self) -> Option<u64> {
        if !self.has_apart || self.long.is_some() {
            return None;
        }
        let mut values = ValueReader::new(self.body.get(self.read..)?);
        let (kind, _handles, _objects): (u8, u64, u64) = values.value("item").ok()?;
        (kind == entry::APART).then_some(())?;
        values.value("its length").ok()
    }

    /// Brings what [was awaited](Arrived::awaits).
    pub(super) fn bring(&mut self, item: Vec<u8>) {
        self.long = Some(item);
    }

    /// The next entry; `None` at the end of the answer.
    pub(super) fn next(&mut self) -> Result<Option<Entry<'_>>, Wrong> {
        let rest = self.body.get(self.read..).unwrap_or(&[]);
        if rest.is_empty() {
            return if self.is_last { Err("a stream ends without an end") } else { Ok(None) };
        }
        let broken = |_| "an answer with items is cut off";
        let mut values = ValueReader::new(rest);
        let (kind, handles, objects): (u8, u64, u64) = values.value("item").map_err(broken)?;
        let luggage = Luggage {
            handles: split(&mut self.handles, handles)?,
            objects: split(&mut self.objects, objects)?,
        };
        let bytes = match kind {
            entry::LONG_ITEM | entry::APART => {
                if kind == entry::APART {
                    let _len: u64 = values.value("its length").map_err(broken)?;
                }
                Bytes::Apart(self.long.take().ok_or("a long item did not come along")?)
            }
            _ => Bytes::Here(values.value::<&[u8]>("item").map_err(broken)?),
        };
        self.read += rest.len() - values.rest().len();
        match kind {
            entry::ITEM | entry::LONG_ITEM | entry::APART => {
                self.credit =
                    self.credit.checked_sub(1).ok_or("more items came than were asked for")?;
                Ok(Some(Entry::Item(bytes, luggage)))
            }
            _ if !self.is_last => Err("a stream ends where it does not"),
            entry::FINISHED => Ok(Some(Entry::Finished)),
            entry::ERROR => Ok(Some(Entry::Error(bytes, luggage))),
            entry::FAULT => {
                let (code, text) =
                    bytes.as_slice().split_first_chunk().ok_or("a fault has no code")?;
                let text = String::from_utf8_lossy(text);
                Ok(Some(Entry::Fault(Fault::from_wire(u16::from_le_bytes(*code), &text))))
            }
            _ => Err("an entry of a stream is of an unknown kind"),
        }
    }
}

/// The first so many of what came along.
fn split<T>(from: &mut VecDeque<Option<T>>, count: u64) -> Result<Vec<Option<T>>, Wrong> {
    let count = usize::try_from(count).ok().filter(|count| *count <= from.len());
    let count = count.ok_or("an item refers to what did not come along")?;
    Ok(from.drain(..count).collect())
}

#[cfg(test)]
mod tests;
