//! Handles and events: what messages refer to, and what is sent unasked.

use pest::iterators::Pair;

use super::attributes::Target;
use super::{Lowerer, Rule, parts, written};
use crate::diagnostic::{Diagnostic, codes};
use crate::front::handle;
use crate::ir::{At, Event, TypeKind};
use crate::source::Span;

impl Lowerer<'_> {
    /// The type `handle<kind, rights>` at `span`.
    pub(super) fn handle(
        &mut self,
        arguments: Option<Pair<'_, Rule>>,
        span: Span,
    ) -> Option<TypeKind> {
        let mut arguments: Vec<_> = arguments.into_iter().flat_map(parts).collect();
        if arguments.is_empty() {
            let told = Diagnostic::error(codes::BAD_HANDLE, "a handle of which kind?", span)
                .label("the kind is missing")
                .suggest("if any kind will do, say so", span, "handle<any>");
            self.found.push(told);
            return None;
        }
        let kind = self.word(&arguments.remove(0), "a kind of handle is a word, as in `file`")?;
        let mut rights = Vec::new();
        for (at, argument) in arguments.iter().enumerate() {
            if at > 0 {
                let message = "rights stand between `|`";
                let told = Diagnostic::error(codes::BAD_HANDLE, message, self.span(argument))
                    .label("one more behind a comma")
                    .help("write `handle<file, read | write>`");
                self.found.push(told);
            }
            match argument.clone().into_inner().next() {
                Some(words) if words.as_rule() == Rule::rights => {
                    let words = parts(words);
                    rights.extend(
                        words.map(|word| At::new(word.as_str().to_owned(), self.span(&word))),
                    );
                }
                _ => rights.extend(self.word(argument, "a right is a word, as in `read`")),
            }
        }
        let (kind, rights) = handle::handle(Some(&kind), &rights, self.found)?;
        Some(TypeKind::Handle(kind, rights))
    }

    /// An argument that is a single word.
    fn word(&mut self, argument: &Pair<'_, Rule>, otherwise: &str) -> Option<At<String>> {
        let span = self.span(argument);
        let text = written(argument);
        let is_word = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_word {
            self.error(codes::BAD_HANDLE, otherwise, span);
        }
        is_word.then(|| At::new(text.to_owned(), span))
    }

    /// `event name(parameters);`
    pub(super) fn event(&mut self, decor: Pair<'_, Rule>, pair: Pair<'_, Rule>) -> Option<Event> {
        let mut decor = self.decor(decor, Target::Event);
        let mut inner = parts(pair);
        let mut name = self.name(&inner.next()?);
        Some(Event {
            look: self.look(&mut decor, &mut name),
            name,
            wire_name: self.text(&mut decor, "wire_name"),
            must_understand: self.flag(&mut decor, "must_understand"),
            availability: self.availability(&mut decor),
            docs: decor.docs,
            params: inner.flat_map(parts).filter_map(|param| self.param(param)).collect(),
        })
    }
}
