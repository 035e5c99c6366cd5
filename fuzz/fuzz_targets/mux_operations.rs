//! Two joined sessions whose applications do anything: neither breaks the protocol, every message arrives as it was sent
//! and in order, and in the end nothing is left.

#![no_main]

use std::collections::{HashMap, VecDeque};

use arbitrary::Arbitrary;
use bowline_proto::mux::{Code, End, Event, Head, Kind, MethodRef, Session, Settings, Side, StreamId, cost};
use bowline_proto::{Message, Part};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
enum Operation {
    Open {
        one_way: bool,
        finish: bool,
        len: u16,
        urgency: u8,
    },
    Send {
        at: u8,
        len: u16,
        finish: bool,
    },
    Fail {
        at: u8,
        len: u16,
    },
    Finish(u8),
    Reset(u8),
    Consume(u8),
    GoAway,
    /// The transport takes so many frames.
    Write(u8),
    /// So many of them arrive.
    Deliver(u8),
}

/// What one application knows of a stream.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, none a state")]
struct Stream {
    number: u32,
    is_opener: bool,
    sent: Vec<usize>,
    finished: bool,
    heard: usize,
    partial: usize,
    held: usize,
    ended: bool,
    /// It was reset or dropped, and says nothing about the rest.
    cut: bool,
}

struct Seat {
    session: Session,
    streams: HashMap<StreamId, Stream>,
    over: Vec<Stream>,
    wire: VecDeque<Message>,
}

/// The length of a message: that of many is more than a window, so that they need credit.
fn size(len: u16) -> usize {
    usize::from(len) * if len.is_multiple_of(2) { 1 } else { 4 }
}

/// The messages of each stream and direction differ.
fn body(number: u32, of_opener: bool, place: usize, len: usize) -> Part {
    let first = (number as u8).wrapping_mul(31) ^ (place as u8).wrapping_mul(7) ^ u8::from(of_opener);
    vec![first; len].into()
}

impl Seat {
    fn new(side: Side) -> Self {
        let settings = Settings {
            max_streams: 4,
            max_window: 128 * 1024,
            pool: 100_000,
            max_message: 1 << 20,
            send_buffer: 30_000,
        };
        let (streams, over, wire) = (HashMap::new(), Vec::new(), VecDeque::new());
        Self { session: Session::new(side, settings), streams, over, wire }
    }

    /// In the same order each time.
    fn ids(&self) -> Vec<StreamId> {
        let mut ids: Vec<_> = self.streams.keys().copied().collect();
        ids.sort_by_key(|id| id.index());
        ids
    }

    fn any(&self, at: u8) -> Option<StreamId> {
        let ids = self.ids();
        (!ids.is_empty()).then(|| ids[usize::from(at) % ids.len()])
    }

    fn act(&mut self, operation: &Operation, numbers: &mut u32) {
        let end = |finish| if finish { End::Finish } else { End::Open };
        match *operation {
            Operation::Open { one_way, finish, len, urgency } => {
                let (len, finish) = (size(len), finish || one_way);
                let mut head = Head { one_way, urgency: urgency % 8, ..Head::new(MethodRef::default()) };
                head.metadata.push("number", numbers.to_le_bytes().to_vec());
                if let Ok(id) = self.session.open(&head, body(*numbers, true, 0, len), end(finish)) {
                    let number = *numbers;
                    let stream =
                        Stream { number, is_opener: true, sent: vec![len], finished: finish, ..Stream::default() };
                    assert!(self.streams.insert(id, stream).is_none(), "a handle comes once");
                    *numbers += 1;
                }
            }
            Operation::Send { at, len, finish } => {
                let Some(id) = self.any(at) else { return };
                let stream = self.streams.get_mut(&id).expect("one of them");
                let (place, len) = (stream.sent.len(), size(len));
                if self.session.send(id, body(stream.number, stream.is_opener, place, len), end(finish)).is_ok() {
                    stream.sent.push(len);
                    stream.finished |= finish;
                }
            }
            Operation::Fail { at, len } => {
                let Some(id) = self.any(at) else { return };
                let stream = self.streams.get_mut(&id).expect("one of them");
                let (place, len) = (stream.sent.len(), size(len));
                if self.session.fail(id, body(stream.number, stream.is_opener, place, len)).is_ok() {
                    stream.sent.push(len);
                    stream.finished = true;
                }
            }
            Operation::Finish(at) => self.finish(self.any(at)),
            Operation::Reset(at) => {
                let Some(id) = self.any(at) else { return };
                self.session.reset(id, Code::CANCELLED, "");
                self.streams.get_mut(&id).expect("one of them").cut = true;
            }
            Operation::Consume(at) => {
                let Some(id) = self.any(at) else { return };
                let held = std::mem::take(&mut self.streams.get_mut(&id).expect("one of them").held);
                self.session.consumed(id, held);
            }
            Operation::GoAway => self.session.go_away(Code::REFUSED, ""),
            Operation::Write(frames) => {
                for _ in 0..frames % 8 {
                    self.wire.extend(self.session.poll_transmit());
                }
            }
            Operation::Deliver(_) => {}
        }
    }

