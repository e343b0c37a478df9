//! The answer to a call, taken apart in the order of the interface.

use std::os::fd::OwnedFd;
use std::time::Duration;

use alpc_transport::{Element, Received, Response, element};
use serde::de::DeserializeOwned;

use crate::bound::BoundExceeded;
use crate::decode::ValueReader;
use crate::descriptor::MethodDesc;
use crate::error::TransportError;
use crate::handle::{Handle, Kind};
use crate::object::Reference;
use crate::scope::{self, Luggage};
use crate::status::place;
use crate::stream::{Format, Stream};
use crate::view::View;
use crate::wire::{Decoded, Optional};

/// The results of a call.
pub struct ClientReply {
    response: Response,
    long_body: Option<Vec<u8>>,
    /// How much of the body has been read.
    read: usize,
    /// Where its values end.
    end: usize,
    luggage: Luggage,
    /// The method that answered, and how long it was waited for; `None`: for as long as it takes.
    method: &'static str,
    patience: Option<Duration>,
    written: std::vec::IntoIter<usize>,
    results: std::vec::IntoIter<Received>,
}

/// A bulk result, wherever it stood.
enum Bulk {
    Here(Vec<u8>),
    Apart(Received),
}

impl ClientReply {
    pub(super) fn new(
        mut response: Response,
        long_body: Option<Vec<u8>>,
        end: usize,
        elements: &[usize],
        luggage: Luggage,
    ) -> Self {
        let written = response.written.iter().zip(elements);
        let written: Vec<usize> = written.map(|(bytes, size)| bytes / size.max(&1)).collect();
        let results = response.take_results().into_iter();
        let written = written.into_iter();
        let (read, method, patience) = (0, "", None);
        ClientReply { response, long_body, read, end, luggage, method, patience, written, results }
    }

    /// The answer of `method`, which was waited for for so long.
    pub(super) fn of(self, method: &'static MethodDesc, patience: Option<Duration>) -> Self {
        ClientReply { method: method.name, patience, ..self }
    }

    fn body(&self) -> &[u8] {
        let body = self.long_body.as_deref().unwrap_or(self.response.body());
        body.get(self.read..self.end).unwrap_or(&[])
    }

    /// How many elements the server wrote into the next buffer.
    ///
    /// # Errors
    ///
    /// When the server did not say.
    pub fn written(&mut self) -> Result<usize, TransportError> {
        self.written.next().ok_or_else(|| malformed("the server left out a buffer"))
    }

    /// Whether nothing is left: an older server did not send the results that follow.
    pub fn is_empty(&self) -> bool {
        self.body().is_empty()
    }

    /// The next result.
    ///
    /// # Errors
    ///
    /// When it is not what the interface says.
    pub fn value<T: DeserializeOwned>(&mut self) -> Result<T, TransportError> {
        let mut luggage = std::mem::take(&mut self.luggage);
        let body = self.body();
        let mut reader = ValueReader::new(body);
        let value = scope::receiving(&mut luggage, || reader.value("the result"));
        self.read += body.len() - reader.rest().len();
        self.luggage = luggage;
        match value {
            Ok(value) => Ok(value),
            Err(error) => Err(error.into()),
        }
    }

    /// The next result: a handle of kind `K`, with the rights of which `RIGHTS` are the bits.
    ///
    /// # Errors
    ///
    /// When none came along, or another one.
    pub fn handle<K: Kind, const RIGHTS: u8>(&mut self) -> Result<OwnedFd, TransportError> {
        Ok(self.value::<Decoded<Handle<K, RIGHTS>, OwnedFd>>()?.value)
    }

    /// The next result: a handle or none.
    ///
    /// # Errors
    ///
    /// As [`handle`](ClientReply::handle).
    pub fn optional_handle<K: Kind, const RIGHTS: u8>(
        &mut self,
    ) -> Result<Option<OwnedFd>, TransportError> {
        Ok(self.value::<Decoded<Optional<Handle<K, RIGHTS>>, Option<OwnedFd>>>()?.value)
    }

