//! Calls of an object that was handed on: they go through the process that did so.
//!
//! It knows nothing of the interface. The values of a message are passed on as they came; only the
//! table of what they refer to is written anew, in the terms of the other connection. So what is
//! handed on with such a call is handed on by the same rule.

use std::os::fd::AsFd;
use std::sync::Arc;

use alpc_transport::{
    Bytes, CallFailure, ErrorKind, InPart, Part, Received, Reply as Answer, Request, Response,
    STATUS_UNANSWERED,
};

use super::{Link, ROOT, Reference, Target, open};
use crate::client::{ClientCore, ensure_callbacks, send_with_body, take_long_body};
use crate::error::{Fault, TransportError};
use crate::outgoing::Outgoing;
use crate::scope::Luggage;
use crate::server::{Incoming, Sent, part_bytes, with_long_body};
use crate::status;

/// Passes a call that came by `link` on to `target`, and its answer back.
pub(crate) fn forward(
    incoming: Incoming<'_>,
    target: &Arc<Target>,
    link: &Arc<Link>,
) -> Result<Sent, Fault> {
    let Incoming { call, values, parts, luggage, .. } = incoming;
    let outgoing = outgoing(luggage);
    let deadline = call.deadline();
    if target.link().would_give_away(&outgoing.objects) {
        let core = ClientCore::of_object(target.clone());
        ensure_callbacks(&core, deadline).map_err(|error| cannot_send(&error))?;
    }
    let mut body = values.to_vec();
    let sealed = outgoing.seal(target.link(), target.object(), &mut body);
    let sealed = sealed.map_err(|error| Fault::BadArguments { what: error.to_string() })?;

    for part in parts.iter_mut() {
        if let InPart::View(view) = part {
            *part = InPart::Bytes(Bytes::Vec(view.to_vec()));
        }
    }
    let mut buffers = Vec::new();
    for len in call.rooms() {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        buffers.push(call.buffer(len).map_err(|_no_memory| Fault::Busy)?);
    }
    let ins = parts.iter().map(|part| Part::In(part_bytes(call, part)));
    let all = ins.chain(buffers.iter_mut().map(|buffer| Part::Out(buffer))).collect();
    let handles: Vec<_> = outgoing.handles.iter().map(AsFd::as_fd).collect();

    let (port, method) = (target.port(), call.method());
    let passed_on = send_with_body(&body, all, |tag, body, parts| {
        let tag = tag | sealed.tag;
        let request = Request { method, tag, body, parts, handles: &handles, deadline };
        if call.wants_reply() {
            return port.call(request).map(Some);
        }
        port.send(request).map(|_| None)
    });
    let response = passed_on.map_err(|failure| {
        if !failure.may_have_run {
            target.link().take_back(&sealed.numbered);
        }
        failed(&failure)
    })?;
    let Some(mut response) = response else {
        target.count_unanswered();
        target.link().count_unanswered(&outgoing.objects);
        return Ok(Sent::default());
    };
    let mut outs = Vec::with_capacity(buffers.len());
    for (mut buffer, written) in buffers.into_iter().zip(&response.written) {
        buffer.truncate(*written);
        outs.push(Bytes::Buffer(buffer));
    }
    answer(&mut response, outs, target, link)
}

/// The answer of the object's process, in the terms of the connection that the call came by.
fn answer(
    response: &mut Response,
    outs: Vec<Bytes>,
    target: &Target,
    link: &Arc<Link>,
) -> Result<Sent, Fault> {
    match response.status {
        status::GIVEN_UP => return Err(Fault::Cancelled),
        STATUS_UNANSWERED => return Err(Fault::Unanswered),
        _ => {}
    }
    let long_body = take_long_body(response);
    let body = long_body.as_deref().unwrap_or(response.body());
    let malformed = |what: &str| Fault::BadReply { what: what.to_owned() };
    let has_envelope = response.tag & u64::from(status::ENVELOPE) != 0;
    let (values, envelope) =
        open(body, has_envelope).ok_or_else(|| malformed("the answer's envelope is broken"))?;
    let luggage = target.link().resolve(&envelope, false).map_err(malformed)?;
    let mut body = values.to_vec();
    let handles = response.take_handles();
    let outgoing = Outgoing { handles, ..outgoing(luggage) };
    let sealed = outgoing.seal(link, ROOT, &mut body);
    let sealed = sealed.map_err(|error| Fault::BadReply { what: error.to_string() })?;
    let results = response.take_results().into_iter().map(|result| match result {
        Received::Private(bytes) => Bytes::Vec(bytes),
        Received::Frozen(blob) => Bytes::Blob(blob),
        Received::View(view) => Bytes::Vec(view.to_vec()),
        // There are no others.
        _ => Bytes::Vec(Vec::new()),
    });
    let Outgoing { handles, objects: references } = outgoing;
    // An error has nothing to put into the caller's buffers.
    let outs = if response.status == 0 { outs } else { Vec::new() };
    let answer = Answer {
        status: response.status,
        tag: u64::from(sealed.tag),
        body,
        outs,
        results: results.collect(),
        // Which way would be good is known to who knows the interface.
        wishes: Vec::new(),
        handles,
    };
    Ok(Sent { answer: with_long_body(answer), references, numbered: sealed.numbered })
}

fn outgoing(luggage: Luggage) -> Outgoing {
    let objects: Vec<Reference> = luggage.objects.into_iter().flatten().collect();
    Outgoing { handles: luggage.handles.into_iter().flatten().collect(), objects }
}

/// What the caller is told when its call could not be passed on.
fn failed(failure: &CallFailure) -> Fault {
    match (failure.error.kind(), failure.may_have_run) {
        (ErrorKind::PeerClosed, false) => Fault::Stopping,
        (ErrorKind::TimedOut, false) => Fault::Expired,
        (_, false) => Fault::BadArguments { what: failure.error.to_string() },
        (_, true) => Fault::BadReply {
            what: format!("the process of the object has not answered: {}", failure.error),
        },
    }
}

fn cannot_send(error: &TransportError) -> Fault {
    match error {
        TransportError::Disconnected { .. } => Fault::Stopping,
        error => Fault::BadArguments { what: error.to_string() },
    }
}
