//! On which CPUs client and server run.

use rustix::thread::{CpuSet, Pid, sched_getaffinity, sched_setaffinity};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Placement {
    Together,
    Apart,
    Free,
}

impl Placement {
    pub(crate) const ALL: [Placement; 3] = [Placement::Together, Placement::Apart, Placement::Free];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Placement::Together => "together",
            Placement::Apart => "apart",
            Placement::Free => "free",
        }
    }

    /// The CPUs of the client and of the server.
    pub(crate) fn cpus(self, all: &[usize]) -> (Vec<usize>, Vec<usize>) {
        let (first, last) = (all[..1].to_vec(), all[all.len() - 1..].to_vec());
        match self {
            Placement::Together => (first.clone(), first),
            Placement::Apart => (first, last),
            Placement::Free => (all.to_vec(), all.to_vec()),
        }
    }
}

pub(crate) fn allowed_cpus() -> Vec<usize> {
    let set = sched_getaffinity(None).expect("a thread can read its own affinity");
    (0..CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).collect()
}

pub(crate) fn pin(thread: Option<Pid>, cpus: &[usize]) {
    let mut set = CpuSet::new();
    cpus.iter().for_each(|&cpu| set.set(cpu));
    sched_setaffinity(thread, &set).expect("the CPUs were allowed before");
}
