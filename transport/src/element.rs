//! Numbers whose memory image travels as it is.

use std::borrow::Cow;

mod sealed {
    pub trait Sealed {}
}

/// A number of fixed size: any bytes are one, and it has no padding.
pub trait Element: Copy + Default + Send + Sync + sealed::Sealed + 'static {}

macro_rules! elements {
    ($($number:ty)*) => {
        $(
            impl sealed::Sealed for $number {}
            impl Element for $number {}
        )*
    };
}

elements! { u8 i8 u16 i16 u32 i32 u64 i64 u128 i128 f32 f64 }

/// The memory image of numbers.
pub fn as_bytes<T: Element>(elements: &[T]) -> &[u8] {
    let len = size_of_val(elements);
    // SAFETY: the elements have no padding (`Element` is sealed to the numbers above), so all `len`
    // bytes are initialised; bytes need no alignment; the borrow is the same.
    unsafe { std::slice::from_raw_parts(elements.as_ptr().cast(), len) }
}

/// The memory image of numbers, for writing.
pub fn as_bytes_mut<T: Element>(elements: &mut [T]) -> &mut [u8] {
    let len = size_of_val(elements);
    // SAFETY: as in `as_bytes`; and whatever bytes are written make numbers.
    unsafe { std::slice::from_raw_parts_mut(elements.as_mut_ptr().cast(), len) }
}

/// Numbers from their memory image: in place where it is aligned, a copy elsewhere. Bytes after the
/// last whole number are left out.
pub fn from_bytes<T: Element>(bytes: &[u8]) -> Cow<'_, [T]> {
    // SAFETY: any bytes make numbers (`Element` is sealed to types of which that is true).
    let (before, aligned, _) = unsafe { bytes.align_to::<T>() };
    if before.is_empty() && aligned.len() == bytes.len() / size_of::<T>() {
        return Cow::Borrowed(aligned);
    }
    Cow::Owned(vec_from_bytes(bytes))
}

/// A vector of numbers from their memory image. Bytes after the last whole number are left out.
pub fn vec_from_bytes<T: Element>(bytes: &[u8]) -> Vec<T> {
    let mut elements = vec![T::default(); bytes.len() / size_of::<T>()];
    let image = as_bytes_mut(&mut elements);
    let len = image.len();
    if let Some(whole) = bytes.get(..len) {
        image.copy_from_slice(whole);
    }
    elements
}

/// Numbers in place of a writable memory image, if it is aligned.
pub fn from_bytes_mut<T: Element>(bytes: &mut [u8]) -> Option<&mut [T]> {
    let whole = bytes.len() / size_of::<T>();
    // SAFETY: any bytes make numbers, and any numbers make bytes.
    let (_, aligned, _) = unsafe { bytes.align_to_mut::<T>() };
    (aligned.len() == whole).then_some(aligned)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_the_way_through_bytes_aligned_or_not() {
        let numbers = [1.5_f32, -2.25, 1e30];
        let image = as_bytes(&numbers);
        assert_eq!(&*from_bytes::<f32>(image), numbers);
        let mut shifted = vec![0; 1];
        shifted.extend_from_slice(image);
        assert_eq!(&*from_bytes::<f32>(&shifted[1..]), numbers);
        assert_eq!(vec_from_bytes::<f32>(image), numbers);
        assert_eq!(from_bytes::<u16>(&[1, 0, 2]).len(), 1, "half a number is none");
    }
}
