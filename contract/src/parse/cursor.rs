//! A place in a line, and the pieces that can stand there.

use std::str::FromStr;

use super::Read;
use crate::Limit;

/// The rest of a line. Every piece takes the blanks behind it along.
pub(super) struct Cursor<'t> {
    rest: &'t str,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(line: &'t str) -> Cursor<'t> {
        Cursor { rest: line }
    }

    fn advance(&mut self, by: usize) {
        self.rest = self.rest.get(by..).unwrap_or("").trim_start_matches(' ');
    }

    pub(super) fn looks_at(&self, text: &str) -> bool {
        self.rest.starts_with(text)
    }

    pub(super) fn take(&mut self, text: &str) -> bool {
        let here = self.looks_at(text);
        if here {
            self.advance(text.len());
        }
        here
    }

    pub(super) fn expect(&mut self, text: &str) -> Read<()> {
        if self.take(text) { Ok(()) } else { Err("something else was expected here") }
    }

    pub(super) fn end(&self) -> Read<()> {
        if self.rest.is_empty() { Ok(()) } else { Err("there is more than was expected") }
    }

    /// Pieces with commas between them, up to `close`.
    pub(super) fn list<T>(
        &mut self,
        close: &str,
        mut piece: impl FnMut(&mut Cursor<'t>) -> Read<T>,
    ) -> Read<Vec<T>> {
        let mut pieces = Vec::new();
        while !self.take(close) {
            if !pieces.is_empty() {
                self.expect(",")?;
            }
            pieces.push(piece(self)?);
        }
        Ok(pieces)
    }

    fn peek_word(&self) -> &'t str {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        self.rest.get(..end.unwrap_or(self.rest.len())).unwrap_or("")
    }

    pub(super) fn any_word(&mut self) -> Read<&'t str> {
        let word = self.peek_word();
        self.advance(word.len());
        if word.is_empty() { Err("a word was expected here") } else { Ok(word) }
    }

    pub(super) fn take_word(&mut self, word: &str) -> bool {
        self.peek_word() == word && self.take(word)
    }

    pub(super) fn word(&mut self, word: &str) -> Read<()> {
        if self.take_word(word) { Ok(()) } else { Err("another word was expected here") }
    }

    pub(super) fn quoted(&mut self) -> Read<String> {
        let text = self.rest.strip_prefix('"').ok_or("a name was expected here")?;
        let mut name = String::new();
        let mut chars = text.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    // The quotes are one byte each.
                    self.advance(at + 2);
                    return Ok(name);
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => name.push('\n'),
                    Some((_, c)) => name.push(c),
                    None => return Err("a name does not end"),
                },
                c => name.push(c),
            }
        }
        Err("a name does not end")
    }

    pub(super) fn hexadecimal(&mut self, digits: usize) -> Read<u128> {
        let word = self.any_word()?;
        if word.len() != digits {
            return Err("a number has not the right length");
        }
        u128::from_str_radix(word, 16).map_err(|_| "it is no hexadecimal number")
    }

    pub(super) fn number<T: FromStr>(&mut self) -> Read<T> {
        let digits = self.rest.strip_prefix('-').unwrap_or(self.rest);
        let sign = self.rest.len() - digits.len();
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        let number = self.rest.get(..sign + end).unwrap_or("");
        self.advance(sign + end);
        number.parse().map_err(|_| "a number is missing or too large")
    }

    /// One end of a bound: a whole number, or one with a fraction or an exponent.
    pub(super) fn limit(&mut self) -> Read<Limit> {
        let text = self.rest;
        let digits = |from: usize| {
            let rest = text.get(from..).unwrap_or("");
            from + rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())
        };
        let negative = text.starts_with('-');
        let whole = digits(usize::from(negative));
        let mut end = whole;
        // `1..` is a whole number and a range.
        if text.get(end..).is_some_and(|rest| rest.starts_with('.') && !rest.starts_with("..")) {
            end = digits(end + 1);
        }
        if text.get(end..).is_some_and(|rest| rest.starts_with('e')) {
            let sign = text.get(end + 1..).is_some_and(|rest| rest.starts_with('-'));
            end = digits(end + 1 + usize::from(sign));
        }
        let number = text.get(..end).unwrap_or("");
        self.advance(end);
        if end == whole {
            let magnitude = number.trim_start_matches('-').parse();
            let magnitude = magnitude.map_err(|_| "a bound is no number")?;
            return Ok(Limit::int(negative, magnitude));
        }
        number.parse().map(Limit::Float).map_err(|_| "a bound is no number")
    }
}
