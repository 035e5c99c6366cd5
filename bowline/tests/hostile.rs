//! Peers that want a socket to fall: what each of them costs is bounded, is told by its reason, and an honest peer beside
//! them goes on. [`THREATS`] holds the table of `SECURITY.md` against the tests.

mod common;

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use bowline::{AcceptLimit, DisconnectReason, Endpoint, MonitorKind, Options, PeerLimits, ProtocolError, Pub, Sub};
use common::raw::{Raw, frame, greeting, long_header};
use common::scene::Scene;
use common::{Script, until, within};
use rustix::process::{Resource, Rlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

impl Scene {
    async fn limited(limits: PeerLimits) -> Self {
        Self::set(Options::new().limits(limits)).await
    }

    async fn shake_hands(&mut self) -> Raw {
        let mut peer = Raw::connect(&self.endpoint).await;
        peer.shake_hands("PUSH").await;
        self.monitor.peers(1).await;
        peer
    }

    /// The limit that the next peer is over which is turned away.
    async fn limit(&mut self) -> AcceptLimit {
        match self.monitor.skip_to("accept_refused").await.kind {
            MonitorKind::AcceptRefused { limit, .. } => limit,
            other => unreachable!("{other:?}"),
        }
    }

    fn bytes_received(&self) -> Vec<u64> {
        self.pull.peers().iter().map(|peer| peer.bytes_received).collect()
    }
}

#[tokio::test]
async fn half_open_handshakes_are_bounded_and_those_beyond_are_turned_away() {
    within("half_open_handshakes_are_bounded_and_those_beyond_are_turned_away", async {
        let mut scene = Scene::limited(PeerLimits::new().max_handshakes(Some(50))).await;
        let mut held = Vec::new();
        for _ in 0..50 {
            held.push(Raw::connect(&scene.endpoint).await);
            scene.monitor.skip_to("accepted").await;
        }
        for _ in 0..2000 {
            let turned_away = Raw::connect(&scene.endpoint).await;
            assert_eq!(scene.limit().await, AcceptLimit::Handshakes(50));
            turned_away.closed().await;
        }
        assert_eq!(scene.pull.monitor_with_snapshot().0.connections().count(), 51, "nothing is kept of the others");
        scene.goes_on().await;
        // There is room as soon as one is gone.
        drop(held.pop());
        scene.monitor.skip_to("handshake_failed").await;
        scene.shake_hands().await;
        scene.goes_on().await;
    })
    .await;
}

#[test]
fn a_half_open_handshake_takes_a_few_kib() {
    const HALF_OPEN: u32 = 200;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut scene = runtime.block_on(Scene::set(Options::new()));
    let mut held = Vec::with_capacity(200);
    let taken = allocation_counter::measure(|| {
        runtime.block_on(async {
            for _ in 0..HALF_OPEN {
                let mut peer = Raw::connect(&scene.endpoint).await;
                scene.monitor.skip_to("accepted").await;
                peer.send(greeting("NULL")).await;
                // Our greeting and our READY: the socket has come as far as it comes without the peer.
                peer.read(64 + 2).await;
                held.push(peer);
            }
        });
    });
    // Of both sides together, since they are in one process.
    let each = taken.bytes_current / i64::from(HALF_OPEN);
    println!("{each} bytes for each of {HALF_OPEN} half-open handshakes");
    assert!(each < 16 * 1024, "{each} bytes each");
}

/// Where the process is to hold half-open connections that a test has started for that.
const HOLDS_AT: &str = "BOWLINE_TEST_HOLDS_AT";

/// Lets this process have as many descriptors as it may, and says how many.
fn descriptors() -> usize {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    rustix::process::setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    limit.maximum.map_or(usize::MAX, |most| most as usize)
}

/// Opens half of a handshake so many times, says so, and holds them until it is let go.
fn hold(line: &str) {
    let (address, most) = line.split_once(' ').unwrap();
    descriptors();
    let held: Vec<_> = (0..most.parse().unwrap())
        .map(|_| {
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            stream.write_all(&greeting("NULL")).unwrap();
            stream
        })
        .collect();
    std::io::stdin().read_line(&mut String::new()).unwrap();
    drop(held);
}

#[test]
fn ten_thousand_half_open_handshakes_take_a_few_kib_each() {
    if let Ok(line) = std::env::var(HOLDS_AT) {
        return hold(&line);
    }
    // Fewer only where the system does not let a process have so many descriptors.
    let half_open = descriptors().saturating_sub(500).min(10_000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let limits = PeerLimits::new().max_handshakes(Some(half_open));
    let options = Options::new().limits(limits).handshake_timeout(Duration::from_secs(600));
    let mut scene = runtime.block_on(Scene::set(options));
    // The other ends are in a process of their own: there are not descriptors enough for both, nor is their memory ours.
    let address = scene.endpoint.to_string().replace("tcp://", "");
    let mut holder = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ten_thousand_half_open_handshakes_take_a_few_kib_each"])
        .env(HOLDS_AT, format!("{address} {half_open}"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let taken = allocation_counter::measure(|| {
        runtime.block_on(async {
            for _ in 0..half_open {
                scene.monitor.skip_to("accepted").await;
            }
            // What they have said of it is read meanwhile.
            for _ in 0..100 {
                scene.goes_on().await;
            }
        });
    });
    let each = taken.bytes_current / i64::try_from(half_open).unwrap();
    println!("{each} bytes for each of {half_open} half-open handshakes");
    assert!(each < 8 * 1024, "{each} bytes each");
    runtime.block_on(async {
        drop(holder.stdin.take());
        // The monitor may miss some of so many ends at once, but not what is left.
        until(|| scene.pull.monitor_with_snapshot().0.connections().count() == 1).await;
        scene.goes_on().await;
    });
    assert!(holder.wait().unwrap().success());
}

#[tokio::test]
async fn connections_are_bounded_and_those_beyond_are_turned_away() {
    within("connections_are_bounded_and_those_beyond_are_turned_away", async {
        let mut scene = Scene::limited(PeerLimits::new().max_connections(Some(3))).await;
        let kept = [scene.shake_hands().await, scene.shake_hands().await];
        for _ in 0..100 {
            let turned_away = Raw::connect(&scene.endpoint).await;
            assert_eq!(scene.limit().await, AcceptLimit::Connections(3));
            turned_away.closed().await;
        }
        scene.goes_on().await;
        drop(kept);
        for _ in 0..2 {
            assert_eq!(scene.monitor.loss().await, DisconnectReason::PeerClosed);
        }
        scene.shake_hands().await;
        scene.goes_on().await;
    })
    .await;
}

#[tokio::test]
async fn one_address_does_not_take_the_room_of_others() {
    within("one_address_does_not_take_the_room_of_others", async {
        let mut scene = Scene::limited(PeerLimits::new().max_connections_per_ip(Some(2))).await;
        let _kept = scene.shake_hands().await;
        let turned_away = Raw::connect(&scene.endpoint).await;
        assert_eq!(scene.limit().await, AcceptLimit::ConnectionsPerIp(2));
        turned_away.closed().await;
        // Another loopback address is another host.
        let Endpoint::Tcp { port, .. } = scene.endpoint else { unreachable!() };
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 2], 0).into()).unwrap();
        let mut other = Raw { stream: socket.connect(([127, 0, 0, 1], port).into()).await.unwrap() };
        other.shake_hands("PUSH").await;
        scene.monitor.peers(1).await;
        scene.goes_on().await;
    })
    .await;
}

#[tokio::test]
async fn a_greeting_that_drips_has_no_longer_than_one_that_does_not() {
    within("a_greeting_that_drips_has_no_longer_than_one_that_does_not", async {
        let mut scene = Scene::set(Options::new().handshake_timeout(Duration::from_secs(1))).await;
        let mut slow = Raw::connect(&scene.endpoint).await;
        // A greeting, and a command that is as long as one may be: a byte at a time, each a sign of life.
        let drops = [&greeting("NULL")[..], &long_header(4, 16 * 1024), &[0; 16 * 1024 - 1]].concat();
        let endless = async {
            for drop in drops {
                if slow.stream.write_all(&[drop]).await.is_err() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            std::future::pending::<()>().await;
        };
        let reason = tokio::select! {
            reason = scene.monitor.refusal() => reason,
            () = endless => unreachable!("it never ends"),
        };
        assert_eq!(reason, DisconnectReason::HandshakeTimeout);
        slow.closed().await;
        scene.goes_on().await;
    })
    .await;
}

#[tokio::test]
async fn a_frame_of_any_announced_length_takes_no_memory_until_it_comes() {
    within("a_frame_of_any_announced_length_takes_no_memory_until_it_comes", async {
        let limit = 1 << 20;
        let mut scene = Scene::set(Options::new().max_message_size(Some(limit))).await;
        let mut liar = scene.shake_hands().await;
        liar.send(long_header(0, i64::MAX as u64)).await;
        let oversize = DisconnectReason::Oversize { announced: i64::MAX as u64, limit };
        assert_eq!(scene.monitor.loss().await, oversize);
        scene.goes_on().await;
        // There is one unless somebody says otherwise.
        let mut scene = Scene::set(Options::new()).await;
        scene.shake_hands().await.send(long_header(0, (1 << 30) + 1)).await;
        let oversize = DisconnectReason::Oversize { announced: (1 << 30) + 1, limit: 1 << 30 };
        assert_eq!(scene.monitor.loss().await, oversize);
        // Without a limit it is believed, and nothing is held for it.
        let mut scene = Scene::set(Options::new().max_message_size(None)).await;
        let mut liar = scene.shake_hands().await;
        liar.send(long_header(0, i64::MAX as u64)).await;
        liar.send([7; 100]).await;
        scene.goes_on().await;
        drop(liar);
        assert_eq!(scene.monitor.loss().await, ProtocolError::Truncated.into());
        scene.goes_on().await;
    })
    .await;
}

#[tokio::test]
async fn parts_without_end_are_cut_off() {
    within("parts_without_end_are_cut_off", async {
        let mut scene = Scene::set(Options::new()).await;
        let mut endless = scene.shake_hands().await;
        endless.send(frame(1, b"").repeat(70_000)).await;
        assert_eq!(scene.monitor.loss().await, DisconnectReason::TooManyParts { limit: 65_536 });
        endless.closed().await;
        scene.goes_on().await;
    })
    .await;
}

#[tokio::test]
async fn metadata_without_end_are_refused() {
    within("metadata_without_end_are_refused", async {
        let mut scene = Scene::set(Options::new()).await;
        let mut talker = Raw::connect(&scene.endpoint).await;
        talker.send(greeting("NULL")).await;
        let properties = b"\x01x\0\0\0\0".repeat(1000);
        talker.send(frame(4, &[b"\x05READY\x0bSocket-Type\0\0\0\x04PUSH", &properties[..]].concat())).await;
        assert_eq!(scene.monitor.refusal().await, ProtocolError::TooManyProperties { limit: 256 }.into());
        talker.closed().await;
        scene.goes_on().await;
    })
    .await;
}

#[tokio::test]
async fn a_flood_of_subscriptions_ends_its_connection() {
    within("a_flood_of_subscriptions_ends_its_connection", async {
        let limits = PeerLimits::new().max_subscriptions(Some(100)).max_subscription_bytes(Some(50_000));
        let publisher = Pub::with_options(Options::new().limits(limits));
        let mut monitor = publisher.monitor();
        let endpoint = publisher.bind("tcp://127.0.0.1:*").await.unwrap();
        let honest = Sub::new();
        honest.connect(&endpoint).unwrap();
        honest.subscribe("news").unwrap();
        publisher.wait_for_subscriber().await;
        let flood = async |topics: Vec<Vec<u8>>| {
            let mut peer = Raw::connect(&endpoint).await;
            peer.shake_hands("SUB").await;
            for topic in topics {
                // The connection may be gone in the midst of it.
                let subscription = frame(4, &[b"\x09SUBSCRIBE", &topic[..]].concat());
                if peer.stream.write_all(&subscription).await.is_err() {
                    break;
                }
            }
            peer
        };
        let many = flood((0..5000_u32).map(|n| n.to_be_bytes().to_vec()).collect()).await;
        assert_eq!(monitor.loss().await, DisconnectReason::TooManySubscriptions { limit: 100 });
        many.closed().await;
        let long = flood((0..50).map(|n| vec![n; 10_000]).collect()).await;
        assert_eq!(monitor.loss().await, DisconnectReason::SubscriptionsTooLong { limit: 50_000 });
        long.closed().await;
        publisher.send("news of today").await.unwrap();
        assert_eq!(common::text(&honest.recv().await.unwrap()), ["news of today"]);
    })
    .await;
}

#[tokio::test]
async fn a_flood_of_pings_is_answered_as_far_as_it_is_read() {
    within("a_flood_of_pings_is_answered_as_far_as_it_is_read", async {
        let mut scene = Scene::set(Options::new()).await;
        let peer = scene.shake_hands().await;
        let (mut reads, mut writes) = peer.stream.into_split();
        let ping = frame(4, b"\x04PING\0\0context");
        let pings = 200_000;
        // It sends all of them before it reads an answer: what waits for it in the socket is a few KiB at any time, and
        // the answers that find no room are never made.
        let flood = ping.repeat(pings);
        let sent = async { writes.write_all(&flood).await.unwrap() };
        let goes_on = async {
            for _ in 0..100 {
                scene.goes_on().await;
            }
        };
        tokio::join!(sent, goes_on);
        drop(writes);
        let mut answered = 0;
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(n @ 1..) = reads.read(&mut buffer).await {
            answered += n;
        }
        assert!(answered > 0 && answered <= flood.len(), "{answered}");
        scene.goes_on().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_not_received_is_not_read_beyond_its_bytes_and_none_of_it_is_lost() {
    within("what_is_not_received_is_not_read_beyond_its_bytes_and_none_of_it_is_lost", async {
        let (most, size, messages) = (1 << 20, 256 * 1024, 200);
        let mut scene = Scene::limited(PeerLimits::new().max_unread(Some(most))).await;
        let mut peer = scene.shake_hands().await;
        let flood = tokio::spawn(async move {
            for n in 0..messages {
                let body = [vec![n], vec![0; size - 1]].concat();
                peer.send(frame(0, &body)).await;
            }
            peer
        });
        // It is read up to the limit and no further, though recv_hwm would hold all of it.
        until(|| scene.bytes_received().iter().any(|&bytes| bytes >= most as u64)).await;
        common::settle().await;
        let held = scene.bytes_received().into_iter().max().unwrap();
        let bound = (most + (1 << 20) + 2 * size) as u64;
        assert!(held <= bound, "{held} of at most {bound}");
        for n in 0..messages {
            let message = scene.pull.recv().await.unwrap();
            assert_eq!((message.size(), message.parts()[0][0]), (size, n));
        }
        drop(flood.await.unwrap());
        scene.goes_on().await;
    })
    .await;
}

#[tokio::test]
async fn a_message_beyond_the_bytes_that_may_wait_is_received_all_the_same() {
    within("a_message_beyond_the_bytes_that_may_wait_is_received_all_the_same", async {
        let mut scene = Scene::limited(PeerLimits::new().max_unread(Some(1))).await;
        for _ in 0..3 {
            scene.honest.send(vec![7; 3 << 20]).await.unwrap();
            assert_eq!(scene.pull.recv().await.unwrap().size(), 3 << 20);
            scene.goes_on().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_peer_that_is_too_fast_is_held_back_and_loses_nothing() {
    within("a_peer_that_is_too_fast_is_held_back_and_loses_nothing", async {
        let messages = 1500;
        let mut scene = Scene::limited(PeerLimits::new().max_rate(Some(1000))).await;
        let mut fast = scene.shake_hands().await;
        let flood: Vec<u8> = (0..messages).flat_map(|n: u32| frame(0, &n.to_be_bytes())).collect();
        fast.send(flood).await;
        let told = scene.monitor.skip_to("slowed").await;
        assert!(matches!(told.kind, MonitorKind::Slowed(pause) if !pause.is_zero()), "{told:?}");
        for n in 0..messages {
            assert_eq!(scene.pull.recv().await.unwrap().parts(), [n.to_be_bytes()]);
        }
        scene.goes_on().await;
        drop(fast);
        assert_eq!(scene.monitor.loss().await, DisconnectReason::PeerClosed);
    })
    .await;
}

/// The tests that the table of threats names, one in each row.
#[test]
fn each_threat_has_a_test_of_the_name_that_its_row_gives() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let security = read("SECURITY.md");
    let table = security.split_once("## What a hostile peer can cost").expect("the table of threats").1;
    let table = table.split("\n## ").next().unwrap_or_default();
    let mut sources = String::new();
    for folder in ["bowline/tests", "proto/src/link/tests", "proto/src/wire", "proto/src/pattern/tests"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                sources += &std::fs::read_to_string(path).unwrap();
            }
        }
    }
    let mut rows = 0;
    for row in table.lines().filter(|line| line.starts_with('|')).skip(2) {
        let test = row.trim_end_matches(" |").rsplit('`').nth(1).expect("a test at the end of the row");
        assert!(sources.contains(&format!("fn {test}(")), "there is no {test}");
        rows += 1;
    }
    assert!(rows > 10, "the table is read wrongly");
}
