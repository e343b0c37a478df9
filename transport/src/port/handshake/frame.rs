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
const LIMITS_LEN: u16 = 68;
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
    /// Too many are on their way in at this moment: the client may try again at once.
    Crowded,
}

impl RefusalCode {
    fn to_wire(self) -> u16 {
        match self {
            RefusalCode::Policy => 1,
            RefusalCode::Busy => 2,
            RefusalCode::Incompatible => 3,
            RefusalCode::Misbehaved => 4,
            RefusalCode::Crowded => 5,
        }
    }

    /// A code that is not known is of a newer server, and a refusal all the same.
    fn from_wire(code: u16) -> RefusalCode {
        match code {
            2 => RefusalCode::Busy,
            3 => RefusalCode::Incompatible,
            4 => RefusalCode::Misbehaved,
            5 => RefusalCode::Crowded,
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
    // And this to 64.
    body.push(u8::try_from(limits.max_depth).unwrap_or(0));
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
            // Nor is it told what calls descend from.
            max_depth: self.array().map_or(0, |[count]: [u8; 1]| usize::from(count)),
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
mod tests;
