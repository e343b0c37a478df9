//! A process that registers with the session manager.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use alpc_rpc::ConnectError;
use alpc_rpc::prelude::*;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{PidfdFlags, getpid, pidfd_open};
use rustix::thread::gettid;

use super::interface::{
    EndReason, ProcessEvents, ProcessInfo, RegistrationClient, SessionError, SessionManagerClient,
    ShutdownFlags, Vote,
};
use super::say;

/// What a member does at its start.
#[derive(Debug, Clone)]
pub struct Member {
    /// What it calls itself.
    pub image: PathBuf,
    /// When it wants to end, if not with most others.
    pub level: Option<u32>,
    /// Whom it claims to be, if not itself.
    pub claimed_pid: Option<u32>,
    /// Where its commands come from.
    pub commands: Commands,
}

/// Where a member's commands come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commands {
    /// From its standard input; when that ends, the member does.
    Input,
    /// From nowhere: it stays until the session ends.
    Nowhere,
}

/// Why a member is none.
#[derive(Debug)]
#[non_exhaustive]
pub enum MemberError {
    /// The manager said no.
    Refused(SessionError),
    /// There is no manager, or none any more.
    NoManager(String),
    /// The system refused something.
    System(io::Error),
}

/// What a member waits for.
enum Told {
    Command(String),
    InputEnds,
    Ending(EndReason),
}

/// What the manager calls.
struct Events {
    /// Why the session must not end, if it must not.
    objection: Arc<Mutex<Option<String>>>,
    received: Mutex<Vec<OwnedFd>>,
    told: Sender<Told>,
}

impl ProcessEvents for Events {
    fn query_end(&self, _: &Call<'_>, reason: EndReason) -> (Vote, Option<String>) {
        let objection = lock(&self.objection).clone();
        let vote = if objection.is_some() { Vote::Veto } else { Vote::Agree };
        say(&format!("asked to end ({reason:?}): {vote:?}"));
        (vote, objection)
    }

    fn ending(&self, _: &Call<'_>, reason: EndReason) {
        // If nobody listens any more, the process ends already.
        let _ending_already = self.told.send(Told::Ending(reason));
    }

    fn receive(&self, _: &Call<'_>, giver: u32, object: OwnedFd) -> u64 {
        let file = File::from(object);
        let mut text = [0; 256];
        // Not every object is a file with text in it.
        let len = file.read_at(&mut text, 0).unwrap_or(0);
        let text = String::from_utf8_lossy(text.get(..len).unwrap_or_default()).into_owned();
        let mut received = lock(&self.received);
        received.push(file.into());
        let number = received.len() as u64;
        say(&format!("process {giver} shares object {number} with me: {text}"));
        number
    }
}

impl Member {
    /// Registers, and stays until the session ends, or the input.
    ///
    /// # Errors
    ///
    /// When there is no manager, or it refuses.
    pub fn run(self, port: &str) -> Result<(), MemberError> {
        let session = SessionManagerClient::connect(port)?;
        let (told, tells) = channel();
        let objection = Arc::default();
        let events = Events {
            objection: Arc::clone(&objection),
            received: Mutex::default(),
            told: told.clone(),
        };
        let registration = self.register(&session, events)?;
        let mut console = console(&registration)?;
        if self.commands == Commands::Input {
            thread::spawn(move || {
                for line in io::stdin().lock().lines().map_while(Result::ok) {
                    let _ended = told.send(Told::Command(line));
                }
                let _ended = told.send(Told::InputEnds);
            });
        }
        for told in tells {
            match told {
                Told::Command(line) => match line.split_once(' ').unwrap_or((&line, "")) {
                    ("veto", why) => *lock(&objection) = Some(why.to_owned()),
                    ("agree", _) => *lock(&objection) = None,
                    ("say", text) => writeln!(console, "{text}")?,
                    ("share", what) => share(&session, &registration, what)?,
                    (other, _) => say(&format!("there is no command `{other}`")),
                },
                Told::Ending(reason) => {
                    say(&format!("the session ends: {reason:?}"));
                    break;
                }
                Told::InputEnds => break,
            }
        }
        // With `registration` the manager's place for this process goes.
        Ok(())
    }

    fn register(
        &self,
        session: &SessionManagerClient,
        events: Events,
    ) -> Result<RegistrationClient, MemberError> {
        let pid = self.claimed_pid.unwrap_or_else(std::process::id);
        let args = std::env::args().collect();
        let info = ProcessInfo::new(pid, self.image.clone(), args, BTreeMap::new());
        let process = pidfd_open(getpid(), PidfdFlags::empty()).map_err(io::Error::from)?;
        let registration = session.register_process(&process, &info, events);
        let registration = registration.split()?.map_err(MemberError::Refused)?;
        if let Some(level) = self.level {
            let set = registration.set_shutdown_params(level, ShutdownFlags::NO_RETRY);
            set.split()?.map_err(MemberError::Refused)?;
        }
        if let Some(thread) = this_thread() {
            let tid = gettid().as_raw_nonzero().get().unsigned_abs();
            registration.add_thread(&thread, tid).split()?.map_err(MemberError::Refused)?;
        }
        let number = registration.number().map_err(CallError::into_transport)?;
        say(&format!("registered as {number}"));
        Ok(registration)
    }
}

/// A handle of the calling thread; none on kernels before 6.9, which have none to give.
fn this_thread() -> Option<OwnedFd> {
    // `PIDFD_THREAD`, which rustix has no name for yet.
    let of_thread = PidfdFlags::from_bits_retain(0o200);
    pidfd_open(gettid(), of_thread).ok()
}

/// Says what the manager has to say, and returns where to write.
fn console(registration: &RegistrationClient) -> Result<File, MemberError> {
    let (input, output) = registration.console().split()?.map_err(MemberError::Refused)?;
    for line in BufReader::new(File::from(input)).lines() {
        say(&line?);
    }
    Ok(File::from(output))
}

/// `share PID TEXT`: a piece of memory with the text in it.
fn share(
    session: &SessionManagerClient,
    registration: &RegistrationClient,
    what: &str,
) -> Result<(), MemberError> {
    let (pid, text) = what.split_once(' ').unwrap_or((what, ""));
    let Ok(pid) = pid.parse() else {
        say("write `share PID TEXT`");
        return Ok(());
    };
    let memory = memfd_create("shared", MemfdFlags::CLOEXEC).map_err(io::Error::from)?;
    let memory = File::from(memory);
    memory.write_all_at(text.as_bytes(), 0)?;
    let shared = session.find(pid).split()?;
    let shared = shared.map(|peer| registration.share_with(&peer, &memory).split());
    match shared {
        Ok(number) => match number? {
            Ok(number) => say(&format!("process {pid} knows it as {number}")),
            Err(refused) => say(&refused.to_string()),
        },
        Err(refused) => say(&refused.to_string()),
    }
    Ok(())
}

/// Nothing is left half changed by a panic.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Display for MemberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MemberError::Refused(why) => write!(f, "the manager refused: {why}"),
            MemberError::NoManager(why) => f.write_str(why),
            MemberError::System(why) => write!(f, "the system refused: {why}"),
        }
    }
}

impl Error for MemberError {}

impl From<ConnectError> for MemberError {
    fn from(error: ConnectError) -> Self {
        MemberError::NoManager(error.to_string())
    }
}

impl From<TransportError> for MemberError {
    fn from(error: TransportError) -> Self {
        MemberError::NoManager(error.to_string())
    }
}

impl From<io::Error> for MemberError {
    fn from(error: io::Error) -> Self {
        MemberError::System(error)
    }
}
