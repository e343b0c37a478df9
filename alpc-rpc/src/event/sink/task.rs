//! How a task waits for events.
//!
//! It is woken by whoever brings one. Only an event that was overtaken and does not come has to be waited
//! for by the clock, which happens where events pass through a third process that had no room for one.
//! There is no timer to ask for that here, so a thread waits, for a tenth of a second at most, and for
//! one gap of a subscription at a time.

use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use super::{GAP_PATIENCE, Queue, Sink, Waited};

/// The gap before the first of the events that came early.
#[derive(Default)]
pub(super) struct Gap {
    /// A thread waits for it to close.
    is_minded: bool,
    /// It was waited for long enough: that behind the event of this number.
    over: Option<u64>,
}

impl Sink {
    /// As [`wait`](Sink::wait) without a deadline, in a task.
    pub(crate) fn poll(self: &Arc<Sink>, cx: &Context<'_>) -> Poll<Waited> {
        // A waker is foreign code, and so is what is dropped: both go when the lock is free.
        let waker = cx.waker().clone();
        let mut dropped = Vec::new();
        let mut queue = self.lock();
        loop {
            if let Some(arrived) = queue.take() {
                return Poll::Ready(Waited::Event(arrived));
            }
            let is_over = queue.ended || queue.gap.over == Some(queue.last);
            match (queue.early.is_empty(), is_over) {
                (true, _) if queue.ended => return Poll::Ready(Waited::Ended),
                (true, _) => break,
                (false, true) => queue.skip_gap(&mut dropped),
                (false, false) if queue.gap.is_minded || self.mind_gap() => {
                    queue.gap.is_minded = true;
                    break;
                }
                // Without a thread nobody waits for it.
                (false, false) => queue.skip_gap(&mut dropped),
            }
        }
        let before = queue.waker.replace(waker);
        drop(queue);
        drop(before);
        Poll::Pending
    }

    /// Has a thread wait for the gap to close. `false`: there is none to be had.
    fn mind_gap(self: &Arc<Sink>) -> bool {
        let sink = self.clone();
        let thread = std::thread::Builder::new().name("alpc-events".to_owned());
        thread.spawn(move || sink.wait_for_gap()).is_ok()
    }

    fn wait_for_gap(&self) {
        let mut queue = self.lock();
        let (behind, until) = (queue.last, Instant::now() + GAP_PATIENCE);
        let is_open =
            |queue: &Queue| queue.last == behind && !queue.early.is_empty() && !queue.ended;
        while is_open(&queue) {
            let rest = until.saturating_duration_since(Instant::now());
            if rest.is_zero() {
                queue.gap.over = Some(behind);
                break;
            }
            let waited = self.news.wait_timeout(queue, rest);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        queue.gap.is_minded = false;
        self.tell(queue);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    use super::super::tests::{put, sink};
    use super::*;
    use crate::client::block_on;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn number(waited: Waited) -> Option<(u64, u64)> {
        match waited {
            Waited::Event(arrived) => Some((arrived.ordinal, arrived.missed)),
            _ => None,
        }
    }

    #[test]
    fn a_task_is_woken_by_the_event_that_it_waits_for_and_by_the_end() {
        let (sink, end) = sink();
        let count = Arc::new(Count::default());
        let waker = Waker::from(count.clone());
        let cx = Context::from_waker(&waker);
        assert!(sink.poll(&cx).is_pending());
        put(&end, 1, 0, 0);
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
        assert!(matches!(sink.poll(&cx).map(number), Poll::Ready(Some((1, 0)))));
        // Whoever does not wait is not woken.
        put(&end, 2, 0, 0);
        assert_eq!(count.0.load(Ordering::SeqCst), 1);
        assert!(matches!(sink.poll(&cx).map(number), Poll::Ready(Some((2, 0)))));
        assert!(sink.poll(&cx).is_pending());
        drop(end);
        assert_eq!(count.0.load(Ordering::SeqCst), 2);
        assert!(matches!(sink.poll(&cx), Poll::Ready(Waited::Ended)));
    }

    #[test]
    fn a_task_does_not_wait_for_good_for_an_event_that_never_comes() {
        let (sink, end) = sink();
        for gap in 1..4 {
            put(&end, 3 * gap, 0, 0);
            let waited = block_on(poll_fn(|cx| sink.poll(cx)));
            assert_eq!(number(waited), Some((3 * gap, 2)));
        }
        put(&end, 20, 0, 0);
        put(&end, 10, 0, 0);
        assert_eq!(number(block_on(poll_fn(|cx| sink.poll(cx)))), Some((10, 0)));
        drop(end);
        assert_eq!(number(block_on(poll_fn(|cx| sink.poll(cx)))), Some((20, 9)));
        assert_eq!(number(block_on(poll_fn(|cx| sink.poll(cx)))), None);
    }
}
