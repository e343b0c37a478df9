//! The server's side: a port, a fixed number of workers, and the way of a call through them.

mod buffers;
mod call;
mod connection;

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

use alpc_transport::{
    Completion, CompletionPort, ConnectionPort, ConnectionRequest, ErrorKind, IncomingCall,
    PortAttributes, PortName, Reply as Answer, ServerPort, Worker,
};

pub use buffers::{InOutBuf, OutBuf};
use call::Outcome;
pub use call::{Arguments, Call, RawSlice, Reply, ServerCall};
pub use connection::Connection;

use connection::Session;

use crate::descriptor::InterfaceDesc;
use crate::error::Fault;
use crate::hello::Hello;

/// Serves an interface. Generated code implements it for `FooServer`.
pub trait Dispatch: Send + Sync + 'static {
    /// The interface.
    fn interface(&self) -> &'static InterfaceDesc;

    /// Runs one call: decodes its arguments, calls the handler, encodes its results.
    ///
    /// # Errors
    ///
    /// What the caller is told instead of results.
    fn dispatch(&self, call: ServerCall<'_>) -> Result<(), Fault>;
}

/// A server while it runs. Dropping it ends the service and waits for the handlers that run.
pub struct Server {
    port: Arc<CompletionPort>,
    workers: Vec<JoinHandle<()>>,
    name: PortName,
}

/// A server that is being set up.
pub struct ServerBuilder {
    name: PortName,
    attributes: PortAttributes,
    workers: usize,
    service: Service,
}

/// What the workers serve.
#[derive(Default)]
struct Service {
    interfaces: Vec<Interface>,
    on_connect: Option<OnConnect>,
}

