//! The short messages of a batch, which go out some at a time.
//!
//! They are put together in private memory, and copied into the ring as a whole. If that has no room for
//! all of them, or others have used up what may be outstanding, each goes by itself and waits as a single
//! call or datagram does: that way is slow, and no message is lost or comes out of order.

use std::collections::VecDeque;
use std::ops::Range;

use super::{Batch, CallFailure, Stage};
use crate::chain::away;
use crate::channel::{Bell, Posted, Shown};
use crate::message::{Deadline, MessageId, MessageKind, RecordHeader};
use crate::port::communication::call::Call;
use crate::port::communication::{Request, now};
use crate::queue::{SHORT, Staged};
use crate::waiting::{BatchSlot, InBatch};

/// Numbers of messages that are taken together.
const NUMBERS: u64 = 32;

/// Whether a message may go out with others.
#[inline]
pub(super) fn is_short(request: &Request<'_, '_>) -> bool {
    request.is_plain() && request.body.len() <= SHORT
}

/// Messages of one kind that have not gone out yet.
#[derive(Default)]
pub(super) struct Together {
    staged: Staged,
    /// The calls among them, or none of them is one.
    calls: Vec<(MessageId, BatchSlot)>,
    /// Numbers that no message has had.
    numbers: Range<u64>,
    /// What has kept a datagram from being sent.
    failure: Option<CallFailure>,
}

impl Together {
    pub(super) fn is_empty(&self) -> bool {
        self.staged.is_empty()
    }

    /// Whether they are to go out.
    #[inline]
    pub(super) fn is_enough(&self) -> bool {
        self.staged.is_enough()
    }

    pub(super) fn take_failure(&mut self) -> Result<(), CallFailure> {
        self.failure.take().map_or(Ok(()), Err)
    }

    fn kind(&self) -> MessageKind {
        if self.calls.is_empty() { MessageKind::Datagram } else { MessageKind::Request }
    }

    fn clear(&mut self) {
        self.staged.clear();
        self.calls.clear();
    }
}

impl Batch<'_> {
    /// Puts a short message with those that have not gone out yet: a call of the place `at`, or else a
    /// datagram.
    #[inline]
    pub(super) fn put_together(
        &mut self,
        request: &Request<'_, '_>,
        at: Option<BatchSlot>,
    ) -> Result<MessageId, CallFailure> {
        let kind = if at.is_some() { MessageKind::Request } else { MessageKind::Datagram };
        if !self.together.is_empty() && self.together.kind() != kind {
            self.send_together(Shown::AtOnce);
        }
        let number = self.together.numbers.next().unwrap_or_else(|| {
            let mut numbers = self.end.channel.next_ids(NUMBERS);
            let first = numbers.next().unwrap_or(0);
            self.together.numbers = numbers;
            first
        });
        let id = MessageId(number);
        let header = self.end.plain_header(kind, id, request)?;
        self.together.staged.push(&header, request.body);
        self.together.calls.extend(at.map(|at| (id, at)));
        Ok(id)
    }

    /// Has everything go out that has not yet. What goes wrong with a call is its result then, and with a
    /// datagram it is kept.
    pub(super) fn send_together(&mut self, shown: Shown) {
        if self.together.is_empty() {
            return;
        }
        let kind = self.together.kind();
        let are_sent = match kind {
            MessageKind::Request => self.send_calls(shown),
            _ => self.post_together(kind, shown),
        };
        if are_sent {
            for (_, at) in &self.together.calls {
                if let Some(Some(submitted)) = self.calls.get_mut(at.slot) {
                    submitted.stage = Stage::Sent;
                }
            }
        } else {
            self.send_one_by_one();
        }
        self.together.clear();
    }

    /// Sends the calls if there is a credit for each, and room. `false`: nobody has heard of them.
    fn send_calls(&self, shown: Shown) -> bool {
        let (calls, waiting) = (&self.together.calls, &self.end.waiting);
        if !waiting.register_batch(calls, self.end.channel.limits.outstanding_requests) {
            return false;
        }
        let are_sent = self.post_together(MessageKind::Request, shown);
        if !are_sent {
            calls.iter().for_each(|(id, _)| waiting.forget(*id));
        }
        are_sent
    }

    /// An error of the channel is met by each message when it is sent by itself.
    fn post_together(&self, kind: MessageKind, shown: Shown) -> bool {
        let posted = self.end.channel.post_staged(kind, &self.together.staged, shown);
        matches!(posted, Ok(Posted::Published))
    }

    #[cold]
    fn send_one_by_one(&mut self) {
        let mut calls: VecDeque<_> = std::mem::take(&mut self.together.calls).into();
        let staged = std::mem::take(&mut self.together.staged);
        for (header, body) in staged.messages() {
            match calls.pop_front() {
                Some((_, at)) => self.send_call(at, &header, body),
                None => {
                    let sent = self.end.send_later(&request(&header, body));
                    self.together.failure = self.together.failure.take().or(sent.err());
                }
            }
        }
    }

    fn send_call(&mut self, at: BatchSlot, header: &RecordHeader, body: &[u8]) {
        let request = request(header, body);
        let mut call = Call::new(self.end, &request, |_| InBatch(at), Bell::Held);
        let submitted = away(|| now(call.submit(&request)));
        let Some(Some(place)) = self.calls.get_mut(at.slot) else { return };
        match submitted {
            Ok(travelled) => {
                place.id = call.id;
                place.stage = Stage::Alone(Box::new((call, travelled, None)));
            }
            Err(failure) => self.unsent.push_back((at.slot, failure)),
        }
    }

    /// Calls that nobody has heard of are over.
    pub(super) fn forget_held(&mut self) {
        if self.together.kind() == MessageKind::Request {
            self.together.clear();
        }
        for slot in 0..self.calls.len() {
            let held = |it: &mut super::Submitted<'_>| matches!(it.stage, Stage::Held);
            if self.calls.get_mut(slot).is_some_and(|place| place.take_if(held).is_some()) {
                self.vacate(slot);
            }
        }
    }
}

/// The request of a message, which is nothing but its body.
fn request<'a>(header: &RecordHeader, body: &'a [u8]) -> Request<'a, 'static> {
    let deadline = Deadline::from_wire(header.deadline);
    let (method, tag) = (header.method, header.status);
    Request { method, tag, body, parts: &mut [], deadline, handles: &[] }
}
