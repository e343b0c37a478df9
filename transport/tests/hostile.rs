//! A client written by hand, byte for byte, that does not keep to the protocol.
//!
//! Whatever it does ends its own channel with the offence's name, at once, and nobody else notices.

mod common;

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};

use alpc_transport::{CommunicationPort, Misbehaviour};
use common::raw::{self, RING, WINDOW, attributes, send, shake_hands};
use common::{Server, call, echo};
use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{MemfdFlags, SealFlags};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};

const PAGE: usize = 4096;
const HEADER: usize = 48;

/// Where the words of an outbox lie.
mod word {
    pub(crate) const TAIL: usize = 0;
    pub(crate) const HEAD: usize = 128;
    pub(crate) fn produced(slot: usize) -> usize {
        256 + 128 * slot
    }
}

/// Kinds of messages, and of bulk data.
mod kind {
    pub(crate) const REQUEST: u8 = 1;
    pub(crate) const REPLY: u8 = 2;
    pub(crate) const DATAGRAM: u8 = 3;
    pub(crate) const INLINE: u8 = 1;
    pub(crate) const STREAM: u8 = 2;
    pub(crate) const FROZEN: u8 = 3;
    pub(crate) const DIRECT: u8 = 4;
    pub(crate) const WRITTEN: u8 = 7;
    pub(crate) const CHAIN: u8 = 9;
}

struct RawClient {
    socket: OwnedFd,
    outbox: MmapRaw,
    theirs: MmapRaw,
    tail: u32,
}

#[derive(Clone)]
struct Message {
    kind: u8,
    id: u64,
    attributes: Vec<[u8; 32]>,
    body: Vec<u8>,
    inline: Vec<u8>,
}

fn request(id: u64) -> Message {
    Message { kind: kind::REQUEST, id, attributes: vec![], body: vec![], inline: vec![] }
}

fn attribute(kind: u8, slot: u8, sequence: u32, place: u64, len: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[0] = kind;
    bytes[1] = slot;
    bytes[4..8].copy_from_slice(&sequence.to_le_bytes());
    bytes[8..16].copy_from_slice(&place.to_le_bytes());
    bytes[16..24].copy_from_slice(&len.to_le_bytes());
    bytes
}

/// Names a chain that no server ever made.
fn chain(call: u64) -> [u8; 32] {
    attribute(kind::CHAIN, 0, 0, 77, call)
}

/// A message that says from how many calls it descends.
fn deep(message: &Message, ancestors: u8) -> Vec<u8> {
    let mut bytes = message.bytes();
    bytes[37] = ancestors;
    bytes
}

impl Message {
    fn with(mut self, attribute: [u8; 32]) -> Message {
        self.attributes.push(attribute);
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let len = self.attributes.len() * 32 + self.body.len() + self.inline.len();
        let mut bytes = (len as u32).to_le_bytes().to_vec();
        bytes.extend([self.kind, self.attributes.len() as u8, 0, 0]);
        bytes.extend(self.id.to_le_bytes());
        bytes.extend(1_u64.to_le_bytes()); // The method.
        bytes.extend(0_u64.to_le_bytes()); // No deadline.
        bytes.extend((self.body.len() as u32).to_le_bytes());
        bytes.resize(HEADER, 0);
        bytes.extend(self.attributes.concat());
        bytes.extend(&self.body);
        bytes.extend(&self.inline);
        bytes
    }
}

fn memory(len: usize, seals: SealFlags) -> (OwnedFd, MmapRaw) {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let fd = rustix::fs::memfd_create("hostile", flags).unwrap();
    rustix::fs::ftruncate(&fd, len as u64).unwrap();
    let map = MmapOptions::new().len(len).map_raw(&fd).unwrap();
    rustix::fs::fcntl_add_seals(&fd, seals).unwrap();
    (fd, map)
}

fn one_writer() -> SealFlags {
    SealFlags::SHRINK | SealFlags::GROW | SealFlags::FUTURE_WRITE | SealFlags::SEAL
}

