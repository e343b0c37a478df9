//! Which parts of a section are free: a buddy allocator that only the producer knows.
//!
//! It lives in private memory, where no peer can spoil it (shared-memory queues that keep their free
//! lists in the shared part have been crashed that way). Ranges are powers of two of a granule, and
//! two free halves of a range become one again, so a long life does not wear a section down.

use std::collections::BTreeSet;

/// The smallest range that is handed out.
pub(crate) const GRANULE: usize = 64 << 10;

/// The free ranges of one section.
#[derive(Debug)]
pub(crate) struct Allocator {
    /// Of each order, the first granules of the free ranges of `1 << order` granules.
    free: Vec<BTreeSet<usize>>,
}

/// A range that was handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    first: usize,
    order: usize,
}

impl Range {
    /// Where it begins in its section, in bytes.
    pub(crate) fn offset(self) -> usize {
        self.first * GRANULE
    }

    /// How many bytes it has.
    #[cfg(test)]
    pub(crate) fn len(self) -> usize {
        GRANULE << self.order
    }
}

impl Allocator {
    /// The section's length that is needed for a range of `len` bytes.
    pub(crate) fn section_len(len: usize) -> Option<usize> {
        len.max(1).div_ceil(GRANULE).checked_next_power_of_two()?.checked_mul(GRANULE)
    }

    /// An allocator of a section of `section_len` bytes, as [`Allocator::section_len`] gave it.
    pub(crate) fn new(section_len: usize) -> Allocator {
        let granules = (section_len / GRANULE).max(1);
        let top = usize::try_from(granules.ilog2()).unwrap_or(0);
        let mut free = vec![BTreeSet::new(); top + 1];
        if let Some(whole) = free.last_mut() {
            whole.insert(0);
        }
        Allocator { free }
    }

    /// Hands out a range of at least `len` bytes, if there is one.
    pub(crate) fn take(&mut self, len: usize) -> Option<Range> {
        let granules = len.max(1).div_ceil(GRANULE).checked_next_power_of_two()?;
        let order = usize::try_from(granules.ilog2()).ok()?;
        let (mut found, first) = self
            .free
            .iter()
            .enumerate()
            .skip(order)
            .find_map(|(order, free)| free.first().map(|&first| (order, first)))?;
        self.free.get_mut(found)?.remove(&first);
        // Halve it until it fits; the upper halves stay free.
        while found > order {
            found -= 1;
            self.free.get_mut(found)?.insert(first + (1 << found));
        }
        Some(Range { first, order })
    }

    /// Takes a range back that [`take`](Allocator::take) handed out.
    pub(crate) fn give_back(&mut self, range: Range) {
        let Range { mut first, mut order } = range;
        let top = self.free.len() - 1;
        while let Some(free) = self.free.get_mut(order) {
            let buddy = first ^ (1 << order);
            if order == top || !free.remove(&buddy) {
                free.insert(first);
                return;
            }
            // Both halves are free: they are one range of the next order.
            first = first.min(buddy);
            order += 1;
        }
    }

    /// Whether nothing is handed out.
    #[cfg(test)]
    pub(crate) fn is_whole(&self) -> bool {
        self.free.last().is_some_and(|whole| !whole.is_empty())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_handed_out_in_halves_and_becomes_whole_again() {
        let mut allocator = Allocator::new(4 * GRANULE);
        let one = allocator.take(1).unwrap();
        let two = allocator.take(GRANULE + 1).unwrap();
        assert_eq!((one.len(), two.len()), (GRANULE, 2 * GRANULE));
        assert!(allocator.take(2 * GRANULE).is_none());
        let last = allocator.take(GRANULE).unwrap();
        assert!(allocator.take(1).is_none());
        for range in [two, one, last] {
            allocator.give_back(range);
        }
        assert!(allocator.is_whole());
        assert!(allocator.take(4 * GRANULE).is_some());
    }

    proptest::proptest! {
        /// Against a model that knows the owner of each granule.
        #[test]
        fn ranges_never_overlap_and_everything_comes_back(
            steps in proptest::collection::vec((0..40 * GRANULE, proptest::bool::ANY), 1..200)
        ) {
            let mut allocator = Allocator::new(64 * GRANULE);
            let mut taken: Vec<Range> = Vec::new();
            for (number, give_back) in steps {
                if give_back && !taken.is_empty() {
                    allocator.give_back(taken.swap_remove(number % taken.len()));
                } else if let Some(range) = allocator.take(number) {
                    assert!(range.len() >= number && range.offset() + range.len() <= 64 * GRANULE);
                    for other in &taken {
                        assert!(
                            range.offset() + range.len() <= other.offset()
                                || other.offset() + other.len() <= range.offset()
                        );
                    }
                    taken.push(range);
                }
            }
            for range in taken {
                allocator.give_back(range);
            }
            assert!(allocator.is_whole());
        }
    }
}
