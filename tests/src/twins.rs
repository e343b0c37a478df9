//! Interfaces that the compiler's own tests hold equal in both ways of writing, as the Rust compiler
//! sees both, and a server of one that clients of the other call.

use alpc_rpc::prelude::*;

/// `idlc/tests/twins/removed.idl`
pub mod removed {
    include!(concat!(env!("OUT_DIR"), "/removed.rs"));
}

/// `idlc/tests/twins/removed.rs`
pub mod removed_in_rust {
    #![expect(missing_docs, reason = "its twin is documented")]
    use alpc_rpc::prelude::*;

    include!("../../idlc/tests/twins/removed.rs");
}

/// Answers with what it was given.
#[derive(Debug)]
pub struct Mirror {
    emitter: removed::PersonsEmitter,
}

/// The server of it, in the words of the `.idl` file.
pub fn persons() -> removed::PersonsServer<Mirror> {
    removed::PersonsServer::new(Mirror { emitter: removed::PersonsEmitter::new() })
}

impl removed::Persons for Mirror {
    fn put(&self, _: &Call<'_>, person: removed::Person) -> Result<(u32, u32), removed::Failure> {
        match person.name.as_str() {
            "nobody" => Err(removed::Failure::NotFound { name: person.name }),
            "bare" => Err(removed::Failure::Bare {}),
            _ => Ok((person.age, person.name.len() as u32)),
        }
    }

    fn none(&self, _: &Call<'_>) -> u32 {
        7
    }

    fn emitter(&self) -> &removed::PersonsEmitter {
        &self.emitter
    }
}
