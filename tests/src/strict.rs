//! Everything that the compiler's goldens hold, compiled as the strictest of users would: no warning is
//! let through, every public item has documentation, and clippy looks at it like at the rest.

#![deny(missing_docs, warnings)]

macro_rules! goldens {
    ($($name:ident)*) => {
        $(
            #[doc = concat!("The Rust for `", stringify!($name), ".idl`.")]
            pub mod $name {
                include!(concat!(
                    env!("CARGO_MANIFEST_DIR"),
                    "/../idlc/tests/golden/",
                    stringify!($name),
                    ".rs"
                ));
            }
        )*

        /// The files that stand here.
        #[cfg(test)]
        const GOLDENS: &[&str] = &[$(stringify!($name)),*];
    };
}

goldens! {
    attributes
    buffers
    callback_results
    clashes
    collections
    constants
    enums
    errors
    events
    evolution
    flags
    handles
    inheritance
    later
    methods
    names
    nested_forms
    objects
    records
    scalars
    sensitive
    standard
    streams
    text_and_bytes
    tombstones
    unions
    via
    views
}

#[test]
fn no_golden_is_left_out() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../idlc/tests/golden");
    let files = std::fs::read_dir(folder).expect("the goldens");
    let files = files.map(|file| file.expect("a golden").path());
    let rust = files.filter(|path| path.extension().is_some_and(|found| found == "rs"));
    let mut names: Vec<String> =
        rust.filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect();
    names.sort();
    assert_eq!(names, GOLDENS, "add the new one to the list above");
}
