//! What a client says about itself when it connects, and how a server judges it.
//!
//! The two ends compare fingerprints once, before the first call: an interface that differs cannot
//! be told from one that does not by looking at bytes that happen to decode. If they are equal, that
//! is all; if not, [`agreement`](crate::agreement) follows.

use alpc_transport::MAX_CONNECTION_DATA;

use crate::descriptor::InterfaceDesc;
use crate::error::ConnectError;

const MAGIC: &[u8; 8] = b"alpc-rpc";
/// Version of the encoding of calls. Both ends must have the same.
const ENCODING: u16 = 1;
const FIXED_LEN: usize = 8 + 2 + 16 + 2 + 2 + 16;
/// What precedes the description of the server's interface in a refusal.
const INCOMPATIBLE: &str = "incompatible interface: ";

/// Which interface a client wants, as it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hello {
    pub(crate) id: u128,
    pub(crate) major: u16,
    pub(crate) minor: u16,
    pub(crate) fingerprint: [u8; 16],
    /// For people only.
    pub(crate) name: String,
}

impl Hello {
    pub(crate) fn of(interface: &InterfaceDesc) -> Hello {
        Hello {
            id: interface.id,
            major: interface.major,
            minor: interface.minor,
            fingerprint: interface.fingerprint(),
            name: interface.name.to_owned(),
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(FIXED_LEN + self.name.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&ENCODING.to_le_bytes());
        bytes.extend_from_slice(&self.id.to_be_bytes());
        bytes.extend_from_slice(&self.major.to_le_bytes());
        bytes.extend_from_slice(&self.minor.to_le_bytes());
        bytes.extend_from_slice(&self.fingerprint);
        bytes.extend_from_slice(self.name.as_bytes());
        bytes.truncate(MAX_CONNECTION_DATA);
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Hello> {
        let (magic, rest) = bytes.split_first_chunk()?;
        let (encoding, rest) = rest.split_first_chunk()?;
        if magic != MAGIC || u16::from_le_bytes(*encoding) != ENCODING {
            return None;
        }
        let (id, rest) = rest.split_first_chunk()?;
        let (major, rest) = rest.split_first_chunk()?;
        let (minor, rest) = rest.split_first_chunk()?;
        let (fingerprint, name) = rest.split_first_chunk()?;
        Some(Hello {
            id: u128::from_be_bytes(*id),
            major: u16::from_le_bytes(*major),
            minor: u16::from_le_bytes(*minor),
            fingerprint: *fingerprint,
            name: String::from_utf8_lossy(name).into_owned(),
        })
    }

    /// Whether a server of `self` can serve a client of `theirs`; if not, what to refuse it with.
    pub(crate) fn judge(&self, theirs: &Hello) -> Result<(), String> {
        let same = self.id == theirs.id && self.major == theirs.major;
        if same { Ok(()) } else { Err(format!("{INCOMPATIBLE}{self}")) }
    }

    /// Whether the other side was built from the same interface, as far as calls go.
    pub(crate) fn is_equal(&self, theirs: &Hello) -> bool {
        self.id == theirs.id && self.fingerprint == theirs.fingerprint
    }

    /// What a server's refusal means to this client.
    pub(crate) fn refused(&self, reason: String) -> ConnectError {
        match reason.strip_prefix(INCOMPATIBLE) {
            Some(theirs) => {
                ConnectError::Incompatible { ours: self.to_string(), theirs: theirs.to_owned() }
            }
            None => ConnectError::Refused { reason },
        }
    }
}

impl std::fmt::Display for Hello {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Hello { name, major, minor, .. } = self;
        write!(f, "`{name}` {major}.{minor} (fingerprint ")?;
        for byte in self.fingerprint.iter().take(4) {
            write!(f, "{byte:02x}")?;
        }
        write!(f, ")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(major: u16, fingerprint: u8) -> Hello {
        let name = "acme.kv.KeyValue".to_owned();
        Hello { id: 7, major, minor: 3, fingerprint: [fingerprint; 16], name }
    }

    #[test]
    fn a_hello_comes_back_as_it_went_and_garbage_does_not() {
        let hello = hello(1, 9);
        assert_eq!(Hello::decode(&hello.encode()), Some(hello.clone()));
        assert_eq!(Hello::decode(&hello.encode()[..20]), None);
        assert_eq!(Hello::decode(b""), None);
    }

    #[test]
    fn another_major_version_is_refused_with_both_names_and_another_meaning_is_not() {
        assert_eq!(hello(1, 9).judge(&hello(1, 9)), Ok(()));
        assert_eq!(hello(1, 9).judge(&hello(1, 8)), Ok(()));
        assert!(hello(1, 9).is_equal(&hello(1, 9)) && !hello(1, 9).is_equal(&hello(1, 8)));
        let theirs = hello(2, 9);
        let reason = hello(1, 9).judge(&theirs).unwrap_err();
        let error = theirs.refused(reason);
        let ConnectError::Incompatible { ours, theirs: server } = error else { panic!() };
        assert!(ours.contains("acme.kv.KeyValue") && server.contains("1.3"), "{server}");
        let error = hello(1, 9).refused("not today".to_owned());
        assert!(matches!(error, ConnectError::Refused { .. }));
    }
}
