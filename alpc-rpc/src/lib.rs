//! Typed calls between the processes of one machine, over ports that behave like Windows ALPC.
//!
//! An interface is a trait, or an `.idl` file that a build script compiles. It gives a server trait
//! to implement, `FooServer` to serve an implementation, and `FooClient` to call it:
//!
//! ```no_run
//! use alpc_rpc::prelude::*;
//!
//! #[alpc_interface(name = "acme.calc.Calculator", version = "1.0")]
//! pub trait Calculator {
//!     /// Adds two numbers.
//!     fn add(&self, a: i64, b: i64) -> i64;
//! }
//!
//! struct Sums;
//!
//! impl Calculator for Sums {
//!     fn add(&self, a: i64, b: i64) -> i64 {
//!         a + b
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // In one process; it serves until `server` is dropped.
//! let server = Server::bind("acme.calc")?.serve(CalculatorServer::new(Sums))?;
//!
//! // In any other of the same user.
//! let calculator = CalculatorClient::connect("acme.calc")?;
//! assert_eq!(calculator.add(2, 3)?, 5);
//! # drop(server);
//! # Ok(())
//! # }
//! ```
//!
//! What all clients can do besides the calls of their interface (`connect`, `with_timeout`,
//! `observed`, `region`) is in the trait [`Client`]; what a handler may know of its caller in
//! [`Call`]. The attribute macro's own page lists what a trait can say.
//!
//! # Bulk arguments
//!
//! Top-level `&[u8]`, `&str`, raw lists and `[out]` buffers travel by their size: copied in the
//! message, streamed through a section, or read and written directly in the caller's memory. The
//! caller need not know; [`Client::observed`] tells. Data that is sent more than once belongs in a
//! [`Blob`], data that is new each time in a [`Region`] that it is made in: neither is copied.
//!
//! # Errors
//!
//! A call ends with its results or with a [`CallError`]: the interface's own error ([`CallError::App`])
//! or the call's ([`TransportError`]), which always says whether the handler may have run.
//! [`SplitResult::split`] leaves the second kind for `?`.
//!
//! # Objects, callbacks, events
//!
//! A method may return an object (`Arc<dyn Registration>`), for which its caller gets a client. It is
//! dropped at the server when the last clone of that client is gone, or the caller's process is. A
//! method may take an object of the caller's in the same way: a callback. Callbacks run on threads of
//! the client's connection, at most 8 at a time, also while the client waits in a call. An object can
//! be handed on: who gets it calls it through the process that handed it on. [`Client::events`] waits
//! for what an object has to tell.
//!
//! # Streams
//!
//! A `stream<T>` is given as [`Items`], an iterator or a line that is fed through a [`Sink`], and taken as a
//! [`Stream`], an iterator, too. Items are made when they are asked for, and come in order. Dropping
//! either end ends the stream, and so does the death of its process.
//!
//! # Threads and order
//!
//! Any number of threads may call through one client (clones share the connection). A server runs as
//! many calls at once as it has workers, also those of one client, so calls that are not waited for,
//! one-way ones above all, may run in another order than they were made. Calls block their thread;
//! every one has a deadline, 30 seconds unless the interface or [`Client::with_timeout`] says
//! otherwise. A handler that calls back into its own client's process must not wait for a worker of
//! a pool that may be busy waiting for it.

#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![warn(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    clippy::exhaustive_enums
)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::unwrap_used,
        clippy::exhaustive_enums
    )
)]

mod agreement;
mod bound;
mod client;
mod contract;
mod decode;
pub mod descriptor;
mod encode;
mod error;
mod event;
mod flags;
mod framework;
mod handle;
mod hello;
mod object;
mod outgoing;
mod record;
mod report;
mod scope;
mod server;
mod status;
mod stream;
mod view;
mod wire;

#[doc(hidden)]
#[path = "rt.rs"]
pub mod __rt;

/// What the fuzz targets of this project reach. Nothing here is for users, and anything may change.
#[cfg(feature = "fuzz")]
#[doc(hidden)]
pub mod __fuzz {
    pub use crate::stream::fuzz as streams;
}

#[cfg(feature = "macros")]
pub use alpc_rpc_macros::{Alpc, alpc_interface};
pub use alpc_transport as transport;
pub use alpc_transport::{
    CancelWatch, Cancellation, Cancelled, Canceller, Counts, Deadline, PeerIdentity,
    PortAttributes, Reason, Region, Travelled, Way,
};
pub use bound::BoundExceeded;
#[cfg(feature = "async")]
pub use client::{AsyncClient, Filled};
pub use client::{CallInfo, Client, Reconnect, Subscriptions};
pub use error::{CallError, ConnectError, Fault, SplitResult, TransportError};
#[cfg(feature = "async")]
pub use event::EventStream;
pub use event::{Emitter, Events};
pub use server::{
    AnswerError, Call, Connection, Dispatch, InOutBuf, OutBuf, Responder, Serve, Server,
    ServerBuilder, Stopper,
};
pub use stream::{Items, SendError, Sink, Stream};
pub use uuid::Uuid;
pub use view::{Blob, BytesArg, View};

/// What most users of the crate want in scope.
pub mod prelude {
    #[cfg(feature = "async")]
    pub use crate::AsyncClient;
    #[cfg(feature = "macros")]
    pub use crate::{Alpc, alpc_interface};
    pub use crate::{
        Blob, Call, CallError, Client, InOutBuf, OutBuf, Server, SplitResult, TransportError, View,
    };
}

/// Includes what `idlc::Builder` made of `<name>.idl` in the build script.
///
/// ```ignore
/// mod kv {
///     alpc_rpc::include_interface!("kv");
/// }
/// ```
#[macro_export]
macro_rules! include_interface {
    ($name:literal) => {
        include!(concat!(env!("OUT_DIR"), "/", $name, ".rs"));
    };
}

/// The examples of the README are compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct ReadmeExamples;
