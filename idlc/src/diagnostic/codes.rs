//! The list of error codes: each has one line here, and nowhere else.
//!
//! A code is for good. Its text may get better; its meaning and number stay, because people search
//! for it.

macro_rules! codes {
    ($($name:ident = $id:literal, $about:literal;)*) => {
        $(#[doc = $about] pub const $name: &str = $id;)*

        /// Every code with what it is about, in order.
        pub const ALL: &[(&str, &str)] = &[$(($id, $about)),*];
    };
}

codes! {
    // E00..: the text itself.
    UNEXPECTED = "E0001", "something else was expected here";
    UNCLOSED = "E0002", "a bracket is never closed";
    UNOPENED = "E0003", "a bracket was never opened";
    MISSING_SEPARATOR = "E0004", "a `;` or `,` is missing";
    NESTED_TOO_DEEPLY = "E0005", "nested too deeply";
    UNTERMINATED = "E0006", "a comment or a string has no end";
    BAD_LITERAL = "E0007", "a number, string, duration, size or uuid is not well formed";
    C_ORDER = "E0008", "the type stands before the name";
    SPLIT_TOKEN = "E0009", "a blank splits a token";
    STRAY_CHARACTER = "E0010", "a character that the language does not use";
    DANGLING_DOC = "E0011", "documentation that documents nothing";
    MISSING_MODULE = "E0012", "a file begins with `module name;`";
    MISPLACED_MODULE = "E0013", "`module` stands once, first in the file";
    BAD_VERSION = "E0014", "a version is `major.minor`";
    BAD_UUID = "E0015", "a uuid has 32 hexadecimal digits, grouped 8-4-4-4-12";
    BAD_BOUND = "E0016", "a bound is `..=max`, `min..=max` or `min..`";
    FOREIGN = "E0017", "a word of another language";
    NOT_UTF8 = "E0018", "the file is not UTF-8 text";
    UNREADABLE = "E0019", "a file cannot be read or written";
    DOC_COMMENT_STYLE = "E0020", "documentation is written with `///`";
    TOO_MANY_ERRORS = "E0021", "more errors than are worth showing";

    // E01..: names.
    UNKNOWN_TYPE = "E0101", "no type has this name";
    DUPLICATE = "E0102", "a name is used twice";
    UNKNOWN_CONSTANT = "E0103", "no constant has this name";
    UNKNOWN_ATTRIBUTE = "E0104", "no attribute has this name";
    RESERVED_NAME = "E0105", "a name that generated code or the language needs";
    CYCLE = "E0106", "a definition refers to itself";
    WRONG_KIND = "E0107", "the name is something else";

    // E02..: types, bounds and values.
    BAD_TYPE_ARGUMENTS = "E0201", "a type has the wrong arguments";
    BAD_VALUE = "E0202", "a value does not fit its type";
    ARITHMETIC = "E0203", "a constant expression has no value";
    IMPOSSIBLE_BOUND = "E0204", "a bound that nothing, or no value of the type, can meet";
    BAD_DEFAULT = "E0205", "a default that its bound or type refuses";
    INFINITE_SIZE = "E0206", "a type that contains itself has no size";
    BAD_MAP_KEY = "E0207", "a type that cannot be a key of a map";
    MISSING_DEFAULT = "E0208", "what came later needs a default, for peers that do not send it";
    BAD_HANDLE = "E0220", "a kind or right of handles that there is not";
    MISPLACED_REFERENCE = "E0221", "a handle, an interface or a stream where none can stand";

    // E03..: attributes and directions.
    BAD_ATTRIBUTE_ARGUMENT = "E0301", "an attribute has wrong arguments";
    MISPLACED_ATTRIBUTE = "E0302", "an attribute that means nothing here";
    REPEATED_ATTRIBUTE = "E0303", "an attribute is given twice";
    BAD_OUT = "E0304", "`[out]` is for buffers that the caller owns";
    BAD_RAW = "E0305", "`[raw]` is for lists of plain numbers";
    BAD_VIEW = "E0306", "`[view]` is for `bytes`";
    BAD_ONEWAY = "E0307", "a one-way method has no answer";
    BAD_RAISES = "E0308", "`raises` names an `error` type";
    BAD_MOVE = "E0320", "`[move]` is for handles";
    BAD_EVENT = "E0321", "an event goes one way, from the server";
    BAD_BASE = "E0322", "an interface inherits from other interfaces";
    INHERITED = "E0323", "a method or an event that is inherited already";

    // E04..: identity and evolution.
    ORDINAL_CLASH = "E0401", "two methods have the same ordinal";
    TAG_CLASH = "E0402", "two members have the same value or tag";
    BAD_TAG = "E0403", "a value or tag does not fit";
    FINAL_TAG = "E0404", "values in a `[final]` type are positions";
    UNSTABLE = "E0405", "something stable depends on what may change";
    REMOVED = "E0406", "what is removed is not used, and leaves a place on the wire";

    // E09..: what the language will have.
    NOT_YET = "E0901", "not in this version yet";
}

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn codes_are_unique_and_sorted() {
        assert!(ALL.windows(2).all(|pair| matches!(pair, [(a, _), (b, _)] if a < b)));
    }
}
