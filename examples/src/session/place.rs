//! A process's place in the session, as an object that others call.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread;

use alpc_rpc::Call;
use rustix::pipe::{PipeFlags, pipe_with};

use super::interface::{Registration, RegistrationRef, SessionError, ShutdownFlags};
use super::registry::{Session, denied};
use super::say;

/// A [`Registration`].
///
/// It is an object of the connection through which it was handed out. The runtime drops it when the
/// client lets go of it, or is gone: because it ended, or was killed. This is the rundown.
pub(super) struct Place {
    number: u64,
    session: Arc<Session>,
    held_by: Holder,
}

#[derive(PartialEq, Eq)]
enum Holder {
    /// The process itself.
    Itself,
    /// Another one, to share something with it.
    Another,
}

impl Place {
    /// The place of a process that registers.
    pub(super) fn own(number: u64, session: Arc<Session>) -> Place {
        Place { number, session, held_by: Holder::Itself }
    }

    /// The place of a process that another one looks for.
    pub(super) fn found(number: u64, session: Arc<Session>) -> Place {
        Place { number, session, held_by: Holder::Another }
    }

    /// To be found does not mean to be ruled.
    fn only_itself(&self, cx: &Call<'_>) -> Result<(), SessionError> {
        if self.held_by == Holder::Itself { Ok(()) } else { Err(denied(cx)) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.held_by == Holder::Itself {
            self.session.run_down(self.number);
        }
    }
}

impl Registration for Place {
    fn number(&self, _: &Call<'_>) -> u64 {
        self.number
    }

    fn process(&self, _: &Call<'_>) -> Result<OwnedFd, SessionError> {
        let process = self.session.with(self.number, |entry| entry.process.try_clone())?;
        process.map_err(|_no_room| SessionError::Gone)
    }

    fn add_thread(&self, cx: &Call<'_>, thread: OwnedFd, tid: u32) -> Result<(), SessionError> {
        self.only_itself(cx)?;
        self.session.with(self.number, |entry| entry.threads.push((tid, thread)))
    }

    fn set_shutdown_params(
        &self,
        cx: &Call<'_>,
        level: u32,
        flags: ShutdownFlags,
    ) -> Result<(), SessionError> {
        self.only_itself(cx)?;
        self.session.with(self.number, |entry| {
            entry.member.shutdown_level = level;
            entry.member.flags = flags;
        })
    }

    fn share_with(
        &self,
        cx: &Call<'_>,
        peer: RegistrationRef,
        object: OwnedFd,
    ) -> Result<u64, SessionError> {
        self.only_itself(cx)?;
        // One that this process has handed out; anything else is a stranger's.
        let RegistrationRef::Local(peer) = peer else { return Err(denied(cx)) };
        let giver = self.session.with(self.number, |entry| entry.member.info.pid)?;
        let taker = self.session.with(peer.number(cx), |entry| entry.events.clone())?;
        taker.receive(giver, object).map_err(|_gone| SessionError::Gone)
    }

    fn console(&self, cx: &Call<'_>) -> Result<(OwnedFd, OwnedFd), SessionError> {
        self.only_itself(cx)?;
        let pid = self.session.with(self.number, |entry| entry.member.info.pid)?;
        let pipe = || pipe_with(PipeFlags::CLOEXEC).map_err(|_full| SessionError::Gone);
        let (input, ours) = pipe()?;
        let (said, output) = pipe()?;
        // It fits into the pipe, so nobody is waited for.
        let greeting = format!("welcome to the session, process {pid}\n");
        File::from(ours).write_all(greeting.as_bytes()).map_err(|_closed| SessionError::Gone)?;
        // Ends with the process, which has the other end.
        thread::spawn(move || {
            for line in BufReader::new(File::from(said)).lines().map_while(Result::ok) {
                say(&format!("console of process {pid}: {line}"));
            }
        });
        Ok((input, output))
    }
}
