//! The texts of errors: documentation with values put in.

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'t> {
    /// As it stands.
    Text(&'t str),
    /// The value of the field of this name.
    Field(&'t str),
}

/// Why a text cannot be cut into pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// `{` without `}`.
    Unclosed,
    /// `}` without `{`.
    Unopened,
}

/// Cuts `"limit of {limit} bytes"` into its pieces. `{{` and `}}` are braces.
pub fn pieces(text: &str) -> Result<Vec<Piece<'_>>, Problem> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, brace) = rest.split_at(at);
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        if let Some(after) = brace.strip_prefix("{{").or(brace.strip_prefix("}}")) {
            pieces.push(Piece::Text(&brace[..1]));
            rest = after;
        } else if let Some(inside) = brace.strip_prefix('{') {
            let (name, after) = inside.split_once('}').ok_or(Problem::Unclosed)?;
            pieces.push(Piece::Field(name.trim()));
            rest = after;
        } else {
            return Err(Problem::Unopened);
        }
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

/// `NoSuchKey` as words: `no such key`.
pub fn words(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    let mut last_was_lower = false;
    for letter in name.chars() {
        if letter == '_' {
            words.push(' ');
            last_was_lower = false;
            continue;
        }
        if letter.is_uppercase() && last_was_lower {
            words.push(' ');
        }
        last_was_lower = letter.is_lowercase() || letter.is_ascii_digit();
        words.extend(letter.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_cut_out() {
        let expected = [Piece::Text("limit of "), Piece::Field("limit"), Piece::Text(" bytes")];
        assert_eq!(pieces("limit of {limit} bytes"), Ok(expected.to_vec()));
    }

    #[test]
    fn double_braces_are_braces() {
        let expected = [Piece::Text("{"), Piece::Text("a"), Piece::Text("}")];
        assert_eq!(pieces("{{a}}"), Ok(expected.to_vec()));
    }

    #[test]
    fn a_lone_brace_is_a_problem() {
        assert_eq!(pieces("a {b"), Err(Problem::Unclosed));
        assert_eq!(pieces("a }b"), Err(Problem::Unopened));
    }

    #[test]
    fn names_become_words() {
        assert_eq!(words("NoSuchKey"), "no such key");
        assert_eq!(words("IO"), "io");
        assert_eq!(words("Version2Needed"), "version2 needed");
    }
}
