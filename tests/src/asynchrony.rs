//! What is measured of everything that does not wait: rows of a check, its figure and the limit.

mod crowd;
mod deadlines;
mod graphs;
mod stuck;
pub mod throughput;

use std::fmt;
use std::path::Path;

use crate::peer::Starter;

/// How much is done for a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Some tens of seconds.
    Short,
    /// As much as is promised.
    Long,
}

/// A check: what it is called, and what makes its rows.
pub type Check = (&'static str, fn(&Path, Length) -> Vec<Row>);

/// All checks, in the order in which they are made. Each is given the program that plays its other
/// processes.
pub const CHECKS: &[Check] = &[
    ("random graphs of calls", graphs::rows),
    ("deadlines", deadlines::rows),
    ("a thousand clients", crowd::rows),
    ("a client that reads nothing", stuck::rows),
    ("calls and messages a second", |program, length| {
        throughput::measure(program, if length == Length::Long { 31 } else { 9 })
    }),
];

/// Plays a part in one of the checks, if the words name one.
///
/// # Errors
///
/// What kept it from playing.
pub fn play(starter: &Starter, words: &[&str]) -> Option<Result<(), String>> {
    Some(match words {
        ["deadlines"] => deadlines::serve(starter),
        ["crowd", "server"] => crowd::serve(starter),
        ["crowd", "clients", calls] => crowd::call(starter, calls),
        ["stuck", "server"] => stuck::serve(starter),
        ["stuck", "client"] => stuck::read_nothing(starter),
        _ => return None,
    })
}

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
        // A figure that there is none of is no number in JSON.
        let figure = if figure.is_finite() { figure.to_string() } else { "null".to_owned() };
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
