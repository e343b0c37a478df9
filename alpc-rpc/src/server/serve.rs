//! The way of one call through an end of a connection, from the message to its answer.
//!
//! Servers and clients share it: a callback is a call in the other direction, and nothing else.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use alpc_transport::{
    Cancellation, Cancelled, Chain, Error, ErrorKind, InPart, IncomingCall, Reply as Answer,
    ServerPort, Travelled, Unwanted, Worker,
};

use super::call::{Outcome, part_bytes};
use super::{Connection, Dispatch, Handling, ServerCall, Session, framework, is_unimplemented};
use crate::descriptor::{InterfaceDesc, MethodDesc};
use crate::error::Fault;
use crate::event::UNRECOGNIZED;
use crate::framework::{FETCH, NEXT, SUBSCRIBE, is_framework};
use crate::object::{Exported, Link, Local, Numbered, ROOT, Reference, forward, open};
use crate::report::report;
use crate::scope::Luggage;
use crate::status;
use crate::stream::{serve_fetch, serve_next};

/// A message that has come in, taken apart.
pub(crate) struct Incoming<'m> {
    pub(crate) call: &'m IncomingCall,
    /// Its values, encoded.
    pub(crate) values: &'m [u8],
    /// Its bulk arguments, but for a body that was too long.
    pub(crate) parts: &'m mut [InPart],
    pub(crate) travelled: Vec<Travelled>,
    pub(crate) luggage: Luggage,
    /// Whether the thread that runs it is one of those that do nothing else.
    by: Seat,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Seat {
    Worker,
    Elsewhere,
}

/// The same, owned: it may have to wait for a handler.
struct Taken {
    call: IncomingCall,
    parts: Vec<InPart>,
    travelled: Vec<Travelled>,
    luggage: Luggage,
    /// How long its values are; an envelope may stand behind them.
    values: usize,
    by: Seat,
}

impl Taken {
    fn has_long_body(&self) -> bool {
        self.call.tag() & status::LONG_BODY != 0 && !self.parts.is_empty()
    }

    fn body(&self) -> &[u8] {
        match self.parts.first() {
            Some(body) if self.has_long_body() => part_bytes(&self.call, body),
            _ => self.call.body(),
        }
    }

    /// What is to be read of it. What it carries goes along.
    fn incoming(&mut self) -> Incoming<'_> {
        let has_long_body = self.has_long_body();
        let Taken { call, parts, travelled, luggage, values, by } = self;
        let (call, mut body, mut parts) = (&*call, call.body(), parts.as_mut_slice());
        if has_long_body && let Some((first, rest)) = std::mem::take(&mut parts).split_first_mut() {
            body = part_bytes(call, first);
            parts = rest;
        }
        let values = body.get(..*values).unwrap_or(body);
        let (travelled, luggage) = (std::mem::take(travelled), std::mem::take(luggage));
        Incoming { call, values, parts, travelled, luggage, by: *by }
    }
}

/// An answer, and what it refers to.
#[derive(Default)]
pub(crate) struct Sent {
    pub(crate) answer: Answer,
    /// They are kept until the answer is sent, so that they are released after that.
    pub(crate) references: Vec<Reference>,
    /// The numbers that the answer has for them.
    pub(crate) numbered: Vec<Numbered>,
}

/// A call whose handler has begun and not ended. Whoever polls it to its end has answered the call; whoever
/// drops it has its caller told that nobody will.
pub(crate) type Begun = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How a connection's session is found in the context of its port, by whoever serves that.
pub(crate) type FindSession = fn(&ServerPort) -> Option<&Session>;

/// The thread that runs a call.
pub(crate) enum Runner<'w> {
    /// One that waits for calls, and looks for its client's next one.
    Worker(&'w mut Worker),
    /// One that waits for the answer to a call, which this one descends from.
    Waiting,
    /// One of an executor, whose task serves.
    Task,
}

impl Runner<'_> {
    fn reply(
        &mut self,
        call: IncomingCall,
        answer: Answer,
    ) -> Result<(), (Error, Option<IncomingCall>)> {
        match self {
            Runner::Worker(worker) => worker.reply(call, answer),
            Runner::Waiting | Runner::Task => call.reply(answer),
        }
    }
}

