//! The examples, run as anybody would run them: as programs, by their output and exit codes.

#![forbid(unsafe_code)]

mod chat;
mod frames;
mod kv;
mod kv_calls;
mod pipeline;
mod program;
mod session;
mod workers;
