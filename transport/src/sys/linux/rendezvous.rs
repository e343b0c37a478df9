//! Where servers and clients meet: folders that can be trusted and sockets in them.
//!
//! A port `acme.kv` is the folder `<directory>/acme.kv` with `lock`, `guard` and `sock`. The chain
//! of trust is one of owners: nobody but its owner can write to the directory, so whoever owns the
//! port's folder was let in by the directory's owner, and a server there must be that user or root.
//!
//! A server takes the lock, binds under another name, and renames that over `sock`. So there is
//! never a moment without a working socket while a live server has the name, and what a crashed one
//! leaves behind is simply replaced. Nobody connects to find out whether somebody lives: the lock
//! says so.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use interprocess::ConnectWaitMode;
use interprocess::local_socket::{
    ConnectOptions, GenericFilePath, Listener, ListenerNonblockingMode, ListenerOptions, Name,
    Stream, ToFsName,
};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::identity::{effective_uid, peer_of};
use super::lock::NameLock;
use crate::error::{Error, ErrorKind, Result};
use crate::name::{Directory, Owner, PortName};
use crate::peer::PeerIdentity;

const SOCKET: &str = "sock";
/// What the socket is called until it listens. As long as `sock`, so that both paths fit or none.
const UNBORN: &str = "next";

/// The longest path of a socket: `sun_path` of unix(7) without its last zero.
const MAX_PATH: usize = 107;

/// Which users a port's files are open to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The server's user, and root.
    SameUser,
    /// Everybody who can reach the directory.
    Everybody,
}

impl Reach {
    fn folder_mode(self) -> Mode {
        match self {
            Reach::SameUser => Mode::RWXU,
            Reach::Everybody => Mode::from_raw_mode(0o755),
        }
    }

    fn socket_mode(self) -> Mode {
        match self {
            Reach::SameUser => Mode::RUSR | Mode::WUSR,
            Reach::Everybody => Mode::from_raw_mode(0o666),
        }
    }
}

/// A name that this process owns, and the socket that clients find there.
pub(crate) struct Rendezvous {
    listener: Listener,
    folder: OwnedFd,
    /// Whose name it is: a forked child has a copy of this value, but not the name.
    owner: u32,
    is_withdrawn: AtomicBool,
    // Released after the socket's file is gone, so that no later owner's file can be meant.
    _lock: NameLock,
}

impl Rendezvous {
    /// Takes `name` and listens there; accepting never blocks.
    pub(crate) fn create(name: &PortName, at: &Directory, reach: Reach) -> Result<Rendezvous> {
        let doing = || format!("create the port `{name}` in {at}");
        Rendezvous::create_in(name, at, reach).map_err(|error| error.while_doing(doing()))
    }

    fn create_in(name: &PortName, at: &Directory, reach: Reach) -> Result<Rendezvous> {
        let folder_path = at.path().join(name.as_str());
        let unborn = socket_path(&folder_path, UNBORN)?;
        let folder = own_folder(name, at, reach)?;
        let lock = NameLock::take(folder.as_fd())?;
        match rustix::fs::unlinkat(&folder, UNBORN, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(Error::os("clear the way", errno.into())),
        }
        let listener = ListenerOptions::new()
            .name(socket_name(&unborn)?)
            .nonblocking(ListenerNonblockingMode::Both)
            .reclaim_name(false)
            .create_sync()
            .map_err(|error| Error::os("listen", error))?;
        // The path went through other folders than the descriptor did. If one of them was swapped
        // meanwhile, this does not find our socket.
        check_socket(folder.as_fd(), UNBORN, effective_uid())?;
        rustix::fs::chmodat(&folder, UNBORN, reach.socket_mode(), AtFlags::empty())
            .and_then(|()| rustix::fs::renameat(&folder, UNBORN, &folder, SOCKET))
            .map_err(|errno| Error::os("publish the socket", errno.into()))?;
        let owner = std::process::id();
        let is_withdrawn = AtomicBool::new(false);
        Ok(Rendezvous { listener, folder, owner, is_withdrawn, _lock: lock })
    }

    pub(crate) fn listener(&self) -> &Listener {
        &self.listener
    }

    /// Whether this is the process that took the name, and not a child that it forked.
    pub(crate) fn is_ours(&self) -> bool {
        self.owner == std::process::id()
    }

    /// Lets nobody else find the socket. The name stays taken for as long as this is there.
    pub(crate) fn withdraw(&self) {
        // Once: the lock is still held, so what has this name is ours.
        if self.is_ours() && !self.is_withdrawn.swap(true, Ordering::SeqCst) {
            // What stays behind would be harmless; it would only make clients find a dead socket
            // instead of none.
            let _ = rustix::fs::unlinkat(&self.folder, SOCKET, AtFlags::empty());
        }
    }
}

