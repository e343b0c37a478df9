//! What a call comes back with.
//!
//! Most answers are a few bytes, and are handed on several times before somebody reads them. So what only
//! some of them carry is apart: a response without it is short.

use std::ops::{Deref, Range};
use std::os::fd::OwnedFd;

use super::Received;
use crate::bulk::Travelled;
use crate::message::{Record, RecordHeader};

/// What a call came back with. What it carries besides its body is read through it: see [`Carried`].
#[derive(Debug)]
pub struct Response {
    /// 0, or the code of what went wrong, whose meaning is up to the layer above.
    pub status: u16,
    /// What the server said about the form of the body.
    pub tag: u64,
    bytes: Vec<u8>,
    /// Where the body lies in `bytes`: from here, so long.
    start: u32,
    len: u32,
    carried: Option<Box<Carried>>,
}

/// What a [`Response`] carries besides its body, and most do not.
#[derive(Debug, Default)]
pub struct Carried {
    /// Of each [`Part::Out`](super::Part::Out) and [`Part::InOut`](super::Part::InOut) in order, the bytes
    /// that the server wrote.
    pub written: Vec<usize>,
    /// The bulk results, in order.
    pub results: Vec<Received>,
    /// How each bulk argument travelled: first those that went out, then those that came back.
    pub travelled: Vec<Travelled>,
    /// The handles that came along, in the server's order. Nothing is known of them yet: see
    /// [`handle::check`](crate::handle::check).
    pub handles: Vec<OwnedFd>,
}

static NOTHING: Carried = Carried {
    written: Vec::new(),
    results: Vec::new(),
    travelled: Vec::new(),
    handles: Vec::new(),
};

impl Response {
    /// A response without bulk results or handles.
    #[inline]
    pub(super) fn plain(record: Record, travelled: Vec<Travelled>) -> Response {
        let carried =
            (!travelled.is_empty()).then(|| Box::new(Carried { travelled, ..Carried::default() }));
        let header = record.header;
        Response::new(&header, record.into_bytes(), carried)
    }

    pub(super) fn carrying(header: &RecordHeader, bytes: Vec<u8>, carried: Carried) -> Response {
        Response::new(header, bytes, Some(Box::new(carried)))
    }

    #[inline]
    fn new(header: &RecordHeader, bytes: Vec<u8>, carried: Option<Box<Carried>>) -> Response {
        let Range { start, .. } = header.body_range();
        // Attributes are fewer than a message is long, and that is less than 4 GiB.
        let (start, len) = (u32::try_from(start).unwrap_or(u32::MAX), header.body);
        Response { status: header.status, tag: header.method, bytes, start, len, carried }
    }

    /// The small results, encoded.
    #[inline]
    pub fn body(&self) -> &[u8] {
        let start = self.start as usize;
        self.bytes.get(start..start + self.len as usize).unwrap_or(&[])
    }

    /// Takes the first of the bulk results that are left.
    pub fn take_result(&mut self) -> Option<Received> {
        let results = &mut self.carried.as_mut()?.results;
        (!results.is_empty()).then(|| results.remove(0))
    }

    /// Takes the bulk results out.
    pub fn take_results(&mut self) -> Vec<Received> {
        self.take(|carried| &mut carried.results)
    }

    /// Takes the handles out. What is left of them is closed with the response.
    pub fn take_handles(&mut self) -> Vec<OwnedFd> {
        self.take(|carried| &mut carried.handles)
    }

    /// Takes out how the bulk arguments travelled.
    pub fn take_travelled(&mut self) -> Vec<Travelled> {
        self.take(|carried| &mut carried.travelled)
    }

    fn take<T>(&mut self, of: impl FnOnce(&mut Carried) -> &mut Vec<T>) -> Vec<T> {
        self.carried.as_mut().map_or(Vec::new(), |carried| std::mem::take(of(carried)))
    }
}

impl Deref for Response {
    type Target = Carried;

    fn deref(&self) -> &Carried {
        self.carried.as_deref().unwrap_or(&NOTHING)
    }
}
