//! The tour: every way that bulk data can take, through both ways of writing an interface, between
//! two processes, checked and timed.

pub mod interface;
pub mod measure;
pub mod placement;
pub mod raw;
pub mod report;
pub mod rows;
pub mod server;

/// The port of the server whose interface was compiled from `idl/tour.idl`.
pub const IDL_PORT: &str = "alpc.tour.idl";
/// The port of the server whose interface is the trait in [`interface`].
pub const TRAIT_PORT: &str = "alpc.tour.trait";

/// What the tour found wrong, or what kept it from looking.
pub type Failure = Box<dyn std::error::Error>;
