//! Streams between the two ends of a connection.

mod mill;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use alpc_rpc::prelude::*;
use alpc_rpc::transport::{Accelerator, DirectAvailability};
use alpc_rpc::{CallError, Deadline, Items, SendError, Server, Way};

use mill::{ACCELERATORS, Broken, MillClient, NAME, PATIENCE, Stones, attributes, grain, wheel};

/// A mill and a client of its.
struct Place {
    mill: MillClient,
    stones: Stones,
    server: Option<Server>,
    folder: PathBuf,
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.server.take());
        let _gone = std::fs::remove_dir_all(&self.folder);
    }
}

fn place() -> Place {
    place_with(Accelerator::On, 64)
}

fn place_with(accelerator: Accelerator, outstanding: usize) -> Place {
    place_with_views(accelerator, outstanding, 32 << 20)
}

fn place_with_views(accelerator: Accelerator, outstanding: usize, view_limit: usize) -> Place {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("alpc-mill-{}-{count}", std::process::id()));
    let stones = Stones::default();
    let server = mill::serve(&folder, &stones, |server| server.workers(4));
    let attributes = attributes(&folder).accelerator(accelerator).outstanding_requests(outstanding);
    let attributes = attributes.view_limit(view_limit);
    let mill = MillClient::connect_with(NAME, &attributes).unwrap().with_timeout(PATIENCE);
    Place { mill, stones, server: Some(server), folder }
}

#[test]
fn thousands_of_items_come_in_order_and_then_the_end() {
    for accelerator in ACCELERATORS {
        let place = place_with(accelerator, 64);
        let mut grains = place.mill.grind(7, 5000).unwrap();
        for number in 7..5007 {
            assert_eq!(grains.next().unwrap().unwrap(), grain(number));
        }
        assert!(grains.next().is_none());
        assert!(grains.next().is_none());
        assert_eq!(place.mill.grind(0, 0).unwrap().count(), 0);
    }
}

#[test]
fn several_streams_of_one_client_do_not_mix() {
    let place = place();
    std::thread::scope(|scope| {
        for from in 0..6_u64 {
            let mill = &place.mill;
            scope.spawn(move || {
                let from = from * 10_000;
                let numbers = mill.grind(from, 2000).unwrap().map(|it| it.unwrap().number);
                assert!(numbers.eq(from..from + 2000));
            });
        }
    });
}

#[test]
fn a_stream_ends_with_the_interfaces_error() {
    let place = place();
    let mut numbers = place.mill.break_at(300).unwrap();
    for number in 0..300 {
        assert_eq!(numbers.next().unwrap().unwrap(), number);
    }
    assert!(matches!(numbers.next(), Some(Err(CallError::App(Broken::At(300))))));
    assert!(numbers.next().is_none());
    // The method itself may fail, too.
    assert!(matches!(place.mill.break_at(u64::MAX), Err(CallError::App(Broken::At(_)))));
}

#[test]
fn items_are_made_as_they_are_asked_for() {
    let place = place();
    let mut grains = place.mill.grind(0, u64::MAX).unwrap().ahead(10);
    assert_eq!(place.stones.made(), 0);
    for taken in 1..=1000 {
        grains.next().unwrap().unwrap();
        // Those that were taken are of one answer, and one more is under way.
        assert!(place.stones.made() <= taken + 19, "{} made, {taken} taken", place.stones.made());
    }
}

#[test]
fn whoever_drops_a_stream_ends_what_makes_it() {
    let place = place();
    let told = place.stones.poured();
    let mut grains = place.mill.grind(0, u64::MAX).unwrap();
    grains.next().unwrap().unwrap();
    drop(grains);
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "dropped");
    // One that was never asked.
    drop(place.mill.grind(0, 1).unwrap());
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "dropped");
    // And one that was read to its end.
    assert_eq!(place.mill.grind(0, 1).unwrap().count(), 1);
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "dropped");
    // The last release may be with another worker still.
    while place.mill.objects().unwrap() > 0 {}
}

