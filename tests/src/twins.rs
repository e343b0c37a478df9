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

/// `idlc/tests/twins/later.idl`
pub mod later {
    include!(concat!(env!("OUT_DIR"), "/later.rs"));
}

/// `idlc/tests/twins/later.rs`
pub mod later_in_rust {
    #![expect(missing_docs, reason = "its twin is documented")]
    use alpc_rpc::Responder;
    use alpc_rpc::prelude::*;

    include!("../../idlc/tests/twins/later.rs");
}

/// Answers each call in the way that its interface asks for.
#[derive(Debug)]
pub struct Paperless;

impl later::Press for Paperless {
    fn print(
        &self,
        _: &Call<'_>,
        pages: u32,
        text: &str,
        answer: alpc_rpc::Responder<u32, later::Jam>,
    ) {
        // A caller that is gone need not be told.
        let _gone = match text {
            "" => answer.err(later::Jam::Paper {}),
            _ => answer.ok(pages),
        };
    }

    fn scan(
        &self,
        _: &Call<'_>,
        mut page: alpc_rpc::OutBuf<'static>,
        mut marks: alpc_rpc::InOutBuf<'static>,
        answer: alpc_rpc::Responder<(
            u32,
            String,
            alpc_rpc::OutBuf<'static>,
            alpc_rpc::InOutBuf<'static>,
        )>,
    ) {
        page.put(marks.as_slice());
        let _gone = answer.ok((1, "page".to_owned(), page, marks));
    }

    fn flush(&self, _: &Call<'_>, answer: alpc_rpc::Responder<()>) {
        let _gone = answer.ok(());
    }

    async fn wait(
        &self,
        _: &Call<'_>,
        text: &str,
        page: &mut OutBuf<'_>,
    ) -> Result<u32, later::Jam> {
        Ok(page.put(text.as_bytes()) as u32)
    }

    async fn note(&self, _: &Call<'_>, _: u32) {}

    fn double(&self, _: &Call<'_>, number: u32) -> u32 {
        2 * number
    }
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
