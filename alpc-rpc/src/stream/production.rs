//! The end of a stream that answers whoever asks for items.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use alpc_transport::{Bytes, ErrorKind, IncomingCall, Reply as Answer};

use super::batch::{Batch, NoRoom, Written};
use super::items::{End, Next, Source};
use super::sink::Line;
use super::{Format, Want};
use crate::encode::EncodeError;
use crate::error::Fault;
use crate::object::{Exported, Link, ROOT, open};
use crate::outgoing::Outgoing;
use crate::report::report;
use crate::server::{message_of, with_long_body};
use crate::status;

/// How long items are gathered for one answer, once there is one.
const GATHERING: Duration = Duration::from_millis(1);

/// A question for items that has come in.
pub(crate) struct Asked {
    call: IncomingCall,
    /// Weak, since a question may wait for as long as its connection lives.
    link: Weak<Link>,
    want: Want,
}

/// What the other side holds of a stream. When it lets go of it, the stream ends.
pub(crate) struct StreamEnd(Arc<dyn Produce>);

/// A stream, whatever its items.
trait Produce: Send + Sync {
    fn ask(self: Arc<Self>, asked: Asked);
    fn take_apart(&self) -> Option<Vec<u8>>;
    fn stop(&self);
}

impl StreamEnd {
    pub(super) fn new<T: Send + 'static, E: Send + 'static>(
        production: Arc<Production<T, E>>,
    ) -> StreamEnd {
        StreamEnd(production)
    }
}

impl Drop for StreamEnd {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Answers a question for items, now or when there are some.
pub(crate) fn serve_next(call: IncomingCall, link: &Arc<Link>) {
    if !call.wants_reply() {
        return;
    }
    match find(&call, link) {
        Ok((end, want)) => {
            let asked = Asked { call, link: Arc::downgrade(link), want };
            end.0.clone().ask(asked);
        }
        Err(fault) => refuse(call, &fault),
    }
}

/// The stream that a question is for, and what is asked.
fn find(call: &IncomingCall, link: &Arc<Link>) -> Result<(Arc<StreamEnd>, Want), Fault> {
    let (end, values) = find_stream(call, link)?;
    Ok((end, Want::read(values)?))
}

/// The stream that a call is for, and what the call says.
fn find_stream<'c>(
    call: &'c IncomingCall,
    link: &Arc<Link>,
) -> Result<(Arc<StreamEnd>, &'c [u8]), Fault> {
    let malformed = |what: &str| Fault::BadArguments { what: what.to_owned() };
    let (values, envelope) = open(call.body(), call.tag() & status::ENVELOPE != 0)
        .ok_or_else(|| malformed("the envelope is broken"))?;
    // A question refers to nothing; what this one does all the same is released here.
    drop(link.resolve(&envelope, true).map_err(malformed)?);
    let missing = "the stream was let go of, or never given to this caller";
    let found = link.find(envelope.object, true).ok_or_else(|| malformed(missing))?;
    match found {
        Exported::Stream(end) => Ok((end, values)),
        // Its question would hold a thread here for as long as it waits.
        Exported::Forwarder(_) => {
            Err(malformed("a stream is not passed on by a process that handed its object on"))
        }
        _ => Err(malformed("what is asked for items is no stream")),
    }
}

/// Puts the item that was left apart where whoever fetches it wants it.
pub(crate) fn serve_fetch(call: IncomingCall, link: &Arc<Link>) {
    if !call.wants_reply() {
        return;
    }
    let nothing = || Fault::BadArguments { what: "there is no item to be fetched".to_owned() };
    let found = find_stream(&call, link);
    let item = found.and_then(|(end, _)| end.0.take_apart().ok_or_else(nothing));
    let item = match item {
        Ok(item) => Bytes::Vec(item),
        Err(fault) => return refuse(call, &fault),
    };
    let len = item.as_slice().len() as u64;
    let answer = match call.rooms().next() {
        Some(room) if room >= len => Answer { outs: vec![item], ..Answer::default() },
        _ => Answer { results: vec![item], ..Answer::default() },
    };
    // Whoever fetched it and cannot get it sees why, or is gone.
    if let Err((error, Some(call))) = call.reply(answer) {
        refuse(call, &Fault::BadReply { what: error.to_string() });
    }
}

/// If that cannot be sent, whoever asked is gone.
fn refuse(call: IncomingCall, fault: &Fault) {
    let body = fault.text().as_bytes().to_vec();
    let _gone = call.reply(Answer { status: fault.code(), body, ..Answer::default() });
}

