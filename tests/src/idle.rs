//! What a server spends on clients that are connected and do nothing.
//!
//! The server and its clients are processes of their own; a third one reads what the kernel says about the
//! server, so that looking changes nothing.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use alpc_rpc::prelude::*;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::peer::{Peer, Starter, say};
use crate::stage::Stage;

/// The port of the server.
const PORT: &str = "tests.idle";
/// How many processes the clients live in.
const PROCESSES: usize = 4;
/// How long the server is looked at, and how often.
const WINDOW: Duration = Duration::from_secs(2);
const WINDOWS: usize = 15;
/// How long a server may take to fall asleep, in pauses.
const PAUSES: usize = 600;
const PAUSE: Duration = Duration::from_millis(100);

/// What the clients call when they do call.
#[alpc_interface(name = "tests.idle.Idle")]
pub trait Idle {
    /// Adds.
    fn add(&self, a: u64, b: u64) -> u64;
}

struct Adder;

impl Idle for Adder {
    fn add(&self, a: u64, b: u64) -> u64 {
        a + b
    }
}

/// Plays the server.
///
/// # Errors
///
/// When it cannot serve.
pub fn serve(starter: &Starter) -> Result<(), String> {
    raise_descriptor_limit()?;
    let server = Server::bind(PORT).and_then(|port| port.serve(IdleServer::new(Adder)));
    let _server = server.map_err(|error| error.to_string())?;
    say("ready");
    starter.hear();
    Ok(())
}

/// Plays `count` clients, each with a connection of its own.
///
/// # Errors
///
/// When one cannot connect, or is not answered rightly.
pub fn connect(starter: &Starter, count: &str) -> Result<(), String> {
    raise_descriptor_limit()?;
    let count: u64 = count.parse().map_err(|_| format!("`{count}` is no number"))?;
    let connect = |_| IdleClient::connect(PORT).map_err(|error| error.to_string());
    let clients: Vec<_> = (0..count).map(connect).collect::<Result<_, _>>()?;
    say("connected");
    starter.hear();
    for (client, number) in clients.iter().zip(0..) {
        match client.add(number, 1) {
            Ok(sum) if sum == number + 1 => {}
            other => return Err(format!("client {number} was answered {other:?}")),
        }
    }
    say(format!("answered {count}"));
    starter.hear();
    Ok(())
}

/// A connection takes several descriptors, and shells give out few.
pub(crate) fn raise_descriptor_limit() -> Result<(), String> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
        .map_err(|error| format!("cannot raise the limit of descriptors: {error}"))
}

/// What the kernel says about a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Time on a CPU, in ticks of the kernel's clock.
    pub cpu: u64,
    /// How often one of its threads got onto a CPU, or left it: finer than any clock.
    pub switches: u64,
    /// KiB of memory that nobody shares with it.
    pub private: u64,
    /// Threads.
    pub threads: u64,
    /// Open file descriptors.
    pub descriptors: u64,
}

impl Usage {
    /// What it says now about the process `id`.
    pub fn of(id: u32) -> Usage {
        let read = |file: &str| {
            let path = format!("/proc/{id}/{file}");
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
        };
        // The name of the program comes second, in parentheses, and may hold anything.
        let stat = read("stat");
        let fields: Vec<&str> =
            stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let time = |at: usize| fields[at].parse::<u64>().expect("a number of ticks");
        let rollup = read("smaps_rollup");
        let tasks = folder(&format!("/proc/{id}/task"));
        let switches = tasks.iter().map(|task| {
            let status = read(&format!("task/{task}/status"));
            number_after(&status, "\nvoluntary_ctxt_switches:")
                + number_after(&status, "nonvoluntary_ctxt_switches:")
        });
        Usage {
            // Counted behind the name, `utime` and `stime` are the twelfth and thirteenth.
            cpu: time(11) + time(12),
            switches: switches.sum(),
            private: number_after(&rollup, "Private_Clean:")
                + number_after(&rollup, "Private_Dirty:"),
            threads: tasks.len() as u64,
            descriptors: folder(&format!("/proc/{id}/fd")).len() as u64,
        }
    }
}

