//! The command line, as scripts see it.

#![cfg(feature = "grammar")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn idlc(args: &[&str]) -> Output {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    idlc_in(&folder, args)
}

fn idlc_in(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_idlc")).args(args).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A folder of its own for a test, gone when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("idlc-{test}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    /// Runs the command here.
    fn idlc(&self, args: &[&str]) -> Output {
        idlc_in(&self.0, args)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing depends on it; the system empties its temporary folder.
        drop(fs::remove_dir_all(&self.0));
    }
}

#[test]
fn a_good_file_is_status_0_and_silence() {
    let done = idlc(&["check", "accepted/key_value.idl", "accepted/frames.idl"]);
    assert_eq!((done.status.code(), text(&done.stdout), text(&done.stderr)), (Some(0), "", ""));
}

#[test]
fn errors_are_status_1_and_drawn_without_colour_into_a_pipe() {
    let done = idlc(&["check", "refused/split_arrow.idl"]);
    assert_eq!(done.status.code(), Some(1));
    assert!(text(&done.stderr).starts_with("error[E0009]: `- >` is not an arrow"));
}

#[test]
fn json_is_one_object_for_each_mistake() {
    let files = ["refused/split_arrow.idl", "nowhere.idl"];
    let done = idlc(&["check", "--format", "json", files[0], files[1]]);
    assert_eq!((done.status.code(), text(&done.stderr)), (Some(1), ""));
    let lines: Vec<serde_json::Value> =
        text(&done.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    for line in &lines {
        for key in ["code", "severity", "message", "file", "line", "column", "notes", "help"] {
            assert!(line.get(key).is_some(), "{line} has no {key}");
        }
    }
    assert_eq!(lines.iter().filter(|line| line["file"] == files[0]).count(), 2);
}

#[test]
fn every_format_is_told_apart() {
    let of = |format: &str| {
        let done =
            idlc(&["check", &format!("--format={format}"), "refused/missing_comma_field.idl"]);
        assert_eq!(done.status.code(), Some(1));
        text(&done.stdout).to_owned()
    };
    assert_eq!(of("human"), "");
    assert!(of("short").starts_with("refused/missing_comma_field.idl:4:"), "{}", of("short"));
    assert!(of("github").starts_with("::error file=refused/missing_comma_field.idl,line=4,"));
    let sarif: serde_json::Value = serde_json::from_str(&of("sarif")).unwrap();
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "E0004");
}

#[test]
fn what_is_certain_is_mended_and_the_rest_is_told() {
    let folder = Folder::new("fix");
    let text_of = |end: &str| format!("module a;\nstruct S {{ u32 key, b: Vec<u8>, c: {end} }}\n");
    folder.file("a.idl", &text_of("strng"));
    folder.file("b.idl", &text_of("String"));
    let done = folder.idlc(&["check", "--fix", "--format", "short", "a.idl", "b.idl"]);
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(text(&done.stdout).lines().count(), 1, "{}", text(&done.stdout));
    let told = "idlc: 2 changes made in a.idl\nidlc: 3 changes made in b.idl\n";
    assert_eq!(text(&done.stderr), told);
    let mended = |end: &str| format!("module a;\nstruct S {{ key: u32, b: bytes, c: {end} }}\n");
    assert_eq!((folder.read("a.idl"), folder.read("b.idl")), (mended("strng"), mended("string")));
    // Nothing is left behind, and there is nothing more to do.
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 2);
    assert_eq!(folder.idlc(&["check", "--fix", "b.idl"]).status.code(), Some(0));
}

#[test]
fn files_are_laid_out_in_place_and_only_once() {
    let folder = Folder::new("fmt");
    folder.file("a.idl", "module a;const A:u8=1; // why");
    folder.file("bad.idl", "module a;const A:u8=;");
    let listed = folder.idlc(&["fmt", "--check", "a.idl"]);
    assert_eq!((listed.status.code(), text(&listed.stdout)), (Some(1), "a.idl\n"));
    let done = folder.idlc(&["fmt", "a.idl", "bad.idl"]);
    assert_eq!(done.status.code(), Some(1));
    assert!(text(&done.stderr).starts_with("error[E0001]"), "{}", text(&done.stderr));
    assert_eq!(folder.read("a.idl"), "module a;\nconst A: u8 = 1; // why\n");
    assert_eq!(folder.read("bad.idl"), "module a;const A:u8=;");
    assert_eq!(folder.idlc(&["fmt", "--check", "a.idl"]).status.code(), Some(0));
}

