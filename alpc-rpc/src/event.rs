//! Events: what a server tells those of its clients that want to know.
//!
//! An event is a message without an answer, to an object that the subscriber made for it. The server
//! never waits for a subscriber: what one has no room for, it misses, and is told how many that were.
//! Each event says its place in the order, since a subscriber's threads may take up two at once.

mod emitter;
mod sink;
mod subscription;

use crate::client::Client;
use crate::error::Fault;

pub use emitter::{Emitter, EventWriter};
pub(crate) use sink::{SinkEnd, UNRECOGNIZED};
#[cfg(feature = "async")]
pub use subscription::EventStream;
pub use subscription::{EventReader, Events};

/// The events of an interface, as one type. Generated code implements it for `FooEvent`.
pub trait Event: Sized {
    /// Reads an event. Nothing if it is a newer server's.
    ///
    /// # Errors
    ///
    /// When its parameters are not what the interface says.
    fn read(ordinal: u64, arguments: &mut EventReader<'_>) -> Result<Option<Self>, Fault>;
}

/// A client whose interface has events.
#[diagnostic::on_unimplemented(
    message = "the interface of `{Self}` has no events",
    label = "it has no events of its own",
    note = "events that it inherits are those of the base's client: `AsRef::<BaseClient>::as_ref(&client).events()`"
)]
pub trait HasEvents: Client {
    /// Any of them.
    type Event: Event;
}
