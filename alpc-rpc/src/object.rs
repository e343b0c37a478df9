//! Objects: interfaces as values of a call.
//!
//! Whoever has an object gives the other side a number for it, which counts in a table of this one
//! connection. The other side holds a client that calls that number, and says when the last clone of
//! it is gone. A number means nothing elsewhere, so it cannot be guessed or carried over; an object
//! that comes back to its own process is that object, and one that is handed on to a third process is
//! called through the process that handed it on.
//!
//! | file | idea |
//! |---|---|
//! | `exports.rs` | the objects that the other side may call, by number |
//! | `target.rs` | what a client calls: an object of the other side, and its release |
//! | `link.rs` | the two together: one connection, seen from one of its ends |
//! | `envelope.rs` | how a message says which object it is for, and which it refers to |
//! | `forward.rs` | an object of another connection, handed on |
//! | `turn.rs` | how many streams may wait for items at a time |

mod envelope;
mod exports;
mod forward;
mod link;
mod target;
mod turn;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serializer, de, ser};

use crate::client::ClientCore;
use crate::descriptor::InterfaceDesc;
use crate::error::Fault;
use crate::event::{Emitter, SinkEnd};
use crate::scope;
use crate::server::{Dispatch, Handling, ServerCall};
use crate::stream::StreamEnd;

pub(crate) use envelope::{Envelope, Numbered, open, seal};
pub(crate) use exports::{Release, let_go};
pub(crate) use forward::forward;
pub(crate) use link::Link;
pub(crate) use target::{ROOT, Target};
pub(crate) use turn::Turn;

/// An interface as a type. Generated code implements it for `dyn Foo`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an interface",
    label = "it has no `#[alpc_interface]`",
    note = "the supertraits of an interface are interfaces that it inherits from; one of the standard library's is named by its full path, as in `std::fmt::Debug`"
)]
pub trait Object: Send + Sync + 'static {
    /// The interface.
    fn interface() -> &'static InterfaceDesc;

    /// Runs one call, as [`Dispatch::dispatch`] does.
    ///
    /// # Errors
    ///
    /// What the caller is told instead of results.
    fn dispatch(&self, call: ServerCall<'_>) -> Result<(), Fault>;

    /// As [`Dispatch::is_async`].
    fn is_async(_ordinal: u64) -> bool {
        false
    }

    /// Runs one call, as [`Dispatch::handle`] does.
    fn handle<'m>(&'m self, call: ServerCall<'m>) -> Handling<'m> {
        Box::pin(std::future::ready(self.dispatch(call)))
    }

    /// Where the events that its interface declares are sent from, if it declares any.
    fn emitter(&self) -> Option<&Emitter> {
        None
    }

    /// Where the events of an interface that it inherits from are sent from.
    fn inherited_emitter(&self, _interface: u128) -> Option<&Emitter> {
        None
    }

    /// Where the events are sent from that the interface with this id declares.
    fn emitter_of(&self, interface: u128) -> Option<&Emitter> {
        if interface == Self::interface().id {
            self.emitter()
        } else {
            self.inherited_emitter(interface)
        }
    }

    /// Offers the object as each of the interfaces that it inherits from, with [`offer`].
    fn upcast(_object: Arc<Self>, _slot: &mut dyn Any) {}
}

/// Puts `object` into `slot` if that is an `Option<Arc<I>>`, or one for an interface that `I`
/// inherits from.
pub fn offer<I: Object + ?Sized>(object: Arc<I>, slot: &mut dyn Any) {
    match slot.downcast_mut::<Option<Arc<I>>>() {
        Some(slot) => *slot = Some(object),
        None => I::upcast(object, slot),
    }
}

/// An object as a message refers to it.
#[derive(Clone)]
pub(crate) enum Reference {
    /// This process has it.
    Own(Exported),
    /// The other side of a connection has it.
    Theirs(Arc<Target>),
}

impl Reference {
    /// Whether the process that has the object can be called.
    pub(crate) fn is_connected(&self) -> bool {
        match self {
            Reference::Own(Exported::Forwarder(target)) | Reference::Theirs(target) => {
                !target.link().is_closed()
            }
            Reference::Own(_) => true,
        }
    }
}

