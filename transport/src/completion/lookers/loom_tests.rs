//! Every interleaving of a client that rings, a worker that looks no more, and one that hears the bell.
//!
//! Tried by breaking the line: if the worker has its last look before it says that it looks no more, or
//! before the client can see it asleep, or if who hears the bell asks before it has heard it, a message
//! lies in the ring that nobody comes for.

use loom::sync::{Arc, Mutex};
use loom::thread;

use super::Lookers;
use crate::queue::indices::{Consumer, Header, Producer, Rung, Sleeps};

/// A client's channel, as the server has it.
struct Port {
    /// The words that the client writes.
    client: Arc<Header>,
    /// Those that the server writes.
    server: Arc<Header>,
    sleeps: Sleeps,
    lookers: Lookers,
    /// The lock of what comes in, and how many messages were taken.
    inbound: Mutex<(Consumer<Arc<Header>, Arc<Header>>, usize)>,
    /// A bell that nobody has heard.
    bell: Mutex<bool>,
}

impl Port {
    fn new() -> Arc<Port> {
        let (client, server) = (Arc::new(Header::new()), Arc::new(Header::new()));
        let inbound = (Consumer::new(server.clone(), client.clone(), 2), 0);
        let sleeps = Sleeps::new();
        server.set_asleep(&sleeps);
        let (lookers, bell) = (Lookers::none(), Mutex::new(false));
        Arc::new(Port { client, server, sleeps, lookers, inbound: Mutex::new(inbound), bell })
    }

    /// The client sends a message.
    fn send(&self) {
        let mut producer = Producer::new(self.client.clone(), self.server.clone(), 2);
        producer.stage(1);
        producer.publish();
        if self.server.must_ring(&Rung::new()) {
            *self.bell.lock().unwrap() = true;
        }
    }

    fn take(&self) {
        let mut inbound = self.inbound.lock().unwrap();
        let (consumer, taken) = &mut *inbound;
        if consumer.available() == Ok(1) {
            consumer.take(1);
            *taken += 1;
        }
    }

    /// A worker looks, and then no more: `Worker::heat_up`, `look` and `cool_down`.
    fn look(&self) {
        self.lookers.begin();
        self.server.set_awake();
        self.take();
        self.lookers.end();
        self.server.set_asleep(&self.sleeps);
        self.take();
    }

    /// Another worker hears the bell, if it is rung: `Shared::take_turn`.
    fn hear(&self) {
        let inbound = self.inbound.lock().unwrap();
        let is_rung = std::mem::take(&mut *self.bell.lock().unwrap());
        if is_rung && !self.server.is_awake() {
            self.server.set_asleep(&self.sleeps);
        }
        drop(inbound);
        if is_rung && !self.lookers.are_any() {
            self.take();
        }
    }
}

#[test]
fn loom_a_bell_that_is_left_to_a_worker_who_looks_is_not_lost() {
    loom::model(|| {
        let port = Port::new();
        let (client, other) = (port.clone(), port.clone());
        let client = thread::spawn(move || client.send());
        let other = thread::spawn(move || other.hear());
        port.look();
        client.join().unwrap();
        other.join().unwrap();
        let taken = port.inbound.lock().unwrap().1;
        assert!(taken == 1 || *port.bell.lock().unwrap(), "somebody has it, or will hear of it");
    });
}
