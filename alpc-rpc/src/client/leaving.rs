//! A call whose arguments are complete: what goes to the transport, and what comes of it.
//!
//! Whether a thread waits for the answer or a task is the transport's affair. All else about a call is
//! here once.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::AtomicBool;

use alpc_transport::{CallFailure, Deadline, Part, Request, Response, Travelled};
use serde::de::DeserializeOwned;

use super::call::{failed, place_body, take_long_body};
use super::{ClientCore, ClientReply};
use crate::decode::ValueReader;
use crate::descriptor::MethodDesc;
use crate::error::{CallError, Fault, TransportError};
use crate::object::{Link, Numbered, open};
use crate::outgoing::{Handed, Outgoing};
use crate::scope::{self, Luggage};
use crate::status;

/// A call whose arguments are complete, and whose objects have numbers.
pub(super) struct Leaving<'a> {
    pub(super) core: &'a ClientCore,
    pub(super) method: &'static MethodDesc,
    pub(super) deadline: Deadline,
    pub(super) body: Vec<u8>,
    pub(super) parts: Vec<Part<'a>>,
    /// Sizes of the elements of the buffers that the server fills.
    pub(super) elements: Vec<usize>,
    /// Lengths of the bulk arguments that stand in the body.
    pub(super) small: Vec<u64>,
    pub(super) outgoing: Outgoing<Handed<'a>>,
    /// What is said of the message in its tag.
    pub(super) tag: u16,
    pub(super) numbers: Numbers<'a>,
}

/// The numbers that a message's objects have got. They are taken back, unless the server was told.
pub(super) struct Numbers<'a> {
    pub(super) link: &'a Link,
    pub(super) numbered: Vec<Numbered>,
    pub(super) told: AtomicBool,
}

impl Drop for Numbers<'_> {
    fn drop(&mut self) {
        if !*self.told.get_mut() {
            self.link.take_back(&self.numbered);
        }
    }
}

impl Numbers<'_> {
    fn set_told(&mut self, told: bool) {
        *self.told.get_mut() = told;
    }
}

/// What of a call goes to the transport.
pub(super) struct Pieces<'p> {
    request: (u64, u16, Deadline),
    body: &'p [u8],
    parts: Vec<Part<'p>>,
    handles: Vec<BorrowedFd<'p>>,
    /// To be set as soon as the server may hear of the call.
    #[cfg_attr(
        not(feature = "async"),
        expect(dead_code, reason = "threads see calls to their end")
    )]
    pub(super) told: &'p AtomicBool,
}

impl<'p> Pieces<'p> {
    pub(super) fn request(&mut self) -> Request<'_, 'p> {
        let (method, tag, deadline) = self.request;
        let (body, parts, handles) = (self.body, self.parts.as_mut_slice(), &*self.handles);
        Request { method, tag, body, parts, deadline, handles }
    }
}

impl Leaving<'_> {
    pub(super) fn pieces(&mut self) -> Pieces<'_> {
        let parts = std::mem::take(&mut self.parts);
        let (tag, body, parts) = place_body(&self.body, parts);
        Pieces {
            request: (self.method.ordinal, self.tag | tag, self.deadline),
            body,
            parts,
            handles: self.outgoing.handles.iter().map(AsFd::as_fd).collect(),
            told: &self.numbers.told,
        }
    }

    /// What the server has answered.
    pub(super) fn answered(
        self,
        response: Result<Response, CallFailure>,
    ) -> Result<Answer, TransportError> {
        let Leaving { core, method, elements, small, outgoing, mut numbers, .. } = self;
        numbers.set_told(!matches!(&response, Err(failure) if !failure.may_have_run));
        let mut response = response.map_err(failed)?;
        // The objects that the call referred to have been taken up by now.
        drop(outgoing);
        core.observe(&small, response.take_travelled());
        let handles = response.take_handles();
        let long_body = take_long_body(&mut response);
        let body = long_body.as_deref().unwrap_or(response.body());
        let has_envelope = response.tag & u64::from(status::ENVELOPE) != 0;
        let malformed =
            |what: &str| TransportError::Malformed { what: what.to_owned(), may_have_run: true };
        let (values, envelope) =
            open(body, has_envelope).ok_or_else(|| malformed("the answer's envelope is broken"))?;
        let link = core.target.link();
        let mut luggage = link.resolve(&envelope, false).map_err(malformed)?;
        luggage.handles = handles.into_iter().map(Some).collect();
        match response.status {
            0 => {
                let end = values.len();
                let reply = ClientReply::new(response, long_body, end, &elements, luggage);
                Ok(Answer::Results(reply.of(method, core.timeout(method.timeout))))
            }
            status::APPLICATION_ERROR => Ok(Answer::Error(values.to_vec(), luggage)),
            status::GIVEN_UP => {
                numbers.set_told(false);
                Err(TransportError::Cancelled { may_have_run: false })
            }
            code => {
                let fault = Fault::from_wire(code, &String::from_utf8_lossy(body));
                // If no handler has run, none has what was given away.
                numbers.set_told(fault.may_have_run());
                Err(TransportError::from_fault(fault, method.name))
            }
        }
    }

    /// What has become of a call that has no answer.
    pub(super) fn sent(
        self,
        sent: Result<Vec<Travelled>, CallFailure>,
    ) -> Result<(), TransportError> {
        let Leaving { core, small, outgoing, mut numbers, .. } = self;
        numbers.set_told(!matches!(&sent, Err(failure) if !failure.may_have_run));
        let travelled = sent.map_err(failed)?;
        core.target.count_unanswered();
        core.target.link().count_unanswered(&outgoing.objects);
        core.observe(&small, travelled);
        Ok(())
    }
}

/// What a server said.
pub(super) enum Answer {
    Results(ClientReply),
    /// The interface's own error, encoded.
    Error(Vec<u8>, Luggage),
}

impl Answer {
    /// The results, or the interface's own error.
    pub(super) fn read<E: DeserializeOwned>(self) -> Result<ClientReply, CallError<E>> {
        match self {
            Answer::Results(reply) => Ok(reply),
            Answer::Error(body, mut luggage) => {
                let mut reader = ValueReader::new(&body);
                let error = scope::receiving(&mut luggage, || reader.value("the error"))?;
                Err(CallError::App(error))
            }
        }
    }

    /// The results of a method that has no error of its own.
    pub(super) fn read_infallible(self) -> Result<ClientReply, TransportError> {
        match self {
            Answer::Results(reply) => Ok(reply),
            Answer::Error(..) => {
                let what = "an error of the interface's, which has none".to_owned();
                Err(TransportError::Malformed { what, may_have_run: true })
            }
        }
    }
}
