//! The handshakes under way at one port, which go on whenever somebody asks for the next event.

use std::collections::HashMap;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use interprocess::local_socket::Stream;
use interprocess::local_socket::traits::Listener as _;

use super::places::{Place, Places};
use super::{AcceptedConnection, ConnectionEvent, ConnectionRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::message::Deadline;
use crate::name::{Directory, PortName};
use crate::port::attributes::{Admission, DirectAvailability, PortAttributes};
use crate::port::handshake::{
    Answer, Asked, Established, Greeting, Introduction, Prober, RefusalCode, ThreadNumber, refuse,
};
use crate::sys::identity::{effective_uid, peer_of};
use crate::sys::poller::{Poller, spare_descriptor};
use crate::sys::rendezvous::{Reach, Rendezvous, listener_fd, stream_fd};

const LISTENER: u64 = 0;
const PROBER: u64 = 1;
const FIRST_CLIENT: u64 = 2;

/// Steps of one `try_next`. A flood of clients must not keep its caller from other work.
const MAX_STEPS: usize = 64;

/// How long nobody is let in when the process has not even the descriptors to say so.
const PAUSE: Duration = Duration::from_millis(100);

/// The handshakes under way at one port.
pub(super) struct Arrivals {
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

impl Arrivals {
    pub(super) fn new(name: &PortName, attributes: &PortAttributes) -> Result<Arrivals> {
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
        Ok(Arrivals {
            rendezvous,
            poller,
            prober,
            name: name.clone(),
            attributes: attributes.clone(),
            own_uid: effective_uid(),
            places: Arc::new(Places::default()),
            state: Mutex::new(state),
        })
    }

    pub(super) fn name(&self) -> &PortName {
        &self.name
    }

    /// How many handshakes are under way.
    #[cfg(test)]
    pub(super) fn handshakes(&self) -> usize {
        self.lock().clients.len()
    }

    /// Is readable while there is anything to go on with.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.poller.fd()
    }

    pub(super) fn try_next(self: &Arc<Arrivals>) -> Result<Option<ConnectionEvent>> {
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
                    let question = Some(Box::new((greeting, handshake)));
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

    pub(super) fn withdraw(&self) {
        self.rendezvous.withdraw();
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
            Err(reason) => return refuse(&stream, RefusalCode::Crowded, &reason),
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
    pub(super) fn accept(&self, greeting: &Greeting, handshake: Place, data: &[u8]) -> Result<()> {
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

    pub(super) fn doing(&self) -> String {
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

pub(super) fn busy(reason: String) -> Error {
    Error::new(ErrorKind::Busy { reason }, "accept a client")
}
