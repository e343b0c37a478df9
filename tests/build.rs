//! Compiles the tests' interfaces.

fn main() {
    idlc::Builder::new()
        .file("idl/everything.idl")
        .file("idl/types.idl")
        .file("idl/trial.idl")
        .file("idl/trial_major.idl")
        .file("idl/trial_changed.idl")
        .file("idl/other.idl")
        .file("idl/bounds_strict.idl")
        .file("idl/bounds_loose.idl")
        .file("../idlc/tests/golden/attributes.idl")
        .file("../idlc/tests/golden/evolution.idl")
        .file("../idlc/tests/golden/sensitive.idl")
        .file("../idlc/tests/golden/tombstones.idl")
        .file("../idlc/tests/golden/events.idl")
        .file("../idlc/tests/golden/handles.idl")
        .file("../idlc/tests/golden/objects.idl")
        .compile_or_exit();
}
