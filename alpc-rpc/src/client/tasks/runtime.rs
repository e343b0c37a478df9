//! How a tokio runtime watches a connection for the tasks that it polls.
//!
//! A call that is polled in a runtime has the runtime's event loop watch its connection: a task of ours
//! there waits for the port's descriptor. It begins with the first such call, ends with the connection or
//! with the runtime, and needs nobody to think of it. If the runtime ends first, or calls are polled
//! elsewhere as well, whoever polls those watches, or a thread of the port's own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use alpc_transport::{CommunicationPort, Error, PortWatch, Watched};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::{Handle, Id};

/// The runtimes that watch one connection.
#[derive(Default)]
pub(crate) struct Runtimes(Mutex<Vec<Id>>);

/// One of them. Dropped, it watches no more.
struct Listed {
    runtimes: Weak<Runtimes>,
    id: Id,
}

impl Drop for Listed {
    fn drop(&mut self) {
        if let Some(runtimes) = self.runtimes.upgrade() {
            runtimes.lock().retain(|id| *id != self.id);
        }
    }
}

impl Runtimes {
    /// Sees that whoever polls the task that runs this watches `port` for it.
    ///
    /// # Errors
    ///
    /// When the system has no descriptors or threads left, or the port is closed.
    pub(crate) fn ensure(self: &Arc<Runtimes>, port: &CommunicationPort) -> Result<(), Error> {
        let Ok(runtime) = Handle::try_current() else {
            // No runtime that watches for others needs to go on.
            return if self.lock().is_empty() { Ok(()) } else { port.watch_by_thread() };
        };
        let id = runtime.id();
        let listed = {
            let mut known = self.lock();
            if known.contains(&id) {
                return Ok(());
            }
            known.push(id);
            Listed { runtimes: Arc::downgrade(self), id }
        };
        #[allow(deprecated, reason = "what replaces it in the newest versions is `unsafe`")]
        let watch = AsyncFd::with_interest(port.watch()?, Interest::READABLE)
            .map_err(|error| Error::os("watch a connection in a tokio runtime", error))?;
        // It ends with the connection.
        drop(runtime.spawn(go_on(watch, listed)));
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Id>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks whenever there is something, until there can be no more.
async fn go_on(watch: AsyncFd<PortWatch>, _listed: Listed) {
    // An error says that the runtime ends.
    while let Ok(mut something) = watch.readable().await {
        if watch.get_ref().look() == Watched::Closed {
            return;
        }
        // What has come since is not forgotten by that.
        something.clear_ready();
    }
}
