use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{MemfdFlags, Mode, OFlags, SealFlags};
use rustix::io::Errno;
use rustix::process::PidfdFlags;

use super::*;

const ALWAYS: Rights = Rights::QUERY.union(Rights::DUP);

fn nature(handle: impl AsFd) -> (HandleKind, Rights) {
    let Nature { kind, rights } = examine(handle.as_fd()).unwrap();
    assert!(rights.contains(ALWAYS));
    (kind, rights.without(ALWAYS))
}

fn open(path: &str, flags: OFlags) -> OwnedFd {
    rustix::fs::open(path, flags | OFlags::CLOEXEC, Mode::empty()).unwrap()
}

fn memory() -> OwnedFd {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    rustix::fs::memfd_create("handle", flags).unwrap()
}

#[test]
fn files_are_told_by_how_they_were_opened() {
    let exe = std::env::current_exe().unwrap();
    let (kind, rights) = nature(File::open(&exe).unwrap());
    assert_eq!((kind, rights), (HandleKind::File, Rights::READ | Rights::MAP | Rights::EXECUTE));
    let path = open(exe.to_str().unwrap(), OFlags::PATH);
    assert_eq!(nature(path), (HandleKind::File, Rights::EXECUTE));
    assert_eq!(nature(open("/proc/self/status", OFlags::RDONLY)).0, HandleKind::File);
    let both = Rights::READ | Rights::WRITE;
    assert_eq!(nature(open("/dev/null", OFlags::RDWR)), (HandleKind::File, both));
    assert_eq!(nature(open("/dev/null", OFlags::WRONLY)), (HandleKind::File, Rights::WRITE));
    let searched = Rights::READ | Rights::EXECUTE;
    assert_eq!(nature(open("/", OFlags::RDONLY)), (HandleKind::File, searched));
    // Something with a number, and no bytes.
    assert_eq!(nature(open("/proc/self/ns/net", OFlags::RDONLY)).0, HandleKind::Any);
}

#[test]
fn a_section_is_memory_without_a_name() {
    let section = memory();
    let of = |fd: &OwnedFd| {
        let (kind, rights) = nature(fd);
        assert_eq!(kind, HandleKind::Section);
        // Some systems make no section that can be executed.
        rights.without(Rights::EXECUTE)
    };
    assert_eq!(of(&section), Rights::READ | Rights::WRITE | Rights::MAP);
    let link = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&section));
    assert_eq!(of(&open(&link, OFlags::RDONLY)), Rights::READ | Rights::MAP);
    assert_eq!(of(&open(&link, OFlags::WRONLY)), Rights::WRITE);
    rustix::fs::fcntl_add_seals(&section, SealFlags::FUTURE_WRITE).unwrap();
    assert_eq!(of(&section), Rights::READ | Rights::MAP);
}

#[test]
fn events_pipes_sockets_and_strangers_are_told_apart() {
    let both = Rights::READ | Rights::WRITE;
    let event = rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC).unwrap();
    assert_eq!(nature(event), (HandleKind::Event, both | Rights::SIGNAL));
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    assert_eq!(nature(reader), (HandleKind::Pipe, Rights::READ));
    assert_eq!(nature(writer), (HandleKind::Pipe, Rights::WRITE));
    let (socket, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    assert_eq!(nature(socket), (HandleKind::Socket, both));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    assert_eq!(nature(listener), (HandleKind::Socket, both));
    let epoll = rustix::event::epoll::create(rustix::event::epoll::CreateFlags::CLOEXEC).unwrap();
    assert_eq!(nature(epoll).0, HandleKind::Any);
}

#[test]
fn a_process_and_its_threads_can_be_signalled() {
    let me = rustix::process::getpid();
    let process = rustix::process::pidfd_open(me, PidfdFlags::empty()).unwrap();
    assert_eq!(nature(process), (HandleKind::Process, Rights::SIGNAL));
    let flags = PidfdFlags::from_bits_retain(OFlags::EXCL.bits());
    match rustix::process::pidfd_open(rustix::thread::gettid(), flags) {
        Ok(thread) => assert_eq!(nature(thread), (HandleKind::Thread, Rights::SIGNAL)),
        Err(errno) => assert_eq!(errno, Errno::INVAL, "before Linux 6.9"),
    }
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let pid = rustix::process::Pid::from_child(&child);
    let ended = rustix::process::pidfd_open(pid, PidfdFlags::empty()).unwrap();
    child.wait().unwrap();
    assert_eq!(nature(ended), (HandleKind::Process, Rights::SIGNAL));
}

#[test]
fn a_check_says_what_is_wrong() {
    let (reader, _writer) = rustix::pipe::pipe().unwrap();
    let found = |kind, rights| match check(reader.as_fd(), kind, rights) {
        Ok(()) => "fine".to_owned(),
        Err(unsuitable) => unsuitable.to_string(),
    };
    assert_eq!(found(HandleKind::Pipe, Rights::READ | ALWAYS), "fine");
    assert_eq!(found(HandleKind::Any, ALWAYS), "fine");
    assert_eq!(found(HandleKind::Any, Rights::READ), "fine");
    assert_eq!(
        found(HandleKind::Section, Rights::READ),
        "the handle is of kind `pipe`, where `section` is expected"
    );
    assert_eq!(
        found(HandleKind::Pipe, Rights::READ | Rights::WRITE | Rights::MAP),
        "the handle, of kind `pipe`, does not allow `write | map`"
    );
    assert_eq!(
        found(HandleKind::Any, Rights::SIGNAL),
        "the handle, of kind `pipe`, does not allow `signal`"
    );
    assert_eq!(
        found(HandleKind::Token, Rights::NONE),
        "this system has no handles of kind `token`"
    );
    let epoll = rustix::event::epoll::create(rustix::event::epoll::CreateFlags::CLOEXEC).unwrap();
    assert_eq!(
        check(epoll.as_fd(), HandleKind::File, Rights::NONE).unwrap_err().to_string(),
        "the handle is of no known kind, where `file` is expected"
    );
}

#[test]
fn names_and_numbers_come_back_as_they_went() {
    for kind in HandleKind::ALL {
        assert_eq!(HandleKind::from_name(kind.name()), Some(kind));
    }
    assert_eq!(HandleKind::from_name("semaphore"), None);
    for bits in 0..128 {
        assert_eq!(Rights::from_bits(bits).unwrap().bits(), bits);
    }
    assert_eq!(Rights::from_bits(128), None);
    assert_eq!(format!("{:?}", Rights::READ | Rights::MAP), "Rights(read | map)");
}
