//! The way of one call through an end of a connection, from the message to its answer.
//!
//! Servers and clients share it: a callback is a call in the other direction, and nothing else.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use alpc_transport::{
    Error, ErrorKind, InPart, IncomingCall, Reply as Answer, Travelled, Unwanted, Worker,
};

use super::call::{Outcome, part_bytes};
use super::{Connection, Dispatch, ServerCall, framework, is_unimplemented};
use crate::descriptor::InterfaceDesc;
use crate::error::Fault;
use crate::event::UNRECOGNIZED;
use crate::framework::{NEXT, SUBSCRIBE, is_framework};
use crate::object::{Exported, Numbered, ROOT, Reference, forward, open};
use crate::report::report;
use crate::scope::Luggage;
use crate::status;
use crate::stream::serve_next;

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

/// An answer, and what it refers to.
#[derive(Default)]
pub(crate) struct Sent {
    pub(crate) answer: Answer,
    /// They are kept until the answer is sent, so that they are released after that.
    pub(crate) references: Vec<Reference>,
    /// The numbers that the answer has for them.
    pub(crate) numbered: Vec<Numbered>,
}

/// The thread that runs a call.
pub(crate) enum Runner<'w> {
    /// One that waits for calls, and looks for its client's next one.
    Worker(&'w mut Worker),
    /// One that waits for the answer to a call, which this one descends from.
    Waiting,
}

impl Runner<'_> {
    fn reply(
        &mut self,
        call: IncomingCall,
        answer: Answer,
    ) -> Result<(), (Error, Option<IncomingCall>)> {
        match self {
            Runner::Worker(worker) => worker.reply(call, answer),
            Runner::Waiting => call.reply(answer),
        }
    }
}

