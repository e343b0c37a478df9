//! Diagnostics for the hosts of source code: SARIF, and the workflow commands of GitHub.

use super::codes;
use super::json::word;
use super::{Diagnostic, Suggestion};
use crate::json::Value;
use crate::source::{SourceFile, Sources, Span};

/// All diagnostics as one SARIF 2.1.0 document, which code hosts and editors import.
pub fn to_sarif(diagnostics: &[Diagnostic], sources: &Sources) -> Value {
    // Only the rules that are met: a list of all codes would be most of every report.
    let met = |code: &&(&str, &str)| diagnostics.iter().any(|found| found.code == code.0);
    let rules = codes::ALL.iter().filter(met).map(|(code, about)| {
        Value::object([
            ("id", (*code).into()),
            ("shortDescription", Value::object([("text", (*about).into())])),
            ("help", Value::object([("text", format!("run `idlc explain {code}`").into())])),
        ])
    });
    let driver = Value::object([
        ("name", "idlc".into()),
        ("version", env!("CARGO_PKG_VERSION").into()),
        ("rules", Value::array(rules)),
    ]);
    let results = diagnostics.iter().map(|found| result(found, sources));
    let run = Value::object([
        ("tool", Value::object([("driver", driver)])),
        ("columnKind", "unicodeCodePoints".into()),
        ("results", Value::array(results)),
    ]);
    Value::object([
        ("$schema", "https://json.schemastore.org/sarif-2.1.0.json".into()),
        ("version", "2.1.0".into()),
        ("runs", Value::array([run])),
    ])
}

fn result(found: &Diagnostic, sources: &Sources) -> Value {
    let related = found.secondary.iter().filter_map(|label| {
        let mut place = location(label.span, sources)?;
        if let Value::Object(members) = &mut place {
            let message = Value::object([("text", label.text.as_str().into())]);
            members.push(("message".to_owned(), message));
        }
        Some(place)
    });
    let fixes = found.suggestions.iter().filter_map(|change| fix(change, sources));
    Value::object([
        ("ruleId", found.code.into()),
        ("level", word(found.severity).into()),
        ("message", Value::object([("text", whole_text(found).into())])),
        ("locations", Value::array(location(found.primary.span, sources))),
        ("relatedLocations", Value::array(related)),
        ("fixes", Value::array(fixes)),
    ])
}

fn file(span: Span, sources: &Sources) -> Option<(&SourceFile, std::ops::Range<usize>)> {
    let (id, range) = span.range()?;
    Some((sources.get(id)?, range))
}

fn artifact(file: &SourceFile) -> Value {
    Value::object([("uri", uri(file.path()).into())])
}

fn region(file: &SourceFile, range: std::ops::Range<usize>) -> Value {
    let (first, last) = (file.position(range.start), file.position(range.end));
    Value::object([
        ("startLine", Value::count(first.line)),
        ("startColumn", Value::count(first.column)),
        ("endLine", Value::count(last.line)),
        ("endColumn", Value::count(last.column)),
    ])
}

fn location(span: Span, sources: &Sources) -> Option<Value> {
    let (file, range) = file(span, sources)?;
    let place =
        Value::object([("artifactLocation", artifact(file)), ("region", region(file, range))]);
    Some(Value::object([("physicalLocation", place)]))
}

fn fix(change: &Suggestion, sources: &Sources) -> Option<Value> {
    let (file, range) = file(change.span, sources)?;
    let replacement = Value::object([
        ("deletedRegion", region(file, range)),
        ("insertedContent", Value::object([("text", change.replacement.as_str().into())])),
    ]);
    let changes = Value::object([
        ("artifactLocation", artifact(file)),
        ("replacements", Value::array([replacement])),
    ]);
    Some(Value::object([
        ("description", Value::object([("text", change.message.as_str().into())])),
        ("artifactChanges", Value::array([changes])),
    ]))
}

/// A path as a relative reference: with `/`, and with what means something in a URI escaped.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.replace('\\', "/").bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'~' => uri.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => uri.push(byte.into()),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

/// One diagnostic as a workflow command, by which GitHub marks the line in a change.
pub fn to_github(found: &Diagnostic, sources: &Sources) -> String {
    let place = file(found.primary.span, sources).map(|(file, range)| {
        let (first, last) = (file.position(range.start), file.position(range.end));
        let mut place = format!("file={},line={}", property(file.path()), first.line);
        // A range over several lines has no columns there.
        if first.line == last.line {
            place += &format!(",col={},endColumn={}", first.column, last.column);
        } else {
            place += &format!(",endLine={}", last.line);
        }
        place + ","
    });
    let (kind, place) = (word(found.severity), place.unwrap_or_default());
    format!("::{kind} {place}title={}::{}", found.code, message(&whole_text(found)))
}

/// Everything in words, a line each.
fn whole_text(found: &Diagnostic) -> String {
    let mut text = found.message.clone();
    for line in [&found.primary.text].into_iter().chain(&found.notes).chain(&found.advice()) {
        if !line.is_empty() {
            text = text + "\n" + line;
        }
    }
    text
}

fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found() -> (Diagnostic, Sources) {
        let mut sources = Sources::new();
        let file = sources.add("a b,c.idl", "x\ny z").unwrap();
        let found = Diagnostic::error(codes::UNEXPECTED, "100%", Span::text(file, 2..3))
            .also(Span::text(file, 0..1), "there")
            .note("so it is")
            .fix("write `z`", Span::text(file, 2..3), "z");
        (found, sources)
    }

    #[test]
    fn a_workflow_command_is_one_line() {
        let (found, sources) = found();
        assert_eq!(
            to_github(&found, &sources),
            "::error file=a b%2Cc.idl,line=2,col=1,endColumn=2,title=E0001\
             ::100%25%0Aso it is%0Awrite `z`"
        );
    }

    #[test]
    fn sarif_holds_rule_place_and_fix() {
        let (found, sources) = found();
        let sarif = to_sarif(&[found], &sources).compact();
        for part in [
            r#""rules":[{"id":"E0001","#,
            r#""artifactLocation":{"uri":"a%20b%2Cc.idl"},"region":{"startLine":2,"startColumn":1,"endLine":2,"endColumn":2}"#,
            r#""insertedContent":{"text":"z"}"#,
            r#""message":{"text":"there"}"#,
        ] {
            assert!(sarif.contains(part), "{sarif}");
        }
    }
}
