//! What the peer says.

use super::{Audience, Code, Head, Input, Message, Role, Session, State, Violation};
use crate::mux::event::Kind;
use crate::mux::frame::{Frame, Method, PAYLOAD_MOST, Payload, Then};

/// A payload as it came.
#[derive(Clone, Copy)]
struct Piece<'a> {
    payload: Payload<'a>,
    then: Then,
    kind: Kind,
}

impl<A: Audience> Session<A> {
    /// Takes a frame from the peer. Several events may follow.
    ///
    /// # Errors
    ///
    /// A [`Violation`] ends the connection: `lost` is to be called next.
    pub fn handle(&mut self, frame: &Message) -> Result<(), Violation> {
        if self.lost {
            return Ok(());
        }
        let most = if self.is_direct { usize::MAX } else { PAYLOAD_MOST };
        match Frame::read(frame, most)? {
            Frame::Open { sid, method, head, payload, then } => {
                self.opened(sid, method, head, Piece { payload, then, kind: Kind::Item })
            }
            Frame::Data { sid, payload, then, error } => {
                let kind = if error { Kind::Error } else { Kind::Item };
                self.data(sid, Piece { payload, then, kind })
            }
            Frame::End { sid } => self.end(sid),
            Frame::Credit { sid, bytes } => self.credit(sid, bytes),
            Frame::Reset { sid, code, reason } => {
                if let Some(key) = self.written(sid) {
                    self.cut(key, Input::PeerReset, code, &reason);
                }
                Ok(())
            }
            Frame::GoAway { opens, code, reason } => {
                self.turned_away(opens, code, &reason);
                Ok(())
            }
            Frame::Ping { nonce, answer } => {
                if answer {
                    self.delay.answered(nonce, self.opens.0 + self.opens.1);
                } else {
                    self.pong = Some(nonce);
                }
                Ok(())
            }
        }
    }

    fn opened(&mut self, sid: u16, method: Method, mut head: Head, piece: Piece<'_>) -> Result<(), Violation> {
        if self.slots.is_ours(sid) {
            return Err(Violation::WrongSide { sid });
        }
        if self.slots.find(sid).is_some() {
            return Err(Violation::IdInUse { sid });
        }
        head.method = self.their_methods.resolve(method)?;
        self.opens.1 += 1;
        let refused = self.refusing || self.slots.theirs() >= self.settings.max_streams;
        let key = self.slots.accept(sid);
        let stream = self.slots.stream(key);
        let (id, one_way) = (stream.id, head.one_way);
        stream.told = !refused;
        stream.urgency = head.urgency;
        if !refused {
            self.audience.opened(id, head);
        }
        if one_way {
            if !refused {
                self.audience.data(id, piece.payload.to_part(), false, Kind::Item);
            }
            self.apply(key, Input::OneWay);
            return Ok(());
        }
        self.apply(key, Input::Opened);
        if refused {
            self.cut(key, Input::Reset, Code::REFUSED, "");
        }
        self.take(key, piece);
        Ok(())
    }

    fn data(&mut self, sid: u16, piece: Piece<'_>) -> Result<(), Violation> {
        let key = self.speaker(sid)?;
        // Only an answer can be an error.
        if piece.kind == Kind::Error && self.slots.stream(key).role == Role::Responder {
            return Err(Violation::WrongSide { sid });
        }
        self.take(key, piece);
        Ok(())
    }

    fn end(&mut self, sid: u16) -> Result<(), Violation> {
        let key = self.speaker(sid)?;
        let stream = self.slots.stream(key);
        if stream.partial.is_some() && stream.state.hears() {
            self.broken(key, Code::MALFORMED, "the stream ended within a message");
        }
        self.apply(key, Input::PeerFinished);
        Ok(())
    }

    /// The place of a stream whose peer may send data: its direction has not ended.
    fn speaker(&mut self, sid: u16) -> Result<u32, Violation> {
        let key = self.slots.find(sid).ok_or(Violation::NotOpen { sid })?;
        match self.slots.stream(key).state {
            State::Open | State::Ended | State::Over => Ok(key),
            State::New | State::Answering | State::Closed => Err(Violation::NotOpen { sid }),
        }
    }

    /// The place of a stream that a RESET or CREDIT is about. If there is none, they are of a life that is over.
    fn written(&mut self, sid: u16) -> Option<u32> {
        self.slots.find(sid).filter(|&key| self.slots.stream(key).state != State::New)
    }

    /// Takes a payload: hands it on, counts it as late, or ends the stream because of it.
    fn take(&mut self, key: u32, piece: Piece<'_>) {
        let Piece { payload, then, kind } = piece;
        let stream = self.slots.stream(key);
        if stream.state.hears() {
            let message = stream.partial.unwrap_or(0).saturating_add(payload.len());
            if stream.incoming.received(payload.len(), self.is_direct).is_err() {
                self.broken(key, Code::FLOW, "more data than there was credit for");
            } else if message > self.settings.max_message {
                self.broken(key, Code::TOO_LARGE, "the message is too large");
            } else {
                let more = then == Then::More;
                stream.partial = more.then_some(message);
                let id = stream.id;
                let consumed = self.audience.data(id, payload.to_part(), more, kind);
                // Nobody is given credit for a direction that is over.
                if consumed > 0 && then != Then::Finish {
                    self.consumed(id, consumed);
                }
            }
        } else {
            self.late.frames += 1;
            self.late.bytes += payload.len() as u64;
        }
        if then == Then::Finish {
            self.apply(key, Input::PeerFinished);
        }
    }

    fn broken(&mut self, key: u32, code: Code, reason: &str) {
        self.cut(key, Input::Broken, code, reason);
    }

    fn credit(&mut self, sid: u16, bytes: u64) -> Result<(), Violation> {
        if let Some(key) = self.written(sid) {
            self.slots.stream(key).outgoing.add_credit(bytes).ok_or(Violation::CreditOverflow)?;
            self.schedule(key);
        }
        Ok(())
    }

    /// The peer has taken so many of our streams and takes no more.
    fn turned_away(&mut self, opens: u64, code: Code, reason: &str) {
        self.refused = true;
        self.audience.go_away(code, reason);
        for key in self.slots.taken() {
            let stream = self.slots.stream(key);
            if stream.role == Role::Opener && (stream.ordinal == 0 || stream.ordinal > opens) {
                self.cut(key, Input::PeerReset, Code::REFUSED, reason);
            }
        }
    }
}
