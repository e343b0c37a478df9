//! The workshop's day: customers come, the limit goes up and down, and it closes.

use std::error::Error;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, thread};

use alpc_rpc::Server;

use super::board::{Bench, Board};
use super::screen::{Moment, Screen};
use super::{PORT, WorkshopServer};

pub use super::screen::Form;

/// Threads of the workshop. More than ever work at one time.
const WORKERS: usize = 16;

/// How many may work, one after the other.
const LIMITS: [usize; 5] = [2, 6, 1, 12, 4];

/// Processes that order.
const CROWDS: usize = 2;

/// How often it is looked at.
const TICK: Duration = Duration::from_millis(100);

/// Opens the workshop for so long.
///
/// # Errors
///
/// When it cannot be opened, or its customers cannot be started.
pub fn open(lasts: Duration, form: Form) -> Result<(), Box<dyn Error + Send + Sync>> {
    let board = Arc::<Board>::default();
    let server = Server::bind(PORT)?.workers(WORKERS).concurrency(LIMITS[0]);
    let server = server.serve(WorkshopServer::new(Bench(board.clone())))?;
    let mut crowds = (0..CROWDS).map(|_| Crowd::start()).collect::<io::Result<Vec<_>>>()?;

    let (mut screen, opened) = (Screen::new(form), Instant::now());
    let moment = |server: &Server| Moment {
        seconds: opened.elapsed().as_secs_f64(),
        limit: server.concurrency(),
        seen: board.look(),
        counts: server.counts(),
    };
    for limit in LIMITS {
        server.set_concurrency(limit);
        let until = Instant::now() + lasts / LIMITS.len() as u32;
        while Instant::now() < until {
            screen.show(&moment(&server));
            thread::sleep(TICK.min(until.saturating_duration_since(Instant::now())));
        }
    }
    let last = moment(&server);
    server.shut_down();
    crowds.iter_mut().try_for_each(Crowd::end)?;
    if form == Form::ForPeople {
        println!(
            "closed: {} orders done, {} dropped when nobody wanted them any more, {} never begun",
            last.seen.done,
            last.seen.dropped,
            last.counts.expired + last.counts.not_begun
        );
    } else {
        screen.show(&last);
    }
    Ok(())
}

/// A process that orders. It goes with this one.
struct Crowd(Child);

impl Crowd {
    fn start() -> io::Result<Crowd> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--crowd"]).stdin(Stdio::null()).stdout(Stdio::null());
        command.spawn().map(Crowd)
    }

    /// Waits until it has noticed that the workshop is closed.
    fn end(&mut self) -> io::Result<()> {
        self.0.wait().map(|_| ())
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        let _ended_already = self.0.kill();
        let _status = self.0.wait();
    }
}
