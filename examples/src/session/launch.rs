//! Starting programs, and telling which process a handle stands for.

use std::fs;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::interface::{LaunchTarget, ProcessInfo, SessionError};

/// Starts a program: its handle and number.
pub(super) fn launch(
    target: LaunchTarget,
    info: &ProcessInfo,
) -> Result<(OwnedFd, u32), SessionError> {
    // The file of `Open` stays open until the program runs from it.
    let (program, what) = match &target {
        LaunchTarget::Image(path) => (path.clone(), path.display().to_string()),
        LaunchTarget::Open { file, name } => {
            (PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd())), name.clone())
        }
        _ => return Err(failed("a program of a kind that came later", 0)),
    };
    let mut command = Command::new(program);
    command.args(&info.args).envs(&info.env).stdin(Stdio::null());
    let system_said = |error: std::io::Error| failed(&what, error.raw_os_error().unwrap_or(0));
    let mut child = command.spawn().map_err(system_said)?;
    let process = pidfd_open(Pid::from_child(&child), PidfdFlags::empty());
    let pid = child.id();
    // Somebody has to take notice of its end, or it stays as a zombie.
    thread::spawn(move || child.wait());
    Ok((process.map_err(|error| system_said(error.into()))?, pid))
}

fn failed(what: &str, os_error: i32) -> SessionError {
    SessionError::LaunchFailed { os_error, what: what.to_owned() }
}

/// The process that a handle stands for, as the kernel says; none for other things, and when it has
/// ended.
pub(super) fn pid_of(process: &OwnedFd) -> Option<u32> {
    let about = fs::read_to_string(format!("/proc/self/fdinfo/{}", process.as_raw_fd())).ok()?;
    let pid = about.lines().find_map(|line| line.strip_prefix("Pid:"))?;
    pid.trim().parse().ok()
}
