//! Diagnostics as people know them from rustc, drawn by annotate-snippets.

use std::ops::Range;

use annotate_snippets::{
    Annotation, AnnotationKind, Group, Level, Origin, Patch, Renderer, Snippet,
};

use super::{Diagnostic, Diagnostics, Label, Severity, Suggestion};
use crate::source::{SourceFile, Sources, Span};

/// Whether the text is for a terminal that shows colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// With escape sequences.
    Always,
    /// Plain text.
    Never,
}

/// Draws all diagnostics, in the order of the text, each followed by an empty line.
pub fn render(diagnostics: &Diagnostics, sources: &Sources, colour: Colour) -> String {
    let renderer = match colour {
        Colour::Always => Renderer::styled(),
        Colour::Never => Renderer::plain(),
    };
    let mut out = String::new();
    for diagnostic in diagnostics.sorted() {
        out.push_str(&renderer.render(&report(&diagnostic, sources)));
        out.push_str("\n\n");
    }
    out
}

/// One diagnostic in one line: `path:line:column: error[E0101]: message`.
///
/// For tools that read line by line, such as cargo.
pub fn one_line(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let text = format!("{severity}[{}]: {}", diagnostic.code, diagnostic.message);
    let text = text.replace(['\n', '\r'], " ");
    match locate(diagnostic.primary.span, sources) {
        Some((file, range)) => {
            let at = file.position(range.start);
            format!("{}:{}:{}: {text}", file.path(), at.line, at.column)
        }
        None => text,
    }
}

fn locate(span: Span, sources: &Sources) -> Option<(&SourceFile, Range<usize>)> {
    let (file, range) = span.range()?;
    sources.get(file).map(|file| (file, range))
}

/// The message with its places, then each suggestion as a patch of its own.
fn report<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources) -> Vec<Group<'a>> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(diagnostic.message.as_str()).id(diagnostic.code);
    let mut group = Group::with_title(title);
    for excerpt in excerpts(diagnostic, sources) {
        group = match excerpt.snippet() {
            Some(snippet) => group.element(snippet),
            None => group.element(excerpt.origin()),
        };
    }
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let patches = diagnostic.suggestions.iter().filter_map(|change| patch(change, sources));
    std::iter::once(group).chain(patches).collect()
}

fn patch<'a>(change: &'a Suggestion, sources: &'a Sources) -> Option<Group<'a>> {
    let (file, range) = locate(change.span, sources)?;
    let lines = Excerpt::around(file, range.clone(), 0);
    let text = lines.text()?;
    let range = lines.inner(range);
    let snippet = Snippet::source(text)
        .line_start(lines.first_line + 1)
        .patch(Patch::new(range, change.replacement.as_str()));
    Some(Group::with_title(Level::HELP.secondary_title(change.message.as_str())).element(snippet))
}

/// Some lines of a file with what is to be said about them.
///
/// Only these lines are handed to the drawing: it would go through the whole file for every
/// diagnostic, and a file of one endless line would be drawn for minutes.
struct Excerpt<'a> {
    file: &'a SourceFile,
    range: Range<usize>,
    first_line: usize,
    labels: Vec<(AnnotationKind, Range<usize>, &'a str)>,
}

impl<'a> Excerpt<'a> {
    /// The longest text that is drawn; beyond it, position and message must do.
    const MAX_LEN: usize = 16 << 10;

    /// Other places this many lines away are drawn into the same excerpt, with the lines between.
    const NEAR: usize = 40;

    fn around(file: &'a SourceFile, range: Range<usize>, context: usize) -> Self {
        let first_line = file.line_of(range.start).saturating_sub(context);
        let last_line = file.line_of(range.end) + context;
        let range = file.line_range(first_line).start..file.line_range(last_line).end;
        Self { file, range, first_line, labels: Vec::new() }
    }

    fn of(label: &'a Label, kind: AnnotationKind, sources: &'a Sources) -> Option<Self> {
        let (file, range) = locate(label.span, sources)?;
        let mut excerpt = Self::around(file, range.clone(), 0);
        excerpt.labels.push((kind, range, &label.text));
        Some(excerpt)
    }

    fn is_near(&self, other: &Self) -> bool {
        std::ptr::eq(self.file, other.file)
            && self.first_line.abs_diff(other.first_line) <= Self::NEAR
    }

    fn absorb(&mut self, other: Self) {
        self.range.start = self.range.start.min(other.range.start);
        self.range.end = self.range.end.max(other.range.end);
        self.first_line = self.first_line.min(other.first_line);
        self.labels.extend(other.labels);
    }

    /// The text, unless it is too long to be shown. Lone `\r` end a line for us but not for the
    /// drawing; a `\n` in their place keeps every offset.
    fn text(&self) -> Option<String> {
        let text = self.file.slice(self.range.clone());
        if text.len() > Self::MAX_LEN {
            return None;
        }
        let mut chars = text.chars().peekable();
        let mut out = String::with_capacity(text.len());
        while let Some(c) = chars.next() {
            let lone = c == '\r' && chars.peek() != Some(&'\n');
            out.push(if lone { '\n' } else { c });
        }
        Some(out)
    }

    /// `range` of the file as a range of the text.
    fn inner(&self, range: Range<usize>) -> Range<usize> {
        let length = self.range.len();
        let inner = |at: usize| at.saturating_sub(self.range.start).min(length);
        inner(range.start)..inner(range.end)
    }

    fn snippet(&self) -> Option<Snippet<'a, Annotation<'a>>> {
        let snippet = Snippet::source(self.text()?)
            .path(self.file.path())
            .line_start(self.first_line + 1)
            .annotations(self.labels.iter().map(|(kind, range, text)| {
                let annotation = kind.span(self.inner(range.clone()));
                annotation.label((!text.is_empty()).then_some(*text))
            }));
        Some(snippet)
    }

    fn origin(&self) -> Origin<'a> {
        let start = self.labels.first().map_or(0, |(_, range, _)| range.start);
        let at = self.file.position(start);
        Origin::path(self.file.path()).line(at.line).char_column(at.column)
    }
}

/// The primary place with what is near it, then the places further away.
fn excerpts<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources) -> Vec<Excerpt<'a>> {
    let primary = Excerpt::of(&diagnostic.primary, AnnotationKind::Primary, sources);
    let mut excerpts: Vec<_> = primary.into_iter().collect();
    let places = diagnostic.secondary.iter();
    for other in places.filter_map(|label| Excerpt::of(label, AnnotationKind::Context, sources)) {
        match excerpts.iter_mut().find(|excerpt| excerpt.is_near(&other)) {
            Some(excerpt) => excerpt.absorb(other),
            None => excerpts.push(other),
        }
    }
    excerpts
}
