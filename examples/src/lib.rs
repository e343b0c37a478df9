//! The parts of the examples: one module for each, and what several of them need.

#![forbid(unsafe_code)]

pub mod actor;
pub mod arguments;
pub mod chat;
pub mod frames;
pub mod kv;
pub mod output;
pub mod pipeline;
pub mod session;
pub mod signals;
pub mod tour;
pub mod workers;
