//! JSON, as far as tools and back ends need it: values, written on one line or laid out, and read.
//!
//! Written by hand, since this much does not justify a dependency of everybody's build script.

use std::fmt::Write;

/// A JSON value. Objects keep the order in which their members were given, so that what is written
/// is the same each time.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number that every reader of JSON keeps exactly; larger ones are written as text.
    Int(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
    /// `[..]`
    Array(Vec<Value>),
    /// `{..}`
    Object(Vec<(String, Value)>),
}

impl Value {
    /// An object with these members.
    pub fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
        Value::Object(members.map(|(name, value)| (name.to_owned(), value)).into())
    }

    /// An array of whatever becomes a value.
    pub fn array(items: impl IntoIterator<Item = impl Into<Value>>) -> Value {
        Value::Array(items.into_iter().map(Into::into).collect())
    }

    /// A position or count. None that we have comes near the end of the range.
    pub fn count(count: usize) -> Value {
        Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// The member `name` of an object.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Object(members) => {
                members.iter().find(|(key, _)| key == name).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// The text, if it is text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The items, if it is an array.
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }

    /// On one line, without a blank.
    pub fn compact(&self) -> String {
        let mut out = String::new();
        write_value(self, None, &mut out);
        out
    }

    /// Laid out for people: a member on each line, two blanks for each level, a line end at the end.
    pub fn pretty(&self) -> String {
        let mut out = String::new();
        write_value(self, Some(0), &mut out);
        out.push('\n');
        out
    }

    /// Reads a text that holds one value and nothing else.
    ///
    /// # Errors
    ///
    /// The byte where it is not JSON, or is nested more than 128 deep.
    pub fn parse(text: &str) -> Result<Value, NotJson> {
        let mut reader = Reader { text, at: 0 };
        let value = reader.value(0)?;
        reader.blanks();
        if reader.at == text.len() { Ok(value) } else { Err(NotJson { at: reader.at }) }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Bool(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

/// A text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotJson {
    /// The byte that is not as it should be.
    pub at: usize,
}

/// `depth` is that of the line the value stands on, where it is laid out.
fn write_value(value: &Value, depth: Option<usize>, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        // Writing to a string does not fail.
        Value::Int(value) => drop(write!(out, "{value}")),
        Value::Float(value) if value.is_finite() => drop(write!(out, "{value:?}")),
        Value::Float(_) => out.push_str("null"),
        Value::Text(text) => write_text(text, out),
        Value::Array(items) => {
            write_all('[', items.iter(), ']', depth, out, |item, depth, out| {
                write_value(item, depth, out);
            });
        }
        Value::Object(members) => {
            write_all('{', members.iter(), '}', depth, out, |(name, value), depth, out| {
                write_text(name, out);
                out.push_str(if depth.is_some() { ": " } else { ":" });
                write_value(value, depth, out);
            });
        }
    }
}

