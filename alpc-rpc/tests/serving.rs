//! Serving as a future, on any executor: here one of a few lines, and tokio's.

use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{JoinHandle, Thread};
use std::time::{Duration, Instant};

use alpc_rpc::prelude::*;
use alpc_rpc::transport::{Directory, PortAttributes};
use alpc_rpc::{Canceller, Stopper};

const PATIENCE: Duration = Duration::from_secs(60);

#[alpc_interface(name = "test.serving.Desk", version = "1.0")]
trait Desk {
    async fn double(&self, number: u32) -> u32;
    /// Waits until nobody wants it any more.
    #[cancellable]
    async fn wait(&self, number: u32) -> u32;
    async fn panic(&self);
    /// A function among the futures.
    fn add(&self, a: u32, b: u32) -> u32;
    /// Bulk data in both directions.
    async fn reverse(&self, #[max(1048576)] bytes: &[u8]) -> Vec<u8>;
}

enum Said {
    Begun(u32),
    Dropped(u32),
}

struct Clerk(Mutex<Sender<Said>>);

impl Clerk {
    fn say(&self, what: Said) {
        let _nobody_asks = self.0.lock().unwrap().send(what);
    }
}

/// Says when it goes.
struct OnDrop<'c>(&'c Clerk, u32);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.say(Said::Dropped(self.1));
    }
}

/// Is ready when it is polled for the second time.
#[derive(Default)]
struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Desk for Clerk {
    async fn double(&self, number: u32) -> u32 {
        Yield::default().await;
        2 * number
    }

    async fn wait(&self, number: u32) -> u32 {
        let _says = OnDrop(self, number);
        self.say(Said::Begun(number));
        std::future::pending().await
    }

    async fn panic(&self) {
        Yield::default().await;
        panic!("on purpose");
    }

    fn add(&self, a: u32, b: u32) -> u32 {
        a + b
    }

    async fn reverse(&self, bytes: &[u8]) -> Vec<u8> {
        Yield::default().await;
        bytes.iter().rev().copied().collect()
    }
}

/// Unparks the thread that runs a task.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut context) {
            return done;
        }
        let begun = Instant::now();
        std::thread::park_timeout(PATIENCE);
        assert!(begun.elapsed() < PATIENCE, "nobody wakes the executor");
    }
}

struct Stage {
    server: Option<Server>,
    attributes: PortAttributes,
    folder: PathBuf,
    said: Receiver<Said>,
}

impl Stage {
    /// A server with so many threads of its own.
    fn new(workers: usize, concurrency: usize) -> Stage {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("alpc-sf-{}-{count}", std::process::id()));
        let _left = std::fs::remove_dir_all(&folder);
        let attributes = PortAttributes::new().directory(Directory::at(&folder).unwrap());
        let (say, said) = channel();
        let server = Server::bind("desk").unwrap().attributes(attributes.clone());
        let server = server.workers(workers).concurrency(concurrency);
        let server = server.serve(DeskServer::new(Clerk(Mutex::new(say)))).unwrap();
        Stage { server: Some(server), attributes, folder, said }
    }

    fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    fn client(&self) -> DeskClient {
        DeskClient::connect_with("desk", &self.attributes).unwrap()
    }

    fn begun(&self, number: u32) {
        let said = self.said.recv_timeout(PATIENCE).unwrap();
        assert!(matches!(said, Said::Begun(begun) if begun == number));
    }

    fn dropped(&self, number: u32) {
        let said = self.said.recv_timeout(PATIENCE).unwrap();
        assert!(matches!(said, Said::Dropped(dropped) if dropped == number));
    }

    /// Serves on a thread with an executor of a few lines.
    fn serve(&self) -> JoinHandle<()> {
        let serve = self.server().serve();
        std::thread::spawn(move || block_on(serve).unwrap())
    }

    fn stopper(&self) -> Stopper {
        self.server().stopper()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}

