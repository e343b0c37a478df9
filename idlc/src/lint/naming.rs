//! How names of each kind are written.

/// How names of one kind are written.
#[derive(Clone, Copy)]
pub(super) struct Style {
    /// What is named so.
    pub(super) what: &'static str,
    case: Case,
}

#[derive(Clone, Copy)]
enum Case {
    UpperCamel,
    Snake,
    ScreamingSnake,
}

pub(super) const TYPE: Style = Style { what: "types", case: Case::UpperCamel };
pub(super) const MEMBER: Style = Style { what: "members and variants", case: Case::UpperCamel };
pub(super) const METHOD: Style = Style { what: "methods and events", case: Case::Snake };
pub(super) const VALUE: Style = Style { what: "fields, parameters and results", case: Case::Snake };
pub(super) const CONSTANT: Style =
    Style { what: "constants and flags", case: Case::ScreamingSnake };

impl Style {
    /// How `name` should be written, if otherwise.
    pub(super) fn better(self, name: &str) -> Option<String> {
        let fits = match self.case {
            Case::UpperCamel => !name.starts_with(char::is_lowercase) && !name.contains('_'),
            Case::Snake => !name.contains(char::is_uppercase),
            Case::ScreamingSnake => !name.contains(char::is_lowercase),
        };
        if fits {
            return None;
        }
        let words = words(name);
        let better = match self.case {
            Case::UpperCamel => words.iter().map(|word| capital(word)).collect(),
            Case::Snake => words.join("_"),
            Case::ScreamingSnake => words.join("_").to_uppercase(),
        };
        // Names of nothing but underscores have no better way.
        (!better.is_empty() && better != name).then_some(better)
    }
}

/// `HTTPServer2_name` is `http`, `server2`, `name`.
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words: Vec<String> = Vec::new();
    let mut begins = true;
    for (index, &letter) in letters.iter().enumerate() {
        if letter == '_' {
            begins = true;
            continue;
        }
        let before = index.checked_sub(1).map(|at| letters[at]);
        let after_lower = before.is_some_and(|before| before.is_lowercase() || before.is_numeric());
        let before_lower = letters.get(index + 1).is_some_and(|next| next.is_lowercase());
        let after_upper = before.is_some_and(char::is_uppercase);
        let starts = letter.is_uppercase() && (after_lower || after_upper && before_lower);
        match words.last_mut() {
            Some(word) if !begins && !starts => word.extend(letter.to_lowercase()),
            _ => words.push(letter.to_lowercase().collect()),
        }
        begins = false;
    }
    words
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_rewritten_by_their_words() {
        assert_eq!(TYPE.better("key_value"), Some("KeyValue".into()));
        assert_eq!(TYPE.better("KeyValue"), None);
        assert_eq!(MEMBER.better("NOT_FOUND"), Some("NotFound".into()));
        assert_eq!(METHOD.better("getHTTPServer"), Some("get_http_server".into()));
        assert_eq!(VALUE.better("_"), None);
        assert_eq!(CONSTANT.better("maxKey2"), Some("MAX_KEY2".into()));
    }
}
