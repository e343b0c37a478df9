//! What a server knows of clients that were built from another version of an interface.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use alpc_contract::{Contract, Detail, Verdicts, judge};

use crate::agreement::{self, Agreement};
use crate::contract;
use crate::descriptor::InterfaceDesc;
use crate::error::Fault;

/// How many versions of clients are remembered. More are compared anew each time.
const MOST_VERSIONS: usize = 64;

/// An interface's own contract, and how it goes with those of clients that came before.
#[derive(Default)]
pub(super) struct Known {
    /// Made when the first client comes that has another one.
    own: OnceLock<Own>,
    /// By the hash of the client's contract: what a client says of itself is not to be trusted with
    /// the verdicts of others.
    verdicts: Mutex<HashMap<[u8; 32], Arc<Verdicts>>>,
}

struct Own {
    contract: Contract,
    text: String,
}

impl Known {
    fn own(&self, interface: &InterfaceDesc) -> &Own {
        self.own.get_or_init(|| {
            let contract = contract::of(interface);
            let text = contract.to_text(Detail::Everything);
            Own { contract, text }
        })
    }

    /// Takes the client's contract, and answers with the server's.
    pub(super) fn reach(
        &self,
        theirs: &[u8],
        interface: &InterfaceDesc,
        agreement: &Agreement,
    ) -> Result<Vec<u8>, Fault> {
        let theirs = agreement::read(theirs).map_err(|what| Fault::BadArguments { what })?;
        if let Agreement::Partial(verdicts) = agreement {
            // The first word counts.
            verdicts.get_or_init(|| self.judge(&theirs, interface));
        }
        Ok(self.own(interface).text.clone().into_bytes())
    }

    fn judge(&self, client: &Contract, interface: &InterfaceDesc) -> Arc<Verdicts> {
        let key = client.contract_hash();
        let known = || self.verdicts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(verdicts) = known().get(&key) {
            return verdicts.clone();
        }
        let verdicts = Arc::new(judge(client, &self.own(interface).contract));
        let mut known = known();
        if known.len() < MOST_VERSIONS {
            known.insert(key, verdicts.clone());
        }
        verdicts
    }
}
