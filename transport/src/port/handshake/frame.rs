//! The bytes of the handshake.
//!
//! Every frame is a header of 8 bytes (`ALPC`, kind, a zero, length of the body) and a body of fixed fields
//! and counted bytes, all little-endian. The header and the first four bytes of CONNECT, the range
//! of versions, stay as they are in all versions: by them two ends find out that they cannot talk.

use crate::error::{Misbehaviour, Versions};
use crate::port::attributes::{Accelerator, DirectAvailability, DirectPolicy, Limits};

use super::MAX_CONNECTION_DATA;

type Parsed<T> = std::result::Result<T, Misbehaviour>;

const MAGIC: [u8; 4] = *b"ALPC";
pub(super) const HEADER_LEN: usize = 8;
/// Bytes of limits that are understood. More are of a newer version and skipped.
const LIMITS_LEN: u16 = 67;
const MAX_LIMITS_LEN: usize = 256;
const MAX_REASON: usize = 1024;
pub(super) const MAX_BODY: usize = 8 + MAX_LIMITS_LEN + MAX_CONNECTION_DATA;

/// A frame, by its number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Connect = 1,
    Accept = 2,
    Refuse = 3,
    Ready = 4,
    Started = 5,
}

impl Kind {
    /// Makes a whole frame of this kind.
    fn frame(self, body: &[u8]) -> Vec<u8> {
        let mut frame = Vec::with_capacity(HEADER_LEN + body.len());
        frame.extend(MAGIC);
        frame.extend([self as u8, 0]);
        frame.extend(length(body).to_le_bytes());
        frame.extend(body);
        frame
    }
}

/// What a header announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    kind: u8,
    pub(super) body_len: usize,
}

impl Header {
    pub(super) fn parse(bytes: &[u8; HEADER_LEN]) -> Parsed<Header> {
        let mut reader = Reader(bytes);
        if reader.array()? != MAGIC {
            return Err(Misbehaviour::BadMagic);
        }
        let [kind, _] = reader.array()?;
        let body_len = usize::from(reader.u16()?);
        if body_len > MAX_BODY {
            let (len, max) = (body_len as u64, MAX_BODY as u64);
            return Err(Misbehaviour::FrameTooLong { len, max });
        }
        Ok(Header { kind, body_len })
    }

    pub(super) fn is(self, kind: Kind) -> bool {
        self.kind == kind as u8
    }

    pub(super) fn expect(self, kind: Kind) -> Parsed<()> {
        if self.is(kind) { Ok(()) } else { Err(self.unexpected()) }
    }

    pub(super) fn unexpected(self) -> Misbehaviour {
        Misbehaviour::UnexpectedFrame { kind: self.kind }
    }
}

/// Takes a datagram apart that must be one whole frame of `kind`.
pub(super) fn body_of(datagram: &[u8], kind: Kind) -> Parsed<&[u8]> {
    let (header, body) = datagram.split_first_chunk().ok_or(Misbehaviour::FrameCut)?;
    let header = Header::parse(header)?;
    header.expect(kind)?;
    match body.len().cmp(&header.body_len) {
        std::cmp::Ordering::Less => Err(Misbehaviour::FrameCut),
        std::cmp::Ordering::Equal => Ok(body),
        std::cmp::Ordering::Greater => Err(Misbehaviour::FrameSurplus),
    }
}

/// The client introduces itself: what it speaks, what it wants, and its own words.
#[derive(Debug, PartialEq)]
pub(super) struct Connect {
    pub(super) limits: Limits,
    pub(super) data: Vec<u8>,
}

/// What a server makes of a CONNECT.
#[derive(Debug, PartialEq)]
pub(super) enum Connected {
    /// It can be talked to, in this version.
    Compatible(u16, Connect),
    /// It speaks no version that we do.
    Incompatible,
}

impl Connect {
    pub(super) fn frame(versions: Versions, limits: &Limits, data: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        body.extend(versions.oldest.to_le_bytes());
        body.extend(versions.newest.to_le_bytes());
        put_terms(&mut body, limits, data);
        Kind::Connect.frame(&body)
    }

