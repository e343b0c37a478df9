//! The place where parsing stopped, and what stands around it.

use std::ops::Range;

use super::grammar::{Failure, Rule};
use super::tokens::{Kind, Tokens};
use super::working::Working;
use crate::source::{FileId, Span};

/// A failed parse, seen as tokens.
pub(super) struct Scene<'a> {
    /// The tokens of the declaration that failed.
    pub(super) tokens: &'a Tokens<'a>,
    /// The token that was not expected; behind the last at the end.
    pub(super) stop: usize,
    file: FileId,
    working: &'a Working,
    expected: &'a [Rule],
}

/// What a pair of brackets is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Around {
    /// No brackets.
    Nothing,
    /// `{ .. }` of a declaration.
    Body,
    /// `( .. )` behind the name of a method.
    Params,
    /// `[ .. ]` before what it is about.
    Attributes,
    /// `< .. >`, and all other brackets in types and values.
    Inside,
}

impl<'a> Scene<'a> {
    /// The scene of `failure` in `working`, whose tokens are `tokens`.
    pub(super) fn new(
        file: FileId,
        tokens: &'a Tokens<'a>,
        working: &'a Working,
        failure: &'a Failure,
    ) -> Self {
        let stop = tokens.index_at(failure.at);
        Self { tokens, stop, file, working, expected: &failure.expected }
    }

    /// Whether one of `rules` would have been right.
    pub(super) fn expects(&self, rules: &[Rule]) -> bool {
        rules.iter().any(|rule| self.expected.contains(rule))
    }

