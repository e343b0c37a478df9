//! Handlers that answer later: by a responder, and by a future.

use std::collections::HashMap;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use alpc_rpc::prelude::*;
use alpc_rpc::transport::{Directory, PortAttributes};
use alpc_rpc::{AnswerError, Canceller, Fault, Responder};

#[path = "later/handed_on.rs"]
mod handed_on;

const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Alpc, Clone, Debug, PartialEq)]
#[alpc(error, final)]
enum Jam {
    /// paper, {left} sheets are left
    Paper {
        /// How many.
        left: u32,
    },
}

#[alpc_interface(name = "test.later.Press", version = "1.0")]
trait Press {
    /// Prints, at some time.
    #[cancellable]
    fn print(&self, cx: &Call<'_>, number: u32, text: &str, answer: Responder<u32, Jam>);
    /// Fills a buffer, at some time, and says how many bytes that were.
    fn scan(
        &self,
        #[out]
        #[max(64)]
        page: OutBuf<'static>,
        answer: Responder<(u32, OutBuf<'static>)>,
    );
    /// Prints, as a future.
    #[cancellable]
    async fn wait(&self, cx: &Call<'_>, number: u32, text: &str) -> Result<u32, Jam>;
    /// Fills a buffer in a future.
    async fn copy(
        &self,
        number: u32,
        #[out]
        #[max(64)]
        page: &mut OutBuf<'_>,
    ) -> u32;
    async fn panic_later(&self, number: u32);
    #[oneway]
    async fn note(&self, number: u32);
    fn double(&self, number: u32) -> u32;
}

/// What some shop has, and what it gives away.
#[alpc_interface(name = "test.later.Tray", version = "1.0")]
trait Tray {
    async fn sheets(&self, number: u32) -> u32;
    fn name(&self) -> String;
}

#[alpc_interface(name = "test.later.Shop", version = "1.1")]
trait Shop: Tray {
    fn tray(&self, number: u32) -> Arc<dyn Tray>;
    async fn ask(&self, tray: TrayClient) -> u32;
    #[added(1.1)]
    async fn added(&self, number: u32) -> u32;
    #[added(1.1)]
    fn added_and_deferred(&self, number: u32, answer: Responder<u32>);
}

struct Sheets(u32);

impl Tray for Sheets {
    async fn sheets(&self, number: u32) -> u32 {
        self.0 + number
    }

    fn name(&self) -> String {
        format!("tray {}", self.0)
    }
}

struct Corner;

impl Tray for Corner {
    async fn sheets(&self, number: u32) -> u32 {
        number
    }

    fn name(&self) -> String {
        "corner".to_owned()
    }
}

impl Shop for Corner {
    fn tray(&self, number: u32) -> Arc<dyn Tray> {
        Arc::new(Sheets(number))
    }

    async fn ask(&self, tray: TrayClient) -> u32 {
        tray.sheets(1).unwrap()
    }
}

/// Futures that wait until the test lets them go on.
#[derive(Default)]
struct Doors(Mutex<HashMap<u32, (bool, Option<Waker>)>>);

impl Doors {
    fn open(&self, number: u32) {
        let mut doors = self.0.lock().unwrap();
        let door = doors.entry(number).or_default();
        door.0 = true;
        let waker = door.1.take();
        drop(doors);
        waker.into_iter().for_each(Waker::wake);
    }

    fn pass(self: &Arc<Doors>, number: u32) -> Pass {
        Pass { doors: self.clone(), number }
    }
}

struct Pass {
    doors: Arc<Doors>,
    number: u32,
}

impl Future for Pass {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut doors = self.doors.0.lock().unwrap();
        let door = doors.entry(self.number).or_default();
        door.1 = Some(cx.waker().clone());
        if door.0 { Poll::Ready(()) } else { Poll::Pending }
    }
}

enum Job {
    Print(u32, String, Responder<u32, Jam>),
    Scan(OutBuf<'static>, Responder<(u32, OutBuf<'static>)>),
    Begun(u32),
    Dropped(u32),
    Noted(u32),
}

struct Printer {
    jobs: Sender<Job>,
    doors: Arc<Doors>,
}

/// Says when a future goes that has not come to its end.
struct OnDrop(Option<(Sender<Job>, u32)>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        if let Some((jobs, number)) = self.0.take() {
            let _nobody_asks = jobs.send(Job::Dropped(number));
        }
    }
}

