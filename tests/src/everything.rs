//! One interface with every type of the language, written both ways.
//!
//! `idl` is compiled from `idl/everything.idl`, `twin` is a trait. To each belong a server that sends
//! back what it gets, and trips: calls that check what comes back. Both are one source that is compiled
//! once for each way of writing, so that any client can be let loose on any server.

pub mod idl;
pub mod twin;
