//! `idlc/tests/twins/inheritance.idl`, its server and its trips.

/// The interfaces.
#[allow(missing_docs, reason = "they are documented where a reader needs it")]
pub mod api {
    include!(concat!(env!("OUT_DIR"), "/inheritance.rs"));
}
#[path = "served.rs"]
pub mod served;
#[path = "trips.rs"]
pub mod trips;
