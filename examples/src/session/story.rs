//! The scenario, played by real processes: each is this program, started with other arguments.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use alpc_rpc::Client;

use super::interface::{Member, SessionManagerClient};

/// What did not happen as told.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Not the port of real managers, one of which may be running.
const PORT: &str = "acme.session.story";

/// How long an actor may take for its part. It is never waited for in full when all goes well.
const PATIENCE: Duration = Duration::from_secs(20);

/// Plays the scenario, and tells it line by line.
///
/// # Errors
///
/// When something does not happen as told.
pub fn tell() -> Result<(), Failure> {
    narrate("the session manager starts, and serves a port that everybody can find");
    let manager = Actor::start("manager", &["manager", "--name", PORT, "--until-input-ends"])?;
    manager.wait_for("serving")?;

    narrate("every new process connects and registers itself");
    let mut shell = member("shell", &["--level", "0x4ff"])?;
    let audio = member("audio", &["--level", "0x100"])?;
    let indexer = member("indexer", &[])?;

    narrate("anybody may ask who is there, in the order in which a shutdown would end them");
    let session = SessionManagerClient::connect(PORT)?;
    expect_members(&session, &[&shell, &indexer, &audio])?;

    narrate("a process can register only itself: the kernel says who calls");
    let claimed = shell.pid().to_string();
    let arguments = ["member", "--name", PORT, "--image", "liar", "--claim-pid", &claimed];
    let liar = Actor::start("liar", &arguments)?;
    liar.wait_for("refused")?;
    manager.wait_for("refused")?;
    expect_code(&liar.end()?, 1)?;

    narrate("a sign of life goes one way; nobody waits for an answer");
    shell.tell("alive")?;
    manager.wait_for(&format!("heartbeat 1 of process {}", shell.pid()))?;
    let beats = session.query_process(shell.pid())?.beats;
    expect(beats == 1, || format!("the manager knows of {beats} heartbeats, not of 1"))?;

    narrate("audio is killed, and had no time to say goodbye; the manager notices");
    let killed = audio.pid();
    audio.kill()?;
    manager.wait_for(&format!("process {killed} (audio) is gone"))?;
    expect_members(&session, &[&shell, &indexer])?;

    narrate("indexer ends by itself, which is the same to the manager");
    let ended = indexer.pid();
    expect_code(&indexer.end()?, 0)?;
    manager.wait_for(&format!("process {ended} (indexer) is gone"))?;
    expect_members(&session, &[&shell])?;

    narrate("the manager ends, and its clients see that");
    expect_code(&manager.end()?, 0)?;
    match session.list_processes() {
        Ok(_) => return Err("a manager that has ended still answers".into()),
        Err(error) => narrate(&format!("a call now says: {error}")),
    }
    expect_code(&shell.end()?, 0)?;
    narrate("everything happened as told");
    Ok(())
}

fn member(image: &'static str, more: &[&str]) -> Result<Actor, Failure> {
    let mut arguments = vec!["member", "--name", PORT, "--image", image];
    arguments.extend(more);
    let member = Actor::start(image, &arguments)?;
    member.wait_for("registered")?;
    Ok(member)
}

fn expect(happened: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failure> {
    if happened { Ok(()) } else { Err(otherwise().into()) }
}

fn expect_code(status: &ExitStatus, code: i32) -> Result<(), Failure> {
    expect(status.code() == Some(code), || format!("{status} instead of exit code {code}"))
}

/// Asks the manager who is there, prints it, and compares.
fn expect_members(session: &SessionManagerClient, expected: &[&Actor]) -> Result<(), Failure> {
    let members = session.list_processes()?;
    for Member { id, info, shutdown_level, .. } in &members {
        let (pid, image) = (info.pid, &info.image);
        narrate(&format!("  {id}  {image:<8} process {pid}, ends at level {shutdown_level:#x}"));
    }
    let listed: Vec<u32> = members.iter().map(|member| member.info.pid).collect();
    let expected: Vec<u32> = expected.iter().map(|actor| actor.pid()).collect();
    expect(listed == expected, || format!("listed are {listed:?}, and not {expected:?}"))
}

fn narrate(line: &str) {
    print_line("", line);
}

fn print_line(who: &str, line: &str) {
    // If nobody reads the story any more, its outcome still counts.
    let _unread = writeln!(io::stdout(), "{who:>8} | {line}");
}

/// Prints what an actor says, and passes it on.
fn print_lines(role: &'static str, from: impl Read + Send + 'static, to: Sender<String>) {
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            print_line(role, &line);
            if to.send(line).is_err() {
                return;
            }
        }
    });
}

/// One process of the story.
struct Actor {
    role: &'static str,
    child: Child,
    lines: Receiver<String>,
}

impl Actor {
    fn start(role: &'static str, arguments: &[&str]) -> Result<Actor, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (output, errors) = (child.stdout.take(), child.stderr.take());
        let (send, lines) = channel();
        print_lines(role, output.ok_or("a child without output")?, send.clone());
        print_lines(role, errors.ok_or("a child without errors")?, send);
        Ok(Actor { role, child, lines })
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the actor says a line with `what` in it.
    fn wait_for(&self, what: &str) -> Result<(), Failure> {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if line.contains(what) => return Ok(()),
                Ok(_) => {}
                Err(_) => return Err(format!("{} never said `{what}`", self.role).into()),
            }
        }
    }

    /// Writes a line to the actor's input.
    fn tell(&mut self, line: &str) -> Result<(), Failure> {
        let input = self.child.stdin.as_mut().ok_or("a child without input")?;
        Ok(writeln!(input, "{line}")?)
    }

    /// Ends the actor's input, upon which it ends.
    fn end(mut self) -> Result<ExitStatus, Failure> {
        drop(self.child.stdin.take());
        Ok(self.child.wait()?)
    }

    /// Kills the actor, which can do nothing about it.
    fn kill(mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Actor {
    /// A story that failed leaves nobody behind.
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _status = self.child.wait();
    }
}
