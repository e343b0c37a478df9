//! The calls that the two runtimes make to each other, beside those of interfaces.
//!
//! Their ordinals have the top bit set, which no method's has. They are put together and answered
//! like all others, so each has a description as if it stood in an interface.

use std::time::Duration;

use crate::descriptor::MethodDesc;

/// The bit that ordinals of interfaces do not have.
const FRAMEWORK: u64 = 1 << 63;

/// Brings the client's contract, and answers with the server's: the texts alone.
pub(crate) const CONTRACT: u64 = FRAMEWORK | 1;

/// Lets go of objects. One-way; a list of `(number, messages to wait for)`.
pub(crate) const RELEASE: u64 = FRAMEWORK | 2;

/// Makes the channel by which a server calls its client.
pub(crate) static REVERSE: MethodDesc = method("reverse", 3);

/// Asks for the events of the object that the call is for. Brings the id of the interface that
/// declares them, which may be a base of the object's, and an object to send them to; answers with
/// one that ends the subscription when it is released.
pub(crate) static SUBSCRIBE: MethodDesc = method("subscribe", 4);

/// Asks for the next items of the stream that it is for. Whoever makes them answers when there are
/// some.
pub(crate) const NEXT: u64 = FRAMEWORK | 8;

/// Fetches the item that an answer to [`NEXT`] said to be apart, into room that the caller lends for it. An
/// item that was not fetched before the next question is let go of.
pub(crate) const FETCH: u64 = FRAMEWORK | 9;

/// The runtime answers these itself, so they take no time of a handler's.
const TIMEOUT: Duration = Duration::from_secs(10);

const fn method(name: &'static str, number: u64) -> MethodDesc {
    MethodDesc { name, ordinal: FRAMEWORK | number, timeout: Some(TIMEOUT), ..MethodDesc::PLAIN }
}

/// Whether a call is of this kind.
pub(crate) fn is_framework(ordinal: u64) -> bool {
    ordinal & FRAMEWORK != 0
}
