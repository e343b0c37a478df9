//! What a message carries beside its bytes, within reach of the values in it.
//!
//! A handle or an object may stand anywhere in a value: in a list inside a union inside a struct. Its
//! bytes are only a number, which counts in a table that travels with the message. serde hands a
//! value nothing but the bytes' reader or writer, so the table of the message at hand waits here,
//! with the thread, for exactly as long as one value is read or written. Whatever was there before
//! comes back afterwards, also when a panic passes through.

use std::cell::RefCell;
use std::os::fd::OwnedFd;

use crate::object::Reference;

thread_local! {
    static SCOPE: RefCell<Scope> = const { RefCell::new(Scope::Outside) };
}

/// What the values that this thread reads or writes belong to.
enum Scope {
    /// To no message: somebody encodes a value for another purpose.
    Outside,
    Sending(Packed),
    Receiving(Luggage),
}

/// What the value that is being written gives its message to carry.
#[derive(Default)]
pub(crate) struct Packed {
    /// How many handles the message had before.
    handles_before: usize,
    /// The same for objects.
    objects_before: usize,
    pub(crate) handles: Vec<OwnedFd>,
    pub(crate) objects: Vec<Reference>,
}

impl Packed {
    /// Begins a value of a message that carries so much already.
    pub(crate) fn after(handles: usize, objects: usize) -> Packed {
        Packed { handles_before: handles, objects_before: objects, ..Packed::default() }
    }
}

/// What came with a message. Each thing can be taken once; what nobody takes is closed or released
/// when the message is let go of.
#[derive(Default)]
pub(crate) struct Luggage {
    pub(crate) handles: Vec<Option<OwnedFd>>,
    pub(crate) objects: Vec<Option<Reference>>,
}

impl Luggage {
    fn is_empty(&self) -> bool {
        self.handles.is_empty() && self.objects.is_empty()
    }

    /// Takes the handle that a value's number stands for.
    pub(crate) fn take_handle(&mut self, number: u32) -> Result<OwnedFd, &'static str> {
        take(&mut self.handles, number).ok_or("the handle did not come along, or was read already")
    }

    /// Takes the object that a value's number stands for.
    pub(crate) fn take_object(&mut self, number: u32) -> Result<Reference, &'static str> {
        take(&mut self.objects, number).ok_or("the object did not come along, or was read already")
    }
}

fn take<T>(things: &mut [Option<T>], number: u32) -> Option<T> {
    things.get_mut(usize::try_from(number).ok()?)?.take()
}

/// Puts the thread's scope back when a value is done.
struct Restore(Option<Scope>);

// Nothing here depends on the type of the value: for each type of an interface the compiler would make
// all of it anew.
impl Restore {
    fn enter(scope: Scope) -> Restore {
        Restore(Some(SCOPE.replace(scope)))
    }

    /// Enters the scope of a message that came with `luggage`. `None`: there is no need to. Nearly all
    /// messages carry nothing.
    fn enter_with(luggage: &mut Luggage) -> Option<Restore> {
        if luggage.is_empty() && SCOPE.with_borrow(|scope| matches!(scope, Scope::Outside)) {
            return None;
        }
        Some(Restore::enter(Scope::Receiving(std::mem::take(luggage))))
    }

    fn leave_with(restore: Option<Restore>, luggage: &mut Luggage) {
        if let Some(restore) = restore
            && let Scope::Receiving(rest) = restore.leave()
        {
            *luggage = rest;
        }
    }

    fn leave_packed(self) -> Packed {
        match self.leave() {
            Scope::Sending(packed) => packed,
            _ => Packed::default(),
        }
    }

    fn leave(mut self) -> Scope {
        SCOPE.replace(self.0.take().unwrap_or(Scope::Outside))
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        if let Some(before) = self.0.take() {
            SCOPE.set(before);
        }
    }
}

/// Writes a value, and says what it gave the message to carry.
pub(crate) fn sending<R>(packed: Packed, write: impl FnOnce() -> R) -> (R, Packed) {
    let restore = Restore::enter(Scope::Sending(packed));
    let written = write();
    (written, restore.leave_packed())
}

/// Reads a value of the message that came with `luggage`.
pub(crate) fn receiving<R>(luggage: &mut Luggage, read: impl FnOnce() -> R) -> R {
    let restore = Restore::enter_with(luggage);
    let value = read();
    Restore::leave_with(restore, luggage);
    value
}

/// Gives the message a handle to carry; the number that stands for it.
pub(crate) fn pack_handle(handle: OwnedFd) -> Result<u32, &'static str> {
    pack(handle, |packed, handle| {
        packed.handles.push(handle);
        packed.handles_before + packed.handles.len()
    })
}

/// Gives the message an object to refer to; the number that stands for it.
pub(crate) fn pack_object(object: Reference) -> Result<u32, &'static str> {
    pack(object, |packed, object| {
        packed.objects.push(object);
        packed.objects_before + packed.objects.len()
    })
}

/// What cannot be packed is dropped after the scope is let go of: its `Drop` may send messages.
fn pack<T>(thing: T, add: impl FnOnce(&mut Packed, T) -> usize) -> Result<u32, &'static str> {
    let mut thing = Some(thing);
    let count = SCOPE.with_borrow_mut(|scope| match scope {
        Scope::Sending(packed) => thing.take().map(|thing| add(packed, thing)),
        _ => None,
    });
    let count =
        count.ok_or("handles and objects are sent in calls only, not encoded by themselves")?;
    u32::try_from(count - 1).map_err(|_| "a message cannot carry as much")
}

/// Takes the handle of this number out of the message that is being read.
pub(crate) fn unpack_handle(number: u32) -> Result<OwnedFd, &'static str> {
    unpack(|luggage| luggage.take_handle(number))
}

/// Takes the object of this number out of the message that is being read.
pub(crate) fn unpack_object(number: u32) -> Result<Reference, &'static str> {
    unpack(|luggage| luggage.take_object(number))
}

fn unpack<T>(
    take: impl FnOnce(&mut Luggage) -> Result<T, &'static str>,
) -> Result<T, &'static str> {
    SCOPE.with_borrow_mut(|scope| match scope {
        Scope::Receiving(luggage) => take(luggage),
        // A message that carries nothing.
        _ => Err("it did not come along with the message"),
    })
}

#[cfg(test)]
mod tests;
