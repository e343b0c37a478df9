//! Items that are so long that they are put where they are to be.
//!
//! An answer with items goes as a result does: in its message, or by a section. An item for which direct
//! access is the way, by its length, is left with whoever makes it, and the answer says how long it is.
//! Then whoever takes it lends memory of that length to one call, which brings it there; so it is copied
//! once. Only a thread that waits can lend its memory: for a task, the item goes by a section.

use std::future::Future;
use std::num::NonZeroU64;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use alpc_transport::{
    Accelerator, CallFailure, Deadline, DirectAvailability, Error, ErrorKind, Part, Received,
    Request, Response, Travelled,
};

use super::taking::{Source, broken_off, malformed};
use crate::error::{Fault, TransportError};
use crate::framework;
use crate::object::{Target, seal};
use crate::status;

/// A call of a task.
pub(super) type Calling = Pin<Box<dyn Future<Output = Result<Response, CallFailure>> + Send>>;

/// How items are fetched.
#[derive(Default)]
pub(super) struct Fetching {
    /// Until when the thread that takes items waits. `None`: it is a task.
    lends_until: Option<Deadline>,
    /// What a task has begun to fetch.
    call: Option<Calling>,
    /// How the last item that was fetched travelled.
    pub(super) travelled: Option<Travelled>,
}

impl Fetching {
    /// Says that a thread waits that can lend memory. From which length on items are to be fetched.
    pub(super) fn begin_to_lend(
        &mut self,
        target: &Arc<Target>,
        deadline: Deadline,
    ) -> Option<NonZeroU64> {
        self.lends_until = Some(deadline);
        let port = target.port();
        let limits = port.limits();
        // Without shared memory nothing is lent.
        let lends =
            port.direct() == DirectAvailability::Available && limits.accelerator == Accelerator::On;
        lends.then(|| NonZeroU64::MIN.saturating_add(limits.view_limit as u64))
    }

    #[cfg(feature = "async")]
    pub(super) fn end_lending(&mut self) {
        self.lends_until = None;
    }
}

impl Source {
    /// Fetches the next item, which is so long.
    pub(super) fn poll_fetch(
        &mut self,
        len: u64,
        context: &mut Context<'_>,
        method: &'static str,
    ) -> Poll<Result<Vec<u8>, TransportError>> {
        if let Some(deadline) = self.fetching.lends_until
            && self.fetching.call.is_none()
        {
            return Poll::Ready(self.fetch_into(len, deadline, method));
        }
        if self.fetching.call.is_none() {
            let (body, port) = (self.fetch_body(), self.target.port().clone());
            let call = async move { port.call_async(fetch(&body, &mut [], Deadline::NEVER)).await };
            self.fetching.call = Some(Box::pin(call));
        }
        let Some(call) = &mut self.fetching.call else { return Poll::Pending };
        let Poll::Ready(response) = call.as_mut().poll(context) else { return Poll::Pending };
        self.fetching.call = None;
        let mut response = match response.map_err(broken_off).and_then(|it| checked(it, method)) {
            Ok(response) => response,
            Err(error) => return Poll::Ready(Err(error)),
        };
        self.fetching.travelled = response.travelled.first().copied();
        Poll::Ready(result(&mut response).filter(|item| item.len() as u64 == len).ok_or_else(wrong))
    }

    /// Fetches it into memory that is lent meanwhile.
    fn fetch_into(
        &mut self,
        len: u64,
        deadline: Deadline,
        method: &'static str,
    ) -> Result<Vec<u8>, TransportError> {
        let port = self.target.port();
        let max = port.limits().max_argument_len;
        let room = usize::try_from(len).ok().filter(|len| *len <= max);
        let what = "memory for an item of a stream";
        let exhausted = || {
            let error = Error::new(ErrorKind::Exhausted { what }, "fetch an item of a stream");
            broken_off(CallFailure { error, may_have_run: true })
        };
        let room = room.ok_or_else(|| malformed("an item is longer than an argument may be"))?;
        let mut item = Vec::new();
        item.try_reserve_exact(room).map_err(|_full| exhausted())?;
        item.resize(room, 0);
        let body = self.fetch_body();
        let response = port.call(fetch(&body, &mut [Part::Out(&mut item)], deadline));
        let mut response = checked(response.map_err(broken_off)?, method)?;
        self.fetching.travelled = response.travelled.first().copied();
        if response.written == [room] {
            return Ok(item);
        }
        result(&mut response).filter(|item| item.len() == room).ok_or_else(wrong)
    }

    fn fetch_body(&self) -> Vec<u8> {
        let mut body = Vec::new();
        let sealed = seal(&mut body, self.target.object(), &[]);
        debug_assert_eq!(sealed, Some(true), "a stream is never the root");
        body
    }
}

fn fetch<'a, 'p>(body: &'a [u8], parts: &'a mut [Part<'p>], deadline: Deadline) -> Request<'a, 'p> {
    Request { method: framework::FETCH, tag: status::ENVELOPE, body, parts, handles: &[], deadline }
}

fn checked(response: Response, method: &'static str) -> Result<Response, TransportError> {
    match response.status {
        0 => Ok(response),
        status::GIVEN_UP => Err(TransportError::Cancelled { may_have_run: true }),
        code => {
            let fault = Fault::from_wire(code, &String::from_utf8_lossy(response.body()));
            Err(TransportError::from_fault(fault, method))
        }
    }
}

fn result(response: &mut Response) -> Option<Vec<u8>> {
    match response.take_result()? {
        Received::Private(bytes) => Some(bytes),
        Received::Frozen(blob) => Some(blob.bytes().to_vec()),
        Received::View(view) => Some(view.to_vec()),
        // There are no others.
        _ => None,
    }
}

fn wrong() -> TransportError {
    malformed("an item that was fetched is not as long as it was said to be")
}
