//! A socket with dialed endpoints and an accepted connection: its user, its tasks, its timers and its peers.
//!
//! The lifecycles are the real ones; around them stands what the driver adds: when a task looks at what, and in which
//! order. Time has no length here, a timer that runs may go off at any moment, so no linger at all and some linger are
//! the same case.

use bowline_proto::Options;
use bowline_proto::engine::lifecycle::{Effect, Input as SocketInput, State};
use bowline_proto::pipe::lifecycle::{Input as PipeInput, State as PipeState};

use crate::dialed::{self, Dialed, Phase};
use crate::explorer::Model;
use crate::ledger::{Broken, Ledger};
use crate::pipe::Pipe;
use crate::seat::{Around, Input, Seat};
use crate::witness;

const NO_ATTEMPT_AFTER_STOP: &str = "no attempt begins after stop, or after the end of linger";
const UNSENT_ONLY: &str = "while it closes, attempts begin only at an endpoint with unsent messages";
const NOT_TAKEN: &str = "no message is taken and no endpoint added after close";
const WOKEN: &str = "nobody goes on waiting at a socket that is closed";
const KEPT: &str = "unsent messages are dropped only by stop, at the end of linger, or with their endpoint";
const EMPTY: &str = "a pipe that is closed holds nothing";
const STOPPED_IS_LAST: &str = "when the socket has ended it is closed, and nothing is left in it";
pub(crate) const CLOSES: &str = "after close there is always a way to the end: linger ends, or the peers take messages";
pub(crate) const TIMELY: &str = "after close with a linger that ends, no peer is needed to get to the end";
pub(crate) const STOPS: &str = "after stop, or the end of linger, every way gets to the end in so many steps";

/// How long unsent messages may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Linger {
    Ends,
    ForEver,
}

/// Which connection: that of a dialed endpoint, or the accepted one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Dialed(usize),
    Accepted,
}

/// Who does what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    UserConnects(usize),
    UserDisconnects(usize),
    UserSends(At),
    /// A call of the user's waits: for a message, for room, for peers.
    UserWaits,
    UserCloses(Linger),
    UserStops,
    LingerEnds,
    /// The linger of an endpoint that was given up.
    EndpointLingerEnds(usize),
    /// The dial task goes on to its next attempt.
    Begin(usize),
    /// The dial task finds that nobody wants its endpoint any more.
    GiveUp(usize),
    /// The dial task has nothing to do.
    Sleep(usize),
    DelayEnds(usize),
    PeerAccepts(usize),
    PortIsRefused(usize),
    PeerDials,
    Connection(At, Input),
    /// The last task has ended.
    TasksEnd,
}

impl Action {
    /// Whether nobody but our own tasks and timers is needed for it.
    pub(crate) const fn is_ours(self) -> bool {
        matches!(
            self,
            Self::LingerEnds
                | Self::EndpointLingerEnds(_)
                | Self::Begin(_)
                | Self::GiveUp(_)
                | Self::Sleep(_)
                | Self::DelayEnds(_)
                | Self::Connection(
                    _,
                    // A farewell has its time.
                    Input::Take | Input::Finish | Input::Halt | Input::Sleep | Input::Perform | Input::PeerParts
                )
                | Self::TasksEnd
        )
    }

    /// Whether it takes no more than that and a peer that is there and reads.
    pub(crate) const fn is_friendly(self) -> bool {
        let reads = matches!(self, Self::PeerAccepts(_) | Self::Connection(_, Input::PeerAgrees | Input::PeerTakes));
        self.is_ours() || reads
    }
}

/// The socket, and all that belongs to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Socket {
    state: State,
    dialed: Vec<Option<Dialed>>,
    accepted: Option<(Seat, Option<Pipe>)>,
    /// The user has closed or stopped it; since then linger runs.
    closing: Option<Linger>,
    /// Every task is to end at once.
    is_stopped: bool,
    user_waits: bool,
    /// The monitor was told the last thing.
    is_over: bool,
}

impl Socket {
    pub(crate) const fn is_over(&self) -> bool {
        self.is_over
    }

    pub(crate) const fn is_closing(&self) -> bool {
        self.closing.is_some()
    }

    pub(crate) fn has_linger(&self) -> bool {
        self.closing == Some(Linger::Ends)
    }

