//! Calls that are waited for in tasks, of whichever runtime.
//!
//! What is sent and what comes back is the blocking client's affair too, and stands there. Here is how
//! a task waits for it. Nothing in this module blocks the thread that polls: what cannot be had without
//! blocking, which a connection needs once, is done [`aside`].

mod aside;
#[cfg(feature = "tokio")]
mod runtime;

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use alpc_transport::{
    CallFailure, Cancellation, CommunicationPort, Error, ErrorKind, PeerIdentity, PortAttributes,
    Region, Request, Response,
};
use serde::de::DeserializeOwned;

#[cfg(feature = "tokio")]
use super::call::failed;
use super::leaving::Answer;
use super::{
    CallInfo, Client, ClientCall, ClientCore, ClientReply, Patience, Reconnect, callbacks,
    without_endpoint,
};
use crate::error::{CallError, ConnectError, TransportError};
use crate::event::{EventStream, HasEvents};
pub(super) use aside::aside;
#[cfg(feature = "tokio")]
pub(crate) use runtime::Runtimes;

impl ClientCall<'_> {
    /// As [`invoke`](ClientCall::invoke), in a task. Dropped, the call is cancelled.
    ///
    /// # Errors
    ///
    /// As [`invoke`](ClientCall::invoke).
    pub async fn invoke_async<E: DeserializeOwned>(self) -> Result<ClientReply, CallError<E>> {
        self.answer_async().await?.read()
    }

    /// As [`invoke_infallible`](ClientCall::invoke_infallible), in a task. Dropped, the call is
    /// cancelled.
    ///
    /// # Errors
    ///
    /// As [`invoke_infallible`](ClientCall::invoke_infallible).
    pub async fn invoke_infallible_async(self) -> Result<ClientReply, TransportError> {
        self.answer_async().await?.read_infallible()
    }

    async fn answer_async(self) -> Result<Answer, TransportError> {
        match &self.core.line {
            Some(line) => self.answer_along_async(line).await,
            None => self.answer_once_async().await,
        }
    }

    pub(super) async fn answer_once_async(self) -> Result<Answer, TransportError> {
        let core = self.core;
        core.ensure_watched()?;
        self.ensure_callbacks_async().await?;
        let mut leaving = self.leave()?;
        let response = {
            let mut pieces = leaving.pieces();
            let told = pieces.told;
            core.make_async(pieces.request(), told).await
        };
        leaving.answered(response)
    }

    /// As [`send`](ClientCall::send), and waits for room in a task.
    ///
    /// # Errors
    ///
    /// As [`send`](ClientCall::send).
    pub async fn send_async(self) -> Result<(), CallError<Infallible>> {
        match &self.core.line {
            Some(line) => self.send_along_async(line).await,
            None => self.send_once_async().await,
        }
    }

    pub(super) async fn send_once_async(self) -> Result<(), CallError<Infallible>> {
        let port = self.core.port();
        self.core.ensure_watched()?;
        self.ensure_callbacks_async().await?;
        let mut leaving = self.leave_unanswered()?;
        let sent = {
            let mut pieces = leaving.pieces();
            let told = pieces.told;
            port.send_async_telling(pieces.request(), told).await
        };
        Ok(leaving.sent(sent)?)
    }

    /// Sees that the server can call what it is given. That takes a call, once for each connection, and
    /// all that come meanwhile wait for the same one.
    async fn ensure_callbacks_async(&self) -> Result<(), TransportError> {
        if !self.gives_away()? || callbacks::are_there(self.core) {
            return Ok(());
        }
        let (core, deadline) = (self.core.clone(), self.deadline);
        let made = aside(move || callbacks::ensure(&core, deadline)).await;
        made.map_err(|error| TransportError::System { error, may_have_run: false })?
    }
}

impl ClientCore {
    /// Sees that the connection is watched where this is polled: by a runtime's event loop, or else by a
    /// thread that the port starts when a task waits.
    fn ensure_watched(&self) -> Result<(), TransportError> {
        #[cfg(feature = "tokio")]
        self.target
            .link()
            .runtimes()
            .ensure(self.port())
            .map_err(|error| failed(CallFailure { error, may_have_run: false }))?;
        Ok(())
    }

