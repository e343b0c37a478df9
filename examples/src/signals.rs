//! Ctrl-C, and the system's wish that a process end.

use std::io;
use std::thread;

use alpc_rpc::Stopper;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// Ends a service on Ctrl-C (SIGINT) and on SIGTERM: calls that run are finished, no more begin.
/// Whoever cannot wait for that sends the signal again.
///
/// # Errors
///
/// When the system does not let a process have the signals, or has no threads left.
pub fn stop_on_ctrl_c(stopper: Stopper) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let wait = move || {
        let mut arriving = signals.forever();
        if arriving.next().is_some() {
            stopper.stop();
        }
        if let Some(again) = arriving.next() {
            // It ends the process, as it would have without us.
            let _ended = emulate_default_handler(again);
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(wait)?;
    Ok(())
}
