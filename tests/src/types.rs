//! The types that are more than numbers and text, in an interface that is written both ways.
//!
//! As in [`everything`](crate::everything), servers and trips are one source that is compiled once for
//! each way of writing.

pub mod idl;
pub mod twin;