impl Press for Printer {
    fn print(&self, _: &Call<'_>, number: u32, text: &str, answer: Responder<u32, Jam>) {
        assert_ne!(text, "panic", "on purpose");
        self.jobs.send(Job::Print(number, text.to_owned(), answer)).unwrap();
    }

    fn scan(&self, page: OutBuf<'static>, answer: Responder<(u32, OutBuf<'static>)>) {
        self.jobs.send(Job::Scan(page, answer)).unwrap();
    }

    async fn wait(&self, cx: &Call<'_>, number: u32, text: &str) -> Result<u32, Jam> {
        let mut goes = OnDrop(Some((self.jobs.clone(), number)));
        self.jobs.send(Job::Begun(number)).unwrap();
        self.doors.pass(number).await;
        goes.0 = None;
        assert_eq!(cx.method(), "wait");
        if text == "jam" {
            Err(Jam::Paper { left: number })
        } else {
            Ok(number + text.len() as u32)
        }
    }

    async fn copy(&self, number: u32, page: &mut OutBuf<'_>) -> u32 {
        page.put(b"be");
        self.doors.pass(number).await;
        page.put(b"hind") as u32
    }

    async fn panic_later(&self, number: u32) {
        self.doors.pass(number).await;
        panic!("on purpose");
    }

    async fn note(&self, number: u32) {
        self.doors.pass(number).await;
        self.jobs.send(Job::Noted(number)).unwrap();
    }

    fn double(&self, number: u32) -> u32 {
        2 * number
    }
}

struct Stage {
    server: Option<Server>,
    attributes: PortAttributes,
    folder: PathBuf,
    jobs: Receiver<Job>,
    doors: Arc<Doors>,
}

impl Stage {
    fn new(workers: usize) -> Stage {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("alpc-lt-{}-{count}", std::process::id()));
        let _left = std::fs::remove_dir_all(&folder);
        let attributes = PortAttributes::new().directory(Directory::at(&folder).unwrap());
        let ((send, jobs), doors) = (channel(), Arc::<Doors>::default());
        let printer = Printer { jobs: send, doors: doors.clone() };
        let server = Server::bind("press").unwrap().attributes(attributes.clone());
        let server = server.workers(workers).serve(PressServer::new(printer)).unwrap();
        Stage { server: Some(server), attributes, folder, jobs, doors }
    }

    fn client(&self) -> PressClient {
        PressClient::connect_with("press", &self.attributes).unwrap()
    }

    fn next(&self) -> Job {
        self.jobs.recv_timeout(PATIENCE).unwrap()
    }

    fn print_job(&self) -> (u32, String, Responder<u32, Jam>) {
        match self.next() {
            Job::Print(number, text, answer) => (number, text, answer),
            _ => panic!("another job"),
        }
    }

    fn begun(&self, number: u32) {
        assert!(matches!(self.next(), Job::Begun(begun) if begun == number));
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(self.server.take());
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}

fn print(
    client: &PressClient,
    number: u32,
    text: &'static str,
) -> std::thread::JoinHandle<Result<u32, CallError<Jam>>> {
    let client = client.clone();
    std::thread::spawn(move || client.print(number, text))
}

fn wait(
    client: &PressClient,
    number: u32,
    text: &'static str,
) -> std::thread::JoinHandle<Result<u32, CallError<Jam>>> {
    let client = client.clone();
    std::thread::spawn(move || client.wait(number, text))
}

#[test]
fn answers_come_in_any_order_from_any_thread() {
    let stage = Stage::new(1);
    let client = stage.client();
    let calls: Vec<_> = (0..8).map(|number| print(&client, number, "page")).collect();
    let mut jobs: Vec<_> = calls.iter().map(|_| stage.print_job()).collect();
    // The one worker is free all the while.
    assert_eq!(client.double(4).unwrap(), 8);
    jobs.sort_by_key(|job| std::cmp::Reverse(job.0));
    let answers = jobs.into_iter().map(|(number, text, answer)| {
        assert_eq!(text, "page");
        std::thread::spawn(move || match number {
            3 => answer.err(Jam::Paper { left: 3 }),
            _ => answer.ok(10 * number),
        })
    });
    answers.for_each(|answer| answer.join().unwrap().unwrap());
    for (number, call) in calls.into_iter().enumerate() {
        match call.join().unwrap() {
            Err(CallError::App(Jam::Paper { left: 3 })) if number == 3 => {}
            other => assert_eq!(other.unwrap(), 10 * number as u32),
        }
    }
}

