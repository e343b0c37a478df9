//! Calls that handlers make: which thread runs what comes back for them, and how deep they go.

mod common;

use std::collections::HashSet;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{JoinHandle, ThreadId};

use alpc_transport::{
    Chain, CommunicationPort, Completion, CompletionPort, ConnectionPort, Deadline, ErrorKind,
    IncomingCall, PortAttributes, Reply, Request, Response, Worker,
};
use common::{Other, Place, Server, at, call, call_until, connect, hear, name, say, soon};

/// A handler that may be run by whoever waits for what its call descends from.
type Handler = Arc<dyn Fn(&IncomingCall) -> Vec<u8> + Send + Sync>;

/// Runs the handler with a call, on this thread or on the one that waits.
fn serve(worker: &mut Worker, incoming: IncomingCall, handler: &Handler) {
    let elsewhere = handler.clone();
    if let Err(incoming) = incoming.hand_over(move |incoming| {
        let reply = run(&incoming, &elsewhere);
        let _gone = incoming.reply(reply);
    }) {
        let reply = run(&incoming, handler);
        let _gone = worker.reply(incoming, reply);
    }
}

fn run(incoming: &IncomingCall, handler: &Handler) -> Reply {
    let _handling = incoming.handling();
    Reply { body: handler(incoming), ..Reply::default() }
}

/// A server whose clients give it a way back, and whose handler has that of each caller.
fn start(
    attributes: PortAttributes,
    workers: usize,
    handler: impl Fn(&IncomingCall, Option<&CommunicationPort>) -> Vec<u8> + Send + Sync + 'static,
) -> Server {
    let handler: Handler = Arc::new(move |incoming| handler(incoming, incoming.port().context()));
    Server::start(attributes, workers, move |worker, mut incoming| {
        if incoming.body() != b"reverse" {
            return serve(worker, incoming, &handler);
        }
        let port = incoming.port().clone();
        let accepted = port.accept_reverse(incoming.take_handles()).unwrap();
        port.set_context(accepted.port);
        let reply = Reply { handles: accepted.handles, ..Reply::default() };
        worker.reply(incoming, reply).unwrap();
    })
}

/// Serves what the server calls back, with some threads.
struct Callee {
    port: CompletionPort,
    threads: Vec<JoinHandle<()>>,
}

impl Callee {
    fn start(
        client: &CommunicationPort,
        workers: usize,
        handler: impl Fn(&IncomingCall) -> Vec<u8> + Send + Sync + 'static,
    ) -> Callee {
        let offer = client.offer_reverse().unwrap();
        let mut response = {
            let handles = &*offer.handles();
            let (method, tag, body, deadline) = (1, 0, &b"reverse"[..], soon());
            let request = Request { method, tag, body, parts: &mut [], deadline, handles };
            client.call(request).unwrap()
        };
        let port = offer.complete(response.take_handles()).unwrap();
        let handler: Handler = Arc::new(handler);
        let work = move |mut worker: Worker| {
            while let Some(completion) = worker.next().unwrap() {
                if let Completion::Call(incoming) = completion {
                    serve(&mut worker, incoming, &handler);
                }
            }
        };
        let spare = work.clone();
        port.stand_in(16, move |worker| {
            let work = spare.clone();
            std::thread::spawn(move || work(worker));
            true
        });
        let threads = (0..workers).map(|_| {
            let (worker, work) = (port.worker(), work.clone());
            std::thread::spawn(move || work(worker))
        });
        let threads = threads.collect();
        Callee { port, threads }
    }

