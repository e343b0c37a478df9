//! What the tour is measured against: a bare `SOCK_SEQPACKET` socket pair with another process.

use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

use super::Failure;

/// Bytes of one message.
pub const LEN: usize = 64;

/// A process that answers each message with itself.
pub struct RawEcho {
    socket: OwnedFd,
    child: Child,
}

impl RawEcho {
    /// Starts the process: this program with `argument`, whose standard input is the socket.
    pub fn start(argument: &str) -> Result<RawEcho, Failure> {
        let (ours, theirs) = rustix::net::socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?;
        let child = Command::new(std::env::current_exe()?)
            .arg(argument)
            .stdin(Stdio::from(theirs))
            .spawn()?;
        Ok(RawEcho { socket: ours, child })
    }

    /// The other process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// One message there and back.
    pub fn round_trip(&self, message: &mut [u8; LEN]) -> Result<(), Failure> {
        rustix::net::send(&self.socket, message, SendFlags::empty())?;
        let (received, _) = rustix::net::recv(&self.socket, &mut message[..], RecvFlags::empty())?;
        if received == LEN { Ok(()) } else { Err("the raw socket's other end has gone".into()) }
    }
}

impl Drop for RawEcho {
    fn drop(&mut self) {
        // It ends by itself when its socket does; one that does not has to be told.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The other process's part: answers until the socket on standard input ends.
pub fn echo() -> Result<(), Failure> {
    let socket = rustix::stdio::stdin();
    let mut message = [0; LEN];
    loop {
        let (received, _) = rustix::net::recv(socket, &mut message[..], RecvFlags::empty())?;
        if received == 0 {
            return Ok(());
        }
        rustix::net::send(socket, &message[..received], SendFlags::NOSIGNAL)?;
    }
}
