//! The named port that clients connect to.
//!
//! It is a small machine without a thread of its own: a set of handshakes under way that goes on
//! whenever somebody asks for the next event, and a descriptor that is readable while there is
//! anything to go on with. No client can make it wait: all it does is take what is there, and drop
//! whoever is too slow.

mod places;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use interprocess::local_socket::Stream;
use interprocess::local_socket::traits::Listener as _;

pub(crate) use places::Place;
use places::Places;

use super::attributes::{Admission, DirectAvailability, PortAttributes};
use super::handshake::{
    Answer, Asked, Established, Greeting, Introduction, Prober, RefusalCode, ThreadNumber, refuse,
};
use crate::error::{Error, ErrorKind, Result};
use crate::message::Deadline;
use crate::name::{Directory, PortName};
use crate::peer::PeerIdentity;
use crate::sys::identity::{effective_uid, peer_of};
use crate::sys::poll::wait_for_peer;
use crate::sys::poller::{Poller, spare_descriptor};
use crate::sys::rendezvous::{Reach, Rendezvous, listener_fd, stream_fd};

const LISTENER: u64 = 0;
const PROBER: u64 = 1;
const FIRST_CLIENT: u64 = 2;

/// Steps of one `try_next`. A flood of clients must not keep its caller from other work.
const MAX_STEPS: usize = 64;

/// How long nobody is let in when the process has not even the descriptors to say so.
const PAUSE: Duration = Duration::from_millis(100);

/// A named port to which clients connect.
///
/// It belongs to this process as long as it lives; dropping it frees the name, and so does the end
/// of the process, however it ends. Connections that were accepted stay.
///
/// Any number of threads may ask for events. The descriptor of [`as_fd`](AsFd::as_fd) is readable
/// while [`try_next`](ConnectionPort::try_next) has something to do.
pub struct ConnectionPort {
    shared: Arc<Shared>,
}

/// What happens at a port.
#[non_exhaustive]
pub enum ConnectionEvent {
    /// A client that the port's policy admits wants a connection.
    Request(ConnectionRequest),
    /// A client that was accepted is ready, and messages may flow.
    Established(AcceptedConnection),
}

/// A finished handshake.
pub struct AcceptedConnection {
    established: Box<Established>,
}

impl ConnectionPort {
    /// Takes `name` and begins to listen.
    ///
    /// Fails with [`AlreadyExists`](ErrorKind::AlreadyExists) while another port has the name, in
    /// this process or another.
    pub fn create(name: &PortName, attributes: &PortAttributes) -> Result<ConnectionPort> {
        attributes.check()?;
        let directory = match &attributes.directory {
            Some(directory) => directory.clone(),
            None => Directory::locate()?,
        };
        let reach = match attributes.admission {
            Admission::SameUser => Reach::SameUser,
            Admission::Anyone | Admission::Rule(_) => Reach::Everybody,
        };
        let rendezvous = Rendezvous::create(name, &directory, reach)?;
        let poller = Poller::new()?;
        poller.add(listener_fd(rendezvous.listener()), LISTENER)?;
        let prober = Prober::new()?;
        poller.add(prober.bell().fd(), PROBER)?;
        let state = State {
            clients: HashMap::new(),
            next_client: FIRST_CLIENT,
            spare: spare_descriptor(),
            paused: None,
            alarm: None,
        };
        let shared = Shared {
            rendezvous,
            poller,
            prober,
            name: name.clone(),
            attributes: attributes.clone(),
            own_uid: effective_uid(),
            places: Arc::new(Places::default()),
            state: Mutex::new(state),
        };
        Ok(ConnectionPort { shared: Arc::new(shared) })
    }

    /// The port's name.
    pub fn name(&self) -> &PortName {
        &self.shared.name
    }

    /// The next event, if one is there. Never waits for a client.
    pub fn try_next(&self) -> Result<Option<ConnectionEvent>> {
        self.shared.try_next()
    }

    /// Waits for the next event.
    ///
    /// Fails with [`TimedOut`](ErrorKind::TimedOut) when there is none until `deadline`.
    pub fn next(&self, deadline: Deadline) -> Result<ConnectionEvent> {
        loop {
            if let Some(event) = self.try_next()? {
                return Ok(event);
            }
            if deadline.is_past() {
                return Err(Error::new(ErrorKind::TimedOut, self.shared.doing()));
            }
            wait_for_peer(self.as_fd(), None, deadline.remaining())?;
        }
    }
}

#[cfg(test)]
impl ConnectionPort {
    /// How many handshakes are under way.
    pub(crate) fn handshakes(&self) -> usize {
        self.shared.lock().clients.len()
    }
}

