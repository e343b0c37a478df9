//! Generated Rust whose text the compiler's own tests hold, as the Rust compiler sees it: without a
//! warning, whatever a user's crate denies.

#![deny(warnings, missing_docs, unreachable_pub)]

/// `idlc/tests/golden/attributes.idl`
pub mod attributes {
    include!(concat!(env!("OUT_DIR"), "/attributes.rs"));
}

/// `idlc/tests/golden/evolution.idl`
pub mod evolution {
    include!(concat!(env!("OUT_DIR"), "/evolution.rs"));
}

/// `idlc/tests/golden/sensitive.idl`
pub mod sensitive {
    include!(concat!(env!("OUT_DIR"), "/sensitive.rs"));
}

/// `idlc/tests/golden/tombstones.idl`
pub mod tombstones {
    include!(concat!(env!("OUT_DIR"), "/tombstones.rs"));
}

/// `idlc/tests/golden/events.idl`
pub mod events {
    include!(concat!(env!("OUT_DIR"), "/events.rs"));
}

/// `idlc/tests/golden/handles.idl`
pub mod handles {
    include!(concat!(env!("OUT_DIR"), "/handles.rs"));
}

/// `idlc/tests/golden/objects.idl`
pub mod objects {
    include!(concat!(env!("OUT_DIR"), "/objects.rs"));
}

/// `idlc/tests/imports/places.idl`, beside what it imports.
pub mod imports {
    /// `types.idl`
    pub mod types {
        include!(concat!(env!("OUT_DIR"), "/imports/types.rs"));
    }

    /// `shared/base.idl`
    pub mod base {
        include!(concat!(env!("OUT_DIR"), "/imports/base.rs"));
    }

    /// `places.idl`
    pub mod places {
        include!(concat!(env!("OUT_DIR"), "/imports/places.rs"));
    }
}
