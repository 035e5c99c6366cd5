//! Two sessions joined by a network that delivers when it likes, applications that do what they like, and a connection
//! that may break at any moment: every stream ends once on both sides, with exactly the bytes that were sent.

use std::collections::HashMap;
use std::time::Duration;

use fastrand::Rng;

use super::*;
use crate::time::Instant;

/// One message as it was sent or came, and whether it was an error.
type Said = (Vec<u8>, bool);

/// What one application knows of one stream.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, that others are held against")]
struct Account {
    /// Which stream of the run it is, for both sides the same.
    number: u32,
    opener: bool,
    one_way: bool,
    /// What it sent, and whether that is all.
    sent: Vec<Said>,
    finished: bool,
    /// What it heard.
    heard: Vec<Said>,
    partial: Vec<u8>,
    to_consume: usize,
    ended: bool,
    cut: bool,
    reset_by_us: bool,
    lost: Option<bool>,
    closed: bool,
}

/// A session, its application, and the frames on their way to the other side.
struct Seat {
    session: Session,
    accounts: HashMap<StreamId, Account>,
    over: Vec<Account>,
    wire: std::collections::VecDeque<Message>,
    patient: bool,
}

struct Run {
    seats: [Seat; 2],
    rng: Rng,
    numbers: u32,
    now: Instant,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let settings = Settings {
            max_streams: rng.usize(1..20),
            max_window: (64 * 1024) << rng.u32(0..3),
            pool: rng.usize(0..300_000),
            max_message: rng.usize(60_000..200_000),
            send_buffer: rng.usize(1..200_000),
        };
        let is_direct = rng.bool();
        let session = |side| {
            let mut session = Session::new(side, settings);
            if is_direct {
                session.set_direct();
            }
            session
        };
        let seat = |side, patient| Seat {
            session: session(side),
            accounts: HashMap::new(),
            over: Vec::new(),
            wire: std::collections::VecDeque::new(),
            patient,
        };
        let seats = [seat(Side::Client, rng.bool()), seat(Side::Server, rng.bool())];
        Self { seats, rng, numbers: 0, now: Instant::ZERO }
    }

    fn payload(&mut self) -> Vec<u8> {
        let len = match self.rng.u8(0..10) {
            0 => 0,
            1..6 => self.rng.usize(0..50),
            6..9 => self.rng.usize(0..5_000),
            _ => self.rng.usize(0..60_000),
        };
        (0..len).map(|_| self.rng.u8(..)).collect()
    }

    fn step(&mut self) {
        let at = self.rng.usize(0..2);
        self.now += Duration::from_micros(self.rng.u64(0..500));
        self.seats[at].session.set_time(self.now);
        match self.rng.u8(0..20) {
            0..2 => self.open(at),
            2..7 => self.send(at),
            7 => self.end(at),
            8 if self.rng.u8(0..4) == 0 => self.reset(at),
            9..14 => self.write(at),
            14..18 => self.deliver(at),
            _ => self.consume(at),
        }
        self.seats.iter_mut().for_each(Seat::listen);
    }

    fn open(&mut self, at: usize) {
        let body = self.payload();
        let one_way = self.rng.u8(0..6) == 0;
        let end = if one_way || self.rng.bool() { End::Finish } else { End::Open };
        let mut head = Head { one_way, urgency: self.rng.u8(0..8), ..Head::new(method(self.rng.u64(0..5))) };
        head.metadata.push("number", self.numbers.to_le_bytes().to_vec());
        let seat = &mut self.seats[at];
        if let Ok(id) = seat.session.open(&head, body.clone().into(), end) {
            let account = Account {
                number: self.numbers,
                opener: true,
                one_way,
                sent: vec![(body, false)],
                finished: end == End::Finish,
                ..Account::default()
            };
            assert!(seat.accounts.insert(id, account).is_none(), "a handle comes once");
            self.numbers += 1;
        }
    }

    /// A stream of this seat, any of them.
    fn any(&mut self, at: usize) -> Option<StreamId> {
        let mut ids: Vec<_> = self.seats[at].accounts.keys().copied().collect();
        ids.sort_by_key(|id| self.seats[at].accounts[id].number);
        self.rng.choice(ids)
    }

    fn send(&mut self, at: usize) {
        let Some(id) = self.any(at) else { return };
        let (body, last) = (self.payload(), self.rng.u8(0..5) == 0);
        let error = last && self.rng.bool();
        let seat = &mut self.seats[at];
        let account = seat.accounts.get_mut(&id).expect("one of them");
        let result = if error {
            seat.session.fail(id, body.clone().into()).map_err(|error| error.kind)
        } else {
            let end = if last { End::Finish } else { End::Open };
            seat.session.send(id, body.clone().into(), end).map_err(|error| error.kind)
        };
        match result {
            Ok(()) => {
                assert!(!account.finished && !account.reset_by_us);
                account.sent.push((body, error));
                account.finished = last;
            }
            Err(SendErrorKind::NotResponder) => assert!(account.opener),
            Err(SendErrorKind::Blocked) => {}
            Err(kind) => assert!(
                account.finished || account.reset_by_us || account.one_way || account.ended || account.cut,
                "{kind:?} on a stream that goes on"
            ),
        }
    }

    fn end(&mut self, at: usize) {
        if let Some(id) = self.any(at) {
            self.seats[at].session.finish(id);
            self.seats[at].accounts.get_mut(&id).expect("one of them").finished = true;
        }
    }

    fn reset(&mut self, at: usize) {
        if let Some(id) = self.any(at) {
            self.seats[at].session.reset(id, Code::CANCELLED, "because");
            let account = self.seats[at].accounts.get_mut(&id).expect("one of them");
            // One that was cut already may wait for its end to be written; then this changes nothing.
            account.reset_by_us |= !account.cut;
        }
    }

    fn write(&mut self, at: usize) {
        for _ in 0..self.rng.u8(1..6) {
            let seat = &mut self.seats[at];
            seat.wire.extend(seat.session.poll_transmit());
        }
    }

    fn deliver(&mut self, at: usize) {
        for _ in 0..self.rng.u8(1..6) {
            if let Some(frame) = self.seats[at].wire.pop_front() {
                self.seats[1 - at].session.handle(&frame).expect("a session keeps to the protocol");
                self.seats[1 - at].listen();
            }
        }
    }

    fn consume(&mut self, at: usize) {
        if self.seats[at].patient || self.rng.bool() {
            self.seats[at].consume();
        }
    }

    /// Both applications end what they have, and read on until nothing is left.
    fn finish(&mut self) {
        for seat in &mut self.seats {
            for (id, account) in &mut seat.accounts {
                seat.session.finish(*id);
                account.finished = true;
            }
        }
        for _ in 0..100_000 {
            for at in 0..2 {
                // A stream that is heard of just now is answered too.
                let seat = &mut self.seats[at];
                for (id, account) in &mut seat.accounts {
                    seat.session.finish(*id);
                    account.finished = true;
                }
                seat.consume();
                self.write(at);
                self.deliver(at);
                self.seats[at].listen();
            }
            if self.seats.iter().all(|seat| seat.wire.is_empty() && seat.session.is_idle()) {
                return;
            }
        }
        panic!("something is never sent");
    }
}