    fn stop(self) {
        self.port.shut_down();
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}

/// A server that answers `back` with what its caller says when it is called back.
fn calling_back(workers: usize) -> Server {
    start(PortAttributes::new(), workers, |incoming, back| match incoming.body() {
        b"back" => ask(back.unwrap(), b"").body().to_vec(),
        _ => Vec::new(),
    })
}

/// Where handlers ran, as their threads tell it.
fn places() -> (impl Fn() + Clone + Send + Sync + 'static, Receiver<ThreadId>) {
    let (told, places) = channel();
    let told = Mutex::new(told);
    let told: Arc<Mutex<Sender<ThreadId>>> = Arc::new(told);
    (move || told.lock().unwrap().send(std::thread::current().id()).unwrap(), places)
}

fn ask(port: &CommunicationPort, body: &[u8]) -> Response {
    call(port, body, &mut []).unwrap()
}

#[test]
fn a_callback_runs_on_the_thread_that_waits_for_its_cause() {
    let server = calling_back(2);
    let client = server.client();
    let (told, places) = places();
    let callee = Callee::start(&client, 1, move |_| {
        told();
        b"hello".to_vec()
    });
    for _ in 0..50 {
        assert_eq!(ask(&client, b"back").body(), b"hello");
        assert_eq!(places.recv().unwrap(), std::thread::current().id());
    }
    // While others lead and follow at the same channel, each gets its own.
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..50).for_each(|_| drop(ask(&client, b"back"))));
        }
    });
    let ran: Vec<_> = places.try_iter().collect();
    assert_eq!(ran.len(), 200);
    let threads: HashSet<_> = ran.into_iter().collect();
    assert_eq!(threads.len(), 4, "each on the thread that called");
    callee.stop();
    server.stop();
}

/// Takes the replies of a batch of `count` calls.
fn ask_together(port: &CommunicationPort, body: &[u8], count: usize) -> Vec<Vec<u8>> {
    let mut batch = port.batch();
    for _ in 0..count {
        let request =
            Request { method: 1, tag: 0, body, parts: &mut [], deadline: soon(), handles: &[] };
        batch.submit(request).unwrap();
    }
    let replies = std::iter::from_fn(|| batch.next_reply());
    replies.map(|(_, response)| response.unwrap().body().to_vec()).collect()
}

#[test]
fn callbacks_run_on_the_thread_that_waits_for_a_batch() {
    let server = calling_back(1);
    let client = server.client();
    let (told, places) = places();
    let callee = Callee::start(&client, 1, move |_| {
        told();
        b"hello".to_vec()
    });
    let here = std::thread::current().id();
    for _ in 0..50 {
        // One worker, which calls back for one call after the other. This thread may just be taking the
        // reply before; then the callback is for the callee's own thread.
        assert_eq!(ask_together(&client, b"back", 1), [b"hello"]);
        assert_eq!(places.recv().unwrap(), here);
        assert_eq!(ask_together(&client, b"back", 5), [b"hello"; 5]);
        let ran: Vec<_> = places.iter().take(5).collect();
        let own = callee.threads[0].thread().id();
        assert!(ran.iter().all(|thread| [here, own].contains(thread)), "{ran:?}");
    }
    callee.stop();
    server.stop();
}

#[test]
fn a_handler_that_waits_for_a_batch_runs_what_its_calls_cause() {
    let (told, places) = places();
    let (forth, ran) = (Arc::new(OnceLock::<CommunicationPort>::new()), told.clone());
    let to_itself = forth.clone();
    // Its calls go to itself, and each of them calls it once more, when no worker is left.
    let server = start(PortAttributes::new(), 2, move |incoming, _| match incoming.body() {
        b"first" => {
            told();
            ask_together(to_itself.get().unwrap(), b"second", 1).concat()
        }
        b"second" => ask(to_itself.get().unwrap(), b"third").body().to_vec(),
        _ => {
            ran();
            vec![u8::try_from(incoming.depth()).unwrap()]
        }
    });
    let Ok(()) = forth.set(server.client()) else { panic!("it is set once") };
    let client = server.client();
    for _ in 0..20 {
        assert_eq!(ask(&client, b"first").body(), [3]);
        let [first, third] = [places.recv().unwrap(), places.recv().unwrap()];
        assert_eq!(first, third, "on the thread that waits for the batch");
    }
    server.stop();
}

