//! What the guide shows is in the language, and what it calls a mistake is one.

#![cfg(feature = "grammar")]

use std::fmt::Write;
use std::fs;
use std::path::Path;

use alpc_contract::Rule;
use idlc::compile::Compilation;
use idlc::diagnostic::{Colour, codes};

fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    fs::read_to_string(path).unwrap()
}

/// A block of interface language in a page: what stands behind the three marks, and its text.
struct Block {
    line: usize,
    info: String,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(info), None) => {
                open = Some(Block { line: number + 1, info: info.into(), text: String::new() });
            }
            (Some(_), Some(block)) => blocks.push(block),
            (None, Some(mut block)) => {
                writeln!(block.text, "{line}").unwrap();
                open = Some(block);
            }
            (None, None) => {}
        }
    }
    blocks.retain(|block| block.info.split(',').next() == Some("idl"));
    blocks
}

/// A block without a module of its own is the rest of a file.
fn whole(text: &str) -> String {
    let has_module = text.lines().any(|line| line.starts_with("module "));
    if has_module { text.to_owned() } else { format!("module guide;\n{text}") }
}

#[test]
fn every_block_of_the_guide_is_what_the_guide_says() {
    let blocks = blocks(&page("language.md"));
    assert!(blocks.len() > 10);
    for block in blocks {
        let mut run = Compilation::new();
        let module = run.module_from_text("language.md", &whole(&block.text));
        let drawn = run.drawn(Colour::Never);
        let place = format!("block at line {}:\n{drawn}", block.line);
        match block.info.split_once("refused,") {
            Some((_, code)) => {
                assert!(module.is_none(), "not refused: {place}");
                assert!(drawn.contains(&format!("error[{code}]")), "another code: {place}");
            }
            None => {
                let module = module.unwrap_or_else(|| panic!("refused: {place}"));
                run.rust("language.md", &module).unwrap();
            }
        }
    }
}

/// What stands between the table of codes and that of rules.
const RULES: &str = "
## Rules of `idlc breaking`

What a change does to old clients at a new server, to new clients at an old server, and to programs that
are compiled again depends on which way the data goes; `idlc explain RULE` has an example, and what to
write instead.

| rule | |
|---|---|
";

/// `UPDATE_EXPECT=1` writes the tables anew.
#[test]
fn every_error_code_and_rule_is_in_the_reference() {
    let mut table = String::from("| code | |\n|---|---|\n");
    for (code, about) in codes::ALL {
        writeln!(table, "| {code} | {about} |").unwrap();
    }
    table += RULES;
    for rule in Rule::ALL {
        writeln!(table, "| {rule} | {} |", rule.about()).unwrap();
    }
    let page = page("reference.md");
    let (text, _) = page.split_once("| code | |\n").unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference.md");
    expect_test::expect_file![path].assert_eq(&format!("{text}{table}"));
}