    pub(crate) const fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    fn pipes(&mut self) -> impl Iterator<Item = &mut Pipe> {
        let dialed = self.dialed.iter_mut().flatten().filter_map(|dialed| dialed.pipe.as_mut());
        dialed.chain(self.accepted.as_mut().and_then(|(_, pipe)| pipe.as_mut()))
    }

    /// How many messages each dialed endpoint has whose pipe is not closed.
    fn unsent(&self) -> Vec<Option<u8>> {
        let open = |dialed: &&Dialed| dialed.pipe.as_ref().is_some_and(|pipe| pipe.state() != PipeState::Closed);
        self.dialed.iter().map(|dialed| dialed.as_ref().filter(open).map(Dialed::unsent)).collect()
    }

    fn move_on(&mut self, input: SocketInput) {
        for effect in self.state.step(input) {
            match effect {
                Effect::RefuseUse => self.user_waits = false,
                Effect::DrainPipes => self.pipes().for_each(|pipe| pipe.step(PipeInput::Drain)),
                Effect::ClosePipes => self.pipes().for_each(|pipe| pipe.step(PipeInput::Close)),
            }
        }
    }
}

/// Every order of what may happen to a socket.
pub(crate) struct Sockets {
    pub(crate) ledger: Ledger,
    pub(crate) options: Options,
    /// How many endpoints it may dial.
    pub(crate) endpoints: usize,
    /// Whether peers may dial it.
    pub(crate) accepts: bool,
    /// Whether others may come between two effects of a connection.
    pub(crate) one_at_a_time: bool,
}

impl Sockets {
    /// A ledger of all that these models look at.
    pub(crate) fn ledger() -> Ledger {
        let own =
            [NO_ATTEMPT_AFTER_STOP, UNSENT_ONLY, NOT_TAKEN, WOKEN, KEPT, EMPTY, STOPPED_IS_LAST, CLOSES, TIMELY, STOPS];
        Ledger::new(&[&witness::PROPERTIES[..], &dialed::PROPERTIES, &own].concat())
    }

    fn user_actions(socket: &Socket) -> Vec<Action> {
        let mut actions =
            vec![Action::UserStops, Action::UserCloses(Linger::Ends), Action::UserCloses(Linger::ForEver)];
        if !socket.user_waits {
            actions.push(Action::UserWaits);
        }
        for (at, dialed) in socket.dialed.iter().enumerate() {
            match dialed {
                Some(_) => actions.extend([Action::UserDisconnects(at), Action::UserSends(At::Dialed(at))]),
                None => actions.push(Action::UserConnects(at)),
            }
        }
        if socket.accepted.is_some() {
            actions.push(Action::UserSends(At::Accepted));
        }
        actions
    }

    fn dial_actions(at: usize, socket: &Socket, dialed: &Dialed, actions: &mut Vec<Action>) {
        let (is_finished, is_stopped) = (dialed.is_finished(), socket.is_stopped);
        let is_asleep = dialed.pipe.as_ref().is_some_and(Pipe::is_asleep);
        if dialed.lingers {
            actions.push(Action::EndpointLingerEnds(at));
        }
        match &dialed.phase {
            Phase::Called => return actions.push(Action::Begin(at)),
            Phase::Serving(seat) => {
                let inputs = seat.inputs(dialed.pipe.as_ref(), socket.closing.is_some(), is_stopped);
                return actions.extend(inputs.into_iter().map(|input| Action::Connection(At::Dialed(at), input)));
            }
            Phase::Attempting | Phase::Waiting => {}
        }
        if is_stopped || is_finished && !is_asleep {
            actions.push(Action::GiveUp(at));
        }
        if is_stopped || is_finished {
            // The task looks at these first, whatever else has come.
            return;
        }
        if !is_asleep {
            actions.push(Action::Sleep(at));
        }
        if dialed.phase == Phase::Waiting {
            actions.push(Action::DelayEnds(at));
        } else {
            actions.extend([Action::PeerAccepts(at), Action::PortIsRefused(at)]);
        }
    }

