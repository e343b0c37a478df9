//! What is wrong, as data: found anywhere, gathered in one place, drawn last.
//!
//! Front ends and the checker push [`Diagnostic`]s and go on, so that one run shows every mistake.
//! What becomes of them is decided behind: drawn as text for people, given as lines for tools, or
//! turned into compile errors by the macros. No drawing happens in this file.

pub mod codes;
#[cfg(feature = "grammar")]
mod hosts;
#[cfg(feature = "grammar")]
mod json;
#[cfg(feature = "grammar")]
mod render;
mod suggest;

use std::collections::HashMap;

#[cfg(feature = "grammar")]
pub use hosts::{to_github, to_sarif};
#[cfg(feature = "grammar")]
pub use json::to_json;
#[cfg(feature = "grammar")]
pub use render::{Colour, one_line, render};
pub use suggest::closest;

use crate::source::Span;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Nothing can be generated.
    Error,
    /// Surely not meant, but there is a meaning.
    Warning,
}

/// A place with something to say about it.
#[derive(Clone, Debug)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is to be seen there; may be empty.
    pub text: String,
}

/// Whether a change of the text can be made without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applicability {
    /// There is one thing that can have been meant. `idlc check --fix` makes these changes.
    Safe,
    /// A guess, for people to judge.
    Unsure,
}

/// A change of the text that would mend it.
#[derive(Clone, Debug)]
pub struct Suggestion {
    /// What the change does, as an instruction ("add the missing `;`").
    pub message: String,
    /// What goes.
    pub span: Span,
    /// What comes in its place.
    pub replacement: String,
    /// Whether it can be made without asking.
    pub applicability: Applicability,
}

impl Suggestion {
    /// Can it be made without asking?
    pub fn is_safe(&self) -> bool {
        self.applicability == Applicability::Safe
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// One of [`codes`].
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The mistake in one line, without place.
    pub message: String,
    /// Where it is.
    pub primary: Label,
    /// Other places that explain it.
    pub secondary: Vec<Label>,
    /// Facts that explain it.
    pub notes: Vec<String>,
    /// What to do about it, in words.
    pub help: Vec<String>,
    /// What to do about it, as changes of the text. Each is an alternative to the others.
    pub suggestions: Vec<Suggestion>,
    /// Whether the same message at another place says nothing new.
    once: bool,
}

impl Diagnostic {
    /// An error at `span`.
    pub fn error(code: &'static str, message: impl Into<String>, span: Span) -> Self {
        Self::new(Severity::Error, code, message.into(), span)
    }

    /// A warning at `span`.
    pub fn warning(code: &'static str, message: impl Into<String>, span: Span) -> Self {
        Self::new(Severity::Warning, code, message.into(), span)
    }

    fn new(severity: Severity, code: &'static str, message: String, span: Span) -> Self {
        Self {
            code,
            severity,
            message,
            primary: Label { span, text: String::new() },
            secondary: Vec::new(),
            notes: Vec::new(),
            help: Vec::new(),
            suggestions: Vec::new(),
            once: false,
        }
    }

    /// Says something at the place of the error.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.primary.text = text.into();
        self
    }

    /// Shows another place.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push(Label { span, text: text.into() });
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Adds advice that is not a change of the text.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Adds advice that is a change of the text and a guess: `replacement` in place of `span`.
    #[must_use]
    pub fn suggest(
        self,
        message: impl Into<String>,
        span: Span,
        replacement: impl Into<String>,
    ) -> Self {
        self.change(message.into(), span, replacement.into(), Applicability::Unsure)
    }

    /// Adds advice that is a change of the text which tools may make without asking: `replacement`
    /// in place of `span`. For mistakes that leave no doubt about what was meant.
    #[must_use]
    pub fn fix(
        self,
        message: impl Into<String>,
        span: Span,
        replacement: impl Into<String>,
    ) -> Self {
        self.change(message.into(), span, replacement.into(), Applicability::Safe)
    }

