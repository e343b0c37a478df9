//! The customers: a process that orders more than can be made.

use std::error::Error;
use std::thread;
use std::time::Duration;

use alpc_rpc::{CallError, Canceller, Client, TransportError};

use super::WorkshopClient;

/// Customers in one process: each waits for one order at a time.
const CUSTOMERS: u32 = 8;

/// Orders from the workshop at `port` until it closes.
///
/// # Errors
///
/// When there is no workshop.
pub fn order(port: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let workshop = WorkshopClient::connect(port)?;
    thread::scope(|scope| {
        for customer in 0..CUSTOMERS {
            let workshop = workshop.clone();
            scope.spawn(move || keep_ordering(&workshop, customer));
        }
    });
    Ok(())
}

fn keep_ordering(workshop: &WorkshopClient, customer: u32) {
    let mut mood = Mood(u64::from(std::process::id()) << 8 | u64::from(customer));
    for number in 0.. {
        let order = customer * 1000 + number % 1000;
        let effort = Duration::from_millis(30 + mood.below(300));
        let patience = Duration::from_millis(100 + mood.below(900));
        let workshop = workshop.with_timeout(patience);
        let ended = match mood.below(6) {
            // One of six changes their mind.
            0 => {
                let canceller = Canceller::new();
                let order_of = workshop.with_cancel(&canceller.token());
                thread::scope(|scope| {
                    scope.spawn(|| {
                        thread::sleep(effort / 2);
                        canceller.cancel();
                    });
                    order_of.work(order, effort)
                })
            }
            _ => workshop.work(order, effort),
        };
        match ended {
            Ok(_)
            | Err(CallError::Transport(
                TransportError::TimedOut { .. } | TransportError::Cancelled { .. },
            )) => {}
            // It has closed.
            Err(_) => return,
        }
    }
}

/// Numbers that nobody could guess, and that are the same each time (xorshift).
struct Mood(u64);

impl Mood {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13 | 1;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
