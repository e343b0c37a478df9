//! A mill that makes streams and takes them: what the tests of streams call.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alpc_rpc::prelude::*;
use alpc_rpc::transport::{Accelerator, Directory};
use alpc_rpc::{CallError, Items, PortAttributes, ServerBuilder, Sink, Stream};

/// Long enough for anything that ends.
pub const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Alpc, Clone, Debug, PartialEq)]
#[alpc(error)]
pub enum Broken {
    At(u64),
    Unrecognized { tag: u32, payload: Vec<u8> },
}

#[derive(Alpc, Clone, Debug, PartialEq)]
pub struct Grain {
    pub number: u64,
    pub text: String,
}

#[alpc_interface(name = "test.mill.Wheel")]
pub trait Wheel {
    fn turn(&self) -> u64;
}

#[alpc_interface(name = "test.mill.Mill")]
pub trait Mill {
    /// So many grains, by an iterator.
    fn grind(&self, from: u64, count: u64) -> Items<Grain>;
    /// So many numbers, and then the error.
    fn break_at(&self, count: u64) -> Result<Items<u64, Broken>, Broken>;
    /// A line that the test feeds.
    fn line(&self, capacity: u64) -> Items<u64>;
    /// Bytes of these lengths.
    fn sacks(&self, lengths: Vec<u64>) -> Items<Vec<u8>>;
    /// Items that break their bound, from the third on.
    #[returns(#[items(max = 2)] _)]
    fn bounded(&self) -> Items<u64>;
    /// An iterator that panics behind so many.
    fn panics(&self, count: u64) -> Items<u64>;
    /// Sums the numbers up, and stops behind so many.
    fn sum(&self, numbers: Stream<u64>, most: u64) -> u64;
    /// Sums the numbers up; where they end with an error, how far they came and what that said.
    fn sum_up_to(&self, numbers: Stream<u64, Broken>) -> Result<u64, Broken>;
    /// Tells what came of each number, behind the answer.
    #[oneway]
    fn pour(&self, numbers: Stream<u64>);
    /// The lengths of what came.
    fn weigh(&self, sacks: Stream<Vec<u8>>) -> Vec<u64>;
    /// Each number, doubled.
    fn double(&self, numbers: Stream<u64>) -> Items<u64>;
    /// Wheels and files.
    fn wheels(&self, count: u64) -> Items<WheelRef>;
    /// Turns each wheel that comes.
    fn turn(&self, wheels: Stream<WheelRef>) -> u64;
    /// Keeps another mill, and gives it to whoever asks.
    fn keep(&self, mill: MillRef);
    fn kept(&self) -> Option<MillRef>;
    /// How many objects the caller holds.
    fn objects(&self, cx: &Call<'_>) -> u64;
}

/// What the test knows of a mill.
#[derive(Default)]
pub struct Told {
    /// Items that iterators were asked for.
    pub made: AtomicU64,
    /// Iterators that were dropped.
    pub dropped: AtomicUsize,
    pub sinks: Mutex<Option<Sender<Sink<u64>>>>,
    pub poured: Mutex<Option<Sender<String>>>,
    pub kept: Mutex<Option<MillRef>>,
}

#[derive(Clone, Default)]
pub struct Stones(pub Arc<Told>);

/// An iterator that says when it is dropped.
struct Watched<I> {
    inner: I,
    told: Arc<Told>,
}

impl<I: Iterator> Iterator for Watched<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let next = self.inner.next();
        if next.is_some() {
            self.told.made.fetch_add(1, Ordering::SeqCst);
        }
        next
    }
}

impl<I> Drop for Watched<I> {
    fn drop(&mut self) {
        self.told.dropped.fetch_add(1, Ordering::SeqCst);
        if let Some(poured) = &*self.told.poured.lock().unwrap() {
            let _nobody_asks = poured.send("dropped".to_owned());
        }
    }
}

struct Spoke(u64);

impl Wheel for Spoke {
    fn turn(&self) -> u64 {
        self.0
    }
}

pub fn grain(number: u64) -> Grain {
    Grain { number, text: format!("grain {number}") }
}

impl Stones {
    fn watch<I: Iterator>(&self, inner: I) -> Watched<I> {
        Watched { inner, told: self.0.clone() }
    }

    /// The sinks of the lines that are asked for.
    pub fn sinks(&self) -> Receiver<Sink<u64>> {
        let (send, receive) = channel();
        *self.0.sinks.lock().unwrap() = Some(send);
        receive
    }

