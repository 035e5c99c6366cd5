//! Sessions, two of them joined, and frames by hand.

mod calls;
mod ends;
mod hostile;
mod limits;
mod page;
mod random;
mod streams;
mod windows;

use super::frame::{Frame, Method, Then};
use super::{
    Code, End, Event, Head, Kind, Metadata, MethodRef, OpenErrorKind, SendErrorKind, Session, Settings, Side, StreamId,
    Violation, cost,
};
use crate::message::{Message, Part};

/// A method, by its id.
fn method(id: u64) -> MethodRef {
    MethodRef { id, ..MethodRef::default() }
}

/// A plain call.
fn call() -> Head {
    Head::new(method(1))
}

/// All events that wait.
fn events(session: &mut Session) -> Vec<Event> {
    std::iter::from_fn(|| session.poll_event()).collect()
}

/// All frames that wait.
fn frames(session: &mut Session) -> Vec<Frame> {
    std::iter::from_fn(|| session.poll_transmit()).map(|frame| Frame::decode(&frame).expect("our own")).collect()
}

/// Hands a frame over that is written by hand.
fn feed(session: &mut Session, frame: &Frame) -> Result<(), Violation> {
    session.handle(&frame.encode())
}

/// A first OPEN by hand, which defines the method.
fn opening(sid: u16, payload: &str, then: Then) -> Frame {
    Frame::Open { sid, method: Method::Define(method(1)), head: call(), payload: payload.into(), then }
}

fn data(sid: u16, payload: &str, then: Then) -> Frame {
    Frame::Data { sid, payload: payload.into(), then, error: false }
}

fn reset(sid: u16, code: Code) -> Frame {
    Frame::Reset { sid, code, reason: String::new() }
}

/// The streams of the peer that these events tell of.
fn opened(events: &[Event]) -> Vec<StreamId> {
    let opened = |event: &Event| if let Event::Opened { id, .. } = event { Some(*id) } else { None };
    events.iter().filter_map(opened).collect()
}

/// What these events say in payloads of one stream, joined.
fn said(events: &[Event], stream: StreamId) -> Vec<u8> {
    let payload = |event: &Event| match event {
        Event::Data { id, payload, .. } if *id == stream => Some(payload.to_vec()),
        _ => None,
    };
    events.iter().filter_map(payload).flatten().collect()
}

/// A client and a server, and what crossed between them.
struct Pair {
    client: Session,
    server: Session,
    /// All that was written, with the two bytes or nine of a ZMTP frame for each part.
    bytes: usize,
}

impl Pair {
    fn new() -> Self {
        Self::with(Settings::default())
    }

    fn with(settings: Settings) -> Self {
        let session = |side| Session::new(side, settings);
        Self { client: session(Side::Client), server: session(Side::Server), bytes: 0 }
    }

    /// Carries frames both ways until there are none.
    fn run(&mut self) {
        loop {
            let there = Self::carry(&mut self.client, &mut self.server, &mut self.bytes);
            let back = Self::carry(&mut self.server, &mut self.client, &mut self.bytes);
            if there + back == 0 {
                return;
            }
        }
    }

    fn carry(from: &mut Session, to: &mut Session, bytes: &mut usize) -> usize {
        let mut count = 0;
        while let Some(frame) = from.poll_transmit() {
            let header = |part: &Part| if part.len() < 256 { 2 } else { 9 };
            *bytes += frame.size() + frame.parts().iter().map(header).sum::<usize>();
            to.handle(&frame).expect("a session keeps to the protocol");
            count += 1;
        }
        count
    }

    /// Opens a stream and carries it over; the handles of both sides.
    fn open(&mut self, payload: &str, end: End) -> (StreamId, StreamId) {
        let ours = self.client.open(&call(), payload.into(), end).expect("there is room");
        self.run();
        let events = events(&mut self.server);
        let [theirs] = opened(&events)[..] else { panic!("one stream was opened: {events:?}") };
        (ours, theirs)
    }
}
