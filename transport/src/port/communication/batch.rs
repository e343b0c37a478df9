//! Batches: calls and datagrams that go out with one store and one bell, and replies that are taken in
//! the order in which they come.
//!
//! What makes a call dear is not the copying of 64 bytes, but that somebody is told of it and somebody
//! waits for it. A batch tells once for everything that was put into it since it was last sent, and its
//! one thread waits for whichever reply is next. So one thread can have as many calls under way as the
//! two ends agreed on, with nobody parked and nothing allocated for each.

mod together;

use std::collections::VecDeque;

use super::call::{Answered, Call};
use super::plain::is_plain;
use super::{CallFailure, ClientEnd, Part, Request, Response, now};
use crate::bulk::{Travelled, discard_streams};
use crate::chain::{Caller, NestedWait, away, may_run_nested, run_nested};
use crate::channel::{Bell, Shown};
use crate::error::{Error, ErrorKind, Result};
use crate::message::{Deadline, MessageId, Record};
use crate::waiting::{BatchSlot, Blocking, Got, InBatch, Interest, Job};
use together::Together;

/// Calls and datagrams that go out together, and whose replies are taken in any order.
///
/// What is put into a batch goes out some messages at a time, all of it by [`flush`](Batch::flush), by
/// [`next_reply`](Batch::next_reply) when it has to wait, and at the latest when the batch is dropped. The
/// server is rung once for all of it, if it sleeps. So what goes wrong with a message may show later than
/// it was put in: with a call as its result, with a datagram as the error of the next that is put in, or
/// of `flush`.
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
/// Dropping a batch sends the datagrams that it holds, for whose room it may wait until their deadlines,
/// and cancels the calls whose replies were not taken; those that have not gone out are not made.
pub struct Batch<'p> {
    end: &'p ClientEnd,
    number: usize,
    calls: Vec<Option<Submitted<'p>>>,
    /// What has not gone out yet.
    together: Together,
    /// Calls that could not be sent, and why.
    unsent: VecDeque<(usize, CallFailure)>,
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
    id: MessageId,
    deadline: Deadline,
    stage: Stage<'p>,
}

