//! Handles as values of a call: descriptors of files, processes, sockets, that the receiver gets a
//! duplicate of.
//!
//! The bytes of a value only say which of the message's handles it is. What arrives is examined
//! before anybody uses it, because a handle of another kind is as good a descriptor as any: reading
//! from what should have been a file could wait for ever on a socket.

use std::marker::PhantomData;
use std::os::fd::{AsFd, OwnedFd};

use alpc_transport::handle::check;
pub use alpc_transport::handle::{HandleKind, Rights};
use serde::{Deserialize, Deserializer, Serializer, de, ser};

use crate::descriptor::{Describe, TypeDesc};
use crate::scope;
use crate::wire::{DecodeAs, EncodeAs};

/// What sort of thing a handle stands for, as a type.
pub trait Kind: 'static {
    /// The same as a value.
    const KIND: HandleKind;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        #[expect(clippy::exhaustive_structs, reason = "it says nothing but its name")]
        pub struct $name;

        impl Kind for $name {
            const KIND: HandleKind = HandleKind::$name;
        }
    )*};
}

kinds! {
    /// Anything.
    Any
    /// A file.
    File
    /// Shared memory.
    Section
    /// Something to wait for.
    Event
    /// A process.
    Process
    /// A thread.
    Thread
    /// A socket.
    Socket
    /// One end of a pipe.
    Pipe
    /// Proof of an identity.
    Token
}

/// The manner of a handle of kind `K`, with the rights of which `RIGHTS` are the bits.
pub struct Handle<K, const RIGHTS: u8>(PhantomData<K>);

impl<T: AsFd, K, const RIGHTS: u8> EncodeAs<T> for Handle<K, RIGHTS> {
    /// The value keeps its handle; the message has a duplicate.
    fn encode<S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        let duplicate = value.as_fd().try_clone_to_owned();
        let duplicate = duplicate.map_err(|error| {
            ser::Error::custom(format_args!("the handle cannot be duplicated: {error}"))
        })?;
        let number = scope::pack_handle(duplicate).map_err(ser::Error::custom)?;
        serializer.serialize_u32(number)
    }
}

impl<'de, K: Kind, const RIGHTS: u8> DecodeAs<'de, OwnedFd> for Handle<K, RIGHTS> {
    fn decode<D: Deserializer<'de>>(deserializer: D) -> Result<OwnedFd, D::Error> {
        let number = u32::deserialize(deserializer)?;
        let handle = scope::unpack_handle(number).map_err(de::Error::custom)?;
        check(handle.as_fd(), K::KIND, rights(RIGHTS)).map_err(de::Error::custom)?;
        Ok(handle)
    }
}

/// The rights of these bits; those that nobody knows are none.
const fn rights(bits: u8) -> Rights {
    match Rights::from_bits(bits) {
        Some(rights) => rights,
        None => Rights::NONE,
    }
}

impl<K: Kind, const RIGHTS: u8> Describe for Handle<K, RIGHTS> {
    fn describe() -> &'static TypeDesc {
        const { &TypeDesc::Handle { kind: K::KIND, rights: rights(RIGHTS) } }
    }
}