#[test]
fn a_line_is_fed_by_any_thread() {
    let place = place();
    let sinks = place.stones.sinks();
    let numbers = place.mill.line(4).unwrap();
    let sink = sinks.recv_timeout(PATIENCE).unwrap();
    let feeders: Vec<_> = (0..3_u64)
        .map(|feeder| {
            let sink = sink.clone();
            std::thread::spawn(move || {
                for number in 0..1000 {
                    sink.send(feeder * 10_000 + number).unwrap();
                }
            })
        })
        .collect();
    let taken = std::thread::spawn(move || numbers.map(Result::unwrap).collect::<Vec<_>>());
    feeders.into_iter().for_each(|feeder| feeder.join().unwrap());
    sink.finish();
    let taken = taken.join().unwrap();
    assert_eq!(taken.len(), 3000);
    for feeder in 0..3 {
        let of_one = taken.iter().filter(|number| **number / 10_000 == feeder);
        assert!(of_one.copied().eq(feeder * 10_000..feeder * 10_000 + 1000));
    }
}

#[test]
fn a_question_waits_without_a_thread() {
    let place = place();
    let sinks = place.stones.sinks();
    // Twice as many as there are workers, which all wait.
    let mut lines: Vec<_> = (0..8).map(|_| place.mill.line(1).unwrap()).collect();
    let sinks: Vec<_> = sinks.iter().take(8).collect();
    for line in &mut lines {
        let waited = line.wait(Deadline::after(Duration::ZERO));
        assert!(matches!(waited, Err(CallError::Transport(TransportError::TimedOut { .. }))));
    }
    assert_eq!(place.mill.grind(0, 3).unwrap().count(), 3);
    for (number, sink) in (0..).zip(sinks) {
        sink.send(number).unwrap();
        sink.finish();
    }
    for (number, line) in (0..).zip(lines) {
        assert!(line.map(Result::unwrap).eq([number]));
    }
}

#[test]
fn a_line_that_is_full_waits_for_whoever_takes() {
    let place = place();
    let sinks = place.stones.sinks();
    let mut numbers = place.mill.line(2).unwrap().ahead(1);
    let sink = sinks.recv_timeout(PATIENCE).unwrap();
    assert_eq!(sink.try_send(1), Ok(()));
    assert_eq!(sink.try_send(2), Ok(()));
    assert_eq!(sink.try_send(3), Err(SendError::Full(3)));
    assert_eq!(sink.send_until(3, Deadline::after(Duration::ZERO)), Err(SendError::Full(3)));
    let waiting = std::thread::spawn({
        let sink = sink.clone();
        move || sink.send_until(3, Deadline::NEVER)
    });
    for number in 1..=3 {
        assert_eq!(numbers.next().unwrap().unwrap(), number);
    }
    waiting.join().unwrap().unwrap();
    drop(numbers);
    // Until the other side has heard of it there may be room.
    while sink.send(4) != Err(SendError::Cancelled(4)) {}
    assert!(sink.is_cancelled());
}

#[test]
fn a_sink_that_waits_for_room_hears_that_nobody_takes() {
    let place = place();
    let sinks = place.stones.sinks();
    let numbers = place.mill.line(1).unwrap();
    let sink = sinks.recv_timeout(PATIENCE).unwrap();
    sink.send(1).unwrap();
    let waiting = std::thread::spawn(move || sink.send_until(2, Deadline::NEVER));
    drop(numbers);
    assert_eq!(waiting.join().unwrap(), Err(SendError::Cancelled(2)));
}

