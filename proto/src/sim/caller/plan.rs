//! What a call is to be: drawn from a seed that travels with it, so that both sides know.

use fastrand::Rng;

use crate::message::Part;
use crate::mux::frame::PAYLOAD_MOST;
use crate::mux::{Head, MethodRef};

/// What a call sends, and what it is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Nothing answers it.
    pub one_way: bool,
    /// Its urgency, and that of the answer.
    pub urgency: u8,
    /// The lengths of the messages that the caller sends: at least one.
    pub sends: Vec<usize>,
    /// Both directions end with a bare FIN, not with their last message.
    pub bare: bool,
    /// What the handler does.
    pub answer: Answer,
}

/// What a handler does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Every message comes back as it was.
    Echo,
    /// One message of this length, when the caller has ended.
    Result(usize),
    /// Messages of these lengths, whatever the caller still sends.
    Items(Vec<usize>),
    /// A result after so many messages, whatever the caller still sends.
    Early(usize),
    /// A typed error after so many messages.
    Fail(usize),
    /// No answer after so many messages: the handler is gone.
    Panic(usize),
    /// The method is not known.
    Refuse,
}

impl Plan {
    /// Any plan, with messages of up to about `most` bytes.
    pub(super) fn drawn(seed: u64, most: usize) -> Self {
        let mut rng = Rng::with_seed(seed);
        let one_way = rng.u8(..10) == 0;
        let several = rng.bool();
        let lengths = |rng: &mut Rng| {
            let count = if several { rng.usize(0..12) } else { 0 };
            (0..=count).map(|_| length(rng, most)).collect::<Vec<_>>()
        };
        let sends = if one_way { vec![length(&mut rng, most.min(PAYLOAD_MOST))] } else { lengths(&mut rng) };
        let after = rng.usize(1..=sends.len());
        let answer = match rng.u8(..16) {
            0..6 => Answer::Echo,
            6..9 => Answer::Result(length(&mut rng, most)),
            9..12 => Answer::Items(lengths(&mut rng)),
            12 => Answer::Early(after),
            13 => Answer::Fail(after),
            14 => Answer::Panic(after),
            _ => Answer::Refuse,
        };
        Self { one_way, urgency: rng.u8(..=Head::URGENCY_LEAST), sends, bare: rng.bool(), answer }
    }
}

fn length(rng: &mut Rng, most: usize) -> usize {
    match rng.u8(..8) {
        0 => 0,
        1..5 => rng.usize(..50.min(most)),
        5..7 => rng.usize(..most.div_ceil(8)),
        _ => rng.usize(..most),
    }
}

/// What a call says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label {
    /// Its number: no other call of the world has it.
    pub(super) number: u64,
    /// The connection that it was made on.
    pub(super) connection: u64,
    /// What its plan is drawn from.
    pub(super) seed: u64,
    pub(super) most: u64,
}

impl Label {
    pub(super) fn plan(self) -> Plan {
        Plan::drawn(self.seed, self.most as usize)
    }

    /// The method that a call of this number names: a few, so that they are defined anew on each connection.
    pub(super) const fn method(self) -> MethodRef {
        MethodRef { codec: (self.number % 4) as u8, id: 1 + self.number % 7, shape: 0 }
    }

    pub(super) fn head(self, plan: &Plan) -> Head {
        let mut head = Head { one_way: plan.one_way, urgency: plan.urgency, ..Head::new(self.method()) };
        let words = [self.number, self.connection, self.seed, self.most].map(u64::to_le_bytes);
        head.metadata.push("label", words.concat());
        head
    }

    /// The label of a call that came.
    ///
    /// # Panics
    ///
    /// If the head is not the one that was sent.
    pub(super) fn of(head: &Head) -> Self {
        let label = head.metadata.get("label").expect("the metadata arrive");
        let mut words = label.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().expect("eight bytes")));
        let mut word = || words.next().expect("the metadata arrive whole");
        let label = Self { number: word(), connection: word(), seed: word(), most: word() };
        assert_eq!(*head, label.head(&label.plan()), "the head of a call arrives as it was given");
        label
    }
}

/// The message of this place in a direction of a call, like no other one. A longer one begins with the shorter.
pub(super) fn body(number: u64, of_answer: bool, place: usize, len: usize) -> Vec<u8> {
    let seed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (place as u64) << 1 ^ u64::from(of_answer);
    let mut rng = Rng::with_seed(seed);
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        bytes.extend_from_slice(&rng.u64(..).to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// Whether `part` is that message, or, if it is not `whole`, its beginning.
pub(super) fn is_body(part: &[u8], number: u64, of_answer: bool, place: usize) -> bool {
    body(number, of_answer, place, part.len()) == part
}

/// A message as it is sent.
pub(super) fn part(number: u64, of_answer: bool, place: usize, len: usize) -> Part {
    body(number, of_answer, place, len).into()
}
