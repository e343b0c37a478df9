//! The tests of `tasks` with an event loop that watches the port, and without shared memory.

#[path = "tasks.rs"]
mod tasks;
