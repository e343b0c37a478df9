//! The interface as an `.idl` file, its server and its trips.

/// The interface.
#[allow(missing_docs, reason = "the file documents what a reader of the tests needs")]
pub mod api {
    alpc_rpc::include_interface!("types");
}
#[path = "echo.rs"]
pub mod echo;
#[path = "trips.rs"]
pub mod trips;
