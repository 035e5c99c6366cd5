//! A session whose peer says anything: nothing panics, what it counts adds up, memory has a bound, and every stream is
//! closed once.

#![no_main]

use std::collections::HashMap;

use arbitrary::Arbitrary;
use bowline_proto::mux::frame::{Method, Then};
use bowline_proto::mux::{Code, End, Event, Frame, Head, MethodRef, Session, Settings, Side, StreamId, cost};
use bowline_proto::{Message, Part};
use libfuzzer_sys::fuzz_target;

/// What happens to the session.
#[derive(Arbitrary, Debug)]
enum Step<'a> {
    /// Any bytes.
    Bytes(&'a [u8]),
    /// A frame that can be read, about few streams, so that it often meets one.
    Open {
        sid: u8,
        known: Option<u8>,
        one_way: bool,
        len: u16,
        then: u8,
    },
    Data {
        sid: u8,
        len: u16,
        then: u8,
        error: bool,
    },
    Bare(u8),
    Credit(u8, u32),
    Reset(u8, u8),
    GoAway(u8),
    Ping(u64),
    /// What the application does.
    Call {
        len: u16,
        finish: bool,
    },
    Send {
        at: u8,
        len: u16,
        finish: bool,
    },
    Fail(u8),
    Finish(u8),
    Drop(u8),
    Consume(u8),
    Leave,
    /// The transport takes so many frames.
    Write(u8),
}

fn then(byte: u8) -> Then {
    [Then::More, Then::Next, Then::Finish][usize::from(byte % 3)]
}

fn payload(len: u16) -> Part {
    vec![7; usize::from(len)].into()
}

/// The frame of a step of the peer's, and nothing for the others.
fn frame(step: &Step<'_>) -> Option<Message> {
    let sid = |sid: u8| u16::from(sid % 8);
    let frame = match *step {
        Step::Bytes(bytes) => return Some(Message::from(bytes)),
        Step::Open { sid: id, known, one_way, len, then: byte } => {
            let method =
                known.map_or(Method::Define(MethodRef::default()), |index| Method::Known(u64::from(index % 2)));
            let head = Head { one_way, ..Head::new(MethodRef::default()) };
            let then = if one_way { Then::Finish } else { then(byte) };
            Frame::Open { sid: sid(id), method, head, payload: payload(len), then }
        }
        Step::Data { sid: id, len, then: byte, error } => {
            let then = if error { Then::Finish } else { then(byte) };
            Frame::Data { sid: sid(id), payload: payload(len), then, error }
        }
        Step::Bare(id) => Frame::End { sid: sid(id) },
        Step::Credit(id, bytes) => Frame::Credit { sid: sid(id), bytes: bytes.into() },
        Step::Reset(id, code) => Frame::Reset { sid: sid(id), code: Code(code.into()), reason: String::new() },
        Step::GoAway(opens) => Frame::GoAway { opens: opens.into(), code: Code::REFUSED, reason: String::new() },
        Step::Ping(nonce) => Frame::Ping { nonce, answer: false },
        _ => return None,
    };
    Some(frame.encode())
}

const SETTINGS: Settings =
    Settings { max_streams: 3, max_window: 256 * 1024, pool: 300_000, max_message: 100_000, send_buffer: 50_000 };

/// The streams that are open, with what is held of each.
#[derive(Default)]
struct Application(HashMap<StreamId, usize>);

impl Application {
    fn any(&self, at: u8) -> Option<StreamId> {
        let mut ids: Vec<_> = self.0.keys().copied().collect();
        ids.sort_by_key(|id| id.index());
        (!ids.is_empty()).then(|| ids[usize::from(at) % ids.len()])
    }

    fn act(&mut self, step: &Step<'_>, session: &mut Session) {
        let end = |finish| if finish { End::Finish } else { End::Open };
        match *step {
            Step::Call { len, finish } => {
                if let Ok(id) = session.open(&Head::new(MethodRef::default()), payload(len), end(finish)) {
                    assert!(self.0.insert(id, 0).is_none(), "a handle comes once");
                }
            }
            Step::Send { at, len, finish } => {
                if let Some(id) = self.any(at) {
                    let _refused = session.send(id, payload(len), end(finish));
                }
            }
            Step::Fail(at) => {
                if let Some(id) = self.any(at) {
                    let _refused = session.fail(id, payload(3));
                }
            }
            Step::Finish(at) => {
                if let Some(id) = self.any(at) {
                    session.finish(id);
                }
            }
            Step::Drop(at) => {
                if let Some(id) = self.any(at) {
                    session.reset(id, Code::CANCELLED, "enough");
                }
            }
            Step::Consume(at) => {
                if let Some(id) = self.any(at) {
                    session.consumed(id, self.0.insert(id, 0).unwrap_or(0));
                }
            }
            Step::Leave => session.go_away(Code::REFUSED, ""),
            Step::Write(frames) => (0..frames).for_each(|_| drop(session.poll_transmit())),
            _ => {}
        }
    }

    fn listen(&mut self, session: &mut Session) {
        while let Some(event) = session.poll_event() {
            match event {
                Event::Opened { id, .. } => assert_eq!(self.0.insert(id, 0), None, "opened once"),
                Event::Data { id, payload, .. } => {
                    let held = self.0.get_mut(&id).expect("data is of a stream that is open");
                    *held += cost(payload.len());
                    assert!(*held <= SETTINGS.max_window, "more is held than a window");
                }
                Event::Closed { id } => assert!(self.0.remove(&id).is_some(), "closed once"),
                Event::Ended { id } | Event::Reset { id, .. } | Event::Lost { id, .. } | Event::Writable { id } => {
                    assert!(self.0.contains_key(&id), "nothing is heard of what is closed");
                }
                Event::GoAway { .. } => {}
            }
        }
    }
}

fuzz_target!(|input: (bool, Vec<Step<'_>>)| {
    let (is_server, steps) = input;
    let mut session = Session::new(if is_server { Side::Server } else { Side::Client }, SETTINGS);
    let mut application = Application::default();
    for step in &steps {
        match frame(step) {
            Some(frame) => {
                if session.handle(&frame).is_err() {
                    break;
                }
            }
            None => application.act(step, &mut session),
        }
        application.listen(&mut session);
        session.check();
        assert!(session.unsent() <= 1024 * 1024 + 11 * (SETTINGS.send_buffer + SETTINGS.max_message));
    }
    session.lost();
    application.listen(&mut session);
    session.check();
    assert!(application.0.is_empty() && session.is_idle() && session.poll_transmit().is_none());
});
