//! Diagnostics for tools: one JSON object each, to be written on a line of its own.

use super::{Diagnostic, Severity};
use crate::json::Value;
use crate::source::{Sources, Span};

/// One diagnostic as a JSON object.
///
/// `file`, `line` and `column` (both from 1, columns in characters) are `null` where there is no
/// place, as for a file that cannot be read. `help` is everything that can be done about it, in
/// words; `suggestions` are the changes among it, in bytes of the file, and `safe` are those that
/// `idlc check --fix` makes.
pub fn to_json(diagnostic: &Diagnostic, sources: &Sources) -> Value {
    let labels = diagnostic.secondary.iter().map(|label| {
        let mut members = vec![("label".to_owned(), Value::from(label.text.as_str()))];
        members.extend(place(label.span, sources));
        Value::Object(members)
    });
    let suggestions = diagnostic.suggestions.iter().map(|change| {
        let mut members = vec![("message".to_owned(), Value::from(change.message.as_str()))];
        members.extend(place(change.span, sources));
        members.push(("replacement".to_owned(), change.replacement.as_str().into()));
        members.push(("safe".to_owned(), change.is_safe().into()));
        Value::Object(members)
    });
    let mut members = vec![
        ("code".to_owned(), diagnostic.code.into()),
        ("severity".to_owned(), word(diagnostic.severity).into()),
        ("message".to_owned(), diagnostic.message.as_str().into()),
    ];
    members.extend(place(diagnostic.primary.span, sources));
    members.extend([
        ("label".to_owned(), diagnostic.primary.text.as_str().into()),
        ("notes".to_owned(), Value::array(diagnostic.notes.iter().map(String::as_str))),
        ("help".to_owned(), Value::array(diagnostic.advice())),
        ("secondary".to_owned(), Value::Array(labels.collect())),
        ("suggestions".to_owned(), Value::Array(suggestions.collect())),
    ]);
    Value::Object(members)
}

/// What tools call a severity.
pub(super) fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn place(span: Span, sources: &Sources) -> Vec<(String, Value)> {
    let found = span.range().and_then(|(id, range)| Some((sources.get(id)?, range)));
    let values = match found {
        Some((file, range)) => {
            let (first, last) = (file.position(range.start), file.position(range.end));
            [
                file.path().into(),
                Value::count(first.line),
                Value::count(first.column),
                Value::count(last.line),
                Value::count(last.column),
                Value::count(range.start),
                Value::count(range.end),
            ]
        }
        None => [const { Value::Null }; 7],
    };
    let names = ["file", "line", "column", "end_line", "end_column", "start", "end"];
    names.map(str::to_owned).into_iter().zip(values).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::codes;

    #[test]
    fn all_of_it_is_told() {
        let mut sources = Sources::new();
        let file = sources.add("a\"b.idl", "x\ny").unwrap();
        let found = Diagnostic::error(codes::UNEXPECTED, "tab\there", Span::text(file, 2..3))
            .label("here")
            .also(Span::text(file, 0..1), "there")
            .help("think")
            .fix("write `z`", Span::text(file, 2..3), "z");
        expect_test::expect![[r#"{"code":"E0001","severity":"error","message":"tab\u0009here","file":"a\"b.idl","line":2,"column":1,"end_line":2,"end_column":2,"start":2,"end":3,"label":"here","notes":[],"help":["think","write `z`"],"secondary":[{"label":"there","file":"a\"b.idl","line":1,"column":1,"end_line":1,"end_column":2,"start":0,"end":1}],"suggestions":[{"message":"write `z`","file":"a\"b.idl","line":2,"column":1,"end_line":2,"end_column":2,"start":2,"end":3,"replacement":"z","safe":true}]}"#]]
        .assert_eq(&to_json(&found, &sources).compact());
    }
}
