use expect_test::expect;

use super::*;
use crate::compile::Compilation;
use crate::diagnostic::Colour;

const OLD: &str = r#"
module acme.kv;

error KvError {
    /// no `{key}`
    NotFound { key: string } = 1,
}

enum Mode : u8 { Fast, Safe, reserved 7, reserved Old }

struct Entry {
    key: string<..=64>,
    size: u32<1..=100>,
    mode: Mode = Mode.Safe,
    note: string?,
}

[uuid(6f1d0c1e-8a1b-4a57-9a5e-2f4c2a3b9d11), version(1.10)]
interface KeyValue {
    [idempotent]
    fn get(key: string<..=64>) -> Entry raises KvError;
    fn put(entry: Entry, [out] old: bytes<..=4096>) -> (total: u64, again: bool);
    [oneway]
    fn touch(keys: list<string>, ages: map<string, f64<-1.5..>>);
    reserved fn dump;
}
"#;

fn api(text: &str) -> (Module, Api, Compilation) {
    let mut run = Compilation::new();
    let module = run.module_from_text("kv.idl", text);
    let module = module.unwrap_or_else(|| panic!("{}", run.drawn(Colour::Never)));
    let api = Api::of(&module);
    (module, api, run)
}

#[test]
fn a_file_becomes_its_contract() {
    let (_, api, _) = api(OLD);
    expect![[r#"
        alpc-contract/1
        interface "acme.kv.KeyValue" 6f1d0c1e8a1b4a579a5e2f4c2a3b9d11 1.10 reserved {"dump"}
        method 5971f73a8ebcae56 "touch" oneway (in "keys": [string], in "ages": {string: f64<-1.5..>}) -> ()
        method 702aaffd60b1cf25 "get" twoway idempotent (in "key": string<..=64>) -> ("": "acme.kv.Entry") raises "acme.kv.KvError"
        method 71ab5e815b6f2162 "put" twoway (in "entry": "acme.kv.Entry", out "old": [u8]<..=4096>) -> ("total": u64, "again": bool)
        enum "acme.kv.Mode" open unsigned u8 {"Fast" = 0, "Safe" = 1} reserved {7, "Old"}
        struct "acme.kv.Entry" open {"key": string<..=64>, "size": u32<1..=100>, "mode": "acme.kv.Mode" = "Mode::Safe", "note"?: string?}
        union "acme.kv.KvError" open {"NotFound" = 1 {"key": string}}
    "#]].assert_eq(&api.interfaces[0].to_text(alpc_contract::Detail::Everything));
}

#[test]
fn a_frozen_version_comes_back_and_is_not_edited() {
    let (_, api, _) = api(OLD);
    let frozen = to_json(&api).pretty();
    let read = from_json(&frozen).unwrap();
    assert_eq!((read.hash(), &read.module, read.version), (api.hash(), &api.module, api.version));
    assert!(compare(&api, &read).is_empty());
    let edited = frozen.replace("..=100>", "..=200>");
    expect!["it was changed since it was frozen: its hash is another one"]
        .assert_eq(&from_json(&edited).unwrap_err().to_string());
    for text in ["", "{}", "[]", r#"{"format": 1}"#, r#"{"format": 2}"#] {
        assert!(from_json(text).is_err(), "{text}");
    }
}

#[test]
fn findings_are_drawn_where_they_are() {
    let new = OLD
        .replace("u32<1..=100>", "u32<1..=50>")
        .replace("    note: string?,\n", "    age: u32,\n    note: string?,\n")
        .replace("    fn put(entry: Entry,", "    fn put(record: Entry, force: bool,")
        .replace("    [oneway]\n    fn touch", "    fn touch")
        .replace("reserved 7, ", "");
    let (_, old, _) = api(OLD);
    let (module, new, mut run) = api(&new);
    let findings = compare(&old, &new);
    let json: Vec<String> =
        findings.iter().map(|finding| finding_to_json(finding).compact()).collect();
    expect![[r#"
        {"rule":"FIELD_CHANGED","path":"acme.kv.Entry.age","old_client_new_server":"break","new_client_old_server":"break","source":"break"}
        {"rule":"BOUND_NARROWED","path":"acme.kv.Entry.size","old_client_new_server":"break","new_client_old_server":"break","source":"ok"}
        {"rule":"PARAM_CHANGED","path":"acme.kv.KeyValue.put.force","old_client_new_server":"break","new_client_old_server":"break","source":"break"}
        {"rule":"SOURCE_RENAMED","path":"acme.kv.KeyValue.put.record","old_client_new_server":"ok","new_client_old_server":"ok","source":"ok"}
        {"rule":"SHAPE_CHANGED","path":"acme.kv.KeyValue.touch","old_client_new_server":"break","new_client_old_server":"break","source":"break"}"#]].assert_eq(&json.join("\n"));
    let drawn = findings
        .iter()
        .filter_map(|finding| finding_to_diagnostic(finding, Level::Wire, Some(&module)));
    run.tell(drawn);
    expect![[r#"
        error[BOUND_NARROWED]: `acme.kv.Entry.size`: had `<1..=100>` and has `<1..=50>`: a new reader refuses values that were allowed
          --> kv.idl:13:5
           |
        13 |     size: u32<1..=50>,
           |     ^^^^
           |
           = note: breaks old clients at a new server
           = note: breaks new clients at an old server

        error[FIELD_CHANGED]: `acme.kv.Entry.age`: was inserted: what is sent behind it would be misread
          --> kv.idl:15:5
           |
        15 |     age: u32,
           |     ^^^
           |
           = note: breaks old clients at a new server
           = note: breaks new clients at an old server
           = note: breaks programs that are compiled with the new version

        error[PARAM_CHANGED]: `acme.kv.KeyValue.put.force`: the parameter was inserted before others
          --> kv.idl:23:27
           |
        23 |     fn put(record: Entry, force: bool, [out] old: bytes<..=4096>) -> (total: u64, again: bool);
           |                           ^^^^^
           |
           = note: breaks old clients at a new server
           = note: breaks new clients at an old server
           = note: breaks programs that are compiled with the new version

        error[SHAPE_CHANGED]: `acme.kv.KeyValue.touch`: was `[oneway]` and is a call with an answer
          --> kv.idl:24:8
           |
        24 |     fn touch(keys: list<string>, ages: map<string, f64<-1.5..>>);
           |        ^^^^^
           |
           = note: breaks old clients at a new server
           = note: breaks new clients at an old server
           = note: breaks programs that are compiled with the new version

    "#]].assert_eq(&run.drawn(Colour::Never));
}
