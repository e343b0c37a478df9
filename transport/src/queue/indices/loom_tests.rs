//! Every interleaving of the index protocol, by loom.
//!
//! What each model catches was tried by breaking the line: with the fence of `set_asleep` or that
//! of `must_ring` removed, or with sleeps that all have one number, `a_sleeper_is_always_rung` deadlocks;
//! with the fence of `give_back` or that of `set_asleep` removed, or without its look at what is in use,
//! `who_sleeps_for_want_of_room_is_rung` does; with `publish` storing `Relaxed`,
//! or `available` loading `Relaxed`, `published_bytes_are_in_place` reads a stale byte; with `give_back`
//! storing `Relaxed`, or the producer loading the head `Relaxed`,
//! `room_is_reused_only_after_it_was_read` overwrites a byte that is being read; with the fence of
//! `revoke` or that of `begin_copy` removed, or `is_copying` loading `Relaxed`, or `end_copy` storing
//! `Relaxed`, `memory_that_was_taken_back_is_not_written` finds a writer. `begin_copy` may take its
//! word back with `Relaxed`: it has not written anything.

use loom::cell::UnsafeCell;
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use super::*;

struct Shared {
    producer: Header,
    consumer: Header,
    bytes: [UnsafeCell<u8>; 2],
    bell: (Mutex<bool>, Condvar),
}

// SAFETY: loom checks that the cells are never accessed at the same time.
unsafe impl Sync for Shared {}
// SAFETY: as above.
unsafe impl Send for Shared {}

fn shared() -> Arc<Shared> {
    Arc::new(Shared {
        producer: Header::new(),
        consumer: Header::new(),
        bytes: std::array::from_fn(|_| UnsafeCell::new(0)),
        bell: (Mutex::new(false), Condvar::new()),
    })
}

fn write(shared: &Shared, at: u32, value: u8) {
    shared.bytes[at as usize].with_mut(|byte| {
        // SAFETY: loom reports any access at the same time.
        unsafe { *byte = value }
    });
}

fn read(shared: &Shared, at: u32) -> u8 {
    shared.bytes[at as usize].with(|byte| {
        // SAFETY: loom reports any access at the same time.
        unsafe { *byte }
    })
}

#[test]
fn loom_published_bytes_are_in_place() {
    loom::model(|| {
        let shared = shared();
        let other = shared.clone();
        let writer = thread::spawn(move || {
            let mut producer = Producer::new(&other.producer, &other.consumer, 2);
            write(&other, producer.position(), 7);
            producer.stage(1);
            producer.publish();
        });
        let mut consumer = Consumer::new(&shared.consumer, &shared.producer, 2);
        if consumer.available() == Ok(1) {
            assert_eq!(read(&shared, consumer.position()), 7);
        }
        writer.join().unwrap();
    });
}

#[test]
fn loom_room_is_reused_only_after_it_was_read() {
    loom::model(|| {
        let shared = shared();
        let other = shared.clone();
        let writer = thread::spawn(move || {
            let mut producer = Producer::new(&other.producer, &other.consumer, 2);
            for value in 1..=3 {
                while producer.free(1) == Ok(0) {
                    thread::yield_now();
                }
                write(&other, producer.position(), value);
                producer.stage(1);
                producer.publish();
            }
        });
        let mut consumer = Consumer::new(&shared.consumer, &shared.producer, 2);
        for value in 1..=3 {
            while consumer.available() == Ok(0) {
                thread::yield_now();
            }
            assert_eq!(read(&shared, consumer.position()), value);
            consumer.take(1);
            consumer.give_back();
        }
        writer.join().unwrap();
    });
}

#[test]
fn loom_memory_that_was_taken_back_is_not_written() {
    loom::model(|| {
        let shared = shared();
        let other = shared.clone();
        // `producer` is the server's header here, `consumer` the client's.
        let server = thread::spawn(move || {
            if other.producer.begin_copy(&other.consumer, 0, 1, 1) {
                write(&other, 0, 7);
                other.producer.end_copy(0, 0);
            }
        });
        shared.consumer.revoke(0, 1);
        while shared.producer.is_copying(0) {
            thread::yield_now();
        }
        // Any write by the server at the same time, or not yet visible, is reported by loom.
        write(&shared, 0, 9);
        server.join().unwrap();
        assert_eq!(read(&shared, 0), 9);
    });
}

impl Shared {
    fn ring(&self) {
        *self.bell.0.lock().unwrap() = true;
        self.bell.1.notify_one();
    }

    /// Sleeps until the bell is heard.
    fn hear(&self) {
        let mut rung = self.bell.0.lock().unwrap();
        while !*rung {
            rung = self.bell.1.wait(rung).unwrap();
        }
        *rung = false;
    }
}

#[test]
fn loom_a_sleeper_is_always_rung() {
    loom::model(|| {
        let shared = shared();
        let other = shared.clone();
        let writer = thread::spawn(move || {
            let rung = Rung::new();
            let mut producer = Producer::new(&other.producer, &other.consumer, 2);
            for value in [7, 8] {
                write(&other, producer.position(), value);
                producer.stage(1);
                producer.publish();
                if other.consumer.must_ring(&rung) {
                    other.ring();
                }
            }
        });
        let sleeps = Sleeps::new();
        let mut consumer = Consumer::new(&shared.consumer, &shared.producer, 2);
        let mut taken = 0;
        while taken < 2 {
            // As whoever waits does: a sleep begins, the last look, the bell. Who heard it begins anew.
            shared.consumer.set_asleep(&sleeps);
            if consumer.available() == Ok(0) {
                shared.hear();
                continue;
            }
            assert_eq!(read(&shared, consumer.position()), 7 + taken);
            consumer.take(1);
            taken += 1;
        }
        writer.join().unwrap();
    });
}

#[test]
fn loom_who_sleeps_for_want_of_room_is_rung() {
    loom::model(|| {
        let shared = shared();
        let other = shared.clone();
        let reader = thread::spawn(move || {
            let rung = Rung::new();
            let mut consumer = Consumer::new(&other.consumer, &other.producer, 4);
            for _ in 0..4 {
                while consumer.available() == Ok(0) {
                    thread::yield_now();
                }
                consumer.take(1);
                if consumer.give_back() && other.producer.must_ring(&rung) {
                    other.ring();
                }
            }
        });
        let sleeps = Sleeps::new();
        let mut producer = Producer::new(&shared.producer, &shared.consumer, 4);
        for _ in 0..4 {
            producer.stage(1);
            producer.publish();
        }
        while producer.free(1) == Ok(0) {
            shared.producer.set_asleep(&sleeps);
            if producer.free(1) == Ok(0) {
                shared.hear();
            }
        }
        reader.join().unwrap();
    });
}
