//! The words and marks of a file, without a grammar.
//!
//! The grammar says whether a text is right. This view says what stands where when it is not: it
//! finds the brackets that do not match, and what was meant where parsing stopped.

use std::ops::Range;

use super::brackets::MAX_DEPTH;

/// What kind of thing a [`Token`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or keyword.
    Word,
    /// A number, size, duration or version.
    Number,
    /// `"text"` or `b"bytes"`.
    Text,
    /// `/// text`
    Doc,
    /// `//! text`
    InnerDoc,
    /// `(`, `[` or `{`
    Open,
    /// `)`, `]` or `}`
    Close,
    /// Everything else, mostly one character.
    Mark,
}

/// A word, a mark, a line of documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// What it is.
    pub(crate) kind: Kind,
    /// Where it is.
    pub(crate) at: Range<usize>,
    /// Whether it is the first on its line.
    pub(crate) leads_line: bool,
}

/// Something that is no token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// A block comment that goes on to the end of the file: its opening mark.
    OpenComment(Range<usize>),
    /// A block comment with too many in it.
    DeepComment(Range<usize>),
    /// A string that goes on to the end of the line.
    OpenString(Range<usize>),
    /// `'text'`
    SingleQuotes(Range<usize>),
    /// A character that means nothing.
    Stray(Range<usize>),
    /// A name with letters other than ASCII's.
    ForeignLetters(Range<usize>),
    /// `/** text */`
    JavaDoc(Range<usize>),
}

/// The tokens of a text.
#[derive(Debug)]
pub(crate) struct Tokens<'t> {
    text: &'t str,
    list: Vec<Token>,
}

impl<'t> Tokens<'t> {
    /// Cuts `text` into tokens; `report` hears what could not be one.
    pub(crate) fn of(text: &'t str, report: &mut dyn FnMut(Flaw)) -> Self {
        let mut cutter = Cutter { text, at: 0, list: Vec::new(), leads_line: true, report };
        while cutter.step() {}
        Self { text, list: cutter.list }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// The token with this index.
    pub(crate) fn get(&self, index: usize) -> Option<&Token> {
        self.list.get(index)
    }

    /// What the token with this index says; empty behind the end.
    pub(crate) fn word(&self, index: usize) -> &'t str {
        self.list.get(index).map_or("", |token| &self.text[token.at.clone()])
    }

    /// The kind of the token with this index.
    pub(crate) fn kind(&self, index: usize) -> Option<Kind> {
        self.list.get(index).map(|token| token.kind)
    }

    /// Where the token with this index is; the end of the text behind the end.
    pub(crate) fn at(&self, index: usize) -> Range<usize> {
        self.list.get(index).map_or(self.text.len()..self.text.len(), |token| token.at.clone())
    }

    /// The index of the first token that ends behind `offset`.
    pub(crate) fn index_at(&self, offset: usize) -> usize {
        self.list.partition_point(|token| token.at.end <= offset)
    }

    /// All tokens.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Token> {
        self.list.iter()
    }

    /// The text they were cut from.
    pub(crate) fn text(&self) -> &'t str {
        self.text
    }
}

struct Cutter<'t, 'r> {
    text: &'t str,
    at: usize,
    list: Vec<Token>,
    leads_line: bool,
    report: &'r mut dyn FnMut(Flaw),
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_line_end(c: char) -> bool {
    c == '\n' || c == '\r'
}

impl Cutter<'_, '_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// The length of the longest beginning of the rest that `wanted` likes.
    fn run(&self, from: usize, wanted: impl Fn(char) -> bool) -> usize {
        let rest = &self.rest()[from..];
        from + rest.find(|c| !wanted(c)).unwrap_or(rest.len())
    }

    fn token(&mut self, kind: Kind, len: usize) {
        let at = self.at..self.at + len;
        self.at = at.end;
        self.list.push(Token { kind, at, leads_line: std::mem::take(&mut self.leads_line) });
    }

    /// Takes one token, comment or blank; `false` at the end.
    fn step(&mut self) -> bool {
        let rest = self.rest();
        let mut chars = rest.chars();
        let Some(first) = chars.next() else { return false };
        let second = chars.next();
        match (first, second) {
            ('\n' | '\r', _) => {
                self.leads_line = true;
                self.at += 1;
            }
            (' ' | '\t' | '\u{FEFF}', _) => self.at += first.len_utf8(),
            ('/', Some('/')) => self.line_comment(),
            ('/', Some('*')) => self.block_comment(),
            ('"', _) => self.string(1),
            ('b', Some('"')) => self.string(2),
            ('(' | '[' | '{', _) => self.token(Kind::Open, 1),
            (')' | ']' | '}', _) => self.token(Kind::Close, 1),
            ('0'..='9', _) => self.number(),
            _ if is_word(first) => self.name(),
            _ => self.mark(first),
        }
        true
    }

