//! Every way in which an interface can change: what it does to peers that were built before and after.
//!
//! Each folder in `evolution/` holds an interface before and after one change. Both are compiled, and
//! talk to each other over a port, the old client to the new server and the new client to the old one.
//! What the comparison finds stands in the folder, too (`findings.txt`; `UPDATE_EXPECT=1` renews it),
//! so that the tool before a release and the peers at connect are held to one answer.

#![forbid(unsafe_code)]

#[macro_use]
mod meeting;
mod bases;
mod calls;
mod compared;
mod events;
mod handles;
mod objects;
mod refused;
mod streams;
mod types;

/// The interfaces: `built::<folder>::{old, new}`.
mod built {
    include!(concat!(env!("OUT_DIR"), "/evolution/rows.rs"));
}
