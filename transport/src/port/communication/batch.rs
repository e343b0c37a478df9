//! Batches: calls and datagrams that go out with one store and one bell, and replies that are taken in
//! the order in which they come.
//!
//! What makes a call dear is not the copying of 64 bytes, but that somebody is told of it and somebody
//! waits for it. A batch tells once for everything that was put into it since it was last sent, and its
//! one thread waits for whichever reply is next. So one thread can have as many calls under way as the
//! two ends agreed on, with nobody parked and nothing allocated for each.

use std::collections::VecDeque;

use super::call::{Answered, Call};
use super::plain::is_plain;
use super::{CallFailure, ClientEnd, Part, Request, Response, now};
use crate::bulk::{Travelled, discard_streams};
use crate::chain::{Caller, away};
use crate::channel::Bell;
use crate::error::{Error, ErrorKind, Result};
use crate::message::{Deadline, Record};
use crate::waiting::{BatchSlot, Blocking, InBatch, Interest};

/// Calls and datagrams that go out together, and whose replies are taken in any order.
///
/// What is put into a batch is sent by [`flush`](Batch::flush), by
/// [`next_reply`](Batch::next_reply), when the queue is full, with the next message that anybody sends
/// through the same port, and at the latest when the batch is dropped. The server is rung once for all
/// of it, if it sleeps.
///
/// With a batch one thread keeps a *window* of calls under way:
///
/// ```no_run
/// # use alpc_transport::{CommunicationPort, Deadline, Request};
/// # fn sum(port: &CommunicationPort, items: &[[u8; 64]], deadline: Deadline) {
/// let mut batch = port.batch();
/// for item in items {
///     if batch.outstanding() == 32 {
///         let (ticket, response) = batch.next_reply().expect("32 are outstanding");
///         println!("{}: {:?}", ticket.index(), response);
///     }
///     let request =
///         Request { method: 1, tag: 0, body: item, parts: &mut [], deadline, handles: &[] };
///     batch.submit(request).expect("the server is there");
/// }
/// while let Some((ticket, response)) = batch.next_reply() {
///     println!("{}: {:?}", ticket.index(), response);
/// }
/// # }
/// ```
///
/// Dropping a batch sends what it holds, and cancels the calls whose replies were not taken.
pub struct Batch<'p> {
    end: &'p ClientEnd,
    number: usize,
    calls: Vec<Option<Submitted<'p>>>,
    free: Vec<usize>,
    outstanding: usize,
    submitted: u64,
    /// Replies that have come, and whose they are.
    answered: VecDeque<(usize, Record)>,
    /// Not after the first deadline of a call that is outstanding.
    alarm: Deadline,
    /// Nothing comes any more.
    failed: Option<Error>,
}

/// Names a call of a [`Batch`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(u64);

impl Ticket {
    /// The how-manieth call of its batch it is; the first one is 0.
    pub fn index(self) -> u64 {
        self.0
    }
}

struct Submitted<'p> {
    ticket: Ticket,
    call: Call<'p, InBatch>,
    travelled: Vec<Travelled>,
}

