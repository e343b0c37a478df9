//! Brackets that do not match, and where the missing one belongs.
//!
//! This runs before the grammar. A grammar notices a missing `}` at the end of the file; people want
//! to hear of the `{`, and of the mistakes in the rest of the file as well. Whoever forgets a bracket
//! has mostly indented well, so where counting alone fails, the indentation decides.

use std::ops::Range;

use super::tokens::{Kind, Tokens};

/// How deeply brackets, angle brackets included, may be nested.
pub(super) const MAX_DEPTH: usize = 128;

/// A bracket without its partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mismatch {
    /// `open` needs a `closer` at `insert`; `found` is the token that showed it.
    Unclosed { open: Range<usize>, insert: usize, closer: &'static str, found: Range<usize> },
    /// Nothing was open, or nothing of this kind.
    Unopened { close: Range<usize> },
}

/// All brackets without partner, in the order of the text.
pub(super) fn mismatches(tokens: &Tokens<'_>) -> Vec<Mismatch> {
    let counted = Walk::new(tokens, Trust::Count).run();
    if counted.is_empty() {
        return counted;
    }
    Walk::new(tokens, Trust::Indentation).run()
}

/// The first bracket that is nested more than [`MAX_DEPTH`] deep. A `<` counts while it may open
/// type arguments, that is behind a word.
pub(super) fn too_deep(tokens: &Tokens<'_>) -> Option<Range<usize>> {
    let mut open: Vec<&str> = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let word = tokens.word(index);
        let behind_word = index > 0 && tokens.kind(index - 1) == Some(Kind::Word);
        match token.kind {
            Kind::Open => open.push(word),
            Kind::Close => {
                let from = open.iter().rposition(|&bracket| bracket != "<").unwrap_or(0);
                open.truncate(from);
            }
            Kind::Mark if word == "<" && behind_word => open.push(word),
            Kind::Mark if word == ">" && open.last() == Some(&"<") => drop(open.pop()),
            Kind::Mark if word == ";" => {
                let from = open.iter().rposition(|&bracket| bracket != "<").map_or(0, |at| at + 1);
                open.truncate(from);
            }
            _ => {}
        }
        if open.len() > MAX_DEPTH {
            return Some(token.at.clone());
        }
    }
    None
}

/// What to believe when brackets and indentation disagree.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    Count,
    Indentation,
}

/// A bracket that waits for its partner.
struct Open {
    index: usize,
    /// Of the first token on its line.
    indentation: usize,
    /// Where the partner most likely belongs, if it does not come.
    insert: Option<usize>,
}

struct Walk<'t> {
    tokens: &'t Tokens<'t>,
    trust: Trust,
    open: Vec<Open>,
    found: Vec<Mismatch>,
    /// Of the first token on the current line.
    indentation: usize,
}

fn closer_of(open: &str) -> &'static str {
    match open {
        "(" => ")",
        "[" => "]",
        _ => "}",
    }
}

impl<'t> Walk<'t> {
    fn new(tokens: &'t Tokens<'t>, trust: Trust) -> Self {
        Self { tokens, trust, open: Vec::new(), found: Vec::new(), indentation: 0 }
    }

    fn run(mut self) -> Vec<Mismatch> {
        for (index, token) in self.tokens.iter().enumerate() {
            if token.leads_line {
                self.indentation = self.column(token.at.start);
            }
            if token.kind == Kind::Close {
                self.close(index);
                continue;
            }
            self.look_for_a_place(index);
            if token.kind == Kind::Open {
                let indentation = self.indentation;
                self.open.push(Open { index, indentation, insert: None });
            }
        }
        while let Some(open) = self.open.pop() {
            self.unclosed(open, self.tokens.len());
        }
        self.found.sort_by_key(|mismatch| match mismatch {
            Mismatch::Unclosed { open, .. } => open.start,
            Mismatch::Unopened { close } => close.start,
        });
        self.found
    }

    /// Bytes from the line's beginning. Tabs and blanks are not mixed by people who indent well.
    fn column(&self, offset: usize) -> usize {
        let before = &self.tokens.text()[..offset];
        offset - before.rfind(['\n', '\r']).map_or(0, |line_end| line_end + 1)
    }

