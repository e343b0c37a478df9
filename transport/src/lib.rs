//! Ports, sections and direct memory access between the processes of one machine, with the
//! semantics of Windows ALPC (Advanced Local Procedure Call).
//!
//! A server owns a named [`ConnectionPort`]; a client connects to it, and an
//! accepted connection becomes a private pair of communication ports. Messages travel through
//! *outboxes*: rings in shared memory that have exactly one writer each. A large argument goes by
//! a *section* (shared memory that only its producer can write) or by *direct access* to the
//! peer's memory, chosen by its size.
//!
//! All `unsafe` of the project lives in this crate. The rules that it keeps:
//!
//! - No Rust reference is ever made to bytes that a peer can change.
//! - Every word in shared memory is written by one process only.
//! - What comes from a peer is copied, then checked, then used; it never panics.

#![warn(clippy::cast_possible_truncation, clippy::indexing_slicing, clippy::unwrap_used)]
#![cfg_attr(
    test,
    allow(clippy::cast_possible_truncation, clippy::indexing_slicing, clippy::unwrap_used)
)]

mod alarm;
mod buffer;
mod bulk;
mod cancellation;
mod chain;
mod channel;
mod choose;
mod completion;
mod copy;
mod direct;
pub mod element;
mod error;
pub mod handle;
mod message;
mod name;
mod peer;
mod port;
mod queue;
mod section;
mod spin;
mod stream;
mod sync;
mod sys;
mod waiting;

pub use buffer::{Buffer, BufferPool, Bytes};
pub use bulk::Travelled;
pub use cancellation::{CancelWatch, Cancellation, Cancelled, Canceller};
pub use chain::{Chain, Handling};
pub use channel::Traffic;
pub use choose::{Reason, Way};
pub use completion::{
    Callbacks, Completion, CompletionBell, CompletionList, CompletionPort, Packet, Replies, Worker,
};
pub use element::Element;
pub use error::{Error, ErrorKind, Misbehaviour, Result, Versions};
pub use message::{Deadline, MessageId, MessageKind};
pub use name::{Directory, PortName};
pub use peer::{PeerIdentity, ProcessProof, Provenance};
pub use port::attributes::{
    Accelerator, Admission, DirectAvailability, DirectPolicy, Limits, PortAttributes,
};
pub use port::communication::{
    Batch, CallFailure, Carried, CommunicationPort, Overflow, Part, Received, Request, Response,
    Ticket,
};
pub use port::connection::{
    AcceptedConnection, ConnectionEvent, ConnectionPort, ConnectionRequest,
};
pub use port::handshake::MAX_CONNECTION_DATA;
pub use port::reverse::{ReverseAcceptance, ReverseOffer};
pub use port::serving::{
    Counts, InPart, IncomingCall, PendingReply, Reply, RoomMemory, STATUS_GIVEN_UP,
    STATUS_UNANSWERED, ServerPort, Unfinished, Unwanted,
};
pub use section::Blob;
pub use section::region::Region;
pub use section::view::PeerView;
pub use waiting::{PortWatch, Watched};
