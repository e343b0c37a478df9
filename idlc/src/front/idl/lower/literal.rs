//! Numbers, sizes, durations, strings, uuids and versions, from their text.

use core::time::Duration;

use crate::diagnostic::{Diagnostic, codes};
use crate::ir::{Integer, Version};
use crate::source::Span;

/// What a number turned out to be.
#[derive(Debug, PartialEq)]
pub(super) enum Number {
    /// `64`, `0x40`, `64KiB`
    Int(Integer),
    /// `1.5`
    Float(f64),
    /// `30s`
    Duration(Duration),
}

/// Why something is not a literal, and what was perhaps meant.
#[derive(Debug, PartialEq)]
pub(super) struct Flaw {
    why: &'static str,
    instead: Option<String>,
}

impl Flaw {
    fn new(why: &'static str) -> Self {
        Self { why, instead: None }
    }

    fn instead(why: &'static str, instead: impl Into<String>) -> Self {
        Self { why, instead: Some(instead.into()) }
    }

    /// The error about the literal `text` at `span`.
    pub(super) fn tell(self, text: &str, span: Span) -> Diagnostic {
        let text: String = text.chars().take(60).collect();
        let told =
            Diagnostic::error(codes::BAD_LITERAL, format!("`{text}` is not a literal"), span)
                .label(self.why);
        match self.instead {
            Some(instead) => told.suggest(format!("write `{instead}`"), span, instead),
            None => told,
        }
    }
}

/// Reads what the grammar calls a `number_lit`.
pub(super) fn number(text: &str) -> Result<Number, Flaw> {
    if let Some(digits) = text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        return radix(digits, 16, "digits are missing behind `0x`");
    }
    if let Some(digits) = text.strip_prefix("0b").or(text.strip_prefix("0B")) {
        return radix(digits, 2, "digits are missing behind `0b`");
    }
    if text.contains('.') {
        return float(text);
    }
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    if digits.len() > 1 && digits.starts_with('0') {
        let bare = digits.trim_start_matches(['0', '_']);
        let bare = if bare.is_empty() { "0" } else { bare };
        return Err(Flaw::instead(
            "numbers do not begin with 0: it reads like octal",
            bare.to_owned() + unit,
        ));
    }
    let Number::Int(value) = radix(digits, 10, "digits are missing")? else {
        return Err(Flaw::new("not a number"));
    };
    with_unit(value.magnitude(), digits, unit)
}

/// Digits with `_` between them.
fn radix(digits: &str, radix: u32, missing: &'static str) -> Result<Number, Flaw> {
    if digits.is_empty() {
        return Err(Flaw::new(missing));
    }
    if digits.starts_with('_') || digits.ends_with('_') || digits.contains("__") {
        return Err(Flaw::new("`_` stands between digits only"));
    }
    let plain = digits.replace('_', "");
    if !plain.chars().all(|c| c.is_digit(radix)) {
        return Err(Flaw::new("not a digit of this base"));
    }
    let value = u128::from_str_radix(&plain, radix);
    value.map(|value| Number::Int(value.into())).map_err(|_| Flaw::new("more than 128 bits"))
}

