use std::os::fd::{AsFd, OwnedFd};

use proptest::prelude::*;

use super::*;
use crate::chain::Seed;
use crate::channel::Bell;
use crate::channel::{Outgoing, Posted};
use crate::message::{MessageId, MessageKind, Record, RecordHeader};
use crate::port::attributes::DirectAvailability;
use crate::port::handshake::Established;
use crate::stream::{Outflow, Step};
use crate::sys::identity::peer_of;

const RING: u32 = 16 << 10;
const WINDOW: u32 = 64 << 10;

fn limits() -> Limits {
    Limits { outbox_len: RING as usize, chunk_window: WINDOW as usize, ..Limits::default() }
}

fn end(socket: OwnedFd, role: Role) -> Channel {
    // The least that the kernel allows: a datagram or two fill it.
    rustix::net::sockopt::set_socket_send_buffer_size(&socket, 1).unwrap();
    let established = Established {
        peer: peer_of(socket.as_fd()).unwrap(),
        socket,
        limits: limits(),
        own_outbox: None,
        peer_outbox: None,
        direct: DirectAvailability::Forbidden,
        data: Vec::new(),
        role,
        seed: Seed::new(&[0; 32]),
        place: None,
    };
    Channel::new(established).unwrap()
}

fn ends() -> [Channel; 2] {
    let (ours, theirs) = socket::pair().unwrap();
    [end(ours, Role::Client), end(theirs, Role::Server)]
}

fn mirror() -> Mirror {
    let (ours, _theirs) = socket::pair().unwrap();
    Mirror::new(&limits(), ours.as_fd()).unwrap()
}

fn pattern(len: usize, seed: usize) -> Vec<u8> {
    (0..len).map(|i| ((i * 31 + seed) % 251) as u8).collect()
}

fn post(from: &Channel, id: u64) -> Posted {
    let body = pattern(100 + (id as usize * 997) % 6000, id as usize);
    let len = body.len() as u32;
    let header =
        RecordHeader { len, body: len, ..RecordHeader::bare(MessageKind::Datagram, MessageId(id)) };
    from.post(&Outgoing { body: &body, ..Outgoing::bare(header) }, Bell::Now).unwrap()
}

fn check(record: &Record, id: u64) {
    assert_eq!(record.header.id, MessageId(id));
    assert_eq!(record.bytes(), pattern(100 + (id as usize * 997) % 6000, id as usize));
}

#[test]
fn messages_get_through_sockets_that_both_ends_have_filled() {
    const COUNT: u64 = 500;
    let ends = ends();
    let (mut sent, mut taken) = ([0; 2], [0; 2]);
    let (mut idle, mut was_full) = (0, false);
    while taken != [COUNT; 2] {
        let before = (sent, taken);
        for (end, sent) in ends.iter().zip(&mut sent) {
            while *sent < COUNT && post(end, *sent) == Posted::Published {
                *sent += 1;
            }
        }
        was_full |= ends.iter().all(Channel::has_unsent);
        for (end, taken) in ends.iter().zip(&mut taken) {
            end.drain_socket().unwrap();
            while let Some(record) = end.pop().unwrap() {
                check(&record, *taken);
                *taken += 1;
            }
        }
        // A message takes several datagrams, and few of them go through at once.
        idle = if before == (sent, taken) { idle + 1 } else { 0 };
        assert!(idle < 100, "nothing moves any more");
    }
    assert!(was_full, "the sockets took everything");
}

