//! Parsing a text that is not right.
//!
//! A parser stops at the first mistake; people want all of them. So the place where it stopped is
//! looked at, the mistake is told, the text is mended there (or, if nobody can say how, the smallest
//! entry around it is taken out) and parsed again. This goes declaration by declaration, so that
//! parsing again is cheap, and within a budget, so that a hostile file is not expensive either.

use std::ops::Range;

use pest::iterators::Pairs;

use super::brackets::{self, MAX_DEPTH, Mismatch};
use super::expected;
use super::grammar::{self, Failure, Rule};
use super::scene::Scene;
use super::slips;
use super::tokens::{Flaw, Kind, Tokens};
use super::working::Working;
use crate::diagnostic::{Diagnostic, Diagnostics, Severity, codes};
use crate::source::{FileId, Span};

/// How many bytes are parsed again before the rest is only looked at once.
const BUDGET: usize = 4 << 20;

/// How many mistakes are mended in one declaration before it is given up.
const MOST_REPAIRS: usize = 64;

/// How many bad characters and brackets there may be in something that is an interface at all.
const MOST_FLAWS: usize = 50;

/// Reads `text`, telling all mistakes, and hands each part that parses, perhaps after repair, to
/// `lower`. Gives back the names of what could not be saved.
pub(super) fn read(
    file: FileId,
    text: &str,
    diagnostics: &mut Diagnostics,
    lower: &mut dyn FnMut(Pairs<'_, Rule>, &Working, &mut Diagnostics),
) -> Vec<String> {
    let mut reader =
        Reader { file, text, diagnostics, budget: BUDGET, flawed: Vec::new(), lost: Vec::new() };
    let Some(working) = reader.mend_tokens(text) else { return reader.lost };
    let Some(working) = reader.mend_brackets(working) else { return reader.lost };
    if let Ok(pairs) = grammar::parse(working.text()) {
        lower(pairs, &working, reader.diagnostics);
        return reader.lost;
    }
    let tokens = Tokens::of(working.text(), &mut |_| {});
    for declaration in declarations(&tokens) {
        if reader.diagnostics.error_count() >= Diagnostics::MAX_KEPT {
            break;
        }
        reader.mend_declaration(working.part(declaration), lower);
    }
    reader.lost
}

/// The parts of a file that can be parsed alone.
fn declarations(tokens: &Tokens<'_>) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut depth = 0usize;
    for (index, token) in tokens.iter().enumerate() {
        match token.kind {
            Kind::Open => depth += 1,
            Kind::Close => depth = depth.saturating_sub(1),
            _ => {}
        }
        let ends = matches!(tokens.word(index), ";" | "}") && depth == 0;
        if ends {
            parts.push(start..token.at.end);
            start = token.at.end;
        }
    }
    if tokens.len() > 0 && start < tokens.at(tokens.len() - 1).end {
        parts.push(start..tokens.text().len());
    }
    parts
}

struct Reader<'a> {
    file: FileId,
    /// As the user wrote it.
    text: &'a str,
    diagnostics: &'a mut Diagnostics,
    budget: usize,
    /// Where characters and brackets were wrong, in the user's text.
    flawed: Vec<Range<usize>>,
    lost: Vec<String>,
}

