//! The bounds that an interface puts on its data, checked on both sides of a call.
//!
//! The sender checks so that its own caller learns of a mistake without a round trip; the receiver
//! checks because it cannot trust the sender. Both use these functions, so both say the same.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Begins the text of an exceeded bound where it has to pass through serde.
///
/// serde lets an error of a `Serialize` or `Deserialize` implementation through as text alone
/// (`custom(impl Display)`), but callers must be able to tell a bound from broken data. So the
/// alternate form of the text (`{:#}`) begins with this character, which the encoder and the decoder
/// of this crate take off again; every other serde format uses the ordinary form and never sees it.
pub(crate) const MARK: char = '\u{1}';

/// A value lies outside what the interface allows.
///
/// ```
/// use alpc_rpc::__rt::v1::bound;
///
/// let error = bound::bytes("key", 300, 1, 256).unwrap_err();
/// assert_eq!(error.to_string(), "`key` is 300 bytes long; the interface allows 1 to 256");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundExceeded {
    what: &'static str,
    found: String,
    min: Option<String>,
    max: Option<String>,
}

impl BoundExceeded {
    #[cold]
    fn new(
        what: &'static str,
        found: String,
        min: Option<String>,
        max: Option<String>,
    ) -> BoundExceeded {
        BoundExceeded { what, found, min, max }
    }

    /// The same, without telling what was found: it is sensitive.
    #[must_use]
    pub fn redacted(self) -> BoundExceeded {
        BoundExceeded { found: "is out of bounds".to_owned(), ..self }
    }

    /// The parameter, field or result whose value it is.
    pub fn what(&self) -> &'static str {
        self.what
    }
}

impl fmt::Display for BoundExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            write!(f, "{MARK}")?;
        }
        write!(f, "`{}` {}; the interface allows ", self.what, self.found)?;
        match (&self.min, &self.max) {
            (Some(min), Some(max)) if min == max => write!(f, "exactly {min}"),
            (Some(min), Some(max)) => write!(f, "{min} to {max}"),
            (None, Some(max)) => write!(f, "at most {max}"),
            (Some(min), None) => write!(f, "at least {min}"),
            (None, None) => write!(f, "no such value"),
        }
    }
}

impl std::error::Error for BoundExceeded {}

/// A generated type that has bounds inside.
pub trait Bounded {
    /// Checks every bound that the interface puts on this value and on what it holds.
    fn check_bounds(&self) -> Result<(), BoundExceeded>;
}

/// Checks the length of whatever counts in something else than bytes: the elements of a list, the
/// entries of a map, or a length whose unit the caller does not know.
#[inline]
pub fn len(what: &'static str, len: usize, min: u64, max: u64) -> Result<(), BoundExceeded> {
    if length_within(len, min, max) {
        return Ok(());
    }
    Err(length_exceeded(what, format!("has length {len}"), min, max))
}

/// Checks the length of a string in UTF-8 bytes, or that of `bytes`.
#[inline]
pub fn bytes(what: &'static str, len: usize, min: u64, max: u64) -> Result<(), BoundExceeded> {
    if length_within(len, min, max) {
        return Ok(());
    }
    let unit = if len == 1 { "byte" } else { "bytes" };
    Err(length_exceeded(what, format!("is {len} {unit} long"), min, max))
}

/// Checks an integer.
#[inline]
pub fn int<T: Integer>(what: &'static str, value: T, min: T, max: T) -> Result<(), BoundExceeded> {
    if min <= value && value <= max {
        return Ok(());
    }
    Err(BoundExceeded::new(
        what,
        format!("is {value}"),
        (min != T::MIN).then(|| min.to_string()),
        (max != T::MAX).then(|| max.to_string()),
    ))
}

/// Checks a floating-point number; what is not a number lies within no bound.
#[inline]
pub fn float<T: Float>(what: &'static str, value: T, min: T, max: T) -> Result<(), BoundExceeded> {
    if min <= value && value <= max {
        return Ok(());
    }
    Err(BoundExceeded::new(
        what,
        format!("is {value}"),
        (min != T::NEG_INFINITY).then(|| min.to_string()),
        (max != T::INFINITY).then(|| max.to_string()),
    ))
}

/// Checks a duration.
#[inline]
pub fn duration(
    what: &'static str,
    value: Duration,
    min: Duration,
    max: Duration,
) -> Result<(), BoundExceeded> {
    if min <= value && value <= max {
        return Ok(());
    }
    Err(BoundExceeded::new(
        what,
        format!("is {value:?}"),
        (min != Duration::ZERO).then(|| format!("{min:?}")),
        (max != Duration::MAX).then(|| format!("{max:?}")),
    ))
}

/// Checks a time. Its bounds are distances from the start of 1970 (UTC), which thus is the earliest
/// that can be one.
#[inline]
pub fn time(
    what: &'static str,
    value: SystemTime,
    min: Option<Duration>,
    max: Option<Duration>,
) -> Result<(), BoundExceeded> {
    // What is before 1970 is below every bound.
    let since = value.duration_since(UNIX_EPOCH).ok();
    let is_late_enough = min.is_none_or(|min| since.is_some_and(|since| since >= min));
    let is_early_enough = max.is_none_or(|max| since.is_none_or(|since| since <= max));
    if is_late_enough && is_early_enough {
        return Ok(());
    }
    let found = match since {
        Some(since) => format!("is {since:?} after the start of 1970"),
        None => "is before 1970".to_owned(),
    };
    let shown = |bound: Duration| format!("{bound:?}");
    Err(BoundExceeded::new(what, found, min.map(shown), max.map(shown)))
}