#[test]
fn a_buffer_goes_with_the_one_who_answers() {
    let stage = Stage::new(1);
    let client = stage.client();
    let scan = std::thread::spawn(move || {
        let mut page = [0; 64];
        let read = client.scan(&mut page).unwrap();
        (read, page)
    });
    let Job::Scan(mut page, answer) = stage.next() else { panic!("another job") };
    assert_eq!(page.capacity(), 64);
    page.put(b"ink");
    answer.ok((7, page)).unwrap();
    let (read, page) = scan.join().unwrap();
    assert_eq!(read, (3, 7));
    assert_eq!(&page[..3], b"ink");
}

#[test]
fn a_caller_hears_that_nobody_will_answer() {
    let stage = Stage::new(1);
    let client = stage.client();
    let dropped = print(&client, 1, "page");
    drop(stage.print_job());
    let CallError::Transport(dropped) = dropped.join().unwrap().unwrap_err() else {
        panic!("the press says nothing");
    };
    assert!(matches!(dropped, TransportError::Unanswered), "{dropped}");
    assert!(dropped.may_have_run());
    let panicked = client.print(2, "panic").unwrap_err();
    assert!(matches!(panicked, CallError::Transport(TransportError::ServerPanicked)));
    let refused = print(&client, 3, "page");
    stage.print_job().2.refuse(&Fault::Busy);
    let refused = refused.join().unwrap().unwrap_err();
    assert!(matches!(refused, CallError::Transport(TransportError::Busy)));
    assert_eq!(stage.server.as_ref().unwrap().counts().unanswered, 1);
}

#[test]
fn a_responder_says_that_nobody_waits() {
    let stage = Stage::new(1);
    let client = stage.client();
    let canceller = Canceller::new();
    let call = print(&client.with_cancel(&canceller.token()), 1, "page");
    let (_, _, answer) = stage.print_job();
    let (token, told) = (answer.cancellation(), channel());
    assert!(!answer.is_cancelled() && !token.is_cancelled());
    let _watch = token.on_cancel(move || told.0.send(()).unwrap());
    canceller.cancel();
    assert!(call.join().unwrap().is_err());
    told.1.recv_timeout(PATIENCE).unwrap();
    assert!(answer.is_cancelled());
    assert_eq!(answer.ok(1), Err(AnswerError::Late));
    // The place among the outstanding calls is free again, and the late answer met nobody.
    assert_eq!(client.double(2).unwrap(), 4);

    let call = print(&client, 2, "page");
    let (_, _, answer) = stage.print_job();
    let gone = answer.cancellation();
    stage.server.as_ref().unwrap().stopper().stop();
    assert!(call.join().unwrap().is_err());
    assert!(gone.is_cancelled());
    assert_eq!(answer.ok(1), Err(AnswerError::Gone));
}

#[test]
fn unanswered_calls_count_for_their_client() {
    let mut stage = Stage::new(1);
    drop(stage.server.take());
    let attributes = stage.attributes.clone().outstanding_requests(2);
    let (send, jobs) = channel();
    let printer = Printer { jobs: send, doors: stage.doors.clone() };
    let server = Server::bind("press").unwrap().attributes(attributes).workers(1);
    stage.server = Some(server.serve(PressServer::new(printer)).unwrap());
    stage.jobs = jobs;
    let client = stage.client();
    let calls = [print(&client, 1, "page"), print(&client, 2, "page")];
    let held = [stage.print_job(), stage.print_job()];
    let third = client.with_timeout(Duration::from_millis(5)).double(1).unwrap_err();
    // It was never sent.
    let never_sent = TransportError::TimedOut { may_have_run: false };
    assert_eq!(
        third.to_string(),
        CallError::<std::convert::Infallible>::Transport(never_sent).to_string()
    );
    held.into_iter().for_each(|(number, _, answer)| answer.ok(number).unwrap());
    for call in calls {
        call.join().unwrap().unwrap();
    }
    assert_eq!(client.double(1).unwrap(), 2);
}

#[test]
fn a_rundown_waits_for_answers_that_are_owed() {
    let mut stage = Stage::new(1);
    let client = stage.client();
    let (call, waits) = (print(&client, 1, "page"), wait(&client, 2, "page"));
    let (mut answer, mut is_waiting) = (None, false);
    while answer.is_none() || !is_waiting {
        match stage.next() {
            Job::Print(_, _, responder) => answer = Some(responder),
            Job::Begun(2) => is_waiting = true,
            _ => panic!("another job"),
        }
    }
    let server = stage.server.take().unwrap();
    let ends = std::thread::spawn(move || server.run_down(PATIENCE));
    answer.unwrap().ok(5).unwrap();
    stage.doors.open(2);
    assert_eq!(call.join().unwrap().unwrap(), 5);
    assert_eq!(waits.join().unwrap().unwrap(), 6);
    assert!(ends.join().unwrap());
}