/// Gives a call that descends from others to the thread that waits for one of them; to this one, if
/// there is none.
pub(crate) fn place(
    worker: &mut Worker,
    call: IncomingCall,
    run: impl FnOnce(Runner<'_>, IncomingCall) + Clone + Send + 'static,
) {
    let elsewhere = run.clone();
    if let Err(call) = call.hand_over(move |call| elsewhere(Runner::Waiting, call)) {
        run(Runner::Worker(worker), call);
    }
}

/// Runs one call and answers it, whatever happens.
pub(crate) fn serve(mut runner: Runner<'_>, mut call: IncomingCall, connection: Connection<'_>) {
    if connection.session().is_closed() {
        // Nobody hears an answer.
        return;
    }
    let by = match runner {
        Runner::Worker(_) => Seat::Worker,
        Runner::Waiting => Seat::Elsewhere,
    };
    let handling = call.handling();
    if call.method() == NEXT {
        let _at_work = (by == Seat::Worker).then(|| connection.session().begin_handler()).flatten();
        return serve_next(call, connection.link());
    }
    let answer = answer(&mut call, by, connection);
    drop(handling);
    if !call.wants_reply() {
        return;
    }
    let link = connection.link();
    let Sent { answer, references, numbered } = answer.unwrap_or_else(|fault| refusal(&fault));
    let Err((error, call)) = runner.reply(call, answer) else {
        link.count_unanswered(&references);
        return;
    };
    link.take_back(&numbered);
    if let Some(call) = call {
        let what = error.to_string();
        let fault = match error.kind() {
            ErrorKind::TooLarge { .. } => Fault::ReplyTooLong { what },
            _ => Fault::BadReply { what },
        };
        // If not even that can be sent, the client is gone.
        let _gone = runner.reply(call, refusal(&fault).answer);
    }
}

fn refusal(fault: &Fault) -> Sent {
    let body = fault.text().as_bytes().to_vec();
    Sent { answer: Answer { status: fault.code(), body, ..Answer::default() }, ..Sent::default() }
}

/// Takes a call apart and has whom it is for run it.
fn answer(call: &mut IncomingCall, by: Seat, connection: Connection<'_>) -> Result<Sent, Fault> {
    let wants_reply = call.wants_reply();
    // What the runtimes tell each other is heard however late it is.
    let is_told = is_framework(call.method()) && !wants_reply;
    let wanted = if is_told { Ok(()) } else { call.begin().map_err(unwanted) };
    // What a message refers to waits for it, so one that refers to something is taken apart.
    if wants_reply && call.tag() & status::ENVELOPE == 0 {
        wanted.clone()?;
    }
    let mut travelled: Vec<_> = call.travelled().collect();
    call.fetch().map_err(|error| Fault::BadArguments { what: error.to_string() })?;
    let mut all_parts = call.take_parts();
    let handles = call.take_handles();
    let call = &*call;
    let mut parts = all_parts.as_mut_slice();
    let mut body = call.body();
    if call.tag() & status::LONG_BODY != 0
        && let Some((first, rest)) = std::mem::take(&mut parts).split_first_mut()
    {
        body = part_bytes(call, first);
        parts = rest;
        travelled.remove(0);
    }

    let malformed = |what: &str| Fault::BadArguments { what: what.to_owned() };
    let (values, envelope) = open(body, call.tag() & status::ENVELOPE != 0)
        .ok_or_else(|| malformed("the envelope is broken"))?;
    let link = connection.link();
    let mut luggage = link.resolve(&envelope, wants_reply).map_err(malformed)?;
    luggage.handles = handles.into_iter().map(Some).collect();
    let incoming = Incoming { call, values, parts, travelled, luggage, by };

    let object = match envelope.object {
        ROOT => None,
        number => {
            let missing = "the object was released, or never given to this caller";
            Some(link.find(number, wants_reply).ok_or_else(|| malformed(missing))?)
        }
    };
    match &object {
        Some(Exported::Sink(sink)) => {
            // An event that this subscriber does not know, or takes for another one, is not for it;
            // its place in the order is.
            let is_known =
                sink.knows(call.method()) && link.agreement().may_serve(call.method()).is_ok();
            let ordinal = if is_known { call.method() } else { UNRECOGNIZED };
            sink.arrive(ordinal, values, incoming.luggage).map_err(malformed)?;
            if is_known { Ok(Sent::default()) } else { Err(connection.unknown_method(call.tag())) }
        }
        Some(Exported::Forwarder(target)) => {
            // The others are about a connection, and not this caller's to make on the next one.
            if is_framework(call.method()) && call.method() != SUBSCRIBE.ordinal {
                return Err(Fault::UnknownMethod);
            }
            // What is passed on unread must be understood on either way.
            let unknown = |fault| refused(connection, call.tag(), fault);
            link.agreement().may_serve(call.method()).map_err(unknown)?;
            target.link().agreement().may_serve(call.method()).map_err(unknown)?;
            forward(incoming, target, link)
        }
        Some(Exported::Stream(_) | Exported::Guard(_)) => Err(Fault::UnknownMethod),
        _ if is_framework(call.method()) => framework::answer(incoming, connection, object),
        Some(Exported::Object(object)) => {
            wanted?;
            run(incoming, connection, object.interface(), &**object)
        }
        None => {
            wanted?;
            let root = connection.session().interface().ok_or(Fault::UnknownMethod)?;
            run(incoming, connection, root.described, &*root.dispatch)
        }
    }
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
    let (ordinal, tag) = (incoming.call.method(), incoming.call.tag());
    let unknown = || connection.unknown_method(tag);
    let agreement = connection.link().agreement();
    agreement.may_serve(ordinal).map_err(|fault| refused(connection, tag, fault))?;
    let method = described.method(ordinal).ok_or_else(unknown)?;
    let _at_work =
        (incoming.by == Seat::Worker).then(|| connection.session().begin_handler()).flatten();
    let mut outcome = Outcome::default();
    let server_call = ServerCall::new(incoming, connection, method, &mut outcome);
    let ran = catch_unwind(AssertUnwindSafe(|| dispatch.dispatch(server_call)));
    match ran {
        Ok(Ok(())) => Ok(outcome.sent.unwrap_or_default()),
        // A bound that is broken after the arguments were read is broken by the answer.
        Ok(Err(fault)) if outcome.begun => Err(fault.after_handler()),
        Ok(Err(fault)) => Err(fault),
        Err(panic) if is_unimplemented(&*panic) => Err(unknown()),
        Err(panic) => {
            report_panic(method.name, &*panic);
            Err(Fault::HandlerPanicked)
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
