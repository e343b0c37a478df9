//! What the tests of channels have in common: places, servers, children.

#![allow(dead_code, reason = "each test binary uses its part")]

pub(crate) mod raw;
pub(crate) mod still;

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use alpc_transport::{
    Accelerator, CallFailure, CommunicationPort, Completion, CompletionPort, ConnectionPort,
    Deadline, Directory, IncomingCall, Part, PortAttributes, PortName, PortWatch, Reply, Request,
    Response, ServerPort, Watched, Worker,
};
use rustix::event::epoll;

/// What servers offer in this test binary: the tests of `socket_alone` are those of `calls` with a
/// server that does without shared memory.
pub(crate) const ACCELERATOR: Accelerator = match env!("CARGO_CRATE_NAME").as_bytes() {
    b"socket_alone" | b"watched_alone" => Accelerator::Off,
    _ => Accelerator::On,
};

/// Whether clients are watched from outside in this test binary: the tests of `watched` and
/// `watched_alone` are those of `tasks` with an event loop in the place of the port's own thread.
const WATCHED: bool = matches!(env!("CARGO_CRATE_NAME").as_bytes(), b"watched" | b"watched_alone");

/// A folder for names, one to a test.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new() -> Place {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("alpc-calls-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        Place(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn name() -> PortName {
    "test.calls".parse().unwrap()
}

pub(crate) fn at(path: &Path, attributes: PortAttributes) -> PortAttributes {
    // A client that a busy machine makes slow is not a slow client.
    attributes.directory(Directory::at(path).unwrap()).handshake_deadline(PATIENCE)
}

/// Far beyond what anything here takes on a machine that does ten other things, and the end of a
/// test that hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn soon() -> Deadline {
    Deadline::after(PATIENCE)
}

pub(crate) fn pattern(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|i| ((i * 31 + seed) % 251) as u8).collect()
}

/// What happens at a server besides calls.
pub(crate) enum Event {
    Connected(Arc<ServerPort>),
    Closed(Arc<ServerPort>),
}

/// A server in this process.
pub(crate) struct Server {
    pub(crate) port: CompletionPort,
    threads: Vec<JoinHandle<()>>,
    pub(crate) place: Place,
    pub(crate) attributes: PortAttributes,
    pub(crate) events: Receiver<Event>,
}

pub(crate) type Handler = dyn Fn(&mut Worker, IncomingCall) + Send + Sync;

impl Server {
    pub(crate) fn start(
        attributes: PortAttributes,
        workers: usize,
        handler: impl Fn(&mut Worker, IncomingCall) + Send + Sync + 'static,
    ) -> Server {
        let place = Place::new();
        let offered = at(place.path(), attributes.clone()).accelerator(ACCELERATOR);
        let connection = ConnectionPort::create(&name(), &offered).unwrap();
        let port = CompletionPort::new(connection).unwrap();
        let handler: Arc<Handler> = Arc::new(handler);
        let (told, events) = channel();
        let threads = (0..workers)
            .map(|_| {
                let (worker, handler, told) = (port.worker(), handler.clone(), told.clone());
                std::thread::spawn(move || serve(worker, &*handler, &told))
            })
            .collect();
        Server { port, threads, place, attributes, events }
    }

    pub(crate) fn client(&self) -> CommunicationPort {
        let client = connect(self.place.path(), self.attributes.clone());
        if WATCHED {
            event_loop(client.watch().unwrap());
        }
        client
    }

    pub(crate) fn connected(&self) -> Arc<ServerPort> {
        match self.events.recv_timeout(PATIENCE).unwrap() {
            Event::Connected(port) => port,
            Event::Closed(port) => panic!("{port:?} closed instead"),
        }
    }

    pub(crate) fn closed(&self) -> Arc<ServerPort> {
        match self.events.recv_timeout(PATIENCE).unwrap() {
            Event::Closed(port) => port,
            Event::Connected(port) => panic!("{port:?} connected instead"),
        }
    }

    pub(crate) fn stop(self) {
        self.port.shut_down();
        for thread in self.threads {
            thread.join().unwrap();
        }
    }
}

fn serve(mut worker: Worker, handler: &Handler, told: &Sender<Event>) {
    while let Some(completion) = worker.next().unwrap() {
        match completion {
            Completion::Connecting(request) => request.accept(b"welcome").unwrap(),
            Completion::Connected(port) => told.send(Event::Connected(port)).unwrap(),
            Completion::Closed(port) => told.send(Event::Closed(port)).unwrap(),
            Completion::Call(call) => handler(&mut worker, call),
            _ => {}
        }
    }
}

/// Answers with what came: a room gets the part of the same place, other parts come back.
pub(crate) fn echo(worker: &mut Worker, mut call: IncomingCall) {
    if call.fetch().is_err() {
        return;
    }
    let mut reply = Reply { body: call.body().to_vec(), ..Reply::default() };
    let mut parts = (0..call.parts()).map(|i| call.part(i).unwrap());
    for room in call.rooms() {
        let part = parts.next().unwrap_or(&[]);
        let mut buffer = call.buffer(room as usize).unwrap();
        let len = part.len().min(buffer.len());
        buffer[..len].copy_from_slice(&part[..len]);
        buffer[len..].fill(0xEE);
        reply.outs.push(alpc_transport::Bytes::Buffer(buffer));
    }
    reply.results.extend(parts.map(|part| alpc_transport::Bytes::Vec(part.to_vec())));
    // A client that is gone does not hear it.
    let _gone = worker.reply(call, reply);
}