/// Where the items of one stream come from, and how far it got.
pub(super) struct Production<T, E> {
    format: Format<T, E>,
    line: Option<Arc<Line<T, E>>>,
    progress: Mutex<Progress<T, E>>,
}

type Items<T, E> = Box<dyn Iterator<Item = Result<T, E>> + Send>;

struct Progress<T, E> {
    /// Out while it runs.
    iterator: Option<Items<T, E>>,
    /// An item that had no room in the last answer.
    left_over: Option<Written>,
    /// One that the last answer spoke of, and that is to be fetched.
    apart: Option<Vec<u8>>,
    /// Of the last question.
    number: u64,
    /// Whether that has not been answered.
    is_asked: bool,
    is_over: bool,
}

/// What came of gathering items for an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Gathered {
    Some,
    /// There are none yet.
    Nothing,
}

impl<T: Send + 'static, E: Send + 'static> Produce for Production<T, E> {
    fn ask(self: Arc<Self>, asked: Asked) {
        let mut progress = self.lock();
        let want = asked.want;
        let is_next = !progress.is_asked && progress.number.checked_add(1) == Some(want.number);
        if is_next && want.items > 0 && !progress.is_over {
            progress.number = want.number;
            progress.is_asked = true;
            let skipped = progress.apart.take();
            drop(progress);
            drop(skipped);
            return self.answer(asked);
        }
        let was_over = progress.is_over;
        drop(progress);
        let what = if was_over {
            "the stream is over"
        } else {
            // Whoever breaks the rules of a stream has none.
            self.stop();
            "items were asked for out of turn"
        };
        refuse(asked.call, &Fault::BadArguments { what: what.to_owned() });
    }

    fn take_apart(&self) -> Option<Vec<u8>> {
        self.lock().apart.take()
    }

    fn stop(&self) {
        self.stop();
    }
}

impl<T, E> Production<T, E> {
    pub(super) fn new(format: Format<T, E>, source: Source<T, E>) -> Self {
        let (iterator, line) = match source {
            Source::Iterator(iterator) => (Some(iterator), None),
            Source::Line(line) => (None, Some(line)),
        };
        let (left_over, apart, number, is_asked, is_over) = (None, None, 0, false, false);
        let progress = Progress { iterator, left_over, apart, number, is_asked, is_over };
        Production { format, line, progress: Mutex::new(progress) }
    }

    pub(super) fn line(&self) -> Option<&Arc<Line<T, E>>> {
        self.line.as_ref()
    }

    fn lock(&self) -> MutexGuard<'_, Progress<T, E>> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nobody takes items any more, or nobody may.
    fn stop(&self) {
        let mut progress = self.lock();
        progress.is_over = true;
        let gone = (progress.iterator.take(), progress.left_over.take());
        let unfetched = progress.apart.take();
        drop(progress);
        drop(unfetched);
        self.discard(gone);
    }

    /// Drops what made the items. That is the user's own `Drop`, on a thread that others need.
    fn discard(&self, gone: (Option<Items<T, E>>, Option<Written>)) {
        let discard = || {
            drop(gone);
            if let Some(line) = &self.line {
                line.cancel();
            }
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(discard)) {
            let message = message_of(&*panic);
            report(format_args!("dropping the items of a stream panicked ({message})"));
        }
    }

    /// Answers the question that is open, or has it wait until there is something.
    pub(super) fn answer(&self, mut asked: Asked) {
        loop {
            let mut batch = Batch::new(asked.want, asked.call.port().limits().max_handles);
            if self.gather(&mut batch) == Gathered::Some {
                return self.send(asked, batch);
            }
            let Some(line) = self.line.as_ref().filter(|_| !self.lock().is_over) else {
                return refuse(asked.call, &Fault::Cancelled);
            };
            match line.park(asked) {
                None => return,
                Some(again) => asked = again,
            }
        }
    }

    /// Takes items from the source as long as there is room for them.
    pub(super) fn gather(&self, batch: &mut Batch) -> Gathered {
        let (iterator, left_over) = {
            let mut progress = self.lock();
            (progress.iterator.take(), progress.left_over.take())
        };
        let mut source = Taking { production: self, iterator, left_over };
        let gathered = catch_unwind(AssertUnwindSafe(|| source.gather(batch)));
        let is_last = gathered.unwrap_or_else(|panic| {
            let message = message_of(&*panic);
            report(format_args!("making the items of a stream panicked ({message})"));
            batch.fault(&Fault::HandlerPanicked);
            true
        });
        let has_some = is_last || !batch.is_empty();

        let Taking { iterator, left_over, .. } = source;
        let mut rest = (iterator, left_over);
        let mut progress = self.lock();
        progress.is_asked = !has_some;
        progress.is_over |= is_last;
        let is_over = progress.is_over;
        if !is_over {
            (progress.iterator, progress.left_over) = std::mem::take(&mut rest);
        }
        drop(progress);
        if is_over {
            self.discard(rest);
        }
        if has_some { Gathered::Some } else { Gathered::Nothing }
    }

