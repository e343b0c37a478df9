//! What is measured of everything that does not wait: rows of a check, its figure and the limit.

pub mod throughput;

use std::fmt;

/// One check.
#[derive(Debug)]
pub struct Row {
    /// What was looked at.
    pub check: String,
    /// What was found.
    pub figure: f64,
    /// What it is held against.
    pub limit: f64,
    /// Whether it keeps to that.
    pub ok: bool,
}

impl Row {
    /// A figure that must not be less than `limit`.
    pub fn at_least(limit: f64, check: impl Into<String>, figure: f64) -> Row {
        Row { check: check.into(), figure, limit, ok: figure >= limit }
    }

    /// A figure that must not be more than `limit`.
    pub fn at_most(limit: f64, check: impl Into<String>, figure: f64) -> Row {
        Row { check: check.into(), figure, limit, ok: figure <= limit }
    }

    /// The row as a JSON object, on a line.
    pub fn json(&self) -> String {
        let Row { check, figure, limit, ok } = self;
        let check = check.replace(['"', '\\'], "'");
        format!(r#"{{"check": "{check}", "figure": {figure}, "limit": {limit}, "ok": {ok}}}"#)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { check, figure, limit, ok } = self;
        let ok = if *ok { "ok" } else { "NOT OK" };
        write!(f, "{check:70} {figure:12.2} {limit:12.2}  {ok}")
    }
}
