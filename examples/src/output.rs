//! What a service says while it runs.

use std::io::{self, Write};

/// Writes a line. A process whose output nobody reads any more goes on.
pub fn say(line: &str) {
    let _unread = writeln!(io::stdout(), "{line}");
}
