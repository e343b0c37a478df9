//! What a handler answers, on its way into a reply.

use std::os::fd::OwnedFd;

use alpc_transport::{Bytes, Element, Reply as Answer, Way, element};
use serde::Serialize;

use super::{InOutBuf, OutBuf, Sent};
use crate::client::{push_index, push_number, push_small};
use crate::error::Fault;
use crate::object::{Link, ROOT};
use crate::outgoing::Outgoing;
use crate::status::{self, place};
use crate::stream::{Format, Items};
use crate::view::Blob;

/// The results of a call, written in the order of the interface: buffers first.
pub struct Reply<'m> {
    limit: usize,
    body: Vec<u8>,
    outs: Vec<Bytes>,
    results: Vec<Bytes>,
    /// The way that the next buffer or bulk result shall take.
    wish: Option<Way>,
    /// Of the buffers and results so far; none for those beyond its end.
    wishes: Vec<Option<Way>>,
    outgoing: Outgoing,
    link: &'m Link,
    sent: &'m mut Option<Sent>,
}

impl<'m> Reply<'m> {
    /// An answer that holds nothing yet, for a caller that takes as much as `limit` bytes. What comes of
    /// it is put into `sent`.
    pub(super) fn new(limit: usize, link: &'m Link, sent: &'m mut Option<Sent>) -> Self {
        Reply {
            limit,
            body: Vec::with_capacity(64),
            outs: Vec::new(),
            results: Vec::new(),
            wish: None,
            wishes: Vec::new(),
            outgoing: Outgoing::new(),
            link,
            sent,
        }
    }

    /// The next buffer or bulk result is to go this way, whatever its size, if it can. What lies in a
    /// section already stays there.
    pub fn via(&mut self, way: Way) {
        self.wish = Some(way);
    }

    /// Notes the wish, if there is one, for what is about to be added. Buffers come before results.
    fn note_wish(&mut self) {
        if let Some(way) = self.wish.take() {
            self.wishes.resize(self.outs.len() + self.results.len(), None);
            self.wishes.push(Some(way));
        }
    }

    /// The next buffer that the handler filled.
    pub fn out<T: Element>(&mut self, buffer: OutBuf<'_, T>) {
        self.note_wish();
        self.outs.push(buffer.into_bytes());
    }

    /// The next buffer that the handler changed.
    pub fn in_out<T: Element>(&mut self, buffer: InOutBuf<'_, T>) {
        self.note_wish();
        self.outs.push(buffer.into_bytes());
    }

    /// The next result.
    ///
    /// # Errors
    ///
    /// When it breaks a bound of the interface, or is too long.
    pub fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        Ok(self.outgoing.encode(value, &mut self.body, self.limit)?)
    }

    /// The next result: a handle, which the caller gets.
    pub fn handle(&mut self, handle: OwnedFd) {
        push_index(&mut self.body, self.outgoing.handles.len());
        self.outgoing.handles.push(handle);
    }

    /// The next result: a handle or none.
    pub fn optional_handle(&mut self, handle: Option<OwnedFd>) {
        self.body.push(u8::from(handle.is_some()));
        if let Some(handle) = handle {
            self.handle(handle);
        }
    }

    /// The next result: `bytes`.
    pub fn bytes(&mut self, value: Vec<u8>) {
        if value.len() <= status::SMALL && self.wish.is_none_or(|way| way == Way::Copy) {
            self.wish = None;
            self.body.push(place::HERE);
            push_small(&mut self.body, &value);
        } else {
            self.apart(Bytes::Vec(value));
        }
    }

    /// The next result: a `string`.
    pub fn text(&mut self, value: String) {
        self.bytes(value.into_bytes());
    }

    /// The next result: a raw list.
    #[expect(clippy::needless_pass_by_value, reason = "results are handed over, as all others are")]
    pub fn raw<T: Element>(&mut self, value: Vec<T>) {
        self.bytes(element::as_bytes(&value).to_vec());
    }

    /// The next result: the items of a stream, which the caller asks for.
    pub fn stream<T, E>(&mut self, items: Items<T, E>, format: Format<T, E>)
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        push_number(&mut self.body, self.outgoing.objects.len());
        self.outgoing.objects.push(items.into_reference(format));
    }

    /// The next result: a view of frozen bytes.
    pub fn blob(&mut self, value: Blob) {
        self.apart(value.into_bytes());
    }

    fn apart(&mut self, bytes: Bytes) {
        self.body.push(place::APART);
        self.note_wish();
        self.results.push(bytes);
    }

    /// Answers with the interface's own error instead.
    ///
    /// # Errors
    ///
    /// When the error cannot be encoded, or the caller holds as many objects as it may.
    pub fn error<E: Serialize>(mut self, error: &E) -> Result<(), Fault> {
        self.body.clear();
        self.outgoing = Outgoing::new();
        self.outs.clear();
        self.results.clear();
        self.wishes.clear();
        self.value(error)?;
        self.finish(status::APPLICATION_ERROR)
    }

    /// Answers with what was written.
    ///
    /// # Errors
    ///
    /// When the caller holds as many objects as it may.
    pub fn send(self) -> Result<(), Fault> {
        self.finish(0)
    }

    fn finish(self, status: u16) -> Result<(), Fault> {
        let Reply { mut body, outs, results, wishes, outgoing, link, sent, .. } = self;
        let sealed = outgoing.seal(link, ROOT, &mut body);
        let sealed = sealed.map_err(|error| Fault::BadReply { what: error.to_string() })?;
        let Outgoing { handles, objects: references } = outgoing;
        let tag = u64::from(sealed.tag);
        let answer = Answer { status, tag, body, outs, results, wishes, handles };
        let numbered = sealed.numbered;
        *sent = Some(Sent { answer: with_long_body(answer), references, numbered });
        Ok(())
    }
}

/// Moves a body that is too long for a message among the bulk results.
pub(crate) fn with_long_body(mut answer: Answer) -> Answer {
    if answer.body.len() > status::MAX_BODY {
        let body = std::mem::take(&mut answer.body);
        if answer.wishes.len() > answer.outs.len() {
            answer.wishes.insert(answer.outs.len(), None);
        }
        answer.results.insert(0, Bytes::Vec(body));
        answer.tag |= u64::from(status::LONG_BODY);
    }
    answer
}

impl std::fmt::Debug for Reply<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply").field("body", &self.body.len()).finish_non_exhaustive()
    }
}
