//! The tour: every way that bulk data can take, through both ways of writing an interface, between
//! two processes, checked and timed.

pub mod interface;
pub mod measure;
pub mod placement;
pub mod raw;
pub mod report;
pub mod rows;
pub mod server;

/// The names of a tour's ports: each tour has its own, so that several can be made at a time.
#[derive(Debug, Clone)]
pub struct Ports {
    /// Of the server whose interface was compiled from `idl/tour.idl`.
    pub idl: String,
    /// Of the server whose interface is the trait in [`interface`].
    pub by_trait: String,
}

impl Ports {
    /// The ports of the tour that this process makes.
    pub fn of(process: u32) -> Ports {
        Ports {
            idl: format!("alpc.tour.{process}.idl"),
            by_trait: format!("alpc.tour.{process}.trait"),
        }
    }
}

/// What the tour found wrong, or what kept it from looking.
pub type Failure = Box<dyn std::error::Error>;
