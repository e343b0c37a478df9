//! The server's side: a port, a fixed number of workers, and the way of a call through them.

mod agreement;
mod buffers;
mod call;
mod connection;
mod framework;
mod links;
mod reply;
mod responder;
mod serve;
mod serving;
mod tasks;
mod threads;
mod unimplemented;

use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use alpc_transport::{
    Completion, CompletionPort, ConnectionPort, ConnectionRequest, Counts, Deadline, IncomingCall,
    PortAttributes, PortName, ServerPort, Worker,
};

use agreement::Known;
pub use buffers::{InOutBuf, OutBuf};
pub(crate) use call::part_bytes;
pub use call::{Arguments, Call, RawSlice, ServerCall};
pub use connection::Connection;
pub(crate) use connection::Session;
use links::Links;
pub use reply::Reply;
pub(crate) use reply::with_long_body;
pub(crate) use responder::Deferral;
pub use responder::{AnswerError, Responder, unimplemented_later};
pub(crate) use serve::{Incoming, Runner, Sent, message_of, place, serve};
use serving::Driver;
pub use serving::Serve;
pub(crate) use tasks::finish;
use tasks::{Task, Tasks};
use threads::Threads;
use unimplemented::is_unimplemented;
pub use unimplemented::unimplemented;

use crate::agreement::Agreement;
use crate::client::MAX_OBJECTS;
use crate::descriptor::InterfaceDesc;
use crate::error::Fault;
use crate::event::Emitter;
use crate::hello::Hello;
use crate::object::Link;
use crate::report::report;

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

    /// Whether the method of this number is an `async fn`, and is run by
    /// [`handle`](Dispatch::handle).
    fn is_async(&self, _ordinal: u64) -> bool {
        false
    }

    /// Runs one call as [`dispatch`](Dispatch::dispatch) does, in as many pieces as it takes.
    fn handle<'m>(&'m self, call: ServerCall<'m>) -> Handling<'m> {
        Box::pin(std::future::ready(self.dispatch(call)))
    }

    /// Where the interface's events are sent from, if it has any.
    fn emitter(&self) -> Option<&Emitter> {
        None
    }

    /// Where the events of an interface that it inherits from are sent from.
    fn inherited_emitter(&self, _interface: u128) -> Option<&Emitter> {
        None
    }

    /// Where the events are sent from that the interface with this id declares.
    fn emitter_of(&self, interface: u128) -> Option<&Emitter> {
        if interface == self.interface().id {
            self.emitter()
        } else {
            self.inherited_emitter(interface)
        }
    }
}

/// A call that an `async fn` handles.
pub type Handling<'m> = Pin<Box<dyn Future<Output = Result<(), Fault>> + Send + 'm>>;

/// What generated code says of a method that is none of its `async` ones: nobody asks for that.
pub fn not_async<'m>() -> Handling<'m> {
    Box::pin(std::future::ready(Err(Fault::UnknownMethod)))
}

/// A server while it runs. Dropping it ends the service and waits for the handlers that run.
pub struct Server {
    port: Arc<CompletionPort>,
    threads: Threads,
    driver: Arc<Driver>,
    name: PortName,
    service: Arc<Service>,
}

/// A server that is being set up.
pub struct ServerBuilder {
    name: PortName,
    attributes: PortAttributes,
    workers: usize,
    /// `None`: as many as there are workers.
    concurrency: Option<usize>,
    service: Service,
}

/// What the workers serve.
struct Service {
    interfaces: Vec<Arc<Interface>>,
    /// What those inherit from: a client of a base is served by what inherits from it.
    inherited: Vec<Arc<Interface>>,
    on_connect: Option<OnConnect>,
    max_objects: usize,
    links: Links,
    tasks: Arc<Tasks>,
}

