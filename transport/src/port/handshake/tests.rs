//! Whole handshakes, honest and not, within one process.

use std::io::{IoSlice, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::client::connect_as;
use super::frame::{Accept, Connect, HEADER_LEN, Header, Kind, Ready, Refuse, Started};
use super::*;
use crate::error::ErrorKind;
use crate::message::Deadline;
use crate::name::PortName;
use crate::port::attributes::{Admission, DirectPolicy, PortAttributes};
use crate::port::connection::{ConnectionEvent, ConnectionPort, ConnectionRequest};
use crate::sys::rendezvous::test_folder::TestFolder;
use crate::sys::socket::{self, Received, Sent};

/// A port in a folder of its own, and clients for it.
struct Meeting {
    folder: TestFolder,
    port: ConnectionPort,
}

type Client = JoinHandle<Result<Established>>;

/// Far beyond what any of these takes on a machine that does ten other things, and the end of a test
/// that hangs.
const PATIENCE: Duration = Duration::from_secs(120);

fn soon() -> Deadline {
    Deadline::after(PATIENCE)
}

fn name() -> PortName {
    PortName::new("acme.kv").unwrap()
}

impl Meeting {
    /// A port that waits for its clients, however slow a busy machine makes them.
    fn new(attributes: PortAttributes) -> Meeting {
        Meeting::hasty(attributes.handshake_deadline(PATIENCE))
    }

    /// A port that does not.
    fn hasty(attributes: PortAttributes) -> Meeting {
        let folder = TestFolder::new();
        let attributes = attributes.directory(folder.directory());
        let port = ConnectionPort::create(&name(), &attributes).unwrap();
        Meeting { folder, port }
    }

    fn client(&self, attributes: PortAttributes, data: &'static [u8]) -> Client {
        let attributes = attributes.directory(self.folder.directory());
        thread::spawn(move || connect(&name(), &attributes, data, soon()))
    }

    /// A client that says what the test has it say.
    fn raw_client(&self) -> RawClient {
        RawClient(UnixStream::connect(self.folder.path().join("acme.kv/sock")).unwrap())
    }

    fn request(&self) -> ConnectionRequest {
        match self.port.next(soon()).unwrap() {
            ConnectionEvent::Request(request) => request,
            ConnectionEvent::Established(_) => panic!("nobody was accepted"),
        }
    }

    fn established(&self) -> Established {
        match self.port.next(soon()).unwrap() {
            ConnectionEvent::Established(accepted) => accepted.into_established(),
            ConnectionEvent::Request(_) => panic!("nobody else asked"),
        }
    }

    /// Accepts a new client; both ends of what came of it.
    fn meet(&self) -> (Established, Established) {
        let client = self.client(PortAttributes::new(), b"");
        self.request().accept(b"").unwrap();
        let server = self.established();
        (client.join().unwrap().unwrap(), server)
    }

    /// Lets the port work until `client` has an answer.
    fn answer(&self, client: Client) -> Result<Established> {
        while !client.is_finished() {
            let patience = Deadline::after(Duration::from_millis(10));
            match self.port.next(patience) {
                Ok(ConnectionEvent::Request(request)) => request.accept(b"").unwrap(),
                Ok(ConnectionEvent::Established(_)) => {}
                Err(error) => assert_eq!(error.kind(), &ErrorKind::TimedOut),
            }
        }
        client.join().unwrap()
    }
}

struct RawClient(UnixStream);

impl RawClient {
    fn say(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    fn say_hello(&mut self) {
        self.say(&Connect::frame(VERSIONS, &Limits::default(), b""));
    }

    /// The next frame from the server, or `None` when it said nothing and left.
    fn hear(&self) -> Option<(Header, Vec<u8>, Vec<OwnedFd>)> {
        self.0.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut fds = Vec::new();
        let mut header = [0; HEADER_LEN];
        let wait = |fds: &mut Vec<OwnedFd>, into: &mut [u8]| loop {
            match socket::recv(self.0.as_fd(), into, fds).unwrap() {
                Received::Datagram(len) => break assert_eq!(len, into.len()),
                Received::Closed | Received::Lost(_) => break,
                Received::Empty => {
                    crate::sys::poll::wait_for_peer(self.0.as_fd(), None, None).unwrap();
                }
            }
        };
        wait(&mut fds, &mut header);
        let header = Header::parse(&header).ok()?;
        let mut body = vec![0; header.body_len];
        wait(&mut fds, &mut body);
        Some((header, body, fds))
    }

    fn hear_refusal(&self) -> Refuse {
        let (header, body, _) = self.hear().unwrap();
        header.expect(Kind::Refuse).unwrap();
        Refuse::parse(&body).unwrap()
    }

    /// The private socket, once the server has accepted.
    fn hear_accept(&self) -> OwnedFd {
        let (header, body, mut fds) = self.hear().unwrap();
        header.expect(Kind::Accept).unwrap();
        Accept::parse(&body).unwrap();
        fds.remove(0)
    }
}

/// Waits for the end of a socket that the server has closed. It may take a moment: a child that
/// another test starts at this moment has a copy of the server's end until it runs its own program.
fn hear_end(socket: &OwnedFd) {
    crate::sys::poll::wait_for_peer(socket.as_fd(), None, Some(PATIENCE)).unwrap();
    let received = socket::recv(socket.as_fd(), &mut [0; 9], &mut Vec::new()).unwrap();
    assert_eq!(received, Received::Closed);
}

fn say(socket: &OwnedFd, bytes: &[u8], fds: &[std::os::fd::BorrowedFd<'_>]) {
    assert_eq!(socket::send(socket.as_fd(), &[IoSlice::new(bytes)], fds).unwrap(), Sent::Done);
}

#[track_caller]
fn kind_of(result: Result<Established>) -> ErrorKind {
    match result {
        Ok(_) => panic!("connected"),
        Err(error) => error.kind().clone(),
    }
}

#[test]
fn two_ends_meet_and_know_the_same() {
    let meeting = Meeting::new(PortAttributes::new().outstanding_requests(8));
    let client = meeting.client(PortAttributes::new().max_message_len(4096), b"let me in");
    let request = meeting.request();
    assert_eq!(request.data(), b"let me in");
    assert_eq!(request.peer().pid(), Some(std::process::id()));
    request.accept(b"welcome").unwrap();
    let server = meeting.established();
    let client = client.join().unwrap().unwrap();

    assert_eq!((client.role, server.role), (Role::Client, Role::Server));
    assert_eq!((&client.data[..], &server.data[..]), (&b"welcome"[..], &b"let me in"[..]));
    assert_eq!(client.limits, server.limits);
    assert_eq!((client.limits.max_message_len, client.limits.outstanding_requests), (4096, 8));
    assert_eq!(client.direct, server.direct);
    assert_eq!(client.peer.pid(), Some(std::process::id()));

    let mut seen = [0; 5];
    client.own_outbox.as_ref().unwrap().write(100, b"there").unwrap();
    server.peer_outbox.as_ref().unwrap().read(100, &mut seen).unwrap();
    assert_eq!(&seen, b"there");
    server.own_outbox.as_ref().unwrap().write(100, b"again").unwrap();
    client.peer_outbox.as_ref().unwrap().read(100, &mut seen).unwrap();
    assert_eq!(&seen, b"again");
    socket::ring(client.socket.as_fd()).unwrap();
    let received = socket::recv(server.socket.as_fd(), &mut seen, &mut Vec::new()).unwrap();
    assert_eq!(received, Received::Datagram(1));
}

#[test]
fn without_the_accelerator_no_memory_is_shared() {
    let meeting = Meeting::new(PortAttributes::new());
    let client = meeting.client(PortAttributes::new().accelerator(Accelerator::Off), b"");
    meeting.request().accept(b"").unwrap();
    for end in [meeting.established(), client.join().unwrap().unwrap()] {
        assert!(end.own_outbox.is_none() && end.peer_outbox.is_none());
    }
}

#[test]
fn direct_access_needs_the_consent_of_both() {
    let forbid = || PortAttributes::new().direct(DirectPolicy::Never);
    for (server, client) in [(forbid(), PortAttributes::new()), (PortAttributes::new(), forbid())] {
        let meeting = Meeting::new(server);
        let client = meeting.client(client, b"");
        meeting.request().accept(b"").unwrap();
        assert_eq!(meeting.established().direct, DirectAvailability::Forbidden);
        assert_eq!(client.join().unwrap().unwrap().direct, DirectAvailability::Forbidden);
    }
    // Every process may read itself, whatever Yama says.
    let meeting = Meeting::new(PortAttributes::new());
    let (client, server) = meeting.meet();
    assert_eq!(client.direct, DirectAvailability::Available);
    assert_eq!(server.direct, DirectAvailability::Available);
}

#[test]
fn a_refusal_comes_with_its_reason() {
    let meeting = Meeting::new(PortAttributes::new());
    let client = meeting.client(PortAttributes::new(), b"");
    meeting.request().refuse("not on a Sunday");
    let Err(error) = client.join().unwrap() else { panic!("connected") };
    assert_eq!(
        error.to_string(),
        "cannot connect to `acme.kv`: the server refused: not on a Sunday"
    );
    let client = meeting.client(PortAttributes::new(), b"");
    drop(meeting.request());
    assert!(matches!(kind_of(client.join().unwrap()), ErrorKind::Busy { .. }));
}

#[test]
fn a_rule_decides_on_identity_and_words() {
    let admission = Admission::rule(|peer, data| match data {
        b"sesame" if peer.pid() == Some(std::process::id()) => Ok(()),
        _ => Err("wrong password".to_owned()),
    });
    let meeting = Meeting::new(PortAttributes::new().admission(admission));
    let client = meeting.client(PortAttributes::new(), b"barley");
    let refused = ErrorKind::Refused { reason: "wrong password".to_owned() };
    assert_eq!(kind_of(meeting.answer(client)), refused);
    let client = meeting.client(PortAttributes::new(), b"sesame");
    meeting.answer(client).unwrap();
}

#[test]
fn ends_without_a_common_version_part_with_both_versions_told() {
    let meeting = Meeting::new(PortAttributes::new());
    let theirs = Versions { oldest: 7, newest: 9 };
    let attributes = PortAttributes::new().directory(meeting.folder.directory());
    let client = thread::spawn(move || connect_as(theirs, &name(), &attributes, b"", soon()));
    assert_eq!(
        kind_of(meeting.answer(client)),
        ErrorKind::Incompatible { ours: theirs, theirs: VERSIONS }
    );
    // And a client of the future that also speaks our version is welcome.
    let both = Versions { oldest: 1, newest: 9 };
    let attributes = PortAttributes::new().directory(meeting.folder.directory());
    let client = thread::spawn(move || connect_as(both, &name(), &attributes, b"", soon()));
    meeting.answer(client).unwrap();
}

#[test]
fn slow_clients_time_out_and_hold_nobody_up() {
    // Long enough for honest clients on a busy machine.
    let patience = Duration::from_secs(4);
    let meeting = Meeting::hasty(PortAttributes::new().handshake_deadline(patience));
    let silent = meeting.raw_client();
    let mut halting = meeting.raw_client();
    halting.say(&Connect::frame(VERSIONS, &Limits::default(), b"")[..20]);
    let mut unready = meeting.raw_client();
    unready.say_hello();
    meeting.request().accept(b"").unwrap();
    let private = unready.hear_accept();

    let (_client, _server) = meeting.meet();

    while meeting.port.handshakes() > 0 {
        let error = meeting.port.next(Deadline::after(patience / 10)).err().unwrap();
        assert_eq!(error.kind(), &ErrorKind::TimedOut);
    }
    assert_eq!(silent.hear_refusal().reason, "the handshake took too long");
    assert_eq!(halting.hear_refusal().reason, "the handshake took too long");
    hear_end(&private);
}

#[test]
fn garbage_is_answered_with_its_name() {
    let meeting = Meeting::new(PortAttributes::new());
    let mut wrong_kind = Connect::frame(VERSIONS, &Limits::default(), b"");
    wrong_kind[4] = 5;
    let mut wrong_limits = Connect::frame(VERSIONS, &Limits::default(), b"");
    wrong_limits[16..24].fill(0xFF);
    for (bytes, reason) in [
        (&b"GET / HTTP/1.1\r\n\r\n"[..], "does not speak this protocol"),
        (&b"ALPC\x01\0\xFF\xFF"[..], "announced a frame of 65535 bytes"),
        (&wrong_kind, "sent a frame of kind 5, which has no place here"),
        (&wrong_limits, "named limits out of range"),
    ] {
        let mut client = meeting.raw_client();
        client.say(bytes);
        while meeting.port.try_next().unwrap().is_some() {}
        let refusal = client.hear_refusal();
        assert_eq!(refusal.code, RefusalCode::Misbehaved);
        assert!(refusal.reason.contains(reason), "{refusal:?}");
    }
    meeting.meet();
}

#[test]
fn descriptors_that_nobody_asked_for_end_the_handshake() {
    let meeting = Meeting::new(PortAttributes::new());
    let zero = std::fs::File::open("/dev/zero").unwrap();
    let client = meeting.raw_client();
    let hello = Connect::frame(VERSIONS, &Limits::default(), b"");
    socket::send(client.0.as_fd(), &[IoSlice::new(&hello)], &[zero.as_fd()]).unwrap();
    while meeting.port.try_next().unwrap().is_some() {}
    assert!(client.hear_refusal().reason.contains("more than 0 file descriptors"));

    let outbox = OwnMemory::create(outbox_bytes(&Limits::default())).unwrap();
    let unsealed = std::fs::File::open("/dev/zero").unwrap();
    let ready = Ready { address: 0, nonce: [0; 32] }.frame();
    for fds in [vec![], vec![outbox.fd().unwrap(), outbox.fd().unwrap()], vec![unsealed.as_fd()]] {
        let mut client = meeting.raw_client();
        client.say_hello();
        meeting.request().accept(b"").unwrap();
        let private = client.hear_accept();
        say(&private, &ready, &fds);
        while meeting.port.try_next().unwrap().is_some() {}
        hear_end(&private);
    }
    assert_eq!(meeting.port.handshakes(), 0);

    let mut client = meeting.raw_client();
    client.say_hello();
    meeting.request().accept(b"").unwrap();
    let private = client.hear_accept();
    say(&private, &ready, &[outbox.fd().unwrap()]);
    let server = meeting.established();
    assert_eq!(server.direct, DirectAvailability::Forbidden);
    let mut started = [0; Started::FRAME_LEN];
    let received = socket::recv(private.as_fd(), &mut started, &mut Vec::new()).unwrap();
    assert_eq!(received, Received::Datagram(Started::FRAME_LEN));
}

#[test]
fn a_server_that_breaks_the_protocol_is_told_apart_from_one_that_refuses() {
    let folder = TestFolder::new();
    let rendezvous = crate::sys::rendezvous::Rendezvous::create(
        &name(),
        &folder.directory(),
        crate::sys::rendezvous::Reach::SameUser,
    )
    .unwrap();
    let (unix, _other) = UnixStream::pair().unwrap();
    let (private, _ours) = socket::pair().unwrap();
    let limits = Limits::default();
    let more = Limits { outstanding_requests: 65, ..Limits::default() };
    let sealed = OwnMemory::create(outbox_bytes(&limits)).unwrap();
    let small = OwnMemory::create(4096).unwrap();
    let good = Accept::frame(1, &limits, b"");
    let cases = [
        (b"HTTP/1.1 400".to_vec(), vec![], Misbehaviour::BadMagic),
        (good.clone(), vec![], Misbehaviour::MissingDescriptor),
        (good.clone(), vec![private.as_fd()], Misbehaviour::MissingDescriptor),
        (good.clone(), vec![unix.as_fd(), sealed.fd().unwrap()], Misbehaviour::ForeignSocket),
        (good.clone(), vec![private.as_fd(), small.fd().unwrap()], Misbehaviour::MemorySize),
        (
            good[..9].to_vec(),
            vec![unix.as_fd(), unix.as_fd(), unix.as_fd()],
            Misbehaviour::TooManyDescriptors { max: 2 },
        ),
        (Accept::frame(2, &limits, b""), vec![], Misbehaviour::BadLimits),
        (Accept::frame(1, &more, b""), vec![], Misbehaviour::BadLimits),
        (
            Ready { address: 0, nonce: [0; 32] }.frame(),
            vec![],
            Misbehaviour::UnexpectedFrame { kind: 4 },
        ),
    ];
    for (bytes, fds, offence) in cases {
        let attributes = PortAttributes::new().directory(folder.directory());
        let client = thread::spawn(move || connect(&name(), &attributes, b"", soon()));
        let listener = crate::sys::rendezvous::listener_fd(rendezvous.listener());
        crate::sys::poll::wait_for_peer(listener, None, None).unwrap();
        use interprocess::local_socket::traits::Listener as _;
        let stream = rendezvous.listener().accept().unwrap();
        let fd = crate::sys::rendezvous::stream_fd(&stream);
        socket::send(fd, &[IoSlice::new(&bytes)], &fds).unwrap();
        let kind = kind_of(client.join().unwrap());
        assert_eq!(kind, ErrorKind::PeerMisbehaved(offence));
    }
}

#[test]
fn a_client_gives_up_at_its_deadline() {
    let meeting = Meeting::new(PortAttributes::new());
    let attributes = PortAttributes::new().directory(meeting.folder.directory());
    let deadline = Deadline::after(Duration::from_millis(50));
    let error = kind_of(connect(&name(), &attributes, b"", deadline));
    assert_eq!(error, ErrorKind::TimedOut);
}

#[test]
fn one_user_cannot_fill_the_port_with_handshakes() {
    let meeting = Meeting::new(PortAttributes::new());
    let waiting: Vec<RawClient> = (0..16).map(|_| meeting.raw_client()).collect();
    while meeting.port.try_next().unwrap().is_some() {}
    // It comes again for as long as it is willing to.
    let attributes = PortAttributes::new().directory(meeting.folder.directory());
    let deadline = Deadline::after(Duration::from_millis(50));
    let client = thread::spawn(move || connect(&name(), &attributes, b"", deadline));
    let reason = match kind_of(meeting.answer(client)) {
        ErrorKind::Busy { reason } => reason,
        other => panic!("{other}"),
    };
    assert!(reason.ends_with("has 16 handshakes of 16 it may have"), "{reason}");
    drop(waiting);
    let client = meeting.client(PortAttributes::new(), b"");
    meeting.answer(client).unwrap();
}

#[test]
fn connections_are_limited_until_one_ends() {
    let meeting = Meeting::new(PortAttributes::new().max_connections(1));
    let (client, server) = meeting.meet();
    let second = meeting.client(PortAttributes::new(), b"");
    let error = meeting.request().accept(b"").unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Busy { .. }));
    assert_eq!(
        kind_of(second.join().unwrap()).to_string(),
        "the server is busy: 1 connections are open of 1 that the port takes"
    );
    drop((client, server));
    meeting.meet();
}

#[test]
fn many_threads_may_serve_one_port() {
    let meeting = Meeting::new(PortAttributes::new());
    let count = std::sync::atomic::AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while count.load(std::sync::atomic::Ordering::SeqCst) < 12 {
                    match meeting.port.next(Deadline::after(Duration::from_millis(20))) {
                        Ok(ConnectionEvent::Request(request)) => request.accept(b"").unwrap(),
                        Ok(ConnectionEvent::Established(_)) => {
                            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        }
                        Err(error) => assert_eq!(error.kind(), &ErrorKind::TimedOut),
                    }
                }
            });
        }
        let clients: Vec<Client> =
            (0..12).map(|_| meeting.client(PortAttributes::new(), b"")).collect();
        for client in clients {
            client.join().unwrap().unwrap();
        }
    });
}

