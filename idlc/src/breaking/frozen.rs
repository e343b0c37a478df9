//! Versions of a module that were promised: kept as JSON beside the source, in version control.
//!
//! What is kept is the canonical text of its contracts, a line for each method and type, so that a
//! change shows in a review as what it is. A hash stands beside it: a frozen version is not edited.

use std::fmt;

use alpc_contract::{Contract, Detail, ParseError, Types, Version};

use crate::contract::Api;
use crate::json::Value;

/// The form of the file.
const FORMAT: i64 = 1;

/// Why a file is no frozen version.
#[derive(Debug)]
pub struct NotFrozen(String);

impl fmt::Display for NotFrozen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotFrozen {}

impl From<ParseError> for NotFrozen {
    fn from(error: ParseError) -> NotFrozen {
        NotFrozen(error.to_string())
    }
}

/// A module's version, to be frozen.
pub fn to_json(api: &Api) -> Value {
    let lines = |text: &str| Value::array(text.lines().map(|line| Value::Text(line.to_owned())));
    let interface = |contract: &Contract| {
        Value::object([
            ("name", Value::Text(contract.interface.name.clone())),
            ("version", Value::Text(contract.interface.version.to_string())),
            ("fingerprint", Value::Text(hex(&contract.fingerprint()))),
            ("hash", Value::Text(hex(&contract.contract_hash()))),
            ("contract", lines(&contract.to_text(Detail::Everything))),
        ])
    };
    Value::object([
        ("format", Value::Int(FORMAT)),
        ("module", Value::Text(api.module.clone())),
        ("version", Value::Text(api.version.to_string())),
        ("hash", Value::Text(hex(&api.hash()))),
        ("interfaces", Value::array(api.interfaces.iter().map(interface))),
        ("types", lines(&api.types.to_text())),
    ])
}

/// Reads a frozen version.
///
/// # Errors
///
/// When it is none, or was changed since it was written.
pub fn from_json(text: &str) -> Result<Api, NotFrozen> {
    let wrong = |what: &str| NotFrozen(what.to_owned());
    let value = Value::parse(text)
        .map_err(|error| NotFrozen(format!("it is no JSON from byte {} on", error.at)))?;
    if value.get("format") != Some(&Value::Int(FORMAT)) {
        return Err(wrong("it is no frozen interface of this version's form"));
    }
    let string = |value: &Value, name: &str| {
        value
            .get(name)
            .and_then(Value::as_text)
            .map(str::to_owned)
            .ok_or_else(|| NotFrozen(format!("`{name}` is missing")))
    };
    let lines = |value: &Value, name: &str| -> Result<String, NotFrozen> {
        let missing = || NotFrozen(format!("`{name}` is no list of lines"));
        let lines = value.get(name).and_then(Value::as_array).ok_or_else(missing)?;
        let mut text = String::new();
        for line in lines {
            text += line.as_text().ok_or_else(missing)?;
            text.push('\n');
        }
        Ok(text)
    };
    let mut interfaces = Vec::new();
    let listed = value.get("interfaces").and_then(Value::as_array);
    for interface in listed.ok_or_else(|| wrong("`interfaces` is missing"))? {
        interfaces.push(Contract::parse(&lines(interface, "contract")?)?);
    }
    let api = Api {
        module: string(&value, "module")?,
        version: version(&string(&value, "version")?).ok_or_else(|| wrong("`version` is none"))?,
        interfaces,
        types: Types::parse(&lines(&value, "types")?)?,
    };
    match string(&value, "hash")? == hex(&api.hash()) {
        true => Ok(api),
        false => Err(wrong("it was changed since it was frozen: its hash is another one")),
    }
}

/// `1.10`, and nothing else.
pub(super) fn version(text: &str) -> Option<Version> {
    let (major, minor) = text.split_once('.')?;
    Some(Version { major: major.parse().ok()?, minor: minor.parse().ok()? })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