/// Everything that a server does, whoever serves.
fn check(stage: &Stage) {
    let client = stage.client();
    assert_eq!(client.double(21).unwrap(), 42);
    assert_eq!(client.add(1, 2).unwrap(), 3);
    let bytes: Vec<u8> = (0..1 << 20).map(|i: u32| (i % 251) as u8).collect();
    let back: Vec<u8> = bytes.iter().rev().copied().collect();
    assert_eq!(client.reverse(&bytes).unwrap(), back);
    let panicked = client.panic().unwrap_err();
    assert!(matches!(panicked, CallError::Transport(TransportError::ServerPanicked)));

    let canceller = Canceller::new();
    let waits = client.with_cancel(&canceller.token());
    let waits = std::thread::spawn(move || waits.wait(1));
    stage.begun(1);
    canceller.cancel();
    stage.dropped(1);
    assert!(waits.join().unwrap().is_err());

    let hasty = client.with_timeout(Duration::from_millis(20));
    let hasty = std::thread::spawn(move || hasty.wait(2));
    stage.begun(2);
    stage.dropped(2);
    assert!(hasty.join().unwrap().is_err());

    std::thread::scope(|scope| {
        for _ in 0..4 {
            let client = stage.client();
            scope.spawn(move || (0..50).for_each(|n| assert_eq!(client.double(n).unwrap(), 2 * n)));
        }
    });
}

#[test]
fn any_executor_serves() {
    let stage = Stage::new(0, 8);
    let serves = stage.serve();
    check(&stage);
    stage.stopper().stop();
    serves.join().unwrap();
}

#[test]
fn several_tasks_serve_one_server_within_its_limit() {
    let stage = Stage::new(0, 1);
    let serves = [stage.serve(), stage.serve(), stage.serve()];
    check(&stage);
    stage.server().set_concurrency(2);
    check(&stage);
    stage.stopper().stop();
    for serves in serves {
        serves.join().unwrap();
    }
}

#[test]
fn a_task_that_serves_no_more_loses_nothing() {
    let stage = Stage::new(0, 8);
    // Polled by hand until it has begun with a call, and then dropped.
    let (serve, attributes) = (stage.server().serve(), stage.attributes.clone());
    let call = std::thread::spawn(move || {
        let client = DeskClient::connect_with("desk", &attributes).unwrap();
        let canceller = Canceller::new();
        let waits = client.with_cancel(&canceller.token());
        let waits = std::thread::spawn(move || waits.wait(5));
        (client, canceller, waits)
    });
    let mut serve = Box::pin(serve);
    block_on(std::future::poll_fn(|cx| {
        assert!(serve.as_mut().poll(cx).is_pending());
        match stage.said.try_recv() {
            Ok(Said::Begun(5)) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }));
    drop(serve);
    let (client, canceller, waits) = call.join().unwrap();
    // Nobody serves, so nobody answers, and nobody is told that nobody will.
    let doubles = std::thread::spawn(move || client.double(4).unwrap());
    canceller.cancel();
    assert!(waits.join().unwrap().is_err());
    // Whoever serves next takes up both.
    let serves = stage.serve();
    assert_eq!(doubles.join().unwrap(), 8);
    stage.dropped(5);
    stage.stopper().stop();
    serves.join().unwrap();
}

#[test]
fn handlers_that_have_not_ended_end_with_their_server() {
    let mut stage = Stage::new(0, 8);
    let serves = stage.serve();
    let client = stage.client();
    let waits = std::thread::spawn(move || client.wait(3));
    stage.begun(3);
    stage.stopper().stop();
    serves.join().unwrap();
    assert!(waits.join().unwrap().is_err());
    drop(stage.server.take());
    stage.dropped(3);
}

#[test]
fn a_rundown_waits_for_futures_that_tasks_poll() {
    let mut stage = Stage::new(0, 8);
    let serves = stage.serve();
    let client = stage.client();
    let canceller = Canceller::new();
    let waits = client.with_cancel(&canceller.token());
    let waits = std::thread::spawn(move || waits.wait(4));
    stage.begun(4);
    let server = stage.server.take().unwrap();
    let patience = Duration::from_millis(1);
    assert!(!server.run_down(patience), "it has not ended");
    assert!(waits.join().unwrap().is_err());
    serves.join().unwrap();
    stage.dropped(4);
}

#[test]
fn threads_serve_beside_tasks() {
    let stage = Stage::new(2, 8);
    let serves = stage.serve();
    check(&stage);
    stage.stopper().stop();
    serves.join().unwrap();
}
