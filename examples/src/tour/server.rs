//! The server process: it holds a sample, and serves it through both interfaces.

use std::sync::{Mutex, PoisonError};

use alpc_rpc::PortAttributes;
use alpc_rpc::prelude::*;

use super::interface::{by_trait, idl};
use super::{Failure, Ports};

/// What the server has to give.
#[derive(Default)]
struct Sample {
    held: Mutex<Option<(Vec<u8>, Blob)>>,
}

/// Bytes that any process can make again from the seed, and that no other seed makes.
pub fn sample(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        // xorshift64* (Vigna, 2016): not secret, only different everywhere.
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend_from_slice(&state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// FNV-1a over words of eight bytes, then over what is left and the length.
pub fn hash(bytes: &[u8]) -> u64 {
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ bytes.len() as u64;
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        hash = (hash ^ u64::from_le_bytes(*word)).wrapping_mul(PRIME);
        hash ^= hash >> 29;
    }
    for byte in rest {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
    }
    hash
}

impl Sample {
    fn prepare(&self, len: u64, seed: u64) -> (u64, u64) {
        let bytes = sample(usize::try_from(len).unwrap_or(0), seed);
        let hash = hash(&bytes);
        if let Ok(blob) = Blob::new(&bytes) {
            *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Some((bytes, blob));
        }
        (len, hash)
    }

    /// Shows the sample, if it is of that length.
    fn with<R>(&self, len: u64, show: impl FnOnce(&[u8], &Blob) -> R) -> Option<R> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match &*held {
            Some((bytes, blob)) if bytes.len() as u64 == len => Some(show(bytes, blob)),
            _ => None,
        }
    }
}

/// Turns every bit.
pub fn invert(bytes: &mut [u8]) {
    for byte in bytes {
        *byte = !*byte;
    }
}

// The two traits are the same interface but not the same Rust trait, so the handlers are written
// once and placed in both.
macro_rules! serve_the_sample {
    ($interface:ident) => {
        impl $interface::Tour for Sample {
            fn echo(&self, _: &Call<'_>, payload: &[u8]) -> Vec<u8> {
                payload.to_vec()
            }

            serve_the_sample!(@methods $interface, _: &Call<'_>,);
        }
    };
    (bare $interface:ident) => {
        impl $interface::Tour for Sample {
            fn echo(&self, payload: &[u8]) -> Vec<u8> {
                payload.to_vec()
            }

            serve_the_sample!(@methods $interface,);
        }
    };
    (@methods $interface:ident, $($context:tt)*) => {
        fn pid(&self, $($context)*) -> u32 {
            std::process::id()
        }

        fn upload(&self, $($context)* data: &[u8]) -> u64 {
            data.len() as u64
        }

        fn inspect(&self, $($context)* data: View) -> u64 {
            data.len() as u64
        }

        fn digest(&self, $($context)* data: &[u8]) -> $interface::Digest {
            $interface::Digest { len: data.len() as u64, hash: hash(data) }
        }

        fn prepare(&self, $($context)* len: u64, seed: u64) -> $interface::Digest {
            let (len, hash) = Sample::prepare(self, len, seed);
            $interface::Digest { len, hash }
        }

        fn download(
            &self,
            $($context)* data: &mut OutBuf<'_>,
        ) -> Result<u64, $interface::TourError> {
            let len = data.capacity() as u64;
            self.with(len, |bytes, _| data.put(bytes) as u64)
                .ok_or($interface::TourError::NoSample { len })
        }

        fn fetch(&self, $($context)* len: u64) -> Result<Vec<u8>, $interface::TourError> {
            self.with(len, |bytes, _| bytes.to_vec())
                .ok_or($interface::TourError::NoSample { len })
        }

        fn show(&self, $($context)* len: u64) -> Result<Blob, $interface::TourError> {
            self.with(len, |_, blob| blob.clone()).ok_or($interface::TourError::NoSample { len })
        }

        fn invert(&self, $($context)* data: &mut InOutBuf<'_>) {
            invert(data.as_mut_slice());
        }
    };
}

serve_the_sample!(idl);
serve_the_sample!(bare by_trait);

/// Room for the tour's largest samples as blobs and in regions at the same time.
pub fn attributes() -> PortAttributes {
    PortAttributes::new().max_section_total(2 << 30)
}

/// Serves both ports of a tour until standard input ends: whoever started this process holds the other end,
/// and the process ends with its starter, however that ends.
pub fn run(ports: &Ports) -> Result<(), Failure> {
    let by_idl = Server::bind(&ports.idl)?
        .attributes(attributes())
        .serve(idl::TourServer::new(Sample::default()))?;
    let by_trait = Server::bind(&ports.by_trait)?
        .attributes(attributes())
        .serve(by_trait::TourServer::new(Sample::default()))?;
    println!("ready");
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    by_idl.shut_down();
    by_trait.shut_down();
    Ok(())
}
