//! Interfaces that inherit, written both ways: with two bases that have one base, with events and
//! errors of bases, and with objects that are passed where a base of theirs is wanted.
//!
//! As in [`everything`](crate::everything), servers and trips are one source that is compiled once for
//! each way of writing.

pub mod idl;
pub mod twin;
