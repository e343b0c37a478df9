//! From lexemes to a layout: what stands on lines of its own, and where blanks go.

use super::layout::Doc;
use super::leads::{Behind, Lead, before, comment_text, comments_alone, doc_text};
use super::lexemes::{Kind, Lexeme};
use super::spacing::{Last, Place, Spacing, comment_inside};

/// A whole file.
pub(super) fn file(lexemes: &[Lexeme<'_>]) -> Doc {
    let mut writer = Writer { lexemes, at: 0 };
    let mut out = Vec::new();
    while writer.peek().is_some() {
        // A bracket that nothing opened cannot be here, but an endless loop must not be either.
        if writer.peek().is_some_and(|next| next.kind == Kind::Close) {
            out.push(Doc::text(writer.take().text));
        }
        out.push(writer.statements());
    }
    Doc::All(out)
}

struct Writer<'l, 't> {
    lexemes: &'l [Lexeme<'t>],
    at: usize,
}

impl<'t> Writer<'_, 't> {
    fn peek(&self) -> Option<Lexeme<'t>> {
        self.lexemes.get(self.at).copied()
    }

    /// The next one that is no comment.
    fn peek_past_comments(&self) -> Option<Lexeme<'t>> {
        self.lexemes[self.at..].iter().find(|lexeme| !lexeme.is_comment()).copied()
    }

    fn take(&mut self) -> Lexeme<'t> {
        let taken = self.lexemes[self.at];
        self.at += 1;
        taken
    }

    fn next_is(&self, text: &str) -> bool {
        self.peek().is_some_and(|next| !next.is_comment() && next.text == text)
    }

    /// Declarations up to a closing bracket or the end, each on lines of its own.
    fn statements(&mut self) -> Doc {
        let mut out = Vec::new();
        loop {
            let leads = self.leads();
            let next = self.peek();
            let ends = next.is_none_or(|next| next.kind == Kind::Close);
            if ends && leads.is_empty() {
                return Doc::All(out);
            }
            let lines = leads.first().map(Lead::lines).or(next.map(|next| next.lines));
            if !out.is_empty() && lines > Some(1) {
                out.push(Doc::EmptyLine);
            }
            out.push(Doc::HardLine);
            if ends {
                out.push(comments_alone(leads));
                return Doc::All(out);
            }
            let gap = next.map_or(0, |next| next.lines);
            out.push(before(leads, gap, Behind::NewLine));
            out.push(self.statement());
            out.push(self.comments_behind());
        }
    }

    /// One declaration of a file or interface.
    fn statement(&mut self) -> Doc {
        let keyword = self.peek().map_or("", |next| next.text);
        let place = match keyword {
            "enum" | "flags" | "interface" => Place::Head,
            _ => Place::Statement,
        };
        let mut out = vec![self.run(place)];
        if self.next_is("{") {
            out.push(Doc::text(" "));
            out.push(match keyword {
                "interface" => self.members(),
                _ => self.braces(),
            });
            return Doc::All(out);
        }
        let comments = self.comments_before_separator();
        if self.next_is(";") || self.next_is(",") {
            self.at += 1;
            out.push(Doc::text(";"));
        }
        out.push(comments);
        Doc::All(out)
    }

    /// `{ fn f(); }`
    fn members(&mut self) -> Doc {
        self.at += 1;
        let comments = self.comments_behind();
        let inner = self.statements();
        let is_empty = matches!(&inner, Doc::All(all) if all.is_empty())
            && matches!(&comments, Doc::All(all) if all.is_empty());
        let closed = self.close();
        if is_empty {
            return Doc::All(vec![Doc::text("{"), closed]);
        }
        let inner = Doc::indented(Doc::All(vec![comments, inner]));
        Doc::broken_group(Doc::All(vec![Doc::text("{"), inner, Doc::HardLine, closed]))
    }

    fn close(&mut self) -> Doc {
        match self.peek() {
            Some(next) if next.kind == Kind::Close => Doc::text(self.take().text),
            _ => Doc::text(""),
        }
    }

    /// `{ a: u8, b: u8 }`: on one line if it was begun on one and fits.
    fn braces(&mut self) -> Doc {
        let stays = self.lexemes.get(self.at + 1).is_some_and(|first| first.lines == 0);
        let list = self.list(Pad::Blank, Trailing::Comma, Place::Entry);
        if stays { Doc::group(list) } else { Doc::broken_group(list) }
    }

    /// `(..)`, `[..]` or `{..}`: entries with commas between them.
    fn list(&mut self, pad: Pad, trailing: Trailing, place: Place) -> Doc {
        let open = self.take().text;
        let mut inner = vec![self.comments_behind()];
        let mut count = 0;
        loop {
            let leads = self.leads();
            let next = self.peek();
            let ends = next.is_none_or(|next| next.kind == Kind::Close);
            if ends && leads.is_empty() {
                break;
            }
            let lines = leads.first().map(Lead::lines).or(next.map(|next| next.lines));
            if count > 0 && lines > Some(1) && pad == Pad::Blank {
                inner.push(Doc::EmptyLine);
            }
            inner.push(match (count, pad) {
                (0, Pad::None) => Doc::SoftLine,
                _ => Doc::Line,
            });
            count += 1;
            if ends {
                inner.push(comments_alone(leads));
                break;
            }
            let gap = next.map_or(0, |next| next.lines);
            inner.push(before(leads, gap, Behind::Blank));
            inner.push(self.entry(place));
            let comments = self.comments_before_separator();
            let separator = self.peek().filter(|next| matches!(next.text, "," | ";"));
            if separator.is_some() {
                self.at += 1;
            }
            let is_last = self.peek_past_comments().is_none_or(|next| next.kind == Kind::Close);
            inner.push(match (is_last, separator, trailing) {
                // The `;` of `[T; N]`.
                (false, Some(mark), Trailing::Nothing) => Doc::text(mark.text),
                (false, ..) => Doc::text(","),
                (true, _, Trailing::Comma) => Doc::IfBroken(","),
                (true, _, Trailing::Nothing) => Doc::text(""),
            });
            inner.extend([comments, self.comments_behind()]);
        }
        let closed = self.close();
        let end = match (count, pad) {
            (0, _) => Doc::SoftLine,
            (_, Pad::None) => Doc::SoftLine,
            (_, Pad::Blank) => Doc::Line,
        };
        if count == 0 && matches!(inner.as_slice(), [Doc::All(all)] if all.is_empty()) {
            return Doc::All(vec![Doc::text(open), closed]);
        }
        Doc::All(vec![Doc::text(open), Doc::indented(Doc::All(inner)), end, closed])
    }

    /// One entry of a list. `reserved 2, 4..=8` is one.
    fn entry(&mut self, place: Place) -> Doc {
        let is_reserved = self.next_is("reserved");
        let mut out = vec![self.run(place)];
        loop {
            out.push(self.comments_before_separator());
            let goes_on = is_reserved && self.next_is(",") && {
                let behind = self.lexemes[self.at + 1..].iter().find(|next| !next.is_comment());
                behind.is_some_and(|next| next.is_number() || matches!(next.text, "-" | "~"))
            };
            if !goes_on {
                return Doc::All(out);
            }
            self.at += 1;
            out.push(Doc::text(", "));
            out.push(self.run(place));
        }
    }

    /// Words and marks up to a separator or a bracket that closes or holds declarations.
    fn run(&mut self, place: Place) -> Doc {
        let mut out = Vec::new();
        let mut spacing = Spacing { place, last: Last::Nothing };
        while let Some(next) = self.peek() {
            if next.is_comment() || next.kind == Kind::Doc {
                let behind = self.peek_past_comments();
                if next.is_comment() && behind.is_none_or(|behind| ends_run(&behind, place)) {
                    break;
                }
                self.at += 1;
                out.push(comment_inside(next, &mut spacing));
                continue;
            }
            if ends_run(&next, place) {
                break;
            }
            let ends_head = matches!(place, Place::Statement | Place::Head);
            if next.text == "{" && ends_head && spacing.last != Last::Dot {
                break;
            }
            out.push(self.piece(next, &mut spacing));
        }
        Doc::All(out)
    }

    /// The next word or mark, with what is in it if it is a bracket.
    fn piece(&mut self, next: Lexeme<'t>, spacing: &mut Spacing) -> Doc {
        let after = |at: usize| self.lexemes.get(at).filter(|after| after.joined);
        let doubled = matches!(next.text, "<" | ">")
            && after(self.at + 1).is_some_and(|after| after.text == next.text);
        if next.kind == Kind::Mark && doubled && (next.text == "<" || spacing.place != Place::Angle)
        {
            self.at += 2;
            return spacing.operator(if next.text == "<" { "<<" } else { ">>" });
        }
        match next.text {
            "<" if next.kind == Kind::Mark => self.angle(spacing),
            "(" | "[" | "{" if next.kind == Kind::Open => self.bracket(next.text, spacing),
            _ => {
                self.at += 1;
                spacing.place_of(next)
            }
        }
    }

    /// `<u8, ..=4>`
    fn angle(&mut self, spacing: &mut Spacing) -> Doc {
        let mut out = vec![Doc::text(self.take().text)];
        loop {
            out.push(self.run(Place::Angle));
            out.push(self.comments_before_separator());
            match self.peek().map(|next| next.text) {
                Some(",") => {
                    self.at += 1;
                    let ends = self.peek_past_comments().is_none_or(|next| next.text == ">");
                    out.push(Doc::text(if ends { "" } else { ", " }));
                }
                Some(">") => {
                    self.at += 1;
                    out.push(Doc::text(">"));
                    break;
                }
                _ => break,
            }
        }
        spacing.last = Last::Operand;
        Doc::All(out)
    }

    fn bracket(&mut self, open: &str, spacing: &mut Spacing) -> Doc {
        let blank = spacing.blank_before_bracket(open);
        let list = match open {
            "(" if spacing.last == Last::Word("uuid") && spacing.place == Place::Attribute => {
                self.verbatim()
            }
            "(" => {
                // `(1 + 2)` is no list, and a comma would make it one.
                let is_list = matches!(spacing.last, Last::Word(_) | Last::Arrow);
                let trailing =
                    if is_list || self.holds_comma() { Trailing::Comma } else { Trailing::Nothing };
                Doc::group(self.list(Pad::None, trailing, Place::Entry))
            }
            "[" => Doc::group(self.list(Pad::None, Trailing::Nothing, Place::Entry)),
            // `use a.{b, c}`
            _ if spacing.last == Last::Dot => {
                Doc::group(self.list(Pad::None, Trailing::Comma, Place::Entry))
            }
            _ => self.braces(),
        };
        spacing.last = if open == "[" { Last::Brackets } else { Last::Operand };
        Doc::All(vec![Doc::text(if blank { " " } else { "" }), list])
    }

    /// Whether the bracket that comes next holds a comma itself.
    fn holds_comma(&self) -> bool {
        let mut depth = 0usize;
        for lexeme in &self.lexemes[self.at..] {
            match (lexeme.kind, lexeme.text) {
                (Kind::Open, _) => depth += 1,
                (Kind::Close, _) => depth = depth.saturating_sub(1),
                (Kind::Mark, ",") if depth == 1 => return true,
                _ => {}
            }
            if depth == 0 {
                return false;
            }
        }
        false
    }

    /// A bracket whose inside is one word to the grammar, though it looks like many: a uuid.
    fn verbatim(&mut self) -> Doc {
        let mut out = Vec::new();
        let mut depth = 0usize;
        while let Some(next) = self.peek() {
            self.at += 1;
            match next.kind {
                Kind::LineComment => {
                    out.push(Doc::ToLineEnd(format!(" {}", next.text)));
                    continue;
                }
                Kind::Open => depth += 1,
                Kind::Close => depth -= 1,
                _ => {}
            }
            out.push(Doc::text(next.text));
            if depth == 0 {
                break;
            }
        }
        Doc::All(out)
    }

    /// What stands before a declaration or entry.
    fn leads(&mut self) -> Vec<Lead> {
        let mut leads = Vec::new();
        while let Some(next) = self.peek() {
            let lines = next.lines;
            match next.kind {
                Kind::Doc => {
                    self.at += 1;
                    leads.push(Lead::Doc { text: doc_text(next.text), lines });
                }
                Kind::LineComment | Kind::BlockComment => {
                    self.at += 1;
                    leads.push(Lead::Comment { text: comment_text(next.text), lines });
                }
                Kind::Open if next.text == "[" && self.is_attributes() => {
                    let doc = Doc::group(self.list(Pad::None, Trailing::Comma, Place::Attribute));
                    leads.push(Lead::Attributes { doc, lines });
                }
                _ => break,
            }
        }
        leads
    }

    /// Whether the `[` that comes next opens attributes and no type or value: those end where a
    /// declaration or entry ends.
    fn is_attributes(&self) -> bool {
        let mut depth = 0usize;
        for (index, lexeme) in self.lexemes.iter().enumerate().skip(self.at) {
            match lexeme.kind {
                Kind::Open => depth += 1,
                Kind::Close => depth = depth.saturating_sub(1),
                // `[T; N]`
                Kind::Mark if lexeme.text == ";" && depth == 1 => return false,
                _ => {}
            }
            if depth == 0 {
                let behind = self.lexemes[index + 1..].iter().find(|next| !next.is_comment());
                return behind.is_some_and(|next| {
                    matches!(next.kind, Kind::Word | Kind::Doc) || next.text == "["
                });
            }
        }
        false
    }

    /// Comments at the end of the line that has just been written.
    fn comments_behind(&mut self) -> Doc {
        let rest = &self.lexemes[self.at..];
        let count = rest.iter().take_while(|next| next.is_comment() && next.lines == 0).count();
        let (comments, behind) = rest.split_at(count);
        let wrap = match (comments.last().map(|last| last.kind), behind.first()) {
            (Some(Kind::LineComment), _) | (_, None) => Doc::ToLineEnd,
            (_, Some(behind)) if behind.lines > 0 => Doc::ToLineEnd,
            (_, Some(behind)) if behind.kind == Kind::Close => Doc::Text,
            // They belong to what follows on the same line.
            _ => return Doc::All(Vec::new()),
        };
        self.at += count;
        let comments = comments.iter().map(|next| wrap(format!(" {}", comment_text(next.text))));
        Doc::All(comments.collect())
    }

    /// Comments between an entry and its separator: they go behind the separator.
    fn comments_before_separator(&mut self) -> Doc {
        let separator = self.peek_past_comments();
        if !separator.is_some_and(|next| matches!(next.text, "," | ";" | ">")) {
            return Doc::All(Vec::new());
        }
        let mut out = Vec::new();
        while let Some(next) = self.peek().filter(Lexeme::is_comment) {
            self.at += 1;
            out.push(Doc::ToLineEnd(format!(" {}", comment_text(next.text))));
        }
        Doc::All(out)
    }
}

/// Whether there is a blank inside of brackets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pad {
    Blank,
    None,
}

/// What stands behind the last entry of a list that is broken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trailing {
    Comma,
    Nothing,
}

fn ends_run(next: &Lexeme<'_>, place: Place) -> bool {
    match next.kind {
        Kind::Close => true,
        Kind::Mark => {
            let is_list = !matches!(place, Place::Statement | Place::Head);
            match next.text {
                ";" => true,
                "," => is_list,
                ">" => place == Place::Angle,
                _ => false,
            }
        }
        _ => false,
    }
}
