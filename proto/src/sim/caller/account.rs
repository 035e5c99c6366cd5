//! What one side knows of one call, to be held against what the other one knows.

use super::plan::Plan;
use crate::mux::Code;

/// What one side knows of one call.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, that the other side's are held against")]
pub struct Account {
    /// Its number: no other call of the world has it.
    pub number: u64,
    /// What it was to be.
    pub plan: Plan,
    /// The connection that it was opened on, if it was.
    pub connection: Option<u64>,
    /// Whether the handler has begun; of a call that was made, never.
    pub begun: bool,
    /// The lengths of the messages that the session took.
    pub sent: Vec<usize>,
    /// It was told that these are all.
    pub finished: bool,
    /// The last of them is a typed error.
    pub failed: bool,
    /// The lengths of the messages that were heard.
    pub heard: Vec<usize>,
    /// The last of them was a typed error.
    pub heard_error: bool,
    /// It was told that these are all.
    pub heard_all: bool,
    /// How it ended.
    pub ending: Option<Ending>,
}

/// How a call ended on one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Both directions ended cleanly, as far as they mattered.
    Clean,
    /// The other side reset it, or was never to execute it.
    Reset(Code),
    /// The connection was lost. False: nothing of it was ever handed to the transport.
    Lost {
        /// Whether anything of it was.
        sent: bool,
    },
    /// This side did not want it any more.
    Dropped,
    /// It was never opened: the application ended before.
    Unopened,
}

/// Whether a call may have been executed, as its caller is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was answered.
    Answered,
    /// Not a byte of it left.
    NotSent,
    /// The other side says that it has not executed it.
    NotExecuted,
    /// It may have been.
    MaybeExecuted,
}

impl Account {
    pub(super) const fn new(number: u64, plan: Plan) -> Self {
        Self {
            number,
            plan,
            connection: None,
            begun: false,
            sent: Vec::new(),
            finished: false,
            failed: false,
            heard: Vec::new(),
            heard_error: false,
            heard_all: false,
            ending: None,
        }
    }

    /// It ends.
    ///
    /// # Panics
    ///
    /// If it has ended before.
    pub(super) fn end(&mut self, ending: Ending) {
        let before = self.ending.replace(ending);
        assert!(before.is_none(), "call {:x} ended as {before:?}, and then as {ending:?}", self.number);
    }

    /// What its caller is told.
    ///
    /// # Panics
    ///
    /// If it has not ended.
    pub fn outcome(&self) -> Outcome {
        match self.ending.expect("it has ended") {
            Ending::Clean => Outcome::Answered,
            Ending::Unopened | Ending::Lost { sent: false } => Outcome::NotSent,
            Ending::Reset(Code::REFUSED | Code::UNKNOWN_METHOD) => Outcome::NotExecuted,
            Ending::Dropped if self.connection.is_none() => Outcome::NotSent,
            Ending::Reset(_) | Ending::Lost { sent: true } | Ending::Dropped => Outcome::MaybeExecuted,
        }
    }
}
