//! What a subscriber of `tracing` hears of a socket.
#![cfg(feature = "tracing")]

mod common;

use std::fmt::{Debug, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bowline::{Options, Pull, Push};
use common::{Script, quick, within};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Writes a line for each span and each event of bowline.
#[derive(Clone, Default)]
struct Lines {
    lines: Arc<Mutex<Vec<String>>>,
    spans: Arc<AtomicU64>,
}

/// Fields as `name=value`.
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() != "detail" {
            write!(self.0, " {}={value:?}", field.name()).unwrap();
        }
    }
}

impl Lines {
    fn add(&self, metadata: &Metadata<'_>, what: &str, record: impl FnOnce(&mut Fields)) {
        let mut fields = Fields(format!("{} {what}", metadata.level()));
        record(&mut fields);
        self.lines.lock().unwrap().push(fields.0);
    }

    fn with(&self, text: &str) -> Vec<String> {
        self.lines.lock().unwrap().iter().filter(|line| line.contains(text)).cloned().collect()
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "bowline"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.add(span.metadata(), span.metadata().name(), |fields| span.record(fields));
        Id::from_u64(1 + self.spans.fetch_add(1, Ordering::Relaxed))
    }

    fn event(&self, event: &Event<'_>) {
        self.add(event.metadata(), "event", |fields| event.record(fields));
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn each_socket_and_each_connection_has_a_span_and_every_event_is_told() {
    let lines = Lines::default();
    let _subscribed = tracing::subscriber::set_default(lines.clone());
    within("each_socket_and_each_connection_has_a_span_and_every_event_is_told", async {
        let (pull, push) = (Pull::new(), Push::with_options(quick()));
        let mut monitor = pull.monitor();
        let endpoint = pull.bind("tcp://127.0.0.1:*").await.unwrap();
        push.connect(&endpoint).unwrap();
        monitor.skip_to("ready").await;
        push.close().await;
        pull.close().await;
        for (socket, connections) in [("PULL", 1), ("PUSH", 1)] {
            assert_eq!(lines.with(&format!("DEBUG socket type=\"{socket}\"")).len(), connections);
        }
        assert_eq!(lines.with(&format!("DEBUG connection id=1 endpoint={endpoint}")).len(), 2);
        let ready = lines.with("event=\"ready\"");
        assert!(ready.iter().any(|line| line.contains("connection=1 attempt=1 peer=\"PULL\"")), "{ready:?}");
        assert_eq!(lines.with("event=\"stopped\"").len(), 2);
        assert_eq!(lines.with("WARN"), [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn what_is_lost_or_given_up_is_a_warning() {
    let lines = Lines::default();
    let _subscribed = tracing::subscriber::set_default(lines.clone());
    within("what_is_lost_or_given_up_is_a_warning", async {
        let options = Options::new().max_attempts(Some(1)).linger(Some(Duration::ZERO));
        let push = Push::with_options(options);
        let mut monitor = push.monitor();
        push.connect(common::At::Tcp.place()).unwrap();
        push.send("nobody will hear this").await.unwrap();
        monitor.skip_to("connect_stopped").await;
        let warnings = lines.with("WARN");
        assert!(warnings[0].contains("event=\"dropped\"") && warnings[1].contains("event=\"connect_stopped\""));
        assert_eq!(warnings.len(), 2, "{warnings:?}");
    })
    .await;
}
