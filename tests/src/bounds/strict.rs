//! The interface with its bounds.

/// The interface.
#[allow(missing_docs, reason = "the file documents what a reader of the tests needs")]
pub mod api {
    alpc_rpc::include_interface!("bounds_strict");
}
#[path = "maker.rs"]
pub mod maker;