#[test]
fn whoever_takes_hears_that_the_sinks_are_gone() {
    let place = place();
    let sinks = place.stones.sinks();
    let mut numbers = place.mill.line(8).unwrap();
    let sink = sinks.recv_timeout(PATIENCE).unwrap();
    sink.send(1).unwrap();
    drop(sink.clone());
    drop(sink);
    assert_eq!(numbers.next().unwrap().unwrap(), 1);
    let ended = numbers.next();
    assert!(matches!(ended, Some(Err(CallError::Transport(TransportError::Unfinished)))));
    assert!(numbers.next().is_none());
    // Items that nobody handed over are as good as dropped.
    let (sink, items) = Items::<u8>::channel(1);
    drop(items);
    assert_eq!(sink.send(1), Err(SendError::Cancelled(1)));
}

#[test]
fn long_items_come_alone_and_short_ones_together() {
    for accelerator in ACCELERATORS {
        let place = place_with(accelerator, 64);
        let lengths =
            vec![0, 1, 100, 20_000, 3, 15_000, 15_000, 16_383, 16_384, 70_000, 5 << 20, 9, 40_000];
        let sacks = place.mill.sacks(&lengths).unwrap();
        let mut weighed = Vec::new();
        for sack in sacks {
            let sack = sack.unwrap();
            assert!(sack.iter().all(|byte| u64::from(*byte) == sack.len() as u64 % 251));
            weighed.push(sack.len() as u64);
        }
        assert_eq!(weighed, lengths);
        let sack = |len: &u64| vec![1; usize::try_from(*len).unwrap()];
        let sacks: Vec<Vec<u8>> = lengths.iter().map(sack).collect();
        assert_eq!(place.mill.weigh(sacks).unwrap(), lengths);
    }
}

#[test]
fn items_that_are_too_long_for_a_section_go_to_memory_that_is_lent() {
    for accelerator in ACCELERATORS {
        let place = place_with_views(accelerator, 64, 100_000);
        // Without shared memory nothing is lent.
        let lends = accelerator == Accelerator::On
            && place.mill.port().direct() == DirectAvailability::Available;
        let lengths = vec![3, 100_010, 2 << 20, 5, 99_000, 2 << 20, 2 << 20];
        let mut sacks = place.mill.sacks(&lengths).unwrap();
        let mut ways = Vec::new();
        for len in &lengths {
            let sack = sacks.next().unwrap().unwrap();
            assert_eq!(sack.len() as u64, *len);
            assert!(sack.iter().all(|byte| u64::from(*byte) == len % 251));
            ways.push(sacks.travelled().map(|how| (how.way, how.len / 100_000)));
        }
        assert!(sacks.next().is_none());
        let direct = |len| lends.then_some((Way::Direct, len));
        let [first, long] = [direct(1), direct(20)];
        assert_eq!(ways, [None, first, long, long, long, long, long]);
        // The other way, the server lends, and the client has the items.
        let sack = |len: &u64| vec![1; usize::try_from(*len).unwrap()];
        let sacks: Vec<Vec<u8>> = lengths.iter().map(sack).collect();
        assert_eq!(place.mill.weigh(sacks).unwrap(), lengths);
    }
}

#[test]
fn dropping_a_stream_of_items_that_are_fetched_ends_what_makes_them() {
    let place = place_with_views(Accelerator::On, 64, 100_000);
    let told = place.stones.poured();
    let mut sacks = place.mill.sacks(&[2 << 20, 2 << 20, 2 << 20]).unwrap();
    assert_eq!(sacks.next().unwrap().unwrap().len(), 2 << 20);
    drop(sacks);
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "dropped");
}

#[test]
fn an_item_that_breaks_a_bound_ends_its_stream() {
    let place = place();
    let mut numbers = place.mill.bounded().unwrap();
    assert_eq!(numbers.next().unwrap().unwrap(), 1);
    assert_eq!(numbers.next().unwrap().unwrap(), 2);
    let error = numbers.next().unwrap().unwrap_err().into_transport();
    assert!(
        matches!(&error, TransportError::BoundExceeded { what, .. }
        if what.contains("the result[]")),
        "{error}"
    );
    assert!(numbers.next().is_none());
}