    fn change(
        mut self,
        message: String,
        span: Span,
        replacement: String,
        applicability: Applicability,
    ) -> Self {
        self.suggestions.push(Suggestion { message, span, replacement, applicability });
        self
    }

    /// What to do about it, all in words.
    pub fn advice(&self) -> Vec<String> {
        let changes = self.suggestions.iter().map(|change| {
            // Most changes say what is to be written; those that insert a mark may not.
            match change.replacement.trim() {
                written if written.is_empty() || change.message.contains(written) => {
                    change.message.clone()
                }
                written => format!("{}: `{written}`", change.message),
            }
        });
        self.help.iter().cloned().chain(changes).collect()
    }

    /// Shows this message at its first place only, however often it is pushed.
    ///
    /// For a name that nothing declares: its second use is the same mistake.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.once = true;
        self
    }
}

/// Everything that one run found.
#[derive(Debug, Default)]
pub struct Diagnostics {
    found: Vec<Diagnostic>,
    /// Index of the first of each message that is shown once, and how many followed it.
    first: HashMap<(&'static str, String), (usize, usize)>,
    dropped_errors: usize,
    dropped_warnings: usize,
}

impl Diagnostics {
    /// How many are kept. A file that is not an interface at all has an error in each line; nobody
    /// reads the hundredth, and memory is finite.
    pub const MAX_KEPT: usize = 200;

    /// Nothing found yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if diagnostic.once {
            let key = (diagnostic.code, diagnostic.message.clone());
            if let Some((_, repeats)) = self.first.get_mut(&key) {
                *repeats += 1;
                return;
            }
            if self.found.len() < Self::MAX_KEPT {
                self.first.insert(key, (self.found.len(), 0));
            }
        }
        if self.found.len() < Self::MAX_KEPT {
            self.found.push(diagnostic);
        } else {
            match diagnostic.severity {
                Severity::Error => self.dropped_errors += 1,
                Severity::Warning => self.dropped_warnings += 1,
            }
        }
    }

    /// Adds all of `other`.
    pub fn append(&mut self, other: Self) {
        self.append_where(other, |_| true);
    }

    /// Each of them, to add something to.
    pub fn each(&mut self, add: impl FnMut(&mut Diagnostic)) {
        self.found.iter_mut().for_each(add);
    }

    /// Adds those of `other` that `wanted` likes.
    pub fn append_where(&mut self, other: Self, wanted: impl Fn(&Diagnostic) -> bool) {
        self.dropped_errors += other.dropped_errors;
        self.dropped_warnings += other.dropped_warnings;
        let mut repeats: HashMap<usize, usize> = other.first.into_values().collect();
        for (index, diagnostic) in other.found.into_iter().enumerate() {
            if !wanted(&diagnostic) {
                continue;
            }
            let key = (diagnostic.code, diagnostic.message.clone());
            self.push(diagnostic);
            if let (Some(more), Some((_, count))) =
                (repeats.remove(&index), self.first.get_mut(&key))
            {
                *count += more;
            }
        }
    }

    /// Whether nothing was found, not even a warning.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Whether anything found is an error.
    pub fn has_errors(&self) -> bool {
        self.dropped_errors > 0 || self.found.iter().any(|found| found.severity == Severity::Error)
    }

    /// How many errors were found, shown or not.
    pub fn error_count(&self) -> usize {
        let errors = self.found.iter().filter(|found| found.severity == Severity::Error).count();
        errors + self.dropped_errors
    }

    /// What was found, by file and position; token spans have no order and keep that of finding.
    ///
    /// Repeats are told in a note of the first, and if some were not kept, the last entry says so.
    pub fn sorted(&self) -> Vec<Diagnostic> {
        let mut sorted = self.found.clone();
        for &(index, repeats) in self.first.values() {
            if let (Some(first), 1..) = (sorted.get_mut(index), repeats) {
                let places = if repeats == 1 { "place" } else { "places" };
                first.notes.push(format!("the same in {repeats} more {places}"));
            }
        }
        sorted.sort_by_key(|found| match found.primary.span {
            Span::Text { file, start, end } => (Some(file), start, end),
            Span::Tokens(_) => (None, 0, 0),
        });
        let dropped = self.dropped_errors + self.dropped_warnings;
        if let (Some(last), 1..) = (sorted.last(), dropped) {
            let message = format!("{dropped} more like these are not shown");
            let code = codes::TOO_MANY_ERRORS;
            let span = last.primary.span;
            sorted.push(match self.dropped_errors {
                0 => Diagnostic::warning(code, message, span),
                _ => Diagnostic::error(code, message, span),
            });
        }
        sorted
    }

    /// All errors as one for the compiler, or `None` if there are only warnings.
    pub fn into_syn_error(self) -> Option<syn::Error> {
        let errors = self.sorted().into_iter().filter(|found| found.severity == Severity::Error);
        errors.map(|found| to_syn_error(&found)).reduce(|mut all, next| {
            all.combine(next);
            all
        })
    }
}