#[test]
fn rust_goes_where_it_is_told() {
    let folder = Folder::new("gen");
    let text_of = "module acme.a;\n/// Most.\nconst MAX: u32 = 16;\n";
    let absolute = folder.file("a.idl", text_of);
    let done = folder.idlc(&["gen", "a.idl", "-o", "a.rs"]);
    assert_eq!((done.status.code(), text(&done.stdout)), (Some(0), ""));
    let rust = folder.read("a.rs");
    assert_eq!(rust, text(&folder.idlc(&["gen", "a.idl"]).stdout));
    assert_eq!(rust, text(&folder.idlc(&["gen", absolute.to_str().unwrap()]).stdout));
    assert!(rust.contains("pub const MAX"));
    let check = || folder.idlc(&["gen", "a.idl", "-o", "a.rs", "--check"]).status.code();
    assert_eq!(check(), Some(0));
    folder.file("a.idl", &text_of.replace("16", "17"));
    assert_eq!(check(), Some(1));
    assert_eq!(folder.read("a.rs"), rust, "`--check` writes nothing");
}

#[test]
fn what_is_not_understood_is_status_2() {
    for args in [
        &[][..],
        &["chek", "x"],
        &["check"],
        &["check", "-x", "a"],
        &["check", "--format", "pretty", "a"],
        &["check", "--format"],
        &["check", "--fix=yes", "a"],
        &["gen", "a", "b"],
        &["gen", "a", "--check"],
        &["help", "chek"],
    ] {
        let done = idlc(args);
        assert_eq!((done.status.code(), text(&done.stdout)), (Some(2), ""), "{args:?}");
        assert!(text(&done.stderr).starts_with("idlc: "), "{args:?}");
    }
    assert!(text(&idlc(&["chek"]).stderr).contains("did you mean `check`?"));
}

#[test]
fn help_and_version_are_answers() {
    let overview = idlc(&["--help"]);
    assert_eq!(overview.status.code(), Some(0));
    let listed = text(&overview.stdout).split("Commands:\n").nth(1).unwrap();
    let commands = listed.lines().take_while(|line| !line.is_empty());
    let names: Vec<_> = commands.map(|line| line.split_whitespace().next().unwrap()).collect();
    assert!(names.contains(&"check"));
    for name in names {
        let help = idlc(&[name, "--help"]);
        assert_eq!(help.status.code(), Some(0));
        assert!(text(&help.stdout).contains(&format!("Usage: idlc {name} ")), "{name}");
        assert_eq!(help.stdout, idlc(&["help", name]).stdout);
    }
    assert_eq!(text(&idlc(&["--version"]).stdout), format!("idlc {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_version_is_gone_back_to() {
    let folder = Folder::new("at");
    folder.file("a.idl", "module a; [version(1.2)] interface I { fn f(); [added(1.2)] fn g(); }");
    let dump = |args: &[&str]| {
        let all = [&["dump", "--format", "idl", "a.idl"], args].concat();
        let done = folder.idlc(&all);
        (done.status.code(), text(&done.stdout).contains("fn g"), text(&done.stderr).to_owned())
    };
    assert_eq!(dump(&[]), (Some(0), true, String::new()));
    assert_eq!(dump(&["--at", "1.1"]), (Some(0), false, String::new()));
    let rust = folder.idlc(&["gen", "a.idl", "--at", "1.1"]);
    assert!(rust.status.success() && !text(&rust.stdout).contains("fn g"));
    assert!(folder.idlc(&["check", "a.idl", "--at=1.0"]).status.success());

    let (status, _, told) = dump(&["--at", "1"]);
    assert_eq!(status, Some(2));
    assert!(told.contains("`1` is not a version: write `--at 1.2`"), "{told}");
    let done = folder.idlc(&["check", "a.idl", "--at", "1.0", "--fix"]);
    assert!(text(&done.stderr).contains("leave out `--at`"));
    assert_eq!(dump(&["--at", "1.3"]).0, Some(1));
}
