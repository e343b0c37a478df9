//! The scenario, played by real processes: each is this program, started with other arguments.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use alpc_rpc::prelude::*;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::interface::{
    EndReason, LaunchTarget, Member, ProcessInfo, SessionError, SessionManagerClient,
};

/// What did not happen as told.
pub type Failure = Box<dyn Error + Send + Sync>;

/// How long an actor may take for its part. It is never waited for in full when all goes well.
const PATIENCE: Duration = Duration::from_secs(20);

/// Plays the scenario, and tells it line by line.
///
/// # Errors
///
/// When something does not happen as told.
pub fn tell() -> Result<(), Failure> {
    let stage = Stage::set()?;
    narrate("every new process connects and registers itself, with a handle and a callback");
    let mut shell = stage.member("shell", &["--level", "0x4ff"])?;
    let audio = stage.member("audio", &["--level", "0x100"])?;
    let mut indexer = stage.member("indexer", &[])?;

    narrate("anybody may ask who is there, in the order in which a shutdown would end them");
    stage.expect_members(&[shell.pid(), indexer.pid(), audio.pid()])?;

    stage.refuse_a_liar(&shell)?;

    narrate("a process writes into the pipe that the manager gave it");
    shell.tell("say good morning")?;
    stage.manager.wait_for(&format!("console of process {}: good morning", shell.pid()))?;

    narrate("one process shares memory with another: by the manager, which calls it back");
    shell.tell(&format!("share {} the plans", audio.pid()))?;
    audio.wait_for(&format!("process {} shares object 1 with me: the plans", shell.pid()))?;
    shell.wait_for(&format!("process {} knows it as 1", audio.pid()))?;

    stage.kill(audio)?;
    stage.expect_members(&[shell.pid(), indexer.pid()])?;

    let (launched, handle) = stage.launch()?;
    stage.expect_members(&[shell.pid(), indexer.pid(), launched])?;

    narrate("the session shall end; each member is asked, and indexer says no");
    indexer.tell("veto still writing")?;
    // Its answer says that it has read what came before.
    indexer.tell("say wait for me")?;
    stage.manager.wait_for(&format!("console of process {}: wait", indexer.pid()))?;
    match stage.session.end_session(EndReason::Shutdown).split()? {
        Err(SessionError::Vetoed { pid, why })
            if pid == indexer.pid() && why == "still writing" =>
        {
            narrate(&format!("  not yet, says process {pid}: {why}"));
        }
        other => return Err(format!("a veto became {other:?}").into()),
    }

    narrate("now it agrees, and all are told to end");
    indexer.tell("agree")?;
    indexer.tell("say done")?;
    stage.manager.wait_for(&format!("console of process {}: done", indexer.pid()))?;
    stage.session.end_session(EndReason::Shutdown).split()??;
    let gone = [shell.pid(), indexer.pid(), launched].map(|pid| format!("process {pid} is gone"));
    for member in [shell, indexer] {
        member.wait_for("the session ends: Shutdown")?;
        expect_code(&member.end()?, 0)?;
    }
    narrate("the launched one ends, too, which its handle tells");
    wait_for_end(&handle)?;
    stage.watcher.wait_for_all(gone.into())?;
    stage.expect_members(&[])?;
    stage.strike()
}

/// The manager, somebody who watches it, and the narrator's own connection.
struct Stage {
    port: String,
    manager: Actor,
    watcher: Actor,
    session: SessionManagerClient,
}

impl Stage {
    fn set() -> Result<Stage, Failure> {
        // Not the port of real managers, one of which may be running, nor that of another story.
        let port = format!("acme.session.story-{}", std::process::id());
        narrate("the session manager starts, and serves a port that everybody can find");
        let manager = Actor::start("manager", &["manager", "--name", &port, "--until-input-ends"])?;
        manager.wait_for("serving")?;
        let watcher = Actor::start("watcher", &["watch", "--name", &port])?;
        watcher.wait_for("watching")?;
        let session = SessionManagerClient::connect(&port)?;
        Ok(Stage { port, manager, watcher, session })
    }