/// Gives a call that descends from others to the thread that waits for one of them; to this one, if
/// there is none.
pub(crate) fn place(
    runner: Runner<'_>,
    call: IncomingCall,
    run: impl FnOnce(Runner<'_>, IncomingCall) + Clone + Send + 'static,
) {
    let elsewhere = run.clone();
    if let Err(call) = call.hand_over(move |call| elsewhere(Runner::Waiting, call)) {
        run(runner, call);
    }
}

/// Runs one call and answers it, whatever happens. If its handler is an `async fn`, that is what is
/// returned, not polled yet.
pub(crate) fn serve(
    mut runner: Runner<'_>,
    call: IncomingCall,
    connection: Connection<'_>,
    find: FindSession,
) -> Option<Begun> {
    if connection.session().is_closed() {
        // Nobody hears an answer.
        return None;
    }
    let by = match runner {
        Runner::Worker(_) => Seat::Worker,
        Runner::Waiting | Runner::Task => Seat::Elsewhere,
    };
    let handling = call.handling();
    if call.method() == NEXT {
        let _at_work = (by == Seat::Worker).then(|| connection.session().begin_handler()).flatten();
        serve_next(call, connection.link());
        return None;
    }
    if call.method() == FETCH {
        serve_fetch(call, connection.link());
        return None;
    }
    let (parts, travelled, luggage) = (Vec::new(), Vec::new(), Luggage::default());
    let mut taken = Taken { call, parts, travelled, luggage, values: 0, by };
    let answer = answer(&mut taken, connection);
    drop(handling);
    let answer = match answer {
        Ok(Step::Answered(sent)) => Ok(sent),
        Ok(Step::Handle(whom)) => return Some(begin(taken, whom, connection, find)),
        Err(fault) => Err(fault),
    };
    if taken.call.wants_reply() {
        let reply = |call, answer| runner.reply(call, answer);
        // If not even that can be sent, the client is gone.
        let _gone = deliver(connection.link(), answer, taken.call, reply);
    }
    None
}

/// What became of an answer.
pub(super) enum Delivered {
    Sent,
    /// It cannot be sent; the caller was told this instead.
    Refused(Fault),
    Gone,
}

/// Sends an answer, or says why there is none.
pub(super) fn deliver<C>(
    link: &Link,
    answer: Result<Sent, Fault>,
    call: C,
    mut reply: impl FnMut(C, Answer) -> Result<(), (Error, Option<C>)>,
) -> Delivered {
    let Sent { answer, references, numbered } = answer.unwrap_or_else(|fault| refusal(&fault));
    let Err((error, call)) = reply(call, answer) else {
        link.count_unanswered(&references);
        return Delivered::Sent;
    };
    link.take_back(&numbered);
    let Some(call) = call else { return Delivered::Gone };
    let what = error.to_string();
    let fault = match error.kind() {
        ErrorKind::TooLarge { .. } => Fault::ReplyTooLong { what },
        _ => Fault::BadReply { what },
    };
    match reply(call, refusal(&fault).answer) {
        Ok(()) => Delivered::Refused(fault),
        Err(_) => Delivered::Gone,
    }
}

pub(super) fn refusal(fault: &Fault) -> Sent {
    let body = fault.text().as_bytes().to_vec();
    Sent { answer: Answer { status: fault.code(), body, ..Answer::default() }, ..Sent::default() }
}

/// What is to be done with a call that was taken apart.
enum Step {
    Answered(Sent),
    /// Its handler is an `async fn` of this object's, or of what the connection is for.
    Handle(Option<Arc<dyn Local>>),
}

/// Takes a call apart and has whom it is for run it.
fn answer(taken: &mut Taken, connection: Connection<'_>) -> Result<Step, Fault> {
    let call = &mut taken.call;
    let wants_reply = call.wants_reply();
    // What the runtimes tell each other is heard however late it is.
    let is_told = is_framework(call.method()) && !wants_reply;
    let wanted = if is_told { Ok(()) } else { call.begin().map_err(unwanted) };
    // What a message refers to waits for it, so one that refers to something is taken apart.
    if wants_reply && call.tag() & status::ENVELOPE == 0 {
        wanted.clone()?;
    }
    taken.travelled = call.travelled().collect();
    call.fetch().map_err(|error| Fault::BadArguments { what: error.to_string() })?;
    let (method, tag, handles) = (call.method(), call.tag(), call.take_handles());
    taken.parts = call.take_parts();
    if taken.has_long_body() {
        taken.travelled.remove(0);
    }

    let malformed = |what: &str| Fault::BadArguments { what: what.to_owned() };
    let (values, envelope) = open(taken.body(), tag & status::ENVELOPE != 0)
        .ok_or_else(|| malformed("the envelope is broken"))?;
    let link = connection.link();
    let mut luggage = link.resolve(&envelope, wants_reply).map_err(malformed)?;
    luggage.handles = handles.into_iter().map(Some).collect();

    let object = match envelope.object {
        ROOT => None,
        number => {
            let missing = "the object was released, or never given to this caller";
            Some(link.find(number, wants_reply).ok_or_else(|| malformed(missing))?)
        }
    };
    taken.values = values.len();
    taken.luggage = luggage;
    match object {
        Some(Exported::Sink(sink)) => {
            // An event that this subscriber does not know, or takes for another one, is not for it;
            // its place in the order is.
            let is_known = sink.knows(method) && link.agreement().may_serve(method).is_ok();
            let ordinal = if is_known { method } else { UNRECOGNIZED };
            let Incoming { values, luggage, .. } = taken.incoming();
            sink.arrive(ordinal, values, luggage).map_err(malformed)?;
            if is_known { done(Sent::default()) } else { Err(connection.unknown_method(tag)) }
        }
        Some(Exported::Forwarder(target)) => {
            // The others are about a connection, and not this caller's to make on the next one.
            if is_framework(method) && method != SUBSCRIBE.ordinal {
                return Err(Fault::UnknownMethod);
            }
            // What is passed on unread must be understood on either way.
            let unknown = |fault| refused(connection, tag, fault);
            link.agreement().may_serve(method).map_err(unknown)?;
            target.link().agreement().may_serve(method).map_err(unknown)?;
            done(forward(taken.incoming(), &target, link)?)
        }
        Some(Exported::Stream(_) | Exported::Guard(_)) => Err(Fault::UnknownMethod),
        object if is_framework(method) => {
            done(framework::answer(taken.incoming(), connection, object)?)
        }
        Some(Exported::Object(object)) => {
            wanted?;
            if object.is_async(method) {
                return Ok(Step::Handle(Some(object)));
            }
            done(run(taken.incoming(), connection, object.interface(), &*object)?)
        }
        None => {
            wanted?;
            let root = connection.session().interface().ok_or(Fault::UnknownMethod)?;
            if root.dispatch.is_async(method) {
                return Ok(Step::Handle(None));
            }
            done(run(taken.incoming(), connection, root.described, &*root.dispatch)?)
        }
    }
}

fn done(sent: Sent) -> Result<Step, Fault> {
    Ok(Step::Answered(sent))
}

/// Why a call is not begun.
fn unwanted(why: Unwanted) -> Fault {
    match why {
        Unwanted::Cancelled => Fault::Cancelled,
        _ => Fault::Expired,
    }
}

/// What comes of a call with this `tag` that the two ends did not agree on.
fn refused(connection: Connection<'_>, tag: u16, fault: Fault) -> Fault {
    match fault {
        Fault::UnknownMethod => connection.unknown_method(tag),
        other => other,
    }
}

/// Has an interface run a call. A panic of the handler's is its caller's fault to hear of.
fn run(
    incoming: Incoming<'_>,
    connection: Connection<'_>,
    described: &'static InterfaceDesc,
    dispatch: &(impl Dispatch + ?Sized),
) -> Result<Sent, Fault> {
    let tag = incoming.call.tag();
    let method = method_of(&incoming, connection, described)?;
    let _at_work =
        (incoming.by == Seat::Worker).then(|| connection.session().begin_handler()).flatten();
    let mut outcome = Outcome::default();
    let server_call = ServerCall::new(incoming, connection, method, &mut outcome);
    let ran = catch_unwind(AssertUnwindSafe(|| dispatch.dispatch(server_call)));
    outcome.concluded(ran, method, || connection.unknown_method(tag))
}

/// Makes what becomes of a call whose handler is an `async fn`.
fn begin(
    mut taken: Taken,
    whom: Option<Arc<dyn Local>>,
    connection: Connection<'_>,
    find: FindSession,
) -> Begun {
    let (port, link) = (taken.call.port().clone(), connection.link().clone());
    let unfinished = port.unfinished();
    Box::pin(async move {
        let _rundown_waits = unfinished;
        let Some(session) = find(&port) else { return };
        let connection = Connection::new(&port, session, &link);
        let answer = match (&whom, session.interface()) {
            (Some(object), _) => {
                handle(taken.incoming(), connection, object.interface(), &**object).await
            }
            (None, Some(root)) => {
                handle(taken.incoming(), connection, root.described, &*root.dispatch).await
            }
            (None, None) => Err(Fault::UnknownMethod),
        };
        if taken.call.wants_reply() {
            let _gone = deliver(&link, answer, taken.call, IncomingCall::reply);
        }
    })
}

/// As [`run`], in as many pieces as the handler takes.
async fn handle(
    incoming: Incoming<'_>,
    connection: Connection<'_>,
    described: &'static InterfaceDesc,
    dispatch: &(impl Dispatch + ?Sized),
) -> Result<Sent, Fault> {
    let tag = incoming.call.tag();
    let method = method_of(&incoming, connection, described)?;
    let _at_work =
        (incoming.by == Seat::Worker).then(|| connection.session().begin_handler()).flatten();
    let mut outcome = Outcome::default();
    let chain = incoming.call.chain();
    let token = match method.cancellable {
        true => incoming.call.cancellation(),
        false => Cancellation::never(),
    };
    let server_call = ServerCall::new(incoming, connection, method, &mut outcome);
    let ran = Guarded::new(dispatch.handle(server_call), token.cancelled(), chain).await;
    outcome.concluded(ran, method, || connection.unknown_method(tag))
}

/// The method that is called, if the two ends agree on what it is.
fn method_of(
    incoming: &Incoming<'_>,
    connection: Connection<'_>,
    described: &'static InterfaceDesc,
) -> Result<&'static MethodDesc, Fault> {
    let (ordinal, tag) = (incoming.call.method(), incoming.call.tag());
    let agreement = connection.link().agreement();
    agreement.may_serve(ordinal).map_err(|fault| refused(connection, tag, fault))?;
    described.method(ordinal).ok_or_else(|| connection.unknown_method(tag))
}

