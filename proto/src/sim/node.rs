//! A socket of a world, and the application that uses it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

use super::agenda::Flag;
use super::caller::Caller;
use crate::engine::Engine;
use crate::error::{RecvError, SendErrorKind};
use crate::pipe::{Wait, Waiting};
use crate::time::Instant;
use crate::{Message, Options, SocketType};

/// What the application makes of what it receives: a reply.
pub type Service = fn(Message) -> Message;

/// A socket and its application: one task that sends what it was given and receives what comes.
///
/// The task runs only when it was woken, so a wake-up that gets lost shows as messages that do not move.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, none a state")]
pub(super) struct Node {
    pub(super) engine: Engine,
    pub(super) options: Arc<Options>,
    /// Where it is bound, and stays bound through restarts.
    pub(super) binds: Vec<String>,
    pub(super) subscriptions: Vec<Vec<u8>>,
    pub(super) flag: Arc<Flag>,
    waits: [Wait; 2],
    /// The application makes calls, and sends and receives nothing else.
    pub(super) caller: Option<Caller>,
    pub(super) reads: bool,
    pub(super) service: Option<Service>,
    /// Whether it replies to everything twice.
    pub(super) stutters: bool,
    /// It has received something, and thinks about its reply.
    pub(super) thinks: bool,
    /// The socket that sends what this one receives, and the other way round: one application has both.
    pub(super) partner: Option<usize>,
    /// What its partner has yet to be given. While there is anything, the application receives no more.
    pub(super) relayed: Option<Message>,
    /// What its application had in hand when it was restarted.
    pub(super) forgotten: usize,
    /// The process does not run, although time passes.
    pub(super) sleeps: bool,
    /// How often it began again.
    pub(super) restarts: usize,
    /// What it was told to send and the socket did not take yet.
    pub(super) outgoing: VecDeque<Message>,
    /// What the socket took.
    pub(super) sent: Vec<Message>,
    /// What the socket refused for good.
    pub(super) refused: Vec<(Message, SendErrorKind)>,
    pub(super) received: Vec<Message>,
    /// For each of them, how many had been sent by then.
    pub(super) sent_before: Vec<usize>,
    /// For each time a REQ heard that its peer went away with the request, how many had been sent by then.
    pub(super) lost_before: Vec<usize>,
}

fn waits(engine: &Engine) -> [Wait; 2] {
    [engine.mailbox().wait(Waiting::Recv), engine.mailbox().wait(Waiting::Send)]
}

impl Node {
    pub(super) fn new(socket_type: SocketType, options: Options, flag: Arc<Flag>) -> Self {
        let options = Arc::new(options);
        let engine = Engine::new(socket_type, Arc::clone(&options));
        Self {
            waits: waits(&engine),
            engine,
            options,
            caller: None,
            binds: Vec::new(),
            subscriptions: Vec::new(),
            flag,
            reads: true,
            service: None,
            stutters: false,
            thinks: false,
            partner: None,
            relayed: None,
            forgotten: 0,
            sleeps: false,
            restarts: 0,
            outgoing: VecDeque::new(),
            sent: Vec::new(),
            refused: Vec::new(),
            received: Vec::new(),
            sent_before: Vec::new(),
            lost_before: Vec::new(),
        }
    }

    /// The application begins again, with a new socket of the same kind.
    pub(super) fn restart(&mut self) {
        let (socket_type, options) = (self.engine.socket_type(), Arc::clone(&self.options));
        self.engine = match &mut self.caller {
            None => Engine::new(socket_type, options),
            Some(caller) => {
                caller.restart();
                Engine::apart(socket_type, options)
            }
        };
        self.waits = waits(&self.engine);
        self.restarts += 1;
        if self.service.is_some() || self.partner.is_some() {
            // What it was about to send was about what the old socket received.
            self.forgotten += self.outgoing.len() + usize::from(self.relayed.is_some());
            self.outgoing.clear();
            self.thinks = false;
            self.relayed = None;
        }
        for topic in &self.subscriptions {
            let _subscribed_before = self.engine.subscribe(topic);
        }
        self.flag.raise();
    }

    /// From now on the application makes calls.
    pub(super) fn make_calls(&mut self, caller: Caller) {
        self.engine = Engine::apart(self.engine.socket_type(), Arc::clone(&self.options));
        self.waits = waits(&self.engine);
        self.caller = Some(caller);
    }

