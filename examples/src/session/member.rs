//! A process that registers with the session manager.

use std::error::Error;
use std::fmt;
use std::io::{self, BufRead};

use alpc_rpc::ConnectError;
use alpc_rpc::prelude::*;

use super::interface::{ProcessInfo, Retry, SessionError, SessionManagerClient};

/// What a member does at its start.
#[derive(Debug, Clone)]
pub struct Member {
    /// What it calls itself.
    pub image: String,
    /// When it wants to end, if not with most others.
    pub level: Option<u32>,
    /// Whom it claims to be, if not itself.
    pub claimed_pid: Option<u32>,
}

/// Why a member is none.
#[derive(Debug)]
#[non_exhaustive]
pub enum MemberError {
    /// The manager said no.
    Refused(SessionError),
    /// There is no manager, or none any more.
    NoManager(String),
}

impl Member {
    /// Registers, and stays for as long as there is input: each line makes a heartbeat.
    ///
    /// # Errors
    ///
    /// When there is no manager, or it refuses.
    pub fn run(self, port: &str) -> Result<(), MemberError> {
        let session = SessionManagerClient::connect(port)?;
        let pid = self.claimed_pid.unwrap_or_else(std::process::id);
        let args = std::env::args().collect();
        let info = ProcessInfo::new(pid, self.image, args);
        let id = session.register_process(&info).split()?.map_err(MemberError::Refused)?;
        if let Some(level) = self.level {
            let set = session.set_shutdown_params(level, Retry::Ask);
            set.split()?.map_err(MemberError::Refused)?;
        }
        println!("registered as {id}");
        for _line in io::stdin().lock().lines().map_while(Result::ok) {
            session.heartbeat().map_err(CallError::into_transport)?;
        }
        // The connection ends with `session`, and with it the registration.
        Ok(())
    }
}

impl fmt::Display for MemberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MemberError::Refused(why) => write!(f, "the manager refused: {why}"),
            MemberError::NoManager(why) => f.write_str(why),
        }
    }
}

impl Error for MemberError {}

impl From<ConnectError> for MemberError {
    fn from(error: ConnectError) -> Self {
        MemberError::NoManager(error.to_string())
    }
}

impl From<TransportError> for MemberError {
    fn from(error: TransportError) -> Self {
        MemberError::NoManager(error.to_string())
    }
}