impl Outcome {
    /// What came of a handler that ran, or panicked.
    fn concluded(
        self,
        ran: std::thread::Result<Result<(), Fault>>,
        method: &MethodDesc,
        unknown: impl FnOnce() -> Fault,
    ) -> Result<Sent, Fault> {
        match ran {
            Ok(Ok(())) => Ok(self.sent.unwrap_or_default()),
            // A bound that is broken after the arguments were read is broken by the answer.
            Ok(Err(fault)) if self.begun => Err(fault.after_handler()),
            Ok(Err(fault)) => Err(fault),
            Err(panic) if is_unimplemented(&*panic) => Err(unknown()),
            Err(panic) => {
                report_panic(method.name, &*panic);
                Err(Fault::HandlerPanicked)
            }
        }
    }
}

/// A handler's future, whose panics are its caller's to hear of, and which ends with its call where the
/// method is `[cancellable]`.
struct Guarded<'m> {
    /// `None`: it has ended.
    handling: Option<Handling<'m>>,
    cancelled: Cancelled,
    /// What the calls that it makes descend from.
    chain: Option<Chain>,
}

impl<'m> Guarded<'m> {
    fn new(handling: Handling<'m>, cancelled: Cancelled, chain: Option<Chain>) -> Self {
        Guarded { handling: Some(handling), cancelled, chain }
    }

