//! The lock that tells who owns a name.
//!
//! Only a POSIX record lock of fcntl(2) dies with the process that took it: `flock` and the locks
//! of open file descriptions live on in forked children, and a server that crashed would keep its
//! name for as long as any child of it runs.
//!
//! But POSIX locks have two traps. They belong to the whole process, so a second port of the same
//! name in one process would be granted the lock again; and they are lost as soon as the process
//! closes *any* descriptor of the file. So the file is not even opened while this process has it
//! open already, which the kernel's list of our descriptors tells. (A list of our own would be wrong
//! after a fork, and double when two versions of this crate meet in one program.) A second file,
//! `guard`, keeps threads from looking at that list at the same time; its `flock` is held for that
//! long only.

use std::fs;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::error::{Error, ErrorKind, Result};

const DOING: &str = "take the name's lock";
const LOCK: &str = "lock";
const GUARD: &str = "guard";

/// A lock that is held until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct NameLock {
    _file: OwnedFd,
}

impl NameLock {
    /// Takes the lock in `folder`, or fails with `AlreadyExists` when a live process, this one
    /// included, has it or is about to.
    pub(crate) fn take(folder: BorrowedFd<'_>) -> Result<NameLock> {
        let guard = open(folder, GUARD)?;
        let exclusive = FlockOperation::NonBlockingLockExclusive;
        rustix::fs::flock(&guard, exclusive).map_err(lock_error)?;
        let taken = take_guarded(folder);
        // To close the file is not enough: a child that was forked meanwhile has it open as well.
        rustix::fs::flock(&guard, FlockOperation::Unlock).map_err(lock_error)?;
        taken
    }
}

fn take_guarded(folder: BorrowedFd<'_>) -> Result<NameLock> {
    match rustix::fs::statat(folder, LOCK, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) if open_in_this_process(&stat)? => return Err(lock_error(Errno::AGAIN)),
        Ok(_) | Err(Errno::NOENT) => {}
        Err(errno) => return Err(Error::os(DOING, errno.into())),
    }
    let file = open(folder, LOCK)?;
    rustix::fs::fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).map_err(lock_error)?;
    Ok(NameLock { _file: file })
}

/// Opens a file that no other user may open: whoever can could lock it and keep the server from
/// its name.
fn open(folder: BorrowedFd<'_>, file: &str) -> Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    rustix::fs::openat(folder, file, flags | OFlags::NONBLOCK, Mode::RUSR | Mode::WUSR)
        .map_err(|errno| Error::os(DOING, errno.into()))
}

fn lock_error(errno: Errno) -> Error {
    match errno {
        Errno::AGAIN | Errno::ACCESS => Error::new(ErrorKind::AlreadyExists, DOING),
        _ => Error::os(DOING, errno.into()),
    }
}

fn open_in_this_process(lock: &Stat) -> Result<bool> {
    let entries = fs::read_dir("/proc/self/fd").map_err(|error| {
        let what = "port names need /proc, which tells the names that this process has already";
        Error::new(ErrorKind::Unsupported { what }, DOING).with_source(error)
    })?;
    Ok(entries.flatten().any(|entry| {
        // Follows the link to the open file itself. One that was closed meanwhile is no match.
        rustix::fs::stat(entry.path())
            .is_ok_and(|open| open.st_dev == lock.st_dev && open.st_ino == lock.st_ino)
    }))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::sync::Barrier;

    use super::*;
    use crate::sys::rendezvous::test_folder::TestFolder;

    fn open(folder: &TestFolder) -> OwnedFd {
        fs::File::open(folder.path()).unwrap().into()
    }

    /// Whether this process has the lock, as the kernel tells of the very file. `/proc/locks` would
    /// tell of every process's, but not in one piece: while others lock and unlock, lines get lost.
    fn holds(lock: &NameLock) -> bool {
        let file = std::os::fd::AsRawFd::as_raw_fd(&lock._file);
        let facts = fs::read_to_string(format!("/proc/self/fdinfo/{file}")).unwrap();
        facts.lines().any(|line| line.starts_with("lock:") && line.contains("POSIX"))
    }

    #[test]
    fn a_second_port_of_one_process_is_refused_and_harms_nothing() {
        let folder = TestFolder::new();
        let first = NameLock::take(open(&folder).as_fd()).unwrap();
        for _ in 0..3 {
            let error = NameLock::take(open(&folder).as_fd()).unwrap_err();
            assert_eq!(error.kind(), &ErrorKind::AlreadyExists);
            assert!(holds(&first));
        }
        drop(first);
        NameLock::take(open(&folder).as_fd()).unwrap();
    }

    #[test]
    fn of_many_threads_exactly_one_gets_the_name() {
        for _ in 0..50 {
            let folder = TestFolder::new();
            let barrier = Barrier::new(4);
            let won: Vec<_> = std::thread::scope(|scope| {
                let take = || {
                    barrier.wait();
                    NameLock::take(open(&folder).as_fd())
                };
                let tries: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
                tries.into_iter().filter_map(|one| one.join().unwrap().ok()).collect()
            });
            assert_eq!(won.len(), 1);
            assert!(won.iter().all(holds));
        }
    }

    #[test]
    fn a_link_in_the_locks_place_is_not_followed() {
        let folder = TestFolder::new();
        std::os::unix::fs::symlink("/etc/hostname", folder.path().join(LOCK)).unwrap();
        NameLock::take(open(&folder).as_fd()).unwrap_err();
    }
}
