//! Serving as a future: completions are dealt with by the tasks that wait for them.
//!
//! Any executor will do, since all that a task needs is to be told when the port's descriptor is
//! readable. Inside a tokio runtime that runtime tells (feature `tokio`); everywhere else a thread of the
//! server's own does, which looks at nothing else.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use alpc_transport::{CompletionBell, CompletionList, CompletionPort, Error};

use super::{Runner, Service, deal_with};

mod driver;
#[cfg(feature = "tokio")]
mod tokio;

pub(super) use driver::Driver;

/// Completions that a task deals with before it lets the others of its executor go on.
const TURN: usize = 32;

/// Serves, for as long as it is polled: what [`Server::serve`](super::Server::serve) returns.
///
/// It ends when the service does. Dropped before, it stops nothing and loses nothing: calls that wait and
/// handlers that have begun are taken up by whoever else serves, or serves next.
#[must_use = "a future serves only while it is awaited"]
pub struct Serve {
    port: Arc<CompletionPort>,
    service: Arc<Service>,
    driver: Arc<Driver>,
    /// `None`: it was not polled yet.
    taking: Option<Taking>,
}

struct Taking {
    list: CompletionList,
    news: Box<dyn News>,
}

/// Tells a task when its completion list has something.
trait News: Send {
    /// Waits until there may be completions: what comes after this was asked is told.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>>;
}

impl Serve {
    pub(super) fn new(
        port: Arc<CompletionPort>,
        service: Arc<Service>,
        driver: Arc<Driver>,
    ) -> Serve {
        Serve { port, service, driver, taking: None }
    }

    fn taking(&mut self) -> Result<&mut Taking, Error> {
        if self.taking.is_none() {
            let news = news(self.port.bell()?, &self.driver)?;
            self.taking = Some(Taking { list: self.port.list(), news });
        }
        // It was put there by now.
        self.taking.as_mut().ok_or_else(|| Error::os("serve", std::io::Error::other("no list")))
    }
}

/// Who tells this task of completions.
fn news(bell: CompletionBell, driver: &Arc<Driver>) -> Result<Box<dyn News>, Error> {
    #[cfg(feature = "tokio")]
    if ::tokio::runtime::Handle::try_current().is_ok() {
        return tokio::Watched::new(bell).map(|watched| Box::new(watched) as Box<dyn News>);
    }
    Ok(Box::new(driver::Told::new(driver.clone(), bell)?))
}

impl Future for Serve {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let service = self.service.clone();
        let Taking { list, news } = match self.taking() {
            Ok(taking) => taking,
            Err(error) => return Poll::Ready(Err(error)),
        };
        loop {
            if list.has_ended() {
                return Poll::Ready(Ok(()));
            }
            // Before the list is looked at: what comes after that look is told.
            let told = news.poll(cx);
            if list.poll_enter(cx).is_pending() {
                return Poll::Pending;
            }
            let found = take_turn(list, &service);
            list.leave();
            match found {
                Ok(Turn::Emptied) => {}
                Ok(Turn::Over) => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
            if let Err(error) = ready!(told) {
                return Poll::Ready(Err(error));
            }
        }
    }
}

/// How a turn ended.
enum Turn {
    /// Nothing is left.
    Emptied,
    /// There may be more.
    Over,
}

fn take_turn(list: &mut CompletionList, service: &Arc<Service>) -> Result<Turn, Error> {
    for _ in 0..TURN {
        match list.try_next()? {
            Some(completion) => deal_with(completion, Runner::Task, service),
            None => return Ok(Turn::Emptied),
        }
    }
    Ok(Turn::Over)
}

impl std::fmt::Debug for Serve {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Serve").finish_non_exhaustive()
    }
}