    fn line_comment(&mut self) {
        let len = self.run(0, |c| !is_line_end(c));
        let comment = &self.rest()[..len];
        if comment.starts_with("//!") {
            self.token(Kind::InnerDoc, len);
        } else if comment.starts_with("///") && !comment.starts_with("////") {
            self.token(Kind::Doc, len);
        } else {
            self.at += len;
        }
    }

    fn block_comment(&mut self) {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let (mut depth, mut deepest) = (0usize, 0);
        while let Some(pair) = bytes.get(self.at..self.at + 2) {
            match pair {
                b"/*" => depth += 1,
                b"*/" => depth -= 1,
                _ => {
                    self.at += 1;
                    continue;
                }
            }
            self.at += 2;
            deepest = depth.max(deepest);
            if depth == 0 && deepest > MAX_DEPTH {
                return (self.report)(Flaw::DeepComment(start..self.at));
            }
            if depth == 0 {
                let text = &self.text[start..self.at];
                if text.len() > 4 && text.starts_with("/**") && !text.starts_with("/***") {
                    (self.report)(Flaw::JavaDoc(start..self.at));
                }
                return;
            }
        }
        self.at = self.text.len();
        (self.report)(Flaw::OpenComment(start..start + 2));
    }

    fn string(&mut self, prefix: usize) {
        let mut escaped = false;
        for (offset, c) in self.rest()[prefix..].char_indices() {
            match c {
                _ if is_line_end(c) => return self.open_string(prefix + offset),
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => return self.token(Kind::Text, prefix + offset + 1),
                _ => {}
            }
        }
        self.open_string(self.rest().len());
    }

    fn open_string(&mut self, len: usize) {
        (self.report)(Flaw::OpenString(self.at..self.at + len));
        self.token(Kind::Text, len);
    }

    /// As the grammar's `number_lit`: generous, so that `1.0.2` and `0x` are each one thing.
    fn number(&mut self) {
        let ascii_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let mut len = self.run(0, ascii_word);
        while self.rest()[len..].starts_with('.')
            && self.rest()[len + 1..].starts_with(|c: char| c.is_ascii_digit())
        {
            len = self.run(len + 1, |c| c.is_ascii_digit() || c == '_');
            let signed_exponent = ["e+", "e-", "E+", "E-"];
            if signed_exponent.iter().any(|sign| self.rest()[len..].starts_with(sign)) {
                len += 2;
            }
            len = self.run(len, ascii_word);
        }
        self.token(Kind::Number, len);
    }

    fn name(&mut self) {
        let len = self.run(0, is_word);
        let at = self.at..self.at + len;
        if !self.text[at.clone()].is_ascii() {
            (self.report)(Flaw::ForeignLetters(at));
        }
        self.token(Kind::Word, len);
    }

    /// The length of what stands between single quotes, with them.
    fn single_quoted(&self) -> Option<usize> {
        let inner = self.rest().strip_prefix('\'')?;
        let end = inner.find(|c| c == '\'' || is_line_end(c))?;
        inner[end..].starts_with('\'').then_some(end + 2)
    }

    fn mark(&mut self, first: char) {
        let rest = self.rest();
        let long = ["..=", "..", "->"].iter().find(|mark| rest.starts_with(**mark));
        let known = ";,:=?<>|&^+-*/%~.#!".contains(first);
        if let Some(len) = self.single_quoted() {
            (self.report)(Flaw::SingleQuotes(self.at..self.at + len));
            return self.token(Kind::Text, len);
        }
        match long {
            Some(mark) => self.token(Kind::Mark, mark.len()),
            None if known => self.token(Kind::Mark, first.len_utf8()),
            None => {
                (self.report)(Flaw::Stray(self.at..self.at + first.len_utf8()));
                self.at += first.len_utf8();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        let mut flaws = 0;
        let tokens = Tokens::of(text, &mut |_| flaws += 1);
        assert_eq!(flaws, 0);
        (0..tokens.len()).map(|index| tokens.word(index)).collect()
    }

    #[test]
    fn bounds_are_not_fractions() {
        assert_eq!(words("u32<1..=0x4ff>"), ["u32", "<", "1", "..=", "0x4ff", ">"]);
        assert_eq!(words("1.5e-3 1.0.2"), ["1.5e-3", "1.0.2"]);
    }

    #[test]
    fn comments_are_skipped_and_documentation_is_kept() {
        assert_eq!(words("a /* /* */ */ b // c\n/// d\r//! e"), ["a", "b", "/// d", "//! e"]);
    }

    #[test]
    fn what_has_no_end_is_reported() {
        let mut flaws = Vec::new();
        Tokens::of("\"a\n/* /* */", &mut |flaw| flaws.push(flaw));
        assert_eq!(flaws, [Flaw::OpenString(0..2), Flaw::OpenComment(3..5)]);
    }
}
