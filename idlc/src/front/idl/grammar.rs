//! The generated parser.

#![allow(missing_docs, unreachable_pub, reason = "pest's derive writes no documentation")]

use pest::Parser as _;
use pest::error::{ErrorVariant, InputLocation};
use pest::iterators::Pairs;

/// What `grammar.pest` says.
#[derive(pest_derive::Parser)]
#[grammar = "front/idl/grammar.pest"]
struct Grammar;

/// Where parsing could not go on.
#[derive(Debug)]
pub(super) struct Failure {
    /// The furthest place that was reached.
    pub(super) at: usize,
    /// What would have been right there.
    pub(super) expected: Vec<Rule>,
}

/// Parses the whole of `text` as a file.
pub(super) fn parse(text: &str) -> Result<Pairs<'_, Rule>, Failure> {
    Grammar::parse(Rule::file, text).map_err(|error| {
        let at = match error.location {
            InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
        };
        let expected = match error.variant {
            ErrorVariant::ParsingError { positives, .. } => positives,
            ErrorVariant::CustomError { .. } => Vec::new(),
        };
        Failure { at, expected }
    })
}

/// The length of the part of `text` that `rule` takes, if it takes any.
pub(super) fn takes(rule: Rule, text: &str) -> Option<usize> {
    let pair = Grammar::parse(rule, text).ok()?.next()?;
    Some(end_of(&pair))
}

/// The end of a pair without the blanks and comments that pest counts in where a rule ends in
/// something optional.
pub(super) fn end_of(pair: &pest::iterators::Pair<'_, Rule>) -> usize {
    let mut last = pair.clone();
    while let Some(inner) = last.clone().into_inner().next_back() {
        last = inner;
    }
    last.as_span().end()
}
