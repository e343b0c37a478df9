//! How a thread waits that another thread may call back.

use std::sync::Arc;
use std::thread::Thread;

use super::{Interest, Leader, Wait, Waiter, Waiting};
use crate::cancellation::Cancellation;
use crate::channel::{Channel, lock};
use crate::error::{Error, ErrorKind, Result};
use crate::message::Deadline;

/// The thread that calls blocks, until its call is answered or given up.
#[derive(Clone, Copy)]
pub(crate) struct Cancellable<'c> {
    pub(crate) token: &'c Cancellation,
    pub(crate) waiting: &'c Arc<Waiting>,
}

impl Wait for Cancellable<'_> {
    async fn until<T>(
        self,
        (waiting, channel): (&Waiting, &Channel),
        deadline: Deadline,
        interest: Interest,
        mut ready: impl FnMut() -> Result<Option<T>>,
    ) -> Result<T> {
        let (its, me) = (self.waiting.clone(), std::thread::current());
        let _watch = self.token.on_cancel(move || its.rouse(&me));
        let ready = || match ready()? {
            // What came at the last moment still counts.
            Some(found) => Ok(Some(found)),
            None if self.token.is_cancelled() => {
                Err(Error::new(ErrorKind::Cancelled, "wait for the peer"))
            }
            None => Ok(None),
        };
        waiting.wait(channel, deadline.min(self.token.deadline()), interest, ready)
    }

    fn waiter(self) -> Waiter {
        Waiter::Thread(std::thread::current())
    }

    const KEEPS_MEMORY: bool = true;
}

impl Waiting {
    /// Has a thread look again, in whichever way it waits.
    fn rouse(&self, thread: &Thread) {
        thread.unpark();
        if let Leader::Sleeps(leader, _) = lock(&self.state).leader
            && leader == thread.id()
        {
            self.bell.ring();
        }
    }
}
