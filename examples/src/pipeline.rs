//! A pipeline of three processes: streams from one to the next, and a blob that two of them look at.

pub mod camera;
pub mod filter;
pub mod meter;
pub mod run;

/// The interfaces, from their `.idl` file.
pub mod interface {
    alpc_rpc::include_interface!("pipeline");
}

/// Where the camera is, unless one says otherwise.
pub const CAMERA: &str = "acme.pipeline.camera";

/// Where the meter is, unless one says otherwise.
pub const METER: &str = "acme.pipeline.meter";