    fn by_the_user(&self, socket: &mut Socket, action: Action) -> Result<(), Broken> {
        let was_closing = socket.closing.is_some();
        let taken = match action {
            Action::UserConnects(at) if !socket.state.is_over() => {
                socket.move_on(SocketInput::Open);
                socket.dialed[at] = Some(Dialed::new(&self.options));
                true
            }
            Action::UserDisconnects(at) => {
                if let Some(dialed) = &mut socket.dialed[at] {
                    dialed.pipe_step(PipeInput::Drain);
                    // Closing has a linger of its own.
                    dialed.lingers = !was_closing && self.options.linger.is_some();
                }
                false
            }
            Action::UserSends(at) if !socket.state.is_over() => match at {
                At::Dialed(at) => socket.dialed[at].as_mut().and_then(|dialed| dialed.pipe.as_mut()),
                At::Accepted => socket.accepted.as_mut().and_then(|(_, pipe)| pipe.as_mut()),
            }
            .is_some_and(Pipe::push),
            Action::UserWaits => {
                socket.user_waits = !socket.state.is_over();
                socket.user_waits
            }
            Action::UserCloses(linger) => {
                if !socket.state.is_over() {
                    socket.move_on(SocketInput::Close);
                    socket.closing = Some(linger);
                    socket.dialed.iter_mut().flatten().for_each(|dialed| dialed.lingers = false);
                }
                false
            }
            Action::UserStops => {
                socket.move_on(SocketInput::Stop);
                socket.closing.get_or_insert(Linger::Ends);
                socket.is_stopped = true;
                false
            }
            _ => false,
        };
        self.ledger.holds(NOT_TAKEN, !(taken && was_closing), || format!("{action:?} in state {:?}", socket.state))
    }

    fn begin(&self, socket: &Socket, dialed: &mut Dialed) -> Result<bool, Broken> {
        if socket.is_stopped || dialed.is_finished() {
            return dialed.stop(&self.ledger);
        }
        // The first look at the transport: the attempt begins.
        self.ledger.holds(NO_ATTEMPT_AFTER_STOP, !socket.is_stopped, || format!("the socket is {:?}", socket.state))?;
        let wanted = socket.closing.is_none() || dialed.unsent() > 0;
        self.ledger.holds(UNSENT_ONLY, wanted, || "nothing is unsent".into())?;
        dialed.begin(&self.ledger)?;
        Ok(true)
    }

    /// What happens at a dialed endpoint. It leaves the socket meanwhile, and comes back if its task goes on.
    fn at_endpoint(&self, socket: &mut Socket, at: usize, action: Action) -> Result<(), Broken> {
        let Some(mut dialed) = socket.dialed[at].take() else { return Ok(()) };
        if let (Some(pipe), false) = (&mut dialed.pipe, matches!(action, Action::EndpointLingerEnds(_))) {
            pipe.wake();
        }
        let goes_on = match action {
            Action::EndpointLingerEnds(_) => {
                dialed.lingers = false;
                dialed.pipe_step(PipeInput::Close);
                true
            }
            Action::Begin(_) => self.begin(socket, &mut dialed)?,
            Action::GiveUp(_) => {
                if dialed.is_finished() {
                    dialed.pipe_step(PipeInput::Emptied);
                }
                dialed.stop(&self.ledger)?
            }
            Action::Sleep(_) => {
                dialed.pipe.iter_mut().for_each(Pipe::sleep);
                true
            }
            Action::DelayEnds(_) => dialed.due(&self.ledger)?,
            Action::PortIsRefused(_) => dialed.failed(&self.ledger)?,
            Action::PeerAccepts(_) => {
                dialed.phase = Phase::Serving(Seat::new());
                true
            }
            Action::Connection(_, input) => {
                if let Dialed { phase: Phase::Serving(seat), pipe, .. } = &mut dialed {
                    self.serve(seat, &mut socket.state, pipe, input, true)?;
                }
                dialed.lost(&self.ledger)?
            }
            _ => true,
        };
        // A task that ends takes its pipe with it, with what waits there.
        socket.dialed[at] = goes_on.then_some(dialed);
        Ok(())
    }

    /// What waits is there, and nothing else.
    fn pipes_are_right(&self, socket: &mut Socket, action: Action, before: &[Option<u8>]) -> Result<(), Broken> {
        let may_drop = socket.is_stopped || matches!(action, Action::Connection(_, Input::PeerTakes));
        for (before, after) in before.iter().zip(socket.unsent()) {
            if let (Some(before), Some(after)) = (before, after) {
                self.ledger.holds(KEPT, may_drop || *before <= after, || format!("{before}, then {after}"))?;
            }
        }
        for pipe in socket.pipes() {
            let is_empty = pipe.state() != PipeState::Closed || !pipe.waits();
            self.ledger.holds(EMPTY, is_empty, || format!("{pipe:?}"))?;
        }
        Ok(())
    }

