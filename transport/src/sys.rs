//! The operating system, behind names that are the same on each.
//!
//! Nothing outside this folder names a system call, a descriptor flag or a `cfg` of an operating
//! system. A second system is a second folder beside `linux` with the same file names.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(crate) use linux::*;
