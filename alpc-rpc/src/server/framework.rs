//! The calls that the other side's runtime makes to this one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use alpc_transport::Reply as Answer;

use super::{Connection, Incoming, Sent, with_long_body};
use crate::decode::ValueReader;
use crate::error::Fault;
use crate::framework;
use crate::object::{Exported, ROOT, Reference, Release};
use crate::outgoing::Outgoing;

/// Answers a call for `object`, or for the connection's own interface.
pub(super) fn answer(
    incoming: Incoming<'_>,
    connection: Connection<'_>,
    object: Option<Exported>,
) -> Result<Sent, Fault> {
    let ordinal = incoming.call.method();
    if ordinal == framework::CONTRACT {
        contract(&incoming, connection)
    } else if ordinal == framework::RELEASE {
        release(&incoming, connection)
    } else if ordinal == framework::REVERSE.ordinal {
        reverse(incoming, connection)
    } else if ordinal == framework::SUBSCRIBE.ordinal {
        subscribe(incoming, connection, object)
    } else {
        Err(Fault::UnknownMethod)
    }
}

/// Compares the client's contract with the server's.
fn contract(incoming: &Incoming<'_>, connection: Connection<'_>) -> Result<Sent, Fault> {
    let interface = connection.session().interface().ok_or(Fault::UnknownMethod)?;
    let (own, agreement) = (interface.described, connection.link().agreement());
    let body = interface.known.reach(incoming.values, own, agreement)?;
    let answer = with_long_body(Answer { body, ..Answer::default() });
    Ok(Sent { answer, ..Sent::default() })
}

fn release(incoming: &Incoming<'_>, connection: Connection<'_>) -> Result<Sent, Fault> {
    let told: Vec<(u64, u64)> = ValueReader::new(incoming.values).value("objects")?;
    let releases = told.into_iter().map(|(object, unanswered)| Release { object, unanswered });
    connection.link().released(releases);
    Ok(Sent::default())
}

/// Makes the channel by which this server calls its client.
fn reverse(incoming: Incoming<'_>, connection: Connection<'_>) -> Result<Sent, Fault> {
    let handles = incoming.luggage.handles.into_iter().flatten().collect();
    let accepted = connection.port().accept_reverse(handles);
    let accepted = accepted.map_err(|error| Fault::BadArguments { what: error.to_string() })?;
    connection.link().set_port(accepted.port);
    let answer = Answer { handles: accepted.handles, ..Answer::default() };
    Ok(Sent { answer, ..Sent::default() })
}

fn subscribe(
    mut incoming: Incoming<'_>,
    connection: Connection<'_>,
    object: Option<Exported>,
) -> Result<Sent, Fault> {
    let malformed = |what: &str| Fault::BadArguments { what: what.to_owned() };
    let Reference::Theirs(sink) = incoming.luggage.take_object(0).map_err(malformed)? else {
        return Err(malformed("events must go to an object of the subscriber's"));
    };
    let interface: u128 = ValueReader::new(incoming.values).value("the interface")?;
    let subscribe = || {
        let emitter = match &object {
            Some(Exported::Object(object)) => object.emitter_of(interface),
            Some(_) => None,
            None => connection.session().root().and_then(|root| root.emitter_of(interface)),
        };
        emitter.map(|emitter| emitter.subscribe(sink))
    };
    // The emitter is the handler's to name.
    let subscription = catch_unwind(AssertUnwindSafe(subscribe));
    let subscription = subscription.map_err(|_reported| Fault::HandlerPanicked)?;
    let subscription = subscription.ok_or(Fault::UnknownMethod)?;

    let guard = Exported::Guard(Arc::new(subscription));
    let outgoing: Outgoing = Outgoing { handles: Vec::new(), objects: vec![Reference::Own(guard)] };
    let mut body = Vec::new();
    let sealed = outgoing.seal(connection.link(), ROOT, &mut body);
    let sealed = sealed.map_err(|error| Fault::BadReply { what: error.to_string() })?;
    let answer = Answer { tag: u64::from(sealed.tag), body, ..Answer::default() };
    Ok(Sent { answer, references: outgoing.objects, numbered: sealed.numbered })
}
