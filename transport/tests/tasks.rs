//! Calls that are made in tasks, run by an executor of a few lines: any runtime will do.

pub(crate) mod common;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

use alpc_transport::{
    CallFailure, CommunicationPort, Deadline, ErrorKind, Part, PortAttributes, Received, Request,
    Response, Way,
};
use common::{Gate, PATIENCE, Server, call, echo, pattern, soon};

/// Unparks the thread that runs a task.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut context) {
            return done;
        }
        park();
    }
}

/// Waits to be woken, and takes a long wait for a wake-up that was lost.
fn park() {
    let begun = Instant::now();
    std::thread::park_timeout(PATIENCE);
    assert!(begun.elapsed() < PATIENCE, "nobody wakes the executor");
}

/// Says that one of many tasks has to be polled, and which.
struct Mark {
    marked: AtomicBool,
    thread: Thread,
}

impl Wake for Mark {
    fn wake(self: Arc<Self>) {
        self.marked.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

type Task<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Runs all tasks on this thread, each polled only when it was woken.
fn join_all<'a, T>(tasks: impl IntoIterator<Item = Task<'a, T>>) -> Vec<T> {
    let thread = std::thread::current();
    let mark = |_: &_| Arc::new(Mark { marked: AtomicBool::new(true), thread: thread.clone() });
    let mut running: Vec<_> = tasks.into_iter().map(|task| (mark(&task), Some(task))).collect();
    let mut done: Vec<Option<T>> = running.iter().map(|_| None).collect();
    while done.iter().any(Option::is_none) {
        for ((mark, task), done) in running.iter_mut().zip(&mut done) {
            let Some(future) = task else { continue };
            if !mark.marked.swap(false, Ordering::SeqCst) {
                continue;
            }
            let waker = Waker::from(mark.clone());
            if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                *done = Some(value);
                *task = None;
            }
        }
        let is_waited_for = |(mark, task): &(Arc<Mark>, Option<_>)| {
            task.is_some() && !mark.marked.load(Ordering::SeqCst)
        };
        let has_more = running.iter().any(|(_, task)| task.is_some());
        if has_more && running.iter().all(|one| one.1.is_none() || is_waited_for(one)) {
            park();
        }
    }
    done.into_iter().flatten().collect()
}

pub(crate) async fn call_in_task(
    client: &CommunicationPort,
    body: &[u8],
    parts: &mut [Part<'_>],
    deadline: Deadline,
) -> Result<Response, CallFailure> {
    let request = Request { method: 1, tag: 0, body, parts, deadline, handles: &[] };
    client.call_async(request).await
}

/// Calls with each of `numbers` in a task of its own, and checks that each gets its own answer.
fn call_all(client: &CommunicationPort, numbers: std::ops::Range<u32>) {
    let count = numbers.len();
    let tasks = numbers.map(|number| -> Task<'_, u32> {
        Box::pin(async move {
            let body = number.to_le_bytes();
            let response = call_in_task(client, &body, &mut [], soon()).await.unwrap();
            assert_eq!(response.body(), body);
            number
        })
    });
    assert_eq!(join_all(tasks).len(), count);
}

#[test]
pub(crate) fn a_call_is_a_future_for_any_executor() {
    let server = Server::start(PortAttributes::new(), 2, echo);
    let client = server.client();
    block_on(async {
        for number in 0..1000_u32 {
            let body = number.to_le_bytes();
            let response = call_in_task(&client, &body, &mut [], soon()).await.unwrap();
            assert_eq!(response.body(), body);
        }
    });
    server.stop();
}

#[test]
fn many_calls_of_one_thread_are_outstanding_at_once() {
    // The handlers wait for each other, so that all of them have to be there.
    let all = Arc::new(std::sync::Barrier::new(4));
    let server = Server::start(PortAttributes::new(), 4, move |worker, call| {
        all.wait();
        echo(worker, call);
    });
    call_all(&server.client(), 0..400);
    server.stop();
}

