//! One call on the client: arguments in, a reply out.

use std::convert::Infallible;
use std::os::fd::{AsFd, BorrowedFd};

use alpc_transport::{
    CallFailure, Deadline, Element, ErrorKind, Part, Received, Request, Response, Way, element,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{ClientCore, ClientReply, callbacks};
use crate::decode::ValueReader;
use crate::descriptor::MethodDesc;
use crate::error::{CallError, Fault, TransportError};
use crate::object::{Reference, open};
use crate::outgoing::{Handed, Outgoing, Sealed};
use crate::scope::{self, Luggage};
use crate::status;
use crate::view::{Argument, BytesArg};

/// A call that is being put together.
pub struct ClientCall<'a> {
    core: &'a ClientCore,
    method: &'static MethodDesc,
    deadline: Deadline,
    body: Vec<u8>,
    parts: Vec<Part<'a>>,
    /// Sizes of the elements of the buffers that the server fills.
    elements: Vec<usize>,
    /// Lengths of the bulk arguments that stand in the body.
    small: Vec<u64>,
    /// The way that the next bulk argument shall take.
    wish: Option<Way>,
    outgoing: Outgoing<Handed<'a>>,
}

impl<'a> ClientCall<'a> {
    /// Begins a call of `method`. Its deadline begins here, too.
    pub fn new(core: &'a ClientCore, method: &'static MethodDesc) -> Self {
        ClientCall {
            core,
            method,
            deadline: core.deadline(method.timeout),
            body: Vec::with_capacity(64),
            parts: Vec::new(),
            elements: Vec::new(),
            small: Vec::new(),
            wish: None,
            outgoing: Outgoing::new(),
        }
    }

    /// The next bulk argument is to go this way, whatever its size, if it can. What lies in a section
    /// already stays there.
    pub fn via(&mut self, way: Way) {
        self.wish = Some(way);
    }

    /// The next argument.
    ///
    /// # Errors
    ///
    /// When it breaks a bound of the interface, or is too long.
    pub fn arg<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TransportError> {
        let limit = self.core.port().limits().max_argument_len;
        Ok(self.outgoing.encode(value, &mut self.body, limit)?)
    }

    /// The next argument: a handle, which the server gets a duplicate of.
    pub fn handle(&mut self, handle: BorrowedFd<'a>) {
        push_index(&mut self.body, self.outgoing.handles.len());
        self.outgoing.handles.push(Handed::Borrowed(handle));
    }

    /// The next argument: a handle or none.
    pub fn optional_handle(&mut self, handle: Option<BorrowedFd<'a>>) {
        self.body.push(u8::from(handle.is_some()));
        if let Some(handle) = handle {
            self.handle(handle);
        }
    }

    pub(crate) fn set_deadline(&mut self, deadline: Deadline) {
        self.deadline = deadline;
    }

    /// Has the call refer to an object that is not one of its arguments.
    pub(crate) fn refer(&mut self, object: Reference) {
        self.outgoing.objects.push(object);
    }

    /// The next argument: `bytes`.
    pub fn bytes(&mut self, value: BytesArg<'a>) {
        match value.0 {
            Argument::Slice(bytes) => self.bulk(bytes),
            Argument::Blob(blob) => {
                self.wish = None;
                self.body.push(status::place::APART);
                self.parts.push(blob.as_part());
            }
        }
    }

    /// The next argument: a `string`.
    pub fn text(&mut self, value: &'a str) {
        self.bulk(value.as_bytes());
    }

    /// The next argument: a raw list.
    pub fn raw<T: Element>(&mut self, value: &'a [T]) {
        self.bulk(element::as_bytes(value));
    }

    fn bulk(&mut self, bytes: &'a [u8]) {
        let wish = self.wish.take();
        if bytes.len() <= status::SMALL && wish.is_none_or(|way| way == Way::Copy) {
            self.body.push(status::place::HERE);
            push_small(&mut self.body, bytes);
            if self.core.observer.is_some() {
                self.small.push(bytes.len() as u64);
            }
        } else {
            self.body.push(status::place::APART);
            self.parts.push(match wish {
                Some(way) => Part::InVia(way, bytes),
                None => Part::In(bytes),
            });
        }
    }

    /// The next argument: a buffer that the server fills.
    pub fn out<T: Element>(&mut self, buffer: &'a mut [T]) {
        self.elements.push(size_of::<T>());
        let room = element::as_bytes_mut(buffer);
        self.parts.push(match self.wish.take() {
            Some(way) => Part::OutVia(way, room),
            None => Part::Out(room),
        });
    }

