//! A connection of a world: two seats and the bytes between them.

use super::agenda::{Agenda, Task};
use super::net::Direction;
use super::node::Node;
use super::record::Record;
use super::seat::{Seat, Surroundings};
use super::world::SocketId;
use crate::time::Instant;

/// What happened on one connection that is over.
#[derive(Clone, Debug)]
pub struct ConnectionRecord {
    /// Its number: a later connection has a higher one.
    pub id: u64,
    /// The number of the endpoint that it was made for.
    pub endpoint: usize,
    /// The socket that connected.
    pub dialer: SocketId,
    /// The socket that accepted.
    pub listener: SocketId,
    /// What happened at the side that connected.
    pub at_dialer: Record,
    /// What happened at the side that accepted.
    pub at_listener: Record,
    /// Whether the network broke it.
    pub was_cut: bool,
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) id: u64,
    pub(super) dial: usize,
    pub(super) seats: [Seat; 2],
    /// What each seat reads.
    pub(super) inputs: [Direction; 2],
    pub(super) was_cut: bool,
    /// The dialer knows that it is over.
    pub(super) is_told: bool,
    /// How much of what each seat delivered was compared with what its peer sent.
    compared: [usize; 2],
}

impl Connection {
    pub(super) const fn new(id: u64, dial: usize, seats: [Seat; 2], inputs: [Direction; 2]) -> Self {
        Self { id, dial, seats, inputs, was_cut: false, is_told: false, compared: [0; 2] }
    }

    pub(super) fn side<'a>(
        &'a mut self,
        side: usize,
        nodes: &'a mut [Node],
        now: Instant,
    ) -> (&'a mut Seat, Surroundings<'a>) {
        let [first, second] = &mut self.inputs;
        let (input, output) = if side == 0 { (first, second) } else { (second, first) };
        let seat = &mut self.seats[side];
        let node = &mut nodes[seat.node];
        (seat, Surroundings { node, output, input, now })
    }

    pub(super) fn is_half_open(&self) -> bool {
        self.inputs.iter().any(Direction::is_silent)
    }

    /// Puts a side on the agenda: for now if a turn might do something, else for when it might.
    pub(super) fn plan(&mut self, side: usize, agenda: &mut Agenda, now: Instant) {
        let task = Task::Seat(self.id, side);
        if self.has_work(side, now) {
            agenda.now(task);
            return;
        }
        let seat = &mut self.seats[side];
        let Some(next) = seat.next_event(&self.inputs[side]) else { return };
        if seat.planned.is_none_or(|planned| next < planned) {
            seat.planned = Some(next);
            agenda.at(next, task);
        }
    }

    pub(super) fn has_work(&self, side: usize, now: Instant) -> bool {
        self.seats[side].has_work(&self.inputs[1 - side], &self.inputs[side], now)
    }

    /// A connection delivers what was sent by it, in order, from the first: nothing else, nothing twice.
    pub(super) fn compare(&mut self, side: usize) {
        let (to, from) = (&self.seats[side].record, &self.seats[1 - side].record);
        let new = self.compared[side]..to.delivered.len();
        let sent = from.sent.get(new.clone());
        assert!(sent == Some(&to.delivered[new.clone()]), "delivered {:?} of what was sent: {sent:?}", to.delivered);
        self.compared[side] = new.end;
    }

    pub(super) fn into_record(self) -> ConnectionRecord {
        let [dialer, listener] = self.seats;
        // What had arrived can't have gone back into the pipe.
        assert!(dialer.record.delivered.len() <= listener.record.sent.len(), "{:?}", dialer.record.delivered);
        assert!(listener.record.delivered.len() <= dialer.record.sent.len(), "{:?}", listener.record.delivered);
        ConnectionRecord {
            id: self.id,
            endpoint: self.dial,
            dialer: SocketId(dialer.node),
            listener: SocketId(listener.node),
            at_dialer: dialer.record,
            at_listener: listener.record,
            was_cut: self.was_cut,
        }
    }
}