impl RawClient {
    /// Shakes hands as an honest client does.
    fn connect(server: &Server) -> RawClient {
        let len = PAGE + RING as usize;
        let (outbox_fd, outbox) = memory(len, one_writer());
        let (socket, theirs) = shake_hands(server, Some(&outbox_fd));
        let theirs = MmapOptions::new().len(len).map_raw_read_only(&theirs.unwrap()).unwrap();
        let client = RawClient { socket, outbox, theirs, tail: 0 };
        client.bell();
        client
    }

    fn word(&self, map: &MmapRaw, offset: usize) -> &AtomicU32 {
        assert!(offset + 4 <= map.len());
        // SAFETY: inside the mapping, which `self` keeps, and aligned; all else that writes there is
        // atomic.
        unsafe { AtomicU32::from_ptr(map.as_mut_ptr().wrapping_add(offset).cast()) }
    }

    fn set(&self, offset: usize, value: u32) {
        self.word(&self.outbox, offset).store(value, Ordering::SeqCst);
    }

    fn bell(&self) {
        // A server that has hung up hears no bell.
        let _gone = rustix::net::send(&self.socket, &[0], SendFlags::NOSIGNAL);
    }

    fn put(&self, at: u32, bytes: &[u8]) {
        for (i, byte) in bytes.iter().enumerate() {
            let at = PAGE + (at as usize + i) % RING as usize;
            // SAFETY: inside the mapping; nobody reads it before the tail is moved.
            unsafe { self.outbox.as_mut_ptr().wrapping_add(at).write_volatile(*byte) };
        }
    }

    /// Publishes bytes as they are, as one record.
    fn publish(&mut self, bytes: &[u8]) {
        self.put(self.tail, bytes);
        self.tail = self.tail.wrapping_add((bytes.len() as u32).next_multiple_of(64));
        self.set(word::TAIL, self.tail);
        self.bell();
    }

    fn say(&mut self, message: &Message) {
        self.publish(&message.bytes());
    }

    /// Announces a section on the socket.
    fn announce(&self, kind: u8, number: u64, len: u64, fds: &[&OwnedFd]) {
        let mut frame = vec![kind];
        frame.extend(number.to_le_bytes());
        frame.extend(len.to_le_bytes());
        send(&self.socket, &frame, fds);
    }

    /// Whether the server has ended the channel.
    fn is_hung_up(&self) -> bool {
        std::thread::yield_now();
        let nothing = rustix::event::PollFlags::empty();
        let mut fds = [rustix::event::PollFd::new(&self.socket, nothing)];
        let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        rustix::event::poll(&mut fds, Some(&now)).unwrap();
        fds[0].revents().contains(rustix::event::PollFlags::HUP)
    }
}

fn frozen(len: usize) -> OwnedFd {
    let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL;
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let fd = rustix::fs::memfd_create("hostile", flags).unwrap();
    rustix::fs::ftruncate(&fd, len as u64).unwrap();
    rustix::fs::fcntl_add_seals(&fd, seals).unwrap();
    fd
}

fn offence(
    server: &Server,
    honest: &CommunicationPort,
    deed: impl FnOnce(&mut RawClient),
) -> Misbehaviour {
    raw::offence(server, honest, RawClient::connect, deed)
}