/// The compiler shows one message and one place, so the rest is told in further lines.
fn to_syn_error(diagnostic: &Diagnostic) -> syn::Error {
    let mut message = diagnostic.message.clone();
    let mut line = |kind: &str, text: &str| {
        if !text.is_empty() {
            message.push('\n');
            message.push_str(kind);
            message.push_str(text);
        }
    };
    line("", &diagnostic.primary.text);
    diagnostic.notes.iter().for_each(|note| line("note: ", note));
    diagnostic.help.iter().for_each(|help| line("help: ", help));
    for suggestion in &diagnostic.suggestions {
        let replacement = &suggestion.replacement;
        line("help: ", &format!("{}: `{replacement}`", suggestion.message));
    }
    let mut error = syn::Error::new(diagnostic.primary.span.tokens(), message);
    for label in &diagnostic.secondary {
        error.combine(syn::Error::new(label.span.tokens(), &label.text));
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;

    #[test]
    fn errors_come_in_the_order_of_the_text() {
        let file = Sources::new().add("x.idl", "abc").unwrap();
        let mut found = Diagnostics::new();
        for at in [2, 0, 1] {
            let span = Span::text(file, at..at + 1);
            found.push(Diagnostic::error(codes::UNEXPECTED, format!("at {at}"), span));
        }
        let messages: Vec<_> = found.sorted().into_iter().map(|d| d.message).collect();
        assert_eq!(messages, ["at 0", "at 1", "at 2"]);
    }

    #[test]
    fn a_repeated_mistake_is_shown_once_and_counted() {
        let mut found = Diagnostics::new();
        for _ in 0..3 {
            found.push(Diagnostic::error(codes::UNKNOWN_TYPE, "x", Span::call_site()).once());
        }
        assert_eq!(found.sorted().len(), 1);
        assert_eq!(found.sorted()[0].notes, ["the same in 2 more places"]);
    }

    #[test]
    fn a_flood_is_cut_and_stays_as_bad_as_it_was() {
        let mut found = Diagnostics::new();
        for at in 0..Diagnostics::MAX_KEPT + 7 {
            found.push(Diagnostic::warning(codes::UNEXPECTED, at.to_string(), Span::call_site()));
        }
        let shown = found.sorted();
        assert_eq!(shown.len(), Diagnostics::MAX_KEPT + 1);
        assert_eq!(shown.last().unwrap().message, "7 more like these are not shown");
        assert!(!found.has_errors());
        found.push(Diagnostic::error(codes::UNEXPECTED, "x", Span::call_site()));
        assert!(found.has_errors());
    }

    #[test]
    fn the_compiler_gets_all_errors() {
        let mut found = Diagnostics::new();
        for message in ["one", "two"] {
            found.push(Diagnostic::error(codes::UNEXPECTED, message, Span::call_site()));
        }
        let error = found.into_syn_error().unwrap();
        assert_eq!(error.into_iter().count(), 2);
    }
}
