//! Direct access: the peer's memory is read and written in place, by its consent.
//!
//! A client that makes a call *grants* ranges of its memory to the server for as long as the call is
//! outstanding, as ALPC's data entries do. What keeps a server to that is this library, not the
//! kernel: direct access is between processes of one user, which could ptrace each other anyway.
//!
//! A copy can hang for good, because a process can serve its own page faults. So copies run on
//! threads of their own, in chunks, and a thread that does not come back is written off together
//! with the right to direct access. Between chunks a copy looks whether the grant was revoked:
//! whoever revokes waits at most one chunk.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use crate::buffer::{Buffer, Bytes};
use crate::channel::Channel;
use crate::error::{Error, ErrorKind, Result};
use crate::message::Deadline;
use crate::port::attributes::DirectAvailability;
use crate::queue::indices::GRANTS;
use crate::queue::{OwnHeader, PeerHeader};
use crate::sys::vm;

/// Bytes between two looks at the grant.
const CHUNK: usize = 1 << 20;
/// Copier threads of one port.
const COPIERS: usize = 2;
/// Crews of copiers that may be lost before direct access is given up for the whole port.
const MAX_LOST: usize = 2;
/// How often copiers that seem stuck are looked at, and for how many looks in a row. A chunk that is
/// not there after all of them never will be. One long look would not do: a machine or a process
/// that was stopped for as long would find it over before the copiers have run again.
const LOOK: Duration = Duration::from_millis(250);
const STUCK: u32 = 8;

/// Tries to read `nonce` at `address` of process `pid`.
///
/// The memory is the client's own stack or heap, met during its handshake; a client that makes this
/// hang hangs its own handshake only where the caller runs it on a thread that can wait.
pub(crate) fn probe(pid: u32, address: u64, nonce: &[u8; 32]) -> DirectAvailability {
    let mut seen = [0; 32];
    match vm::read(pid, address, &mut seen) {
        Ok(32) if seen == *nonce => DirectAvailability::Available,
        Ok(_) => DirectAvailability::OtherMemory,
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {
            DirectAvailability::NoSuchProcess
        }
        Err(_) => DirectAvailability::NotPermitted,
    }
}

/// The client's consent to one call's direct access.
#[derive(Default)]
pub(crate) struct Grant {
    state: Mutex<GrantState>,
    revoked: AtomicBool,
    /// Where the client says whether it still lends memory to be written to, if it does.
    words: OnceLock<GrantWords>,
}

/// The words in which a client and a server tell each other about one grant.
pub(crate) struct GrantWords {
    own: OwnHeader,
    client: PeerHeader,
    slot: u8,
    number: u32,
}

impl GrantWords {
    /// `None`: there is no such slot.
    pub(crate) fn new(channel: &Channel, slot: u8, number: u32) -> Option<GrantWords> {
        let (own, client) = (channel.own.clone(), channel.theirs.clone());
        (slot < GRANTS).then_some(GrantWords { own, client, slot, number })
    }
}

#[derive(Debug, Default)]
struct GrantState {
    /// Copiers that are inside a chunk.
    busy: u32,
}