#[test]
fn streams_in_all_slots_get_through_full_sockets_both_ways() {
    let data: Vec<_> = (0..STREAMS).map(|slot| pattern(300_000 + slot, slot)).collect();
    let ends = ends();
    for _ in 0..3 {
        let mut flows = Vec::new();
        for (from, to) in [(0, 1), (1, 0)] {
            for data in &data {
                let slot = ends[from].take_slot().unwrap().unwrap();
                let out = Outflow::begin(slot, data.len() as u64);
                let (slot, sequence) = (out.slot(), out.sequence());
                let inflow = ends[to].begin_inflow(slot, sequence, data.len() as u64).unwrap();
                flows.push((&ends[from], out, 0, &ends[to], inflow, 0, data, vec![0; data.len()]));
            }
        }
        while flows.iter().any(|flow| !flow.4.is_complete()) {
            let mut moves = false;
            for (from, out, sent, to, inflow, taken, data, got) in &mut flows {
                if let Step::Moved(moved) = from.push_stream(out, &data[*sent..]).unwrap() {
                    *sent += moved;
                    moves = true;
                }
                if let Step::Moved(moved) = to.pull_stream(inflow, &mut got[*taken..]).unwrap() {
                    *taken += moved;
                    moves = true;
                }
            }
            if !moves {
                assert!(ends.iter().any(Channel::has_unsent), "nothing moves any more");
            }
            ends.iter().for_each(|end| end.drain_socket().unwrap());
        }
        for (from, out, _, _, _, _, data, got) in flows {
            assert!(got == **data);
            from.end_outflow(out);
        }
        while ends.iter().any(Channel::has_unsent) {
            ends.iter().for_each(|end| end.drain_socket().unwrap());
        }
        ends.iter().for_each(|end| end.drain_socket().unwrap());
        assert!(ends.iter().all(Channel::has_slot));
    }
}

#[test]
fn streams_that_end_early_leave_their_slots_to_others() {
    let ends = ends();
    let [ours, theirs] = &ends;
    let data = pattern(500_000, 0);
    for round in 0..20 {
        let total = data.len() as u64;
        let mut out = Outflow::begin(ours.take_slot().unwrap().unwrap(), total);
        let mut inflow = theirs.begin_inflow(out.slot(), out.sequence(), total).unwrap();
        ours.push_stream(&mut out, &data).unwrap();
        theirs.drain_socket().unwrap();
        let mut got = vec![0; data.len()];
        theirs.pull_stream(&mut inflow, &mut got).unwrap();
        if round % 2 == 0 {
            ours.abort_outflow(out);
            while theirs.pull_stream(&mut inflow, &mut got).unwrap() != Step::Ended {
                theirs.drain_socket().unwrap();
                ours.drain_socket().unwrap();
            }
        } else {
            theirs.discard_inflow(inflow);
            while ours.push_stream(&mut out, &data).unwrap() != Step::Ended {
                ours.drain_socket().unwrap();
                theirs.drain_socket().unwrap();
            }
            ours.end_outflow(out);
        }
        while ends.iter().any(Channel::has_unsent) {
            ends.iter().for_each(|end| end.drain_socket().unwrap());
        }
        ends.iter().for_each(|end| end.drain_socket().unwrap());
    }
    assert!(ours.has_slot());
}

#[test]
fn what_was_sent_before_the_end_is_taken_even_if_the_sender_left_something_unread() {
    let [ours, theirs] = ends();
    assert_eq!(post(&theirs, 7), Posted::Published);
    assert_eq!(post(&ours, 0), Posted::Published);
    drop(ours);
    // A child that another test starts at this moment has a copy of the other end for a moment.
    while theirs.drain_socket().is_ok() {
        std::thread::yield_now();
    }
    check(&theirs.pop().unwrap().unwrap(), 0);
}

fn land(mirror: &Mirror, frame: &Frame<'_>) -> std::result::Result<(), Misbehaviour> {
    let mut landing = lock(&mirror.landing);
    let mut datagram = Vec::new();
    frame.put_header(&mut datagram);
    let (Frame::Ring { bytes, .. } | Frame::Stream { bytes, .. }) = frame;
    datagram.extend_from_slice(bytes);
    let len = datagram.len();
    landing.datagram = datagram;
    mirror.land(&mut landing, len)
}

