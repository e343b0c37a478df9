//! How long to look for a message before going to sleep.
//!
//! A wake-up across CPUs costs some 70 us where a look costs nanoseconds, so it pays to look for a
//! while, but only where the peer can answer meanwhile. On a CPU of its own it can, and we pause
//! between looks. On our CPU it cannot run while we spin: there we yield to it, which costs less
//! than any way of sleeping when it is the only one that wants to run.
//!
//! Looking that was in vain is not repeated blindly: after each failure twice as many waits go
//! straight to sleep (1, 2, 4 .. 1024), until one look pays again.

use crate::message::monotonic_now;
use crate::sys::cpu;

/// How long to look, and how much a failure counts.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// Nanoseconds of looking, at most.
    look: u64,
    /// Waits that are skipped at most after failures in a row.
    max_skip: u32,
}

/// For messages: a little less than a sleep and a wake-up across CPUs cost.
const FOR_MESSAGES: Patience = Patience { look: 50_000, max_skip: 1024 };
/// For the next chunk of a stream: the peer is known to be copying it, and may be touching fresh
/// pages as it does. A stream has few waits, so that it must soon look again after failures.
const FOR_CHUNKS: Patience = Patience { look: 250_000, max_skip: 4 };

/// Looks between two looks at the clock.
const LOOKS_PER_CLOCK: u32 = 32;
/// Yields between two looks at the clock.
const YIELDS_PER_CLOCK: u32 = 4;

/// Remembers whether looking has paid on one channel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spin {
    patience: Patience,
    /// Waits that still go straight to sleep.
    skip: u32,
    /// How many the next failure will skip.
    penalty: u32,
}

impl Spin {
    /// Looks for messages.
    pub(crate) fn for_messages() -> Spin {
        Spin { patience: FOR_MESSAGES, skip: 0, penalty: 0 }
    }

    /// Looks for the next chunk of a stream.
    pub(crate) fn for_chunks() -> Spin {
        Spin { patience: FOR_CHUNKS, skip: 0, penalty: 0 }
    }

    /// Whether the next wait looks at all.
    pub(crate) fn will_look(&mut self) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        true
    }

    /// Looks until `found` gives something or it is time to sleep.
    ///
    /// `peer_cpu` is where the peer last said that it runs.
    pub(crate) fn look<T>(
        &mut self,
        peer_cpu: impl Fn() -> u32,
        mut found: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        if let Some(found) = found() {
            return Some(found);
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        let until = monotonic_now().saturating_add(self.patience.look);
        loop {
            let apart = cpu::current() != peer_cpu();
            let looks = if apart { LOOKS_PER_CLOCK } else { YIELDS_PER_CLOCK };
            for _ in 0..looks {
                if apart {
                    std::hint::spin_loop()
                } else {
                    std::thread::yield_now()
                }
                if let Some(found) = found() {
                    self.penalty = 0;
                    return Some(found);
                }
            }
            if monotonic_now() >= until {
                break;
            }
        }
        self.penalty = (self.penalty * 2).clamp(1, self.patience.max_skip);
        self.skip = self.penalty;
        None
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn looking_in_vain_is_done_less_and_less_until_it_pays() {
        let mut spin = Spin::for_messages();
        let mut spun = Vec::new();
        for wait in 0..20 {
            let mut looks = 0;
            let found: Option<()> = spin.look(
                || u32::MAX,
                || {
                    looks += 1;
                    None
                },
            );
            assert!(found.is_none());
            if looks > 1 {
                spun.push(wait);
            }
        }
        assert_eq!(spun, [0, 2, 5, 10, 19]);
        spin.skip = 0;
        let mut looks = 0;
        let paid = spin.look(
            || u32::MAX,
            || {
                looks += 1;
                (looks == 3).then_some(())
            },
        );
        assert!(paid.is_some());
        assert_eq!(spin.penalty, 0);
    }
}