/// The integers of the interface language.
pub trait Integer: Copy + PartialOrd + fmt::Display {
    /// The smallest value; as a bound it is none.
    const MIN: Self;
    /// The largest value; as a bound it is none.
    const MAX: Self;
}

macro_rules! integers {
    ($($int:ident)*) => {$(
        impl Integer for $int {
            const MIN: Self = $int::MIN;
            const MAX: Self = $int::MAX;
        }
    )*};
}
integers!(u8 u16 u32 u64 u128 i8 i16 i32 i64 i128);

/// The floating-point numbers of the interface language.
pub trait Float: Copy + PartialOrd + fmt::Display {
    /// As a bound, none.
    const NEG_INFINITY: Self;
    /// As a bound, none.
    const INFINITY: Self;
}

impl Float for f32 {
    const NEG_INFINITY: Self = f32::NEG_INFINITY;
    const INFINITY: Self = f32::INFINITY;
}

impl Float for f64 {
    const NEG_INFINITY: Self = f64::NEG_INFINITY;
    const INFINITY: Self = f64::INFINITY;
}

#[inline]
fn length_within(len: usize, min: u64, max: u64) -> bool {
    // A length that does not fit 64 bits does not exist; if it did, it would exceed every bound.
    let len = u64::try_from(len).unwrap_or(u64::MAX);
    min <= len && len <= max
}

#[cold]
fn length_exceeded(what: &'static str, found: String, min: u64, max: u64) -> BoundExceeded {
    BoundExceeded::new(
        what,
        found,
        (min != 0).then(|| min.to_string()),
        (max != u64::MAX).then(|| max.to_string()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(result: Result<(), BoundExceeded>, text: Expect) {
        text.assert_eq(&result.unwrap_err().to_string());
    }

    #[test]
    fn values_on_the_bounds_are_within() {
        assert_eq!(len("items", 1, 1, 8), Ok(()));
        assert_eq!(len("items", 8, 1, 8), Ok(()));
        assert_eq!(bytes("key", 256, 0, 256), Ok(()));
        assert_eq!(int("level", -3_i8, -3, 3), Ok(()));
        assert_eq!(int("level", u128::MAX, 1, u128::MAX), Ok(()));
        assert_eq!(float("gain", 1.0_f32, 0.0_f32, 1.0_f32), Ok(()));
    }

    #[test]
    fn the_text_says_what_was_found_and_what_is_allowed() {
        check(
            bytes("key", 300, 1, 256),
            expect!["`key` is 300 bytes long; the interface allows 1 to 256"],
        );
        check(
            bytes("key", 1, 2, u64::MAX),
            expect!["`key` is 1 byte long; the interface allows at least 2"],
        );
        check(
            len("items", 9, 0, 8),
            expect!["`items` has length 9; the interface allows at most 8"],
        );
        check(len("axes", 2, 3, 3), expect!["`axes` has length 2; the interface allows exactly 3"]);
        check(
            int("percent", 101_u8, 0, 100),
            expect!["`percent` is 101; the interface allows at most 100"],
        );
        check(
            int("offset", i64::MIN, -5, i64::MAX),
            expect!["`offset` is -9223372036854775808; the interface allows at least -5"],
        );
    }

    #[test]
    fn durations_and_times_have_bounds() {
        let second = Duration::from_secs;
        assert_eq!(duration("ttl", second(30), second(1), second(30)), Ok(()));
        assert_eq!(duration("ttl", Duration::MAX, second(1), Duration::MAX), Ok(()));
        check(
            duration("ttl", second(31), Duration::ZERO, second(30)),
            expect!["`ttl` is 31s; the interface allows at most 30s"],
        );
        check(
            duration("ttl", Duration::from_millis(2), second(1), Duration::MAX),
            expect!["`ttl` is 2ms; the interface allows at least 1s"],
        );

        let (early, late) = (UNIX_EPOCH - second(5), UNIX_EPOCH + second(5));
        assert_eq!(time("at", early, None, Some(second(9))), Ok(()));
        assert_eq!(time("at", late, Some(second(5)), Some(second(5))), Ok(()));
        check(
            time("at", early, Some(Duration::ZERO), None),
            expect!["`at` is before 1970; the interface allows at least 0ns"],
        );
        check(
            time("at", late, None, Some(second(4))),
            expect!["`at` is 5s after the start of 1970; the interface allows at most 4s"],
        );
    }

    #[test]
    fn what_is_not_a_number_is_within_no_bound() {
        check(
            float("gain", f64::NAN, f64::NEG_INFINITY, 1.5),
            expect!["`gain` is NaN; the interface allows at most 1.5"],
        );
        check(
            float("gain", -0.1_f32, 0.0, 1.0),
            expect!["`gain` is -0.1; the interface allows 0 to 1"],
        );
        check(
            float("gain", f64::NAN, f64::NEG_INFINITY, f64::INFINITY),
            expect!["`gain` is NaN; the interface allows no such value"],
        );
    }
}
