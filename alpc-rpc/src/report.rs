//! What the library says by itself: that somebody's code panicked, which is nowhere else to be seen.

use std::fmt;
use std::io::{self, Write};

/// Writes a line to the standard error. Where nobody can hear it, it is lost: `eprintln!` would panic,
/// on a worker that other clients need.
pub(crate) fn report(what: fmt::Arguments<'_>) {
    // In one piece, since other threads write, too.
    let line = format!("alpc-rpc: {what}\n");
    let _unheard = io::stderr().write_all(line.as_bytes());
}
