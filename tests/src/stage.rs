//! Where a test plays: a folder for port names that nobody else uses, and a limit of time.

use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use alpc_rpc::transport::Directory;
use alpc_rpc::{Client, ConnectError, PortAttributes};

use crate::peer::Peer;
use crate::watchdog::Watchdog;

/// How long a test may take. A machine that is busy with other things is slow.
const PATIENCE: Duration = Duration::from_secs(300);

/// The place of one test.
#[derive(Debug)]
pub struct Stage {
    folder: PathBuf,
    program: PathBuf,
    peers: AtomicUsize,
    _watchdog: Watchdog,
}

impl Stage {
    /// A place for the test of this name, whose peers are `program`.
    pub fn new(test: &str, program: impl Into<PathBuf>) -> Stage {
        Stage {
            folder: new_folder(),
            program: program.into(),
            peers: AtomicUsize::new(0),
            _watchdog: Watchdog::new(test, PATIENCE),
        }
    }

    /// The folder of port names.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Attributes of ports in the folder of this test.
    pub fn attributes(&self) -> PortAttributes {
        attributes().directory(Directory::at(&self.folder).expect("an absolute path"))
    }

    /// Starts a process in a role.
    pub fn peer(&self, role: &[&str]) -> Peer {
        let number = self.peers.fetch_add(1, Ordering::Relaxed);
        let errors = self.folder.join(format!("errors-{number}"));
        Peer::start(&self.program, &self.folder, errors, role)
    }

    /// Starts a process in a role, and waits until it says that it is ready.
    pub fn ready(&self, role: &[&str]) -> Peer {
        let mut peer = self.peer(role);
        peer.expect("ready");
        peer
    }

    /// As [`ready`](Stage::ready), for a process whose standard error nobody reads.
    pub fn unheard(&self, role: &[&str]) -> Peer {
        let mut peer = Peer::unheard(&self.program, &self.folder, role);
        peer.expect("ready");
        peer
    }

    /// Connects to a port of this test's.
    ///
    /// # Errors
    ///
    /// As `Client::connect`.
    pub fn try_connect<C: Client>(&self, name: &str) -> Result<C, ConnectError> {
        C::connect_with(name, &self.attributes())
    }

    /// Connects to a port of this test's, which must succeed.
    #[track_caller]
    pub fn connect<C: Client>(&self, name: &str) -> C {
        self.try_connect(name).unwrap_or_else(|error| panic!("{error}"))
    }

    /// A text, with this test's folder called `$FOLDER`.
    pub fn plain(&self, text: impl std::fmt::Display) -> String {
        text.to_string().replace(&*self.folder.to_string_lossy(), "$FOLDER")
    }
}

/// Makes a folder that only this user can look into, under a name that nobody else has taken.
fn new_folder() -> PathBuf {
    for number in 0_u32.. {
        let name = format!("alpc-tests-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return folder,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => panic!("cannot make {}: {error}", folder.display()),
        }
    }
    unreachable!("a test has fewer folders than there are numbers")
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Nothing depends on it; the system empties its folder of temporary files.
        let _left = std::fs::remove_dir_all(&self.folder);
    }
}

/// What every port of the tests begins with: from 16 MiB on the way is direct, so that no test has to
/// move more than that to see it.
pub(crate) fn attributes() -> PortAttributes {
    PortAttributes::new().view_limit(16 << 20)
}