impl AsFd for ConnectionPort {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.shared.poller.fd()
    }
}

impl AcceptedConnection {
    /// Who the client is.
    pub fn peer(&self) -> &PeerIdentity {
        &self.established.peer
    }

    /// What the client sent along when it connected.
    pub fn data(&self) -> &[u8] {
        &self.established.data
    }

    pub(crate) fn into_established(self) -> Established {
        *self.established
    }
}

/// A client that waits for an answer. Dropped without one, it is refused.
pub struct ConnectionRequest {
    /// `None` once it is answered.
    question: Option<(Greeting, Place)>,
    port: Weak<Shared>,
}

impl ConnectionRequest {
    /// Who asks.
    pub fn peer(&self) -> &PeerIdentity {
        &self.greeting().peer
    }

    /// What the client sent along: up to [`MAX_CONNECTION_DATA`](crate::MAX_CONNECTION_DATA) bytes.
    pub fn data(&self) -> &[u8] {
        &self.greeting().data
    }

    /// Lets the client in, with up to 4 KiB of words of the server's own.
    ///
    /// The connection is there when the port tells [`ConnectionEvent::Established`]; a client that
    /// goes away before that is never heard of again. When this fails, the client was told why it
    /// cannot come in, and nothing else is to be done.
    pub fn accept(mut self, data: &[u8]) -> Result<()> {
        let Some((greeting, handshake)) = self.question.take() else { return Ok(()) };
        let accepted = match self.port.upgrade() {
            Some(port) => port.accept(&greeting, handshake, data),
            None => Err(busy("its port was closed".to_owned())),
        };
        accepted.inspect_err(|error| match error.kind() {
            ErrorKind::Busy { reason } => greeting.refuse(RefusalCode::Busy, reason),
            _ => greeting.refuse(RefusalCode::Busy, &format!("it {error}")),
        })
    }

    /// Sends the client away, with the reason that its caller gets to read: up to 1 KiB.
    pub fn refuse(mut self, reason: &str) {
        if let Some((greeting, _)) = self.question.take() {
            greeting.refuse(RefusalCode::Policy, reason);
        }
    }

    fn greeting(&self) -> &Greeting {
        let question = self.question.as_ref();
        &question.expect("only `accept`, `refuse` and `drop` take it, and end this").0
    }
}

impl Drop for ConnectionRequest {
    fn drop(&mut self) {
        if let Some((greeting, _)) = self.question.take() {
            greeting.refuse(RefusalCode::Busy, "it did not answer the request");
        }
    }
}

fn busy(reason: String) -> Error {
    Error::new(ErrorKind::Busy { reason }, "accept a client")
}

struct Shared {
    rendezvous: Rendezvous,
    poller: Poller,
    prober: Prober,
    name: PortName,
    attributes: PortAttributes,
    own_uid: u32,
    places: Arc<Places>,
    state: Mutex<State>,
}

struct State {
    clients: HashMap<u64, Client>,
    /// Numbers are never used twice, so that a late answer meets nobody else.
    next_client: u64,
    /// Given back to let one more client in and tell it that there is no room.
    spare: Option<OwnedFd>,
    /// Until when nobody is let in.
    paused: Option<Deadline>,
    alarm: Option<Deadline>,
}

/// A client in the middle of its handshake. Its descriptor is watched under its number.
struct Client {
    stage: Stage,
    until: Deadline,
    handshake: Place,
}

enum Stage {
    Introducing(Introduction),
    Answered(Answer),
    Probing(Answer, ThreadNumber),
}

/// What a step came to.
enum Progress {
    Nothing,
    Greeted(Greeting, Place),
    Established(Established),
}

