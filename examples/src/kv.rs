//! The key-value store: its interface, and what the server keeps.

pub mod contents;
pub mod data_file;
pub mod store;

/// The interface, from its `.idl` file.
pub mod interface {
    alpc_rpc::include_interface!("kv");
}

/// Where the store is served, unless one says otherwise.
pub const PORT: &str = "acme.kv";
