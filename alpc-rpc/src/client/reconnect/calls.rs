//! Calls that are made by whichever connection there is.

use std::convert::Infallible;
use std::os::fd::AsFd;
use std::sync::Arc;

#[cfg(feature = "async")]
use alpc_transport::Canceller;
use alpc_transport::Part;

use super::{Line, Until};
use crate::client::leaving::Answer;
#[cfg(feature = "async")]
use crate::client::tasks::aside;
use crate::client::{ClientCall, ClientCore};
use crate::error::{CallError, TransportError};
use crate::object::Reference;
#[cfg(feature = "async")]
use crate::object::Target;
use crate::outgoing::{Handed, Outgoing};

/// How often a call is sent again that a server may have begun: one that brings its servers down
/// must not do so for ever.
const MOST_REPEATS: u32 = 3;

/// The way of one call through the connections of a line.
struct Journey<'l> {
    line: &'l Arc<Line>,
    until: Until,
    /// The client's, but for the connection.
    core: ClientCore,
    repeats: u32,
}

impl<'l> Journey<'l> {
    fn new(line: &'l Arc<Line>, call: &ClientCall<'_>) -> Journey<'l> {
        let until = Until { deadline: call.deadline, cancel: call.core.cancel.clone() };
        Journey { line, until, core: line.core(call.core), repeats: 0 }
    }

    /// Looks whether the server is there before anything is sent. Otherwise the first call after a
    /// restart would be sent to nobody, and would have to be taken for one that may have run.
    fn check_open(&self) -> Result<(), TransportError> {
        match self.core.port().is_open() {
            true => Ok(()),
            false => Err(TransportError::Disconnected { may_have_run: false }),
        }
    }

    /// Whether the call goes again after `error`.
    fn goes_on(&mut self, error: &TransportError, call: &ClientCall<'_>) -> bool {
        let TransportError::Disconnected { may_have_run } = *error else { return false };
        self.repeats += u32::from(may_have_run);
        call.can_go_again(may_have_run) && self.repeats <= MOST_REPEATS
    }

    /// Has the next connection made. `error`: how the call failed by this one.
    fn come_back(&mut self, error: &TransportError) -> Result<(), TransportError> {
        let back = self.line.come_back(&self.core.target, &self.until);
        back.map_err(|failed| failed.of_call_that(error.may_have_run() || self.repeats > 0))?;
        self.core = self.line.core(&self.core);
        Ok(())
    }
}

impl Line {
    /// The client `of`, which makes its calls by the connection that there is now.
    pub(crate) fn core(&self, of: &ClientCore) -> ClientCore {
        ClientCore { target: self.target(), line: None, ..of.clone() }
    }

    /// Waits for the connection after the one to `gone`, for subscriptions.
    pub(crate) fn follow(
        self: &Arc<Line>,
        gone: &ClientCore,
        deadline: alpc_transport::Deadline,
    ) -> Result<ClientCore, TransportError> {
        let until = Until { deadline, cancel: gone.cancel.clone() };
        self.come_back(&gone.target, &until)?;
        Ok(self.core(gone))
    }
}

impl ClientCall<'_> {
    /// As `answer`, by whichever connection there is.
    pub(in crate::client) fn answer_along(
        mut self,
        line: &Arc<Line>,
    ) -> Result<Answer, TransportError> {
        let mut journey = Journey::new(line, &self);
        loop {
            let answered = journey.check_open().and_then(|()| self.by(&journey.core).answer());
            match answered {
                Err(error) if journey.goes_on(&error, &self) => journey.come_back(&error)?,
                answered => return answered,
            }
        }
    }

    /// As `send`, by whichever connection there is.
    pub(in crate::client) fn send_along(
        mut self,
        line: &Arc<Line>,
    ) -> Result<(), CallError<Infallible>> {
        let mut journey = Journey::new(line, &self);
        loop {
            let open = journey.check_open().map_err(CallError::from);
            match open.and_then(|()| self.by(&journey.core).send()) {
                Err(CallError::Transport(error)) if journey.goes_on(&error, &self) => {
                    journey.come_back(&error)?;
                }
                sent => return sent,
            }
        }
    }

    /// Whether it does no harm to send the call again, and it can be.
    fn can_go_again(&self, may_have_run: bool) -> bool {
        // What a server has overwritten cannot be sent again as it was.
        let is_whole =
            !self.parts.iter().any(|part| matches!(part, Part::InOut(_) | Part::InOutVia(..)));
        // An object of a server that is gone is gone.
        let has_objects = self.outgoing.objects.iter().all(Reference::is_connected);
        has_objects && (!may_have_run || (self.method.idempotent && is_whole))
    }

    /// The same call, by the connection of `core`.
    fn by<'s>(&'s mut self, core: &'s ClientCore) -> ClientCall<'s> {
        let handles = &self.outgoing.handles;
        ClientCall {
            core,
            method: self.method,
            deadline: self.deadline,
            body: self.body.clone(),
            parts: self.parts.iter_mut().map(Part::reborrow).collect(),
            elements: self.elements.clone(),
            small: self.small.clone(),
            wish: None,
            outgoing: Outgoing {
                handles: handles.iter().map(|handle| Handed::Borrowed(handle.as_fd())).collect(),
                objects: self.outgoing.objects.clone(),
            },
        }
    }
}