#[test]
fn what_nobody_waits_for_is_for_the_workers() {
    let server = start(PortAttributes::new(), 1, |_, _| Vec::new());
    let client = server.client();
    let (told, places) = places();
    let callee = Callee::start(&client, 1, move |incoming| {
        told();
        vec![u8::try_from(incoming.depth()).unwrap()]
    });
    let port = server.connected();
    // Made by no handler: it descends from nothing.
    assert_eq!(ask(port.context().unwrap(), b"").body(), [1]);
    assert_eq!(places.recv().unwrap(), callee.threads[0].thread().id());
    callee.stop();
    server.stop();
}

/// The body of the other processes; nothing in the test process.
#[test]
fn child() {
    let Some((role, place)) = common::role() else { return };
    // It passes each call on to the server at another place.
    let next = connect(Path::new(&role), PortAttributes::new());
    let attributes = at(&place, PortAttributes::new());
    let port = CompletionPort::new(ConnectionPort::create(&name(), &attributes).unwrap()).unwrap();
    let handler: Handler = Arc::new(move |_| ask(&next, b"").body().to_vec());
    let (mut worker, ended) = (port.worker(), port.clone());
    let serving = std::thread::spawn(move || {
        while let Some(completion) = worker.next().unwrap() {
            match completion {
                Completion::Connecting(request) => request.accept(b"").unwrap(),
                Completion::Call(incoming) => serve(&mut worker, incoming, &handler),
                _ => {}
            }
        }
    });
    say("serving");
    while hear().is_some() {}
    ended.shut_down();
    serving.join().unwrap();
}

/// A calls B, B calls C, C calls A.
#[test]
fn a_chain_comes_back_over_another_connection() {
    let (told, places) = places();
    let a = start(PortAttributes::new(), 1, move |incoming, _| {
        told();
        vec![u8::try_from(incoming.depth()).unwrap()]
    });
    let (b_place, c_place) = (Place::new(), Place::new());
    let follow = |next: &Place, place: &Place| {
        let mut other = Other::start(next.path().to_str().unwrap(), place.path());
        other.expect("serving");
        other
    };
    let c = follow(&a.place, &c_place);
    let b = follow(&c_place, &b_place);
    let client = connect(b_place.path(), PortAttributes::new());
    for _ in 0..50 {
        assert_eq!(ask(&client, b"").body(), [3]);
        assert_eq!(places.recv().unwrap(), std::thread::current().id());
    }
    drop(client);
    b.end();
    c.end();
    a.stop();
}

/// A worker that waits in a call of its handler's runs what comes back for that, and so on. It takes
/// one more, which hands the calls over.
#[test]
fn two_workers_at_each_end_are_enough_for_any_depth() {
    let forth = Arc::new(OnceLock::<CommunicationPort>::new());
    let server = start(PortAttributes::new(), 2, |incoming, back| {
        let body = incoming.body();
        assert_eq!(usize::from(body[0]), incoming.depth());
        deeper(back.unwrap(), body)
    });
    let client = server.client();
    let caller = forth.clone();
    let callee =
        Callee::start(&client, 2, move |incoming| deeper(caller.get().unwrap(), incoming.body()));
    forth.set(client.clone()).unwrap();
    for most in 1..=16 {
        assert_eq!(ask(&client, &[1, most]).body(), [most]);
    }
    // The seventeenth is refused where it is made, and nobody has heard of it.
    assert_eq!(ask(&client, &[1, 17]).body(), [16, 16]);
    callee.stop();
    server.stop();
}

/// Somebody has to be there who hands over what comes back for a handler that waits.
#[test]
fn a_worker_that_waits_is_replaced() {
    let server =
        start(PortAttributes::new(), 2, |incoming, back| deeper(back.unwrap(), incoming.body()));
    let client = server.client();
    let caller = client.clone();
    let callee = Callee::start(&client, 1, move |incoming| deeper(&caller, incoming.body()));
    let port = server.connected();
    // Nobody waits in the client's process, so its one worker runs the first call, and waits.
    for _ in 0..20 {
        assert_eq!(ask(port.context().unwrap(), &[1, 6]).body(), [6]);
    }
    callee.stop();
    server.stop();
}

