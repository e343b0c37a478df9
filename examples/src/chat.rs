//! A chat: many clients in rooms, who hear each other by events, and ask each other by callbacks that
//! go through the server.

pub mod crowd;
pub mod guest;
pub mod rooms;
pub mod story;

/// The interface, from its `.idl` file.
pub mod interface {
    alpc_rpc::include_interface!("chat");
}

/// Where the server is, unless one says otherwise.
pub const PORT: &str = "acme.chat";
