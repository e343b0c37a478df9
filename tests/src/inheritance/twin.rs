//! `idlc/tests/twins/inheritance.rs`, its server and its trips.

/// The interfaces.
#[allow(missing_docs, reason = "its twin is documented")]
pub mod api {
    use alpc_rpc::prelude::*;

    include!("../../../idlc/tests/twins/inheritance.rs");
}
#[path = "served.rs"]
#[allow(clippy::duplicate_mod, reason = "it is the point: one source for both ways of writing")]
pub mod served;
#[path = "trips.rs"]
#[allow(clippy::duplicate_mod, reason = "it is the point: one source for both ways of writing")]
pub mod trips;
