//! The numbers by which two processes know that they mean the same thing.
//!
//! They come from names alone, not from the order in a file and not from Rust paths: moving or
//! reordering things changes nothing on the wire.

use hmac_sha256::Hash;

use super::Interface;

/// The interface's identity: its uuid, or one made from its full name.
pub fn interface_id(interface: &Interface) -> u128 {
    match &interface.uuid {
        Some(uuid) => uuid.value,
        None => id_from_name(&interface.qualified),
    }
}

/// A UUID of version 8 ("made by a rule of one's own") from a full name.
fn id_from_name(qualified: &str) -> u128 {
    let mut hash = Hash::new();
    hash.update(b"alpc-idl/1\0");
    hash.update(qualified.as_bytes());
    let [upper, _] = halves(hash.finalize());
    let version = 0x8 << 76;
    let variant = 0b10 << 62;
    let without_both = upper & !(0xf << 76) & !(0b11 << 62);
    without_both | version | variant
}

/// The number of a method on the wire.
///
/// The top bit is clear: numbers with it set belong to the framework. Zero, one case in 2⁶³, is no
/// method's number; the checker asks for another name then.
pub fn ordinal(interface_id: u128, wire_name: &str) -> u64 {
    let mut hash = Hash::new();
    hash.update(interface_id.to_be_bytes());
    hash.update(b".");
    hash.update(wire_name.as_bytes());
    let [upper, _] = halves(hash.finalize());
    let first_eight_bytes = (upper >> 64) as u64;
    first_eight_bytes.swap_bytes() & (u64::MAX >> 1)
}

/// The two halves of a hash as big-endian numbers.
fn halves(hash: [u8; 32]) -> [u128; 2] {
    let number = |bytes: &[u8]| bytes.iter().fold(0, |n, &byte| n << 8 | u128::from(byte));
    let (upper, lower) = hash.split_at(16);
    [number(upper), number(lower)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_from_a_name_is_a_version_8_uuid() {
        let id = format!("{:032x}", id_from_name("acme.kv.KeyValue"));
        assert_eq!(&id[12..13], "8");
        assert!(matches!(&id[16..17], "8" | "9" | "a" | "b"));
    }

    #[test]
    fn ids_never_change() {
        // Peers that were built long ago have these numbers in them.
        // Computed with Python's hashlib.
        let id = id_from_name("acme.kv.KeyValue");
        assert_eq!(format!("{id:032x}"), "2db379a5ff188e40874869f367d38e60");
        let uuid = 0x6f1d0c1e_8a1b_4a57_9a5e_2f4c2a3b9d11;
        assert_eq!(ordinal(uuid, "get"), 0x702a_affd_60b1_cf25);
    }
}