impl<'p> Batch<'p> {
    pub(super) fn new(end: &'p ClientEnd) -> Batch<'p> {
        Batch {
            end,
            number: end.waiting.open_batch(),
            calls: Vec::new(),
            free: Vec::new(),
            outstanding: 0,
            submitted: 0,
            answered: VecDeque::new(),
            alarm: Deadline::NEVER,
            failed: None,
        }
    }

    /// Calls whose replies were not taken yet.
    pub fn outstanding(&self) -> usize {
        self.outstanding
    }

    /// Puts a call into the batch. Its reply comes by [`next_reply`](Batch::next_reply).
    ///
    /// The request is not looked at after this returns, so it can have no room for an answer: bulk
    /// results come as [`Response::results`], and nothing is lent to the server.
    ///
    /// Blocks, until the request's deadline, where a single call would before it is sent: when other
    /// threads' calls have used up what may be outstanding, when the queue is full, and while bulk data
    /// that does not fit the message is on its way.
    ///
    /// # Errors
    ///
    /// As [`CommunicationPort::call`](super::CommunicationPort::call) before it waits for the reply. And
    /// when this batch alone has as many calls outstanding as may be: replies are to be taken first.
    pub fn submit(&mut self, request: Request<'_, '_>) -> std::result::Result<Ticket, CallFailure> {
        self.check(&request).map_err(CallFailure::before)?;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.calls.push(None);
            self.calls.len() - 1
        });
        let waits = InBatch(BatchSlot { batch: self.number, slot });
        let (call, travelled) = match self.send_request(&request, waits) {
            Ok(sent) => sent,
            Err(failure) => {
                self.free.push(slot);
                return Err(failure);
            }
        };
        let ticket = Ticket(self.submitted);
        self.submitted += 1;
        self.outstanding += 1;
        self.alarm = self.alarm.min(request.deadline);
        if let Some(place) = self.calls.get_mut(slot) {
            *place = Some(Submitted { ticket, call, travelled });
        }
        Ok(ticket)
    }

    #[inline]
    fn send_request(
        &self,
        request: &Request<'_, '_>,
        waits: InBatch,
    ) -> std::result::Result<(Call<'p, InBatch>, Vec<Travelled>), CallFailure> {
        let end = self.end;
        let caller = Caller::current();
        if let Caller::Anybody = caller
            && let Some(call) = end.call_now(request, waits)?
        {
            return Ok((call, Vec::new()));
        }
        let descent = end.within(caller.descent()).map_err(CallFailure::before)?;
        let call = Call::new(end, request, |_| waits, Bell::Held);
        let mut call = call.descends_from(descent);
        let travelled = away(|| now(call.submit(request)))?;
        Ok((call, travelled))
    }

    fn check(&self, request: &Request<'_, '_>) -> Result<()> {
        let doing = "put a call into a batch";
        if request.parts.iter().any(Part::has_room) {
            let reason = "its request is not kept, so it can have no room for an answer".to_owned();
            return Err(Error::new(ErrorKind::Invalid { reason }, doing));
        }
        if self.outstanding >= self.end.channel.limits.outstanding_requests {
            let what = "the requests that may be outstanding: take replies of the batch first";
            return Err(Error::new(ErrorKind::Exhausted { what }, doing));
        }
        Ok(())
    }

    /// Puts a datagram into the batch.
    ///
    /// Blocks, until the request's deadline, when the queue is full.
    ///
    /// # Errors
    ///
    /// As [`CommunicationPort::send`](super::CommunicationPort::send).
    pub fn send(
        &mut self,
        request: Request<'_, '_>,
    ) -> std::result::Result<Vec<Travelled>, CallFailure> {
        self.end.send_later(&request)
    }

    /// Sends what the batch holds, and waits until it is queued. That takes no time where the two ends
    /// share memory.
    ///
    /// # Errors
    ///
    /// When it is not queued before the deadline, or the server is gone.
    pub fn flush(&mut self, deadline: Deadline) -> Result<()> {
        self.end.flush(deadline)
    }

    /// Sends what the batch holds and waits for the next reply, whosever it is. `None`: no call is
    /// outstanding.
    ///
    /// A call that gets none fails here, as a single call does: when its own deadline has passed, or the
    /// server is gone. What the others get is not touched by that.
    pub fn next_reply(&mut self) -> Option<(Ticket, std::result::Result<Response, CallFailure>)> {
        while self.outstanding > 0 {
            if let Some((slot, record)) = self.answered.pop_front() {
                if is_plain(&record)
                    && let Some((ticket, travelled)) = self.end_answered(slot, &record)
                {
                    return Some((ticket, Ok(Response::plain(record, travelled))));
                }
                let Some(answered) = self.take_answered(slot, &record) else {
                    self.refuse(&record);
                    continue;
                };
                let Submitted { ticket, call, travelled } = answered;
                let response = now(call.finish(record, &mut [], travelled));
                return Some((ticket, response.and_then(whole)));
            }
            if let Some(error) = self.failed.clone() {
                return self.fail(|_| true, error);
            }
            match self.wait() {
                Ok(()) => {}
                Err(error) if *error.kind() == ErrorKind::TimedOut => {
                    let expired = self.fail(|call| call.deadline().is_past(), error);
                    self.set_alarm();
                    if expired.is_some() {
                        return expired;
                    }
                }
                Err(error) => self.failed = Some(error),
            }
        }
        None
    }

    fn wait(&mut self) -> Result<()> {
        let ClientEnd { channel, waiting, .. } = self.end;
        channel.show_held();
        let (number, answered) = (self.number, &mut self.answered);
        let mut take = || Ok(waiting.take_batch(number, Blocking, answered).then_some(()));
        let alarm = self.alarm;
        let waited = away(|| waiting.wait(channel, alarm, Interest::Reply, &mut take));
        // What came at the last moment still counts.
        waited.or_else(|error| take()?.ok_or(error))
    }

    /// The call that a reply answers. `None`: it came in the same moment in which its call was given up,
    /// and another call may have the place by now.
    fn take_answered(&mut self, slot: usize, reply: &Record) -> Option<Submitted<'p>> {
        let submitted = self.calls.get(slot)?.as_ref()?;
        if submitted.call.id == reply.header.id { self.take(slot) } else { None }
    }

    /// As [`take_answered`](Batch::take_answered), where nothing is left to be done with the call.
    #[inline]
    fn end_answered(&mut self, slot: usize, reply: &Record) -> Option<(Ticket, Vec<Travelled>)> {
        let place = self.calls.get_mut(slot)?;
        let submitted = place.as_mut().filter(|it| it.call.id == reply.header.id)?;
        let ended = (submitted.ticket, std::mem::take(&mut submitted.travelled));
        submitted.call.set_over();
        *place = None;
        self.vacate(slot);
        Some(ended)
    }

    fn vacate(&mut self, slot: usize) {
        self.free.push(slot);
        self.outstanding -= 1;
        if self.outstanding == 0 {
            self.alarm = Deadline::NEVER;
        }
    }

    /// Has nobody get a reply.
    fn refuse(&self, reply: &Record) {
        let ClientEnd { channel, waiting, .. } = self.end;
        waiting.tell_late(reply);
        // An error of the channel is met by whoever uses it next.
        let _closed = discard_streams(channel, reply);
    }

    fn take(&mut self, slot: usize) -> Option<Submitted<'p>> {
        let taken = self.calls.get_mut(slot)?.take()?;
        self.vacate(slot);
        Some(taken)
    }

    /// Fails the first call that has to. Dropped, it is cancelled.
    fn fail(
        &mut self,
        has_to: impl Fn(&Call<'p, InBatch>) -> bool,
        error: Error,
    ) -> Option<(Ticket, std::result::Result<Response, CallFailure>)> {
        let fails = |call: &Option<Submitted<'p>>| call.as_ref().is_some_and(|it| has_to(&it.call));
        let failed = self.take(self.calls.iter().position(fails)?)?;
        Some((failed.ticket, Err(CallFailure::after(error))))
    }

    fn set_alarm(&mut self) {
        let deadlines = self.calls.iter().flatten().map(|submitted| submitted.call.deadline());
        self.alarm = deadlines.min().unwrap_or(Deadline::NEVER);
    }
}

fn whole(answered: Answered) -> std::result::Result<Response, CallFailure> {
    match answered {
        Answered::Response(response) => Ok(response),
        Answered::NotDirect => {
            // Nothing was lent.
            let what = "the server asks for a way that the call did not take";
            let error = Error::new(ErrorKind::Unsupported { what }, "make a call");
            Err(CallFailure::before(error))
        }
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        let ClientEnd { channel, waiting, .. } = self.end;
        channel.show_held();
        // What has come is late, and only what has not is cancelled.
        waiting.take_batch(self.number, Blocking, &mut self.answered);
        while let Some((slot, record)) = self.answered.pop_front() {
            if let Some(answered) = self.take_answered(slot, &record) {
                answered.call.end();
            }
            self.refuse(&record);
        }
        self.calls.clear();
        // What came meanwhile.
        for (_, record) in waiting.close_batch(self.number) {
            self.refuse(&record);
        }
    }
}

impl std::fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Batch").field("outstanding", &self.outstanding).finish_non_exhaustive()
    }
}
