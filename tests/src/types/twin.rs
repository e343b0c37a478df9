//! The interface as a trait, its server and its trips.

#[path = "api.rs"]
pub mod api;
#[path = "echo.rs"]
#[allow(clippy::duplicate_mod, reason = "it is the point: one source for both ways of writing")]
pub mod echo;
#[path = "trips.rs"]
#[allow(clippy::duplicate_mod, reason = "it is the point: one source for both ways of writing")]
pub mod trips;