    /// The next argument: a buffer that the server gets and may overwrite.
    pub fn in_out<T: Element>(&mut self, buffer: &'a mut [T]) {
        self.elements.push(size_of::<T>());
        let room = element::as_bytes_mut(buffer);
        self.parts.push(match self.wish.take() {
            Some(way) => Part::InOutVia(way, room),
            None => Part::InOut(room),
        });
    }

    /// Sends the call and waits for its answer.
    ///
    /// # Errors
    ///
    /// The interface's own error, if the handler answered with it, or what went wrong.
    pub fn invoke<E: DeserializeOwned>(self) -> Result<ClientReply, CallError<E>> {
        match self.answer()? {
            Answer::Results(reply) => Ok(reply),
            Answer::Error(body, mut luggage) => {
                let mut reader = ValueReader::new(&body);
                let error = scope::receiving(&mut luggage, || reader.value("the error"))?;
                Err(CallError::App(error))
            }
        }
    }

    /// Sends a call of a method that has no error of its own, and waits for its answer.
    ///
    /// # Errors
    ///
    /// What went wrong.
    pub fn invoke_infallible(self) -> Result<ClientReply, TransportError> {
        match self.answer()? {
            Answer::Results(reply) => Ok(reply),
            Answer::Error(..) => {
                let what = "an error of the interface's, which has none".to_owned();
                Err(TransportError::Malformed { what, may_have_run: true })
            }
        }
    }

    fn answer(mut self) -> Result<Answer, TransportError> {
        let sealed = self.seal()?;
        let (core, method, link) = (self.core, self.method, self.core.target.link());
        let ClientCall { deadline, body, parts, elements, small, outgoing, .. } = self;
        let handles: Vec<_> = outgoing.handles.iter().map(AsFd::as_fd).collect();
        let response = send_with_body(&body, parts, |tag, body, parts| {
            let tag = tag | sealed.tag;
            let (method, handles) = (method.ordinal, handles.as_slice());
            let request = Request { method, tag, body, parts, handles, deadline };
            core.make(request)
        });
        let mut response = response.map_err(|failure| {
            if !failure.may_have_run {
                link.take_back(&sealed.numbered);
            }
            failed(failure)
        })?;
        // The objects that the call referred to have been taken up by now.
        drop(outgoing);
        core.observe(&small, std::mem::take(&mut response.travelled));
        let handles = std::mem::take(&mut response.handles);
        let long_body = take_long_body(&mut response);
        let body = long_body.as_deref().unwrap_or(response.body());
        let has_envelope = response.tag & u64::from(status::ENVELOPE) != 0;
        let malformed =
            |what: &str| TransportError::Malformed { what: what.to_owned(), may_have_run: true };
        let (values, envelope) =
            open(body, has_envelope).ok_or_else(|| malformed("the answer's envelope is broken"))?;
        let mut luggage = link.resolve(&envelope, false).map_err(malformed)?;
        luggage.handles = handles.into_iter().map(Some).collect();
        match response.status {
            0 => {
                let end = values.len();
                Ok(Answer::Results(ClientReply::new(response, long_body, end, &elements, luggage)))
            }
            status::APPLICATION_ERROR => Ok(Answer::Error(values.to_vec(), luggage)),
            status::GIVEN_UP => {
                link.take_back(&sealed.numbered);
                Err(TransportError::Cancelled { may_have_run: false })
            }
            code => {
                let fault = Fault::from_wire(code, &String::from_utf8_lossy(body));
                if !fault.may_have_run() {
                    // No handler has what was given away.
                    link.take_back(&sealed.numbered);
                }
                Err(TransportError::from_fault(fault, method.name))
            }
        }
    }

    /// Sends a call that has no answer. Returns when it is queued.
    ///
    /// # Errors
    ///
    /// When it cannot be sent.
    pub fn send(mut self) -> Result<(), CallError<Infallible>> {
        let sealed = self.seal()?;
        let (core, method, link) = (self.core, self.method, self.core.target.link());
        let ClientCall { deadline, body, parts, small, outgoing, .. } = self;
        let must = if method.must_understand { status::MUST_UNDERSTAND } else { 0 };
        let handles: Vec<_> = outgoing.handles.iter().map(AsFd::as_fd).collect();
        let sent = send_with_body(&body, parts, |tag, body, parts| {
            let tag = tag | sealed.tag | must;
            let (method, handles) = (method.ordinal, handles.as_slice());
            let request = Request { method, tag, body, parts, handles, deadline };
            core.port().send(request)
        });
        let travelled = sent.map_err(|failure| {
            if !failure.may_have_run {
                link.take_back(&sealed.numbered);
            }
            failed(failure)
        })?;
        core.target.count_unanswered();
        link.count_unanswered(&outgoing.objects);
        core.observe(&small, travelled);
        Ok(())
    }

