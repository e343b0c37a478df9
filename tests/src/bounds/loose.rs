//! The interface without its bounds.

/// The interface.
#[allow(missing_docs, reason = "the file documents what a reader of the tests needs")]
pub mod api {
    alpc_rpc::include_interface!("bounds_loose");
}
#[path = "maker.rs"]
#[allow(clippy::duplicate_mod, reason = "it is the point: one source for both")]
pub mod maker;
