//! One interface with bounds everywhere, and without any.
//!
//! Bounds are no part of a fingerprint, so the two can call each other. That shows each side's own checks:
//! those of a strict client against a loose server, and the other way round.

pub mod loose;
pub mod strict;
