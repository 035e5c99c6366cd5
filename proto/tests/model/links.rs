//! Two real links, joined by two queues of bytes, in every order of deliveries, writes, ends and timeouts.
//!
//! A link can't be copied, so a state is its script: what follows from it is found by running the script again, with one
//! action more. Two scripts lead to the same state if both links print the same, and all that stands around them.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::rc::Rc;

use bowline_proto::auth::{Code, Verdict};
use bowline_proto::link::{Effect, Link, LinkConfig, Role, State};
use bowline_proto::sim::{Clock, chance};
use bowline_proto::wire::batch::Batch;
use bowline_proto::{DisconnectReason, Message};

use crate::explorer::Model;
use crate::ledger::{Broken, Ledger};
use crate::reasons::fits;
use crate::witness::{self, Witness};

const BETWEEN: &str = "messages come between Attach and Detach only, each once, whole and in order";
const DELIVERED: &str = "what came whole before a loss is delivered before the loss";
const BOTH_END: &str = "when one side has ended, the other hears of it and ends too";
const RESTS: &str = "an idle network leaves both sides ready or both sides closed";

/// How long a greeting is.
const GREETING: usize = 64;
/// How often timers go off in one script: with each the clock is another one, so they would never stop being new.
const TIMERS: u8 = 3;

/// A side of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Dialer,
    Listener,
}

use At::{Dialer, Listener};

impl At {
    const fn other(self) -> Self {
        match self {
            Dialer => Listener,
            Listener => Dialer,
        }
    }
}

/// What happens next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// The outbound pump: what the protocol says, else what the pipe holds.
    Write(At),
    /// One greeting or frame arrives, or the end behind the last.
    Frame(At),
    /// All arrives that is on its way.
    Whole(At),
    /// Bytes arrive that are no ZMTP.
    Nonsense(At),
    /// The socket closes the connection.
    Close(At),
    /// From now on nothing is delivered, and nothing read once something waits for that.
    InboxFills(At),
    InboxEmpties(At),
    /// Whoever judges the peer says that it may connect.
    Admit(At),
    /// It may not.
    TurnAway(At),
    /// What the link waits for has not come by then.
    Timeout(At),
    /// The network fails, and both sides hear of it.
    Cut,
}

/// A link and its driver.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, none a state")]
struct Party {
    link: Link,
    witness: Witness,
    /// What closed it, until it is told why.
    closed_by: Option<Action>,
    /// The socket takes no peer.
    refuses: bool,
    /// Somebody is to judge the peer.
    is_asked: bool,
    is_full: bool,
    /// The socket has closed it, also after its loss: what was not delivered holds nothing up any more.
    waives: bool,
    /// What was received could not be delivered, so nothing is read.
    is_paused: bool,
    /// What the pipe holds.
    outbox: Batch,
    received: Vec<Message>,
    /// On its way to this side, and how much of it has arrived.
    wire: Vec<u8>,
    arrived: usize,
}

/// Both sides, after a script.
struct World<'a> {
    ledger: &'a Ledger,
    clock: Clock,
    timers: u8,
    parties: [Party; 2],
}

/// How the two sides are set up, and how deep they are explored.
pub(crate) struct Links {
    pub(crate) ledger: Ledger,
    pub(crate) dialer: LinkConfig,
    pub(crate) listener: LinkConfig,
    /// The listener judges its peer.
    pub(crate) judges: bool,
    /// The listener's socket takes no peer.
    pub(crate) refuses: bool,
    /// Both sides are ready at the start.
    pub(crate) is_ready: bool,
    pub(crate) depth: usize,
}

/// What makes two sides ready: greetings, then READY commands. What the pipes hold is not written yet.
const GET_READY: [Action; 8] = [
    Action::Write(Dialer),
    Action::Write(Listener),
    Action::Whole(Listener),
    Action::Whole(Dialer),
    Action::Write(Dialer),
    Action::Write(Listener),
    Action::Whole(Listener),
    Action::Whole(Dialer),
];

/// A script, and a fingerprint of where it leads to.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    actions: Rc<[Action]>,
    print: u128,
}

