use std::fmt::Debug;

use proptest::prelude::*;

use super::*;

/// Reads `bytes` as postcard does: the same number, as much left, the same mistake.
fn check<T: for<'de> Deserialize<'de> + PartialEq + Debug>(bytes: &[u8]) {
    let mut decoder = Decoder::new(bytes, 0);
    let ours = T::deserialize(&mut decoder).map(|value| (value, decoder.rest()));
    let theirs = postcard::take_from_bytes::<T>(bytes).map_err(DecodeError::from);
    assert_eq!(ours, theirs, "{bytes:x?}");
}

fn check_all(bytes: &[u8]) {
    check::<u16>(bytes);
    check::<u32>(bytes);
    check::<u64>(bytes);
    check::<i16>(bytes);
    check::<i32>(bytes);
    check::<i64>(bytes);
    check::<i8>(bytes);
    check::<bool>(bytes);
    check::<u128>(bytes);
}

proptest! {
    #[test]
    fn numbers_are_read_as_postcard_reads_them(
        // Mostly bytes with a top bit, so that numbers become long.
        long in prop::collection::vec(0x80..=u8::MAX, 0..12),
        rest in prop::collection::vec(any::<u8>(), 0..9),
    ) {
        check_all(&[long, rest].concat());
    }

    #[test]
    fn what_postcard_wrote_is_read(value: u64, shift in 0..u64::BITS, rest in 0..9_usize) {
        let mut bytes = postcard::to_allocvec(&(value >> shift)).unwrap();
        bytes.resize(bytes.len() + rest, 0xff);
        check_all(&bytes);
    }

    #[test]
    fn floats_come_back(bits: u64) {
        let bytes = bits.to_le_bytes();
        let (value, rest) = {
            let mut decoder = Decoder::new(&bytes, 0);
            (f64::deserialize(&mut decoder).unwrap(), decoder.rest())
        };
        prop_assert_eq!((value.to_bits(), rest.len()), (bits, 0));
        let mut decoder = Decoder::new(&bytes, 0);
        let value = f32::deserialize(&mut decoder).unwrap();
        prop_assert_eq!((value.to_bits(), decoder.rest().len()), (bits as u32, 4));
    }
}

#[test]
fn numbers_end_where_their_types_end() {
    for bytes in [
        &[0xff, 0xff, 0x03][..],
        &[0xff, 0xff, 0x04],
        &[0xff, 0xff, 0xff, 0xff, 0x0f],
        &[0xff, 0xff, 0xff, 0xff, 0x10],
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02],
        &[0x80, 0x80, 0x00],
        &[0x80],
        &[],
    ] {
        check_all(bytes);
        let more: Vec<u8> = bytes.iter().copied().chain([0; 8]).collect();
        check_all(&more);
    }
    check::<f32>(&[1, 2, 3]);
    check::<f64>(&[1, 2, 3, 4, 5, 6, 7]);
}