/// How far a call of a batch has got.
enum Stage<'p> {
    /// It is nothing but its body, and has not gone out yet.
    Held,
    /// It is nothing but its body, and went out with others.
    Sent,
    /// It went out by itself. If a handler makes it, requests of the same chain find who waits for it.
    Alone(Box<(Call<'p, InBatch>, Vec<Travelled>, Option<NestedWait>)>),
}

impl<'p> Batch<'p> {
    pub(super) fn new(end: &'p ClientEnd) -> Batch<'p> {
        Batch {
            end,
            number: end.waiting.open_batch(),
            calls: Vec::new(),
            together: Together::default(),
            unsent: VecDeque::new(),
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
    /// results come as [`Carried::results`](super::Carried::results), and nothing is lent to the server.
    ///
    /// Blocks, until the deadline of each request that is sent, where a single call would before it is
    /// sent: when other threads' calls have used up what may be outstanding, when the queue is full, and
    /// while bulk data that does not fit the message is on its way.
    ///
    /// # Errors
    ///
    /// When the request is not one that can be sent, and when this batch alone has as many calls
    /// outstanding as may be: replies are to be taken first. A request with bulk data or handles is sent
    /// at once, and may fail as a [`call`](super::CommunicationPort::call) does before it waits for the
    /// reply. What goes wrong with others later is what their calls come back with.
    pub fn submit(&mut self, request: Request<'_, '_>) -> std::result::Result<Ticket, CallFailure> {
        self.check(&request).map_err(CallFailure::before)?;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.calls.push(None);
            self.calls.len() - 1
        });
        let (id, stage) = match self.begin(slot, &request) {
            Ok(begun) => begun,
            Err(failure) => {
                self.free.push(slot);
                return Err(failure);
            }
        };
        let (ticket, deadline) = (Ticket(self.submitted), request.deadline);
        self.submitted += 1;
        self.outstanding += 1;
        self.alarm = self.alarm.min(deadline);
        if let Some(place) = self.calls.get_mut(slot) {
            *place = Some(Submitted { ticket, id, deadline, stage });
        }
        if self.together.is_enough() {
            self.send_together(Shown::AtOnce);
        }
        Ok(ticket)
    }

    #[inline]
    fn begin(
        &mut self,
        slot: usize,
        request: &Request<'_, '_>,
    ) -> std::result::Result<(MessageId, Stage<'p>), CallFailure> {
        let end = self.end;
        let at = BatchSlot { batch: self.number, slot };
        let caller = Caller::current();
        if let Caller::Anybody = caller
            && together::is_short(request)
        {
            self.end.channel.check_open().map_err(CallFailure::before)?;
            return Ok((self.put_together(request, Some(at))?, Stage::Held));
        }
        self.send_together(Shown::AtOnce);
        let descent = end.within(caller.descent()).map_err(CallFailure::before)?;
        let call = Call::new(end, request, |_| InBatch(at), Bell::Held);
        let mut call = call.descends_from(descent);
        let awaited = call.await_nested();
        let travelled = away(|| now(call.submit(request)))?;
        Ok((call.id, Stage::Alone(Box::new((call, travelled, awaited)))))
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
    /// Blocks, until the deadlines of those that are sent, when the queue is full.
    ///
    /// # Errors
    ///
    /// As [`CommunicationPort::send`](super::CommunicationPort::send), for this datagram or for one before
    /// it; this one is tried all the same.
    pub fn send(
        &mut self,
        request: Request<'_, '_>,
    ) -> std::result::Result<Vec<Travelled>, CallFailure> {
        if !together::is_short(&request) {
            self.send_together(Shown::AtOnce);
            let sent = self.end.send_later(&request);
            return self.together.take_failure().and(sent);
        }
        self.end.channel.check_open().map_err(CallFailure::before)?;
        self.put_together(&request, None)?;
        if self.together.is_enough() {
            self.send_together(Shown::AtOnce);
            self.together.take_failure()?;
        }
        Ok(Vec::new())
    }

    /// Sends what the batch holds, and waits until it is queued. That takes no time where the two ends
    /// share memory and the queue has room.
    ///
    /// # Errors
    ///
    /// When it is not queued before the deadline, or the server is gone; and what has kept a datagram of
    /// the batch from being sent.
    pub fn flush(&mut self, deadline: Deadline) -> Result<()> {
        self.send_together(Shown::AtOnce);
        self.together.take_failure().map_err(|failure| failure.error)?;
        self.end.flush(deadline)
    }

    /// Sends what the batch holds and waits for the next reply, whosever it is. `None`: no call is
    /// outstanding.
    ///
    /// A call that gets none fails here, as a single call does: when its own deadline has passed, or the
    /// server is gone. What the others get is not touched by that. Meanwhile this thread may be given
    /// requests to run that the calls of the batch cause, as one that waits for a single call is.
    pub fn next_reply(&mut self) -> Option<(Ticket, std::result::Result<Response, CallFailure>)> {
        while self.outstanding > 0 {
            if let Some((slot, failure)) = self.unsent.pop_front() {
                return self.take(slot).map(|submitted| (submitted.ticket, Err(failure)));
            }
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
                let ticket = answered.ticket;
                let (call, travelled) = self.alone(slot, answered);
                let response = now(call.finish(record, &mut [], travelled));
                return Some((ticket, response.and_then(whole)));
            }
            if !self.together.is_empty() {
                self.send_together(Shown::Later);
                continue;
            }
            if let Some(error) = self.failed.clone() {
                return self.fail(|_| true, error);
            }
            match self.wait() {
                Ok(()) => {}
                Err(error) if *error.kind() == ErrorKind::TimedOut => {
                    let expired = self.fail(|call| call.deadline.is_past(), error);
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
        let (number, alarm, answered) = (self.number, self.alarm, &mut self.answered);
        let mut take = || Ok(waiting.take_batch(number, Blocking, answered));
        // From here on this thread waits: before the server can have anything for it to run.
        let mut early = take()?;
        channel.show_held();
        away(|| {
            loop {
                let waited = match early.take() {
                    Some(got) => Ok(got),
                    None => waiting.wait(channel, alarm, Interest::Reply, &mut take),
                };
                // What came at the last moment still counts.
                match waited.or_else(|error| take()?.ok_or(error)) {
                    Ok(Got::Replies(unseen)) => {
                        unseen.into_iter().for_each(Job::pass_on);
                        return Ok(());
                    }
                    Ok(Got::Request(job)) if may_run_nested(alarm) => {
                        run_nested(alarm, || job.run());
                    }
                    Ok(Got::Request(job)) => job.pass_on(),
                    Err(error) => {
                        waiting.leave_batch(number);
                        return Err(error);
                    }
                }
            }
        })
    }

    /// The call that a reply answers. `None`: it came in the same moment in which its call was given up,
    /// and another call may have the place by now.
    fn take_answered(&mut self, slot: usize, reply: &Record) -> Option<Submitted<'p>> {
        let submitted = self.calls.get(slot)?.as_ref()?;
        if submitted.id == reply.header.id { self.take(slot) } else { None }
    }

    /// As [`take_answered`](Batch::take_answered), where nothing is left to be done with the call.
    #[inline]
    fn end_answered(&mut self, slot: usize, reply: &Record) -> Option<(Ticket, Vec<Travelled>)> {
        let place = self.calls.get_mut(slot)?;
        let submitted = place.take_if(|it| it.id == reply.header.id)?;
        self.vacate(slot);
        let travelled = match submitted.stage {
            Stage::Held | Stage::Sent => Vec::new(),
            Stage::Alone(sent) => {
                let (call, travelled, _awaited) = *sent;
                call.end();
                travelled
            }
        };
        Some((submitted.ticket, travelled))
    }

    /// A call that has gone out, as if it had by itself, and how what it carried travelled.
    fn alone(&self, slot: usize, sent: Submitted<'p>) -> (Call<'p, InBatch>, Vec<Travelled>) {
        match sent.stage {
            Stage::Alone(sent) => {
                let (call, travelled, _awaited) = *sent;
                (call, travelled)
            }
            Stage::Held | Stage::Sent => {
                let waits = InBatch(BatchSlot { batch: self.number, slot });
                let call = Call::published(self.end, sent.id, sent.deadline, waits);
                (call, Vec::new())
            }
        }
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

    /// Fails the first call that has to, and cancels it.
    fn fail(
        &mut self,
        has_to: impl Fn(&Submitted<'p>) -> bool,
        error: Error,
    ) -> Option<(Ticket, std::result::Result<Response, CallFailure>)> {
        let fails = |call: &Option<Submitted<'p>>| call.as_ref().is_some_and(&has_to);
        let slot = self.calls.iter().position(fails)?;
        let failed = self.take(slot)?;
        let ticket = failed.ticket;
        if let Stage::Held = failed.stage {
            return Some((ticket, Err(CallFailure::before(error))));
        }
        drop(self.alone(slot, failed));
        Some((ticket, Err(CallFailure::after(error))))
    }

    fn set_alarm(&mut self) {
        let deadlines = self.calls.iter().flatten().map(|submitted| submitted.deadline);
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
        // Of what has not gone out, datagrams do, and calls are over.
        self.forget_held();
        self.send_together(Shown::AtOnce);
        channel.show_held();
        // What has come is late, and only what has not is cancelled.
        let got = waiting.take_batch(self.number, Blocking, &mut self.answered);
        waiting.leave_batch(self.number);
        if let Some(Got::Replies(Some(job)) | Got::Request(job)) = got {
            job.pass_on();
        }
        while let Some((slot, record)) = self.answered.pop_front() {
            if let Some(answered) = self.take_answered(slot, &record) {
                self.alone(slot, answered).0.end();
            }
            self.refuse(&record);
        }
        for slot in 0..self.calls.len() {
            if let Some(unanswered) = self.take(slot) {
                drop(self.alone(slot, unanswered));
            }
        }
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
