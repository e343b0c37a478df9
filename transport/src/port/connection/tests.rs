//! Names and crashes, across processes: the test program starts itself again in another role.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal};

use super::*;
use crate::name::Directory;
use crate::port::handshake;
use crate::sys::identity::effective_uid;
use crate::sys::poller::spare_descriptor;
use crate::sys::rendezvous::test_folder::TestFolder;

const ROLE: &str = "ALPC_TEST_ROLE";
const FOLDER: &str = "ALPC_TEST_FOLDER";

fn name() -> PortName {
    PortName::new("acme.kv").unwrap()
}

/// Far beyond what any of these takes on a machine that does ten other things, and the end of a test
/// that hangs.
const PATIENCE: Duration = Duration::from_secs(120);

fn soon() -> Deadline {
    Deadline::after(PATIENCE)
}

fn create(directory: Directory) -> Result<ConnectionPort> {
    // A client that a busy machine makes slow is not a slow client.
    let attributes = PortAttributes::new().handshake_deadline(PATIENCE);
    ConnectionPort::create(&name(), &attributes.directory(directory))
}

fn connect(folder: &TestFolder) -> Result<Established> {
    let attributes = PortAttributes::new().directory(folder.directory());
    handshake::connect(&name(), &attributes, b"", soon())
}

/// Another process of this program.
struct Actor {
    process: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Actor {
    fn start(role: &str, folder: &TestFolder) -> Actor {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "port::connection::tests::play_a_role", "--nocapture"])
            .env(ROLE, role)
            .env(FOLDER, folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdin = process.stdin.take();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        Actor { process, stdin, stdout }
    }

    /// What the actor says next. The test harness talks on the same line.
    fn line(&mut self) -> String {
        let mut line = String::new();
        while self.stdout.read_line(&mut line).unwrap() > 0 {
            if let Some((_, said)) = line.split_once("actor: ") {
                return said.trim().to_owned();
            }
            line.clear();
        }
        panic!("the actor left without a word");
    }

    fn nod(&mut self) {
        self.stdin.as_mut().unwrap().write_all(b"!").unwrap();
    }

    /// Ends as a crash does, at once and without any clean-up.
    fn crash(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn say(words: &str) {
    println!("actor: {words}");
}

/// Not a test: what the other process does.
#[test]
fn play_a_role() {
    let (Ok(role), Some(folder)) = (std::env::var(ROLE), std::env::var_os(FOLDER)) else { return };
    let directory = Directory::at(folder).unwrap();
    match role.as_str() {
        "hold" => hold(directory),
        "leave an orphan" => leave_an_orphan(directory),
        "starve" => starve(directory),
        "pose" => pose(&directory),
        other => panic!("no role {other}"),
    }
}

fn hold(directory: Directory) {
    match create(directory) {
        Ok(port) => {
            say("mine");
            std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
            drop(port);
        }
        Err(error) if error.kind() == &ErrorKind::AlreadyExists => say("taken"),
        Err(error) => say(&error.to_string()),
    }
}

/// Crashes with a forked child that holds copies of all descriptors.
fn leave_an_orphan(directory: Directory) {
    let _port = create(directory).unwrap();
    // SAFETY: the child only calls `pause`, which is safe to call after a fork.
    let child = unsafe { libc::fork() };
    if child == 0 {
        loop {
            // SAFETY: takes nothing and touches no memory.
            unsafe { libc::pause() };
        }
    }
    say(&child.to_string());
    rustix::process::kill_process(rustix::process::getpid(), Signal::KILL).unwrap();
}

/// Serves without a free file descriptor until it is told to find some.
fn starve(directory: Directory) {
    let port = create(directory).unwrap();
    let enough = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut nod = [0];
            std::io::stdin().read_exact(&mut nod).unwrap();
            enough.store(true, Ordering::SeqCst);
        });
        let limit = Rlimit { current: Some(64), maximum: Some(64) };
        rustix::process::setrlimit(Resource::Nofile, limit).unwrap();
        let mut hoard: Vec<_> = std::iter::from_fn(spare_descriptor).collect();
        say("starving");
        loop {
            if enough.load(Ordering::SeqCst) {
                hoard.clear();
            }
            match port.next(Deadline::after(Duration::from_millis(20))) {
                Ok(ConnectionEvent::Request(request)) => request.accept(b"").unwrap(),
                Ok(ConnectionEvent::Established(_)) => return,
                Err(error) => assert_eq!(error.kind(), &ErrorKind::TimedOut),
            }
        }
    });
}

