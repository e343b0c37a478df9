//! A function that is run for each completion.
//!
//! The simplest of the three ways, for those who have little to do per message. Nobody else is told
//! anything while the function runs, so one that takes its time is pointed out.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{Completion, Worker};
use crate::error::{Error, Result};

/// How long a callback may take before it is pointed out, unless said otherwise.
const PATIENCE: Duration = Duration::from_millis(1);

/// A thread that runs a function for each completion. Dropping this does not end it; the end of the
/// service does.
pub struct Callbacks {
    thread: JoinHandle<Result<()>>,
    watch: Arc<Watch>,
}

#[derive(Default)]
struct Watch {
    slow: AtomicU64,
    warning: OnceLock<Warning>,
}

/// From how long on a callback is slow, and who wants to know.
struct Warning {
    patience: Duration,
    tell: Box<dyn Fn(Duration) + Send + Sync>,
}

impl Watch {
    fn note(&self, took: Duration) {
        let warning = self.warning.get();
        if took <= warning.map_or(PATIENCE, |warning| warning.patience) {
            return;
        }
        self.slow.fetch_add(1, Ordering::Relaxed);
        if let Some(warning) = warning {
            (warning.tell)(took);
        }
    }
}

impl Callbacks {
    pub(super) fn start(
        mut worker: Worker,
        mut tell: impl FnMut(Completion) + Send + 'static,
    ) -> Result<Callbacks> {
        let watch = Arc::new(Watch::default());
        let watched = watch.clone();
        let run = move || {
            while let Some(completion) = worker.next()? {
                let begun = Instant::now();
                tell(completion);
                watched.note(begun.elapsed());
            }
            Ok(())
        };
        let thread = std::thread::Builder::new()
            .name("alpc-callbacks".to_owned())
            .spawn(run)
            .map_err(|error| Error::os("start a thread for callbacks", error))?;
        Ok(Callbacks { thread, watch })
    }

    /// Has `tell` hear of each callback that takes longer than `patience`, and how long it took, once
    /// it has returned. The first warning stays.
    pub fn warn(&self, patience: Duration, tell: impl Fn(Duration) + Send + Sync + 'static) {
        let _first = self.watch.warning.set(Warning { patience, tell: Box::new(tell) });
    }

    /// How many callbacks have taken too long.
    pub fn slow(&self) -> u64 {
        self.watch.slow.load(Ordering::Relaxed)
    }

    /// Waits until the service has ended.
    ///
    /// # Errors
    ///
    /// When the thread could not wait for completions any more.
    ///
    /// # Panics
    ///
    /// With the function's own panic, if it ended the thread.
    pub fn join(self) -> Result<()> {
        match self.thread.join() {
            Ok(ended) => ended,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

impl std::fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callbacks").field("slow", &self.slow()).finish_non_exhaustive()
    }
}
