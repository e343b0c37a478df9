//! A hanging test ends with a message, not with somebody's patience.

use std::io::{self, Write};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Ends the process unless it is dropped in time.
///
/// It ends the whole process because nothing else ends a thread that hangs. The other processes of the
/// test see their input end, and follow.
#[derive(Debug)]
pub struct Watchdog {
    alive: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Watches over `what`, which takes no longer than `patience`.
    pub fn new(what: &str, patience: Duration) -> Watchdog {
        let (alive, end) = channel::<()>();
        let what = what.to_owned();
        let thread = std::thread::spawn(move || {
            if end.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                // Not by a macro: the test's own output is lost when the process ends like this.
                let _unread = writeln!(io::stderr(), "`{what}` hangs: not over after {patience:?}");
                std::process::abort();
            }
        });
        Watchdog { alive: Some(alive), thread: Some(thread) }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.alive = None;
        if let Some(thread) = self.thread.take() {
            // It only waits; there is nothing it could have panicked about.
            let _ended = thread.join();
        }
    }
}
