//! Channels without shared memory: every test of calls, and what can only go wrong here.

#[path = "calls.rs"]
mod calls;

use std::os::fd::OwnedFd;

use alpc_transport::Misbehaviour;
use calls::common::raw::{RING, WINDOW, attributes, offence, send, shake_hands};
use calls::common::{Server, echo};
use rustix::io::Errno;
use rustix::net::SendFlags;

/// A datagram with bytes of the ring.
fn ring(head: u32, tail: u32, bytes: &[u8]) -> Vec<u8> {
    let mut datagram = vec![4];
    datagram.extend(head.to_le_bytes());
    datagram.extend(tail.to_le_bytes());
    datagram.extend(bytes);
    datagram
}

/// A datagram with bytes of a window.
fn stream(slot: u8, consumed: u32, at: u32, bytes: &[u8]) -> Vec<u8> {
    let mut datagram = vec![5, slot];
    datagram.extend(consumed.to_le_bytes());
    datagram.extend(0_u32.to_le_bytes());
    datagram.extend(at.to_le_bytes());
    datagram.extend(bytes);
    datagram
}

/// The header of a request without body or attributes.
fn request(len: u32) -> [u8; 64] {
    let mut bytes = [0; 64];
    bytes[..4].copy_from_slice(&len.to_le_bytes());
    bytes[4] = 1;
    bytes
}

/// Sends a datagram when there is room for it. `false`: the server has hung up.
fn went_out(socket: &OwnedFd, datagram: &[u8]) -> bool {
    loop {
        match rustix::net::send(socket, datagram, SendFlags::NOSIGNAL) {
            Ok(_) => return true,
            Err(Errno::AGAIN) => std::thread::yield_now(),
            Err(_) => return false,
        }
    }
}

#[test]
fn every_hostile_datagram_ends_its_own_channel_under_its_own_name() {
    let server = Server::start(attributes(), 2, echo);
    let honest = server.client();
    drop(server.connected());
    let connect = |server: &Server| shake_hands(server, None).0;
    let found = |datagrams: &[Vec<u8>]| {
        offence(&server, &honest, connect, |socket: &mut OwnedFd| {
            datagrams.iter().for_each(|datagram| send(&*socket, datagram, &[]));
        })
    };
    let full = vec![0; RING as usize];

    // The ring.
    let index = |distance| Misbehaviour::RingIndex { distance };
    assert_eq!(found(&[ring(0, 64, &[])]), index(64), "nothing arrived");
    assert_eq!(found(&[ring(0, 63, &[1; 64])]), index(63), "half a granule");
    assert_eq!(found(&[ring(0, 0, &full), ring(0, 0, &[1])]), index(RING + 1), "over the unread");
    let long = Misbehaviour::RecordPastEnd { len: 100, available: 64 };
    assert_eq!(found(&[ring(0, 64, &request(100))]), long);
    assert_eq!(found(&[ring(0, 64, &[9; 64])]), Misbehaviour::MessageKind { kind: 9 });
    let more = offence(&server, &honest, connect, |socket| {
        // Seen when the server wants room for an answer, whichever it is that finds its ring full, or
        // before, if more of these arrive at a time than may be unanswered.
        for id in 0_u32.. {
            let mut request = request(0);
            request[8..12].copy_from_slice(&id.to_le_bytes());
            if !went_out(socket, &ring(1 << 30, 64 * (id + 1), &request)) {
                break;
            }
        }
    });
    let is_named = matches!(more, Misbehaviour::RingIndex { .. } | Misbehaviour::TooManyRequests);
    assert!(is_named, "more was taken than was sent: {more:?}");

    // Streams.
    let slot = Misbehaviour::StreamSlot { slot: 4 };
    assert_eq!(found(&[stream(4, 0, 0, &[])]), slot);
    let index = |distance| Misbehaviour::StreamIndex { distance };
    let window = WINDOW as u32;
    assert_eq!(found(&[stream(3, 0, window, &[1])]), index(window + 1), "past the window");
    let again = [stream(0, 0, 0, &[1; 100]), stream(0, 0, 0, &[1; 100])];
    assert_eq!(found(&again), index(0_u32.wrapping_sub(100)), "over the unread");
    assert_eq!(found(&[stream(0, 0, 1 << 31 | 1, &[])]), index(1 << 31 | 1));

    // Datagrams that have no place here.
    assert_eq!(found(&[vec![9; 20]]), Misbehaviour::UnexpectedFrame { kind: 9 });
    assert_eq!(found(&[vec![2; 17]]), Misbehaviour::UnexpectedFrame { kind: 2 });
    assert_eq!(found(&[vec![4; 8]]), Misbehaviour::FrameCut);
    assert_eq!(found(&[vec![5; 13]]), Misbehaviour::FrameCut);
    let max = (32 << 10) + 14;
    let too_long = Misbehaviour::DatagramTooLong { max };
    assert_eq!(found(&[vec![4; max as usize + 1]]), too_long);
    let descriptor = offence(&server, &honest, connect, |socket| {
        let copy = socket.try_clone().unwrap();
        send(&*socket, &ring(0, 0, &[]), &[&copy]);
    });
    assert_eq!(descriptor, Misbehaviour::TooManyDescriptors { max: 0 });
    server.stop();
}