impl Drop for Rendezvous {
    fn drop(&mut self) {
        self.withdraw();
    }
}

/// Connects to the port `name`, and makes sure that its server is who may have that name.
///
/// Nothing has been sent when this returns.
pub(crate) fn connect(
    name: &PortName,
    at: &Directory,
    patience: Duration,
) -> Result<(Stream, PeerIdentity)> {
    let doing = || format!("connect to `{name}`");
    connect_in(name, at, patience).map_err(|error| match error.kind() {
        ErrorKind::Os(libc::ENOENT | libc::ECONNREFUSED) => {
            let reason = format!("no port of that name in {at}: is its server running?");
            Error::new(ErrorKind::NotFound { reason }, doing())
        }
        ErrorKind::Os(libc::EAGAIN) => {
            let reason = "its queue of new clients is full".to_owned();
            Error::new(ErrorKind::Busy { reason }, doing())
        }
        _ => error.while_doing(doing()),
    })
}

fn connect_in(
    name: &PortName,
    at: &Directory,
    patience: Duration,
) -> Result<(Stream, PeerIdentity)> {
    const DOING: &str = "connect";
    let folder_path = at.path().join(name.as_str());
    let path = socket_path(&folder_path, SOCKET)?;
    let directory = open_folder(rustix::fs::CWD, at.path())?;
    check_folder(&directory, at.path(), owner_of(at))?;
    let folder = open_folder(directory.as_fd(), Path::new(name.as_str()))?;
    let stat = check_folder(&folder, &folder_path, None)?;
    check_socket(folder.as_fd(), SOCKET, stat.st_uid)?;
    let stream = ConnectOptions::new()
        .name(socket_name(&path)?)
        .wait_mode(ConnectWaitMode::Timeout(patience))
        .nonblocking_stream(true)
        .connect_sync()
        .map_err(|error| Error::os(DOING, error))?;
    let server = peer_of(stream_fd(&stream))?;
    if server.uid() != stat.st_uid && server.uid() != 0 {
        let reason = format!(
            "user {} serves it, but the name belongs to user {}",
            server.uid(),
            stat.st_uid
        );
        return Err(Error::new(ErrorKind::Untrusted { reason }, DOING));
    }
    Ok((stream, server))
}

/// The descriptor below an `interprocess` stream.
pub(crate) fn stream_fd(stream: &Stream) -> BorrowedFd<'_> {
    match stream {
        Stream::UdSocket(stream) => stream.as_fd(),
    }
}

/// The descriptor below an `interprocess` listener.
pub(crate) fn listener_fd(listener: &Listener) -> BorrowedFd<'_> {
    match listener {
        Listener::UdSocket(listener) => listener.as_fd(),
    }
}

/// Opens the folder of a port that this process is to own, making what is missing.
fn own_folder(name: &PortName, at: &Directory, reach: Reach) -> Result<OwnedFd> {
    const DOING: &str = "make the port's folder";
    let uid = effective_uid();
    // Root's names are for everybody to find; who may connect is each port's own matter.
    let mode = if uid == 0 { Reach::Everybody } else { Reach::SameUser }.folder_mode();
    make_folder(rustix::fs::CWD, at.path(), mode)?;
    let directory = open_folder(rustix::fs::CWD, at.path())?;
    check_folder(&directory, at.path(), owner_of(at))?;

    let path = at.path().join(name.as_str());
    make_folder(directory.as_fd(), Path::new(name.as_str()), reach.folder_mode())?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = rustix::fs::openat(&directory, name.as_str(), flags, Mode::empty())
        .map_err(|errno| folder_error(errno, &path))?;
    let stat = check_folder(&folder, &path, None)?;
    if stat.st_uid != uid {
        let reason = format!("{} belongs to user {}", path.display(), stat.st_uid);
        return Err(Error::new(ErrorKind::Untrusted { reason }, DOING));
    }
    // The folder may be there from a server with another reach.
    rustix::fs::fchmod(&folder, reach.folder_mode())
        .map_err(|errno| Error::os(DOING, errno.into()))?;
    Ok(folder)
}

fn make_folder(at: BorrowedFd<'_>, path: &Path, mode: Mode) -> Result<()> {
    // Our umask is anybody's guess. What was there before keeps the mode that it has.
    let made = rustix::fs::mkdirat(at, path, mode)
        .and_then(|()| rustix::fs::chmodat(at, path, mode, AtFlags::empty()));
    match made {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(errno) => Err(Error::os("make the port's folder", errno.into())),
    }
}

/// Opens a folder only to look at it, and not through a link.
fn open_folder(at: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(at, path, flags, Mode::empty()).map_err(|errno| folder_error(errno, path))
}