impl Grant {
    pub(crate) fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::SeqCst)
    }

    /// Notes by which words the client knows it. `false`: it has others already.
    pub(crate) fn is_named(&self, words: GrantWords) -> bool {
        let (slot, number) = (words.slot, words.number);
        let known = self.words.get_or_init(|| words);
        (known.slot, known.number) == (slot, number)
    }

    /// No chunk begins from now on.
    pub(crate) fn revoke(&self) {
        let _no_one_enters = self.lock();
        self.revoked.store(true, Ordering::SeqCst);
    }

    /// Enters a chunk, unless the grant was revoked.
    fn enter(&self) -> bool {
        let mut state = self.lock();
        if self.is_revoked() {
            return false;
        }
        if let Some(GrantWords { own, client, slot, number }) = self.words.get()
            && !own.begin_copy(client, *slot, *number, state.busy + 1)
        {
            self.revoked.store(true, Ordering::SeqCst);
            return false;
        }
        state.busy += 1;
        true
    }

    fn leave(&self) {
        let mut state = self.lock();
        state.busy -= 1;
        if let Some(GrantWords { own, slot, .. }) = self.words.get() {
            own.end_copy(*slot, state.busy);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, GrantState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which way a copy goes.
#[derive(Clone, Copy)]
enum Way {
    /// From the peer's memory into our buffer.
    In,
    /// From our buffer into the peer's memory.
    Out,
}

/// One range of a peer's memory, under a grant.
#[derive(Clone)]
pub(crate) struct Remote {
    pub(crate) pid: u32,
    pub(crate) address: u64,
    pub(crate) grant: Arc<Grant>,
    /// Says whether the process still lives: a number alone may belong to another by now.
    pub(crate) alive: Arc<dyn Fn() -> bool + Send + Sync>,
}

/// A copy that several copiers work on at once, chunk by chunk.
struct Job {
    remote: Remote,
    way: Way,
    /// The pieces of the buffer that nobody has begun with.
    chunks: Mutex<Vec<ChunkOf>>,
    /// How many there were at first.
    len: usize,
    state: Mutex<JobState>,
    done: Condvar,
}

/// A piece of the job's buffer that one copier holds at a time.
struct ChunkOf {
    offset: usize,
    bytes: *mut [u8],
}

// SAFETY: a chunk is a unique range of the job's buffer; it is popped by one copier, and the buffer
// itself is not touched before every chunk has come back.
unsafe impl Send for ChunkOf {}

struct JobState {
    /// Nobody touches it until the job is done. It belongs to the job, so that a copier that never
    /// comes back keeps it from being used for something else.
    bytes: Option<Bytes>,
    chunks_left: usize,
    progress: usize,
    failure: Option<Error>,
}

/// The copier threads of a port. They start with the first copy, and end with the last clone.
#[derive(Clone)]
pub(crate) struct Copiers {
    shared: Arc<Mutex<Crew>>,
    written_off: Arc<AtomicBool>,
}

/// The threads that copy, and how many crews before them were lost.
#[derive(Default)]
struct Crew {
    jobs: Option<Sender<Arc<Job>>>,
    lost: usize,
}

impl Copiers {
    pub(crate) fn new() -> Copiers {
        Copiers { shared: Arc::default(), written_off: Arc::default() }
    }

    /// Whether too many copiers were lost. Nobody tries direct access on this port any more.
    pub(crate) fn are_written_off(&self) -> bool {
        self.written_off.load(Ordering::Relaxed)
    }

    /// Fills `buffer` from the peer's memory.
    pub(crate) fn read(
        &self,
        remote: Remote,
        mut buffer: Buffer,
        deadline: Deadline,
    ) -> Result<Buffer> {
        let chunks = buffer.chunks_mut(CHUNK).map(|chunk| &raw mut *chunk).collect();
        match self.copy(remote, Way::In, chunks, Bytes::Buffer(buffer), deadline) {
            Ok(Bytes::Buffer(buffer)) => Ok(buffer),
            Ok(_) => Err(written_off()),
            Err(error) => Err(error.while_doing("read the caller's memory")),
        }
    }

    /// Writes `bytes` into the peer's memory.
    pub(crate) fn write(&self, remote: Remote, bytes: Bytes, deadline: Deadline) -> Result<()> {
        let chunks = bytes.as_slice().chunks(CHUNK).map(|chunk| (&raw const *chunk).cast_mut());
        let chunks = chunks.collect();
        match self.copy(remote, Way::Out, chunks, bytes, deadline) {
            Ok(_) => Ok(()),
            Err(error) => Err(error.while_doing("write the caller's memory")),
        }
    }

    fn copy(
        &self,
        remote: Remote,
        way: Way,
        chunks: Vec<*mut [u8]>,
        bytes: Bytes,
        deadline: Deadline,
    ) -> Result<Bytes> {
        if chunks.is_empty() {
            return Ok(bytes);
        }
        let chunks: Vec<_> = chunks
            .into_iter()
            .enumerate()
            .map(|(index, bytes)| ChunkOf { offset: index * CHUNK, bytes })
            .collect();
        let state =
            JobState { bytes: Some(bytes), chunks_left: chunks.len(), progress: 0, failure: None };
        let job = Arc::new(Job {
            remote,
            way,
            len: chunks.len(),
            chunks: Mutex::new(chunks),
            state: Mutex::new(state),
            done: Condvar::new(),
        });
        let crew = self.start(&job)?;
        self.wait(&job, crew, deadline)
    }

    /// Hands a job to the crew, and says how many crews were lost before this one.
    fn start(&self, job: &Arc<Job>) -> Result<usize> {
        let mut crew = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if crew.lost >= MAX_LOST {
            return Err(written_off());
        }
        if crew.jobs.is_none() {
            crew.jobs = Some(spawn()?);
        }
        let helpers = job.len.min(COPIERS);
        for _ in 0..helpers {
            let sent = crew.jobs.as_ref().map(|jobs| jobs.send(job.clone()));
            if !matches!(sent, Some(Ok(()))) {
                return Err(written_off());
            }
        }
        Ok(crew.lost)
    }

    /// Gives a crew up of which a thread does not come back. Those of its threads that can end.
    fn write_off(&self, number: usize) {
        let mut crew = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        // Several jobs may find out about the same crew.
        if crew.lost == number {
            crew.jobs = None;
            crew.lost += 1;
        }
        self.written_off.store(crew.lost >= MAX_LOST, Ordering::Relaxed);
    }

    /// Waits until every chunk came back, or none has for too long.
    fn wait(&self, job: &Job, crew: usize, deadline: Deadline) -> Result<Bytes> {
        let mut state = lock(&job.state);
        let (mut seen, mut vain) = (state.progress, 0);
        while state.chunks_left > 0 {
            let (guard, timeout) =
                job.done.wait_timeout(state, LOOK).unwrap_or_else(PoisonError::into_inner);
            state = guard;
            let in_vain = timeout.timed_out() && state.progress == seen;
            vain = if in_vain { vain + 1 } else { 0 };
            if vain == STUCK && state.chunks_left > 0 {
                // The chunks under way may never come back. The job, and with it the buffer, stays
                // with the copiers that hold it.
                job.remote.grant.revoke();
                self.write_off(crew);
                return Err(written_off());
            }
            seen = state.progress;
            if deadline.is_past() {
                // What has not begun will not begin; what has ends within a chunk.
                job.remote.grant.revoke();
            }
        }
        match state.failure.take() {
            Some(failure) => Err(failure),
            None => state.bytes.take().ok_or_else(written_off),
        }
    }
}

fn written_off() -> Error {
    Error::new(ErrorKind::Exhausted { what: "copier threads" }, "reach into the caller's memory")
}

fn lock(state: &Mutex<JobState>) -> std::sync::MutexGuard<'_, JobState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn spawn() -> Result<Sender<Arc<Job>>> {
    let (jobs, queue) = channel::<Arc<Job>>();
    let queue = Arc::new(Mutex::new(queue));
    for number in 0..COPIERS {
        let queue = queue.clone();
        std::thread::Builder::new()
            .name(format!("alpc-copier-{number}"))
            .spawn(move || {
                // Left to itself the system wakes all of them where the first one was needed. One
                // whose CPU is busy is no loss: the others take its chunks.
                crate::sys::cpu::keep_to(number);
                run(&queue);
            })
            .map_err(|error| Error::os("start a copier thread", error))?;
    }
    Ok(jobs)
}

fn run(queue: &Mutex<Receiver<Arc<Job>>>) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        while let Some(chunk) = job.next_chunk() {
            let copied = job.copy_chunk(&chunk);
            job.finish_chunk(copied);
        }
    }
}

