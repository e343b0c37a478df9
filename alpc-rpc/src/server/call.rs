//! One call on the server: arguments out of the message, results into the reply.

use std::borrow::Cow;
use std::ops::Deref;
use std::os::fd::OwnedFd;

use alpc_transport::{
    Bytes, Cancellation, Chain, Deadline, Element, InPart, IncomingCall, PeerIdentity, Region,
    Reply as Answer, Travelled, Way, element,
};
use serde::{Deserialize, Serialize};

use super::buffers::Held;
use super::{Connection, InOutBuf, Incoming, OutBuf, Sent};
use crate::client::{CALL_TIMEOUT, push_index, push_number, push_small};
use crate::decode::ValueReader;
use crate::descriptor::MethodDesc;
use crate::error::Fault;
use crate::handle::{Handle, Kind};
use crate::object::{Link, ROOT, Reference};
use crate::outgoing::Outgoing;
use crate::scope::{self, Luggage};
use crate::status::{self, place};
use crate::stream::{Format, Items, Stream};
use crate::view::{Blob, View};
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
        let reply = Reply {
            limit: call.port().limits().max_argument_len,
            body: Vec::with_capacity(64),
            outs: Vec::new(),
            results: Vec::new(),
            wish: None,
            wishes: Vec::new(),
            outgoing: Outgoing::new(),
            link: connection.link(),
            sent,
        };
        (context, arguments, reply)
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

    /// The next argument: a buffer of the caller's to change, of at most `max` elements.
    ///
    /// # Errors
    ///
    /// When there is none, or it is longer.
    pub fn in_out<T: Element>(
        &mut self,
        name: &'static str,
        max: u64,
    ) -> Result<InOutBuf<'m, T>, Fault> {
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
    pub fn stream<T>(&mut self, name: &'static str, format: Format<T>) -> Result<Stream<T>, Fault> {
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

/// The results of a call, written in the order of the interface: buffers first.
pub struct Reply<'m> {
    limit: usize,
    body: Vec<u8>,
    outs: Vec<Bytes>,
    results: Vec<Bytes>,
    /// The way that the next buffer or bulk result shall take.
    wish: Option<Way>,
    /// Of the buffers and results so far; none for those beyond its end.
    wishes: Vec<Option<Way>>,
    outgoing: Outgoing,
    link: &'m Link,
    sent: &'m mut Option<Sent>,
}

impl<'m> Reply<'m> {
    /// The next buffer or bulk result is to go this way, whatever its size, if it can. What lies in a
    /// section already stays there.
    pub fn via(&mut self, way: Way) {
        self.wish = Some(way);
    }

    /// Notes the wish, if there is one, for what is about to be added. Buffers come before results.
    fn note_wish(&mut self) {
        if let Some(way) = self.wish.take() {
            self.wishes.resize(self.outs.len() + self.results.len(), None);
            self.wishes.push(Some(way));
        }
    }

    /// The next buffer that the handler filled.
    pub fn out<T: Element>(&mut self, buffer: OutBuf<'m, T>) {
        self.note_wish();
        self.outs.push(buffer.into_bytes());
    }

    /// The next buffer that the handler changed.
    pub fn in_out<T: Element>(&mut self, buffer: InOutBuf<'m, T>) {
        self.note_wish();
        self.outs.push(buffer.into_bytes());
    }

    /// The next result.
    ///
    /// # Errors
    ///
    /// When it breaks a bound of the interface, or is too long.
    pub fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Fault> {
        Ok(self.outgoing.encode(value, &mut self.body, self.limit)?)
    }

    /// The next result: a handle, which the caller gets.
    pub fn handle(&mut self, handle: OwnedFd) {
        push_index(&mut self.body, self.outgoing.handles.len());
        self.outgoing.handles.push(handle);
    }

    /// The next result: a handle or none.
    pub fn optional_handle(&mut self, handle: Option<OwnedFd>) {
        self.body.push(u8::from(handle.is_some()));
        if let Some(handle) = handle {
            self.handle(handle);
        }
    }

    /// The next result: `bytes`.
    pub fn bytes(&mut self, value: Vec<u8>) {
        if value.len() <= status::SMALL && self.wish.is_none_or(|way| way == Way::Copy) {
            self.wish = None;
            self.body.push(place::HERE);
            push_small(&mut self.body, &value);
        } else {
            self.apart(Bytes::Vec(value));
        }
    }

    /// The next result: a `string`.
    pub fn text(&mut self, value: String) {
        self.bytes(value.into_bytes());
    }

    /// The next result: a raw list.
    #[expect(clippy::needless_pass_by_value, reason = "results are handed over, as all others are")]
    pub fn raw<T: Element>(&mut self, value: Vec<T>) {
        self.bytes(element::as_bytes(&value).to_vec());
    }

    /// The next result: the items of a stream, which the caller asks for.
    pub fn stream<T, E>(&mut self, items: Items<T, E>, format: Format<T, E>)
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        push_number(&mut self.body, self.outgoing.objects.len());
        self.outgoing.objects.push(items.into_reference(format));
    }

    /// The next result: a view of frozen bytes.
    pub fn blob(&mut self, value: Blob) {
        self.apart(value.into_bytes());
    }

    fn apart(&mut self, bytes: Bytes) {
        self.body.push(place::APART);
        self.note_wish();
        self.results.push(bytes);
    }

    /// Answers with the interface's own error instead.
    ///
    /// # Errors
    ///
    /// When the error cannot be encoded, or the caller holds as many objects as it may.
    pub fn error<E: Serialize>(mut self, error: &E) -> Result<(), Fault> {
        self.body.clear();
        self.outgoing = Outgoing::new();
        self.outs.clear();
        self.results.clear();
        self.wishes.clear();
        self.value(error)?;
        self.finish(status::APPLICATION_ERROR)
    }

    /// Answers with what was written.
    ///
    /// # Errors
    ///
    /// When the caller holds as many objects as it may.
    pub fn send(self) -> Result<(), Fault> {
        self.finish(0)
    }

    fn finish(self, status: u16) -> Result<(), Fault> {
        let Reply { mut body, outs, results, wishes, outgoing, link, sent, .. } = self;
        let sealed = outgoing.seal(link, ROOT, &mut body);
        let sealed = sealed.map_err(|error| Fault::BadReply { what: error.to_string() })?;
        let Outgoing { handles, objects: references } = outgoing;
        let tag = u64::from(sealed.tag);
        let answer = Answer { status, tag, body, outs, results, wishes, handles };
        let numbered = sealed.numbered;
        *sent = Some(Sent { answer: with_long_body(answer), references, numbered });
        Ok(())
    }
}

/// Moves a body that is too long for a message among the bulk results.
pub(crate) fn with_long_body(mut answer: Answer) -> Answer {
    if answer.body.len() > status::MAX_BODY {
        let body = std::mem::take(&mut answer.body);
        if answer.wishes.len() > answer.outs.len() {
            answer.wishes.insert(answer.outs.len(), None);
        }
        answer.results.insert(0, Bytes::Vec(body));
        answer.tag |= u64::from(status::LONG_BODY);
    }
    answer
}

impl std::fmt::Debug for Reply<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply").field("body", &self.body.len()).finish_non_exhaustive()
    }
}
