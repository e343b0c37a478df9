//! The frame service: large buffers that travel both ways, are shared, and are changed in place.

pub mod pixels;
mod ring;
pub mod source;
pub mod story;
pub mod viewer;

/// The interface, from its `.idl` file.
pub mod interface {
    alpc_rpc::include_interface!("frames");
}

/// Where the service is, unless one says otherwise.
pub const PORT: &str = "acme.frames";
