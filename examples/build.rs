//! Compiles the examples' interfaces.

fn main() {
    idlc::Builder::new()
        .file("idl/chat.idl")
        .file("idl/frames.idl")
        .file("idl/kv.idl")
        .file("idl/pipeline.idl")
        .file("idl/session.idl")
        .file("idl/tour.idl")
        .compile_or_exit();
}