    fn finish(&mut self, id: Option<StreamId>) {
        if let Some(id) = id {
            self.session.finish(id);
            self.streams.get_mut(&id).expect("one of them").finished = true;
        }
    }

    fn listen(&mut self) {
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Opened { id, head } => {
                    let number = head.metadata.get("number").expect("it was sent");
                    let number = u32::from_le_bytes((**number).try_into().expect("four bytes"));
                    let stream = Stream { number, ..Stream::default() };
                    assert!(self.streams.insert(id, stream).is_none(), "opened once");
                }
                Event::Data { id, payload, more, kind } => {
                    let stream = self.streams.get_mut(&id).expect("data is of a stream that is open");
                    assert!(!stream.ended && !stream.cut, "nothing comes behind the end");
                    assert!(kind == Kind::Item || stream.is_opener, "only an answer is an error");
                    let same = body(stream.number, !stream.is_opener, stream.heard, payload.len());
                    assert!(payload == same, "stream {}, message {}", stream.number, stream.heard);
                    stream.held += cost(payload.len());
                    stream.partial += payload.len();
                    if !more {
                        stream.heard += 1;
                        stream.partial = 0;
                    }
                }
                Event::Ended { id } => {
                    let stream = self.streams.get_mut(&id).expect("an end is of a stream that is open");
                    assert!(!stream.ended && !stream.cut && stream.partial == 0);
                    stream.ended = true;
                }
                Event::Reset { id, .. } | Event::Lost { id, .. } => {
                    let stream = self.streams.get_mut(&id).expect("a reset is of a stream that is open");
                    assert!(!stream.cut, "a stream ends once");
                    stream.cut = true;
                }
                Event::Writable { id } => assert!(self.streams.contains_key(&id)),
                Event::GoAway { .. } => {}
                Event::Closed { id } => self.over.push(self.streams.remove(&id).expect("closed once")),
            }
        }
        self.session.check();
    }
}

/// Carries everything over, consumes and finishes it, until nothing is left.
fn settle(seats: &mut [Seat; 2]) {
    for _ in 0..10_000 {
        for at in 0..2 {
            let seat = &mut seats[at];
            for id in seat.ids() {
                seat.finish(Some(id));
                let held = seat.streams.get_mut(&id).map_or(0, |stream| std::mem::take(&mut stream.held));
                seat.session.consumed(id, held);
            }
            seat.wire.extend(std::iter::from_fn(|| seat.session.poll_transmit()));
            seat.listen();
            deliver(seats, at, usize::MAX);
        }
        if seats.iter().all(|seat| seat.wire.is_empty() && seat.session.is_idle()) {
            return;
        }
    }
    panic!("something is never sent");
}

fn deliver(seats: &mut [Seat; 2], from: usize, most: usize) {
    for _ in 0..most {
        let Some(frame) = seats[from].wire.pop_front() else { return };
        seats[1 - from].session.handle(&frame).expect("a session keeps to the protocol");
        seats[1 - from].listen();
    }
}

fuzz_target!(|input: (Vec<(bool, Operation)>, bool)| {
    let (operations, is_lost) = input;
    let mut seats = [Seat::new(Side::Client), Seat::new(Side::Server)];
    let mut numbers = 0;
    for (at, operation) in &operations {
        let at = usize::from(*at);
        if let Operation::Deliver(frames) = operation {
            deliver(&mut seats, at, usize::from(frames % 8));
        }
        seats[at].act(operation, &mut numbers);
        seats[at].listen();
    }
    if is_lost {
        for seat in &mut seats {
            seat.session.lost();
            seat.listen();
        }
    } else {
        settle(&mut seats);
    }
    let [client, server] = &seats;
    assert!(client.streams.is_empty() && server.streams.is_empty(), "every stream is closed");
    assert!(client.session.is_idle() && server.session.is_idle());
    let over = || client.over.iter().chain(&server.over);
    let speakers: HashMap<(u32, bool), &Stream> =
        over().map(|stream| ((stream.number, stream.is_opener), stream)).collect();
    assert_eq!(speakers.len(), over().count(), "a stream is opened once");
    for hearer in over() {
        let Some(speaker) = speakers.get(&(hearer.number, !hearer.is_opener)) else {
            assert!(hearer.heard == 0 && !hearer.ended, "an answer of nobody");
            continue;
        };
        assert!(hearer.heard <= speaker.sent.len());
        assert!(
            !hearer.ended || speaker.finished && hearer.heard == speaker.sent.len(),
            "it was told that this is all"
        );
    }
});
