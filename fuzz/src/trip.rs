//! Bytes to a value, and the value to bytes.

use alpc_rpc::__rt::v1::decode::ValueReader;
use alpc_rpc::__rt::v1::encode::to_vec_in;
use alpc_rpc::__rt::v1::serde::{Serialize, de::DeserializeOwned};

/// Decodes; what could be decoded is encoded, and comes back as it was. It is compared by its bytes,
/// because some numbers are not equal to themselves.
pub(crate) fn make<T: Serialize + DeserializeOwned>(bytes: &[u8]) {
    let Some(value) = decode::<T>(bytes) else { return };
    let written = encode(&value);
    let again = decode::<T>(&written).expect("what we wrote can be read");
    assert_eq!(encode(&again), written);
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    ValueReader::new(bytes).value("value").ok()
}

fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    to_vec_in(value, &mut bytes).expect("what was decoded can be encoded");
    bytes
}
