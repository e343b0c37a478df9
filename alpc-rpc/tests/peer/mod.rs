//! Another process of a test: the test's own program again, which runs the test `role` alone.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub const ROLE: &str = "ALPC_TEST_ROLE";
pub const FOLDER: &str = "ALPC_TEST_FOLDER";

/// Another process. It is killed when this is dropped.
pub struct Peer {
    child: Child,
    says: BufReader<ChildStdout>,
    hears: ChildStdin,
}

impl Peer {
    pub fn start(role: &str, folder: &Path) -> Peer {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "role", "--nocapture", "--test-threads=1"])
            .env(ROLE, role)
            .env(FOLDER, folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let says = BufReader::new(child.stdout.take().unwrap());
        let hears = child.stdin.take().unwrap();
        let mut peer = Peer { child, says, hears };
        peer.expect("ready");
        peer
    }

    pub fn expect(&mut self, said: &str) {
        let mut line = String::new();
        while !line.contains(said) {
            line.clear();
            assert_ne!(self.says.read_line(&mut line).unwrap(), 0, "it ended without `{said}`");
        }
    }

    pub fn tell(&mut self, line: &str) {
        writeln!(self.hears, "{line}").unwrap();
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _dead = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Says a line to whoever started this process.
pub fn say(line: &str) {
    println!("\n{line}");
    std::io::stdout().flush().unwrap();
}

/// Waits for a line, or for the end of whoever would write it.
pub fn wait() {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
}
