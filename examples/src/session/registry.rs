//! What the session manager knows, and how it comes to know that a process is gone.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alpc_rpc::Call;

use super::interface::{MAX_MEMBERS, Member, ProcessInfo, Retry, SessionError, SessionManager};

/// Where members are in a shutdown unless they say otherwise: in the middle, as on Windows.
const DEFAULT_LEVEL: u32 = 0x280;

/// All processes that are registered.
#[derive(Debug, Default)]
pub struct Registry {
    members: Arc<Mutex<Members>>,
}

#[derive(Debug, Default)]
struct Members {
    by_id: BTreeMap<u64, Member>,
    last_id: u64,
}

/// A process's place in the registry.
///
/// It is the context of the process's connection. The runtime drops it when the connection is gone,
/// because the process ended it, or ended, or was killed: this is the rundown.
struct Registration {
    id: u64,
    members: Arc<Mutex<Members>>,
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(member) = lock(&self.members).by_id.remove(&self.id) {
            let ProcessInfo { pid, image, .. } = &member.info;
            say(&format!("process {pid} ({image}) is gone, its registration is run down"));
        }
    }
}

impl Registry {
    /// Changes what is known of the caller.
    fn of_caller<R>(
        &self,
        cx: &Call<'_>,
        change: impl FnOnce(&mut Member) -> R,
    ) -> Result<R, SessionError> {
        let registration = cx.connection().context::<Registration>();
        let id = registration.ok_or(SessionError::NotRegistered)?.id;
        let mut members = lock(&self.members);
        members.by_id.get_mut(&id).map(change).ok_or(SessionError::NotRegistered)
    }
}

impl SessionManager for Registry {
    fn register_process(&self, cx: &Call<'_>, info: ProcessInfo) -> Result<u64, SessionError> {
        // What the caller says of itself is worth nothing; what the kernel says of it is.
        if cx.peer().pid() != Some(info.pid) {
            let caller = cx.peer().to_string();
            say(&format!("refused: {caller} wanted to register process {}", info.pid));
            return Err(SessionError::AccessDenied { caller });
        }
        let pid = info.pid;
        let id = {
            let mut members = lock(&self.members);
            members.last_id += 1;
            members.last_id
        };
        // First the registration, which stays if it is the connection's first, then the entry.
        let registration = Registration { id, members: self.members.clone() };
        let first = cx.connection().set_context(registration);
        first.map_err(|_second| SessionError::AlreadyRegistered { pid })?;
        say(&format!("process {pid} ({}) is registered as {id}", info.image));
        let member =
            Member { id, info, shutdown_level: DEFAULT_LEVEL, retry: Retry::Ask, beats: 0 };
        lock(&self.members).by_id.insert(id, member);
        Ok(id)
    }

    fn set_shutdown_params(
        &self,
        cx: &Call<'_>,
        level: u32,
        retry: Retry,
    ) -> Result<(), SessionError> {
        self.of_caller(cx, |member| {
            member.shutdown_level = level;
            member.retry = retry;
        })
    }

    fn heartbeat(&self, cx: &Call<'_>) {
        let beat = self.of_caller(cx, |member| {
            member.beats += 1;
            format!("heartbeat {} of process {}", member.beats, member.info.pid)
        });
        // Nobody waits for an answer, so there is nobody to tell of a process that is not registered.
        if let Ok(beat) = beat {
            say(&beat);
        }
    }

    fn list_processes(&self, _: &Call<'_>) -> Vec<Member> {
        let mut all: Vec<Member> = lock(&self.members).by_id.values().cloned().collect();
        all.sort_by_key(|member| (std::cmp::Reverse(member.shutdown_level), member.id));
        all.truncate(usize::try_from(MAX_MEMBERS).unwrap_or(usize::MAX));
        all
    }

    fn query_process(&self, _: &Call<'_>, pid: u32) -> Result<Member, SessionError> {
        let members = lock(&self.members);
        let found = members.by_id.values().rfind(|member| member.info.pid == pid);
        found.cloned().ok_or(SessionError::NoSuchProcess { pid })
    }
}

/// Writes a line. A manager whose output nobody reads any more is still a manager.
fn say(line: &str) {
    let _unread = writeln!(io::stdout(), "{line}");
}

/// Nothing is left half changed by a panic.
fn lock(members: &Mutex<Members>) -> MutexGuard<'_, Members> {
    members.lock().unwrap_or_else(PoisonError::into_inner)
}
