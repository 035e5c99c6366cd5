//! A snapshot and the events after it: together they are every later snapshot, whatever goes on.

mod common;

use std::collections::HashMap;

use bowline::{ConnectionId, Dealer, Monitor, MonitorEvent, MonitorKind, Push, Reconnect, Snapshot, TransportState};
use common::{At, Script, quick, usual, within};
use tokio::task::JoinHandle;

/// A snapshot and all that came after it.
type Told = (Snapshot, Vec<MonitorEvent>);

/// Reads a monitor to its end.
fn follow((snapshot, mut monitor): (Snapshot, Monitor)) -> JoinHandle<Told> {
    tokio::spawn(async move {
        let mut events = Vec::new();
        while let Some(event) = monitor.next().await {
            events.push(event);
        }
        (snapshot, events)
    })
}

/// A small generator: choices that differ from seed to seed.
fn choices(seed: u32) -> impl FnMut(u32) -> u32 {
    let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
    move |below| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) % below
    }
}

/// Each connection is told in its order, and has one end.
fn check_lives(events: &[MonitorEvent]) {
    assert!(events.is_sorted_by_key(|event| event.time), "time goes backwards");
    let mut lives: HashMap<ConnectionId, Vec<&'static str>> = HashMap::new();
    for event in events {
        assert!(!matches!(event.kind, MonitorKind::Lagged(_)), "the test reads too slowly");
        let name = event.kind.name();
        if ["accepted", "connected", "handshake_succeeded", "ready", "handshake_failed", "disconnected"].contains(&name)
        {
            lives.entry(event.connection.expect("an event of a connection names it")).or_default().push(name);
        }
    }
    for (connection, life) in lives {
        assert!(
            matches!(
                life[..],
                ["accepted" | "connected", "handshake_failed"]
                    | ["accepted" | "connected", "handshake_succeeded", "disconnected"]
                    | ["accepted" | "connected", "handshake_succeeded", "ready", "disconnected"]
            ),
            "{connection}: {life:?}"
        );
    }
    assert_eq!(events.last().map(|event| event.kind.name()), Some("stopped"));
}

/// Sockets that come, meet the hub, and go in one way or another.
async fn guests(hub: Dealer, seed: u32, lives: usize) {
    let mut choice = choices(seed);
    let mut ways: Vec<String> = Vec::new();
    for at in [At::Tcp, At::Ipc, At::Inproc] {
        ways.push(hub.bind(at.any()).await.unwrap().to_string());
    }
    for _ in 0..lives {
        let guest = Dealer::with_options(quick());
        let told = follow(guest.monitor_with_snapshot());
        if choice(3) == 0 {
            // The hub connects, perhaps before anybody is there.
            let place = [At::Tcp, At::Ipc, At::Inproc][choice(3) as usize].place();
            let is_late = choice(2) == 0;
            if is_late {
                hub.connect(&place).unwrap();
                tokio::task::yield_now().await;
            }
            guest.bind(&place).await.unwrap();
            if !is_late {
                hub.connect(&place).unwrap();
            }
            if choice(4) > 0 {
                guest.wait_for_peer().await;
            }
            hub.disconnect(&place).unwrap();
        } else {
            let way = &ways[choice(3) as usize];
            guest.connect(way).unwrap();
            if choice(4) > 0 {
                guest.wait_for_peer().await;
            }
            if choice(4) == 0 {
                for peer in guest.peers() {
                    guest.disconnect_peer(peer.connection).ok();
                }
                guest.wait_for_peer().await;
            }
        }
        if choice(2) == 0 {
            guest.stop();
        }
        assert_eq!(guest.close().await, 0);
        let (start, events) = told.await.unwrap();
        assert_eq!(start, Snapshot::default());
        check_lives(&events);
    }
}

