//! Calls that are made in tasks while an event loop watches the port: every test of `tasks`.

#[path = "tasks.rs"]
mod tasks;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use alpc_transport::{CommunicationPort, Deadline, PortAttributes, PortWatch, Watched};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tasks::common::{Gate, PATIENCE, Server, call, connect, echo};

/// The names of this process's threads.
fn threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")));
    // One that has just ended has none.
    names.filter_map(Result::ok).collect()
}

#[test]
fn no_thread_of_the_ports_watches_beside_the_event_loop() {
    tasks::a_call_is_a_future_for_any_executor();
    tasks::tasks_wait_for_credits_too();
    let threads = threads();
    assert!(!threads.iter().any(|name| name.starts_with("alpc-driver")), "{threads:?}");
}

/// A server that answers `later` when the gate is open, and everything else at once.
fn later_by(gate: &Arc<Gate>) -> Server {
    let gate = gate.clone();
    Server::start(PortAttributes::new(), 2, move |worker, call| {
        if call.body() == b"later" {
            gate.pass();
        }
        echo(worker, call);
    })
}

/// A call whose answer has to wait, as far as it gets at once. It has no deadline, which the event loop
/// would hear of.
struct Later<'c>(Pin<Box<dyn Future<Output = Vec<u8>> + 'c>>);

impl Later<'_> {
    fn begin<'c>(client: &'c CommunicationPort, cx: &mut Context<'_>) -> Later<'c> {
        let mut call: Pin<Box<dyn Future<Output = Vec<u8>>>> = Box::pin(async {
            let response = tasks::call_in_task(client, b"later", &mut [], Deadline::NEVER).await;
            response.unwrap().body().to_vec()
        });
        assert!(call.as_mut().poll(cx).is_pending());
        Later(call)
    }
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Whether the event loop has something to do, at once or within that time.
fn has_something(watch: &PortWatch, within: Duration) -> bool {
    let timeout = Timespec { tv_sec: within.as_secs() as i64, tv_nsec: 0 };
    let mut fds = [PollFd::new(watch, PollFlags::IN)];
    poll(&mut fds, Some(&timeout)).unwrap() == 1
}

#[test]
fn the_event_loop_hears_of_what_comes_after_a_thread_has_led() {
    // The test is the event loop, so that nobody looks before it does. A bell that was meant for the
    // thread may still reach it, so once is not enough.
    for _ in 0..16 {
        let gate = Arc::<Gate>::default();
        let server = later_by(&gate);
        let client = connect(server.place.path(), server.attributes.clone());
        let watch = client.watch().unwrap();
        let wakes = Arc::<Wakes>::default();
        let waker = Waker::from(wakes.clone());
        let mut later = Later::begin(&client, &mut Context::from_waker(&waker));
        while has_something(&watch, Duration::ZERO) {
            assert_eq!(watch.look(), Watched::Open);
        }
        assert_eq!(call(&client, b"now", &mut []).unwrap().body(), b"now");
        gate.open();
        while wakes.0.load(Ordering::SeqCst) == 0 {
            assert!(has_something(&watch, PATIENCE), "nobody tells the event loop");
            assert_eq!(watch.look(), Watched::Open);
        }
        let answered = later.0.as_mut().poll(&mut Context::from_waker(&waker));
        assert_eq!(answered, Poll::Ready(b"later".to_vec()));
        server.stop();
    }
}

#[test]
fn tasks_look_for_somebody_else_when_the_last_event_loop_ends() {
    let gate = Arc::<Gate>::default();
    let server = later_by(&gate);
    let client = connect(server.place.path(), server.attributes.clone());
    let (first, last) = (client.watch().unwrap(), client.watch().unwrap());
    let wakes = Arc::<Wakes>::default();
    let waker = Waker::from(wakes.clone());
    let later = Later::begin(&client, &mut Context::from_waker(&waker));
    drop(first);
    assert_eq!(wakes.0.load(Ordering::SeqCst), 0, "somebody watches still");
    drop(last);
    assert_eq!(wakes.0.load(Ordering::SeqCst), 1, "nobody watches any more");
    gate.open();
    // From here on the port's own thread does.
    assert_eq!(tasks::block_on(later.0), b"later");
    server.stop();
}
