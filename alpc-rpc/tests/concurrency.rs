//! How many handlers run at one time, and how a service ends.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Barrier, Mutex};
use std::time::Duration;

use alpc_rpc::prelude::*;
use alpc_rpc::transport::{Directory, PortAttributes};

const PATIENCE: Duration = Duration::from_secs(60);

#[alpc_interface(name = "test.concurrency.Meeting", version = "1.0")]
trait Meeting {
    /// Returns when somebody else is there, too.
    fn meet(&self, cx: &Call<'_>) -> u32;
    /// Takes note of a number, once the test lets it.
    #[oneway]
    fn note(&self, number: u32);
}

struct Room {
    both: Barrier,
    said: Sender<u32>,
    may_go_on: Mutex<Receiver<()>>,
}

impl Meeting for Room {
    fn meet(&self, cx: &Call<'_>) -> u32 {
        cx.blocking(|| self.both.wait());
        7
    }

    fn note(&self, number: u32) {
        self.said.send(number).unwrap();
        // The test lets all go on by going away.
        let _gone = self.may_go_on.lock().unwrap().recv();
    }
}

struct Stage {
    server: Option<Server>,
    attributes: PortAttributes,
    folder: PathBuf,
    said: Receiver<u32>,
    lets_go_on: Option<Sender<()>>,
}

impl Stage {
    fn new(workers: usize, concurrency: usize) -> Stage {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("alpc-cc-{}-{count}", std::process::id()));
        let _left = std::fs::remove_dir_all(&folder);
        let attributes = PortAttributes::new().directory(Directory::at(&folder).unwrap());
        let ((say, said), (let_go, may_go_on)) = (channel(), channel());
        let may_go_on = Mutex::new(may_go_on);
        let room = Room { both: Barrier::new(2), said: say, may_go_on };
        let server = Server::bind("meeting").unwrap().attributes(attributes.clone());
        let server = server.workers(workers).concurrency(concurrency);
        let server = server.serve(MeetingServer::new(room)).unwrap();
        Stage { server: Some(server), attributes, folder, said, lets_go_on: Some(let_go) }
    }

    fn client(&self) -> MeetingClient {
        MeetingClient::connect_with("meeting", &self.attributes).unwrap()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop((self.lets_go_on.take(), self.server.take()));
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn a_handler_that_waits_and_says_so_makes_room_for_the_one_it_waits_for() {
    let stage = Stage::new(2, 1);
    let server = stage.server.as_ref().unwrap();
    assert_eq!(server.concurrency(), 1);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let client = stage.client();
            scope.spawn(move || assert_eq!(client.meet().unwrap(), 7));
        }
    });
    server.set_concurrency(2);
    assert_eq!(server.concurrency(), 2);
}

#[test]
fn rundown_runs_the_calls_that_were_taken() {
    let mut stage = Stage::new(1, 1);
    let client = stage.client();
    (0..20).for_each(|number| client.note(number).unwrap());
    assert_eq!(stage.said.recv_timeout(PATIENCE), Ok(0));
    let server = stage.server.take().unwrap();
    let ends = std::thread::spawn(move || server.run_down(PATIENCE));
    drop(stage.lets_go_on.take());
    assert!(ends.join().unwrap());
    let said: Vec<u32> = stage.said.try_iter().collect();
    assert_eq!(said, (1..=said.len() as u32).collect::<Vec<_>>(), "none is left out");
}

#[test]
fn rundown_does_not_wait_longer_than_it_may_for_calls() {
    let mut stage = Stage::new(1, 1);
    let client = stage.client();
    client.note(0).unwrap();
    assert_eq!(stage.said.recv_timeout(PATIENCE), Ok(0));
    let server = stage.server.take().unwrap();
    let ends = std::thread::spawn(move || server.run_down(Duration::from_millis(1)));
    // The only worker is busy, so this ends with the service.
    assert!(client.meet().is_err());
    // The handler is waited for all the same: it uses what the server owns.
    drop(stage.lets_go_on.take());
    assert!(!ends.join().unwrap());
}
