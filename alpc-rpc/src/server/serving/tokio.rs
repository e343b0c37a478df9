//! News from the reactor of the tokio runtime that a task runs in.

use std::task::{Context, Poll, ready};

use alpc_transport::{CompletionBell, Error};
use tokio::io::Interest;
use tokio::io::unix::{AsyncFd, AsyncFdReadyGuard};

use super::News;

/// A descriptor that the reactor watches.
pub(super) struct Watched(AsyncFd<CompletionBell>);

impl Watched {
    pub(super) fn new(bell: CompletionBell) -> Result<Watched, Error> {
        // What replaces it is `unsafe`, for descriptors that are closed while they are watched. This one
        // belongs to the bell.
        #[allow(deprecated, reason = "not before 1.54")]
        let watched = AsyncFd::with_interest(bell, Interest::READABLE);
        watched.map(Watched).map_err(|error| Error::os("watch for clients", error))
    }
}

impl News for Watched {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let ready = ready!(self.0.poll_read_ready(cx));
        // Cleared before the list is emptied: what comes meanwhile is news again.
        let told =
            ready.map(|mut guard: AsyncFdReadyGuard<'_, CompletionBell>| guard.clear_ready());
        Poll::Ready(told.map_err(|error| Error::os("watch for clients", error)))
    }
}
