//! Structs, and the fields of structs and payloads.

use super::Checker;
use super::references::Place;
use crate::diagnostic::{Diagnostic, codes};
use crate::ir::{At, Field, Growth, Name, Struct, Version};
use crate::source::Span;

impl Checker<'_> {
    pub(super) fn record(&mut self, item: &Struct) {
        self.distinct("a field's name", item.fields.iter().map(|field| &field.name));
        self.variables("field", item.fields.iter().map(|field| &field.name));
        self.fields(&item.fields, item.growth);
    }

    pub(super) fn fields(&mut self, fields: &[Field], growth: Growth) {
        let place = if growth.is_closed() { Place::Final } else { Place::Inside };
        for field in fields {
            self.ty(&field.ty);
            self.references(&field.ty, place);
            if let Some(default) = &field.default {
                self.value(default, &field.ty);
                self.no_default(&field.ty, default);
                if growth.is_closed() {
                    let message = "a `[final]` type has no defaults: every field is always sent";
                    self.push(Diagnostic::error(codes::BAD_DEFAULT, message, default.span));
                }
            }
            if let (Some(added), true) = (&field.availability.added, growth.is_closed()) {
                let message = "nothing is added to a `[final]` type";
                self.push(Diagnostic::error(codes::MISPLACED_ATTRIBUTE, message, added.span));
            }
        }
        let entries: Vec<Entry<'_>> = fields
            .iter()
            .map(|field| Entry {
                name: &field.name,
                added: field.availability.added,
                may_be_missing: field.may_be_missing(),
            })
            .collect();
        self.append_only("field", &entries);
    }

    /// What came later stands later, and can be done without by those who send or know it not.
    pub(super) fn append_only(&mut self, what: &str, entries: &[Entry<'_>]) {
        let mut latest: Option<(Version, Span)> = None;
        for entry in entries {
            if let Some((version, span)) = latest
                && entry.added.is_none_or(|added| added.value < version)
            {
                let message = format!("{what} `{}` stands after a later one", entry.name);
                let error = Diagnostic::error(codes::MISPLACED_ATTRIBUTE, message, entry.name.span);
                let error = error.also(span, format!("added in {version}"));
                self.push(error.help("old peers read by position: append, and say `added`"));
            }
            if let Some(added) = entry.added {
                if latest.is_none_or(|(version, _)| version <= added.value) {
                    latest = Some((added.value, added.span));
                }
                if !entry.may_be_missing {
                    let message = format!("{what} `{}` needs a default", entry.name);
                    let error = Diagnostic::error(codes::MISSING_DEFAULT, message, entry.name.span);
                    let older = format!("peers older than {} do not send it", added.value);
                    self.push(error.note(older).help("give it one, or make its type optional"));
                }
            }
        }
    }
}

/// A field or parameter, as far as its place in time goes.
pub(super) struct Entry<'e> {
    pub(super) name: &'e Name,
    pub(super) added: Option<At<Version>>,
    pub(super) may_be_missing: bool,
}
