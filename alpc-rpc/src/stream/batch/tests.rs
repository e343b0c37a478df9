//! Whatever is asked for, answers bring no more, all of it, and in order; whatever comes, reading it
//! ends.

use proptest::prelude::*;

use super::*;

const FEW_HANDLES: usize = 2;

/// An item whose bytes say which it is, and which carries so many handles.
fn item(number: usize, len: usize, handles: usize) -> Written {
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.resize(bytes.len() + len, 7);
    let mut item = Written { bytes, outgoing: Outgoing::new() };
    let handle = || std::fs::File::open("/dev/null").unwrap().into();
    item.outgoing.handles.extend(std::iter::repeat_with(handle).take(handles));
    item
}

/// Sends items as a production does, a question after the other, and reads what comes.
fn through(items: Vec<(usize, usize)>, wants: &[(u32, u32)]) -> Result<(), TestCaseError> {
    let sent = items.len();
    let mut items =
        items.into_iter().enumerate().map(|(at, (len, handles))| item(at, len, handles));
    let mut left_over = None;
    let mut taken = 0;
    for (number, (most_items, most_bytes)) in wants.iter().cycle().enumerate() {
        let want =
            Want { number: number as u64, items: *most_items, bytes: *most_bytes, apart: None };
        let mut batch = Batch::new(want, FEW_HANDLES);
        let mut is_over = false;
        while !batch.is_full() {
            let Some(next) = left_over.take().or_else(|| items.next()) else {
                batch.finish();
                is_over = true;
                break;
            };
            if let Err(NoRoom(item)) = batch.push(next) {
                left_over = Some(item);
                break;
            }
        }
        prop_assert!(batch.outgoing.handles.len() <= FEW_HANDLES);
        let handles = batch.outgoing.handles.into_iter().map(Some).collect();
        let luggage = Luggage { handles, objects: Vec::new() };
        let arrived = Arrived::open(want, batch.body, batch.long, luggage);
        let mut arrived = arrived.map_err(TestCaseError::fail)?;
        prop_assert_eq!(arrived.is_last, is_over);
        let mut count = 0;
        while !arrived.is_read() {
            match arrived.next().map_err(TestCaseError::fail)? {
                Some(Entry::Item(bytes, luggage)) => {
                    let number = bytes.as_slice().first_chunk().unwrap();
                    prop_assert_eq!(usize::from_le_bytes(*number), taken);
                    prop_assert!(luggage.handles.iter().all(Option::is_some));
                    taken += 1;
                    count += 1;
                }
                Some(Entry::Finished) => {
                    prop_assert_eq!(taken, sent);
                    return Ok(());
                }
                _ => prop_assert!(false, "there is nothing else"),
            }
        }
        prop_assert!(count > 0 && count <= *most_items);
    }
    Ok(())
}

/// Who asks for four gigabytes would have them gathered, of a stream that has them.
#[test]
fn a_question_for_more_than_one_answer_holds_is_one_for_an_answer() {
    let mut question = Vec::new();
    Want { number: 1, items: u32::MAX, bytes: u32::MAX, apart: None }.write(&mut question).unwrap();
    let want = Want::read(&question).unwrap();
    let mut batch = Batch::new(want, FEW_HANDLES);
    let sent = (0..).find(|number| batch.push(item(*number, 1000, 0)).is_err());
    assert!(
        sent.is_some_and(|sent| sent > 10) && batch.body.len() <= crate::stream::BYTES as usize
    );
}

proptest! {
    #[test]
    fn items_arrive_in_order_and_no_more_than_were_asked_for(
        items in prop::collection::vec((prop_oneof![0_usize..200, 0_usize..40_000], 0..=FEW_HANDLES), 0..60),
        wants in prop::collection::vec((1_u32..10, prop_oneof![0_u32..300, 0_u32..40_000]), 1..5),
    ) {
        through(items, &wants)?;
    }

    #[test]
    fn whatever_comes_is_read_or_refused(
        body in prop::collection::vec(any::<u8>(), 0..300),
        is_last in any::<bool>(),
        items in 0_u32..5,
    ) {
        let body = [vec![u8::from(is_last)], body].concat();
        let want = Want { number: 1, items, bytes: 400, apart: None };
        let arrived = Arrived::open(want, body, Some(vec![1]), Luggage::default());
        let mut arrived = arrived.map_err(TestCaseError::fail)?;
        let mut count = 0;
        while let Ok(Some(Entry::Item(..))) = arrived.next() {
            count += 1;
        }
        prop_assert!(count <= items);
    }
}
