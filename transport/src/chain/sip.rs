//! SipHash-2-4 of two words: what proves that a name was given and not made up.
//!
//! The standard library has it, but with no way to say the key.

/// The hash of two words, by Aumasson and Bernstein.
pub(super) fn hash(key: [u64; 2], words: [u64; 2]) -> u64 {
    let [k0, k1] = key;
    let mut state = State {
        v0: k0 ^ 0x736f_6d65_7073_6575,
        v1: k1 ^ 0x646f_7261_6e64_6f6d,
        v2: k0 ^ 0x6c79_6765_6e65_7261,
        v3: k1 ^ 0x7465_6462_7974_6573,
    };
    // The last word has the count of bytes in its highest one.
    let [first, second] = words;
    for word in [first, second, 16 << 56] {
        state.v3 ^= word;
        state.round();
        state.round();
        state.v0 ^= word;
    }
    state.v2 ^= 0xff;
    (0..4).for_each(|_| state.round());
    state.v0 ^ state.v1 ^ state.v2 ^ state.v3
}

struct State {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
}

impl State {
    fn round(&mut self) {
        let State { v0, v1, v2, v3 } = self;
        *v0 = v0.wrapping_add(*v1);
        *v2 = v2.wrapping_add(*v3);
        *v1 = v1.rotate_left(13) ^ *v0;
        *v3 = v3.rotate_left(16) ^ *v2;
        *v0 = v0.rotate_left(32);
        *v2 = v2.wrapping_add(*v1);
        *v0 = v0.wrapping_add(*v3);
        *v1 = v1.rotate_left(17) ^ *v2;
        *v3 = v3.rotate_left(21) ^ *v0;
        *v2 = v2.rotate_left(32);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::hash::Hasher;

    use super::*;

    #[test]
    #[expect(deprecated, reason = "the standard library's is what this is compared with")]
    fn it_is_the_hash_that_the_standard_library_has() {
        for (key, words) in [([0, 0], [0, 0]), ([1, u64::MAX], [7 << 40, 3]), ([5, 6], [7, 8])] {
            let mut theirs = std::hash::SipHasher::new_with_keys(key[0], key[1]);
            for word in words {
                theirs.write(&u64::to_le_bytes(word));
            }
            assert_eq!(hash(key, words), theirs.finish());
        }
    }
}