impl Job {
    fn next_chunk(&self) -> Option<ChunkOf> {
        self.chunks.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn copy_chunk(&self, chunk: &ChunkOf) -> Result<()> {
        let grant = &self.remote.grant;
        if !(self.remote.alive)() {
            return Err(Error::new(ErrorKind::PeerClosed, DOING));
        }
        if !grant.enter() {
            return Err(Error::new(ErrorKind::TimedOut, DOING));
        }
        let address = self.remote.address.wrapping_add(chunk.offset as u64);
        let copied = match self.way {
            Way::In => {
                // SAFETY: the chunk's range lies in the job's buffer, which was borrowed mutably to
                // make it and is not freed, moved or touched by others while chunks are
                // outstanding; this copier alone holds this chunk.
                let into = unsafe { &mut *chunk.bytes };
                vm::read(self.remote.pid, address, into)
            }
            Way::Out => {
                // SAFETY: as above; the bytes are only read.
                let from = unsafe { &*chunk.bytes.cast_const() };
                vm::write(self.remote.pid, address, from)
            }
        };
        grant.leave();
        match copied {
            Ok(copied) if copied == chunk.bytes.len() => Ok(()),
            Ok(_) => Err(Error::new(
                ErrorKind::Invalid { reason: "its memory ends before the argument does".into() },
                DOING,
            )),
            Err(error) => Err(Error::os(DOING, error)),
        }
    }

    fn finish_chunk(&self, copied: Result<()>) {
        let mut state = lock(&self.state);
        state.chunks_left -= 1;
        state.progress += 1;
        if let Err(failure) = copied {
            state.failure.get_or_insert(failure);
        }
        if state.chunks_left == 0 {
            self.done.notify_all();
        }
    }
}

const DOING: &str = "reach into the caller's memory";

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::buffer::BufferPool;