    pub(super) fn parse(body: &[u8], ours: Versions) -> Parsed<Connected> {
        let mut reader = Reader(body);
        let versions = reader.versions()?;
        let Some(version) = ours.common(versions) else {
            return Ok(Connected::Incompatible);
        };
        let (limits, data) = reader.terms()?;
        reader.end()?;
        Ok(Connected::Compatible(version, Connect { limits, data }))
    }
}

/// The server agrees. The private socket comes along and, as agreed, the server's outbox.
#[derive(Debug, PartialEq)]
pub(super) struct Accept {
    pub(super) version: u16,
    pub(super) limits: Limits,
    pub(super) data: Vec<u8>,
}

impl Accept {
    pub(super) fn frame(version: u16, limits: &Limits, data: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        body.extend(version.to_le_bytes());
        put_terms(&mut body, limits, data);
        Kind::Accept.frame(&body)
    }

    pub(super) fn parse(body: &[u8]) -> Parsed<Accept> {
        let mut reader = Reader(body);
        let version = reader.u16()?;
        let (limits, data) = reader.terms()?;
        reader.end()?;
        Ok(Accept { version, limits, data })
    }
}

/// Why a server refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefusalCode {
    /// It does not want this client.
    Policy,
    /// It has no room now.
    Busy,
    /// No version in common.
    Incompatible,
    /// The client broke the protocol.
    Misbehaved,
}

impl RefusalCode {
    fn to_wire(self) -> u16 {
        match self {
            RefusalCode::Policy => 1,
            RefusalCode::Busy => 2,
            RefusalCode::Incompatible => 3,
            RefusalCode::Misbehaved => 4,
        }
    }

    /// A code that is not known is of a newer server, and a refusal all the same.
    fn from_wire(code: u16) -> RefusalCode {
        match code {
            2 => RefusalCode::Busy,
            3 => RefusalCode::Incompatible,
            4 => RefusalCode::Misbehaved,
            _ => RefusalCode::Policy,
        }
    }
}

/// The server does not agree, and says why.
#[derive(Debug, PartialEq)]
pub(super) struct Refuse {
    pub(super) code: RefusalCode,
    pub(super) versions: Versions,
    pub(super) reason: String,
}

impl Refuse {
    /// A reason that is too long is cut.
    pub(super) fn frame(code: RefusalCode, versions: Versions, reason: &str) -> Vec<u8> {
        let end = reason_end(reason);
        let text = reason.get(..end).unwrap_or("").as_bytes();
        let mut body = Vec::new();
        body.extend(code.to_wire().to_le_bytes());
        body.extend(versions.oldest.to_le_bytes());
        body.extend(versions.newest.to_le_bytes());
        body.extend(length(text).to_le_bytes());
        body.extend(text);
        Kind::Refuse.frame(&body)
    }

    pub(super) fn parse(body: &[u8]) -> Parsed<Refuse> {
        let mut reader = Reader(body);
        let code = RefusalCode::from_wire(reader.u16()?);
        let versions = reader.versions()?;
        let len = usize::from(reader.u16()?);
        if len > MAX_REASON {
            return Err(Misbehaviour::BadField);
        }
        let reason = printable(reader.take(len)?);
        reader.end()?;
        Ok(Refuse { code, versions, reason })
    }
}

/// The client is there, with its outbox, and says where the nonce lies in its memory.
#[derive(Debug, PartialEq)]
pub(super) struct Ready {
    /// 0 when there is nothing to read.
    pub(super) address: u64,
    pub(super) nonce: [u8; 32],
}

impl Ready {
    pub(super) const FRAME_LEN: usize = HEADER_LEN + 40;

    pub(super) fn frame(&self) -> Vec<u8> {
        let mut body = Vec::new();
        body.extend(self.address.to_le_bytes());
        body.extend(self.nonce);
        Kind::Ready.frame(&body)
    }

    pub(super) fn parse(datagram: &[u8]) -> Parsed<Ready> {
        let mut reader = Reader(body_of(datagram, Kind::Ready)?);
        let address = reader.u64()?;
        let nonce = reader.array()?;
        reader.end()?;
        Ok(Ready { address, nonce })
    }
}

/// The server is done: messages may flow.
#[derive(Debug, PartialEq)]
pub(super) struct Started {
    pub(super) direct: DirectAvailability,
}

impl Started {
    pub(super) const FRAME_LEN: usize = HEADER_LEN + 1;

