//! The actors of a story: processes of this program, each started with other arguments, whose lines
//! are shown and waited for.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// What did not happen as told.
pub type Failure = Box<dyn Error + Send + Sync>;

/// How long an actor may take for its part. It is never waited for in full when all goes well.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Tells what happens next.
pub fn narrate(line: &str) {
    print_line("", line);
}

fn print_line(who: &str, line: &str) {
    // If nobody reads the story any more, its outcome still counts.
    let _unread = writeln!(io::stdout(), "{who:>8} | {line}");
}

/// Who hears what an actor says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Whoever reads the story, too.
    ByAll,
    /// Whoever has started it.
    ByStarter,
}

/// Passes on what an actor says.
fn pass_on(
    (role, heard): (&'static str, Heard),
    from: impl Read + Send + 'static,
    to: Sender<String>,
) {
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if heard == Heard::ByAll {
                print_line(role, &line);
            }
            if to.send(line).is_err() {
                return;
            }
        }
    });
}

/// One process of the story.
#[derive(Debug)]
pub struct Actor {
    /// What it is called.
    pub role: &'static str,
    child: Child,
    lines: Receiver<String>,
}

impl Actor {
    /// Starts this program as `role`, with other arguments.
    ///
    /// # Errors
    ///
    /// When the system cannot start it.
    pub fn start(role: &'static str, arguments: &[&str]) -> Result<Actor, Failure> {
        Actor::start_heard(role, Heard::ByAll, arguments)
    }

    /// As [`start`](Actor::start), and says who hears it.
    ///
    /// # Errors
    ///
    /// When the system cannot start it.
    pub fn start_heard(
        role: &'static str,
        heard: Heard,
        arguments: &[&str],
    ) -> Result<Actor, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (output, errors) = (child.stdout.take(), child.stderr.take());
        let (send, lines) = channel();
        pass_on((role, heard), output.ok_or("a child without output")?, send.clone());
        pass_on((role, heard), errors.ok_or("a child without errors")?, send);
        Ok(Actor { role, child, lines })
    }

    /// Its number.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the actor says a line with `what` in it.
    ///
    /// # Errors
    ///
    /// When it does not say so in time.
    pub fn wait_for(&self, what: &str) -> Result<(), Failure> {
        self.hear(what).map(|_| ())
    }

    /// The next line that the actor says with `what` in it.
    ///
    /// # Errors
    ///
    /// When it does not say so in time.
    pub fn hear(&self, what: &str) -> Result<String, Failure> {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if line.contains(what) => return Ok(line),
                Ok(_) => {}
                Err(_) => return Err(format!("{} never said `{what}`", self.role).into()),
            }
        }
    }

    /// Waits until the actor has said all of it, in any order.
    ///
    /// # Errors
    ///
    /// When it does not say so in time.
    pub fn wait_for_all(&self, mut what: Vec<String>) -> Result<(), Failure> {
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
    ///
    /// # Errors
    ///
    /// When it is gone.
    pub fn tell(&mut self, line: &str) -> Result<(), Failure> {
        let input = self.child.stdin.as_mut().ok_or("a child without input")?;
        Ok(writeln!(input, "{line}")?)
    }

    /// Ends the actor's input, upon which it ends.
    ///
    /// # Errors
    ///
    /// When the system knows nothing of it.
    pub fn end(mut self) -> Result<ExitStatus, Failure> {
        drop(self.child.stdin.take());
        Ok(self.child.wait()?)
    }

    /// Lets the actor do nothing more, until it [goes on](Actor::go_on).
    ///
    /// # Errors
    ///
    /// When the system knows nothing of it.
    pub fn pause(&self) -> Result<(), Failure> {
        Ok(kill_process(Pid::from_child(&self.child), Signal::STOP)?)
    }

    /// Lets a paused actor go on.
    ///
    /// # Errors
    ///
    /// When the system knows nothing of it.
    pub fn go_on(&self) -> Result<(), Failure> {
        Ok(kill_process(Pid::from_child(&self.child), Signal::CONT)?)
    }

    /// Kills the actor, which can do nothing about it.
    ///
    /// # Errors
    ///
    /// When the system knows nothing of it.
    pub fn kill(mut self) -> Result<(), Failure> {
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
