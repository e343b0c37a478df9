//! Finds out whether a client's memory can be read, on a thread that may be lost.
//!
//! A client chooses the address that is read, and behind it may lie a file system of its own that
//! never answers: the reading thread then hangs until somebody ends that file system, whatever
//! signals it is sent. So the port's own threads never read, and a thread that does not come back
//! is written off. After a second one nobody is probed any more.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::direct::probe;
use crate::error::Result;
use crate::port::attributes::DirectAvailability;
use crate::sys::poller::ThreadBell;

/// Threads that may be lost before direct access is given up for the whole port.
const MAX_LOST: u32 = 2;

/// One client's memory to look into.
pub(crate) struct Job {
    /// The client's number at the port.
    pub(crate) client: u64,
    pub(crate) pid: u32,
    pub(crate) address: u64,
    pub(crate) nonce: [u8; 32],
}

/// What became of a wish to probe.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The answer will come, by this thread.
    Later(ThreadNumber),
    /// It will not, and this is why.
    Never(DirectAvailability),
}

/// The how-manieth thread of a prober.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ThreadNumber(u32);

/// Probes for one port.
pub(crate) struct Prober {
    state: Mutex<State>,
    answers: Arc<Answers>,
}

#[derive(Default)]
struct State {
    /// Ends its thread when dropped, if the thread can still end.
    jobs: Option<Sender<Job>>,
    thread: ThreadNumber,
    lost: u32,
}

struct Answers {
    given: Mutex<Vec<(u64, DirectAvailability)>>,
    bell: ThreadBell,
}

impl Prober {
    pub(crate) fn new() -> Result<Prober> {
        let answers = Answers { given: Mutex::default(), bell: ThreadBell::new()? };
        Ok(Prober { state: Mutex::default(), answers: Arc::new(answers) })
    }

    /// Rings for as long as answers wait to be taken.
    pub(crate) fn bell(&self) -> &ThreadBell {
        &self.answers.bell
    }

    pub(crate) fn ask(&self, job: Job) -> Asked {
        let mut state = self.lock();
        if state.lost >= MAX_LOST {
            return Asked::Never(DirectAvailability::Stalled);
        }
        if state.jobs.is_none() {
            let (sender, jobs) = channel();
            let answers = self.answers.clone();
            let name = "alpc-probe".to_owned();
            let spawned = thread::Builder::new().name(name).spawn(move || work(&jobs, &answers));
            if spawned.is_err() {
                return Asked::Never(DirectAvailability::Unsupported);
            }
            state.thread.0 += 1;
            state.jobs = Some(sender);
        }
        match state.jobs.as_ref().map(|jobs| jobs.send(job)) {
            Some(Ok(())) => Asked::Later(state.thread),
            _ => Asked::Never(DirectAvailability::Unsupported),
        }
    }

    /// An answer, with the number of its client.
    pub(crate) fn take(&self) -> Option<(u64, DirectAvailability)> {
        let mut given = self.answers.given.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = given.pop();
        if given.is_empty() {
            self.answers.bell.silence();
        }
        answer
    }

    /// Writes a thread off from which an answer is overdue. Others that wait for it are told later.
    pub(crate) fn give_up(&self, thread: ThreadNumber) {
        let mut state = self.lock();
        if state.thread == thread && state.jobs.take().is_some() {
            state.lost += 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn work(jobs: &Receiver<Job>, answers: &Answers) {
    while let Ok(Job { client, pid, address, nonce }) = jobs.recv() {
        let answer = (client, probe(pid, address, &nonce));
        // Under the lock, so that `take` never silences a bell that rings for a later answer.
        let mut given = answers.given.lock().unwrap_or_else(PoisonError::into_inner);
        given.push(answer);
        answers.bell.ring();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::poll::wait_for_peer;

    fn ask(prober: &Prober, address: u64, nonce: [u8; 32]) -> Asked {
        prober.ask(Job { client: 5, pid: std::process::id(), address, nonce })
    }

    fn answer(prober: &Prober) -> DirectAvailability {
        wait_for_peer(prober.bell().fd(), None, None).unwrap();
        let (client, answer) = prober.take().unwrap();
        assert_eq!(client, 5);
        assert_eq!(prober.take(), None);
        answer
    }

    #[test]
    fn a_nonce_is_found_only_where_it_lies() {
        let prober = Prober::new().unwrap();
        let nonce = Box::new([7; 32]);
        let address = nonce.as_ptr().expose_provenance() as u64;
        assert!(matches!(ask(&prober, address, *nonce), Asked::Later(_)));
        assert_eq!(answer(&prober), DirectAvailability::Available);
        ask(&prober, address, [8; 32]);
        assert_eq!(answer(&prober), DirectAvailability::OtherMemory);
        std::hint::black_box(&nonce);
    }

    #[test]
    fn after_two_lost_threads_nobody_is_probed() {
        let prober = Prober::new().unwrap();
        for _ in 0..MAX_LOST {
            let Asked::Later(thread) = ask(&prober, 0, [0; 32]) else { panic!("not asked") };
            prober.give_up(thread);
            prober.give_up(thread); // Of all who wait for it, only the first writes it off.
        }
        assert_eq!(ask(&prober, 0, [0; 32]), Asked::Never(DirectAvailability::Stalled));
    }
}
