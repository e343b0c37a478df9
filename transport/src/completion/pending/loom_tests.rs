//! Every interleaving of the completion list and of a worker with those who add completions, by loom.
//!
//! What each model catches was tried by breaking the line: with a list that says that it watches only
//! when it has found nothing, or a worker that looks before it says that it waits,
//! `a_list_sleeps_only_when_nothing_comes` and `a_worker_sleeps_only_when_nothing_comes` deadlock; and so
//! do both if whoever adds something looks for watchers before. The counter could be `Relaxed`: the
//! locks order it.

use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use super::Pending;

/// What stands for the descriptor: an eventfd, which a wait takes one from.
#[derive(Default)]
struct Descriptor {
    count: Mutex<usize>,
    changed: Condvar,
}

impl Descriptor {
    fn wake(&self) {
        *self.count.lock().unwrap() += 1;
        self.changed.notify_one();
    }

    fn wait(&self) {
        let mut count = self.count.lock().unwrap();
        while *count == 0 {
            count = self.changed.wait(count).unwrap();
        }
        *count -= 1;
    }
}

struct Port {
    pending: Pending<u32, u32>,
    descriptor: Descriptor,
}

impl Port {
    fn new() -> Arc<Port> {
        Arc::new(Port { pending: Pending::new(), descriptor: Descriptor::default() })
    }

    /// As `CompletionPort::post`.
    fn post(&self, completion: u32) {
        self.pending.add([completion]);
        if self.pending.is_watched() {
            self.descriptor.wake();
        }
    }

    /// As `Shared::look_again`.
    fn look_again(&self, place: u32) {
        self.pending.add_again(place);
        if self.pending.is_watched() {
            self.descriptor.wake();
        }
    }

    fn next(&self) -> Option<u32> {
        self.pending.take().or_else(|| self.pending.take_again())
    }
}

fn two_who_add(port: &Arc<Port>) -> [thread::JoinHandle<()>; 2] {
    let (first, second) = (port.clone(), port.clone());
    [thread::spawn(move || first.post(1)), thread::spawn(move || second.look_again(2))]
}

#[test]
fn loom_a_list_sleeps_only_when_nothing_comes() {
    loom::model(|| {
        let port = Port::new();
        let others = two_who_add(&port);
        // As `CompletionList::new`, and then as its owner's loop.
        port.pending.watch();
        let mut sum = 0;
        while sum < 3 {
            match port.next() {
                Some(taken) => sum += taken,
                None => port.descriptor.wait(),
            }
        }
        assert!(port.pending.is_idle());
        port.pending.stop_watching();
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}

#[test]
fn loom_a_worker_sleeps_only_when_nothing_comes() {
    loom::model(|| {
        let port = Port::new();
        let others = two_who_add(&port);
        let mut sum = 0;
        while sum < 3 {
            if let Some(taken) = port.next() {
                sum += taken;
                continue;
            }
            // As `Worker::sleep`.
            port.pending.watch();
            if port.pending.is_idle() {
                port.descriptor.wait();
            }
            port.pending.stop_watching();
        }
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}
