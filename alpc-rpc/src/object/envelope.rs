//! How a message says which object it is for, and which objects its values refer to.
//!
//! Most messages are for the interface that the connection was made for and refer to nothing; they
//! say nothing. Others have a mark in their tag, and after their values an envelope:
//!
//! ```text
//! u64 reference ..    one for each object that the values refer to, in the order of their numbers
//! u64 object          the object that a request is for; 0 in an answer
//! u16 references      how many there are
//! ```
//!
//! All are little-endian. A reference is twice the object's number, plus 1 if it is an object of the
//! receiver's. The envelope stands at the end, since what it says is known when the values have been
//! written; and apart from the values, so that a receiver finds, and releases, what it was sent in
//! a field that it does not know, and so that a message can be handed on by one who knows none.

use super::ROOT;

/// An envelope that came with a message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Envelope<'m> {
    /// The object that the message is for.
    pub(crate) object: u64,
    references: &'m [u8],
}

/// Set in a reference to an object of the receiver's.
const RECEIVERS: u64 = 1;

/// An object that a message refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbered {
    /// It is the sender's.
    Senders(u64),
    /// It is the receiver's.
    Receivers(u64),
}

impl Numbered {
    fn to_wire(self) -> u64 {
        match self {
            Numbered::Senders(object) => object << 1,
            Numbered::Receivers(object) => object << 1 | RECEIVERS,
        }
    }

    fn from_wire(value: u64) -> Numbered {
        match value & RECEIVERS {
            0 => Numbered::Senders(value >> 1),
            _ => Numbered::Receivers(value >> 1),
        }
    }
}

impl Envelope<'_> {
    /// What a message without an envelope says.
    const NONE: Envelope<'static> = Envelope { object: ROOT, references: &[] };

    /// The objects that the message's values refer to.
    pub(crate) fn references(&self) -> impl ExactSizeIterator<Item = Numbered> {
        let (words, _) = self.references.as_chunks::<8>();
        words.iter().map(|word| Numbered::from_wire(u64::from_le_bytes(*word)))
    }
}

/// Takes the envelope off a body, whose tag says whether there is one. Nothing if it is broken.
pub(crate) fn open(body: &[u8], has_envelope: bool) -> Option<(&[u8], Envelope<'_>)> {
    if !has_envelope {
        return Some((body, Envelope::NONE));
    }
    let (rest, count) = body.split_last_chunk()?;
    let (rest, object) = rest.split_last_chunk()?;
    let len = usize::from(u16::from_le_bytes(*count)) * 8;
    let (values, references) = rest.split_at_checked(rest.len().checked_sub(len)?)?;
    Some((values, Envelope { object: u64::from_le_bytes(*object), references }))
}

/// Puts an envelope after the values of a message, if it needs one. `None`: it refers to too much.
pub(crate) fn seal(body: &mut Vec<u8>, object: u64, references: &[Numbered]) -> Option<bool> {
    if object == ROOT && references.is_empty() {
        return Some(false);
    }
    let count = u16::try_from(references.len()).ok()?;
    for reference in references {
        body.extend_from_slice(&reference.to_wire().to_le_bytes());
    }
    body.extend_from_slice(&object.to_le_bytes());
    body.extend_from_slice(&count.to_le_bytes());
    Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_comes_back_as_it_went_and_stands_behind_the_values() {
        let references = [Numbered::Senders(1), Numbered::Receivers(u64::MAX >> 1)];
        for count in 0..=2 {
            let mut body = b"values".to_vec();
            assert_eq!(seal(&mut body, 7, &references[..count]), Some(true));
            let (values, envelope) = open(&body, true).unwrap();
            assert_eq!((values, envelope.object), (b"values".as_slice(), 7));
            assert_eq!(envelope.references().collect::<Vec<_>>(), references[..count]);
        }
    }

    #[test]
    fn a_message_for_the_root_that_refers_to_nothing_has_none() {
        let mut body = b"values".to_vec();
        assert_eq!(seal(&mut body, ROOT, &[]), Some(false));
        assert_eq!(open(&body, false), Some((b"values".as_slice(), Envelope::NONE)));
    }

    #[test]
    fn an_envelope_that_is_cut_or_claims_too_much_is_none() {
        let mut body = Vec::new();
        seal(&mut body, 7, &[Numbered::Senders(1)]).unwrap();
        for start in 1..body.len() {
            assert_eq!(open(&body[start..], true), None, "cut by {start}");
        }
        *body.last_mut().unwrap() = 1;
        assert_eq!(open(&body, true), None);
    }
}
