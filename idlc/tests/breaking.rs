//! `idlc breaking` and `idlc freeze`, as scripts see them.

#![cfg(feature = "grammar")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

const OLD: &str = "module acme.kv;\n\n[uuid(6f1d0c1e-8a1b-4a57-9a5e-2f4c2a3b9d11), version(1.0)]\ninterface Kv {\n    fn get(key: string) -> u32;\n    fn put(key: string, value: u32);\n}\n";

/// A folder of its own for a test, gone when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("idlc-{test}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    fn file(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn run(&self, program: &str, args: &[&str]) -> Output {
        Command::new(program)
            .args(args)
            .current_dir(&self.0)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env_remove("GIT_DIR")
            .output()
            .unwrap()
    }

    fn git(&self, args: &[&str]) {
        let done = self.run("git", args);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// The status of a command, and what it wrote.
    fn idlc(&self, args: &[&str]) -> (i32, String, String) {
        let done = self.run(env!("CARGO_BIN_EXE_idlc"), args);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (done.status.code().unwrap(), text(&done.stdout), text(&done.stderr))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing depends on it; the system empties its temporary folder.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// The rule of each finding, and the names that its object has.
fn rules(out: &str) -> Vec<String> {
    let rule = |line: &str| {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        let mut keys: Vec<&String> = object.as_object().unwrap().keys().collect();
        keys.sort();
        let all = ["new_client_old_server", "old_client_new_server", "path", "rule", "source"];
        assert_eq!(keys, all);
        format!("{} {}", object["rule"].as_str().unwrap(), object["path"].as_str().unwrap())
    };
    out.lines().map(rule).collect()
}

#[test]
fn a_change_is_compared_with_a_file_a_folder_and_a_commit() {
    let folder = Folder::new("breaking");
    folder.file("old/kv.idl", OLD);
    folder.file("idl/kv.idl", OLD);
    folder.git(&["init", "-q", "-b", "main"]);
    folder.git(&["add", "."]);
    folder.git(&["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first"]);
    for against in ["old/kv.idl", "old", "main", "git:HEAD"] {
        let same = folder.idlc(&["breaking", "idl/kv.idl", "--against", against]);
        assert_eq!(same, (0, String::new(), String::new()), "{against}");
    }
    folder.file("idl/kv.idl", &OLD.replace("value: u32", "value: string"));
    for (path, against) in
        [("idl/kv.idl", "old/kv.idl"), ("idl", "old"), ("idl/kv.idl", "main"), ("idl", "git:main")]
    {
        let (status, out, _) = folder.idlc(&["breaking", path, "--against", against, "--json"]);
        assert_eq!(status, 1, "{against}");
        assert_eq!(rules(&out), ["PARAM_CHANGED acme.kv.Kv.put.value"], "{against}");
    }
    let (status, out, drawn) = folder.idlc(&["breaking", "idl/kv.idl", "--against", "main"]);
    assert_eq!((status, out.as_str()), (1, ""));
    assert!(drawn.starts_with("error[PARAM_CHANGED]: `acme.kv.Kv.put.value`"), "{drawn}");
    assert!(drawn.contains("idl/kv.idl:6:25"), "{drawn}");
    // Neither git's index nor the files were touched.
    let state = folder.run("git", &["status", "--porcelain"]);
    assert_eq!(String::from_utf8(state.stdout).unwrap(), " M idl/kv.idl\n");
}

#[test]
fn imports_are_found_in_the_folders_that_are_given() {
    let folder = Folder::new("breaking-include");
    let new =
        "module acme.kv; import \"types.idl\"; interface Kv { fn get() -> acme.types.Entry; }";
    let types = "module acme.types; struct Entry { a: u32 }";
    folder.file("idl/kv.idl", new);
    folder.file("shared/types.idl", types);
    folder.git(&["init", "-q", "-b", "main"]);
    folder.git(&["add", "."]);
    folder.git(&["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first"]);
    let breaking = |against, include| {
        folder.idlc(&["breaking", "idl/kv.idl", "--against", against, "-I", include, "--json"])
    };
    assert_eq!(folder.idlc(&["breaking", "idl/kv.idl", "--against", "main"]).0, 1);
    assert_eq!(breaking("main", "shared"), (0, String::new(), String::new()));

    // The old file has its import from the commit, too, where the folder was.
    folder.file("shared/types.idl", &types.replace("u32", "string"));
    let (status, out, told) = breaking("main", "shared");
    assert_eq!((status, told.as_str()), (1, ""));
    assert_eq!(rules(&out), ["FIELD_CHANGED acme.types.Entry.a"]);
    folder.git(&["mv", "shared", "common"]);
    folder.file("shared/types.idl", types);
    assert_eq!(breaking("main", "shared").0, 0);
    // A folder that is not the repository's is what it is.
    folder.file("old/kv.idl", new);
    assert_eq!(breaking("old", "shared").0, 0);
}

#[test]
fn the_level_says_who_counts() {
    let folder = Folder::new("breaking-level");
    folder.file("old.idl", OLD);
    folder.file("new.idl", &OLD.replace("fn put", "[wire_name(\"put\")] fn store"));
    for (level, status) in [("wire", 0), ("source", 1), ("all", 1)] {
        let args = ["breaking", "new.idl", "--against", "old.idl", "--level", level, "--json"];
        let (got, out, _) = folder.idlc(&args);
        assert_eq!(
            (got, rules(&out)),
            (status, vec!["SOURCE_RENAMED acme.kv.Kv.store".to_owned()])
        );
    }
    let args = ["breaking", "new.idl", "--against", "old.idl", "--level", "none"];
    assert_eq!(folder.idlc(&args).0, 2);
}

#[test]
fn what_is_gone_from_a_folder_is_told() {
    let folder = Folder::new("breaking-gone");
    folder.file("old/kv.idl", OLD);
    folder.file("old/more.idl", &OLD.replace("acme.kv", "acme.more"));
    folder.file("new/kv.idl", OLD);
    let (status, out, _) = folder.idlc(&["breaking", "new", "--against", "old", "--json"]);
    assert_eq!((status, rules(&out)), (1, vec!["INTERFACE_REMOVED acme.more.Kv".to_owned()]));
    folder.file("new/other.idl", &OLD.replace("acme.kv", "acme.other"));
    let (_, _, told) = folder.idlc(&["breaking", "new", "--against", "old"]);
    assert!(told.contains("`new/other.idl` is new: there is nothing to compare it with"), "{told}");
}

#[test]
fn a_frozen_version_stays_and_is_compared_with() {
    let folder = Folder::new("freeze");
    folder.file("kv.idl", OLD);
    assert_eq!(folder.idlc(&["freeze", "kv.idl"]).0, 0);
    let frozen = fs::read_to_string(folder.0.join("api/acme.kv/1.0.json")).unwrap();
    let value: serde_json::Value = serde_json::from_str(&frozen).unwrap();
    assert_eq!(value["module"], "acme.kv");
    assert_eq!(value["hash"].as_str().unwrap().len(), 64);
    // Again, and nothing happens.
    assert_eq!(folder.idlc(&["freeze", "kv.idl"]), (0, String::new(), String::new()));
    let newer =
        OLD.replace("1.0", "1.10").replace("fn put", "[added(1.10)] fn size() -> u64;\n    fn put");
    folder.file("kv.idl", &newer);
    let (status, out, _) = folder.idlc(&["breaking", "kv.idl", "--against", "api", "--json"]);
    assert_eq!((status, rules(&out)), (0, vec!["ADD_METHOD acme.kv.Kv.size".to_owned()]));
    assert_eq!(folder.idlc(&["freeze", "kv.idl"]).0, 0);
    // The last version counts: 1.10 is later than 1.9.
    folder.file("kv.idl", &OLD.replace("1.0", "1.9"));
    let (status, out, _) = folder.idlc(&["breaking", "kv.idl", "--against", "api/", "--json"]);
    assert_eq!((status, rules(&out)), (1, vec!["METHOD_REMOVED acme.kv.Kv.size".to_owned()]));
    folder.file("kv.idl", &newer.replace("u64", "u32"));
    let (status, _, told) = folder.idlc(&["freeze", "kv.idl"]);
    assert_eq!(status, 1);
    assert!(told.contains("says something else, and what is frozen stays"), "{told}");
}

#[test]
fn what_cannot_be_compared_is_told() {
    let folder = Folder::new("breaking-odd");
    folder.file("kv.idl", OLD);
    let told = |args: &[&str]| {
        let (status, _, told) = folder.idlc(args);
        (status, told)
    };
    assert_eq!(told(&["breaking", "kv.idl"]).0, 2);
    assert_eq!(told(&["breaking", "--against", "kv.idl"]).0, 2);
    let (status, why) = told(&["breaking", "kv.idl", "--against", "nowhere"]);
    assert!(status == 1 && why.contains("`nowhere` is no file, no folder and no git ref"), "{why}");
    folder.file("odd.json", "{}");
    let (status, why) = told(&["breaking", "kv.idl", "--against", "odd.json"]);
    assert!(status == 1 && why.contains("no frozen interface"), "{why}");
    folder.file("bad.idl", "module acme.kv;\ninterface {}\n");
    let (status, why) = told(&["breaking", "kv.idl", "--against", "bad.idl"]);
    assert!(status == 1 && why.contains("the older version cannot be read: bad.idl:2"), "{why}");
    assert_eq!(told(&["breaking", "bad.idl", "--against", "kv.idl"]).0, 1);
}
