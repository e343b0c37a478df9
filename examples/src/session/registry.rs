//! What the session manager knows, and how it comes to know that a process is gone.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alpc_rpc::Call;

use super::interface::{
    EndReason, LaunchTarget, MAX_MEMBERS, Member, ProcessEventsClient, ProcessInfo, Registration,
    SessionError, SessionManager, SessionManagerEmitter, ShutdownFlags, Vote,
};
use super::launch;
use super::place::Place;
use super::say;

/// The only session there is.
const SESSION: u32 = 1;

/// Where members are in a shutdown unless they say otherwise: in the middle, as on Windows.
const DEFAULT_LEVEL: u32 = 0x280;

/// The session manager.
#[derive(Debug, Default)]
pub struct Registry {
    session: Arc<Session>,
}

/// All processes that are registered, and who wants to know of them.
#[derive(Debug, Default)]
pub(super) struct Session {
    entries: Mutex<Entries>,
    events: SessionManagerEmitter,
}

#[derive(Debug, Default)]
struct Entries {
    by_number: BTreeMap<u64, Entry>,
    last_number: u64,
}

/// A registered process.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) member: Member,
    /// What calls it.
    pub(super) events: ProcessEventsClient,
    /// The process itself, and those of its threads that it has told of.
    pub(super) process: OwnedFd,
    pub(super) threads: Vec<(u32, OwnedFd)>,
}

impl Session {
    /// Looks at, or changes, what is known of a process.
    pub(super) fn with<R>(
        &self,
        number: u64,
        change: impl FnOnce(&mut Entry) -> R,
    ) -> Result<R, SessionError> {
        self.entries().by_number.get_mut(&number).map(change).ok_or(SessionError::Gone)
    }

    /// Forgets a process: it has let go of its registration, or ended, or was killed.
    pub(super) fn run_down(&self, number: u64) {
        let entry = self.entries().by_number.remove(&number);
        // Not under the lock: with the entry goes what called the process.
        let Some(Entry { member, threads, .. }) = entry else { return };
        let (pid, image) = (member.info.pid, member.info.image.display());
        let threads = threads.len();
        say(&format!("process {pid} ({image}) is gone, its registration is run down"));
        self.tell(&format!("process {pid} is gone, and {threads} threads of it"));
    }

    fn tell(&self, state: &str) {
        // Somebody who cannot be told misses it, as does somebody who does not listen.
        let _untold = self.events.session_changed(SESSION, state);
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        // Nothing is left half changed by a panic.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everybody, those first who end first.
    fn in_order_of_ending(&self) -> Vec<(Member, ProcessEventsClient)> {
        let entries = self.entries();
        let all = entries.by_number.values();
        let mut all: Vec<_> =
            all.map(|entry| (entry.member.clone(), entry.events.clone())).collect();
        all.sort_by_key(|(member, _)| (std::cmp::Reverse(member.shutdown_level), member.number));
        all
    }
}

/// Refuses the caller, by the name that the kernel has for it.
pub(super) fn denied(cx: &Call<'_>) -> SessionError {
    SessionError::AccessDenied { caller: cx.peer().to_string() }
}

impl SessionManager for Registry {
    fn register_process(
        &self,
        cx: &Call<'_>,
        process: OwnedFd,
        info: ProcessInfo,
        events: ProcessEventsClient,
    ) -> Result<Arc<dyn Registration>, SessionError> {
        // What the caller says of itself is worth nothing; what the kernel says of it is.
        let pid = info.pid;
        if cx.peer().pid() != Some(pid) || launch::pid_of(&process) != Some(pid) {
            say(&format!("refused: {} wanted to register process {pid}", cx.peer()));
            return Err(denied(cx));
        }
        if info.session != SESSION {
            return Err(SessionError::NoSuchSession(info.session));
        }
        let image = info.image.display().to_string();
        let number = {
            let mut entries = self.session.entries();
            if entries.by_number.values().any(|entry| entry.member.info.pid == pid) {
                return Err(SessionError::AlreadyRegistered { pid });
            }
            entries.last_number += 1;
            let number = entries.last_number;
            let member = Member::new(number, info, DEFAULT_LEVEL, ShutdownFlags::NONE);
            entries
                .by_number
                .insert(number, Entry { member, events, process, threads: Vec::new() });
            number
        };
        say(&format!("process {pid} ({image}) is registered as {number}"));
        self.session.tell(&format!("process {pid} is there"));
        Ok(Arc::new(Place::own(number, self.session.clone())))
    }

    fn launch(
        &self,
        _: &Call<'_>,
        target: LaunchTarget,
        info: ProcessInfo,
    ) -> Result<(OwnedFd, u32), SessionError> {
        let launched = launch::launch(target, &info)?;
        say(&format!("process {} is launched", launched.1));
        Ok(launched)
    }

    fn list_sessions(&self, _: &Call<'_>) -> Vec<(u32, String)> {
        vec![(SESSION, "console".to_owned())]
    }

    fn list_processes(&self, _: &Call<'_>) -> Vec<Member> {
        let all = self.session.in_order_of_ending().into_iter().map(|(member, _)| member);
        all.take(usize::try_from(MAX_MEMBERS).unwrap_or(usize::MAX)).collect()
    }

    fn find(&self, _: &Call<'_>, pid: u32) -> Result<Arc<dyn Registration>, SessionError> {
        let entries = self.session.entries();
        let found = entries.by_number.values().find(|entry| entry.member.info.pid == pid);
        let number = found.ok_or(SessionError::NoSuchProcess { pid })?.member.number;
        Ok(Arc::new(Place::found(number, self.session.clone())))
    }

    fn end_session(&self, _: &Call<'_>, reason: EndReason) -> Result<(), SessionError> {
        let all = self.session.in_order_of_ending();
        for (member, events) in &all {
            // Whoever does not answer in time, or is gone by now, does not stand in the way.
            if let Ok((Vote::Veto, why)) = events.query_end(reason) {
                let (pid, why) = (member.info.pid, why.unwrap_or_default());
                say(&format!("process {pid} does not want to end: {why}"));
                return Err(SessionError::Vetoed { pid, why });
            }
        }
        say(&format!("the session ends: {reason:?}"));
        self.session.tell("the session ends");
        for (_, events) in all {
            let _gone = events.ending(reason);
        }
        Ok(())
    }

    fn spawn(&self, cx: &Call<'_>, image: PathBuf) -> Result<u32, SessionError> {
        let info = ProcessInfo::new(0, image.clone(), Vec::new(), BTreeMap::new());
        self.launch(cx, LaunchTarget::Image(image), info).map(|(_, pid)| pid)
    }

    fn emitter(&self) -> &SessionManagerEmitter {
        &self.session.events
    }
}