/// Listens as another user than the one whom the name belongs to.
fn pose(directory: &Directory) {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};
    let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    let path = directory.path().join("acme.kv/sock");
    rustix::net::bind(&socket, &SocketAddrUnix::new(path).unwrap()).unwrap();
    // SAFETY: takes a number; this process has no other work that could mind.
    assert_eq!(unsafe { libc::seteuid(65_534) }, 0);
    rustix::net::listen(&socket, 1).unwrap();
    say("posing");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn of_racing_processes_exactly_one_gets_the_name() {
    let folder = TestFolder::new();
    let mut actors: Vec<Actor> = (0..4).map(|_| Actor::start("hold", &folder)).collect();
    let mut said: Vec<String> = actors.iter_mut().map(Actor::line).collect();
    said.sort();
    assert_eq!(said, ["mine", "taken", "taken", "taken"]);
    let error = create(folder.directory()).err().unwrap();
    assert_eq!(error.kind(), &ErrorKind::AlreadyExists);
}

#[test]
fn a_crash_leaves_nothing_to_clean_up() {
    let folder = TestFolder::new();
    for _ in 0..3 {
        let mut actor = Actor::start("hold", &folder);
        assert_eq!(actor.line(), "mine");
        actor.crash();
        let error = connect(&folder).err().unwrap();
        assert!(matches!(error.kind(), ErrorKind::NotFound { .. }), "{error}");
    }
    let port = create(folder.directory()).unwrap();
    let client = std::thread::scope(|scope| {
        let client = scope.spawn(|| connect(&folder));
        let ConnectionEvent::Request(request) = port.next(soon()).unwrap() else { panic!() };
        request.accept(b"").unwrap();
        port.next(soon()).unwrap();
        client.join().unwrap()
    });
    client.unwrap();
}

#[test]
fn a_forked_child_does_not_keep_its_dead_parents_name() {
    let folder = TestFolder::new();
    let mut actor = Actor::start("leave an orphan", &folder);
    let orphan = Pid::from_raw(actor.line().parse().unwrap()).unwrap();
    actor.process.wait().unwrap();
    let port = create(folder.directory());
    let alive = rustix::process::test_kill_process(orphan);
    rustix::process::kill_process(orphan, Signal::KILL).unwrap();
    alive.unwrap();
    port.unwrap();
}

#[test]
fn a_server_without_descriptors_says_so_and_recovers() {
    let folder = TestFolder::new();
    let mut actor = Actor::start("starve", &folder);
    assert_eq!(actor.line(), "starving");
    for _ in 0..3 {
        let error = connect(&folder).err().unwrap();
        assert!(matches!(error.kind(), ErrorKind::Busy { .. }), "{error}");
        assert!(error.to_string().contains("no file descriptors left"), "{error}");
    }
    actor.nod();
    loop {
        match connect(&folder) {
            Ok(_) => break,
            // It has not read our nod yet.
            Err(error) => assert!(matches!(error.kind(), ErrorKind::Busy { .. }), "{error}"),
        }
    }
}

#[test]
fn the_death_of_a_server_is_seen_by_its_process_and_not_by_its_socket() {
    let folder = TestFolder::new();
    let mut actor = Actor::start("hold", &folder);
    assert_eq!(actor.line(), "mine");
    let (stream, server) =
        crate::sys::rendezvous::connect(&name(), &folder.directory(), PATIENCE).unwrap();
    assert_eq!(server.pid(), Some(actor.process.id()));
    assert!(server.is_alive());
    actor.crash();
    assert!(!server.is_alive());
    drop(stream);
}

#[test]
fn a_process_of_another_user_does_not_pass_for_the_server() {
    if effective_uid() != 0 {
        return; // Only root can play another user.
    }
    let folder = TestFolder::new();
    drop(create(folder.directory()).unwrap());
    let mut actor = Actor::start("pose", &folder);
    assert_eq!(actor.line(), "posing");
    let error = connect(&folder).err().unwrap();
    assert_eq!(
        error.to_string(),
        "cannot connect to `acme.kv`: user 65534 serves it, but the name belongs to user 0"
    );
}
