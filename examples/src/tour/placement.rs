//! Where the two processes run: on one CPU, on two, or wherever the system puts them.

use std::fs;

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::Failure;

/// A placement of the client and the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Placement {
    /// Both on one CPU.
    Together,
    /// Each on one of its own.
    Apart,
    /// Not pinned.
    Free,
}

impl Placement {
    /// All of them.
    pub const ALL: [Placement; 3] = [Placement::Together, Placement::Apart, Placement::Free];

    /// Its name in tables and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Placement::Together => "together",
            Placement::Apart => "apart",
            Placement::Free => "free",
        }
    }

    /// Moves this process and the others there. `None`: this machine has no two CPUs to be apart on.
    pub fn take(self, all: &CpuSet, others: &[u32]) -> Result<Option<()>, Failure> {
        let cpus: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&cpu| all.is_set(cpu)).collect();
        let one = |index: usize| {
            let mut set = CpuSet::new();
            cpus.get(index).map(|&cpu| {
                set.set(cpu);
                set
            })
        };
        let (mine, theirs) = match self {
            Placement::Together => (one(0), one(0)),
            Placement::Apart => (one(0), one(1)),
            Placement::Free => (Some(*all), Some(*all)),
        };
        let (Some(mine), Some(theirs)) = (mine, theirs) else { return Ok(None) };
        move_process(std::process::id(), &mine)?;
        for &other in others {
            move_process(other, &theirs)?;
        }
        Ok(Some(()))
    }
}

/// The CPUs that this process may use.
pub fn allowed() -> Result<CpuSet, Failure> {
    Ok(sched_getaffinity(None)?)
}

/// Moves every thread of a process.
fn move_process(process: u32, cpus: &CpuSet) -> Result<(), Failure> {
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let name = thread?.file_name();
        let number = name.to_string_lossy().parse().ok().and_then(Pid::from_raw);
        if let Some(thread) = number {
            // A thread that has ended meanwhile needs no place.
            match sched_setaffinity(Some(thread), cpus) {
                Ok(()) | Err(rustix::io::Errno::SRCH) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}
