//! What a recorder of the `metrics` facade hears of a socket.
#![cfg(feature = "metrics")]

mod common;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bowline::{PeerLimits, Pull, Push};
use common::{Script, quick, until, usual, within};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Label, Metadata, Recorder, SharedString, Unit};

/// Keeps every figure by its name and its labels.
#[derive(Default)]
struct Figures(Mutex<HashMap<String, Arc<AtomicU64>>>);

impl Figures {
    fn cell(&self, key: &Key) -> Arc<AtomicU64> {
        let labels: Vec<&str> = key.labels().map(Label::value).collect();
        let name = format!("{} {}", key.name(), labels.join(" "));
        Arc::clone(self.0.lock().unwrap().entry(name).or_default())
    }

    fn count(&self, name: &str) -> u64 {
        self.0.lock().unwrap().get(name).map_or(0, |cell| cell.load(Ordering::Relaxed))
    }

    fn gauge(&self, name: &str) -> f64 {
        f64::from_bits(self.count(name))
    }
}

impl Recorder for Figures {
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.cell(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.cell(key))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }

    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
}

#[tokio::test]
async fn messages_bytes_and_connections_are_counted() {
    let figures = Figures::default();
    let _recorded = metrics::set_default_local_recorder(&figures);
    within("messages_bytes_and_connections_are_counted", async {
        let (pull, push) = (Pull::new(), Push::with_options(quick()));
        let mut monitor = pull.monitor();
        push.connect(pull.bind("tcp://127.0.0.1:*").await.unwrap()).unwrap();
        for _ in 0..10 {
            push.send("hello").await.unwrap();
        }
        for _ in 0..10 {
            pull.recv().await.unwrap();
        }
        assert!(figures.gauge("bowline_peers PULL") > 0.0 && figures.gauge("bowline_peers PUSH") > 0.0);
        push.close().await;
        monitor.loss().await;
        pull.close().await;
    })
    .await;
    assert!(figures.gauge("bowline_peers PULL") <= 0.0);
    for (name, count) in [
        ("bowline_messages_sent_total PUSH", 10),
        ("bowline_messages_received_total PULL", 10),
        ("bowline_connect_attempts_total PUSH", 1),
        ("bowline_connections_accepted_total PULL", 1),
        ("bowline_handshakes_total PULL", 1),
        ("bowline_disconnects_total PULL peer_closed", 1),
        ("bowline_disconnects_total PUSH local_close", 1),
        ("bowline_endpoints_given_up_total PUSH local_close", 1),
    ] {
        assert_eq!(figures.count(name), count, "{name}");
    }
    // A greeting of 64 bytes, a READY command, and ten messages of seven bytes.
    let (sent, received) =
        (figures.count("bowline_bytes_sent_total PUSH"), figures.count("bowline_bytes_received_total PULL"));
    assert!(sent == received && sent > 64 + 70, "{sent} {received}");
}

#[tokio::test]
async fn newcomers_wait_while_others_are_served_and_all_of_them_get_in() {
    let figures = Figures::default();
    let _recorded = metrics::set_default_local_recorder(&figures);
    within("newcomers_wait_while_others_are_served_and_all_of_them_get_in", async {
        let pull = Pull::with_options(usual().limits(PeerLimits::new().newcomer_percent(Some(10))));
        let (push, place) = (Push::with_options(usual()), pull.bind("tcp://127.0.0.1:*").await.unwrap());
        push.connect(&place).unwrap();
        let serving = tokio::spawn({
            let pull = pull.clone();
            async move {
                let send = async {
                    loop {
                        push.send("served").await.unwrap();
                    }
                };
                let receive = async {
                    loop {
                        pull.recv().await.unwrap();
                    }
                };
                tokio::join!(send, receive)
            }
        });
        let mut newcomers = Vec::new();
        while figures.count("bowline_turns_waited_total PULL") == 0 {
            let newcomer = Push::with_options(usual());
            newcomer.connect(&place).unwrap();
            newcomer.wait_for_peer().await;
            newcomers.push(newcomer);
        }
        until(|| pull.peers().len() == 1 + newcomers.len()).await;
        serving.abort();
    })
    .await;
}