    /// Sends what was gathered. If that cannot be, the stream is over.
    fn send(&self, asked: Asked, batch: Batch) {
        let Asked { call, link, .. } = asked;
        // Without a connection nobody waits.
        let Some(link) = link.upgrade() else { return };
        let Batch { mut body, long, apart, outgoing, .. } = batch;
        // Before anybody can hear of it. A stream that was let go of meanwhile keeps nothing.
        let mut progress = self.lock();
        progress.apart = apart.filter(|_| !progress.is_over);
        drop(progress);
        let sealed = match outgoing.seal(&link, ROOT, &mut body) {
            Ok(sealed) => sealed,
            Err(error) => {
                self.stop();
                return refuse(call, &Fault::BadReply { what: error.to_string() });
            }
        };
        let Outgoing { handles, objects: references } = outgoing;
        let results = long.into_iter().map(Bytes::Vec).collect();
        let tag = u64::from(sealed.tag);
        let answer = Answer { tag, body, results, handles, ..Answer::default() };
        let Err((error, call)) = call.reply(with_long_body(answer)) else {
            return link.count_unanswered(&references);
        };
        link.take_back(&sealed.numbered);
        self.stop();
        if let Some(call) = call {
            let what = error.to_string();
            let fault = match error.kind() {
                ErrorKind::TooLarge { .. } => Fault::ReplyTooLong { what },
                _ => Fault::BadReply { what },
            };
            refuse(call, &fault);
        }
    }
}

/// What the items of one answer are taken from.
struct Taking<'p, T, E> {
    production: &'p Production<T, E>,
    iterator: Option<Items<T, E>>,
    left_over: Option<Written>,
}

impl<T, E> Taking<'_, T, E> {
    /// `true`: the stream ends with this answer.
    fn gather(&mut self, batch: &mut Batch) -> bool {
        if let Some(item) = self.left_over.take()
            && !self.add(batch, item)
        {
            return false;
        }
        let begun = Instant::now();
        while !batch.is_full() {
            match self.next() {
                None => return false,
                Some(Next::Item(item)) => match self.write(&item) {
                    Ok(item) => {
                        if !self.add(batch, item) {
                            return false;
                        }
                    }
                    Err(fault) => {
                        batch.fault(&fault);
                        return true;
                    }
                },
                Some(Next::End(end)) => {
                    self.end(end, batch);
                    return true;
                }
            }
            if begun.elapsed() >= GATHERING {
                return false;
            }
        }
        false
    }

    fn next(&mut self) -> Option<Next<T, E>> {
        if let Some(line) = &self.production.line {
            return line.take();
        }
        Some(match self.iterator.as_mut()?.next() {
            Some(Ok(item)) => Next::Item(item),
            Some(Err(error)) => Next::End(End::Error(error)),
            None => Next::End(End::Finished),
        })
    }

    /// `false`: it has to wait for the next answer.
    fn add(&mut self, batch: &mut Batch, item: Written) -> bool {
        match batch.push(item) {
            Ok(()) => true,
            Err(NoRoom(item)) => {
                self.left_over = Some(item);
                false
            }
        }
    }

    fn write(&self, item: &T) -> Result<Written, Fault> {
        let format = &self.production.format;
        (format.check)(item)?;
        written(|outgoing, bytes, limit| (format.write)(item, outgoing, bytes, limit))
    }

    fn end(&self, end: End<E>, batch: &mut Batch) {
        let write = self.production.format.write_error;
        match end {
            End::Finished => batch.finish(),
            End::Fault(fault) => batch.fault(&fault),
            End::Error(error) => {
                match written(|outgoing, bytes, limit| write(&error, outgoing, bytes, limit)) {
                    Ok(error) => batch.fail(error),
                    Err(fault) => batch.fault(&fault),
                }
            }
        }
    }
}

fn written(
    write: impl FnOnce(&mut Outgoing, &mut Vec<u8>, usize) -> Result<(), EncodeError>,
) -> Result<Written, Fault> {
    let mut written = Written::new();
    // What is too long for this connection is found out when it is sent.
    write(&mut written.outgoing, &mut written.bytes, usize::MAX)?;
    Ok(written)
}