#[cfg(feature = "async")]
impl ClientCall<'_> {
    /// As [`answer_along`](ClientCall::answer_along), in a task.
    pub(in crate::client) async fn answer_along_async(
        mut self,
        line: &Arc<Line>,
    ) -> Result<Answer, TransportError> {
        let mut journey = Journey::new(line, &self);
        loop {
            let answered = match journey.check_open() {
                Ok(()) => self.by(&journey.core).answer_once_async().await,
                Err(error) => Err(error),
            };
            let error = match answered {
                Err(error) if journey.goes_on(&error, &self) => error,
                answered => return answered,
            };
            journey.come_back_async(&error).await?;
        }
    }

    /// As [`send_along`](ClientCall::send_along), in a task.
    pub(in crate::client) async fn send_along_async(
        mut self,
        line: &Arc<Line>,
    ) -> Result<(), CallError<Infallible>> {
        let mut journey = Journey::new(line, &self);
        loop {
            let sent = match journey.check_open() {
                Ok(()) => self.by(&journey.core).send_once_async().await,
                Err(error) => Err(error.into()),
            };
            let error = match sent {
                Err(CallError::Transport(error)) if journey.goes_on(&error, &self) => error,
                sent => return sent,
            };
            journey.come_back_async(&error).await?;
        }
    }
}

#[cfg(feature = "async")]
impl Line {
    /// As [`come_back`](Line::come_back), in a task: a thread of its own connects, for as long as somebody
    /// waits for this.
    async fn come_back_async(
        self: &Arc<Line>,
        gone: &Arc<Target>,
        until: &Until,
    ) -> Result<(), TransportError> {
        let waits = Waits(Canceller::new());
        let token = waits.0.token();
        let canceller = waits.0.clone();
        let _watch = until.cancel.as_ref().map(|of| of.on_cancel(move || canceller.cancel()));
        let until = Until { deadline: until.deadline, cancel: Some(token) };
        let (line, gone) = (self.clone(), gone.clone());
        let back = aside(move || line.come_back(&gone, &until)).await;
        back.unwrap_or_else(|error| Err(TransportError::System { error, may_have_run: false }))
    }

    /// As [`follow`](Line::follow), in a task.
    pub(crate) async fn follow_async(
        self: &Arc<Line>,
        gone: &ClientCore,
        deadline: alpc_transport::Deadline,
    ) -> Result<ClientCore, TransportError> {
        let until = Until { deadline, cancel: gone.cancel.clone() };
        self.come_back_async(&gone.target, &until).await?;
        Ok(self.core(gone))
    }
}

/// A task that waits for the next connection. If it goes, nobody tries any longer for its sake.
#[cfg(feature = "async")]
struct Waits(Canceller);

#[cfg(feature = "async")]
impl Drop for Waits {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

#[cfg(feature = "async")]
impl Journey<'_> {
    /// As [`come_back`](Journey::come_back), in a task.
    async fn come_back_async(&mut self, error: &TransportError) -> Result<(), TransportError> {
        let back = self.line.come_back_async(&self.core.target, &self.until).await;
        back.map_err(|failed| failed.of_call_that(error.may_have_run() || self.repeats > 0))?;
        self.core = self.line.core(&self.core);
        Ok(())
    }
}