/// What stands behind a number that the other side was given.
#[derive(Clone)]
pub(crate) enum Exported {
    /// An object of this process.
    Object(Arc<dyn Local>),
    /// An object of another connection.
    Forwarder(Arc<Target>),
    /// Where events of an object of the other side arrive.
    Sink(Arc<SinkEnd>),
    /// Items that the other side asks for.
    Stream(Arc<StreamEnd>),
    /// Something that only its holder's `Drop` is of interest of.
    Guard(#[expect(dead_code, reason = "it is held, and dropped")] Arc<dyn Any + Send + Sync>),
}

/// An object of this process, whatever its interface.
pub(crate) trait Local: Dispatch {
    /// Puts the object into the slot, see [`offer`].
    fn offer(&self, slot: &mut dyn Any);
}

/// An object, with its interface known.
struct Holder<I: ?Sized>(Arc<I>);

impl<I: Object + ?Sized> Dispatch for Holder<I> {
    fn interface(&self) -> &'static InterfaceDesc {
        I::interface()
    }

    fn dispatch(&self, call: ServerCall<'_>) -> Result<(), Fault> {
        self.0.dispatch(call)
    }

    fn is_async(&self, ordinal: u64) -> bool {
        I::is_async(ordinal)
    }

    fn handle<'m>(&'m self, call: ServerCall<'m>) -> Handling<'m> {
        self.0.handle(call)
    }

    fn emitter(&self) -> Option<&Emitter> {
        self.0.emitter()
    }

    fn inherited_emitter(&self, interface: u128) -> Option<&Emitter> {
        self.0.inherited_emitter(interface)
    }
}

impl<I: Object + ?Sized> Local for Holder<I> {
    fn offer(&self, slot: &mut dyn Any) {
        offer(self.0.clone(), slot);
    }
}

/// An object that came in a message.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "generated code matches on it")]
pub enum Received<I: ?Sized> {
    /// It is this process's own, which came back.
    Local(Arc<I>),
    /// Another process has it.
    Remote(ClientCore),
}

/// Writes an object of this process.
///
/// # Errors
///
/// Outside of a call.
pub fn serialize_local<I, S>(object: &Arc<I>, serializer: S) -> Result<S::Ok, S::Error>
where
    I: Object + ?Sized,
    S: Serializer,
{
    let exported = Exported::Object(Arc::new(Holder(object.clone())));
    write(Reference::Own(exported), serializer)
}

/// Writes an object that another process has: it goes back there, or is handed on.
///
/// # Errors
///
/// Outside of a call.
pub fn serialize_remote<S: Serializer>(
    client: &ClientCore,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    write(Reference::Theirs(client.target().clone()), serializer)
}

fn write<S: Serializer>(object: Reference, serializer: S) -> Result<S::Ok, S::Error> {
    let number = scope::pack_object(object).map_err(ser::Error::custom)?;
    serializer.serialize_u32(number)
}

/// Reads an object, wherever it is.
///
/// # Errors
///
/// When none came along, or it is one of this process with another interface.
pub fn deserialize<'de, I, D>(deserializer: D) -> Result<Received<I>, D::Error>
where
    I: Object + ?Sized,
    D: Deserializer<'de>,
{
    let number = u32::deserialize(deserializer)?;
    match scope::unpack_object(number).map_err(de::Error::custom)? {
        Reference::Theirs(target) | Reference::Own(Exported::Forwarder(target)) => {
            Ok(Received::Remote(ClientCore::of_object(target)))
        }
        Reference::Own(Exported::Object(object)) => {
            let mut own: Option<Arc<I>> = None;
            object.offer(&mut own);
            own.map(Received::Local).ok_or_else(|| {
                let (found, wanted) = (object.interface().name, I::interface().name);
                de::Error::custom(format_args!("the object is a `{found}`, not a `{wanted}`"))
            })
        }
        Reference::Own(Exported::Sink(_) | Exported::Stream(_) | Exported::Guard(_)) => {
            Err(de::Error::custom("what came along is no object of an interface"))
        }
    }
}

/// Reads an object that another process has.
///
/// # Errors
///
/// As [`deserialize`]; and when it is this process's own.
pub fn deserialize_remote<'de, I, D>(deserializer: D) -> Result<ClientCore, D::Error>
where
    I: Object + ?Sized,
    D: Deserializer<'de>,
{
    match deserialize::<I, D>(deserializer)? {
        Received::Remote(client) => Ok(client),
        Received::Local(_) => {
            Err(de::Error::custom("the object is the receiver's own, which is not expected here"))
        }
    }
}

/// Prints a reference to an object: of this process, or of the one that `client` calls.
///
/// # Errors
///
/// Those of the formatter.
pub fn debug_ref(f: &mut fmt::Formatter<'_>, client: Option<&ClientCore>) -> fmt::Result {
    match client {
        None => f.write_str("Local(..)"),
        Some(client) => f.debug_tuple("Remote").field(client).finish(),
    }
}
