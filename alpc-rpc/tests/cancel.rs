//! Calls that nobody waits for any more: who is told, and what becomes of them.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use alpc_rpc::prelude::*;
use alpc_rpc::transport::{Directory, PortAttributes};
use alpc_rpc::{Canceller, Counts, Deadline};

const PATIENCE: Duration = Duration::from_secs(60);

#[alpc_interface(name = "test.cancel.Desk", version = "1.0")]
trait Desk {
    /// Works until nobody wants it any more, and says so.
    #[cancellable]
    fn work(&self, cx: &Call<'_>, number: u32) -> u32;
    /// The same, by being told.
    #[cancellable]
    fn be_told(&self, cx: &Call<'_>) -> u32;
    /// Works until the test says so, whoever waits.
    fn finish(&self, cx: &Call<'_>) -> u32;
    fn double(&self, number: u32) -> u32;
    #[oneway]
    fn hang_up(&self, cx: &Call<'_>);
}

#[derive(Debug, PartialEq)]
enum Said {
    Begun(u32),
    Cancelled(u32),
    Finished { is_cancelled: bool, token: bool },
}

struct Clerk {
    said: Sender<Said>,
    may_go_on: Mutex<Receiver<()>>,
}

impl Desk for Clerk {
    fn work(&self, cx: &Call<'_>, number: u32) -> u32 {
        self.said.send(Said::Begun(number)).unwrap();
        assert!(cx.cancellation().wait(Deadline::after(PATIENCE)));
        assert!(cx.is_cancelled());
        self.said.send(Said::Cancelled(number)).unwrap();
        number
    }

    fn be_told(&self, cx: &Call<'_>) -> u32 {
        let (tell, told) = channel();
        let _watch = cx.cancellation().on_cancel(move || tell.send(()).unwrap());
        self.said.send(Said::Begun(0)).unwrap();
        told.recv_timeout(PATIENCE).unwrap();
        self.said.send(Said::Cancelled(0)).unwrap();
        0
    }

    fn finish(&self, cx: &Call<'_>) -> u32 {
        self.said.send(Said::Begun(9)).unwrap();
        self.may_go_on.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        let is_cancelled = cx.is_cancelled();
        let token = cx.cancellation().is_cancelled();
        self.said.send(Said::Finished { is_cancelled, token }).unwrap();
        9
    }

    fn double(&self, number: u32) -> u32 {
        2 * number
    }

    fn hang_up(&self, cx: &Call<'_>) {
        cx.connection().close();
    }
}

struct Stage {
    server: Server,
    attributes: PortAttributes,
    folder: PathBuf,
    said: Receiver<Said>,
    go_on: Sender<()>,
}

impl Stage {
    fn new(workers: usize) -> Stage {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("alpc-cn-{}-{count}", std::process::id()));
        let _left = std::fs::remove_dir_all(&folder);
        let attributes = PortAttributes::new().directory(Directory::at(&folder).unwrap());
        let ((say, said), (go_on, may_go_on)) = (channel(), channel());
        let clerk = Clerk { said: say, may_go_on: Mutex::new(may_go_on) };
        let server = Server::bind("desk").unwrap().attributes(attributes.clone());
        let server = server.workers(workers).serve(DeskServer::new(clerk)).unwrap();
        Stage { server, attributes, folder, said, go_on }
    }

    fn client(&self) -> DeskClient {
        DeskClient::connect_with("desk", &self.attributes).unwrap()
    }

    fn hears(&self, what: Said) {
        assert_eq!(self.said.recv_timeout(PATIENCE), Ok(what));
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}

fn is_cancelled<T: std::fmt::Debug>(ended: Result<T, CallError>, may_have_run: bool) {
    match ended {
        Err(CallError::Transport(TransportError::Cancelled { may_have_run: may })) => {
            assert_eq!(may, may_have_run)
        }
        other => panic!("{other:?} is no cancelled call"),
    }
}

#[test]
fn a_handler_is_told_when_its_caller_gives_up_though_every_worker_works() {
    let stage = Stage::new(1);
    let client = stage.client();
    let canceller = Canceller::new();
    let calls = client.with_cancel(&canceller.token());
    let call = std::thread::spawn(move || calls.work(7));
    stage.hears(Said::Begun(7));
    canceller.cancel();
    is_cancelled(call.join().unwrap(), true);
    stage.hears(Said::Cancelled(7));
    // Its answer comes first, and is not taken for this one's.
    assert_eq!(client.double(21).unwrap(), 42);
    assert_eq!(client.port().late_replies(), 1);
    let Counts { cancelled, not_begun, expired, late, .. } = stage.server.counts();
    assert_eq!((cancelled, not_begun, expired, late), (1, 0, 0, 1));
    // What was cancelled stays so.
    is_cancelled(client.with_cancel(&canceller.token()).double(1), false);
}

#[test]
fn a_handler_that_asked_is_told_by_whoever_hears_of_it() {
    let stage = Stage::new(1);
    let canceller = Canceller::new();
    let calls = stage.client().with_cancel(&canceller.token());
    let call = std::thread::spawn(move || calls.be_told());
    stage.hears(Said::Begun(0));
    canceller.cancel();
    is_cancelled(call.join().unwrap(), true);
    stage.hears(Said::Cancelled(0));
}

#[test]
fn a_deadline_that_passes_cancels() {
    let stage = Stage::new(1);
    let client = stage.client().with_timeout(Duration::from_millis(20));
    let call = std::thread::spawn(move || client.work(1));
    stage.hears(Said::Begun(1));
    match call.join().unwrap() {
        // Its handler answers at that moment, and what comes at the last moment still counts.
        Ok(1) => {}
        Err(CallError::Transport(TransportError::TimedOut { may_have_run: true })) => {}
        other => panic!("{other:?}"),
    }
    stage.hears(Said::Cancelled(1));
}

#[test]
fn a_client_that_is_gone_waits_for_nothing() {
    let stage = Stage::new(2);
    let client = stage.client();
    let end = client.clone();
    let call = std::thread::spawn(move || client.be_told());
    stage.hears(Said::Begun(0));
    end.hang_up().unwrap();
    assert!(matches!(
        call.join().unwrap(),
        Err(CallError::Transport(TransportError::Disconnected { .. }))
    ));
    stage.hears(Said::Cancelled(0));
}

#[test]
fn each_of_several_threads_that_wait_is_cancelled_by_itself() {
    let stage = Stage::new(4);
    let client = stage.client();
    let calls: Vec<_> = (0..3)
        .map(|number| {
            let canceller = Canceller::new();
            let calls = client.with_cancel(&canceller.token());
            let call = std::thread::spawn(move || calls.work(number));
            stage.hears(Said::Begun(number));
            (number, canceller, call)
        })
        .collect();
    // The last one that waits does not lead; the first one does.
    for (number, canceller, call) in calls.into_iter().rev() {
        canceller.cancel();
        is_cancelled(call.join().unwrap(), true);
        stage.hears(Said::Cancelled(number));
    }
}

#[test]
fn what_is_not_cancellable_is_finished() {
    let stage = Stage::new(2);
    let client = stage.client();
    let canceller = Canceller::new();
    let calls = client.with_cancel(&canceller.token());
    let call = std::thread::spawn(move || calls.finish());
    stage.hears(Said::Begun(9));
    canceller.cancel();
    is_cancelled(call.join().unwrap(), true);
    // The other worker has taken the cancel by the time that it answers this.
    assert_eq!(client.double(1).unwrap(), 2);
    stage.go_on.send(()).unwrap();
    stage.hears(Said::Finished { is_cancelled: true, token: false });
}

#[test]
fn what_nobody_waits_for_is_not_begun() {
    let stage = Stage::new(1);
    let client = stage.client();
    let first = client.clone();
    let first = std::thread::spawn(move || first.finish());
    stage.hears(Said::Begun(9));
    // The only worker is busy, and does not come to the next one before its time is up.
    let hasty = client.with_timeout(Duration::from_millis(1));
    assert!(matches!(hasty.work(2), Err(CallError::Transport(TransportError::TimedOut { .. }))));
    stage.go_on.send(()).unwrap();
    assert_eq!(first.join().unwrap().unwrap(), 9);
    stage.hears(Said::Finished { is_cancelled: false, token: false });
    assert_eq!(client.double(4).unwrap(), 8);
    assert!(stage.said.try_recv().is_err(), "it was not begun");
    assert_eq!(stage.server.counts().expired, 1);
}