#[test]
fn an_iterator_that_panics_ends_its_stream_and_nothing_else() {
    let place = place();
    let told = place.stones.poured();
    let mut numbers = place.mill.panics(2).unwrap();
    assert_eq!(numbers.next().unwrap().unwrap(), 0);
    assert_eq!(numbers.next().unwrap().unwrap(), 1);
    let error = numbers.next().unwrap().unwrap_err().into_transport();
    assert!(matches!(error, TransportError::ServerPanicked), "{error}");
    assert!(numbers.next().is_none());
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "dropped");
    assert_eq!(place.mill.grind(0, 3).unwrap().count(), 3);
}

#[test]
fn a_handler_takes_a_stream() {
    for accelerator in ACCELERATORS {
        let place = place_with(accelerator, 64);
        assert_eq!(place.mill.sum(0..5000, u64::MAX).unwrap(), (0..5000).sum());
        assert_eq!(place.mill.sum(Vec::new(), u64::MAX).unwrap(), 0);
        assert_eq!(place.mill.sum([1, 2, 3], 0).unwrap(), 0);
    }
}

/// Where the method raises an error, whoever gives the items may end them with it.
#[test]
fn a_handler_hears_why_its_caller_gave_up() {
    for accelerator in ACCELERATORS {
        let place = place_with(accelerator, 64);
        assert_eq!(place.mill.sum_up_to(1..=1000).unwrap(), 500_500);

        let (sink, numbers) = Items::channel(4);
        let feeding = std::thread::spawn(move || {
            (1..=100).for_each(|number| sink.send(number).unwrap());
            sink.fail(Broken::At(1_000_000));
        });
        let summed = place.mill.sum_up_to(numbers);
        assert!(matches!(summed, Err(CallError::App(Broken::At(1_005_050)))), "{summed:?}");
        feeding.join().unwrap();

        let broken = (1..=3).map(Ok).chain([Err(Broken::At(10))]).chain([Ok(7)]);
        let summed = place.mill.sum_up_to(Items::try_from_iter(broken));
        assert!(matches!(summed, Err(CallError::App(Broken::At(16)))), "{summed:?}");

        // Dropped without an end, the stream has none of the interface's errors.
        let (sink, numbers) = Items::channel(1);
        drop(sink);
        let summed = place.mill.sum_up_to(numbers);
        assert!(matches!(summed, Err(CallError::App(Broken::At(u64::MAX)))), "{summed:?}");
    }
}

#[test]
fn a_handler_that_answers_early_asks_for_no_more() {
    let place = place();
    let (left, told) = std::sync::mpsc::channel();
    struct Tells(std::sync::mpsc::Sender<()>);
    impl Drop for Tells {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    let tells = Tells(left);
    let endless = (0..).inspect(move |_| {
        let _kept = &tells;
    });
    assert_eq!(place.mill.sum(endless, 10).unwrap(), 45);
    told.recv_timeout(PATIENCE).unwrap();
}

#[test]
fn a_stream_outlives_the_call_that_took_it() {
    let place = place();
    let poured = place.stones.poured();
    let (sink, items) = Items::channel(1);
    place.mill.pour(items).unwrap();
    for number in 0..10 {
        sink.send(number).unwrap();
        assert_eq!(poured.recv_timeout(PATIENCE).unwrap(), number.to_string());
    }
    sink.finish();
    assert_eq!(poured.recv_timeout(PATIENCE).unwrap(), "end");

    let (sink, items) = Items::channel(1);
    place.mill.pour(items).unwrap();
    drop(sink);
    let text = poured.recv_timeout(PATIENCE).unwrap();
    assert!(text.contains("let go of it before its end"), "{text}");
}

#[test]
fn streams_go_both_ways_at_once() {
    let place = place();
    let doubled = place.mill.double(0..3000).unwrap();
    assert!(doubled.map(Result::unwrap).eq((0..3000).map(|number| number * 2)));
    // Dropped in the middle, both ends go.
    let told = place.stones.poured();
    let mut doubled = place.mill.double(0..).unwrap();
    assert_eq!(doubled.next().unwrap().unwrap(), 0);
    drop(doubled);
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "dropped");
}