#[test]
fn every_offence_ends_its_own_channel_under_its_own_name() {
    let server = Server::start(attributes(), 2, echo);
    let honest = server.client();
    drop(server.connected());
    let offence = |deed: &dyn Fn(&mut RawClient)| offence(&server, &honest, deed);

    // Indices.
    let found = offence(&|client| {
        client.set(word::TAIL, RING + 64);
        client.bell();
    });
    assert_eq!(found, Misbehaviour::RingIndex { distance: RING + 64 });
    let found = offence(&|client| {
        client.set(word::TAIL, 63);
        client.bell();
    });
    assert_eq!(found, Misbehaviour::RingIndex { distance: 63 });
    let found = offence(&|client| {
        // More taken of the server's ring than was ever in it: found when the server wants room.
        client.set(word::HEAD, 1 << 30);
        for id in 0..32 {
            let answered = client.word(&client.theirs, word::TAIL).load(Ordering::SeqCst);
            client.say(&Message { body: vec![7; 3000], ..request(id) });
            while client.word(&client.theirs, word::TAIL).load(Ordering::SeqCst) == answered {
                if client.is_hung_up() {
                    return;
                }
            }
        }
    });
    assert!(matches!(found, Misbehaviour::RingIndex { .. }), "{found:?}");

    // Headers.
    let found = offence(&|client| client.say(&Message { kind: 99, ..request(1) }));
    assert_eq!(found, Misbehaviour::MessageKind { kind: 99 });
    let found = offence(&|client| {
        let mut long = request(1).bytes();
        long[..4].copy_from_slice(&5000_u32.to_le_bytes());
        client.publish(&long);
    });
    assert_eq!(found, Misbehaviour::MessageTooLong { len: 5000 });
    let found = offence(&|client| {
        let mut long = request(1).bytes();
        long[..4].copy_from_slice(&2000_u32.to_le_bytes());
        client.publish(&long);
    });
    assert_eq!(found, Misbehaviour::RecordPastEnd { len: 2000, available: 64 });
    let found = offence(&|client| {
        let mut hollow = request(1).bytes();
        hollow[32..36].copy_from_slice(&1_u32.to_le_bytes()); // A body of one byte, of none.
        client.publish(&hollow);
    });
    assert_eq!(found, Misbehaviour::MessageLayout);
    let found = offence(&|client| {
        let many = vec![attribute(kind::INLINE, 0, 0, 0, 0); 33];
        client.say(&Message { attributes: many, ..request(1) });
    });
    assert_eq!(found, Misbehaviour::MessageLayout);

    // What a call descends from.
    let found = offence(&|client| client.publish(&deep(&request(1), 16)));
    assert_eq!(found, Misbehaviour::TooDeep { ancestors: 16 });
    let found = offence(&|client| client.say(&request(1).with(chain(7))));
    assert_eq!(found, Misbehaviour::ChainPlace);
    let found = offence(&|client| {
        client.publish(&deep(&request(1).with(chain(7)).with(chain(8)), 1));
    });
    assert_eq!(found, Misbehaviour::ChainPlace);
    let found = offence(&|client| {
        client.publish(&deep(&Message { kind: kind::DATAGRAM, ..request(1) }, 1));
    });
    assert_eq!(found, Misbehaviour::ChainPlace);

    // Bulk data.
    let found = offence(&|client| client.say(&request(1).with(attribute(77, 0, 0, 0, 1))));
    assert_eq!(found, Misbehaviour::AttributeKind { kind: 77 });
    let found = offence(&|client| {
        client.say(&request(1).with(attribute(kind::INLINE, 0, 0, 0, 10)));
    });
    assert_eq!(found, Misbehaviour::MessageLayout);
    let found = offence(&|client| {
        client.say(&request(1).with(attribute(kind::WRITTEN, 0, 0, 0, 10)));
    });
    assert_eq!(found, Misbehaviour::AttributePlace);
    let found = offence(&|client| {
        let lent = attribute(kind::DIRECT, 0, 0, 0x1000, 10);
        client.say(&Message { kind: kind::DATAGRAM, ..request(1).with(lent) });
    });
    assert_eq!(found, Misbehaviour::AttributePlace);
    let found = offence(&|client| {
        client.say(&request(1).with(attribute(kind::STREAM, 0, 1, 0, 2 << 20)));
    });
    assert_eq!(found, Misbehaviour::MessageTooLong { len: 2 << 20 });

    // Directions and credits.
    let found = offence(&|client| client.say(&Message { kind: kind::REPLY, ..request(1) }));
    assert_eq!(found, Misbehaviour::WrongDirection);

    // Streams.
    let stream = |slot, sequence| request(1).with(attribute(kind::STREAM, slot, sequence, 0, 1000));
    let found = offence(&|client| client.say(&stream(4, 1)));
    assert_eq!(found, Misbehaviour::StreamSlot { slot: 4 });
    let found = offence(&|client| client.say(&stream(0, 2)));
    assert_eq!(found, Misbehaviour::StreamSlot { slot: 0 });
    let found = offence(&|client| client.say(&stream(0, 1)));
    assert_eq!(found, Misbehaviour::UnknownSection { section: 0 });
    let windows = || memory(4 * WINDOW, one_writer()).0;
    let found = offence(&|client| {
        client.announce(1, 0, 4 * WINDOW as u64, &[&windows()]);
        client.set(word::produced(0), 1001);
        client.say(&stream(0, 1));
    });
    assert_eq!(found, Misbehaviour::StreamIndex { distance: 1001 });
    let found = offence(&|client| {
        client.announce(1, 0, 4 * WINDOW as u64, &[&windows()]);
        client.say(&stream(0, 1));
        // The first is still under way.
        client.say(&stream(0, 2));
    });
    assert_eq!(found, Misbehaviour::StreamSlot { slot: 0 });
    let found = offence(&|client| {
        client.announce(1, 0, 4 * WINDOW as u64, &[&windows()]);
        let two = stream(0, 1).with(attribute(kind::STREAM, 1, 1, 0, 1000));
        client.say(&two);
    });
    assert_eq!(found, Misbehaviour::AttributePlace);

    // Sections.
    let found = offence(&|client| {
        client.say(&request(1).with(attribute(kind::FROZEN, 0, 0, 5, 100)));
    });
    assert_eq!(found, Misbehaviour::UnknownSection { section: 5 });
    let found = offence(&|client| {
        client.announce(2, 5, 100, &[&frozen(PAGE)]);
        client.say(&request(1).with(attribute(kind::FROZEN, 0, 0, 5, 99)));
    });
    assert_eq!(found, Misbehaviour::UnknownSection { section: 5 });
    let found = offence(&|client| client.announce(2, 5, 100, &[&windows()]));
    assert_eq!(found, Misbehaviour::UnsealedMemory, "it has a writer");
    let found = offence(&|client| client.announce(2, 5, 100, &[&frozen(2 * PAGE)]));
    assert_eq!(found, Misbehaviour::MemorySize);
    let found = offence(&|client| {
        let len = 3 * WINDOW;
        client.announce(2, 5, len as u64, &[&frozen(len)]);
        client.announce(2, 6, len as u64, &[&frozen(len)]);
    });
    assert_eq!(found, Misbehaviour::SectionQuota);
    let found = offence(&|client| {
        let tiny = frozen(PAGE);
        for number in 0..100 {
            // The server may have hung up by then.
            let mut frame = vec![2];
            frame.extend(u64::to_le_bytes(number));
            frame.extend(u64::to_le_bytes(1));
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            let fds = [tiny.as_fd()];
            control.push(SendAncillaryMessage::ScmRights(&fds));
            let parts = [IoSlice::new(&frame)];
            let _gone =
                rustix::net::sendmsg(&client.socket, &parts, &mut control, SendFlags::NOSIGNAL);
        }
    });
    assert_eq!(found, Misbehaviour::SectionQuota);
    let found = offence(&|client| {
        client.announce(1, 0, 4 * WINDOW as u64, &[&windows()]);
        client.announce(1, 0, 4 * WINDOW as u64, &[&windows()]);
    });
    assert_eq!(found, Misbehaviour::SectionQuota);

    // The socket.
    let found = offence(&|client| client.announce(2, 5, 100, &[]));
    assert_eq!(found, Misbehaviour::MissingDescriptor);
    let found = offence(&|client| client.announce(9, 5, 100, &[&frozen(PAGE)]));
    assert_eq!(found, Misbehaviour::UnexpectedFrame { kind: 9 });
    let found = offence(&|client| send(&client.socket, b"hello", &[]));
    assert_eq!(found, Misbehaviour::UnexpectedFrame { kind: b'h' });
    let found = offence(&|client| send(&client.socket, &[0; 64], &[]));
    assert_eq!(found, Misbehaviour::DatagramTooLong { max: 17 });
    let found = offence(&|client| send(&client.socket, &[0], &[&frozen(PAGE)]));
    assert_eq!(found, Misbehaviour::TooManyDescriptors { max: 0 });
    let found = offence(&|client| client.announce(2, 5, 9, &[&frozen(PAGE), &frozen(PAGE)]));
    assert_eq!(found, Misbehaviour::TooManyDescriptors { max: 1 });
    // This client has said that it sends no handles.
    let found = offence(&|client| client.announce(6, 1, 1, &[&frozen(PAGE)]));
    assert_eq!(found, Misbehaviour::TooManyDescriptors { max: 0 });
    server.stop();
}