#[test]
fn a_port_that_is_gone_accepts_nobody() {
    let meeting = Meeting::new(PortAttributes::new());
    let client = meeting.client(PortAttributes::new(), b"");
    let request = meeting.request();
    let Meeting { folder, port } = meeting;
    drop(port);
    assert!(request.accept(b"").is_err());
    assert!(matches!(kind_of(client.join().unwrap()), ErrorKind::Busy { .. }));
    let attributes = PortAttributes::new().directory(folder.directory());
    let error = kind_of(connect(&name(), &attributes, b"", soon()));
    assert!(matches!(error, ErrorKind::NotFound { .. }));
}

/// A page of memory whose reader hangs until this is dropped, as on a file system of one's own.
struct Trap {
    page: memmap2::MmapMut,
    _faults: OwnedFd,
}

impl Trap {
    /// `None` where the system does not let us handle page faults.
    fn set() -> Option<Trap> {
        use std::os::fd::{AsRawFd, FromRawFd};
        const UFFDIO_API: libc::c_ulong = 0xc018_aa3f;
        const UFFDIO_REGISTER: libc::c_ulong = 0xc020_aa00;
        let page = memmap2::MmapMut::map_anon(4096).unwrap();
        // SAFETY: takes one integer and opens a descriptor.
        let fd = unsafe { libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC) };
        let fd = i32::try_from(fd).ok().filter(|&fd| fd >= 0)?;
        // SAFETY: opened just now, and nobody else knows its number.
        let faults = unsafe { OwnedFd::from_raw_fd(fd) };
        let mut api = [0xAA_u64, 0, 0];
        // SAFETY: the request takes a `struct uffdio_api`, three numbers of 64 bits.
        let result = unsafe { libc::ioctl(faults.as_raw_fd(), UFFDIO_API, api.as_mut_ptr()) };
        assert_eq!(result, 0);
        let mut range = [page.as_ptr().expose_provenance() as u64, 4096, 1, 0];
        // SAFETY: the request takes a `struct uffdio_register`, four numbers of 64 bits; the range is
        // a mapping of ours that nothing points into.
        let result =
            unsafe { libc::ioctl(faults.as_raw_fd(), UFFDIO_REGISTER, range.as_mut_ptr()) };
        assert_eq!(result, 0);
        Some(Trap { page, _faults: faults })
    }
}

#[test]
fn a_client_whose_memory_stalls_its_reader_stalls_nobody() {
    // Half of it is what a reader gets, which is long for an honest client's memory.
    let attributes = PortAttributes::new().handshake_deadline(Duration::from_secs(6));
    let meeting = Meeting::hasty(attributes);
    let Some(trap) = Trap::set() else { return };
    let address = trap.page.as_ptr().expose_provenance() as u64;
    let outbox = OwnMemory::create(outbox_bytes(&Limits::default())).unwrap();
    let ready = Ready { address, nonce: [1; 32] }.frame();
    for expected in [DirectAvailability::Available, DirectAvailability::Stalled] {
        let mut client = meeting.raw_client();
        client.say_hello();
        meeting.request().accept(b"").unwrap();
        let private = client.hear_accept();
        say(&private, &ready, &[outbox.fd().unwrap()]);
        assert_eq!(meeting.established().direct, DirectAvailability::Stalled);
        // The first lost thread is replaced, the second is not.
        assert_eq!(meeting.meet().0.direct, expected);
    }
}
