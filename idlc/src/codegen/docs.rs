//! Documentation, carried over.

use proc_macro2::TokenStream;
use quote::quote;

/// One `#[doc]` for each line; `otherwise` is the text where there is none.
pub(super) fn attributes(docs: &[String], otherwise: impl FnOnce() -> String) -> TokenStream {
    if docs.iter().all(|line| line.trim().is_empty()) {
        return line(&otherwise());
    }
    as_text(docs).iter().map(|text| line(text)).collect()
}

/// As [`attributes`], with a paragraph in front.
pub(super) fn attributes_after(first: &str, docs: &[String]) -> TokenStream {
    let mut all = vec![first.to_owned()];
    if !docs.is_empty() {
        all.push(String::new());
        all.extend_from_slice(docs);
    }
    attributes(&all, String::new)
}

fn line(text: &str) -> TokenStream {
    // The blank makes it print as `/// text`.
    let text = if text.is_empty() { String::new() } else { format!(" {text}") };
    quote!(#[doc = #text])
}

/// Marks code blocks as text.
///
/// rustdoc takes a block without a language for Rust and runs it as a test. What stands in an
/// interface is not Rust, and its author cannot see the Rust it would become.
fn as_text(docs: &[String]) -> Vec<String> {
    let mut lines = Vec::with_capacity(docs.len());
    // The fence that closes the block we are in.
    let mut fence: Option<&str> = None;
    let mut indented = false;
    for doc in docs {
        let trimmed = doc.trim_start();
        let marker = ["```", "~~~"].into_iter().find(|marker| trimmed.starts_with(marker));
        let is_indented = doc.starts_with("    ") || doc.starts_with('\t');
        let after_blank = lines.last().is_none_or(|line: &String| line.trim().is_empty());
        if indented && !is_indented && !trimmed.is_empty() {
            lines.push("```".to_owned());
            indented = false;
        }
        match (fence, marker) {
            (None, Some(marker)) => {
                fence = Some(marker);
                let before = &doc[..doc.len() - trimmed.len()];
                lines.push(format!("{before}{marker}text"));
                continue;
            }
            (Some(open), Some(marker)) if open == marker => fence = None,
            (None, None) if is_indented && !indented && after_blank => {
                lines.push("```text".to_owned());
                indented = true;
            }
            _ => {}
        }
        lines.push(doc.clone());
    }
    if indented {
        lines.push("```".to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(docs: &[&str], expected: &[&str]) {
        let docs: Vec<String> = docs.iter().map(|&line| line.to_owned()).collect();
        assert_eq!(as_text(&docs), expected);
    }

    #[test]
    fn code_blocks_are_not_taken_for_rust() {
        check(&["```", "a b", "```"], &["```text", "a b", "```"]);
        check(&["~~~rust", "a b", "~~~"], &["~~~text", "a b", "~~~"]);
    }

    #[test]
    fn indented_code_is_not_taken_for_rust() {
        check(&["x", "", "    a b", "y"], &["x", "", "```text", "    a b", "```", "y"]);
        check(&["    a b"], &["```text", "    a b", "```"]);
    }

    #[test]
    fn a_continued_paragraph_is_no_code() {
        check(&["- x", "    y"], &["- x", "    y"]);
    }
}