fn write_all<T>(
    open: char,
    items: impl ExactSizeIterator<Item = T>,
    close: char,
    depth: Option<usize>,
    out: &mut String,
    write_one: impl Fn(T, Option<usize>, &mut String),
) {
    let inner = depth.map(|depth| depth + 1);
    let new_line = |depth: Option<usize>, out: &mut String| {
        if let Some(depth) = depth {
            out.push('\n');
            out.extend(std::iter::repeat_n("  ", depth));
        }
    };
    let is_empty = items.len() == 0;
    out.push(open);
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(',');
        }
        new_line(inner, out);
        write_one(item, inner, out);
    }
    if !is_empty {
        new_line(depth, out);
    }
    out.push(close);
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            // Control characters are all below U+00A0: four digits do.
            c if c.is_control() => drop(write!(out, "\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// How deeply values may be nested: a back end's answer needs three levels.
const MAX_DEPTH: usize = 128;

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl Reader<'_> {
    fn fail<T>(&self) -> Result<T, NotJson> {
        Err(NotJson { at: self.at })
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    /// Goes past `wanted`, if it comes next.
    fn takes(&mut self, wanted: &str) -> bool {
        let comes = self.rest().starts_with(wanted);
        if comes {
            self.at += wanted.len();
        }
        comes
    }

    fn value(&mut self, depth: usize) -> Result<Value, NotJson> {
        self.blanks();
        if depth > MAX_DEPTH {
            return self.fail();
        }
        for (word, value) in [("null", Value::Null), ("true", true.into()), ("false", false.into())]
        {
            if self.takes(word) {
                return Ok(value);
            }
        }
        match self.rest().chars().next() {
            Some('"') => self.text().map(Value::Text),
            Some('[') => self.array(depth),
            Some('{') => self.object(depth),
            _ => self.number(),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, NotJson> {
        self.at += 1;
        let mut items = Vec::new();
        self.blanks();
        if self.takes("]") {
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.blanks();
            if self.takes("]") {
                return Ok(Value::Array(items));
            }
            if !self.takes(",") {
                return self.fail();
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, NotJson> {
        self.at += 1;
        let mut members = Vec::new();
        self.blanks();
        if self.takes("}") {
            return Ok(Value::Object(members));
        }
        loop {
            self.blanks();
            let name = self.text()?;
            self.blanks();
            if !self.takes(":") {
                return self.fail();
            }
            members.push((name, self.value(depth + 1)?));
            self.blanks();
            if self.takes("}") {
                return Ok(Value::Object(members));
            }
            if !self.takes(",") {
                return self.fail();
            }
        }
    }

    fn number(&mut self) -> Result<Value, NotJson> {
        let rest = self.rest();
        let is_part = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
        let number = &rest[..rest.find(|c| !is_part(c)).unwrap_or(rest.len())];
        let digits = number.strip_prefix('-').unwrap_or(number);
        let padded =
            digits.starts_with('0') && digits[1..].starts_with(|c: char| c.is_ascii_digit());
        let bare = digits.starts_with(|c: char| c.is_ascii_digit())
            && digits.ends_with(|c: char| c.is_ascii_digit())
            && !digits.contains(".e")
            && !digits.contains(".E");
        let value = match number.parse::<i64>() {
            Ok(value) => Some(Value::Int(value)),
            Err(_) => number.parse::<f64>().ok().map(Value::Float),
        };
        let Some(value) = value.filter(|_| bare && !padded) else { return self.fail() };
        self.at += number.len();
        Ok(value)
    }

    fn text(&mut self) -> Result<String, NotJson> {
        if !self.takes("\"") {
            return self.fail();
        }
        let mut out = String::new();
        loop {
            let rest = self.rest();
            let plain = rest.find(|c: char| c == '"' || c == '\\' || c < ' ');
            let Some(plain) = plain else { return self.fail() };
            out.push_str(&rest[..plain]);
            self.at += plain;
            if self.takes("\"") {
                return Ok(out);
            }
            out.push(self.escape()?);
        }
    }

    fn escape(&mut self) -> Result<char, NotJson> {
        const SINGLE: [(&str, char); 8] = [
            ("\\\"", '"'),
            ("\\\\", '\\'),
            ("\\/", '/'),
            ("\\b", '\u{8}'),
            ("\\f", '\u{c}'),
            ("\\n", '\n'),
            ("\\r", '\r'),
            ("\\t", '\t'),
        ];
        for (escape, c) in SINGLE {
            if self.takes(escape) {
                return Ok(c);
            }
        }
        let start = self.at;
        let unit = self.unit()?;
        // Characters beyond 16 bits are written as two halves.
        let code = match unit {
            0xd800..0xdc00 => {
                let low = self.unit()?;
                if !(0xdc00..0xe000).contains(&low) {
                    return self.fail();
                }
                0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00)
            }
            _ => unit,
        };
        char::from_u32(code).ok_or(NotJson { at: start })
    }

    /// `\u` and four digits.
    fn unit(&mut self) -> Result<u32, NotJson> {
        let digits = self.rest().strip_prefix("\\u").and_then(|rest| rest.get(..4));
        let digits = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let Some(unit) = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) else {
            return self.fail();
        };
        self.at += 6;
        Ok(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_laid_out_is_what_people_expect() {
        let value = Value::object([
            ("none", Value::array([] as [&str; 0])),
            ("some", Value::array(["a", "b\u{7}"])),
            ("inner", Value::object([("count", Value::count(3)), ("ok", true.into())])),
        ]);
        expect_test::expect![[r#"
            {
              "none": [],
              "some": [
                "a",
                "b\u0007"
              ],
              "inner": {
                "count": 3,
                "ok": true
              }
            }
        "#]]
        .assert_eq(&value.pretty());
        assert_eq!(
            value.compact(),
            r#"{"none":[],"some":["a","b\u0007"],"inner":{"count":3,"ok":true}}"#
        );
    }

    #[test]
    fn what_is_no_json_is_refused_where_it_is_not() {
        for (text, at) in
            [("", 0), ("[1,]", 3), ("{\"a\" 1}", 5), ("\"a", 1), ("1 2", 2), ("01", 0), ("tru", 0)]
        {
            assert_eq!(Value::parse(text), Err(NotJson { at }), "{text}");
        }
        assert!(Value::parse(&"[".repeat(100_000)).is_err());
        assert_eq!(Value::parse(r#""\ud83d\ude00\u00e4""#), Ok("😀ä".into()));
        assert!(Value::parse(r#""\ud83d""#).is_err());
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            any::<String>().prop_map(Value::Text),
        ];
        leaf.prop_recursive(4, 30, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
                prop::collection::vec((any::<String>(), inner), 0..5).prop_map(Value::Object),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(value in values()) {
            prop_assert_eq!(Value::parse(&value.compact()), Ok(value.clone()));
            prop_assert_eq!(Value::parse(&value.pretty()), Ok(value.clone()));
            // Others read it as well.
            prop_assert!(serde_json::from_str::<serde_json::Value>(&value.compact()).is_ok());
        }

        #[test]
        fn arbitrary_text_is_survived(text in any::<String>()) {
            let ours = Value::parse(&text).is_ok();
            let theirs = serde_json::from_str::<serde_json::Value>(&text).is_ok();
            prop_assert_eq!(ours, theirs);
        }
    }
}
