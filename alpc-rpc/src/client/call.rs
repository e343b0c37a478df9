//! One call on the client: arguments in, a reply out.

use std::convert::Infallible;
use std::os::fd::BorrowedFd;
use std::sync::atomic::AtomicBool;

use alpc_transport::{
    CallFailure, Deadline, Element, ErrorKind, Part, Received, Response, Way, element,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::leaving::{Answer, Leaving, Numbers};
use super::{ClientCore, ClientReply, callbacks};
use crate::descriptor::MethodDesc;
use crate::encode;
use crate::error::{CallError, TransportError};
use crate::object::Reference;
use crate::outgoing::{Handed, Outgoing, Sealed};
use crate::status;
use crate::stream::{Format, Items};
use crate::view::{Argument, BytesArg};

/// A call that is being put together.
pub struct ClientCall<'a> {
    pub(super) core: &'a ClientCore,
    pub(super) method: &'static MethodDesc,
    pub(super) deadline: Deadline,
    pub(super) body: Vec<u8>,
    pub(super) parts: Vec<Part<'a>>,
    /// Sizes of the elements of the buffers that the server fills.
    pub(super) elements: Vec<usize>,
    /// Lengths of the bulk arguments that stand in the body.
    pub(super) small: Vec<u64>,
    /// The way that the next bulk argument shall take.
    pub(super) wish: Option<Way>,
    pub(super) outgoing: Outgoing<Handed<'a>>,
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

    /// The next argument: the items of a stream, which the server asks for.
    pub fn stream<T: Send + 'static, E: Send + 'static>(
        &mut self,
        items: Items<T, E>,
        format: Format<T, E>,
    ) {
        push_number(&mut self.body, self.outgoing.objects.len());
        self.outgoing.objects.push(items.into_reference(format));
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
        self.answer()?.read()
    }

    /// Sends a call of a method that has no error of its own, and waits for its answer.
    ///
    /// # Errors
    ///
    /// What went wrong.
    pub fn invoke_infallible(self) -> Result<ClientReply, TransportError> {
        self.answer()?.read_infallible()
    }

    pub(super) fn answer(self) -> Result<Answer, TransportError> {
        let core = self.core;
        if let Some(line) = &core.line {
            return self.answer_along(line);
        }
        self.ensure_callbacks()?;
        let mut leaving = self.leave()?;
        let response = core.make(leaving.pieces().request());
        leaving.answered(response)
    }

    /// Sends a call that has no answer. Returns when it is queued.
    ///
    /// # Errors
    ///
    /// When it cannot be sent.
    pub fn send(self) -> Result<(), CallError<Infallible>> {
        let core = self.core;
        if let Some(line) = &core.line {
            return self.send_along(line);
        }
        let port = core.port();
        self.ensure_callbacks()?;
        let mut leaving = self.leave_unanswered()?;
        let mut pieces = leaving.pieces();
        let sent = match core.rings_later {
            true => port.send_later(pieces.request()),
            false => port.send(pieces.request()),
        };
        Ok(leaving.sent(sent)?)
    }

    /// Sees that the server can call what it is given.
    fn ensure_callbacks(&self) -> Result<(), TransportError> {
        if self.gives_away()? { callbacks::ensure(self.core, self.deadline) } else { Ok(()) }
    }

    /// Whether the call, which the two ends agree on, gives the server something to call.
    pub(super) fn gives_away(&self) -> Result<bool, TransportError> {
        let link = self.core.target.link();
        link.agreement().may_call(self.method)?;
        Ok(link.would_give_away(&self.outgoing.objects))
    }

    /// Says behind the arguments which object the call is for, and which it refers to.
    pub(super) fn leave(mut self) -> Result<Leaving<'a>, TransportError> {
        let target = &self.core.target;
        let link = target.link();
        link.flush(target.port());
        let sealed = self.outgoing.seal(link, target.object(), &mut self.body);
        let sealed = sealed.map_err(|error| failed(CallFailure { error, may_have_run: false }))?;
        let Sealed { tag, numbered } = sealed;
        let ClientCall { core, method, deadline, body, parts, elements, small, outgoing, .. } =
            self;
        let numbers = Numbers { link, numbered, told: AtomicBool::new(false) };
        Ok(Leaving { core, method, deadline, body, parts, elements, small, outgoing, tag, numbers })
    }

    /// As [`leave`](ClientCall::leave), for a call that has no answer.
    pub(super) fn leave_unanswered(self) -> Result<Leaving<'a>, TransportError> {
        let must = if self.method.must_understand { status::MUST_UNDERSTAND } else { 0 };
        let leaving = self.leave()?;
        Ok(Leaving { tag: leaving.tag | must, ..leaving })
    }
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

/// Appends the number of an object in its message's table.
pub(crate) fn push_number(body: &mut Vec<u8>, index: usize) {
    // A number can always be written.
    let _always = encode::to_vec_in(&(index as u64), body);
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
    parts: Vec<Part<'p>>,
    send: impl FnOnce(u16, &[u8], &mut [Part<'p>]) -> R,
) -> R {
    let (tag, body, mut parts) = place_body(body, parts);
    send(tag, body, &mut parts)
}

/// Leaves the body in the message, or makes it the first bulk argument if it is too long for that. The
/// tag says which.
pub(super) fn place_body<'p>(
    body: &'p [u8],
    mut parts: Vec<Part<'p>>,
) -> (u16, &'p [u8], Vec<Part<'p>>) {
    if body.len() <= status::MAX_BODY {
        return (0, body, parts);
    }
    parts.insert(0, Part::In(body));
    (status::LONG_BODY, &[], parts)
}

/// The body of an answer that was too long for the message.
pub(crate) fn take_long_body(response: &mut Response) -> Option<Vec<u8>> {
    if response.tag & u64::from(status::LONG_BODY) == 0 {
        return None;
    }
    match response.take_result()? {
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
        ErrorKind::TooDeep { max } => TransportError::TooDeep { max: *max },
        ErrorKind::TooLarge { .. } => {
            TransportError::TooLong { what: error.to_string(), may_have_run }
        }
        _ => TransportError::System { error, may_have_run },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::ValueReader;

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
