use proptest::prelude::*;

use super::super::VERSIONS;
use super::*;

fn body(frame: &[u8]) -> &[u8] {
    let (header, body) = frame.split_first_chunk().unwrap();
    assert_eq!(Header::parse(header).unwrap().body_len, body.len());
    body
}

#[test]
fn frames_say_what_was_put_into_them() {
    let limits = Limits { outstanding_requests: 7, ..Limits::default() };
    let frame = Connect::frame(VERSIONS, &limits, b"hello");
    let connect = Connect { limits: limits.clone(), data: b"hello".to_vec() };
    assert_eq!(
        Connect::parse(body(&frame), VERSIONS),
        Ok(Connected::Compatible(VERSIONS.newest, connect))
    );
    let frame = Accept::frame(1, &limits, &[9; MAX_CONNECTION_DATA]);
    let accept = Accept { version: 1, limits, data: vec![9; MAX_CONNECTION_DATA] };
    assert_eq!(Accept::parse(body(&frame)), Ok(accept));
    let frame = Refuse::frame(RefusalCode::Busy, VERSIONS, "no room");
    let refuse = Refuse { code: RefusalCode::Busy, versions: VERSIONS, reason: "no room".into() };
    assert_eq!(Refuse::parse(body(&frame)), Ok(refuse));
    let ready = Ready { address: 0x1234, nonce: [3; 32] };
    assert_eq!(ready.frame().len(), Ready::FRAME_LEN);
    assert_eq!(Ready::parse(&ready.frame()), Ok(ready));
    let started = Started { direct: DirectAvailability::OtherUser };
    assert_eq!(started.frame().len(), Started::FRAME_LEN);
    assert_eq!(Started::parse(&started.frame()), Ok(started));
}

#[test]
fn versions_decide_before_anything_else_is_looked_at() {
    let mut frame = Connect::frame(Versions { oldest: 7, newest: 9 }, &Limits::default(), b"");
    frame.truncate(HEADER_LEN + 4);
    frame.extend(b"something that only version 7 understands");
    let theirs = Versions { oldest: 7, newest: 9 };
    let body = &frame[HEADER_LEN..];
    assert_eq!(Connect::parse(body, VERSIONS), Ok(Connected::Incompatible));
    let ours = Versions { oldest: 6, newest: 8 };
    let frame = Connect::frame(theirs, &Limits::default(), b"");
    let parsed = Connect::parse(&frame[HEADER_LEN..], ours);
    assert!(matches!(parsed, Ok(Connected::Compatible(8, _))), "{parsed:?}");
}

#[test]
fn limits_that_only_a_newer_version_knows_are_skipped() {
    let mut frame = Connect::frame(VERSIONS, &Limits::default(), b"data");
    frame[12..14].copy_from_slice(&(LIMITS_LEN + 8).to_le_bytes());
    let at = HEADER_LEN + 8 + usize::from(LIMITS_LEN);
    frame.splice(at..at, [0xEE; 8]);
    let connect = Connect { limits: Limits::default(), data: b"data".to_vec() };
    let parsed = Connect::parse(&frame[HEADER_LEN..], VERSIONS);
    assert_eq!(parsed, Ok(Connected::Compatible(1, connect)));
}

#[test]
fn every_offence_has_its_name() {
    let good = Connect::frame(VERSIONS, &Limits::default(), b"data");
    let check = |change: &dyn Fn(&mut Vec<u8>), offence| {
        let mut frame = good.clone();
        change(&mut frame);
        let (header, body) = frame.split_first_chunk().unwrap();
        let parsed = Header::parse(header).and_then(|header| {
            header.expect(Kind::Connect)?;
            Connect::parse(body, VERSIONS)
        });
        assert_eq!(parsed, Err(offence));
    };
    check(&|frame| frame[0] = b'X', Misbehaviour::BadMagic);
    check(&|frame| frame[4] = 9, Misbehaviour::UnexpectedFrame { kind: 9 });
    let too_long = Misbehaviour::FrameTooLong { len: 0xFFFF, max: MAX_BODY as u64 };
    check(&|frame| frame[6..8].fill(0xFF), too_long);
    check(&|frame| frame.truncate(frame.len() - 1), Misbehaviour::FrameCut);
    check(&|frame| frame.push(0), Misbehaviour::FrameSurplus);
    check(&|frame| frame[8] = 2, Misbehaviour::BadField); // Versions 2 to 1.
    check(&|frame| frame[18] = 1, Misbehaviour::BadLimits); // Messages of 131,071 bytes.
    check(&|frame| frame[8 + 8 + 64] = 2, Misbehaviour::BadField); // Neither policy.
}

#[test]
fn a_reason_is_cut_at_a_character_and_cleaned() {
    let frame = Refuse::frame(RefusalCode::Policy, VERSIONS, &"\u{e9}".repeat(600));
    assert_eq!(Refuse::parse(body(&frame)).unwrap().reason.len(), MAX_REASON);
    let frame = Refuse::frame(RefusalCode::Policy, VERSIONS, "x\x1b[2J\n");
    assert_eq!(Refuse::parse(body(&frame)).unwrap().reason, "x\u{fffd}[2J\u{fffd}");
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let _ = Connect::parse(&bytes, VERSIONS);
        let _ = Accept::parse(&bytes);
        let _ = Refuse::parse(&bytes);
        let _ = Ready::parse(&bytes);
        let _ = Started::parse(&bytes);
    }

    #[test]
    fn no_change_to_a_good_frame_makes_a_parser_panic(
        at in 0..600_usize, value: u8, len in 0..600_usize,
    ) {
        let limits = Limits::default();
        let frames = [
            Connect::frame(VERSIONS, &limits, &[1; 300]),
            Accept::frame(1, &limits, &[2; 300]),
            Refuse::frame(RefusalCode::Busy, VERSIONS, "because"),
            Ready { address: 1, nonce: [4; 32] }.frame(),
            Started { direct: DirectAvailability::Available }.frame(),
        ];
        for mut frame in frames {
            frame.truncate(len);
            if let Some(byte) = frame.get_mut(at) {
                *byte = value;
            }
            let _ = Ready::parse(&frame);
            let _ = Started::parse(&frame);
            let Some((header, body)) = frame.split_first_chunk() else { continue };
            let _ = Header::parse(header);
            let _ = Connect::parse(body, VERSIONS);
            let _ = Accept::parse(body);
            let _ = Refuse::parse(body);
        }
    }

    #[test]
    fn any_good_limits_survive_the_wire(
        outbox in 14..=20_u32, window in 16..=26_u32, message in 1024..=65_535_usize,
        requests in 1..=4096_usize, argument: u32, on: bool,
    ) {
        let limits = Limits {
            max_message_len: message,
            outbox_len: 1 << outbox,
            copy_limit: message / 2,
            chunk_window: 1 << window,
            max_argument_len: argument as usize,
            outstanding_requests: requests,
            accelerator: if on { Accelerator::On } else { Accelerator::Off },
            direct: if on { DirectPolicy::Never } else { DirectPolicy::SameUser },
            ..Limits::default()
        };
        let frame = Accept::frame(3, &limits, b"");
        prop_assert_eq!(Accept::parse(body(&frame)).unwrap().limits, limits);
    }
}
