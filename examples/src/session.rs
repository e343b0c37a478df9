//! The session manager: a process with which others register, that calls them back, passes on what
//! they share, and knows when they are gone.

mod launch;
pub mod member;
mod place;
pub mod registry;
pub mod story;

use crate::output::say;

/// The interface, from its `.idl` file.
pub mod interface {
    alpc_rpc::include_interface!("session");
}

/// Where the manager is, unless one says otherwise.
pub const PORT: &str = "acme.session";
