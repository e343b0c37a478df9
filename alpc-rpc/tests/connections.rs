//! What a server learns of its connections: when they come, and when they are gone.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use alpc_rpc::prelude::*;
use alpc_rpc::transport::Directory;
use alpc_rpc::{Connection, PortAttributes};

const PATIENCE: Duration = Duration::from_secs(60);

/// A book that visitors sign.
#[alpc_interface(name = "test.Visits", version = "1.0")]
pub trait Visits {
    /// The caller's name, if it gave one, before this call gives it one.
    fn sign(&self, cx: &Call<'_>, name: &str) -> Option<String>;

    /// Ends the connection in the middle of a call.
    fn throw_out(&self, cx: &Call<'_>);
}

struct Book(Sender<String>);

/// What the server keeps of a visitor. A name of `bomb` panics when it is dropped.
struct Visitor {
    name: String,
    told: Sender<String>,
}

impl Drop for Visitor {
    fn drop(&mut self) {
        let _test_over = self.told.send(format!("{} left", self.name));
        assert_ne!(self.name, "bomb", "as it is meant to");
    }
}

impl Visits for Book {
    fn sign(&self, cx: &Call<'_>, name: &str) -> Option<String> {
        let connection = cx.connection();
        let visitor = Visitor { name: name.to_owned(), told: self.0.clone() };
        let before = connection.context::<Visitor>().map(|visitor| visitor.name.clone());
        if let Err(mut second) = connection.set_context(visitor) {
            second.name.push_str(", the second,");
        }
        before
    }

    fn throw_out(&self, cx: &Call<'_>) {
        cx.connection().close();
    }
}

/// Where the port is. Goes with the test.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

struct Stage {
    server: Server,
    attributes: PortAttributes,
    _folder: Folder,
    told: Receiver<String>,
}

impl Stage {
    fn new(greet: impl Fn(Connection<'_>, &Sender<String>) + Send + Sync + 'static) -> Stage {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("alpc-co-{}-{count}", std::process::id()));
        // What a process of the same number has left behind, that was killed.
        let _left = std::fs::remove_dir_all(&folder);
        let attributes = PortAttributes::new().directory(Directory::at(&folder).unwrap());
        let (send, told) = channel();
        let server = Server::bind("visits").unwrap().attributes(attributes.clone());
        let to = send.clone();
        let server = server.on_connect(move |connection| greet(connection, &to));
        let server = server.serve(VisitsServer::new(Book(send))).unwrap();
        Stage { server, attributes, told, _folder: Folder(folder) }
    }

    fn connect(&self) -> VisitsClient {
        VisitsClient::connect_with("visits", &self.attributes).unwrap()
    }

    #[track_caller]
    fn expect(&self, told: &str) {
        assert_eq!(self.told.recv_timeout(PATIENCE).unwrap(), told);
    }
}

fn nothing(_: Connection<'_>, _: &Sender<String>) {}

#[test]
fn a_context_is_dropped_when_its_client_is_gone() {
    let stage = Stage::new(nothing);
    let (anna, ben) = (stage.connect(), stage.connect());
    assert_eq!(anna.sign("anna").unwrap(), None);
    assert_eq!(ben.sign("ben").unwrap(), None);
    drop(anna);
    stage.expect("anna left");
    drop(ben);
    stage.expect("ben left");
}

#[test]
fn the_first_context_stays_and_the_second_is_given_back() {
    let stage = Stage::new(nothing);
    let anna = stage.connect();
    anna.sign("anna").unwrap();
    assert_eq!(anna.sign("eve").unwrap(), Some("anna".to_owned()));
    stage.expect("eve, the second, left");
    assert_eq!(anna.sign("eve").unwrap(), Some("anna".to_owned()));
}

#[test]
fn a_client_is_greeted_once_and_before_its_first_call() {
    let stage = Stage::new(|connection, told| {
        told.send(format!("{:?} came", connection.peer().pid())).unwrap();
        let visitor = Visitor { name: "somebody".to_owned(), told: told.clone() };
        assert!(connection.set_context(visitor).is_ok());
    });
    let came = format!("{:?} came", Some(std::process::id()));
    for _ in 0..50 {
        let client = stage.connect();
        assert_eq!(client.sign("anna").unwrap(), Some("somebody".to_owned()));
        drop(client);
        stage.expect(&came);
        stage.expect("anna, the second, left");
        stage.expect("somebody left");
    }
    let silent = stage.connect();
    stage.expect(&came);
    drop(silent);
    stage.expect("somebody left");
}

#[test]
fn a_closed_connection_is_gone_for_both() {
    let stage = Stage::new(nothing);
    let anna = stage.connect();
    anna.sign("anna").unwrap();
    let error = anna.throw_out().unwrap_err().into_transport();
    assert!(matches!(error, TransportError::Disconnected { may_have_run: true }), "{error}");
    stage.expect("anna left");
}

#[test]
fn a_panic_in_a_contexts_drop_takes_nothing_with_it() {
    let stage = Stage::new(nothing);
    // More of them than there are workers.
    for _ in 0..40 {
        stage.connect().sign("bomb").unwrap();
        stage.expect("bomb left");
    }
    stage.connect().sign("anna").unwrap();
    stage.expect("anna left");
}

#[test]
fn a_panic_in_the_greeting_ends_that_connection_only() {
    let stage = Stage::new(|_, told| {
        told.send("greeting".to_owned()).unwrap();
        panic!("as it is meant to");
    });
    for _ in 0..40 {
        let refused = stage.connect().sign("anna");
        assert!(refused.is_err(), "{refused:?}");
        stage.expect("greeting");
    }
    assert!(stage.told.try_recv().is_err(), "a call was run on a connection that was closed");
}

#[test]
fn a_greeting_can_turn_a_client_away() {
    let stage = Stage::new(|connection, _| connection.close());
    for _ in 0..40 {
        let refused = stage.connect().sign("anna");
        assert!(refused.is_err(), "{refused:?}");
    }
    assert!(stage.told.try_recv().is_err(), "a call was run on a connection that was closed");
}

#[test]
fn a_server_that_has_ended_leaves_its_name_to_the_next() {
    let Stage { server, attributes, told, _folder } = Stage::new(nothing);
    let connect = || VisitsClient::connect_with("visits", &attributes).unwrap();
    let anna = connect();
    anna.sign("anna").unwrap();
    let stopper = server.stopper();
    stopper.stop();
    server.wait();
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "anna left");
    assert!(anna.sign("anna").is_err());

    let book = VisitsServer::new(Book(channel().0));
    let next = Server::bind("visits").unwrap().attributes(attributes.clone()).serve(book).unwrap();
    // It is not the next one's.
    stopper.stop();
    assert_eq!(connect().sign("").unwrap(), None);
    drop(next);
}
