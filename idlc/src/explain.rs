//! What each code means, at length, with an example that is wrong and one that is right.
//!
//! The pages are files in `explain/`, one for each code, each lint and each rule of `idlc breaking`, so
//! that they can be read and linked to. Tests hold that none lacks its page, that each wrong example
//! gives its code and no other, that each right one is accepted, and that a change from the text
//! before to the one after is called by the page's rule.

macro_rules! pages {
    ($(#[$doc:meta])* $name:ident: $($code:literal)*) => {
        $(#[$doc])*
        pub const $name: &[(&str, &str)] =
            &[$(($code, include_str!(concat!("../explain/", $code, ".md")))),*];
    };
}

pages! {
    /// Every page about a text with its code or the name of its lint, in order.
    PAGES:
    "E0001" "E0002" "E0003" "E0004" "E0005" "E0006" "E0007" "E0008"
    "E0009" "E0010" "E0011" "E0012" "E0013" "E0014" "E0015" "E0016"
    "E0017" "E0018" "E0019" "E0020" "E0021"
    "E0101" "E0102" "E0103" "E0104" "E0105" "E0106" "E0107"
    "E0201" "E0202" "E0203" "E0204" "E0205" "E0206" "E0207" "E0208"
    "E0220" "E0221"
    "E0301" "E0302" "E0303" "E0304" "E0305" "E0306" "E0307" "E0308"
    "E0320" "E0321" "E0322" "E0323"
    "E0401" "E0402" "E0403" "E0404" "E0405" "E0406"
    "E0901"
    "could_be_final" "missing_uuid" "naming" "missing_docs" "field_without_default"
}

pages! {
    /// Every page about a change with the name of its rule, in the order of
    /// [`Rule::ALL`](alpc_contract::Rule::ALL).
    RULES:
    "ADD_METHOD" "METHOD_REMOVED" "METHOD_RENAMED" "METHOD_MOVED" "SOURCE_RENAMED" "SOURCE_CHANGED"
    "INTERFACE_RENAMED" "INTERFACE_REMOVED" "NEW_INTERFACE" "PARAM_ADDED" "PARAM_REQUIRED"
    "PARAM_CHANGED" "FIELD_NO_DEFAULT" "FIELD_CHANGED" "FIELD_REMOVED" "FINAL_CHANGED"
    "FINAL_TOGGLED" "TAG_CHANGED" "TAG_REMOVED" "BASE_CHANGED" "BOUND_WIDENED" "BOUND_NARROWED"
    "DEFAULT_CHANGED" "RAISES_CHANGED" "SHAPE_CHANGED" "SEMANTIC" "HANDLE_CHANGED"
}

/// The page for a code, a lint or a rule, in Markdown. They are found whatever their case.
pub fn explain(code: &str) -> Option<&'static str> {
    PAGES
        .iter()
        .chain(RULES)
        .find(|(known, _)| known.eq_ignore_ascii_case(code))
        .map(|(_, page)| *page)
}
