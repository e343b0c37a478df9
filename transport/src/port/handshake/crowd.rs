//! Getting in when many want to get in at once.
//!
//! A server takes a few clients of one user through the handshake at a time, so that nobody can fill it
//! with handshakes that never end. When a hundred processes start together, most of them meet that limit,
//! a moment before there is room again. They come again by themselves, and only a crowd that outlasts
//! their patience is an error of theirs.

use std::thread;
use std::time::Duration;

use super::Established;
use crate::error::{Error, ErrorKind, Result};
use crate::message::Deadline;
use crate::sys::identity::nonce;

/// The first pause is up to this long, each further one up to twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(64);

/// What came of one attempt to connect.
pub(super) enum Attempt<T = Box<Established>> {
    Established(T),
    /// There are too many at this moment: what to tell the caller, if it wants to wait no longer.
    Crowded(Error),
}

/// Attempts until it is in, it is refused, or the deadline has passed.
pub(super) fn get_through<T>(
    deadline: Deadline,
    mut attempt: impl FnMut() -> Result<Attempt<T>>,
) -> Result<T> {
    let mut pause = FIRST_PAUSE;
    let mut sent_away = None;
    loop {
        match attempt() {
            Ok(Attempt::Established(established)) => return Ok(established),
            Ok(Attempt::Crowded(error)) if deadline.is_past() => return Err(error),
            Ok(Attempt::Crowded(error)) => sent_away = Some(error),
            // That time ran out says less than why it did.
            Err(error) if error.kind() == &ErrorKind::TimedOut => {
                return Err(sent_away.unwrap_or(error));
            }
            Err(error) => return Err(error),
        }
        // A part of it, by chance: those who were sent away together must not come again together.
        let part = f64::from(nonce()?[0]) / 256.0;
        let left = deadline.remaining().unwrap_or(LONGEST_PAUSE);
        thread::sleep(pause.mul_f64(part).min(left));
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crowded() -> Attempt<u32> {
        let reason = "many are here".to_owned();
        Attempt::Crowded(Error::new(ErrorKind::Busy { reason }, "connect"))
    }

    #[test]
    fn whoever_meets_a_crowd_comes_again() {
        let mut attempts = 0;
        let in_at = get_through(Deadline::NEVER, || {
            attempts += 1;
            Ok(if attempts < 4 { crowded() } else { Attempt::Established(attempts) })
        });
        assert_eq!(in_at.unwrap(), 4);
    }

    #[test]
    fn a_crowd_that_outlasts_the_deadline_is_an_error_that_says_so() {
        let error = get_through(Deadline::after(Duration::ZERO), || Ok(crowded())).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Busy { reason } if reason == "many are here"));
    }

    #[test]
    fn who_runs_out_of_time_after_a_crowd_is_told_of_the_crowd() {
        let mut attempts = 0;
        let outcome = get_through(Deadline::NEVER, || {
            attempts += 1;
            let timed_out = Error::new(ErrorKind::TimedOut, "connect");
            if attempts < 2 { Ok(crowded()) } else { Err(timed_out) }
        });
        assert!(matches!(outcome.unwrap_err().kind(), ErrorKind::Busy { .. }));
    }

    #[test]
    fn whoever_is_refused_does_not_come_again() {
        let mut attempts = 0;
        let refused: Result<u32> = get_through(Deadline::NEVER, || {
            attempts += 1;
            Err(Error::new(ErrorKind::PeerClosed, "connect"))
        });
        assert_eq!((attempts, refused.unwrap_err().kind()), (1, &ErrorKind::PeerClosed));
    }
}