    /// Whether the token at `index` cannot be inside of the innermost bracket, so that the partner
    /// belongs in front of it.
    fn look_for_a_place(&mut self, index: usize) {
        let leads = self.tokens.get(index).is_some_and(|token| token.leads_line);
        let word = self.tokens.word(index);
        let column = self.indentation;
        let Some(open) = self.open.last_mut() else { return };
        if open.insert.is_some() {
            return;
        }
        let is_outside = match self.tokens.word(open.index) {
            "{" => leads && column <= open.indentation,
            "(" => matches!(word, ";" | "{" | "->") || (leads && column <= open.indentation),
            _ => match self.tokens.word(open.index + 2) {
                // `[out name: type`: an attribute is followed by `,`, `(`, `=` or its end.
                "," | "(" | "=" | "]" | "." | ";" | "" => word == ":" || word == "{",
                _ => index == open.index + 2,
            },
        };
        if is_outside {
            // `{ a: u8,` in one line: the separator belongs behind the bracket.
            let in_line = self.tokens.get(open.index + 1).is_some_and(|token| !token.leads_line);
            let last = self.tokens.at(index - 1);
            let separated = in_line && matches!(self.tokens.word(index - 1), "," | ";");
            open.insert = Some(if separated { last.start } else { last.end });
        }
    }

    fn close(&mut self, index: usize) {
        let matches =
            |open: &Open| closer_of(self.tokens.word(open.index)) == self.tokens.word(index);
        let Some(mut partner) = self.open.iter().rposition(matches) else {
            self.found.push(Mismatch::Unopened { close: self.tokens.at(index) });
            return;
        };
        let leads = self.tokens.get(index).is_some_and(|token| token.leads_line);
        if self.trust == Trust::Indentation && leads {
            let aligned = |open: &Open| matches(open) && open.indentation == self.indentation;
            partner = self.open.iter().rposition(aligned).unwrap_or(partner);
        }
        while self.open.len() > partner + 1 {
            let Some(open) = self.open.pop() else { break };
            self.unclosed(open, index);
        }
        self.open.pop();
    }

    /// `open` has no partner before the token at `found`.
    fn unclosed(&mut self, open: Open, found: usize) {
        let closer = closer_of(self.tokens.word(open.index));
        let insert = open.insert.unwrap_or_else(|| self.end_of_content(open.index, found));
        let (open, found) = (self.tokens.at(open.index), self.tokens.at(found));
        self.found.push(Mismatch::Unclosed { open, insert, closer, found });
    }

    /// A closing bracket is missing between the tokens `open` and `found`: the end of the line of
    /// `open` if it holds content, without the separator behind it, else right before `found`.
    fn end_of_content(&self, open: usize, found: usize) -> usize {
        let leads = |index: &usize| self.tokens.get(*index).is_some_and(|token| token.leads_line);
        let line_end = (open + 1..found).find(leads).unwrap_or(found);
        let last = if line_end > open + 1 && line_end < found { line_end - 1 } else { found - 1 };
        match self.tokens.word(last) {
            "," | ";" if last > open && last + 1 == line_end && line_end < found => {
                self.tokens.at(last).start
            }
            _ => self.tokens.at(last).end,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with the missing brackets in place.
    fn mended(text: &str) -> String {
        let tokens = Tokens::of(text, &mut |_| {});
        let mut out = text.to_owned();
        let mut found = mismatches(&tokens);
        found.sort_by_key(|mismatch| match mismatch {
            Mismatch::Unclosed { insert, .. } => *insert,
            Mismatch::Unopened { close } => close.start,
        });
        for mismatch in found.into_iter().rev() {
            match mismatch {
                Mismatch::Unclosed { insert, closer, .. } => out.insert_str(insert, closer),
                Mismatch::Unopened { close } => out.replace_range(close, ""),
            }
        }
        out
    }

    #[test]
    fn the_next_declaration_ends_an_unclosed_one() {
        assert_eq!(
            mended("struct A {\n    a: u8,\n\nstruct B {\n    b: u8,\n}\n"),
            "struct A {\n    a: u8,}\n\nstruct B {\n    b: u8,\n}\n"
        );
    }

    #[test]
    fn an_inner_brace_is_found_by_indentation() {
        assert_eq!(
            mended("error E {\n    Big { limit: u64 = 2,\n    Small = 3,\n}\nstruct S {\n}\n"),
            "error E {\n    Big { limit: u64 = 2},\n    Small = 3,\n}\nstruct S {\n}\n"
        );
    }

    #[test]
    fn parameters_end_before_the_semicolon() {
        assert_eq!(mended("fn f(a: u8;\nfn g();"), "fn f(a: u8);\nfn g();");
    }

    #[test]
    fn an_attribute_ends_behind_its_name() {
        assert_eq!(mended("fn f([out b: bytes);"), "fn f([out] b: bytes);");
    }

    #[test]
    fn a_surplus_bracket_goes() {
        assert_eq!(mended("struct A {\n}}\nstruct B {\n}"), "struct A {\n}\nstruct B {\n}");
    }

    #[test]
    fn depth_counts_type_arguments() {
        let deep = |levels: usize| "list<".repeat(levels);
        assert_eq!(too_deep(&Tokens::of(&deep(MAX_DEPTH), &mut |_| {})), None);
        assert!(too_deep(&Tokens::of(&deep(MAX_DEPTH + 1), &mut |_| {})).is_some());
    }
}
