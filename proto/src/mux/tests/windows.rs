//! Windows, over a network that takes its time.

use std::collections::VecDeque;
use std::time::Duration;

use super::*;
use crate::time::Instant;

/// A server that sends as much as it may on one stream, a client that takes what comes at once, and a network between
/// them: so long each way, and so many bytes in a microsecond to the client.
struct Network {
    client: Session,
    server: Session,
    stream: StreamId,
    now: Instant,
    way: Duration,
    rate: u64,
    /// When the last byte that was written is on its way.
    free_at: Instant,
    to_client: VecDeque<(Instant, Message)>,
    to_server: VecDeque<(Instant, Message)>,
    /// Of the stream: what is on its way, and what has come.
    under_way: usize,
    arrived: usize,
}

impl Network {
    fn new(way: Duration, rate: u64) -> Self {
        let mut pair = Pair::new();
        let (_, stream) = pair.open("", End::Open);
        let Pair { client, server, .. } = pair;
        let now = Instant::ZERO;
        let (to_client, to_server) = (VecDeque::new(), VecDeque::new());
        Self { client, server, stream, now, way, rate, free_at: now, to_client, to_server, under_way: 0, arrived: 0 }
    }

    fn write(&mut self) {
        let chunk = Part::from(vec![9; 64 * 1024]);
        while self.server.send(self.stream, chunk.clone(), End::Open).is_ok() {}
        for session in [&mut self.client, &mut self.server] {
            session.set_time(self.now);
        }
        while let Some(frame) = self.client.poll_transmit() {
            self.to_server.push_back((self.now + self.way, frame));
        }
        while let Some(frame) = self.server.poll_transmit() {
            self.under_way += frame.size();
            self.free_at = self.free_at.max(self.now) + Duration::from_nanos(frame.size() as u64 * 1_000 / self.rate);
            self.to_client.push_back((self.free_at + self.way, frame));
        }
        events(&mut self.server);
    }

    /// Lets the next frame arrive.
    fn step(&mut self) {
        self.write();
        let at = |wire: &VecDeque<(Instant, Message)>| wire.front().map(|(at, _)| *at);
        let is_to_client = match (at(&self.to_client), at(&self.to_server)) {
            (Some(client), server) => server.is_none_or(|server| client <= server),
            (None, server) => {
                assert!(server.is_some(), "nothing is under way");
                false
            }
        };
        let wire = if is_to_client { &mut self.to_client } else { &mut self.to_server };
        let (at, frame) = wire.pop_front().expect("it was looked at");
        self.now = at;
        let session = if is_to_client { &mut self.client } else { &mut self.server };
        session.set_time(at);
        session.handle(&frame).expect("a session keeps to the protocol");
        if is_to_client {
            self.under_way -= frame.size();
            for event in events(&mut self.client) {
                if let Event::Data { id, payload, .. } = event {
                    self.arrived += payload.len();
                    self.client.consumed(id, cost(payload.len()));
                }
            }
        }
    }

    /// Lets so much time pass; the most that is under way meanwhile, and how much arrives in a microsecond.
    fn pass(&mut self, time: Duration) -> (usize, u64) {
        let (begun, until, before) = (self.now, self.now + time, self.arrived);
        let mut most = 0;
        while self.now < until {
            self.step();
            most = most.max(self.under_way);
        }
        let micros = (self.now - begun).as_micros();
        (most, ((self.arrived - before) as u128 / micros) as u64)
    }

    /// The same while calls come and go beside the stream.
    fn pass_in_company(&mut self, time: Duration) -> (usize, u64) {
        let until = self.now + time;
        let mut last = (0, 0);
        while self.now < until {
            let call = self.client.open(&call(), "".into(), End::Finish).expect("there is room");
            last = self.pass(8 * self.way + Duration::from_micros(200));
            self.client.reset(call, Code::CANCELLED, "");
        }
        last
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_window_grows_as_far_as_the_way_makes_use_of_it() {
    // A gigabit over a millisecond there and back: 100 KiB are under way when it is full.
    let mut network = Network::new(Duration::from_micros(500), 100);
    network.pass(SECOND);
    let (most, rate) = network.pass(SECOND);
    assert!(rate >= 98, "{rate} of 100 bytes in a microsecond");
    assert!(most < 300 * 1024, "{most} bytes are under way");
}

#[test]
fn a_long_way_gets_the_largest_window() {
    let mut network = Network::new(Duration::from_millis(20), 1_000);
    network.pass(SECOND);
    let (most, _) = network.pass(SECOND);
    assert!(most >= 1024 * 1024, "{most} bytes are under way");
}

#[test]
fn a_slow_way_keeps_a_window_that_is_little_more_than_what_is_promised() {
    // Ten megabits: the first 64 KiB alone take 50 ms, and the first answer comes behind them.
    let mut network = Network::new(Duration::from_millis(1), 1);
    network.pass(5 * SECOND);
    let (most, _) = network.pass(5 * SECOND);
    assert!(most < 300 * 1024, "{most} bytes are under way");
}

#[test]
fn a_window_shrinks_while_calls_come_and_go_beside_it_and_grows_again_behind_them() {
    let mut network = Network::new(Duration::from_micros(25), 2_000);
    let (alone, rate) = network.pass(SECOND / 10);
    assert!(alone >= 1024 * 1024 && rate > 1_900, "{alone} bytes are under way, {rate} arrive");
    let (beside, _) = network.pass_in_company(SECOND / 10);
    assert!(beside <= 520 * 1024, "{beside} bytes are under way");
    let (alone, _) = network.pass(SECOND / 10);
    assert!(alone >= 1024 * 1024, "{alone} bytes are under way");
}