    /// The next result: a stream, each of whose items is waited for as the answer was.
    ///
    /// # Errors
    ///
    /// When none came along.
    pub fn stream<T, E>(&mut self, format: Format<T, E>) -> Result<Stream<T, E>, TransportError> {
        let number = self.value()?;
        match self.luggage.take_object(number).map_err(malformed)? {
            Reference::Theirs(target) => {
                Ok(Stream::new(target, format, self.patience, self.method))
            }
            Reference::Own(_) => Err(malformed("a stream is one of the caller's own objects")),
        }
    }

    /// Takes the handles that came along, whatever the values say of them.
    pub(crate) fn take_handles(self) -> Vec<OwnedFd> {
        self.luggage.handles.into_iter().flatten().collect()
    }

    /// Takes the first object that came along, whatever the values say of it.
    pub(crate) fn take_object(&mut self) -> Result<Reference, TransportError> {
        self.luggage.take_object(0).map_err(malformed)
    }

    /// The next result: `bytes`.
    ///
    /// # Errors
    ///
    /// When it is not what the interface says.
    pub fn bytes(&mut self) -> Result<Vec<u8>, TransportError> {
        Ok(match self.bulk()? {
            Bulk::Here(bytes) | Bulk::Apart(Received::Private(bytes)) => bytes,
            Bulk::Apart(Received::Frozen(blob)) => blob.bytes().to_vec(),
            Bulk::Apart(Received::View(view)) => view.to_vec(),
            Bulk::Apart(_) => return Err(malformed("a bulk result of an unknown kind")),
        })
    }

    /// The next result: a `string`.
    ///
    /// # Errors
    ///
    /// When it is not what the interface says.
    pub fn text(&mut self) -> Result<String, TransportError> {
        String::from_utf8(self.bytes()?).map_err(|_| malformed("a string is not UTF-8"))
    }

    /// The next result: a raw list.
    ///
    /// # Errors
    ///
    /// When it is not what the interface says.
    pub fn raw<T: Element>(&mut self) -> Result<Vec<T>, TransportError> {
        let bytes = self.bytes()?;
        if !bytes.len().is_multiple_of(size_of::<T>()) {
            return Err(malformed("a raw list ends inside an element"));
        }
        Ok(element::vec_from_bytes(&bytes))
    }

    /// The next result: a view.
    ///
    /// # Errors
    ///
    /// When it is not what the interface says.
    pub fn view(&mut self) -> Result<View, TransportError> {
        match self.bulk()? {
            Bulk::Here(bytes) => Ok(View::new(alpc_transport::Bytes::Vec(bytes))),
            Bulk::Apart(received) => View::received(received)
                .ok_or_else(|| malformed("a bulk result of an unknown kind")),
        }
    }

    fn bulk(&mut self) -> Result<Bulk, TransportError> {
        match self.value::<u8>()? {
            place::HERE => {
                let body = self.body();
                let mut reader = ValueReader::new(body);
                let bytes = reader.value::<&[u8]>("the result")?.to_vec();
                self.read += body.len() - reader.rest().len();
                Ok(Bulk::Here(bytes))
            }
            place::APART => {
                let next = self.results.next();
                next.map(Bulk::Apart).ok_or_else(|| malformed("a bulk result was left out"))
            }
            _ => Err(malformed("a bulk result in a place that does not exist")),
        }
    }

    /// Checks bounds of results: a result that breaks one is no answer.
    ///
    /// # Errors
    ///
    /// When `bounds` finds one broken. The handler has run by then, which an exceeded bound by itself
    /// does not know.
    pub fn check(
        &self,
        bounds: impl FnOnce() -> Result<(), BoundExceeded>,
    ) -> Result<(), TransportError> {
        bounds().map_err(|exceeded| TransportError::from(exceeded).in_reply())
    }

    /// Ends the reply. What is left over is a newer server's.
    ///
    /// # Errors
    ///
    /// None in this version.
    pub fn finish(self) -> Result<(), TransportError> {
        Ok(())
    }
}

impl std::fmt::Debug for ClientReply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientReply").field("rest", &self.body().len()).finish_non_exhaustive()
    }
}

fn malformed(what: &str) -> TransportError {
    TransportError::Malformed { what: what.to_owned(), may_have_run: true }
}
