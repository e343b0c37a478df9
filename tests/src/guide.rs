//! The interfaces of the guide to the language, so that the guide's Rust can be compiled, and run, as
//! documentation tests.

/// A key-value store.
pub mod first {
    alpc_rpc::include_interface!("guide_first");
}

/// Frames by every way.
pub mod frames {
    alpc_rpc::include_interface!("guide_frames");
}

/// Objects, callbacks and events.
pub mod copier {
    alpc_rpc::include_interface!("guide_copier");
}

/// Streams in both directions.
pub mod readings {
    alpc_rpc::include_interface!("guide_readings");
}

/// Answers that are given later, and calls that are given up.
pub mod press {
    alpc_rpc::include_interface!("guide_press");
}

/// Devices, and what inherits from them.
pub mod devices {
    alpc_rpc::include_interface!("guide_devices");
}

/// The page itself.
#[cfg(doctest)]
#[doc = include_str!("../../docs/language.md")]
struct Language;
