//! The words, marks and comments of a file, with the line ends between them.

use crate::front::idl::tokens::{Kind as TokenKind, Tokens};

/// What kind of thing a [`Lexeme`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name, keyword, number or string.
    Word,
    /// `/// text` and `//! text`
    Doc,
    /// `(`, `[` or `{`
    Open,
    /// `)`, `]` or `}`
    Close,
    /// Everything else that is no comment.
    Mark,
    /// `// text`
    LineComment,
    /// `/* text */`
    BlockComment,
}

/// A word, mark or comment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lexeme<'t> {
    pub(super) kind: Kind,
    pub(super) text: &'t str,
    /// How many lines end between the one before and this.
    pub(super) lines: usize,
    /// Whether it is joined to the one before without so much as a blank.
    pub(super) joined: bool,
}

impl Lexeme<'_> {
    pub(super) fn is_comment(&self) -> bool {
        matches!(self.kind, Kind::LineComment | Kind::BlockComment)
    }

    /// Whether it is a digit's word: where a list of reserved numbers goes on.
    pub(super) fn is_number(&self) -> bool {
        self.kind == Kind::Word && self.text.starts_with(|c: char| c.is_ascii_digit())
    }
}

/// All of `text`, which has no flaws that would keep it from being parsed.
pub(super) fn lexemes(text: &str) -> Vec<Lexeme<'_>> {
    let tokens = Tokens::of(text, &mut |_| {});
    let mut all = Vec::with_capacity(tokens.len());
    let mut end = 0;
    for token in tokens.iter() {
        if token.at.start < end {
            continue;
        }
        let lines = comments(&text[end..token.at.start], &mut all);
        let kind = match token.kind {
            TokenKind::Word | TokenKind::Number | TokenKind::Text => Kind::Word,
            TokenKind::Doc | TokenKind::InnerDoc => Kind::Doc,
            TokenKind::Open => Kind::Open,
            TokenKind::Close => Kind::Close,
            TokenKind::Mark => Kind::Mark,
        };
        let joined = end == token.at.start;
        let len = match kind {
            Kind::Word => uuid_len(&text[token.at.start..]).unwrap_or(token.at.len()),
            _ => token.at.len(),
        };
        end = token.at.start + len;
        all.push(Lexeme { kind, text: &text[token.at.start..end], lines, joined });
    }
    comments(&text[end..], &mut all);
    join_attributes(all)
}

/// `[a] [b]` as `[a, b]`.
fn join_attributes(all: Vec<Lexeme<'_>>) -> Vec<Lexeme<'_>> {
    let is_array = arrays(&all);
    let mut joined: Vec<Lexeme<'_>> = Vec::with_capacity(all.len());
    for (index, lexeme) in all.into_iter().enumerate() {
        let follows_list = lexeme.kind == Kind::Open
            && lexeme.text == "["
            && !is_array[index]
            && matches!(joined.last(), Some(last) if last.kind == Kind::Close && last.text == "]");
        let last_entry = joined.len().checked_sub(2).and_then(|at| joined.get(at));
        // A comment may stand behind a comma of its own.
        let last_entry = last_entry.filter(|last| !last.is_comment());
        match last_entry.map(|last| last.text) {
            Some(",") if follows_list => drop(joined.pop()),
            Some("[") | None => joined.push(lexeme),
            Some(_) if follows_list => {
                if let Some(close) = joined.last_mut() {
                    *close = Lexeme { kind: Kind::Mark, text: ",", ..*close };
                }
            }
            Some(_) => joined.push(lexeme),
        }
    }
    joined
}

/// Of each lexeme, whether it opens `[T; N]`.
fn arrays(all: &[Lexeme<'_>]) -> Vec<bool> {
    let mut is_array = vec![false; all.len()];
    let mut open = Vec::new();
    for (index, lexeme) in all.iter().enumerate() {
        match (lexeme.kind, lexeme.text) {
            (Kind::Open, _) => open.push(index),
            (Kind::Close, _) => drop(open.pop()),
            (Kind::Mark, ";") => {
                if let Some(&open) = open.last() {
                    is_array[open] = all[open].text == "[";
                }
            }
            _ => {}
        }
    }
    is_array
}

/// The length of the uuid that `text` begins with, which is one word in values as well. As the
/// grammar, generous about the digits of a group.
fn uuid_len(text: &str) -> Option<usize> {
    let mut at = 0;
    for (group, digits) in [(0, 7..=9), (1, 3..=5), (2, 3..=5), (3, 3..=5), (4, 11..=13)] {
        if group > 0 {
            at += text.get(at..)?.strip_prefix('-').map(|_| 1)?;
        }
        let rest = text.get(at..)?;
        let len = rest.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len());
        if !digits.contains(&len) {
            return None;
        }
        at += len;
    }
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    (!text[at..].starts_with(is_word)).then_some(at)
}

/// Adds the comments in what stands between two tokens; gives the line ends behind the last.
fn comments<'t>(between: &'t str, all: &mut Vec<Lexeme<'t>>) -> usize {
    let (mut lines, mut rest) = (0, between);
    while let Some(first) = rest.chars().next() {
        let len = match first {
            '/' => comment_len(rest),
            _ => {
                let crlf = rest.starts_with("\r\n");
                lines += usize::from(matches!(first, '\n' | '\r') && !crlf);
                rest = &rest[first.len_utf8()..];
                continue;
            }
        };
        let (comment, behind) = rest.split_at(len);
        let kind = match comment.starts_with("/*") {
            true => Kind::BlockComment,
            false => Kind::LineComment,
        };
        all.push(Lexeme { kind, text: comment.trim_end(), lines, joined: false });
        (lines, rest) = (0, behind);
    }
    lines
}

/// The length of the comment that `text` begins with. Block comments nest.
fn comment_len(text: &str) -> usize {
    if !text.starts_with("/*") {
        return text.find(['\n', '\r']).unwrap_or(text.len());
    }
    let (mut depth, mut at) = (0usize, 0);
    while let Some(pair) = text.as_bytes().get(at..at + 2) {
        match pair {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    text.len()
}