fn with_unit(value: u128, digits: &str, unit: &str) -> Result<Number, Flaw> {
    let size = |shift: u32| {
        let bytes = value.checked_mul(1 << shift).ok_or(Flaw::new("more than 128 bits"))?;
        Ok(Number::Int(bytes.into()))
    };
    let time = |nanos: u128| {
        let nanos = value.checked_mul(nanos).and_then(|nanos| u64::try_from(nanos).ok());
        let nanos = nanos.ok_or(Flaw::new("longer than 584 years"))?;
        Ok(Number::Duration(Duration::from_nanos(nanos)))
    };
    let write = |why: &'static str, unit: &str| Err(Flaw::instead(why, format!("{digits}{unit}")));
    const SIZES: &str = "sizes end in `KiB`, `MiB` or `GiB`";
    const TIMES: &str = "durations end in `ns`, `us`, `ms`, `s` or `min`";
    match unit {
        "" => Ok(Number::Int(value.into())),
        "KiB" => size(10),
        "MiB" => size(20),
        "GiB" => size(30),
        "ns" => time(1),
        "us" => time(1_000),
        "ms" => time(1_000_000),
        "s" => time(1_000_000_000),
        "min" => time(60_000_000_000),
        "K" | "k" | "KB" | "kB" | "kb" | "Kb" | "kib" | "KIB" => write(SIZES, "KiB"),
        "M" | "MB" | "mB" | "mb" | "Mb" | "mib" | "MIB" => write(SIZES, "MiB"),
        "G" | "GB" | "gB" | "gb" | "Gb" | "gib" | "GIB" => write(SIZES, "GiB"),
        "sec" | "secs" | "seconds" => write(TIMES, "s"),
        "m" | "mins" | "minutes" => write(TIMES, "min"),
        "msec" | "millis" => write(TIMES, "ms"),
        "usec" | "micros" => write(TIMES, "us"),
        "h" | "hours" => Err(Flaw::new(TIMES)),
        "u8" | "u16" | "u32" | "u64" | "u128" | "i8" | "i16" | "i32" | "i64" | "i128" | "usize"
        | "isize" | "u" | "U" | "L" | "UL" | "ul" | "ULL" | "LL" => {
            write("numbers have no type of their own", "")
        }
        _ if unit.starts_with(['e', 'E']) => write("a fraction is missing", &format!(".0{unit}")),
        _ => Err(Flaw::new("neither a number nor a size nor a duration")),
    }
}

fn float(text: &str) -> Result<Number, Flaw> {
    let plain = text.replace('_', "");
    let is_number = plain.chars().all(|c| c.is_ascii_digit() || ".eE+-".contains(c));
    if is_number && plain.matches('.').count() == 1 {
        return match plain.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Number::Float(value)),
            Ok(_) => Err(Flaw::new("more than a 64-bit float holds")),
            Err(_) => Err(Flaw::new("digits are missing")),
        };
    }
    match plain.matches('.').count() {
        1 => Err(Flaw::new("sizes and durations are whole numbers; fractions have no unit")),
        _ => Err(Flaw::new("more than one `.`")),
    }
}

/// Reads `major.minor`.
pub(super) fn version(text: &str) -> Option<Version> {
    let part = |text: &str| {
        let digits = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        let leading = text.len() > 1 && text.starts_with('0');
        text.parse().ok().filter(|_| digits && !leading)
    };
    let (major, minor) = text.split_once('.')?;
    Some(Version { major: part(major)?, minor: part(minor)? })
}

/// Reads a uuid, or says what keeps it from being one.
pub(super) fn uuid(text: &str) -> Result<u128, String> {
    const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
    let groups: Vec<&str> = text.split('-').collect();
    if let Some(bad) = text.chars().find(|c| !c.is_ascii_hexdigit() && *c != '-') {
        return Err(format!("`{bad}` is not a hexadecimal digit"));
    }
    if groups.len() != GROUPS.len() {
        let count = groups.len();
        return Err(format!("{count} groups of digits where there should be 5"));
    }
    for (index, (group, wanted)) in groups.iter().zip(GROUPS).enumerate() {
        if group.len() != wanted {
            let (place, length) = (index + 1, group.len());
            return Err(format!(
                "group {place} has {length} digits where there should be {wanted}"
            ));
        }
    }
    u128::from_str_radix(&text.replace('-', ""), 16).map_err(|error| error.to_string())
}

/// Whether a quoted text is to be characters or bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Quoted {
    Text,
    Bytes,
}

/// Reads what stands between quotes. The flaw comes with its range in `text`.
pub(super) fn unescape(
    text: &str,
    kind: Quoted,
) -> Result<Vec<u8>, (core::ops::Range<usize>, &'static str)> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if c != '\\' {
            if kind == Quoted::Bytes && !c.is_ascii() {
                return Err((at..at + c.len_utf8(), "bytes are ASCII, or `\\x` and two digits"));
            }
            out.extend_from_slice(&rest.as_bytes()[..c.len_utf8()]);
            at += c.len_utf8();
            continue;
        }
        let escape = rest.chars().nth(1).unwrap_or('\\');
        let len = match escape {
            'x' => hex_escape(rest, kind, &mut out).map_err(|why| (at..at + 2, why))?,
            'u' => unicode_escape(rest, &mut out).map_err(|why| (at..at + 2, why))?,
            _ => {
                let end = at + 1 + escape.len_utf8();
                out.push(simple_escape(escape).ok_or((at..end.min(text.len()), UNKNOWN_ESCAPE))?);
                2
            }
        };
        at += len;
    }
    Ok(out)
}