#[test]
pub(crate) fn tasks_wait_for_credits_too() {
    let server = Server::start(PortAttributes::new().outstanding_requests(3), 2, echo);
    call_all(&server.client(), 0..500);
    server.stop();
}

#[test]
fn tasks_and_threads_share_a_port() {
    let server = Server::start(PortAttributes::new().outstanding_requests(6), 3, echo);
    let client = server.client();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for number in 0..500_u32 {
                    let body = number.to_le_bytes();
                    assert_eq!(call(&client, &body, &mut []).unwrap().body(), body);
                }
            });
        }
        for at in 0..2 {
            let client = &client;
            scope.spawn(move || call_all(client, at * 1000..at * 1000 + 500));
        }
    });
    server.stop();
}

#[test]
fn bulk_data_goes_there_and_back_and_is_never_lent() {
    let attributes = PortAttributes::new().view_limit(4 << 20);
    let server = Server::start(attributes, 2, echo);
    let client = server.client();
    block_on(async {
        for len in [0, 1000, 60_000, 300_000, 5_000_000] {
            let data = pattern(len, len);
            let mut room = vec![0; len];
            let mut parts = [Part::In(&data), Part::In(&data), Part::Out(&mut room)];
            let response = call_in_task(&client, b"x", &mut parts, soon()).await.unwrap();
            assert_eq!(response.written, [len]);
            assert!(response.travelled.iter().all(|how| how.way != Way::Direct), "{len}");
            match response.results.as_slice() {
                [Received::Private(bytes)] => assert!(*bytes == data, "{len}"),
                other => panic!("{} results", other.len()),
            }
            assert!(room == data, "{len}");
        }
    });
    server.stop();
}

#[test]
fn a_call_that_is_dropped_is_cancelled_and_its_answer_is_nobodys() {
    let gate = Arc::new(Gate::default());
    let (begun, beginnings) = channel();
    let held = gate.clone();
    let server = Server::start(PortAttributes::new(), 2, move |worker, call| {
        if call.body() == b"held" {
            begun.send(()).unwrap();
            held.pass();
        }
        echo(worker, call);
    });
    let client = server.client();
    let late = Arc::new(AtomicUsize::new(0));
    let counted = late.clone();
    client.on_late_reply(move |_, body| {
        assert_eq!(body, b"held");
        counted.fetch_add(1, Ordering::SeqCst);
    });
    {
        let mut held = pin!(call_in_task(&client, b"held", &mut [], soon()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(held.as_mut().poll(&mut context).is_pending());
        beginnings.recv_timeout(PATIENCE).unwrap();
        assert!(held.as_mut().poll(&mut context).is_pending());
    }
    gate.open();
    // The late answer comes before these, or among them.
    while late.load(Ordering::SeqCst) == 0 {
        call_all(&client, 0..10);
    }
    call_all(&client, 0..10);
    assert_eq!(late.load(Ordering::SeqCst), 1);
    server.stop();
}

#[test]
fn a_call_that_is_dropped_unpolled_was_never_made() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let server = Server::start(PortAttributes::new(), 1, move |worker, call| {
        counted.fetch_add(1, Ordering::SeqCst);
        echo(worker, call);
    });
    let client = server.client();
    drop(call_in_task(&client, b"never", &mut [], soon()));
    call_all(&client, 0..1);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    server.stop();
}

#[test]
fn an_upload_that_is_dropped_half_way_leaves_the_port_in_order() {
    let server =
        Server::start(PortAttributes::new().direct(alpc_transport::DirectPolicy::Never), 2, echo);
    let client = server.client();
    let data = pattern(3_000_000, 1);
    for polls in 0..40 {
        {
            let mut parts = [Part::In(&data)];
            let mut upload = pin!(call_in_task(&client, b"up", &mut parts, soon()));
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..polls % 8 {
                if upload.as_mut().poll(&mut context).is_ready() {
                    break;
                }
            }
        }
        let mut parts = [Part::In(&data)];
        let response = block_on(call_in_task(&client, b"up", &mut parts, soon())).unwrap();
        assert!(matches!(&response.results[..], [Received::Private(bytes)] if *bytes == data));
    }
    server.stop();
}

#[test]
fn a_task_is_woken_when_its_deadline_passes() {
    let gate = Arc::new(Gate::default());
    let held = gate.clone();
    let server = Server::start(PortAttributes::new(), 1, move |worker, call| {
        held.pass();
        echo(worker, call);
    });
    let client = server.client();
    // The second one's is the earlier, and known only after the first one waits.
    let after = |millis| Deadline::after(Duration::from_millis(millis));
    let order = Mutex::new(Vec::new());
    let task = |millis| -> Task<'_, ()> {
        let (client, order) = (&client, &order);
        Box::pin(async move {
            let failure = call_in_task(client, b"x", &mut [], after(millis)).await.unwrap_err();
            assert_eq!(*failure.error.kind(), ErrorKind::TimedOut);
            assert!(failure.may_have_run);
            order.lock().unwrap().push(millis);
        })
    };
    join_all([task(200), task(20), task(100)]);
    assert_eq!(*order.lock().unwrap(), [20, 100, 200]);
    gate.open();
    call_all(&client, 0..10);
    server.stop();
}