#[test]
fn a_client_that_does_not_read_its_replies_gets_no_more_than_it_was_granted() {
    let server = Server::start(attributes(), 2, echo);
    let honest = server.client();
    drop(server.connected());
    // The server's ring takes five replies of 3 KB; four more may wait outside of it.
    let found = offence(&server, &honest, |client| {
        for id in 0..64 {
            let before = client.tail;
            client.say(&Message { body: vec![7; 3000], ..request(id) });
            // Each is taken before the next, so that the ring is not what stops this.
            while client.word(&client.theirs, word::HEAD).load(Ordering::SeqCst) == before {
                if client.is_hung_up() {
                    return;
                }
            }
        }
        panic!("64 replies are kept for a client that reads none");
    });
    assert_eq!(found, Misbehaviour::TooManyRequests);
    server.stop();
}

/// The name of a chain that nobody waits in, or none at all, only means that a worker runs the call.
#[test]
fn a_chain_that_was_made_up_is_served_by_a_worker() {
    let (told, ran) = std::sync::mpsc::channel();
    let server = Server::start(attributes(), 1, move |worker, call| {
        let handed = call.hand_over(|_| panic!("nobody waits"));
        told.send(std::thread::current().id()).unwrap();
        echo(worker, handed.unwrap_err());
    });
    let mut client = RawClient::connect(&server);
    client.publish(&deep(&request(1).with(chain(7)), 15));
    client.publish(&deep(&request(2), 15));
    let workers: Vec<_> = ran.iter().take(2).collect();
    assert_eq!(workers[0], workers[1]);
    server.stop();
}