const UNKNOWN_ESCAPE: &str =
    "not one of `\\\\`, `\\\"`, `\\n`, `\\r`, `\\t`, `\\0`, `\\x` and `\\u{..}`";

fn simple_escape(c: char) -> Option<u8> {
    Some(match c {
        '\\' => b'\\',
        '"' => b'"',
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        '0' => 0,
        _ => return None,
    })
}

fn hex_escape(rest: &str, kind: Quoted, out: &mut Vec<u8>) -> Result<usize, &'static str> {
    let digits = rest.get(2..4).filter(|digits| digits.chars().all(|c| c.is_ascii_hexdigit()));
    let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
    match byte.ok_or("`\\x` is followed by two hexadecimal digits")? {
        byte if kind == Quoted::Text && !byte.is_ascii() => {
            Err("above `\\x7F` only in bytes; a character is `\\u{..}`")
        }
        byte => {
            out.push(byte);
            Ok(4)
        }
    }
}

fn unicode_escape(rest: &str, out: &mut Vec<u8>) -> Result<usize, &'static str> {
    const SHAPE: &str = "`\\u` is followed by `{`, one to six hexadecimal digits and `}`";
    let (digits, _) =
        rest[2..].strip_prefix('{').and_then(|rest| rest.split_once('}')).ok_or(SHAPE)?;
    let right = (1..=6).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_hexdigit());
    let value = u32::from_str_radix(digits, 16).ok().filter(|_| right).ok_or(SHAPE)?;
    let c = char::from_u32(value).ok_or("not a character of Unicode")?;
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    Ok(digits.len() + 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(value: u64) -> Result<Number, Flaw> {
        Ok(Number::Int(value.into()))
    }

    #[test]
    fn numbers_have_one_reading() {
        assert_eq!(number("64"), int(64));
        assert_eq!(number("0x4ff"), int(0x4ff));
        assert_eq!(number("1_000"), int(1000));
        assert_eq!(number("64MiB"), int(64 << 20));
        assert_eq!(number("250ms"), Ok(Number::Duration(Duration::from_millis(250))));
        assert_eq!(number("1.5e3"), Ok(Number::Float(1500.0)));
    }

    #[test]
    fn what_reads_two_ways_is_refused() {
        for text in
            ["0777", "0x", "0b", "1__0", "1_", "0b2", "5u32", "64MB", "1e5", "1.0.2", "1.5s"]
        {
            assert!(number(text).is_err(), "{text}");
        }
    }

    #[test]
    fn versions_are_two_integers() {
        assert!(version("1.10") > version("1.9"));
        for text in ["1", "1.0.2", "1.0e2", "01.0", "1.", "1.65536", "+1.0"] {
            assert_eq!(version(text), None, "{text}");
        }
    }

    #[test]
    fn escapes_are_scalar_values() {
        assert_eq!(unescape(r"a\n\u{e4}\x41", Quoted::Text), Ok("a\nä\u{41}".into()));
        assert_eq!(unescape(r"\xFF", Quoted::Bytes), Ok(vec![0xFF]));
        for text in [r"\xFF", r"\u{D800}", r"\q", r"\u{}", r"\x4", r"\u{1234567}"] {
            assert!(unescape(text, Quoted::Text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_uuid_says_what_is_wrong_with_it() {
        assert_eq!(uuid("00000000-0000-0000-0000-00000000002a"), Ok(42));
        assert_eq!(
            uuid("abcdefab-abcd-abcd-abcd-abcdefabcde").unwrap_err(),
            "group 5 has 11 digits where there should be 12"
        );
    }
}