    fn myself(address: u64) -> Remote {
        Remote { pid: std::process::id(), address, grant: Arc::default(), alive: Arc::new(|| true) }
    }

    #[test]
    fn a_buffer_of_many_chunks_is_read_and_written_whole() {
        let copiers = Copiers::new();
        let pool = BufferPool::new(64 << 20);
        let mut memory: Vec<u8> = (0..5_000_000_u32).map(|i| (i % 251) as u8).collect();
        let address = memory.as_ptr() as u64;
        let buffer = pool.take(memory.len()).unwrap();
        let buffer = copiers.read(myself(address), buffer, Deadline::NEVER).unwrap();
        assert!(buffer[..] == memory[..]);
        let mut buffer = buffer;
        buffer.fill(7);
        let address = memory.as_mut_ptr() as u64;
        copiers.write(myself(address), Bytes::Buffer(buffer), Deadline::NEVER).unwrap();
        assert!(memory.iter().all(|&b| b == 7));
    }

    #[test]
    fn memory_that_is_not_there_fails_that_copy_alone() {
        let copiers = Copiers::new();
        let pool = BufferPool::new(1 << 20);
        let error = copiers.read(myself(8), pool.take(100).unwrap(), Deadline::NEVER).unwrap_err();
        assert!(error.to_string().starts_with("cannot read the caller's memory"), "{error}");
        let memory = [5; 100];
        let remote = myself(memory.as_ptr() as u64);
        assert!(copiers.read(remote, pool.take(100).unwrap(), Deadline::NEVER).is_ok());
        assert!(!copiers.are_written_off());
    }

    #[test]
    fn nothing_is_copied_after_a_revocation() {
        let copiers = Copiers::new();
        let pool = BufferPool::new(1 << 20);
        let memory = [5; 100];
        let remote = myself(memory.as_ptr() as u64);
        remote.grant.revoke();
        assert!(copiers.read(remote, pool.take(100).unwrap(), Deadline::NEVER).is_err());
    }

    #[test]
    fn a_probe_tells_the_right_nonce_from_another() {
        let nonce = [9; 32];
        let address = nonce.as_ptr() as u64;
        assert_eq!(probe(std::process::id(), address, &nonce), DirectAvailability::Available);
        assert_eq!(probe(std::process::id(), address, &[8; 32]), DirectAvailability::OtherMemory);
    }
}
