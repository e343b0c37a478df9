//! The caller's buffers, as a handler sees them.
//!
//! A handler fills memory of the server's, and what it has written is brought to the caller's buffer
//! after it returns: copied, streamed, or written there directly. What the handler did not write is
//! never sent, so nothing of another call's can leak through a buffer that is used again.

use std::marker::PhantomData;

use alpc_transport::{Buffer, Bytes, Element, IncomingCall, RoomMemory, element};

use crate::error::Fault;

/// Room that the caller has for bulk data: `[out]`.
///
/// Handlers that answer later own theirs (`OutBuf<'static>`), and hand it back with their results.
pub struct OutBuf<'m, T: Element = u8> {
    memory: Memory<'m>,
    /// In elements.
    capacity: usize,
    buffer: Option<Buffer>,
    /// Elements written, from the beginning on.
    written: usize,
    elements: PhantomData<T>,
}

/// Where a buffer's memory comes from.
enum Memory<'m> {
    Call(&'m IncomingCall),
    Room(RoomMemory),
}

impl<T: Element> OutBuf<'static, T> {
    pub(super) fn owned(room: RoomMemory, capacity: usize) -> Self {
        OutBuf::with(Memory::Room(room), capacity)
    }
}

impl<'m, T: Element> OutBuf<'m, T> {
    pub(super) fn new(call: &'m IncomingCall, capacity: usize) -> Self {
        OutBuf::with(Memory::Call(call), capacity)
    }

    fn with(memory: Memory<'m>, capacity: usize) -> Self {
        OutBuf { memory, capacity, buffer: None, written: 0, elements: PhantomData }
    }

    /// How many elements the caller's buffer takes.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many elements have been written.
    pub fn written(&self) -> usize {
        self.written
    }

    /// Appends as many of `elements` as there is room for, and says how many.
    ///
    /// It is fewer than were given only when the buffer is full, or the server has no memory.
    pub fn put(&mut self, elements: &[T]) -> usize {
        let written = self.written;
        let Some(room) = self.memory().and_then(|memory| memory.get_mut(written..)) else {
            return 0;
        };
        let len = room.len().min(elements.len());
        if let (Some(to), Some(from)) = (room.get_mut(..len), elements.get(..len)) {
            to.copy_from_slice(from);
        }
        self.written += len;
        len
    }

    /// The whole buffer, to be filled in place; all of it then counts as written (see
    /// [`truncate`](OutBuf::truncate)). What was not written before is zero.
    ///
    /// Empty when the server has no memory.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        let (written, capacity) = (self.written, self.capacity);
        self.written = capacity;
        let Some(memory) = self.memory() else {
            self.written = 0;
            return &mut [];
        };
        if let Some(rest) = memory.get_mut(written..) {
            rest.fill(T::default());
        }
        // Borrowed anew: the check above ended the first borrow.
        self.memory().unwrap_or(&mut [])
    }

    /// Keeps the first `len` elements of what was written.
    pub fn truncate(&mut self, len: usize) {
        self.written = self.written.min(len);
    }

    fn memory(&mut self) -> Option<&mut [T]> {
        if self.buffer.is_none() {
            let len = self.capacity.checked_mul(size_of::<T>())?;
            let buffer = match &self.memory {
                Memory::Call(call) => call.buffer(len),
                Memory::Room(room) => room.take(len),
            };
            self.buffer = Some(buffer.ok()?);
        }
        element::from_bytes_mut(self.buffer.as_deref_mut()?)
    }

    pub(super) fn into_bytes(self) -> Bytes {
        let len = self.written * size_of::<T>();
        match self.buffer {
            Some(mut buffer) => {
                buffer.truncate(len);
                Bytes::Buffer(buffer)
            }
            None => Bytes::Vec(Vec::new()),
        }
    }
}

impl<T: Element> std::fmt::Debug for OutBuf<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OutBuf({} of {} written)", self.written, self.capacity)
    }
}

/// The caller's buffer with what it holds: `[in, out]`.
pub struct InOutBuf<'m, T: Element = u8> {
    buffer: Buffer,
    /// In elements.
    len: usize,
    call: PhantomData<&'m [T]>,
}

impl<'m, T: Element> InOutBuf<'m, T> {
    /// Takes the caller's bytes over, with a copy only where they have no memory of their own.
    pub(super) fn new(call: &IncomingCall, bytes: Held<'_>) -> Result<Self, Fault> {
        let buffer = match bytes {
            Held::Buffer(buffer) => buffer,
            Held::Bytes(bytes) => {
                let no_memory = |_| Fault::Busy;
                let mut buffer = call.buffer(bytes.len()).map_err(no_memory)?;
                buffer.copy_from_slice(bytes);
                buffer
            }
        };
        let len = buffer.len() / size_of::<T>();
        Ok(InOutBuf { buffer, len, call: PhantomData })
    }

    /// How many elements the buffer holds.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What the caller sent, and what was changed of it.
    pub fn as_slice(&mut self) -> &[T] {
        self.as_mut_slice()
    }

    /// The same, to be changed in place.
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        let len = self.len;
        element::from_bytes_mut(&mut self.buffer)
            .and_then(|all| all.get_mut(..len))
            .unwrap_or_default()
    }

    /// Sends back only the first `len` elements; the rest of the caller's buffer stays as it was.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    pub(super) fn into_bytes(mut self) -> Bytes {
        self.buffer.truncate(self.len * size_of::<T>());
        Bytes::Buffer(self.buffer)
    }
}

impl<T: Element> std::fmt::Debug for InOutBuf<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "InOutBuf({} elements)", self.len)
    }
}

/// A bulk argument that is to be changed.
pub(super) enum Held<'m> {
    Buffer(Buffer),
    Bytes(&'m [u8]),
}
