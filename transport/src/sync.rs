//! The standard library's atomics, or loom's, so that loom runs the code that ships.

#[cfg(not(all(test, loom)))]
pub(crate) use std::sync::atomic::{AtomicU32, fence};

#[cfg(all(test, loom))]
pub(crate) use loom::sync::atomic::{AtomicU32, fence};
