//! One call on the server: arguments out of the message, results into the reply.

use std::borrow::Cow;
use std::ops::Deref;
use std::os::fd::OwnedFd;

use alpc_transport::{
    Bytes, Cancellation, Chain, Deadline, Element, InPart, IncomingCall, PeerIdentity, Region,
    Travelled, element,
};
use serde::Deserialize;

use super::buffers::Held;
use super::{Connection, Deferral, InOutBuf, Incoming, OutBuf, Reply, Sent};
use crate::client::CALL_TIMEOUT;
use crate::decode::ValueReader;
use crate::descriptor::MethodDesc;
use crate::error::Fault;
use crate::handle::{Handle, Kind};
use crate::object::Reference;
use crate::scope::{self, Luggage};
use crate::status::place;
use crate::stream::{Format, Stream};
use crate::view::View;
use crate::wire::{Decoded, Optional};

/// A call that has come in, before its arguments are read.
pub struct ServerCall<'m> {
    incoming: Incoming<'m>,
    connection: Connection<'m>,
    method: &'static MethodDesc,
    outcome: &'m mut Outcome,
}

/// How far a call got, and what came of it.
#[derive(Default)]
pub(super) struct Outcome {
    /// All arguments were read: from here on the handler may have run.
    pub(super) begun: bool,
    pub(super) sent: Option<Sent>,
}

impl<'m> ServerCall<'m> {
    pub(super) fn new(
        incoming: Incoming<'m>,
        connection: Connection<'m>,
        method: &'static MethodDesc,
        outcome: &'m mut Outcome,
    ) -> Self {
        ServerCall { incoming, connection, method, outcome }
    }

    /// The number of the method that is called.
    pub fn ordinal(&self) -> u64 {
        self.method.ordinal
    }

    /// What the handler is told, what it is given, and where its results go.
    pub fn parts(self) -> (Call<'m>, Arguments<'m>, Reply<'m>) {
        let ServerCall { incoming, connection, method, outcome } = self;
        let Incoming { call, values, parts, travelled, luggage, .. } = incoming;
        let Outcome { begun, sent } = outcome;
        let context = Call { call, connection, method, travelled };
        let values = ValueReader::new(values);
        let arguments = Arguments { call, method, values, parts, rooms: 0, luggage, begun };
        let reply = Reply::new(call.port().limits().max_argument_len, connection.link(), sent);
        (context, arguments, reply)
    }
}

impl<'m> ServerCall<'m> {
    /// As [`parts`](ServerCall::parts), for a handler that answers later.
    pub fn parts_later(self) -> (Call<'m>, Arguments<'m>, Deferral<'m>) {
        let ServerCall { incoming, connection, method, outcome } = self;
        let Incoming { call, values, parts, travelled, luggage, .. } = incoming;
        let context = Call { call, connection, method, travelled };
        let values = ValueReader::new(values);
        let begun = &mut outcome.begun;
        let arguments = Arguments { call, method, values, parts, rooms: 0, luggage, begun };
        (context, arguments, Deferral::new(call, connection.link(), method))
    }
}

impl std::fmt::Debug for ServerCall<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServerCall").field("method", &self.method.name).finish_non_exhaustive()
    }
}

pub(crate) fn part_bytes<'m>(call: &'m IncomingCall, part: &'m InPart) -> &'m [u8] {
    match part {
        InPart::Message(range) => call.message().get(range.clone()).unwrap_or(&[]),
        InPart::Bytes(bytes) => bytes.as_slice(),
        _ => &[],
    }
}

/// What a handler may know about the call that it runs.
pub struct Call<'m> {
    call: &'m IncomingCall,
    connection: Connection<'m>,
    method: &'static MethodDesc,
    travelled: Vec<Travelled>,
}

