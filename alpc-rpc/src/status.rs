//! The numbers by which the two ends tell what a message is, beside the interface's own.
//!
//! A status of zero is an answer; other numbers are faults, but for the two here.

pub(crate) use alpc_transport::STATUS_GIVEN_UP as GIVEN_UP;

/// The answer is the interface's own error.
pub(crate) const APPLICATION_ERROR: u16 = u16::MAX - 1;

/// In a tag: the body is too long for the message, and is its first bulk argument instead.
pub(crate) const LONG_BODY: u16 = 1;

/// In a tag: the body ends with an envelope.
pub(crate) const ENVELOPE: u16 = 2;

/// Whoever gets this one-way call and does not know it must not go on without it.
pub(crate) const MUST_UNDERSTAND: u16 = 1 << 15;

/// From here on a body travels as a bulk argument. Half of the longest message, so that small bulk
/// arguments find room beside it.
pub(crate) const MAX_BODY: usize = 32 << 10;

/// Bulk arguments up to this length stand in the body: describing them apart would cost more.
pub(crate) const SMALL: usize = 1 << 10;

/// What precedes a bulk argument's place in the body.
pub(crate) mod place {
    /// Its length and its bytes follow.
    pub(crate) const HERE: u8 = 0;
    /// It is the next of the message's bulk arguments.
    pub(crate) const APART: u8 = 1;
}
