//! Refuses targets that there is no backend for, with one message and before the compiler would
//! find a hundred things missing.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = |what: &str| std::env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    if target("OS") != "linux" {
        println!(
            "cargo::error=alpc-transport runs on Linux 5.10 or later; there is no backend for `{}` yet",
            target("OS")
        );
    } else if target("POINTER_WIDTH") != "64" || target("ENDIAN") != "little" {
        println!(
            "cargo::error=alpc-transport needs a 64-bit little-endian target: addresses and memory \
             images travel as they are"
        );
    }
}
