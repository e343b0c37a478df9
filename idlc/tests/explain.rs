//! The pages of `idlc explain` are true: what they call wrong is, and what they call right is.

#![cfg(feature = "grammar")]

use std::collections::BTreeMap;
use std::path::Path;

use alpc_contract::{Effect, Finding, Rule};
use idlc::breaking;
use idlc::compile::Compilation;
use idlc::contract::Api;
use idlc::diagnostic::{Colour, codes};
use idlc::explain::{PAGES, RULES};
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
            (_, Some(text)) => drop(run.module_from_text("wrong.idl", text)),
            // These are not mistakes in a text, or not in one of the language.
            (codes::UNREADABLE, None) => drop(run.module(Path::new("/nowhere/at.idl"))),
            (codes::NOT_UTF8 | codes::TOO_MANY_ERRORS | codes::NOT_YET, None) => continue,
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
        run.rust("right.idl", &module).unwrap();
        assert_eq!(format(text).as_deref(), Ok(text), "{code}");
    }
}

#[test]
fn every_rule_of_breaking_has_a_page() {
    let listed: Vec<_> = RULES.iter().map(|(name, _)| *name).collect();
    let all: Vec<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    assert_eq!(listed, all, "write idlc/explain/<RULE>.md and list it in explain.rs");
    for (rule, (_, page)) in Rule::ALL.iter().zip(RULES) {
        let title = format!("# {}: {}", rule.id(), rule.about());
        assert_eq!(page.lines().next(), Some(title.as_str()));
    }
}

/// What a page's example is as data.
fn api(rule: Rule, text: &str) -> Api {
    let mut run = Compilation::new();
    let module = run.module_from_text("example.idl", text);
    assert!(run.diagnostics().is_empty(), "{rule}:\n{}", run.drawn(Colour::Never));
    assert_eq!(format(text).as_deref(), Ok(text), "{rule}");
    Api::of(&module.unwrap())
}

/// What a change does to programs that run, and to those that are compiled again, at its worst.
fn worst(findings: &[Finding]) -> (Effect, Effect) {
    let wire = |finding: &Finding| finding.old_client_new_server.max(finding.new_client_old_server);
    let worst = |of: &dyn Fn(&Finding) -> Effect| findings.iter().map(of).max();
    let (wire, source) = (worst(&wire), worst(&|finding| finding.source));
    (wire.unwrap_or(Effect::Ok), source.unwrap_or(Effect::Ok))
}

#[test]
fn a_change_is_called_by_the_rule_of_its_page() {
    for (rule, (_, page)) in Rule::ALL.iter().zip(RULES) {
        let old = api(*rule, example(page, "## Before\n").unwrap());
        let new = api(*rule, example(page, "## After\n").unwrap());
        let findings = breaking::compare(&old, &new);
        let found: Vec<_> = findings.iter().map(|finding| finding.rule).collect();
        assert!(
            !found.is_empty() && found.iter().all(|found| found == rule),
            "{rule}: {findings:?}"
        );

        let Some(instead) = example(page, "## Instead\n") else { continue };
        let better = breaking::compare(&old, &api(*rule, instead));
        let ((wire, source), (wire_then, source_then)) = (worst(&findings), worst(&better));
        let harms_less = wire_then < wire || wire_then == wire && source_then < source;
        assert!(harms_less, "{rule}: the page's advice is no better: {better:?}");
    }
}
