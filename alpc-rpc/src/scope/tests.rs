use std::os::fd::{AsFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
use crate::handle::{self, Handle};
use crate::outgoing::Outgoing;
use crate::wire::encoded;

fn file() -> OwnedFd {
    std::fs::File::open("/dev/null").unwrap().into()
}

type AnyHandle = Handle<handle::Any, 0>;

#[test]
fn what_values_refer_to_is_numbered_through_the_message() {
    let mut outgoing: Outgoing = Outgoing::new();
    let mut body = Vec::new();
    for _ in 0..3 {
        let file = file();
        outgoing.encode(&encoded::<AnyHandle, _>(&file.as_fd()), &mut body, 100).unwrap();
    }
    assert_eq!(body, [0, 1, 2]);
    assert_eq!(outgoing.handles.len(), 3);
}

#[test]
fn a_thing_is_taken_once() {
    let mut luggage = Luggage { handles: vec![Some(file())], ..Luggage::default() };
    let (first, second, beyond) = receiving(&mut luggage, || {
        (unpack_handle(0).is_ok(), unpack_handle(0).is_ok(), unpack_handle(u32::MAX).is_ok())
    });
    assert_eq!((first, second, beyond), (true, false, false));
    assert!(luggage.handles[0].is_none());
}

#[test]
fn a_message_that_carries_nothing_hides_the_one_around_it() {
    let mut outer = Luggage { handles: vec![Some(file())], ..Luggage::default() };
    let mut inner = Luggage::default();
    let (inside, after) = receiving(&mut outer, || {
        let inside = receiving(&mut inner, || unpack_handle(0).is_ok());
        (inside, unpack_handle(0).is_ok())
    });
    assert_eq!((inside, after), (false, true));
}

#[test]
fn outside_of_a_message_nothing_is_packed_also_after_a_panic() {
    let panic = catch_unwind(AssertUnwindSafe(|| {
        sending(Packed::default(), || panic!("as it is meant to"));
    }));
    assert!(panic.is_err());
    assert!(pack_handle(file()).is_err());
    let (number, packed) = sending(Packed::after(5, 0), || pack_handle(file()));
    assert_eq!((number, packed.handles.len()), (Ok(5), 1));
}