    pub(super) fn is_up(&self) -> bool {
        !self.engine.state().is_over()
    }

    /// The application makes no more calls.
    pub(super) fn end_calls(&mut self) {
        if let Some(caller) = &mut self.caller {
            caller.end();
        }
    }

    /// Wakes whom the engine wants woken.
    pub(super) fn wake(&mut self) {
        self.engine.take_news();
        self.engine.take_wakes().wake();
    }

    /// Whether a turn might do something.
    pub(super) fn has_work(&self) -> bool {
        self.flag.is_raised() && self.is_up() && !self.sleeps && !self.thinks
    }

    /// Lets the application run for up to `budget` messages, if it was woken. It stops to think between a request and
    /// its reply, if it is to.
    pub(super) fn turn(&mut self, budget: usize, is_slow: bool, now: Instant) {
        if !self.flag.lower() || !self.is_up() {
            return;
        }
        for _ in 0..budget {
            if self.caller.is_some() {
                // It waits for nothing of the socket's.
                if !self.call_next(now) {
                    return;
                }
                continue;
            }
            let received = self.receive_next();
            self.thinks = received && is_slow && self.service.is_some();
            let moved = received | (!self.thinks && self.send_next());
            self.wake();
            if self.thinks {
                break;
            }
            if !moved && self.sleep() {
                return;
            }
        }
        self.flag.raise();
    }

    /// When it has to look again, though nobody wakes it, unless that is planned.
    pub(super) fn wakes_at(&mut self, now: Instant) -> Option<Instant> {
        self.caller.as_mut().filter(|_| self.reads)?.wakes_at(now)
    }

    /// What an application may count on that waits: whatever it could do, it was woken for.
    pub(super) fn check_sleep(&mut self) {
        if !self.is_up() || self.sleeps || self.thinks || self.flag.is_raised() {
            return;
        }
        if self.caller.is_some() {
            return;
        }
        let lost = self.lost_before.len();
        assert!(!self.receive_next() && self.lost_before.len() == lost, "nobody woke it to receive");
        assert!(!self.send_next(), "nobody woke it to send");
    }

    /// Registers with the socket, unless something has come in the meantime.
    fn sleep(&mut self) -> bool {
        let waker = Waker::from(Arc::clone(&self.flag));
        self.waits.iter_mut().all(|wait| wait.register(&waker))
    }

    fn call_next(&mut self, now: Instant) -> bool {
        self.caller.as_mut().filter(|_| self.reads).is_some_and(|caller| caller.step(now))
    }

    fn send_next(&mut self) -> bool {
        let Some(mut message) = self.outgoing.pop_front() else { return false };
        let original = message.clone();
        match self.engine.try_send(&mut message) {
            Ok(()) => {
                let waits_for_peers = matches!(
                    self.engine.socket_type(),
                    SocketType::Push | SocketType::Dealer | SocketType::Req | SocketType::Pair
                );
                let is_patient = !self.options.immediate || self.engine.peer_count() > 0;
                assert!(is_patient || !waits_for_peers, "an immediate socket takes {original:?} for nobody");
                self.sent.push(original);
            }
            Err(SendErrorKind::WouldBlock | SendErrorKind::OutOfTurn) => {
                assert_eq!(message, original, "what is not sent stays as it was");
                self.outgoing.push_front(original);
                return false;
            }
            Err(kind) => self.refused.push((original, kind)),
        }
        true
    }

    fn receive_next(&mut self) -> bool {
        if !self.reads || self.relayed.is_some() {
            // As every publisher does, whether or not its application receives.
            self.engine.process();
            return false;
        }
        match self.engine.try_recv() {
            Ok(message) => {
                if let Some(service) = self.service {
                    let reply = service(message.clone());
                    self.outgoing.extend(std::iter::repeat_n(reply, if self.stutters { 2 } else { 1 }));
                }
                self.relayed = self.partner.map(|_| message.clone());
                self.received.push(message);
                self.sent_before.push(self.sent.len());
                true
            }
            Err(RecvError::PeerLost) => {
                self.lost_before.push(self.sent.len());
                true
            }
            Err(_) => false,
        }
    }
}