impl Reader<'_> {
    /// Tells what is no token and puts something harmless in its place. `None` if that is hopeless.
    fn mend_tokens(&mut self, text: &str) -> Option<Working> {
        let mut flaws = Vec::new();
        Tokens::of(text, &mut |flaw| flaws.push(flaw));
        let mut working = Working::new(text);
        let hopeless = flaws.len() > MOST_FLAWS;
        flaws.truncate(MOST_FLAWS);
        for flaw in flaws.into_iter().rev() {
            let (diagnostic, change) = self.flaw(text, flaw);
            self.note_flaw(&diagnostic);
            self.diagnostics.push(diagnostic);
            if let Some((range, replacement)) = change {
                working.splice(range, &replacement);
            }
        }
        (!hopeless).then_some(working)
    }

    /// What is wrong in the same entry later is most likely a consequence.
    fn note_flaw(&mut self, diagnostic: &Diagnostic) {
        if diagnostic.severity == Severity::Error {
            self.flawed.extend(diagnostic.primary.span.range().map(|(_, range)| range));
        }
    }

    fn flaw(&self, text: &str, flaw: Flaw) -> (Diagnostic, Option<(Range<usize>, String)>) {
        let span = |range: &Range<usize>| Span::text(self.file, range.clone());
        match flaw {
            Flaw::DeepComment(at) => {
                let message = format!("comments nested more than {MAX_DEPTH} deep");
                let begin = at.start..at.start + 2;
                let found = Diagnostic::error(codes::NESTED_TOO_DEEPLY, message, span(&begin))
                    .label("the outermost begins here");
                (found, Some((at, " ".into())))
            }
            Flaw::OpenComment(at) => {
                let message = "this comment is never closed";
                let found = Diagnostic::error(codes::UNTERMINATED, message, span(&at))
                    .label("everything from here on is in the comment")
                    .note("comments nest: each `/*` needs a `*/` of its own");
                (found, Some((at.start..text.len(), " ".into())))
            }
            Flaw::OpenString(at) => {
                let message = "this string is never closed";
                // `("name)]`: what closes the brackets has been swallowed.
                let closing = |c: char| ")]};,".contains(c) || c.is_whitespace();
                let kept = text[at.clone()].trim_end_matches(closing).len().max(1);
                let at = at.start..at.start + kept;
                let end = at.end..at.end;
                let found = Diagnostic::error(codes::UNTERMINATED, message, span(&at))
                    .label("strings end on the line they begin on")
                    .suggest("close it", span(&end), "\"");
                // A backslash at the end would swallow the quote that closes the string.
                let text = text[at.clone()].trim_end_matches('\\');
                (found, Some((at, format!("{text}\""))))
            }
            Flaw::SingleQuotes(at) => {
                let inner = text[at.start + 1..at.end - 1].replace('"', "\\\"");
                let quoted = format!("\"{inner}\"");
                let message = "strings stand between double quotes";
                let found = Diagnostic::error(codes::FOREIGN, message, span(&at))
                    .label("single quotes mean nothing")
                    .fix("write double quotes", span(&at), quoted.clone());
                (found, Some((at, quoted)))
            }
            Flaw::Stray(at) => {
                let stray: String = text[at.clone()].chars().map(visible).collect();
                let message = format!("`{stray}` means nothing here");
                let found = Diagnostic::error(codes::STRAY_CHARACTER, message, span(&at))
                    .label("not a character of the language");
                (found, Some((at, " ".into())))
            }
            Flaw::ForeignLetters(at) => {
                let word = &text[at.clone()];
                let ascii: String =
                    word.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
                let message = format!("`{word}` has letters that names cannot have");
                let found = Diagnostic::error(codes::STRAY_CHARACTER, message, span(&at))
                    .label("names are made of `a` to `z`, `A` to `Z`, `0` to `9` and `_`");
                (found, Some((at, ascii)))
            }
            Flaw::JavaDoc(at) => {
                let message = "`/** */` is a comment, not documentation";
                let found = Diagnostic::warning(codes::DOC_COMMENT_STYLE, message, span(&at))
                    .label("this text reaches nobody who reads the generated code")
                    .help("begin each line of documentation with `///`");
                (found, None)
            }
        }
    }

    /// Tells which brackets have no partner, and gives them one. `None` if that is hopeless.
    fn mend_brackets(&mut self, mut working: Working) -> Option<Working> {
        let text = working.text().to_owned();
        let tokens = Tokens::of(&text, &mut |_| {});
        if let Some(at) = brackets::too_deep(&tokens) {
            let message = format!("nested more than {MAX_DEPTH} levels deep");
            let span = self.span(&working, at);
            let found = Diagnostic::error(codes::NESTED_TOO_DEEPLY, message, span)
                .label("the file is not read any further");
            self.diagnostics.push(found);
            return None;
        }
        let mut found = brackets::mismatches(&tokens);
        let hopeless = found.len() > MOST_FLAWS;
        found.truncate(MOST_FLAWS);
        let mut changes = Vec::new();
        for mismatch in found {
            let (diagnostic, range, replacement) = self.mismatch(&tokens, &working, mismatch);
            self.note_flaw(&diagnostic);
            self.diagnostics.push(diagnostic);
            changes.push((range, replacement));
        }
        changes.sort_by_key(|(range, _)| range.start);
        for (range, replacement) in changes.into_iter().rev() {
            working.splice(range, replacement);
        }
        (!hopeless).then_some(working)
    }

    fn mismatch(
        &self,
        tokens: &Tokens<'_>,
        working: &Working,
        mismatch: Mismatch,
    ) -> (Diagnostic, Range<usize>, &'static str) {
        match mismatch {
            Mismatch::Unclosed { open, insert, closer, found } => {
                let bracket = &tokens.text()[open.clone()];
                let message = format!("this `{bracket}` is never closed");
                let insert = insert..insert;
                let mut told =
                    Diagnostic::error(codes::UNCLOSED, message, self.span(working, open))
                        .label(format!("needs a `{closer}`"));
                if found.is_empty() {
                    told = told.note("the file ends with it still open");
                } else if tokens.text()[found.clone()].starts_with([')', ']', '}']) {
                    told = told.also(self.span(working, found), "closes a bracket further out");
                }
                let at = self.span(working, insert.clone());
                told = told.suggest(format!("a `{closer}` may belong here"), at, closer);
                (told, insert, closer)
            }
            Mismatch::Unopened { close } => {
                let bracket = &tokens.text()[close.clone()];
                let span = self.span(working, close.clone());
                let message = format!("this `{bracket}` closes nothing");
                let told = Diagnostic::error(codes::UNOPENED, message, span)
                    .label("no bracket of this kind is open here");
                (told, close, " ")
            }
        }
    }

    fn span(&self, working: &Working, range: Range<usize>) -> Span {
        Span::text(self.file, working.origin(range))
    }

    /// Parses one declaration, mending it until it parses or nothing is left of it.
    fn mend_declaration(
        &mut self,
        mut working: Working,
        lower: &mut dyn FnMut(Pairs<'_, Rule>, &Working, &mut Diagnostics),
    ) {
        // The entry with the last mistake, in the user's text. A second one in the same entry is most
        // likely a consequence of the first, or of the way it was mended.
        let mut told: Option<Range<usize>> = None;
        for _ in 0..MOST_REPAIRS {
            let failure = match grammar::parse(working.text()) {
                Ok(pairs) => return lower(pairs, &working, self.diagnostics),
                Err(failure) => failure,
            };
            let text = working.text().to_owned();
            let tokens = Tokens::of(&text, &mut |_| {});
            let scene = Scene::new(self.file, &tokens, &working, &failure);
            let entry = scene.entry();
            let place = working.origin(scene.place_of(&entry));
            let known = told.as_ref() == Some(&place) || self.is_flawed(&scene, &place);
            if self.budget < text.len() {
                if !known {
                    self.diagnostics.push(unexpected(&scene, &failure));
                }
                return self.lose(&tokens, 0..tokens.len());
            }
            self.budget -= text.len();
            let slip = if known { None } else { slips::find(&scene) };
            match slip {
                Some(slip) => {
                    self.diagnostics.push(slip.diagnostic);
                    for (range, replacement) in slip.changes.into_iter().rev() {
                        if replacement == " " {
                            let first = tokens.index_at(range.start);
                            self.lose(
                                &tokens,
                                first..tokens.index_at(range.end.saturating_sub(1)) + 1,
                            );
                        }
                        working.splice(range, &replacement);
                    }
                }
                None => {
                    if !known {
                        self.diagnostics.push(unexpected(&scene, &failure));
                    }
                    let surplus = scene.surplus_in_head().filter(|_| !known).unwrap_or(entry);
                    working.splice(scene.place_of(&surplus), " ");
                    self.lose(&tokens, surplus);
                }
            }
            told = Some(place);
        }
        let tokens = Tokens::of(working.text(), &mut |_| {});
        self.lose(&tokens, 0..tokens.len());
    }

    /// Whether a bad character or bracket in the same entry and line explains the failure.
    fn is_flawed(&self, scene: &Scene<'_>, place: &Range<usize>) -> bool {
        let Some((_, here)) = scene.here().range() else { return false };
        self.flawed.iter().any(|flaw| {
            let between = flaw.start.min(here.start)..flaw.start.max(here.start);
            let between = self.text.get(between).unwrap_or_default();
            let inside = place.start <= flaw.start && flaw.end <= place.end;
            inside && !between.contains(['\n', '\r'])
        })
    }

    /// Notes the names that the given tokens may have declared, so that their users are not told
    /// that they do not exist.
    fn lose(&mut self, tokens: &Tokens<'_>, entry: Range<usize>) {
        let words = entry.filter(|&index| tokens.kind(index) == Some(Kind::Word));
        self.lost.extend(words.map(|index| tokens.word(index).to_owned()));
    }
}

/// What is said where no particular slip is recognised.
fn unexpected(scene: &Scene<'_>, failure: &Failure) -> Diagnostic {
    let wanted = expected::describe(&failure.expected);
    let found = scene.describe();
    let message = match &wanted {
        Some(wanted) => format!("expected {wanted}, found {found}"),
        None => format!("did not expect {found} here"),
    };
    let label = wanted.map_or("not expected here".into(), |wanted| format!("expected {wanted}"));
    Diagnostic::error(codes::UNEXPECTED, message, scene.here()).label(label)
}

/// A character as it can be shown; those that steer terminals have pictures of their own.
fn visible(c: char) -> char {
    match c {
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(' '),
        _ if c.is_control() => '\u{fffd}',
        _ => c,
    }
}
