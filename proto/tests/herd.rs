//! A thousand clients lose their server at the same instant: do they come back as a herd?
//!
//! Each run prints when they are connected again, in tenths of the time from the first to the last.

use std::time::Duration;

use bowline_proto::sim::{SocketId, Weather, World};
use bowline_proto::{Options, Reconnect, SocketType};

const CLIENTS: usize = 1000;

/// The most that may come back in one tenth of the time.
///
/// At random times it were a tenth, and more than an eighth hardly ever. But some have one attempt more behind them than
/// others when the server is back, so they come in two waves, and the first may be the shorter: with it, up to four in
/// ten were seen, with any jitter from half the delay to all of it. A herd is all of them in one.
const MOST_IN_A_TENTH: usize = CLIENTS / 2;

/// When the clients are connected again, after their server was away for so long: from its return.
fn returns(outage: Duration) -> Vec<Duration> {
    let mut w = World::new(7);
    w.set_weather(Weather { chunk: 65_536, capacity: 65_536, delay: Duration::from_millis(1) });
    let server = w.socket(SocketType::Pull, Options::new());
    w.bind(server, "server");
    let clients: Vec<SocketId> = (0..CLIENTS).map(|_| w.socket(SocketType::Push, Options::new())).collect();
    for &client in &clients {
        w.connect(client, "server");
    }
    // Long enough to count as stable.
    w.run_for(Duration::from_secs(60));
    assert_eq!(w.peers(server), CLIENTS);

    w.stop(server);
    w.run_for(outage);
    w.begin_again(server);
    let back = w.now();
    let mut returns = Vec::new();
    let all = w.run_until(Duration::from_secs(60), |w| {
        returns.resize(w.peers(server), w.now() - back);
        returns.len() == CLIENTS
    });
    assert!(all, "only {} of {CLIENTS} come back", returns.len());
    returns
}

fn they_come_back_apart(outage: Duration) {
    let returns = returns(outage);
    let first = returns[0];
    let window = returns[CLIENTS - 1].saturating_sub(first);
    let mut tenths = [0; 10];
    for &at in &returns {
        let place = 10 * at.saturating_sub(first).as_nanos() / (window.as_nanos() + 1);
        tenths[place as usize] += 1;
    }
    println!("the server is back after {outage:?}, and its {CLIENTS} clients are from {first:?} on:");
    for (at, &count) in (0..).zip(&tenths) {
        let from = first + window * at / 10;
        println!("{:>8.3} s {count:>4} {}", from.as_secs_f64(), "#".repeat(count / 5));
    }

    // The longer it was away, the longer the delays that they are in. At least they share out the shortest.
    let least = Duration::from_millis(40).max(outage / 3);
    assert!(window >= least, "they are spread over {window:?} only");
    assert!(tenths.iter().all(|&count| count <= MOST_IN_A_TENTH), "no herd: {tenths:?}");
    let Reconnect::Exponential { max, .. } = Options::new().reconnect else { panic!("the default grows") };
    // At the worst the longest delay, with as much again of jitter, began as the server came back.
    let most = 2 * max + Duration::from_secs(1);
    assert!(returns.iter().all(|&at| at <= most), "all are back within {most:?}");
}

#[test]
fn they_come_back_apart_after_a_twentieth_of_a_second() {
    they_come_back_apart(Duration::from_millis(50));
}

#[test]
fn they_come_back_apart_after_a_second() {
    they_come_back_apart(Duration::from_secs(1));
}

#[test]
fn they_come_back_apart_after_five_seconds() {
    they_come_back_apart(Duration::from_secs(5));
}

#[test]
fn they_come_back_apart_after_half_a_minute() {
    they_come_back_apart(Duration::from_secs(30));
}