    /// Makes a call, until the client's own token fires if it has one.
    async fn make_async(
        &self,
        request: Request<'_, '_>,
        told: &AtomicBool,
    ) -> Result<Response, CallFailure> {
        let cancelled = |may_have_run| {
            Err(CallFailure {
                error: Error::new(ErrorKind::Cancelled, "make a call"),
                may_have_run,
            })
        };
        let Some(token) = &self.cancel else {
            return self.port().call_async_telling(request, told).await;
        };
        if token.is_cancelled() {
            return cancelled(false);
        }
        let mut call = pin!(self.port().call_async_telling(request, told));
        let mut fired = pin!(token.cancelled());
        let made = poll_fn(|cx| match call.as_mut().poll(cx) {
            Poll::Ready(made) => Poll::Ready(Some(made)),
            Poll::Pending => fired.as_mut().poll(cx).map(|_| None),
        });
        match made.await {
            Some(made) => made,
            // The call is dropped with this.
            None => cancelled(told.load(Ordering::Relaxed)),
        }
    }
}

/// What every generated async client can do besides the calls of its interface: what [`Client`] is to
/// the blocking ones.
///
/// Its calls are futures for any executor. Dropping one cancels the call: the server is told, and an
/// answer that comes all the same is thrown away. Deadlines and errors are those of blocking clients.
pub trait AsyncClient: Sized + Clone + Send + Sync {
    /// The client of the same interface whose calls block. Either becomes the other with `into`, on
    /// the same connection.
    type Blocking: Client;

    #[doc(hidden)]
    fn from_core(core: ClientCore) -> Self;

    #[doc(hidden)]
    fn core(&self) -> &ClientCore;

    /// Connects to the port `name`, waiting up to 10 seconds for its server's decision.
    ///
    /// A thread of its own waits while the connection comes about; the executor's does not.
    ///
    /// # Errors
    ///
    /// When nobody serves the name, the server refuses, or it serves another interface.
    fn connect(name: &str) -> impl Future<Output = Result<Self, ConnectError>> + Send + use<Self> {
        let name = name.to_owned();
        async move { connect::<Self>(name, PortAttributes::new()).await }
    }

    /// Connects to the endpoint that the interface names as its own.
    ///
    /// # Errors
    ///
    /// As [`connect`](AsyncClient::connect); and when the interface names none.
    fn connect_default() -> impl Future<Output = Result<Self, ConnectError>> + Send {
        async {
            let interface = Self::Blocking::INTERFACE;
            let name = interface.endpoint.ok_or_else(|| without_endpoint(interface))?;
            Self::connect(name).await
        }
    }

    /// Connects with attributes of one's own.
    ///
    /// # Errors
    ///
    /// As [`connect`](AsyncClient::connect).
    fn connect_with(
        name: &str,
        attributes: &PortAttributes,
    ) -> impl Future<Output = Result<Self, ConnectError>> + Send + use<Self> {
        let (name, attributes) = (name.to_owned(), attributes.clone());
        async move { connect::<Self>(name, attributes).await }
    }

    /// The same connection, whose calls wait for `timeout`, whatever the interface says.
    #[must_use]
    fn with_timeout(&self, timeout: Duration) -> Self {
        Self::from_core(self.core().with_patience(Patience::For(timeout)))
    }

    /// The same connection, whose calls wait for as long as it takes.
    #[must_use]
    fn without_deadline(&self) -> Self {
        Self::from_core(self.core().with_patience(Patience::Forever))
    }

    /// The same connection, whose calls end when `token` fires, as those of
    /// [`Client::with_cancel`] do. A call that is dropped needs no token.
    #[must_use]
    fn with_cancel(&self, token: &Cancellation) -> Self {
        Self::from_core(self.core().with_cancel(token))
    }