    /// Drops the handler's future, whose own `Drop`s may panic.
    fn end(&mut self) -> Result<(), Box<dyn Any + Send>> {
        let handling = self.handling.take();
        catch_unwind(AssertUnwindSafe(|| drop(handling)))
    }
}

impl Future for Guarded<'_> {
    type Output = std::thread::Result<Result<(), Fault>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if Pin::new(&mut self.cancelled).poll(cx).is_ready() {
            // Nobody hears it.
            return Poll::Ready(self.end().map(|()| Err(Fault::Unanswered)));
        }
        let Guarded { handling: Some(handling), chain, .. } = &mut *self else {
            return Poll::Pending;
        };
        let mut poll = || handling.as_mut().poll(cx);
        let polled = catch_unwind(AssertUnwindSafe(|| match chain {
            Some(chain) => chain.run(poll),
            None => poll(),
        }));
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(ran)) => Poll::Ready(self.end().map(|()| ran)),
            Err(panic) => {
                let _first_counts = self.end();
                Poll::Ready(Err(panic))
            }
        }
    }
}

impl Drop for Guarded<'_> {
    fn drop(&mut self) {
        if let Err(panic) = self.end() {
            let message = message_of(&*panic);
            report(format_args!("dropping a handler's future panicked ({message})"));
        }
    }
}

/// The panic's message was printed where it happened; this says which call it ended.
fn report_panic(method: &str, panic: &(dyn Any + Send)) {
    let message = message_of(panic);
    report(format_args!("the handler of `{method}` panicked ({message}); its caller was told"));
}

pub(crate) fn message_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
