//! A workshop with many workers, of whom only some may work at one time: how many changes while it is
//! open. Its customers set deadlines, and change their minds.

mod board;
mod crowd;
mod screen;
pub mod story;

use std::time::Duration;

use alpc_rpc::prelude::*;

pub use crowd::order;

/// Where the workshop is.
pub const PORT: &str = "acme.workshop";

/// Takes orders.
#[alpc_interface(name = "acme.workers.Workshop", version = "1.0")]
pub trait Workshop {
    /// Works on an order for so long, unless nobody wants it any more. `false`: nobody did.
    #[cancellable]
    fn work(&self, cx: &Call<'_>, order: u32, effort: Duration) -> bool;
}
