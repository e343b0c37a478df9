//! What the kernel says of a descriptor: statx(2), fcntl(2), and the links in `/proc/self/fd`.
//!
//! None of this asks the file system that a file lives on, whose server may be a peer, except whether
//! the file may be executed.

use std::ffi::c_long;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::PathBuf;

use rustix::fs::{Access, AtFlags, CWD, FileType, OFlags, SealFlags, StatxFlags};
use rustix::io::Errno;

use crate::error::{Error, ErrorKind, Result};
use crate::handle::{HandleKind, Rights};

const DOING: &str = "find out what a handle is";

/// A descriptor's object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Object {
    pub(crate) kind: HandleKind,
    shape: FileType,
}

/// Finds out what a descriptor refers to.
pub(crate) fn look(fd: BorrowedFd<'_>) -> Result<Object> {
    let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    let facts =
        rustix::fs::statx(fd, c"", flags, StatxFlags::TYPE | StatxFlags::NLINK).map_err(failed)?;
    let shape = FileType::from_raw_mode(u32::from(facts.stx_mode));
    let kind = match shape {
        FileType::Fifo => HandleKind::Pipe,
        FileType::Socket => HandleKind::Socket,
        FileType::Directory
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Symlink => HandleKind::File,
        // Only memory answers; memory that has a name is a file.
        FileType::RegularFile if rustix::fs::fcntl_get_seals(fd).is_ok() => {
            if facts.stx_nlink == 0 { HandleKind::Section } else { HandleKind::File }
        }
        FileType::RegularFile => by_link(fd).unwrap_or(HandleKind::File),
        FileType::Unknown => by_link(fd)?,
    };
    let kind = match kind {
        // PIDFD_THREAD is this flag.
        HandleKind::Process if status(fd)?.contains(OFlags::EXCL) => HandleKind::Thread,
        kind => kind,
    };
    Ok(Object { kind, shape })
}

/// Tells objects that have no name by what stands in its place.
fn by_link(fd: BorrowedFd<'_>) -> Result<HandleKind> {
    let link = match rustix::fs::readlink(path(fd), Vec::new()) {
        Ok(link) => link.into_bytes(),
        Err(Errno::NOENT) => {
            let what = "`/proc` is not mounted, and nothing else tells";
            return Err(Error::new(ErrorKind::Unsupported { what }, DOING));
        }
        Err(errno) => return Err(failed(errno)),
    };
    Ok(match link.as_slice() {
        b"anon_inode:[eventfd]" => HandleKind::Event,
        b"anon_inode:[pidfd]" => HandleKind::Process,
        // A name, in this mount namespace or another.
        [b'/', ..] | [b'(', ..] => HandleKind::File,
        _ => HandleKind::Any,
    })
}

impl Object {
    /// Which of the rights `of` the holder of a descriptor of this object has, and maybe others.
    pub(crate) fn rights(self, fd: BorrowedFd<'_>, of: Rights) -> Result<Rights> {
        let mut rights = Rights::QUERY | Rights::DUP;
        match self.kind {
            HandleKind::Process | HandleKind::Thread => {
                if of.contains(Rights::SIGNAL) && may_signal(fd)? {
                    rights = rights | Rights::SIGNAL;
                }
                return Ok(rights);
            }
            HandleKind::Event => rights = rights | Rights::SIGNAL,
            _ => {}
        }
        let mut open = opened_for(status(fd)?);
        if self.kind == HandleKind::Section && open.contains(Rights::WRITE) {
            let seals = rustix::fs::fcntl_get_seals(fd).map_err(failed)?;
            if seals.intersects(SealFlags::WRITE | SealFlags::FUTURE_WRITE) {
                open = open.without(Rights::WRITE);
            }
        }
        rights = rights | open;
        // Other things can be mapped, too, but only trying tells.
        let is_mappable = self.shape == FileType::RegularFile && self.kind != HandleKind::Any;
        if is_mappable && open.contains(Rights::READ) {
            rights = rights | Rights::MAP;
        }
        let can_run = matches!(self.kind, HandleKind::File | HandleKind::Section);
        if can_run && of.contains(Rights::EXECUTE) && may_execute(fd)? {
            rights = rights | Rights::EXECUTE;
        }
        Ok(rights)
    }
}

fn opened_for(flags: OFlags) -> Rights {
    if flags.contains(OFlags::PATH) {
        return Rights::NONE;
    }
    match flags & OFlags::RWMODE {
        OFlags::RDWR => Rights::READ | Rights::WRITE,
        OFlags::WRONLY => Rights::WRITE,
        _ => Rights::READ,
    }
}

fn may_execute(fd: BorrowedFd<'_>) -> Result<bool> {
    match rustix::fs::accessat(CWD, path(fd), Access::EXEC_OK, AtFlags::EACCESS) {
        Ok(()) => Ok(true),
        Err(Errno::ACCESS) => Ok(false),
        Err(errno) => Err(failed(errno)),
    }
}

/// Asks with signal 0, which is never delivered.
fn may_signal(process: BorrowedFd<'_>) -> Result<bool> {
    let number = c_long::from(process.as_raw_fd());
    let none: c_long = 0;
    // SAFETY: four integers, of which the third stands for the absence of a `siginfo_t`; the kernel
    // reads and writes no memory of ours.
    let result = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, number, none, none, none) };
    if result == 0 {
        return Ok(true);
    }
    match std::io::Error::last_os_error() {
        // One that has ended takes signals from whoever might have sent them.
        error if error.raw_os_error() == Some(libc::ESRCH) => Ok(true),
        // Of another user, or of a pid namespace that is not below ours.
        error if matches!(error.raw_os_error(), Some(libc::EPERM | libc::EINVAL)) => Ok(false),
        error => Err(Error::os(DOING, error)),
    }
}

fn status(fd: BorrowedFd<'_>) -> Result<OFlags> {
    rustix::fs::fcntl_getfl(fd).map_err(failed)
}

fn path(fd: BorrowedFd<'_>) -> PathBuf {
    format!("/proc/self/fd/{}", fd.as_raw_fd()).into()
}

fn failed(errno: Errno) -> Error {
    Error::os(DOING, errno.into())
}
