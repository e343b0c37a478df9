use super::*;

pub(super) fn put(end: &SinkEnd, number: u64, missed: u64, len: usize) {
    let mut body = Vec::new();
    crate::encode::to_vec_in(&(number, missed), &mut body).unwrap();
    body.resize(body.len() + len, 0);
    end.arrive(number, &body, Luggage::default()).unwrap();
}

fn next(sink: &Sink) -> Option<(u64, u64)> {
    match sink.wait(Deadline::after(Duration::ZERO)) {
        Waited::Event(arrived) => Some((arrived.ordinal, arrived.missed)),
        _ => None,
    }
}

pub(super) fn sink() -> (Arc<Sink>, SinkEnd) {
    let sink = Arc::new(Sink::default());
    (sink.clone(), SinkEnd::new(sink, &[]))
}

#[test]
fn events_that_overtook_one_another_come_in_order() {
    let (sink, end) = sink();
    for number in [2, 3, 1, 5] {
        put(&end, number, 0, 0);
    }
    assert_eq!((next(&sink), next(&sink), next(&sink)), (Some((1, 0)), Some((2, 0)), Some((3, 0))));
    assert_eq!(next(&sink), None);
    put(&end, 4, 7, 0);
    assert_eq!((next(&sink), next(&sink)), (Some((4, 7)), Some((5, 0))));
    // Twice, or too late, is not at all.
    put(&end, 5, 0, 0);
    assert_eq!(next(&sink), None);
}

#[test]
fn an_event_that_never_comes_is_given_up_and_counted() {
    let (sink, end) = sink();
    put(&end, 3, 1, 0);
    let Waited::Event(arrived) = sink.wait(Deadline::NEVER) else { panic!() };
    assert_eq!((arrived.ordinal, arrived.missed), (3, 3));
    // Nor can numbers at random be kept without a limit.
    for number in (10..1000).step_by(2) {
        put(&end, number, 0, 0);
    }
    assert!(sink.lock().early.len() <= MOST_EARLY);
}

#[test]
fn what_does_not_fit_is_dropped_and_counted() {
    let (sink, end) = sink();
    for number in 1..=MOST_EVENTS as u64 + 10 {
        put(&end, number, 0, 0);
    }
    assert_eq!(sink.lock().ready.len(), MOST_EVENTS);
    for _ in 0..MOST_EVENTS {
        next(&sink).unwrap();
    }
    put(&end, MOST_EVENTS as u64 + 11, 2, 0);
    assert_eq!(next(&sink), Some((MOST_EVENTS as u64 + 11, 12)));

    let first = MOST_EVENTS as u64 + 12;
    put(&end, first, 0, MOST_BYTES);
    put(&end, first + 1, 0, 1);
    assert_eq!(sink.lock().ready.len(), 1);
    assert_eq!(next(&sink), Some((first, 0)));
    assert_eq!(sink.lock().bytes, 0);
}

#[test]
fn the_end_comes_after_what_came_before_it() {
    let (sink, end) = sink();
    put(&end, 1, 0, 0);
    put(&end, 3, 0, 0);
    drop(end);
    assert_eq!((next(&sink), next(&sink)), (Some((1, 0)), Some((3, 1))));
    assert!(matches!(sink.wait(Deadline::NEVER), Waited::Ended));
}

#[test]
fn the_largest_number_is_one_like_others() {
    let (sink, end) = sink();
    put(&end, u64::MAX, u64::MAX, 0);
    let Waited::Event(arrived) = sink.wait(Deadline::NEVER) else { panic!() };
    assert_eq!((arrived.ordinal, arrived.missed), (u64::MAX, u64::MAX));
    put(&end, u64::MAX, 0, 0);
    put(&end, 0, 0, 0);
    assert_eq!(next(&sink), None);
}