#[test]
fn a_client_that_goes_on_after_hanging_up_is_not_listened_to_for_ever() {
    let server = Server::start(attributes(), 1, echo);
    let honest = server.client();
    drop(server.connected());
    let mut client = RawClient::connect(&server);
    drop(server.connected());
    rustix::net::shutdown(&client.socket, rustix::net::Shutdown::Both).unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // As fast as the server takes them.
            while !done.load(Ordering::SeqCst) {
                let head = client.word(&client.theirs, word::HEAD).load(Ordering::SeqCst);
                if client.tail.wrapping_sub(head) < RING / 2 {
                    client.publish(&Message { kind: kind::DATAGRAM, ..request(1) }.bytes());
                }
            }
        });
        drop(server.closed());
        for _ in 0..100 {
            call(&honest, b"still served", &mut []).unwrap();
        }
        done.store(true, Ordering::SeqCst);
    });
    server.stop();
}

#[test]
fn a_stopped_upload_holds_neither_the_server_nor_other_clients() {
    let server = Server::start(attributes(), 1, echo);
    let honest = server.client();
    drop(server.connected());
    let mut stopped = RawClient::connect(&server);
    let port = std::sync::Arc::downgrade(&server.connected());
    stopped.announce(1, 0, 4 * WINDOW as u64, &[&memory(4 * WINDOW, one_writer()).0]);
    for slot in 0..4 {
        // Four uploads of which nothing ever comes.
        let stream = attribute(kind::STREAM, slot, 1, 0, 1000);
        stopped.say(&request(u64::from(slot)).with(stream));
    }
    for _ in 0..1000 {
        call(&honest, b"not held up", &mut []).unwrap();
    }
    drop(stopped);
    drop(server.closed());
    // A call that never became whole must not keep its port, and with it descriptors and mappings.
    let patience = common::soon();
    while port.upgrade().is_some() {
        assert!(!patience.is_past(), "the port is kept for ever");
        call(&honest, b"", &mut []).unwrap();
    }
    server.stop();
}