// A page has one thread.
#[cfg(not(target_family = "wasm"))]
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_snapshot_and_the_events_after_it_are_every_later_snapshot() {
    within("a_snapshot_and_the_events_after_it_are_every_later_snapshot", async {
        let hub = Dealer::with_options(quick().linger(Some(std::time::Duration::ZERO)));
        let first = follow(hub.monitor_with_snapshot());
        let guests: Vec<_> = (1..=4).map(|seed| tokio::spawn(guests(hub.clone(), seed, 20))).collect();
        let looking = tokio::spawn({
            let hub = hub.clone();
            async move {
                let (mut looks, mut choice) = (Vec::new(), choices(99));
                while hub.try_recv() != Err(bowline::RecvError::Closed) {
                    if looks.len() < 200 {
                        looks.push(follow(hub.monitor_with_snapshot()));
                    }
                    for _ in 0..choice(200) {
                        tokio::task::yield_now().await;
                    }
                }
                looks
            }
        });
        for guest in guests {
            guest.await.unwrap();
        }
        hub.close().await;
        let (start, all) = first.await.unwrap();
        assert_eq!(start, Snapshot::default());
        check_lives(&all);
        let (mut snapshot, mut at) = (start, 0);
        let looks = looking.await.unwrap();
        assert!(looks.len() > 1);
        for look in looks {
            let (later, events) = look.await.unwrap();
            let before = all.len() - events.len();
            assert_eq!(all[before..], events, "exactly the events after the snapshot");
            all[at..before].iter().for_each(|event| snapshot.apply(event));
            at = before;
            assert_eq!(snapshot, later);
        }
        all[at..].iter().for_each(|event| snapshot.apply(event));
        assert!(snapshot.is_stopped() && snapshot.state() == TransportState::Disconnected);
        assert_eq!((snapshot.connections().count(), snapshot.dialed().count(), snapshot.listening().len()), (0, 0, 0));
        assert_eq!(snapshot, hub.monitor_with_snapshot().0);
    })
    .await;
}

#[tokio::test]
async fn what_a_slow_monitor_has_missed_is_exactly_what_it_is_told() {
    within("what_a_slow_monitor_has_missed_is_exactly_what_it_is_told", async {
        let push = Push::with_options(usual().reconnect(Reconnect::Never));
        let (mut slow, mut fast) = (push.monitor(), push.monitor());
        let (mut all, mut heard) = (Vec::new(), Vec::new());
        let mut choice = choices(7);
        for round in 0..2500 {
            let endpoint = push.bind(At::Inproc.place()).await.unwrap();
            push.unbind(endpoint).await.unwrap();
            all.extend([fast.event().await, fast.event().await]);
            // Now and then the slow one reads some, and falls behind again.
            if round % 800 == 799 {
                for _ in 0..choice(900) {
                    heard.push(slow.event().await);
                }
            }
        }
        push.close().await;
        for (monitor, events) in [(&mut fast, &mut all), (&mut slow, &mut heard)] {
            while let Some(event) = monitor.next().await {
                events.push(event);
            }
        }
        let (mut at, mut gaps) = (0, 0);
        for event in heard {
            if let MonitorKind::Lagged(missed) = event.kind {
                (at, gaps) = (at + usize::try_from(missed).unwrap(), gaps + 1);
            } else {
                assert_eq!(event, all[at]);
                at += 1;
            }
        }
        assert_eq!(at, all.len());
        assert!(gaps > 1, "it was to fall behind more than once");
    })
    .await;
}

for_each_transport! {
    async fn a_snapshot_shows_endpoints_and_connections_with_their_stages(at: At) {
        use bowline::monitor::{DialStage, Stage};
        let dealer = Dealer::with_options(usual().reconnect(Reconnect::Fixed(common::LIMIT)));
        let (start, mut monitor) = dealer.monitor_with_snapshot();
        assert_eq!(start, Snapshot::default());
        let bound = dealer.bind(at.any()).await.unwrap();
        let place = dealer.connect(at.place()).unwrap();
        let waiting = monitor.skip_to(if at.is_inproc() { "connect_delayed" } else { "connect_retried" }).await;
        let snapshot = dealer.monitor_with_snapshot().0;
        assert_eq!((snapshot.listening(), snapshot.state()), (&[bound.clone()][..], TransportState::Connecting));
        let dialed = snapshot.dialed().next().unwrap();
        assert_eq!((&dialed.endpoint, dialed.attempt, Some(dialed.connection)), (&place, 1, waiting.connection));
        match (&waiting.kind, dialed.stage) {
            (MonitorKind::ConnectRetried { delay, .. }, DialStage::Waiting { until }) => {
                assert_eq!(until, waiting.time + *delay);
            }
            (MonitorKind::ConnectDelayed, DialStage::Connecting) => {}
            other => panic!("{other:?}"),
        }

        let guest = Dealer::with_options(usual());
        guest.connect(&bound).unwrap();
        let ready = monitor.skip_to("ready").await;
        let snapshot = dealer.monitor_with_snapshot().0;
        let (id, connection) = snapshot.connections().next().unwrap();
        assert_eq!((Some(id), connection.since, connection.attempt), (ready.connection, ready.time, None));
        assert_eq!((connection.stage, &connection.endpoint, &connection.peer), (Stage::Ready, &Some(bound), &ready.peer));
        assert_eq!(snapshot.state(), TransportState::Connected);
    }
}
