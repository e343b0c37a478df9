//! Bytes that stay where they arrived, and bytes on their way out.

use std::sync::Arc;

use alpc_transport::{Bytes, PeerView, Received, Region};

/// Bulk bytes of a call, looked at without being copied where that can be had.
///
/// It is not a slice, because not every view may become one: bytes in memory that the peer can still
/// change are only ever copied out. [`frozen`](View::frozen) tells which kind it is.
#[derive(Debug)]
pub struct View(Kind);

#[derive(Debug)]
enum Kind {
    /// Nobody can change them.
    Still(Bytes),
    /// In a region of the peer's, who can.
    Lent(PeerView),
}

impl View {
    pub(crate) fn new(bytes: Bytes) -> View {
        View(Kind::Still(bytes))
    }

    pub(crate) fn lent(view: PeerView) -> View {
        View(Kind::Lent(view))
    }

    pub(crate) fn received(received: Received) -> Option<View> {
        match received {
            Received::Private(bytes) => Some(View::new(Bytes::Vec(bytes))),
            Received::Frozen(blob) => Some(View::new(Bytes::Blob(blob))),
            Received::View(view) => Some(View::lent(view)),
            _ => None,
        }
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        match &self.0 {
            Kind::Still(bytes) => bytes.as_slice().len(),
            Kind::Lent(view) => view.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies the first bytes into `into`, as many as both have; says how many.
    pub fn copy_to(&self, into: &mut [u8]) -> usize {
        self.read_at(0, into)
    }

    /// Copies bytes from `offset` on into `into`, as many as both have; says how many.
    pub fn read_at(&self, offset: usize, into: &mut [u8]) -> usize {
        let bytes = match &self.0 {
            Kind::Still(bytes) => bytes.as_slice(),
            Kind::Lent(view) => return view.read_at(offset, into),
        };
        let from = bytes.get(offset..).unwrap_or(&[]);
        let (into, from) = match into.split_at_mut_checked(from.len()) {
            Some((into, _)) => (into, from),
            None => {
                let len = into.len();
                (into, from.get(..len).unwrap_or(&[]))
            }
        };
        into.copy_from_slice(from);
        into.len()
    }

    /// All bytes, as a copy.
    pub fn to_vec(&self) -> Vec<u8> {
        match &self.0 {
            Kind::Still(bytes) => bytes.as_slice().to_vec(),
            Kind::Lent(view) => view.to_vec(),
        }
    }

    /// Copies of the bytes, `size` of them at a time; the last chunk may be shorter.
    pub fn chunks(&self, size: usize) -> impl Iterator<Item = Vec<u8>> + '_ {
        let size = size.max(1);
        (0..self.len()).step_by(size).map(move |offset| {
            let mut chunk = vec![0; size.min(self.len() - offset)];
            let read = self.read_at(offset, &mut chunk);
            chunk.truncate(read);
            chunk
        })
    }

    /// The bytes in place, where nobody can change them: in a frozen section, or in memory of this
    /// process alone.
    pub fn frozen(&self) -> Option<&[u8]> {
        match &self.0 {
            Kind::Still(bytes) => Some(bytes.as_slice()),
            Kind::Lent(_) => None,
        }
    }

    /// The frozen section itself, to be kept or sent on, if that is how the bytes came.
    pub fn blob(&self) -> Option<Blob> {
        match &self.0 {
            Kind::Still(Bytes::Blob(blob)) => Some(Blob(Made::Frozen(blob.clone()))),
            _ => None,
        }
    }
}

/// Bytes that are sent without being copied, by either side.
///
/// A *frozen* blob can be sent again and again, to any number of peers: from the second time on it
/// travels as a number. It is worth its making for data that is sent more than once. A blob made from
/// a [`Region`] is filled in place and costs nothing to make; only the peer on the region's own
/// connection can look at it (others are sent a copy), and its memory is used again when that peer
/// has let go of it.
#[derive(Debug, Clone)]
pub struct Blob(Made);

#[derive(Debug, Clone)]
enum Made {
    Frozen(alpc_transport::Blob),
    InPlace(Arc<Region>),
}

impl Blob {
    /// Freezes a copy of `bytes`.
    ///
    /// # Errors
    ///
    /// When the system has no memory or no file descriptors left.
    pub fn new(bytes: &[u8]) -> Result<Blob, alpc_transport::Error> {
        alpc_transport::Blob::new(bytes).map(|blob| Blob(Made::Frozen(blob)))
    }

    /// Freezes `len` bytes that `fill` writes in place; they are zero before.
    ///
    /// # Errors
    ///
    /// When the system has no memory or no file descriptors left.
    pub fn build(len: usize, fill: impl FnOnce(&mut [u8])) -> Result<Blob, alpc_transport::Error> {
        alpc_transport::Blob::build(len, fill).map(|blob| Blob(Made::Frozen(blob)))
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        match &self.0 {
            Made::Frozen(blob) => blob.bytes(),
            Made::InPlace(region) => region.as_slice(),
        }
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.bytes().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes().is_empty()
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        match self.0 {
            Made::Frozen(blob) => Bytes::Blob(blob),
            Made::InPlace(region) => Bytes::Region(region),
        }
    }

    pub(crate) fn as_part(&self) -> alpc_transport::Part<'_> {
        match &self.0 {
            Made::Frozen(blob) => alpc_transport::Part::Blob(blob),
            Made::InPlace(region) => alpc_transport::Part::Region(region),
        }
    }
}

/// Ends the filling of a region: from here on it is only looked at.
impl From<Region> for Blob {
    fn from(region: Region) -> Blob {
        Blob(Made::InPlace(Arc::new(region)))
    }
}

/// What a client passes for `bytes`: a slice, or a [`Blob`], which is not copied.
#[derive(Debug, Clone, Copy)]
pub struct BytesArg<'a>(pub(crate) Argument<'a>);

#[derive(Debug, Clone, Copy)]
pub(crate) enum Argument<'a> {
    Slice(&'a [u8]),
    Blob(&'a Blob),
}

impl<'a> BytesArg<'a> {
    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn as_slice(&self) -> &'a [u8] {
        match self.0 {
            Argument::Slice(bytes) => bytes,
            Argument::Blob(blob) => blob.bytes(),
        }
    }
}

impl<'a> From<&'a [u8]> for BytesArg<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        BytesArg(Argument::Slice(bytes))
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for BytesArg<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        BytesArg(Argument::Slice(bytes))
    }
}

impl<'a> From<&'a Vec<u8>> for BytesArg<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        BytesArg(Argument::Slice(bytes))
    }
}

impl<'a> From<&'a Blob> for BytesArg<'a> {
    fn from(blob: &'a Blob) -> Self {
        BytesArg(Argument::Blob(blob))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_gives_what_there_is_and_no_more() {
        let view = View::new(Bytes::Vec(vec![1, 2, 3, 4, 5]));
        let mut few = [0; 3];
        assert_eq!((view.copy_to(&mut few), few), (3, [1, 2, 3]));
        assert_eq!((view.read_at(3, &mut few), few), (2, [4, 5, 3]));
        assert_eq!(view.read_at(6, &mut few), 0);
        assert_eq!(view.chunks(2).map(|c| c.len()).collect::<Vec<_>>(), [2, 2, 1]);
    }
}