impl Seat {
    fn listen(&mut self) {
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::Opened { id, head } => {
                    let number = head.metadata.get("number").expect("it was sent");
                    let number = u32::from_le_bytes((**number).try_into().expect("four bytes"));
                    let account = Account { number, one_way: head.one_way, ..Account::default() };
                    assert!(self.accounts.insert(id, account).is_none(), "a handle comes once");
                }
                Event::Data { id, payload, more, kind } => {
                    let account = self.account(id);
                    assert!(!account.ended && !account.reset_by_us && !account.cut && account.lost.is_none());
                    account.to_consume += cost(payload.len());
                    account.partial.extend_from_slice(&payload);
                    if !more {
                        let message = std::mem::take(&mut account.partial);
                        account.heard.push((message, kind == Kind::Error));
                    }
                }
                Event::Ended { id } => {
                    let account = self.account(id);
                    assert!(!account.ended && !account.reset_by_us && !account.cut && account.partial.is_empty());
                    account.ended = true;
                }
                Event::Reset { id, code, .. } => {
                    assert!([Code::CANCELLED, Code::REFUSED].contains(&code), "{code} by a session");
                    let account = self.account(id);
                    assert!(!account.reset_by_us && !account.cut && account.lost.is_none());
                    account.cut = true;
                }
                Event::Lost { id, sent } => {
                    let account = self.account(id);
                    assert!(!account.reset_by_us && !account.cut);
                    assert!(account.lost.replace(sent).is_none());
                }
                Event::Closed { id } => {
                    let mut account = self.accounts.remove(&id).expect("it is closed once");
                    account.closed = true;
                    self.over.push(account);
                }
                Event::Writable { id } => drop(self.account(id).number),
                Event::GoAway { .. } => unreachable!("nobody goes"),
            }
        }
    }

    fn account(&mut self, id: StreamId) -> &mut Account {
        self.accounts.get_mut(&id).expect("nothing is heard of a stream before it is opened, or behind its end")
    }

    fn consume(&mut self) {
        for (id, account) in &mut self.accounts {
            self.session.consumed(*id, std::mem::take(&mut account.to_consume));
        }
    }
}

