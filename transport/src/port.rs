//! Connection ports and communication ports.

pub(crate) mod attributes;
pub(crate) mod communication;
pub(crate) mod connection;
pub(crate) mod handshake;
pub(crate) mod reverse;
pub(crate) mod serving;