fn folder_error(errno: Errno, path: &Path) -> Error {
    const DOING: &str = "open the port's folder";
    match errno {
        Errno::NOTDIR | Errno::LOOP => {
            let reason = format!("{} is a link or no folder", path.display());
            Error::new(ErrorKind::Untrusted { reason }, DOING)
        }
        _ => Error::os(DOING, errno.into()),
    }
}

/// Makes sure that only a folder's owner can write to it, and that it belongs to `owner` or root.
fn check_folder(folder: &OwnedFd, path: &Path, owner: Option<u32>) -> Result<Stat> {
    const DOING: &str = "look at the port's folder";
    let stat = rustix::fs::fstat(folder).map_err(|errno| Error::os(DOING, errno.into()))?;
    let untrusted = |reason| Err(Error::new(ErrorKind::Untrusted { reason }, DOING));
    let writable = Mode::WGRP | Mode::WOTH;
    if Mode::from_raw_mode(stat.st_mode).intersects(writable) {
        return untrusted(format!("others than its owner can write to {}", path.display()));
    }
    match owner {
        Some(owner) if stat.st_uid != owner && stat.st_uid != 0 => {
            untrusted(format!("{} belongs to user {}", path.display(), stat.st_uid))
        }
        _ => Ok(stat),
    }
}

fn owner_of(directory: &Directory) -> Option<u32> {
    match directory.owner() {
        Owner::Us => Some(effective_uid()),
        Owner::Named => None,
    }
}

/// Makes sure that `file` is a socket of `owner` or root.
fn check_socket(folder: BorrowedFd<'_>, file: &str, owner: u32) -> Result<()> {
    const DOING: &str = "look at the port's socket";
    let stat = rustix::fs::statat(folder, file, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(|errno| Error::os(DOING, errno.into()))?;
    let reason = if FileType::from_raw_mode(stat.st_mode) != FileType::Socket {
        format!("`{file}` is no socket")
    } else if stat.st_uid != owner && stat.st_uid != 0 {
        format!("the socket belongs to user {} and its folder to user {owner}", stat.st_uid)
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Untrusted { reason }, DOING))
}

fn socket_path(folder: &Path, file: &str) -> Result<PathBuf> {
    let path = folder.join(file);
    let len = path.as_os_str().len();
    if len <= MAX_PATH {
        return Ok(path);
    }
    let reason = format!(
        "the path of its socket, {}, has {len} bytes and the system takes {MAX_PATH}: choose a \
         shorter name, or a shorter folder in ALPC_RUNTIME_DIR",
        path.display()
    );
    Err(Error::new(ErrorKind::Invalid { reason }, "name the socket"))
}

fn socket_name(path: &Path) -> Result<Name<'_>> {
    path.to_fs_name::<GenericFilePath>().map_err(|error| Error::os("name the socket", error))
}

/// A folder of its own for a test, in the system's folder for temporary files.
#[cfg(test)]
pub(crate) mod test_folder {
    use std::path::{Path, PathBuf};

    use rustix::fs::Mode;

    use crate::name::Directory;

    pub(crate) struct TestFolder(PathBuf);

    impl TestFolder {
        pub(crate) fn new() -> TestFolder {
            let mut random = [0; 8];
            rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty()).unwrap();
            let name = format!("alpc-test-{:016x}", u64::from_ne_bytes(random));
            let path = std::env::temp_dir().join(name);
            rustix::fs::mkdir(&path, Mode::RWXU).unwrap();
            TestFolder(path)
        }

        pub(crate) fn path(&self) -> &Path {
            &self.0
        }