pub(crate) fn connect(path: &Path, attributes: PortAttributes) -> CommunicationPort {
    CommunicationPort::connect(&name(), &at(path, attributes), b"hello", soon()).unwrap()
}

pub(crate) fn call(
    client: &CommunicationPort,
    body: &[u8],
    parts: &mut [Part<'_>],
) -> Result<Response, CallFailure> {
    call_until(client, body, parts, soon())
}

pub(crate) fn call_until(
    client: &CommunicationPort,
    body: &[u8],
    parts: &mut [Part<'_>],
    deadline: Deadline,
) -> Result<Response, CallFailure> {
    client.call(Request { method: 1, tag: 0, body, parts, deadline, handles: &[] })
}

/// A gate that handlers wait at until a test opens it.
#[derive(Default)]
pub(crate) struct Gate {
    open: Mutex<bool>,
    changed: std::sync::Condvar,
}

impl Gate {
    pub(crate) fn open(&self) {
        *self.open.lock().unwrap() = true;
        self.changed.notify_all();
    }

    pub(crate) fn pass(&self) {
        let open = self.open.lock().unwrap();
        let _open = self.changed.wait_while(open, |open| !*open).unwrap();
    }
}

/// What the kernel holds for a process: descriptors, and mappings of shared memory.
#[derive(Debug)]
pub(crate) struct Holdings {
    /// What each is, so that a test that fails says which one is too many.
    descriptors: Vec<PathBuf>,
    shared_mappings: usize,
}

impl PartialEq for Holdings {
    fn eq(&self, other: &Holdings) -> bool {
        let counts = |it: &Holdings| (it.descriptors.len(), it.shared_mappings);
        counts(self) == counts(other)
    }
}

pub(crate) fn holdings(pid: u32) -> Holdings {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    Holdings {
        descriptors: std::fs::read_dir(format!("/proc/{pid}/fd"))
            .unwrap()
            // One that was closed since it was listed is not held.
            .filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok())
            .collect(),
        shared_mappings: maps.lines().filter(|line| line.contains("/memfd:alpc")).count(),
    }
}

/// This test binary again, as another process that plays `role`. It says lines, and is told lines.
pub(crate) struct Other {
    child: Child,
    says: std::io::Lines<BufReader<std::process::ChildStdout>>,
    hears: Option<ChildStdin>,
}

impl Other {
    /// Runs the test `child` of this binary, which looks at [`role`].
    pub(crate) fn start(role: &str, place: &Path) -> Other {
        let mut command = Other::test("child");
        command.env("ALPC_TEST_ROLE", role).env("ALPC_TEST_PLACE", place);
        Other::spawn(command)
    }

    /// Runs a case of another test of this binary in a process that runs nothing else.
    pub(crate) fn start_test(test: &str, case: &str) -> Other {
        let mut command = Other::test(test);
        command.env("ALPC_TEST_ALONE", case);
        Other::spawn(command)
    }

    fn test(test: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
        command
    }

    fn spawn(mut command: Command) -> Other {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let says = BufReader::new(child.stdout.take().unwrap()).lines();
        let hears = child.stdin.take();
        Other { child, says, hears }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Reads lines until the other process says `what`, and gives what follows it.
    pub(crate) fn expect(&mut self, what: &str) -> String {
        for line in &mut self.says {
            let line = line.unwrap();
            // The test harness prints the test's name without a line's end.
            if let Some((_, rest)) = line.split_once(&format!("@{what}")) {
                return rest.trim().to_owned();
            }
        }
        panic!("the other process ended without saying {what}");
    }

    pub(crate) fn tell(&mut self, what: &str) {
        writeln!(self.hears.as_mut().unwrap(), "{what}").unwrap();
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn end(mut self) {
        drop(self.hears.take());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _dead = self.child.kill();
        let _dead = self.child.wait();
    }
}

/// In the other process: what it is to do, and where.
pub(crate) fn role() -> Option<(String, PathBuf)> {
    let role = std::env::var("ALPC_TEST_ROLE").ok()?;
    Some((role, std::env::var_os("ALPC_TEST_PLACE")?.into()))
}

/// In the other process: says a line.
pub(crate) fn say(what: &str) {
    println!("@{what}");
    std::io::stdout().flush().unwrap();
}

/// In the other process: waits for a line. `None`: the test is over.
pub(crate) fn hear() -> Option<String> {
    let mut line = String::new();
    let len = std::io::stdin().read_line(&mut line).unwrap();
    (len > 0).then(|| line.trim().to_owned())
}

/// Watches a port from a thread that stands for an event loop, which ends with the port. It hears of what
/// happens as runtimes do: of each thing once.
pub(crate) fn event_loop(watch: PortWatch) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let set = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
        let flags = epoll::EventFlags::IN | epoll::EventFlags::ET;
        epoll::add(&set, &watch, epoll::EventData::new_u64(0), flags).unwrap();
        while watch.look() == Watched::Open {
            let mut events = Vec::with_capacity(1);
            let waited = epoll::wait(&set, rustix::buffer::spare_capacity(&mut events), None);
            assert!(matches!(waited, Ok(_) | Err(rustix::io::Errno::INTR)), "{waited:?}");
        }
    })
}