#[test]
fn tasks_hear_of_the_servers_end() {
    let (begun, beginnings) = channel();
    let server = Server::start(PortAttributes::new(), 1, move |_, call| {
        begun.send(()).unwrap();
        // Nobody answers. The port ends with the call in hand.
        call.port().close();
        drop(call);
    });
    let client = server.client();
    let tasks = (0..8).map(|_| -> Task<'_, CallFailure> {
        Box::pin(async { call_in_task(&client, b"x", &mut [], soon()).await.unwrap_err() })
    });
    for failure in join_all(tasks) {
        assert_eq!(*failure.error.kind(), ErrorKind::PeerClosed);
    }
    beginnings.recv_timeout(PATIENCE).unwrap();
    let after = block_on(call_in_task(&client, b"x", &mut [], soon())).unwrap_err();
    assert!(!after.may_have_run);
    server.stop();
}

/// Drops the call that it is to wake.
struct Drops {
    call: Mutex<Option<Task<'static, ()>>>,
    told: std::sync::mpsc::Sender<()>,
}

impl Wake for Drops {
    fn wake(self: Arc<Self>) {
        let call = self.call.lock().unwrap().take();
        drop(call);
        let _test_over = self.told.send(());
    }
}

#[test]
fn a_waker_may_drop_the_call_that_it_wakes_because_no_lock_is_held() {
    let gate = Arc::new(Gate::default());
    let held = gate.clone();
    let server = Server::start(PortAttributes::new(), 2, move |worker, call| {
        held.pass();
        echo(worker, call);
    });
    let client = server.client();
    let (told, dropped) = channel();
    let own = client.clone();
    let call_of_own: Task<'static, ()> = Box::pin(async move {
        drop(call_in_task(&own, b"x", &mut [], soon()).await);
    });
    let drops = Arc::new(Drops { call: Mutex::new(Some(call_of_own)), told });
    {
        let waker = Waker::from(drops.clone());
        let mut call = drops.call.lock().unwrap();
        let polled = call.as_mut().unwrap().as_mut().poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
    }
    gate.open();
    dropped.recv_timeout(PATIENCE).unwrap();
    call_all(&client, 0..10);
    server.stop();
}

#[test]
fn datagrams_are_sent_in_tasks_and_wait_for_room_there() {
    let (told, heard) = channel();
    let server = Server::start(PortAttributes::new().outbox_len(16 << 10), 1, move |_, call| {
        told.send(call.body().len()).unwrap();
    });
    let client = server.client();
    let body = [7; 1000];
    block_on(async {
        for _ in 0..200 {
            let request = Request {
                method: 1,
                tag: 0,
                body: &body,
                parts: &mut [],
                deadline: soon(),
                handles: &[],
            };
            client.send_async(request).await.unwrap();
        }
    });
    for _ in 0..200 {
        assert_eq!(heard.recv_timeout(PATIENCE), Ok(1000));
    }
    server.stop();
}