    pub(super) fn frame(&self) -> Vec<u8> {
        Kind::Started.frame(&[self.direct.code()])
    }

    pub(super) fn parse(datagram: &[u8]) -> Parsed<Started> {
        let mut reader = Reader(body_of(datagram, Kind::Started)?);
        let [code] = reader.array()?;
        reader.end()?;
        let direct = DirectAvailability::from_code(code).ok_or(Misbehaviour::BadField)?;
        Ok(Started { direct })
    }
}

/// Limits and data, which CONNECT and ACCEPT have in common.
fn put_terms(body: &mut Vec<u8>, limits: &Limits, data: &[u8]) {
    body.extend(LIMITS_LEN.to_le_bytes());
    body.extend(length(data).to_le_bytes());
    for limit in [
        limits.max_message_len,
        limits.outbox_len,
        limits.copy_limit,
        limits.view_limit,
        limits.chunk_window,
        limits.max_section_total,
        limits.max_argument_len,
        limits.outstanding_requests,
    ] {
        body.extend((limit as u64).to_le_bytes());
    }
    body.push(match limits.direct {
        DirectPolicy::Never => 0,
        DirectPolicy::SameUser => 1,
    });
    body.push(match limits.accelerator {
        Accelerator::Off => 0,
        Accelerator::On => 1,
    });
    // `Limits::fault` keeps it to 16.
    body.push(u8::try_from(limits.max_handles).unwrap_or(0));
    body.extend(data);
}

/// Both ends check the length of what they send before they make a frame of it.
fn length(bytes: &[u8]) -> u16 {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX)
}

/// A peer's words, without what could play tricks on a terminal or a log.
fn printable(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// The bytes of a body that have not been read yet.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Parsed<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Misbehaviour::FrameCut)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Parsed<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Misbehaviour::FrameCut)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u16(&mut self) -> Parsed<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u64(&mut self) -> Parsed<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn size(&mut self) -> Parsed<usize> {
        usize::try_from(self.u64()?).map_err(|_| Misbehaviour::BadField)
    }

    fn versions(&mut self) -> Parsed<Versions> {
        let (oldest, newest) = (self.u16()?, self.u16()?);
        if oldest > newest {
            return Err(Misbehaviour::BadField);
        }
        Ok(Versions { oldest, newest })
    }

    fn terms(&mut self) -> Parsed<(Limits, Vec<u8>)> {
        let limits_len = usize::from(self.u16()?);
        let data_len = usize::from(self.u16()?);
        if limits_len > MAX_LIMITS_LEN || data_len > MAX_CONNECTION_DATA {
            return Err(Misbehaviour::BadField);
        }
        let limits = Reader(self.take(limits_len)?).limits()?;
        let data = self.take(data_len)?.to_vec();
        Ok((limits, data))
    }

    fn limits(&mut self) -> Parsed<Limits> {
        let limits = Limits {
            max_message_len: self.size()?,
            outbox_len: self.size()?,
            copy_limit: self.size()?,
            view_limit: self.size()?,
            chunk_window: self.size()?,
            max_section_total: self.size()?,
            max_argument_len: self.size()?,
            outstanding_requests: self.size()?,
            direct: match self.array()? {
                [0] => DirectPolicy::Never,
                [1] => DirectPolicy::SameUser,
                _ => return Err(Misbehaviour::BadField),
            },
            accelerator: match self.array()? {
                [0] => Accelerator::Off,
                [1] => Accelerator::On,
                _ => return Err(Misbehaviour::BadField),
            },
            // A peer from before there were handles says nothing, and takes none.
            max_handles: self.array().map_or(0, |[count]: [u8; 1]| usize::from(count)),
        };
        if limits.fault().is_some() { Err(Misbehaviour::BadLimits) } else { Ok(limits) }
    }

    fn end(self) -> Parsed<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Misbehaviour::FrameSurplus) }
    }
}

/// Where a reason ends that may have to be cut: never inside a character.
fn reason_end(reason: &str) -> usize {
    let mut end = reason.len().min(MAX_REASON);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    end
}

#[cfg(test)]
mod tests {
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
        let refuse =
            Refuse { code: RefusalCode::Busy, versions: VERSIONS, reason: "no room".into() };
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
}