/// Calls on until it is deep enough. The answer is how deep it got, and behind it the limit that was
/// met.
fn deeper(port: &CommunicationPort, body: &[u8]) -> Vec<u8> {
    let [depth, most] = *body else { panic!("{body:?}") };
    if depth == most {
        return vec![depth];
    }
    match call(port, &[depth + 1, most], &mut []) {
        Ok(response) => response.body().to_vec(),
        Err(failure) => {
            assert!(!failure.may_have_run);
            let ErrorKind::TooDeep { max } = failure.error.kind() else { panic!("{failure:?}") };
            vec![depth, u8::try_from(*max).unwrap()]
        }
    }
}

#[test]
fn a_port_can_have_a_limit_of_its_own() {
    let server = start(PortAttributes::new().max_depth(3), 2, |incoming, back| {
        deeper(back.unwrap(), incoming.body())
    });
    let client = server.client();
    assert_eq!(client.limits().max_depth, 3);
    let caller = client.clone();
    let callee = Callee::start(&client, 2, move |incoming| deeper(&caller, incoming.body()));
    assert_eq!(ask(&client, &[1, 3]).body(), [3]);
    assert_eq!(ask(&client, &[1, 4]).body(), [3, 3]);
    callee.stop();
    server.stop();
}

/// Work that a handler hands to other threads takes the chain along if it is told to, and each of
/// them then gets what comes back for it.
#[test]
fn a_chain_goes_along_to_other_threads() {
    let server = start(PortAttributes::new(), 2, |incoming, back| {
        ask(back.unwrap(), incoming.body()).body().to_vec()
    });
    let client = server.client();
    let caller = Arc::new(OnceLock::<CommunicationPort>::new());
    let inner = caller.clone();
    let (told, places) = places();
    let places = Mutex::new(places);
    let callee = Callee::start(&client, 1, move |incoming| {
        if incoming.depth() == 2 {
            let chain = Chain::current().unwrap();
            assert_eq!(chain.depth(), 2);
            let port = inner.get().unwrap();
            let answered = std::thread::scope(|scope| {
                let branch = scope.spawn(|| {
                    let answer = chain.run(|| ask(port, b""));
                    assert!(Chain::current().is_none());
                    (answer.body().to_vec(), std::thread::current().id())
                });
                branch.join().unwrap()
            });
            assert_eq!(places.lock().unwrap().recv().unwrap(), answered.1);
            return answered.0;
        }
        told();
        vec![u8::try_from(incoming.depth()).unwrap()]
    });
    caller.set(client.clone()).unwrap();
    assert_eq!(ask(&client, b"").body(), [4]);
    callee.stop();
    server.stop();
}

/// A thread whose deadline has passed takes nothing in any more: its server goes on by itself.
#[test]
fn a_wait_that_is_over_runs_nothing() {
    let (go, gone) = channel();
    let gone = Mutex::new(gone);
    let (answer, answered) = channel();
    let answer = Mutex::new(answer);
    let server = start(PortAttributes::new(), 1, move |incoming, back| match incoming.body() {
        b"late" => {
            gone.lock().unwrap().recv().unwrap();
            let body = ask(back.unwrap(), b"").body().to_vec();
            answer.lock().unwrap().send(()).unwrap();
            body
        }
        _ => Vec::new(),
    });
    let client = server.client();
    let (told, places) = places();
    let callee = Callee::start(&client, 1, move |_| {
        told();
        Vec::new()
    });
    let after = Deadline::after(std::time::Duration::from_millis(1));
    let failure = call_until(&client, b"late", &mut [], after).unwrap_err();
    assert_eq!(failure.error.kind(), &ErrorKind::TimedOut);
    go.send(()).unwrap();
    assert_eq!(places.recv().unwrap(), callee.threads[0].thread().id());
    // Who stops before its answer is there takes it away.
    answered.recv().unwrap();
    callee.stop();
    server.stop();
}