impl PartialEq for Script {
    fn eq(&self, other: &Self) -> bool {
        self.print == other.print
    }
}

impl Eq for Script {}

impl Hash for Script {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.print.hash(hasher);
    }
}

/// What a side sends: a message of two parts.
fn message(from: At) -> Message {
    [format!("{from:?}"), "says hello".to_owned()].into_iter().collect()
}

impl Links {
    pub(crate) fn ledger() -> Ledger {
        Ledger::new(&[&witness::PROPERTIES[..], &[BETWEEN, DELIVERED, BOTH_END, RESTS]].concat())
    }

    fn world(&self) -> World<'_> {
        let party = |config: &LinkConfig, at, role, refuses| {
            let mut link = Link::new(config.clone(), role);
            link.start(Clock::new().now(), chance(0)).expect("a new link starts");
            let mut outbox = Batch::new();
            outbox.push(&message(at));
            Party {
                link,
                witness: Witness::default(),
                closed_by: None,
                refuses,
                is_asked: false,
                is_full: false,
                waives: false,
                is_paused: false,
                outbox,
                received: Vec::new(),
                wire: Vec::new(),
                arrived: 0,
            }
        };
        let dialer = party(&self.dialer, Dialer, Role::Dialer, false);
        let listener = party(&self.listener, Listener, Role::Listener, self.refuses);
        World { ledger: &self.ledger, clock: Clock::new(), timers: 0, parties: [dialer, listener] }
    }

    fn run(&self, script: &[Action]) -> Result<World<'_>, Broken> {
        let mut world = self.world();
        for action in script {
            world.act(*action)?;
        }
        Ok(world)
    }
}

impl Model for Links {
    type State = Script;
    type Action = Action;

    fn start(&self) -> Script {
        let actions: &[Action] = if self.is_ready { &GET_READY } else { &[] };
        let world = self.run(actions).expect("the beginning is quiet");
        let is_ready = world.parties.iter().all(|party| party.link.state() == State::Ready);
        assert_eq!(is_ready, self.is_ready, "the beginning is as it was asked for");
        Script { actions: actions.into(), print: world.print() }
    }

    fn actions(&self, script: &Script) -> Vec<Action> {
        let begun = if self.is_ready { GET_READY.len() } else { 0 };
        if script.actions.len() == begun + self.depth {
            return Vec::new();
        }
        let each = [
            Action::Write,
            Action::Frame,
            Action::Whole,
            Action::Nonsense,
            Action::Close,
            Action::InboxFills,
            Action::InboxEmpties,
            Action::Timeout,
        ];
        let both = each.into_iter().flat_map(|action| [action(Dialer), action(Listener)]);
        let judged = if self.judges { &[Action::Admit(Listener), Action::TurnAway(Listener)][..] } else { &[] };
        both.chain([Action::Cut]).chain(judged.iter().copied()).collect()
    }

    fn step(&self, script: &mut Script, action: Action) -> Result<(), Broken> {
        let actions: Vec<Action> = script.actions.iter().copied().chain([action]).collect();
        let mut world = self.run(&actions)?;
        *script = Script { actions: actions.into(), print: world.print() };
        world.come_to_rest()
    }
}