#[test]
fn items_may_be_objects_and_those_that_nobody_read_are_released() {
    let place = place();
    let wheels: Vec<_> = place.mill.wheels(300).unwrap().map(Result::unwrap).collect();
    for (number, wheel) in (0..).zip(&wheels) {
        let mill::WheelRef::Remote(wheel) = wheel else { panic!("it is the mill's") };
        assert_eq!(wheel.turn().unwrap(), number);
    }
    drop(wheels);
    let mut wheels = place.mill.wheels(300).unwrap();
    wheels.next().unwrap().unwrap();
    drop(wheels);
    // Answers may still be under way, whose objects are released with the next call.
    while place.mill.objects().unwrap() > 0 {}
    assert_eq!(place.mill.turn((1..=100).map(wheel)).unwrap(), 5050);
}

#[test]
fn streams_that_wait_leave_room_for_calls() {
    let place = place_with(Accelerator::On, 4);
    let _sinks = place.stones.sinks();
    let mut lines: Vec<_> = (0..3).map(|_| place.mill.line(1).unwrap()).collect();
    let now = || Deadline::after(Duration::ZERO);
    for line in &mut lines[..2] {
        let waited = line.wait(now());
        assert!(matches!(waited, Err(CallError::Transport(TransportError::TimedOut { .. }))));
    }
    let error = lines[2].wait(now()).unwrap_err().to_string();
    assert!(error.contains("questions for items"), "{error}");
    assert_eq!(place.mill.objects().unwrap(), 3);
    lines.remove(0);
    let waited = lines[1].wait(now());
    assert!(matches!(waited, Err(CallError::Transport(TransportError::TimedOut { .. }))));
}

#[test]
fn a_server_that_stops_ends_its_streams() {
    let mut place = place();
    let sinks = place.stones.sinks();
    let mut numbers = place.mill.line(1).unwrap();
    let sink = sinks.recv_timeout(PATIENCE).unwrap();
    let waiting = std::thread::spawn(move || numbers.next());
    sink.send(1).unwrap();
    assert_eq!(waiting.join().unwrap().unwrap().unwrap(), 1);
    let mut numbers = place.mill.line(1).unwrap();
    let sink = sinks.recv_timeout(PATIENCE).unwrap();
    let waited = numbers.wait(Deadline::after(Duration::ZERO));
    assert!(matches!(waited, Err(CallError::Transport(TransportError::TimedOut { .. }))));
    let mut unasked = place.mill.grind(0, 5).unwrap();
    drop(place.server.take());
    let error = numbers.next().unwrap().unwrap_err().into_transport();
    assert!(matches!(error, TransportError::Disconnected { may_have_run: true }), "{error}");
    assert!(numbers.next().is_none());
    // The method has run, though the question for its items was not heard.
    let error = unasked.next().unwrap().unwrap_err().into_transport();
    assert!(matches!(error, TransportError::Disconnected { may_have_run: true }), "{error}");
    // What is kept for the connection is gone with the server, though its feeders are there.
    assert!(sink.is_cancelled());
}

#[test]
fn a_stream_through_a_third_process_is_refused() {
    let place = place();
    place.mill.keep(Stones::default()).unwrap();
    let other = MillClient::connect_with(NAME, &attributes(&place.folder)).unwrap();
    let Some(mill::MillRef::Remote(far)) = other.kept().unwrap() else { panic!("it is kept") };
    let refused = |error: &CallError| {
        assert!(error.to_string().contains("a stream is not passed on"), "{error}");
    };
    let mut grains = far.grind(0, 3).unwrap();
    refused(&grains.next().unwrap().unwrap_err());
    assert!(grains.next().is_none());
}
