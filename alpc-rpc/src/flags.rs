//! How flags look to people: by the names of their bits.

use std::fmt;

/// The bits of a `flags` type, displayed by their names: `CREATE | REPLACE | 0x80`.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "generated code writes it out")]
pub struct Names {
    /// The bits.
    pub bits: u64,
    /// What has a name, in the order of the interface. Of names for the same bits the first is used.
    pub names: &'static [(&'static str, u64)],
}

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.bits == 0 {
            return f.write_str("NONE");
        }
        let mut left = self.bits;
        let mut separator = "";
        for (name, bits) in self.names {
            if self.bits & bits == *bits && left & bits != 0 {
                write!(f, "{separator}{name}")?;
                separator = " | ";
                left &= !bits;
            }
        }
        if left != 0 {
            write!(f, "{separator}{left:#x}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bits: u64) -> String {
        let names: &[(&str, u64)] =
            &[("NONE", 0), ("READ", 1), ("WRITE", 2), ("BOTH", 3), ("FAR", 12)];
        Names { bits, names }.to_string()
    }

    #[test]
    fn bits_are_shown_by_their_names() {
        assert_eq!(shown(0), "NONE");
        assert_eq!(shown(3), "READ | WRITE");
        assert_eq!(shown(14), "WRITE | FAR");
    }

    #[test]
    fn bits_without_a_name_are_shown_as_a_number() {
        // Half of a combination is not the combination.
        assert_eq!(shown(4), "0x4");
        assert_eq!(shown(0x8001), "READ | 0x8000");
    }
}