    /// What is told of what is poured, and of iterators that were dropped.
    pub fn poured(&self) -> Receiver<String> {
        let (send, receive) = channel();
        *self.0.poured.lock().unwrap() = Some(send);
        receive
    }

    pub fn made(&self) -> u64 {
        self.0.made.load(Ordering::SeqCst)
    }
}

impl Mill for Stones {
    fn grind(&self, from: u64, count: u64) -> Items<Grain> {
        Items::from_iter(self.watch((from..from.saturating_add(count)).map(grain)))
    }

    fn break_at(&self, count: u64) -> Result<Items<u64, Broken>, Broken> {
        if count == u64::MAX {
            return Err(Broken::At(count));
        }
        let last = std::iter::once(Err(Broken::At(count)));
        Ok(Items::try_from_iter(self.watch((0..count).map(Ok).chain(last))))
    }

    fn line(&self, capacity: u64) -> Items<u64> {
        let (sink, items) = Items::channel(usize::try_from(capacity).unwrap());
        if let Some(sinks) = &*self.0.sinks.lock().unwrap() {
            sinks.send(sink).unwrap();
        }
        items
    }

    fn sacks(&self, lengths: Vec<u64>) -> Items<Vec<u8>> {
        let sack = |len: u64| vec![u8::try_from(len % 251).unwrap(); usize::try_from(len).unwrap()];
        Items::from_iter(self.watch(lengths.into_iter().map(sack)))
    }

    fn bounded(&self) -> Items<u64> {
        Items::from_iter(self.watch(1..9))
    }

    fn panics(&self, count: u64) -> Items<u64> {
        Items::from_iter(self.watch((0..).inspect(move |&at| assert!(at < count, "as asked"))))
    }

    fn sum(&self, numbers: Stream<u64>, most: u64) -> u64 {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        numbers.take(most).map(Result::unwrap).sum()
    }

    fn sum_up_to(&self, numbers: Stream<u64, Broken>) -> Result<u64, Broken> {
        let mut sum = 0;
        for number in numbers {
            match number {
                Ok(number) => sum += number,
                Err(CallError::App(Broken::At(at))) => return Err(Broken::At(sum + at)),
                Err(_) => return Err(Broken::At(u64::MAX)),
            }
        }
        Ok(sum)
    }

    fn pour(&self, numbers: Stream<u64>) {
        let poured = self.0.poured.lock().unwrap().clone().unwrap();
        std::thread::spawn(move || {
            for number in numbers.without_deadline() {
                let text = number.map_or_else(|error| error.to_string(), |it| it.to_string());
                poured.send(text).unwrap();
            }
            poured.send("end".to_owned()).unwrap();
        });
    }

    fn weigh(&self, sacks: Stream<Vec<u8>>) -> Vec<u64> {
        sacks.map(|sack| sack.unwrap().len() as u64).collect()
    }

    fn double(&self, numbers: Stream<u64>) -> Items<u64> {
        Items::from_iter(self.watch(numbers.map_while(Result::ok).map(|number| number * 2)))
    }

    fn wheels(&self, count: u64) -> Items<WheelRef> {
        Items::from_iter((0..count).map(|at| WheelRef::from(Spoke(at))))
    }

    fn turn(&self, wheels: Stream<WheelRef>) -> u64 {
        let turn = |wheel: WheelRef| match wheel {
            WheelRef::Remote(wheel) => wheel.turn().unwrap(),
            WheelRef::Local(wheel) => wheel.turn(),
        };
        wheels.map(|wheel| turn(wheel.unwrap())).sum()
    }

    fn keep(&self, mill: MillRef) {
        *self.0.kept.lock().unwrap() = Some(mill);
    }

    fn kept(&self) -> Option<MillRef> {
        self.0.kept.lock().unwrap().take()
    }

    fn objects(&self, cx: &Call<'_>) -> u64 {
        cx.connection().objects() as u64
    }
}

/// A wheel of the caller's.
pub fn wheel(number: u64) -> WheelRef {
    WheelRef::from(Spoke(number))
}

/// How the two ends are connected.
pub fn attributes(folder: &Path) -> PortAttributes {
    PortAttributes::new().directory(Directory::at(folder).unwrap())
}

/// Both ways that a channel can work.
pub const ACCELERATORS: [Accelerator; 2] = [Accelerator::On, Accelerator::Off];

pub const NAME: &str = "test.mill";

pub fn serve(
    folder: &Path,
    stones: &Stones,
    set: impl FnOnce(ServerBuilder) -> ServerBuilder,
) -> Server {
    let server = Server::bind(NAME).unwrap().attributes(attributes(folder));
    set(server).serve(MillServer::new(stones.clone())).unwrap()
}