impl Shared {
    fn try_next(self: &Arc<Shared>) -> Result<Option<ConnectionEvent>> {
        if !self.rendezvous.is_ours() {
            return Err(Error::new(ErrorKind::Forked, self.doing()));
        }
        for _ in 0..MAX_STEPS {
            let mut state = self.lock();
            let progress = match self.poller.next()? {
                None => return Ok(None),
                Some(LISTENER) => self.let_in(&mut state),
                Some(PROBER) => Ok(match self.prober.take() {
                    Some((client, direct)) => self.probed(&mut state, client, direct),
                    None => Progress::Nothing,
                }),
                Some(Poller::ALARM) => Ok(self.overdue(&mut state)),
                Some(client) => Ok(self.go_on(&mut state, client)),
            };
            // Also after a failure: the alarm is what ends a pause.
            self.set_alarm(&mut state)?;
            drop(state);
            match progress? {
                Progress::Nothing => {}
                Progress::Established(established) => {
                    let established = Box::new(established);
                    let accepted = AcceptedConnection { established };
                    return Ok(Some(ConnectionEvent::Established(accepted)));
                }
                Progress::Greeted(greeting, handshake) => {
                    let port = Arc::downgrade(self);
                    let question = Some((greeting, handshake));
                    let request = ConnectionRequest { question, port };
                    if let Some(request) = self.admit(request) {
                        return Ok(Some(ConnectionEvent::Request(request)));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Asks the policy, with no lock held: it may be anybody's code.
    fn admit(&self, request: ConnectionRequest) -> Option<ConnectionRequest> {
        let admission = &self.attributes.admission;
        match admission.decide(request.peer(), request.data(), self.own_uid) {
            Ok(()) => Some(request),
            Err(reason) => {
                request.refuse(&reason);
                None
            }
        }
    }

    /// Accepts the next client at the socket.
    fn let_in(&self, state: &mut State) -> Result<Progress> {
        match self.rendezvous.listener().accept() {
            Ok(stream) => self.introduce(state, stream),
            Err(error) => match error.raw_os_error() {
                Some(libc::EAGAIN | libc::ECONNABORTED | libc::EINTR) => {}
                Some(libc::EMFILE | libc::ENFILE) => self.turn_away(state),
                _ => {
                    self.pause(state);
                    return Err(Error::os(self.doing(), error));
                }
            },
        }
        Ok(Progress::Nothing)
    }

    fn introduce(&self, state: &mut State, stream: Stream) {
        let peer = match peer_of(stream_fd(&stream)) {
            Ok(peer) => peer,
            Err(error) => return refuse(&stream, RefusalCode::Busy, &format!("it {error}")),
        };
        // Whoever can be refused unheard is: not a byte of its is parsed.
        if matches!(self.attributes.admission, Admission::SameUser) {
            let decision = self.attributes.admission.decide(&peer, &[], self.own_uid);
            if let Err(reason) = decision {
                return refuse(&stream, RefusalCode::Policy, &reason);
            }
        }
        let handshake = match self.places.for_handshake(peer.uid()) {
            Ok(place) => place,
            Err(reason) => return refuse(&stream, RefusalCode::Busy, &reason),
        };
        let introduction = Introduction::new(stream, peer);
        if let Err(error) = self.watch(state, Stage::Introducing(introduction), handshake) {
            let (error, Stage::Introducing(introduction)) = *error else { return };
            introduction.refuse(RefusalCode::Busy, &format!("it {error}"));
        }
    }

    /// Out of descriptors: lets one client in, by the last one, only to tell it so. Otherwise all
    /// would wait in the queue for their deadlines, and the queue would never be empty.
    fn turn_away(&self, state: &mut State) {
        let spare = state.spare.take();
        let had_one = spare.is_some();
        drop(spare);
        if had_one && let Ok(stream) = self.rendezvous.listener().accept() {
            refuse(&stream, RefusalCode::Busy, "it has no file descriptors left");
        }
        state.spare = spare_descriptor();
        if state.spare.is_none() {
            self.pause(state);
        }
    }

    fn pause(&self, state: &mut State) {
        self.poller.remove(listener_fd(self.rendezvous.listener()));
        state.paused = Some(Deadline::after(PAUSE));
    }

    /// Goes on with a client whose descriptor has something.
    fn go_on(&self, state: &mut State, number: u64) -> Progress {
        // Another thread may have been faster.
        let Some(client) = state.clients.get_mut(&number) else { return Progress::Nothing };
        match &mut client.stage {
            Stage::Introducing(introduction) => match introduction.advance() {
                Ok(false) => Progress::Nothing,
                Ok(true) => self.greet(state, number),
                Err(error) => {
                    introduction.refuse_offender(&error);
                    self.forget(state, number);
                    Progress::Nothing
                }
            },
            Stage::Answered(answer) => {
                let readiness = match answer.advance() {
                    Ok(None) => return Progress::Nothing,
                    Ok(Some(readiness)) => readiness,
                    Err(_) => {
                        self.forget(state, number);
                        return Progress::Nothing;
                    }
                };
                let asked = match answer.probe(&readiness, number, self.own_uid) {
                    Ok(job) => self.prober.ask(job),
                    Err(unavailable) => Asked::Never(unavailable),
                };
                match asked {
                    Asked::Later(thread) => self.await_probe(state, number, thread),
                    Asked::Never(direct) => self.start(state, number, direct),
                }
            }
            // It is not watched meanwhile.
            Stage::Probing(..) => Progress::Nothing,
        }
    }

    /// A client's CONNECT is complete.
    fn greet(&self, state: &mut State, number: u64) -> Progress {
        let Some(Client { stage: Stage::Introducing(introduction), handshake, .. }) =
            self.forget(state, number)
        else {
            return Progress::Nothing;
        };
        match introduction.understand(&self.attributes.limits) {
            Some(greeting) => Progress::Greeted(greeting, handshake),
            None => Progress::Nothing,
        }
    }

    /// The application accepts a client.
    fn accept(&self, greeting: &Greeting, handshake: Place, data: &[u8]) -> Result<()> {
        let uid = greeting.peer.uid();
        let per_user = self.attributes.connections_of(uid, self.own_uid);
        let max = self.attributes.max_connections;
        let place = self.places.for_connection(uid, max, per_user).map_err(busy)?;
        let answer = greeting.accept(data, place)?;
        let mut state = self.lock();
        self.watch(&mut state, Stage::Answered(answer), handshake).map_err(|error| error.0)?;
        self.set_alarm(&mut state)
    }

    /// Stops listening to a client until its memory has been probed.
    fn await_probe(&self, state: &mut State, number: u64, thread: ThreadNumber) -> Progress {
        if let Some(Client { stage: Stage::Answered(answer), handshake, .. }) =
            self.forget(state, number)
        {
            let until = Deadline::after(self.attributes.handshake_deadline / 2);
            let client = Client { stage: Stage::Probing(answer, thread), until, handshake };
            state.clients.insert(number, client);
        }
        Progress::Nothing
    }

    fn probed(&self, state: &mut State, number: u64, direct: DirectAvailability) -> Progress {
        match state.clients.get(&number).map(|client| &client.stage) {
            Some(Stage::Probing(..)) => self.start(state, number, direct),
            _ => Progress::Nothing,
        }
    }

    /// The last step: the client is told, and the connection is there.
    fn start(&self, state: &mut State, number: u64, direct: DirectAvailability) -> Progress {
        match self.forget(state, number).map(|client| client.stage) {
            Some(Stage::Answered(answer) | Stage::Probing(answer, _)) => {
                answer.start(direct).map_or(Progress::Nothing, Progress::Established)
            }
            _ => Progress::Nothing,
        }
    }

    /// The alarm went off: deals with one client that is late. What is left sets it off again.
    fn overdue(&self, state: &mut State) -> Progress {
        state.alarm = None;
        if state.paused.is_some_and(Deadline::is_past) {
            state.paused = None;
            let listener = listener_fd(self.rendezvous.listener());
            if self.poller.add(listener, LISTENER).is_err() {
                self.pause(state);
            }
        }
        let late = state.clients.iter().find(|(_, client)| client.until.is_past());
        let Some((&number, client)) = late else { return Progress::Nothing };
        match &client.stage {
            Stage::Introducing(introduction) => {
                introduction.refuse(RefusalCode::Misbehaved, "the handshake took too long");
            }
            Stage::Answered(_) => {}
            Stage::Probing(_, thread) => {
                self.prober.give_up(*thread);
                return self.start(state, number, DirectAvailability::Stalled);
            }
        }
        self.forget(state, number);
        Progress::Nothing
    }

    /// Begins a stage in which the client has to act.
    fn watch(
        &self,
        state: &mut State,
        stage: Stage,
        handshake: Place,
    ) -> std::result::Result<(), Box<(Error, Stage)>> {
        let number = state.next_client;
        state.next_client += 1;
        if let Err(error) = stage.fd().map_or(Ok(()), |fd| self.poller.add(fd, number)) {
            return Err(Box::new((error, stage)));
        }
        let until = Deadline::after(self.attributes.handshake_deadline);
        state.clients.insert(number, Client { stage, until, handshake });
        Ok(())
    }

    /// Ends a stage.
    fn forget(&self, state: &mut State, number: u64) -> Option<Client> {
        let client = state.clients.remove(&number)?;
        if let Some(fd) = client.stage.fd() {
            self.poller.remove(fd);
        }
        Some(client)
    }

    fn set_alarm(&self, state: &mut State) -> Result<()> {
        let alarm = state.clients.values().map(|client| client.until).chain(state.paused).min();
        if alarm != state.alarm {
            self.poller.set_alarm(alarm)?;
            state.alarm = alarm;
        }
        Ok(())
    }

    fn doing(&self) -> String {
        format!("take clients of `{}`", self.name)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stage {
    /// What is watched in this stage.
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Stage::Introducing(introduction) => Some(introduction.fd()),
            Stage::Answered(answer) => Some(answer.fd()),
            Stage::Probing(..) => None,
        }
    }
}
