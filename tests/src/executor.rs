//! An executor of a few lines: whatever it runs depends on no runtime.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

/// Says that a task has to be polled, and unparks the thread that polls it.
struct Mark {
    is_woken: AtomicBool,
    thread: Thread,
}

impl Mark {
    fn new() -> Arc<Mark> {
        Arc::new(Mark { is_woken: AtomicBool::new(true), thread: std::thread::current() })
    }
}

impl Wake for Mark {
    fn wake(self: Arc<Self>) {
        self.is_woken.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

/// Runs a future on this thread. It is polled when it was woken, and never otherwise.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mark = Mark::new();
    let waker = Waker::from(mark.clone());
    loop {
        while !mark.is_woken.swap(false, Ordering::SeqCst) {
            std::thread::park();
        }
        if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return done;
        }
    }
}

/// A future that can be kept with others, and sent to other threads.
pub type Task<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Runs all tasks at once, and gives what each has come to. A task is polled when it was woken, and
/// never otherwise.
pub async fn join_all<'a, T>(tasks: impl IntoIterator<Item = Task<'a, T>>) -> Vec<T> {
    let mut running: Vec<_> = tasks.into_iter().map(|task| (Relay::new(), Some(task))).collect();
    let mut done: Vec<Option<T>> = running.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for ((relay, task), done) in running.iter_mut().zip(&mut done) {
            let Some(future) = task else { continue };
            if !relay.must_poll(cx.waker()) {
                continue;
            }
            let waker = Waker::from(relay.clone());
            if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                *done = Some(value);
                *task = None;
            }
        }
        match running.iter().all(|(_, task)| task.is_none()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

/// Marks one of many tasks, and wakes the task that holds them.
struct Relay {
    is_woken: AtomicBool,
    holder: std::sync::Mutex<Waker>,
}

impl Relay {
    fn new() -> Arc<Relay> {
        let holder = std::sync::Mutex::new(Waker::noop().clone());
        Arc::new(Relay { is_woken: AtomicBool::new(true), holder })
    }

    fn must_poll(&self, holder: &Waker) -> bool {
        *self.holder.lock().expect("no waker panics") = holder.clone();
        self.is_woken.swap(false, Ordering::SeqCst)
    }
}

impl Wake for Relay {
    fn wake(self: Arc<Self>) {
        self.is_woken.store(true, Ordering::SeqCst);
        let holder = self.holder.lock().expect("no waker panics").clone();
        holder.wake();
    }
}
