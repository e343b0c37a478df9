//! Names, connections and refusals, as a user of the crate meets them.

use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use alpc_transport::{
    AcceptedConnection, Admission, CommunicationPort, ConnectionEvent, ConnectionPort,
    ConnectionRequest, Deadline, Directory, Error, ErrorKind, PortAttributes, PortName,
};

/// A folder for names, one to a test.
struct Place(PathBuf);

impl Place {
    fn new() -> Place {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("alpc-rendezvous-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        Place(path)
    }

    /// The folder is made by the first server.
    fn attributes(&self) -> PortAttributes {
        let attributes = PortAttributes::new().directory(Directory::at(&self.0).unwrap());
        // A client that a busy machine makes slow is not a slow client.
        attributes.handshake_deadline(PATIENCE)
    }

    fn connect(&self, data: &[u8]) -> Result<CommunicationPort, Error> {
        CommunicationPort::connect(&name(), &self.attributes(), data, soon())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn name() -> PortName {
    "acme.kv".parse().unwrap()
}

/// Far beyond what anything here takes, and the end of a test that hangs.
const PATIENCE: Duration = Duration::from_secs(120);

fn soon() -> Deadline {
    Deadline::after(PATIENCE)
}

fn request(port: &ConnectionPort) -> ConnectionRequest {
    match port.next(soon()).unwrap() {
        ConnectionEvent::Request(request) => request,
        _ => panic!("nobody was accepted"),
    }
}

fn established(port: &ConnectionPort) -> AcceptedConnection {
    match port.next(soon()).unwrap() {
        ConnectionEvent::Established(accepted) => accepted,
        _ => panic!("nobody else asked"),
    }
}

#[test]
fn a_client_asks_and_is_let_in() {
    let place = Place::new();
    let missing = place.connect(b"").err().unwrap();
    assert!(matches!(missing.kind(), ErrorKind::NotFound { .. }), "{missing}");

    let port = ConnectionPort::create(&name(), &place.attributes()).unwrap();
    assert!(port.try_next().unwrap().is_none());
    thread::scope(|scope| {
        let client = scope.spawn(|| place.connect(b"hello"));
        let request = request(&port);
        assert_eq!(request.data(), b"hello");
        assert_eq!(request.peer().pid(), Some(std::process::id()));
        request.accept(b"welcome").unwrap();
        let accepted = established(&port);
        assert_eq!(accepted.data(), b"hello");
        let client = client.join().unwrap().unwrap();
        assert_eq!(client.peer().uid(), accepted.peer().uid());
    });
}

#[test]
fn refusals_reach_the_caller_in_the_servers_words() {
    let place = Place::new();
    let admission = Admission::rule(|_, data| match data {
        b"sesame" => Ok(()),
        _ => Err("wrong password".to_owned()),
    });
    let attributes = place.attributes().admission(admission);
    let port = ConnectionPort::create(&name(), &attributes).unwrap();
    let why = |data: &'static [u8]| {
        thread::scope(|scope| {
            let client = scope.spawn(|| place.connect(data));
            while !client.is_finished() {
                if let Ok(ConnectionEvent::Request(request)) =
                    port.next(Deadline::after(Duration::from_millis(5)))
                {
                    request.refuse("closed for today");
                }
            }
            client.join().unwrap().err().unwrap().kind().clone()
        })
    };
    let refused = |reason: &str| ErrorKind::Refused { reason: reason.to_owned() };
    assert_eq!(why(b"barley"), refused("wrong password"));
    assert_eq!(why(b"sesame"), refused("closed for today"));
}

#[test]
fn a_name_is_free_again_when_its_port_is_dropped() {
    let place = Place::new();
    let first = ConnectionPort::create(&name(), &place.attributes()).unwrap();
    let second = ConnectionPort::create(&name(), &place.attributes()).err().unwrap();
    assert_eq!(second.kind(), &ErrorKind::AlreadyExists);
    drop(first);
    ConnectionPort::create(&name(), &place.attributes()).unwrap();
}

#[test]
fn a_port_can_be_waited_for_with_any_poller() {
    let place = Place::new();
    let port = ConnectionPort::create(&name(), &place.attributes()).unwrap();
    let ready = |timeout| {
        let mut fds =
            [rustix::event::PollFd::from_borrowed_fd(port.as_fd(), rustix::event::PollFlags::IN)];
        let timeout = rustix::event::Timespec { tv_sec: timeout, tv_nsec: 0 };
        rustix::event::poll(&mut fds, Some(&timeout)).unwrap() == 1
    };
    assert!(!ready(0));
    thread::scope(|scope| {
        let client = scope.spawn(|| place.connect(b""));
        loop {
            assert!(ready(PATIENCE.as_secs() as i64), "a client came");
            match port.try_next().unwrap() {
                Some(ConnectionEvent::Request(request)) => request.accept(b"").unwrap(),
                Some(_) => break,
                None => {}
            }
        }
        client.join().unwrap().unwrap();
    });
}

#[test]
fn no_more_than_4_kib_go_along() {
    let place = Place::new();
    let error = place.connect(&[0; 4097]).err().unwrap();
    assert_eq!(error.kind(), &ErrorKind::TooLarge { len: 4097, max: 4096 });
}
