//! The other processes of a test.
//!
//! A peer is a program that plays a role. It says what it has to say in lines, and lives no longer than
//! whoever started it: its input ends with that process, however that ends.

use std::fmt::Display;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

/// A process that plays a role, as who started it sees it.
///
/// Dropping it ends it.
#[derive(Debug)]
pub struct Peer {
    role: String,
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    errors: PathBuf,
}

impl Peer {
    /// Starts `program` in a role. Port names live in `folder`; what it writes to its standard error is
    /// kept in `errors`.
    pub fn start(program: &Path, folder: &Path, errors: PathBuf, role: &[&str]) -> Peer {
        let log = File::create(&errors).expect("a file in the test's own folder");
        Peer::spawn(program, folder, log.into(), errors, role)
    }

    /// As [`start`](Peer::start), with a standard error that nobody reads: writing there fails.
    pub fn unheard(program: &Path, folder: &Path, role: &[&str]) -> Peer {
        let (reader, writer) = std::io::pipe().expect("two descriptors");
        drop(reader);
        Peer::spawn(program, folder, writer.into(), PathBuf::new(), role)
    }

    fn spawn(program: &Path, folder: &Path, stderr: Stdio, errors: PathBuf, role: &[&str]) -> Peer {
        let mut child = Command::new(program)
            .args(role)
            .env("ALPC_RUNTIME_DIR", folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", program.display()));
        let input = child.stdin.take();
        let output = child.stdout.take().expect("it was asked for");
        Peer { role: role.join(" "), child, input, output: BufReader::new(output), errors }
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line that it says.
    pub fn hear(&mut self) -> String {
        let mut line = String::new();
        match self.output.read_line(&mut line) {
            Ok(1..) => line.trim_end().to_owned(),
            end => panic!("`{}` said no more ({end:?}); {}", self.role, self.errors()),
        }
    }

    /// The next line that it says must be this one.
    #[track_caller]
    pub fn expect(&mut self, line: &str) {
        assert_eq!(self.hear(), line, "said by `{}`; {}", self.role, self.errors());
    }

    /// Tells it a line.
    pub fn tell(&mut self, line: impl Display) {
        let input = self.input.as_mut().expect("it is there until the peer is killed");
        writeln!(input, "{line}").expect("the peer reads what it is told");
    }

    /// Asks it something: tells a line and hears one.
    pub fn ask(&mut self, line: impl Display) -> String {
        self.tell(line);
        self.hear()
    }

    /// Ends it at once, without a chance to tidy up (SIGKILL), and waits until it is gone.
    pub fn kill(&mut self) {
        self.child.kill().expect("it is our own process");
        self.child.wait().expect("it is our own process");
    }

    /// Waits until it has ended by itself, which it must do without having said anything more.
    pub fn ended(&mut self) {
        let mut line = String::new();
        let heard = self.output.read_line(&mut line);
        assert!(matches!(heard, Ok(0)), "`{}` said {line:?}", self.role);
        self.child.wait().expect("it is our own process");
    }

    /// What it wrote to its standard error.
    pub fn errors(&self) -> String {
        std::fs::read_to_string(&self.errors).unwrap_or_default()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- `{}` wrote:\n{}---", self.role, self.errors());
            // What keeps it busy may be what the test failed of.
            let _gone = self.child.kill();
        }
        self.input = None;
        let _status = self.child.wait();
    }
}

/// Who started this process, as its role sees it.
#[derive(Debug)]
pub struct Starter {
    lines: Receiver<String>,
}

impl Starter {
    /// Listens to whoever started this process, and ends with it.
    pub fn listen() -> Starter {
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                // A role that listens no longer is about to end.
                let _unheard = sender.send(line);
            }
            std::process::exit(0);
        });
        Starter { lines }
    }

    /// The next line that it tells. It blocks until the process ends, if none comes.
    pub fn hear(&self) -> String {
        self.lines.recv().unwrap_or_else(|_| std::process::exit(0))
    }
}

/// Tells whoever started this process a line.
pub fn say(line: impl Display) {
    // In one piece, since handlers say things at the same time.
    let line = format!("{line}\n");
    if std::io::stdout().write_all(line.as_bytes()).is_err() {
        std::process::exit(0);
    }
}
