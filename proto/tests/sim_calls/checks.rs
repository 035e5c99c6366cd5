//! What must be true of every world of calls when it is over.

use std::collections::HashMap;

use bowline_proto::link::Effect;
use bowline_proto::mux::Code;
use bowline_proto::sim::{Account, Answer, Ending, Outcome};
use bowline_proto::{DisconnectReason, ProtocolError};

use super::play::{PATIENCE, Play};

impl Play {
    /// Ends the world, and checks what both sides know of each call.
    pub(crate) fn finish(&mut self) {
        let sockets = self.sockets();
        let mut works: HashMap<u64, &Account> = HashMap::new();
        for work in sockets.iter().flat_map(|&socket| self.w.works(socket)) {
            assert!(works.insert(work.number, work).is_none(), "a call is executed twice: {work:?}");
        }
        for call in sockets.iter().flat_map(|&socket| self.w.calls(socket)) {
            self.is_honest(call, works.remove(&call.number));
        }
        assert!(works.is_empty(), "what nobody called is executed: {works:?}");
        for &socket in &sockets {
            self.w.stop(socket);
        }
        assert!(self.w.run_until(PATIENCE, |w| w.connections() == 0), "every connection ends");
        self.farewells_are_exact();
        let records = self.w.records().iter().flat_map(|record| [&record.at_dialer, &record.at_listener]);
        for effect in records.flat_map(|record| &record.effects) {
            let (Effect::Disconnected(reason) | Effect::HandshakeFailed { reason, .. }) = effect else { continue };
            let is_own = matches!(reason, DisconnectReason::Protocol(reason) if *reason != ProtocolError::Truncated);
            assert!(!is_own, "one of us breaks the protocol: {reason}");
        }
    }

    /// Whoever was told how many of its calls were taken was told the truth.
    fn farewells_are_exact(&self) {
        let sockets = self.sockets();
        let all = || sockets.iter().flat_map(|&socket| self.w.farewells(socket).iter().map(move |it| (socket, it)));
        for (hearer, farewell) in all().filter(|(_, farewell)| farewell.heard.is_some()) {
            let mut others =
                all().filter(|(socket, other)| *socket != hearer && other.connection == farewell.connection);
            let (speaker, other) = others.next().expect("somebody said so");
            assert_eq!(farewell.heard, other.said, "{speaker:?} has taken so many calls of {hearer:?}");
        }
    }

    /// Whether a connection may have been lost. A PING may wait behind long messages for longer than its answer may take.
    fn is_disturbed(&self) -> bool {
        let records = self.w.records().iter().flat_map(|record| [&record.at_dialer, &record.at_listener]);
        let is_silence = |effect: &Effect| *effect == Effect::Disconnected(DisconnectReason::HeartbeatTimeout);
        self.is_troubled || records.flat_map(|record| &record.effects).any(is_silence)
    }

    /// What the caller was told is what happened.
    fn is_honest(&self, call: &Account, work: Option<&Account>) {
        match call.outcome() {
            Outcome::NotSent => assert!(work.is_none(), "it says that nothing was sent: {call:?}, {work:?}"),
            Outcome::NotExecuted => {
                assert!(work.is_none_or(|work| !work.begun), "it says that it was not executed: {call:?}, {work:?}");
            }
            Outcome::Answered if call.plan.one_way => {}
            Outcome::Answered => is_answered(call, work.expect("somebody answered")),
            Outcome::MaybeExecuted => {}
        }
        if let Some(Ending::Reset(code)) = call.ending {
            let is_planned = match code {
                Code::INTERNAL => matches!(call.plan.answer, Answer::Panic(_)),
                Code::UNKNOWN_METHOD => call.plan.answer == Answer::Refuse,
                // Nobody has heard of it.
                Code::REFUSED => work.is_none(),
                _ => false,
            };
            assert!(is_planned, "nobody reset it so: {call:?}, {work:?}");
        }
        if !self.is_disturbed() {
            let is_lost = matches!(call.ending, Some(Ending::Lost { .. } | Ending::Unopened));
            assert!(!is_lost, "without trouble a call is lost: {call:?}");
        }
        let Some(work) = work else { return };
        assert_eq!((call.connection, &call.plan), (work.connection, &work.plan));
        assert!(call.sent.starts_with(&work.heard), "what was heard was sent: {call:?}, {work:?}");
        assert!(work.sent.starts_with(&call.heard), "what was heard was sent: {call:?}, {work:?}");
        if work.heard_all {
            assert!(call.finished && call.sent == work.heard, "it was told that this is all: {call:?}, {work:?}");
        }
        match work.ending {
            Some(Ending::Reset(code)) => {
                let is_dropped = code == Code::CANCELLED && call.ending == Some(Ending::Dropped);
                assert!(is_dropped, "nobody dropped it: {call:?}, {work:?}");
            }
            Some(Ending::Lost { .. }) => assert!(self.is_disturbed()),
            _ => {}
        }
    }
}

/// The answer is the one that was asked for, and whole.
fn is_answered(call: &Account, work: &Account) {
    assert!(work.begun && work.finished && call.heard_all, "{call:?}, {work:?}");
    assert_eq!((&call.heard, call.heard_error), (&work.sent, work.failed), "{call:?}, {work:?}");
    let asked: &[usize] = match &call.plan.answer {
        Answer::Echo => &call.plan.sends,
        Answer::Result(len) => &[*len],
        Answer::Items(lengths) => lengths,
        Answer::Early(_) => &[50],
        Answer::Fail(_) => &[20],
        Answer::Panic(_) | Answer::Refuse => panic!("it is answered and should not be: {call:?}"),
    };
    assert_eq!(call.heard, asked, "{call:?}");
}
