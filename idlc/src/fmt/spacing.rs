//! Where blanks go between the words and marks of a line.

use super::layout::Doc;
use super::leads::comment_text;
use super::lexemes::{Kind, Lexeme};

/// Where a run of words and marks stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A declaration, up to its `;` or `{`.
    Statement,
    /// The same of an `enum`, `flags` or `interface`, where `:` has a blank on both sides.
    Head,
    /// An entry of a list, up to its `,`.
    Entry,
    /// An entry of a list of attributes.
    Attribute,
    /// Between `<` and `>`.
    Angle,
}

/// A comment in the middle of a declaration.
pub(super) fn comment_inside(comment: Lexeme<'_>, spacing: &mut Spacing) -> Doc {
    let text = comment_text(comment.text);
    if comment.kind == Kind::BlockComment {
        let blank =
            matches!(spacing.last, Last::Operand | Last::Word(_) | Last::Brackets | Last::Comment);
        spacing.after_comment(Last::Comment);
        return Doc::text(if blank { format!(" {text}") } else { text });
    }
    if comment.lines == 0 && comment.kind == Kind::LineComment {
        return Doc::ToLineEnd(format!(" {text}"));
    }
    let lines = Doc::All(vec![Doc::HardLine, Doc::text(text), Doc::HardLine]);
    spacing.after_comment(Last::Nothing);
    Doc::indented(lines)
}

/// What came last, as far as the next blank depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Last {
    /// Nothing yet.
    Nothing,
    /// A name, a number, a closing bracket.
    Operand,
    /// A word that may be called, or that a payload follows.
    Word(&'static str),
    /// `]`
    Brackets,
    /// `->`
    Arrow,
    /// `.`
    Dot,
    /// A sign, or `..=`: what follows is joined to it.
    Tight,
    /// `+`, `=`, `:`
    Operator,
    /// `/* .. */`
    Comment,
}

pub(super) struct Spacing {
    pub(super) place: Place,
    pub(super) last: Last,
}

impl Spacing {
    /// A comment hides what it follows, but not from the bracket of a uuid.
    pub(super) fn after_comment(&mut self, last: Last) {
        if self.last != Last::Word("uuid") {
            self.last = last;
        }
    }

    pub(super) fn operator(&mut self, text: &str) -> Doc {
        self.last = Last::Operator;
        Doc::text(format!(" {text} "))
    }

    pub(super) fn blank_before_bracket(&self, open: &str) -> bool {
        match self.last {
            Last::Nothing | Last::Tight | Last::Dot | Last::Operator | Last::Arrow => false,
            Last::Word(_) | Last::Operand if open == "(" => false,
            _ => true,
        }
    }

    /// A word or mark that is no bracket.
    pub(super) fn place_of(&mut self, next: Lexeme<'_>) -> Doc {
        let is_word = next.kind == Kind::Word;
        let starts_value = matches!(
            self.last,
            Last::Nothing | Last::Tight | Last::Operator | Last::Arrow | Last::Word("reserved")
        );
        let (text, last) = match next.text {
            _ if is_word => {
                let blank = !matches!(
                    self.last,
                    Last::Nothing | Last::Tight | Last::Dot | Last::Operator | Last::Arrow
                );
                let last = match next.text {
                    "uuid" => Last::Word("uuid"),
                    "reserved" => Last::Word("reserved"),
                    _ if next.is_number() => Last::Operand,
                    _ => Last::Word(""),
                };
                (format!("{}{}", if blank { " " } else { "" }, next.text), last)
            }
            "-" | "~" if starts_value => {
                let blank = if self.last == Last::Word("reserved") { " " } else { "" };
                (format!("{blank}{}", next.text), Last::Tight)
            }
            "." => (".".to_owned(), Last::Dot),
            "," => (", ".to_owned(), Last::Operator),
            ".." | "..=" => (next.text.to_owned(), Last::Tight),
            "?" => ("?".to_owned(), Last::Operand),
            ":" if self.place == Place::Head => (" : ".to_owned(), Last::Operator),
            ":" => (": ".to_owned(), Last::Operator),
            "->" => (" -> ".to_owned(), Last::Arrow),
            mark => (format!(" {mark} "), Last::Operator),
        };
        self.last = last;
        Doc::text(text)
    }
}