fn folder(path: &str) -> Vec<String> {
    let entries = std::fs::read_dir(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

fn number_after(text: &str, label: &str) -> u64 {
    let rest = text.split(label).nth(1).unwrap_or_else(|| panic!("no `{label}` in {text}"));
    rest.split_whitespace().next().and_then(|word| word.parse().ok()).expect("a number")
}

/// What was measured.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// How many clients there were.
    pub clients: u64,
    /// Before they connected.
    pub before: Usage,
    /// When all were connected and the server had fallen asleep.
    pub connected: Usage,
    /// `WINDOW` later.
    pub later: Usage,
    /// When each had made a call.
    pub called: Usage,
    /// How many were answered.
    pub answered: u64,
}

impl Figures {
    /// KiB of the server's private memory for each client.
    pub fn private_for_each(&self) -> f64 {
        self.connected.private.saturating_sub(self.before.private) as f64 / self.clients as f64
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figures { clients, before, connected, later, called, answered } = self;
        writeln!(f, "{clients} idle clients in {PROCESSES} processes; the server's process:")?;
        writeln!(f)?;
        writeln!(f, "{:<28}{:>10}{:>12}{:>12}", "", "before", "connected", "called")?;
        let mut row = |name: &str, value: fn(&Usage) -> u64| {
            let [before, connected, called] = [before, connected, called].map(value);
            writeln!(f, "{name:<28}{before:>10}{connected:>12}{called:>12}")
        };
        row("private memory, KiB", |usage| usage.private)?;
        row("threads", |usage| usage.threads)?;
        row("descriptors", |usage| usage.descriptors)?;
        writeln!(f)?;
        writeln!(f, "private memory per client: {:.1} KiB", self.private_for_each())?;
        let descriptors = (connected.descriptors - before.descriptors) as f64 / *clients as f64;
        writeln!(f, "descriptors per client: {descriptors:.1}")?;
        let (cpu, switches) = (later.cpu - connected.cpu, later.switches - connected.switches);
        writeln!(f, "idle for {WINDOW:?}: {cpu} ticks of CPU time, {switches} context switches")?;
        writeln!(f, "answered afterwards: {answered} of {clients}")
    }
}

/// Connects `clients` to a server, and looks at what that costs it.
pub fn measure(program: PathBuf, clients: u64) -> Figures {
    let stage = Stage::new("idle clients", program);
    let server = stage.ready(&["idle server"]);
    // What a server makes once, with its first client, is not the second one's.
    drop(answered(connected(&stage, 1)));
    let before = asleep(&server);
    let share = clients / PROCESSES as u64;
    let shares = (1..PROCESSES).map(|_| share).chain([clients - share * (PROCESSES as u64 - 1)]);
    let groups: Vec<_> = shares.map(|count| connected(&stage, count)).collect();
    let (connected, later) = quiet_window(&server);
    let groups: Vec<_> = groups.into_iter().map(answered).collect();
    let answered = groups.iter().map(|(_, answered)| answered).sum();
    let called = Usage::of(server.id());
    Figures { clients, before, connected, later, called, answered }
}

fn connected(stage: &Stage, count: u64) -> Peer {
    let mut group = stage.peer(&["idle clients", &count.to_string()]);
    group.expect("connected");
    group
}

fn answered(mut group: Peer) -> (Peer, u64) {
    let line = group.ask("call");
    let answered = line.strip_prefix("answered ").and_then(|count| count.parse().ok());
    (group, answered.unwrap_or_else(|| panic!("{line}")))
}

/// What the process uses at the beginning and at the end of a while in which it does nothing. That can
/// only be seen by waiting for it; and on a busy machine a process that seems to sleep may not have come
/// to its work yet, so that the next while is looked at. One that wakes up now and then has none.
fn quiet_window(server: &Peer) -> (Usage, Usage) {
    let mut window = (asleep(server), asleep(server));
    for _ in 0..WINDOWS {
        let before = window.1;
        std::thread::sleep(WINDOW);
        window = (before, Usage::of(server.id()));
        if (window.0.cpu, window.0.switches) == (window.1.cpu, window.1.switches) {
            break;
        }
    }
    window
}

/// What the process uses once it has done what there was to do. Each client saw its connection
/// made; the server may still be at the last of them.
fn asleep(server: &Peer) -> Usage {
    let mut usage = Usage::of(server.id());
    for _ in 0..PAUSES {
        std::thread::sleep(PAUSE);
        let now = Usage::of(server.id());
        if now == usage {
            return now;
        }
        usage = now;
    }
    panic!("the server does not fall asleep: {usage:?}")
}
