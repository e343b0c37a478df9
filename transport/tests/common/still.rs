//! A server that takes nothing before the test looks.

use std::os::fd::AsFd;
use std::sync::Arc;

use alpc_transport::{
    CommunicationPort, Completion, CompletionList, CompletionPort, ConnectionPort, IncomingCall,
    PortAttributes, ServerPort,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{PATIENCE, Place, at, connect, name};

/// A server and its client in one thread, so that nothing is taken before somebody looks.
pub(crate) struct Still {
    pub(crate) port: CompletionPort,
    pub(crate) list: CompletionList,
    pub(crate) client: CommunicationPort,
    pub(crate) server: Arc<ServerPort>,
    _place: Place,
}

impl Still {
    pub(crate) fn new(attributes: PortAttributes) -> Still {
        let place = Place::new();
        let offered = at(place.path(), attributes.clone());
        let port = ConnectionPort::create(&name(), &offered).unwrap();
        let port = CompletionPort::new(port).unwrap();
        let mut list = port.list();
        let path = place.path().to_owned();
        let client = std::thread::spawn(move || connect(&path, attributes));
        let server = loop {
            match next(&mut list) {
                Completion::Connecting(request) => request.accept(b"").unwrap(),
                Completion::Connected(server) => break server,
                _ => panic!("a client connects first"),
            }
        };
        let client = client.join().unwrap();
        while list.try_next().unwrap().is_some() {}
        Still { port, list, client, server, _place: place }
    }

    /// The calls that are there.
    pub(crate) fn calls(&mut self) -> Vec<IncomingCall> {
        let mut calls = Vec::new();
        while let Some(completion) = self.list.try_next().unwrap() {
            match completion {
                Completion::Call(call) => calls.push(call),
                _ => panic!("only calls come"),
            }
        }
        calls
    }
}

pub(crate) fn next(list: &mut CompletionList) -> Completion {
    loop {
        if let Some(completion) = list.try_next().unwrap() {
            return completion;
        }
        let timeout = Timespec { tv_sec: PATIENCE.as_secs() as i64, tv_nsec: 0 };
        let mut fds = [PollFd::from_borrowed_fd(list.as_fd(), PollFlags::IN)];
        assert_eq!(poll(&mut fds, Some(&timeout)).unwrap(), 1, "nothing happens");
    }
}
