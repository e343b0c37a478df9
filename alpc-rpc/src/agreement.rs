//! What two peers do when their fingerprints differ.
//!
//! Equal fingerprints cost nothing more. Different ones mean that the sides were built from different
//! versions, which may understand each other in everything that matters. So the client sends its
//! contract, as the first call, by a method of the framework's own; the server answers with its own.
//! Either compares the two with the function that `idlc breaking` uses. A call that cannot work is then
//! not sent. The server looks by itself, too: a client that did not compare, or claims what is not
//! true, is not listened to where its data would be misread.
//!
//! The texts are not in the data of the handshake: that holds 4 KiB, many contracts are longer, and
//! equal peers would carry theirs for nothing.

use std::sync::{Arc, OnceLock};

use alpc_contract::{Contract, Detail, Verdict, Verdicts};
use alpc_transport::{CommunicationPort, Deadline, Request};

use crate::client::{send_with_body, take_long_body};
use crate::contract;
use crate::descriptor::{InterfaceDesc, MethodDesc};
use crate::error::{ConnectError, Fault, TransportError};
use crate::framework::{self, is_framework};
use crate::hello::Hello;

/// The longest contract that is taken from a peer, in bytes. That of an interface with a thousand
/// methods is about a tenth of it.
const MAX_CONTRACT: usize = 1 << 20;

/// A peer's contract, out of the message that it came in.
pub(crate) fn read(text: &[u8]) -> Result<Contract, String> {
    if text.len() > MAX_CONTRACT {
        return Err(format!("its contract is longer than {MAX_CONTRACT} bytes"));
    }
    let text = std::str::from_utf8(text).map_err(|_| "its contract is no text")?;
    Contract::parse(text).map_err(|error| error.to_string())
}

/// Tells the server of `port` what this client means, and finds out which methods it can call.
///
/// `theirs` is the hello that the server answered with.
pub(crate) fn reach(
    port: &CommunicationPort,
    interface: &InterfaceDesc,
    theirs: &Hello,
    deadline: Deadline,
) -> Result<Agreement, ConnectError> {
    let ours = contract::of(interface);
    let text = ours.to_text(Detail::Everything);
    let response = send_with_body(text.as_bytes(), Vec::new(), |tag, body, parts| {
        port.call(Request { method: framework::CONTRACT, tag, body, parts, handles: &[], deadline })
    });
    let mut response = response.map_err(|failure| match failure.error.kind() {
        alpc_transport::ErrorKind::TimedOut => ConnectError::TimedOut,
        _ => ConnectError::Transport(failure.error),
    })?;
    if response.status != 0 {
        // A server without this call has the fingerprint to go by, and nothing else.
        let ours = Hello::of(interface).to_string();
        return Err(ConnectError::Incompatible { ours, theirs: theirs.to_string() });
    }
    let long_body = take_long_body(&mut response);
    let contract = read(long_body.as_deref().unwrap_or(response.body()));
    let contract = contract.map_err(|what| ConnectError::Malformed { what })?;
    Ok(Agreement::Partial(Arc::new(alpc_contract::judge(&ours, &contract)).into()))
}

/// Whether the two ends of a connection mean the same, and if not, in what.
#[derive(Debug)]
pub(crate) enum Agreement {
    /// Their fingerprints are equal.
    Whole,
    /// They are not, and this came of the comparison. Nothing while the client has not sent its
    /// contract.
    Partial(OnceLock<Arc<Verdicts>>),
}

impl Agreement {
    /// Why a call of `method` to the other side would not be understood there, if so.
    pub(crate) fn may_call(&self, method: &'static MethodDesc) -> Result<(), TransportError> {
        let name = method.name;
        match self.obstacle(method.ordinal) {
            None => Ok(()),
            Some(Obstacle::Missing) => Err(TransportError::Unimplemented { method: name }),
            Some(Obstacle::Differs(reason)) => {
                Err(TransportError::Incompatible { method: name, reason: reason.to_owned() })
            }
        }
    }

    /// Whether a call of this number, which the other side made, can be understood here.
    pub(crate) fn may_serve(&self, ordinal: u64) -> Result<(), Fault> {
        match self.obstacle(ordinal) {
            None => Ok(()),
            Some(Obstacle::Missing) => Err(Fault::UnknownMethod),
            Some(Obstacle::Differs(reason)) => {
                let what = format!("the caller means something else by this call: {reason}");
                Err(Fault::BadArguments { what })
            }
        }
    }

    fn obstacle(&self, ordinal: u64) -> Option<Obstacle<'_>> {
        let Agreement::Partial(verdicts) = self else { return None };
        if is_framework(ordinal) {
            return None;
        }
        let Some(verdicts) = verdicts.get() else {
            return Some(Obstacle::Differs("it has another version, and has not said which"));
        };
        Some(match verdicts.of(ordinal)? {
            Verdict::Missing => Obstacle::Missing,
            Verdict::Incompatible { reason } => Obstacle::Differs(reason),
            // A verdict that is not known here is no permission.
            _ => Obstacle::Differs("it differs"),
        })
    }
}

/// What stands in the way of a call.
enum Obstacle<'a> {
    Missing,
    Differs(&'a str),
}