#[test]
fn bytes_land_only_where_their_sender_may_write() {
    let full = vec![1; RING as usize];
    let mirror = mirror();
    let ring = |tail, bytes| land(&mirror, &Frame::Ring { head: 0, tail, bytes });
    assert_eq!(ring(64, &[]), Err(Misbehaviour::RingIndex { distance: 64 }), "nothing arrived");
    assert_eq!(ring(64, &full), Ok(()));
    assert_eq!(ring(64, &[1]), Err(Misbehaviour::RingIndex { distance: RING + 1 }));
    assert_eq!(ring(0, &[]), Err(Misbehaviour::RingIndex { distance: 0_u32.wrapping_sub(64) }));

    let stream = |slot, at, bytes| {
        land(&mirror, &Frame::Stream { slot, consumed: 0, aborted: 0, at, bytes })
    };
    assert_eq!(stream(4, 0, &[]), Err(Misbehaviour::StreamSlot { slot: 4 }));
    assert_eq!(stream(0, 0, &full), Ok(()));
    let back = 0_u32.wrapping_sub(RING);
    assert_eq!(stream(0, 0, &full), Err(Misbehaviour::StreamIndex { distance: back }), "again");
    assert_eq!(stream(0, WINDOW - RING, &full), Ok(()));
    let ahead = Misbehaviour::StreamIndex { distance: WINDOW + 1 };
    assert_eq!(stream(0, WINDOW, &[1]), Err(ahead), "nothing was taken yet");
    assert_eq!(stream(0, WINDOW, &[]), Ok(()));
}

#[test]
fn no_kind_but_those_of_a_mirror_lands() {
    for kind in (0..=255).filter(|kind| ![frame::RING, frame::STREAM].contains(kind)) {
        let datagram = [kind; 17];
        assert_eq!(Frame::parse(&datagram), Err(Misbehaviour::UnexpectedFrame { kind }));
    }
    assert_eq!(Frame::parse(&[]), Err(Misbehaviour::FrameCut));
    assert_eq!(Frame::parse(&[frame::RING; 8]), Err(Misbehaviour::FrameCut));
    assert_eq!(Frame::parse(&[frame::STREAM; 13]), Err(Misbehaviour::FrameCut));
}

fn index() -> impl Strategy<Value = u32> {
    prop_oneof![0..4 * RING, 0..3 * WINDOW, any::<u32>(), (0..1024_u32).prop_map(|n| n * 64)]
}

/// A datagram that is right in some of its parts.
fn datagrams() -> impl Strategy<Value = Vec<u8>> {
    let ring = (index(), index(), 0..2000_usize).prop_map(|(head, tail, len)| {
        let mut bytes = Vec::new();
        Frame::Ring { head, tail, bytes: &[] }.put_header(&mut bytes);
        bytes.resize(bytes.len() + len, 4);
        bytes
    });
    let stream = (0..6_u8, index(), index(), index(), 0..2000_usize);
    let stream = stream.prop_map(|(slot, consumed, aborted, at, len)| {
        let mut bytes = Vec::new();
        Frame::Stream { slot, consumed, aborted, at, bytes: &[] }.put_header(&mut bytes);
        bytes.resize(bytes.len() + len, 5);
        bytes
    });
    prop_oneof![4 => ring, 4 => stream, 1 => prop::collection::vec(any::<u8>(), 0..40)]
}

proptest! {
    #[test]
    fn a_frame_is_what_it_was_written_as(
        slot: u8, a: u32, b: u32, c: u32, bytes in prop::collection::vec(any::<u8>(), 0..64)
    ) {
        let stream = Frame::Stream { slot, consumed: a, aborted: b, at: c, bytes: &bytes };
        for frame in [Frame::Ring { head: a, tail: b, bytes: &bytes }, stream] {
            let mut datagram = Vec::new();
            frame.put_header(&mut datagram);
            datagram.extend_from_slice(&bytes);
            prop_assert_eq!(Frame::parse(&datagram), Ok(frame));
        }
    }

    #[test]
    fn whatever_a_peer_sends_either_lands_or_has_a_name(
        datagrams in prop::collection::vec(datagrams(), 1..40)
    ) {
        let [hostile, honest] = ends();
        let mut inflow = honest.begin_inflow(0, 1, 100_000).unwrap();
        for datagram in &datagrams {
            if datagram.is_empty() {
                continue;
            }
            let parts = [std::io::IoSlice::new(datagram)];
            if !matches!(socket::send(hostile.socket(), &parts, &[]), Ok(Sent::Done)) {
                break;
            }
            let popped = honest.drain_socket().and_then(|()| honest.pop());
            let pulled = honest.pull_stream(&mut inflow, &mut [0; 3000]);
            if popped.is_err() || pulled.is_err() {
                prop_assert!(honest.closed().is_some_and(|why| why.misbehaviour().is_some()));
                break;
            }
        }
    }
}