impl<'m> Call<'m> {
    /// Who calls, as the kernel says. It was found out when the connection was made.
    pub fn peer(&self) -> &'m PeerIdentity {
        self.connection.peer()
    }

    /// When the caller stops waiting. Work that goes on longer is for nothing.
    pub fn deadline(&self) -> Deadline {
        self.call.deadline()
    }

    /// Whether nobody waits for the call any more: its caller gave it up or is gone, or its deadline
    /// has passed. A handler that works for long looks now and then; what it has done so far is its
    /// own to undo.
    pub fn is_cancelled(&self) -> bool {
        self.call.is_cancelled() || self.call.port().closed().is_some()
    }

    /// What fires when nobody waits for the call any more, for a method that is `[cancellable]`: to be
    /// waited for, to be told by, or to be given to the calls that the handler makes itself
    /// ([`Client::with_cancel`](crate::Client::with_cancel)), which then end with this one.
    ///
    /// For any other method it never fires: what such a method has begun it is to finish.
    pub fn cancellation(&self) -> Cancellation {
        match self.method.cancellable {
            true => self.call.cancellation(),
            false => Cancellation::never(),
        }
    }

    /// Runs `work`, which is going to wait for something that is not this machine's CPU: a device, a
    /// lock, another server. The thread does not count meanwhile among those that
    /// [`ServerBuilder::concurrency`](crate::ServerBuilder::concurrency) limits, so that another
    /// worker, if there is one, takes the next call. Where nothing is limited this changes nothing.
    pub fn blocking<T>(&self, work: impl FnOnce() -> T) -> T {
        self.call.port().blocking(work)
    }

    /// What the handler's calls descend from, to be taken along by work that it hands to other
    /// threads: what they do inside of [`Chain::run`] belongs to this call as what the handler does.
    /// `None` for a one-way call, for which nobody waits.
    pub fn chain(&self) -> Option<Chain> {
        self.call.chain()
    }

    /// The method's name on the wire.
    pub fn method(&self) -> &'static str {
        self.method.name
    }

    /// How each bulk argument that did not fit beside the small ones travelled, in order.
    pub fn bulk(&self) -> &[Travelled] {
        &self.travelled
    }

    /// Memory of `len` bytes to fill in place for a `[view]` result: `Blob::from(region)` is sent to
    /// this caller without a copy, and the memory is used again when the caller lets go of it.
    ///
    /// # Errors
    ///
    /// When the regions that the caller holds leave no room for it.
    pub fn region(&self, len: usize) -> Result<Region, alpc_transport::Error> {
        self.call.port().region(len)
    }

    /// The connection that the call came through, which the server can give a context of its own.
    pub fn connection(&self) -> Connection<'m> {
        self.connection
    }
}

impl std::fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.method.name)
            .field("peer", self.peer())
            .finish_non_exhaustive()
    }
}

/// The arguments of a call, read in the order of the interface.
pub struct Arguments<'m> {
    call: &'m IncomingCall,
    method: &'static MethodDesc,
    values: ValueReader<'m>,
    /// Bulk arguments that have not been read.
    parts: &'m mut [InPart],
    /// Rooms that have been handed out.
    rooms: usize,
    luggage: Luggage,
    /// To be set when all of them have been read.
    begun: &'m mut bool,
}