        pub(crate) fn directory(&self) -> Directory {
            Directory::at(self.path()).unwrap()
        }
    }

    impl Drop for TestFolder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use interprocess::local_socket::traits::Listener as _;

    use super::test_folder::TestFolder;
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(120);

    fn name() -> PortName {
        PortName::new("acme.kv").unwrap()
    }

    fn create(folder: &TestFolder) -> Result<Rendezvous> {
        Rendezvous::create(&name(), &folder.directory(), Reach::SameUser)
    }

    fn try_connect(folder: &TestFolder) -> Result<()> {
        connect(&name(), &folder.directory(), PATIENCE).map(drop)
    }

    /// What a client is told when the server has gone. A child that another test starts at this
    /// moment has a copy of the server's socket until it runs its own program.
    fn told(folder: &TestFolder) -> String {
        loop {
            match try_connect(folder) {
                Ok(()) => std::thread::yield_now(),
                Err(error) => return error.to_string(),
            }
        }
    }

    #[track_caller]
    fn check_untrusted(result: Result<()>, why: &str) {
        let error = result.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Untrusted { .. }), "{error}");
        assert!(error.to_string().contains(why), "{error}");
    }

    #[test]
    fn a_client_finds_the_server_and_knows_who_it_is() {
        let folder = TestFolder::new();
        let port = create(&folder).unwrap();
        let (_stream, server) = connect(&name(), &folder.directory(), PATIENCE).unwrap();
        assert_eq!(server.pid(), Some(std::process::id()));
        port.listener().accept().unwrap();
        let socket = fs::metadata(folder.path().join("acme.kv/sock")).unwrap();
        assert_eq!(socket.mode() & 0o777, 0o600);
    }

    #[test]
    fn no_server_is_told_apart_from_a_dead_one_by_nobody() {
        let folder = TestFolder::new();
        let missing = try_connect(&folder).unwrap_err();
        let directory = folder.path().display();
        assert_eq!(
            missing.to_string(),
            format!(
                "cannot connect to `acme.kv`: no port of that name in {directory}: \
                 is its server running?"
            )
        );
        drop(create(&folder).unwrap());
        assert!(!folder.path().join("acme.kv/sock").exists());
        assert_eq!(try_connect(&folder).unwrap_err().to_string(), missing.to_string());
        // What a crash leaves.
        drop(std::os::unix::net::UnixListener::bind(folder.path().join("acme.kv/sock")).unwrap());
        assert_eq!(told(&folder), missing.to_string());
        drop(std::os::unix::net::UnixListener::bind(folder.path().join("acme.kv/next")).unwrap());
        let port = create(&folder).unwrap();
        try_connect(&folder).unwrap();
        drop(port);
    }

    #[test]
    fn a_name_has_one_owner_at_a_time() {
        let folder = TestFolder::new();
        let first = create(&folder).unwrap();
        let Err(second) = create(&folder) else { panic!("two ports of one name") };
        assert_eq!(second.kind(), &ErrorKind::AlreadyExists);
        try_connect(&folder).unwrap();
        drop(first);
        create(&folder).unwrap();
    }

    #[test]
    fn a_folder_that_others_can_write_to_is_used_by_neither_end() {
        let folder = TestFolder::new();
        let port = create(&folder).unwrap();
        for path in [folder.path().to_owned(), folder.path().join("acme.kv")] {
            for mode in [0o777, 0o770, 0o1777] {
                fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
                check_untrusted(try_connect(&folder), "others than its owner can write");
                check_untrusted(create(&folder).map(drop), "others than its owner can write");
            }
            fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        }
        try_connect(&folder).unwrap();
        drop(port);
    }

    #[test]
    fn links_are_not_followed() {
        let folder = TestFolder::new();
        let real = TestFolder::new();
        let port = create(&real).unwrap();
        symlink(real.path().join("acme.kv"), folder.path().join("acme.kv")).unwrap();
        check_untrusted(try_connect(&folder), "is a link or no folder");
        check_untrusted(create(&folder).map(drop), "is a link or no folder");

        let link = folder.path().join("link");
        symlink(real.path(), &link).unwrap();
        let linked = Directory::at(&link).unwrap();
        check_untrusted(connect(&name(), &linked, PATIENCE).map(drop), "is a link or no folder");
        drop(port);
        fs::write(real.path().join("acme.kv/sock"), "").unwrap();
        check_untrusted(try_connect(&real), "is no socket");
    }

    #[test]
    fn a_folder_of_another_user_is_not_taken_for_ones_own() {
        if effective_uid() != 0 {
            return; // Only root can give a folder away.
        }
        let folder = TestFolder::new();
        let port = create(&folder).unwrap();
        std::os::unix::fs::chown(folder.path().join("acme.kv"), Some(65_534), None).unwrap();
        try_connect(&folder).unwrap(); // Root may serve anybody's name.
        std::os::unix::fs::chown(folder.path().join("acme.kv/sock"), Some(7), None).unwrap();
        check_untrusted(try_connect(&folder), "the socket belongs to user 7");
        drop(port);
        check_untrusted(create(&folder).map(drop), "belongs to user 65534");
    }

    #[test]
    fn a_path_that_no_socket_can_have_is_explained() {
        let folder = TestFolder::new();
        let long = PortName::new(&"x".repeat(100)).unwrap();
        let result = Rendezvous::create(&long, &folder.directory(), Reach::SameUser);
        let Err(error) = result else { panic!("the path is too long") };
        assert!(error.to_string().contains("choose a shorter name"), "{error}");
    }

    #[test]
    fn reach_decides_whom_the_files_are_open_to() {
        let folder = TestFolder::new();
        let mode = |file| fs::metadata(folder.path().join(file)).unwrap().mode() & 0o777;
        let reach = Reach::Everybody;
        let port = Rendezvous::create(&name(), &folder.directory(), reach).unwrap();
        assert_eq!((mode("acme.kv"), mode("acme.kv/sock")), (0o755, 0o666));
        assert_eq!((mode("acme.kv/lock"), mode("acme.kv/guard")), (0o600, 0o600));
        drop(port);
        let _port = create(&folder).unwrap();
        assert_eq!((mode("acme.kv"), mode("acme.kv/sock")), (0o700, 0o600));
    }
}
