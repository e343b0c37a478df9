//! `--at`: an interface as it was at an earlier version.

#![cfg(feature = "grammar")]

use expect_test::{Expect, expect};
use idlc::compile::Compilation;
use idlc::diagnostic::Colour;
use idlc::ir::Version;
use idlc::print::print;

const SOURCE: &str = r#"[version(1.4)]
module acme.kv;

[removed(1.3)] const OLD: u32 = 4;

struct Entry {
    key: string,
    [removed(1.2)] hint: string,
    [added(1.1), deprecated(1.3, "it is always zero")] weight: u32 = 0,
    [added(1.2)] until: Later?,
}

[added(1.2)]
struct Later { seconds: u64, [added(1.4)] millis: u32 = 0 }

enum Mode : u8 { Fast = 1, [added(1.2)] Slow = 2, [removed(1.3)] Odd = 3 }

flags Rights : u8 { READ = 1, [added(1.4)] WRITE = 2 }

error KvError {
    Busy = 1,
    [added(1.3)] Full { [added(1.4)] by: u64 = 0 } = 2,
}

interface Kv {
    [added(1.1)] const MOST: u32 = 8;
    fn get(key: string, [added(1.2)] mode: Mode = Mode.Fast)
        -> (entry: Entry, [added(1.3)] age: u64 = 0) raises KvError;
    [removed(1.2)] fn touch(key: string);
    [added(1.4)] fn later() -> Later;
    event evicted(key: string, [added(1.2)] mode: Mode?);
    [added(1.3)] event full();
}

[added(1.4), version(2.0)]
interface Second { fn f(); }
"#;

fn at(major: u16, minor: u16, text: &str, expected: Expect) {
    let mut run = Compilation::new();
    run.at(Version { major, minor });
    let module = run.module_from_text("kv.idl", text);
    expected.assert_eq(&module.map_or_else(|| run.drawn(Colour::Never), |module| print(&module)));
}

#[test]
fn what_came_later_is_left_out_and_what_has_gone_since_is_there() {
    at(
        1,
        0,
        SOURCE,
        expect![[r#"
        [version(1.0)]
        module acme.kv;

        const OLD: u32 = 4;

        struct Entry {
            key: string,
            hint: string,
        }

        enum Mode : u8 {
            Fast = 1,
            Odd = 3,
        }

        flags Rights : u8 {
            READ = 1,
        }

        error KvError {
            Busy = 1,
        }

        [version(1.0)]
        interface Kv {
            fn get(key: string) -> (entry: Entry) raises KvError;
            fn touch(key: string);
            event evicted(key: string);
        }
    "#]],
    );
    at(
        1,
        2,
        SOURCE,
        expect![[r#"
        [version(1.2)]
        module acme.kv;

        const OLD: u32 = 4;

        struct Entry {
            key: string,
            [removed(1.2)] hint: string = "",
            [added(1.1)] weight: u32 = 0,
            [added(1.2)] until: Later?,
        }

        [added(1.2)]
        struct Later {
            seconds: u64,
        }

        enum Mode : u8 {
            Fast = 1,
            [added(1.2)] Slow = 2,
            Odd = 3,
        }

        flags Rights : u8 {
            READ = 1,
        }

        error KvError {
            Busy = 1,
        }

        [version(1.2)]
        interface Kv {
            [added(1.1)]
            const MOST: u32 = 8;
            fn get(key: string, [added(1.2)] mode: Mode = Mode.Fast) -> (entry: Entry) raises KvError;
            [removed(1.2)]
            fn touch(key: string);
            event evicted(key: string, [added(1.2)] mode: Mode?);
        }
    "#]],
    );
}

#[test]
fn the_newest_version_is_the_file_itself() {
    let text = SOURCE.replace("version(2.0)", "version(1.4)");
    let mut now = Compilation::new();
    let now = now.module_from_text("kv.idl", &text).unwrap();
    let mut then = Compilation::new();
    then.at(Version { major: 1, minor: 4 });
    assert!(then.module_from_text("kv.idl", &text).unwrap() == now);
}

#[test]
fn what_makes_no_sense_is_refused() {
    at(
        1,
        5,
        &SOURCE.replace("version(2.0)", "version(1.4)"),
        expect![[r#"
        error[E0014]: nothing in `acme.kv` is of version 1.5; the newest is 1.4

    "#]],
    );
    at(
        1,
        4,
        SOURCE,
        expect![[r#"
        error[E0014]: `Second` is at 2.0, and what it was at 1.4 was another interface
          --> kv.idl:35:22
           |
        35 | [added(1.4), version(2.0)]
           |                      ^^^
           |
           = help: go back to 2.0 at most

    "#]],
    );
    let early =
        "module m; [added(1.1)] struct Later {} [version(1.1)] interface I { fn f(a: Later); }";
    at(
        1,
        0,
        early,
        expect![[r#"
        error[E0101]: no type is named `Later`
         --> kv.idl:1:77
          |
        1 | module m; [added(1.1)] struct Later {} [version(1.1)] interface I { fn f(a: Later); }
          |                                                                             ^^^^^
          |
          = note: `Later` came with 1.1, so at 1.0 nothing could speak of it

    "#]],
    );
}
