//! The pages of `idlc explain` are true: what they call wrong is, and what they call right is.

#![cfg(feature = "grammar")]

use std::collections::BTreeMap;
use std::path::Path;

use idlc::compile::Compilation;
use idlc::diagnostic::{Colour, codes};
use idlc::explain::PAGES;
use idlc::fmt::format;
use idlc::lint::LINTS;

/// Under a heading, what stands between ```` ```idl ```` and ```` ``` ````.
fn example<'p>(page: &'p str, heading: &str) -> Option<&'p str> {
    let (_, behind) = page.split_once(heading)?;
    let (_, text) = behind.split_once("```idl\n")?;
    Some(text.split_once("```").unwrap().0)
}

fn codes_of(run: &Compilation) -> Vec<&'static str> {
    let mut codes: Vec<_> = run.lines().map(|(found, _)| found.code).collect();
    codes.dedup();
    codes
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let lints = LINTS.map(|lint| (lint.name, lint.about));
    let all: BTreeMap<_, _> = codes::ALL.iter().copied().chain(lints).collect();
    let codes: Vec<_> = all.keys().copied().collect();
    let pages: BTreeMap<_, _> = PAGES.iter().copied().collect();
    let listed: Vec<_> = pages.keys().copied().collect();
    assert_eq!(codes, listed, "write idlc/explain/<code>.md and list it in explain.rs");
    for ((code, about), page) in all.iter().zip(pages.values()) {
        assert_eq!(page.lines().next(), Some(format!("# {code}: {about}").as_str()));
    }
}

#[test]
fn wrong_examples_give_their_code_and_no_other() {
    let mut problems = String::new();
    for (code, page) in PAGES.iter().filter(|(code, _)| code.starts_with('E')) {
        let mut run = Compilation::new();
        match (*code, example(page, "## Wrong")) {
            (_, Some(text)) => {
                if let Some(module) = run.module_from_text("wrong.idl", text) {
                    run.can_be_rust(&module);
                }
            }
            // These are not mistakes in a text.
            (codes::UNREADABLE, None) => drop(run.module(Path::new("/nowhere/at.idl"))),
            (codes::NOT_UTF8 | codes::TOO_MANY_ERRORS, None) => continue,
            _ => panic!("{code} has no wrong example"),
        }
        if codes_of(&run) != [*code] {
            problems += &format!("{code}:\n{}", run.drawn(Colour::Never));
        }
    }
    assert!(problems.is_empty(), "{problems}");
}

#[test]
fn lints_tell_wrong_from_right() {
    for (name, page) in PAGES.iter().filter(|(code, _)| !code.starts_with('E')) {
        for (heading, expected) in [("## Wrong", &[*name][..]), ("## Right", &[])] {
            let place = format!("idlc-explain-{name}-{}.idl", std::process::id());
            let path = std::env::temp_dir().join(place);
            std::fs::write(&path, example(page, heading).unwrap()).unwrap();
            let mut run = Compilation::new();
            let asked = LINTS.into_iter().filter(|lint| lint.always || lint.name == *name);
            run.lint(&path, &asked.collect::<Vec<_>>());
            std::fs::remove_file(&path).unwrap();
            let mut codes = codes_of(&run);
            codes.dedup();
            assert_eq!(codes, expected, "{name}: {}", run.drawn(Colour::Never));
        }
    }
}

#[test]
fn right_examples_are_accepted_and_laid_out() {
    for (code, page) in PAGES {
        let text = example(page, "## Right").unwrap();
        let mut run = Compilation::new();
        let module = run.module_from_text("right.idl", text);
        assert!(run.diagnostics().is_empty(), "{code}:\n{}", run.drawn(Colour::Never));
        let module = module.unwrap();
        if run.can_be_rust(&module) {
            run.rust("right.idl", &module).unwrap();
        }
        assert_eq!(format(text).as_deref(), Ok(text), "{code}");
    }
}
