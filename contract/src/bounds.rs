//! Bounds of lengths and values.

use std::cmp::Ordering;
use std::fmt;

/// Smallest and largest length or value, both included.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bounds {
    /// The smallest, if it was said.
    pub min: Option<Limit>,
    /// The largest, if it was said.
    pub max: Option<Limit>,
}

impl Bounds {
    /// No bounds.
    pub const NONE: Bounds = Bounds { min: None, max: None };

    /// Is nothing said?
    pub fn is_empty(&self) -> bool {
        self.min.is_none() && self.max.is_none()
    }
}

impl fmt::Display for Bounds {
    /// `<1..=100>`, `<..=64>`, `<1..>`, and nothing for no bounds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.min, &self.max) {
            (None, None) => Ok(()),
            (Some(min), None) => write!(f, "<{min}..>"),
            (None, Some(max)) => write!(f, "<..={max}>"),
            (Some(min), Some(max)) => write!(f, "<{min}..={max}>"),
        }
    }
}

/// One end of a bound. Durations and times are whole nanoseconds.
#[derive(Clone, Copy, Debug)]
pub enum Limit {
    /// A whole number, from `-u128::MAX` to `u128::MAX`: no Rust type holds both `i128` and `u128`.
    Int {
        /// Whether it is below zero. Never set on zero.
        negative: bool,
        /// Its distance from zero.
        magnitude: u128,
    },
    /// A number with a fraction.
    Float(f64),
}

impl Limit {
    /// `magnitude` or `-magnitude`.
    pub fn int(negative: bool, magnitude: u128) -> Limit {
        Limit::Int { negative: negative && magnitude != 0, magnitude }
    }
}

impl From<u64> for Limit {
    fn from(value: u64) -> Limit {
        Limit::int(false, value.into())
    }
}

impl PartialEq for Limit {
    fn eq(&self, other: &Limit) -> bool {
        self.partial_cmp(other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Limit {
    fn partial_cmp(&self, other: &Limit) -> Option<Ordering> {
        match (self, other) {
            (Limit::Float(a), Limit::Float(b)) => a.partial_cmp(b),
            (
                Limit::Int { negative: a, magnitude: x },
                Limit::Int { negative: b, magnitude: y },
            ) => Some(match (a, b) {
                (false, false) => x.cmp(y),
                (true, true) => y.cmp(x),
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
            }),
            // The type decides which of the two it is, and types are compared first.
            _ => None,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::Int { negative, magnitude } => {
                write!(f, "{}{magnitude}", if *negative { "-" } else { "" })
            }
            Limit::Float(value) => write!(f, "{value:?}"),
        }
    }
}