impl<'m> Arguments<'m> {
    /// Whether nothing is left: an older client did not send the arguments that follow.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The next argument.
    ///
    /// # Errors
    ///
    /// When it is not what the interface says; as with all that follow.
    pub fn value<T: Deserialize<'m>>(&mut self, name: &'static str) -> Result<T, Fault> {
        let values = &mut self.values;
        Ok(scope::receiving(&mut self.luggage, || values.value(name))?)
    }

    /// The next argument: a handle of kind `K`, with the rights of which `RIGHTS` are the bits.
    ///
    /// # Errors
    ///
    /// When none came along, or another one.
    pub fn handle<K: Kind, const RIGHTS: u8>(
        &mut self,
        name: &'static str,
    ) -> Result<OwnedFd, Fault> {
        Ok(self.value::<Decoded<Handle<K, RIGHTS>, OwnedFd>>(name)?.value)
    }

    /// The next argument: a handle or none.
    ///
    /// # Errors
    ///
    /// As [`handle`](Arguments::handle).
    pub fn optional_handle<K: Kind, const RIGHTS: u8>(
        &mut self,
        name: &'static str,
    ) -> Result<Option<OwnedFd>, Fault> {
        Ok(self.value::<Decoded<Optional<Handle<K, RIGHTS>>, Option<OwnedFd>>>(name)?.value)
    }

    /// The next argument: `bytes`.
    ///
    /// # Errors
    ///
    /// When it is not what the interface says.
    pub fn bytes(&mut self, name: &'static str) -> Result<&'m [u8], Fault> {
        match self.place(name)? {
            None => Ok(self.values.value(name)?),
            Some(part) => {
                if let InPart::View(view) = part {
                    // A handler's slice must not change while it looks.
                    *part = InPart::Bytes(Bytes::Vec(view.to_vec()));
                }
                Ok(part_bytes(self.call, part))
            }
        }
    }

    /// The next argument: a `string`.
    ///
    /// # Errors
    ///
    /// When it is not what the interface says.
    pub fn text(&mut self, name: &'static str) -> Result<&'m str, Fault> {
        let bytes = self.bytes(name)?;
        std::str::from_utf8(bytes).map_err(|_| bad(name, "is not UTF-8"))
    }

    /// The next argument: a raw list.
    ///
    /// # Errors
    ///
    /// When it is not what the interface says.
    pub fn raw<T: Element>(&mut self, name: &'static str) -> Result<RawSlice<'m, T>, Fault> {
        let bytes = self.bytes(name)?;
        if !bytes.len().is_multiple_of(size_of::<T>()) {
            return Err(bad(name, "ends inside an element"));
        }
        Ok(RawSlice(element::from_bytes(bytes)))
    }

    /// The next argument: a view.
    ///
    /// # Errors
    ///
    /// When it is not what the interface says.
    pub fn view(&mut self, name: &'static str) -> Result<View, Fault> {
        let Some(part) = self.place(name)? else {
            let bytes: &[u8] = self.values.value(name)?;
            return Ok(View::new(Bytes::Vec(bytes.to_vec())));
        };
        match std::mem::replace(part, InPart::Message(0..0)) {
            InPart::Bytes(bytes) => Ok(View::new(bytes)),
            InPart::View(view) => Ok(View::lent(view)),
            part => Ok(View::new(Bytes::Vec(part_bytes(self.call, &part).to_vec()))),
        }
    }

    /// The next argument: a buffer of the caller's to fill, of at most `max` elements.
    ///
    /// # Errors
    ///
    /// When there is none, or it is longer.
    pub fn out<T: Element>(
        &mut self,
        name: &'static str,
        max: u64,
    ) -> Result<OutBuf<'m, T>, Fault> {
        let capacity = self.room::<T>(name, max)?;
        Ok(OutBuf::new(self.call, capacity))
    }

    /// As [`out`](Arguments::out), for a handler that answers later.
    ///
    /// # Errors
    ///
    /// When there is none, or it is longer.
    pub fn out_later<T: Element>(
        &mut self,
        name: &'static str,
        max: u64,
    ) -> Result<OutBuf<'static, T>, Fault> {
        let index = self.rooms;
        let capacity = self.room::<T>(name, max)?;
        let room = self.call.room(index).ok_or_else(|| bad(name, "was left out"))?;
        Ok(OutBuf::owned(room, capacity))
    }

    /// The next argument: a buffer of the caller's to change, of at most `max` elements.
    ///
    /// # Errors
    ///
    /// When there is none, or it is longer.
    pub fn in_out<T: Element>(
        &mut self,
        name: &'static str,
        max: u64,
    ) -> Result<InOutBuf<'static, T>, Fault> {
        self.room::<T>(name, max)?;
        let part = self.next_part(name)?;
        match std::mem::replace(part, InPart::Message(0..0)) {
            InPart::Bytes(Bytes::Buffer(buffer)) => InOutBuf::new(self.call, Held::Buffer(buffer)),
            InPart::View(view) => InOutBuf::new(self.call, Held::Bytes(&view.to_vec())),
            part => InOutBuf::new(self.call, Held::Bytes(part_bytes(self.call, &part))),
        }
    }

    /// The next argument: a stream.
    ///
    /// # Errors
    ///
    /// When none came along.
    pub fn stream<T, E>(
        &mut self,
        name: &'static str,
        format: Format<T, E>,
    ) -> Result<Stream<T, E>, Fault> {
        let number = self.values.value(name)?;
        let object = self.luggage.take_object(number).map_err(|what| bad(name, what))?;
        let Reference::Theirs(target) = object else {
            return Err(bad(name, "is an object of the receiver's"));
        };
        let patience = self.method.timeout.unwrap_or(CALL_TIMEOUT);
        Ok(Stream::new(target, format, Some(patience), self.method.name))
    }

    /// Ends the arguments. What is left over is a newer client's.
    ///
    /// # Errors
    ///
    /// None in this version.
    pub fn finish(self) -> Result<(), Fault> {
        *self.begun = true;
        Ok(())
    }

    /// Where the next bulk argument is: among the values, or apart.
    fn place(&mut self, name: &'static str) -> Result<Option<&'m mut InPart>, Fault> {
        match self.values.value::<u8>(name)? {
            place::HERE => Ok(None),
            place::APART => self.next_part(name).map(Some),
            _ => Err(bad(name, "is in a place that does not exist")),
        }
    }

    fn next_part(&mut self, name: &'static str) -> Result<&'m mut InPart, Fault> {
        let parts = std::mem::take(&mut self.parts);
        let (part, rest) = parts.split_first_mut().ok_or_else(|| bad(name, "was left out"))?;
        self.parts = rest;
        Ok(part)
    }

    fn room<T: Element>(&mut self, name: &'static str, max: u64) -> Result<usize, Fault> {
        let room = self.call.rooms().nth(self.rooms).ok_or_else(|| bad(name, "was left out"))?;
        self.rooms += 1;
        let size = size_of::<T>() as u64;
        if !room.is_multiple_of(size) {
            return Err(bad(name, "ends inside an element"));
        }
        let len = usize::try_from(room / size).unwrap_or(usize::MAX);
        match size {
            1 => crate::bound::bytes(name, len, 0, max)?,
            _ => crate::bound::len(name, len, 0, max)?,
        }
        usize::try_from(room / size).map_err(|_| bad(name, "is too long"))
    }
}

impl std::fmt::Debug for Arguments<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arguments").field("values", &self.values).finish_non_exhaustive()
    }
}

fn bad(name: &str, what: &str) -> Fault {
    Fault::BadArguments { what: format!("`{name}` {what}") }
}

/// A raw list: numbers in place where they lie aligned, a copy elsewhere.
#[derive(Debug)]
pub struct RawSlice<'m, T: Element>(Cow<'m, [T]>);

impl<T: Element> Deref for RawSlice<'_, T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}