    fn serve(
        &self,
        seat: &mut Seat,
        socket: &mut State,
        pipe: &mut Option<Pipe>,
        input: Input,
        is_dialed: bool,
    ) -> Result<(), Broken> {
        let mut around = Around { ledger: &self.ledger, socket, pipe, is_dialed };
        seat.step(&mut around, input)?;
        if self.one_at_a_time || input == Input::TurnAway { Ok(()) } else { seat.settle(&mut around) }
    }

    fn at_accepted(&self, socket: &mut Socket, input: Input) -> Result<(), Broken> {
        let Some((mut seat, mut pipe)) = socket.accepted.take() else { return Ok(()) };
        self.serve(&mut seat, &mut socket.state, &mut pipe, input, false)?;
        if seat.ended().is_none() {
            socket.accepted = Some((seat, pipe));
        }
        Ok(())
    }
}

impl Model for Sockets {
    type State = Socket;
    type Action = Action;

    fn start(&self) -> Socket {
        Socket {
            state: State::default(),
            dialed: vec![None; self.endpoints],
            accepted: None,
            closing: None,
            is_stopped: false,
            user_waits: false,
            is_over: false,
        }
    }

    fn actions(&self, socket: &Socket) -> Vec<Action> {
        let mut actions = Self::user_actions(socket);
        if socket.is_over {
            return actions;
        }
        for (at, dialed) in socket.dialed.iter().enumerate() {
            if let Some(dialed) = dialed {
                Self::dial_actions(at, socket, dialed, &mut actions);
            }
        }
        match &socket.accepted {
            Some((seat, pipe)) => {
                let inputs = seat.inputs(pipe.as_ref(), socket.closing.is_some(), socket.is_stopped);
                actions.extend(inputs.into_iter().map(|input| Action::Connection(At::Accepted, input)));
            }
            None if self.accepts && socket.closing.is_none() => actions.push(Action::PeerDials),
            None => {}
        }
        if socket.closing == Some(Linger::Ends) && !socket.is_stopped {
            actions.push(Action::LingerEnds);
        }
        let has_tasks = socket.accepted.is_some() || socket.dialed.iter().any(Option::is_some);
        if socket.closing.is_some() && !has_tasks {
            actions.push(Action::TasksEnd);
        }
        actions
    }

    fn step(&self, socket: &mut Socket, action: Action) -> Result<(), Broken> {
        let before = socket.is_over.then(|| socket.clone());
        let unsent = socket.unsent();
        match action {
            Action::UserConnects(_)
            | Action::UserDisconnects(_)
            | Action::UserSends(_)
            | Action::UserWaits
            | Action::UserCloses(_)
            | Action::UserStops => self.by_the_user(socket, action)?,
            Action::LingerEnds => socket.is_stopped = true,
            Action::EndpointLingerEnds(at)
            | Action::Begin(at)
            | Action::GiveUp(at)
            | Action::Sleep(at)
            | Action::DelayEnds(at)
            | Action::PeerAccepts(at)
            | Action::PortIsRefused(at)
            | Action::Connection(At::Dialed(at), _) => self.at_endpoint(socket, at, action)?,
            Action::PeerDials => socket.accepted = Some((Seat::new(), None)),
            Action::Connection(At::Accepted, input) => self.at_accepted(socket, input)?,
            Action::TasksEnd => {
                socket.move_on(SocketInput::Finish);
                socket.is_stopped = true;
                socket.is_over = true;
                let is_closed = socket.state == State::Closed;
                self.ledger.holds(STOPPED_IS_LAST, is_closed, || format!("it is {:?}", socket.state))?;
            }
        }
        if let Some(before) = before {
            // All but the user's mark that nothing more may take.
            let stays = before.state == socket.state && before.dialed == socket.dialed;
            self.ledger.holds(STOPPED_IS_LAST, stays, || format!("{action:?} changed it"))?;
        }
        self.pipes_are_right(socket, action, &unsent)?;
        let forgotten = socket.closing.is_some() && socket.user_waits;
        self.ledger.holds(WOKEN, !forgotten, || format!("the socket is {:?}", socket.state))
    }
}
