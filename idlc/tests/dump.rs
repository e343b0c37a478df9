//! The description as JSON, and the back ends that read it.

#![cfg(feature = "grammar")]

use std::fs;
use std::path::{Path, PathBuf};

use idlc::compile::Compilation;
use idlc::dump::dump;
use serde_json::Value;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn idl_files(name: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder("tests").join(name)).unwrap();
    let entries = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|ext| ext == "idl")).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn dumped(path: &Path) -> Value {
    let mut run = Compilation::new();
    let module = run.module(path).unwrap();
    let text = dump(&module).pretty();
    assert_eq!(text, dump(&module).pretty());
    serde_json::from_str(&text).unwrap()
}

fn schema() -> Value {
    let text = fs::read_to_string(folder("../docs/ir.schema.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Why `value` is not what `schema` says; the words of JSON Schema that ours uses, and no other.
fn mismatch(value: &Value, schema: &Value, root: &Value) -> Option<String> {
    for (word, wanted) in schema.as_object().unwrap() {
        let problem = match word.as_str() {
            "$defs" | "title" | "description" | "properties" => None,
            "$ref" => {
                let path = wanted.as_str().unwrap().strip_prefix('#').unwrap();
                mismatch(value, root.pointer(path).unwrap(), root)
            }
            "const" => (value != wanted).then(|| format!("{value} is not {wanted}")),
            "enum" => (!wanted.as_array().unwrap().contains(value))
                .then(|| format!("{value} is not in {wanted}")),
            "type" => {
                let fits = match wanted.as_str().unwrap() {
                    "null" => value.is_null(),
                    "boolean" => value.is_boolean(),
                    "string" => value.is_string(),
                    "array" => value.is_array(),
                    "object" => value.is_object(),
                    other => panic!("no type {other}"),
                };
                (!fits).then(|| format!("{value} is not of type {wanted}"))
            }
            "$schema" | "pattern" => None,
            "items" => {
                let items = value.as_array().into_iter().flatten();
                items.filter_map(|item| mismatch(item, wanted, root)).next()
            }
            "required" => wanted
                .as_array()
                .unwrap()
                .iter()
                .find(|name| value.get(name.as_str().unwrap()).is_none())
                .map(|name| format!("{name} is missing")),
            "additionalProperties" => {
                let properties = schema["properties"].as_object().unwrap();
                value.as_object().into_iter().flatten().find_map(|(name, value)| {
                    match properties.get(name) {
                        Some(schema) => {
                            mismatch(value, schema, root).map(|why| format!("{name}: {why}"))
                        }
                        None => Some(format!("`{name}` is not in the schema")),
                    }
                })
            }
            "anyOf" | "oneOf" => {
                let all = wanted.as_array().unwrap();
                let problems: Vec<_> =
                    all.iter().filter_map(|schema| mismatch(value, schema, root)).collect();
                // The one that is meant got furthest: its kind is right.
                let telling = problems.iter().find(|problem| !problem.starts_with("kind: "));
                (problems.len() + 1 != all.len())
                    .then(|| telling.cloned().unwrap_or_else(|| format!("nothing like {value}")))
            }
            other => panic!("the schema says `{other}`, which this test does not know"),
        };
        if problem.is_some() {
            return problem;
        }
    }
    None
}

#[test]
fn every_file_is_dumped_as_the_schema_says() {
    let schema = schema();
    for path in ["accepted", "golden", "twins"].into_iter().flat_map(idl_files) {
        let problem = mismatch(&dumped(&path), &schema, &schema);
        assert_eq!(problem, None, "{}", path.display());
    }
}

#[test]
fn what_is_not_in_the_schema_is_noticed() {
    let schema = schema();
    let good = dumped(&folder("tests/accepted/key_value.idl"));
    assert_eq!(mismatch(&good, &schema, &schema), None);
    let interface = good["items"].as_array().unwrap().iter();
    let at = interface.clone().position(|item| item["kind"] == "interface").unwrap();
    for (path, wrong) in [
        ("/ir", Value::from(2)),
        (&format!("/items/{at}/methods/0/oneway"), Value::from("no")),
        (&format!("/items/{at}/methods/0/params/0/type/kind"), Value::from("text")),
        (&format!("/items/{at}/kind"), Value::from("service")),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(path).unwrap() = wrong;
        assert!(mismatch(&bad, &schema, &schema).is_some(), "{path}");
    }
}

#[test]
fn a_golden_shows_all_of_it() {
    let mut run = Compilation::new();
    let module = run.module(&folder("tests/accepted/key_value.idl")).unwrap();
    let text = dump(&module).pretty();
    expect_test::expect_file!["accepted/key_value.json"].assert_eq(&text);
}

mod back_ends {
    use std::os::unix::fs::PermissionsExt;
    use std::process::{Command, Output};

    use super::*;

    /// Runs `idlc gen --lang test` with a back end that is this script.
    fn generate(test: &str, script: &str, args: &[&str]) -> (Output, PathBuf) {
        let place = std::env::temp_dir().join(format!("idlc-{test}-{}", std::process::id()));
        fs::create_dir_all(&place).unwrap();
        let program = place.join("idlc-gen-test");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", place.display(), std::env::var("PATH").unwrap());
        let done = Command::new(env!("CARGO_BIN_EXE_idlc"))
            .args(["gen", "--lang", "test"])
            .arg(folder("tests/accepted/key_value.idl"))
            .args(["-o", place.join("out").to_str().unwrap()])
            .args(args)
            .env("PATH", path)
            .output()
            .unwrap();
        (done, place)
    }

    fn stderr(done: &Output) -> &str {
        std::str::from_utf8(&done.stderr).unwrap()
    }

    #[test]
    fn its_files_are_written_and_compared() {
        let script = r#"name=$(sed 's/.*"module":"\([a-z.]*\)".*/\1/')
            echo '{"files": [{"path": "include/kv.h", "text": "'$name'"}]}'"#;
        let (done, place) = generate("backend", script, &["--check"]);
        assert_eq!(done.status.code(), Some(1), "{}", stderr(&done));
        assert!(!place.join("out").exists());
        let (done, _) = generate("backend", script, &[]);
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
        assert_eq!(fs::read_to_string(place.join("out/include/kv.h")).unwrap(), "acme.kv");
        let (done, _) = generate("backend", script, &["--check"]);
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
        fs::remove_dir_all(place).unwrap();
    }

    #[test]
    fn what_goes_wrong_is_told() {
        for (script, told) in [
            (
                "echo '{\"files\": [{\"path\": \"../x\", \"text\": \"\"}]}'",
                "leaves the output folder",
            ),
            (
                "echo '{\"files\": [{\"path\": \"/x\", \"text\": \"\"}]}'",
                "leaves the output folder",
            ),
            ("echo '{\"files\": [{\"path\": \"x\"}]}'", "lacks `path` or `text`"),
            ("echo '{\"errors\": [\"no streams\"]}'", "idlc-gen-test: no streams"),
            ("echo '{}'", "has no `files`"),
            ("echo nonsense", "is not JSON"),
            ("exit 3", "exit status: 3"),
        ] {
            let (done, place) = generate("refused", script, &[]);
            assert_eq!(done.status.code(), Some(1), "{script}");
            assert!(stderr(&done).contains(told), "{script}: {}", stderr(&done));
            assert!(!place.join("out").exists(), "{script}");
            fs::remove_dir_all(place).unwrap();
        }
        let missing = Command::new(env!("CARGO_BIN_EXE_idlc"))
            .args(["gen", "--lang", "nonesuch"])
            .arg(folder("tests/accepted/key_value.idl"))
            .output()
            .unwrap();
        assert!(stderr(&missing).contains("idlc-gen-nonesuch: cannot be started"));
    }
}
