//! What each code means, at length, with an example that is wrong and one that is right.
//!
//! The pages are files in `explain/`, one for each code and each lint, so that they can be read and linked to. A
//! test holds that no code lacks one, that each wrong example gives its code and no other, and that
//! each right one is accepted.

macro_rules! pages {
    ($($code:literal)*) => {
        /// Every page with its code or the name of its lint, in order.
        pub const PAGES: &[(&str, &str)] =
            &[$(($code, include_str!(concat!("../explain/", $code, ".md")))),*];
    };
}

pages! {
    "E0001" "E0002" "E0003" "E0004" "E0005" "E0006" "E0007" "E0008"
    "E0009" "E0010" "E0011" "E0012" "E0013" "E0014" "E0015" "E0016"
    "E0017" "E0018" "E0019" "E0020" "E0021"
    "E0101" "E0102" "E0103" "E0104" "E0105" "E0106" "E0107"
    "E0201" "E0202" "E0203" "E0204" "E0205" "E0206" "E0207" "E0208"
    "E0220" "E0221"
    "E0301" "E0302" "E0303" "E0304" "E0305" "E0306" "E0307" "E0308"
    "E0320" "E0321"
    "E0401" "E0402" "E0403" "E0404" "E0405" "E0406"
    "E0901"
    "could_be_final" "missing_uuid" "naming" "missing_docs" "field_without_default"
}

/// The page for a code, in Markdown. Codes are found whatever their case.
pub fn explain(code: &str) -> Option<&'static str> {
    PAGES.iter().find(|(known, _)| known.eq_ignore_ascii_case(code)).map(|(_, page)| *page)
}
