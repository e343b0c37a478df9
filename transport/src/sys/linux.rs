//! Linux 5.10 and later.

pub(crate) mod cpu;
pub(crate) mod handle;
pub(crate) mod identity;
pub(crate) mod lock;
pub(crate) mod memory;
pub(crate) mod poll;
pub(crate) mod poller;
pub(crate) mod readiness;
pub(crate) mod rendezvous;
pub(crate) mod socket;
pub(crate) mod timer;
pub(crate) mod vm;
