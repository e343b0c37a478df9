//! What goes along with a message that is being put together: handles, and references to objects.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use alpc_transport::Error;
use serde::Serialize;

use crate::encode::{self, EncodeError};
use crate::object::{Link, Numbered, Reference, seal};
use crate::scope::{self, Packed};
use crate::status;

/// A message's luggage on its way out. `H` is how its handles are held.
#[derive(Default)]
pub(crate) struct Outgoing<H = OwnedFd> {
    pub(crate) handles: Vec<H>,
    pub(crate) objects: Vec<Reference>,
}

impl<H: From<OwnedFd>> Outgoing<H> {
    pub(crate) fn new() -> Self {
        Outgoing { handles: Vec::new(), objects: Vec::new() }
    }

    /// Appends the encoding of a value to `body`, and what it refers to to this.
    pub(crate) fn encode<T: Serialize + ?Sized>(
        &mut self,
        value: &T,
        body: &mut Vec<u8>,
        limit: usize,
    ) -> Result<(), EncodeError> {
        let packed = Packed::after(self.handles.len(), self.objects.len());
        let write = || encode::to_vec_within(value, body, limit);
        let (written, packed) = scope::sending(packed, write);
        self.handles.extend(packed.handles.into_iter().map(H::from));
        self.objects.extend(packed.objects);
        written
    }

    /// Puts the references behind the values of `body`. They have numbers from here on.
    pub(crate) fn seal(
        &self,
        link: &Link,
        object: u64,
        body: &mut Vec<u8>,
    ) -> Result<Sealed, Error> {
        let numbered = link.number(&self.objects)?;
        match seal(body, object, &numbered) {
            Some(has_envelope) => {
                let tag = if has_envelope { status::ENVELOPE } else { 0 };
                Ok(Sealed { tag, numbered })
            }
            None => {
                link.take_back(&numbered);
                let reason = "a message refers to at most 65535 objects".to_owned();
                let kind = alpc_transport::ErrorKind::Invalid { reason };
                Err(Error::new(kind, "send a message"))
            }
        }
    }
}

/// A message whose references have numbers.
pub(crate) struct Sealed {
    /// What the message's tag says of it.
    pub(crate) tag: u16,
    pub(crate) numbered: Vec<Numbered>,
}

/// A handle that goes along with a call.
pub(crate) enum Handed<'a> {
    Borrowed(BorrowedFd<'a>),
    Owned(OwnedFd),
}

impl From<OwnedFd> for Handed<'_> {
    fn from(handle: OwnedFd) -> Self {
        Handed::Owned(handle)
    }
}

impl AsFd for Handed<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Handed::Borrowed(handle) => *handle,
            Handed::Owned(handle) => handle.as_fd(),
        }
    }
}
