//! Diagnostics for tools: one JSON object per line.
//!
//! Written by hand, since six keys do not justify a dependency of everybody's build script.

use std::fmt::Write;

use super::{Diagnostic, Severity};
use crate::source::{Sources, Span};

/// One diagnostic as a JSON object on one line, without a line end.
pub fn to_json(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let labels = diagnostic
        .secondary
        .iter()
        .map(|label| object(&[("text", string(&label.text)), ("span", span(label.span, sources))]));
    let suggestions = diagnostic.suggestions.iter().map(|change| {
        object(&[
            ("message", string(&change.message)),
            ("span", span(change.span, sources)),
            ("replacement", string(&change.replacement)),
        ])
    });
    object(&[
        ("code", string(diagnostic.code)),
        ("severity", string(severity)),
        ("message", string(&diagnostic.message)),
        ("label", string(&diagnostic.primary.text)),
        ("span", span(diagnostic.primary.span, sources)),
        ("secondary", array(labels)),
        ("notes", array(diagnostic.notes.iter().map(|note| string(note)))),
        ("help", array(diagnostic.help.iter().map(|help| string(help)))),
        ("suggestions", array(suggestions)),
    ])
}

fn span(span: Span, sources: &Sources) -> String {
    let Some((id, range)) = span.range() else { return "null".into() };
    let Some(file) = sources.get(id) else { return "null".into() };
    let at = file.position(range.start);
    object(&[
        ("file", string(file.path())),
        ("line", at.line.to_string()),
        ("column", at.column.to_string()),
        ("start", range.start.to_string()),
        ("end", range.end.to_string()),
    ])
}

fn object(members: &[(&str, String)]) -> String {
    let members = members.iter().map(|(name, value)| format!("{}:{value}", string(name)));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

fn array(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

fn string(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            // Writing to a string does not fail.
            c if c.is_control() => drop(write!(out, "\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::codes;

    #[test]
    fn text_is_escaped() {
        let mut sources = Sources::new();
        let file = sources.add("a\"b.idl", "x\ny").unwrap();
        let found = Diagnostic::error(codes::UNEXPECTED, "tab\there", Span::text(file, 2..3));
        expect_test::expect![[r#"{"code":"E0001","severity":"error","message":"tab\u0009here","label":"","span":{"file":"a\"b.idl","line":2,"column":1,"start":2,"end":3},"secondary":[],"notes":[],"help":[],"suggestions":[]}"#]]
        .assert_eq(&to_json(&found, &sources));
    }
}