    /// Says behind the arguments which object the call is for, and which it refers to.
    fn seal(&mut self) -> Result<Sealed, TransportError> {
        let target = &self.core.target;
        let (link, port) = (target.link(), target.port());
        link.agreement().may_call(self.method)?;
        link.flush(port);
        if link.would_give_away(&self.outgoing.objects) {
            callbacks::ensure(self.core, self.deadline)?;
        }
        let sealed = self.outgoing.seal(link, target.object(), &mut self.body);
        sealed.map_err(|error| failed(CallFailure { error, may_have_run: false }))
    }
}

/// What a server said.
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once, and most are results")]
enum Answer {
    Results(ClientReply),
    /// The interface's own error, encoded.
    Error(Vec<u8>, Luggage),
}

impl std::fmt::Debug for ClientCall<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientCall").field("method", &self.method.name).finish_non_exhaustive()
    }
}

/// Appends the number of a handle in its message's table.
pub(crate) fn push_index(body: &mut Vec<u8>, index: usize) {
    // A transport's message carries a few at most; one that claims more is refused there.
    body.push(u8::try_from(index).unwrap_or(0x7f).min(0x7f));
}

/// Appends a length and bytes, as postcard writes `bytes`.
pub(crate) fn push_small(body: &mut Vec<u8>, bytes: &[u8]) {
    let [low, high, ..] = bytes.len().to_le_bytes();
    // Fourteen bits are enough for what is small.
    debug_assert!(bytes.len() <= status::SMALL);
    if bytes.len() < 0x80 {
        body.push(low);
    } else {
        // The low seven bits with a mark that more follow, then the rest.
        body.push(low | 0x80);
        body.push(high << 1 | low >> 7);
    }
    body.extend_from_slice(bytes);
}

/// Sends with the body in the message, or as the first bulk argument if it is too long for that.
pub(crate) fn send_with_body<'p, R>(
    body: &'p [u8],
    mut parts: Vec<Part<'p>>,
    send: impl FnOnce(u16, &[u8], &mut [Part<'p>]) -> R,
) -> R {
    if body.len() <= status::MAX_BODY {
        return send(0, body, &mut parts);
    }
    let mut all = Vec::with_capacity(parts.len() + 1);
    all.push(Part::In(body));
    all.append(&mut parts);
    send(status::LONG_BODY, &[], &mut all)
}

/// The body of an answer that was too long for the message.
pub(crate) fn take_long_body(response: &mut Response) -> Option<Vec<u8>> {
    if response.tag & u64::from(status::LONG_BODY) == 0 || response.results.is_empty() {
        return None;
    }
    match response.results.remove(0) {
        Received::Private(body) => Some(body),
        _ => None,
    }
}

/// What a failure of the transport means to a caller.
pub(crate) fn failed(failure: CallFailure) -> TransportError {
    let CallFailure { error, may_have_run } = failure;
    match error.kind() {
        ErrorKind::PeerClosed => TransportError::Disconnected { may_have_run },
        ErrorKind::TimedOut => TransportError::TimedOut { may_have_run },
        ErrorKind::Cancelled => TransportError::Cancelled { may_have_run },
        ErrorKind::TooLarge { .. } => {
            TransportError::TooLong { what: error.to_string(), may_have_run }
        }
        _ => TransportError::System { error, may_have_run },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode;

    #[test]
    fn small_bytes_stand_in_the_body_as_postcard_writes_them() {
        for len in [0, 1, 127, 128, 129, 255, 256, 1000, status::SMALL] {
            let bytes = vec![7; len];
            let mut body = Vec::new();
            push_small(&mut body, &bytes);
            assert_eq!(ValueReader::new(&body).value::<&[u8]>("bytes").unwrap(), bytes);
            let mut want = Vec::new();
            encode::to_vec_in(&bytes, &mut want).unwrap();
            assert_eq!(body, want, "{len} bytes");
        }
    }
}