#[test]
fn a_rundown_that_waits_no_longer_lets_go_of_answers_and_futures() {
    let mut stage = Stage::new(1);
    let client = stage.client();
    let waits = wait(&client, 2, "page");
    stage.begun(2);
    let call = print(&client, 1, "page");
    let (_, _, answer) = stage.print_job();
    assert!(!stage.server.take().unwrap().run_down(Duration::from_millis(1)));
    assert!(call.join().unwrap().is_err() && waits.join().unwrap().is_err());
    assert_eq!(answer.ok(1), Err(AnswerError::Gone));
    assert!(matches!(stage.next(), Job::Dropped(2)));
}

#[test]
fn one_worker_runs_many_futures() {
    let stage = Stage::new(1);
    let client = stage.client();
    let calls: Vec<_> = (0..20).map(|number| wait(&client, number, "abc")).collect();
    calls.iter().for_each(|_| assert!(matches!(stage.next(), Job::Begun(_))));
    assert_eq!(client.double(4).unwrap(), 8);
    (0..20).rev().for_each(|number| stage.doors.open(number));
    for (number, call) in calls.into_iter().enumerate() {
        assert_eq!(call.join().unwrap().unwrap(), number as u32 + 3);
    }
    stage.doors.open(30);
    assert_eq!(client.wait(30, "jam").split().unwrap(), Err(Jam::Paper { left: 30 }));
}

#[test]
fn a_future_has_buffers_and_panics_and_needs_no_answer() {
    let stage = Stage::new(2);
    let client = stage.client();
    (0..3).for_each(|number| stage.doors.open(number));
    let mut page = [0; 64];
    let read = client.copy(0, &mut page).unwrap();
    assert_eq!(read, (6, 4));
    assert_eq!(&page[..6], b"behind");
    let panicked = client.panic_later(1).unwrap_err();
    assert!(matches!(panicked, CallError::Transport(TransportError::ServerPanicked)));
    client.note(2).unwrap();
    assert!(matches!(stage.next(), Job::Noted(2)));
    assert_eq!(client.double(1).unwrap(), 2);
}

#[test]
fn a_cancelled_future_is_dropped() {
    let stage = Stage::new(1);
    let client = stage.client();
    let canceller = Canceller::new();
    let call = wait(&client.with_cancel(&canceller.token()), 1, "page");
    stage.begun(1);
    canceller.cancel();
    assert!(call.join().unwrap().is_err());
    assert!(matches!(stage.next(), Job::Dropped(1)));
    let hasty = wait(&client.with_timeout(Duration::from_millis(20)), 2, "page");
    assert!(hasty.join().unwrap().is_err());
    let mut last = stage.next();
    if let Job::Begun(2) = last {
        last = stage.next();
        assert!(matches!(last, Job::Dropped(2)));
    }
}

#[test]
fn objects_and_bases_have_futures_too() {
    let mut stage = Stage::new(2);
    drop(stage.server.take());
    let server = Server::bind("press").unwrap().attributes(stage.attributes.clone());
    stage.server = Some(server.serve(ShopServer::new(Corner)).unwrap());
    let shop = ShopClient::connect_with("press", &stage.attributes).unwrap();
    assert_eq!(shop.sheets(3).unwrap(), 3);
    assert_eq!(shop.name().unwrap(), "corner");
    let tray = shop.tray(40).unwrap();
    assert_eq!((tray.sheets(2).unwrap(), tray.name().unwrap().as_str()), (42, "tray 40"));
    // A callback, which the client's threads run.
    assert_eq!(shop.ask(Sheets(6)).unwrap(), 7);
    // Connected to what inherits from it.
    let base = TrayClient::connect_with("press", &stage.attributes).unwrap();
    assert_eq!(base.sheets(5).unwrap(), 5);
    for missing in [shop.added(1).unwrap_err(), shop.added_and_deferred(1).unwrap_err()] {
        let unimplemented = TransportError::Unimplemented { method: "" }.to_string();
        let said = missing.to_string();
        assert_eq!(said.split('`').next(), unimplemented.split('`').next(), "{said}");
    }
}
