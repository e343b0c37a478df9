//! The session manager: a process with which others register, and which knows when they are gone.

pub mod member;
pub mod registry;
pub mod story;

/// The interface, from its `.idl` file.
pub mod interface {
    alpc_rpc::include_interface!("session");
}

/// Where the manager is, unless one says otherwise.
pub const PORT: &str = "acme.session";