/// What one side heard is what the other one said: all of it, if it was told that this is the end; its beginning, if not.
fn compare(hearer: &Account, speaker: &Account) {
    let len = hearer.heard.len();
    assert!(speaker.sent.len() >= len && hearer.heard[..] == speaker.sent[..len], "stream {}", hearer.number);
    if hearer.ended {
        assert!(
            speaker.finished && len == speaker.sent.len(),
            "stream {} was cut and said it was whole",
            hearer.number
        );
    } else if let Some((next, _)) = speaker.sent.get(len) {
        assert!(next.starts_with(&hearer.partial));
    }
}

fn run(seed: u64) -> (usize, usize) {
    let mut run = Run::new(seed);
    for _ in 0..run.rng.usize(0..600) {
        run.step();
    }
    let broken = run.rng.bool();
    if broken {
        for seat in &mut run.seats {
            seat.session.lost();
            seat.listen();
        }
    } else {
        run.finish();
    }
    let [client, server] = &mut run.seats;
    for seat in [&mut *client, &mut *server] {
        assert!(seat.accounts.is_empty(), "every stream was closed");
        assert!(seat.session.is_idle() && seat.session.poll_transmit().is_none());
        assert_eq!((seat.session.streams(), seat.session.unsent()), (0, 0));
        for account in &seat.over {
            // The ends exclude each other; who opened a stream has exactly one.
            let answered = account.opener && account.ended;
            let ends = [answered, account.cut, account.reset_by_us && !account.ended, account.lost.is_some()];
            let count = ends.iter().filter(|&&end| end).count();
            assert!(
                count <= 1 && (count == 1 || !account.opener || account.one_way),
                "stream {} {ends:?}",
                account.number
            );
            assert!(broken || account.lost.is_none());
        }
    }
    let mut theirs: HashMap<u32, &Account> = HashMap::new();
    for account in client.over.iter().chain(&server.over).filter(|account| !account.opener) {
        assert!(theirs.insert(account.number, account).is_none(), "a stream is opened once");
    }
    let ours: Vec<_> = client.over.iter().chain(&server.over).filter(|account| account.opener).collect();
    for ours in &ours {
        match theirs.get(&ours.number) {
            Some(theirs) => {
                compare(ours, theirs);
                compare(theirs, ours);
                assert_ne!(ours.lost, Some(false), "what the peer has heard of was sent");
            }
            None => assert!(ours.heard.is_empty() && !ours.ended, "an answer of nobody"),
        }
    }
    (ours.len(), theirs.len())
}

#[test]
fn every_stream_ends_once_on_both_sides_with_the_bytes_that_were_sent() {
    let seeds = std::env::var("MUX_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(2_000);
    let (mut opened, mut heard) = (0, 0);
    for seed in 0..seeds {
        let result = std::panic::catch_unwind(|| run(seed));
        let (ours, theirs) = result.unwrap_or_else(|cause| {
            eprintln!("seed {seed}");
            std::panic::resume_unwind(cause)
        });
        opened += ours;
        heard += theirs;
    }
    assert!(heard > 2 * seeds as usize && opened > heard, "{opened} streams were opened, {heard} arrived");
}
