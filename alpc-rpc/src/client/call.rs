//! One call on the client: arguments in, a reply out.

use std::convert::Infallible;

use alpc_transport::{
    CallFailure, Deadline, Element, ErrorKind, Part, Received, Request, Response, element,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{ClientCore, ClientReply};
use crate::decode::ValueReader;
use crate::descriptor::MethodDesc;
use crate::encode;
use crate::error::{CallError, Fault, TransportError};
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
        }
    }

    /// The next argument.
    ///
    /// # Errors
    ///
    /// When it breaks a bound of the interface, or is too long.
    pub fn arg<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TransportError> {
        let limit = self.core.port.limits().max_argument_len;
        Ok(encode::to_vec_within(value, &mut self.body, limit)?)
    }

    /// The next argument: `bytes`.
    pub fn bytes(&mut self, value: BytesArg<'a>) {
        match value.0 {
            Argument::Slice(bytes) => self.bulk(bytes),
            Argument::Blob(blob) => {
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
        if bytes.len() <= status::SMALL {
            self.body.push(status::place::HERE);
            push_small(&mut self.body, bytes);
            if self.core.observer.is_some() {
                self.small.push(bytes.len() as u64);
            }
        } else {
            self.body.push(status::place::APART);
            self.parts.push(Part::In(bytes));
        }
    }

    /// The next argument: a buffer that the server fills.
    pub fn out<T: Element>(&mut self, buffer: &'a mut [T]) {
        self.elements.push(size_of::<T>());
        self.parts.push(Part::Out(element::as_bytes_mut(buffer)));
    }

    /// The next argument: a buffer that the server gets and may overwrite.
    pub fn in_out<T: Element>(&mut self, buffer: &'a mut [T]) {
        self.elements.push(size_of::<T>());
        self.parts.push(Part::InOut(element::as_bytes_mut(buffer)));
    }

    /// Sends the call and waits for its answer.
    ///
    /// # Errors
    ///
    /// The interface's own error, if the handler answered with it, or what went wrong.
    pub fn invoke<E: DeserializeOwned>(self) -> Result<ClientReply, CallError<E>> {
        match self.answer()? {
            Answer::Results(reply) => Ok(reply),
            Answer::Error(body) => Err(CallError::App(ValueReader::new(&body).value("the error")?)),
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
            Answer::Error(_) => {
                let what = "an error of the interface's, which has none".to_owned();
                Err(TransportError::Malformed { what, may_have_run: true })
            }
        }
    }

    fn answer(self) -> Result<Answer, TransportError> {
        let (core, method) = (self.core, self.method);
        let ClientCall { deadline, body, parts, elements, small, .. } = self;
        let response = send(&body, parts, |tag, body, parts| {
            let request =
                Request { method: method.ordinal, tag, body, parts, deadline, handles: &[] };
            core.port.call(request)
        });
        let mut response = response.map_err(failed)?;
        core.observe(&small, std::mem::take(&mut response.travelled));
        let long_body = take_long_body(&mut response);
        let body = long_body.as_deref().unwrap_or(response.body());
        match response.status {
            0 => Ok(Answer::Results(ClientReply::new(response, long_body, &elements))),
            status::APPLICATION_ERROR => Ok(Answer::Error(body.to_vec())),
            status::GIVEN_UP => Err(TransportError::Cancelled { may_have_run: false }),
            code => {
                let fault = Fault::from_wire(code, &String::from_utf8_lossy(body));
                Err(TransportError::from_fault(fault, method.name))
            }
        }
    }

    /// Sends a call that has no answer. Returns when it is queued.
    ///
    /// # Errors
    ///
    /// When it cannot be sent.
    pub fn send(self) -> Result<(), CallError<Infallible>> {
        let (core, method) = (self.core, self.method);
        let ClientCall { deadline, body, parts, small, .. } = self;
        let sent = send(&body, parts, |tag, body, parts| {
            let request =
                Request { method: method.ordinal, tag, body, parts, deadline, handles: &[] };
            core.port.send(request)
        });
        let travelled = sent.map_err(failed)?;
        core.observe(&small, travelled);
        Ok(())
    }
}

/// What a server said.
#[expect(
    clippy::large_enum_variant,
    reason = "it is taken apart at once; a box would cost each call"
)]
enum Answer {
    Results(ClientReply),
    /// The interface's own error, encoded.
    Error(Vec<u8>),
}

impl std::fmt::Debug for ClientCall<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientCall").field("method", &self.method.name).finish_non_exhaustive()
    }
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
fn send<'p, R>(
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
fn take_long_body(response: &mut Response) -> Option<Vec<u8>> {
    if response.tag != u64::from(status::LONG_BODY) || response.results.is_empty() {
        return None;
    }
    match response.results.remove(0) {
        Received::Private(body) => Some(body),
        _ => None,
    }
}

/// What a failure of the transport means to a caller.
fn failed(failure: CallFailure) -> TransportError {
    let CallFailure { error, may_have_run } = failure;
    match error.kind() {
        ErrorKind::PeerClosed => TransportError::Disconnected { may_have_run },
        ErrorKind::TimedOut => TransportError::TimedOut { may_have_run },
        ErrorKind::TooLarge { .. } => {
            TransportError::TooLong { what: error.to_string(), may_have_run }
        }
        _ => TransportError::System { error, may_have_run },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