impl World<'_> {
    fn party(&mut self, at: At) -> &mut Party {
        &mut self.parties[at as usize]
    }

    /// All that decides what can follow.
    fn print(&self) -> u128 {
        let mut text = format!("{:?} {}", self.clock.now(), self.timers);
        for party in &self.parties {
            let _ = write!(text, "{party:?}");
        }
        let half = |salt: u8| {
            let mut hasher = DefaultHasher::new();
            (salt, &text).hash(&mut hasher);
            u128::from(hasher.finish())
        };
        half(0) << 64 | half(1)
    }

    /// Lets `action` happen. Whether it was possible.
    fn act(&mut self, action: Action) -> Result<bool, Broken> {
        match action {
            Action::Cut => {
                for at in [Dialer, Listener] {
                    let party = self.party(at);
                    party.wire.clear();
                    party.outbox.clear();
                    self.end(at, action, DisconnectReason::Io(io::ErrorKind::ConnectionReset))?;
                }
            }
            Action::Write(at) => return Ok(self.write(at)),
            Action::Frame(at) => return self.arrive(at, action, Party::next_frame),
            Action::Whole(at) => return self.arrive(at, action, |party| party.wire.len()),
            Action::Nonsense(at) => self.feed(at, action, &[0x55; GREETING])?,
            Action::Close(at) => {
                self.note(at, action);
                self.party(at).waives = true;
                self.party(at).link.close();
                self.settle(at)?;
            }
            Action::InboxFills(at) => self.party(at).is_full = true,
            Action::InboxEmpties(at) => {
                let now = self.clock.now();
                let party = self.party(at);
                party.is_full = false;
                if std::mem::take(&mut party.is_paused) {
                    party.link.resume_reading(now);
                }
                self.settle(at)?;
            }
            Action::Admit(at) => return self.judge(at, action, Verdict::accept()),
            Action::TurnAway(at) => return self.judge(at, action, Verdict::refuse(Code::Credentials, "")),
            Action::Timeout(at) => {
                let due = self.party(at).link.poll_timeout();
                let Some(due) = due.filter(|_| self.timers < TIMERS) else { return Ok(false) };
                self.timers += 1;
                self.clock.advance_to(due);
                let now = self.clock.now();
                self.note(at, action);
                self.party(at).link.handle_timeout(now);
                self.settle(at)?;
            }
        }
        Ok(true)
    }

    /// If the link closes now, `action` did it.
    fn note(&mut self, at: At, action: Action) {
        let party = self.party(at);
        if party.link.state() != State::Closed {
            party.closed_by = Some(action);
        }
    }

    fn feed(&mut self, at: At, action: Action, bytes: &[u8]) -> Result<(), Broken> {
        self.note(at, action);
        let now = self.clock.now();
        let party = self.party(at);
        party.link.read_buffer().extend_from_slice(bytes);
        party.link.handle_read(now);
        self.settle(at)
    }

    fn judge(&mut self, at: At, action: Action, verdict: Verdict) -> Result<bool, Broken> {
        if !std::mem::take(&mut self.party(at).is_asked) {
            return Ok(false);
        }
        self.note(at, action);
        let now = self.clock.now();
        self.party(at).link.handle_verdict(verdict, now);
        self.settle(at)?;
        Ok(true)
    }

    fn end(&mut self, at: At, action: Action, reason: DisconnectReason) -> Result<(), Broken> {
        self.note(at, action);
        let now = self.clock.now();
        self.party(at).link.handle_end(reason, now);
        self.settle(at)
    }

    fn arrive(&mut self, at: At, action: Action, length: impl Fn(&Party) -> usize) -> Result<bool, Broken> {
        let sender_is_open = self.party(at.other()).witness.is_open();
        let party = self.party(at);
        if party.is_paused || !party.witness.is_open() || party.link.state() == State::Judged {
            return Ok(false);
        }
        if !party.wire.is_empty() {
            let n = length(party).min(party.wire.len());
            let bytes: Vec<u8> = party.wire.drain(..n).collect();
            party.arrived += n;
            self.feed(at, action, &bytes)?;
        } else if sender_is_open {
            return Ok(false);
        } else {
            self.end(at, action, DisconnectReason::PeerClosed)?;
        }
        Ok(true)
    }

    fn write(&mut self, at: At) -> bool {
        let party = self.party(at);
        if party.link.state() == State::Closed {
            return false;
        }
        let mut batch = Batch::new();
        if !party.link.poll_transmit(&mut batch) && party.witness.is_attached() && !party.outbox.is_empty() {
            std::mem::swap(&mut batch, &mut party.outbox);
            party.link.seal(&mut batch);
        }
        self.put(at, &mut batch)
    }

    fn put(&mut self, at: At, batch: &mut Batch) -> bool {
        let bytes = bytes(batch);
        self.party(at.other()).wire.extend_from_slice(&bytes);
        !bytes.is_empty()
    }

    /// Performs effects and takes messages until neither has anything left, as the connection task does.
    fn settle(&mut self, at: At) -> Result<(), Broken> {
        loop {
            while let Some(effect) = self.party(at).link.poll_effect() {
                self.perform(at, &effect)?;
            }
            let (ledger, now) = (self.ledger, self.clock.now());
            let party = self.party(at);
            if party.witness.is_over() || party.link.inbound().is_empty() {
                return Ok(());
            }
            if party.is_full {
                if !std::mem::replace(&mut party.is_paused, true) {
                    party.link.pause_reading(now);
                }
                return Ok(());
            }
            party.received.extend(party.link.inbound().drain());
            let is_right = party.witness.is_attached() && party.received == [message(at.other())];
            ledger.holds(BETWEEN, is_right, || format!("{:?}", party.received))?;
        }
    }

    fn perform(&mut self, at: At, effect: &Effect) -> Result<(), Broken> {
        let ledger = self.ledger;
        let party = self.party(at);
        if let Effect::HandshakeFailed { reason, .. } | Effect::Disconnected(reason) | Effect::Ended(reason) = effect
            && let Some(action) = party.closed_by.take()
        {
            ledger
                .holds(witness::FIRST_REASON, fits(action, reason), || format!("{action:?} is told as {reason:?}"))?;
            party.witness.closes(reason.clone());
        }
        if *effect == Effect::Detach && !party.waives {
            let waits = party.link.inbound().len();
            ledger.holds(DELIVERED, waits == 0, || format!("{waits} messages wait"))?;
        }
        party.witness.performs(ledger, effect, party.link.state(), true)?;
        match effect {
            Effect::Authenticate(_) => party.is_asked = true,
            Effect::Attach(_) => {
                party.witness.answered(!party.refuses);
                if party.refuses {
                    party.link.handle_refusal(DisconnectReason::PairTaken);
                }
            }
            Effect::CloseIo => {
                // Its last words.
                let mut batch = Batch::new();
                if party.link.poll_transmit(&mut batch) {
                    self.put(at, &mut batch);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Nobody does anything any more; what is on its way arrives.
    fn come_to_rest(&mut self) -> Result<(), Broken> {
        for at in [Dialer, Listener] {
            self.act(Action::InboxEmpties(at))?;
        }
        let mut moved = true;
        // A handshake takes four rounds.
        for _ in 0..20 {
            moved = false;
            for at in [Dialer, Listener] {
                moved |= self.act(Action::Write(at))?;
                moved |= self.act(Action::Whole(at))?;
                moved |= self.act(Action::Admit(at))?;
            }
            if !moved {
                break;
            }
        }
        self.ledger.holds(RESTS, !moved, || "it never comes to rest".into())?;
        let over = [0, 1].map(|at| self.parties[at].witness.is_over());
        self.ledger.holds(BOTH_END, over[0] == over[1], || format!("over: {over:?}"))?;
        let states = [0, 1].map(|at| self.parties[at].link.state());
        let at_rest = states[0] == states[1] && matches!(states[0], State::Ready | State::Closed);
        self.ledger.holds(RESTS, at_rest, || format!("{states:?}"))?;
        if states[0] == State::Ready {
            let all = self.parties.iter().all(|party| party.received.len() == 1);
            self.ledger.holds(BETWEEN, all, || "a message was lost though the connection is up".into())?;
        }
        Ok(())
    }
}

impl Party {
    /// The length of what comes next: a greeting, then frames.
    fn next_frame(&self) -> usize {
        if self.arrived < GREETING {
            return GREETING - self.arrived;
        }
        match self.wire[..] {
            [flags, length, ..] if flags & 2 == 0 => 2 + usize::from(length),
            _ => self.wire.len(),
        }
    }
}

/// The bytes of a batch, which is written whole.
fn bytes(batch: &mut Batch) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !batch.is_empty() {
        let mut slices = [io::IoSlice::new(&[]); 16];
        let filled = batch.slices(&mut slices);
        for slice in &slices[..filled] {
            bytes.extend_from_slice(slice);
        }
        let n = slices[..filled].iter().map(|slice| slice.len()).sum();
        batch.advance(n);
    }
    bytes
}
