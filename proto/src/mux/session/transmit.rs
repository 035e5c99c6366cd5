//! What we say to the peer.

use super::{Audience, Input, LastWord, Message, Part, Session, State, room};
use crate::mux::frame::{self, Frame, PAYLOAD_MOST, Then};
use crate::mux::outgoing::{Most, Next};
use crate::mux::schedule::TURN;

impl<A: Audience> Session<A> {
    /// Whether there may be a frame for the peer.
    #[inline]
    pub const fn has_frames(&self) -> bool {
        !(self.control.is_empty() && self.data.is_empty() && self.pong.is_none() && self.go_away.is_none())
            || self.delay.is_due()
    }

    /// The next frame for the peer: control first, then data, the most urgent class first, and within one class in
    /// turns of 16 KiB.
    pub fn poll_transmit(&mut self) -> Option<Message> {
        self.transmit(frame::message)
    }

    /// As [`poll_transmit`](Self::poll_transmit), for those who need no message of it: `take` gets the header and the
    /// payload of the frame, which stand where they are until it has them.
    #[inline]
    pub fn transmit<T>(&mut self, take: impl FnOnce(&[u8], &Part) -> T) -> Option<T> {
        if !self.has_frames() {
            return None;
        }
        match self.next_control() {
            Some(frame) => {
                let payload = frame.write(&mut self.scratch);
                Some(take(&self.scratch, payload))
            }
            None => self.next_data(take),
        }
    }

    fn next_control(&mut self) -> Option<Frame> {
        if let Some(nonce) = self.pong.take() {
            return Some(Frame::Ping { nonce, answer: true });
        }
        if let Some((opens, code, reason)) = self.go_away.take() {
            return Some(Frame::GoAway { opens, code, reason });
        }
        while let Some(key) = self.control.first() {
            self.control.remove(key);
            let stream = self.slots.stream(key);
            let sid = stream.id.sid();
            if let Some(word) = stream.last_word.take() {
                self.settle(key);
                return Some(match word {
                    LastWord::Reset(code, reason) => Frame::Reset { sid, code, reason },
                    LastWord::End => Frame::End { sid },
                });
            }
            if stream.state.hears() && stream.incoming.is_due(self.delay.is_near()) {
                let trend = self.delay.trend(stream.incoming.window());
                let bytes = stream.incoming.give(&mut self.pool, trend, self.delay.round()) as u64;
                if bytes > 0 {
                    return Some(Frame::Credit { sid, bytes });
                }
            }
        }
        self.delay.poll().map(|nonce| Frame::Ping { nonce, answer: false })
    }

    fn next_data<T>(&mut self, take: impl FnOnce(&[u8], &Part) -> T) -> Option<T> {
        let (key, most) = self.next_turn()?;
        let next = self.slots.stream(key).outgoing.next(most)?;
        let is_opened = self.write_header(key, next);
        let stream = self.slots.stream(key);
        let before = stream.outgoing.unsent();
        let taken = match next {
            Next::Payload { len, .. } => stream.outgoing.pass(len, |payload| take(&self.scratch, payload)),
            Next::End => take(&self.scratch, &Part::EMPTY),
        };
        stream.outgoing.advance(next);
        let spent = before - stream.outgoing.unsent();
        self.unsent -= spent;
        if !stream.outgoing.is_ready() {
            self.data.remove(key);
            self.turn = None;
        } else if let Some((_, left)) = &mut self.turn {
            *left = left.saturating_sub(spent);
        }
        let room = room(&self.settings, self.unsent, &stream.outgoing);
        if stream.outgoing.has_room_again(room) {
            let id = stream.id;
            self.audience.writable(id);
        }
        self.wrote(key, next, is_opened);
        Some(taken)
    }

    /// Whose turn it is, and how much payload its next frame may have.
    fn next_turn(&mut self) -> Option<(u32, Most)> {
        let is_direct = self.is_direct;
        let most = |bytes| if is_direct { Most::Message } else { Most::Bytes(bytes) };
        // Nobody else waits: there is nobody to take turns with.
        if self.data.is_alone() {
            self.turn = None;
            return self.data.first().map(|key| (key, most(PAYLOAD_MOST)));
        }
        loop {
            let key = self.data.first()?;
            let left = self.turn.filter(|&(other, _)| other == key).map_or(TURN, |(_, left)| left);
            let stream = self.slots.stream(key);
            // A one-way stream is one frame, whatever its length.
            let most = most(if stream.state == State::New && stream.opening.one_way { PAYLOAD_MOST } else { TURN });
            // A message that does not fit any more waits for the next turn, so that no turn ends with a scrap.
            if left < TURN && stream.outgoing.next_cost(most) > left {
                self.data.rotate(key);
                self.turn = None;
                continue;
            }
            self.turn = Some((key, left));
            return Some((key, most));
        }
    }

    /// Puts the header of the next frame into the scratch, and says whether that opens the stream.
    fn write_header(&mut self, key: u32, next: Next) -> bool {
        let Self { slots, scratch, our_methods, opens, .. } = self;
        let stream = slots.stream(key);
        let sid = stream.id.sid();
        scratch.clear();
        match next {
            Next::Payload { then, .. } if stream.state == State::New => {
                opens.0 += 1;
                stream.ordinal = opens.0;
                let method = our_methods.name(stream.opening.method);
                frame::write_open(sid, method, &stream.opening.extra, then, scratch);
                return true;
            }
            Next::Payload { then, error, .. } => frame::write_data(sid, then, error, scratch),
            Next::End => frame::write_end(sid, scratch),
        }
        false
    }

    /// The frame is written: moves its stream.
    fn wrote(&mut self, key: u32, next: Next, is_opened: bool) {
        if is_opened && self.slots.stream(key).opening.one_way {
            return self.apply(key, Input::OneWay);
        }
        if is_opened {
            self.apply(key, Input::Opened);
        }
        if matches!(next, Next::End | Next::Payload { then: Then::Finish, .. }) {
            self.apply(key, Input::Finished);
        }
    }
}