    /// What stands `offset` tokens from the stop; empty outside of the declaration.
    pub(super) fn word(&self, offset: isize) -> &'a str {
        self.stop.checked_add_signed(offset).map_or("", |index| self.tokens.word(index))
    }

    /// The kind of what stands `offset` tokens from the stop.
    pub(super) fn kind(&self, offset: isize) -> Option<Kind> {
        self.stop.checked_add_signed(offset).and_then(|index| self.tokens.kind(index))
    }

    /// Whether the token at `offset` is the first on its line.
    pub(super) fn leads_line(&self, offset: isize) -> bool {
        let index = self.stop.checked_add_signed(offset);
        index.and_then(|index| self.tokens.get(index)).is_some_and(|token| token.leads_line)
    }

    /// Where the tokens from `offset` to `offset` are, in the text being mended.
    pub(super) fn at(&self, first: isize, last: isize) -> Range<usize> {
        let at = |offset: isize| self.tokens.at(self.stop.saturating_add_signed(offset));
        at(first).start..at(last).end
    }

    /// The text at `range`, empty if there is no such range.
    pub(super) fn text(&self, range: Range<usize>) -> &'a str {
        self.tokens.text().get(range).unwrap_or_default()
    }

    /// The empty place behind the token before the stop.
    pub(super) fn gap(&self) -> Range<usize> {
        let end = match self.stop.checked_sub(1) {
            Some(before) => self.tokens.at(before).end,
            None => 0,
        };
        end..end
    }

    /// Where the user wrote what is at `range`.
    pub(super) fn span(&self, range: Range<usize>) -> Span {
        Span::text(self.file, self.working.origin(range))
    }

    /// The place to point at: the stop, or the end of the declaration.
    pub(super) fn here(&self) -> Span {
        match self.tokens.get(self.stop) {
            Some(token) => self.span(token.at.clone()),
            None => self.span(self.gap()),
        }
    }

    /// What stands at the stop, in words.
    pub(super) fn describe(&self) -> String {
        match self.kind(0) {
            None => "the end of the declaration".into(),
            Some(Kind::Doc | Kind::InnerDoc) => "documentation".into(),
            Some(Kind::Text) => "a string".into(),
            Some(_) => {
                let word: String = self.word(0).chars().take(40).collect();
                format!("`{word}`")
            }
        }
    }

    /// The indices of the opening brackets around the token at `index`, outermost first. A closing
    /// bracket counts as inside.
    pub(super) fn opened_before(&self, index: usize) -> Vec<usize> {
        let mut open: Vec<usize> = Vec::new();
        for at in 0..index.min(self.tokens.len()) {
            let word = self.tokens.word(at);
            let is_angle = |&open: &usize| self.tokens.word(open) == "<";
            match self.tokens.kind(at) {
                Some(Kind::Open) => open.push(at),
                Some(Kind::Close) => {
                    while open.last().is_some_and(is_angle) {
                        open.pop();
                    }
                    open.pop();
                }
                Some(Kind::Mark) if word == "<" && self.is_word_before(at) => open.push(at),
                Some(Kind::Mark) if word == ">" && open.last().is_some_and(is_angle) => {
                    open.pop();
                }
                Some(Kind::Mark) if word == ";" => {
                    while open.last().is_some_and(is_angle) {
                        open.pop();
                    }
                }
                _ => {}
            }
        }
        open
    }

    fn is_word_before(&self, index: usize) -> bool {
        index > 0 && self.tokens.kind(index - 1) == Some(Kind::Word)
    }

    /// What the brackets are for whose opening ones are `open`, the innermost last.
    pub(super) fn around(&self, open: &[usize]) -> Around {
        let Some((&bracket, outer)) = open.split_last() else { return Around::Nothing };
        let before = |back: usize| bracket.checked_sub(back).map_or("", |at| self.tokens.word(at));
        match self.tokens.word(bracket) {
            "{" => Around::Body,
            "(" if matches!(before(2), "fn" | "event") => Around::Params,
            // A method whose `fn` is missing or misspelled.
            "(" if self.around(outer) == Around::Body && self.is_word_before(bracket) => {
                let payload = outer.last().is_some_and(|&body| self.is_union(body));
                if payload { Around::Inside } else { Around::Params }
            }
            "[" if self.around(outer) != Around::Inside => {
                let begins = matches!(before(1), "" | "{" | "(" | ";" | "," | "]" | "}" | "->");
                let documented = bracket > 0 && self.tokens.kind(bracket - 1) == Some(Kind::Doc);
                if begins || documented { Around::Attributes } else { Around::Inside }
            }
            _ => Around::Inside,
        }
    }

    /// Whether the body opened at `body` is that of an `error` or `union`.
    fn is_union(&self, body: usize) -> bool {
        let keyword = body.checked_sub(2).map_or("", |at| self.tokens.word(at));
        matches!(keyword, "error" | "union")
    }

    /// The smallest piece around the stop that can be left out with its separator: a field, a
    /// parameter, an attribute, a method, or the whole declaration. Never empty.
    pub(super) fn entry(&self) -> Range<usize> {
        let mut open = self.opened_before(self.stop);
        let mut stop = self.stop.min(self.tokens.len().saturating_sub(1));
        loop {
            let around = self.around(&open);
            if around != Around::Inside {
                let first = open.last().map_or(0, |&bracket| bracket + 1);
                let entry = self.entry_from(first, stop, around);
                if !entry.is_empty() {
                    return entry;
                }
            }
            match open.pop() {
                Some(bracket) => stop = bracket,
                None => return 0..self.tokens.len(),
            }
        }
    }

    /// The entry that holds `stop`, in a list whose first token is `first`.
    fn entry_from(&self, first: usize, stop: usize, around: Around) -> Range<usize> {
        let mut start = first;
        let (mut depth, mut angles) = (0usize, 0usize);
        for index in first..self.tokens.len() {
            let word = self.tokens.word(index);
            match self.tokens.kind(index) {
                Some(Kind::Open) => depth += 1,
                Some(Kind::Close) if depth == 0 => return start..index,
                Some(Kind::Close) => depth -= 1,
                Some(Kind::Mark) if word == "<" && self.is_word_before(index) => angles += 1,
                Some(Kind::Mark) if word == ">" => angles = angles.saturating_sub(1),
                _ => {}
            }
            let ends = depth == 0
                && match word {
                    ";" => true,
                    "," => around != Around::Nothing && angles == 0,
                    "}" => self.ends_with_brace(index, around),
                    _ => false,
                };
            if ends {
                if index >= stop {
                    return start..index + 1;
                }
                (start, angles) = (index + 1, 0);
            }
        }
        start..self.tokens.len()
    }

    /// Whether the `}` at `index` ends an entry: that of a body does, that of a variant's payload
    /// is followed by more.
    fn ends_with_brace(&self, index: usize, around: Around) -> bool {
        match (around, self.tokens.get(index + 1)) {
            (Around::Nothing, _) | (_, None) => true,
            (_, Some(next)) => next.leads_line && !matches!(self.tokens.word(index + 1), "," | "="),
        }
    }

    /// Where the tokens of `entry` are, in the text being mended.
    pub(super) fn place_of(&self, entry: &Range<usize>) -> Range<usize> {
        match entry.end.checked_sub(1) {
            Some(last) if !entry.is_empty() => {
                self.tokens.at(entry.start).start..self.tokens.at(last).end
            }
            _ => self.gap(),
        }
    }

    /// What stands between the stop and the `{` of a declaration whose head is not understood.
    pub(super) fn surplus_in_head(&self) -> Option<Range<usize>> {
        let body = [Rule::l_brace, Rule::fields, Rule::members, Rule::variants];
        if !self.expects(&body) || !self.opened_before(self.stop).is_empty() {
            return None;
        }
        let ends = |&index: &usize| matches!(self.tokens.word(index), "" | "{" | ";");
        let brace = (self.stop..=self.tokens.len()).find(ends)?;
        (self.tokens.word(brace) == "{" && brace > self.stop).then_some(self.stop..brace)
    }

    /// The index of the closing bracket that belongs to the opening one at `open`.
    pub(super) fn partner(&self, open: usize) -> Option<usize> {
        self.tokens.kind(open).filter(|&kind| kind == Kind::Open)?;
        let mut depth = 0usize;
        for index in open..self.tokens.len() {
            match self.tokens.kind(index) {
                Some(Kind::Open) => depth += 1,
                Some(Kind::Close) => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return Some(index);
            }
        }
        None
    }
}
