//! Which CPU this thread runs on.

/// The number of the CPU that the caller runs on at this moment (see sched_getcpu(3)).
pub(crate) fn current() -> u32 {
    u32::try_from(rustix::thread::sched_getcpu()).unwrap_or(u32::MAX)
}

/// Keeps the calling thread to one of the CPUs that it may run on: the `number`th, counted around.
pub(crate) fn keep_to(number: usize) {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
    let Ok(allowed) = sched_getaffinity(None) else { return };
    let cpus: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&cpu| allowed.is_set(cpu)).collect();
    let Some(&cpu) = number.checked_rem(cpus.len()).and_then(|number| cpus.get(number)) else {
        return;
    };
    let mut one = CpuSet::new();
    one.set(cpu);
    // Where that is not permitted the system places the thread as it likes.
    let _refused = sched_setaffinity(None, &one);
}
