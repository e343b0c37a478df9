//! The datagrams of a mirror.

use crate::channel::sections::frame;
use crate::error::Misbehaviour;

/// Bytes of the longer of the two kinds of frames, without the piece.
pub(super) const MAX_HEADER: usize = 14;

/// One datagram of a mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    /// The next bytes of the sender's ring, and then its indices.
    Ring { head: u32, tail: u32, bytes: &'a [u8] },
    /// Bytes of one of the sender's windows, of which `at` are before; and its progress in the slot.
    Stream { slot: u8, consumed: u32, aborted: u32, at: u32, bytes: &'a [u8] },
}

impl<'a> Frame<'a> {
    pub(super) fn parse(datagram: &'a [u8]) -> std::result::Result<Frame<'a>, Misbehaviour> {
        let mut rest = datagram;
        match take::<1>(&mut rest)? {
            [frame::RING] => {
                let (head, tail) = (number(&mut rest)?, number(&mut rest)?);
                Ok(Frame::Ring { head, tail, bytes: rest })
            }
            [frame::STREAM] => {
                let [slot] = take(&mut rest)?;
                let (consumed, aborted) = (number(&mut rest)?, number(&mut rest)?);
                let at = number(&mut rest)?;
                Ok(Frame::Stream { slot, consumed, aborted, at, bytes: rest })
            }
            [kind] => Err(Misbehaviour::UnexpectedFrame { kind }),
        }
    }

    /// Writes all but the bytes, which stand last.
    pub(super) fn put_header(&self, into: &mut Vec<u8>) {
        into.clear();
        match *self {
            Frame::Ring { head, tail, .. } => {
                into.push(frame::RING);
                into.extend(head.to_le_bytes());
                into.extend(tail.to_le_bytes());
            }
            Frame::Stream { slot, consumed, aborted, at, .. } => {
                into.extend([frame::STREAM, slot]);
                into.extend(consumed.to_le_bytes());
                into.extend(aborted.to_le_bytes());
                into.extend(at.to_le_bytes());
            }
        }
    }
}

fn take<const N: usize>(from: &mut &[u8]) -> std::result::Result<[u8; N], Misbehaviour> {
    let (taken, rest) = from.split_first_chunk().ok_or(Misbehaviour::FrameCut)?;
    *from = rest;
    Ok(*taken)
}

fn number(from: &mut &[u8]) -> std::result::Result<u32, Misbehaviour> {
    take(from).map(u32::from_le_bytes)
}
