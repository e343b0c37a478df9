//! The scenario, played by real processes: each is this program, started with other arguments.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::process::ExitStatus;

use alpc_rpc::prelude::*;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::interface::{
    EndReason, LaunchTarget, Member, ProcessInfo, SessionError, SessionManagerClient,
};
use crate::actor::{Actor, Failure, PATIENCE, narrate};

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
