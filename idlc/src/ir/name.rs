//! Names and places.

use core::fmt;

use proc_macro2::Ident;

use crate::source::Span;

/// A value and its place. Equality is of the values.
#[derive(Clone, Copy, Debug)]
pub struct At<T> {
    /// What stands there.
    pub value: T,
    /// Where.
    pub span: Span,
}

impl<T> At<T> {
    /// `value`, found at `span`.
    pub fn new(value: T, span: Span) -> At<T> {
        At { value, span }
    }
}

impl<T: PartialEq> PartialEq for At<T> {
    fn eq(&self, other: &At<T>) -> bool {
        self.value == other.value
    }
}

/// What Rust does not take for a name, in any edition that syn knows: asking its parser for each name
/// of a large module takes longer than writing the module.
const KEYWORDS: [&str; 47] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "static",
    "struct", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual",
    "where", "while", "yield",
];

/// An identifier as written in the source, and its place.
#[derive(Clone, Debug)]
pub struct Name {
    /// Without `r#`.
    pub text: String,
    /// What it is called in Rust, where that is not the same: `[rust.name("kind_")]`. Steers the look
    /// of generated code, so equality ignores it.
    pub rust: Option<String>,
    /// Where it stands.
    pub span: Span,
}

impl Name {
    /// The name `text` at `span`.
    pub fn new(text: impl Into<String>, span: Span) -> Name {
        Name { text: text.into(), rust: None, span }
    }

    /// What it is called in Rust, before keywords are dealt with.
    pub fn rust_text(&self) -> &str {
        self.rust.as_deref().unwrap_or(&self.text)
    }

    /// The Rust identifier for it.
    ///
    /// Keywords become raw (`r#type`). Four words cannot, and get a `_` behind; so does `_` itself.
    pub fn ident(&self) -> Ident {
        let span = self.span.tokens();
        match self.rust_text() {
            "self" | "super" | "crate" | "Self" | "_" => {
                Ident::new(&format!("{}_", self.rust_text()), span)
            }
            text if KEYWORDS.contains(&text) => Ident::new_raw(text, span),
            text => Ident::new(text, span),
        }
    }

    /// The identifier with something before or behind it; never a keyword, so never raw.
    pub fn ident_with(&self, before: &str, behind: &str) -> Ident {
        Ident::new(&format!("{before}{}{behind}", self.rust_text()), self.span.tokens())
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        self.text == other.text
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A dotted name: `Key`, `KeyValue.LIMIT`, `acme.kv`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Path {
    /// From left to right.
    pub segments: Vec<Name>,
}

impl Path {
    /// From the first segment to the last; nowhere for an empty path.
    pub fn span(&self) -> Span {
        match (self.segments.first(), self.segments.last()) {
            (Some(first), Some(last)) => first.span.to(last.span),
            _ => Span::call_site(),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.segments.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            f.write_str(&segment.text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_those_of_syn() {
        for word in KEYWORDS {
            assert!(syn::parse_str::<Ident>(word).is_err(), "{word} is a name");
        }
        for word in ["auto", "default", "gen", "key", "macro_rules", "raw", "safe", "union", "__x"]
        {
            assert!(syn::parse_str::<Ident>(word).is_ok(), "{word} is a keyword");
            assert_eq!(Name::new(word, Span::call_site()).ident(), word);
        }
    }
}
