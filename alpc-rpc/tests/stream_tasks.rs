//! Streams in tasks, which an executor of a few lines runs.

#![cfg(feature = "async")]

mod mill;

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use alpc_rpc::prelude::*;
use alpc_rpc::{CallError, Items, SendError, Stream};

use mill::{ACCELERATORS, Broken, MillAsyncClient, MillClient, NAME, Stones, attributes};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(done) => return done,
            Poll::Pending => std::thread::park(),
        }
    }
}

async fn next<T, E>(stream: &mut Stream<T, E>) -> Option<Result<T, CallError<E>>> {
    poll_fn(|context| futures_core::Stream::poll_next(Pin::new(stream), context)).await
}

/// Looks once.
fn look<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

fn with_mill(run: impl Fn(MillAsyncClient, &Stones)) {
    for accelerator in ACCELERATORS {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or_default().to_owned();
        let name = format!("alpc-mill-{name}-{accelerator:?}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let stones = Stones::default();
        let server = mill::serve(&folder, &stones, |server| server.workers(2));
        let attributes = attributes(&folder).accelerator(accelerator);
        run(MillClient::connect_with(NAME, &attributes).unwrap().into(), &stones);
        drop(server);
        let _gone = std::fs::remove_dir_all(&folder);
    }
}

#[test]
fn a_task_takes_items_and_the_end() {
    with_mill(|mill, _| {
        block_on(async {
            let mut numbers = mill.break_at(3000).await.unwrap();
            for number in 0..3000 {
                assert_eq!(next(&mut numbers).await.unwrap().unwrap(), number);
            }
            let end = next(&mut numbers).await;
            assert!(matches!(end, Some(Err(CallError::App(Broken::At(3000))))));
            assert!(next(&mut numbers).await.is_none());
        });
    });
}

#[test]
fn a_task_that_is_dropped_while_it_waits_loses_nothing() {
    with_mill(|mill, stones| {
        let sinks = stones.sinks();
        let mut numbers = block_on(mill.line(1)).unwrap();
        let sink = sinks.recv().unwrap();
        for number in 0..50 {
            assert!(look(next(&mut numbers)).is_pending());
            sink.send(number).unwrap();
            assert_eq!(block_on(next(&mut numbers)).unwrap().unwrap(), number);
        }
        sink.finish();
        assert!(block_on(next(&mut numbers)).is_none());
    });
}

#[test]
fn a_task_waits_for_room() {
    with_mill(|mill, _| {
        let (sink, items) = Items::channel(1);
        let feeding = std::thread::spawn(move || {
            block_on(async {
                for number in 0..2000_u64 {
                    sink.send_async(number).await.unwrap();
                }
                sink.finish();
            });
        });
        assert_eq!(block_on(mill.sum(items, u64::MAX)).unwrap(), (0..2000).sum());
        feeding.join().unwrap();
        // Nobody takes more than five, and whoever waits for room hears of it.
        let (sink, items) = Items::channel(1);
        let feeding = std::thread::spawn(move || {
            block_on(async {
                let mut number = 1_u64;
                loop {
                    match sink.send_async(number).await {
                        Ok(()) => number += 1,
                        Err(error) => return error,
                    }
                }
            })
        });
        assert_eq!(block_on(mill.sum(items, 5)).unwrap(), 15);
        assert!(matches!(feeding.join().unwrap(), SendError::Cancelled(_)));
    });
}
