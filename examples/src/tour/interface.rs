//! One interface, written twice: as an `.idl` file and as a trait. Either side may be of either kind.

/// From `idl/tour.idl`, by the build script.
pub mod idl {
    alpc_rpc::include_interface!("tour");
}

/// The same interface as a Rust trait.
pub mod by_trait {
    use alpc_rpc::prelude::*;

    const MAX: u64 = 256 << 20;

    /// What the server knows of bytes that it was given.
    #[derive(Alpc, Debug, Clone, Copy, PartialEq, Eq)]
    #[alpc(final, name = "alpc.tour.Digest")]
    pub struct Digest {
        /// How many bytes.
        pub len: u64,
        /// Of all of them.
        pub hash: u64,
    }

    /// Why the server cannot answer.
    #[derive(Alpc, Debug, Clone, PartialEq, Eq)]
    #[alpc(error, name = "alpc.tour.TourError")]
    pub enum TourError {
        /// the server holds no sample of {len} bytes
        #[alpc(tag = 1)]
        NoSample {
            /// The length that was asked for.
            len: u64,
        },
        /// An error of a later version.
        Unrecognized {
            /// Its number.
            tag: u32,
            /// What it carries, encoded.
            payload: Vec<u8>,
        },
    }

    /// Every direction in which bulk data can travel.
    #[alpc_interface(
        uuid = "3f0e4e6a-91c5-4a0e-8f5d-6e1f6a7f3b21",
        version = "1.0",
        name = "alpc.tour.Tour",
        endpoint = "alpc.tour"
    )]
    pub trait Tour {
        /// Answers with what it was sent.
        #[returns(#[max(64)] _)]
        fn echo(&self, #[max(64)] payload: &[u8]) -> Vec<u8>;
        /// The server's process.
        fn pid(&self) -> u32;
        /// Takes bytes, and says how many there were.
        fn upload(&self, #[max(MAX)] data: &[u8]) -> u64;
        /// Looks at bytes where they are, and says how many there were.
        fn inspect(&self, #[max(MAX)] data: View) -> u64;
        /// Takes bytes, and says what they were.
        fn digest(&self, #[max(MAX)] data: &[u8]) -> Digest;
        /// Makes the server hold a sample of that length, and says what it is.
        fn prepare(&self, #[max(MAX)] len: u64, seed: u64) -> Digest;
        /// Fills the caller's own buffer with the sample.
        fn download(&self, #[max(MAX)] data: &mut OutBuf<'_>) -> Result<u64, TourError>;
        /// Answers with the sample as a value of its own.
        #[returns(#[max(MAX)] _)]
        fn fetch(&self, #[max(MAX)] len: u64) -> Result<Vec<u8>, TourError>;
        /// Shows the sample without a copy.
        #[returns(#[max(MAX)] _)]
        fn show(&self, #[max(MAX)] len: u64) -> Result<Blob, TourError>;
        /// Turns every bit of the caller's buffer, in place.
        fn invert(&self, #[max(MAX)] data: &mut InOutBuf<'_>);
    }
}