type OnConnect = Box<dyn Fn(Connection<'_>) + Send + Sync>;

struct Interface {
    hello: Hello,
    dispatch: Arc<dyn Dispatch>,
}

impl Server {
    /// Begins to set up a server of the port `name`.
    ///
    /// ```ignore
    /// let server = Server::bind("acme.kv")?.serve(KeyValueServer::new(Store::default()))?;
    /// server.wait();
    /// ```
    ///
    /// # Errors
    ///
    /// When the name is not one.
    pub fn bind(name: &str) -> Result<ServerBuilder, alpc_transport::Error> {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(ServerBuilder {
            name: PortName::new(name)?,
            attributes: PortAttributes::new(),
            workers: cpus.max(4),
            service: Service::default(),
        })
    }

    /// The port's name.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// How many clients are connected.
    pub fn connections(&self) -> usize {
        self.port.connections()
    }

    /// A handle that ends the service from elsewhere, such as a signal handler's thread.
    pub fn stopper(&self) -> Stopper {
        Stopper { port: Arc::downgrade(&self.port) }
    }

    /// Ends the service: no more calls begin, and every client sees the end. Returns when the
    /// handlers that were running have returned.
    pub fn shut_down(mut self) {
        self.port.shut_down();
        self.join();
    }

    /// Blocks until somebody ends the service.
    pub fn wait(mut self) {
        self.join();
    }

    fn join(&mut self) {
        for worker in self.workers.drain(..) {
            // A worker catches the panics of handlers; one of its own was reported when it came.
            let _reported = worker.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.port.shut_down();
        self.join();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Ends a service. Keeping one does not keep the service, nor its name.
#[derive(Clone, Debug)]
pub struct Stopper {
    port: Weak<CompletionPort>,
}

impl Stopper {
    /// Ends the service, if it has not ended. Does not wait for handlers that run.
    pub fn stop(&self) {
        if let Some(port) = self.port.upgrade() {
            port.shut_down();
        }
    }
}

impl ServerBuilder {
    /// The port's attributes: limits, who may connect, whether memory may be reached directly.
    #[must_use]
    pub fn attributes(mut self, attributes: PortAttributes) -> Self {
        self.attributes = attributes;
        self
    }

    /// How many threads run handlers: as many calls are served at once. The default is one for
    /// each CPU, and at least four.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers.max(1);
        self
    }

    /// Adds an interface. A client says when it connects which one it wants.
    #[must_use]
    pub fn interface(mut self, dispatch: impl Dispatch) -> Self {
        let hello = Hello::of(dispatch.interface());
        self.service.interfaces.push(Interface { hello, dispatch: Arc::new(dispatch) });
        self
    }

    /// Has `greet` run for every connection that comes about, before its first call. It can give the
    /// connection a context, whose `Drop` then runs when the client is gone.
    ///
    /// The client's calls wait for it, and while it runs its worker does nothing else. It can close
    /// the connection, and then none of its calls is run.
    #[must_use]
    pub fn on_connect(mut self, greet: impl Fn(Connection<'_>) + Send + Sync + 'static) -> Self {
        self.service.on_connect = Some(Box::new(greet));
        self
    }

    /// Adds an interface and starts.
    ///
    /// # Errors
    ///
    /// As [`start`](ServerBuilder::start).
    pub fn serve(self, dispatch: impl Dispatch) -> Result<Server, alpc_transport::Error> {
        self.interface(dispatch).start()
    }

    /// Takes the name and starts the workers. Returns at once; the server runs until it is dropped.
    ///
    /// # Errors
    ///
    /// When another server has the name, its place is not to be trusted, or the system has no
    /// threads or descriptors left.
    pub fn start(self) -> Result<Server, alpc_transport::Error> {
        let connection = ConnectionPort::create(&self.name, &self.attributes)?;
        let port = Arc::new(CompletionPort::new(connection)?);
        let service = Arc::new(self.service);
        let mut server = Server { port, workers: Vec::new(), name: self.name };
        for number in 0..self.workers {
            let (worker, service) = (server.port.worker(), service.clone());
            let thread = std::thread::Builder::new()
                .name(format!("alpc-worker-{number}"))
                .spawn(move || run(worker, &service))
                .map_err(|error| alpc_transport::Error::os("start a worker", error))?;
            server.workers.push(thread);
        }
        Ok(server)
    }
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a worker's thread does.
fn run(mut worker: Worker, service: &Service) {
    // An error is the system's, which cannot wait any more; the other workers meet it, too.
    while let Ok(Some(completion)) = worker.next() {
        match completion {
            Completion::Connecting(request) => answer_connection(request, service),
            Completion::Connected(port) => {
                session(&port, service);
            }
            Completion::Call(call) => serve(&mut worker, call, service),
            // Letting go of a port that was closed is all there is to do.
            _ => {}
        }
    }
}

fn answer_connection(request: ConnectionRequest, service: &Service) {
    let interfaces = &service.interfaces;
    let Some(theirs) = Hello::decode(request.data()) else {
        return request.refuse("this port speaks alpc-rpc, of another version or not at all");
    };
    let judgements = interfaces.iter().map(|interface| (interface, interface.hello.judge(&theirs)));
    let mut refusal = format!("this port does not serve `{}`", theirs.name);
    for (interface, judgement) in judgements {
        match judgement {
            Ok(()) => {
                // A client that has gone meanwhile does not need the answer.
                let _gone = request.accept(&interface.hello.encode());
                return;
            }
            // Nearly the right one: tell what differs. On a port of one interface, always.
            Err(why) if interface.hello.id == theirs.id || interfaces.len() == 1 => refusal = why,
            Err(_) => {}
        }
    }
    request.refuse(&refusal);
}

/// What belongs to a client, which is made when the first of the workers needs it: that may be for a
/// call, before another worker has heard that the connection is open.
fn session<'p>(port: &'p ServerPort, service: &Service) -> Option<&'p Session> {
    if port.context::<Session>().is_none() {
        let theirs = Hello::decode(port.connect_data())?;
        let mut interfaces = service.interfaces.iter();
        let chosen = interfaces.find(|interface| interface.hello.judge(&theirs).is_ok())?;
        port.set_context(Session::new(chosen.dispatch.clone()));
    }
    let session = port.context::<Session>()?;
    session.greeted.get_or_init(|| greet(Connection::new(port, session), service));
    Some(session)
}

fn greet(connection: Connection<'_>, service: &Service) {
    let Some(greet) = &service.on_connect else { return };
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| greet(connection))) {
        let message = message_of(&*panic);
        eprintln!("alpc-rpc: greeting a client panicked ({message}); its connection was closed");
        connection.close();
    }
}

/// Runs one call and answers it, whatever happens.
fn serve(worker: &mut Worker, mut call: IncomingCall, service: &Service) {
    let port = call.port().clone();
    let answer = match session(&port, service) {
        // Nobody hears an answer.
        Some(session) if session.is_closed() => return,
        Some(session) => dispatch(&mut call, Connection::new(&port, session), &*session.dispatch),
        None => Err(Fault::UnknownMethod),
    };
    if !call.wants_reply() {
        return;
    }
    let answer = answer.unwrap_or_else(|fault| refusal(&fault));
    if let Err((error, Some(call))) = worker.reply(call, answer) {
        let what = error.to_string();
        let fault = match error.kind() {
            ErrorKind::TooLarge { .. } => Fault::ReplyTooLong { what },
            _ => Fault::BadReply { what },
        };
        // If not even that can be sent, the client is gone.
        let _gone = worker.reply(call, refusal(&fault));
    }
}

fn refusal(fault: &Fault) -> Answer {
    Answer { status: fault.code(), body: fault.text().as_bytes().to_vec(), ..Answer::default() }
}

/// Has the interface run the call. A panic of the handler's is its caller's fault to hear of.
fn dispatch(
    call: &mut IncomingCall,
    connection: Connection<'_>,
    dispatch: &dyn Dispatch,
) -> Result<Answer, Fault> {
    if call.deadline().is_past() {
        return Err(Fault::Expired);
    }
    let method = dispatch.interface().method(call.method()).ok_or(Fault::UnknownMethod)?;
    let travelled: Vec<_> = call.travelled().collect();
    call.fetch().map_err(|error| Fault::BadArguments { what: error.to_string() })?;
    let mut parts = call.take_parts();
    let mut outcome = Outcome::default();
    let server_call =
        ServerCall::new(call, connection, method, &mut parts, travelled, &mut outcome);
    let ran = catch_unwind(AssertUnwindSafe(|| dispatch.dispatch(server_call)));
    match ran {
        Ok(Ok(())) => Ok(outcome.answer.unwrap_or_default()),
        // A bound that is broken after the arguments were read is broken by the answer.
        Ok(Err(fault)) if outcome.begun => Err(fault.after_handler()),
        Ok(Err(fault)) => Err(fault),
        Err(panic) => {
            report(method.name, &*panic);
            Err(Fault::HandlerPanicked)
        }
    }
}

/// The panic's message was printed where it happened; this says which call it ended.
fn report(method: &str, panic: &(dyn Any + Send)) {
    let message = message_of(panic);
    eprintln!("alpc-rpc: the handler of `{method}` panicked ({message}); its caller was told");
}

fn message_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