type OnConnect = Box<dyn Fn(Connection<'_>) + Send + Sync>;

struct Interface {
    /// That of `dispatch`, or one that it inherits from.
    described: &'static InterfaceDesc,
    hello: Hello,
    dispatch: Arc<dyn Dispatch>,
    /// What is known of clients of other versions.
    known: Known,
}

impl Interface {
    fn new(described: &'static InterfaceDesc, dispatch: Arc<dyn Dispatch>) -> Arc<Interface> {
        let (hello, known) = (Hello::of(described), Known::default());
        Arc::new(Interface { described, hello, dispatch, known })
    }
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
            concurrency: None,
            service: Service {
                interfaces: Vec::new(),
                inherited: Vec::new(),
                on_connect: None,
                max_objects: MAX_OBJECTS,
                links: Links::default(),
                tasks: Arc::default(),
            },
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

    /// What became of calls that nobody waited for, since the server was started.
    pub fn counts(&self) -> Counts {
        self.port.counts()
    }

    /// How many workers run handlers at one time, however many there are.
    pub fn concurrency(&self) -> usize {
        self.port.concurrency()
    }

    /// Changes how many workers run handlers at one time: at least one. Handlers that run finish; a
    /// lower limit holds from each worker's next call on.
    pub fn set_concurrency(&self, limit: usize) {
        self.port.set_concurrency(limit);
    }

    /// Serves in the task that awaits what is returned, beside the server's threads if it has any
    /// ([`ServerBuilder::workers`]): calls come in, handlers that are functions run, and those that are
    /// futures are polled. It ends when the service does.
    ///
    /// Several tasks may serve one server, to use several CPUs. A task needs no runtime; inside a tokio one,
    /// with the feature `tokio`, the runtime's reactor (`enable_io`) says when there is something to do,
    /// elsewhere a thread that does nothing else. Handlers are polled wherever the task is, so what they
    /// need of its runtime is there. A handler that is a function and takes long holds up the
    /// executor's thread, as any function does that is called in a task.
    ///
    /// ```no_run
    /// # async fn example(server: alpc_rpc::Server) -> Result<(), alpc_rpc::transport::Error> {
    /// server.serve().await
    /// # }
    /// ```
    pub fn serve(&self) -> Serve {
        let (port, service) = (self.port.clone(), self.service.clone());
        Serve::new(port, service, self.driver.clone())
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

    /// Ends the service as [`shut_down`](Server::shut_down) does, but first runs the calls that the
    /// server has already taken, for `patience` at most. `true`: all of them were run.
    pub fn run_down(mut self, patience: Duration) -> bool {
        let is_drained = self.port.run_down(Deadline::after(patience));
        self.join();
        is_drained
    }

    /// Blocks until somebody ends the service.
    pub fn wait(mut self) {
        self.join();
    }

    fn join(&mut self) {
        self.threads.join();
        self.service.links.end_streams();
        self.service.tasks.end();
        self.driver.end();
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
    /// each CPU, and at least four. Where handlers wait in calls of their own, others take their places
    /// meanwhile: threads are started for that, one for each that waits at one time, up to
    /// [`max_depth`](PortAttributes::max_depth) times this many.
    ///
    /// None at all leaves everything to those who await [`Server::serve`].
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// How many of the workers run handlers at one time; all of them unless said otherwise. With more
    /// workers than that, handlers that wait in [`Call::blocking`] make room for others.
    /// [`Server::set_concurrency`] changes it later.
    #[must_use]
    pub fn concurrency(mut self, limit: usize) -> Self {
        self.concurrency = Some(limit.max(1));
        self
    }

    /// How many objects each client may hold at a time. A call whose answer would give it one more
    /// fails; the default is 4096. Subscriptions to events count, too.
    #[must_use]
    pub fn max_objects(mut self, max_objects: usize) -> Self {
        self.service.max_objects = max_objects;
        self
    }

    /// Adds an interface. A client says when it connects which one it wants, or wants an interface
    /// that this one inherits from: it is then served by the first that does, if none is that
    /// interface itself.
    #[must_use]
    pub fn interface(mut self, dispatch: impl Dispatch) -> Self {
        let dispatch: Arc<dyn Dispatch> = Arc::new(dispatch);
        let described = dispatch.interface();
        let bases = described.inherited().into_iter();
        self.service.inherited.extend(bases.map(|base| Interface::new(base, dispatch.clone())));
        self.service.interfaces.push(Interface::new(described, dispatch));
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
        // Spare threads are for others that wait, not for more work at one time.
        let limit = self.concurrency.or(Some(self.workers).filter(|workers| *workers > 0));
        if let Some(limit) = limit {
            port.set_concurrency(limit);
        }
        let service = Arc::new(self.service);
        service.tasks.set_port(&port);
        let depth = self.attributes.limits().max_depth;
        let threads = Threads::start(&port, &service, self.workers, depth)?;
        Ok(Server { port, threads, driver: Arc::default(), name: self.name, service })
    }
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a worker's thread does.
fn run(mut worker: Worker, service: &Arc<Service>) {
    // An error is the system's, which cannot wait any more; the other workers meet it, too.
    while let Ok(Some(completion)) = worker.next() {
        deal_with(completion, Runner::Worker(&mut worker), service);
    }
}

fn session_of(port: &ServerPort) -> Option<&Session> {
    port.context::<Served>().map(|served| &served.session)
}

/// Deals with one completion, whoever has taken it.
fn deal_with(completion: Completion, runner: Runner<'_>, service: &Arc<Service>) {
    match completion {
        Completion::Connecting(request) => answer_connection(request, service),
        Completion::Connected(port) => {
            served(&port, service);
        }
        Completion::Call(call) if call.depth() == 1 => serve_one(runner, call, service),
        Completion::Call(call) => {
            let service = service.clone();
            place(runner, call, move |runner, call| serve_one(runner, call, &service));
        }
        Completion::Closed(port) => {
            if let Some(served) = port.context::<Served>() {
                served.link.run_down();
            }
        }
        Completion::Posted(packet) => {
            if let Ok(task) = packet.downcast::<Arc<Task>>() {
                task.run();
            }
        }
        _ => {}
    }
}

fn serve_one(runner: Runner<'_>, call: IncomingCall, service: &Service) {
    let port = call.port().clone();
    if let Some(Served { link, session }) = served(&port, service) {
        let connection = Connection::new(&port, session, link);
        if let Some(begun) = serve(runner, call, connection, session_of) {
            service.tasks.begin(begun);
        }
    }
}

fn answer_connection(request: ConnectionRequest, service: &Service) {
    let Some(theirs) = Hello::decode(request.data()) else {
        return request.refuse("this port speaks alpc-rpc, of another version or not at all");
    };
    match choose(service, &theirs) {
        Ok(interface) => {
            // A client that has gone meanwhile does not need the answer.
            let _gone = request.accept(&interface.hello.encode());
        }
        Err(refusal) => request.refuse(&refusal),
    }
}

/// The interface that a client wants: the very one, or another version of it, or what inherits from
/// it.
fn choose<'s>(service: &'s Service, theirs: &Hello) -> Result<&'s Arc<Interface>, String> {
    let interfaces = &service.interfaces;
    if let Some(same) = interfaces.iter().find(|interface| interface.hello.is_equal(theirs)) {
        return same.hello.judge(theirs).map(|()| same);
    }
    let mut refusal = format!("this port does not serve `{}`", theirs.name);
    for interface in interfaces {
        match interface.hello.judge(theirs) {
            Ok(()) => return Ok(interface),
            // Nearly the right one: tell what differs. On a port of one interface, always.
            Err(why) if interface.hello.id == theirs.id || interfaces.len() == 1 => refusal = why,
            Err(_) => {}
        }
    }
    let mut bases = service.inherited.iter();
    if let Some(base) = bases.find(|base| base.hello.judge(theirs).is_ok()) {
        return Ok(base);
    }
    Err(refusal)
}

/// What the runtime keeps for a client, as the port's context.
struct Served {
    link: Arc<Link>,
    session: Session,
}

impl Drop for Served {
    fn drop(&mut self) {
        // Objects may hold clients of the same connection, and so each other.
        self.link.run_down();
    }
}

/// What belongs to a client, which is made when the first of the workers needs it: that may be for a
/// call, before another worker has heard that the connection is open.
fn served<'p>(port: &'p ServerPort, service: &Service) -> Option<&'p Served> {
    if port.context::<Served>().is_none() {
        let theirs = Hello::decode(port.connect_data())?;
        let chosen = choose(service, &theirs).ok()?;
        let agreement = match chosen.hello.is_equal(&theirs) {
            true => Agreement::Whole,
            false => Agreement::Partial(OnceLock::new()),
        };
        let link = Arc::new(Link::of_server(service.max_objects, agreement));
        service.links.add(&link);
        port.set_context(Served { link, session: Session::new(chosen.clone()) });
    }
    let served = port.context::<Served>()?;
    let Served { link, session } = served;
    session.greeted.get_or_init(|| greet(Connection::new(port, session, link), service));
    Some(served)
}

fn greet(connection: Connection<'_>, service: &Service) {
    let Some(greet) = &service.on_connect else { return };
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| greet(connection))) {
        let message = message_of(&*panic);
        report(format_args!("greeting a client panicked ({message}); its connection was closed"));
        connection.close();
    }
}