    /// The same connection, which is made anew when it has ended: see [`Client::reconnect`]. What
    /// [prepares](Reconnect::prepare) a new one gets a client whose calls block, on a thread of its own.
    #[must_use]
    fn reconnect(&self, policy: Reconnect<Self::Blocking>) -> Self
    where
        Self::Blocking: 'static,
    {
        Self::from_core(self.core().reconnecting(policy))
    }

    /// As [`Client::current`].
    #[must_use]
    fn current(&self) -> Self {
        Self::from_core(self.core().current())
    }

    /// Makes calls and tells how their bulk arguments travelled.
    ///
    /// ```ignore
    /// let (sum, info) = client.observed(async |client| client.upload(&frame).await).await;
    /// println!("{:?}", info.bulk);
    /// ```
    fn observed<F: Future>(
        &self,
        calls: impl FnOnce(Self) -> F,
    ) -> impl Future<Output = (F::Output, CallInfo)> {
        let observer = Arc::new(Mutex::new(CallInfo::default()));
        let calls = calls(Self::from_core(self.core().observed_by(observer.clone())));
        async move {
            let result = calls.await;
            let mut info = observer.lock().unwrap_or_else(PoisonError::into_inner);
            (result, std::mem::take(&mut *info))
        }
    }

    /// Subscribes to the events of the object that this client calls, until what is returned is
    /// dropped. Waits for the server to say that it knows.
    ///
    /// If that fails, its error is the one and only thing that comes.
    fn events(
        &self,
    ) -> impl Future<Output = EventStream<<Self::Blocking as HasEvents>::Event>> + Send
    where
        Self::Blocking: HasEvents,
    {
        EventStream::subscribe(self.core(), Self::Blocking::INTERFACE)
    }

    /// As [`Client::region`].
    ///
    /// # Errors
    ///
    /// As [`Client::region`].
    fn region(&self, len: usize) -> Result<Region, alpc_transport::Error> {
        self.core().port().region(len)
    }

    /// Who the server is, as the kernel says.
    fn peer(&self) -> &PeerIdentity {
        self.core().port().peer()
    }

    /// The port underneath.
    fn port(&self) -> &CommunicationPort {
        self.core().port()
    }
}

async fn connect<C: AsyncClient>(
    name: String,
    attributes: PortAttributes,
) -> Result<C, ConnectError> {
    let interface = C::Blocking::INTERFACE;
    let connected = aside(move || ClientCore::connect(&name, &attributes, interface)).await;
    connected.map_err(ConnectError::Transport)?.map(C::from_core)
}

/// A buffer that was given to a call and has come back.
///
/// A future owns the buffers that its server fills: it may be dropped, or forgotten, at any time, and
/// what it only borrowed would be gone with its owner. Such a buffer goes by a section or in messages,
/// and is never lent. If the call fails or is dropped, so is the buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Filled<T> {
    /// The whole buffer, as long as it was. What the server has not written is as it was.
    pub buffer: Vec<T>,
    /// How many elements the server wrote, from the first one on.
    pub written: usize,
}

impl<T> Filled<T> {
    #[doc(hidden)]
    pub fn new(buffer: Vec<T>, written: usize) -> Filled<T> {
        Filled { buffer, written }
    }

    /// What the server wrote.
    pub fn as_written(&self) -> &[T] {
        self.buffer.get(..self.written).unwrap_or(&self.buffer)
    }

    /// What the server wrote, without the rest.
    pub fn into_written(mut self) -> Vec<T> {
        self.buffer.truncate(self.written);
        self.buffer
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Wake, Waker};
    use std::thread::Thread;

    use super::*;

    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        loop {
            match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(done) => return done,
                Poll::Pending => std::thread::park(),
            }
        }
    }

    #[test]
    fn a_buffer_shows_what_was_written() {
        let filled = Filled::new(vec![1, 2, 3], 2);
        assert_eq!((filled.as_written(), filled.buffer.len()), ([1, 2].as_slice(), 3));
        assert_eq!(filled.into_written(), [1, 2]);
    }
}
