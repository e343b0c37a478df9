//! Descriptions written as annotated Rust, and read again: what an `.idl` file says, Rust can say.
//!
//! What it cannot is in [`why_not`], with the reason; docs/reference.md tells it to users.

mod limits;
mod types;
mod write;

use idlc::check::check;
use idlc::diagnostic::Diagnostics;
use idlc::front::rust::{lower_trait, lower_type};
use idlc::ir::{Item, Module};
use idlc::resolve::resolve;

pub(crate) use limits::why_not;

/// Whether the item says the same when it is written as Rust and read as the macros read it; what is
/// different if it does not.
pub(crate) fn same(item: &Item) -> Result<(), String> {
    let rust = write::item(item);
    let read = read(&rust).map_err(|why| format!("{why}\n{rust}"))?;
    let expected = limits::without_what_is_lost(item);
    match read == expected {
        true => Ok(()),
        false => Err(format!("{rust}\n{}", difference(&expected, &read))),
    }
}

fn read(rust: &str) -> Result<Item, String> {
    let mut found = Diagnostics::new();
    let item = match syn::parse_str(rust).map_err(|error| error.to_string())? {
        syn::Item::Trait(mut item) => {
            let at = item.attrs.iter().position(|attr| attr.path().is_ident("alpc_interface"));
            let attribute = item.attrs.remove(at.ok_or("no interface")?);
            let arguments = attribute.meta.require_list().map_err(|error| error.to_string())?;
            let lowered = lower_trait(arguments.tokens.clone(), item, &mut found);
            Item::Interface(lowered.interface)
        }
        other => match lower_type(&other, &mut found) {
            Some(lowered) => lowered.item,
            None => return Err(told(found)),
        },
    };
    let mut module = Module { items: vec![item], ..Module::default() };
    resolve(&mut module, &mut found);
    found.append(check(&module));
    match module.items.pop() {
        Some(item) if !found.has_errors() => Ok(item),
        _ => Err(told(found)),
    }
}

fn told(found: Diagnostics) -> String {
    found.sorted().into_iter().map(|found| found.message + "\n").collect()
}

fn difference(idl: &Item, rust: &Item) -> String {
    let lines = |item: &Item| -> Vec<String> {
        let text = format!("{item:#?}");
        text.lines().filter(|line| !line.trim().starts_with("span: ")).map(str::to_owned).collect()
    };
    let (idl, rust) = (lines(idl), lines(rust));
    let at = idl.iter().zip(&rust).position(|(idl, rust)| idl != rust).unwrap_or(0);
    let around = |lines: &[String]| {
        lines.iter().skip(at.saturating_sub(8)).take(14).cloned().collect::<Vec<_>>().join("\n")
    };
    format!("idl:\n{}\nrust:\n{}", around(&idl), around(&rust))
}
