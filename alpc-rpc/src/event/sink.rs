//! Where a subscriber's events arrive, and wait for it in order.

#[cfg(feature = "async")]
mod task;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use alpc_transport::Deadline;

use crate::decode::ValueReader;
use crate::descriptor::EventDesc;
use crate::scope::Luggage;

/// Events that wait for their subscriber.
const MOST_EVENTS: usize = 1024;
/// Their bytes.
const MOST_BYTES: usize = 4 << 20;
/// Events that have come before others that were sent earlier. Only as many as there are threads to
/// take them up can overtake one another.
const MOST_EARLY: usize = 64;
/// How long to wait for one that was overtaken. It comes at once, unless the events come through a
/// third process, which may have had no room for it.
const GAP_PATIENCE: Duration = Duration::from_millis(100);

/// The queue between the threads that events come in by and the one that wants them.
#[derive(Default)]
pub(crate) struct Sink {
    queue: Mutex<Queue>,
    news: Condvar,
}

#[derive(Default)]
struct Queue {
    /// The number of the last event that was put in its place.
    last: u64,
    early: BTreeMap<u64, Arrived>,
    ready: VecDeque<Arrived>,
    /// Of what is ready.
    bytes: usize,
    /// Events that were missed since the last one that is ready.
    missed: u64,
    ended: bool,
    /// The task that waits for the next one, if one does.
    waker: Option<Waker>,
    #[cfg(feature = "async")]
    gap: task::Gap,
}

/// An event that has come.
pub(crate) struct Arrived {
    pub(crate) ordinal: u64,
    /// Its arguments, encoded.
    pub(crate) arguments: Vec<u8>,
    pub(crate) luggage: Luggage,
    /// How many were missed before it.
    pub(crate) missed: u64,
}

/// What a wait for an event ends with.
pub(crate) enum Waited {
    Event(Arrived),
    /// No more will come.
    Ended,
    TimedOut,
}

/// The ordinal of an event that its subscriber does not know. No event has it.
pub(crate) const UNRECOGNIZED: u64 = 0;

/// The end of a sink that the other side holds. When it is let go of, no more events come.
pub(crate) struct SinkEnd {
    sink: Arc<Sink>,
    /// Those that the subscriber knows.
    events: &'static [EventDesc],
}

impl SinkEnd {
    pub(crate) fn new(sink: Arc<Sink>, events: &'static [EventDesc]) -> SinkEnd {
        SinkEnd { sink, events }
    }

    /// Whether the subscriber knows an event of this number.
    pub(crate) fn knows(&self, ordinal: u64) -> bool {
        self.events.iter().any(|event| event.ordinal == ordinal)
    }

    /// Takes an event in. Says what is wrong with one that is none.
    pub(crate) fn arrive(
        &self,
        ordinal: u64,
        body: &[u8],
        luggage: Luggage,
    ) -> Result<(), &'static str> {
        let mut values = ValueReader::new(body);
        let mut number = || values.value::<u64>("number").map_err(|_| "an event has no number");
        let (number, missed) = (number()?, number()?);
        let arguments = values.rest().to_vec();
        let arrived = Arrived { ordinal, arguments, luggage, missed };
        // What cannot be kept is dropped after the lock: its luggage may send messages.
        let _dropped = self.sink.put(number, arrived);
        Ok(())
    }
}

impl Drop for SinkEnd {
    fn drop(&mut self) {
        let mut queue = self.sink.lock();
        queue.ended = true;
        self.sink.tell(queue);
    }
}

impl Sink {
    fn put(&self, number: u64, arrived: Arrived) -> Vec<Arrived> {
        let mut queue = self.lock();
        if number <= queue.last {
            return vec![arrived];
        }
        let mut dropped: Vec<_> = queue.early.insert(number, arrived).into_iter().collect();
        queue.line_up(&mut dropped);
        if queue.early.len() > MOST_EARLY {
            queue.skip_gap(&mut dropped);
        }
        self.tell(queue);
        dropped
    }

    /// Has whoever waits look again.
    fn tell(&self, mut queue: MutexGuard<'_, Queue>) {
        let waker = queue.waker.take();
        drop(queue);
        self.news.notify_all();
        waker.into_iter().for_each(Waker::wake);
    }

    /// Waits for the next event. What it had to drop on the way is dropped by then.
    pub(crate) fn wait(&self, deadline: Deadline) -> Waited {
        let mut gap_since = None;
        let mut dropped = Vec::new();
        let mut queue = self.lock();
        loop {
            if let Some(arrived) = queue.take() {
                return Waited::Event(arrived);
            }
            let mut patience = deadline.remaining();
            if queue.early.is_empty() {
                if queue.ended {
                    return Waited::Ended;
                }
                gap_since = None;
            } else {
                let waited = gap_since.get_or_insert_with(Instant::now).elapsed();
                if queue.ended || waited >= GAP_PATIENCE {
                    queue.skip_gap(&mut dropped);
                    continue;
                }
                let rest = GAP_PATIENCE - waited;
                patience = Some(patience.map_or(rest, |patience| patience.min(rest)));
            }
            if deadline.is_past() {
                return Waited::TimedOut;
            }
            queue = match patience {
                None => self.news.wait(queue).unwrap_or_else(PoisonError::into_inner),
                Some(patience) => {
                    let waited = self.news.wait_timeout(queue, patience);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn take(&mut self) -> Option<Arrived> {
        let arrived = self.ready.pop_front()?;
        self.bytes -= arrived.arguments.len();
        Some(arrived)
    }

    /// Makes those ready whose turn it is.
    fn line_up(&mut self, dropped: &mut Vec<Arrived>) {
        while let Some(entry) = self.early.first_entry() {
            if *entry.key() != self.last + 1 {
                return;
            }
            let mut arrived = entry.remove();
            self.last += 1;
            let bytes = self.bytes + arrived.arguments.len();
            self.missed = self.missed.saturating_add(arrived.missed);
            if self.ready.len() >= MOST_EVENTS || bytes > MOST_BYTES {
                self.missed = self.missed.saturating_add(1);
                dropped.push(arrived);
                continue;
            }
            self.bytes = bytes;
            arrived.missed = std::mem::take(&mut self.missed);
            self.ready.push_back(arrived);
        }
    }

    /// Gives up those that should have come before the first that has.
    fn skip_gap(&mut self, dropped: &mut Vec<Arrived>) {
        if let Some((&first, _)) = self.early.first_key_value() {
            self.missed = self.missed.saturating_add(first - self.last - 1);
            self.last = first - 1;
            self.line_up(dropped);
        }
    }
}

#[cfg(test)]
mod tests;
