//! Numbers as they stand in constant expressions: wider than any of the types they must fit.

use core::cmp::Ordering;
use core::fmt;

use super::IntKind;

/// An integer from `i128::MIN` to `u128::MAX`.
///
/// Bounds and constants may be of any integer type, and no Rust integer holds both ends of `u128`
/// and `i128`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Integer {
    /// Never set on zero.
    negative: bool,
    magnitude: u128,
}

impl Integer {
    /// Zero.
    pub const ZERO: Integer = Integer { negative: false, magnitude: 0 };

    /// `magnitude` or `-magnitude`.
    fn signed(negative: bool, magnitude: u128) -> Integer {
        Integer { negative: negative && magnitude != 0, magnitude }
    }

    /// Is it below zero?
    pub fn is_negative(self) -> bool {
        self.negative
    }

    /// Its distance from zero.
    pub fn magnitude(self) -> u128 {
        self.magnitude
    }

    /// The smallest number of a type.
    pub fn min_of(kind: IntKind) -> Integer {
        match kind.is_signed() {
            true => Integer::signed(true, 1 << (kind.bits() - 1)),
            false => Integer::ZERO,
        }
    }

    /// The largest number of a type.
    pub fn max_of(kind: IntKind) -> Integer {
        let unused = 128 - kind.bits() + u32::from(kind.is_signed());
        Integer::signed(false, u128::MAX >> unused)
    }

    /// Is it a number of that type?
    pub fn fits(self, kind: IntKind) -> bool {
        Integer::min_of(kind) <= self && self <= Integer::max_of(kind)
    }

    /// As an `i128`, if it is one.
    pub fn to_i128(self) -> Option<i128> {
        match self.negative {
            true => 0i128.checked_sub_unsigned(self.magnitude),
            false => i128::try_from(self.magnitude).ok(),
        }
    }

    /// As a `u64`, if it is one.
    pub fn to_u64(self) -> Option<u64> {
        u64::try_from(self.magnitude).ok().filter(|_| !self.negative)
    }

    /// The number of opposite sign.
    pub fn negate(self) -> Integer {
        Integer::signed(!self.negative, self.magnitude)
    }

    /// `self + other`
    pub fn checked_add(self, other: Integer) -> Option<Integer> {
        if self.negative == other.negative {
            return Some(Integer::signed(
                self.negative,
                self.magnitude.checked_add(other.magnitude)?,
            ));
        }
        let difference = self.magnitude.abs_diff(other.magnitude);
        let sign_of = if self.magnitude >= other.magnitude { self } else { other };
        Some(Integer::signed(sign_of.negative, difference))
    }

    /// `self - other`
    pub fn checked_sub(self, other: Integer) -> Option<Integer> {
        self.checked_add(other.negate())
    }

    /// `self * other`
    pub fn checked_mul(self, other: Integer) -> Option<Integer> {
        let magnitude = self.magnitude.checked_mul(other.magnitude)?;
        Some(Integer::signed(self.negative != other.negative, magnitude))
    }

    /// `self / other`, towards zero as in Rust.
    pub fn checked_div(self, other: Integer) -> Option<Integer> {
        let magnitude = self.magnitude.checked_div(other.magnitude)?;
        Some(Integer::signed(self.negative != other.negative, magnitude))
    }

    /// `self % other`, with the sign of `self` as in Rust.
    pub fn checked_rem(self, other: Integer) -> Option<Integer> {
        let magnitude = self.magnitude.checked_rem(other.magnitude)?;
        Some(Integer::signed(self.negative, magnitude))
    }
}

impl From<u128> for Integer {
    fn from(value: u128) -> Integer {
        Integer::signed(false, value)
    }
}

impl From<i128> for Integer {
    fn from(value: i128) -> Integer {
        Integer::signed(value < 0, value.unsigned_abs())
    }
}

impl From<u64> for Integer {
    fn from(value: u64) -> Integer {
        Integer::from(u128::from(value))
    }
}

impl Ord for Integer {
    fn cmp(&self, other: &Integer) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.magnitude.cmp(&other.magnitude),
            (true, true) => other.magnitude.cmp(&self.magnitude),
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Integer {
    fn partial_cmp(&self, other: &Integer) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Integer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        self.magnitude.fmt(f)
    }
}

/// A floating-point literal. Equality is of the bits, so that a specification equals itself.
#[derive(Clone, Copy, Debug)]
pub struct Float(pub f64);

impl PartialEq for Float {
    fn eq(&self, other: &Float) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(value: i128) -> Integer {
        Integer::from(value)
    }

    #[test]
    fn types_end_where_rust_says() {
        assert_eq!(Integer::max_of(IntKind::U128), Integer::from(u128::MAX));
        assert_eq!(Integer::min_of(IntKind::I128), int(i128::MIN));
        assert_eq!(Integer::max_of(IntKind::I8), int(127));
        assert!(int(-128).fits(IntKind::I8) && !int(-129).fits(IntKind::I8));
        assert!(!int(-1).fits(IntKind::U64));
    }

    #[test]
    fn arithmetic_agrees_with_rust() {
        for a in [-7, -1, 0, 3, 1 << 70] {
            for b in [-5, -1, 0, 2, 1 << 69] {
                assert_eq!(int(a).checked_add(int(b)), Some(int(a + b)));
                assert_eq!(int(a).checked_sub(int(b)), Some(int(a - b)));
                assert_eq!(int(a).checked_div(int(b)), a.checked_div(b).map(int));
                assert_eq!(int(a).checked_rem(int(b)), a.checked_rem(b).map(int));
                assert_eq!(int(a) < int(b), a < b);
            }
        }
        assert_eq!(int(-3).checked_mul(int(5)), Some(int(-15)));
        assert_eq!(Integer::from(u128::MAX).checked_add(int(1)), None);
    }
}
