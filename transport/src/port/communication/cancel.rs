//! How a call ends that nobody waits for any more.

use std::time::Duration;

use super::call::{Call, Stage};
use crate::bulk::discard_streams;
use crate::channel::{Bell, Outgoing};
use crate::message::MessageKind;
use crate::sys::poll;
use crate::waiting::{GrantName, Wait};

/// More than a chunk of direct access takes when nothing holds it up.
const CHUNK_TIME: Duration = Duration::from_millis(1);

impl<W: Wait> Call<'_, W> {
    /// Tells the server that nobody waits any more, and takes back the memory that was lent.
    pub(super) fn cancel(&self) {
        let header = self.header(MessageKind::Cancel, 0, 0);
        let message = Outgoing::bare(header);
        // A server that does not hear of it only does work that nobody wants.
        let _unheard = self.end.channel.post(&message, Bell::Now);
        if let Some(grant) = self.lent {
            self.take_memory_back(grant);
        }
    }

    /// Borrowed memory is never returned to its owner while the server could still write to it. What
    /// has not begun does not begin from here on, whether anybody at the server hears of it or not;
    /// what has begun ends within one chunk, or with the server.
    fn take_memory_back(&self, grant: GrantName) {
        let channel = &self.end.channel;
        channel.own.revoke(grant.slot, grant.number);
        while channel.theirs.is_copying(grant.slot) && channel.peer.is_alive() {
            // A chunk takes a fraction of this. Nobody rings when it ends.
            let process = channel.peer.process.fd();
            if poll::wait_for_death(process, CHUNK_TIME).is_err() {
                std::thread::yield_now();
            }
        }
    }
}

impl<W: Wait> Drop for Call<'_, W> {
    fn drop(&mut self) {
        match self.stage {
            Stage::New | Stage::Over => {}
            Stage::Registered => self.end.waiting.forget(self.id),
            Stage::Published => {
                if let Some(record) = self.end.waiting.abandon(self.id) {
                    // The server has answered already; only its bulk data is still to be refused.
                    self.end.waiting.tell_late(&record);
                    let _closed = discard_streams(&self.end.channel, &record);
                }
                self.cancel();
            }
        }
    }
}