    fn member(&self, image: &'static str, more: &[&str]) -> Result<Actor, Failure> {
        let mut arguments = vec!["member", "--name", &self.port, "--image", image];
        arguments.extend(more);
        let member = Actor::start(image, &arguments)?;
        member.wait_for("registered")?;
        member.wait_for("welcome to the session")?;
        self.watcher.wait_for(&format!("process {} is there", member.pid()))?;
        Ok(member)
    }

    fn refuse_a_liar(&self, victim: &Actor) -> Result<(), Failure> {
        narrate("a process can register only itself: the kernel says who calls");
        let claimed = victim.pid().to_string();
        let arguments =
            ["member", "--name", &self.port, "--image", "liar", "--claim-pid", &claimed];
        let liar = Actor::start("liar", &arguments)?;
        liar.wait_for("refused")?;
        self.manager.wait_for("refused")?;
        expect_code(&liar.end()?, 1)
    }

    fn kill(&self, member: Actor) -> Result<(), Failure> {
        let (role, pid) = (member.role, member.pid());
        narrate(&format!("{role} is killed, and had no time to say goodbye; the manager notices"));
        let handle = self.session.find(pid).split()??.process().split()??;
        member.kill()?;
        wait_for_end(&handle)?;
        self.manager.wait_for(&format!("process {pid} ({role}) is gone"))?;
        self.watcher.wait_for(&format!("process {pid} is gone"))
    }

    /// Has the manager start one more member, from a file that is open here.
    fn launch(&self) -> Result<(u32, OwnedFd), Failure> {
        narrate("the manager starts a program from a handle, and answers with the process's");
        let file = OwnedFd::from(File::open(std::env::current_exe()?)?);
        let target = LaunchTarget::Open { file, name: "this program".to_owned() };
        let arguments = ["member", "--name", &self.port, "--image", "launched", "--no-commands"];
        let arguments = arguments.map(str::to_owned).into();
        let info = ProcessInfo::new(0, "launched".into(), arguments, BTreeMap::new());
        let (handle, pid) = self.session.launch(&target, &info).split()??;
        self.watcher.wait_for(&format!("process {pid} is there"))?;
        Ok((pid, handle))
    }

    /// Asks the manager who is there, prints it, and compares.
    fn expect_members(&self, expected: &[u32]) -> Result<(), Failure> {
        let members = self.session.list_processes()?;
        for Member { number, info, shutdown_level, .. } in &members {
            let (pid, image) = (info.pid, info.image.display());
            narrate(&format!("  {number}  {image:<8} process {pid}, ends at {shutdown_level:#x}"));
        }
        let listed: Vec<u32> = members.iter().map(|member| member.info.pid).collect();
        expect(listed == expected, || format!("listed are {listed:?}, and not {expected:?}"))
    }

    fn strike(self) -> Result<(), Failure> {
        narrate("the manager ends, and its clients see that");
        expect_code(&self.manager.end()?, 0)?;
        match self.session.list_processes() {
            Ok(_) => return Err("a manager that has ended still answers".into()),
            Err(error) => narrate(&format!("a call now says: {error}")),
        }
        expect_code(&self.watcher.end()?, 0)?;
        narrate("everything happened as told");
        Ok(())
    }
}

/// Waits until a process has ended: its handle is readable then.
fn wait_for_end(process: &OwnedFd) -> Result<(), Failure> {
    let patience = Timespec { tv_sec: PATIENCE.as_secs().cast_signed(), tv_nsec: 0 };
    let mut handles = [PollFd::new(process, PollFlags::IN)];
    let ended = poll(&mut handles, Some(&patience))?;
    expect(ended == 1, || "a process did not end".to_owned())
}

fn expect(happened: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failure> {
    if happened { Ok(()) } else { Err(otherwise().into()) }
}

fn expect_code(status: &ExitStatus, code: i32) -> Result<(), Failure> {
    expect(status.code() == Some(code), || format!("{status} instead of exit code {code}"))
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
        self.wait_for_all(vec![what.to_owned()])
    }

    /// Waits until the actor has said all of it, in any order.
    fn wait_for_all(&self, mut what: Vec<String>) -> Result<(), Failure> {
        let end = Instant::now() + PATIENCE;
        while !what.is_empty() {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => what.retain(|what| !line.contains(what)),
                Err(_) => return Err(format!("{} never said {what:?}", self.role).into()),
            }
        }
        Ok(())
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
