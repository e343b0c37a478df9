//! `[lint.allow(name)]`: advice that is declined.
//!
//! Read from the words of the file and not from the description, which says what an interface is and
//! not what people think of it.

use std::ops::Range;

use super::LINTS;
use crate::diagnostic::{Diagnostic, Diagnostics, closest, codes};
use crate::front::idl::tokens::{Kind, Tokens};
use crate::source::{FileId, Span};

/// What is declined, and where.
pub(super) struct Allowed(Vec<(Range<usize>, &'static str)>);

impl Allowed {
    /// All that a file declines. Names that no lint has are told.
    pub(super) fn read(file: FileId, text: &str, found: &mut Diagnostics) -> Allowed {
        let tokens = Tokens::of(text, &mut |_| {});
        let mut allowed = Vec::new();
        for at in 0..tokens.len() {
            let words = [tokens.word(at), tokens.word(at + 1), tokens.word(at + 2)];
            if words != ["lint", ".", "allow"] || tokens.word(at + 3) != "(" {
                continue;
            }
            let range = tokens.at(at).start..end_of_entry(&tokens, at);
            let names = (at + 4..tokens.len()).take_while(|&at| tokens.word(at) != ")");
            for name in names.filter(|&at| tokens.kind(at) == Some(Kind::Word)) {
                let span = Span::text(file, tokens.at(name));
                match LINTS.iter().find(|lint| lint.name == tokens.word(name)) {
                    Some(lint) => allowed.push((range.clone(), lint.name)),
                    None => found.push(unknown(tokens.word(name), span)),
                }
            }
        }
        Allowed(allowed)
    }

    /// Whether this piece of advice is declined.
    pub(super) fn declines(&self, advice: &Diagnostic) -> bool {
        let Some((_, at)) = advice.primary.span.range() else { return false };
        self.0.iter().any(|(range, name)| *name == advice.code && range.contains(&at.start))
    }
}

fn unknown(name: &str, span: Span) -> Diagnostic {
    let message = format!("no lint is called `{name}`");
    let told = Diagnostic::warning(codes::UNKNOWN_ATTRIBUTE, message, span);
    match closest(name, LINTS.iter().map(|lint| lint.name)) {
        Some(close) => told.suggest(format!("did you mean `{close}`?"), span, close),
        None => told,
    }
}

/// Where the entry ends that the attribute at `at` stands before: the file, for its module.
fn end_of_entry(tokens: &Tokens<'_>, at: usize) -> usize {
    let mut depth = 0usize;
    // Out of the attribute's brackets first.
    let mut index = at;
    while index < tokens.len() && (tokens.word(index) != "]" || depth > 0) {
        match tokens.kind(index) {
            Some(Kind::Open) => depth += 1,
            Some(Kind::Close) => depth = depth.saturating_sub(1),
            _ => {}
        }
        index += 1;
    }
    for index in index + 1..tokens.len() {
        let word = tokens.word(index);
        if depth == 0 && word == "module" && tokens.word(index + 2) != ":" {
            return tokens.text().len();
        }
        match tokens.kind(index) {
            Some(Kind::Open) => depth += 1,
            Some(Kind::Close) if depth == 0 => return tokens.at(index).start,
            Some(Kind::Close) => {
                depth -= 1;
                if depth == 0 && word == "}" {
                    return tokens.at(index).end;
                }
            }
            _ if depth == 0 && matches!(word, ";" | ",") => return tokens.at(index).end,
            _ => {}
        }
    }
    tokens.text().len()
}
